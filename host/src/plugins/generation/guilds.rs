//! What a generation is told beside deliveries: that it serves, the owner's settings, and those of servers.
//!
//! It is handed all settings at its start, then each change. A lock lies around reading and telling, so that of two changes
//! that come at a time the later one is told last.

use std::{collections::BTreeMap, sync::PoisonError, time::SystemTime};

use plugin_protocol::{
    Activation, GuildId, Settings, kind,
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
    /// Serves from now on.
    pub fn activate(&self, activation: &Activation) {
        let _ = self.serving_since.set(SystemTime::now());
        self.tell(kind::ACTIVATE, &to_json(activation));
    }

    /// Tells it its settings, if they are others than it knows.
    pub fn configure(&self, settings: Settings) {
        let mut known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != settings {
            self.tell(kind::CONFIGURE, &to_json(&settings));
            *known = settings;
        }
    }

    /// What it was told last of its configuration.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

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
