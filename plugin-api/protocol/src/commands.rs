//! What the host tells of commands: the answer to the call `commands.list`.
//!
//! Every plugin may ask. It is made for whoever asks, in the place where it is asked: an invocation's asker, server and
//! channel. Asked outside of any invocation, it tells what a stranger may use in direct messages.

use serde::{Deserialize, Serialize};

/// The answer to `commands.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandList {
    /// What commands by message begin with here.
    #[serde(default)]
    pub prefix: String,
    /// Whether a mention of the bot does, too.
    #[serde(default)]
    pub mention: bool,
    /// Whether the bot reads messages that neither mention it nor are written to it directly.
    #[serde(default)]
    pub reads_messages: bool,
    /// The commands, in order of their names.
    #[serde(default)]
    pub commands: Vec<ListedCommand>,
}

/// A command as help shows it.
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedCommand {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// Whose it is.
    #[serde(default)]
    pub plugin: String,
    /// Under which category it is shown.
    #[serde(default)]
    pub category: String,
    /// Whether it can be written here.
    #[serde(default)]
    pub prefix: bool,
    /// Whether it is a slash command here.
    #[serde(default)]
    pub slash: bool,
    /// Why it is no slash command, although its author made it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_only: Option<String>,
    /// Discord's id of the slash command, for `</name:id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slash_id: Option<String>,
    /// Its names in the context menus of people here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_menus: Vec<String>,
    /// Its names in the context menus of messages here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message_menus: Vec<String>,
    /// How it is written, with the prefix.
    #[serde(default)]
    pub usage: String,
    /// Other names, by prefix only.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its arguments, in order.
    #[serde(default)]
    pub arguments: Vec<ListedArgument>,
    /// How often it may be used, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<String>,
    /// Who may use it here, in words; absent for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// How it is used, without the prefix.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Whether only the bot's owners may use it.
    #[serde(default)]
    pub owner_only: bool,
    /// Whether its author keeps it out of lists.
    #[serde(default)]
    pub hidden: bool,
    /// Whether the asker may use it here.
    #[serde(default)]
    pub may_run: bool,
}

/// An argument as help shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedArgument {
    /// Its name.
    pub name: String,
    /// What it means.
    #[serde(default)]
    pub description: String,
    /// What it wants, as the object of a sentence.
    #[serde(default)]
    pub wants: String,
    /// Whether the command can't run without it.
    #[serde(default)]
    pub required: bool,
}

/// The answer to `commands.why`: whether somebody may use a command, and what every check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The command.
    #[serde(default)]
    pub command: String,
    /// Whether they may.
    #[serde(default)]
    pub may_run: bool,
    /// What they would be told, if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// The checks, in order, up to the one that refuses.
    #[serde(default)]
    pub steps: Vec<WhyStep>,
    /// How it stands as a slash command, in words.
    #[serde(default)]
    pub slash: String,
}

/// A check and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyStep {
    /// The check.
    #[serde(default)]
    pub check: String,
    /// How it ended; absent if it had nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// What it found.
    #[serde(default)]
    pub text: String,
}

/// The answer to `rules.show`, and to whatever changes a server's rules: what holds then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRuleList {
    /// The rules, a line each.
    #[serde(default)]
    pub rules: Vec<String>,
    /// The plugins that are switched off.
    #[serde(default)]
    pub plugins_off: Vec<String>,
    /// The commands that are switched off.
    #[serde(default)]
    pub commands_off: Vec<String>,
    /// What has been done, in a sentence; absent if nothing was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// What stands against its having the effect that is wished for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Its time zone; absent for UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// After what times it has messages of commands deleted, a sentence each.
    #[serde(default)]
    pub deletions: Vec<String>,
    /// What commands by message begin with there.
    #[serde(default)]
    pub prefix: String,
    /// Whether a mention of the bot does, too.
    #[serde(default)]
    pub mention: bool,
}
