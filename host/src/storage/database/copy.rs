//! Copies and checks of whole databases, on connections of their own, so that neither hinders a writer.
//!
//! In WAL mode a transaction that reads sees the state at its begin, however long it lasts
//! (<https://sqlite.org/wal.html#concurrency>): a copy is made from one, while writes go on.

use std::{
    fs::{self, File},
    path::Path,
    thread,
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use super::{
    Integrity, Limits, MigrationError, OpenError, Options, Step, StorageError,
    connection::{self, Place, Role},
    migration, timed,
};

/// How long to wait before a step that met a lock is tried again.
const LOCKED: Duration = Duration::from_millis(20);
/// How often.
const TRIES: u32 = 250;

/// The state of a database at one moment, kept while writers go on. Their log grows as long as this lives.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    place: Place,
}

impl Snapshot {
    /// The state of a file that may be in use. Blocking.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be read.
    pub fn of_file(path: &Path) -> Result<Self, StorageError> {
        Self::take(&Place::new(path, &Limits::default()))
    }

    pub(super) fn take(place: &Place) -> Result<Self, StorageError> {
        let place = Place::new(&place.path, &Limits::default());
        let opened = connection::open(&place, &Options::default(), Role::Reader);
        let taken = opened.and_then(|session| {
            session.connection.execute_batch("BEGIN")?;
            // Only reading begins it.
            let _: i64 = session
                .connection
                .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            Ok(session.connection)
        });
        match taken {
            Ok(connection) => Ok(Self { connection, place }),
            Err(error) => Err(place.classify_read(&error)),
        }
    }

    /// Writes it into a new file, complete in itself and flushed to the disk. Blocking.
    ///
    /// # Errors
    ///
    /// [`StorageError`], also if there is such a file already; then nothing new is left there.
    pub fn copy_to(&self, path: &Path) -> Result<(), StorageError> {
        let place = Place::new(path, &Limits::default());
        let io = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::StorageFull => StorageError::DiskFull { path: path.to_owned() },
            _ => StorageError::Io {
                path: path.to_owned(),
                detail: error.to_string(),
            },
        };
        File::create_new(path).map_err(io)?;
        let copied = self
            .copy(path)
            .map_err(|error| match error {
                // Whose fault it is, the copy's or the original's, is told by the path.
                error if matches!(self.place.classify(&error), StorageError::Damaged { .. }) => {
                    self.place.classify(&error)
                }
                error => place.classify(&error),
            })
            .and_then(|()| File::open(path).and_then(|file| file.sync_all()).map_err(io));
        if copied.is_err() {
            let _ = fs::remove_file(path);
            let _ = fs::remove_file(super::beside(path, "-journal"));
        }
        copied
    }

    fn copy(&self, path: &Path) -> Result<(), rusqlite::Error> {
        let mut copy = Connection::open(path)?;
        // It is flushed as a whole at its end.
        copy.pragma_update(None, "synchronous", "OFF")?;
        let backup = Backup::new(&self.connection, &mut copy)?;
        let mut tries = 0;
        loop {
            match backup.step(-1)? {
                StepResult::Done => break,
                _ if tries == TRIES => return Err(busy()),
                StepResult::More => {}
                _ => {
                    tries += 1;
                    thread::sleep(LOCKED);
                }
            }
        }
        drop(backup);
        // Without a log of its own: one file is all there is.
        copy.pragma_update(None, "journal_mode", "DELETE")?;
        copy.close().map_err(|(_, error)| error)
    }
}

fn busy() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)
}

/// Checks the file of a database that may be in use, on a connection of its own. Blocking.
///
/// # Errors
///
/// [`StorageError`] if it can't be checked; what a check finds is in [`Integrity`].
pub fn check(path: &Path) -> Result<Integrity, StorageError> {
    let place = Place::new(path, &Limits::default());
    let session =
        connection::open(&place, &Options::default(), Role::Reader).map_err(|error| place.classify_read(&error))?;
    let (problems, took) = timed(|| problems(&session.connection, "integrity_check"));
    let problems = problems.or_else(|error| match place.classify_read(&error) {
        // So damaged that the check itself fails.
        StorageError::Damaged { detail, .. } => Ok(vec![detail]),
        other => Err(other),
    })?;
    Ok(Integrity { problems, took })
}

/// Checks a file that nobody has open, such as one out of a backup. Blocking.
///
/// # Errors
///
/// [`StorageError`] if it can't be read at all.
pub fn verify(path: &Path) -> Result<Integrity, StorageError> {
    let place = Place::new(path, &Limits::default());
    let (problems, took) = timed(|| {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        problems(&connection, "integrity_check")
    });
    let problems = problems.or_else(|error| match place.classify_read(&error) {
        StorageError::Damaged { detail, .. } => Ok(vec![detail]),
        other => Err(other),
    })?;
    Ok(Integrity { problems, took })
}

/// How many of these steps are due in a file that nobody has open. Blocking.
///
/// # Errors
///
/// Why a program with these steps can't work with this database.
pub fn migrations_due(path: &Path, steps: &[Step]) -> Result<usize, OpenError> {
    let place = Place::new(path, &Limits::default());
    let due = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(MigrationError::Sqlite)
        .and_then(|connection| migration::due(&connection, steps));
    due.map_err(|error| error.of(&place))
}

/// What one of SQLite's checks finds.
pub(super) fn problems(connection: &Connection, check: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare(&format!("PRAGMA {check}(100)"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut lines = lines.collect::<Result<Vec<_>, _>>()?;
    lines.retain(|line| line != "ok");
    Ok(lines)
}
