//! What owners have done, and what plugins have changed of their own: who, by which plugin, what, and what came of it.
//!
//! Written for every call that changes something. The newest are kept, so that it never fills the disk; of plugins in a
//! table of their own, so that a busy one never pushes out what an owner did.

use plugin_protocol::UserId;
use rusqlite::params;

use super::{StorageError, Tables, now};

/// The table of what plugins have changed of their own.
pub(super) const OWN_STEP: &str = "CREATE TABLE own_changes (
     id INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     user_id INTEGER,
     plugin TEXT NOT NULL,
     action TEXT NOT NULL,
     subject TEXT NOT NULL,
     outcome TEXT NOT NULL
 ) STRICT;
 INSERT INTO own_changes SELECT * FROM audit_trail WHERE action = 'settings.change' ORDER BY id DESC LIMIT 1000;
 DELETE FROM audit_trail WHERE action = 'settings.change';";

/// How many actions are kept.
const KEPT: u32 = 10_000;
/// How many of those that plugins did to what is their own.
const OWN_KEPT: u32 = 1_000;
/// The longest text of an action that is kept, in characters.
const TEXT: usize = 300;

/// Whose actions a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trail {
    /// Of owners, and of whoever may do what they may.
    Owners,
    /// Of plugins, to what is their own.
    Plugins,
}

/// Something that was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who; `None` if a plugin did it by itself.
    pub user: Option<UserId>,
    /// The plugin by which it was done: the host's own for its commands.
    pub plugin: String,
    /// The call, such as `plugins.load`.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// `done`, or why not.
    pub outcome: String,
}

impl Tables {
    /// Writes down an action. A failure is logged: the action itself has been done.
    pub async fn note_action(&self, trail: Trail, action: Action) {
        let short = |text: &str| text.chars().take(TEXT).collect::<String>();
        let (subject, outcome) = (short(&action.subject), short(&action.outcome));
        let user = action.user.map(|user| user.get().cast_signed());
        let (plugin, name) = (action.plugin, action.action);
        let at = now();
        let database = self.database();
        let written = database.write(move |connection| {
            let (table, kept) = match trail {
                Trail::Owners => ("audit_trail", KEPT),
                Trail::Plugins => ("own_changes", OWN_KEPT),
            };
            let insert = format!(
                "INSERT INTO {table} (at, user_id, plugin, action, subject, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            );
            connection
                .prepare_cached(&insert)?
                .execute(params![at, user, plugin, name, subject, outcome])?;
            let newest = connection.last_insert_rowid();
            connection
                .prepare_cached(&format!("DELETE FROM {table} WHERE id <= ?1"))?
                .execute([newest - i64::from(kept)])
        });
        if let Err(error) = written.await {
            tracing::warn!("an action could not be written down: {error}");
        }
    }

    /// The newest actions, newest first.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn actions(&self, limit: u32) -> Result<Vec<Action>, StorageError> {
        let read = move |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, user_id, plugin, action, subject, outcome FROM audit_trail ORDER BY id DESC LIMIT ?1",
            )?;
            let actions = statement.query_map([limit], |row| {
                let user: Option<i64> = row.get(1)?;
                Ok(Action {
                    at: row.get::<_, i64>(0)?.cast_unsigned(),
                    user: user.and_then(|user| user.cast_unsigned().to_string().parse().ok()),
                    plugin: row.get(2)?,
                    action: row.get(3)?,
                    subject: row.get(4)?,
                    outcome: row.get(5)?,
                })
            })?;
            actions.collect()
        };
        self.database().read(read).await
    }
}
