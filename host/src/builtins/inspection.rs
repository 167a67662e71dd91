//! `plugins` and `plugininfo`: what there is, how it is, and what it has left behind.
//!
//! Everybody may ask. What the host tells to owners only (reasons, files, texts of errors) is asked for only where nobody
//! else reads along: by slash command, whose answer only the asker sees, and in direct messages.

use plugin_api::{
    Message, ProblemCode,
    inspection::{PluginInfo, PluginList},
    prelude::*,
    serde_json::json,
};

use super::{
    card,
    lifecycle::suggestions,
    turning::{PAGES, turned},
};

/// Show every plugin: how it is, its version and what it needs.
#[command(aliases("pr_list"), cooldown(1, per = "10s"))]
pub(super) async fn plugins(ctx: Ctx) -> Result {
    ctx.reply(list(&ctx, 0, is_private(&ctx)).await?).await
}

/// Turns the page of the list.
#[component(command = plugins)]
pub(super) async fn page(ctx: ClickCtx, at: (usize, bool)) -> Result {
    let (number, private) = at;
    ctx.update(list(&ctx, number, private).await?).await
}

/// Show everything about a plugin: state, needs, commands, load, memory, last error.
#[command(aliases("pr_info"), cooldown(1, per = "10s"))]
pub(super) async fn plugininfo(
    ctx: Ctx,
    #[description = "The plugin's name"]
    #[autocomplete = known]
    name: String,
) -> Result {
    let asked = json!({ "name": name, "private": is_private(&ctx) });
    match ctx.call::<PluginInfo>("plugins.info", &asked).await {
        Ok(info) => ctx.reply(card::info(&info)).ephemeral().await,
        Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
            Some((ProblemCode::NotFound, why)) => refuse(why),
            _ => Err(error),
        },
    }
}

/// Every plugin that is known.
async fn known(ctx: Ctx, typed: String) -> Vec<Choice> {
    let list = ctx.call::<PluginList>("plugins.list", &json!({})).await;
    // Nobody can be told of a failure here.
    let plugins = list.map(|list| list.plugins).unwrap_or_default();
    suggestions(&typed, plugins.iter().map(|plugin| plugin.name.as_str()))
}

/// Whether only the asker sees the answer.
fn is_private(ctx: &Ctx) -> bool {
    ctx.door() != Door::Prefix || ctx.guild_id().is_none()
}

async fn list(ctx: &Ctx, number: usize, private: bool) -> Result<Message> {
    let list: PluginList = ctx.call("plugins.list", &json!({ "private": private })).await?;
    let pages = card::pages(&list);
    // Plugins may have gone since the button was made.
    let number = number.min(pages - 1);
    let answer = Message::from(card::list(&list, number)).ephemeral();
    let button = |label: &str, to: usize| page.button(label).secondary(&(to, private));
    Ok(turned(answer, PAGES, (number, pages), button))
}
