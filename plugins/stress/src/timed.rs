//! What runs by time: rules that count how often they ran, one-off timers that tell, fail, panic or last.
//!
//! Counts are rows, so that tests see them over reloads and restarts.

use std::time::Duration;

use plugin_api::{Host, prelude::*, tokio::time::sleep, tracing::info};
use serde::{Deserialize, Serialize};

use crate::State;

/// One more of these; how many there are.
async fn count(host: &Host, what: &str) -> Result<i64> {
    host.db()
        .execute(
            "CREATE TABLE IF NOT EXISTS counts (what TEXT PRIMARY KEY, count INTEGER NOT NULL)",
            (),
        )
        .await?;
    let sql = "INSERT INTO counts VALUES (?1, 1) ON CONFLICT (what) DO UPDATE SET count = count + 1 RETURNING count";
    host.db().query_one(sql, what).await
}

/// Counts itself, an hour after it is first seen.
#[every("1h", missed = run_late)]
pub(super) async fn hourly(ctx: TimerCtx<State>) -> Result {
    let runs = count(&ctx, "hourly").await?;
    info!(runs, missed = ctx.missed(), "the hourly timer runs");
    Ok(())
}

/// Counts itself; what was missed is left out.
#[cron("0 4 * * *", zone = "Europe/Berlin", missed = skip)]
pub(super) async fn nightly(ctx: TimerCtx<State>) -> Result {
    let runs = count(&ctx, "nightly").await?;
    info!(runs, "the nightly timer runs");
    Ok(())
}

#[derive(Deserialize, Serialize)]
pub(super) struct Later {
    channel: ChannelId,
    text: String,
}

/// Tells a text, or fails as it says.
#[timer]
pub(super) async fn tell_later(ctx: TimerCtx<State>, later: Later) -> Result {
    match later.text.as_str() {
        "fail" => return Err(Error::new("the stress plugin was asked to fail later")),
        "panic" => panic!("the stress plugin was asked to panic later"),
        "last" => {
            ctx.send(later.channel, "lasting").await?;
            sleep(Duration::from_hours(1)).await;
        }
        _ => {}
    }
    let runs = count(&ctx, "told").await?;
    info!("told {runs}");
    if later.text == "many" {
        return Ok(());
    }
    ctx.send(later.channel, format!("later: {} ({runs})", later.text)).await
}

/// Tell something later.
#[command]
pub(super) async fn later(ctx: Ctx<State>, time: Duration, #[rest] text: String) -> Result {
    let (key, text) = match text.split_once('=') {
        Some((key, text)) => (Some(key.to_owned()), text.to_owned()),
        None => (None, text),
    };
    let later = Later {
        channel: ctx.channel_id(),
        text,
    };
    let mut timer = tell_later.after(&ctx, time, &later).user(ctx.author().id);
    if let Some(key) = key {
        timer = timer.key(key);
    }
    if let Some(guild) = ctx.guild_id() {
        timer = timer.guild(guild);
    }
    let id = timer.await?;
    ctx.reply(format!("timer {id}")).await
}

/// Set many timers at once, all due now.
#[command(name = "later-many")]
pub(super) async fn later_many(ctx: Ctx<State>, count: u32) -> Result {
    let later = Later {
        channel: ctx.channel_id(),
        text: "many".to_owned(),
    };
    for _ in 0..count {
        tell_later.after(&ctx, Duration::ZERO, &later).await?;
    }
    ctx.reply(format!("{count} set")).await
}

/// Show what waits, or cancel it by its key.
#[command(name = "later-list")]
pub(super) async fn later_list(ctx: Ctx<State>, cancel: Option<String>) -> Result {
    if let Some(key) = cancel {
        let was_there = tell_later.cancel_key(&ctx, key).await?;
        return ctx.reply(format!("{was_there}")).await;
    }
    let own = tell_later.pending(&ctx).user(ctx.author().id).await?;
    let own: Vec<_> = own
        .iter()
        .map(|timer| format!("{}: {}", timer.id, timer.payload.text))
        .collect();
    ctx.reply(format!("{} of mine: {}", own.len(), own.join(", "))).await
}

/// Rows know nobody; it fails for a user whom a test chooses.
#[erase]
pub(super) async fn forget(_ctx: EraseCtx<State>, who: Subject) -> Result {
    match who {
        Subject::User(user) if user.get() % 2 == 1 => Err(Error::new("the stress plugin was asked to fail")),
        _ => Ok(()),
    }
}
