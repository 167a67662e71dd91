//! What runs by time: one row a timer, what it is about among it.
//!
//! Read once, at the start, but for what timers are about, which is read when they begin. Rules of plugins have rows of
//! their own, so that they go on where they were.

use plugin_protocol::{GuildId, LastRun, PluginName, TimerRule, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{StorageError, Tables};

/// The step that makes the table.
pub(super) const STEP: &str = "CREATE TABLE timers (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         plugin TEXT NOT NULL,
         name TEXT NOT NULL,
         rule TEXT,
         due_at INTEGER NOT NULL,
         unique_key TEXT,
         user_id INTEGER,
         guild_id INTEGER,
         payload TEXT NOT NULL DEFAULT 'null',
         paused INTEGER NOT NULL DEFAULT 0,
         attempts INTEGER NOT NULL DEFAULT 0,
         runs INTEGER NOT NULL DEFAULT 0,
         overruns INTEGER NOT NULL DEFAULT 0,
         missed INTEGER NOT NULL DEFAULT 0,
         last TEXT
     ) STRICT;
     CREATE UNIQUE INDEX timers_rule ON timers (plugin, name) WHERE rule IS NOT NULL;
     CREATE UNIQUE INDEX timers_key ON timers (plugin, name, unique_key) WHERE rule IS NULL AND unique_key IS NOT NULL;";

const COLUMNS: &str = "id, plugin, name, rule, due_at, unique_key, user_id, guild_id, paused, attempts, runs, overruns, \
                       missed, last";

/// A timer, but for what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerRow {
    /// Its number; 0 until it is written down.
    pub id: u64,
    /// The plugin.
    pub plugin: PluginName,
    /// The function.
    pub name: String,
    /// When it runs by itself; `None` for a one-off timer.
    pub rule: Option<TimerRule>,
    /// When it runs next, in milliseconds since 1970.
    pub due: u64,
    /// A one-off timer of the same function with the same key replaces it.
    pub key: Option<String>,
    /// The user it is about.
    pub user: Option<UserId>,
    /// The server it is about.
    pub guild: Option<GuildId>,
    /// Whether the owner, or too many tries, have paused it.
    pub paused: bool,
    /// How often a one-off timer was begun.
    pub attempts: u32,
    /// How often it ran.
    pub runs: u64,
    /// How many runs were left out, since the one before was still at work.
    pub overruns: u64,
    /// How many runs were missed.
    pub missed: u64,
    /// Its last run.
    pub last: Option<LastRun>,
}

impl TimerRow {
    /// One that has not run yet.
    #[must_use]
    pub const fn new(plugin: PluginName, name: String, rule: Option<TimerRule>, due: u64) -> Self {
        Self {
            id: 0,
            plugin,
            name,
            rule,
            due,
            key: None,
            user: None,
            guild: None,
            paused: false,
            attempts: 0,
            runs: 0,
            overruns: 0,
            missed: 0,
            last: None,
        }
    }

    /// `None` for a row of a plugin whose name is none, which nobody writes.
    fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let number = |at: usize| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let id = |at: usize| row.get::<_, Option<i64>>(at).map(|id| id.map(i64::cast_unsigned));
        let Ok(plugin) = row.get::<_, String>(1)?.parse() else {
            return Ok(None);
        };
        let rule: Option<String> = row.get(3)?;
        let last: Option<String> = row.get(13)?;
        Ok(Some(Self {
            id: number(0)?,
            plugin,
            name: row.get(2)?,
            rule: rule.map(|rule| serde_json::from_str(&rule).unwrap_or(TimerRule::Unknown)),
            due: number(4)?,
            key: row.get(5)?,
            user: id(6)?.and_then(UserId::new),
            guild: id(7)?.and_then(GuildId::new),
            paused: row.get(8)?,
            attempts: row.get(9)?,
            runs: number(10)?,
            overruns: number(11)?,
            missed: number(12)?,
            last: last.and_then(|last| serde_json::from_str(&last).ok()),
        }))
    }
}

fn json<T: serde::Serialize>(value: Option<&T>) -> Option<String> {
    value.and_then(|value| serde_json::to_string(value).ok())
}

impl Tables {
    /// All timers.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn timers(&self) -> Result<Vec<TimerRow>, StorageError> {
        let read = |connection: &Connection| {
            let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM timers ORDER BY id"))?;
            let rows = statement.query_map([], TimerRow::read)?;
            rows.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
        };
        self.database().read(read).await
    }

    /// Writes down a new timer; answers with its number, and that of the one that it replaces. A rule that is there already
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be written.
    pub async fn add_timer(&self, row: TimerRow, payload: String) -> Result<(u64, Option<u64>), StorageError> {
        let write = move |connection: &Connection| {
            let plugin = row.plugin.as_str();
            let mut replaced: Option<i64> = None;
            if let Some(key) = &row.key {
                replaced = connection
                    .prepare_cached(
                        "DELETE FROM timers WHERE plugin = ?1 AND name = ?2 AND unique_key = ?3 AND rule IS NULL
                         RETURNING id",
                    )?
                    .query_row(params![plugin, row.name, key], |row| row.get(0))
                    .optional()?;
            }
            connection
                .prepare_cached(
                    "INSERT INTO timers (plugin, name, rule, due_at, unique_key, user_id, guild_id, payload)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    plugin,
                    row.name,
                    json(row.rule.as_ref()),
                    row.due.cast_signed(),
                    row.key,
                    row.user.map(|user| user.get().cast_signed()),
                    row.guild.map(|guild| guild.get().cast_signed()),
                    payload,
                ])?;
            let id = connection.last_insert_rowid().cast_unsigned();
            Ok((id, replaced.map(i64::cast_unsigned)))
        };
        self.database().write(write).await
    }

    /// Writes down how timers are now, and removes others.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be written.
    pub async fn keep_timers(&self, rows: Vec<TimerRow>, gone: Vec<u64>) -> Result<(), StorageError> {
        let write = move |connection: &Connection| {
            let mut update = connection.prepare_cached(
                "UPDATE timers SET rule = ?2, due_at = ?3, paused = ?4, attempts = ?5, runs = ?6, overruns = ?7,
                 missed = ?8, last = ?9 WHERE id = ?1",
            )?;
            for row in &rows {
                update.execute(params![
                    row.id.cast_signed(),
                    json(row.rule.as_ref()),
                    row.due.cast_signed(),
                    row.paused,
                    row.attempts,
                    row.runs.cast_signed(),
                    row.overruns.cast_signed(),
                    row.missed.cast_signed(),
                    json(row.last.as_ref()),
                ])?;
            }
            let mut remove = connection.prepare_cached("DELETE FROM timers WHERE id = ?1")?;
            for id in &gone {
                remove.execute([id.cast_signed()])?;
            }
            Ok(())
        };
        self.database().write(write).await
    }

    /// Writes down that these one-off timers begin, and for which time; answers with what each is about.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it can't be written.
    pub async fn begin_timers(&self, starts: Vec<(u64, u32)>) -> Result<Vec<(u64, String)>, StorageError> {
        let write = move |connection: &Connection| {
            let mut begin =
                connection.prepare_cached("UPDATE timers SET attempts = ?2 WHERE id = ?1 RETURNING payload")?;
            let mut payloads = Vec::with_capacity(starts.len());
            for (id, attempt) in &starts {
                let payload = begin.query_row(params![id.cast_signed(), attempt], |row| row.get(0));
                payloads.extend(payload.optional()?.map(|payload: String| (*id, payload)));
            }
            Ok(payloads)
        };
        self.database().write(write).await
    }

    /// What timers are about; those that are gone are left out.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the database can't be read.
    pub async fn timer_payloads(&self, ids: Vec<u64>) -> Result<Vec<(u64, String)>, StorageError> {
        let read = move |connection: &Connection| {
            let mut statement = connection.prepare_cached("SELECT payload FROM timers WHERE id = ?1")?;
            let mut payloads = Vec::with_capacity(ids.len());
            for id in &ids {
                let payload = statement.query_row([id.cast_signed()], |row| row.get(0)).optional()?;
                payloads.extend(payload.map(|payload: String| (*id, payload)));
            }
            Ok(payloads)
        };
        self.database().read(read).await
    }
}
