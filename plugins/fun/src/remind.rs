//! Reminders: told in the channel where they were asked for.
//!
//! Each is a timer of the host's: a bot that is killed while it tells one tells it twice rather than never.

use std::time::{Duration, SystemTime};

use plugin_api::{prelude::*, relative_time, tracing::warn};

/// How many somebody has at most.
const MOST: usize = 25;

/// Be reminded of something later.
#[command(examples("remind 10m tea", "remind 2 days the exam"))]
pub(crate) async fn remind(
    ctx: Ctx,
    /// In how long: 10m, 2h30m, 3d
    time: Duration,
    /// Of what
    #[rest]
    #[max_length = 1000]
    text: String,
) -> Result {
    if time.is_zero() || time > Duration::from_secs(366 * 86_400) {
        return refuse("I remind you of things up to a year ahead: `remind 10m tea`.");
    }
    let (user, due) = (ctx.author().id, SystemTime::now() + time);
    if tell.pending(&ctx).user(user).await?.len() >= MOST {
        return refuse(format!("You have {MOST} reminders already: wait for one of them."));
    }
    tell.at(&ctx, due, &(user, ctx.channel_id(), text)).user(user).await?;
    ctx.reply(format!("I'll remind you {}.", relative_time(due))).await
}

/// Tells one; while Discord takes nothing, it is kept.
#[timer(retry = "1m")]
pub(crate) async fn tell(ctx: TimerCtx, (user, channel, text): (UserId, ChannelId, String)) -> Result {
    let told = message(format!("{}, you wanted to be reminded: {text}", user.mention())).ping_user(user);
    match ctx.send(channel, told).await {
        Err(error) if !error.is_transient() => warn!("a reminder finds nobody: {error}"),
        told => return told,
    }
    Ok(())
}
