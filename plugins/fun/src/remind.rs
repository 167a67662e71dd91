//! Reminders: told in the channel where they were asked for.
//!
//! Each is a timer of the host's: a bot that is killed while it tells one tells it twice rather than never.

use std::time::{Duration, SystemTime};

use plugin_api::{ProblemCode, prelude::*, relative_time, tracing::warn};

/// How many somebody has at most.
const MOST: usize = 25;
/// After what time one is told again that Discord could not take.
pub(crate) const AGAIN: Duration = Duration::from_secs(60);

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

/// Tells one.
#[timer]
pub(crate) async fn tell(ctx: TimerCtx, (user, channel, text): (UserId, ChannelId, String)) -> Result {
    let told = message(format!("{}, you wanted to be reminded: {text}", user.mention())).ping_user(user);
    match ctx.send(channel, told).await {
        Err(error) if is_passing(&error) => {
            warn!("a reminder can't be told, it is tried again in a minute: {error}");
            // A run is not made again by itself: another timer is set before this one is over.
            let again = tell.after(&ctx, AGAIN, &(user, channel, text)).user(user);
            match ctx.key() {
                Some(key) => again.key(key).await?,
                None => again.await?,
            };
        }
        Err(error) => warn!("a reminder finds nobody: {error}"),
        Ok(()) => {}
    }
    Ok(())
}

/// Whether the same may go well later: Discord could not be reached, or has said nothing of what was asked.
pub(crate) fn is_passing(error: &Error) -> bool {
    let is_final = |code| matches!(code, ProblemCode::Invalid | ProblemCode::NotSupported);
    match error.http() {
        Some(answer) => answer.status == 429 || answer.status >= 500,
        None => error.problem().is_none_or(|problem| !is_final(problem.code)),
    }
}
