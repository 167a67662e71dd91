//! Reminders: told in the channel where they were asked for.
//!
//! A reminder is forgotten once it was told: a bot that is killed in between tells it twice rather than never.

use std::time::Duration;

use plugin_api::{Host, prelude::*, tracing::warn};

use crate::in_seconds;

/// How many somebody has at most.
const MOST: u32 = 25;

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
    let due = in_seconds(time);
    let sql = "INSERT INTO reminders (user, channel, text, due) SELECT ?1, ?2, ?3, ?4 \
               WHERE (SELECT count(*) FROM reminders WHERE user = ?1) < ?5";
    let values = (ctx.author().id, ctx.channel_id(), text, due, MOST);
    if ctx.db().execute(sql, values).await?.rows_changed == 0 {
        return refuse(format!("You have {MOST} reminders already: wait for one of them."));
    }
    ctx.reply(format!("I'll remind you <t:{due}:R>.")).await
}

/// Tells those that are due.
pub(crate) async fn tell_due(host: &Host) -> Result {
    let sql = "SELECT id, user, channel, text FROM reminders WHERE due <= unixepoch() ORDER BY due LIMIT 50";
    let due: Vec<(i64, UserId, ChannelId, String)> = host.db().query(sql, ()).await?;
    for (id, user, channel, text) in due {
        let told = message(format!("{}, you wanted to be reminded: {text}", user.mention())).ping_user(user);
        match host.send(channel, told).await {
            // The channel is gone, or closed to the bot, and stays so.
            Err(error) if error.http().is_some() => warn!("a reminder finds nobody: {error}"),
            other => other?,
        }
        host.db().execute("DELETE FROM reminders WHERE id = ?1", id).await?;
    }
    Ok(())
}
