//! What comes late to a generation that has to end: it is emptied together with those that end with it.
//!
//! Work in one of them may need any other one until all are empty; were one stopped before, that work would wait in its hold
//! for the end of what it is a part of.

use std::sync::{Arc, Mutex, PoisonError};

use super::Generation;
use crate::plugins::lane::{Gate, Ticket};

/// The gate of all that end together, and this one's part in it.
#[derive(Debug)]
pub(super) struct Late {
    gate: Arc<Gate>,
    /// A std lock: held for a look only.
    part: Mutex<Option<Ticket>>,
}

impl Generation {
    /// It is about to be held together with others, which have tickets of the same gate. Once in its life.
    pub fn ends_with(&self, gate: Arc<Gate>, part: Ticket) {
        let part = Mutex::new(Some(part));
        // A second part is dropped, and holds up nobody.
        let _ = self.late.set(Late { gate, part });
    }

    /// Where those enter that come late.
    #[must_use]
    pub fn late_gate(&self) -> &Arc<Gate> {
        self.late.get().map_or(&self.gate, |late| &late.gate)
    }

    /// Waits until nothing is under way in it any more, nor in those that end together with it.
    pub async fn emptied(&self) {
        self.gate.emptied().await;
        self.waits_no_more();
        self.late_gate().emptied().await;
    }

    /// Those that end together with it do not wait for it any more.
    pub fn waits_no_more(&self) {
        if let Some(late) = self.late.get() {
            drop(late.part.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}
