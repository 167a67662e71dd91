//! What is counted of the bot as a whole, and how its shards stand: written by those who do the work, read by `stats`.
//!
//! Counting is an addition, without a lock; a shard tells how it stands every few seconds.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::figures::ShardFigures;

/// The figures since the start.
#[derive(Debug)]
pub struct Figures {
    /// When the bot started, in seconds since 1970.
    pub started: u64,
    messages: AtomicU64,
    commands: AtomicU64,
    /// A lock of std: taken a few times a minute by each shard.
    shards: Mutex<BTreeMap<u32, ShardFigures>>,
}

impl Figures {
    /// All begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: now(),
            messages: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            shards: Mutex::default(),
        }
    }

    /// A message came; those of bots are not counted.
    pub fn note_message(&self, is_by_bot: bool) {
        if !is_by_bot {
            self.messages.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A command runs.
    pub fn note_command(&self) {
        self.commands.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages came.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// How many commands ran.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// A shard has a session: a new one, or the one before goes on.
    pub fn note_session(&self, shard: u32, is_resumed: bool) {
        let mut shards = self.shards();
        let known = Self::shard(&mut shards, shard);
        known.connected = true;
        if is_resumed {
            known.resumes += 1;
            known.session_since.get_or_insert_with(now);
        } else {
            known.session_since = Some(now());
        }
    }

    /// How a shard's connection is.
    pub fn note_connection(&self, shard: u32, connected: bool, latency: Option<Duration>) {
        let mut shards = self.shards();
        let known = Self::shard(&mut shards, shard);
        known.connected = connected;
        known.latency_millis = latency.map(|latency| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
    }

    /// All shards that were ever told of, without their servers.
    #[must_use]
    pub fn all_shards(&self) -> Vec<ShardFigures> {
        self.shards().values().cloned().collect()
    }

    fn shards(&self) -> MutexGuard<'_, BTreeMap<u32, ShardFigures>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(shards: &mut BTreeMap<u32, ShardFigures>, id: u32) -> &mut ShardFigures {
        shards.entry(id).or_insert_with(|| ShardFigures {
            id,
            ..ShardFigures::default()
        })
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
