//! Takes one state of all that the bot keeps: snapshots of databases, links to files. Done in milliseconds, while the
//! writers of all databases wait; it is read out afterwards, while they go on.
//!
//! Files are only ever replaced by others (never written in place), so a second link keeps the content of this moment.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::{BackupError, Layout, restore};
use crate::storage::{
    database::{self, Snapshot, StorageError},
    stores::{KEYS_FILE, SQL_FILE},
};

/// What is kept of `data/` beside the databases: decisions and licences, neither caches nor what mirrors Discord.
pub(super) const KEPT: [&str; 5] = [
    "plugins",
    "plugin_decisions.json",
    "pinned",
    "marketplace",
    "controls.key",
];
/// The bot's own database in an archive.
pub(super) const OWN: &str = "bot.db";

/// Times on disks are as coarse as the clock's tick: what is written now may bear a time that was before.
const TICK: Duration = Duration::from_millis(20);

/// One state, in a folder of its own that goes with it.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) folder: TempDir,
    /// Everything that was written before this moment is in it.
    pub(super) at: SystemTime,
    /// Databases, to be copied to this path below the folder.
    pub(super) databases: Vec<(String, Source)>,
    /// Files that are there already.
    pub(super) files: Vec<String>,
}

/// A database's state.
#[derive(Debug)]
pub(super) enum Source {
    Sound(Snapshot),
    /// It can't be read as a database: its files are there as they are.
    Raw,
}

pub(super) fn gather(layout: &Layout, is_kept_unsound: bool) -> Result<Gathered, BackupError> {
    if restore::is_under_way(layout) {
        return Err(BackupError::HalfRestored);
    }
    let backups = layout.backups();
    fs::create_dir_all(&backups).map_err(BackupError::io(&backups))?;
    let folder = tempfile::Builder::new()
        .prefix(".making-")
        .tempdir_in(&backups)
        .map_err(BackupError::io(&backups))?;
    let mut gathered = Gathered {
        folder,
        at: SystemTime::now() - TICK,
        databases: Vec::new(),
        files: Vec::new(),
    };
    if layout.database.exists() {
        gathered.database(&layout.database, OWN.to_owned(), is_kept_unsound)?;
    }
    for name in KEPT {
        gathered.walk(&place(layout, name), name, is_kept_unsound)?;
    }
    Ok(gathered)
}

/// Where something lies that is kept: its owner may have put it elsewhere, by a link.
pub(super) fn place(layout: &Layout, name: &str) -> PathBuf {
    let path = layout.data.join(name);
    if path.is_symlink() {
        return fs::canonicalize(&path).unwrap_or(path);
    }
    path
}

impl Gathered {
    fn walk(&mut self, path: &Path, name: &str, is_kept_unsound: bool) -> Result<(), BackupError> {
        let about = match fs::symlink_metadata(path) {
            Ok(about) => about,
            // It went while this looked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(BackupError::io(path)(error)),
        };
        if about.is_dir() {
            let copied = self.folder.path().join(name);
            fs::create_dir_all(&copied).map_err(BackupError::io(&copied))?;
            for entry in fs::read_dir(path).map_err(BackupError::io(path))? {
                let entry = entry.map_err(BackupError::io(path))?;
                // A name that is no text can't have been made by the host.
                if let Some(below) = entry.file_name().to_str() {
                    self.walk(&entry.path(), &format!("{name}/{below}"), is_kept_unsound)?;
                }
            }
            return Ok(());
        }
        // Links lead to what is not the bot's.
        if !about.is_file() || is_passing(name) {
            return Ok(());
        }
        if is_database(name) {
            return self.database(path, name.to_owned(), is_kept_unsound);
        }
        self.link(path, name)?;
        self.files.push(name.to_owned());
        Ok(())
    }

    fn database(&mut self, path: &Path, name: String, is_kept_unsound: bool) -> Result<(), BackupError> {
        let source = match database::Snapshot::of_file(path) {
            Ok(snapshot) => Source::Sound(snapshot),
            Err(StorageError::Damaged { .. }) if is_kept_unsound => {
                self.link_raw(path, &name)?;
                Source::Raw
            }
            Err(StorageError::Damaged { detail, .. }) => {
                return Err(BackupError::Unsound {
                    path: name,
                    what: detail,
                });
            }
            Err(error) => return Err(error.into()),
        };
        self.databases.push((name, source));
        Ok(())
    }

    /// A damaged database as it is, with its log.
    fn link_raw(&mut self, path: &Path, name: &str) -> Result<(), BackupError> {
        let copied = self.folder.path().join(name);
        fs::copy(path, &copied).map_err(BackupError::io(&copied))?;
        let log = database::log_file(path);
        if log.exists() {
            let name = format!("{name}-wal");
            let copied = self.folder.path().join(&name);
            fs::copy(&log, &copied).map_err(BackupError::io(&copied))?;
            self.files.push(name);
        }
        Ok(())
    }

    fn link(&self, path: &Path, name: &str) -> Result<(), BackupError> {
        let copied = self.folder.path().join(name);
        match fs::hard_link(path, &copied) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // Not every disk knows links.
            Err(_) => fs::copy(path, &copied).map(drop).map_err(BackupError::io(&copied)),
        }
    }
}

/// Whether anything that is kept was written after this moment.
pub(super) fn is_changed_since(layout: &Layout, time: Option<SystemTime>) -> bool {
    let Some(time) = time else { return true };
    let is_newer = |path: &Path| {
        let about = fs::symlink_metadata(path);
        about.is_ok_and(|about| about.is_file() && about.len() > 0 && about.modified().is_ok_and(|at| at > time))
    };
    let own = [layout.database.clone(), database::log_file(&layout.database)];
    own.iter().any(|path| is_newer(path)) || KEPT.iter().any(|name| any_file(&place(layout, name), &is_newer))
}

fn any_file(path: &Path, is_it: &dyn Fn(&Path) -> bool) -> bool {
    if !path.is_dir() || path.is_symlink() {
        return path.extension().is_none_or(|extension| extension != "db-shm") && is_it(path);
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| any_file(&path, is_it))
}

/// Whether a file below `plugins/NAME/` is one of its databases. What a plugin calls so among its own files is none.
fn is_database(name: &str) -> bool {
    of_plugin(name).is_some_and(|file| file == SQL_FILE || file == KEYS_FILE)
}

/// What a name below `plugins/NAME/` is there.
fn of_plugin(name: &str) -> Option<&str> {
    Some(name.strip_prefix("plugins/")?.split_once('/')?.1)
}

/// Whether a file is neither written nor replaced by the host, but is what a plugin keeps by itself in its folder. It may
/// change at any moment.
pub(super) fn is_foreign(name: &str) -> bool {
    let is_ours = |file: &str| {
        ["files/", "good/", "damaged/"]
            .iter()
            .any(|folder| file.starts_with(folder))
    };
    of_plugin(name).is_some_and(|file| !is_ours(file)) && !is_database(name)
}

/// Whether a file is a database's log, or not yet what it will be.
fn is_passing(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let is_log = |end| name.strip_suffix(end).is_some_and(is_database);
    file.starts_with(crate::storage::TEMPORARY) || ["-wal", "-shm", "-journal"].into_iter().any(is_log)
}

/// The path of something in a folder; `None` for a name that would lead out of it.
pub(super) fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let is_plain = !name.is_empty()
        && !name.contains('\0')
        // Names like any other, but where they lead to another folder or disk.
        && (cfg!(unix) || !name.contains(['\\', ':']))
        && name
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
    is_plain.then(|| folder.join(name))
}
