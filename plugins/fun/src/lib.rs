//! Fun: polls, dice, reminders, and what chance says.
//!
//! What has to happen later is a row with its time, which one loop looks at: a reload and a restart find it again.

mod chance;
mod poll;
mod remind;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plugin_api::{Host, prelude::*, tokio::time::sleep, tracing::warn};

#[start]
async fn start(ctx: StartCtx) -> Result {
    ctx.spawn(look_at_times(ctx.host().clone()));
    Ok(())
}

/// Does what is due, every second: two look-ups by index.
async fn look_at_times(host: Host) {
    loop {
        for done in [poll::close_due(&host).await, remind::tell_due(&host).await] {
            if let Err(error) = done {
                warn!("what is due is tried again in a second: {error}");
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// When that is, in seconds since 1970, as tables have it.
fn in_seconds(time: Duration) -> u64 {
    let then = SystemTime::now() + time;
    then.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

plugin! {
    category: "Fun",
    commands: [poll::poll, remind::remind, chance::roll, chance::coin, chance::eightball, chance::choose],
    components: [poll::vote],
    migrations: ["polls and reminders" => include_str!("../migrations/1.sql")],
}
