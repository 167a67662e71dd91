//! What moderators do to members and messages, each as one call.
//!
//! Thin: each is a route of Discord's, whose reason for the server's audit log is set by
//! [`reason`](crate::RawRequest::reason). Who may is the command's matter (`requires`, `bot_requires`,
//! [`Ctx::outranks`](crate::Ctx::outranks)).

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::User;
use serde::Deserialize;
use serde_json::json;
use twilight_model::util::Timestamp;

use super::{Ctx, Host};
use crate::{ChannelId, GuildId, IntoId, Member, MessageId, Optional as _, RawRequest, Result, RoleId, UserId, refuse};

/// No older messages are deleted together, with a minute to spare
/// (<https://discord.com/developers/docs/resources/message#bulk-delete-messages>).
const OLDEST_DELETED: Duration = Duration::from_secs(14 * 86_400 - 60);
/// How many messages are deleted together, as Discord documents it.
const MOST_DELETED: usize = 100;

/// A member as Discord gives it: without the server.
#[derive(Deserialize)]
struct Fetched {
    user: User,
    #[serde(default)]
    nick: Option<String>,
    #[serde(default)]
    roles: Vec<RoleId>,
    #[serde(default)]
    joined_at: Option<String>,
}

impl Host {
    /// A member of a server as they are now, asked of Discord; `None` if they are not there.
    ///
    /// # Errors
    ///
    /// Discord did not answer, or the bot is not in that server.
    pub async fn fetch_member(&self, guild: impl IntoId<GuildId>, user: impl IntoId<UserId>) -> Result<Option<Member>> {
        let guild_id = guild.into_id();
        let path = format!("/guilds/{guild_id}/members/{}", user.into_id());
        let Some(answer) = self.raw().get(&path).await.optional()? else {
            return Ok(None);
        };
        let Fetched {
            user,
            nick,
            roles,
            joined_at,
        } = answer.json()?;
        Ok(Some(Member {
            user,
            guild_id,
            nick,
            roles,
            joined_at,
            permissions: None,
        }))
    }

    /// Bans a user, a member or not, and deletes what they have written in the last time: up to 7 days
    /// (<https://discord.com/developers/docs/resources/guild#create-guild-ban>). Await it.
    #[track_caller]
    pub fn ban(&self, guild: impl IntoId<GuildId>, user: impl IntoId<UserId>, delete_last: Duration) -> RawRequest {
        let path = format!("/guilds/{}/bans/{}", guild.into_id(), user.into_id());
        let body = json!({ "delete_message_seconds": delete_last.as_secs() });
        self.raw().put(&path, &body)
    }

    /// Removes a member (<https://discord.com/developers/docs/resources/guild#remove-guild-member>). Await it.
    #[track_caller]
    pub fn kick(&self, guild: impl IntoId<GuildId>, user: impl IntoId<UserId>) -> RawRequest {
        let path = format!("/guilds/{}/members/{}", guild.into_id(), user.into_id());
        self.raw().delete(&path)
    }

    /// Keeps a member from writing and speaking until then: up to 28 days ahead; `None` ends that
    /// (<https://discord.com/developers/docs/resources/guild#modify-guild-member>). Await it.
    #[track_caller]
    pub fn time_out(
        &self,
        guild: impl IntoId<GuildId>,
        user: impl IntoId<UserId>,
        until: Option<SystemTime>,
    ) -> RawRequest {
        let path = format!("/guilds/{}/members/{}", guild.into_id(), user.into_id());
        let seconds = until.map(|until| until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
        let timestamp = seconds.and_then(|seconds| Timestamp::from_secs(i64::try_from(seconds).ok()?).ok());
        let body = json!({ "communication_disabled_until": timestamp.map(|until| until.iso_8601().to_string()) });
        self.raw().patch(&path, &body)
    }

    /// Deletes messages of a channel, and answers with how many that were: those of the last 14 days, older ones stay. What is
    /// gone already is no error, and what is named twice counts once. More than 100 are several calls (<https://discord.com/developers/docs/resources/message#bulk-delete-messages>).
    ///
    /// # Errors
    ///
    /// Discord refused it: the bot needs *Manage Messages*.
    pub async fn delete_messages(
        &self,
        channel: impl IntoId<ChannelId>,
        messages: impl IntoIterator<Item = MessageId>,
        reason: &str,
    ) -> Result<usize> {
        let path = format!("/channels/{}/messages", channel.into_id());
        let oldest = (SystemTime::now() - OLDEST_DELETED)
            .duration_since(UNIX_EPOCH)?
            .as_millis();
        let is_young = |id: &MessageId| u128::from(id.timestamp_millis()) > oldest;
        let ids: BTreeSet<_> = messages.into_iter().filter(is_young).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        for some in ids.chunks(MOST_DELETED) {
            let deleted = match some {
                [one] => self.raw().delete(&format!("{path}/{one}")),
                all => self
                    .raw()
                    .post(&format!("{path}/bulk-delete"), &json!({ "messages": all })),
            };
            // Many at once Discord deletes as far as they are there, one it misses.
            deleted.reason(reason).await.optional()?;
        }
        Ok(ids.len())
    }
}

impl<S> Ctx<S> {
    /// The server in which it was asked.
    ///
    /// # Errors
    ///
    /// A refusal, in direct messages: what is `guild_only` is never asked there.
    pub fn require_guild(&self) -> Result<GuildId> {
        match self.guild_id() {
            Some(guild) => Ok(guild),
            None => refuse("This works in servers only."),
        }
    }
}
