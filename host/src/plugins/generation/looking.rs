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
use crate::plugins::{lane::Ticket, latency::Handler};

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

    /// What is known of its lane without asking the system.
    #[must_use]
    pub fn figures(&self) -> LaneFigures {
        let (seen, now) = (self.look().unwrap_or_default(), Instant::now());
        LaneFigures {
            under_way: self.gate.tickets() as u64,
            requests: self.requests() as u64,
            hung_millis: self.pulse.hung_for(now).map(millis),
            blocked: self.stall.blocked(now),
            blocks: self.stall.count(),
            heap_bytes: seen.heap_bytes,
            heap_peak: seen.heap_peak,
            events: self.event_figures(),
            asked: self.asked.figures(),
            handlers: self.latencies.figures(),
            ..LaneFigures::default()
        }
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
