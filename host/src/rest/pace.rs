//! When plugins' requests go: a share of what the bot may ask for in a second is left for answers to people and for the
//! host, and plugins take turns, so that those who ask little are not held up by one that asks much.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{self, Instant};

/// As Discord counts.
const SECOND: Duration = Duration::from_secs(1);

/// The times of the last second's requests, and whose turn it is.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    /// An asynchronous lock, held while its holder waits: first come, first served.
    last: tokio::sync::Mutex<VecDeque<Instant>>,
    /// Of each plugin, only the request that holds its lock waits among all. The outer lock is of std: for a look-up.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Pace {
    /// Four fifths of the requests that the bot may make in a second.
    pub(super) fn new(requests_per_second: u16) -> Self {
        Self {
            most: (usize::from(requests_per_second) * 4 / 5).max(1),
            last: tokio::sync::Mutex::default(),
            turns: Mutex::default(),
        }
    }

    /// Waits until a request of this plugin may go.
    pub(super) async fn next(&self, plugin: &str) {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            match turns.get(plugin) {
                Some(turn) => Arc::clone(turn),
                None => Arc::clone(turns.entry(plugin.to_owned()).or_default()),
            }
        };
        let _turn = turn.lock().await;
        let mut last = self.last.lock().await;
        if last.len() >= self.most
            && let Some(oldest) = last.front().copied()
        {
            time::sleep_until(oldest + SECOND).await;
            last.pop_front();
        }
        last.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_share_of_each_second_is_left_and_plugins_take_turns() {
        let pace = Arc::new(Pace::new(50));
        let began = Instant::now();
        let (sender, mut gone) = tokio::sync::mpsc::unbounded_channel();
        let ask = |plugin: &'static str| {
            let (pace, sender) = (Arc::clone(&pace), sender.clone());
            tokio::spawn(async move {
                pace.next(plugin).await;
                let _ = sender.send((plugin, began.elapsed()));
            });
        };
        for _ in 0..60 {
            ask("flood");
        }
        tokio::task::yield_now().await;
        for _ in 0..3 {
            ask("other");
        }
        let mut order = Vec::new();
        while order.len() < 63 {
            order.push(gone.recv().await.unwrap());
        }
        let at_once = order.iter().filter(|(_, at)| at.is_zero()).count();
        assert_eq!((at_once, order[62].1.as_secs()), (40, 1), "{order:?}");
        // The three did not wait behind the twenty.
        let last = order.iter().rposition(|(plugin, _)| *plugin == "other").unwrap();
        assert!(last < 50, "{order:?}");
    }
}
