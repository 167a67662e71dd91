//! Cooldowns: in memory, and those that last longer than a minute also in the database, so that a restart ends none.
//!
//! No command costs a write: what has changed is written with the counters, at most once a second, and at stop.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use plugin_protocol::Cooldown;
use rusqlite::params;

use super::{Database, StorageError, Tables};
use crate::permits::{Cooldowns, Key, Taken};

/// What lasts longer is written down, in milliseconds.
const LASTING: u64 = 60_000;
/// How many uses are counted before full buckets are forgotten.
const SWEEP_AFTER: u32 = 4096;

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// A lock of std: held for a look-up or while what lasts is copied.
    buckets: Mutex<(Cooldowns, u32)>,
    /// Something that lasts has changed since it was written.
    has_changed: AtomicBool,
}

impl Kept {
    pub(super) async fn load(database: &Database) -> Result<Self, StorageError> {
        let read = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare("SELECT command, place, user, full_at FROM cooldowns")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            rows.collect::<Result<Vec<(String, i64, i64, i64)>, _>>()
        };
        let mut buckets = Cooldowns::default();
        for (command, place, user, full_at) in database.read(read).await? {
            let key = Key(place.cast_unsigned(), user.cast_unsigned());
            buckets.restore(&command, key, full_at.cast_unsigned());
        }
        buckets.sweep(now());
        Ok(Self {
            buckets: Mutex::new((buckets, 0)),
            has_changed: AtomicBool::new(false),
        })
    }

    fn buckets(&self) -> MutexGuard<'_, (Cooldowns, u32)> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// Counts a use of a command, to be given back if it does not come about.
    ///
    /// # Errors
    ///
    /// It was used too often: when it can be used again, in milliseconds since 1970.
    pub fn take_cooldown(&self, command: &str, rule: Cooldown, key: Key) -> Result<Taken, u64> {
        let kept = &self.0.cooldowns;
        let now = now();
        let mut buckets = kept.buckets();
        let taken = buckets.0.take(command, rule, key, now)?;
        buckets.1 += 1;
        if buckets.1 >= SWEEP_AFTER {
            *buckets = (std::mem::take(&mut buckets.0), 0);
            buckets.0.sweep(now);
        }
        drop(buckets);
        if taken.full_at > now + LASTING {
            kept.has_changed.store(true, Ordering::Relaxed);
        }
        Ok(taken)
    }

    /// When a command can be used again, in milliseconds since 1970; `None` if it can be now.
    #[must_use]
    pub fn next_use(&self, command: &str, rule: Cooldown, key: Key) -> Option<u64> {
        self.0.cooldowns.buckets().0.next(command, rule, key, now())
    }

    /// A use that was counted did not come about.
    pub fn give_cooldown_back(&self, command: &str, taken: Taken) {
        self.0.cooldowns.buckets().0.give_back(command, taken);
        if taken.full_at > now() + LASTING {
            self.0.cooldowns.has_changed.store(true, Ordering::Relaxed);
        }
    }

    /// Writes down what lasts, if it has changed. What can't be written now is tried again.
    pub(super) async fn flush_cooldowns(&self) {
        let kept = &self.0.cooldowns;
        if !kept.has_changed.swap(false, Ordering::Relaxed) {
            return;
        }
        let until = now() + LASTING;
        let lasting: Vec<_> = {
            let buckets = kept.buckets();
            let lasting = buckets.0.lasting(until);
            lasting
                .map(|(command, key, full_at)| {
                    let numbers = [key.0, key.1, full_at].map(u64::cast_signed);
                    (command.to_owned(), numbers)
                })
                .collect()
        };
        let write = move |connection: &rusqlite::Connection| {
            connection.prepare_cached("DELETE FROM cooldowns")?.execute([])?;
            let mut insert = connection
                .prepare_cached("INSERT INTO cooldowns (command, place, user, full_at) VALUES (?1, ?2, ?3, ?4)")?;
            for (command, [place, user, full_at]) in &lasting {
                insert.execute(params![command, place, user, full_at])?;
            }
            Ok(())
        };
        if let Err(error) = self.database().write(write).await {
            kept.has_changed.store(true, Ordering::Relaxed);
            if error != StorageError::Closed {
                tracing::debug!("cooldowns can't be written down, it is tried again: {error}");
            }
        }
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
