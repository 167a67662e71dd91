//! What is owed to the host: exactly one answer for each invocation and event, whatever becomes of its task.
//!
//! Paying takes it by value, so nobody pays twice, and its drop pays what was left unpaid.

use std::{cell::Cell, rc::Rc, sync::Arc};

use plugin_protocol::{Outcome, PanicReport, Verdict};
use serde::Serialize;
use tokio::sync::Notify;

use super::link::Link;

/// How many handlers run, and how many were cut off.
#[derive(Default)]
pub(crate) struct Ledger {
    running: Cell<usize>,
    interrupted: Cell<u32>,
    idle: Notify,
}

impl Ledger {
    /// Waits until no handler runs.
    pub(crate) async fn idle(&self) {
        while self.running.get() > 0 {
            self.idle.notified().await;
        }
    }

    pub(crate) fn interrupted(&self) -> u32 {
        self.interrupted.get()
    }
}

/// The answer that is owed for one invocation or event; dropped unpaid, it says that the handler was cut off.
pub(crate) struct Debt {
    link: Arc<Link>,
    ledger: Rc<Ledger>,
    id: u64,
    paid: bool,
}

impl Debt {
    pub(crate) fn new(link: Arc<Link>, ledger: Rc<Ledger>, id: u64) -> Self {
        ledger.running.set(ledger.running.get() + 1);
        Self {
            link,
            ledger,
            id,
            paid: false,
        }
    }

    pub(crate) fn pay(mut self, outcome: &Outcome) {
        self.paid = true;
        self.link.answer(self.id, outcome, &[]);
    }

    /// The same with another head, and a tail.
    pub(crate) fn pay_by(mut self, head: &impl Serialize, tail: &[u8]) {
        self.paid = true;
        self.link.answer(self.id, head, tail);
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        if !self.paid {
            self.ledger.interrupted.set(self.ledger.interrupted.get() + 1);
            self.link.answer(
                self.id,
                &Outcome {
                    verdict: Verdict::Interrupted,
                    ..Outcome::default()
                },
                &[],
            );
        }
        self.ledger.running.set(self.ledger.running.get() - 1);
        if self.ledger.running.get() == 0 {
            self.ledger.idle.notify_one();
        }
    }
}

/// The outcome of a handler that ran to its end, one way or the other.
pub(crate) fn outcome(result: Result<crate::Result, PanicReport>) -> Outcome {
    match result {
        Ok(Ok(())) => Outcome::default(),
        Ok(Err(error)) => error.outcome(),
        Err(panic) => Outcome {
            verdict: Verdict::Panicked,
            text: Some(panic.message.clone()),
            panic: Some(panic),
            ..Outcome::default()
        },
    }
}

/// One outcome for the several handlers of one event: the worst of theirs, with all texts.
pub(crate) fn worst(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Done => 0,
        Verdict::Refused => 1,
        Verdict::Interrupted | Verdict::Unknown => 2,
        Verdict::Failed => 3,
        Verdict::Panicked => 4,
    };
    outcomes.into_iter().fold(Outcome::default(), |mut sum, outcome| {
        if rank(outcome.verdict) > rank(sum.verdict) {
            sum.verdict = outcome.verdict;
        }
        sum.text = match (sum.text.take(), outcome.text) {
            (Some(first), Some(second)) => Some(format!("{first}; {second}")),
            (first, second) => first.or(second),
        };
        sum.panic = sum.panic.take().or(outcome.panic);
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_outcome_counts_and_no_text_is_lost() {
        let of = |verdict, text: &str| Outcome {
            verdict,
            text: Some(text.to_owned()),
            ..Outcome::default()
        };
        let sum = worst([Outcome::default(), of(Verdict::Failed, "a"), of(Verdict::Refused, "b")]);
        assert_eq!((sum.verdict, sum.text.as_deref()), (Verdict::Failed, Some("a; b")));
        assert_eq!(worst([]), Outcome::default());
    }
}
