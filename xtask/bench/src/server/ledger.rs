//! Who waits for an answer since when, and which answers came: the stopwatch of the generator.
//!
//! A command is known by its channel's slot; within a slot, answers are taken to come in the order of the commands. An
//! answer may let the next command go, so that a number of them is always in flight.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout};

use super::{Frame, Link};
use crate::payloads::SLOTS;

/// How long no answer at all may come before the rest is taken for lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// What stands in an answer to `!ping`.
const WANTED: &[u8] = b"pong";

/// The stopwatch of one bot.
#[derive(Default)]
pub struct Ledger {
    /// A lock of std: held for a look-up only, never across an await.
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// When commands of a slot were written.
    written: Vec<VecDeque<Instant>>,
    /// What goes out with the next answers.
    next: VecDeque<Frame>,
    link: Option<Arc<Link>>,
    wanted: usize,
    latencies: Vec<Duration>,
    last: Option<Instant>,
    body: Vec<u8>,
    unasked: usize,
    refused: usize,
}

/// What came of a number of commands.
#[derive(Debug)]
pub struct Answers {
    /// From each command's writing to its answer, in the order of the answers.
    pub latencies: Vec<Duration>,
    /// When the last one came.
    pub last: Option<Instant>,
    /// Answers that nothing had asked for: an answer given twice, or a late one.
    pub unasked: usize,
    /// Answers without the wanted text: refusals of a bot that is overrun.
    pub refused: usize,
    /// The body of the last answer.
    pub body: Vec<u8>,
}

impl Ledger {
    /// Begins anew: so many answers are wanted, and each lets one of `next` go.
    pub fn begin(&self, wanted: usize, link: &Arc<Link>, next: VecDeque<Frame>) {
        let mut state = self.state();
        *state = State {
            written: vec![VecDeque::new(); SLOTS],
            next,
            link: Some(Arc::clone(link)),
            wanted,
            latencies: Vec::with_capacity(wanted),
            ..State::default()
        };
    }

    /// A command is being written.
    pub fn written(&self, slot: usize) {
        if let Some(slot) = self.state().written.get_mut(slot) {
            slot.push_back(Instant::now());
        }
    }

    /// An answer has come.
    pub fn answered(&self, slot: usize, body: &[u8]) {
        let now = Instant::now();
        let mut state = self.state();
        let Some(written) = state.written.get_mut(slot).and_then(VecDeque::pop_front) else {
            state.unasked += 1;
            return;
        };
        state.latencies.push(now - written);
        state.last = Some(now);
        if !body.windows(WANTED.len()).any(|window| window == WANTED) {
            state.refused += 1;
        }
        state.body.clear();
        state.body.extend_from_slice(body);
        if let Some(frame) = state.next.pop_front()
            && let Some(link) = &state.link
        {
            link.send(vec![frame]);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for all answers that are wanted, or until none comes any more.
    pub async fn all(&self) -> Answers {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state();
                if state.latencies.len() >= state.wanted {
                    break;
                }
            }
            if timeout(PATIENCE, changed).await.is_err() {
                break;
            }
        }
        let mut state = self.state();
        Answers {
            latencies: std::mem::take(&mut state.latencies),
            last: state.last,
            unasked: state.unasked,
            refused: state.refused,
            body: std::mem::take(&mut state.body),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
