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
    hold::{Hold, Put},
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

/// The right to deliver one invocation to a generation; it is under way until this is dropped.
#[derive(Debug)]
pub struct Ticket(Arc<Gate>);

impl Gate {
    /// A ticket, unless the gate is closed.
    pub fn enter(self: &Arc<Self>) -> Option<Ticket> {
        self.state
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
                (state & CLOSED == 0).then_some(state + 1)
            })
            .ok()
            .map(|_| Ticket(Arc::clone(self)))
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
        if self.0.state.fetch_sub(1, Ordering::AcqRel) == CLOSED + 1 {
            self.0.emptied.notify_waiters();
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
pub struct Routing<T>(ArcSwap<T>);

impl<T> Routing<T> {
    /// Begins with a table.
    pub fn new(table: T) -> Self {
        Self(ArcSwap::from_pointee(table))
    }

    /// The table in force. Not to be kept: it holds generations.
    pub fn read(&self) -> Arc<T> {
        self.0.load_full()
    }

    /// Finds where a delivery goes in the table in force. To what serves it enters the gate; in a hold it waits, as what
    /// `make` makes of it, which counts as so many `bytes`. `None` if nothing is found.
    pub fn enter<R, D>(
        &self,
        find: impl Fn(&T) -> Option<Way<R, D>>,
        bytes: usize,
        mut make: impl FnMut() -> D,
    ) -> Option<Entered<R>> {
        loop {
            match find(&self.0.load())? {
                Way::Serves(found, gate) => {
                    if let Some(ticket) = gate.enter() {
                        return Some(Entered::Now(found, ticket));
                    }
                }
                Way::Held(hold) => match hold.put(bytes, &mut make) {
                    Put::Waits => return Some(Entered::Waits),
                    Put::Full => return Some(Entered::Full),
                    Put::Over => {}
                },
            }
            // Closed, or over: a table without it has been published before, so the next read finds its successor or nothing.
        }
    }

    /// Puts a table in force and closes the gates of what it no longer holds.
    pub fn publish<'g>(&self, table: T, gone: impl IntoIterator<Item = &'g Arc<Gate>>) {
        self.0.store(Arc::new(table));
        for gate in gone {
            gate.close();
        }
    }

    /// Ends a hold: everything that waits is handed to `deliver`, in order, and then the table, which holds its successor
    /// or nothing, is put in force. What finds that table comes after all that waited.
    pub fn release<D>(&self, hold: &Hold<D>, table: T, mut deliver: impl FnMut(D)) {
        let mut release = Release {
            routing: self,
            hold,
            table: Some(Arc::new(table)),
        };
        for _ in 0..ROUNDS {
            let waiting = hold.take();
            if waiting.is_empty() {
                break;
            }
            waiting.into_iter().map(|(delivery, _)| delivery).for_each(&mut deliver);
        }
        release.end(deliver);
    }
}

/// A hold that is being released: over when this is dropped, so that a panic in a delivery leaves no table that leads to it.
struct Release<'r, T, D> {
    routing: &'r Routing<T>,
    hold: &'r Hold<D>,
    table: Option<Arc<T>>,
}

impl<T, D> Release<'_, T, D> {
    fn end(&mut self, deliver: impl FnMut(D)) {
        if let Some(table) = self.table.take() {
            self.hold.end(deliver, || self.routing.0.store(table));
        }
    }
}

impl<T, D> Drop for Release<'_, T, D> {
    fn drop(&mut self) {
        self.end(drop);
    }
}
