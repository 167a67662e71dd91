//! Plugins' files through the door that plugins' requests come by.
//!
//! Each test has a folder of its own; what people do from outside, the tests do to that folder.

use std::{
    fs,
    path::Path,
    sync::{Mutex, mpsc},
    time::SystemTime,
};

use plugin_protocol::FileVersion;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

type Answer = Result<(FileAnswer, Bytes), Problem>;

/// The files of plugins in a folder of their own, and what the owner was told.
struct World {
    folder: TempDir,
    files: Files,
    told: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let files = Files::new(folder.path().to_owned(), move |warning| {
            sink.lock().unwrap().push(warning.to_string());
        });
        Self { folder, files, told }
    }

    /// Where a file of the plugin `levels` is.
    fn place(&self, path: &str) -> PathBuf {
        self.folder.path().join("levels/files").join(path)
    }

    fn begin(&self, request: FileRequest, content: &[u8]) -> mpsc::Receiver<Answer> {
        let (sender, answer) = mpsc::channel();
        let content = Bytes::copy_from_slice(content);
        self.files.ask("levels".parse().unwrap(), request, content, move |met| {
            sender.send(met).unwrap();
        });
        answer
    }

    fn ask(&self, request: FileRequest, content: &[u8]) -> Answer {
        self.begin(request, content).recv().expect("every request is answered")
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> Answer {
        self.ask(request(FileAction::Write, path), content.as_ref())
    }

    fn write_json(&self, path: &str, content: &str) -> Answer {
        let request = FileRequest {
            json: true,
            ..request(FileAction::Write, path)
        };
        self.ask(request, content.as_bytes())
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        content(self.ask(request(FileAction::Read, path), b""))
    }

    fn read_json(&self, path: &str) -> Answer {
        let request = FileRequest {
            json: true,
            ..request(FileAction::Read, path)
        };
        self.ask(request, b"")
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let (answer, _) = self.ask(request(FileAction::List, folder), b"").unwrap();
        answer.files.into_iter().map(|file| file.path).collect()
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

fn request(action: FileAction, path: &str) -> FileRequest {
    FileRequest {
        action,
        path: path.to_owned(),
        ..FileRequest::default()
    }
}

fn content(answer: Answer) -> Option<Vec<u8>> {
    let (answer, content) = answer.unwrap();
    (answer.version != Some(FileVersion::Missing)).then(|| content.to_vec())
}

/// Makes a file as old as what nobody writes any more.
fn settle(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - std::time::Duration::from_secs(60))
        .unwrap();
}

#[test]
fn files_are_written_read_listed_and_deleted() {
    let world = World::new();
    assert_eq!(world.read("a.txt"), None);
    assert!(world.list("").is_empty());
    world.write("a.txt", "one").unwrap();
    world.write("maps/2024/island.bin", [0, 255]).unwrap();
    world.write("maps/sea.bin", "").unwrap();
    assert_eq!(world.read("a.txt").unwrap(), b"one");
    assert_eq!(world.read("maps/2024/island.bin").unwrap(), [0, 255]);
    assert_eq!(fs::read(world.place("a.txt")).unwrap(), b"one");
    assert_eq!(world.list(""), ["a.txt", "maps/2024/island.bin", "maps/sea.bin"]);
    assert_eq!(world.list("maps/2024"), ["maps/2024/island.bin"]);
    assert!(world.list("nowhere").is_empty());
    let exists = |path: &str| world.ask(request(FileAction::Exists, path), b"").unwrap().0.exists;
    assert!(exists("maps/sea.bin") && !exists("maps/lake.bin") && !exists("x/y") && !exists("a.txt/b"));
    let delete = |path: &str| world.ask(request(FileAction::Delete, path), b"").unwrap().0.exists;
    assert!(delete("maps/2024/island.bin") && !delete("maps/2024/island.bin"));
    assert!(!world.place("maps/2024").exists(), "empty folders go");
    assert_eq!(world.read("maps/2024/island.bin"), None);
    assert_eq!(world.list(""), ["a.txt", "maps/sea.bin"]);
    assert_eq!(world.told(), [""; 0]);
}

#[test]
fn reads_are_remembered_and_edits_from_outside_are_seen_at_once() {
    let world = World::new();
    world.write("a.txt", "0000").unwrap();
    for number in 0..200 {
        let new = format!("{number:04}");
        // In place and of the same length: the inode and the size say nothing.
        fs::write(world.place("a.txt"), &new).unwrap();
        assert_eq!(world.read("a.txt").unwrap(), new.as_bytes());
    }
    fs::write(world.place("new.txt"), "x").unwrap();
    fs::rename(world.place("new.txt"), world.place("a.txt")).unwrap();
    assert_eq!(world.read("a.txt").unwrap(), b"x");
    // As soon as the disk's clock has gone on, nothing is read twice.
    let hits = || world.files.figures().hits.unwrap();
    while hits() < 10 {
        assert_eq!(world.read("a.txt").unwrap(), b"x");
    }
    let before = world.files.figures();
    let uncached = FileRequest {
        uncached: true,
        ..request(FileAction::Read, "a.txt")
    };
    assert_eq!(content(world.ask(uncached, b"")).unwrap(), b"x");
    let after = world.files.figures();
    assert_eq!(
        (before.hits, before.misses, before.entries),
        (after.hits, after.misses, after.entries)
    );
    assert_eq!(
        (after.entries, after.max_entries, after.time_to_live_seconds),
        (1, Some(1000), Some(300))
    );
    fs::remove_file(world.place("a.txt")).unwrap();
    assert_eq!(world.read("a.txt"), None);
}

#[test]
fn more_files_than_fit_are_not_remembered() {
    let world = World::new();
    fs::create_dir_all(world.place("")).unwrap();
    for number in 0..1_100 {
        fs::write(world.place(&format!("{number}")), "x").unwrap();
        world.read(&format!("{number}"));
    }
    let figures = world.files.figures();
    assert!(
        figures.entries <= 1_000 && figures.evictions >= Some(100),
        "{figures:?}"
    );
}

#[test]
fn of_ten_writers_at_once_one_wins_whole() {
    let world = World::new();
    let contents: Vec<Vec<u8>> = (0..10_u8)
        .map(|writer| vec![writer; 100_000 + usize::from(writer)])
        .collect();
    let written: Vec<_> = contents
        .iter()
        .map(|content| world.begin(request(FileAction::Write, "one"), content))
        .collect();
    let reads: Vec<_> = (0..10)
        .map(|_| world.begin(request(FileAction::Read, "one"), b""))
        .collect();
    for answer in written {
        answer.recv().unwrap().unwrap();
    }
    for read in reads {
        assert!(contents.contains(&content(read.recv().unwrap()).unwrap()));
    }
    assert_eq!(
        &world.read("one").unwrap(),
        contents.last().unwrap(),
        "in the order of the requests"
    );
    let left = fs::read_dir(world.place("")).unwrap().count();
    assert_eq!(left, 1, "no temporary file is left");
}

#[test]
fn a_write_that_expects_something_else_changes_nothing_and_tells_what_is_there() {
    let world = World::new();
    let expect = |expected: FileVersion, new: &str| {
        let request = FileRequest {
            expected: Some(expected),
            ..request(FileAction::Write, "a.txt")
        };
        world.ask(request, new.as_bytes()).unwrap()
    };
    let (first, _) = expect(FileVersion::Missing, "one");
    assert!(!first.conflict);
    let (conflict, content) = expect(FileVersion::Missing, "two");
    assert_eq!(
        (conflict.conflict, &content[..], &conflict.version),
        (true, &b"one"[..], &first.version)
    );
    fs::write(world.place("a.txt"), "outside").unwrap();
    let (conflict, content) = expect(first.version.unwrap(), "two");
    assert_eq!((conflict.conflict, &content[..]), (true, &b"outside"[..]));
    assert!(!expect(conflict.version.unwrap(), "two").0.conflict);
    assert_eq!(world.read("a.txt").unwrap(), b"two");
}

#[test]
fn a_damaged_json_file_is_set_aside_and_its_last_good_content_read() {
    for damage in ["", "{\"a\":", "\0\0\0\0\0\0\0\0", "{\"a\": 1} x"] {
        let world = World::new();
        world.write_json("a/b.json", r#"{"a": 0}"#).unwrap();
        world.write_json("a/b.json", r#"{"a": 1}"#).unwrap();
        fs::write(world.place("a/b.json"), damage).unwrap();
        // Somebody may still be writing it: nothing is touched yet.
        let (answer, content) = world.read_json("a/b.json").unwrap();
        assert_eq!((answer.restored, &content[..]), (true, &br#"{"a": 1}"#[..]));
        assert_eq!(fs::read_to_string(world.place("a/b.json")).unwrap(), damage);
        assert_eq!(world.told(), [""; 0]);
        // What is no JSON for its reader is none of its business.
        assert_eq!(world.read("a/b.json").unwrap(), damage.as_bytes());
        settle(&world.place("a/b.json"));
        // Nor if it is old, but was another the last time.
        assert!(world.read_json("a/b.json").unwrap().0.restored);
        assert_eq!(fs::read_to_string(world.place("a/b.json")).unwrap(), damage);
        let (answer, content) = world.read_json("a/b.json").unwrap();
        assert_eq!((answer.restored, &content[..]), (true, &br#"{"a": 1}"#[..]));
        assert_eq!(fs::read_to_string(world.place("a/b.json")).unwrap(), r#"{"a": 1}"#);
        let told = world.told();
        assert!(
            told.len() == 1 && told[0].starts_with("A file of the plugin `levels`: `a/b.json` was no JSON ("),
            "{told:?}"
        );
        let aside: Vec<_> = fs::read_dir(world.folder.path().join("levels/damaged/a"))
            .unwrap()
            .flatten()
            .collect();
        assert_eq!(fs::read_to_string(aside[0].path()).unwrap(), damage);
        assert!(told[0].contains(&aside[0].path().display().to_string()), "{told:?}");
        let (answer, _) = world.read_json("a/b.json").unwrap();
        assert!(!answer.restored);
        assert_eq!(world.list(""), ["a/b.json"], "what is kept is no file of the plugin's");
    }
}

#[test]
fn what_a_plugin_damages_itself_is_not_set_aside_when_it_writes_it_anew() {
    let world = World::new();
    let aside = || fs::read_dir(world.folder.path().join("levels/damaged")).map_or(0, Iterator::count);
    for number in 0..10 {
        world.write("a.json", format!("{{{number}")).unwrap();
        if number % 2 == 0 {
            world.read("a.json").unwrap();
        }
        world.write_json("a.json", "1").unwrap();
    }
    assert_eq!((aside(), world.told().len()), (0, 0));
    for number in 0..10 {
        fs::write(world.place("a.json"), format!("{{{number}")).unwrap();
        world.write_json("a.json", "1").unwrap();
    }
    assert_eq!((aside(), world.told().len()), (5, 10));
}

#[test]
fn what_is_damaged_is_never_overwritten() {
    let world = World::new();
    let aside = || -> Vec<String> {
        let folder = fs::read_dir(world.folder.path().join("levels/damaged"));
        let files = folder.into_iter().flatten().flatten();
        let mut files: Vec<_> = files.map(|file| fs::read_to_string(file.path()).unwrap()).collect();
        files.sort();
        files
    };
    // With a good copy, still fresh.
    world.write_json("a.json", "1").unwrap();
    fs::write(world.place("a.json"), "{first").unwrap();
    world.write_json("a.json", "2").unwrap();
    assert_eq!(aside(), ["{first"]);
    // Without any.
    fs::write(world.place("b.json"), "{second").unwrap();
    let refused = world.read_json("b.json").unwrap_err();
    assert_eq!(refused.code, ProblemCode::Failed);
    assert!(
        refused.message.contains("is no JSON (") && refused.message.contains("mend it, or move it away"),
        "{refused}"
    );
    world.write_json("b.json", "3").unwrap();
    assert_eq!(aside(), ["{first", "{second"]);
    assert_eq!(world.told().len(), 3);
    // What people edit well is the next good copy.
    fs::write(world.place("b.json"), "[4]").unwrap();
    assert_eq!(content(world.read_json("b.json")).unwrap(), b"[4]");
    fs::write(world.place("b.json"), "[").unwrap();
    settle(&world.place("b.json"));
    assert_eq!(content(world.read_json("b.json")).unwrap(), b"[4]");
    // Deleted is deleted.
    world.ask(request(FileAction::Delete, "b.json"), b"").unwrap();
    assert_eq!(content(world.read_json("b.json")), None);
    fs::write(world.place("b.json"), "[").unwrap();
    world.read_json("b.json").unwrap_err();
    let refused = world.write_json("b.json", "{").unwrap_err();
    assert_eq!(refused.code, ProblemCode::Invalid);
}

#[cfg(unix)]
#[test]
fn links_folders_and_pipes_are_no_files_and_nothing_outside_is_reached() {
    use std::os::unix::fs::symlink;

    let world = World::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    world.write("folder/file", "x").unwrap();
    symlink(outside.path(), world.place("away")).unwrap();
    symlink(outside.path().join("secret"), world.place("linked")).unwrap();
    symlink("folder/file", world.place("inner")).unwrap();
    let fifo = world.place("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    for (path, text) in [
        ("away/secret", "is a link"),
        ("away/new", "is a link"),
        ("linked", "is a link"),
        ("inner", "is a link"),
        ("folder", "is no file but a folder"),
        ("pipe", "is no file but a folder, or a device"),
        ("folder/file/below", "is a file, so no file can be in it"),
    ] {
        for (action, json) in [
            (FileAction::Read, false),
            (FileAction::Write, false),
            (FileAction::Write, true),
        ] {
            let asked = FileRequest {
                json,
                uncached: true,
                ..request(action, path)
            };
            match world.ask(asked, b"{}") {
                Err(refused) => assert!(refused.message.contains(text), "{action:?} {path}: {refused}"),
                // There is nothing below a file.
                Ok((answer, _)) => assert_eq!(
                    (action, answer.version),
                    (FileAction::Read, Some(FileVersion::Missing)),
                    "{path}"
                ),
            }
        }
    }
    assert!(world.ask(request(FileAction::List, "away"), b"").is_err());
    assert!(world.ask(request(FileAction::Exists, "away/secret"), b"").is_err());
    assert!(world.ask(request(FileAction::Delete, "away/secret"), b"").is_err());
    assert_eq!(world.list(""), ["folder/file"]);
    assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn limits_are_refused_with_what_to_do_and_the_old_content_stays() {
    let world = World::new();
    world.write("a", "old").unwrap();
    let refused = world
        .write("a", vec![0; plugin_protocol::MAX_FILE_BYTES + 1])
        .unwrap_err();
    assert!(
        refused.message.contains("8388609 bytes, more than the 8388608"),
        "{refused}"
    );
    assert_eq!(world.read("a").unwrap(), b"old");
    world.write("a", vec![0; plugin_protocol::MAX_FILE_BYTES]).unwrap();
    fs::write(world.place("b"), vec![0; plugin_protocol::MAX_FILE_BYTES + 1]).unwrap();
    let refused = world.ask(request(FileAction::Read, "b"), b"").unwrap_err();
    assert!(refused.message.contains("split it, or use the database"), "{refused}");
    for path in ["", "../levels/files/a", "/etc/passwd", ".good/a"] {
        for action in [
            FileAction::Read,
            FileAction::Write,
            FileAction::Delete,
            FileAction::Exists,
        ] {
            let refused = world.ask(request(action, path), b"").unwrap_err();
            assert_eq!(refused.code, ProblemCode::Invalid, "{action:?} {path:?}");
        }
    }
    let unknown = world.ask(request(FileAction::Unknown, "a"), b"").unwrap_err();
    assert_eq!(unknown.code, ProblemCode::NotSupported);
}

#[test]
fn what_the_system_refuses_is_told_to_the_owner_and_nothing_is_lost() {
    let world = World::new();
    world.write_json("a.json", "[1]").unwrap();
    // The folder of the plugin's files is gone and can't be made again, whoever tries.
    let folder = world.folder.path().join("levels/files");
    fs::rename(&folder, world.folder.path().join("elsewhere")).unwrap();
    fs::write(&folder, "in the way").unwrap();
    let refused = world.write("b", "x").unwrap_err();
    assert_eq!(refused.code, ProblemCode::Failed);
    assert!(refused.message.contains("can't be written ("), "{refused}");
    let told = world.told();
    assert!(told.len() == 1 && told[0].contains("can't be written ("), "{told:?}");
    fs::remove_file(&folder).unwrap();
    fs::rename(world.folder.path().join("elsewhere"), &folder).unwrap();
    assert_eq!(content(world.read_json("a.json")).unwrap(), b"[1]");
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1e15..1e15_f64).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What is done to the files in the model test.
#[derive(Clone, Debug)]
enum Step {
    Write(usize, Vec<u8>),
    WriteOutside(usize, Vec<u8>),
    Delete(usize),
    DeleteOutside(usize),
    Forget,
}

fn any_step() -> impl Strategy<Value = Step> {
    let content = || prop::collection::vec(any::<u8>(), 0..4);
    prop_oneof![
        3 => (0..PATHS.len(), content()).prop_map(|(path, content)| Step::Write(path, content)),
        3 => (0..PATHS.len(), content()).prop_map(|(path, content)| Step::WriteOutside(path, content)),
        1 => (0..PATHS.len()).prop_map(Step::Delete),
        1 => (0..PATHS.len()).prop_map(Step::DeleteOutside),
        1 => Just(Step::Forget),
    ]
}

const PATHS: [&str; 4] = ["a", "b/a", "b/c/a", "b/b"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn json_comes_back_as_it_was_written(value in any_json()) {
        let world = World::new();
        world.write_json("value.json", &serde_json::to_string_pretty(&value).unwrap()).unwrap();
        for uncached in [false, true] {
            let request = FileRequest { json: true, uncached, ..request(FileAction::Read, "value.json") };
            let (answer, content) = world.ask(request, b"").unwrap();
            prop_assert!(!answer.restored);
            prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(&content).unwrap(), &value);
        }
        fs::write(world.place("value.json"), "{").unwrap();
        let (_, content) = world.read_json("value.json").unwrap();
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&content).unwrap(), value);
    }

    /// The files are what a map would be, whoever changes them, remembered or not.
    #[test]
    fn files_are_as_a_map(steps in prop::collection::vec(any_step(), 1..40)) {
        let mut world = World::new();
        let mut model = std::collections::BTreeMap::new();
        for step in steps {
            match step {
                Step::Write(path, content) => {
                    world.write(PATHS[path], &content).unwrap();
                    model.insert(PATHS[path], content);
                }
                Step::WriteOutside(path, content) => {
                    fs::create_dir_all(world.place(PATHS[path]).parent().unwrap()).unwrap();
                    fs::write(world.place(PATHS[path]), &content).unwrap();
                    model.insert(PATHS[path], content);
                }
                Step::Delete(path) => {
                    let (answer, _) = world.ask(request(FileAction::Delete, PATHS[path]), b"").unwrap();
                    prop_assert_eq!(answer.exists, model.remove(PATHS[path]).is_some());
                }
                Step::DeleteOutside(path) => {
                    prop_assert_eq!(fs::remove_file(world.place(PATHS[path])).is_ok(), model.remove(PATHS[path]).is_some());
                }
                Step::Forget => world.files = Files::new(world.folder.path().to_owned(), |_| {}),
            }
            for path in PATHS {
                let read = world.read(path);
                prop_assert_eq!(read.as_ref(), model.get(path), "{}", path);
            }
            prop_assert_eq!(world.list(""), model.keys().copied().collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn in_a_pause_everything_is_refused_and_nothing_is_written_behind_it() {
    let world = World::new();
    world.write("kept.txt", "before").unwrap();
    world.files.pause().await;
    let refused = world.write("kept.txt", "late").unwrap_err();
    assert_eq!(refused.code, ProblemCode::Closed);
    world.files.resume();
    assert_eq!(world.read("kept.txt").unwrap(), b"before");
    world.write("kept.txt", "after").unwrap();
    assert_eq!(world.read("kept.txt").unwrap(), b"after");
}
