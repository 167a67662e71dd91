//! Small models of servers, channels, roles and the own member, read from partial structs.
//!
//! Fed with the gateway's payloads as received, and asked by everyone who would otherwise ask Discord. It keeps what the
//! host decides by and nothing else: no members, no messages, no presences. Every read answers with a copy, so that the
//! lock is held for a few steps and never across an await.

mod apply;
mod model;
mod payloads;
mod snapshot;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use plugin_protocol::{ApplicationId, Channel, ChannelId, GuildId, Permissions, Role, RoleId, User, UserId};

use model::World;
pub use snapshot::CacheSnapshot;

/// What is known of Discord's state. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// Read a hundred times for each write, from many threads: a read-write lock, of std since no holder awaits.
    world: Arc<RwLock<World>>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuildInfo {
    /// Its id.
    pub id: GuildId,
    /// Its name; empty as long as Discord has only announced it.
    pub name: String,
    /// Who owns it.
    pub owner_id: Option<UserId>,
    /// How many members it has, as far as Discord has told.
    pub member_count: u64,
    /// Whether it is known but not (or not yet) reachable.
    pub unavailable: bool,
}

/// How much is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Servers, reachable or not.
    pub guilds: usize,
    /// Servers that are not reachable.
    pub unavailable_guilds: usize,
    /// Channels and active threads.
    pub channels: usize,
    /// Roles.
    pub roles: usize,
    /// Members of all servers together.
    pub members: u64,
}

impl Cache {
    /// Takes over what an event tells, if it is one of those that [`Cache::wants`]. `payload` is the whole payload.
    ///
    /// # Errors
    ///
    /// If the payload is not what Discord documents; then nothing has changed.
    pub fn apply(&self, event: &str, payload: &str) -> Result<(), serde_json::Error> {
        if !Self::wants(event) {
            return Ok(());
        }
        // Read first, so that the lock is held for the change only.
        let own_id = self.read().user.as_ref().map(|user| user.id);
        let change = payloads::read(event, payload, own_id)?;
        if let Some(change) = change {
            let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
            apply::apply(&mut world, change);
        }
        Ok(())
    }

    /// Whether an event of this name tells anything that is kept.
    #[must_use]
    pub fn wants(event: &str) -> bool {
        payloads::EVENTS.contains(&event)
    }

    /// The bot's user, once READY has told it.
    #[must_use]
    pub fn bot_user(&self) -> Option<User> {
        self.read().user.clone()
    }

    /// The bot's id, once READY has told it.
    #[must_use]
    pub fn bot_id(&self) -> Option<UserId> {
        self.read().user.as_ref().map(|user| user.id)
    }

    /// The bot's application, once READY has told it.
    #[must_use]
    pub fn application_id(&self) -> Option<ApplicationId> {
        self.read().application_id
    }

    /// A server that the bot is in.
    #[must_use]
    pub fn guild(&self, id: GuildId) -> Option<GuildInfo> {
        self.read().guilds.get(&id).map(|guild| GuildInfo {
            id,
            name: guild.name.to_string(),
            owner_id: guild.owner_id,
            member_count: guild.member_count,
            unavailable: guild.unavailable,
        })
    }

    /// The servers that the bot is in, in no particular order.
    #[must_use]
    pub fn guild_ids(&self) -> Vec<GuildId> {
        self.read().guilds.keys().copied().collect()
    }

    /// A channel or active thread of a server.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> Option<Channel> {
        let world = self.read();
        let guild_id = *world.channels.get(&id)?;
        Some(world.guilds.get(&guild_id)?.channel(id)?.public(guild_id))
    }

    /// All channels and active threads of a server, in the order in which they were made.
    #[must_use]
    pub fn channels(&self, guild_id: GuildId) -> Vec<Channel> {
        let world = self.read();
        let channels = world.guilds.get(&guild_id).map(|guild| guild.channels.as_slice());
        let channels = channels.unwrap_or_default().iter();
        channels.map(|channel| channel.public(guild_id)).collect()
    }

    /// A server's channel by its name, without regard to case; the one made first if several have it.
    #[must_use]
    pub fn channel_by_name(&self, guild_id: GuildId, name: &str) -> Option<Channel> {
        let world = self.read();
        let guild = world.guilds.get(&guild_id)?;
        let channel = guild.channels.iter().find(|channel| same(&channel.name, name))?;
        Some(channel.public(guild_id))
    }

    /// Who owns a server that is known.
    #[must_use]
    pub fn guild_owner(&self, id: GuildId) -> Option<UserId> {
        self.read().guilds.get(&id)?.owner_id
    }

    /// Where a channel is: of a thread, the channel that it is in, and whether it is age-restricted. `None` if it, or
    /// the thread's channel, is unknown.
    #[must_use]
    pub fn place(&self, guild_id: GuildId, id: ChannelId) -> Option<(Option<ChannelId>, bool)> {
        let world = self.read();
        let (channel, holding) = world.guilds.get(&guild_id)?.place(id)?;
        Some((channel.is_thread().then_some(holding.id), holding.nsfw))
    }

    /// What a member with these roles may in a channel of a server; `None` if server or channel are unknown.
    #[must_use]
    pub fn permissions(
        &self,
        guild_id: GuildId,
        channel: ChannelId,
        user: UserId,
        roles: &[RoleId],
    ) -> Option<Permissions> {
        let world = self.read();
        let guild = world.guilds.get(&guild_id).filter(|guild| !guild.unavailable)?;
        guild.permissions(guild_id, channel, user, roles)
    }

    /// What the bot itself may in a channel of a server; `None` if server or channel are unknown.
    #[must_use]
    pub fn own_permissions(&self, guild_id: GuildId, channel: ChannelId) -> Option<Permissions> {
        let world = self.read();
        let own_id = world.user.as_ref()?.id;
        let guild = world.guilds.get(&guild_id).filter(|guild| !guild.unavailable)?;
        guild.permissions(guild_id, channel, own_id, &guild.own_roles)
    }

    /// A role of a server.
    #[must_use]
    pub fn role(&self, guild_id: GuildId, id: RoleId) -> Option<Role> {
        let world = self.read();
        Some(world.guilds.get(&guild_id)?.role(id)?.public(guild_id))
    }

    /// A server's role by its name, without regard to case; the one made first if several have it.
    #[must_use]
    pub fn role_by_name(&self, guild_id: GuildId, name: &str) -> Option<Role> {
        let world = self.read();
        let guild = world.guilds.get(&guild_id)?;
        let role = guild.roles.iter().find(|role| same(&role.name, name))?;
        Some(role.public(guild_id))
    }

    /// All roles of a server, @everyone included, in the order in which they were made.
    #[must_use]
    pub fn roles(&self, guild_id: GuildId) -> Vec<Role> {
        let world = self.read();
        let roles = world.guilds.get(&guild_id).map(|guild| guild.roles.as_slice());
        let roles = roles.unwrap_or_default().iter();
        roles.map(|role| role.public(guild_id)).collect()
    }

    /// The bot's own roles in a server, without @everyone.
    #[must_use]
    pub fn own_roles(&self, guild_id: GuildId) -> Vec<RoleId> {
        let world = self.read();
        world
            .guilds
            .get(&guild_id)
            .map(|guild| guild.own_roles.to_vec())
            .unwrap_or_default()
    }

    /// How much is known.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let world = self.read();
        let mut counts = Counts {
            guilds: world.guilds.len(),
            ..Counts::default()
        };
        for guild in world.guilds.values() {
            counts.unavailable_guilds += usize::from(guild.unavailable);
            counts.channels += guild.channels.len();
            counts.roles += guild.roles.len();
            counts.members += guild.member_count;
        }
        counts
    }

    /// Everything, to be kept with the gateway's session.
    #[must_use]
    pub fn snapshot(&self) -> CacheSnapshot {
        CacheSnapshot::of(&self.read())
    }

    /// Replaces everything by what a snapshot holds.
    pub fn restore(&self, snapshot: CacheSnapshot) {
        let restored = snapshot.into_world();
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = restored;
    }

    fn read(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two names are the same without regard to case.
fn same(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}

#[cfg(test)]
mod tests;
