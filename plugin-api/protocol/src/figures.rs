//! What the host tells of the bot as a whole: the answer to the call `bot.figures`.
//!
//! Every plugin may ask: it names no person and no server.

use serde::{Deserialize, Serialize};

use crate::statistics::CommandUse;

/// The bot in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotFigures {
    /// The host's version.
    #[serde(default)]
    pub version: String,
    /// Servers that are reachable.
    #[serde(default)]
    pub guilds: u64,
    /// Servers that Discord has announced and not sent.
    #[serde(default)]
    pub unavailable_guilds: u64,
    /// Members of all servers together.
    #[serde(default)]
    pub users: u64,
    /// Commands that running plugins offer.
    #[serde(default)]
    pub commands: u64,
    /// Plugins that run, without the host's own commands.
    #[serde(default)]
    pub plugins: u64,
    /// Commands that ran since the start.
    #[serde(default)]
    pub commands_run: u64,
    /// Commands that ran since the database was made.
    #[serde(default)]
    pub commands_run_ever: u64,
    /// Messages that people wrote since the start, as far as the bot was sent them.
    #[serde(default)]
    pub messages_seen: u64,
    /// Things that went wrong since the start.
    #[serde(default)]
    pub errors: u64,
    /// When the bot started, in seconds since 1970.
    #[serde(default)]
    pub started: u64,
    /// Memory of the process's own, in bytes; absent where the system doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The shards, in order.
    #[serde(default)]
    pub shards: Vec<ShardFigures>,
    /// Commands that were used most, most first.
    #[serde(default)]
    pub top: Vec<CommandUse>,
    /// Parts of the host that can be switched off, and whether they are on.
    #[serde(default)]
    pub components: Vec<(String, bool)>,
    /// What commands by message begin with here.
    #[serde(default)]
    pub prefix: String,
}

/// A connection to the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFigures {
    /// Its number, from 0.
    pub id: u32,
    /// Whether it has a session and is connected.
    #[serde(default)]
    pub connected: bool,
    /// The last heartbeat's round trip in milliseconds; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_millis: Option<u64>,
    /// How many servers are on it.
    #[serde(default)]
    pub guilds: u64,
    /// Since when its session goes on, in seconds since 1970; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_since: Option<u64>,
    /// How often the session was resumed.
    #[serde(default)]
    pub resumes: u64,
}
