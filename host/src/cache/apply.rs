//! Changes made to what is kept. Pure: apart from the reading of payloads, so that each is small.
//!
//! It runs under the cache's write lock, so it must not parse, wait or fail.

use super::{
    model::{GuildEntry, World},
    payloads::Change,
};

/// Makes a change. What it is about may be unknown: events can overtake each other around joins and outages.
pub(super) fn apply(world: &mut World, change: Change) {
    match change {
        Change::Ready {
            user,
            application_id,
            guilds,
            shard: (shard, shards),
        } => {
            // A new session: what this shard's older one told is void. Which shard a server belongs to is in its id:
            // https://discord.com/developers/docs/events/gateway#sharding
            let gone: Vec<_> = world
                .guilds
                .keys()
                .copied()
                .filter(|id| (id.get() >> 22) % shards.max(1) == shard)
                .collect();
            for id in gone {
                world.remove_guild(id);
            }
            world.user = Some(user);
            world.application_id = Some(application_id);
            for id in guilds {
                world.guilds.insert(
                    id,
                    GuildEntry {
                        unavailable: true,
                        ..GuildEntry::default()
                    },
                );
            }
        }
        Change::User(user) => world.user = Some(user),
        Change::Guild(id, guild) => world.put_guild(id, guild),
        Change::GuildUpdated {
            id,
            name,
            owner_id,
            roles,
        } => {
            let Some(guild) = world.guilds.get_mut(&id) else { return };
            if let Some(name) = name {
                guild.name = name;
            }
            guild.owner_id = owner_id.or(guild.owner_id);
            if let Some(roles) = roles {
                guild.roles = roles;
                guild.sort_roles();
            }
        }
        Change::GuildUnavailable(id) => world.guilds.entry(id).or_default().unavailable = true,
        Change::GuildLeft(id) => world.remove_guild(id),
        Change::MemberCount(id, by) => {
            if let Some(guild) = world.guilds.get_mut(&id) {
                guild.member_count = guild.member_count.saturating_add_signed(by);
            }
        }
        Change::OwnRoles(id, roles) => {
            if let Some(guild) = world.guilds.get_mut(&id) {
                guild.own_roles = roles;
            }
        }
        Change::Role(id, role) => {
            if let Some(guild) = world.guilds.get_mut(&id) {
                guild.put_role(role);
            }
        }
        Change::RoleDeleted(id, role) => {
            if let Some(guild) = world.guilds.get_mut(&id) {
                guild.roles.retain(|known| known.id != role);
                guild.own_roles = guild.own_roles.iter().copied().filter(|own| *own != role).collect();
            }
        }
        Change::Channel(id, channel) => world.put_channel(id, channel),
        Change::ChannelDeleted(id, channel) => world.remove_channel(id, channel),
        Change::Threads {
            guild_id,
            below,
            threads,
        } => {
            let Some(guild) = world.guilds.get(&guild_id) else {
                return;
            };
            let is_meant = |parent| match (&below, parent) {
                (None, _) => true,
                (Some(below), Some(parent)) => below.contains(&parent),
                (Some(_), None) => false,
            };
            let gone: Vec<_> = guild
                .channels
                .iter()
                .filter(|channel| channel.is_thread() && is_meant(channel.parent_id))
                .map(|channel| channel.id)
                .collect();
            for id in gone {
                world.remove_channel(guild_id, id);
            }
            for thread in threads {
                world.put_channel(guild_id, thread);
            }
        }
    }
}
