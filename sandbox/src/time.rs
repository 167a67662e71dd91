//! Time as the sandbox's limits see it: the computer's, plus what a test has let pass, or standing still. Identify
//! windows, the daily session starts, resume windows, rate limits, the events per minute and interactions' deadlines go
//! by it, so that no test waits for them or races them. Heartbeats do not: both sides count those by real time, and the
//! interval can be set.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The sandbox's clock; clones go the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Time {
    hands: Arc<Mutex<Hands>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Hands {
    skipped: Duration,
    /// The computer's time at which this clock was stopped.
    stopped: Option<Instant>,
}

impl Time {
    /// Now, by this clock.
    pub(crate) fn now(&self) -> Instant {
        let hands = self.hands();
        hands.stopped.unwrap_or_else(Instant::now) + hands.skipped
    }

    /// When the computer's clock shows what this one calls `at`; of a clock that stands, when it would if it went on.
    pub(crate) fn real(&self, at: Instant) -> Instant {
        Instant::now() + at.saturating_duration_since(self.now())
    }

    /// Lets time pass at once, in milliseconds.
    pub(crate) fn advance(&self, by: Duration) {
        let by = Duration::from_millis(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        hands.skipped = hands.skipped.saturating_add(by);
    }

    /// From now on time passes only by `advance`.
    pub(crate) fn stop(&self) {
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        hands.stopped.get_or_insert_with(Instant::now);
    }

    fn hands(&self) -> Hands {
        *self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
