//! Events on their way to the lane of one generation: at once, or later, in order, as far as there is room.
//!
//! One lock lies around taking an event from the queue and handing it over, so that none overtakes another; the lane only
//! queues what it is handed. What waits has a ticket like what is under way: a generation is not retired before it.

use std::{
    cell::OnceCell,
    sync::{Arc, MutexGuard, PoisonError},
    time::Instant,
};

use plugin_abi::{Delivery, Envelope};
use plugin_protocol::{kind, lane::EventFigures};

use super::{Generation, Waiting};
use crate::plugins::{event_queue, lane::Ticket};

/// An event, for however many plugins want it: it is copied once if it has to wait for one of them.
#[derive(Debug)]
pub struct EventDelivery<'e> {
    head: &'e [u8],
    payload: &'e str,
    copied: OnceCell<Arc<Copied>>,
}

/// An event's head and payload.
#[derive(Debug)]
struct Copied {
    head: Box<[u8]>,
    payload: Box<str>,
}

/// An event that waits.
#[derive(Debug)]
pub(super) struct Queued {
    event: Arc<Copied>,
    ticket: Ticket,
}

/// An event that the lane was handed.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) ticket: Ticket,
    pub(super) since: Instant,
    bytes: usize,
    begun: bool,
}

/// The events of one generation. A lock of std: held while envelopes are queued.
pub(super) type Events = std::sync::Mutex<event_queue::Waiting<Queued>>;

impl<'e> EventDelivery<'e> {
    /// An event with the envelope's head and the gateway's payload.
    #[must_use]
    pub fn new(head: &'e [u8], payload: &'e str) -> Self {
        Self {
            head,
            payload,
            copied: OnceCell::new(),
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.head.len() + self.payload.len()
    }

    fn copied(&self) -> Arc<Copied> {
        let copy = || {
            Arc::new(Copied {
                head: self.head.into(),
                payload: self.payload.into(),
            })
        };
        Arc::clone(self.copied.get_or_init(copy))
    }
}

impl Generation {
    /// Takes an event: for its lane at once, or for later; what there is no room for is dropped, and counted.
    pub fn deliver_event(&self, event: &EventDelivery<'_>, ticket: Ticket) {
        let (bytes, now) = (event.bytes(), Instant::now());
        let mut events = self.events();
        if events.passes(bytes) {
            let (head, payload) = (event.head, event.payload.as_bytes());
            self.hand_event(&mut events, (head, payload), ticket, now);
            return;
        }
        let dropped = events.push(bytes, now, || Queued {
            event: event.copied(),
            ticket,
        });
        drop(events);
        // Their tickets may be the last ones, which somebody waits for.
        drop(dropped);
    }

    /// The lane has begun an event, and goes on with it later.
    pub(super) fn event_begun(&self, id: u64) {
        let bytes = match self.waiting().get_mut(&id) {
            Some(Waiting::Event(handed)) if !handed.begun => {
                handed.begun = true;
                handed.bytes
            }
            _ => return,
        };
        let mut events = self.events();
        events.begun(bytes);
        self.hand_on(&mut events);
    }

    /// An event has come to its end: the next one may be handed over. One that a lane refuses on its way to its end counts
    /// as dropped.
    pub(super) fn event_ended(&self, handed: &Handed, is_refused: bool) {
        let mut events = self.events();
        if is_refused && !handed.begun && self.is_stopping() {
            events.undelivered(handed.bytes);
        } else {
            events.ended(handed.bytes, handed.begun);
        }
        self.hand_on(&mut events);
    }

    /// There is no lane any more: what waits is dropped.
    pub(super) fn end_events(&self) {
        let left = self.events().end();
        if !left.is_empty() {
            tracing::warn!(plugin = %self.name(), generation = self.number, lost = left.len(), "ends while events wait for it: they are dropped");
        }
    }

    /// How many events are under way: waiting, handed over, begun.
    #[must_use]
    pub fn events_under_way(&self) -> usize {
        self.events().under_way()
    }

    /// What became of its events.
    #[must_use]
    pub fn event_figures(&self) -> EventFigures {
        self.events().figures(Instant::now())
    }

    /// How many events were dropped that nobody was told of; they count as told from now on.
    pub fn take_untold_events(&self) -> u64 {
        self.events().take_untold()
    }

    fn events(&self) -> MutexGuard<'_, event_queue::Waiting<Queued>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over what the lane takes. One that is stopping takes none: what waits is told as dropped at its end, not
    /// counted as delivered to what refuses it.
    fn hand_on(&self, events: &mut event_queue::Waiting<Queued>) {
        if self.is_stopping() {
            return;
        }
        while let Some((Queued { event, ticket }, _)) = events.next() {
            self.hand_event(events, (&event.head, event.payload.as_bytes()), ticket, Instant::now());
        }
    }

    fn hand_event(
        &self,
        events: &mut event_queue::Waiting<Queued>,
        (head, payload): (&[u8], &[u8]),
        ticket: Ticket,
        since: Instant,
    ) {
        let (id, bytes) = (self.event_id(), head.len() + payload.len());
        let handed = Handed {
            ticket,
            since,
            bytes,
            begun: false,
        };
        self.waiting().insert(id, Waiting::Event(handed));
        let delivery = self.hand_over(&Envelope::new(kind::EVENT, 0, id, head, payload));
        if delivery != Delivery::ACCEPTED {
            // Its queue is full of commands, or it has ended; absent if that was told in between.
            let refused = self.waiting().remove(&id);
            if refused.is_some() {
                events.undelivered(bytes);
            }
        }
    }
}
