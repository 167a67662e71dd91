//! What the host tells of its log levels and of incidents: the answers to the calls `logs.*` and `errors.*`.
//!
//! For built-in plugins and those that the owner grants it: texts of errors are not for everybody.

use serde::{Deserialize, Serialize};

use crate::{Door, Level};

/// The answer to `logs.levels` and `logs.set`: what is logged of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLevels {
    /// The least important level of all that have none of their own.
    #[serde(default)]
    pub default: Level,
    /// Where that stands.
    #[serde(default)]
    pub default_source: LevelSource,
    /// Those with a level of their own, by name.
    #[serde(default)]
    pub targets: Vec<LogLevel>,
}

/// The level of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLevel {
    /// The target: `host::rest`, `plugin::NAME`, a library's name.
    pub target: String,
    /// The least important level that is logged of it.
    pub level: Level,
    /// Where that stands.
    #[serde(default)]
    pub source: LevelSource,
}

/// Where a level stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelSource {
    /// In config.json.
    #[default]
    Configuration,
    /// It was set by command, until the bot is restarted.
    Command,
    /// Somewhere that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// The answer to `errors.list`: a page of what went wrong, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentList {
    /// How many are remembered.
    #[serde(default)]
    pub total: usize,
    /// Those that were asked for.
    #[serde(default)]
    pub incidents: Vec<IncidentSummary>,
}

/// Something that went wrong, in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentSummary {
    /// Its code, which the asker was told.
    #[serde(default)]
    pub code: String,
    /// When, in seconds since 1970; of several the last.
    #[serde(default)]
    pub at: u64,
    /// How often the same happened.
    #[serde(default)]
    pub times: u32,
    /// Whose code.
    #[serde(default)]
    pub plugin: String,
    /// Of which generation.
    #[serde(default)]
    pub generation: u32,
    /// The command, or the control's handler; absent for events and tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What: "panicked", "failed", "an event's handler failed".
    #[serde(default)]
    pub what: String,
    /// What was said of it: the chain of errors, or the panic's text.
    #[serde(default)]
    pub text: String,
    /// Who asked: a user's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// The answer to `errors.show`: the whole story of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentStory {
    /// What the list shows.
    #[serde(default)]
    pub summary: IncidentSummary,
    /// Whether it happened in a run before this one.
    #[serde(default)]
    pub earlier_run: bool,
    /// The door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<Door>,
    /// The server's id; absent in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild: Option<String>,
    /// The channel's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The invocation's number in the log of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<u64>,
    /// What was asked: the arguments, name and value.
    #[serde(default)]
    pub arguments: Vec<(String, String)>,
    /// Where it panicked, or where the error was made: file and line.
    #[serde(default)]
    pub place: String,
    /// The log's lines of the invocation, oldest first, as far as they are remembered.
    #[serde(default)]
    pub lines: Vec<String>,
}
