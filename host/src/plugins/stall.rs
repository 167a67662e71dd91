//! What blocks a lane: the one piece of work that it is at for long, or all that keeps it from taking what it is given.
//!
//! Pure but for its lock: `watchdog` looks. A lane numbers each beginning and end of its author's code, and says how long
//! the last one is ago; of one that can't, several looks must have found the same number. Behind is a lane that does not
//! answer the question that waits in its queue: by many short pieces of work, or by code that it does not know of.

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
/// How many looks must have found it, at a lane that does not say for how long it is at something.
const LOOKS: u32 = 3;
/// And at one that does: a computer that stood still for a moment has looked once.
const LOOKS_SAID: u32 = 2;
/// How many looks must have found a question unanswered: a computer that slept for an hour has looked once.
const LOOKS_BEHIND: u32 = 2;
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
    /// What keeps it from answering.
    behind: Option<Behind>,
    /// When something was last told to block it.
    told_blocked: Option<Instant>,
    /// When it was last told to be behind: a busy lane is that often, and what blocks it then is told all the same.
    told_behind: Option<Instant>,
}

/// A question that waits in the lane's queue.
#[derive(Debug)]
struct Behind {
    since: Instant,
    /// At the last look.
    steps: u64,
    /// What it was found at last.
    at: Option<String>,
    /// The last look found it at nothing that it knows of, as the one before.
    is_elsewhere: bool,
    looks: u32,
    is_noted: bool,
    /// What keeps it from answering, once that is noted.
    by: Option<String>,
}

impl Behind {
    /// What keeps the lane from answering.
    fn why(&self) -> String {
        match &self.at {
            _ if self.is_elsewhere => "code that it runs outside of `ctx.spawn`".to_owned(),
            None => "many pieces of work, one after another".to_owned(),
            Some(at) => format!("many pieces of work, one after another, such as {at}"),
        }
    }
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

/// Whether it is too soon to tell more.
fn is_quiet(told: Option<Instant>, now: Instant) -> bool {
    told.is_some_and(|told| now.saturating_duration_since(told) < QUIET)
}

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing to tell.
    Nothing,
    /// This has kept everything else waiting for so long; said once of each piece of work, and not more often than every
    /// ten seconds.
    Blocked(String, Duration),
    /// For so long it has taken nothing that it was given, for it is at this; said in the same way.
    Behind(String, Duration),
    /// What was told to block it did so until now.
    Freed(String, Duration),
}

impl Stall {
    /// A look at the lane, and since when a question waits in its queue.
    pub fn look(&self, lane: &LaneState, asked: Option<Instant>, now: Instant) -> Found {
        let found = self.look_at_work(lane, now);
        let is_blocking = self.state().at.as_ref().is_some_and(|work| work.is_blocking);
        let behind = self.look_behind(lane, asked, is_blocking, now);
        if found == Found::Nothing { behind } else { found }
    }

    /// Whether it is behind: once for each question. One that a single piece of work keeps waiting is told as that.
    fn look_behind(&self, lane: &LaneState, asked: Option<Instant>, is_blocking: bool, now: Instant) -> Found {
        let mut state = self.state();
        let Some(since) = asked else {
            state.behind = None;
            return Found::Nothing;
        };
        if state.behind.as_ref().is_none_or(|behind| behind.since != since) {
            state.behind = Some(Behind {
                since,
                steps: lane.steps,
                at: None,
                is_elsewhere: false,
                looks: 0,
                is_noted: false,
                by: None,
            });
        }
        let is_quiet = is_quiet(state.told_behind, now);
        // One that has lasted for so long may be all that it is: the next look tells.
        let is_long = |work: &Work| now.saturating_duration_since(work.since) >= BLOCKED_AFTER / 2;
        let is_at_one = state.at.as_ref().is_some_and(is_long);
        let Some(behind) = &mut state.behind else {
            return Found::Nothing;
        };
        behind.is_elsewhere = behind.looks > 0 && lane.at.is_none() && behind.steps == lane.steps;
        behind.looks = behind.looks.saturating_add(1);
        behind.steps = lane.steps;
        if lane.at.is_some() {
            behind.at.clone_from(&lane.at);
        }
        behind.is_noted |= is_blocking;
        let lasted = now.saturating_duration_since(since);
        if behind.is_noted || is_at_one || behind.looks < LOOKS_BEHIND || lasted < BLOCKED_AFTER {
            return Found::Nothing;
        }
        behind.is_noted = true;
        let by = behind.why();
        behind.by = Some(by.clone());
        self.count.fetch_add(1, Ordering::Relaxed);
        if is_quiet {
            return Found::Nothing;
        }
        state.told_behind = Some(now);
        Found::Behind(by, lasted)
    }

    fn look_at_work(&self, lane: &LaneState, now: Instant) -> Found {
        let mut state = self.state();
        // What it says itself is exact; it began before anybody looked.
        let said = lane.lasted_millis.map(Duration::from_millis);
        let began = said.and_then(|lasted| now.checked_sub(lasted)).unwrap_or(now);
        let same = state.at.as_ref().is_some_and(|work| work.steps == lane.steps);
        let mut freed = Found::Nothing;
        if !same || lane.at.is_none() {
            let before = state.at.take();
            state.at = lane.at.as_ref().map(|what| Work {
                steps: lane.steps,
                what: what.clone(),
                since: began,
                looks: 0,
                is_blocking: false,
                is_told: false,
            });
            if let Some(work) = before.filter(|work| work.is_told) {
                freed = Found::Freed(work.what, now.saturating_duration_since(work.since));
            }
        }
        let is_quiet = is_quiet(state.told_blocked, now);
        let Some(work) = state.at.as_mut().filter(|_| freed == Found::Nothing) else {
            return freed;
        };
        work.looks = work.looks.saturating_add(1);
        let what = work.what.clone();
        let lasted = now.saturating_duration_since(work.since);
        let enough = if said.is_some() { LOOKS_SAID } else { LOOKS };
        if work.looks < enough || lasted < BLOCKED_AFTER {
            return Found::Nothing;
        }
        if !std::mem::replace(&mut work.is_blocking, true) {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        // One that goes on for long enough is told at last.
        if work.is_told || is_quiet {
            return Found::Nothing;
        }
        work.is_told = true;
        state.told_blocked = Some(now);
        Found::Blocked(what, lasted)
    }

    /// Whether the lane was at work on something when it was last looked at.
    pub fn is_at_work(&self) -> bool {
        self.state().at.is_some()
    }

    /// What blocks it now.
    pub fn blocked(&self, now: Instant) -> Option<Blocked> {
        let state = self.state();
        let work = state.at.as_ref().filter(|work| work.is_blocking);
        let work = work.map(|work| (&work.what, work.since));
        let behind = state.behind.as_ref();
        let behind = behind.and_then(|behind| Some((behind.by.as_ref()?, behind.since)));
        let (by, since) = work.or(behind)?;
        let lasted = now.saturating_duration_since(since);
        Some(Blocked {
            by: by.clone(),
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
        let look = |millis: u64, steps, at| stall.look(&lane(steps, at), None, began + Duration::from_millis(millis));
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
        let look = |seconds: u64, steps, at| stall.look(&lane(steps, at), None, began + Duration::from_secs(seconds));
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

    #[test]
    fn what_a_lane_says_itself_needs_two_looks() {
        let (stall, now) = (Stall::default(), Instant::now() + Duration::from_secs(60));
        let at = |millis| LaneState {
            lasted_millis: Some(millis),
            ..lane(7, Some("the command `ban`"))
        };
        assert_eq!(stall.look(&at(499), None, now), Found::Nothing);
        let later = now + Duration::from_millis(101);
        let lasted = Duration::from_millis(600);
        assert_eq!(
            stall.look(&at(600), None, later),
            Found::Blocked("the command `ban`".to_owned(), lasted)
        );
        assert_eq!(
            stall.look(&lane(8, None), None, later),
            Found::Freed("the command `ban`".to_owned(), lasted)
        );
        let other = Stall::default();
        assert_eq!(
            other.look(&at(900), None, now),
            Found::Nothing,
            "it may have stood still"
        );
        let again = other.look(&at(1150), None, now + Duration::from_millis(250));
        assert!(matches!(again, Found::Blocked(..)), "{again:?}");
    }

    #[test]
    fn one_long_piece_of_work_is_told_as_that_however_behind_the_lane_was_before() {
        let (stall, asked) = (Stall::default(), Instant::now());
        let look = |millis: u64, steps, lasted: u64| {
            let at = LaneState {
                lasted_millis: Some(lasted),
                ..lane(steps, Some("the handler `count`"))
            };
            stall.look(&at, Some(asked), asked + Duration::from_millis(millis))
        };
        // It begins a moment after the question.
        let found = [(250, 240), (500, 490), (750, 740), (1000, 990)].map(|(millis, lasted)| look(millis, 3, lasted));
        let [Found::Nothing, Found::Nothing, Found::Blocked(..), Found::Nothing] = found else {
            panic!("{found:?}");
        };
        // Told so lately, another one is told once that is over, if it goes on.
        assert!(matches!(look(2000, 4, 100), Found::Freed(..)));
        for millis in [2500, 2750, 3000] {
            assert_eq!(look(millis, 4, millis - 1900), Found::Nothing);
        }
        assert!(matches!(look(11_000, 4, 9100), Found::Blocked(..)));
        assert_eq!(stall.count(), 2);
        // Behind, and told so, by many short ones: what blocks is told nevertheless.
        let (stall, asked) = (Stall::default(), Instant::now());
        let at = |millis: u64, steps, lasted| {
            let at = LaneState {
                lasted_millis: Some(lasted),
                ..lane(steps, Some("the handler `count`"))
            };
            stall.look(&at, Some(asked), asked + Duration::from_millis(millis))
        };
        assert_eq!(at(250, 3, 20), Found::Nothing);
        assert!(matches!(at(500, 5, 20), Found::Behind(..)));
        assert_eq!(at(750, 6, 200), Found::Nothing);
        assert_eq!(at(1000, 6, 450), Found::Nothing);
        assert!(matches!(at(1250, 6, 700), Found::Blocked(..)));
    }

    #[test]
    fn a_lane_that_does_not_answer_is_behind_by_what_it_does_meanwhile() {
        let asked = Instant::now();
        let behind = |looks: &[(u64, u64, Option<&str>)]| {
            let stall = Stall::default();
            let found = looks.iter().map(|(millis, steps, at)| {
                stall.look(&lane(*steps, *at), Some(asked), asked + Duration::from_millis(*millis))
            });
            let found: Vec<_> = found.filter(|found| *found != Found::Nothing).collect();
            let now = asked + Duration::from_secs(1);
            assert_eq!(
                (found.len() as u64, stall.blocked(now).is_some()),
                (stall.count(), !found.is_empty())
            );
            assert_eq!(
                stall.look(&lane(99, None), None, now),
                Found::Nothing,
                "it has answered"
            );
            assert!(stall.blocked(now).is_none());
            match found.as_slice() {
                [Found::Behind(by, _)] => by.clone(),
                [] => String::new(),
                more => panic!("{more:?}"),
            }
        };
        let event = Some("the handler `count`");
        assert_eq!(behind(&[(250, 5, None), (400, 6, event)]), "", "not for long");
        assert_eq!(behind(&[(3_600_000, 5, None)]), "", "an hour, and one look");
        let foreign = "code that it runs outside of `ctx.spawn`";
        assert_eq!(behind(&[(250, 5, None), (500, 5, None), (750, 5, None)]), foreign);
        let many = "many pieces of work, one after another";
        assert_eq!(behind(&[(250, 5, None), (500, 7, None)]), many);
        assert_eq!(
            behind(&[(250, 5, event), (500, 7, None)]),
            format!("{many}, such as the handler `count`")
        );
        // One long piece is told as what it is, and not once more.
        let stall = Stall::default();
        let at = LaneState {
            lasted_millis: Some(700),
            ..lane(7, event)
        };
        let found = [500, 750].map(|millis| stall.look(&at, Some(asked), asked + Duration::from_millis(millis)));
        assert!(matches!(found, [Found::Nothing, Found::Blocked(..)]), "{found:?}");
        let after = stall.look(&lane(9, event), Some(asked), asked + Duration::from_secs(1));
        assert!(matches!(after, Found::Freed(..)), "{after:?}");
        assert_eq!(stall.count(), 1);
    }
}
