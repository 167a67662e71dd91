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
use plugin_protocol::{
    kind,
    lane::{Begun, EventFigures},
};

use super::{Generation, Waiting};
use crate::plugins::{
    delivery::{Delivery as Held, Held as What},
    event_queue::{self, Stage},
    hold::{Hold, Put, Share},
    lane::Ticket,
};

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
    stage: Stage,
}

/// Who gets what waits, and what still comes, once nothing more is begun here.
#[derive(Clone, Debug)]
pub enum Successor {
    /// The generation that serves next.
    Generation(Arc<Generation>),
    /// What holds deliveries until there is one.
    Hold(Arc<Hold<Held>>),
}

/// The events of one generation. A lock of std: held while envelopes are queued, here or at the successor, which never has
/// this one for its own.
pub(super) type Events = std::sync::Mutex<Line>;

/// What waits, and who gets it.
#[derive(Debug)]
pub(super) struct Line {
    queue: event_queue::Waiting<Queued>,
    successor: Option<Successor>,
}

impl Line {
    pub(super) fn new(queue: event_queue::Waiting<Queued>) -> Self {
        Self { queue, successor: None }
    }
}

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
        if let Some(successor) = events.successor.clone() {
            // It had entered before there was one.
            if !successor.take(&event.copied(), bytes, now) {
                events.queue.lost();
            }
            return;
        }
        if events.queue.passes(bytes) {
            let envelope = (event.head, event.payload.as_bytes());
            if let Some(ticket) = self.hand_event(&mut events.queue, envelope, ticket, now) {
                let event = event.copied();
                events.queue.put_back(Queued { event, ticket }, bytes, now);
            }
            return;
        }
        let dropped = events.queue.push(bytes, now, || Queued {
            event: event.copied(),
            ticket,
        });
        self.hand_on(&mut events.queue);
        drop(events);
        // Their tickets may be the last ones, which somebody waits for.
        drop(dropped);
    }

    /// The lane has begun an event, and goes on with it later; or it waits there for its turn.
    pub(super) fn event_begun(&self, id: u64, begun: Begun) {
        let to = if begun.waits { Stage::Parked } else { Stage::Begun };
        let (bytes, from) = match self.waiting().get_mut(&id) {
            Some(Waiting::Event(handed)) if handed.stage != to && handed.stage != Stage::Begun => {
                (handed.bytes, std::mem::replace(&mut handed.stage, to))
            }
            _ => return,
        };
        let mut events = self.events();
        events.queue.came(bytes, from, to);
        self.hand_on(&mut events.queue);
    }

    /// Passes what waits on, and what still comes. Nothing of it has begun; the lane ends what it was handed.
    pub fn pass_events_on(&self, successor: Successor) {
        let mut events = self.events();
        for (Queued { event, ticket }, bytes, since) in events.queue.take_all() {
            if !successor.take(&event, bytes, since) {
                events.queue.lost();
            }
            drop(ticket);
        }
        events.successor = Some(successor);
    }

    /// Hands over what the lane takes by now, where that was full.
    pub fn hand_on_events(&self) {
        let mut events = self.events();
        self.hand_on(&mut events.queue);
    }

    /// An event has come to its end: the next one may be handed over. One that a lane refuses on its way to its end counts
    /// as dropped.
    pub(super) fn event_ended(&self, handed: &Handed, is_refused: bool) {
        let mut events = self.events();
        if is_refused && handed.stage == Stage::Unbegun && self.is_stopping() {
            events.queue.undelivered(handed.bytes);
        } else {
            events.queue.ended(handed.bytes, handed.stage);
        }
        self.hand_on(&mut events.queue);
    }

    /// There is no lane any more: what waits is dropped.
    pub(super) fn end_events(&self) {
        let left = {
            let mut events = self.events();
            events.successor = None;
            events.queue.end()
        };
        if !left.is_empty() {
            tracing::warn!(plugin = %self.name(), generation = self.number, lost = left.len(), "ends while events wait for it: they are dropped");
        }
    }

    /// How many events are under way: waiting, handed over, begun.
    #[must_use]
    pub fn events_under_way(&self) -> usize {
        self.events().queue.under_way()
    }

    /// What became of its events.
    #[must_use]
    pub fn event_figures(&self) -> EventFigures {
        self.events().queue.figures(Instant::now())
    }

    /// How many events were dropped that nobody was told of; they count as told from now on.
    pub fn take_untold_events(&self) -> u64 {
        self.events().queue.take_untold()
    }

    fn events(&self) -> MutexGuard<'_, Line> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over what the lane takes. One that is stopping takes none: what waits is told as dropped at its end, not
    /// counted as delivered to what refuses it.
    fn hand_on(&self, events: &mut event_queue::Waiting<Queued>) {
        if self.is_stopping() {
            return;
        }
        while let Some((Queued { event, ticket }, bytes, since)) = events.next() {
            let envelope = (&*event.head, event.payload.as_bytes());
            if let Some(ticket) = self.hand_event(events, envelope, ticket, Instant::now()) {
                events.put_back(Queued { event, ticket }, bytes, since);
                return;
            }
        }
    }

    /// Hands one over. Gives its ticket back where the lane's queue is full of other things.
    fn hand_event(
        &self,
        events: &mut event_queue::Waiting<Queued>,
        (head, payload): (&[u8], &[u8]),
        ticket: Ticket,
        since: Instant,
    ) -> Option<Ticket> {
        let (id, bytes) = (self.event_id(), head.len() + payload.len());
        let handed = Handed {
            ticket,
            since,
            bytes,
            stage: Stage::Unbegun,
        };
        self.waiting().insert(id, Waiting::Event(handed));
        let delivery = self.hand_over(&Envelope::new(kind::EVENT, 0, id, head, payload));
        if delivery == Delivery::ACCEPTED {
            return None;
        }
        // Absent if its end was told in between.
        let Some(Waiting::Event(handed)) = self.waiting().remove(&id) else {
            return None;
        };
        if delivery == Delivery::FULL {
            return Some(handed.ticket);
        }
        events.undelivered(bytes);
        None
    }
}

impl Successor {
    /// Takes an event that waited, or came to an older generation; whether it could.
    fn take(&self, event: &Arc<Copied>, bytes: usize, since: Instant) -> bool {
        match self {
            Self::Generation(newer) => {
                let Some(ticket) = newer.gate.enter() else { return false };
                let delivery = EventDelivery {
                    head: &event.head,
                    payload: &event.payload,
                    copied: OnceCell::from(Arc::clone(event)),
                };
                newer.deliver_event(&delivery, ticket);
                true
            }
            Self::Hold(hold) => {
                let delivery = || Held {
                    what: What::Event,
                    head: event.head.to_vec(),
                    payload: event.payload.to_string(),
                    since,
                };
                hold.put(Share::Event(bytes), delivery) != Put::Over
            }
        }
    }
}
