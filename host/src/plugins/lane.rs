//! Swap, fence and ticket: how invocations find the live generation, and how an older one is emptied.
//!
//! The routing table is replaced in one step. Who wants to deliver reads it, then takes a [`Ticket`] at the gate of the
//! generation found; a gate is closed only after a table without its generation has been published, so a refused ticket
//! means that reading again finds the successor. A closed gate takes no further ticket, and the generation is empty when
//! the last one is dropped: none is lost, none is delivered twice, and nobody waits for readers.
//!
//! Nothing else may close a gate or publish a table than what is in this file.

use std::sync::{Arc, atomic::Ordering};

use super::atomics::{ArcSwap, AtomicUsize, Notify};

const CLOSED: usize = 1 << (usize::BITS - 1);

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

    /// Finds something in the table in force and enters its gate; `None` if nothing is found.
    pub fn enter<R>(&self, find: impl Fn(&T) -> Option<(R, Arc<Gate>)>) -> Option<(R, Ticket)> {
        loop {
            let (found, gate) = find(&self.0.load())?;
            if let Some(ticket) = gate.enter() {
                return Some((found, ticket));
            }
            // Closed: the table without it has been published before, so the next read finds its successor or nothing.
        }
    }

    /// Puts a table in force and closes the gates of what it no longer holds.
    pub fn publish<'g>(&self, table: T, gone: impl IntoIterator<Item = &'g Arc<Gate>>) {
        self.0.store(Arc::new(table));
        for gate in gone {
            gate.close();
        }
    }
}
