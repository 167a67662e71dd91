//! A hold: what is meant for a plugin while none of its generations serves waits here, in the order in which it came.
//!
//! The routing table points at it in the place of a generation, so a plugin that is not held never meets its lock. Which
//! table is in force, and when a hold is over, is decided in `lane` alone; the model test compiles both files.

use std::{
    collections::VecDeque,
    sync::{PoisonError, atomic::Ordering},
};

use super::{
    atomics::{AtomicUsize, Mutex, MutexGuard},
    lane::Root,
};

/// How much may wait in a hold.
#[derive(Clone, Copy, Debug)]
pub struct HoldRoom {
    /// How many deliveries.
    pub deliveries: usize,
    /// How many bytes of them.
    pub bytes: usize,
}

/// How many bytes of events may wait in a hold, and which make room for others.
#[derive(Clone, Copy, Debug)]
pub struct EventRoom {
    /// How many bytes, with what each of them takes beside its own.
    pub bytes: usize,
    /// Whether the oldest ones make room for a newer one; else it is the newer one that is lost.
    pub drops_oldest: bool,
}

/// What an event takes beside its bytes.
const EVENT_OVERHEAD: usize = 64;

/// What something takes of a hold's room, which is counted apart: plugins that call each other leave the room of what people
/// do as it is, and so do events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All that is meant for deliveries, in bytes.
    Delivery(usize),
    /// A quarter as much as that beside it, for calls of other plugins, in bytes.
    Call(usize),
    /// What there is for events, in bytes.
    Event(usize),
}

/// How much waits of one share.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    deliveries: usize,
    bytes: usize,
}

/// Deliveries that wait for a plugin's next generation.
#[derive(Debug)]
pub struct Hold<D> {
    room: HoldRoom,
    event_room: EventRoom,
    /// The how manieth hold of all it is; the highest number until that is known.
    number: AtomicUsize,
    /// Held for an insertion, a look or, at the end, the last few deliveries; never across an await.
    queue: Mutex<Queue<D>>,
}

#[derive(Debug)]
struct Queue<D> {
    waiting: VecDeque<(D, Share)>,
    deliveries: Used,
    calls: Used,
    events: Used,
    turned_away: usize,
    lost_events: usize,
    is_over: bool,
}

/// The end of a hold: nobody can add to it, and it is over when this is dropped.
#[derive(Debug)]
pub(super) struct Closing<'h, D>(MutexGuard<'h, Queue<D>>);

impl<D> Closing<'_, D> {
    /// Takes all that still waits.
    pub(super) fn take(&mut self) -> VecDeque<(D, Share)> {
        self.0.take()
    }
}

impl<D> Drop for Closing<'_, D> {
    fn drop(&mut self) {
        self.0.is_over = true;
    }
}

impl<D> Queue<D> {
    fn used(&mut self, share: Share) -> (&mut Used, usize) {
        match share {
            Share::Delivery(bytes) => (&mut self.deliveries, bytes),
            Share::Call(bytes) => (&mut self.calls, bytes),
            Share::Event(bytes) => (&mut self.events, bytes + EVENT_OVERHEAD),
        }
    }

    /// Makes room for one more event of so many bytes, if there can be.
    fn make_room(&mut self, bytes: usize, room: EventRoom) -> bool {
        let weight = bytes.saturating_add(EVENT_OVERHEAD);
        if weight > room.bytes {
            return false;
        }
        while self.events.bytes + weight > room.bytes {
            let is_event = |(_, share): &(D, Share)| matches!(share, Share::Event(_));
            let oldest = self.waiting.iter().position(is_event);
            let Some((_, share)) = oldest
                .filter(|_| room.drops_oldest)
                .and_then(|oldest| self.waiting.remove(oldest))
            else {
                return false;
            };
            let (used, bytes) = self.used(share);
            used.deliveries -= 1;
            used.bytes -= bytes;
            self.lost_events += 1;
        }
        true
    }

    fn take(&mut self) -> VecDeque<(D, Share)> {
        (self.deliveries, self.calls, self.events) = (Used::default(), Used::default(), Used::default());
        std::mem::take(&mut self.waiting)
    }

    fn push(&mut self, delivery: D, share: Share) {
        let (used, bytes) = self.used(share);
        used.deliveries += 1;
        used.bytes += bytes;
        self.waiting.push_back((delivery, share));
    }
}

/// What became of something that wanted to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It waits.
    Waits,
    /// There is no room for it.
    Full,
    /// The hold is over: the routing table leads elsewhere.
    Over,
}

impl<D> Hold<D> {
    /// Nothing waits yet. There is as much room for events as for all else, and the newest ones are lost.
    #[must_use]
    pub fn new(room: HoldRoom) -> Self {
        let events = EventRoom {
            bytes: room.bytes,
            drops_oldest: false,
        };
        Self::with_events(room, events)
    }

    /// The same with this room for events.
    #[must_use]
    pub fn with_events(room: HoldRoom, event_room: EventRoom) -> Self {
        Self {
            room,
            event_room,
            number: AtomicUsize::new(usize::MAX),
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                deliveries: Used::default(),
                calls: Used::default(),
                events: Used::default(),
                turned_away: 0,
                lost_events: 0,
                is_over: false,
            }),
        }
    }

    /// Says that it is the so manieth, once the gate is closed for which it stands.
    pub(super) fn begins(&self, number: usize) {
        self.number.store(number, Ordering::Release);
    }

    /// Whether the work of this root began before the hold did.
    #[must_use]
    pub fn is_younger_than(&self, root: Root) -> bool {
        root.0 < self.number.load(Ordering::Acquire)
    }

    /// Puts what `make` makes at the end, if it can wait; it is made only then.
    pub(super) fn put(&self, share: Share, make: impl FnOnce() -> D) -> Put {
        let mut queue = self.queue();
        if queue.is_over {
            return Put::Over;
        }
        let share_of_all = match share {
            Share::Event(bytes) => {
                if !queue.make_room(bytes, self.event_room) {
                    queue.lost_events += 1;
                    return Put::Full;
                }
                None
            }
            Share::Delivery(_) => Some(1),
            Share::Call(_) => Some(4),
        };
        let (used, bytes) = queue.used(share);
        if let Some(part) = share_of_all
            && (used.deliveries >= self.room.deliveries / part
                || used.bytes.saturating_add(bytes) > self.room.bytes / part)
        {
            queue.turned_away += 1;
            return Put::Full;
        }
        // Made under the lock: what is opened for a delivery is opened only if it waits, and in the order of waiting.
        let delivery = make();
        queue.push(delivery, share);
        Put::Waits
    }

    /// Takes all that waits now.
    pub(super) fn take(&self) -> VecDeque<(D, Share)> {
        self.queue().take()
    }

    /// Begins its end: what still waits is delivered, and another table put in force, before the answer is dropped.
    pub(super) fn close(&self) -> Closing<'_, D> {
        Closing(self.queue())
    }

    /// Takes out those of which `is_chosen` says so; the others keep their order.
    pub fn take_out(&self, mut is_chosen: impl FnMut(&D) -> bool) -> Vec<D> {
        let mut queue = self.queue();
        let mut taken = Vec::new();
        for (delivery, share) in queue.take() {
            if is_chosen(&delivery) {
                taken.push(delivery);
            } else {
                queue.push(delivery, share);
            }
        }
        taken
    }

    /// How many events found no room, or made it for others.
    #[must_use]
    pub fn lost_events(&self) -> usize {
        self.queue().lost_events
    }

    /// How many others found no room.
    #[must_use]
    pub fn turned_away(&self) -> usize {
        self.queue().turned_away
    }

    fn queue(&self) -> MutexGuard<'_, Queue<D>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
