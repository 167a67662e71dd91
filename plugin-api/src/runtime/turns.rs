//! Whose turn it is at a handler that takes events one at a time: those of one message, person, channel or server follow
//! each other, others go on beside them.
//!
//! A place in the queue is taken when a handler is first polled, which is in the order in which events came.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
};

use tokio::sync::{Mutex, OwnedMutexGuard};

/// A handler, and what its events have in common.
type Key = (&'static str, u64);

/// The turns of all handlers of a lane. Those that nobody has or waits for are not kept.
#[derive(Default)]
pub(crate) struct EventTurns(Rc<RefCell<HashMap<Key, Arc<Mutex<()>>>>>);

/// One that has to wait for its turn.
pub(crate) struct Place {
    turns: Rc<RefCell<HashMap<Key, Arc<Mutex<()>>>>>,
    key: Key,
    turn: Arc<Mutex<()>>,
}

/// One whose turn it is, until this is dropped.
pub(crate) struct Turn {
    // Given back first, so that the place knows whether anybody is left.
    _turn: OwnedMutexGuard<()>,
    _place: Place,
}

/// How many handlers of one event wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Awaited(Cell<usize>);

impl Awaited {
    /// Counts one as long as this waits.
    pub(crate) async fn during<T>(&self, waiting: impl Future<Output = T>) -> T {
        self.0.set(self.0.get() + 1);
        let _counted = Counted(self);
        waiting.await
    }

    /// Whether of so many handlers all wait for their turn.
    pub(crate) fn all_wait(&self, handlers: usize) -> bool {
        handlers > 0 && self.0.get() >= handlers
    }
}

struct Counted<'a>(&'a Awaited);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() - 1);
    }
}

impl EventTurns {
    /// A place among those of one key.
    pub(crate) fn take(&self, handler: &'static str, of: u64) -> Place {
        let key = (handler, of);
        let turn = Arc::clone(self.0.borrow_mut().entry(key).or_default());
        Place {
            turns: Rc::clone(&self.0),
            key,
            turn,
        }
    }
}

impl Place {
    /// Waits until all that came before have ended.
    pub(crate) async fn come(self) -> Turn {
        Turn {
            _turn: Arc::clone(&self.turn).lock_owned().await,
            _place: self,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The map's and this one.
        if Arc::strong_count(&self.turn) == 2 {
            self.turns.borrow_mut().remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    #[test]
    fn those_of_one_key_follow_each_other_and_none_is_kept() {
        let turns = EventTurns::default();
        let mut cx = Context::from_waker(Waker::noop());
        let mut first = pin!(turns.take("a", 1).come());
        let mut second = pin!(turns.take("a", 1).come());
        let (mut third, mut other) = (pin!(turns.take("a", 1).come()), pin!(turns.take("b", 1).come()));
        let mut now = |place: std::pin::Pin<&mut dyn Future<Output = Turn>>| match place.poll(&mut cx) {
            std::task::Poll::Ready(turn) => Some(turn),
            std::task::Poll::Pending => None,
        };
        let one = now(first.as_mut());
        assert!(one.is_some());
        assert!(now(second.as_mut()).is_none() && now(third.as_mut()).is_none());
        assert!(now(other.as_mut()).is_some(), "another handler's");
        drop(one);
        assert!(now(third.as_mut()).is_none(), "not out of turn");
        let two = now(second.as_mut());
        assert!(two.is_some());
        drop(two);
        assert!(now(third.as_mut()).is_some());
        assert!(turns.0.borrow().is_empty());
    }
}
