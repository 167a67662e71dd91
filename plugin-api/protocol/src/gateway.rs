//! What plugins send on the gateway, as arguments of the calls `gateway.*`, and what comes back.
//!
//! Names and limits are Discord's: <https://discord.com/developers/docs/events/gateway-events#send-events>.

use serde::{Deserialize, Serialize};

use crate::{ChannelId, GuildId, Member, UserId};

/// The arguments of `gateway.presence`: what the bot shows below its name; absent, what the owner has set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPresence {
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
}

/// What the bot shows below its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The word before the text.
    #[serde(default)]
    pub kind: ActivityKind,
    /// The text, of at most 128 characters, with `{guilds}`, `{users}`, `{commands}`, `{shards}` and `{uptime}` filled in;
    /// none if it is empty.
    #[serde(default)]
    pub text: String,
    /// The address of a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The coloured dot.
    #[serde(default)]
    pub status: OnlineStatus,
}

/// The word before a presence's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// Playing ...
    Playing,
    /// Watching ...
    Watching,
    /// Listening to ...
    Listening,
    /// Competing in ...
    Competing,
    /// Streaming ...
    Streaming,
    /// No word, and whatever this side doesn't know.
    #[default]
    #[serde(other)]
    Custom,
}

/// The coloured dot beside the bot's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnlineStatus {
    /// Yellow.
    Idle,
    /// Red.
    DoNotDisturb,
    /// Grey.
    Invisible,
    /// Green, and whatever this side doesn't know.
    #[default]
    #[serde(other)]
    Online,
}

/// The arguments of `gateway.voice`: which voice channel of a server the bot is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateVoiceState {
    /// The server.
    pub guild_id: GuildId,
    /// The voice channel; none to leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// Whether the bot says nothing.
    #[serde(default)]
    pub self_mute: bool,
    /// Whether the bot hears nothing.
    #[serde(default)]
    pub self_deaf: bool,
}

/// The arguments of `gateway.members`: which members of a server are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestMembers {
    /// The server.
    pub guild_id: GuildId,
    /// Those whose name begins so; all, if it is empty, for which the bot needs the intent `GUILD_MEMBERS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// At most so many of them: 1 to 100 with a query; 0 for all without one.
    #[serde(default)]
    pub limit: u32,
    /// These, 1 to 100, instead of a query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_ids: Vec<UserId>,
    /// How long, in milliseconds, at most; no longer than [`LONGEST_REQUEST_MS`].
    pub limit_ms: u64,
}

/// The longest time for which members are waited for, in milliseconds: 5 minutes.
pub const LONGEST_REQUEST_MS: u64 = 5 * 60 * 1000;

/// The members that were found: the answer to `gateway.members`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundMembers {
    /// The members.
    #[serde(default)]
    pub members: Vec<Member>,
    /// Which of the ids are no members of the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_found: Vec<UserId>,
}
