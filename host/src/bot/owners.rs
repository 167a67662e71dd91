//! Who owns the bot: `owner_ids` of config.json and `BOT_OWNER_ID` of the environment.
//!
//! Built once at start; the router asks it before every command that is for owners only.

use std::{collections::BTreeSet, sync::Arc};

use plugin_protocol::UserId;

/// The bot's owners.
#[derive(Clone, Debug)]
pub struct Owners(Arc<BTreeSet<UserId>>);

impl Owners {
    /// These people.
    #[must_use]
    pub fn new(ids: impl IntoIterator<Item = UserId>) -> Self {
        Self(Arc::new(ids.into_iter().collect()))
    }

    /// Whether somebody is one of them.
    #[must_use]
    pub fn contains(&self, id: UserId) -> bool {
        self.0.contains(&id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = UserId> {
        self.0.iter().copied()
    }
}
