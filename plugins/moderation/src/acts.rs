//! Bans and kicks behind their buttons, each done once, against whoever may still be acted against.
//!
//! Apart from the commands, which only ask.

use std::time::Duration;

use plugin_api::{RawRequest, prelude::*};

use crate::log;

/// Told where Discord forbids it to the bot.
const FORBIDDEN: &str =
    "Discord doesn't let me do that to them. It protects administrators from timeouts; else move my role up.";

/// Whom it is about, and why.
pub(crate) type About = (UserId, Option<String>);

/// What Discord forbids, and that they are gone, is told in words.
pub(crate) fn refused_by_discord<T>(done: Result<T>) -> Result<T> {
    match done.optional() {
        Ok(Some(done)) => Ok(done),
        Ok(None) => refuse("They are no longer here."),
        Err(error) if error.http().is_some_and(|http| http.status == 403) => refuse(FORBIDDEN),
        Err(error) => Err(error),
    }
}

#[component(expires = "10m", command = "ban")]
pub(crate) async fn ban_now(ctx: ClickCtx, (about, days): (About, u8)) -> Result {
    let seconds = u64::from(days) * 86_400;
    let ban = ctx.ban(ctx.require_guild()?, about.0, Duration::from_secs(seconds));
    act(&ctx, ban, "Banned", about).await
}

#[component(expires = "10m", command = "kick")]
pub(crate) async fn kick_now(ctx: ClickCtx, about: About) -> Result {
    let kick = ctx.kick(ctx.require_guild()?, about.0);
    act(&ctx, kick, "Kicked", about).await
}

/// Does it, unless the one it is about has risen above the asker or the bot since it was asked.
async fn act(ctx: &ClickCtx, act: RawRequest, title: &str, (user, reason): About) -> Result {
    let claim = ctx.claim()?;
    ctx.check_ranks_of(user).await?;
    refused_by_discord(act.reason(log::reason(ctx, reason.as_deref())).await)?;
    claim.done();
    let note = log::tell(ctx, title, &user.mention(), reason.as_deref()).await;
    let text = format!("{} by {}{note}", user.mention(), ctx.author().mention());
    ctx.update(embed(title).description(text)).without_controls().await
}
