//! The thread that writes: what waits is done in one transaction, so that many writes share one commit.
//!
//! Each job of a group is in a savepoint of its own. SQLite rolls back the whole transaction on some errors
//! (<https://sqlite.org/lang_transaction.html>); then the jobs are repeated one by one, so that nobody's write is lost
//! by another's fault.

use std::{
    fs, io,
    iter::once,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    Job, StorageError,
    connection::{Place, Session},
    figures::Gauges,
    log_file,
    queue::Queue,
};

/// How many jobs share one transaction.
const GROUP: usize = 512;
/// How long jobs may join a transaction that has begun: those that came first wait for its end.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// What the writer is given.
pub(super) enum Item {
    /// Part of a group.
    Job(Box<dyn Job>),
    /// Something that needs the connection for itself, outside of any transaction.
    Alone(Box<dyn FnOnce(&mut Session) + Send>),
}

/// Why a job failed.
enum Fault {
    Sqlite(rusqlite::Error),
    Panicked,
}

pub(super) struct Writer {
    session: Session,
    place: Arc<Place>,
    gauges: Arc<Gauges>,
    queue: Arc<Queue<Item>>,
}

impl Writer {
    pub(super) fn new(session: Session, place: Arc<Place>, gauges: Arc<Gauges>, queue: Arc<Queue<Item>>) -> Self {
        Self {
            session,
            place,
            gauges,
            queue,
        }
    }

    pub(super) fn spawn(mut self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("db-writer".to_owned()).spawn(move || {
            let mut taken = Vec::new();
            while self.queue.take(GROUP, 1, &mut taken).is_some() {
                self.serve(&mut taken);
            }
            self.session.finish();
        })
    }

    fn serve(&mut self, taken: &mut Vec<Item>) {
        let mut jobs = Vec::with_capacity(taken.len());
        let mut items = taken.drain(..);
        while let Some(item) = items.next() {
            match item {
                Item::Job(job) => jobs.push(job),
                Item::Alone(work) => {
                    self.group(&mut jobs);
                    if !jobs.is_empty() {
                        let left = jobs.into_iter().map(Item::Job);
                        self.queue.put_back(left.chain(once(Item::Alone(work))).chain(items));
                        return;
                    }
                    // Its answer is dropped with it, which whoever waits is told of.
                    if catch_unwind(AssertUnwindSafe(|| work(&mut self.session))).is_err() {
                        let _ = rollback(&self.session.connection);
                    }
                }
            }
        }
        self.group(&mut jobs);
        self.queue.put_back(jobs.into_iter().map(Item::Job));
    }

    /// Does these jobs in one transaction, or one by one if that fails. Those that are left wait for the next one, before
    /// whatever came behind them.
    fn group(&mut self, jobs: &mut Vec<Box<dyn Job>>) {
        if !jobs.is_empty() && self.has_endless_log() {
            for job in jobs.drain(..) {
                job.answer(Err(StorageError::Busy));
            }
        }
        match jobs.len() {
            0 => {}
            1 => {
                for job in jobs.drain(..) {
                    self.single(job);
                }
            }
            _ => {
                let began = Instant::now();
                let Err(guilty) = self.together(jobs, began) else {
                    return;
                };
                // Whoever caused it comes last: a full disk may take the others, and it has its answer if it is at fault
                // by itself.
                let mut last = None;
                for (at, job) in jobs.drain(..).enumerate() {
                    match &guilty {
                        Some((number, _)) if *number == at => last = Some(job),
                        _ => self.single(job),
                    }
                }
                match (last, guilty) {
                    (Some(job), Some((_, Some(error)))) => job.answer(Err(error)),
                    (Some(job), _) => self.single(job),
                    (None, _) => {}
                }
            }
        }
    }

    /// One transaction for all. `Err` if it was rolled back, with whose fault that was and, if that one need not be
    /// tried again, its answer; then nobody has been answered.
    #[allow(clippy::type_complexity, reason = "said above, and used once")]
    fn together(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        began: Instant,
    ) -> Result<(), Option<(usize, Option<StorageError>)>> {
        let connection = &self.session.connection;
        if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
            let error = self.place.classify(&error);
            for job in jobs.drain(..) {
                job.answer(Err(error.clone()));
            }
            return Ok(());
        }
        let mut outcomes = Vec::with_capacity(jobs.len());
        for (number, job) in jobs.iter_mut().enumerate() {
            if began.elapsed() > GROUP_TIME {
                break;
            }
            let saved = execute(connection, "SAVEPOINT job");
            let outcome = match saved {
                Ok(()) => self.run(job.as_mut()),
                Err(error) => Err(Fault::Sqlite(error)),
            };
            let connection = &self.session.connection;
            let outcome = match outcome {
                Ok(()) => execute(connection, "RELEASE job").map_err(Fault::Sqlite),
                failed => failed,
            };
            let Err(fault) = outcome else {
                outcomes.push(Ok(()));
                continue;
            };
            let undone = !connection.is_autocommit()
                && execute(connection, "ROLLBACK TO job").is_ok()
                && execute(connection, "RELEASE job").is_ok();
            if undone {
                outcomes.push(Err(self.explain(&fault)));
                continue;
            }
            let _ = rollback(connection);
            let answer = match &fault {
                // Its own time was up, or its own statement went wrong.
                Fault::Sqlite(error) if !self.place.classify(error).is_about_the_system() => Some(self.explain(&fault)),
                Fault::Panicked => Some(StorageError::Panicked),
                Fault::Sqlite(_) => None,
            };
            return Err(Some((number, answer)));
        }
        let committing = Instant::now();
        if let Err(error) = execute(&self.session.connection, "COMMIT") {
            tracing::debug!(%error, "a group of writes could not be committed, they are repeated one by one");
            let _ = rollback(&self.session.connection);
            return Err(None);
        }
        self.gauges.commits.note(committing.elapsed());
        self.gauges.groups.note_number(outcomes.len() as u64);
        let left = jobs.split_off(outcomes.len());
        for (job, outcome) in std::mem::replace(jobs, left).into_iter().zip(outcomes) {
            job.answer(outcome);
        }
        Ok(())
    }

    /// Whether the log has outgrown all that the file may hold, and can't be emptied: reads that overlap keep SQLite from
    /// ever beginning it anew (<https://sqlite.org/wal.html#avoiding_excessively_large_wal_files>).
    fn has_endless_log(&self) -> bool {
        let Some(most) = self.place.log_bytes() else {
            return false;
        };
        let log = log_file(&self.place.path);
        let is_larger = || fs::metadata(&log).is_ok_and(|log| log.len() > most);
        if !is_larger() {
            return false;
        }
        if let Err(error) = self.session.empty_log(self.place.job_time) {
            tracing::warn!(path = %self.place.path.display(), %error, "the log of a database can't be emptied");
        }
        is_larger()
    }

    /// One transaction for one job.
    fn single(&mut self, mut job: Box<dyn Job>) {
        let connection = &self.session.connection;
        if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
            job.answer(Err(self.place.classify(&error)));
            return;
        }
        let outcome = self.run(job.as_mut());
        let committing = Instant::now();
        let connection = &self.session.connection;
        let outcome = match outcome {
            Ok(()) => execute(connection, "COMMIT").map_err(Fault::Sqlite),
            failed => failed,
        };
        match outcome {
            Ok(()) => {
                self.gauges.commits.note(committing.elapsed());
                self.gauges.groups.note_number(1);
                job.answer(Ok(()));
            }
            Err(fault) => {
                let _ = rollback(connection);
                job.answer(Err(self.explain(&fault)));
            }
        }
    }

    fn run(&self, job: &mut dyn Job) -> Result<(), Fault> {
        let began = Instant::now();
        let ran = self.session.guarded(self.place.job_time, |connection| {
            catch_unwind(AssertUnwindSafe(|| job.run(connection)))
        });
        self.gauges.writes.note(began.elapsed());
        match ran {
            Ok(ran) => ran.map_err(Fault::Sqlite),
            Err(_) => Err(Fault::Panicked),
        }
    }

    fn explain(&self, fault: &Fault) -> StorageError {
        match fault {
            Fault::Sqlite(error) => self.place.classify(error),
            Fault::Panicked => StorageError::Panicked,
        }
    }
}

/// Runs one of the engine's own statements.
pub(super) fn execute(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.raw_execute().map(|_| ())
}

/// Ends a transaction that may have ended already.
fn rollback(connection: &Connection) -> Result<(), rusqlite::Error> {
    if connection.is_autocommit() {
        return Ok(());
    }
    execute(connection, "ROLLBACK")
}
