//! Looks up whom and what a command names: the cache first, Discord's REST for what it lacks.
//!
//! Users and members are always asked for: the cache keeps none. Only a 404 means that there is no such thing.

use std::fmt::Write as _;

use plugin_protocol::{Channel, ChannelId, GuildId, Member, PluginName, Role, RoleId, User, UserId};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    cache::Cache,
    commands::{Directory, DirectoryError},
    rest::{Method, Request, Rest, RestError},
};

/// The cache and REST as a [`Directory`].
#[derive(Clone)]
pub struct LiveDirectory {
    cache: Cache,
    rest: Rest,
}

/// The directory as the commands of one plugin see it: how much they may have looked up at a time is bounded.
pub struct OfPlugin<'a> {
    directory: &'a LiveDirectory,
    plugin: &'a PluginName,
}

/// A member as REST gives it.
#[derive(Deserialize)]
struct RestMember {
    user: User,
    #[serde(default)]
    nick: Option<String>,
    #[serde(default)]
    roles: Vec<RoleId>,
    #[serde(default)]
    joined_at: Option<String>,
}

impl RestMember {
    fn complete(self, guild_id: GuildId) -> Member {
        let Self {
            user,
            nick,
            roles,
            joined_at,
        } = self;
        Member {
            user,
            guild_id,
            nick,
            roles,
            joined_at,
            permissions: None,
        }
    }
}

impl LiveDirectory {
    /// Looks into `cache` and asks through `rest`.
    #[must_use]
    pub fn new(cache: Cache, rest: Rest) -> Self {
        Self { cache, rest }
    }

    /// For a command of this plugin.
    #[must_use]
    pub const fn of<'a>(&'a self, plugin: &'a PluginName) -> OfPlugin<'a> {
        OfPlugin {
            directory: self,
            plugin,
        }
    }
}

impl OfPlugin<'_> {
    /// What Discord says; `None` for a 404.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: String) -> Result<Option<T>, DirectoryError> {
        let request = Request {
            method: Method::Get,
            path,
            body: Vec::new(),
            content_type: None,
            reason: None,
        };
        let rest = &self.directory.rest;
        let response = rest
            .look_up(self.plugin.as_str(), request)
            .await
            .map_err(|error| match error {
                RestError::Busy => DirectoryError::Busy,
                error => DirectoryError::Failed(error.to_string()),
            })?;
        match response.status {
            200 => serde_json::from_slice(&response.body)
                .map(Some)
                .map_err(|error| DirectoryError::Failed(error.to_string())),
            404 => Ok(None),
            status => Err(DirectoryError::Failed(format!("Discord answered with status {status}"))),
        }
    }
}

impl Directory for OfPlugin<'_> {
    async fn user(&self, id: UserId) -> Result<Option<User>, DirectoryError> {
        self.get(format!("/users/{id}")).await
    }

    async fn member(&self, guild: GuildId, id: UserId) -> Result<Option<Member>, DirectoryError> {
        let member: Option<RestMember> = self.get(format!("/guilds/{guild}/members/{id}")).await?;
        Ok(member.map(|member| member.complete(guild)))
    }

    async fn member_by_name(&self, guild: GuildId, name: &str) -> Result<Option<Member>, DirectoryError> {
        let query = name.bytes().fold(String::new(), |mut query, byte| {
            // Writing to a string does not fail.
            let _ = write!(query, "%{byte:02X}");
            query
        });
        let found: Option<Vec<RestMember>> = self
            .get(format!("/guilds/{guild}/members/search?query={query}&limit=25"))
            .await?;
        let same = |candidate: &str| candidate.to_lowercase() == name.to_lowercase();
        let rank = |member: &RestMember| {
            let display = member.user.global_name.as_deref();
            let nick = member.nick.as_deref();
            [Some(member.user.username.as_str()), display, nick]
                .into_iter()
                .position(|found| found.is_some_and(same))
        };
        let best = found
            .unwrap_or_default()
            .into_iter()
            .filter_map(|member| Some((rank(&member)?, member)))
            .min_by_key(|(rank, _)| *rank);
        Ok(best.map(|(_, member)| member.complete(guild)))
    }

    async fn channel(&self, guild: GuildId, id: ChannelId) -> Result<Option<Channel>, DirectoryError> {
        if let Some(channel) = self.directory.cache.channel(id) {
            return Ok(Some(channel).filter(|channel| channel.guild_id == Some(guild)));
        }
        // Threads that are archived, and channels that the bot may not see.
        let channel: Option<Channel> = self.get(format!("/channels/{id}")).await?;
        Ok(channel.filter(|channel| channel.guild_id == Some(guild)))
    }

    async fn channel_by_name(&self, guild: GuildId, name: &str) -> Result<Option<Channel>, DirectoryError> {
        Ok(self.directory.cache.channel_by_name(guild, name))
    }

    async fn role(&self, guild: GuildId, id: RoleId) -> Result<Option<Role>, DirectoryError> {
        Ok(self.directory.cache.role(guild, id))
    }

    async fn role_by_name(&self, guild: GuildId, name: &str) -> Result<Option<Role>, DirectoryError> {
        Ok(self.directory.cache.role_by_name(guild, name))
    }
}
