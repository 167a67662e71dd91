//! A group of commands: `!warn add`, `/warn list`.
//!
//! Apart because a group is a module: `plugin!` names it with its commands.

use plugin_api::prelude::*;

/// Warn a member.
#[command]
pub(crate) async fn add(ctx: Ctx, member: Member, #[rest] reason: Option<String>) -> Result {
    let reason = reason.unwrap_or_else(|| "no reason".to_owned());
    ctx.reply(format!("warned {}: {reason}", member.user.username)).await
}

/// List the warnings of a member.
#[command(name = "list", aliases("all"))]
pub(crate) async fn list(ctx: Ctx, member: Option<Member>) -> Result {
    let whose = member.map_or_else(|| "everybody".to_owned(), |member| member.user.username);
    ctx.reply(format!("no warnings of {whose}")).await
}
