//! Checks of an author's own, and what runs around every command of the plugin.
//!
//! Each command here is met by one of them; all others pass through without noticing.

#![allow(
    clippy::unused_async,
    reason = "checks and hooks are async, whether they wait for something or not"
)]

use plugin_api::{End, Ended, prelude::*, tracing};

/// A check of the whole plugin.
pub(crate) async fn is_welcome(ctx: &Ctx) -> Result {
    if ctx.author().username == "mallory" {
        return refuse("You are not welcome here.");
    }
    Ok(())
}

/// A check is a plain function.
async fn is_bob(ctx: &Ctx) -> Result<bool> {
    Ok(ctx.author().username == "bob")
}

/// So "or" is `||`, and "not" is `!`.
async fn is_bob_or_in_private(ctx: &Ctx) -> Result<bool> {
    Ok(is_bob(ctx).await? || ctx.guild_id().is_none())
}

async fn is_quiet(ctx: &Ctx) -> Result {
    if ctx.author().username == "loud" {
        return refuse("Not so loud.");
    }
    Ok(())
}

/// Runs before each command: it may refuse, too.
pub(crate) async fn before(ctx: &Ctx) -> Result {
    match ctx.name() {
        "around vetoed" => refuse("Not today."),
        "around before_panics" => panic!("before fell over"),
        _ => Ok(()),
    }
}

/// Runs after each command that was let through.
pub(crate) async fn after(ctx: &Ctx, ended: &Ended<'_>) -> Result {
    if !ctx.name().starts_with("around ") {
        return Ok(());
    }
    match ended.how {
        End::Done => tracing::info!("{} was done", ctx.name()),
        End::Refused(text) => tracing::info!("{} was refused: {text}", ctx.name()),
        End::Failed(error) => tracing::info!("{} has failed: {error}", ctx.name()),
        End::Panicked(text) => tracing::info!("{} has panicked: {text}", ctx.name()),
        _ => {}
    }
    assert!(ctx.name() != "around after_panics", "after fell over");
    if ctx.name() == "around after_fails" {
        return Err(Error::new("after went wrong"));
    }
    Ok(())
}

/// Hears of each failure; `true` if it has told the asker.
pub(crate) async fn on_error(ctx: &Ctx, error: &Error) -> Result<bool> {
    let text = error.to_string();
    assert!(!text.contains("shaky"), "on_error fell over");
    if text.contains("sorry") {
        return refuse("The service is down. Try again in an hour.");
    }
    if text.contains("mend") {
        ctx.reply("Mended.").await?;
        return Ok(true);
    }
    Ok(false)
}

/// Is for Bob, or for direct messages.
#[command(prefix, slash, user_menu = "Check Them", checks(is_quiet, is_bob_or_in_private))]
pub(crate) async fn checked(ctx: Ctx, user: User) -> Result {
    ctx.reply(format!("checked {}", user.username)).await
}

/// Has a button with the same checks.
#[command(checks(is_quiet))]
pub(crate) async fn button(ctx: Ctx) -> Result {
    ctx.reply("Press it.")
        .button(pressed.button("Press").primary(&()))
        .await
}

/// Everybody may press it whom the command's checks let pass.
#[component(anyone, command = "around button")]
pub(crate) async fn pressed(ctx: ClickCtx) -> Result {
    ctx.reply("pressed").await
}

/// Is never let through.
#[command(cooldown(1, "1h"))]
pub(crate) async fn vetoed(ctx: Ctx) -> Result {
    ctx.reply("never").await
}

/// Is met by a `before` that panics.
#[command(cooldown(1, "1h"))]
pub(crate) async fn before_panics(ctx: Ctx) -> Result {
    ctx.reply("never").await
}

/// Is followed by an `after` that panics.
#[command]
pub(crate) async fn after_panics(ctx: Ctx) -> Result {
    ctx.reply("well").await
}

/// Is followed by an `after` that fails.
#[command]
pub(crate) async fn after_fails(ctx: Ctx) -> Result {
    ctx.reply("well").await
}

/// Ends as it is told.
#[command]
pub(crate) async fn ends(ctx: Ctx, how: String) -> Result {
    match how.as_str() {
        "well" => ctx.reply("well").await,
        "refused" => refuse("I'd rather not."),
        "panicked" => panic!("fell over"),
        how => Err(Error::new(format!("it went {how}"))),
    }
}
