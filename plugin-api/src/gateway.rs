//! What a plugin sends on the gateway: presence, voice state, and requests for members.
//!
//! The host sends it within Discord's limits, and shares them out among plugins; nothing here knows of shards.

use std::{fmt, time::Duration};

use plugin_protocol::gateway::{FoundMembers, RequestMembers, SetPresence, UpdateVoiceState};
use serde_json::Value;

pub use plugin_protocol::gateway::{ActivityKind, OnlineStatus, Presence};

use crate::{ChannelId, Error, GuildId, Host, IntoId, Result, UserId, error::placed};

/// The gateway, as [`Host::gateway`] gives it.
///
/// Discord takes 120 commands a minute from each connection
/// (<https://discord.com/developers/docs/events/gateway#rate-limiting>): of those, 100 are for plugins, which take turns. What
/// has to wait, waits; of one plugin at most 128 commands a shard.
pub struct Gateway {
    host: Host,
}

impl Host {
    /// The gateway: presence, voice state, members.
    #[must_use]
    pub fn gateway(&self) -> Gateway {
        Gateway { host: self.clone() }
    }
}

impl Gateway {
    /// Shows this below the bot's name, in place of what the owner has set as `status`. Of several plugins the one that says so
    /// last is heeded. It ends with this generation of the plugin: a reload begins with the owner's again.
    ///
    /// Discord shows five changes in 20 seconds; of what comes faster, the last one is shown as soon as it may be.
    ///
    /// ```
    /// use plugin_api::{ActivityKind, Presence, prelude::*};
    ///
    /// /// Show that a match is on.
    /// #[command(owner_only)]
    /// async fn kickoff(ctx: Ctx) -> Result {
    ///     let presence = Presence { kind: ActivityKind::Watching, text: "the match".into(), ..Presence::default() };
    ///     ctx.gateway().set_presence(presence).await?;
    ///     ctx.reply("Go!").await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::kickoff]); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// The text is longer than 128 characters, or this generation has ended.
    #[track_caller]
    pub fn set_presence(&self, presence: Presence) -> impl Future<Output = Result> {
        let asked = SetPresence {
            presence: Some(presence),
        };
        placed(self.ask("gateway.presence", asked))
    }

    /// Takes back what [`set_presence`](Self::set_presence) has shown.
    ///
    /// # Errors
    ///
    /// This generation has ended.
    #[track_caller]
    pub fn clear_presence(&self) -> impl Future<Output = Result> {
        placed(self.ask("gateway.presence", SetPresence::default()))
    }

    /// Has the bot join, change to or, with `None`, leave a voice channel of a server. Who speaks there takes what Discord
    /// answers by `VOICE_STATE_UPDATE` and `VOICE_SERVER_UPDATE`, as events.
    ///
    /// # Errors
    ///
    /// The bot is not in that server, too many commands of this plugin wait, or this generation has ended. Whether the bot may
    /// enter the channel, Discord doesn't say.
    #[track_caller]
    pub fn update_voice_state(
        &self,
        guild: impl IntoId<GuildId>,
        channel: Option<ChannelId>,
        mute: bool,
        deaf: bool,
    ) -> impl Future<Output = Result> {
        let asked = UpdateVoiceState {
            guild_id: guild.into_id(),
            channel_id: channel,
            self_mute: mute,
            self_deaf: deaf,
        };
        placed(self.ask("gateway.voice", asked))
    }

    /// Asks for members of a server: by [`named`](MembersRequest::named), by [`ids`](MembersRequest::ids), or all of them;
    /// then say for how long by [`timeout`](MembersRequest::timeout).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use plugin_api::prelude::*;
    ///
    /// /// Count those whose name begins so.
    /// #[command(guild_only)]
    /// async fn namesakes(ctx: Ctx, name: String) -> Result {
    ///     let Some(guild) = ctx.guild_id() else { return Ok(()) };
    ///     let found = ctx.gateway().request_members(guild).named(name, 100).timeout(Duration::from_secs(10)).await?;
    ///     ctx.reply(format!("{} of them.", found.members.len())).await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::namesakes]); }
    /// # fn main() {}
    /// ```
    pub fn request_members(&self, guild: impl IntoId<GuildId>) -> MembersRequest {
        MembersRequest {
            host: self.host.clone(),
            asked: RequestMembers {
                guild_id: guild.into_id(),
                query: None,
                limit: 0,
                user_ids: Vec::new(),
                limit_ms: 0,
            },
        }
    }

    async fn ask(&self, call: &str, asked: impl serde::Serialize) -> Result {
        self.host.call::<Value>(call, &asked).await.map(drop)
    }
}

/// A request for members of a server, as [`Gateway::request_members`] begins it.
#[must_use = "it asks when `.timeout(..)` is awaited"]
pub struct MembersRequest {
    host: Host,
    asked: RequestMembers,
}

impl MembersRequest {
    /// Those whose username or nickname begins so, at most so many, 1 to 100.
    pub fn named(mut self, name: impl Into<String>, limit: u32) -> Self {
        self.asked.query = Some(name.into());
        self.asked.limit = limit;
        self
    }

    /// These, 1 to 100; which of them are no members is told by [`FoundMembers::not_found`].
    pub fn ids(mut self, users: impl IntoIterator<Item = impl IntoId<UserId>>) -> Self {
        self.asked.user_ids = users.into_iter().map(IntoId::into_id).collect();
        self
    }

    /// Asks, and waits for all answers, at most so long, which is at most 5 minutes.
    ///
    /// # Errors
    ///
    /// It took longer, the bot is not in that server, what is asked for breaks Discord's limits (all members need the intent
    /// `GUILD_MEMBERS`), the answer is larger than 32 MiB, too many commands of this plugin wait, or this generation has ended.
    #[track_caller]
    pub fn timeout(mut self, limit: Duration) -> impl Future<Output = Result<FoundMembers>> {
        self.asked.limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        placed(async move {
            if self.asked.query.is_none() && self.asked.user_ids.is_empty() {
                self.asked.query = Some(String::new());
            }
            if self.asked.query.is_some() && !self.asked.user_ids.is_empty() {
                return Err(Error::new("members are asked for by name or by id, not by both"));
            }
            self.host.call("gateway.members", &self.asked).await
        })
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl fmt::Debug for MembersRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.asked.fmt(f)
    }
}
