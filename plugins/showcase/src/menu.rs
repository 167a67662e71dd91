//! Commands of context menus, alone and beside the other doors of the same function.
//!
//! Apart because tests compare their doors: the same text by each.

use plugin_api::prelude::*;

/// Wave at somebody.
#[command(
    prefix,
    slash,
    user_menu = "Wave At",
    user_menu_localized("de", "Zuwinken"),
    name_localized("de", "winken")
)]
pub(crate) async fn wave(
    ctx: Ctx,
    /// Whom
    #[name_localized("de", "wem")]
    #[description_localized("de", "Wem gewinkt wird")]
    member: Member,
    times: Option<u8>,
) -> Result {
    let times = times.unwrap_or(1);
    ctx.reply(format!("waves at {} {times} times", member.user.username))
        .await
}

/// Say again what somebody has said.
#[command(
    prefix,
    slash,
    message_menu = "Quote",
    examples("quote https://discord.com/channels/1/2/3")
)]
pub(crate) async fn quote(ctx: Ctx, message: MessageLink) -> Result {
    let message = ctx.read_message(&message).await?;
    ctx.reply(format!("{}: {}", message.author.username, message.content))
        .await
}

/// Flag a message for the moderators.
#[command(
    message_menu = "Flag Message",
    name = "flag",
    category = "Moderation",
    requires(MANAGE_MESSAGES),
    guild_only,
    cooldown(1, "1h"),
    defer = ephemeral
)]
pub(crate) async fn flag(ctx: Ctx, message: MessageLink) -> Result {
    let text = format!("flagged {}", message.message_id);
    ctx.reply(text).ephemeral().await
}

/// Say what kind of user somebody is.
#[command(user_menu = "Kind Of User", owner_only)]
pub(crate) async fn userkind(ctx: Ctx, user: User) -> Result {
    ctx.reply(format!(
        "{} is {}",
        user.username,
        if user.bot { "a bot" } else { "a person" }
    ))
    .ephemeral()
    .await
}
