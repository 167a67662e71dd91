//! Runs that have come to their end: what the agenda, the log and the owner are told.
//!
//! Apart from what begins: called on plugins' threads, it never waits.

use std::time::Duration;

use plugin_protocol::{Outcome, Verdict};

use super::{AGAIN, Schedule};
use crate::schedule::{agenda::End, stage::Told};

/// The longest reason of a failure that is kept, in characters.
const REASON: usize = 200;
/// The longest time until something is tried again, in milliseconds: a day.
const LATEST: u64 = 24 * 60 * 60 * 1_000;
/// After how many failures in a row the owner is told of what is tried again.
const TOLD_AFTER: u32 = 10;

impl Schedule {
    /// A run has come to its end; answers with the function's name and, if it is tried again, after what time. Called on
    /// plugins' threads: it does not wait.
    #[allow(
        clippy::must_use_candidate,
        reason = "what it does is the point; the answer is for a log"
    )]
    pub fn ended(&self, id: u64, outcome: &Outcome) -> Option<(String, Option<Duration>)> {
        let mut after = None;
        let end = match outcome.verdict {
            Verdict::Done => End::Done,
            Verdict::Interrupted => End::Interrupted,
            _ => {
                let why = outcome.text.as_deref().unwrap_or("failed");
                let why = why.chars().take(REASON).collect();
                after = outcome.retry_ms.map(|after| after.clamp(AGAIN, LATEST));
                match after {
                    Some(after) => End::Again(why, after),
                    None => End::Failed(why),
                }
            }
        };
        let (name, paused, retried) = {
            let mut agenda = self.agenda();
            let name = agenda.name(id);
            let paused = agenda.ended(id, &end, self.0.clock.now());
            (name, paused, agenda.retried(id))
        };
        let mut told: Vec<_> = paused
            .map(|(plugin, name)| Told::from((plugin, name, id)))
            .into_iter()
            .collect();
        if let (Some(_), Some((plugin, name, TOLD_AFTER))) = (after, &retried) {
            told.push(Told::Retried {
                plugin: plugin.clone(),
                name: name.clone(),
                id,
                times: TOLD_AFTER,
            });
        }
        self.told().extend(told);
        self.0.stirred.notify_one();
        // What runs by a rule is not tried again but runs at its next time; what was cancelled is not, either.
        let after = after.filter(|_| retried.is_some());
        name.map(|name| (name, after.map(Duration::from_millis)))
    }
}
