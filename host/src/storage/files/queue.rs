//! Who works on a file and when: the jobs of one file one after another in the order in which they came, those of
//! different files side by side, on threads of their own.
//!
//! Plugins take turns, and none has more than a share of the threads: one that floods, or whose disk hangs, delays itself.
//! All of it can be held, so that a backup sees the files of one moment.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use plugin_protocol::PluginName;
use tokio::sync::Notify;

use super::cache::Key;

/// How many threads there are at most; they are started when there is work for them.
const THREADS: usize = 8;
/// How many of them work for one plugin at most.
const PER_PLUGIN: usize = 3;

type Job = Box<dyn FnOnce() + Send>;

/// The jobs that wait, and the threads that do them.
pub(super) struct Queue {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Nothing is under way any more, or nothing waits either.
    rested: Notify,
}

/// Begins nothing until it is dropped.
#[must_use = "jobs go on when it is dropped"]
pub(super) struct Rest(Arc<Shared>);

#[derive(Default)]
struct State {
    /// The jobs of each file behind the one that is ready or under way.
    behind: HashMap<Key, VecDeque<Job>>,
    plugins: HashMap<PluginName, Turns>,
    /// The plugins with ready jobs and a thread to spare, in the order of their turns.
    turns: VecDeque<PluginName>,
    /// How many jobs are under way.
    working: usize,
    /// How many hold everything.
    rests: usize,
    /// Nothing is taken at the moment.
    paused: bool,
    threads: usize,
    idle: usize,
    closed: bool,
}

/// The jobs of a plugin.
#[derive(Default)]
struct Turns {
    /// The first jobs of files at which nobody works.
    ready: VecDeque<(Key, Job)>,
    working: usize,
    /// Whether it is among the turns.
    queued: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { shared: Arc::default() }
    }

    /// Has a job done. Jobs of one key are done in the order in which this was called. In a pause it is dropped.
    pub(super) fn put(&self, key: Key, job: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.lock();
        if state.paused {
            drop(state);
            drop(job);
            return;
        }
        if let Some(behind) = state.behind.get_mut(&key) {
            behind.push_back(Box::new(job));
            return;
        }
        state.behind.insert(key.clone(), VecDeque::new());
        state.ready(key, Box::new(job));
        if state.idle > 0 {
            self.shared.changed.notify_one();
        } else if state.threads < THREADS {
            state.threads += 1;
            let shared = Arc::clone(&self.shared);
            let name = format!("files-{}", state.threads);
            if let Err(error) = thread::Builder::new().name(name).spawn(move || shared.work()) {
                state.threads -= 1;
                tracing::error!(%error, "no thread for files can be started");
            }
        }
    }
}

impl Queue {
    /// Begins nothing any more, and waits until nothing is under way. What is put meanwhile waits.
    pub(super) async fn rest(&self) -> Rest {
        self.shared.lock().rests += 1;
        let rest = Rest(Arc::clone(&self.shared));
        self.until(|state| state.working == 0).await;
        rest
    }

    /// Takes nothing more, or takes jobs again.
    pub(super) fn pause(&self, paused: bool) {
        self.shared.lock().paused = paused;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.shared.lock().paused
    }

    /// Waits until all that was put is done.
    pub(super) async fn done(&self) {
        self.until(|state| state.behind.is_empty()).await;
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let rested = self.shared.rested.notified();
            if is_so(&self.shared.lock()) {
                return;
            }
            rested.await;
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.lock().rests -= 1;
        self.0.changed.notify_all();
    }
}

impl Drop for Queue {
    /// What waits is still done, then the threads end.
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl State {
    fn ready(&mut self, key: Key, job: Job) {
        let plugin = key.0.clone();
        let turns = self.plugins.entry(plugin.clone()).or_default();
        turns.ready.push_back((key, job));
        self.queue(plugin);
    }

    /// Puts a plugin among the turns, if it has something to do and may do it.
    fn queue(&mut self, plugin: PluginName) {
        let Some(turns) = self.plugins.get_mut(&plugin) else {
            return;
        };
        if !turns.queued && !turns.ready.is_empty() && turns.working < PER_PLUGIN {
            turns.queued = true;
            self.turns.push_back(plugin);
        }
    }

    fn next(&mut self) -> Option<(Key, Job)> {
        if self.rests > 0 {
            return None;
        }
        let plugin = self.turns.pop_front()?;
        let turns = self.plugins.get_mut(&plugin)?;
        turns.queued = false;
        turns.working += 1;
        self.working += 1;
        let next = turns.ready.pop_front();
        self.queue(plugin);
        next
    }

    fn done(&mut self, key: Key) {
        self.working -= 1;
        let plugin = key.0.clone();
        if let Some(turns) = self.plugins.get_mut(&plugin) {
            turns.working -= 1;
        }
        match self.behind.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(job) => self.ready(key, job),
            None => {
                self.behind.remove(&key);
                self.queue(plugin.clone());
            }
        }
        let is_idle = |turns: &Turns| turns.working == 0 && turns.ready.is_empty();
        if self.plugins.get(&plugin).is_some_and(is_idle) {
            self.plugins.remove(&plugin);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some((key, job)) = state.next() {
                let is_more = !state.turns.is_empty();
                drop(state);
                if is_more {
                    self.changed.notify_one();
                }
                // A panic is in the log by the hook; whoever waits is answered by the job's drop.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
                state.done(key);
                if state.working == 0 {
                    self.rested.notify_waiters();
                }
                continue;
            }
            if state.closed && state.rests == 0 {
                return;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("threads", &self.shared.lock().threads)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, RecvTimeoutError};

    use super::*;
    use crate::storage::files::path::FilePath;

    fn key(plugin: &str, path: &str) -> Key {
        (plugin.parse().unwrap(), FilePath::parse(path).unwrap())
    }

    /// How long something that must happen may take.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

    #[test]
    fn jobs_of_one_file_keep_their_order_also_past_a_panic() {
        let queue = Queue::new();
        let (sender, done) = mpsc::channel();
        for number in 0..500 {
            let sender = sender.clone();
            queue.put(key("a", "file"), move || {
                sender.send(number).unwrap();
                assert!(number % 100 != 7, "asked to panic");
            });
        }
        for number in 0..500 {
            assert_eq!(done.recv_timeout(PATIENCE), Ok(number));
        }
    }

    #[test]
    fn a_plugin_whose_disk_hangs_delays_no_other_and_its_jobs_are_done_at_the_end() {
        let queue = Queue::new();
        let (sender, done) = mpsc::channel();
        let (release, hang) = mpsc::channel::<()>();
        let hang = Arc::new(Mutex::new(hang));
        for number in 0..THREADS * 2 {
            let (hang, sender) = (Arc::clone(&hang), sender.clone());
            queue.put(key("hangs", &format!("file{number}")), move || {
                let _ = hang.lock().unwrap().recv();
                sender.send("hung").unwrap();
            });
        }
        for number in 0..100 {
            let sender = sender.clone();
            queue.put(key("quick", &format!("file{number}")), move || {
                sender.send("quick").unwrap();
            });
        }
        for _ in 0..100 {
            assert_eq!(done.recv_timeout(PATIENCE), Ok("quick"));
        }
        drop(queue);
        drop(release);
        drop(sender);
        for _ in 0..THREADS * 2 {
            assert_eq!(done.recv_timeout(PATIENCE), Ok("hung"));
        }
        assert_eq!(done.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    }

    #[tokio::test]
    async fn nothing_begins_while_all_is_held_and_what_was_put_is_done_behind_it() {
        let queue = Arc::new(Queue::new());
        let (release, hang) = mpsc::channel::<()>();
        let (sender, done) = mpsc::channel();
        let begun = Arc::new(std::sync::Barrier::new(2));
        let at_work = Arc::clone(&begun);
        queue.put(key("a", "first"), move || {
            at_work.wait();
            let _ = hang.recv();
        });
        begun.wait();
        let (resting, all) = (Arc::clone(&queue), Arc::clone(&queue));
        let rest = tokio::spawn(async move { resting.rest().await });
        // It asks for rest before anything else is put.
        while queue.shared.lock().rests == 0 {
            tokio::task::yield_now().await;
        }
        for path in ["first", "second"] {
            let sender = sender.clone();
            queue.put(key("a", path), move || sender.send(path).unwrap());
        }
        let settled = tokio::spawn(async move { all.done().await });
        assert!(!rest.is_finished(), "one is under way");
        release.send(()).unwrap();
        let rest = rest.await.unwrap();
        assert_eq!(done.try_recv(), Err(mpsc::TryRecvError::Empty));
        assert!(!settled.is_finished(), "two wait");
        drop(rest);
        settled.await.unwrap();
        let mut both = [
            done.recv_timeout(PATIENCE).unwrap(),
            done.recv_timeout(PATIENCE).unwrap(),
        ];
        both.sort_unstable();
        assert_eq!(both, ["first", "second"]);
    }

    #[test]
    fn different_files_are_worked_on_side_by_side() {
        let queue = Queue::new();
        let both = Arc::new(std::sync::Barrier::new(2));
        let (sender, done) = mpsc::channel();
        for path in ["one", "other"] {
            let (both, sender) = (Arc::clone(&both), sender.clone());
            queue.put(key("a", path), move || {
                both.wait();
                sender.send(()).unwrap();
            });
        }
        assert_eq!(done.recv_timeout(PATIENCE), Ok(()));
        assert_eq!(done.recv_timeout(PATIENCE), Ok(()));
    }
}
