//! Cooldowns: in memory, and those that last longer than a minute also in the database, so that a restart ends none.
//!
//! No command costs a write: what has changed is written with the counters, at most once a second, and at stop.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use plugin_protocol::Cooldown;
use rusqlite::params;

use super::{Database, StorageError, Tables};
use crate::{
    clock::Clock,
    permits::{Cooldowns, Key, Taken},
};

/// What lasts longer is written down, in milliseconds.
const LASTING: u64 = 60_000;
/// How many uses are counted before full buckets are forgotten.
const SWEEP_AFTER: u32 = 4096;

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// A lock of std: held for a look-up or while what has changed is copied.
    buckets: Mutex<Buckets>,
    clock: OnceLock<Clock>,
}

#[derive(Debug, Default)]
struct Buckets {
    all: Cooldowns,
    /// How many uses were counted since full buckets were forgotten.
    uses: u32,
    /// Those that last and are not in the database as they are here.
    changed: HashSet<(Box<str>, Key)>,
    /// Whether rows of full buckets may lie in the database.
    has_full: bool,
}

impl Kept {
    pub(super) async fn load(database: &Database) -> Result<Self, StorageError> {
        let read = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare("SELECT command, place, user, full_at FROM cooldowns")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            rows.collect::<Result<Vec<(String, i64, i64, i64)>, _>>()
        };
        let (mut all, now) = (Cooldowns::default(), Clock::default().now());
        let mut has_full = false;
        for (command, place, user, full_at) in database.read(read).await? {
            let key = Key(place.cast_unsigned(), user.cast_unsigned());
            let full_at = full_at.cast_unsigned();
            if full_at > now {
                all.restore(&command, key, full_at);
            } else {
                has_full = true;
            }
        }
        let buckets = Buckets {
            all,
            has_full,
            ..Buckets::default()
        };
        Ok(Self {
            buckets: Mutex::new(buckets),
            clock: OnceLock::new(),
        })
    }

    /// The database is another one: all that lasts has to be written into it.
    pub(super) fn mark_all_changed(&self) {
        let mut buckets = self.buckets();
        let lasting = buckets.all.lasting(self.now() + LASTING);
        let lasting: Vec<_> = lasting.map(|(command, key, _)| (command.into(), key)).collect();
        buckets.changed.extend(lasting);
        buckets.has_full = true;
    }

    /// Milliseconds since 1970.
    fn now(&self) -> u64 {
        self.clock.get_or_init(Clock::default).now()
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// Goes by this clock from now on; said before anything is counted.
    pub fn keep_time(&self, clock: Clock) {
        let _ = self.0.cooldowns.clock.set(clock);
    }

    /// Counts a use of a command, to be given back if it does not come about.
    ///
    /// # Errors
    ///
    /// It was used too often: when it can be used again, in milliseconds since 1970.
    pub fn take_cooldown(&self, command: &str, rule: Cooldown, key: Key) -> Result<Taken, u64> {
        let now = self.0.cooldowns.now();
        let mut buckets = self.0.cooldowns.buckets();
        let taken = buckets.all.take(command, rule, key, now)?;
        buckets.uses += 1;
        if buckets.uses >= SWEEP_AFTER {
            buckets.uses = 0;
            buckets.all.sweep(now);
            buckets.has_full = true;
        }
        if taken.full_at > now + LASTING {
            buckets.changed.insert((command.into(), key));
        }
        Ok(taken)
    }

    /// When a command can be used again, in milliseconds since 1970; `None` if it can be now.
    #[must_use]
    pub fn next_use(&self, command: &str, rule: Cooldown, key: Key) -> Option<u64> {
        let kept = &self.0.cooldowns;
        kept.buckets().all.next(command, rule, key, kept.now())
    }

    /// A use that was counted did not come about.
    pub fn give_cooldown_back(&self, command: &str, taken: Taken) {
        let mut buckets = self.0.cooldowns.buckets();
        buckets.all.give_back(command, taken);
        if taken.full_at > self.0.cooldowns.now() + LASTING {
            buckets.changed.insert((command.into(), taken.key));
        }
    }

    /// Writes down what lasts and has changed. What can't be written now is tried again.
    pub(super) async fn flush_cooldowns(&self) {
        let now = self.0.cooldowns.now();
        let (changed, has_full) = {
            let mut buckets = self.0.cooldowns.buckets();
            let changed = std::mem::take(&mut buckets.changed);
            (changed, std::mem::take(&mut buckets.has_full))
        };
        if changed.is_empty() && !has_full {
            return;
        }
        let rows: Vec<_> = {
            let buckets = self.0.cooldowns.buckets();
            let row = |(command, key): &(Box<str>, Key)| {
                let full_at = buckets.all.bucket(command, *key);
                let full_at = full_at.filter(|&full_at| full_at > now + LASTING);
                let [place, user] = [key.0, key.1].map(u64::cast_signed);
                (command.clone(), place, user, full_at.map(u64::cast_signed))
            };
            changed.iter().map(row).collect()
        };
        let write = move |connection: &rusqlite::Connection| {
            let mut put = connection.prepare_cached(
                "INSERT OR REPLACE INTO cooldowns (command, place, user, full_at) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let mut remove =
                connection.prepare_cached("DELETE FROM cooldowns WHERE command = ?1 AND place = ?2 AND user = ?3")?;
            for (command, place, user, full_at) in &rows {
                match full_at {
                    Some(full_at) => put.execute(params![command, place, user, full_at])?,
                    None => remove.execute(params![command, place, user])?,
                };
            }
            if has_full {
                let mut remove = connection.prepare_cached("DELETE FROM cooldowns WHERE full_at <= ?1")?;
                remove.execute([now.cast_signed()])?;
            }
            Ok(())
        };
        if let Err(error) = self.database().write(write).await {
            let mut buckets = self.0.cooldowns.buckets();
            buckets.changed.extend(changed);
            buckets.has_full |= has_full;
            drop(buckets);
            if error != StorageError::Closed {
                tracing::debug!("cooldowns can't be written down, it is tried again: {error}");
            }
        }
    }
}
