//! Warnings: kept in the plugin's database, numbered over all servers.
//!
//! A group of commands is a module of its own.

use plugin_api::prelude::*;
use serde::Deserialize;

use crate::log;

/// A warning, as its table has it.
#[derive(Deserialize)]
struct Warning {
    id: i64,
    moderator: UserId,
    reason: String,
    at: i64,
}

/// Warn a member.
#[command(requires(MODERATE_MEMBERS), guild_only, examples("warn add @Bob spam"))]
pub(crate) async fn add(
    ctx: Ctx,
    /// Who is warned
    member: Member,
    /// Why
    #[rest]
    #[max_length = 400]
    reason: String,
) -> Result {
    ctx.check_ranks(&member).await?;
    let sql = "INSERT INTO warnings (guild, member, moderator, reason, at) VALUES (?1, ?2, ?3, ?4, unixepoch())";
    let values = (member.guild_id, member.user.id, ctx.author().id, &reason);
    let written = ctx.db().execute(sql, values).await?;
    let text = format!("{} is warned (number {}).", member.mention(), written.last_insert_id);
    let note = log::tell(&ctx, "Warning", &text, Some(&reason)).await;
    ctx.reply(message(text + &note).ping_user(member.user.id)).await
}

/// List the warnings of a user, the newest first; of those who have left, too.
#[command(requires(MODERATE_MEMBERS), guild_only, examples("warn list @Bob"))]
pub(crate) async fn list(ctx: Ctx, #[description = "Whose; by their id, if they have left"] user: User) -> Result {
    let sql =
        "SELECT id, moderator, reason, at FROM warnings WHERE (guild, member) = (?1, ?2) ORDER BY id DESC LIMIT 10";
    let warnings: Vec<Warning> = ctx.db().query(sql, (ctx.guild_id(), user.id)).await?;
    if warnings.is_empty() {
        return ctx.reply(format!("{} has no warnings.", user.mention())).await;
    }
    let mut card = embed(format!("Warnings of {}", user.username));
    for warning in warnings {
        let by = format!("by {} <t:{}:R>", warning.moderator.mention(), warning.at);
        card = card.field(format!("#{}", warning.id), format!("{}\n{by}", warning.reason));
    }
    ctx.reply(card).await
}

/// Take a warning back.
#[command(requires(MODERATE_MEMBERS), guild_only, examples("warn remove 3"))]
pub(crate) async fn remove(
    ctx: Ctx,
    /// Its number, as the list shows it
    #[min = 1]
    number: i64,
) -> Result {
    let sql = "DELETE FROM warnings WHERE id = ?1 AND guild = ?2";
    let removed = ctx.db().execute(sql, (number, ctx.guild_id())).await?;
    if removed.rows_changed == 0 {
        return refuse(format!("There is no warning #{number} in this server."));
    }
    let text = format!("Warning #{number} is taken back.");
    let note = log::tell(&ctx, "Warning taken back", &text, None).await;
    ctx.reply(text + &note).await
}
