//! What time it is, as a value that is handed in: tests move it.
//!
//! People's time, since what is kept is kept over restarts; it may jump. So nobody sleeps long on what it said.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What time it is. Clones go the same.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// What was let pass at once, in milliseconds.
    skipped: Arc<AtomicU64>,
    /// For tests: the time at a moment of tokio's clock, which they can stop and move.
    #[cfg(test)]
    moved: Option<(u64, tokio::time::Instant)>,
}

impl Clock {
    /// One that goes as tokio's clock goes, from this time on.
    #[cfg(test)]
    #[must_use]
    pub fn at(ms: u64) -> Self {
        Self {
            moved: Some((ms, tokio::time::Instant::now())),
            ..Self::default()
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        #[cfg(test)]
        if let Some((ms, since)) = self.moved {
            return ms + u64::try_from(since.elapsed().as_millis()).unwrap_or_default();
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        now.saturating_add(self.skipped.load(Ordering::Relaxed))
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.now() / 1000
    }

    /// Lets time pass at once, in milliseconds.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        let _ = self
            .skipped
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |skipped| {
                Some(skipped.saturating_add(by))
            });
    }
}
