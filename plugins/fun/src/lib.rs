//! Fun: polls, dice, reminders, and what chance says.
//!
//! What has to happen later is a timer of the host's, which outlives reloads and restarts.

mod chance;
mod poll;
mod remind;

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use plugin_api::{Host, prelude::*};

#[start]
async fn start(ctx: StartCtx) -> Result {
    ctx.spawn(take_over(ctx.host().clone()));
    Ok(())
}

/// Sets timers for what earlier versions kept without; by their keys, again is no more than once.
async fn take_over(host: Host) -> Result {
    let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
    let polls = "SELECT id, ends, guild FROM polls";
    let polls: Vec<(i64, u64, Option<GuildId>)> = host.db().query(polls, ()).await?;
    // Those that have a timer keep it: it may be paused, or tried for the second time.
    let set: HashSet<i64> = poll::closing
        .pending(&host)
        .await?
        .iter()
        .map(|timer| timer.payload)
        .collect();
    for (id, ends, guild) in polls.into_iter().filter(|(id, ..)| !set.contains(id)) {
        poll::close(&host, id, at(ends), guild).await?;
    }
    let sql = "SELECT id, user, channel, text, due FROM reminders";
    let kept: Vec<(i64, UserId, ChannelId, String, u64)> = host.db().query(sql, ()).await?;
    for (id, user, channel, text, due) in kept {
        let timer = remind::tell.at(&host, at(due), &(user, channel, text));
        timer.user(user).key(format!("earlier {id}")).await?;
        host.db().execute("DELETE FROM reminders WHERE id = ?1", id).await?;
    }
    Ok(())
}

/// Reminders are timers, which the bot erases by itself.
#[erase]
async fn forget(ctx: EraseCtx, who: Subject) -> Result {
    match who {
        Subject::User(user) => {
            ctx.db().execute("DELETE FROM votes WHERE user = ?1", user).await?;
            // Of versions before, until they are timers.
            ctx.db().execute("DELETE FROM reminders WHERE user = ?1", user).await?;
        }
        Subject::Guild(guild) => {
            ctx.db().execute("DELETE FROM polls WHERE guild = ?1", guild).await?;
        }
    }
    Ok(())
}

plugin! {
    category: "Fun",
    commands: [poll::poll, remind::remind, chance::roll, chance::coin, chance::eightball, chance::choose],
    components: [poll::vote],
    timers: [poll::closing, remind::tell],
    erase: forget,
    migrations: [
        "polls and reminders" => include_str!("../migrations/1.sql"),
        "the servers of polls" => include_str!("../migrations/2.sql"),
    ],
}
