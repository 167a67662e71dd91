//! What can go wrong with a database, by kind, in words that say what to do.
//!
//! The one place that reads SQLite's codes (<https://sqlite.org/rescode.html>).

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Less free room on the disk than this is a full disk, whatever the system called it.
const FULL: u64 = 4 << 20;

/// Why a job was not done. Nothing of a write that failed is kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The database has been closed.
    #[error("the database has been closed: the bot is stopping or restoring a backup; ask again once it runs")]
    Closed,
    /// Too much waits already.
    #[error("too much waits for the database already: ask again later, and less at once")]
    Busy,
    /// Another process holds a lock.
    #[error("{} is locked by another process: close the program that has it open (a database browser, a backup tool)", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// No room.
    #[error("the disk that holds {} is full: nothing of this was written, what was written before is kept; free some space", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file, its folder or its disk can only be read.
    #[error("{} can't be written: check the permissions of the file and its folder, and whether its disk is mounted read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The database would grow beyond its limit.
    #[error("the database holds as much as it may, {} MiB: delete something first", limit >> 20)]
    TooBig {
        /// The most it may hold, in bytes.
        limit: u64,
    },
    /// A value, a row or a statement is too long.
    #[error("a value, a row or a statement is longer than it may be ({limit} bytes)")]
    ValueTooBig {
        /// The most it may hold, in bytes.
        limit: u64,
    },
    /// All databases together take as much memory as they may.
    #[error("there is not enough memory for it: sort, group or return less at once, and use an index to sort by")]
    OutOfMemory,
    /// The job ran longer than it may.
    #[error("stopped after {} ms: it takes too long; use an index, or do less at once", limit.as_millis())]
    TimeLimit {
        /// How long it may run.
        limit: Duration,
    },
    /// The authorizer said no.
    #[error("not allowed here: {detail}")]
    Denied {
        /// What SQLite says.
        detail: String,
    },
    /// A statement that changes something where only reading is allowed.
    #[error("the statement changes something: send it as a write")]
    NotARead,
    /// The file is no sound database.
    #[error("{} is damaged ({detail}): stop the bot, keep a copy of the file, and restore a backup with `bothost backup restore`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// The system failed.
    #[error("{} could not be read or written: {detail}; check the disk and the system's log", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// A constraint of a table was violated.
    #[error("{detail}")]
    Constraint {
        /// What SQLite says, such as `UNIQUE constraint failed: a.b`.
        detail: String,
        /// SQLite's extended code.
        code: i32,
    },
    /// The statement is wrong, or its values do not fit.
    #[error("{detail}")]
    Statement {
        /// What SQLite says.
        detail: String,
    },
    /// The job panicked.
    #[error("the job panicked: see the log")]
    Panicked,
}

impl StorageError {
    /// What an error of SQLite's means for a file with these limits.
    pub(super) fn new(
        error: &rusqlite::Error,
        path: &Path,
        file_bytes: Option<u64>,
        value_bytes: Option<u32>,
        job_time: Option<Duration>,
    ) -> Self {
        let path = path.to_owned();
        let (sqlite, detail) = match error {
            rusqlite::Error::SqliteFailure(sqlite, text) => (
                sqlite,
                text.clone()
                    .unwrap_or_else(|| rusqlite::ffi::code_to_str(sqlite.extended_code).to_owned()),
            ),
            rusqlite::Error::SqlInputError { error: sqlite, msg, .. } => (sqlite, msg.clone()),
            other => {
                return Self::Statement {
                    detail: other.to_string(),
                };
            }
        };
        match sqlite.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                Self::Locked { path }
            }
            ErrorCode::DiskFull => match file_bytes {
                Some(limit) if free_bytes(&path).is_none_or(|free| free > FULL) => Self::TooBig { limit },
                _ => Self::DiskFull { path },
            },
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen
                if free_bytes(&path).is_some_and(|free| free < FULL / 64) =>
            {
                Self::DiskFull { path }
            }
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => Self::Io { path, detail },
            ErrorCode::OutOfMemory => Self::OutOfMemory,
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly { path },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged { path, detail },
            ErrorCode::OperationInterrupted => Self::TimeLimit {
                limit: job_time.unwrap_or_default(),
            },
            ErrorCode::AuthorizationForStatementDenied => Self::Denied { detail },
            ErrorCode::TooBig => Self::ValueTooBig {
                limit: value_bytes.map_or(1_000_000_000, u64::from),
            },
            ErrorCode::ConstraintViolation => Self::Constraint {
                detail,
                code: sqlite.extended_code,
            },
            _ => Self::Statement { detail },
        }
    }

    /// Whether the machine is at fault, and neither the job nor what it was given: then trying again may help.
    #[must_use]
    pub fn is_about_the_system(&self) -> bool {
        matches!(
            self,
            Self::Closed
                | Self::Busy
                | Self::Locked { .. }
                | Self::DiskFull { .. }
                | Self::TooBig { .. }
                | Self::OutOfMemory
                | Self::ReadOnly { .. }
                | Self::Damaged { .. }
                | Self::Io { .. }
        )
    }
}

/// Why a database can't be opened, or its steps not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is no sound database.
    #[error(
        "{} is damaged ({detail}). It is left as it is: restore a backup with `bothost backup restore ID` (`bothost backup list` shows them), or move the file away to begin with an empty one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// It was made by a newer version.
    #[error(
        "{} is newer than this program: it has the step {number} (\"{name}\"), this program knows {known}. Use the newer version again, or restore a backup from before the update",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The first step that is not known.
        number: u32,
        /// Its name.
        name: String,
        /// How many are known.
        known: usize,
    },
    /// A step that was made differs from the one that is known by its number.
    #[error(
        "{}: step {number} was made as \"{made}\", but is \"{known}\" now, or its statements were changed: steps that were released are never changed, add a further one",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        number: u32,
        /// Its name then.
        made: String,
        /// Its name now.
        known: String,
    },
    /// A step failed; nothing of it is kept.
    #[error("{}: step {number} (\"{name}\") failed: {detail}. Nothing of it was kept, the steps before it are", path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        number: u32,
        /// Its name.
        name: String,
        /// What went wrong.
        detail: String,
    },
    /// It belongs to another user.
    #[error(
        "{} belongs to another user ({owner}, this process runs as {user}): run the bot as that user, or give it the file with `chown`",
        path.display()
    )]
    NotOurs {
        /// The file or folder.
        path: PathBuf,
        /// The user who has it.
        owner: u32,
        /// The user of this process.
        user: u32,
    },
    /// The system failed.
    #[error("{}: {source}; check that it exists, that this user may write there and that its disk has room", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What can hinder any job.
    #[error(transparent)]
    Storage(StorageError),
}

impl OpenError {
    /// What an error of the system's means for a file or its folder.
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => {
                not_ours(path).unwrap_or_else(|| Self::Storage(StorageError::ReadOnly { path: path.to_owned() }))
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::Storage(StorageError::ReadOnly { path: path.to_owned() }),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Storage(StorageError::DiskFull { path: path.to_owned() })
            }
            _ => Self::Io {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// What a failed job means when a file is opened.
    pub(super) fn of(error: StorageError) -> Self {
        match error {
            StorageError::Damaged { path, detail } => Self::Damaged { path, detail },
            StorageError::ReadOnly { path } | StorageError::Io { path, .. } if not_ours(&path).is_some() => {
                not_ours(&path).unwrap_or(Self::Storage(StorageError::ReadOnly { path }))
            }
            other => Self::Storage(other),
        }
    }
}

/// The refusal of a file, or of the folder that shall hold it, that is another user's and closed to this one.
#[cfg(unix)]
fn not_ours(path: &Path) -> Option<OpenError> {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    let folder = path.parent().unwrap_or(Path::new("."));
    for path in [path, folder] {
        let is_closed = rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_err();
        if let Ok(about) = std::fs::metadata(path)
            && about.uid() != user
            && is_closed
        {
            return Some(OpenError::NotOurs {
                path: path.to_owned(),
                owner: about.uid(),
                user,
            });
        }
    }
    None
}

#[cfg(not(unix))]
fn not_ours(_path: &Path) -> Option<OpenError> {
    None
}

/// How much room the disk of a file has, in bytes, where the system tells.
fn free_bytes(path: &Path) -> Option<u64> {
    crate::process::usage::room_on_disk(path.parent()?)
}
