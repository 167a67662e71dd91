//! Erasing somebody: what a plugin is asked, and what the owner is told of it.
//!
//! The host deletes what it keeps for plugins under somebody's id by itself; what is in a plugin's database, files and
//! memory only the plugin knows.

use serde::{Deserialize, Serialize};

use crate::{GuildId, UserId};

/// Whose data is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A user's, in whichever server.
    User(UserId),
    /// A server's.
    Guild(GuildId),
}

/// The answer to the call `data.erase`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureReport {
    /// What became of it, plugin by plugin: those that were asked, and those of which something was kept.
    pub plugins: Vec<ErasedPlugin>,
    /// Whether something was kept for all plugins: shared data of a user, settings and rules of a server.
    pub shared: bool,
    /// What could not be erased beside the plugins, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// What became of it in one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedPlugin {
    /// The plugin.
    pub plugin: String,
    /// What its function said.
    pub asked: Asked,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How many of its values of keys the host has deleted.
    #[serde(default)]
    pub values: u64,
    /// How many of its timers the host has cancelled.
    #[serde(default)]
    pub timers: u64,
}

/// What came of asking a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// It has erased what it kept.
    Done,
    /// It tried, and failed.
    Failed,
    /// It has no `#[erase]`, and keeps nothing where the host can't see whose it is.
    #[default]
    NotNeeded,
    /// It has no `#[erase]`, though it keeps a database or files.
    Missing,
    /// It does not run.
    NotRunning,
    /// Something that this side doesn't know.
    #[serde(other)]
    Unknown,
}
