//! `guilds.*`: servers, as the gateway has told of them.
//!
//! Nothing is asked of Discord, but for who is in a private thread; members are not among it.

use plugin_protocol::{
    Call, ChannelId, GuildId, Permissions, PluginName, Problem, ProblemCode, RoleId, UserId, guilds::Guild,
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

use super::{Access, Calls};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("guilds.get", Access::All),
    ("guilds.list", Access::All),
    ("guilds.permissions", Access::All),
];

/// The type of a private thread (<https://discord.com/developers/docs/resources/channel#channel-object-channel-types>).
const PRIVATE_THREAD: u8 = 12;

/// Whose permissions are asked about, and where.
#[derive(Deserialize)]
struct Who {
    guild_id: GuildId,
    channel_id: ChannelId,
    user_id: UserId,
    #[serde(default)]
    roles: Vec<RoleId>,
}

impl Calls {
    pub(super) async fn about_guilds(&self, from: &PluginName, call: &Call) -> Result<Value, Problem> {
        if call.name == "guilds.list" {
            let mut ids = self.cache.guild_ids();
            ids.sort_unstable();
            return Ok(json!(ids));
        }
        if call.name == "guilds.permissions" {
            return self.permissions_of(from, call).await;
        }
        let id = call.arguments.get("guild_id").and_then(Value::as_str);
        let id: Option<GuildId> = id.and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| Problem::new(ProblemCode::Invalid, "`guild_id` must be a server's id"))?;
        let known = self.cache.guild(id).filter(|guild| !guild.unavailable);
        let known = known.ok_or_else(|| {
            let text = "the bot is not in that server, or Discord has not told of it yet";
            Problem::new(ProblemCode::NotFound, text)
        })?;
        Ok(json!(Guild {
            id,
            name: known.name,
            owner_id: known.owner_id,
            member_count: known.member_count,
            roles: self.cache.roles(id),
            channels: self.cache.channels(id),
            bot_id: self.cache.bot_id(),
            own_roles: self.cache.own_roles(id),
        }))
    }

    async fn permissions_of(&self, from: &PluginName, call: &Call) -> Result<Value, Problem> {
        let who = serde_json::from_value(call.arguments.clone());
        let Who {
            guild_id,
            channel_id,
            user_id,
            roles,
        } = who.map_err(|error| Problem::new(ProblemCode::Invalid, format!("`guilds.permissions`: {error}")))?;
        let known = self.cache.permissions(guild_id, channel_id, user_id, &roles);
        let unknown = || {
            let text = "the bot doesn't know that channel: it is in another server, or Discord has not told of it";
            Problem::new(ProblemCode::NotFound, text)
        };
        let known = known.ok_or_else(unknown)?;
        let channel = self.cache.channel(channel_id);
        let is_private = channel.is_some_and(|channel| channel.kind == PRIVATE_THREAD);
        if !is_private || known.contains(Permissions::MANAGE_THREADS) {
            return Ok(json!(known));
        }
        // Who is in it the gateway tells of few threads, and late.
        let path = format!("/channels/{channel_id}/thread-members/{user_id}");
        let directory = self.gatekeeper.directory().of(from);
        let found: Option<IgnoredAny> = directory.get(path).await.map_err(|error| {
            let text = format!("Discord doesn't say who is in that private thread: {error}");
            Problem::new(ProblemCode::Failed, text)
        })?;
        Ok(json!(if found.is_some() { known } else { Permissions::NONE }))
    }
}
