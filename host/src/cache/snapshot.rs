//! The cache as it is written beside the gateway's session: lists instead of objects, to be small and quick.
//!
//! It is a type of its own, so that the model in memory can change its shape without changing what is on disk.

use plugin_protocol::{ApplicationId, ChannelId, GuildId, RoleId, User, UserId};
use serde::{Deserialize, Serialize};

use crate::permits::Overwrite;

use super::model::{ChannelEntry, GuildEntry, RoleEntry, World};

/// Everything that a cache holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CacheSnapshot {
    user: Option<User>,
    application_id: Option<ApplicationId>,
    guilds: Vec<GuildRow>,
}

/// A snapshot of an older host has shorter rows, so that it can't be read: it doesn't tell who may what.
type ChannelRow = (ChannelId, u8, Option<ChannelId>, String, bool, Vec<(u64, u8, u64, u64)>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct GuildRow {
    id: GuildId,
    name: String,
    owner_id: Option<UserId>,
    members: u64,
    unavailable: bool,
    own_roles: Vec<RoleId>,
    channels: Vec<ChannelRow>,
    roles: Vec<(RoleId, u64, i32, String)>,
}

impl CacheSnapshot {
    pub(super) fn of(world: &World) -> Self {
        let guilds = world.guilds.iter().map(|(id, guild)| GuildRow {
            id: *id,
            name: guild.name.to_string(),
            owner_id: guild.owner_id,
            members: guild.member_count,
            unavailable: guild.unavailable,
            own_roles: guild.own_roles.to_vec(),
            channels: guild
                .channels
                .iter()
                .map(|channel| {
                    (
                        channel.id,
                        channel.kind,
                        channel.parent_id,
                        channel.name.to_string(),
                        channel.nsfw,
                        channel.overwrites.iter().map(|overwrite| overwrite.parts()).collect(),
                    )
                })
                .collect(),
            roles: guild
                .roles
                .iter()
                .map(|role| (role.id, role.permissions, role.position, role.name.to_string()))
                .collect(),
        });
        Self {
            user: world.user.clone(),
            application_id: world.application_id,
            guilds: guilds.collect(),
        }
    }

    pub(super) fn into_world(self) -> World {
        let mut world = World {
            user: self.user,
            application_id: self.application_id,
            ..World::default()
        };
        for row in self.guilds {
            let channels = row
                .channels
                .into_iter()
                .map(|(id, kind, parent_id, name, nsfw, overwrites)| ChannelEntry {
                    id,
                    parent_id,
                    name: name.into(),
                    kind,
                    nsfw,
                    overwrites: overwrites
                        .into_iter()
                        .map(|(id, kind, allow, deny)| Overwrite::new(id, kind, allow, deny))
                        .collect(),
                });
            let roles = row
                .roles
                .into_iter()
                .map(|(id, permissions, position, name)| RoleEntry {
                    id,
                    permissions,
                    position,
                    name: name.into(),
                });
            let guild = GuildEntry {
                name: row.name.into(),
                owner_id: row.owner_id,
                member_count: row.members,
                unavailable: row.unavailable,
                own_roles: row.own_roles.into(),
                channels: channels.collect(),
                roles: roles.collect(),
            };
            world.put_guild(row.id, guild);
        }
        world
    }
}
