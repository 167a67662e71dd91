//! What a server can set for a plugin: which settings there are, what each may be, and what it is.
//!
//! A setting is described as an argument of a command is, so that both are read by the same code, with the same limits
//! and texts. Values cross as JSON: ids as texts of digits, lengths of time in milliseconds, lists as arrays, `null` for
//! an `Option` without a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Argument, ArgumentKind, GuildId};

/// The word instead of a value that goes back to the default. No choice can be called so.
pub const RESET: &str = "reset";
/// How many settings a plugin has at most: as many as a select shows
/// (<https://discord.com/developers/docs/components/reference#string-select>).
pub const MAX_SETTINGS: usize = 25;
/// How many values a setting has at most that is a list: as many as a select takes.
pub const MAX_LISTED: usize = 25;
/// How many characters a text has at most, if its setting doesn't say less.
pub const MAX_TEXT: u16 = 1000;

/// How many characters a value has at most as it is written, a list with its quotes: as many as a field of a form takes
/// (<https://discord.com/developers/docs/components/reference#text-input>).
pub const MAX_WRITTEN: usize = 4000;

/// What a server can set for a plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SettingsSchema {
    /// Each of the settings, in the order in which they are shown.
    #[serde(default)]
    pub settings: Vec<Setting>,
}

impl SettingsSchema {
    /// The setting of this name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.value.name == name)
    }
}

/// Something that a server can set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name, its description and what it may be. `required`: it always has a value; `variadic`: it is a list.
    pub value: Argument,
    /// What it is where nothing is set.
    #[serde(default)]
    pub default: Value,
}

impl Setting {
    /// Whether a setting can be of this kind.
    #[must_use]
    pub const fn can_be(kind: ArgumentKind) -> bool {
        matches!(
            kind,
            ArgumentKind::String
                | ArgumentKind::Integer
                | ArgumentKind::Number
                | ArgumentKind::Boolean
                | ArgumentKind::User
                | ArgumentKind::Channel
                | ArgumentKind::Role
                | ArgumentKind::Emoji
                | ArgumentKind::Colour
                | ArgumentKind::Duration
        )
    }
}

/// By the names of settings, what a server has set: only what differs from the default.
pub type SetValues = Map<String, Value>;

/// What servers have set for a plugin: the head of a [`GUILD_SETTINGS`](crate::kind::GUILD_SETTINGS).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuildSettings {
    /// By server, all that it has set; empty for nothing any more. What is not said of a server stays.
    #[serde(default)]
    pub guilds: BTreeMap<GuildId, SetValues>,
    /// Servers that are not among them have set nothing.
    #[serde(default)]
    pub all: bool,
}

/// A server's settings of one plugin: the answer to the calls `settings.show`, `settings.set` and `settings.reset`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerSettings {
    /// The plugin.
    #[serde(default)]
    pub plugin: String,
    /// Its settings, in its order.
    #[serde(default)]
    pub settings: Vec<ServerSetting>,
    /// What is kept of other versions of the plugin: names that it has no setting of now, with their values.
    #[serde(default)]
    pub strays: Vec<(String, String)>,
    /// What was changed, in a sentence.
    #[serde(default)]
    pub done: Option<String>,
}

/// A setting, and what it is in a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerSetting {
    /// The setting.
    pub setting: Setting,
    /// What is in force.
    #[serde(default)]
    pub value: Value,
    /// The same for people, with mentions.
    #[serde(default)]
    pub shown: String,
    /// The same as it can be written into a form.
    #[serde(default)]
    pub written: String,
    /// What it may be, as the object of a sentence.
    #[serde(default)]
    pub wants: String,
    /// Whether the server has set it.
    #[serde(default)]
    pub is_set: bool,
    /// What the server has set though it doesn't fit this version of the plugin: the default is in force instead.
    #[serde(default)]
    pub unfit: Option<String>,
}

/// The plugins that have settings: the answer to the call `settings.plugins`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginsWithSettings {
    /// Each with the number of its settings, and of those that the server has set.
    #[serde(default)]
    pub plugins: Vec<(String, usize, usize)>,
}
