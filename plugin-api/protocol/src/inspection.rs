//! What the host tells of plugins: the answers to the calls `plugins.list` and `plugins.info`.
//!
//! Every plugin may ask; `plugins.info` takes a `name`. Reasons, texts of errors, names of files and the process's own
//! figures are for owners: they are there only if `private` is true and it is asked in an invocation of one of the bot's
//! owners. Ask for them only where nobody else reads the answer.

use serde::{Deserialize, Serialize};

use crate::{TimerInfo, hooks::HookSubscription};

pub use crate::{ServiceDescription, lane::LaneFigures};

/// The answer to `plugins.list`: every plugin that is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginList {
    /// The plugins, in order of their names.
    #[serde(default)]
    pub plugins: Vec<PluginSummary>,
    /// What all of them have left behind.
    #[serde(default)]
    pub left_behind: LeftBehind,
    /// What the process takes of what limits further loads. For owners.
    #[serde(default)]
    pub budgets: Vec<BudgetFigure>,
}

/// A plugin in a line.
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginSummary {
    /// Its name; the file's if that is no plugin.
    pub name: String,
    /// Its version, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How it is.
    pub status: PluginStatus,
    /// Whether it is part of the bot's program.
    #[serde(default)]
    pub built_in: bool,
    /// The generation that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// What it needs, and whether that is there.
    #[serde(default)]
    pub needs: Vec<Relation>,
    /// Whether the file that lies there now is refused while an older generation serves.
    #[serde(default)]
    pub newer_refused: bool,
    /// Why it, or the newer file, is refused. For owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The name of its file. For owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How long the generation that serves took to load, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_millis: Option<u64>,
    /// Whether the owner has pinned it.
    #[serde(default)]
    pub pinned: bool,
    /// Whether an older version runs in place of the file, since the owner went back to it.
    #[serde(default)]
    pub rolled_back: bool,
}

/// How a plugin is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginStatus {
    /// It serves.
    Running,
    /// It serves, but has not taken anything for a while.
    Hung,
    /// It is being replaced by another generation, and what is meant for it waits.
    Replacing,
    /// It does not run.
    Refused,
    /// It has done harm, and is not tried again by itself.
    Quarantined,
    /// The owner unloaded it.
    Unloaded,
    /// Something that this side doesn't know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Another plugin that this one needs or can't stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// The other plugin.
    pub name: String,
    /// The range of its versions; empty for any.
    #[serde(default)]
    pub range: String,
    /// Whether this one runs without it, too.
    #[serde(default)]
    pub optional: bool,
    /// Whether a plugin of that name and range runs.
    #[serde(default)]
    pub is_there: bool,
}

/// The answer to `plugins.dependencies`: what a plugin needs or would like to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyCheck {
    /// What runs, in a version that fits.
    #[serde(default)]
    pub satisfied: Vec<Relation>,
    /// What does not.
    #[serde(default)]
    pub missing: Vec<Relation>,
}

/// Two plugins that can't run beside each other, of the answer to `plugins.conflicts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginConflict {
    /// One of them.
    pub one: String,
    /// The other one.
    pub other: String,
    /// Which of them runs, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
}

/// The answer to `plugins.info`: everything that is known of one plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// The plugin in a line.
    pub summary: PluginSummary,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Who made it.
    #[serde(default)]
    pub authors: Vec<String>,
    /// Running plugins that need it.
    #[serde(default)]
    pub dependants: Vec<String>,
    /// Plugins that must not run beside it.
    #[serde(default)]
    pub conflicts: Vec<Relation>,
    /// Whether an older generation stops before a newer one starts.
    #[serde(default)]
    pub exclusive: bool,
    /// The version that the owner can go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its commands; empty unless it runs.
    #[serde(default)]
    pub commands: Vec<OfferedCommand>,
    /// The gateway events that it handles.
    #[serde(default)]
    pub events: Vec<String>,
    /// The callbacks of hooks that it declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookSubscription>,
    /// What it does for other plugins; empty unless it runs.
    #[serde(default)]
    pub services: Vec<ServiceDescription>,
    /// How many handlers of controls it has.
    #[serde(default)]
    pub components: u32,
    /// How long the generation that serves took to load, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_millis: Option<u64>,
    /// Since when it serves, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_since: Option<u64>,
    /// Its lane; absent unless it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneFigures>,
    /// What its earlier generations have left behind.
    #[serde(default)]
    pub left_behind: LeftBehind,
    /// The last error since the bot's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// What it runs by a rule, and when next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<TimerInfo>,
    /// How many one-off timers it has set that wait or run.
    #[serde(default)]
    pub one_off_timers: u64,
    /// Whether it can erase what it keeps of somebody.
    #[serde(default)]
    pub erase: EraseStanding,
}

/// Whether a plugin can erase what it keeps of somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EraseStanding {
    /// It has no `#[erase]`, and nothing that the host can't erase by itself.
    #[default]
    NotNeeded,
    /// It has one.
    Can,
    /// It has a database or files, and none.
    Missing,
    /// Something that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// A command that a running plugin offers.
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedCommand {
    /// Its name.
    pub name: String,
    /// Whether it can be written.
    #[serde(default)]
    pub prefix: bool,
    /// Whether it is a slash command.
    #[serde(default)]
    pub slash: bool,
    /// Whether it is in a context menu.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub menu: bool,
    /// Whether it is the owners' only.
    #[serde(default)]
    pub owner_only: bool,
}

/// What generations that no longer serve have left behind until the bot is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBehind {
    /// Generations that were ended; their code stays mapped.
    #[serde(default)]
    pub retired: u64,
    /// Lanes that did not end when they were told to, and still have not.
    #[serde(default)]
    pub abandoned: u64,
    /// Threads of ended generations that still run, abandoned lanes among them; absent where the system doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// Memory of their own that the mapped libraries take, in bytes; absent where the system doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_bytes: Option<u64>,
}

/// The last error of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// When, in seconds since 1970.
    pub at: u64,
    /// What failed, such as a command's name.
    pub what: String,
    /// The code that its user was given, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error's or panic's text, with its place. For owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// How much of something is taken that further loads need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetFigure {
    /// Of what, in words.
    pub name: String,
    /// How much is taken.
    pub used: u64,
    /// Where loads are refused.
    pub limit: u64,
    /// Whether both are bytes.
    #[serde(default)]
    pub bytes: bool,
}
