//! `stats`, `shardinfo`, `extensions` and `discordbotframework`: the bot in figures, and whose ideas it is built on.
//!
//! `discordbotframework` stays what it is by the licence of the framework that this bot re-imagines.

use plugin_api::{figures::BotFigures, inspection::PluginList, prelude::*, serde_json::json};

use super::figures_card;

/// Where the framework is found that this bot re-imagines.
pub(super) const ORIGINAL: &str = "https://github.com/TheHolyOneZ/discord-bot-framework";

/// Show the bot in figures: servers, users, commands, uptime, latency.
#[command(cooldown(1, per = "10s"))]
pub(super) async fn stats(ctx: Ctx) -> Result {
    ctx.reply(figures_card::stats(&figures(&ctx).await?)).await
}

/// Show each connection to Discord: state, latency, servers, age.
#[command(slash, prefix, owner_only, cooldown(1, per = "10s"))]
pub(super) async fn shardinfo(ctx: Ctx) -> Result {
    ctx.reply(figures_card::shards(&figures(&ctx).await?)).await
}

/// Show the loaded plugins with version and load time, and which parts of the framework are on.
#[command(cooldown(1, per = "10s"))]
pub(super) async fn extensions(ctx: Ctx) -> Result {
    let list: PluginList = ctx.call("plugins.list", &json!({})).await?;
    ctx.reply(figures_card::extensions(&list, &figures(&ctx).await?)).await
}

/// Show what this bot is, what it can do and whose idea it was.
#[command(aliases("framework", "botinfo"), cooldown(1, per = "10s"))]
pub(super) async fn discordbotframework(ctx: Ctx) -> Result {
    let card = figures_card::framework(&figures(&ctx).await?);
    ctx.reply(card)
        .button(Button::link("The original framework", ORIGINAL))
        .await
}

async fn figures(ctx: &Ctx) -> Result<BotFigures> {
    ctx.call("bot.figures", &json!({})).await
}
