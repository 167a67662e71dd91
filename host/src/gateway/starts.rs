//! How many sessions may be started, how fast, and in how many shards: what Discord says before a bot connects.
//!
//! The answer is read here and kept to here; who asks for it is the bot. Resuming costs nothing and is not counted.
//! <https://discord.com/developers/docs/events/gateway#session-start-limit>

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::{sync::oneshot, time::Instant};
use twilight_gateway::queue::{InMemoryQueue, Queue};

/// How long the starts that Discord counts take to come back.
const PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

/// Discord's answer to `GET /gateway/bot`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Recommended {
    /// How many shards Discord recommends.
    pub shards: u32,
    /// How many sessions may be started.
    #[serde(rename = "session_start_limit")]
    pub starts: Starts,
}

/// How many sessions may be started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Starts {
    /// How many in a day.
    pub total: u32,
    /// How many of them are left.
    pub remaining: u32,
    /// After how many milliseconds there are `total` again.
    #[serde(rename = "reset_after")]
    pub reset_after_milliseconds: u64,
    /// How many in 5 s; a shard counts in the group of its number modulo this.
    pub max_concurrency: u16,
}

impl Default for Starts {
    /// What Discord allows small bots.
    fn default() -> Self {
        Self {
            total: 1000,
            remaining: 1000,
            reset_after_milliseconds: 0,
            max_concurrency: 1,
        }
    }
}

impl Starts {
    /// How long it takes until there are `total` again.
    #[must_use]
    pub const fn reset_after(&self) -> Duration {
        Duration::from_millis(self.reset_after_milliseconds)
    }
}

/// Lets shards identify at the pace that Discord allows, and says when none is left. Clones are the same.
#[derive(Clone, Debug)]
pub struct IdentifyQueue {
    pace: InMemoryQueue,
    /// A lock of std: held for a few steps, never across an await.
    left: Arc<Mutex<Left>>,
}

#[derive(Debug)]
struct Left {
    total: u32,
    remaining: u32,
    reset_at: Instant,
}

impl IdentifyQueue {
    /// A queue for what Discord said. To be made inside a tokio runtime.
    #[must_use]
    pub fn new(starts: &Starts) -> Self {
        let total = starts.total.max(starts.remaining);
        let concurrency = starts.max_concurrency.max(1);
        Self {
            pace: InMemoryQueue::new(concurrency, starts.remaining, starts.reset_after(), total),
            left: Arc::new(Mutex::new(Left {
                total,
                remaining: starts.remaining,
                reset_at: Instant::now() + starts.reset_after(),
            })),
        }
    }

    /// Takes what Discord says now. The pace goes on, so that no two shards identify too shortly after one another.
    pub fn update(&self, starts: &Starts) {
        let total = starts.total.max(starts.remaining);
        self.pace.update(
            starts.max_concurrency.max(1),
            starts.remaining,
            starts.reset_after(),
            total,
        );
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Left {
            total,
            remaining: starts.remaining,
            reset_at: Instant::now() + starts.reset_after(),
        };
    }

    /// Counts a start; answers with how long it has to wait if none is left.
    fn count(&self, now: Instant) -> Option<Duration> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.remaining < left.total && left.reset_at <= now {
            left.remaining = left.total;
        }
        if left.remaining == left.total {
            left.reset_at = now + PERIOD;
        }
        match left.remaining.checked_sub(1) {
            Some(fewer) => {
                left.remaining = fewer;
                None
            }
            None => Some(left.reset_at - now),
        }
    }
}

impl Queue for IdentifyQueue {
    fn enqueue(&self, shard: u32) -> oneshot::Receiver<()> {
        if let Some(wait) = self.count(Instant::now()) {
            tracing::error!(
                shard,
                seconds = wait.as_secs(),
                "Discord allows no further session for now: this shard goes on by itself once it does"
            );
        }
        self.pace.enqueue(shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_read() {
        let text = r#"{"url":"wss://gateway.discord.gg","shards":9,"session_start_limit":
            {"total":1000,"remaining":999,"reset_after":14400000,"max_concurrency":2}}"#;
        let read: Recommended = serde_json::from_str(text).unwrap();
        assert_eq!((read.shards, read.starts.remaining), (9, 999));
        assert_eq!(read.starts.reset_after(), Duration::from_secs(14_400));
    }

    #[tokio::test(start_paused = true)]
    async fn starts_are_counted_until_they_come_back() {
        let queue = IdentifyQueue::new(&Starts {
            total: 3,
            remaining: 2,
            reset_after_milliseconds: 60_000,
            max_concurrency: 1,
        });
        let begin = Instant::now();
        assert_eq!(queue.count(begin), None);
        assert_eq!(queue.count(begin), None);
        assert_eq!(queue.count(begin), Some(Duration::from_secs(60)));
        let later = begin + Duration::from_secs(60);
        for _ in 0..3 {
            assert_eq!(queue.count(later), None);
        }
        assert_eq!(queue.count(later), Some(PERIOD));
    }

    #[tokio::test(start_paused = true)]
    async fn shards_of_one_group_identify_five_seconds_apart() {
        let queue = IdentifyQueue::new(&Starts {
            max_concurrency: 2,
            ..Starts::default()
        });
        let begin = Instant::now();
        let both = [queue.enqueue(0), queue.enqueue(1)];
        let third = queue.enqueue(2);
        for permit in both {
            permit.await.unwrap();
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
        third.await.unwrap();
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
    }
}
