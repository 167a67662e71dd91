//! Who owns the bot: `owner_ids` of config.json and `BOT_OWNER_ID` of the environment.
//!
//! The router asks it before every command that is for owners only; a change of `owner_ids` counts at once.

use plugin_protocol::UserId;

use crate::config;

/// The bot's owners.
#[derive(Clone, Debug)]
pub struct Owners {
    config: config::Live,
    /// Whom the environment names.
    owner_id: Option<UserId>,
}

impl Owners {
    /// Those whom the settings name, and whom the environment names.
    #[must_use]
    pub const fn new(config: config::Live, owner_id: Option<UserId>) -> Self {
        Self { config, owner_id }
    }

    /// Whether somebody is one of them.
    #[must_use]
    pub fn contains(&self, id: UserId) -> bool {
        self.owner_id == Some(id) || self.config.get().owner_ids.contains(&id)
    }

    /// All of them, each once.
    #[must_use]
    pub fn all(&self) -> Vec<UserId> {
        let config = self.config.get();
        let mut all: Vec<_> = config.owner_ids.iter().copied().chain(self.owner_id).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
