//! A thread that reads: what waits is read from one snapshot, which costs one lock instead of one a job.
//!
//! The snapshot begins after its jobs were taken, so it has every write that was answered before they were asked.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    Job, Options, StorageError,
    connection::{self, Place, Role, Session},
    figures::Gauges,
    queue::Queue,
    writer::execute,
};

/// How many jobs share one snapshot.
const BATCH: usize = 64;
/// How long a snapshot takes further jobs: as long as it lasts, the log grows.
const SNAPSHOT: Duration = Duration::from_millis(100);

pub(super) struct Reader {
    pub(super) place: Arc<Place>,
    pub(super) options: Arc<Options>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) queue: Arc<Queue<Box<dyn Job>>>,
}

impl Reader {
    pub(super) fn spawn(self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("db-reader".to_owned()).spawn(move || {
            let threads = self.options.readers.max(1);
            let mut session = None;
            let mut taken = Vec::new();
            while self.queue.take(BATCH, threads, &mut taken).is_some() {
                // What hinders one batch may have gone at the next: locks, a full disk, too many open files.
                if session.is_none() {
                    match connection::open(&self.place, &self.options, Role::Reader) {
                        Ok(opened) => session = Some(opened),
                        Err(error) => {
                            let error = self.place.classify(&error);
                            taken.drain(..).for_each(|job| job.answer(Err(error.clone())));
                        }
                    }
                }
                if let Some(session) = &session {
                    self.serve(session, &mut taken);
                }
            }
        })
    }

    fn serve(&self, session: &Session, taken: &mut Vec<Box<dyn Job>>) {
        let connection = &session.connection;
        let mut snapshot = Instant::now();
        for mut job in taken.drain(..) {
            // An interrupted read may have ended the transaction.
            if connection.is_autocommit() {
                if let Err(error) = execute(connection, "BEGIN") {
                    job.answer(Err(self.place.classify(&error)));
                    continue;
                }
                snapshot = Instant::now();
            }
            let began = Instant::now();
            let ran = session.guarded(self.place.job_time, |connection| {
                catch_unwind(AssertUnwindSafe(|| job.run(connection)))
            });
            self.gauges.reads.note(began.elapsed());
            job.answer(match ran {
                Ok(ran) => ran.map_err(|error| self.place.classify_read(&error)),
                Err(_) => Err(StorageError::Panicked),
            });
            if snapshot.elapsed() > SNAPSHOT {
                end(connection);
            }
        }
        end(connection);
    }
}

/// Ends the snapshot: one that stays would show later jobs an old state.
fn end(connection: &Connection) {
    if !connection.is_autocommit() && execute(connection, "COMMIT").is_err() && !connection.is_autocommit() {
        let _ = execute(connection, "ROLLBACK");
    }
}
