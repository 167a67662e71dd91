//! What a generation is told about what its functions wait for.
//!
//! Apart from deliveries: nothing here takes a ticket, since whoever waits is under way already.

use plugin_protocol::{Occurrence, Unwatch, kind};

use super::{Delivery, Envelope, Generation, Undelivered, to_json};

impl Generation {
    /// Tells of something that one of its functions waits for.
    ///
    /// # Errors
    ///
    /// The lane is full or has ended.
    pub fn tell_occurrence(&self, occurrence: &Occurrence, payload: &[u8]) -> Result<(), Undelivered> {
        match self.hand_over(&Envelope::new(kind::OCCURRED, 0, 0, &to_json(occurrence), payload)) {
            Delivery::ACCEPTED => Ok(()),
            Delivery::FULL => Err(Undelivered::Full),
            _ => Err(Undelivered::Closed),
        }
    }

    /// Tells that a function waits in vain: what asked asks no more.
    pub fn tell_watch_ended(&self, id: u64) {
        self.tell(kind::WATCH_ENDED, &to_json(&Unwatch { id }));
    }
}
