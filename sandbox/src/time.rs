//! Time as the sandbox's limits see it: the computer's, plus what a test has let pass. Identify windows, the daily
//! session starts, resume windows, the events per minute and interactions' deadlines go by it, so that no test waits
//! for them. Heartbeats do not: both sides count those by real time, and the interval can be set.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The sandbox's clock; clones go the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Time {
    skipped_ms: Arc<AtomicU64>,
}

impl Time {
    /// Now, by this clock.
    pub(crate) fn now(&self) -> Instant {
        Instant::now() + self.skipped()
    }

    /// When the computer's clock shows what this one calls `at`.
    pub(crate) fn real(&self, at: Instant) -> Instant {
        at.checked_sub(self.skipped()).unwrap_or_else(Instant::now)
    }

    /// Lets time pass at once, in milliseconds.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.skipped_ms.fetch_add(by, Ordering::Relaxed);
    }

    fn skipped(&self) -> Duration {
        Duration::from_millis(self.skipped_ms.load(Ordering::Relaxed))
    }
}
