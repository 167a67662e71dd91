//! The heads of the envelopes by which a generation is started, activated, configured and stopped.
//!
//! Only the host's own decisions send them, never what people do. A state travels in the tail, in no head.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ApplicationId, GuildId, UserId, custom_id::ControlKey, server_settings::SetValues};

/// Build the state; touch nothing outside yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The plugin's name.
    #[serde(default)]
    pub plugin: String,
    /// The number of this generation: 1 for the first since the host started.
    #[serde(default)]
    pub generation: u32,
    /// Configuration and log level.
    #[serde(default)]
    pub settings: Settings,
    /// The version of the state in the tail, if an older generation handed one over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_version: Option<u32>,
    /// What servers have set for it, if it describes such settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guild_settings: BTreeMap<GuildId, SetValues>,
}

/// The state is built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {}

/// This generation serves from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The bot's application, once the gateway has told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<ApplicationId>,
    /// The bot's user, once the gateway has told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_id: Option<UserId>,
}

/// What the owner set for this plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The plugin's section of the configuration: an object, `{}` if there is none.
    #[serde(default)]
    pub section: Value,
    /// The least important level that is logged.
    #[serde(default)]
    pub level: Level,
    /// What the custom ids of its controls are signed with.
    #[serde(default)]
    pub control_key: ControlKey,
}

/// How important a log record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For finding the reason of a fault in a plugin's inside.
    Trace,
    /// For finding the reason of a fault.
    Debug,
    /// Worth knowing in normal operation.
    #[default]
    Info,
    /// Something is odd, nothing is lost.
    Warn,
    /// Something did not work.
    Error,
}

/// End: handlers that run are given until the deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Why.
    #[serde(default)]
    pub why: StopReason,
    /// Milliseconds from now until the lane is abandoned.
    #[serde(default)]
    pub deadline_millis: u64,
}

/// Why a generation ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A newer generation has taken over.
    Reload,
    /// The plugin is unloaded.
    #[default]
    Unload,
    /// The host stops.
    Shutdown,
    /// It never served: a load or reload was given up.
    Rollback,
    /// A reason that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// It has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Handlers that were cut off.
    #[serde(default)]
    pub interrupted: u32,
    /// An error or panic of the stop function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The version of the state in the tail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_version: Option<u32>,
}

/// The name of the threads of a generation's lane: `NAME#GENERATION`. Linux shows 15 bytes of a name, so a long one is
/// cut, and three digits of a hash of the whole tell it from others that begin alike.
#[must_use]
pub fn lane_name(plugin: &str, generation: u32) -> String {
    const SHOWN: usize = 15;
    let number = format!("#{generation}");
    let room = SHOWN.saturating_sub(number.len());
    if plugin.len() <= room {
        return format!("{plugin}{number}");
    }
    // FNV-1a: the same in every version of host and plugins.
    let hash = plugin.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let mark = format!("{:03x}", hash & 0xfff);
    // Names of plugins are ASCII; what is not is cut nowhere within a letter.
    let end = (0..=room.saturating_sub(mark.len()))
        .rev()
        .find(|&end| plugin.is_char_boundary(end));
    format!("{}{mark}{number}", &plugin[..end.unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_lane_is_always_shown() {
        assert_eq!(lane_name("levels", 3), "levels#3");
        let long = lane_name("moderation-log", 12);
        assert_eq!((long.len(), &long[..9], &long[12..]), (15, "moderatio", "#12"));
        assert_ne!(lane_name("moderation-logs", 12), long, "others that begin alike");
        assert_eq!(lane_name("", 1), "#1");
    }
}
