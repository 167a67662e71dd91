//! `sync` and `slashlimit`: writing slash commands now, and who of them has a place.
//!
//! Both tell what Discord has registered, as the host remembers it.

use plugin_api::{
    ProblemCode,
    prelude::*,
    serde_json::json,
    slash::{SlashFigures, SyncReport},
};

use super::slash_card;

/// Compare the slash commands with what Discord has, and write what differs.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn sync(ctx: Ctx) -> Result {
    ctx.defer().await?;
    match ctx.call::<SyncReport>("slash.sync", &json!({})).await {
        Ok(report) => ctx.reply(slash_card::report(&report)).await,
        Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
            Some((ProblemCode::Busy, why)) => refuse(why),
            _ => Err(error),
        },
    }
}

/// Show how many slash commands there are, and which work by prefix only.
#[command(cooldown(1, per = "10s"))]
pub(super) async fn slashlimit(ctx: Ctx) -> Result {
    let figures: SlashFigures = ctx.call("slash.figures", &json!({})).await?;
    ctx.reply(slash_card::limit(&figures)).await
}
