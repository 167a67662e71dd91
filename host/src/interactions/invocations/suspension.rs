//! Invocations whose functions wait for people: nobody is told that they take long, and the time doesn't count.
//!
//! Apart from the table: it knows only that an invocation waits, not for what.

use std::{
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use plugin_protocol::PluginName;
use tokio::time::Instant;

use super::{ANSWERABLE, Entry, Inner, Invocations, LONG_AFTER};

/// How long before the end of its time an interaction counts as one that can't be answered any more: so that who waits in
/// vain can be told.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// Whether an invocation waits for people, and when it counts as long.
#[derive(Debug)]
pub(super) struct Suspension(Mutex<Waiting>);

#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// How many of its functions wait.
    waits: u32,
    long_at: Instant,
}

impl Suspension {
    pub(super) fn new(long_at: Instant) -> Self {
        Self(Mutex::new(Waiting { waits: 0, long_at }))
    }

    /// Whether it waits for people.
    pub(super) fn is_on(&self) -> bool {
        self.lock().waits > 0
    }

    /// When it counts as long, unless it waits then.
    pub(super) fn long_at(&self) -> Instant {
        self.lock().long_at
    }

    /// A plain lock: held for a look or a change, never across an await.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Invocations {
    /// Whether it is an open invocation of this plugin.
    #[must_use]
    pub fn is_of(&self, id: u64, plugin: &PluginName) -> bool {
        self.inner.entry(id).is_some_and(|entry| entry.origin.plugin == *plugin)
    }

    /// Whether what asked for it has run again since or is gone.
    #[must_use]
    pub fn is_outdated(&self, id: u64) -> bool {
        let entry = self.inner.entry(id);
        entry.is_some_and(|entry| self.inner.answers.is_outdated(&entry.origin))
    }

    /// A function of an invocation waits for people. Says how long the invocation can be answered, if there is an end to
    /// that.
    #[must_use = "how long it may wait"]
    pub fn suspends(&self, id: u64) -> Option<Duration> {
        let entry = self.inner.entry(id)?;
        let long_at = {
            let mut waiting = entry.suspension.lock();
            waiting.waits += 1;
            waiting.long_at
        };
        self.inner.deadlines.remove(long_at, id);
        entry.origin.interaction.as_ref()?;
        Some((entry.opened + ANSWERABLE - LAST_WORDS).saturating_duration_since(Instant::now()))
    }

    /// It waits no longer: from now on it takes as long as any other until it counts as long.
    pub fn resumes(&self, id: u64) {
        let Some(entry) = self.inner.entry(id) else { return };
        {
            let mut waiting = entry.suspension.lock();
            waiting.waits = waiting.waits.saturating_sub(1);
            if waiting.waits > 0 {
                return;
            }
            waiting.long_at = Instant::now() + LONG_AFTER;
        }
        if entry.is_slow.load(Ordering::Relaxed) {
            self.inner.begin_long(&entry);
        }
    }
}

impl Inner {
    /// From now on it is waited until the invocation counts as long, unless it waits itself.
    pub(super) fn begin_long(&self, entry: &Entry) {
        if entry.suspension.is_on() {
            return;
        }
        let long_at = entry.suspension.long_at();
        self.deadlines.insert(long_at, entry.id);
        if entry.finished.load(Ordering::Relaxed) || entry.suspension.is_on() {
            // It ended meanwhile, and took back only the deadline that it knew.
            self.deadlines.remove(long_at, entry.id);
        }
    }
}
