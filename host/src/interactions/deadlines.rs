//! A queue of deadlines: one task waits for the next of all of them.
//!
//! Most are taken back before they are due, so a deadline is an entry in a tree and not a timer of the runtime.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// Deadlines with the number of what they are about.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    queue: Mutex<BTreeSet<(Instant, u64)>>,
    /// Told when the first deadline has become an earlier one.
    earlier: Notify,
}

impl Deadlines {
    pub(super) fn insert(&self, at: Instant, id: u64) {
        let mut queue = self.queue();
        let is_first = queue.first().is_none_or(|&(first, _)| at < first);
        queue.insert((at, id));
        drop(queue);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// The same number at another time only; linear in the number of deadlines that wait.
    pub(super) fn move_to(&self, at: Instant, id: u64) {
        self.queue().retain(|&(_, other)| other != id);
        self.insert(at, id);
    }

    pub(super) fn remove(&self, at: Instant, id: u64) {
        self.queue().remove(&(at, id));
    }

    /// Waits for the next deadline and takes it. For one caller at a time; dropping the future loses none.
    pub(super) async fn next(&self) -> u64 {
        loop {
            let first = self.queue().first().copied();
            match first {
                None => self.earlier.notified().await,
                Some((at, id)) if at <= Instant::now() => {
                    if self.queue().remove(&(at, id)) {
                        return id;
                    }
                }
                Some((at, _)) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = self.earlier.notified() => {}
                },
            }
        }
    }

    /// A plain lock: held for a look or an insertion, never across an await.
    fn queue(&self) -> MutexGuard<'_, BTreeSet<(Instant, u64)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn deadlines_come_in_order_and_can_be_taken_back() {
        let deadlines = Deadlines::default();
        let now = Instant::now();
        for (seconds, id) in [(3, 3), (1, 1), (2, 2), (2, 4)] {
            deadlines.insert(now + Duration::from_secs(seconds), id);
        }
        deadlines.remove(now + Duration::from_secs(2), 2);
        let mut came = Vec::new();
        for _ in 0..3 {
            came.push((deadlines.next().await, now.elapsed().as_secs()));
        }
        assert_eq!(came, [(1, 1), (4, 2), (3, 3)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_one_wakes_who_waits() {
        let deadlines = Deadlines::default();
        let now = Instant::now();
        deadlines.insert(now + Duration::from_secs(60), 1);
        let (id, ()) = tokio::join!(deadlines.next(), async {
            tokio::task::yield_now().await;
            deadlines.insert(now + Duration::from_secs(1), 2);
        });
        assert_eq!((id, now.elapsed().as_secs()), (2, 1));
    }
}
