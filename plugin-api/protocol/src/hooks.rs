//! Hooks: what of the bot's own life plugins can hear of, what they tell each other, and who hears it.
//!
//! A gateway event is what Discord sends; a hook's event is what the host or a plugin emits. Its payload travels as JSON in
//! the tail of an envelope, written by whoever emits it and read only by whoever hears it.

mod events;

use serde::{Deserialize, Serialize};

pub use events::{
    BeforeCommand, BotReady, CommandError, CommandExecuted, CommandKind, ExtensionLoaded, ExtensionRefused,
    ExtensionReloaded, ExtensionUnloaded, GuildJoined, GuildLeft, GuildSummary, HookEvent, NAMES, Shutdown,
};

/// The longest name of an event of a plugin's own, in characters.
pub const MAX_EVENT_NAME: usize = 64;
/// The largest payload of an event, in bytes of JSON.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// A callback that a plugin declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookSubscription {
    /// The event: one of [`NAMES`], or `PLUGIN.name`.
    pub event: String,
    /// The callback's name: with the plugin's in front, `PLUGIN.function`, it is known for good.
    pub function: String,
    /// Those of higher priority run first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// Run one callback: the head of a [`HOOK`](crate::kind::HOOK).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRun {
    /// The event's name.
    pub event: String,
    /// The callback, as declared; empty for one that was registered.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    /// The number of a callback that was registered while running, as the plugin chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<u64>,
    /// How long it may take, in milliseconds: then the plugin cuts it off, and has failed.
    #[serde(default)]
    pub limit_ms: u64,
}

/// Tell everybody who listens: the head of an [`EMIT`](crate::kind::EMIT).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emit {
    /// The event's name without the plugin's, which the host puts in front.
    pub name: String,
    /// The id of the [`HOOK`](crate::kind::HOOK) in which it is emitted, if any: so that callbacks that set each other off
    /// come to an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<u64>,
}

/// Listen from now on: the head of a [`HOOK_REGISTER`](crate::kind::HOOK_REGISTER).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRegistration {
    /// The event.
    pub event: String,
    /// Its number among those of this generation, as the plugin chooses it.
    pub registration: u64,
    /// Those of higher priority run first.
    #[serde(default)]
    pub priority: i32,
}

/// The answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRegistered {
    /// By what the callback is known: `PLUGIN.on_EVENT`.
    pub id: String,
}

/// Listen no more: the head of a [`HOOK_UNREGISTER`](crate::kind::HOOK_UNREGISTER).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookUnregister {
    /// Its number.
    pub registration: u64,
}

/// The answer to the call `hooks.list`: every callback of the plugins that run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookList {
    /// The callbacks: by event, in the order in which they run.
    #[serde(default)]
    pub hooks: Vec<Hook>,
    /// How many events were emitted since the start that somebody listened to.
    #[serde(default)]
    pub emitted: u64,
    /// How many were dropped, since too many were under way.
    #[serde(default)]
    pub dropped: u64,
}

/// A callback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// By what it is known: `PLUGIN.function`.
    pub id: String,
    /// Whose it is.
    pub plugin: String,
    /// What it listens to.
    pub event: String,
    /// Those of higher priority run first.
    #[serde(default)]
    pub priority: i32,
    /// Whether it was registered while the plugin ran, and not declared.
    #[serde(default)]
    pub registered: bool,
    /// Whether the owner has switched it off.
    #[serde(default)]
    pub off: bool,
    /// Whether it is left out after failures.
    #[serde(default)]
    pub breaker: BreakerState,
    /// How often it has failed in the last 300 s.
    #[serde(default)]
    pub failures: u32,
    /// How often it has run since the bot's start.
    #[serde(default)]
    pub runs: u64,
    /// How often it was left out, since too many of its runs were under way.
    #[serde(default)]
    pub dropped: u64,
}

/// Whether a callback that fails is left out for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It runs.
    #[default]
    Closed,
    /// It is left out for so many seconds more.
    Open(u64),
    /// The next run is a trial, or one is under way: with its success it runs again.
    Trial,
    /// Something that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// The answer to the call `hooks.history`: the last runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookHistory {
    /// The runs, newest first.
    #[serde(default)]
    pub runs: Vec<PastRun>,
}

/// A run of a callback that has come to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    /// When it began, in milliseconds since 1970.
    pub at_ms: u64,
    /// The event.
    pub event: String,
    /// The callback, `PLUGIN.function`.
    pub callback: String,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// Why it failed; `None` if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Of `before_command`: with which text it refused the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veto: Option<String>,
}

/// Whether an event of a plugin's own can be called so: 1 to [`MAX_EVENT_NAME`] of a-z, 0-9, _ and -.
#[must_use]
pub fn is_event_name(name: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=MAX_EVENT_NAME).contains(&name.len()) && name.bytes().all(fits)
}

/// Whether there can be an event of this name: one of the host's, or `PLUGIN.name`.
///
/// # Errors
///
/// Why not, and what would be right.
pub fn check_event(event: &str) -> Result<(), String> {
    let Some((plugin, name)) = event.split_once('.') else {
        if NAMES.contains(&event) {
            return Ok(());
        }
        return Err(format!(
            "`{event}` is no event of the bot: {} are; those of plugins are called `PLUGIN.name`",
            NAMES.join(", ")
        ));
    };
    if plugin.parse::<crate::PluginName>().is_err() {
        return Err(format!(
            "`{event}`: `{plugin}` can be no plugin's name, which has 1 to 32 of a-z, 0-9, _ and -"
        ));
    }
    if !is_event_name(name) {
        return Err(format!(
            "`{event}`: `{name}` can be no event's name, which has 1 to {MAX_EVENT_NAME} of a-z, 0-9, _ and -"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_of_the_hosts_or_a_plugins() {
        for right in ["bot_ready", "before_command", "levels.levelled_up", "a-b.c-1"] {
            assert_eq!(check_event(right), Ok(()));
        }
        let long = format!("levels.{}", "x".repeat(MAX_EVENT_NAME + 1));
        for (wrong, says) in [
            ("bot_redy", "is no event of the bot: bot_ready"),
            ("", "is no event of the bot"),
            ("Levels.up", "can be no plugin's name"),
            (".up", "can be no plugin's name"),
            ("levels.", "can be no event's name"),
            ("levels.up.more", "can be no event's name"),
            ("levels.Up", "can be no event's name"),
            (&long, "can be no event's name"),
        ] {
            let why = check_event(wrong).expect_err(wrong);
            assert!(why.contains(says), "{wrong}: {why}");
        }
    }

    #[test]
    fn breakers_are_told_as_words_and_seconds() {
        let told = serde_json::to_string(&BreakerState::Open(7)).expect("json");
        assert_eq!(told, r#"{"open":7}"#);
        let unknown: BreakerState = serde_json::from_str("\"melted\"").expect("a state");
        assert_eq!(unknown, BreakerState::Unknown);
    }
}
