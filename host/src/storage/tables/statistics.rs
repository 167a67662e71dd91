//! How often commands are used, and when people were last seen: counted in memory, written once a second and at stop.
//!
//! A command costs no commit. Each thread counts in a part of its own, so that threads do not wait for each other;
//! counts of the last second may be lost in a crash.

use std::{
    cell::Cell,
    collections::HashMap,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use plugin_protocol::{
    UserId,
    statistics::{CommandStatistics, CommandUse},
};
use rusqlite::params;
use tokio::time::{MissedTickBehavior, interval};

use super::{StorageError, Tables, now};

/// How often what was counted is written down.
const FLUSH: Duration = Duration::from_secs(1);
/// Into how many parts counting is divided.
const PARTS: usize = 16;

thread_local! {
    /// Which part a thread counts in.
    static PART: Cell<Option<usize>> = const { Cell::new(None) };
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Locks of std: each is taken by few threads, for a look-up.
    parts: [Mutex<Counts>; PARTS],
    /// Writing them down fails at the moment, which has been told.
    is_failing: AtomicBool,
}

#[derive(Debug, Default)]
struct Counts {
    commands: HashMap<String, (u64, i64)>,
    seen: HashMap<UserId, i64>,
}

impl Counts {
    fn add(&mut self, other: Self) {
        for (name, (uses, last)) in other.commands {
            let counted = self.commands.entry(name).or_default();
            *counted = (counted.0 + uses, counted.1.max(last));
        }
        for (user, last) in other.seen {
            let seen = self.seen.entry(user).or_default();
            *seen = last.max(*seen);
        }
    }

    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.seen.is_empty()
    }
}

impl Counters {
    /// The part of this thread.
    fn own(&self) -> MutexGuard<'_, Counts> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let part = PART.get().unwrap_or_else(|| {
            let part = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
            PART.set(Some(part));
            part
        });
        self.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Counts {
        let mut all = Counts::default();
        for part in &self.parts {
            all.add(mem::take(&mut *part.lock().unwrap_or_else(PoisonError::into_inner)));
        }
        all
    }
}

impl Tables {
    /// Counts a use of a command. No query, no waiting.
    pub fn count_command(&self, name: &str, by: UserId) {
        let at = now();
        let mut counts = self.0.counters.own();
        match counts.commands.get_mut(name) {
            Some(counted) => *counted = (counted.0 + 1, at),
            None => {
                counts.commands.insert(name.to_owned(), (1, at));
            }
        }
        counts.seen.insert(by, at);
    }

    /// Writes down what was counted. What can't be written now is kept for the next time.
    pub async fn flush(&self) {
        let counters = &self.0.counters;
        let counts = counters.take();
        if counts.is_empty() {
            return;
        }
        let commands: Vec<_> = counts
            .commands
            .iter()
            .map(|(name, count)| (name.clone(), *count))
            .collect();
        let seen: Vec<_> = counts
            .seen
            .iter()
            .map(|(id, at)| (id.get().cast_signed(), *at))
            .collect();
        let database = self.database();
        let written = database.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO command_stats (command_name, usage_count, last_used) VALUES (?1, ?2, ?3)
                 ON CONFLICT (command_name) DO UPDATE
                 SET usage_count = usage_count + excluded.usage_count, last_used = max(last_used, excluded.last_used)",
            )?;
            for (name, (uses, last)) in &commands {
                statement.execute(params![name, uses.cast_signed(), last])?;
            }
            let mut statement = connection.prepare_cached(
                "INSERT INTO user_data (user_id, last_seen) VALUES (?1, ?2)
                 ON CONFLICT (user_id) DO UPDATE SET last_seen = excluded.last_seen",
            )?;
            for (id, at) in &seen {
                statement.execute(params![id, at])?;
            }
            Ok(())
        });
        match written.await {
            Ok(()) => counters.is_failing.store(false, Ordering::Relaxed),
            Err(error) => {
                counters.own().add(counts);
                // While a backup is restored the database is closed for a moment.
                let is_told = error == StorageError::Closed || counters.is_failing.swap(true, Ordering::Relaxed);
                if !is_told {
                    tracing::warn!("how often commands are used can't be written down, it is tried again: {error}");
                }
            }
        }
    }

    /// Writes down what was counted, once a second, for as long as it is polled.
    pub async fn keep_flushing(self) {
        let mut ticks = interval(FLUSH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.flush().await;
            self.flush_cooldowns().await;
        }
    }

    /// How often commands were used: the `limit` that were used most, with what is not written down yet.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn command_statistics(&self, limit: u32) -> Result<CommandStatistics, StorageError> {
        self.flush().await;
        let read = move |connection: &rusqlite::Connection| {
            let (total, names): (i64, i64) = connection.query_row(
                "SELECT coalesce(sum(usage_count), 0), count(*) FROM command_stats",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let mut statement = connection.prepare_cached(
                "SELECT command_name, usage_count, last_used FROM command_stats
                 ORDER BY usage_count DESC, command_name LIMIT ?1",
            )?;
            let commands = statement.query_map([limit], |row| {
                Ok(CommandUse {
                    name: row.get(0)?,
                    uses: row.get::<_, i64>(1)?.cast_unsigned(),
                    last_used: row.get::<_, i64>(2)?.cast_unsigned(),
                })
            })?;
            Ok(CommandStatistics {
                commands: commands.collect::<Result<_, _>>()?,
                total: total.cast_unsigned(),
                names: names.cast_unsigned(),
            })
        };
        self.database().read(read).await
    }
}
