//! Fun: polls, dice, reminders, and what chance says.
//!
//! What has to happen later is a timer of the host's, which outlives reloads and restarts.

mod chance;
mod poll;
mod remind;
#[cfg(test)]
mod tests;

use std::time::{Duration, UNIX_EPOCH};

use plugin_api::{Host, prelude::*};

#[start]
async fn start(ctx: StartCtx) -> Result {
    ctx.spawn(take_over(ctx.host().clone()));
    Ok(())
}

/// Sets timers for what has none: what earlier versions kept in tables, and a poll whose bot was killed while it asked.
async fn take_over(host: Host) -> Result {
    let polls: Vec<(i64, u64, Option<GuildId>)> = host.db().query("SELECT id, ends, guild FROM polls", ()).await?;
    // A timer that is there stays as it is: it may be paused, or tried for the second time.
    let set = poll::closing.pending(&host).await?;
    for (id, ends, guild) in polls {
        if set.iter().all(|timer| timer.payload != id) {
            poll::close(&host, id, ends, guild).await?;
        }
    }
    let sql = "SELECT id, user, channel, text, due FROM reminders";
    let kept: Vec<(i64, UserId, ChannelId, String, u64)> = host.db().query(sql, ()).await?;
    for (id, user, channel, text, due) in kept {
        let due = UNIX_EPOCH + Duration::from_secs(due);
        let timer = remind::tell.at(&host, due, &(user, channel, text)).user(user);
        timer.key(format!("earlier {id}")).await?;
        host.db().execute("DELETE FROM reminders WHERE id = ?1", id).await?;
    }
    Ok(())
}

plugin! {
    category: "Fun",
    commands: [poll::poll, remind::remind, chance::roll, chance::coin, chance::eightball, chance::choose],
    components: [poll::vote],
    timers: [poll::closing, remind::tell],
    // Reminders are timers, which the bot erases by itself.
    erase: [
        user => "DELETE FROM votes WHERE user = ?1",
        user => "DELETE FROM reminders WHERE user = ?1",
        guild => "DELETE FROM polls WHERE guild = ?1",
    ],
    migrations: [
        "polls and reminders" => include_str!("../migrations/1.sql"),
        "the servers of polls" => include_str!("../migrations/2.sql"),
    ],
}
