//! The keys and values of one plugin: what is asked at the same time is done in one go, on the engine's threads.
//!
//! Requests wait here, reads and writes apart. Of each at most one job is under way; it takes all that waits when it
//! begins, and its end begins the next. So a request costs no task and no wake of its own, and writes that come together
//! share a commit. A lock of std: held to add or take requests, never while anything is done.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use plugin_protocol::{Keys, Problem, ProblemCode};
use rusqlite::Connection;
use tokio::{runtime::Handle, sync::Mutex as Turn, task::spawn_blocking};

use super::{entries, gate::Gate, problem};
use crate::storage::{Database, Limits, Options, StorageError, database::Synchronous};

pub use super::entries::Done;

/// The most that the file of one plugin's keys holds, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// How long a group of requests may take.
const TIME: std::time::Duration = std::time::Duration::from_secs(10);
/// How many requests are done in one go.
const GROUP: usize = 1_024;
/// How many bytes of answers a group may come to before the others of it wait for the next one.
const GROUP_BYTES: usize = 8 << 20;
/// How many groups are waited for when the file is closed; what a plugin asks beyond that is refused.
const LAST_GROUPS: usize = 64;

/// Who asks, and is answered.
pub trait Asker: Send + Sync + 'static {
    /// Answers requests by their ids. Called on threads of the engine: it must not wait.
    fn answer(&self, answers: Vec<(u64, Done)>);
}

/// A request on keys and values.
pub struct KeysRequest {
    /// Who asks.
    pub asker: Arc<dyn Asker>,
    /// The asker's number of it.
    pub id: u64,
    /// What is asked.
    pub head: Keys,
    /// The value that is written.
    pub value: Bytes,
    /// Kept until it is answered.
    pub held: Box<dyn Send>,
}

/// The keys and values of one plugin.
pub(super) struct KeysOf {
    path: PathBuf,
    synchronous: Synchronous,
    gate: Arc<Gate>,
    state: Mutex<State>,
    /// Whose turn it is to open the file.
    opening: Turn<()>,
    version: AtomicU64,
    /// When expired values are next swept, in milliseconds since 1970.
    sweep_at: AtomicI64,
}

#[derive(Default)]
struct State {
    database: Option<Database>,
    is_opening: bool,
    reads: Vec<KeysRequest>,
    writes: Vec<KeysRequest>,
    is_reading: bool,
    is_writing: bool,
}

impl State {
    /// Whether anything was asked that is not answered.
    fn is_busy(&self) -> bool {
        self.is_asked() || self.is_reading || self.is_writing
    }

    /// Whether anything waits that is not under way.
    fn is_asked(&self) -> bool {
        !self.reads.is_empty() || !self.writes.is_empty()
    }
}

impl KeysOf {
    pub(super) fn new(path: PathBuf, synchronous: Synchronous, gate: Arc<Gate>) -> Self {
        Self {
            path,
            synchronous,
            gate,
            state: Mutex::default(),
            opening: Turn::default(),
            // Beyond all that were given before: a version is compared with such as this process has given only.
            version: AtomicU64::new(u64::try_from(now()).unwrap_or(1).saturating_mul(1_000)),
            sweep_at: AtomicI64::new(0),
        }
    }

    /// Takes a request, and answers it later.
    pub(super) fn ask(self: &Arc<Self>, runtime: &Handle, request: KeysRequest) {
        if let Err(problem) = entries::check(&request.head) {
            request.asker.answer(vec![(request.id, Err(problem))]);
            return;
        }
        let mut state = self.state();
        if entries::only_reads(request.head.action) {
            state.reads.push(request);
        } else {
            state.writes.push(request);
        }
        if state.database.is_some() {
            drop(state);
            self.go_on();
        } else if !std::mem::replace(&mut state.is_opening, true) {
            let keys = Arc::clone(self);
            runtime.spawn(async move {
                loop {
                    let opened = keys.database().await;
                    let mut state = keys.state();
                    // Closed in between, and asked again.
                    if opened.is_ok() && state.database.is_none() && state.is_asked() {
                        continue;
                    }
                    state.is_opening = false;
                    drop(state);
                    match opened {
                        Ok(_) => keys.go_on(),
                        Err(problem) => keys.refuse_all(&problem),
                    }
                    return;
                }
            });
        }
    }

    /// The file, opened if it is not.
    pub(super) async fn database(&self) -> Result<Database, Problem> {
        if let Some(database) = self.open_database() {
            return Ok(database);
        }
        let _pass = self.gate.pass().await;
        let _turn = self.opening.lock().await;
        if let Some(database) = self.open_database() {
            return Ok(database);
        }
        if self.gate.is_paused() {
            return Err(Problem::new(ProblemCode::Closed, StorageError::Closed.to_string()));
        }
        let options = Options {
            synchronous: self.synchronous,
            migrations: entries::steps(),
            readers: 1,
            limits: Limits {
                file_bytes: Some(MAX_BYTES),
                job_time: Some(TIME),
                ..Limits::default()
            },
        };
        let path = self.path.clone();
        let opened = spawn_blocking(move || Database::open(&path, options)).await;
        let opened = opened.map_err(|_| Problem::new(ProblemCode::Failed, "opening the keys panicked: see the log"))?;
        let database = opened.map_err(|error| Problem::new(ProblemCode::Failed, error.to_string()))?;
        self.state().database = Some(database.clone());
        Ok(database)
    }

    /// The file, if it is open.
    pub(super) fn open_database(&self) -> Option<Database> {
        self.state().database.clone()
    }

    /// Does what was asked, and closes the file; it is opened again when it is needed.
    pub(super) async fn close(&self) {
        // What is opened meanwhile is closed, too.
        let _turn = self.opening.lock().await;
        let Some(database) = self.state().database.clone() else {
            return;
        };
        // A group's end begins the next one, before whatever is handed over now is done.
        for _ in 0..LAST_GROUPS {
            if !self.state().is_busy() {
                break;
            }
            let _ = tokio::join!(database.read(|_| Ok(())), database.write(|_| Ok(())));
        }
        self.state().database = None;
        database.close().await;
        let error = StorageError::Closed;
        self.refuse_all(&Problem::new(ProblemCode::Closed, error.to_string()));
    }

    /// Begins what waits and is not under way.
    fn go_on(self: &Arc<Self>) {
        let mut state = self.state();
        let Some(database) = state.database.clone() else {
            return;
        };
        let reads = !state.reads.is_empty() && !std::mem::replace(&mut state.is_reading, true);
        let writes = !state.writes.is_empty() && !std::mem::replace(&mut state.is_writing, true);
        drop(state);
        if reads {
            self.read(&database);
        }
        if writes {
            self.write(&database);
        }
    }

    fn read(self: &Arc<Self>, database: &Database) {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (keys, taking) = (Arc::clone(self), Arc::clone(&taken));
        let job = move |connection: &Connection| {
            // What is taken was asked before the snapshot that the first statement begins.
            let mut group = lock(&taking);
            *group = take(&mut keys.state().reads);
            keys.act(connection, &group)
        };
        let keys = Arc::clone(self);
        let submitted = database.submit_read(job, move |outcome| {
            let group = std::mem::take(&mut *lock(&taken));
            keys.end_reads(group, outcome);
        });
        if let Err(error) = submitted {
            let group = take(&mut self.state().reads);
            self.end_reads(group, Err(error));
        }
    }

    fn end_reads(self: &Arc<Self>, mut group: Vec<KeysRequest>, outcome: Result<Vec<Done>, StorageError>) {
        let left = left(&mut group, &outcome);
        self.state().reads.splice(0..0, left);
        answer(group, outcome);
        self.state().is_reading = false;
        self.go_on();
    }

    fn write(self: &Arc<Self>, database: &Database) {
        let group = take(&mut self.state().writes);
        self.write_group(database, group);
    }

    fn write_group(self: &Arc<Self>, database: &Database, group: Vec<KeysRequest>) {
        let group = Arc::new(Mutex::new(group));
        let (keys, asked) = (Arc::clone(self), Arc::clone(&group));
        let job = move |connection: &Connection| keys.act(connection, &lock(&asked));
        let (keys, asked) = (Arc::clone(self), Arc::clone(&group));
        let again = database.clone();
        let submitted = database.submit_write(job, move |outcome| {
            let group = std::mem::take(&mut *lock(&asked));
            keys.end_writes(&again, group, outcome);
        });
        if let Err(error) = submitted {
            let group = std::mem::take(&mut *lock(&group));
            self.end_writes(database, group, Err(error));
        }
    }

    fn end_writes(
        self: &Arc<Self>,
        database: &Database,
        mut group: Vec<KeysRequest>,
        outcome: Result<Vec<Done>, StorageError>,
    ) {
        if group.len() > 1
            && matches!(
                outcome,
                Err(StorageError::TooBig { .. } | StorageError::TimeLimit { .. })
            )
        {
            // Not all of them are too much: halves of halves come to those that are.
            let mut first = group;
            let second = first.split_off(first.len() / 2);
            self.state().writes.splice(0..0, second);
            self.write_group(database, first);
            return;
        }
        let is_done = outcome.is_ok();
        let left = left(&mut group, &outcome);
        self.state().writes.splice(0..0, left);
        answer(group, outcome);
        self.state().is_writing = false;
        self.go_on();
        if is_done && now() >= self.sweep_at.load(Ordering::Relaxed) {
            self.begin_sweep(database);
        }
    }

    /// Does what is asked, in order, until the answers are enough for one group.
    fn act(&self, connection: &Connection, group: &[KeysRequest]) -> Result<Vec<Done>, rusqlite::Error> {
        let now = now();
        let (mut acted, mut bytes) = (Vec::with_capacity(group.len()), 0);
        for request in group {
            let version = self.version.fetch_add(1, Ordering::Relaxed);
            let done = entries::act(connection, &request.head, &request.value, now, version)?;
            bytes += done.as_ref().map_or(0, |(_, value)| value.len());
            acted.push(done);
            if bytes > GROUP_BYTES {
                break;
            }
        }
        Ok(acted)
    }

    /// Sweeps some of the expired values, and goes on with the next write if there are more.
    fn begin_sweep(self: &Arc<Self>, database: &Database) {
        let next = now().saturating_add(i64::try_from(entries::SWEEPING.as_millis()).unwrap_or(i64::MAX));
        self.sweep_at.store(next, Ordering::Relaxed);
        let keys = Arc::clone(self);
        let swept = move |outcome: Result<(u64, bool), StorageError>| {
            if outcome.is_ok_and(|(_, more)| more) {
                keys.sweep_at.store(0, Ordering::Relaxed);
            }
        };
        // What is not swept now is swept the next time.
        let _ = database.submit_write(|connection| entries::sweep(connection, now()), swept);
    }

    /// Sweeps all expired values; how many.
    pub(super) async fn sweep(&self) -> Result<u64, Problem> {
        let database = self.database().await?;
        let mut all = 0;
        loop {
            let (swept, more) = database
                .write(|connection| entries::sweep(connection, now()))
                .await
                .map_err(|error| problem(&error))?;
            all += swept;
            if !more {
                return Ok(all);
            }
        }
    }

    fn refuse_all(&self, problem: &Problem) {
        let mut state = self.state();
        let mut all = std::mem::take(&mut state.reads);
        all.append(&mut state.writes);
        drop(state);
        for request in all {
            request.asker.answer(vec![(request.id, Err(problem.clone()))]);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take(waiting: &mut Vec<KeysRequest>) -> Vec<KeysRequest> {
    if waiting.len() <= GROUP {
        return std::mem::take(waiting);
    }
    let left = waiting.split_off(GROUP);
    std::mem::replace(waiting, left)
}

/// Takes out of a group what it did not come to.
fn left(group: &mut Vec<KeysRequest>, outcome: &Result<Vec<Done>, StorageError>) -> Vec<KeysRequest> {
    match outcome {
        Ok(answers) if answers.len() < group.len() => group.split_off(answers.len()),
        _ => Vec::new(),
    }
}

/// Answers a group, with one batch for each asker.
fn answer(group: Vec<KeysRequest>, outcome: Result<Vec<Done>, StorageError>) {
    let mut answers: Box<dyn Iterator<Item = Done>> = match outcome {
        Ok(answers) => Box::new(answers.into_iter()),
        Err(error) => Box::new(std::iter::repeat(Err(problem(&error)))),
    };
    let mut asker: Option<Arc<dyn Asker>> = None;
    let mut batch = Vec::with_capacity(group.len());
    let mut held = Vec::with_capacity(group.len());
    for request in group {
        if let Some(asker) = asker.take_if(|asker| !Arc::ptr_eq(asker, &request.asker)) {
            tell(&*asker, std::mem::take(&mut batch));
        }
        let done = answers.next().unwrap_or_else(|| Err(problem(&StorageError::Closed)));
        batch.push((request.id, done));
        held.push(request.held);
        asker = Some(request.asker);
    }
    if let Some(asker) = asker {
        tell(&*asker, batch);
    }
}

/// Answers; whoever panics then hinders nobody else's requests.
fn tell(asker: &dyn Asker, answers: Vec<(u64, Done)>) {
    if catch_unwind(AssertUnwindSafe(|| asker.answer(answers))).is_err() {
        tracing::error!("answering requests on keys panicked: this is a mistake in the bot");
    }
}

/// The time, in milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
