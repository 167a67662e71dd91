//! States of controls that don't fit into a custom id, each under a key made of what it is.
//!
//! The same state of the same plugin has the same key, so that a message that is edited again and again keeps one row.
//! Each row has a time until which it is kept; those whose time is over go a thousand at a time. How many a plugin keeps is
//! counted by triggers and bounded when one is added. The host doesn't know what is in a state: whose it is neither.

use plugin_protocol::{PluginName, custom_id::KEPT_KEY};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StorageError, Tables, now};

/// How long a state is kept for a control that doesn't run out by itself, in seconds from when it was last shown.
const KEPT_SECONDS: i64 = 180 * 24 * 3600;
/// How many go in one step, so that no other writer waits long.
const SWEPT_AT_ONCE: u32 = 1_000;
/// How much one plugin may keep; then those go that would go first.
const MOST: Bounds = Bounds {
    states: 100_000,
    bytes: 64 * 1024 * 1024,
};

/// How much one plugin may keep.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    states: i64,
    /// Of the states' texts.
    bytes: i64,
}

impl Bounds {
    /// Removes what a plugin has too much, but for this one, at most a thousand at once.
    fn hold(self, connection: &Connection, plugin: &str, key: &[u8]) -> rusqlite::Result<()> {
        let mut total = connection.prepare_cached("SELECT states, bytes FROM control_totals WHERE plugin = ?1")?;
        let mut removal = connection.prepare_cached(
            "DELETE FROM control_states WHERE key =
             (SELECT key FROM control_states WHERE plugin = ?1 AND key <> ?2 ORDER BY until, key LIMIT 1)",
        )?;
        for _ in 0..SWEPT_AT_ONCE {
            let (states, bytes): (i64, i64) = total.query_row([plugin], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if (states <= self.states && bytes <= self.bytes) || removal.execute(params![plugin, key])? == 0 {
                break;
            }
        }
        Ok(())
    }
}

impl Tables {
    /// Keeps a state until this time, in seconds since 1970; answers with its key. Of 100,000 states or 64 MiB of one plugin
    /// those go that would go first.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be written.
    pub async fn keep_control_state(
        &self,
        plugin: &PluginName,
        state: &str,
        until: Option<u32>,
    ) -> Result<[u8; KEPT_KEY], StorageError> {
        self.keep_within(plugin, state, until, MOST).await
    }

    async fn keep_within(
        &self,
        plugin: &PluginName,
        state: &str,
        until: Option<u32>,
        bounds: Bounds,
    ) -> Result<[u8; KEPT_KEY], StorageError> {
        let mut hasher = blake3::Hasher::new();
        // A plugin's name has no such byte: the two can't be split otherwise.
        hasher
            .update(plugin.as_str().as_bytes())
            .update(&[0])
            .update(state.as_bytes());
        let mut key = [0; KEPT_KEY];
        hasher.finalize_xof().fill(&mut key);
        let (plugin, state) = (plugin.to_string(), state.to_owned());
        let until = until.map_or_else(|| now() + KEPT_SECONDS, i64::from);
        self.database()
            .write(move |connection| {
                connection
                    .prepare_cached(
                        "INSERT INTO control_states (key, plugin, state, until) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (key) DO UPDATE SET until = max(until, excluded.until)",
                    )?
                    .execute(params![key, plugin, state, until])?;
                bounds.hold(connection, &plugin, &key)
            })
            .await?;
        Ok(key)
    }

    /// A state that a plugin keeps; `None` if its time is over.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn control_state(
        &self,
        plugin: &PluginName,
        key: [u8; KEPT_KEY],
    ) -> Result<Option<String>, StorageError> {
        let plugin = plugin.to_string();
        self.database()
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT state FROM control_states WHERE key = ?1 AND plugin = ?2 AND until >= ?3")?
                    .query_row(params![key, plugin, now()], |row| row.get(0))
                    .optional()
            })
            .await
    }

    /// Removes states whose time is over; answers with how many went.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if that can't be written.
    pub async fn sweep_control_states(&self) -> Result<u64, StorageError> {
        let mut swept = 0;
        loop {
            let went = self
                .database()
                .write(move |connection| {
                    connection
                        .prepare_cached(
                            "DELETE FROM control_states WHERE key IN
                             (SELECT key FROM control_states WHERE until < ?1 LIMIT ?2)",
                        )?
                        .execute(params![now(), SWEPT_AT_ONCE])
                })
                .await?;
            swept += went as u64;
            if went < SWEPT_AT_ONCE as usize {
                return Ok(swept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::database::Synchronous;

    #[tokio::test]
    async fn states_are_kept_for_their_plugin_until_their_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let tables = Tables::open(&folder.path().join("bot.db"), Synchronous::Normal)
            .await
            .unwrap();
        let (one, other): (PluginName, PluginName) = ("one".parse().unwrap(), "other".parse().unwrap());
        let long = tables.keep_control_state(&one, "\"long\"", None).await.unwrap();
        let over = tables.keep_control_state(&one, "\"over\"", Some(5)).await.unwrap();
        assert_eq!(
            tables.keep_control_state(&one, "\"long\"", Some(5)).await.unwrap(),
            long,
            "the same key"
        );
        assert_ne!(tables.keep_control_state(&other, "\"long\"", None).await.unwrap(), long);
        assert_eq!(
            tables.control_state(&one, long).await.unwrap().as_deref(),
            Some("\"long\"")
        );
        assert_eq!(
            tables.control_state(&other, long).await.unwrap(),
            None,
            "another plugin's"
        );
        assert_eq!(tables.control_state(&one, over).await.unwrap(), None);
        assert_eq!(tables.sweep_control_states().await.unwrap(), 1);
        assert_eq!(
            tables.control_state(&one, long).await.unwrap().as_deref(),
            Some("\"long\"")
        );
        tables.close().await;
    }

    #[tokio::test]
    async fn what_would_go_first_goes_when_a_plugin_keeps_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let tables = Tables::open(&folder.path().join("bot.db"), Synchronous::Normal)
            .await
            .unwrap();
        let (one, other): (PluginName, PluginName) = ("one".parse().unwrap(), "other".parse().unwrap());
        let bounds = Bounds { states: 3, bytes: 100 };
        let soon = u32::try_from(now()).unwrap() + 1000;
        let theirs = tables
            .keep_within(&other, "\"theirs\"", Some(soon), bounds)
            .await
            .unwrap();
        let mut keys = Vec::new();
        for number in 0..5 {
            let state = number.to_string();
            // The later ones go first: their time is over sooner.
            let key = tables
                .keep_within(&one, &state, Some(soon + 10 - number), bounds)
                .await
                .unwrap();
            // Shown again, it counts once.
            tables.keep_within(&one, &state, Some(5), bounds).await.unwrap();
            keys.push(key);
        }
        assert_eq!(kept(&tables, &one, &keys).await, [true, true, false, false, true]);
        let large = tables
            .keep_within(&one, &"x".repeat(99), Some(soon), bounds)
            .await
            .unwrap();
        keys.push(large);
        assert_eq!(
            kept(&tables, &one, &keys).await,
            [true, false, false, false, false, true]
        );
        assert_eq!(kept(&tables, &other, &[theirs]).await, [true], "another plugin's stay");
        // What goes by itself makes room.
        tables.keep_within(&other, "1", Some(5), bounds).await.unwrap();
        assert_eq!(tables.sweep_control_states().await.unwrap(), 1);
        let total = "SELECT states, bytes FROM control_totals WHERE plugin = 'other'";
        let database = tables.database();
        let total = database.read(|connection| {
            connection.query_row(total, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        });
        assert_eq!(total.await.unwrap(), (1, 8));
        tables.close().await;
    }

    async fn kept(tables: &Tables, plugin: &PluginName, keys: &[[u8; KEPT_KEY]]) -> Vec<bool> {
        let mut kept = Vec::new();
        for &key in keys {
            kept.push(tables.control_state(plugin, key).await.unwrap().is_some());
        }
        kept
    }
}
