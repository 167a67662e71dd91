//! A lane's queue: filled by threads of the host, emptied by the lane.
//!
//! Envelopes are borrowed for the length of a delivery, so they are copied once, on arrival. A std mutex, since it is
//! held for the copy of a few pointers and never across an await; one wake a batch.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use plugin_abi::{Delivery, Envelope};
use plugin_protocol::kind::FLAG_UNBOUNDED;
use tokio::sync::Notify;

/// How many envelopes without [`FLAG_UNBOUNDED`] wait at most.
pub(crate) const CAPACITY: usize = 8192;

/// An envelope that is the plugin's own.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) id: u64,
    head: usize,
    bytes: Box<[u8]>,
}

impl From<&Envelope<'_>> for Owned {
    fn from(envelope: &Envelope<'_>) -> Self {
        let (head, tail) = (envelope.head(), envelope.tail());
        Self {
            kind: envelope.kind(),
            flags: envelope.flags(),
            id: envelope.id(),
            head: head.len(),
            bytes: [head, tail].concat().into(),
        }
    }
}

impl Owned {
    pub(crate) fn head(&self) -> &[u8] {
        &self.bytes[..self.head]
    }

    pub(crate) fn tail(&self) -> &[u8] {
        &self.bytes[self.head..]
    }
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Owned>,
    bounded: usize,
    closed: bool,
}

#[derive(Default)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    filled: Notify,
}

impl Inbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the whole batch or nothing of it.
    pub(crate) fn put(&self, batch: &[Envelope<'_>]) -> Delivery {
        let bounded = batch
            .iter()
            .filter(|envelope| envelope.flags() & FLAG_UNBOUNDED == 0)
            .count();
        {
            let mut queue = self.queue();
            if queue.closed {
                return Delivery::CLOSED;
            }
            if bounded > 0 && queue.bounded + bounded > CAPACITY {
                return Delivery::FULL;
            }
            queue.bounded += bounded;
            queue.waiting.extend(batch.iter().map(Owned::from));
        }
        self.filled.notify_one();
        Delivery::ACCEPTED
    }

    /// How many envelopes wait.
    pub(crate) fn len(&self) -> usize {
        self.queue().waiting.len()
    }

    /// Waits until there is something, and takes all of it. Cancel safe: what isn't returned stays.
    pub(crate) async fn take(&self) -> VecDeque<Owned> {
        loop {
            {
                let mut queue = self.queue();
                if !queue.waiting.is_empty() {
                    queue.bounded = 0;
                    return std::mem::take(&mut queue.waiting);
                }
            }
            self.filled.notified().await;
        }
    }

    /// Refuses everything from now on, and frees what waits.
    pub(crate) fn close(&self) {
        let waiting = {
            let mut queue = self.queue();
            queue.closed = true;
            std::mem::take(&mut queue.waiting)
        };
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(flags: u32) -> Envelope<'static> {
        Envelope::new(20, flags, 1, b"head", b"tail")
    }

    #[test]
    fn a_batch_is_taken_whole_or_not_at_all() {
        let inbox = Inbox::default();
        assert_eq!(inbox.put(&vec![envelope(0); CAPACITY - 1]), Delivery::ACCEPTED);
        assert_eq!(inbox.put(&[envelope(0); 2]), Delivery::FULL);
        assert_eq!(inbox.queue().waiting.len(), CAPACITY - 1);
        assert_eq!(inbox.put(&[envelope(0)]), Delivery::ACCEPTED);
        assert_eq!(inbox.put(&[envelope(0)]), Delivery::FULL);
        assert_eq!(inbox.put(&[envelope(FLAG_UNBOUNDED); 3]), Delivery::ACCEPTED);
        assert_eq!(inbox.queue().waiting.len(), CAPACITY + 3);
    }

    #[test]
    fn a_closed_inbox_is_empty_and_stays_closed() {
        let inbox = Inbox::default();
        assert_eq!(inbox.put(&[envelope(0)]), Delivery::ACCEPTED);
        inbox.close();
        assert_eq!(inbox.put(&[envelope(FLAG_UNBOUNDED)]), Delivery::CLOSED);
        assert_eq!(inbox.queue().waiting.capacity(), 0);
    }

    #[tokio::test]
    async fn what_is_taken_makes_room_and_keeps_order() {
        let inbox = Inbox::default();
        for id in 0..3 {
            let sent = Envelope::new(20, 0, id, b"h", b"tail");
            assert_eq!(inbox.put(&[sent]), Delivery::ACCEPTED);
        }
        let taken = inbox.take().await;
        assert_eq!(taken.iter().map(|owned| owned.id).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((taken[0].head(), taken[0].tail()), (&b"h"[..], &b"tail"[..]));
        assert_eq!(inbox.put(&vec![envelope(0); CAPACITY]), Delivery::ACCEPTED);
    }
}
