//! What a plugin offers: the answer of its `describe`, asked once in a throw-away process before it is ever started.
//!
//! Data only: whether Discord would take it is judged by the macros, and by the host again when it plans.

use serde::{Deserialize, Serialize};

/// What a plugin offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The name in the manifest, repeated: a file whose manifest and code disagree is refused.
    #[serde(default)]
    pub name: String,
    /// The version in the manifest, repeated.
    #[serde(default)]
    pub version: String,
    /// Its commands.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// What its groups of commands are for; a group without a description is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// Its handlers of buttons and selects.
    #[serde(default)]
    pub components: Vec<Component>,
    /// The gateway events it handles.
    #[serde(default)]
    pub events: Vec<EventSubscription>,
    /// The version of the state that it hands to a next generation; `None` if it hands over nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_version: Option<u32>,
    /// The steps that make its database what it expects, oldest first. Those that were made are remembered by their
    /// number in this list: what is there is never changed, only added to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<Migration>,
}

/// A step of a plugin's database: made once, in a transaction, while no generation of the plugin serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// What it does, for people: up to 100 characters.
    pub name: String,
    /// The statements.
    pub sql: String,
    /// Whether versions of the plugin that don't know this step work with what it makes.
    #[serde(default)]
    pub backward_compatible: bool,
}

/// A group of commands: the words in front of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// One or two words: `warn`, `config role`.
    pub name: String,
    /// What it is for, 1 to 100 characters.
    #[serde(default)]
    pub description: String,
}

/// A command (<https://discord.com/developers/docs/interactions/application-commands>).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// The name, lower case; words of a group and its subcommand are separated by a space.
    pub name: String,
    /// What it does, 1 to 100 characters: the first paragraph of the function's documentation.
    #[serde(default)]
    pub description: String,
    /// By which doors it can be used.
    #[serde(default)]
    pub doors: Doors,
    /// Other names, by prefix only.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its arguments, in order.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// Whether only the bot's owners may use it.
    #[serde(default)]
    pub owner_only: bool,
}

/// By which doors a command can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doors {
    /// As a message that begins with the prefix.
    #[serde(default)]
    pub prefix: bool,
    /// As a slash command.
    #[serde(default)]
    pub slash: bool,
}

/// An argument of a command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// The name, lower case, 1 to 32 characters.
    pub name: String,
    /// What it means, 1 to 100 characters.
    #[serde(default)]
    pub description: String,
    /// What it is.
    pub kind: ArgumentKind,
    /// Whether the command can't run without it.
    #[serde(default)]
    pub required: bool,
    /// By prefix: takes the rest of the message as it is.
    #[serde(default)]
    pub rest: bool,
    /// The least value of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The greatest value of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentKind {
    /// Text.
    #[default]
    String,
    /// A whole number; by slash between -2^53 and 2^53.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A user, whether in the server or not.
    User,
    /// A member of the server.
    Member,
    /// A channel of the server.
    Channel,
    /// A role of the server.
    Role,
    /// A kind that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// A handler of buttons and selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The handler's name, by which custom ids find it.
    pub name: String,
}

/// A gateway event that the plugin handles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSubscription {
    /// Discord's name of the event, such as `MESSAGE_CREATE`.
    pub name: String,
    /// Only events of servers.
    #[serde(default)]
    pub guild_only: bool,
    /// Not the ones that a bot (this one included) caused, where the event tells.
    #[serde(default)]
    pub ignore_bots: bool,
}
