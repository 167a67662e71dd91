//! The heads of what a plugin asks of the host, of the answers, and of its log records.
//!
//! They say what can be written, not what is granted: that is the host's to decide for every single request.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ChannelId, Level, MessageId, upload::FilePart};

/// Answer an invocation: the host knows by which door it came and what has been answered already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Respond {
    /// The id of the [`INVOKE`](crate::kind::INVOKE).
    pub invocation: u64,
    /// What to do.
    pub action: Action,
    /// Only the asker sees it: by slash and component; by prefix it is an ordinary reply.
    #[serde(default)]
    pub ephemeral: bool,
    /// For [`Action::Edit`] and [`Action::Delete`]: which of the answers; absent for the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The files in the tail, behind the message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FilePart>,
    /// What becomes of the message later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
    /// The answer names the message, also where Discord doesn't by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_message: bool,
    /// A mention of everyone notifies, if the asker may do that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ping_everyone: bool,
}

impl Respond {
    /// The action, with nothing else said.
    #[must_use]
    pub const fn new(invocation: u64, action: Action) -> Self {
        Self {
            invocation,
            action,
            ephemeral: false,
            message_id: None,
            files: Vec::new(),
            later: None,
            wants_message: false,
            ping_everyone: false,
        }
    }
}

/// What becomes of a message by itself: kept by the host, over reloads of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// What.
    pub action: LaterAction,
    /// After so many milliseconds; a click on the message begins them anew.
    pub after_ms: u64,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaterAction {
    /// It is deleted.
    Delete,
    /// Its controls are disabled.
    Disable,
    /// Something that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// The arguments of the call `messages.later`: what becomes of a message that a plugin sent into a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterMessage {
    /// The channel.
    pub channel_id: ChannelId,
    /// The message.
    pub message_id: MessageId,
    /// What becomes of it.
    pub later: Later,
    /// Its components, as they were sent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub components: Value,
}

/// What to do for an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send the tail as an answer: the first one is the reply, further ones are follow-ups.
    Reply,
    /// Change an answer to the tail.
    Edit,
    /// Delete an answer.
    Delete,
    /// Say that an answer will come: by prefix, show typing.
    Defer,
    /// Change the message that the used control is on to the tail (components only).
    UpdateMessage,
    /// Open the form in the tail: a modal of Discord's, as the data of a callback. Only as the first answer to a slash
    /// command, a context menu or a control.
    OpenModal,
    /// An action that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// The invocation was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responded {
    /// The message, where Discord told its id: not for the first answer to an interaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The channel it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
}

/// A REST call, as Discord documents it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// The path behind the version, with its query: `/channels/1/messages?limit=5`.
    pub path: String,
    /// The reason for the server's audit log, up to 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The body's type if it isn't JSON: `multipart/form-data; boundary=...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The id of the [`INVOKE`](crate::kind::INVOKE) in which it is asked, if any: for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<u64>,
}

/// Discord's answer; its body is the tail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestAnswer {
    /// The HTTP status.
    pub status: u16,
}

/// Something asked of the host itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What, such as `plugins.reload`.
    pub name: String,
    /// With what.
    #[serde(default)]
    pub arguments: Value,
    /// The id of the [`INVOKE`](crate::kind::INVOKE) in which it is asked, if any: who asked decides what is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<u64>,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of failure.
    pub code: ProblemCode,
    /// What happened and what to do, for the plugin's author or the owner.
    pub message: String,
}

impl Problem {
    /// A problem with its text.
    pub fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// What kind of failure a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The other side doesn't know this kind, action or call.
    NotSupported,
    /// The request itself is wrong.
    Invalid,
    /// This plugin may not ask that.
    NotGranted,
    /// Too much is under way: try again later.
    Busy,
    /// The receiver is ending or has ended.
    Closed,
    /// It took too long.
    TimedOut,
    /// What it is about does not exist (any more).
    NotFound,
    /// It contradicts what is there, such as a second row with a unique value.
    Conflict,
    /// It was tried and did not work.
    Failed,
    /// A code that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// A log record of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// How important.
    #[serde(default)]
    pub level: Level,
    /// The module that logged.
    #[serde(default)]
    pub target: String,
    /// The text.
    #[serde(default)]
    pub message: String,
    /// The record's further fields.
    #[serde(default)]
    pub fields: BTreeMap<String, Value>,
    /// The source file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The id of the [`INVOKE`](crate::kind::INVOKE) in whose handler, or in a task of it, it was logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<u64>,
    /// Discord's name of the event in whose handler, or in a task of it, it was logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The names of the spans it was logged in, outermost first; their fields are among `fields`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<String>,
}

/// The arguments of the call `controls.keep`: a control's state that doesn't fit into its custom id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepControlState {
    /// The state as JSON, of at most [`MAX_KEPT_STATE`](crate::custom_id::MAX_KEPT_STATE) bytes.
    pub state: String,
    /// Until when it is needed, in seconds since 1970; for long, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u32>,
}

/// The answer to the call `controls.keep`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptControlState {
    /// What goes into the custom id instead.
    pub key: [u8; crate::custom_id::KEPT_KEY],
}
