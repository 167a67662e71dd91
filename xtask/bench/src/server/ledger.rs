//! Who waits for an answer since when, and which answers came: the stopwatch of the generator.
//!
//! An answer names the message that it replies to, so that a lost one and one given twice do not cancel out. An answer may
//! let the next command go, so that a number of them is always in flight.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{sync::Notify, time::timeout};

use super::{Frame, Link};

/// How long nothing at all may be written or answered before the rest is taken for lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is added for each message: a bot works on what was written, in buffers of the system, while nothing shows.
const PATIENCE_EACH: Duration = Duration::from_micros(500);

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
    /// When the commands that are not answered yet were written, by message.
    written: HashMap<u64, Instant>,
    /// What goes out with the next answers.
    next: VecDeque<Frame>,
    link: Option<Arc<Link>>,
    wanted: usize,
    patience: Duration,
    latencies: Vec<Duration>,
    last: Option<Instant>,
    body: Vec<u8>,
    unasked: usize,
    refused: usize,
    /// Every answer as it came; absent unless they are recorded.
    recorded: Option<Vec<Reply>>,
}

/// An answer that was recorded.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The message to which it replies, if it is one that was sent.
    pub message: Option<u64>,
    /// How long it took from that message's writing.
    pub took: Duration,
    /// When that message was written.
    pub written: Instant,
    /// When it came.
    pub at: Instant,
    /// What it says.
    pub content: String,
}

/// What came of a number of commands.
#[derive(Debug)]
pub struct Answers {
    /// From each command's writing to its answer, in the order of the answers.
    pub latencies: Vec<Duration>,
    /// When the last one came.
    pub last: Option<Instant>,
    /// Answers without the wanted text: refusals of a bot that is overrun.
    pub refused: usize,
    /// The body of the last answer.
    pub body: Vec<u8>,
}

impl Ledger {
    /// Begins anew: so many messages go out, so many answers are wanted, and each lets one of `next` go.
    pub fn begin(&self, messages: usize, wanted: usize, link: &Arc<Link>, next: VecDeque<Frame>) {
        let mut state = self.state();
        *state = State {
            written: HashMap::with_capacity(wanted),
            patience: PATIENCE + PATIENCE_EACH * u32::try_from(messages).unwrap_or(u32::MAX),
            next,
            link: Some(Arc::clone(link)),
            wanted,
            latencies: Vec::with_capacity(wanted),
            ..State::default()
        };
    }

    /// Begins anew, and keeps every answer from now on, also what is given twice.
    pub fn record(&self) {
        *self.state() = State {
            recorded: Some(Vec::new()),
            ..State::default()
        };
    }

    /// The answers that have come since the last time.
    pub fn recorded(&self) -> Vec<Reply> {
        self.state().recorded.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A command is being written.
    pub fn written(&self, message: u64) {
        self.state().written.insert(message, Instant::now());
    }

    /// Frames have gone out: the bot is not late yet.
    pub fn progressed(&self) {
        self.changed.notify_one();
    }

    /// An answer has come: a reply to this message, or the callback of this interaction.
    pub fn answered(&self, message: Option<u64>, body: &[u8]) {
        let now = Instant::now();
        let mut state = self.state();
        if state.recorded.is_some() {
            let written = message.and_then(|message| state.written.get(&message).copied());
            let reply = Reply {
                message: message.filter(|_| written.is_some()),
                took: now - written.unwrap_or(now),
                written: written.unwrap_or(now),
                at: now,
                content: content(body),
            };
            state
                .recorded
                .iter_mut()
                .for_each(|replies| replies.push(reply.clone()));
            return;
        }
        let Some(written) = message.and_then(|message| state.written.remove(&message)) else {
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
            let patience = {
                let state = self.state();
                if state.latencies.len() >= state.wanted {
                    break;
                }
                state.patience
            };
            if timeout(patience, changed).await.is_err() {
                break;
            }
        }
        let mut state = self.state();
        Answers {
            latencies: std::mem::take(&mut state.latencies),
            last: state.last,
            refused: state.refused,
            body: std::mem::take(&mut state.body),
        }
    }

    /// How many answers came that nothing had asked for: ones given twice, or late ones. To be asked some time behind the
    /// last answer.
    pub fn unasked(&self) -> usize {
        self.state().unasked
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a message says.
fn content(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["content"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::Ledger;

    #[test]
    fn what_is_recorded_is_there_as_often_as_it_came() {
        let ledger = Ledger::default();
        ledger.record();
        ledger.written(1);
        ledger.answered(Some(1), br#"{"content":"4"}"#);
        ledger.answered(Some(1), br#"{"content":"5"}"#);
        ledger.answered(None, b"{}");
        let replies = ledger.recorded();
        let said: Vec<_> = replies
            .iter()
            .map(|reply| (reply.message, reply.content.as_str()))
            .collect();
        assert_eq!(said, [(Some(1), "4"), (Some(1), "5"), (None, "")]);
        assert!(ledger.recorded().is_empty());
    }

    #[tokio::test]
    async fn an_answer_given_twice_does_not_stand_for_a_lost_one() {
        let ledger = Ledger::default();
        ledger.written(1);
        ledger.written(2);
        ledger.answered(Some(1), b"pong");
        ledger.answered(Some(1), b"pong");
        ledger.answered(None, b"pong");
        assert_eq!(ledger.all().await.latencies.len(), 1);
        assert_eq!(ledger.unasked(), 2);
        ledger.answered(Some(2), b"busy");
        let rest = ledger.all().await;
        assert_eq!((rest.latencies.len(), rest.refused, ledger.unasked()), (1, 1, 2));
    }
}
