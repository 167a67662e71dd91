//! What went wrong, written down so that its code can still be looked up after a restart.
//!
//! A row is the whole story as JSON: nobody searches in it but by its code. The newest are kept.

use plugin_protocol::IncidentStory;
use rusqlite::params;

use super::{StorageError, Tables};

/// How many are kept.
const KEPT: u32 = 200;

impl Tables {
    /// Writes down an incident. A failure is logged: the incident itself has been told.
    pub async fn keep_incident(&self, incident: &IncidentStory) {
        let code = incident.summary.code.clone();
        let story = serde_json::to_string(incident).unwrap_or_default();
        let database = self.database();
        let written = database.write(move |connection| {
            connection
                .prepare_cached("INSERT INTO incidents (code, story) VALUES (?1, ?2)")?
                .execute(params![code, story])?;
            let newest = connection.last_insert_rowid();
            connection
                .prepare_cached("DELETE FROM incidents WHERE id <= ?1")?
                .execute([newest - i64::from(KEPT)])
        });
        if let Err(error) = written.await {
            tracing::warn!("an incident could not be written down, it is known until the next restart: {error}");
        }
    }

    /// The incidents that are written down, the newest last.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn incidents(&self) -> Result<Vec<IncidentStory>, StorageError> {
        let read = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached("SELECT story FROM incidents ORDER BY id")?;
            let stories = statement.query_map([], |row| row.get::<_, String>(0))?;
            stories.collect::<Result<Vec<_>, _>>()
        };
        let stories = self.database().read(read).await?;
        // What another version wrote, and this one can't read, is left out.
        Ok(stories
            .iter()
            .filter_map(|story| serde_json::from_str(story).ok())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::database::Synchronous;

    #[tokio::test]
    async fn the_newest_incidents_are_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bot.db");
        let tables = Tables::open(&path, Synchronous::Normal).await.unwrap();
        for number in 0..KEPT + 3 {
            let mut incident = IncidentStory::default();
            incident.summary.code = format!("C{number}");
            incident.lines = vec!["a line".to_owned()];
            tables.keep_incident(&incident).await;
        }
        tables.close().await;
        let tables = Tables::open(&path, Synchronous::Normal).await.unwrap();
        let known = tables.incidents().await.unwrap();
        let codes: Vec<_> = known.iter().map(|incident| incident.summary.code.as_str()).collect();
        assert_eq!((codes.len(), codes[0], codes[199]), (200, "C3", "C202"));
        assert_eq!(known[0].lines, ["a line"]);
        tables.close().await;
    }
}
