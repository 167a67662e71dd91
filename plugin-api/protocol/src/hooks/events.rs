//! The events that the host emits: their names, and what each of them tells.
//!
//! Fields are only ever added, each with a default, so that older plugins read what newer hosts tell.

use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{ChannelId, GuildId, User, UserId};

/// An event of the host's own, by its type.
pub trait HookEvent: Serialize + DeserializeOwned + 'static {
    /// Its name.
    const NAME: &'static str;
    /// Its place among [`NAMES`].
    const NUMBER: u32;
}

macro_rules! events {
    ($($number:literal $name:literal $type:ident,)*) => {
        $(
            impl HookEvent for $type {
                const NAME: &'static str = $name;
                const NUMBER: u32 = $number;
            }
        )*

        /// The names of all events of the host's own.
        pub const NAMES: &[&str] = &[$($name),*];

        #[cfg(test)]
        const NUMBERS: &[u32] = &[$($number),*];
    };
}

events! {
    0 "bot_ready" BotReady,
    1 "guild_joined" GuildJoined,
    2 "guild_left" GuildLeft,
    3 "command_executed" CommandExecuted,
    4 "command_error" CommandError,
    5 "extension_loaded" ExtensionLoaded,
    6 "extension_unloaded" ExtensionUnloaded,
    7 "extension_reloaded" ExtensionReloaded,
    8 "extension_refused" ExtensionRefused,
    9 "before_command" BeforeCommand,
    10 "shutdown" Shutdown,
}

/// `bot_ready`: all shards have a session, and the servers that Discord announced have come, or 5 s have passed. Emitted
/// once a start, not when a session is resumed or begun anew; a plugin that is loaded later does not hear it: what
/// each generation has to do first belongs into its `#[start]` function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotReady {
    /// The bot's user.
    pub bot_user: User,
    /// In how many servers it is.
    #[serde(default)]
    pub guilds: u64,
    /// How many shards it has.
    #[serde(default)]
    pub shards: u32,
}

/// A server in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildSummary {
    /// Its id.
    pub id: GuildId,
    /// Its name; empty where Discord has not told it.
    #[serde(default)]
    pub name: String,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// How many members it has.
    #[serde(default)]
    pub member_count: u64,
}

/// `guild_joined`: somebody has added the bot to a server. Not emitted for those that Discord sends at the start, or after
/// an outage of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildJoined {
    /// The server.
    pub guild: GuildSummary,
}

/// `guild_left`: the bot was removed from a server, or the server was deleted. Not emitted for an outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildLeft {
    /// The server, as it was known last.
    pub guild: GuildSummary,
}

/// By which way a command was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandKind {
    /// A message with the prefix or a mention of the bot.
    Prefix,
    /// A slash command.
    Slash,
    /// An entry of the context menu of a person.
    UserMenu,
    /// An entry of the context menu of a message.
    MessageMenu,
    /// A way that this side doesn't know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// `command_executed`: a command has run to its end. Refusals, failures and cut-off ones are none; neither are buttons,
/// selects and forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandExecuted {
    /// Its name, with the words of its groups.
    pub command_name: String,
    /// Whose it is.
    #[serde(default)]
    pub plugin: String,
    /// Who has used it.
    pub author: User,
    /// In which server; `None` in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// In which channel.
    pub channel_id: ChannelId,
    /// By which way.
    #[serde(default)]
    pub kind: CommandKind,
    /// From its arrival to its end, in microseconds.
    #[serde(default)]
    pub took_us: u64,
}

impl CommandExecuted {
    /// From its arrival to its end.
    #[must_use]
    pub const fn took(&self) -> Duration {
        Duration::from_micros(self.took_us)
    }
}

/// `command_error`: a command has failed or panicked. Buttons, selects and forms are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandError {
    /// Its name, with the words of its groups.
    pub command_name: String,
    /// Whose it is.
    #[serde(default)]
    pub plugin: String,
    /// What went wrong: the error with its causes, or the panic's text.
    pub error: String,
    /// Whether it panicked.
    #[serde(default)]
    pub panicked: bool,
    /// The code that the asker was given; `errors CODE` shows the whole story.
    #[serde(default)]
    pub code: String,
    /// Who has used it.
    pub author: User,
    /// In which server; `None` in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// In which channel.
    pub channel_id: ChannelId,
    /// By which way.
    #[serde(default)]
    pub kind: CommandKind,
}

/// `extension_loaded`: a plugin serves that did not. It hears of itself, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionLoaded {
    /// The plugin's name.
    pub extension_name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The number of the generation that serves now.
    #[serde(default)]
    pub generation: u32,
}

/// `extension_unloaded`: a plugin serves no more: it was unloaded, its file taken away, or its thread has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionUnloaded {
    /// The plugin's name.
    pub extension_name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The number of the generation that served last.
    #[serde(default)]
    pub generation: u32,
}

/// `extension_reloaded`: another generation of a plugin serves, in the place of the one before: of a newer version, of the
/// same, or of the older one again, where the newer did not start. It hears of itself, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionReloaded {
    /// The plugin's name.
    pub extension_name: String,
    /// The version that serves now.
    #[serde(default)]
    pub version: String,
    /// The number of the generation that serves now.
    #[serde(default)]
    pub generation: u32,
    /// The version that served before.
    #[serde(default)]
    pub previous_version: String,
    /// The number of the generation that served before.
    #[serde(default)]
    pub previous_generation: u32,
}

/// `extension_refused`: a plugin's file does not run, or does no more. Told again only when the reason is another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionRefused {
    /// The plugin's name, where the file tells it; else the file's.
    pub extension_name: String,
    /// The file's name.
    #[serde(default)]
    pub file: String,
    /// Why, and what to do.
    #[serde(default)]
    pub reason: String,
}

/// `before_command`: somebody who may use a command has done so, and it is about to run. A callback that returns
/// `refuse(text)` keeps it from that: the asker is told the text, and it counts for no cooldown.
///
/// One that fails, or has not answered after a second, refuses nothing; all callbacks together have 1.5 s. It is not asked
/// for the bot's own commands that are its owners' only, and not for `discordbotframework`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeCommand {
    /// Its name, with the words of its groups.
    pub command_name: String,
    /// Whose it is.
    #[serde(default)]
    pub plugin: String,
    /// Who uses it.
    pub author: User,
    /// In which server; `None` in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// In which channel.
    pub channel_id: ChannelId,
    /// By which way.
    #[serde(default)]
    pub kind: CommandKind,
}

/// `shutdown`: the bot is told to stop. Plugins still serve; callbacks are waited for, all together 2 s at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shutdown {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_its_own_number() {
        for (place, number) in NUMBERS.iter().enumerate() {
            assert_eq!(u32::try_from(place), Ok(*number), "{}", NAMES[place]);
        }
        assert_eq!(NAMES[Shutdown::NUMBER as usize], Shutdown::NAME);
    }
}
