//! Fun: polls, dice, reminders, and what chance says.
//!
//! What has to happen later is a timer of the host's, which outlives reloads and restarts.

mod chance;
mod poll;
mod remind;

use std::time::{Duration, SystemTime};

use plugin_api::{Host, prelude::*};

#[start]
async fn start(ctx: StartCtx) -> Result {
    ctx.spawn(take_over(ctx.host().clone()));
    Ok(())
}

/// Sets timers for what earlier versions kept without; by their keys, again is no more than once.
async fn take_over(host: Host) -> Result {
    let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
    for (id, ends) in host.db().query::<(i64, u64)>("SELECT id, ends FROM polls", ()).await? {
        poll::closing.at(&host, at(ends), &id).key(id.to_string()).await?;
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
    if let Subject::User(user) = who {
        ctx.db().execute("DELETE FROM votes WHERE user = ?1", user).await?;
    }
    Ok(())
}

plugin! {
    category: "Fun",
    commands: [poll::poll, remind::remind, chance::roll, chance::coin, chance::eightball, chance::choose],
    components: [poll::vote],
    timers: [poll::closing, remind::tell],
    erase: forget,
    migrations: ["polls and reminders" => include_str!("../migrations/1.sql")],
}
