//! What becomes of messages by themselves, and when: one row a message.
//!
//! Read once, at the start; written by whoever keeps them in memory, a second's changes at a time.

use plugin_protocol::{ChannelId, LaterAction, MessageId};
use rusqlite::params;

use super::{StorageError, Tables};

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTime {
    /// The channel.
    pub channel: ChannelId,
    /// What.
    pub action: LaterAction,
    /// When, in milliseconds since 1970.
    pub due_at: u64,
    /// How long after the last click, in milliseconds.
    pub after: u64,
    /// The message's components, as JSON.
    pub components: String,
}

impl Tables {
    /// All that is to become of messages.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn message_times(&self) -> Result<Vec<(MessageId, MessageTime)>, StorageError> {
        let read = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT message_id, channel_id, deletes, due_at, after, components FROM message_times",
            )?;
            let rows = statement.query_map([], |row| {
                let numbers: [i64; 4] = [row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?];
                Ok((numbers.map(i64::cast_unsigned), row.get(2)?, row.get(5)?))
            })?;
            rows.collect::<Result<Vec<([u64; 4], bool, String)>, _>>()
        };
        let rows = self.database().read(read).await?;
        let known = rows
            .into_iter()
            .filter_map(|([message, channel, due_at, after], deletes, components)| {
                let time = MessageTime {
                    channel: ChannelId::new(channel)?,
                    action: if deletes {
                        LaterAction::Delete
                    } else {
                        LaterAction::Disable
                    },
                    due_at,
                    after,
                    components,
                };
                Some((MessageId::new(message)?, time))
            });
        Ok(known.collect())
    }

    /// Writes down what is to become of messages; `None` for those of which nothing is any more.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be written.
    pub async fn keep_message_times(&self, changes: Vec<(MessageId, Option<MessageTime>)>) -> Result<(), StorageError> {
        let write = move |connection: &rusqlite::Connection| {
            let mut put = connection.prepare_cached(
                "INSERT OR REPLACE INTO message_times (message_id, channel_id, deletes, due_at, after, components)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let mut remove = connection.prepare_cached("DELETE FROM message_times WHERE message_id = ?1")?;
            for (message, time) in &changes {
                let message = message.get().cast_signed();
                match time {
                    Some(time) => put.execute(params![
                        message,
                        time.channel.get().cast_signed(),
                        time.action == LaterAction::Delete,
                        time.due_at.cast_signed(),
                        time.after.cast_signed(),
                        time.components,
                    ])?,
                    None => remove.execute([message])?,
                };
            }
            Ok(())
        };
        self.database().write(write).await
    }
}
