//! What a plugin offers: the answer of its `describe`, asked once in a throw-away process before it is ever started.
//!
//! Data only: whether Discord would take it is judged by the macros, and by the host again when it plans.

use std::{collections::BTreeMap, ops::Not};

use serde::{Deserialize, Serialize};

use crate::{
    Concurrency, Contexts, CooldownRule, Defer, EventQueue, EventSubscription, Menu, Permissions, ServiceDescription,
    TimerFunction, hooks::HookSubscription, server_settings::SettingsSchema,
};

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
    /// The callbacks of hooks that it declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookSubscription>,
    /// How much of its events waits while it is slow.
    #[serde(default, skip_serializing_if = "EventQueue::is_default")]
    pub event_queue: EventQueue,
    /// Whether it says of each event that waits for something that it has [begun](crate::kind::BEGUN): it was built with a
    /// plugin-api that does. Of others, only the end of an event is known.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub tells_begun: bool,
    /// The version of the state that it hands to a next generation; `None` if it hands over nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_version: Option<u32>,
    /// The steps that make its database what it expects, oldest first. Those that were made are remembered by their
    /// number in this list: what is there is never changed, only added to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<Migration>,
    /// What servers can set for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsSchema>,
    /// What it does for other plugins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceDescription>,
    /// Its functions that run by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<TimerFunction>,
    /// Whether it can be asked to erase what it keeps of somebody.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub erase: bool,
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
    /// Its name, or the last word of it, in other languages, by Discord's codes of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub name_localizations: BTreeMap<String, String>,
    /// Its description in other languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub description_localizations: BTreeMap<String, String>,
}

/// A command (<https://discord.com/developers/docs/interactions/application-commands>).
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
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
    /// The context menus that it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub menus: Vec<Menu>,
    /// Other names, by prefix only.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its arguments, in order.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// Whether only the bot's owners may use it.
    #[serde(default)]
    pub owner_only: bool,
    /// Whether, besides them, only the server's owner may use it.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub guild_owner_only: bool,
    /// Under which heading help lists it, 1 to 100 characters; `None` for the plugin's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whether help leaves it out.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub hidden: bool,
    /// What a user must be permitted in the channel to use it.
    #[serde(default, skip_serializing_if = "is_none")]
    pub requires: Permissions,
    /// What the bot must be permitted in the channel for it to work.
    #[serde(default, skip_serializing_if = "is_none")]
    pub bot_requires: Permissions,
    /// Whether Discord shows it to everybody though it `requires` something, so that rules of a server can allow it.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub open: bool,
    /// Where it can be used.
    #[serde(default, skip_serializing_if = "Contexts::is_everywhere")]
    pub contexts: Contexts,
    /// Whether it can be used in age-restricted channels only.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub nsfw: bool,
    /// How often it may be used.
    #[serde(default, skip_serializing_if = "CooldownRule::is_default")]
    pub cooldown: CooldownRule,
    /// How many of it may run at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<Concurrency>,
    /// How its interaction is deferred while it takes its time.
    #[serde(default, skip_serializing_if = "Defer::is_public")]
    pub defer: Defer,
    /// How it is used, for its card in help: without prefix, `ban @Bob spam`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// Of the commands for which there is no room as slash commands, those of lower priority are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slash_priority: i32,
    /// Whether the message by which it was asked for is deleted.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub delete_invocation: bool,
    /// Whether the bot shows that it is typing as soon as it was asked for by message.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub typing: bool,
    /// Its name, or the last word of it, in other languages, by Discord's codes of them
    /// (<https://discord.com/developers/docs/reference#locales>).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub name_localizations: BTreeMap<String, String>,
    /// Its description in other languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub description_localizations: BTreeMap<String, String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(permissions: &Permissions) -> bool {
    permissions.is_empty()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &i32) -> bool {
    *number == 0
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
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
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
    /// Takes all words there are; by slash, the words of one text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub variadic: bool,
    /// By prefix: given by its name, `--silent` or `--days 7`, anywhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flag: bool,
    /// What it is when it is not given, for usage lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The least value of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The greatest value of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// How many characters a text has at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u16>,
    /// How many characters a text has at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u16>,
    /// Discord's numbers of the types that a channel may have; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channel_types: Vec<u8>,
    /// What a text may be; empty for anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Whether the plugin suggests what a text or number may be while it is being typed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub autocomplete: bool,
    /// The zone in which a date is meant, by its name in the IANA's database, or [`SERVER_ZONE`]; else UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What it wants, as the object of a sentence, if the kind doesn't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<String>,
    /// What [`AnyOf`](ArgumentKind::AnyOf) is tried as, in order; names and descriptions are not looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Self>,
    /// Its name in other languages, by Discord's codes of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub name_localizations: BTreeMap<String, String>,
    /// Its description in other languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub description_localizations: BTreeMap<String, String>,
}

/// As an argument's zone: the one that the server has set, by `config timezone`; else UTC.
pub const SERVER_ZONE: &str = "server";

/// Something that a text may be (<https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-choice-structure>).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What people see and, by prefix, write: 1 to 100 characters.
    pub name: String,
    /// What the plugin gets: 1 to 100 characters; of a number, its digits.
    pub value: String,
    /// Its name in other languages, by Discord's codes of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub name_localizations: BTreeMap<String, String>,
}

impl<T: Into<String>> From<T> for Choice {
    /// A choice whose value is its name.
    fn from(name: T) -> Self {
        let name = name.into();
        Self {
            value: name.clone(),
            name,
            name_localizations: BTreeMap::new(),
        }
    }
}

impl Argument {
    /// Whether Discord has no type of option for it: by slash it is a text, read as a word by prefix is.
    #[must_use]
    pub fn travels_as_text(&self) -> bool {
        self.variadic
            || matches!(
                self.kind,
                ArgumentKind::Message
                    | ArgumentKind::Emoji
                    | ArgumentKind::Colour
                    | ArgumentKind::Duration
                    | ArgumentKind::Date
                    | ArgumentKind::CodeBlock
                    | ArgumentKind::AnyOf
            )
    }
}

/// What an argument is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentKind {
    /// Text.
    #[default]
    String,
    /// A whole number; by slash between -(2^53 - 1) and 2^53 - 1.
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
    /// A user or a role.
    Mentionable,
    /// A file; by prefix the message's next one.
    Attachment,
    /// A message of the server, by its link or id.
    Message,
    /// An emoji, of Unicode or of a server.
    Emoji,
    /// A colour.
    Colour,
    /// A length of time.
    Duration,
    /// A point in time.
    Date,
    /// Code, in a block or as it is.
    CodeBlock,
    /// The first of several kinds that fits.
    AnyOf,
    /// A kind that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// A handler of buttons and selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The handler's name, by which custom ids find it.
    pub name: String,
    /// The command of this plugin, by its full name, whose policy holds for its controls, with a server's rules and
    /// switches for it; all but how often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What a user must be permitted in the channel to use its controls, besides.
    #[serde(default, skip_serializing_if = "is_none")]
    pub requires: Permissions,
    /// What the bot must be permitted there, besides.
    #[serde(default, skip_serializing_if = "is_none")]
    pub bot_requires: Permissions,
    /// Whether only the bot's owners may use its controls.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub owner_only: bool,
    /// How a click is acknowledged whose handler has not answered after 2 s: all but [`Defer::Never`] promise a change of
    /// the message that the control is on.
    #[serde(default, skip_serializing_if = "Defer::is_public")]
    pub defer: Defer,
}

impl Component {
    /// Whether it is one that plugin-api itself brings along: no function can be called so.
    #[must_use]
    pub fn is_of_the_runtime(&self) -> bool {
        self.name.starts_with("plugin_api.")
    }
}
