//! Deliveries by time, and the question to erase somebody: what nobody in a channel asked for.
//!
//! A run of a timer has an id that says so, and which; no other delivery has one of these.

use plugin_protocol::{Outcome, Problem, ProblemCode, Subject, kind};

use super::{Generation, REQUEST_BIT};

/// Ids of runs of timers have this bit beside that of requests, and not the next one, which those of hooks' callbacks have.
const TIMER_BIT: u64 = 1 << 61;
const HOOK_BIT: u64 = 1 << 62;

/// The id under which a timer is delivered.
#[must_use]
pub fn timer_delivery(timer: u64) -> u64 {
    timer | TIMER_BIT | REQUEST_BIT
}

/// The timer that is delivered under this id, if it is one.
#[must_use]
pub fn timer_of(id: u64) -> Option<u64> {
    let bits = TIMER_BIT | REQUEST_BIT;
    (id & (bits | HOOK_BIT) == bits).then_some(id & !bits)
}

impl Generation {
    /// Asks to erase what the plugin keeps of somebody. Dropped, it waits for nothing; the plugin goes on.
    ///
    /// # Errors
    ///
    /// The plugin has no function for it, or its lane has ended.
    pub async fn erase(&self, who: Subject) -> Result<Outcome, Problem> {
        let answer = self.ask(kind::ERASE, &who, &[]).await?;
        serde_json::from_slice(&answer.head).map_err(|error| {
            let text = format!("what became of it can't be read: {error}");
            Problem::new(ProblemCode::Invalid, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_timers_are_told_from_events() {
        assert_eq!(timer_of(timer_delivery(7)), Some(7));
        assert_eq!(timer_of(7 | REQUEST_BIT), None);
        assert_eq!(timer_of(timer_delivery(7) | HOOK_BIT), None);
        assert!(!crate::hooks::is_run(timer_delivery(7)));
        assert_eq!(timer_of(7), None);
    }
}
