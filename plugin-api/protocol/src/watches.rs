//! The heads of waiting: what a function of a plugin waits for that people do, and what they did.
//!
//! The plugin chooses a watch's number, so that what happens right after its registration finds it. Only what somebody
//! waits for is forwarded.

use serde::{Deserialize, Serialize};

use crate::{Attachment, ChannelId, Emoji, GuildId, Member, MessageId, StopReason, User, UserId};

/// The longest time that a function may wait for something, in milliseconds: 15 minutes, as long as Discord lets an
/// interaction be answered
/// (<https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages>).
pub const LONGEST_WATCH_MS: u64 = 15 * 60 * 1000;

/// A function of a plugin waits: the head of a [`WATCH`](crate::kind::WATCH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The plugin's number of it, which no other watch of its generation has.
    pub id: u64,
    /// For what.
    pub wanted: Watched,
    /// Where it has to happen.
    pub channel_id: ChannelId,
    /// Who has to do it; anybody, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Whether bots and webhooks count, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bots: bool,
    /// How long, in milliseconds; at most [`LONGEST_WATCH_MS`].
    pub limit_ms: u64,
    /// The id of the [`INVOKE`](crate::kind::INVOKE) whose function waits, if any: that time doesn't count as its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<u64>,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// A message.
    Message,
    /// A reaction.
    Reaction,
    /// A click, which comes as any other: the host only has to know that it is waited for.
    Click,
    /// Something that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// The watch is registered: what happens from now on is forwarded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watching {
    /// How long the invocation in which it waits can be answered, in milliseconds; absent where there is no end to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answerable_ms: Option<u64>,
}

/// Nobody waits any more: the head of an [`UNWATCH`](crate::kind::UNWATCH), and of a
/// [`WATCH_ENDED`](crate::kind::WATCH_ENDED).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwatch {
    /// The watch's number.
    pub id: u64,
}

/// Something happened that is waited for: the head of an [`OCCURRED`](crate::kind::OCCURRED).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The watch's number.
    pub watch: u64,
    /// What.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// A message was sent.
    Message(Box<ReceivedMessage>),
    /// A reaction was put on a message.
    Reaction(Box<ReceivedReaction>),
}

/// A message that somebody sent (<https://discord.com/developers/docs/resources/message#message-object>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedMessage {
    /// The message's id.
    pub id: MessageId,
    /// The channel it is in.
    pub channel_id: ChannelId,
    /// The server; absent in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// Who wrote it.
    pub author: User,
    /// Who wrote it, as a member of the server; absent in direct messages and for webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Member>,
    /// The text. Empty for what has none, and where Discord doesn't let the bot read it: without the `MESSAGE_CONTENT`
    /// intent it only sends the text of direct messages and of messages that mention the bot.
    #[serde(default)]
    pub content: String,
    /// The files, which Discord leaves out where it leaves the text out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The message that it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replies_to: Option<MessageId>,
}

/// A reaction that somebody put on a message
/// (<https://discord.com/developers/docs/events/gateway-events#message-reaction-add>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedReaction {
    /// Who reacted.
    pub user_id: UserId,
    /// Who reacted, as a member of the server; absent in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Member>,
    /// The server; absent in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// The channel.
    pub channel_id: ChannelId,
    /// The message.
    pub message_id: MessageId,
    /// With what.
    pub emoji: Emoji,
}

/// A generation is about to end, and gets nothing new: the head of a [`DRAIN`](crate::kind::DRAIN).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Why.
    #[serde(default)]
    pub why: StopReason,
}
