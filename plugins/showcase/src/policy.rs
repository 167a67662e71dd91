//! Commands that say whom they are for, where, how often and how many at a time: each option once.
//!
//! What they say when they run is of no matter; the host decides whether they do.

use plugin_api::{prelude::*, tokio::sync::Notify};

/// What `alone` waits for.
static RELEASED: Notify = Notify::const_new();

/// Guard the server.
#[command(
    category = "Moderation",
    requires(BAN_MEMBERS),
    guild_only,
    examples("warden", "warden twice"),
    priority = 10,
    name_localized("de", "wächter"),
    description_localized("de", "Bewacht den Server.")
)]
pub(crate) async fn warden(ctx: Ctx) -> Result {
    ctx.reply("guarded").await
}

/// Guard the server, shown to everybody.
#[command(category = "Moderation", requires(BAN_MEMBERS), open, hidden)]
pub(crate) async fn openly(ctx: Ctx) -> Result {
    ctx.reply("guarded openly").await
}

/// Do what the bot may not.
#[command(bot_requires(MANAGE_GUILD_EXPRESSIONS))]
pub(crate) async fn bound(ctx: Ctx) -> Result {
    ctx.reply("unbound").await
}

/// Talk in private.
#[command(dm_only)]
pub(crate) async fn privately(ctx: Ctx) -> Result {
    ctx.reply("between us").await
}

/// Talk among adults.
#[command(nsfw)]
pub(crate) async fn adults(ctx: Ctx) -> Result {
    ctx.reply("adult").await
}

/// Do something two times an hour.
#[command(cooldown(2, per = "1h", bucket = "user"))]
pub(crate) async fn seldom(ctx: Ctx, #[min = 1] number: Option<i64>) -> Result {
    ctx.reply(format!("seldom {}", number.unwrap_or(0))).await
}

/// Do something as often as you like.
#[command(cooldown(none), defer = "ephemeral")]
pub(crate) async fn often(ctx: Ctx) -> Result {
    ctx.reply("often").await
}

/// Work until `release`, one at a time in a server.
#[command(max_concurrency(1, bucket = "guild"))]
pub(crate) async fn alone(ctx: Ctx) -> Result {
    ctx.reply("working").await?;
    RELEASED.notified().await;
    ctx.reply("done").await
}

/// End what `alone` does.
#[command]
pub(crate) async fn release(ctx: Ctx) -> Result {
    RELEASED.notify_one();
    ctx.reply("released").await
}
