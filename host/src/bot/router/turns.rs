//! Turns: the commands that are written in one server take theirs in the order in which they were written, also while
//! something has to be asked of Discord first.
//!
//! A turn ends where a command is delivered, or has to wait for something of its own: who names somebody whom only Discord
//! knows does not hold up the rest.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use plugin_protocol::GuildId;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Whose turn it is in each server. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// Only servers in which somebody has or waits for a turn. A lock of std: held for a look-up only.
    queues: Arc<Mutex<HashMap<GuildId, Arc<AsyncMutex<()>>>>>,
}

/// Somebody's turn, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
    guild: GuildId,
    /// Taken when it is dropped, so that it is free before it is looked whether anybody waits.
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for its turn: whoever polls this first has it first. None is needed in direct messages.
    pub async fn take(&self, guild: Option<GuildId>) -> Option<Turn> {
        let guild = guild?;
        let queue = Arc::clone(self.queues().entry(guild).or_default());
        Some(Turn {
            turns: self.clone(),
            guild,
            // Fair: in the order of asking.
            held: Some(queue.lock_owned().await),
        })
    }

    fn queues(&self) -> std::sync::MutexGuard<'_, HashMap<GuildId, Arc<AsyncMutex<()>>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.held.take());
        let mut queues = self.turns.queues();
        // Whoever waits holds the queue, too.
        if queues
            .get(&self.guild)
            .is_some_and(|queue| Arc::strong_count(queue) == 1)
        {
            queues.remove(&self.guild);
        }
    }
}

/// Goes on with this in somebody's turn, which ends if it has to wait.
pub async fn within<T>(turn: &mut Option<Turn>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        Poll::Ready(done) => done,
        Poll::Pending => {
            *turn = None;
            work.await
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures_util::{FutureExt, poll};
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn turns_are_taken_in_order_and_none_is_kept() {
        let turns = Turns::default();
        let (here, there) = (GuildId::new(1), GuildId::new(2));
        let first = turns.take(here).await;
        let mut second = pin!(turns.take(here));
        let mut third = pin!(turns.take(here));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        assert!(turns.take(there).now_or_never().unwrap().is_some(), "another server");
        assert!(turns.take(None).now_or_never().unwrap().is_none());
        drop(first);
        assert!(poll!(&mut third).is_pending(), "the second is first");
        let mut second = second.await;
        // It waits for something of its own.
        let (answer, asked) = oneshot::channel();
        let mut waiting = pin!(within(&mut second, asked));
        assert!(poll!(&mut waiting).is_pending());
        let third = third.await;
        answer.send(5).unwrap();
        assert_eq!(waiting.await, Ok(5));
        drop(third);
        assert!(turns.queues().is_empty());
    }
}
