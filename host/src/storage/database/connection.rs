//! A connection as the engine wants it: its pragmas, its fence around jobs, its check of a file before it is used.
//!
//! Statements of the engine itself run outside of the fence: nobody asks the authorizer about them.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, OpenFlags,
    hooks::{AuthContext, Authorization},
    limits::Limit,
};

use super::{Limits, OpenError, Options, StorageError, Synchronous, copy, log_file};

/// How long a lock of another process is waited for.
const LOCKED: Duration = Duration::from_secs(5);
/// How many instructions of SQLite's machine pass between two looks at the clock: some ten microseconds.
const INSTRUCTIONS: i32 = 2_000;
/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 128;
/// A file that is no larger is always checked before it is used, in some ten milliseconds.
const CHECKED: u64 = 16 << 20;
/// What is left of the log once it has been written into the main file.
const LOG_BYTES: i64 = 16 << 20;
/// The most memory that all databases of the process take together, in bytes. A statement that sorts without end fails at
/// it, before the system ends the bot; as long as none does, caches stay far below it.
const HEAP_BYTES: i64 = 512 << 20;
/// How long a log that is to be emptied waits for readers beyond the time that a job may take.
const READERS: Duration = Duration::from_millis(200);

/// Where a database lies, and what bounds its jobs: all that an error's text needs.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) job_time: Option<Duration>,
    migration_time: Option<Duration>,
    file_bytes: Option<u64>,
    value_bytes: Option<u32>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader,
}

/// A connection with its fence.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    fence: Arc<Fence>,
}

/// What SQLite's callbacks look at while a job runs.
#[derive(Debug)]
struct Fence {
    epoch: Instant,
    /// When the job's time is up, in nanoseconds after the epoch; 0 for never.
    deadline: AtomicU64,
    /// Whether what runs is a job.
    closed: AtomicBool,
}

impl Place {
    pub(super) fn new(path: &Path, limits: &Limits) -> Self {
        Self {
            path: path.to_owned(),
            job_time: limits.job_time,
            migration_time: limits.migration_time,
            file_bytes: limits.file_bytes,
            value_bytes: limits.value_bytes,
        }
    }

    /// What an error means, and what to do.
    pub(super) fn classify(&self, error: &rusqlite::Error) -> StorageError {
        StorageError::new(error, &self.path, self.file_bytes, self.value_bytes, self.job_time)
    }

    /// The same for a migration, which has a time of its own.
    pub(super) fn classify_migration(&self, error: &rusqlite::Error) -> StorageError {
        StorageError::new(
            error,
            &self.path,
            self.file_bytes,
            self.value_bytes,
            self.migration_time,
        )
    }

    /// How large the log may get before writes are refused, in bytes: one transaction may write all that the file holds.
    pub(super) fn log_bytes(&self) -> Option<u64> {
        self.file_bytes
            .map(|bytes| bytes.saturating_add(LOG_BYTES.cast_unsigned()))
    }

    /// The same where only reading is allowed.
    pub(super) fn classify_read(&self, error: &rusqlite::Error) -> StorageError {
        match self.classify(error) {
            StorageError::ReadOnly { .. } => StorageError::NotARead,
            other => other,
        }
    }
}

impl Session {
    /// Runs a job: within its time, and asking the authorizer.
    pub(super) fn guarded<T>(&self, time: Option<Duration>, work: impl FnOnce(&Connection) -> T) -> T {
        let deadline = time.map_or(0, |time| (self.fence.epoch.elapsed() + time).as_nanos() as u64);
        self.fence.deadline.store(deadline, Ordering::Relaxed);
        self.fence.closed.store(true, Ordering::Relaxed);
        let made = work(&self.connection);
        self.fence.closed.store(false, Ordering::Relaxed);
        self.fence.deadline.store(0, Ordering::Relaxed);
        made
    }

    /// Writes the log into the main file and empties it, waiting for readers that have `job_time` each. What can't be
    /// done for them is no error.
    pub(super) fn empty_log(&self, job_time: Option<Duration>) -> Result<(), rusqlite::Error> {
        self.connection.busy_timeout(job_time.unwrap_or_default() + READERS)?;
        let emptied = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        self.connection.busy_timeout(LOCKED)?;
        emptied
    }

    /// Writes the log into the main file and closes. What can't be written now is written at the next start.
    pub(super) fn finish(self) {
        let _ = self.connection.execute_batch("PRAGMA optimize");
        if let Err((connection, error)) = self.connection.close() {
            tracing::warn!(%error, "a database was not closed properly, it is looked through at the next start");
            drop(connection);
        }
    }
}

/// Whether a file was closed properly, so that all of it is in the one file.
#[must_use]
pub fn is_clean(path: &Path) -> bool {
    fs::metadata(log_file(path)).map_or(true, |log| log.len() == 0)
}

/// Opens the writer's connection to a file that is sound, or that is made.
pub(super) fn open_checked(place: &Place, options: &Options) -> Result<Session, OpenError> {
    let path = &place.path;
    let at = |source| OpenError::new(path, source);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(at)?;
    }
    let size = match File::options().read(true).write(true).open(path) {
        Ok(file) => Some(file.metadata().map_err(at)?.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(at(error)),
    };
    let is_checked = size.is_some_and(|size| size <= CHECKED || !is_clean(path));
    let session = open(place, options, Role::Writer).map_err(|error| OpenError::of(place.classify(&error)))?;
    if is_checked {
        let problems = copy::problems(&session.connection, "quick_check")
            .map_err(|error| OpenError::of(place.classify(&error)))?;
        if !problems.is_empty() {
            return Err(OpenError::Damaged {
                path: path.clone(),
                detail: problems.join("; "),
            });
        }
    }
    Ok(session)
}

/// Opens a connection.
pub(super) fn open(place: &Place, options: &Options, role: Role) -> Result<Session, rusqlite::Error> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if role == Role::Writer {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let mut connection = Connection::open_with_flags(&place.path, flags)?;
    connection.busy_timeout(LOCKED)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Temporary tables and sorting in memory: nothing is written outside of the data folder. The process's limit bounds
    // them; in files, in a folder that SQLite takes from the environment, nothing would.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.query_row(&format!("PRAGMA hard_heap_limit = {HEAP_BYTES}"), [], |_| Ok(()))?;
    // Rows whose text a damaged file has lost fail instead of being wrong.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    match role {
        Role::Writer => {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            let synchronous = match options.synchronous {
                Synchronous::Normal => "NORMAL",
                Synchronous::Full => "FULL",
            };
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
            if let Some(bytes) = options.limits.file_bytes {
                let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
                let pages = (bytes / u64::from(page.max(512))).clamp(8, u64::from(u32::MAX - 1));
                connection.pragma_update(None, "max_page_count", pages.cast_signed())?;
            }
        }
        Role::Reader => connection.pragma_update(None, "query_only", true)?,
    }
    let fence = Arc::new(Fence {
        epoch: Instant::now(),
        deadline: AtomicU64::new(0),
        closed: AtomicBool::new(false),
    });
    confine(&mut connection, &options.limits, &fence)?;
    Ok(Session { connection, fence })
}

/// Sets the limits of jobs.
fn confine(connection: &mut Connection, limits: &Limits, fence: &Arc<Fence>) -> Result<(), rusqlite::Error> {
    if let Some(bytes) = limits.value_bytes {
        let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, bytes)?;
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, bytes.min(1 << 20))?;
    }
    if limits.job_time.is_some() || limits.migration_time.is_some() {
        let fence = Arc::clone(fence);
        let is_over = move || {
            let deadline = fence.deadline.load(Ordering::Relaxed);
            deadline != 0 && fence.epoch.elapsed().as_nanos() as u64 > deadline
        };
        connection.progress_handler(INSTRUCTIONS, Some(is_over))?;
    }
    if let Some(authorizer) = limits.authorizer {
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000)?;
        connection.set_limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, 200)?;
        let fence = Arc::clone(fence);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if fence.closed.load(Ordering::Relaxed) {
                authorizer(&context)
            } else {
                Authorization::Allow
            }
        }))?;
    }
    Ok(())
}
