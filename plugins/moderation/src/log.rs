//! The log channel: which one it is, and what is told there.
//!
//! A server has one or none; it is kept among the server's keys.

use plugin_api::{prelude::*, tracing::warn};

/// Under which key of a server its log channel is kept.
const KEY: &str = "log channel";

/// Choose the channel in which moderation is told, or none.
#[command(
    category = "Moderation",
    requires(MANAGE_GUILD),
    guild_only,
    examples("modlog #moderators", "modlog")
)]
pub(crate) async fn modlog(
    ctx: Ctx,
    #[description = "Where; left out, nothing is told any more"]
    #[channel_types(text, announcement)]
    channel: Option<Channel>,
) -> Result {
    let Some(guild) = ctx.guild_id() else {
        return refuse("This works in servers only.");
    };
    let store = ctx.guild_store(guild);
    match channel {
        Some(channel) => {
            store.set(KEY, &channel.id).await?;
            ctx.reply(format!("Moderation is told in {}.", channel.mention())).await
        }
        None => {
            store.delete(KEY).await?;
            ctx.reply("Moderation is told nowhere any more.").await
        }
    }
}

/// The reason for Discord's audit log: who asked, and why.
pub(crate) fn reason<S>(ctx: &Ctx<S>, why: Option<&str>) -> String {
    let by = &ctx.author().username;
    why.map_or_else(|| format!("by {by}"), |why| format!("by {by}: {why}"))
}

/// Tells in the log channel, if the server has one. That it is gone or closed to the bot stops no moderation.
pub(crate) async fn tell<S>(ctx: &Ctx<S>, title: &str, text: &str, reason: Option<&str>) -> Result {
    let Some(guild) = ctx.guild_id() else { return Ok(()) };
    let Some(channel) = ctx.guild_store(guild).get::<ChannelId>(KEY).await? else {
        return Ok(());
    };
    let card = embed(title)
        .description(text)
        .field("Reason", reason.unwrap_or("none"))
        .footer(format!("by {}", ctx.author().username));
    if let Err(error) = ctx.send(channel, card).await {
        warn!("the log channel takes nothing: {error}");
    }
    Ok(())
}
