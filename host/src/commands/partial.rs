//! Members as Discord puts them beside a user: without the user, without the server.
//!
//! One definition for messages, mentions, interactions and what interactions resolve.

use plugin_protocol::{GuildId, Member, RoleId, User};
use serde::Deserialize;

/// A member object of which anything may be missing.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PartialMember {
    #[serde(default)]
    pub(super) user: Option<User>,
    #[serde(default)]
    nick: Option<String>,
    #[serde(default)]
    roles: Vec<RoleId>,
    #[serde(default)]
    joined_at: Option<String>,
    #[serde(default)]
    permissions: Option<String>,
}

impl PartialMember {
    /// The whole member, with what stands around it in the payload.
    pub(super) fn complete(self, user: User, guild_id: GuildId) -> Member {
        Member {
            user,
            guild_id,
            nick: self.nick,
            roles: self.roles,
            joined_at: self.joined_at,
            permissions: self.permissions,
        }
    }
}
