//! What servers' administrators have set for the bot's commands under Integrations: asked of Discord when somebody uses
//! a command there for the first time, and kept up to date by its events.
//!
//! Nothing of it outlives a session that can't be resumed, since changes may have been missed. What it means is
//! `permits::overrides`' to say.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use plugin_protocol::{ApplicationId, ChannelId, GuildId};
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::HOST_NAME;
use crate::{
    permits::{Override, OverrideKind, Overrides},
    rest::{Method, Request, Rest},
};

/// What administrators have set. Clones are the same.
#[derive(Clone)]
pub struct Administrators {
    rest: Rest,
    /// A lock of std: held for a look-up only, never across an await.
    guilds: Arc<RwLock<HashMap<GuildId, Cell>>>,
}

/// What one server's have set, once Discord has told it. Whoever asks meanwhile waits for the same answer.
type Cell = Arc<OnceCell<Arc<Settings>>>;

/// What one server's administrators have set, by command and application.
#[derive(Clone, Debug, Default)]
pub struct Settings(HashMap<u64, Vec<Override>>);

#[derive(Deserialize)]
struct Told {
    id: ChannelId,
    guild_id: GuildId,
    permissions: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    id: ChannelId,
    #[serde(rename = "type")]
    kind: u8,
    permission: bool,
}

impl Told {
    fn overrides(&self) -> Vec<Override> {
        // https://discord.com/developers/docs/interactions/application-commands#application-command-permissions-object
        let read = |line: &Line| {
            let kind = match line.kind {
                1 => OverrideKind::Role,
                2 => OverrideKind::User,
                3 => OverrideKind::Channel,
                _ => return None,
            };
            Some(Override {
                kind,
                id: line.id.get(),
                allows: line.permission,
            })
        };
        self.permissions.iter().filter_map(read).collect()
    }
}

impl Settings {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What holds for a command that Discord knows by this id, if it knows it.
    pub fn of(&self, application: ApplicationId, command: Option<&str>) -> Overrides<'_> {
        let list = |id| self.0.get(&id).map_or(&[][..], Vec::as_slice);
        Overrides {
            command: command.and_then(|id| id.parse().ok()).map_or(&[], list),
            application: list(application.get()),
        }
    }

    fn put(&mut self, told: &Told) {
        let overrides = told.overrides();
        if overrides.is_empty() {
            self.0.remove(&told.id.get());
        } else {
            self.0.insert(told.id.get(), overrides);
        }
    }
}

impl Administrators {
    /// Asks through this.
    pub fn new(rest: Rest) -> Self {
        Self {
            rest,
            guilds: Arc::default(),
        }
    }

    /// What a server's administrators have set; `None` if Discord doesn't tell it.
    pub async fn of(&self, application: ApplicationId, guild: GuildId) -> Option<Arc<Settings>> {
        let cell = self.cell(guild);
        if let Some(known) = cell.get() {
            return Some(Arc::clone(known));
        }
        let asked = cell.get_or_try_init(|| self.ask(application, guild)).await;
        asked.ok().map(Arc::clone)
    }

    fn cell(&self, guild: GuildId) -> Cell {
        if let Some(cell) = self.guilds.read().unwrap_or_else(PoisonError::into_inner).get(&guild) {
            return Arc::clone(cell);
        }
        let mut guilds = self.guilds.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(guilds.entry(guild).or_default())
    }

    async fn ask(&self, application: ApplicationId, guild: GuildId) -> Result<Arc<Settings>, ()> {
        let path = format!("/applications/{application}/guilds/{guild}/commands/permissions");
        let answer = self
            .rest
            .look_up(HOST_NAME.as_str(), Request::new(Method::Get, path))
            .await;
        let answer = answer.map_err(|error| {
            tracing::warn!(%guild, %error, "Discord doesn't tell what is set for commands under Integrations");
        })?;
        match answer.status {
            200 => {}
            // Where the bot was added without application commands, there is nothing to set.
            403 | 404 => return Ok(Arc::default()),
            status => {
                tracing::warn!(%guild, status, "Discord doesn't tell what is set for commands under Integrations");
                return Err(());
            }
        }
        let told: Vec<Told> = serde_json::from_slice(&answer.body).map_err(|error| {
            tracing::warn!(%guild, %error, "what is set for commands under Integrations can't be read");
        })?;
        let mut settings = Settings::default();
        for one in &told {
            settings.put(one);
        }
        Ok(Arc::new(settings))
    }

    /// Takes over an event of the gateway: `APPLICATION_COMMAND_PERMISSIONS_UPDATE`, and those after which nothing is
    /// known any more.
    pub fn apply(&self, kind: &str, payload: &str) {
        #[derive(Deserialize)]
        struct Frame<T> {
            d: T,
        }
        #[derive(Deserialize)]
        struct Gone {
            id: GuildId,
        }
        match kind {
            // Of another session: what has changed in between is not told.
            "READY" => self.guilds.write().unwrap_or_else(PoisonError::into_inner).clear(),
            "GUILD_DELETE" => {
                if let Ok(gone) = serde_json::from_str::<Frame<Gone>>(payload) {
                    self.forget(gone.d.id);
                }
            }
            "APPLICATION_COMMAND_PERMISSIONS_UPDATE" => match serde_json::from_str::<Frame<Told>>(payload) {
                Ok(frame) => self.put(&frame.d),
                Err(error) => {
                    tracing::warn!(%error, "what was set for commands under Integrations can't be read: it is asked anew");
                    self.guilds.write().unwrap_or_else(PoisonError::into_inner).clear();
                }
            },
            _ => {}
        }
    }

    fn put(&self, told: &Told) {
        let mut guilds = self.guilds.write().unwrap_or_else(PoisonError::into_inner);
        let Some(cell) = guilds.get_mut(&told.guild_id) else {
            return;
        };
        let settings = cell.get().map(|known| {
            let mut settings = Settings::clone(known);
            settings.put(told);
            Arc::new(settings)
        });
        // An answer that is on its way may be older than this: whoever asks from now on has it asked again.
        *cell = Arc::new(settings.map_or_else(OnceCell::new, |known| OnceCell::new_with(Some(known))));
    }

    fn forget(&self, guild: GuildId) {
        self.guilds
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&guild);
    }
}
