//! What a plugin sends on the gateway: a presence, a voice state, requests for members.
//!
//! Apart because nothing of it is REST, and each shows what comes back, if anything does.

use std::{collections::BTreeSet, time::Duration};

use plugin_api::{ActivityKind, OnlineStatus, Presence, prelude::*};

/// How long Discord may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Show a text below the bot's name, or nothing of this plugin's any more.
#[command]
pub(crate) async fn display(ctx: Ctx, #[rest] text: Option<String>) -> Result {
    match text {
        Some(text) => {
            let presence = Presence {
                kind: ActivityKind::Listening,
                text,
                status: OnlineStatus::Idle,
                ..Presence::default()
            };
            ctx.gateway().set_presence(presence).await?;
        }
        None => ctx.gateway().clear_presence().await?,
    }
    ctx.reply("Shown.").await
}

/// Join a voice channel, or leave it.
#[command(guild_only)]
pub(crate) async fn lounge(ctx: Ctx, channel: Option<Channel>) -> Result {
    let Some(guild) = ctx.guild_id() else {
        return refuse("Only in a server.");
    };
    let channel = channel.map(|channel| channel.id);
    ctx.gateway().update_voice_state(guild, channel, false, true).await?;
    ctx.reply("On my way.").await
}

/// Say whose name begins so; without one, everybody's.
#[command(guild_only)]
pub(crate) async fn namesakes(ctx: Ctx, name: Option<String>) -> Result {
    let Some(guild) = ctx.guild_id() else {
        return refuse("Only in a server.");
    };
    let request = ctx.gateway().request_members(guild);
    let request = match name {
        Some(name) => request.named(name, 100),
        None => request,
    };
    let found = request.timeout(PATIENCE).await?;
    let mut names: Vec<_> = found
        .members
        .iter()
        .map(|member| member.user.username.as_str())
        .collect();
    names.sort_unstable();
    ctx.reply(format!("Found: {}", names.join(" "))).await
}

/// Say how many members there are, and how many different ones.
#[command(guild_only)]
pub(crate) async fn headcount(ctx: Ctx) -> Result {
    let request = ctx.gateway().request_members(ctx.require_guild()?);
    let found = request.timeout(PATIENCE).await?.members;
    let different: BTreeSet<_> = found.iter().map(|member| member.user.id).collect();
    ctx.reply(format!("{} {}", found.len(), different.len())).await
}

/// Say how many of two users are members, by their ids.
#[command(guild_only)]
pub(crate) async fn those(ctx: Ctx, one: String, other: String) -> Result {
    let Some(guild) = ctx.guild_id() else {
        return refuse("Only in a server.");
    };
    let ids: [UserId; 2] = [one.parse()?, other.parse()?];
    let found = ctx.gateway().request_members(guild).ids(ids).timeout(PATIENCE).await?;
    ctx.reply(format!("{} here, {} not", found.members.len(), found.not_found.len()))
        .await
}
