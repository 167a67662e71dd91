//! The breaker of a callback: one that fails again and again is left out for a while, then tried once. Pure.
//!
//! 5 failures within 300 s open it for 60 s. The next run after that is a trial: its success closes the breaker and forgets
//! what was, its failure opens it for another 60 s.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use plugin_protocol::hooks::BreakerState;

/// So many failures open it.
pub const FAILURES: usize = 5;
/// Within this time.
pub const WITHIN: Duration = Duration::from_secs(300);
/// For so long.
pub const OPEN_FOR: Duration = Duration::from_secs(60);

/// Whether a callback may run.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    /// When it failed, oldest first; at most [`FAILURES`].
    failures: VecDeque<Instant>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    /// A trial is under way.
    Trying,
}

/// As what a run was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// As any other.
    Ordinary,
    /// As the one by which it is decided whether the callback runs again.
    Trial,
}

impl Breaker {
    /// Whether a run may begin now, and as what; it has to be ended by one of the three below.
    pub fn admit(&mut self, now: Instant) -> Option<Admission> {
        match self.state {
            State::Closed => Some(Admission::Ordinary),
            State::Open { until } if now >= until => {
                self.state = State::Trying;
                Some(Admission::Trial)
            }
            State::Open { .. } | State::Trying => None,
        }
    }

    /// A run has succeeded.
    pub fn succeeded(&mut self, admission: Admission) {
        if admission == Admission::Trial {
            *self = Self::default();
        }
    }

    /// A run has failed. True if that opens the breaker.
    pub fn failed(&mut self, admission: Admission, now: Instant) -> bool {
        match (admission, self.state) {
            (Admission::Trial, _) => {}
            (Admission::Ordinary, State::Closed) => {
                self.forget_old(now);
                self.failures.push_back(now);
                if self.failures.len() < FAILURES {
                    return false;
                }
            }
            // It had begun before the breaker opened.
            (Admission::Ordinary, _) => return false,
        }
        self.state = State::Open { until: now + OPEN_FOR };
        true
    }

    /// A run has come to no end that says anything of the callback: its plugin was unloaded. The next one is a trial again.
    pub fn undecided(&mut self, admission: Admission, now: Instant) {
        if admission == Admission::Trial {
            self.state = State::Open { until: now };
        }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { until } if now < until => {
                // A second that has begun is one.
                BreakerState::Open(until.duration_since(now).as_millis().div_ceil(1000) as u64)
            }
            State::Open { .. } | State::Trying => BreakerState::Trial,
        }
    }

    /// How often it has failed lately.
    #[must_use]
    pub fn failures(&self, now: Instant) -> usize {
        let lately = |at: &&Instant| now.saturating_duration_since(**at) < WITHIN;
        self.failures.iter().filter(lately).count()
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(first) = self.failures.front()
            && now.saturating_duration_since(*first) >= WITHIN
        {
            self.failures.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn fail(breaker: &mut Breaker, now: Instant) -> bool {
        let admission = breaker.admit(now).expect("admitted");
        breaker.failed(admission, now)
    }

    /// Open since `now`.
    fn open(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for number in 1..=FAILURES {
            assert_eq!(fail(&mut breaker, now), number == FAILURES);
        }
        breaker
    }

    #[test]
    fn five_failures_within_300_seconds_open_it_for_60() {
        let start = Instant::now();
        let breaker = open(start);
        for (after, state, admits) in [
            (Duration::ZERO, BreakerState::Open(60), false),
            (SECOND / 2, BreakerState::Open(60), false),
            (59 * SECOND, BreakerState::Open(1), false),
            (60 * SECOND, BreakerState::Trial, true),
        ] {
            let mut breaker = breaker.clone();
            assert_eq!(breaker.state(start + after), state);
            assert_eq!(breaker.admit(start + after).is_some(), admits, "{after:?}");
        }
    }

    #[test]
    fn failures_that_are_further_apart_do_not_open_it() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        // 75 s apart: never five within 300 s.
        for number in 0..50 {
            assert!(!fail(&mut breaker, start + number * 75 * SECOND), "{number}");
        }
        let end = start + 49 * 75 * SECOND;
        assert_eq!(breaker.failures(end), 4);
        assert!(fail(&mut breaker, end + SECOND), "the fifth within 300 s");
    }

    #[test]
    fn successes_do_not_forgive_failures() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for number in 1..=FAILURES {
            let admission = breaker.admit(start).expect("admitted");
            breaker.succeeded(admission);
            assert_eq!(fail(&mut breaker, start), number == FAILURES);
        }
    }

    #[test]
    fn one_trial_at_a_time_decides() {
        let start = Instant::now();
        let due = start + OPEN_FOR;
        let mut breaker = open(start);
        assert_eq!(breaker.admit(due), Some(Admission::Trial));
        assert_eq!(breaker.admit(due + SECOND), None, "it is being tried");
        assert!(breaker.failed(Admission::Trial, due + SECOND));
        assert_eq!(
            breaker.state(due + SECOND),
            BreakerState::Open(60),
            "one failure is enough now"
        );

        let again = due + SECOND + OPEN_FOR;
        assert_eq!(breaker.admit(again), Some(Admission::Trial));
        breaker.undecided(Admission::Trial, again);
        assert_eq!(breaker.admit(again), Some(Admission::Trial), "that decided nothing");
        breaker.succeeded(Admission::Trial);
        assert_eq!(
            (breaker.state(again), breaker.failures(again)),
            (BreakerState::Closed, 0)
        );
        assert!(!fail(&mut breaker, again), "it begins anew");
    }

    #[test]
    fn runs_that_began_before_it_opened_change_nothing() {
        let start = Instant::now();
        let mut breaker = open(start);
        assert!(!breaker.failed(Admission::Ordinary, start + SECOND));
        breaker.succeeded(Admission::Ordinary);
        assert_eq!(breaker.state(start + SECOND), BreakerState::Open(59));
        let mut trying = open(start);
        assert!(trying.admit(start + OPEN_FOR).is_some());
        trying.succeeded(Admission::Ordinary);
        assert_eq!(
            trying.state(start + OPEN_FOR),
            BreakerState::Trial,
            "the trial is still under way"
        );
    }
}
