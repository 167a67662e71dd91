//! Which events need not be sent again: a contiguous watermark over acknowledgements that come in any order.
//!
//! Apart from the shard because events end in other tasks. Each session has its own watermark: numbers start again with
//! a new one, and a late acknowledgement of the old must not count for it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// The acknowledgements of one session.
#[derive(Clone, Debug)]
pub(super) struct Watermark {
    /// A lock of std: it is held for a few steps, never across an await.
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// All events up to this one are acknowledged.
    reached: u64,
    /// Events behind it, in order, and whether each is acknowledged.
    open: VecDeque<(u64, bool)>,
}

/// The receipt of one event: acknowledge it once the event needs not be sent again.
///
/// A receipt that is dropped unacknowledged holds the watermark where it is: after a restart the session is resumed from
/// there, and this event and all behind it come again.
#[derive(Debug)]
#[must_use = "the event comes again after a restart unless it is acknowledged"]
pub struct Receipt {
    watermark: Watermark,
    sequence: u64,
}

impl Receipt {
    /// The event needs not be sent again.
    pub fn acknowledge(self) {
        self.watermark.acknowledge(self.sequence);
    }
}

impl Watermark {
    /// A session in which everything up to `reached` is done.
    pub(super) fn new(reached: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                reached,
                open: VecDeque::new(),
            })),
        }
    }

    /// Whether an event was handed out already.
    pub(super) fn has_received(&self, sequence: u64) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let last = state.open.back().map_or(state.reached, |(last, _)| *last);
        sequence <= last
    }

    /// Notes that an event was handed out.
    pub(super) fn receive(&self, sequence: u64) -> Receipt {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is handed out once more keeps its first entry.
        let is_new = sequence > state.reached && state.open.back().is_none_or(|(last, _)| *last < sequence);
        if is_new {
            state.open.push_back((sequence, false));
        }
        Receipt {
            watermark: self.clone(),
            sequence,
        }
    }

    /// Notes that an event needs not be sent again.
    pub(super) fn acknowledge(&self, sequence: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(at) = state.open.binary_search_by_key(&sequence, |(sequence, _)| *sequence) {
            state.open[at].1 = true;
        }
        while let Some((sequence, true)) = state.open.front().copied() {
            state.open.pop_front();
            state.reached = sequence;
        }
    }

    /// The event up to which all are acknowledged.
    pub(super) fn reached(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watermark_moves_over_contiguous_acknowledgements_only() {
        let watermark = Watermark::new(10);
        let mut receipts: Vec<Receipt> = [11, 12, 14, 15].map(|sequence| watermark.receive(sequence)).into();
        assert_eq!(watermark.reached(), 10);
        receipts.remove(1).acknowledge();
        assert_eq!(watermark.reached(), 10);
        receipts.remove(0).acknowledge();
        assert_eq!(watermark.reached(), 12);
        receipts.pop().unwrap().acknowledge();
        assert_eq!(watermark.reached(), 12);
        receipts.pop().unwrap().acknowledge();
        assert_eq!(watermark.reached(), 15);
    }

    #[test]
    fn a_repeated_event_and_a_repeated_acknowledgement_do_no_harm() {
        let watermark = Watermark::new(0);
        let first = watermark.receive(1);
        let again = watermark.receive(1);
        assert!(watermark.has_received(1) && !watermark.has_received(2));
        first.acknowledge();
        again.acknowledge();
        assert!(watermark.has_received(1));
        watermark.acknowledge(1);
        watermark.acknowledge(99);
        assert_eq!(watermark.reached(), 1);
        watermark.receive(1).acknowledge();
        assert_eq!(watermark.reached(), 1);
    }

    #[test]
    fn a_dropped_receipt_holds_the_watermark() {
        let watermark = Watermark::new(0);
        drop(watermark.receive(1));
        watermark.receive(2).acknowledge();
        assert_eq!(watermark.reached(), 0);
    }
}
