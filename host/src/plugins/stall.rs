//! What blocks a lane: the one piece of work that it was found at, look after look.
//!
//! Pure but for its lock: `watchdog` looks. A lane numbers each beginning and end of its author's code, so the same number
//! twice is the same piece of work. Several looks must have found it: a computer that slept for an hour has looked once.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use plugin_protocol::lane::{Blocked, LaneState};

/// How long a piece of work may keep everything else of its plugin waiting before that is told.
pub const BLOCKED_AFTER: Duration = Duration::from_millis(500);
/// How many looks must have found it.
const LOOKS: u32 = 3;
/// How long nothing more is told of a plugin that was told of.
const QUIET: Duration = Duration::from_secs(10);

/// What blocks a lane.
#[derive(Debug, Default)]
pub struct Stall {
    state: Mutex<State>,
    count: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// What the lane is at.
    at: Option<Work>,
    /// When something was last told.
    told: Option<Instant>,
}

#[derive(Debug)]
struct Work {
    steps: u64,
    what: String,
    since: Instant,
    looks: u32,
    is_blocking: bool,
    is_told: bool,
}

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing to tell.
    Nothing,
    /// This has kept everything else waiting for so long; said once of each piece of work, and not more often than every
    /// ten seconds.
    Blocked(String, Duration),
    /// What was told to block it did so until now.
    Freed(String, Duration),
}

impl Stall {
    /// A look at the lane.
    pub fn look(&self, lane: &LaneState, now: Instant) -> Found {
        let mut state = self.state();
        let same = state.at.as_ref().is_some_and(|work| work.steps == lane.steps);
        let Some(what) = lane.at.as_ref().filter(|_| same).cloned() else {
            let before = state.at.take();
            state.at = lane.at.as_ref().map(|what| Work {
                steps: lane.steps,
                what: what.clone(),
                since: now,
                looks: 1,
                is_blocking: false,
                is_told: false,
            });
            return match before.filter(|work| work.is_told) {
                Some(work) => Found::Freed(work.what, now.saturating_duration_since(work.since)),
                None => Found::Nothing,
            };
        };
        let is_quiet = state
            .told
            .is_some_and(|told| now.saturating_duration_since(told) < QUIET);
        let Some(work) = &mut state.at else {
            return Found::Nothing;
        };
        work.looks = work.looks.saturating_add(1);
        let lasted = now.saturating_duration_since(work.since);
        if work.is_blocking || work.looks < LOOKS || lasted < BLOCKED_AFTER {
            return Found::Nothing;
        }
        work.is_blocking = true;
        self.count.fetch_add(1, Ordering::Relaxed);
        if is_quiet {
            return Found::Nothing;
        }
        work.is_told = true;
        state.told = Some(now);
        Found::Blocked(what, lasted)
    }

    /// Whether the lane was at work on something when it was last looked at.
    pub fn is_at_work(&self) -> bool {
        self.state().at.is_some()
    }

    /// What blocks it now.
    pub fn blocked(&self, now: Instant) -> Option<Blocked> {
        let state = self.state();
        let work = state.at.as_ref().filter(|work| work.is_blocking)?;
        let lasted = now.saturating_duration_since(work.since);
        Some(Blocked {
            by: work.what.clone(),
            millis: u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// How often something blocked it.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A std lock: held for a look only.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(steps: u64, at: Option<&str>) -> LaneState {
        LaneState {
            steps,
            at: at.map(str::to_owned),
            ..LaneState::default()
        }
    }

    #[test]
    fn the_same_piece_of_work_for_half_a_second_blocks_and_is_told_once() {
        let (stall, began) = (Stall::default(), Instant::now());
        let look = |millis: u64, steps, at| stall.look(&lane(steps, at), began + Duration::from_millis(millis));
        let ban = Some("the command `ban`");
        for (millis, steps) in [(0, 1), (250, 3), (500, 3), (700, 3)] {
            assert_eq!(look(millis, steps, ban), Found::Nothing);
        }
        let half_a_second = Duration::from_millis(500);
        assert_eq!(
            look(750, 3, ban),
            Found::Blocked("the command `ban`".to_owned(), half_a_second)
        );
        assert_eq!(look(1000, 3, ban), Found::Nothing);
        let blocked = stall
            .blocked(began + Duration::from_millis(1250))
            .map(|blocked| blocked.millis);
        assert_eq!((blocked, stall.count()), (Some(1000), 1));
        assert_eq!(
            look(1250, 4, None),
            Found::Freed("the command `ban`".to_owned(), Duration::from_secs(1))
        );
        assert_eq!(look(1500, 4, None), Found::Nothing);
        assert!(stall.blocked(began + Duration::from_secs(2)).is_none() && !stall.is_at_work());
        // Again so soon: counted, not told.
        for millis in [2000, 2250, 2500, 2750] {
            assert_eq!(look(millis, 5, ban), Found::Nothing);
        }
        assert_eq!((look(3000, 6, None), stall.count()), (Found::Nothing, 2));
        for millis in [20_000, 20_250] {
            assert_eq!(look(millis, 7, ban), Found::Nothing);
        }
        assert!(matches!(look(20_500, 7, ban), Found::Blocked(..)));
    }

    #[test]
    fn a_lane_that_goes_on_and_a_computer_that_slept_are_not_blocked() {
        let (stall, began) = (Stall::default(), Instant::now());
        let look = |seconds: u64, steps, at| stall.look(&lane(steps, at), began + Duration::from_secs(seconds));
        for second in 0..10 {
            assert_eq!(
                look(second, second, Some("an event")),
                Found::Nothing,
                "another one each time"
            );
        }
        assert_eq!(look(11, 20, None), Found::Nothing);
        assert_eq!(look(12, 20, None), Found::Nothing, "at nothing");
        assert_eq!(look(13, 21, Some("an event")), Found::Nothing);
        assert_eq!(
            look(3600, 21, Some("an event")),
            Found::Nothing,
            "an hour, and one look"
        );
    }
}
