//! One SQLite file: a thread that writes in groups, threads that read, and the errors in words that say what to do.
//!
//! Nothing here knows a table. The host's own are in `tables`; plugins' statements and values come through the same
//! engine, each plugin with files of its own. Nobody but the host opens them: two copies of SQLite on one file corrupt
//! it (<https://sqlite.org/howtocorrupt.html>).

mod connection;
mod copy;
mod error;
mod figures;
mod migration;
mod queue;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection,
    hooks::{AuthContext, Authorization},
};
use tokio::{sync::oneshot, task::spawn_blocking};

pub use connection::is_clean;
pub use copy::{Snapshot, check, migrations_due, verify};
pub use error::{OpenError, StorageError};
pub use figures::{Figures, Quantiles};
pub use migration::{MIGRATIONS, MigrationError, Step};

use connection::{Place, Session};
use figures::Gauges;
use queue::Queue;
use writer::Item;

pub use crate::config::Synchronous;

/// How many writes may wait for their turn; as many reads, too. Beyond it they are refused as busy.
const MAX_WAITING: usize = 16_384;

/// What a database is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// What a commit survives: `Normal` the process being killed, `Full` also a power cut.
    pub synchronous: Synchronous,
    /// The steps that make its tables, oldest first. Those that are due are made when it is opened; without any, it is not
    /// asked which were made.
    pub migrations: Vec<Step>,
    /// How many threads read at the same time; each is started when it is first needed. At least 1.
    pub readers: usize,
    /// What a job may take.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Normal,
            migrations: Vec::new(),
            readers: 2,
            limits: Limits::default(),
        }
    }
}

/// What the jobs of a database may take. The host's own need no limits; plugins' do.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// The most that the file may hold, in bytes; beyond it a write fails with [`StorageError::TooBig`].
    pub file_bytes: Option<u64>,
    /// The most that a value, a row or a statement's text may hold, in bytes.
    pub value_bytes: Option<u32>,
    /// How long a job may run; beyond it, it fails with [`StorageError::TimeLimit`].
    pub job_time: Option<Duration>,
    /// How long one migration may run.
    pub migration_time: Option<Duration>,
    /// What the statements of jobs and migrations may do; the engine's own are not asked about. With it, files can't be
    /// attached, and patterns and expressions are bounded.
    pub authorizer: Option<fn(&AuthContext<'_>) -> Authorization>,
    /// Why the authorizer denied something on this thread, told once: SQLite says no more than "not authorized".
    pub denied: Option<fn() -> Option<&'static str>>,
}

/// What a check of the whole file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integrity {
    /// What is wrong, as SQLite says it, at most 100 lines; empty for a sound file.
    pub problems: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Integrity {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// One SQLite file. Clones are the same; when the last is dropped, or it is closed, its threads end.
#[derive(Clone, Debug)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Arc<Place>,
    options: Arc<Options>,
    gauges: Arc<Gauges>,
    writes: Arc<Queue<Item>>,
    reads: Arc<Queue<Box<dyn Job>>>,
    /// The threads, writer first. A lock of std: held to start one or to take all.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Something to do on a connection, and somebody who waits for what comes of it.
trait Job: Send {
    /// Does it; what it makes is kept until the answer. A write may be run again.
    fn run(&mut self, connection: &Connection) -> Result<(), rusqlite::Error>;
    /// Answers: with what was made last, or with why not. Does not panic.
    fn answer(self: Box<Self>, outcome: Result<(), StorageError>);
}

struct Asked<T, F, A> {
    job: F,
    made: Option<T>,
    answer: A,
}

impl<T, F, A> Job for Asked<T, F, A>
where
    T: Send,
    F: FnMut(&Connection) -> Result<T, rusqlite::Error> + Send,
    A: FnOnce(Result<T, StorageError>) + Send,
{
    fn run(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        self.made = Some((self.job)(connection)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StorageError>) {
        // Whoever is answered must not end the thread: all who ask later would wait for ever.
        let answered = catch_unwind(AssertUnwindSafe(move || {
            let Self { made, answer, .. } = *self;
            answer(outcome.and_then(|()| made.ok_or(StorageError::Closed)));
        }));
        if answered.is_err() {
            tracing::error!("what a database's job is answered with panicked: this is a mistake in the bot");
        }
    }
}

impl Database {
    /// Opens a file, or makes it and its folder, and makes the migrations that are due. Blocking: call it away from the
    /// runtime's threads.
    ///
    /// A file that was not closed properly, or that is small, is checked first: rather no start than a start on damaged
    /// data.
    ///
    /// # Errors
    ///
    /// [`OpenError`], whose text says what to do.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let options = Arc::new(options);
        let place = Arc::new(Place::new(path, &options.limits));
        let mut session = connection::open_checked(&place, &options)?;
        // Without any, somebody else asks what is due: a plugin's steps are known when it is loaded.
        if !options.migrations.is_empty() {
            migration::make(&mut session, &options.migrations, &options.limits).map_err(|error| error.of(&place))?;
        }
        let gauges = Arc::new(Gauges::default());
        let writes = Arc::new(Queue::new(MAX_WAITING));
        let thread = writer::Writer::new(session, Arc::clone(&place), Arc::clone(&gauges), Arc::clone(&writes));
        let thread = thread.spawn().map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(Arc::new(Inner {
            place,
            options,
            gauges,
            writes,
            reads: Arc::new(Queue::new(MAX_WAITING)),
            threads: Mutex::new(vec![thread]),
        })))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.place.path
    }

    /// Does a job in a transaction, and answers after its commit. Jobs that wait at the same time share one
    /// transaction, each in a savepoint of its own: what one of them does wrong undoes nothing of the others.
    ///
    /// A job may be run again: SQLite rolls back whole transactions when a statement is interrupted or the disk is full,
    /// and those that were innocent are repeated. So it changes nothing but the database.
    ///
    /// # Cancel safety
    ///
    /// A job that has been handed over is done even if nobody waits any more.
    ///
    /// # Errors
    ///
    /// [`StorageError`]; then nothing of the job is kept.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, answered) = oneshot::channel();
        self.submit_write(job, |outcome| {
            let _ = answer.send(outcome);
        })?;
        answered.await.map_err(|_| StorageError::Closed)?
    }

    /// Like [`write`](Self::write) without a task that waits: `answer` is called on the writer's thread, behind the
    /// commit, and must not take long.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it was not handed over; then nobody calls `answer`.
    pub fn submit_write<T: Send + 'static>(
        &self,
        job: impl FnMut(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
        answer: impl FnOnce(Result<T, StorageError>) + Send + 'static,
    ) -> Result<(), StorageError> {
        let made = None;
        self.0.writes.push(Item::Job(Box::new(Asked { job, made, answer })))
    }

    /// Does a job that only reads, on a snapshot that has every write answered before.
    ///
    /// # Errors
    ///
    /// [`StorageError`]; `NotARead` for a statement that changes something.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, answered) = oneshot::channel();
        self.submit_read(job, |outcome| {
            let _ = answer.send(outcome);
        })?;
        answered.await.map_err(|_| StorageError::Closed)?
    }

    /// Like [`read`](Self::read) without a task that waits: `answer` is called on the reader's thread, and must not take
    /// long. The snapshot begins with the job's first statement or before.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it was not handed over; then nobody calls `answer`.
    pub fn submit_read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
        answer: impl FnOnce(Result<T, StorageError>) + Send + 'static,
    ) -> Result<(), StorageError> {
        let mut job = Some(job);
        let job = move |connection: &Connection| {
            let job = job.take().ok_or(rusqlite::Error::InvalidQuery)?;
            job(connection)
        };
        let made = None;
        self.0.reads.push(Box::new(Asked { job, made, answer }))?;
        self.0.ensure_reader();
        Ok(())
    }

    /// How many of these steps are due.
    ///
    /// # Errors
    ///
    /// Why a program with these steps can't work with this database.
    pub async fn migrations_due(&self, steps: Vec<Step>) -> Result<usize, OpenError> {
        let due = self
            .alone(move |session| migration::due(&session.connection, &steps))
            .await
            .map_err(OpenError::Storage)?;
        due.map_err(|error| error.of(&self.0.place))
    }

    /// Makes the steps that are due, each in a transaction of its own, between two groups of writes. Answers with how
    /// many were made.
    ///
    /// # Errors
    ///
    /// Why not; the steps before the one that failed are kept.
    pub async fn migrate(&self, steps: Vec<Step>) -> Result<usize, OpenError> {
        let options = Arc::clone(&self.0.options);
        let made = self
            .alone(move |session| migration::make(session, &steps, &options.limits))
            .await
            .map_err(OpenError::Storage)?;
        made.map_err(|error| error.of(&self.0.place))
    }

    /// Checks the whole file and its indexes (`PRAGMA integrity_check`), on a connection of its own.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be checked; what a check finds is in [`Integrity`].
    pub async fn check(&self) -> Result<Integrity, StorageError> {
        let place = Arc::clone(&self.0.place);
        in_background(move || check(&place.path)).await
    }

    /// Stops writers between two groups until the answer is dropped; reads go on.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it is closed.
    pub async fn hold(&self) -> Result<Held, StorageError> {
        let (release, released) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        self.0.writes.push(Item::Alone(Box::new(move |_: &mut Session| {
            if tell.send(()).is_ok() {
                let _ = released.blocking_recv();
            }
        })))?;
        told.await.map_err(|_| StorageError::Closed)?;
        Ok(Held { _release: release })
    }

    /// The state as it is now, to be copied while writers go on.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the file can't be read.
    pub async fn snapshot(&self) -> Result<Snapshot, StorageError> {
        let place = Arc::clone(&self.0.place);
        in_background(move || Snapshot::take(&place)).await
    }

    /// Copies the state as it is now into a new file, by SQLite's online backup in one step. Writers go on meanwhile.
    ///
    /// # Errors
    ///
    /// [`StorageError`]; then nothing is left at `path`.
    pub async fn copy_to(&self, path: &Path) -> Result<(), StorageError> {
        let snapshot = self.snapshot().await?;
        let path = path.to_owned();
        in_background(move || snapshot.copy_to(&path)).await
    }

    /// What it has done, and how large it is.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the file can't be read.
    pub async fn figures(&self) -> Result<Figures, StorageError> {
        let pages = self
            .alone(|session| figures::Pages::read(&session.connection))
            .await?
            .map_err(|error| self.0.place.classify(&error))?;
        Ok(self.0.gauges.figures(&self.0.place.path, &pages))
    }

    /// Does what was handed over, writes everything into the main file and ends the threads. Whatever comes later is
    /// refused with [`StorageError::Closed`].
    pub async fn close(&self) {
        let inner = Arc::clone(&self.0);
        let _ = spawn_blocking(move || inner.end()).await;
    }

    /// Does something on the writer's connection, outside of any transaction, between two groups.
    async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> T + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, answered) = oneshot::channel();
        self.0.writes.push(Item::Alone(Box::new(move |session: &mut Session| {
            let _ = answer.send(work(session));
        })))?;
        answered.await.map_err(|_| StorageError::Closed)
    }
}

/// Writers wait as long as this lives.
#[derive(Debug)]
#[must_use = "writers go on when this is dropped"]
pub struct Held {
    _release: oneshot::Sender<()>,
}

impl Inner {
    /// Starts one more reader if all are at work and there may be more.
    fn ensure_reader(&self) {
        if self.reads.has_idle() {
            return;
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let readers = threads.len().saturating_sub(1);
        if readers >= self.options.readers.max(1) || self.reads.is_closed() {
            return;
        }
        let reader = reader::Reader {
            place: Arc::clone(&self.place),
            options: Arc::clone(&self.options),
            gauges: Arc::clone(&self.gauges),
            queue: Arc::clone(&self.reads),
        };
        match reader.spawn() {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                tracing::warn!(%error, "a thread that reads from the database could not be started");
                if readers == 0 {
                    // Nobody would ever take them.
                    for job in self.reads.drain() {
                        job.answer(Err(StorageError::Busy));
                    }
                }
            }
        }
    }

    /// Ends the threads, readers first: the last connection to close is the writer's, which empties the log.
    fn end(&self) {
        self.reads.close();
        let mut threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for reader in threads.drain(1.min(threads.len())..) {
            let _ = reader.join();
        }
        // Handed over just before the close, with no reader there or to be started any more.
        for job in self.reads.drain() {
            job.answer(Err(StorageError::Closed));
        }
        self.writes.close();
        for writer in threads {
            let _ = writer.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The threads hold no `Inner`; they end by themselves, and nobody here may wait.
        self.reads.close();
        self.writes.close();
    }
}

/// Does blocking work away from the runtime's threads.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    spawn_blocking(work).await.map_err(|_| StorageError::Panicked)?
}

/// How long something took, and what came of it.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let made = work();
    (made, began.elapsed())
}

/// The log beside a database's file.
pub(super) fn log_file(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

/// A file beside another, with something added to its name.
pub(super) fn beside(path: &Path, added: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(added);
    name.into()
}
