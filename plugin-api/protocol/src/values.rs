//! Values of arguments that are no users, channels or roles: files, links, emoji, pieces of code.
//!
//! Made by the host from a word or from what an interaction brought along; names of fields are Discord's.

use serde::{Deserialize, Serialize};

use crate::{AttachmentId, ChannelId, EmojiId, GuildId, MessageId};

/// A file of a message or of an interaction (<https://discord.com/developers/docs/resources/message#attachment-object>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The file's id.
    pub id: AttachmentId,
    /// Its name.
    pub filename: String,
    /// Its size in bytes.
    pub size: u64,
    /// Where it can be fetched; those of interactions end to be there after a day.
    pub url: String,
    /// Its media type, such as `image/png`, as Discord guesses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What its author says that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The width of an image or video in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The height of an image or video in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// Where a message is. Whether it (still) exists has not been asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageLink {
    /// The server; absent in direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// The channel.
    pub channel_id: ChannelId,
    /// The message.
    pub message_id: MessageId,
}

/// An emoji: one of Unicode, or one of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emoji {
    /// Of a server's: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<EmojiId>,
    /// Of a server's: its name; else the emoji itself.
    pub name: String,
    /// Of a server's: whether it moves.
    #[serde(default)]
    pub animated: bool,
}

/// A piece of code, without what marks it in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeBlock {
    /// What it says it is written in, lower case: `rust` in a block that begins so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The code.
    pub code: String,
}
