//! What is kept: sorted lists of small records. A thousand servers with a hundred channels and fifty roles each take some
//! ten megabytes; names of up to 24 bytes cost no allocation of their own.

use std::collections::HashMap;

use compact_str::CompactString;
use plugin_protocol::{ApplicationId, Channel, ChannelId, GuildId, Permissions, Role, RoleId, User, UserId};

use crate::permits::{Membership, Overwrite};

/// Everything.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) user: Option<User>,
    pub(super) application_id: Option<ApplicationId>,
    pub(super) guilds: HashMap<GuildId, GuildEntry>,
    /// In which server a channel is.
    pub(super) channels: HashMap<ChannelId, GuildId>,
}

/// A server. Both lists are sorted by id, which is the order in which the entries were made.
#[derive(Debug, Default)]
pub(super) struct GuildEntry {
    pub(super) name: CompactString,
    pub(super) owner_id: Option<UserId>,
    pub(super) member_count: u64,
    pub(super) unavailable: bool,
    pub(super) own_roles: Box<[RoleId]>,
    pub(super) channels: Vec<ChannelEntry>,
    pub(super) roles: Vec<RoleEntry>,
}

/// A channel or active thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChannelEntry {
    pub(super) id: ChannelId,
    pub(super) parent_id: Option<ChannelId>,
    pub(super) name: CompactString,
    pub(super) kind: u8,
    /// Whether it is age-restricted.
    pub(super) nsfw: bool,
    /// Who may what in it; a thread has none of its own.
    pub(super) overwrites: Box<[Overwrite]>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleEntry {
    pub(super) id: RoleId,
    pub(super) permissions: u64,
    pub(super) position: i32,
    pub(super) name: CompactString,
}

impl World {
    /// Puts a channel into its server, over an older one of its id.
    pub(super) fn put_channel(&mut self, guild_id: GuildId, channel: ChannelEntry) {
        let Some(guild) = self.guilds.get_mut(&guild_id) else {
            return;
        };
        self.channels.insert(channel.id, guild_id);
        match guild.channels.binary_search_by_key(&channel.id, |channel| channel.id) {
            Ok(at) => guild.channels[at] = channel,
            Err(at) => guild.channels.insert(at, channel),
        }
    }

    /// Takes a channel away, and the threads below it.
    pub(super) fn remove_channel(&mut self, guild_id: GuildId, id: ChannelId) {
        let Some(guild) = self.guilds.get_mut(&guild_id) else {
            return;
        };
        guild.channels.retain(|channel| {
            let goes = channel.id == id || (channel.is_thread() && channel.parent_id == Some(id));
            if goes {
                self.channels.remove(&channel.id);
            }
            !goes
        });
    }

    /// Takes a server away with all its channels.
    pub(super) fn remove_guild(&mut self, id: GuildId) {
        if let Some(guild) = self.guilds.remove(&id) {
            for channel in &guild.channels {
                self.channels.remove(&channel.id);
            }
        }
    }

    /// Puts a server, over an older one of its id. Its lists need not be sorted.
    pub(super) fn put_guild(&mut self, id: GuildId, mut guild: GuildEntry) {
        self.remove_guild(id);
        guild.channels.sort_unstable_by_key(|channel| channel.id);
        guild.channels.dedup_by_key(|channel| channel.id);
        guild.channels.shrink_to_fit();
        guild.sort_roles();
        self.channels
            .extend(guild.channels.iter().map(|channel| (channel.id, id)));
        self.guilds.insert(id, guild);
    }
}

impl GuildEntry {
    pub(super) fn channel(&self, id: ChannelId) -> Option<&ChannelEntry> {
        let at = self.channels.binary_search_by_key(&id, |channel| channel.id).ok()?;
        self.channels.get(at)
    }

    pub(super) fn role(&self, id: RoleId) -> Option<&RoleEntry> {
        let at = self.roles.binary_search_by_key(&id, |role| role.id).ok()?;
        self.roles.get(at)
    }

    /// A channel and, of a thread, the one that it is in, whose overwrites hold there; `None` if one is unknown.
    pub(super) fn place(&self, id: ChannelId) -> Option<(&ChannelEntry, &ChannelEntry)> {
        let channel = self.channel(id)?;
        let holding = if channel.is_thread() {
            self.channel(channel.parent_id?)?
        } else {
            channel
        };
        Some((channel, holding))
    }

    /// What a member with these roles may in a channel; `None` if it is unknown.
    pub(super) fn permissions(
        &self,
        guild: GuildId,
        channel: ChannelId,
        user: UserId,
        roles: &[RoleId],
    ) -> Option<Permissions> {
        let (channel, holding) = self.place(channel)?;
        let membership = Membership {
            guild,
            user,
            owns_guild: self.owner_id == Some(user),
            roles,
            timed_out: false,
            in_thread: channel.is_thread(),
            overwrites: &holding.overwrites,
        };
        Some(membership.permissions(|id| Some(Permissions::from_bits(self.role(id)?.permissions))))
    }

    pub(super) fn put_role(&mut self, role: RoleEntry) {
        match self.roles.binary_search_by_key(&role.id, |role| role.id) {
            Ok(at) => self.roles[at] = role,
            Err(at) => self.roles.insert(at, role),
        }
    }

    pub(super) fn sort_roles(&mut self) {
        self.roles.sort_unstable_by_key(|role| role.id);
        self.roles.dedup_by_key(|role| role.id);
        self.roles.shrink_to_fit();
    }
}

impl ChannelEntry {
    /// Whether it is a thread: announcement, public or private
    /// (<https://discord.com/developers/docs/resources/channel#channel-object-channel-types>).
    pub(super) const fn is_thread(&self) -> bool {
        matches!(self.kind, 10..=12)
    }

    pub(super) fn public(&self, guild_id: GuildId) -> Channel {
        Channel {
            id: self.id,
            kind: self.kind,
            name: Some(self.name.to_string()),
            guild_id: Some(guild_id),
            parent_id: self.parent_id,
        }
    }
}

impl RoleEntry {
    pub(super) fn public(&self, guild_id: GuildId) -> Role {
        Role {
            id: self.id,
            name: self.name.to_string(),
            guild_id: Some(guild_id),
            permissions: self.permissions.to_string(),
            position: i64::from(self.position),
        }
    }
}
