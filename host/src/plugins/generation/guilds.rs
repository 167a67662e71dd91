//! What a generation knows of what servers have set for its plugin.
//!
//! It is handed all of it at its start, then each change. A lock lies around reading and telling, so that of two changes
//! that come at a time the later one is told last.

use std::{collections::BTreeMap, sync::PoisonError};

use plugin_protocol::{
    GuildId, kind,
    server_settings::{GuildSettings, SetValues},
};

use super::{Generation, to_json};

/// What servers have set for a plugin, as far as it fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuildValues {
    /// The state of all servers' settings that this is, or a later one.
    pub revision: u64,
    /// By server.
    pub set: BTreeMap<GuildId, SetValues>,
}

impl Generation {
    /// Tells it anew what servers have set, if that is of another revision than it knows.
    pub fn refresh_guilds(&self, revision: u64, now: impl FnOnce() -> GuildValues) {
        if self.description.settings.is_none() {
            return;
        }
        let mut told = self.guilds_told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == revision {
            return;
        }
        let now = now();
        *told = now.revision;
        let head = GuildSettings {
            guilds: now.set,
            all: true,
        };
        self.tell(kind::GUILD_SETTINGS, &to_json(&head));
    }

    /// Tells it what a server has set now.
    pub fn tell_guild(&self, guild: GuildId, now: impl FnOnce() -> SetValues) {
        let _turn = self.guilds_told.lock().unwrap_or_else(PoisonError::into_inner);
        let head = GuildSettings {
            guilds: BTreeMap::from([(guild, now())]),
            all: false,
        };
        self.tell(kind::GUILD_SETTINGS, &to_json(&head));
    }
}
