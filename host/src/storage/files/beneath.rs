//! One folder of a plugin, and files read, replaced and removed beneath it: nothing outside of it is ever reached.
//!
//! It knows no cache, no limits of a plugin and no JSON. All of it blocks.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::{FileEntry, MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES};

use super::{
    directory::{Directory, Names},
    error::FileError,
    path::FilePath,
};
use crate::storage::TEMPORARY;

/// How often something begins anew because somebody changed the file or its folder meanwhile.
const TRIES: u32 = 5;

/// Times on disks are as coarse as the system's clock tick: two changes within one can't be told apart.
const TICK: Duration = Duration::from_millis(20);

/// A folder of a plugin.
#[derive(Clone, Debug)]
pub(super) struct Beneath {
    root: PathBuf,
}

/// By what a change of a file is noticed without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
    /// When anything of it was changed, in seconds and nanoseconds: nobody can set that back.
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (inode, changed) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ino(), (metadata.ctime(), metadata.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let (inode, changed) = (0, (0, 0));
        Self {
            inode,
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            changed,
        }
    }

    /// Whether a change after `now` would be seen: not as long as the clock has not ticked since the last one.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let changed = u64::try_from(self.changed.0).ok().and_then(|seconds| {
            let nanoseconds = u32::try_from(self.changed.1).ok()?;
            UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
        });
        [changed, self.modified]
            .into_iter()
            .flatten()
            .all(|time| now.duration_since(time).is_ok_and(|age| age > TICK))
    }

    /// How long ago its content was changed, as the disk tells it.
    pub(super) fn age(&self) -> Duration {
        let modified = self.modified.unwrap_or(UNIX_EPOCH);
        // One of the future is not news.
        SystemTime::now().duration_since(modified).unwrap_or(Duration::MAX)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it is of the same content, though the file may have been moved since, which counts as a change of it.
    pub(super) fn is_of_the_same_content(&self, other: &Self) -> bool {
        (self.inode, self.bytes, self.modified) == (other.inode, other.bytes, other.modified)
    }
}

/// What is in a file, and by what a later change is noticed.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) fingerprint: Fingerprint,
    /// Whether it could be told that the file did not change while it was read.
    pub(super) is_whole: bool,
}

impl Beneath {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where a file is, for texts.
    pub(super) fn place(&self, path: &FilePath) -> PathBuf {
        self.root.join(path.as_str())
    }

    /// What the disk tells of a file without opening it. Good enough to see that it is still the one that was read: that
    /// one was no link.
    pub(super) fn look(&self, path: &FilePath) -> Result<Option<Fingerprint>, FileError> {
        let place = self.place(path);
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_file() => Ok(Some(Fingerprint::of(&metadata))),
            Ok(metadata) if metadata.is_symlink() => Err(FileError::Link(place)),
            Ok(_) => Err(FileError::NoFile(place)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(FileError::io("read", place)(error)),
        }
    }

    /// What is in a file; `None` if there is none.
    pub(super) fn read(&self, path: &FilePath) -> Result<Option<Content>, FileError> {
        let (folders, name) = path.split();
        let opened = self
            .enter(folders, false)
            .and_then(|folder| folder.map(|folder| folder.file(name)).transpose());
        match opened {
            Ok(Some(file)) => self.read_opened(path, file).map(Some),
            Ok(None) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => or_missing(self.failed("read", path, error)).map(|()| None),
        }
    }

    fn read_opened(&self, path: &FilePath, mut file: File) -> Result<Content, FileError> {
        let failed = |error| self.failed("read", path, error);
        let mut tries = 1;
        loop {
            let before = file.metadata().map_err(failed)?;
            if !before.is_file() {
                return Err(FileError::NoFile(self.place(path)));
            }
            let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or(0).min(MAX_FILE_BYTES) + 1);
            // One more than allowed, so that a file that grows is noticed.
            let read = (&mut file).take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes);
            read.map_err(failed)?;
            if bytes.len() > MAX_FILE_BYTES {
                return Err(FileError::TooLong {
                    path: self.place(path),
                    bytes: before.len().max(bytes.len() as u64),
                });
            }
            let fingerprint = Fingerprint::of(&file.metadata().map_err(failed)?);
            let is_whole = fingerprint == Fingerprint::of(&before) && fingerprint.bytes == bytes.len() as u64;
            if is_whole || tries == TRIES {
                return Ok(Content {
                    bytes,
                    fingerprint,
                    is_whole,
                });
            }
            tries += 1;
            file.rewind().map_err(failed)?;
        }
    }

    /// Replaces a file in one step. `durable` says whether it has to be on the disk when this returns.
    pub(super) fn write(&self, path: &FilePath, content: &[u8], durable: bool) -> Result<Fingerprint, FileError> {
        let mut tries = 1;
        loop {
            match self.try_write(path, content, durable) {
                // The folder was removed, being empty, between its opening and its use.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => tries += 1,
                written => return written.map_err(|error| self.failed("written", path, error)),
            }
        }
    }

    fn try_write(&self, path: &FilePath, content: &[u8], durable: bool) -> io::Result<Fingerprint> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(&self.root)?;
        let (folders, name) = path.split();
        let Some(folder) = self.enter(folders, true)? else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mode = match fs::symlink_metadata(self.place(path)) {
            Ok(metadata) if metadata.is_file() => Some(metadata.permissions()),
            // By a link, the owner means something else than to have it replaced.
            Ok(_) => return Err(io::ErrorKind::IsADirectory.into()),
            Err(_) => None,
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = format!("{TEMPORARY}{}-{number}", std::process::id());
        let mut file = folder.create(&temporary)?;
        let written = file.write_all(content).and_then(|()| {
            // Whom the owner lets read a file may read it further on.
            if let Some(mode) = mode.filter(|mode| !mode.readonly()) {
                file.set_permissions(mode)?;
            }
            if durable {
                file.sync_all()?;
            }
            folder.rename(&temporary, &folder, name)
        });
        if let Err(error) = written {
            // Nothing can be done about one that stays: the next start sweeps it.
            let _ = folder.remove(&temporary);
            return Err(error);
        }
        if durable {
            folder.sync()?;
        }
        // After the renaming, which counts as a change.
        Ok(Fingerprint::of(&file.metadata()?))
    }

    /// Removes a file, and the folders on the way to it that are empty then. Whether there was one.
    pub(super) fn remove(&self, path: &FilePath) -> Result<bool, FileError> {
        let (folders, name) = path.split();
        let removed = self.enter(folders, false).and_then(|folder| {
            let Some(folder) = folder else { return Ok(false) };
            match folder.remove(name) {
                Ok(()) => folder.sync().map(|()| true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        });
        let removed = match removed {
            Ok(removed) => removed,
            Err(error) => or_missing(self.failed("deleted", path, error)).map(|()| false)?,
        };
        self.prune(path);
        Ok(removed)
    }

    /// Moves a file to a folder of another one, where it gets `name`.
    pub(super) fn move_to(&self, path: &FilePath, other: &Self, name: &FilePath) -> Result<(), FileError> {
        let moved = fs::create_dir_all(&other.root).and_then(|()| {
            let ((from_folders, from), (to_folders, to)) = (path.split(), name.split());
            let (Some(old), Some(new)) = (self.enter(from_folders, false)?, other.enter(to_folders, true)?) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            old.rename(from, &new, to)?;
            new.sync()?;
            old.sync()
        });
        moved.map_err(|error| self.failed("set aside", path, error))
    }

    /// Removes the folders on the way to a file that are empty.
    fn prune(&self, path: &FilePath) {
        let mut folder = Path::new(path.as_str());
        while let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            // The system refuses where it is not empty.
            if fs::remove_dir(self.root.join(above)).is_err() {
                return;
            }
            folder = above;
        }
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, path: &FilePath) -> Result<bool, FileError> {
        match self.enter(path.split().0, false) {
            Ok(Some(_)) => Ok(self.look(path)?.is_some()),
            Ok(None) => Ok(false),
            Err(error) => or_missing(self.failed("read", path, error)).map(|()| false),
        }
    }

    /// The files beneath a folder, `None` for all, in the order of their paths. Neither links nor what a plugin can't name
    /// is listed.
    pub(super) fn list(&self, folder: Option<&FilePath>) -> Result<Vec<FileEntry>, FileError> {
        let mut files = Vec::new();
        if let Some(folder) = folder {
            // What is listed must not lie behind a link.
            let names = folder.as_str().split('/');
            match self.enter(names, false) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(files),
                Err(error) => return or_missing(self.failed("read", folder, error)).map(|()| files),
            }
        }
        let mut folders = vec![folder.map_or(String::new(), |folder| format!("{folder}/"))];
        while let Some(prefix) = folders.pop() {
            let place = self.root.join(&prefix);
            let entries = match fs::read_dir(&place) {
                Ok(entries) => entries,
                Err(error) if is_missing(&error) => continue,
                Err(error) => return Err(FileError::io("read", place)(error)),
            };
            for entry in entries {
                let entry = entry.map_err(FileError::io("read", &place))?;
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let path = format!("{prefix}{name}");
                if FilePath::parse(&path).is_err() {
                    continue;
                }
                // It may have gone meanwhile.
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() && prefix.matches('/').count() + 1 < MAX_DEPTH {
                    folders.push(format!("{path}/"));
                } else if metadata.is_file() && (files.len() as u64) < MAX_FILES * 2 {
                    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
                    files.push(FileEntry {
                        path,
                        bytes: metadata.len(),
                        modified: modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
                    });
                }
            }
        }
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }

    /// The innermost of these folders; `None` if one is missing, which with `make` is none.
    fn enter<'a>(&self, names: impl Iterator<Item = &'a str>, make: bool) -> io::Result<Option<Directory>> {
        let mut folder = Directory::open(&self.root);
        for name in names {
            folder = folder.and_then(|folder| folder.enter(name, make));
        }
        match folder {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !make => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What an error of the system means here: a link or a file on the way are the plugin's matter, the rest the owner's.
    fn failed(&self, what: &'static str, path: &FilePath, error: io::Error) -> FileError {
        let mut place = self.root.clone();
        let mut names = path.as_str().split('/').peekable();
        while let Some(name) = names.next() {
            place.push(name);
            let Ok(metadata) = fs::symlink_metadata(&place) else {
                break;
            };
            if metadata.is_symlink() {
                return FileError::Link(place);
            }
            if names.peek().is_some() && !metadata.is_dir() {
                return FileError::NoFolder(place);
            }
            if names.peek().is_none() && !metadata.is_file() {
                return FileError::NoFile(place);
            }
        }
        FileError::io(what, self.place(path))(error)
    }
}

/// Whether an error says no more than that there is no such file: beneath a file there is none.
fn or_missing(error: FileError) -> Result<(), FileError> {
    match error {
        FileError::NoFolder(_) => Ok(()),
        error => Err(error),
    }
}

/// Whether there is no such file: nor is there one beneath another file.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
