//! Swap, fence and ticket: how invocations find the live generation, and how an older one is emptied.
//!
//! Who delivers reads the routing table, then takes a [`Ticket`] at the gate of the generation found. A gate is closed only
//! after a table without it was published, so a refused ticket means that reading again finds the successor. Where the
//! older generation must end first, that is a [`Hold`], released into the next table: what waited is delivered before it
//! is in force. None is lost, none is delivered twice, nobody waits for readers. Nothing else may close a gate, end a hold
//! or publish a table than what is in this file.

use std::sync::{Arc, atomic::Ordering};

use super::{
    atomics::{ArcSwap, AtomicUsize, Notify},
    hold::{Closing, Hold, Put, Share},
};

const CLOSED: usize = 1 << (usize::BITS - 1);

/// How often a hold is emptied without a lock before the rest is delivered under it: each time is as short as what has
/// come in during the one before.
const ROUNDS: usize = 4;

/// Counts what is under way at one generation, and can be closed.
#[derive(Debug, Default)]
pub struct Gate {
    /// The number of tickets; the highest bit says closed.
    state: AtomicUsize,
    emptied: Notify,
}

/// When the work began from which a delivery follows: how many holds there had been by then.
///
/// It is what keeps a drain from waiting for itself. Were there a circle of holds, each waiting for work in its older
/// generation that waits in the next hold, then each such work would be older than the hold of its own generation (or it
/// would not have entered), and younger than the next hold (or it would have entered there): no number can be that all
/// the way round. Holds that begin together have one number, and their older generations are emptied
/// [together](Gate::of_all), so that they count as one here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root(pub(super) usize);

/// The right to deliver one invocation to a generation; it is under way until this is dropped.
#[derive(Debug)]
pub struct Ticket {
    gate: Arc<Gate>,
    root: Root,
}

impl Ticket {
    /// When the work began that this is a part of.
    #[must_use]
    pub fn root(&self) -> Root {
        self.root
    }
}

impl Gate {
    /// A ticket, unless the gate is closed; for what has waited, and is older than every hold that is still to come.
    pub fn enter(self: &Arc<Self>) -> Option<Ticket> {
        self.enter_of(Root::default())
    }

    fn enter_of(self: &Arc<Self>, root: Root) -> Option<Ticket> {
        self.enter_while(root, |state| state & CLOSED == 0)
    }

    /// A ticket of a gate that may be closed, as long as it is not empty: once it is, it stays so.
    fn enter_late(self: &Arc<Self>, root: Root) -> Option<Ticket> {
        self.enter_while(root, |state| state != CLOSED)
    }

    fn enter_while(self: &Arc<Self>, root: Root, is_open: impl Fn(usize) -> bool) -> Option<Ticket> {
        let one_more = |state| is_open(state).then_some(state + 1);
        self.state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more)
            .ok()
            .map(|_| Ticket {
                gate: Arc::clone(self),
                root,
            })
    }

    /// A closed gate for what comes late to so many generations that end together, and a ticket for each of them. It is
    /// empty once all of these are dropped, each when its generation's own gate is empty, and those of what came late: until
    /// then work in one of them finds every other one of them, empty or not.
    #[must_use]
    pub fn of_all(generations: usize) -> (Arc<Self>, Vec<Ticket>) {
        let gate = Arc::new(Self::default());
        let tickets = (0..generations).filter_map(|_| gate.enter()).collect();
        gate.close();
        (gate, tickets)
    }

    /// How many tickets are out.
    pub fn tickets(&self) -> usize {
        self.state.load(Ordering::Relaxed) & !CLOSED
    }

    fn close(&self) {
        if self.state.fetch_or(CLOSED, Ordering::AcqRel) == 0 {
            self.emptied.notify_waiters();
        }
    }

    /// Waits until the gate is closed and the last ticket has been dropped.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // Registers before the look at the state, so that a notice in between is not missed.
            emptied.as_mut().enable();
            if self.state.load(Ordering::Acquire) == CLOSED {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.gate.state.fetch_sub(1, Ordering::AcqRel) == CLOSED + 1 {
            self.gate.emptied.notify_waiters();
        }
    }
}

/// Where a delivery goes, as a table has it.
#[derive(Debug)]
pub enum Way<R, D> {
    /// To what serves, through its gate.
    Serves(R, Arc<Gate>),
    /// Nothing serves at the moment: it waits.
    Held(Arc<Hold<D>>),
    /// The same for what is [older](Hold::is_younger_than) than the hold: it enters what served before, unless that is
    /// empty.
    Drains(R, Arc<Gate>, Arc<Hold<D>>),
}

impl<R, D> Way<R, D> {
    /// The way to what serves, or to the hold that stands in its place; for what follows from work that began before the
    /// hold, to what served before, as long as that is not empty: by its gate for what comes late.
    pub fn of(found: R, (gate, late): (&Arc<Gate>, &Arc<Gate>), hold: Option<&Arc<Hold<D>>>, root: Root) -> Self {
        match hold.map(Arc::clone) {
            None => Self::Serves(found, Arc::clone(gate)),
            Some(hold) if hold.is_younger_than(root) => Self::Drains(found, Arc::clone(late), hold),
            Some(hold) => Self::Held(hold),
        }
    }
}

/// What became of a delivery that went the way of the table in force.
#[derive(Debug)]
pub enum Entered<R> {
    /// It can be delivered now.
    Now(R, Ticket),
    /// It waits.
    Waits,
    /// It could only wait, and there is no room.
    Full,
}

/// The routing table that is in force.
#[derive(Debug)]
pub struct Routing<T> {
    table: ArcSwap<T>,
    /// How many holds have begun.
    holds: AtomicUsize,
}

impl<T> Routing<T> {
    /// Begins with a table.
    pub fn new(table: T) -> Self {
        Self {
            table: ArcSwap::from_pointee(table),
            holds: AtomicUsize::new(0),
        }
    }

    /// The table in force. Not to be kept: it holds generations.
    pub fn read(&self) -> Arc<T> {
        self.table.load_full()
    }

    /// The root of work that begins now. Read before a gate is entered: whoever has entered one is older than the hold for
    /// which it is closed.
    pub fn root(&self) -> Root {
        Root(self.holds.load(Ordering::Acquire))
    }

    /// Finds where a delivery goes in the table in force. To what serves it enters the gate; in a hold it waits, as what
    /// `make` makes of it, which counts as so many `bytes`. `None` if nothing is found.
    pub fn enter<R, D>(
        &self,
        find: impl Fn(&T) -> Option<Way<R, D>>,
        bytes: usize,
        make: impl FnMut() -> D,
    ) -> Option<Entered<R>> {
        self.enter_of(self.root(), find, Share::Delivery(bytes), make)
    }

    /// The same for what follows from work that began before: `find` looks at its root, too. In a hold it takes of this
    /// share.
    pub fn enter_of<R, D>(
        &self,
        root: Root,
        find: impl Fn(&T) -> Option<Way<R, D>>,
        share: Share,
        mut make: impl FnMut() -> D,
    ) -> Option<Entered<R>> {
        loop {
            let hold = match find(&self.table.load())? {
                Way::Serves(found, gate) => match gate.enter_of(root) {
                    Some(ticket) => return Some(Entered::Now(found, ticket)),
                    None => continue,
                },
                Way::Drains(found, gate, hold) => match gate.enter_late(root) {
                    Some(ticket) => return Some(Entered::Now(found, ticket)),
                    None => hold,
                },
                Way::Held(hold) => hold,
            };
            match hold.put(share, &mut make) {
                Put::Waits => return Some(Entered::Waits),
                Put::Full => return Some(Entered::Full),
                Put::Over => {}
            }
            // Closed, or over: a table without it has been published before, so the next read finds its successor or nothing.
        }
    }

    /// Puts a table in force and closes the gates of what it no longer holds.
    pub fn publish<'g>(&self, table: T, gone: impl IntoIterator<Item = &'g Arc<Gate>>) {
        self.table.store(Arc::new(table));
        for gate in gone {
            gate.close();
        }
    }

    /// Puts a table in force in which `hold` stands in the place of what is behind `gate`, which is closed.
    pub fn publish_hold<D>(&self, table: T, gate: &Arc<Gate>, hold: &Hold<D>) {
        self.publish_holds(table, &[(gate, hold)]);
    }

    /// The same for several that begin together: for what follows from any work, all of them are younger or none is.
    pub fn publish_holds<D>(&self, table: T, held: &[(&Arc<Gate>, &Hold<D>)]) {
        self.publish(table, held.iter().map(|(gate, _)| *gate));
        // Only now: whoever reads this number as its root finds the gates closed, and the holds begun. Only the life of
        // plugins adds to it.
        let number = self.holds.load(Ordering::Acquire) + 1;
        for (_, hold) in held {
            hold.begins(number);
        }
        self.holds.store(number, Ordering::Release);
    }

    /// Ends a hold: everything that waits is handed to `deliver`, in order, and then the table, which holds its successor
    /// or nothing, is put in force. What finds that table comes after all that waited.
    pub fn release<D>(&self, hold: &Hold<D>, table: T, mut deliver: impl FnMut(D)) {
        self.release_all(&[hold], table, |_, delivery| deliver(delivery), []);
    }

    /// Ends several holds at once, by one table, and closes the gates of what it no longer holds. `deliver` is told of which
    /// hold a delivery is.
    pub fn release_all<'g, D>(
        &self,
        holds: &[&Hold<D>],
        table: T,
        mut deliver: impl FnMut(usize, D),
        gone: impl IntoIterator<Item = &'g Arc<Gate>>,
    ) {
        let mut release = Release {
            routing: self,
            holds,
            closing: Vec::new(),
            table: Some(Arc::new(table)),
        };
        for _ in 0..ROUNDS {
            let mut is_empty = true;
            for (number, hold) in holds.iter().enumerate() {
                let waiting = hold.take();
                is_empty &= waiting.is_empty();
                for (delivery, _) in waiting {
                    deliver(number, delivery);
                }
            }
            if is_empty {
                break;
            }
        }
        // Nobody else holds two of these locks.
        release.closing = holds.iter().map(|hold| hold.close()).collect();
        for number in 0..holds.len() {
            for (delivery, _) in release.closing[number].take() {
                deliver(number, delivery);
            }
        }
        drop(release);
        for gate in gone {
            gate.close();
        }
    }
}

/// Holds that are being released: over when this is dropped, so that a panic in a delivery leaves no table that leads to one.
struct Release<'r, T, D> {
    routing: &'r Routing<T>,
    holds: &'r [&'r Hold<D>],
    /// Nobody can add to them from the last delivery until the table is in force. Dropped after that.
    closing: Vec<Closing<'r, D>>,
    table: Option<Arc<T>>,
}

impl<T, D> Drop for Release<'_, T, D> {
    fn drop(&mut self) {
        if self.closing.is_empty() {
            self.closing = self.holds.iter().map(|hold| hold.close()).collect();
        }
        if let Some(table) = self.table.take() {
            self.routing.table.store(table);
        }
    }
}
