//! A look at a lane while it runs: what it is at, what it has taken.
//!
//! The plugin answers before the delivery returns, from what its lane has published, so that one that is blocked is known
//! by what blocks it. One that was built before there was such a look says so once its lane takes the question, and is not
//! asked again.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use plugin_abi::Envelope;
use plugin_protocol::{
    kind,
    lane::{LaneFigures, LaneState},
};

use super::{Generation, Waiting};
use crate::plugins::{lane::Ticket, latency::Handler, stall::Found};

/// How much that is no event may be under way at a lane; beyond that it is told to come later.
const MAX_UNDER_WAY: usize = 8192;

/// Something other than an event that the lane was handed.
#[derive(Debug)]
pub(super) struct Invoked {
    pub(super) ticket: Ticket,
    pub(super) handler: Handler,
    pub(super) since: Instant,
}

/// What was seen of a lane last.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Whose turn it is to look: two at a time would take each other's answer.
    turn: Mutex<()>,
    /// A lock of std: held for a copy only.
    seen: Mutex<Option<LaneState>>,
    /// The question was not answered at once: it is an older plugin's.
    is_unanswered: AtomicBool,
}

impl Generation {
    /// How its lane is at this moment; `None` if its plugin can't say.
    pub fn look(&self) -> Option<LaneState> {
        if self.looks.is_unanswered.load(Ordering::Relaxed) || self.has_ended() {
            return None;
        }
        let _turn = self.looks.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let id = self.event_id();
        self.waiting().insert(id, Waiting::Look);
        let _ = self.hand_over(&Envelope::new(kind::LOOK, kind::FLAG_UNBOUNDED, id, b"null", &[]));
        let seen = self.seen().take();
        if seen.is_none() {
            // Its answer, that it does not know the question, is nobody's.
            self.looks.is_unanswered.store(true, Ordering::Relaxed);
            self.waiting().remove(&id);
        }
        seen
    }

    /// Looks at what the lane is at, and asks it, if something is under way, to take what it is given; `None` if its plugin
    /// can't say what it is at.
    pub fn look_into(&self, now: Instant) -> Option<Found> {
        if self.pulse.asks(self.gate.tickets() > 0, now) {
            self.ask_pulse();
        }
        let lane = self.look()?;
        Some(self.stall.look(&lane, self.pulse.asked_since(), now))
    }

    /// Whether one more may be given to it that is no event: events are bounded by themselves, and keep nothing else out.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let tickets = self.gate.tickets();
        tickets <= MAX_UNDER_WAY || tickets.saturating_sub(self.events_under_way()) <= MAX_UNDER_WAY
    }

    /// What is known of its lane without asking the system.
    #[must_use]
    pub fn figures(&self) -> LaneFigures {
        let (seen, now) = (self.look().unwrap_or_default(), Instant::now());
        let events = self.event_figures();
        LaneFigures {
            under_way: (self.gate.tickets() as u64).saturating_sub(events.waiting),
            queued: seen.queued,
            oldest_millis: self.oldest(now).into_iter().chain(events.oldest_millis).max(),
            requests: self.requests() as u64,
            hung_millis: self.pulse.hung_for(now).map(millis),
            blocked: self.stall.blocked(now),
            blocks: self.stall.count(),
            heap_bytes: seen.heap_bytes,
            heap_peak: seen.heap_peak,
            events,
            asked: self.asked.figures(),
            handlers: self.latencies.figures(),
            ..LaneFigures::default()
        }
    }

    /// For how many milliseconds the oldest that the lane was handed has not come to its end.
    fn oldest(&self, now: Instant) -> Option<u64> {
        let waiting = self.waiting();
        let since = waiting.values().filter_map(|waiting| match waiting {
            Waiting::Invocation(invoked) => Some(invoked.since),
            Waiting::Event(handed) => Some(handed.since),
            _ => None,
        });
        since.min().map(|since| millis(now.saturating_duration_since(since)))
    }

    /// What was last seen of the lane has come.
    pub(super) fn looked(&self, answer: &Envelope<'_>) {
        let is_state = answer.flags() & kind::FLAG_PROBLEM == 0;
        let state = is_state.then(|| serde_json::from_slice(answer.head()).unwrap_or_default());
        *self.seen() = state;
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Option<LaneState>> {
        self.looks.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
