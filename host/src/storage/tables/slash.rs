//! Which slash commands were written to Discord last, one row a scope: an application's own set, or that of one server.
//!
//! A row is what `slash` remembers, as JSON: nothing else looks into it.

use rusqlite::params;

use super::{StorageError, Tables};

impl Tables {
    /// What is remembered of every scope: application, server (0 for all servers), JSON.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn slash_sets(&self) -> Result<Vec<(u64, u64, String)>, StorageError> {
        let read = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached("SELECT application_id, guild_id, memory FROM slash_sets")?;
            let rows = statement.query_map([], |row| {
                let ids: (i64, i64) = (row.get(0)?, row.get(1)?);
                Ok((ids.0.cast_unsigned(), ids.1.cast_unsigned(), row.get(2)?))
            })?;
            rows.collect()
        };
        self.database().read(read).await
    }

    /// Remembers a scope; `None` forgets it.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be written.
    pub async fn keep_slash_set(
        &self,
        application: u64,
        guild: u64,
        memory: Option<String>,
    ) -> Result<(), StorageError> {
        let ids = (application.cast_signed(), guild.cast_signed());
        let write = move |connection: &rusqlite::Connection| {
            match &memory {
                Some(memory) => connection
                    .prepare_cached(
                        "INSERT INTO slash_sets (application_id, guild_id, memory) VALUES (?1, ?2, ?3)
                         ON CONFLICT (application_id, guild_id) DO UPDATE SET memory = excluded.memory",
                    )?
                    .execute(params![ids.0, ids.1, memory])?,
                None => connection
                    .prepare_cached("DELETE FROM slash_sets WHERE application_id = ?1 AND guild_id = ?2")?
                    .execute(params![ids.0, ids.1])?,
            };
            Ok(())
        };
        self.database().write(write).await
    }
}
