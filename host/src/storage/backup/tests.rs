//! Backups of databases that are written to, and their way back.
//!
//! What a backup must hold is checked by what is in it afterwards, never by what was meant to be.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, Ordering};

use plugin_protocol::{FileAction, FileRequest};
use tempfile::TempDir;

use super::*;
use crate::storage::{Options, Step, database::Synchronous, files::Files};

const KEPT: Retention = Retention {
    count: 7,
    age: Duration::from_secs(30 * 86_400),
};

/// A plugin's database that is open, and all plugins' files.
struct One(Database, Files);

impl PluginData for One {
    fn hold_open(&self) -> BoxFuture<'_, (Vec<Database>, Guard)> {
        Box::pin(std::future::ready((vec![self.0.clone()], Box::new(()) as Guard)))
    }

    fn hold_files(&self) -> BoxFuture<'_, Guard> {
        Box::pin(async { Box::new(self.1.hold().await) as Guard })
    }

    fn pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.close())
    }

    fn resume(&self) {}
}

struct World {
    layout: Layout,
    tables: Tables,
    plugin: Database,
    files: Files,
    backups: Backups,
    _folder: TempDir,
}

fn open_plugin(layout: &Layout) -> Database {
    let options = Options {
        migrations: vec![Step::new(
            "a counter and its log",
            "CREATE TABLE counter (value INTEGER); INSERT INTO counter VALUES (0); CREATE TABLE log (value INTEGER);",
        )],
        ..Options::default()
    };
    Database::open(&layout.data.join("plugins/levels/plugin.db"), options).unwrap()
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let layout = Layout {
        database: data.join("bot.db"),
        data,
    };
    let tables = Tables::open(&layout.database, Synchronous::Normal).await.unwrap();
    let plugin = open_plugin(&layout);
    let files = layout.data.join("plugins/levels/files");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("ranks.json"), "[1]").unwrap();
    let kept = Files::new(layout.data.join("plugins"), |_| {});
    let backups = Backups::new(
        layout.clone(),
        tables.clone(),
        Arc::new(One(plugin.clone(), kept.clone())),
    );
    World {
        layout,
        tables,
        plugin,
        files: kept,
        backups,
        _folder: folder,
    }
}

async fn count_once(plugin: &Database) {
    plugin
        .write(|connection| {
            connection.execute("UPDATE counter SET value = value + 1", [])?;
            connection.execute("INSERT INTO log SELECT value FROM counter", [])
        })
        .await
        .unwrap();
}

/// The counter, and how long its log is.
async fn counted(plugin: &Database) -> (i64, i64) {
    let read = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT value, (SELECT count(*) FROM log) FROM counter", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    };
    plugin.read(read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_restores_a_state_that_existed_and_can_be_undone() {
    let world = world().await;
    let guild = "1".parse().unwrap();
    world
        .tables
        .change_guild(guild, |guild| guild.prefix = Some("?".to_owned()))
        .await
        .unwrap();
    let is_enough = Arc::new(AtomicBool::new(false));
    let (plugin, stop) = (world.plugin.clone(), Arc::clone(&is_enough));
    let load = tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            count_once(&plugin).await;
        }
    });
    let made = world.backups.make(Why::Command, KEPT).await.unwrap();
    is_enough.store(true, Ordering::Relaxed);
    load.await.unwrap();
    count_once(&world.plugin).await;
    let present = counted(&world.plugin).await;
    let paths: Vec<_> = made
        .manifest
        .as_ref()
        .unwrap()
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(
        paths,
        ["bot.db", "plugins/levels/plugin.db", "plugins/levels/files/ranks.json"]
    );
    assert_eq!(world.backups.verify(made.id).await.unwrap(), made);

    // What comes after it is gone with a restore, and back when that is undone.
    world
        .tables
        .change_guild(guild, |guild| guild.prefix = Some("$".to_owned()))
        .await
        .unwrap();
    fs::write(world.layout.data.join("plugins/levels/files/ranks.json"), "[1, 2]").unwrap();
    let before = world.backups.restore(made.id, async { Ok(()) }).await.unwrap();
    assert_eq!(world.tables.guild(guild).unwrap().prefix.as_deref(), Some("?"));
    let plugin = open_plugin(&world.layout);
    let (value, log) = counted(&plugin).await;
    assert_eq!(value, log, "a batch is whole or absent");
    assert!(value < present.0);
    plugin.close().await;
    let ranks = world.layout.data.join("plugins/levels/files/ranks.json");
    assert_eq!(fs::read_to_string(&ranks).unwrap(), "[1]");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&ranks).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "there are keys among what is restored");
    }

    world.backups.restore(before.id, async { Ok(()) }).await.unwrap();
    assert_eq!(counted(&open_plugin(&world.layout)).await, present);
    assert_eq!(world.tables.guild(guild).unwrap().prefix.as_deref(), Some("$"));
    assert_eq!(fs::read_to_string(&ranks).unwrap(), "[1, 2]");
    let hidden = fs::read_dir(world.layout.backups()).unwrap().flatten();
    let hidden = hidden
        .filter(|entry| entry.file_name().to_string_lossy().starts_with('.'))
        .count();
    assert_eq!(hidden, 0, "nothing is left behind");
}

/// Writes a plugin's file, and waits until that is acknowledged.
async fn write_file(files: &Files, path: &str, number: u64) {
    let (tell, told) = oneshot::channel();
    let request = FileRequest {
        action: FileAction::Write,
        path: path.to_owned(),
        ..FileRequest::default()
    };
    let content = number.to_string().into_bytes().into();
    files.ask("levels".parse().unwrap(), request, content, move |met| {
        let _ = tell.send(met.map(drop));
    });
    told.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_has_one_moment_of_databases_and_files() {
    let world = world().await;
    let is_enough = Arc::new(AtomicBool::new(false));
    let (plugin, files, stop) = (world.plugin.clone(), world.files.clone(), Arc::clone(&is_enough));
    let (begun, has_begun) = oneshot::channel();
    let load = tokio::spawn(async move {
        let mut begun = Some(begun);
        for number in 1.. {
            // Each behind the acknowledgement of the one before.
            write_file(&files, "first.json", number).await;
            count_once(&plugin).await;
            write_file(&files, "last.json", number).await;
            if let Some(begun) = begun.take() {
                let _ = begun.send(());
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
    });
    has_begun.await.unwrap();
    let mut states = Vec::new();
    for _ in 0..5 {
        let made = world.backups.make(Why::Command, KEPT).await.unwrap();
        let unpacked = archive::unpack(&world.layout, made.id).unwrap();
        let folder = unpacked.path().join("plugins/levels");
        let number = |name: &str| -> i64 {
            let text = fs::read_to_string(folder.join("files").join(name)).unwrap();
            text.parse().unwrap()
        };
        let database = rusqlite::Connection::open(folder.join("plugin.db")).unwrap();
        let counted: i64 = database
            .query_row("SELECT value FROM counter", [], |row| row.get(0))
            .unwrap();
        states.push((number("first.json"), counted, number("last.json")));
    }
    is_enough.store(true, Ordering::Relaxed);
    load.await.unwrap();
    for (first, counted, last) in &states {
        assert!(
            first - counted <= 1 && counted - last <= 1 && first >= counted && counted >= last && first - last <= 1,
            "{states:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_archive_is_refused_and_changes_nothing() {
    let world = world().await;
    count_once(&world.plugin).await;
    let made = world.backups.make(Why::Command, KEPT).await.unwrap();
    let path = world.layout.archive(made.id);
    let sound = fs::read(&path).unwrap();
    // A byte of an archive may say nothing, such as one of a time: then what is restored is what was there.
    let mut silent = 0;
    for at in (10..sound.len()).step_by(sound.len() / 12) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x20;
        fs::write(&path, &damaged).unwrap();
        match world.backups.restore(made.id, async { Ok(()) }).await {
            Err(refused) => assert!(
                matches!(refused, BackupError::Damaged { .. } | BackupError::Newer(_)),
                "byte {at}: {refused}"
            ),
            Ok(_) => silent += 1,
        }
        assert_eq!(counted(&world.plugin).await, (1, 1), "byte {at}");
    }
    assert!(silent < 3, "{silent} bytes of 12 can be damaged unseen");
    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    let refused = world.backups.verify(made.id).await.unwrap_err();
    assert!(matches!(refused, BackupError::Damaged { .. }), "{refused}");
    assert_eq!(counted(&world.plugin).await, (1, 1));
    assert_eq!(
        world.backups.list().await.unwrap().len(),
        1 + silent,
        "no backup was made in vain"
    );
    let absent = world
        .backups
        .verify("20200101-000000".parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(absent, BackupError::Absent(_)));
}

#[tokio::test]
async fn damaged_data_is_not_backed_up_but_kept_when_a_backup_takes_its_place() {
    let world = world().await;
    let guild = "1".parse().unwrap();
    world
        .tables
        .change_guild(guild, |guild| guild.prefix = Some("?".to_owned()))
        .await
        .unwrap();
    let good = world.backups.make(Why::Daily, KEPT).await.unwrap();
    world.tables.close().await;
    world.plugin.close().await;
    fs::write(&world.layout.database, "no database ".repeat(1000)).unwrap();
    let offline = Backups::offline(world.layout.clone());
    let refused = offline.make(Why::Command, KEPT).await.unwrap_err();
    assert!(matches!(refused, BackupError::Unsound { .. }), "{refused}");
    let damaged = offline.restore(good.id, async { Ok(()) }).await.unwrap();
    world.tables.reopen().await.unwrap();
    assert_eq!(world.tables.guild(guild).unwrap().prefix.as_deref(), Some("?"));
    world.tables.close().await;
    // Even that can be undone.
    offline.restore(damaged.id, async { Ok(()) }).await.unwrap();
    assert!(
        fs::read_to_string(&world.layout.database)
            .unwrap()
            .starts_with("no database")
    );
}

#[tokio::test]
async fn one_at_a_time_only_when_something_changed_and_as_many_as_are_wanted() {
    let world = world().await;
    assert!(world.backups.is_due().await);
    let (one, other) = tokio::join!(
        world.backups.make(Why::Command, KEPT),
        world.backups.make(Why::Command, KEPT)
    );
    assert!(one.is_ok() && matches!(other, Err(BackupError::Busy)));
    for _ in 0..3 {
        let few = Retention { count: 2, ..KEPT };
        world.backups.make(Why::Stop, few).await.unwrap();
    }
    let list = world.backups.list().await.unwrap();
    assert_eq!(list.len(), 2);
    assert!(list[0].id > list[1].id);
    // Names of one second take those of the seconds after it: nothing was written since.
    assert!(!world.backups.is_due().await);
}

/// A folder on another disk than the other temporary ones.
#[cfg(target_os = "linux")]
fn on_another_disk(than: &std::path::Path) -> Option<TempDir> {
    use std::os::unix::fs::MetadataExt;
    let other = tempfile::tempdir_in("/dev/shm").ok()?;
    let disk = |path: &std::path::Path| path.metadata().unwrap().dev();
    (disk(other.path()) != disk(than)).then_some(other)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn archives_may_lie_on_another_disk() {
    let world = world().await;
    let Some(other) = on_another_disk(&world.layout.data) else {
        return;
    };
    std::os::unix::fs::symlink(other.path(), world.layout.backups()).unwrap();
    let ranks = world.layout.data.join("plugins/levels/files/ranks.json");
    let made = world.backups.make(Why::Command, KEPT).await.unwrap();
    fs::write(&ranks, "[1, 2]").unwrap();
    world.plugin.close().await;
    world.backups.restore(made.id, async { Ok(()) }).await.unwrap();
    assert_eq!(fs::read_to_string(&ranks).unwrap(), "[1]");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn plugins_on_another_disk_are_backed_up_and_a_restore_is_refused_in_time() {
    let world = world().await;
    world.plugin.close().await;
    let Some(other) = on_another_disk(&world.layout.data) else {
        return;
    };
    let (plugins, files) = (world.layout.data.join("plugins"), other.path().join("levels/files"));
    fs::remove_dir_all(&plugins).unwrap();
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("ranks.json"), "[1]").unwrap();
    std::os::unix::fs::symlink(other.path(), &plugins).unwrap();
    let made = world.backups.make(Why::Command, KEPT).await.unwrap();
    let paths = made.manifest.unwrap().files.into_iter().map(|file| file.path);
    assert!(paths.into_iter().any(|path| path == "plugins/levels/files/ranks.json"));
    let refused = world.backups.restore(made.id, async { Ok(()) }).await.unwrap_err();
    assert!(matches!(refused, BackupError::Immovable { .. }), "{refused}");
    assert!(plugins.is_symlink() && !restore::is_under_way(&world.layout));
    assert!(world.tables.guild("1".parse().unwrap()).is_none(), "it is open again");
    let left = fs::read_dir(&world.layout.data).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(
        left.iter().all(|name| !name.to_string_lossy().starts_with('.')),
        "{left:?}"
    );
}

#[tokio::test]
async fn what_plugins_keep_by_themselves_hinders_no_backup() {
    let world = world().await;
    let folder = world.layout.data.join("plugins/levels");
    // No database of the host's: it is not opened, and what belongs to it is kept.
    let mut foreign = vec!["own.db", "own.db-wal", "files/plugin.db-wal"];
    if cfg!(unix) {
        foreign.extend(["12:30.txt", "files/a\\b"]);
    }
    for name in &foreign {
        fs::write(folder.join(name), "mine").unwrap();
    }
    let made = world.backups.make(Why::Command, KEPT).await.unwrap();
    let files = made.manifest.unwrap().files;
    for name in &foreign {
        let path = format!("plugins/levels/{name}");
        let kept = files.iter().find(|file| file.path == path).unwrap();
        assert!(!kept.database, "{name}");
    }
    assert!(!files.iter().any(|file| file.path == "plugins/levels/plugin.db-wal"));
    assert!(!folder.join("own.db-shm").exists());
}

#[tokio::test]
async fn what_this_version_can_not_open_is_not_restored() {
    let world = world().await;
    world.tables.close().await;
    let database = rusqlite::Connection::open(&world.layout.database).unwrap();
    let newer = "INSERT INTO bothost_migrations VALUES (99, 'of tomorrow', '', 0, 0)";
    database.execute(newer, []).unwrap();
    drop(database);
    let offline = Backups::offline(world.layout.clone());
    let made = offline.make(Why::Command, KEPT).await.unwrap();
    let refused = offline.restore::<()>(made.id, async { panic!("nobody is ended for it") });
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, BackupError::Unusable { .. }), "{refused}");
    assert_eq!(offline.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_touched_if_plugins_can_not_be_ended_for_a_restore() {
    let world = world().await;
    let made = world.backups.make(Why::Command, KEPT).await.unwrap();
    count_once(&world.plugin).await;
    let counted_before = counted(&world.plugin).await;
    let refused = world
        .backups
        .restore::<()>(made.id, async { Err(BackupError::Stopping) });
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, BackupError::Stopping), "{refused}");
    assert_eq!(counted(&world.plugin).await, counted_before);
    assert_eq!(world.backups.list().await.unwrap().len(), 1, "nothing was replaced");
}

#[tokio::test]
async fn half_a_restore_is_not_backed_up() {
    let world = world().await;
    fs::write(world.layout.data.join("restore.json"), "{}").unwrap();
    let refused = world.backups.make(Why::Stop, KEPT).await.unwrap_err();
    assert!(matches!(refused, BackupError::HalfRestored), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_written_to_without_a_pause_is_named() {
    let world = world().await;
    let busy = world.plugin.hold().await.unwrap();
    let refused = world.backups.make(Why::Command, KEPT).await.unwrap_err();
    assert!(
        matches!(&refused, BackupError::NotHeld { path, .. } if path.ends_with("levels/plugin.db")),
        "{refused}"
    );
    drop(busy);
    count_once(&world.plugin).await;
    assert!(world.tables.database().hold().await.is_ok(), "nothing else is held");
}

#[test]
fn a_name_is_a_time_and_nothing_else() {
    let id: BackupId = "20261122-205017".parse().unwrap();
    assert_eq!(id.to_string(), "20261122-205017");
    assert_eq!(id.next().unwrap().to_string(), "20261122-205018");
    assert_eq!(BackupId::at(id.made_at()), id);
    for text in [
        "",
        "../../etc/passwd",
        "20261322-205017",
        "20261122-205017.tar.zst",
        "2026112-2050170",
    ] {
        assert!(text.parse::<BackupId>().is_err(), "{text}");
    }
}
