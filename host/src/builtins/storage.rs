//! `integritycheck` and `dbstats`: whether the databases are sound, how large they are and how fast.
//!
//! What is shown is made in `storage_card`.

use plugin_api::{
    databases::{DatabaseCheck, DatabaseFigures},
    prelude::*,
    serde_json::json,
};

use super::storage_card;

/// Check every database: the bot's own and plugins'.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn integritycheck(ctx: Ctx) -> Result {
    ctx.defer().await?;
    let checks: Vec<DatabaseCheck> = ctx.call("storage.check", &json!({})).await?;
    ctx.reply(storage_card::checks(&checks)).await
}

/// Show every database: size, tables, how long reads and writes take.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn dbstats(ctx: Ctx) -> Result {
    let figures: Vec<DatabaseFigures> = ctx.call("storage.figures", &json!({})).await?;
    ctx.reply(storage_card::figures(&figures)).await
}
