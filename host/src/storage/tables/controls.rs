//! States of controls that don't fit into a custom id, each under a key made of what it is.
//!
//! The same state of the same plugin has the same key, so that a message that is edited again and again keeps one row.
//! Each row has a time until which it is kept; those whose time is over go a thousand at a time.

use plugin_protocol::{PluginName, custom_id::KEPT_KEY};
use rusqlite::{OptionalExtension, params};

use super::{StorageError, Tables, now};

/// How long a state is kept for a control that doesn't run out by itself, in seconds from when it was last shown.
const KEPT_SECONDS: i64 = 180 * 24 * 3600;
/// How many go in one step, so that no other writer waits long.
const SWEPT_AT_ONCE: u32 = 1_000;
/// How many states one plugin may keep; then those go that would go first.
const MOST: u32 = 100_000;

impl Tables {
    /// Keeps a state until this time, in seconds since 1970; answers with its key.
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
                    .execute(params![key, plugin, state, until])
                    .map(drop)
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

    /// Removes states whose time is over, and those of which a plugin has too many; answers with how many went.
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
                    let old = connection
                        .prepare_cached(
                            "DELETE FROM control_states WHERE key IN
                             (SELECT key FROM control_states WHERE until < ?1 LIMIT ?2)",
                        )?
                        .execute(params![now(), SWEPT_AT_ONCE])?;
                    let many = connection
                        .prepare_cached(
                            "DELETE FROM control_states WHERE key IN (SELECT key FROM
                             (SELECT key, row_number() OVER (PARTITION BY plugin ORDER BY until DESC) AS place
                              FROM control_states) WHERE place > ?1 LIMIT ?2)",
                        )?
                        .execute(params![MOST, SWEPT_AT_ONCE])?;
                    Ok(old + many)
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
}
