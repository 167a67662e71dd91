//! What moderators do is told twice: as the reason in Discord's audit log, and in the log channel of the settings.
//! No failure to tell it stops them.

use plugin_api::{prelude::*, tracing::warn};

use crate::Settings;

/// The reason for Discord's audit log: who asked, and why.
pub(crate) fn reason<S>(ctx: &Ctx<S>, why: Option<&str>) -> String {
    let by = &ctx.author().username;
    why.map_or_else(|| format!("by {by}"), |why| format!("by {by}: {why}"))
}

/// Tells in the log channel, if the server has one. That it is gone or closed to the bot stops no moderation: it is a line
/// more for the moderator.
pub(crate) async fn tell<S>(ctx: &Ctx<S>, title: &str, text: &str, reason: Option<&str>) -> String {
    let Some(channel) = ctx.settings::<Settings>().log_channel else {
        return String::new();
    };
    let card = embed(title)
        .description(text)
        .field("Reason", reason.unwrap_or("none"))
        .footer(format!("by {}", ctx.author().username));
    let Err(error) = ctx.send(channel, card).await else {
        return String::new();
    };
    warn!("the log channel takes nothing: {error}");
    let channel = channel.mention();
    format!("\nI can't write that into the log channel {channel}: see `serversettings moderation` for another one.")
}
