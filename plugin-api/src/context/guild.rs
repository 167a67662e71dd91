//! Servers as the host knows them, and who stands above whom in them.
//!
//! Read without asking Discord; members are asked of Discord by [`Raw`](crate::Raw).

use plugin_protocol::guilds::Guild;
use serde_json::json;

use super::{Ctx, Host};
use crate::{Error, GuildId, IntoId, Member, Mention, Result, UserId, error::placed, refuse};

impl Host {
    /// A server that the bot is in, with its roles and channels, as the gateway has told of it: no request to Discord.
    ///
    /// # Errors
    ///
    /// The bot is not in that server, or Discord has not told of it yet.
    #[track_caller]
    pub fn guild(&self, id: impl IntoId<GuildId>) -> impl Future<Output = Result<Guild>> {
        let id = id.into_id();
        placed(async move { self.call("guilds.get", &json!({ "guild_id": id })).await })
    }

    /// The ids of all servers that the bot is in: no request to Discord.
    ///
    /// # Errors
    ///
    /// This generation has ended.
    #[track_caller]
    pub fn guild_ids(&self) -> impl Future<Output = Result<Vec<GuildId>>> {
        placed(async move { self.call("guilds.list", &json!({})).await })
    }
}

impl<S> Ctx<S> {
    /// Whether the one who asked stands above this member, so that they may ban, kick, time out or rename them where
    /// their permissions allow it. Discord checks that for the bot alone: a command that acts for people checks it for
    /// them, too.
    ///
    /// ```
    /// use plugin_api::prelude::*;
    ///
    /// /// Kick a member from this server.
    /// #[command(requires(KICK_MEMBERS), bot_requires(KICK_MEMBERS), guild_only)]
    /// async fn kick(ctx: Ctx, member: Member) -> Result {
    ///     if !ctx.outranks(&member).await? || !ctx.bot_outranks(&member).await? {
    ///         return refuse("They stand above you, or above me.");
    ///     }
    ///     ctx.raw().delete(&format!("/guilds/{}/members/{}", member.guild_id, member.user.id)).await?;
    ///     ctx.reply(format!("{} is gone.", member.mention())).await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::kick]); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// It was not asked in a server.
    #[track_caller]
    pub fn outranks(&self, member: &Member) -> impl Future<Output = Result<bool>> {
        placed(async move {
            let own = self
                .member()
                .ok_or_else(|| Error::new("there are no ranks in direct messages"))?;
            Ok(self.guild(own.guild_id).await?.outranks(own, member))
        })
    }

    /// Whether the bot stands above this member: else Discord refuses what it would do to them.
    ///
    /// # Errors
    ///
    /// It was not asked in a server.
    #[track_caller]
    pub fn bot_outranks(&self, member: &Member) -> impl Future<Output = Result<bool>> {
        placed(async move { Ok(self.guild(member.guild_id).await?.bot_outranks(member)) })
    }

    /// Refuses, in words, unless both who asked and the bot stand above this member: for commands that act against them.
    ///
    /// # Errors
    ///
    /// A refusal, which names the member; it was not asked in a server.
    pub async fn check_ranks(&self, member: &Member) -> Result {
        if !self.outranks(member).await? {
            return refuse(format!("{} does not stand below you.", member.mention()));
        }
        if !self.bot_outranks(member).await? {
            return refuse(format!(
                "{} does not stand below me: move my role up.",
                member.mention()
            ));
        }
        Ok(())
    }

    /// [`check_ranks`](Self::check_ranks) of a user who may be here or not, as Discord knows it now: the member, if they are.
    ///
    /// # Errors
    ///
    /// As [`check_ranks`](Self::check_ranks); Discord did not answer.
    pub async fn check_ranks_of(&self, user: impl IntoId<UserId>) -> Result<Option<Member>> {
        let member = self.fetch_member(self.require_guild()?, user).await?;
        if let Some(member) = &member {
            self.check_ranks(member).await?;
        }
        Ok(member)
    }
}
