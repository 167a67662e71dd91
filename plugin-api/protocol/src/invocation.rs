//! A command, a click or an event on its way to a plugin, and what became of it.
//!
//! It comes decoded and with its arguments looked up; the gateway's payload travels as the tail, unchanged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Attachment, Channel, ChannelId, Choice, CodeBlock, Emoji, GuildId, InteractionId, Member, MessageId, MessageLink,
    Role, User,
};

/// A command or a click, decoded: the head of an [`INVOKE`](crate::kind::INVOKE).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// The command's name as described, or the component's handler.
    pub name: String,
    /// The door it came by.
    pub door: Door,
    /// Who asked.
    pub author: User,
    /// Who asked, as a member; absent in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Member>,
    /// The server; absent in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// The channel.
    pub channel_id: ChannelId,
    /// By prefix: the message. By component: the message that the control is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// By slash, menu and component: the interaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction_id: Option<InteractionId>,
    /// By slash, menu and component: the asker's language, such as `de` or `en-US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// By prefix: the prefix that was used, so that usage lines can show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The arguments that were given, by name.
    #[serde(default)]
    pub arguments: BTreeMap<String, ArgumentValue>,
    /// By component: the control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click: Option<Click>,
    /// Of a [`SUGGEST`](crate::kind::SUGGEST): what is being typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<Typed>,
}

/// The way by which a command reached the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// A message with the prefix or a mention of the bot.
    Prefix,
    /// A slash command.
    Slash,
    /// An entry of the context menu of a person or a message.
    Menu,
    /// A button or select.
    Component,
    /// A form that was sent.
    Modal,
    /// A door that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// The value of an argument, already looked up and checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentValue {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// A user.
    User(User),
    /// A member of the server.
    Member(Member),
    /// A channel of the server.
    Channel(Channel),
    /// A role of the server.
    Role(Role),
    /// A file.
    Attachment(Attachment),
    /// A message.
    Message(MessageLink),
    /// An emoji.
    Emoji(Emoji),
    /// A colour: red, green and blue in its three bytes.
    Colour(u32),
    /// A length of time in milliseconds.
    Duration(u64),
    /// A point in time in seconds since 1970.
    Date(i64),
    /// Code.
    CodeBlock(CodeBlock),
    /// One of several kinds.
    OneOf {
        /// Which of them, from 0.
        at: u32,
        /// Its value.
        value: Box<Self>,
    },
    /// All words of an argument that takes several.
    List(Vec<Self>),
}

/// An argument that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// The argument's name.
    pub argument: String,
    /// What has been typed so far.
    pub text: String,
    /// What the other arguments are by now, as Discord tells it: texts, numbers, ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, String>,
}

/// Suggestions for an argument that is being typed: the answer to a [`SUGGEST`](crate::kind::SUGGEST).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestions {
    /// The best first; Discord shows at most 25.
    #[serde(default)]
    pub choices: Vec<Choice>,
}

/// A control that somebody used, or a form that was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Click {
    /// The state that the custom id carries: JSON of the handler's state type.
    #[serde(default)]
    pub state: String,
    /// A select's values; empty for a button.
    #[serde(default)]
    pub values: Vec<String>,
    /// What the values of a select of users, roles or channels mean, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<ArgumentValue>,
    /// Of a form that was sent: its fields. Absent for a button or select.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Vec<FormField>>,
}

/// A field of a form, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FormField {
    /// The field's custom id.
    pub name: String,
    /// A text's one value, or what was chosen.
    #[serde(default)]
    pub values: Vec<String>,
    /// What ids among the values mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<ArgumentValue>,
}

/// A gateway event: the head of an [`EVENT`](crate::kind::EVENT).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Discord's name of the event.
    pub name: String,
    /// The shard it came by.
    #[serde(default)]
    pub shard: u32,
    /// Its number in the session; with the session and shard the key of an event that comes twice.
    #[serde(default)]
    pub sequence: u64,
}

/// What became of an invocation or an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    #[serde(default)]
    pub verdict: Verdict,
    /// A refusal's text for the asker; a failure's text for the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The panic, if it ended in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic: Option<PanicReport>,
    /// The code of the incident that it failed for, if that is a service's of another plugin: it is no other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Whether the plugin said no before the command ran (by a check, or its `before`): what the use was counted as is
    /// given back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vetoed: bool,
    /// Whether a refusal is about how it was used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_usage: bool,
    /// Whether nothing in the plugin can answer the invocation any more, so that the host need not remember it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
    /// After how many milliseconds a one-off timer is to run again, since it failed for a reason that may pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It ran to its end.
    #[default]
    Done,
    /// The plugin said no, with a text for the asker: an answer, not an incident.
    Refused,
    /// It returned an error: an incident.
    Failed,
    /// It panicked: an incident.
    Panicked,
    /// It was cut off, since its generation ended.
    Interrupted,
    /// An end that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// A panic, as the plugin's hook saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicReport {
    /// What it said.
    #[serde(default)]
    pub message: String,
    /// File, line and column.
    #[serde(default)]
    pub location: String,
    /// The thread's name.
    #[serde(default)]
    pub thread: String,
    /// The id of the [`INVOKE`](crate::kind::INVOKE) in whose handler, or in a task of it, it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<u64>,
    /// Whether it is no panic at all but an error that the plugin's `after` returned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}
