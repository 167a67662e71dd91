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
#[command(slash, prefix, owner_only, cooldown(none), examples("sync", "sync --delete-unknown"))]
pub(super) async fn sync(
    ctx: Ctx,
    /// Delete commands that another program has registered, too
    #[flag]
    delete_unknown: bool,
) -> Result {
    ctx.defer().await?;
    let report = written(
        ctx.call("slash.sync", &json!({ "delete_unknown": delete_unknown }))
            .await,
    )?;
    let mut answer = message("").embed(slash_card::report(&report));
    if report.sets.iter().any(|set| !set.unknown.is_empty()) {
        answer = answer.button(sync_delete.button("Delete them").danger(&()));
    }
    ctx.reply(answer).await
}

/// The button that has others' commands deleted, which are named above it.
#[component(command = sync)]
pub(super) async fn sync_delete(ctx: ClickCtx, (): ()) -> Result {
    ctx.defer().await?;
    let report = written(ctx.call("slash.sync", &json!({ "delete_unknown": true })).await)?;
    let card = message("").embed(slash_card::report(&report));
    ctx.update(card).without_controls().await
}

fn written(report: Result<SyncReport>) -> Result<SyncReport> {
    report.or_else(
        |error| match error.problem().map(|problem| (problem.code, problem.message.clone())) {
            Some((ProblemCode::Busy, why)) => refuse(why),
            _ => Err(error),
        },
    )
}

/// Show how many slash commands there are, and which work by prefix only.
#[command(cooldown(1, per = "10s"))]
pub(super) async fn slashlimit(ctx: Ctx) -> Result {
    let figures: SlashFigures = ctx.call("slash.figures", &json!({})).await?;
    ctx.reply(slash_card::limit(&figures)).await
}
