//! What plugins send on the gateway, on its way to the shards: within Discord's limit, and in turns.
//!
//! Discord ends a connection (4008) that sends more than 120 payloads a minute
//! (<https://discord.com/developers/docs/events/gateway#rate-limiting>), heartbeats, the session's beginning and the host's
//! own presence among them: 20 are left for those.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use plugin_protocol::PluginName;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// How many payloads of plugins a shard sends ...
const MOST: usize = 100;
/// ... in this time.
const WINDOW: Duration = Duration::from_secs(60);
/// How many of one plugin wait for one shard.
const ROOM: usize = 128;

/// What waits to be sent. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// A lock of std: held for a look or a change, never across an await.
    shards: Mutex<HashMap<u32, Queue>>,
    /// Told when something waits that did not before.
    more: Notify,
}

/// What waits for one shard.
#[derive(Debug, Default)]
struct Queue {
    /// By plugin, in the order of their turns.
    plugins: VecDeque<(PluginName, VecDeque<String>)>,
    /// When payloads were sent within the last minute.
    sent: VecDeque<Instant>,
}

/// Too many of that plugin wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Outbox {
    /// Sends a payload by a shard, as soon as it may be.
    ///
    /// # Errors
    ///
    /// 128 of that plugin wait for that shard already.
    pub fn send(&self, plugin: &PluginName, shard: u32, payload: String) -> Result<(), Full> {
        self.shards().entry(shard).or_default().put(plugin, payload)?;
        self.inner.more.notify_waiters();
        Ok(())
    }

    /// The next payload that a shard may send, which counts as sent. Cancel safe: nothing is lost if the future is dropped.
    pub async fn next(&self, shard: u32) -> String {
        loop {
            let more = self.inner.more.notified();
            tokio::pin!(more);
            // Registers before the look, so that what comes in between is not missed.
            more.as_mut().enable();
            let taken = self.shards().get_mut(&shard).map(|queue| queue.take(Instant::now()));
            match taken {
                Some(Taken::Payload(payload)) => return payload,
                Some(Taken::NotBefore(at)) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = more => {}
                },
                Some(Taken::Nothing) | None => more.await,
            }
        }
    }

    fn shards(&self) -> MutexGuard<'_, HashMap<u32, Queue>> {
        self.inner.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Taken {
    Payload(String),
    NotBefore(Instant),
    Nothing,
}

impl Queue {
    fn put(&mut self, plugin: &PluginName, payload: String) -> Result<(), Full> {
        match self.plugins.iter_mut().find(|(name, _)| name == plugin) {
            Some((_, waiting)) if waiting.len() >= ROOM => return Err(Full),
            Some((_, waiting)) => waiting.push_back(payload),
            None => self.plugins.push_back((plugin.clone(), VecDeque::from([payload]))),
        }
        Ok(())
    }

    fn take(&mut self, now: Instant) -> Taken {
        if self.plugins.is_empty() {
            return Taken::Nothing;
        }
        while self.sent.front().is_some_and(|&sent| now >= sent + WINDOW) {
            self.sent.pop_front();
        }
        if let Some(&oldest) = self.sent.front()
            && self.sent.len() >= MOST
        {
            return Taken::NotBefore(oldest + WINDOW);
        }
        let Some((plugin, mut waiting)) = self.plugins.pop_front() else {
            return Taken::Nothing;
        };
        let Some(payload) = waiting.pop_front() else {
            return Taken::Nothing;
        };
        if !waiting.is_empty() {
            self.plugins.push_back((plugin, waiting));
        }
        self.sent.push_back(now);
        Taken::Payload(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(name: &str) -> PluginName {
        name.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_hundred_a_minute_and_no_slower() {
        let outbox = Outbox::default();
        let begin = Instant::now();
        let mut sent = Vec::new();
        for number in 0..250 {
            while outbox.send(&plugin("a"), 0, number.to_string()).is_err() {
                sent.push((outbox.next(0).await, Instant::now()));
            }
        }
        while sent.len() < 250 {
            sent.push((outbox.next(0).await, Instant::now()));
        }
        let numbers: Vec<_> = sent.iter().map(|(number, _)| number.parse::<u32>().unwrap()).collect();
        assert!(numbers.is_sorted());
        for window in sent.windows(MOST + 1) {
            assert!(window[MOST].1 - window[0].1 >= WINDOW);
        }
        assert_eq!(begin.elapsed(), WINDOW * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn plugins_take_turns_and_shards_have_limits_of_their_own() {
        let outbox = Outbox::default();
        for number in 0..ROOM {
            outbox.send(&plugin("greedy"), 0, format!("greedy {number}")).unwrap();
        }
        assert_eq!(outbox.send(&plugin("greedy"), 0, String::new()), Err(Full));
        outbox.send(&plugin("modest"), 0, "modest".to_owned()).unwrap();
        outbox.send(&plugin("greedy"), 1, "elsewhere".to_owned()).unwrap();
        let first = [outbox.next(0).await, outbox.next(0).await, outbox.next(0).await];
        assert_eq!(first, ["greedy 0", "modest", "greedy 1"]);
        assert_eq!(outbox.next(1).await, "elsewhere");
    }

    #[tokio::test]
    async fn who_waits_hears_of_what_comes() {
        let outbox = Outbox::default();
        let (next, ()) = tokio::join!(outbox.next(0), async {
            tokio::task::yield_now().await;
            outbox.send(&plugin("a"), 1, "other".to_owned()).unwrap();
            outbox.send(&plugin("a"), 0, "own".to_owned()).unwrap();
        });
        assert_eq!(next, "own");
    }
}
