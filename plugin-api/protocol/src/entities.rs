//! Users, members, channels and roles: the same by every door.
//!
//! Discord gives partial objects that differ between messages, slash options and events; the host fills these from
//! whichever it has. Names of fields are Discord's.

use serde::{Deserialize, Serialize};

use crate::{ChannelId, GuildId, RoleId, UserId};

/// A user or bot (<https://discord.com/developers/docs/resources/user#user-object>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The unique name, up to 32 characters.
    pub username: String,
    /// The name that is shown where the user has no nickname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_name: Option<String>,
    /// The hash of the avatar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Whether this is a bot.
    #[serde(default)]
    pub bot: bool,
}

/// A user as a member of a server (<https://discord.com/developers/docs/resources/guild#guild-member-object>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who it is.
    pub user: User,
    /// The server.
    pub guild_id: GuildId,
    /// The nickname in that server, up to 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    /// The roles, without @everyone.
    #[serde(default)]
    pub roles: Vec<RoleId>,
    /// When the member joined, as an ISO 8601 text; absent for some lurkers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<String>,
    /// Discord's permission bits in the channel of the interaction; absent by prefix and in events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<String>,
}

/// A channel or thread (<https://discord.com/developers/docs/resources/channel#channel-object>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The channel's id.
    pub id: ChannelId,
    /// Discord's number of the channel's type: 0 text, 2 voice, 4 category, 5 announcement, 11 public thread, ...
    #[serde(rename = "type")]
    pub kind: u8,
    /// The name; direct messages have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The server; direct messages have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// The category, or a thread's channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<ChannelId>,
}

/// A role (<https://discord.com/developers/docs/topics/permissions#role-object>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The role's id.
    pub id: RoleId,
    /// The name.
    pub name: String,
    /// The server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// Discord's permission bits, as a decimal text.
    #[serde(default)]
    pub permissions: String,
    /// The place in the hierarchy: higher numbers stand above.
    #[serde(default)]
    pub position: i64,
}
