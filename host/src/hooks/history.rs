//! The last runs of callbacks: 100 in all, 20 of each event, so that a busy one does not push out the others.
//!
//! Pure: whoever tells it of a run says when that was.

use std::collections::VecDeque;

use plugin_protocol::hooks::PastRun;

/// How many are remembered in all.
pub const MOST: usize = 100;
/// How many of one event.
pub const MOST_OF_ONE: usize = 20;

/// The last runs.
#[derive(Debug, Default)]
pub struct History {
    /// Oldest first.
    runs: VecDeque<PastRun>,
}

impl History {
    /// Remembers a run that has come to its end.
    pub fn add(&mut self, run: PastRun) {
        let of_event = self.runs.iter().filter(|past| past.event == run.event).count();
        let gone = if of_event >= MOST_OF_ONE {
            self.runs.iter().position(|past| past.event == run.event)
        } else {
            (self.runs.len() >= MOST).then_some(0)
        };
        if let Some(gone) = gone {
            self.runs.remove(gone);
        }
        self.runs.push_back(run);
    }

    /// The last so many, newest first.
    #[must_use]
    pub fn last(&self, limit: usize) -> Vec<PastRun> {
        self.runs.iter().rev().take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(event: usize, at: usize) -> PastRun {
        PastRun {
            at_ms: at as u64,
            event: format!("event_{event}"),
            ..PastRun::default()
        }
    }

    proptest! {
        #[test]
        fn it_holds_the_newest_within_its_bounds(events in proptest::collection::vec(0_usize..8, 0..400)) {
            let mut history = History::default();
            for (at, event) in events.iter().enumerate() {
                history.add(run(*event, at));
            }
            let last = history.last(usize::MAX);
            prop_assert!(last.len() <= MOST);
            prop_assert!(last.is_sorted_by(|newer, older| newer.at_ms > older.at_ms));
            for event in 0..8 {
                let name = format!("event_{event}");
                let kept: Vec<_> = last.iter().filter(|past| past.event == name).map(|past| past.at_ms).collect();
                prop_assert!(kept.len() <= MOST_OF_ONE);
                // Of each event it is the newest that are kept.
                let all: Vec<_> = (0..events.len()).rev().filter(|at| events[*at] == event).map(|at| at as u64).collect();
                prop_assert_eq!(&kept[..], &all[..kept.len()]);
            }
        }
    }

    #[test]
    fn a_busy_event_pushes_out_no_other() {
        let mut history = History::default();
        history.add(run(1, 0));
        for at in 1..1000 {
            history.add(run(2, at));
        }
        let last = history.last(50);
        assert_eq!(last.len(), MOST_OF_ONE + 1);
        assert_eq!(last.last(), Some(&run(1, 0)));
        assert_eq!(history.last(3).len(), 3);
    }
}
