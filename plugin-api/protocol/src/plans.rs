//! What the host tells of a plan: the answer to the call `plugins.plan`.
//!
//! It is asked with a `verb` ([`PlanVerb`]) and `names`, to unload also `with_dependants`, and changes nothing. Only what has
//! a grant may ask.

use serde::{Deserialize, Serialize};

/// What would be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanVerb {
    /// Load plugins that lie in the folder.
    #[default]
    Load,
    /// Unload plugins; those that need them only `with_dependants`.
    Unload,
    /// Replace plugins by what lies in the folder, changed or not.
    Reload,
    /// Replace plugins by what lies in the folder where that has changed.
    Update,
}

/// What would follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReport {
    /// What would happen, in order.
    #[serde(default)]
    pub steps: Vec<PlannedStep>,
    /// What would be refused.
    #[serde(default)]
    pub refused: Vec<PlannedRefusal>,
    /// What else would be remembered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Places of slash commands in the set of all servers.
    #[serde(default)]
    pub slash: SlashChange,
    /// Gateway intents that the bot has not asked for: they come with a restart.
    #[serde(default)]
    pub new_intents: Vec<String>,
}

/// What would happen to a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The plugin.
    pub plugin: String,
    /// What happens to it.
    pub action: PlannedAction,
    /// The version that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version that would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why.
    #[serde(default)]
    pub because: String,
    /// Steps of one number happen together or not at all.
    #[serde(default)]
    pub unit: u32,
    /// What is handed over, and what waits meanwhile.
    #[serde(default)]
    pub hand_over: HandOver,
    /// Why it would not happen after all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails: Option<String>,
}

/// What happens to a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    /// It starts.
    Start,
    /// It is replaced by what lies in the folder.
    Replace,
    /// It is unloaded.
    Unload,
    /// Something that this side doesn't know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// How a newer version takes over.
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// The older version hands over its state.
    #[serde(default)]
    pub state: bool,
    /// Steps of its database are made.
    #[serde(default)]
    pub migrations: bool,
    /// The older version ends before the newer one starts.
    #[serde(default)]
    pub exclusive: bool,
    /// What is meant for it waits meanwhile.
    #[serde(default)]
    pub hold: bool,
}

/// Something that would be refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRefusal {
    /// The plugin or its file.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
}

/// How many places slash commands take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlashChange {
    /// Now.
    #[serde(default)]
    pub before: u32,
    /// Afterwards.
    #[serde(default)]
    pub after: u32,
    /// Of at most.
    #[serde(default)]
    pub max: u32,
    /// Commands that would be by prefix only, and are not now or come newly.
    #[serde(default)]
    pub prefix_only: Vec<String>,
}
