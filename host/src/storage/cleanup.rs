//! What can be thrown away below `data/`, and only that: what a killed process left, copies that nobody has open, logs and
//! damaged files beyond their time.
//!
//! Nothing of a plugin goes, whether it is loaded or not: what a plugin wrote is its own until the owner deletes it.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use plugin_protocol::upkeep::{Cleanup, Removed};

use super::{
    aside::set_aside_at,
    sweep::{self, Swept, age},
};

/// How old a temporary file is that nobody writes any more: writes take seconds at most.
const ORPHANED: Duration = Duration::from_secs(600);
/// How long damaged files are kept: long enough for somebody to miss what was in them.
pub const DAMAGED_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Where everything lies, and how long it stays.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The bot's folder.
    pub root: PathBuf,
    /// All that the host writes.
    pub data: PathBuf,
    /// The log files.
    pub logs: PathBuf,
    /// How many rotated log files are kept.
    pub log_files: u64,
    /// How long they are kept.
    pub log_age: Duration,
    /// The private copies of plugins.
    pub copies: PathBuf,
}

/// Throws away what can be. Blocks.
#[must_use]
pub fn clean_up(rules: &Rules, now: SystemTime) -> Cleanup {
    let mut cleanup = Cleanup {
        bytes_before: size(&rules.data),
        ..Cleanup::default()
    };
    for (what, swept) in [
        (
            "temporary files",
            sweep::temporary_files(&rules.root, &rules.data, ORPHANED),
        ),
        ("old logs", old_logs(rules)),
        ("copies of plugins that nothing has open", stale_copies(&rules.copies)),
        (
            "files that were found damaged more than 30 days ago",
            damaged_files(&rules.data, now),
        ),
    ] {
        cleanup.removed.push(Removed {
            what: what.to_owned(),
            count: swept.count,
            bytes: swept.bytes,
        });
        cleanup.problems.extend(swept.problems);
    }
    cleanup.bytes_after = size(&rules.data);
    cleanup
}

/// How many bytes the files below a folder have.
#[must_use]
pub fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() {
                bytes += metadata.len();
            }
        }
    }
    bytes
}

/// Removes rotated logs, `NAME.log.N`, that are too many or too old.
fn old_logs(rules: &Rules) -> Swept {
    let mut swept = Swept::default();
    for entry in fs::read_dir(&rules.logs).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name
            .rsplit_once(".log.")
            .and_then(|(_, number)| number.parse::<u64>().ok());
        let (Some(number), Ok(metadata)) = (number, entry.metadata()) else {
            continue;
        };
        if metadata.is_file() && (number > rules.log_files || age(&metadata) > rules.log_age) {
            swept.remove(&entry.path(), metadata.len());
        }
    }
    swept
}

/// Removes private copies that this process has not mapped, but for those that may be about to be.
fn stale_copies(copies: &Path) -> Swept {
    let mut swept = Swept::default();
    // Where the system doesn't tell what is mapped, the next start removes them.
    let Some(mapped) = mapped_names(copies) else {
        return swept;
    };
    for entry in fs::read_dir(copies).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() && !mapped.contains(&entry.file_name()) && age(&metadata) > ORPHANED {
            swept.remove(&entry.path(), metadata.len());
        }
    }
    swept
}

/// The names of the files in a folder that this process has mapped.
fn mapped_names(folder: &Path) -> Option<HashSet<OsString>> {
    // https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html: the path is the rest of the line from the first slash on.
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let paths = maps
        .lines()
        .filter_map(|line| Some(Path::new(&line[line.find('/')?..])));
    let inside = paths.filter(|path| path.parent() == Some(folder));
    Some(
        inside
            .filter_map(|path| path.file_name().map(ToOwned::to_owned))
            .collect(),
    )
}

/// Removes what was set aside as damaged and nobody has missed.
fn damaged_files(data: &Path, now: SystemTime) -> Swept {
    let mut swept = Swept::default();
    let plugins = fs::read_dir(data.join("plugins")).into_iter().flatten().flatten();
    let damaged = plugins.map(|plugin| plugin.path().join("damaged"));
    for damaged in damaged.chain([data.join("damaged")]) {
        let mut folders = vec![damaged];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                let since = set_aside_at(&entry.file_name().to_string_lossy());
                let age = since.and_then(|since| now.duration_since(since).ok());
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else if metadata.is_file() && age.is_some_and(|age| age > DAMAGED_KEPT) {
                    swept.remove(&entry.path(), metadata.len());
                }
            }
        }
    }
    swept
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn put(path: &Path, bytes: usize, age: Duration) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![b'x'; bytes]).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    #[test]
    fn what_nobody_needs_goes_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let data = root.join("data");
        let goes = [
            ("data/.write-abc", 1, DAY),
            ("data/plugins/levels/files/.write-1-1", 2, DAY),
            ("data/logs/permanent.log.6", 4, DAY),
            ("data/logs/permanent.log.2", 8, 31 * DAY),
            ("data/run/levels-00-g1.so", 16, DAY),
            ("data/damaged/decisions.json.20260101T000000Z", 64, DAY),
            ("data/plugins/levels/damaged/a/b.json.20260101T000000Z-3", 32, DAY),
        ];
        let stays = [
            ("config.json", 100, 900 * DAY),
            ("data/.write-def", 100, Duration::ZERO),
            ("data/logs/permanent.log", 100, 900 * DAY),
            ("data/logs/permanent.log.1", 100, DAY),
            ("data/run/levels-00-g2.so", 100, Duration::ZERO),
            ("data/plugins/unloaded/files/a.json", 100, 900 * DAY),
            ("data/plugins/unloaded/good/a.json", 100, 900 * DAY),
            ("data/plugins/unloaded/plugin.db", 100, 900 * DAY),
            ("data/plugins/levels/damaged/b.json.20261121T000000Z", 100, 900 * DAY),
            ("data/plugins/levels/damaged/notes.txt", 100, 900 * DAY),
        ];
        for (path, bytes, age) in goes.iter().chain(&stays) {
            put(&root.join(path), *bytes, *age);
        }
        let rules = Rules {
            root: root.clone(),
            data: data.clone(),
            logs: data.join("logs"),
            log_files: 5,
            log_age: 30 * DAY,
            copies: data.join("run"),
        };
        // 2026-11-22
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600);
        let cleanup = clean_up(&rules, now);
        let counts: Vec<_> = cleanup
            .removed
            .iter()
            .map(|removed| (removed.count, removed.bytes))
            .collect();
        let copies = if cfg!(target_os = "linux") { (1, 16) } else { (0, 0) };
        assert_eq!(counts, [(2, 3), (2, 12), copies, (2, 96)]);
        assert!(cleanup.problems.is_empty(), "{:?}", cleanup.problems);
        let freed: u64 = counts.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(cleanup.bytes_before - cleanup.bytes_after, freed);
        for (path, ..) in stays {
            assert!(root.join(path).exists(), "{path}");
        }
        if cfg!(target_os = "linux") {
            for (path, ..) in goes {
                assert!(!root.join(path).exists(), "{path}");
            }
        }
        assert_eq!(clean_up(&rules, now).bytes_before, cleanup.bytes_after);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_mapped_is_known() {
        let program = std::env::current_exe().unwrap();
        let names = mapped_names(program.parent().unwrap()).unwrap();
        assert!(names.contains(program.file_name().unwrap()));
        assert!(mapped_names(Path::new("/nowhere")).unwrap().is_empty());
    }
}
