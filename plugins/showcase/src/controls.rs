//! Controls: selects of each kind, and what a handler learns of what was chosen.
//!
//! Apart because each control needs a handler of its own beside the command that shows it.

use plugin_api::{ChannelKind, prelude::*};

/// Show a select of each kind.
#[command]
pub(crate) async fn selects(ctx: Ctx) -> Result {
    let sizes = size
        .string_select(&3)
        .placeholder("Sizes")
        .min_values(1)
        .max_values(2)
        .options([
            SelectOption::new("Small", "s").description("up to 10").emoji("🐜"),
            SelectOption::new("Large", "l").default(),
        ])
        .option("Huge", "xl");
    ctx.reply("Choose.")
        .select(sizes)
        .select(whom.user_select(&"users".to_owned()).placeholder("Users").max_values(2))
        .select(whom.role_select(&"roles".to_owned()).placeholder("Roles"))
        .select(
            whom.mentionable_select(&"both".to_owned())
                .placeholder("Both")
                .max_values(3),
        )
        .select(
            whom.channel_select(&"channels".to_owned())
                .placeholder("Channels")
                .channel_kinds([ChannelKind::Text, ChannelKind::Voice]),
        )
        .await
}

#[component]
pub(crate) async fn size(ctx: ClickCtx, number: u8) -> Result {
    ctx.reply(format!("{number}: {}", ctx.values().join(" "))).await
}

#[component]
pub(crate) async fn whom(ctx: ClickCtx, what: String) -> Result {
    let users = ctx.users().map(|user| format!("user {}", user.username));
    let members = ctx.members().map(|member| format!("member {}", member.user.username));
    let roles = ctx.roles().map(|role| format!("role {}", role.name));
    let channels = ctx
        .channels()
        .map(|channel| format!("channel {}", channel.name.as_deref().unwrap_or_default()));
    let all: Vec<_> = users.chain(members).chain(roles).chain(channels).collect();
    ctx.update(format!("{what}: {}", all.join(", ")))
        .without_controls()
        .await
}

/// Turn pages.
#[command]
pub(crate) async fn pages(ctx: Ctx) -> Result {
    let pages = (1..=3).map(|number| embed(format!("Page {number}")).description("text ".repeat(number * 10)));
    ctx.paginate(pages).await
}

/// Do something that is asked about first.
#[command]
pub(crate) async fn ask(ctx: Ctx) -> Result {
    ctx.confirm("Really?", done.button("Do it").danger(&7)).await
}

#[component]
pub(crate) async fn done(ctx: ClickCtx, number: u8) -> Result {
    ctx.update(format!("Did {number}.")).without_controls().await
}

/// Remember a text in a button.
#[command]
pub(crate) async fn remember(ctx: Ctx, #[rest] text: String) -> Result {
    ctx.reply("Remembered.")
        .button(recall.button("Recall").primary(&text))
        .await
}

/// What is too long for Discord is kept by the bot: the handler doesn't know.
#[component]
pub(crate) async fn recall(ctx: ClickCtx, text: String) -> Result {
    ctx.reply(text).await
}
