//! What servers have set: all of it in memory, written through.
//!
//! A look-up is one atomic load and one of a hash table; a change copies the table, which is rare.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use plugin_protocol::GuildId;
use rusqlite::params;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{Database, StorageError, Tables, now};
use crate::config::AfterSuccess;

/// What a server has set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuildSettings {
    /// What commands by message begin with there; `None` for the configured one.
    pub prefix: Option<String>,
    /// Everything else, by name.
    pub settings: Map<String, Value>,
}

/// Under which name the settings of plugins lie, each by the plugin's name.
const PLUGINS: &str = "plugins";
/// The setting of servers that names their time zone.
const TIME_ZONE: &str = "time_zone";
/// The setting of servers that says whether a mention of the bot is a prefix there.
const MENTION_PREFIX: &str = "mention_prefix";
/// That of after what times messages of commands that went well are deleted, in seconds: command to times, `*` for all.
const DELETED_AFTER: &str = "deleted_after";
/// All commands.
const ALL: &str = "*";

impl GuildSettings {
    /// Whether a mention of the bot is a prefix there; `None` for what is configured.
    #[must_use]
    pub fn mention_prefix(&self) -> Option<bool> {
        self.settings.get(MENTION_PREFIX).and_then(Value::as_bool)
    }

    /// After what times messages of a command that went well are deleted there.
    #[must_use]
    pub fn deleted_after(&self, command: &str) -> AfterSuccess {
        let Some(set) = self.settings.get(DELETED_AFTER) else {
            return AfterSuccess::default();
        };
        let time = |of: &str, what: &str| Some(Duration::from_secs(set.get(of)?.get(what)?.as_u64()?));
        AfterSuccess {
            success: time(command, "success").or_else(|| time(ALL, "success")),
            invocation: time(command, "invocation").or_else(|| time(ALL, "invocation")),
        }
    }

    /// What is set of it: the command, or none for all, what (`success`, `invocation`), and after how many seconds.
    pub fn deletions(&self) -> impl Iterator<Item = (Option<&str>, &str, u32)> {
        let commands = self.settings.get(DELETED_AFTER).and_then(Value::as_object);
        commands.into_iter().flatten().flat_map(|(command, set)| {
            let command = (command != ALL).then_some(command.as_str());
            let times = set.as_object().into_iter().flatten();
            times.filter_map(move |(what, seconds)| {
                let seconds = u32::try_from(seconds.as_u64()?).ok()?;
                Some((command, what.as_str(), seconds))
            })
        })
    }

    /// Sets after how many seconds answers (`success`) or the message that asked (`invocation`) are deleted, for one
    /// command or all; `None` takes back what was set.
    pub fn set_deleted_after(&mut self, command: Option<&str>, what: &str, seconds: Option<u32>) {
        let set = self
            .settings
            .entry(DELETED_AFTER)
            .or_insert_with(|| Value::Object(Map::new()));
        let command = command.unwrap_or(ALL);
        if let Some(seconds) = seconds {
            set[command][what] = seconds.into();
        } else if let Some(of) = set.get_mut(command).and_then(Value::as_object_mut) {
            of.remove(what);
        }
    }

    /// Sets whether a mention of the bot is a prefix there.
    pub fn set_mention_prefix(&mut self, is_one: bool) {
        self.settings.insert(MENTION_PREFIX.to_owned(), Value::Bool(is_one));
    }

    /// Its time zone, by the name in the IANA's database; `None` for UTC.
    #[must_use]
    pub fn time_zone(&self) -> Option<&str> {
        self.settings.get(TIME_ZONE)?.as_str()
    }

    /// Sets its time zone; `None` for UTC.
    pub fn set_time_zone(&mut self, zone: Option<String>) {
        match zone {
            Some(zone) => self.settings.insert(TIME_ZONE.to_owned(), Value::String(zone)),
            None => self.settings.remove(TIME_ZONE),
        };
    }

    /// What is set for a plugin, by the names of its settings.
    #[must_use]
    pub fn of_plugin(&self, plugin: &str) -> Option<&Map<String, Value>> {
        self.settings.get(PLUGINS)?.get(plugin)?.as_object()
    }

    /// Sets something for a plugin; `None`: no longer. Names that no version of the plugin knows are no matter.
    pub fn set_of_plugin(&mut self, plugin: &str, name: &str, value: Option<Value>) {
        let empty = || Value::Object(Map::new());
        let plugins = self.settings.entry(PLUGINS).or_insert_with(empty);
        let Some(plugins) = plugins.as_object_mut() else { return };
        let Some(of_plugin) = plugins.entry(plugin).or_insert_with(empty).as_object_mut() else {
            return;
        };
        match value {
            Some(value) => drop(of_plugin.insert(name.to_owned(), value)),
            None => drop(of_plugin.remove(name)),
        }
        if of_plugin.is_empty() {
            plugins.remove(plugin);
        }
        if plugins.is_empty() {
            self.settings.remove(PLUGINS);
        }
    }
}

type All = HashMap<GuildId, Arc<GuildSettings>>;

#[derive(Debug)]
pub(super) struct Guilds {
    all: ArcSwap<All>,
    /// Changes one after the other, each in the database before it is in memory. An asynchronous lock: held while it is
    /// written.
    changing: Mutex<()>,
    /// Counts the changes, each after it is in memory.
    revision: AtomicU64,
}

impl Guilds {
    pub(super) async fn load(database: &Database) -> Result<Self, StorageError> {
        Ok(Self {
            all: ArcSwap::from_pointee(read(database).await?),
            changing: Mutex::default(),
            revision: AtomicU64::default(),
        })
    }

    pub(super) async fn reload(&self, database: &Database) -> Result<(), StorageError> {
        let _turn = self.changing.lock().await;
        self.all.store(Arc::new(read(database).await?));
        self.revision.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

async fn read(database: &Database) -> Result<All, StorageError> {
    let read = |connection: &rusqlite::Connection| {
        let mut statement = connection.prepare("SELECT guild_id, prefix, settings FROM guild_settings")?;
        let rows = statement.query_map([], |row| {
            let settings: String = row.get(2)?;
            Ok((row.get::<_, i64>(0)?, row.get(1)?, settings))
        })?;
        rows.collect::<Result<Vec<(i64, Option<String>, String)>, _>>()
    };
    let rows = database.read(read).await?;
    let known = rows.into_iter().filter_map(|(id, prefix, settings)| {
        let id: GuildId = id.cast_unsigned().to_string().parse().ok()?;
        let settings = serde_json::from_str(&settings).unwrap_or_else(|error| {
            tracing::warn!(guild = %id, %error, "the settings of a server can't be read, its defaults are in force");
            Map::new()
        });
        Some((id, Arc::new(GuildSettings { prefix, settings })))
    });
    Ok(known.collect())
}

/// What a server has set for a plugin.
type OfGuild = (GuildId, Map<String, Value>);

impl Tables {
    /// What a server has set, if anything. Costs no query.
    #[must_use]
    pub fn guild(&self, id: GuildId) -> Option<Arc<GuildSettings>> {
        self.0.guilds.all.load().get(&id).cloned()
    }

    /// How often what servers have set has changed since the start.
    #[must_use]
    pub fn guild_revision(&self) -> u64 {
        self.0.guilds.revision.load(Ordering::SeqCst)
    }

    /// What all servers have set for a plugin: of this revision, or a later one.
    #[must_use]
    pub fn set_for_plugin(&self, plugin: &str) -> (u64, Vec<OfGuild>) {
        let revision = self.guild_revision();
        let all = self.0.guilds.all.load();
        let set = all
            .iter()
            .filter_map(|(id, settings)| Some((*id, settings.of_plugin(plugin)?.clone())));
        (revision, set.collect())
    }

    /// Changes what a server has set: in the database, then in memory. Answers with what holds then.
    ///
    /// # Errors
    ///
    /// [`StorageError`]; then nothing has changed.
    pub async fn change_guild(
        &self,
        id: GuildId,
        change: impl FnOnce(&mut GuildSettings),
    ) -> Result<Arc<GuildSettings>, StorageError> {
        let guilds = &self.0.guilds;
        let _turn = guilds.changing.lock().await;
        let mut changed = self
            .guild(id)
            .map_or_else(GuildSettings::default, |guild| (*guild).clone());
        change(&mut changed);
        let row = (id.get().cast_signed(), changed.prefix.clone());
        let settings = Value::Object(changed.settings.clone()).to_string();
        let write = move |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO guild_settings (guild_id, prefix, settings, created_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (guild_id) DO UPDATE SET prefix = excluded.prefix, settings = excluded.settings",
            )?;
            statement.execute(params![row.0, row.1, settings, now()])
        };
        self.database().write(write).await?;
        let changed = Arc::new(changed);
        let mut all = All::clone(&guilds.all.load());
        all.insert(id, Arc::clone(&changed));
        guilds.all.store(Arc::new(all));
        guilds.revision.fetch_add(1, Ordering::SeqCst);
        Ok(changed)
    }
}
