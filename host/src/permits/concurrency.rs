//! How many of one command run at the same time, for each one who is counted.
//!
//! A place is given back when its [`Slot`] ends, at the latest when it is dropped: no end of a command forgets it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::Key;

/// What runs. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Concurrency(Arc<Mutex<Running>>);

/// How many of a command run, by what is counted.
type Running = HashMap<(Box<str>, Key), u32>;

/// A place that is taken.
#[derive(Debug)]
pub struct Slot {
    all: Concurrency,
    place: (Box<str>, Key),
    has_ended: AtomicBool,
}

impl Concurrency {
    /// Takes a place; `None` if there are `most` already.
    #[must_use]
    pub fn enter(&self, command: &str, most: u32, key: Key) -> Option<Slot> {
        let place = (Box::from(command), key);
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(place.clone()).or_default();
        if *count >= most.max(1) {
            return None;
        }
        *count += 1;
        Some(Slot {
            all: self.clone(),
            place,
            has_ended: AtomicBool::new(false),
        })
    }

    /// How many run.
    #[must_use]
    pub fn running(&self, command: &str, key: Key) -> u32 {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&(Box::from(command), key)).copied().unwrap_or_default()
    }
}

impl Slot {
    /// Gives the place back, once.
    pub fn end(&self) {
        if self.has_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut running = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.place) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                running.remove(&self.place);
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn places_are_given_back_once() {
        let (all, key) = (Concurrency::default(), Key(0, 1));
        let first = all.enter("wait", 2, key).unwrap();
        let second = all.enter("wait", 2, key).unwrap();
        assert!(all.enter("wait", 2, key).is_none());
        assert!(all.enter("wait", 2, Key(0, 2)).is_some());
        first.end();
        first.end();
        drop(first);
        assert_eq!(all.running("wait", key), 1);
        drop(second);
        assert_eq!(all.running("wait", key), 0);
        assert!(all.0.lock().unwrap().is_empty());
    }
}
