//! One run of a callback: its number, what comes of it, and how long it is waited for.
//!
//! The number goes to the plugin with the run and comes back with its answer, and with each event that is emitted in it: it
//! holds how deep in a chain of events the run is, so that callbacks that set each other off come to an end.

use std::{sync::Arc, time::Duration};

use plugin_protocol::{Outcome, PanicReport, PluginName, Verdict};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// How long a callback may take.
pub const LIMIT: Duration = Duration::from_secs(10);
/// How many events a chain has at most that callbacks emit in turn.
pub const DEEPEST: u64 = 8;

/// Ids of deliveries that are no invocation's have the highest bit.
const DELIVERY: u64 = 1 << 63;
/// Those of runs have this one, too; a generation's own requests do not count so far.
const RUN: u64 = 1 << 62;
const DEPTH_SHIFT: u32 = 56;

/// Whether an id of a delivery is one of a callback's run.
#[must_use]
pub const fn is_run(id: u64) -> bool {
    id & (DELIVERY | RUN) == DELIVERY | RUN
}

/// The id of a run that is so deep in a chain of events.
pub(super) const fn run_id(number: u64, depth: u64) -> u64 {
    DELIVERY | RUN | depth << DEPTH_SHIFT | (number & ((1 << DEPTH_SHIFT) - 1))
}

/// How deep an event is that is emitted in this run: 0 outside of any.
pub(super) const fn depth_in(run: Option<u64>) -> u64 {
    match run {
        Some(id) if is_run(id) => (id >> DEPTH_SHIFT & 0x3f) + 1,
        _ => 0,
    }
}

/// What became of a run that was handed to a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// The lane has it.
    Now,
    /// It waits for the plugin's next generation.
    Waits,
    /// The lane's queue is full, or it takes nothing any more.
    Full,
    /// There is nobody to run it.
    Absent,
}

/// What is heard of a run.
#[derive(Debug)]
pub(super) enum News {
    /// It waited, and the lane has it now.
    Begun,
    /// It has come to its end.
    Ended(Outcome),
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    Done,
    /// It refused, with this text.
    Refused(String),
    Failed(String, Option<PanicReport>),
    /// Its plugin ended, or there was nobody to run it.
    Interrupted,
}

/// A callback has failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Whose it is.
    pub plugin: PluginName,
    /// Of which generation.
    pub generation: u32,
    /// The callback.
    pub callback: Arc<str>,
    /// Of which event.
    pub event: Arc<str>,
    /// Why.
    pub text: String,
    /// The panic, if it was one.
    pub panic: Option<PanicReport>,
    /// Whether it is left out from now on.
    pub opened: bool,
}

/// Waits for the end of a run that was handed over: so long from when the lane has it, and no longer than `until`.
pub(super) async fn wait(
    news: &mut mpsc::UnboundedReceiver<News>,
    waits: bool,
    (limit, until): (Duration, Option<Instant>),
) -> (End, Instant) {
    let mut began = Instant::now();
    if waits {
        let first = match until {
            Some(until) => timeout_at(until, news.recv()).await.ok(),
            None => Some(news.recv().await),
        };
        match first {
            Some(Some(News::Begun)) => began = Instant::now(),
            Some(Some(News::Ended(outcome))) => return (end(outcome), began),
            Some(None) | None => return (End::Interrupted, began),
        }
    }
    let end_at = until.map_or(began + limit, |until| until.min(began + limit));
    loop {
        match timeout_at(end_at, news.recv()).await {
            Ok(Some(News::Begun)) => {}
            Ok(Some(News::Ended(outcome))) => return (end(outcome), began),
            Ok(None) => return (End::Interrupted, began),
            Err(_) => {
                let text = format!("it took longer than {:?}", rounded(limit));
                return (End::Failed(text, None), began);
            }
        }
    }
}

fn rounded(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn end(outcome: Outcome) -> End {
    match outcome.verdict {
        Verdict::Done => End::Done,
        Verdict::Refused => End::Refused(outcome.text.unwrap_or_default()),
        Verdict::Failed | Verdict::Panicked => {
            let text = outcome.text.unwrap_or_else(|| "it did not say why".to_owned());
            End::Failed(text, outcome.panic)
        }
        Verdict::Interrupted | Verdict::Unknown => End::Interrupted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_runs_hold_their_depth_and_are_no_others() {
        assert!(!is_run(7) && !is_run(DELIVERY | 7));
        assert_eq!((depth_in(None), depth_in(Some(7))), (0, 0));
        let mut run = None;
        for depth in 0..=DEEPEST {
            assert_eq!(depth_in(run), depth);
            let id = run_id(u64::MAX - depth, depth);
            assert!(is_run(id) && crate::plugins::is_event(id));
            run = Some(id);
        }
    }
}
