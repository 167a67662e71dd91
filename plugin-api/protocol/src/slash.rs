//! What the host tells of slash commands: the answers to the calls `slash.figures` and `slash.sync`.
//!
//! Every plugin may ask for figures; writing is for built-in plugins and those with a grant.

use serde::{Deserialize, Serialize};

use crate::GuildId;

/// The answer to `slash.figures`: how many places are taken, and what has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlashFigures {
    /// Each kind of command, those that are typed first.
    #[serde(default)]
    pub kinds: Vec<SlashKind>,
    /// The owner's settings of typed commands.
    #[serde(default)]
    pub limits: SlashLimits,
    /// Slash commands that have no place: they are used by prefix.
    #[serde(default)]
    pub prefix_only: Vec<PrefixOnly>,
    /// Registered ones whose plugin is not there.
    #[serde(default)]
    pub unavailable: Vec<UnavailableCommand>,
    /// Names of commands that somebody else registered; `sync` deletes them.
    #[serde(default)]
    pub foreign: Vec<String>,
    /// Why the last change could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// How many commands of a kind there are, over all servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlashKind {
    /// Discord's number of the kind: 1 typed, 2 on users, 3 on messages.
    pub kind: u8,
    /// How many are registered.
    #[serde(default)]
    pub used: u32,
    /// How many Discord takes.
    #[serde(default)]
    pub most: u32,
}

/// The owner's settings: `slash_limiter` of config.json.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlashLimits {
    /// Never more than this.
    #[serde(default)]
    pub max: u32,
    /// From here on the owner is told.
    #[serde(default)]
    pub warning: u32,
    /// From here on new ones are reachable by prefix only.
    #[serde(default)]
    pub safe: u32,
}

/// A slash command that has no place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixOnly {
    /// Its name.
    pub command: String,
    /// Its name in a context menu, if it is that which has no place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub menu: Option<String>,
    /// Whose it is.
    pub plugin: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// Whether it is only because the places are taken.
    #[serde(default)]
    pub full: bool,
}

/// A registered command whose plugin is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnavailableCommand {
    /// Its name, or its group's.
    pub command: String,
    /// Whose it was.
    #[serde(default)]
    pub plugins: Vec<String>,
    /// Until when it stays, in seconds since 1970.
    #[serde(default)]
    pub until: u64,
}

/// The answer to `slash.sync`: what was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReport {
    /// Each set: the one for all servers first, then those of home servers.
    #[serde(default)]
    pub sets: Vec<SyncedSet>,
    /// Slash commands that have no place.
    #[serde(default)]
    pub prefix_only: Vec<PrefixOnly>,
}

/// What became of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedSet {
    /// The server; absent for all servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// How many commands it has.
    #[serde(default)]
    pub registered: u32,
    /// Names that are new.
    #[serde(default)]
    pub added: Vec<String>,
    /// Names whose command is another now.
    #[serde(default)]
    pub changed: Vec<String>,
    /// Names that are gone.
    #[serde(default)]
    pub removed: Vec<String>,
    /// Names of commands that somebody else registered: they stay until it is ordered that they go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Why it could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}
