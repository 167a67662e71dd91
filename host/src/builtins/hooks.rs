//! `hooks` and `hookhistory`: who listens to what, how it fares, and the owner's switches.
//!
//! Apart from their cards, which are in `hooks_card`. A switch is kept over restarts, a reset is not.

use plugin_api::{
    ProblemCode,
    hooks::{HookHistory, HookList},
    prelude::*,
    serde_json::{Value, json},
};

use super::{
    hooks_card,
    lifecycle::suggestions,
    turning::{PAGES, turned},
};

/// What is done with a callback.
#[derive(plugin_api::Choice, Clone, Copy, Debug)]
pub(super) enum Switch {
    /// Let it run again.
    Enable,
    /// Let it run no more, also after a restart.
    Disable,
    /// Forget its failures.
    Reset,
}

/// Show who listens to what, or switch a callback: `hooks disable levels.loaded`.
#[command(
    slash,
    prefix,
    owner_only,
    aliases("eh_list"),
    cooldown(none),
    examples("hooks", "hooks disable levels.loaded", "hooks reset levels.loaded")
)]
pub(super) async fn hooks(
    ctx: Ctx,
    #[description = "What is done with a callback; without it, all are listed"] action: Option<Switch>,
    #[description = "The callback, such as levels.loaded"]
    #[autocomplete = known]
    callback: Option<String>,
) -> Result {
    let Some(action) = action else {
        return ctx.reply(page(&ctx, 0).await?).await;
    };
    let Some(callback) = callback else {
        return refuse("Which callback? `hooks` lists them: write `hooks disable levels.loaded`, say.");
    };
    let call = match action {
        Switch::Enable => "hooks.enable",
        Switch::Disable => "hooks.disable",
        Switch::Reset => "hooks.reset",
    };
    let done: String = ask(&ctx, call, &json!({ "id": callback })).await?;
    ctx.reply(done).await
}

/// Turns the page of the list.
#[component(command = hooks)]
pub(super) async fn hooks_page(ctx: ClickCtx, number: usize) -> Result {
    ctx.update(page(&ctx, number).await?).await
}

async fn page(ctx: &Ctx, number: usize) -> Result<Message> {
    let list: HookList = ask(ctx, "hooks.list", &json!({})).await?;
    let pages = hooks_card::pages(&list);
    // Plugins may have gone since the button was made.
    let number = number.min(pages - 1);
    let answer = Message::from(hooks_card::list(&list, number)).ephemeral();
    let button = |label: &str, to: usize| hooks_page.button(label).secondary(&to);
    Ok(turned(answer, PAGES, (number, pages), button))
}

/// Show the last runs of callbacks: when, of which event, how long they took, and what went wrong.
#[command(slash, prefix, owner_only, aliases("eh_history"), cooldown(none))]
pub(super) async fn hookhistory(
    ctx: Ctx,
    #[description = "How many are shown; 20 if nothing is said"]
    #[min = 1]
    #[max = 50]
    #[default = 20]
    limit: u8,
) -> Result {
    let history: HookHistory = ask(&ctx, "hooks.history", &json!({ "limit": limit })).await?;
    ctx.paginate(hooks_card::history(&history)).ephemeral().await
}

/// Every callback that runs.
async fn known(ctx: Ctx, typed: String) -> Vec<Choice> {
    let list = ctx.hooks().list().await;
    // Nobody can be told of a failure here.
    let hooks = list.map(|list| list.hooks).unwrap_or_default();
    suggestions(&typed, hooks.iter().map(|hook| hook.id.as_str()))
}

/// Asks the host; what it refuses is told to the owner as it is.
async fn ask<T: plugin_api::serde::de::DeserializeOwned>(ctx: &Ctx, call: &str, arguments: &Value) -> Result<T> {
    match ctx.call(call, arguments).await {
        Ok(answer) => Ok(answer),
        Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
            Some((ProblemCode::NotFound | ProblemCode::Invalid | ProblemCode::Failed, why)) => refuse(why),
            _ => Err(error),
        },
    }
}
