//! What waits for a database's threads: handed over many at a time, so that a busy thread is woken by nobody.
//!
//! Threads block here, tasks never do: they only push, under a lock that is held for a few instructions.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::StorageError;

/// A queue between tasks and threads.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    more: Condvar,
    most: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// How many threads wait for something.
    idle: usize,
    /// How many of them were woken and have not looked yet.
    woken: usize,
    closed: bool,
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl<T> Queue<T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                idle: 0,
                woken: 0,
                closed: false,
            }),
            more: Condvar::new(),
            most,
        }
    }

    /// Hands something over.
    pub(super) fn push(&self, item: T) -> Result<(), StorageError> {
        let mut state = self.lock();
        if state.closed {
            return Err(StorageError::Closed);
        }
        if state.items.len() >= self.most {
            return Err(StorageError::Busy);
        }
        state.items.push_back(item);
        if state.idle > state.woken {
            state.woken += 1;
            self.more.notify_one();
        }
        Ok(())
    }

    /// Waits for something and takes it with what waits behind it, at most `most` and at most a fair part of what
    /// `threads` threads share. `None` once it is closed and empty.
    pub(super) fn take(&self, most: usize, threads: usize, taken: &mut Vec<T>) -> Option<()> {
        let mut state = self.lock();
        while state.items.is_empty() {
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
            state.woken = state.woken.saturating_sub(1);
        }
        let part = state.items.len().div_ceil(threads.max(1)).min(most);
        taken.extend(state.items.drain(..part));
        Some(())
    }

    /// Puts back what was taken and not done, in front.
    pub(super) fn put_back(&self, items: impl DoubleEndedIterator<Item = T>) {
        let mut state = self.lock();
        for item in items.rev() {
            state.items.push_front(item);
        }
    }

    /// Whether a thread waits that nobody has woken yet, or there is nothing for it to do.
    pub(super) fn has_idle(&self) -> bool {
        let state = self.lock();
        state.items.is_empty() || state.woken > 0 || state.idle > 0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes all that waits.
    pub(super) fn drain(&self) -> Vec<T> {
        self.lock().items.drain(..).collect()
    }

    /// Nothing more comes in; what is there is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
