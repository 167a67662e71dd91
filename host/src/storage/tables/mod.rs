//! The host's own tables: what is in them, and what of it lies in memory.
//!
//! The steps that make them are here, in order; steps that were released are never changed. Everything is asked through
//! [`Tables`], whose database may be another one after a backup has been restored.

mod audit;
mod controls;
mod cooldowns;
mod guild_settings;
mod hook_switches;
mod incidents;
mod message_times;
mod rules;
mod slash;
mod statistics;
mod timers;

use std::{path::Path, sync::Arc};

use arc_swap::ArcSwap;
use tokio::{sync::watch, task::spawn_blocking};

pub use audit::{Action, Trail};
pub use guild_settings::GuildSettings;
pub use message_times::MessageTime;
pub use timers::TimerRow;

use super::database::{Database, OpenError, Options, Step, StorageError, Synchronous};
use cooldowns::Kept;
use guild_settings::Guilds;
use hook_switches::HookSwitches;
use rules::Rules;
use statistics::Counters;

/// What makes the tables, oldest first.
pub const STEPS: [Step; 10] = [
    Step::new(
        "servers, people, commands and the owner's actions",
        "CREATE TABLE guild_settings (
         guild_id INTEGER PRIMARY KEY,
         prefix TEXT,
         settings TEXT NOT NULL DEFAULT '{}',
         created_at INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE user_data (
         user_id INTEGER PRIMARY KEY,
         data TEXT NOT NULL DEFAULT '{}',
         last_seen INTEGER
     ) STRICT;
     CREATE TABLE command_stats (
         command_name TEXT PRIMARY KEY,
         usage_count INTEGER NOT NULL,
         last_used INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE audit_trail (
         id INTEGER PRIMARY KEY,
         at INTEGER NOT NULL,
         user_id INTEGER,
         plugin TEXT NOT NULL,
         action TEXT NOT NULL,
         subject TEXT NOT NULL,
         outcome TEXT NOT NULL
     ) STRICT;",
    ),
    Step::new(
        "incidents",
        "CREATE TABLE incidents (id INTEGER PRIMARY KEY, code TEXT NOT NULL, story TEXT NOT NULL) STRICT;",
    ),
    Step::new(
        "states of controls",
        "CREATE TABLE control_states (
         key BLOB PRIMARY KEY,
         plugin TEXT NOT NULL,
         state TEXT NOT NULL,
         until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX control_states_until ON control_states (until);",
    ),
    Step::new(
        "slash commands",
        "CREATE TABLE slash_sets (
         application_id INTEGER NOT NULL,
         guild_id INTEGER NOT NULL,
         memory TEXT NOT NULL,
         PRIMARY KEY (application_id, guild_id)
     ) STRICT, WITHOUT ROWID;",
    ),
    Step::new(
        "who may use what in servers, and long cooldowns",
        "CREATE TABLE permission_rules (
         guild_id INTEGER NOT NULL,
         target TEXT NOT NULL,
         subject TEXT NOT NULL,
         effect TEXT NOT NULL,
         PRIMARY KEY (guild_id, target, subject)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE cooldowns (
         command TEXT NOT NULL,
         place INTEGER NOT NULL,
         user INTEGER NOT NULL,
         full_at INTEGER NOT NULL,
         PRIMARY KEY (command, place, user)
     ) STRICT, WITHOUT ROWID;",
    ),
    Step::new(
        "how much plugins keep for controls",
        "CREATE INDEX control_states_plugin ON control_states (plugin, until, key);
     CREATE TABLE control_totals (
         plugin TEXT PRIMARY KEY,
         states INTEGER NOT NULL,
         bytes INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     INSERT INTO control_totals SELECT plugin, count(*), sum(octet_length(state)) FROM control_states GROUP BY plugin;
     CREATE TRIGGER control_states_kept AFTER INSERT ON control_states BEGIN
         INSERT INTO control_totals VALUES (new.plugin, 1, octet_length(new.state))
         ON CONFLICT (plugin) DO UPDATE SET states = states + 1, bytes = bytes + excluded.bytes;
     END;
     CREATE TRIGGER control_states_gone AFTER DELETE ON control_states BEGIN
         UPDATE control_totals SET states = states - 1, bytes = bytes - octet_length(old.state)
         WHERE plugin = old.plugin;
     END;",
    ),
    Step::new(
        "what becomes of messages",
        "CREATE TABLE message_times (
         message_id INTEGER PRIMARY KEY,
         channel_id INTEGER NOT NULL,
         deletes INTEGER NOT NULL,
         due_at INTEGER NOT NULL,
         after INTEGER NOT NULL,
         components TEXT NOT NULL
     ) STRICT;",
    ),
    Step::new(
        "callbacks of hooks that are switched off",
        "CREATE TABLE hook_switches (callback TEXT PRIMARY KEY, off_since INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
    ),
    Step::new("what runs by time", timers::STEP),
    Step::new("what plugins change of their own", audit::OWN_STEP),
];

/// How many threads read from the host's own database: nobody waits for it often.
const READERS: usize = 1;

/// The host's own tables. Clones are the same.
#[derive(Clone, Debug)]
pub struct Tables(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: ArcSwap<Database>,
    synchronous: Synchronous,
    guilds: Guilds,
    counters: Counters,
    rules: Rules,
    cooldowns: Kept,
    hooks: HookSwitches,
    /// Counts how often the database became another one.
    reopened: watch::Sender<u64>,
}

impl Tables {
    /// Opens the bot's database, or makes it, and reads what lies in memory.
    ///
    /// # Errors
    ///
    /// [`OpenError`], whose text says what to do.
    pub async fn open(path: &Path, synchronous: Synchronous) -> Result<Self, OpenError> {
        let database = open(path, synchronous).await?;
        let guilds = Guilds::load(&database).await.map_err(OpenError::Storage)?;
        let rules = Rules::load(&database).await.map_err(OpenError::Storage)?;
        let hooks = HookSwitches::load(&database).await.map_err(OpenError::Storage)?;
        let cooldowns = Kept::load(&database).await.map_err(OpenError::Storage)?;
        Ok(Self(Arc::new(Inner {
            database: ArcSwap::from_pointee(database),
            synchronous,
            guilds,
            counters: Counters::default(),
            rules,
            cooldowns,
            hooks,
            reopened: watch::Sender::new(0),
        })))
    }

    /// The database as it is now: after a restore it is another one, so ask at each use.
    #[must_use]
    pub fn database(&self) -> Database {
        Database::clone(&self.0.database.load())
    }

    /// Writes down what was counted and closes the database. What comes later is refused, until [`Tables::reopen`].
    pub async fn close(&self) {
        self.flush().await;
        self.flush_cooldowns().await;
        self.database().close().await;
    }

    /// Opens the file again, which may be another one by now.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; then everything goes on being refused.
    pub async fn reopen(&self) -> Result<(), OpenError> {
        let database = open(self.database().path(), self.0.synchronous).await?;
        self.0.guilds.reload(&database).await.map_err(OpenError::Storage)?;
        self.0.rules.reload(&database).await.map_err(OpenError::Storage)?;
        self.0.hooks.reload(&database).await.map_err(OpenError::Storage)?;
        self.0.database.store(Arc::new(database));
        self.0.cooldowns.mark_all_changed();
        self.0.reopened.send_modify(|times| *times += 1);
        Ok(())
    }

    /// Hears of it when the database has become another one.
    #[must_use]
    pub fn reopened(&self) -> watch::Receiver<u64> {
        self.0.reopened.subscribe()
    }
}

async fn open(path: &Path, synchronous: Synchronous) -> Result<Database, OpenError> {
    let options = Options {
        synchronous,
        migrations: STEPS.to_vec(),
        readers: READERS,
        ..Options::default()
    };
    let path = path.to_owned();
    let opened = spawn_blocking(move || Database::open(&path, options)).await;
    opened.unwrap_or(Err(OpenError::Storage(StorageError::Panicked)))
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs().cast_signed()
}

#[cfg(test)]
mod tests;
