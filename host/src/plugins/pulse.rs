//! The pulse of a lane: whether it still takes what it is given.
//!
//! Pure but for its lock: `watchdog` beats, the generation sends what is asked for and notes the answer. A lane is asked
//! only while something is under way, so that an idle one is never woken; one that leaves the question unanswered blocks
//! its thread.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a lane may take nothing before it counts as hung: longer than Discord waits for an answer.
pub const HUNG_AFTER: Duration = Duration::from_secs(5);
/// How many looks in a row must have found the question unanswered: a computer that slept for an hour has looked once.
const LOOKS: u32 = 5;

/// Whether a lane still takes what it is given.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Since when a question waits in the lane's queue, or the lane has last finished something while it does.
    asked: Option<Instant>,
    /// Since when it waits.
    since: Option<Instant>,
    /// How often it was found unanswered.
    looks: u32,
    is_hung: bool,
    /// How long it was hung, until that has been told.
    recovered: Option<Duration>,
}

impl State {
    fn ask(&mut self, now: Instant) {
        (self.asked, self.since) = (Some(now), Some(now));
        self.looks = 0;
    }
}

/// What a beat has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing to do.
    Steady,
    /// The lane is to be asked.
    Ask,
    /// It has taken nothing for so long; said once.
    Hung(Duration),
    /// It was hung for so long, and is no more; said once.
    Recovered(Duration),
}

impl Pulse {
    /// Looks, once in a while. `busy` is whether anything is under way.
    pub fn beat(&self, busy: bool, now: Instant) -> Beat {
        let mut state = self.state();
        if let Some(hung_for) = state.recovered.take() {
            return Beat::Recovered(hung_for);
        }
        match state.asked {
            Some(asked) => {
                let waited = now.saturating_duration_since(asked);
                state.looks = state.looks.saturating_add(1);
                if state.is_hung || waited < HUNG_AFTER || state.looks < LOOKS {
                    return Beat::Steady;
                }
                state.is_hung = true;
                Beat::Hung(waited)
            }
            None if busy => {
                state.ask(now);
                Beat::Ask
            }
            None => Beat::Steady,
        }
    }

    /// Whether the lane is to be asked, between two beats.
    pub fn asks(&self, busy: bool, now: Instant) -> bool {
        let mut state = self.state();
        let asks = busy && state.asked.is_none() && state.recovered.is_none();
        if asks {
            state.ask(now);
        }
        asks
    }

    /// Since when a question waits in the lane's queue.
    pub fn asked_since(&self) -> Option<Instant> {
        self.state().since
    }

    /// The lane has answered.
    pub fn answered(&self, now: Instant) {
        let mut state = self.state();
        state.since = None;
        let Some(asked) = state.asked.take() else { return };
        if std::mem::take(&mut state.is_hung) {
            state.recovered = Some(now.saturating_duration_since(asked));
        }
    }

    /// The lane has finished something: it is slow, perhaps, since its question waits behind other work, but not hung.
    pub fn stirred(&self, now: Instant) {
        let mut state = self.state();
        let Some(asked) = state.asked.replace(now) else {
            state.asked = None;
            return;
        };
        state.looks = 0;
        if std::mem::take(&mut state.is_hung) {
            state.recovered = Some(now.saturating_duration_since(asked));
        }
    }

    /// For how long it has taken nothing, if it is hung.
    pub fn hung_for(&self, now: Instant) -> Option<Duration> {
        let state = self.state();
        let asked = state.asked.filter(|_| state.is_hung)?;
        Some(now.saturating_duration_since(asked))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A std lock: held for a look only.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_hangs_once_and_recovers_once() {
        let (pulse, began) = (Pulse::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(pulse.beat(false, at(0)), Beat::Steady, "an idle lane is not asked");
        assert_eq!(pulse.beat(true, at(1)), Beat::Ask);
        for second in 2..=5 {
            assert_eq!(pulse.beat(true, at(second)), Beat::Steady);
        }
        assert_eq!(pulse.hung_for(at(5)), None);
        assert_eq!(pulse.beat(true, at(6)), Beat::Hung(HUNG_AFTER));
        assert_eq!(pulse.beat(true, at(60)), Beat::Steady, "told once");
        assert_eq!(pulse.hung_for(at(61)), Some(Duration::from_secs(60)));
        pulse.answered(at(71));
        assert_eq!(pulse.hung_for(at(71)), None, "it is served again at once");
        assert_eq!(pulse.beat(true, at(72)), Beat::Recovered(Duration::from_secs(70)));
        assert_eq!(pulse.beat(true, at(73)), Beat::Ask);
        pulse.answered(at(74));
        assert_eq!(
            pulse.beat(false, at(75)),
            Beat::Steady,
            "an answer in time is nothing to tell"
        );
    }

    #[test]
    fn a_slow_lane_and_a_computer_that_slept_are_not_hung() {
        let (pulse, began) = (Pulse::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(pulse.beat(true, at(1)), Beat::Ask);
        for second in 2..=30 {
            if second % 4 == 0 {
                pulse.stirred(at(second));
            }
            assert_eq!(
                pulse.beat(true, at(second)),
                Beat::Steady,
                "it finishes something now and then"
            );
        }
        assert_eq!(pulse.beat(true, at(3600)), Beat::Steady, "an hour, and one look");
        for second in 3601..=3603 {
            pulse.beat(true, at(second));
        }
        assert!(pulse.hung_for(at(3604)).is_some(), "really hung");
        pulse.stirred(at(3605));
        assert_eq!(pulse.hung_for(at(3605)), None, "it goes on");
        assert!(matches!(pulse.beat(true, at(3606)), Beat::Recovered(_)));
    }

    #[test]
    fn an_answer_that_nobody_asked_for_changes_nothing() {
        let (pulse, now) = (Pulse::default(), Instant::now());
        pulse.answered(now);
        assert_eq!(pulse.beat(true, now), Beat::Ask);
    }
}
