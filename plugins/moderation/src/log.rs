//! What moderators do is told twice: as the reason in Discord's audit log, and in the log channel of the settings.
//! No failure to tell it stops them.

use plugin_api::{prelude::*, tracing::warn};

use crate::Settings;

/// The reason for Discord's audit log: who asked, and why.
pub(crate) fn reason<S>(ctx: &Ctx<S>, why: Option<&str>) -> String {
    let by = &ctx.author().username;
    why.map_or_else(|| format!("by {by}"), |why| format!("by {by}: {why}"))
}

/// Tells in the log channel, if the server has one. That it is gone or closed to the bot stops no moderation.
pub(crate) async fn tell<S>(ctx: &Ctx<S>, title: &str, text: &str, reason: Option<&str>) {
    let Some(channel) = ctx.settings::<Settings>().log_channel else {
        return;
    };
    let card = embed(title)
        .description(text)
        .field("Reason", reason.unwrap_or("none"))
        .footer(format!("by {}", ctx.author().username));
    if let Err(error) = ctx.send(channel, card).await {
        warn!("the log channel takes nothing: {error}");
    }
}
