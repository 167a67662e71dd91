//! How much one plugin may log: what is beyond is counted and told in one line, so that a plugin that logs in a loop
//! neither fills the disk nor drives everybody else's lines out of the queue. Pure: the time is given.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many lines at once.
const BURST: u32 = 1000;
/// How many lines a second, once those are used up.
pub const PER_SECOND: u32 = 100;
/// How long after the first that was dropped it is told how many were.
pub const TOLD_AFTER: Duration = Duration::from_secs(1);

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is logged.
    Logged,
    /// It is dropped, and nothing is told of it yet.
    Dropped,
    /// It is dropped as the first of many: the caller tells of them, after a while, by [`Allowance::take_dropped`].
    DroppedFirst,
}

/// One plugin's allowance, shared by its generations. A lock of std: held for a few additions only.
#[derive(Debug)]
pub struct Allowance(Mutex<State>);

#[derive(Debug)]
struct State {
    left: f64,
    at: Instant,
    dropped: u64,
    /// Somebody will tell of what is dropped.
    is_awaited: bool,
}

impl Allowance {
    /// All of it is left.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(State {
            left: f64::from(BURST),
            at: now,
            dropped: 0,
            is_awaited: false,
        }))
    }

    /// Asks for one line.
    pub fn admit(&self, now: Instant) -> Admission {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now.saturating_duration_since(state.at).as_secs_f64() * f64::from(PER_SECOND);
        state.left = (state.left + gained).min(f64::from(BURST));
        state.at = now;
        if state.left >= 1.0 {
            state.left -= 1.0;
            return Admission::Logged;
        }
        state.dropped += 1;
        if state.is_awaited {
            return Admission::Dropped;
        }
        state.is_awaited = true;
        Admission::DroppedFirst
    }

    /// How many were dropped since this was asked last.
    pub fn take_dropped(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_awaited = false;
        std::mem::take(&mut state.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted_and_what_comes_later_is_logged_again() {
        let start = Instant::now();
        let allowance = Allowance::new(start);
        let said: Vec<_> = (0..100_000).map(|_| allowance.admit(start)).collect();
        let logged = said.iter().filter(|said| **said == Admission::Logged).count();
        let first = said.iter().filter(|said| **said == Admission::DroppedFirst).count();
        assert_eq!((logged, first), (BURST as usize, 1));
        assert_eq!(allowance.take_dropped(), 99_000);
        assert_eq!(allowance.take_dropped(), 0);
        let later = start + Duration::from_millis(20);
        assert_eq!(allowance.admit(later), Admission::Logged);
        assert_eq!(allowance.admit(later), Admission::Logged);
        assert_eq!(allowance.admit(later), Admission::DroppedFirst);
    }
}
