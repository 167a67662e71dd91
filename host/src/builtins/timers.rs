//! `timers`: what runs by time, of all plugins: listed, run, paused, resumed, cancelled by the owner.
//!
//! What is shown is made in `timers_card`.

use plugin_api::{
    Message, ProblemCode, TimerList,
    inspection::PluginList,
    prelude::*,
    serde_json::{Value, json},
};

use super::{
    lifecycle::suggestions,
    timers_card as card,
    turning::{PAGES, turned},
};

/// What can be done with a timer.
const ACTIONS: [&str; 4] = ["run", "pause", "resume", "cancel"];

/// Show what runs by time and when next, or run, pause, resume or cancel one.
#[command(
    slash,
    prefix,
    owner_only,
    cooldown(none),
    examples("timers", "timers fun", "timers run 7", "timers pause 7")
)]
pub(super) async fn timers(
    ctx: Ctx,
    #[description = "A plugin whose timers are shown; or `run`, `pause`, `resume` or `cancel`"]
    #[autocomplete = plugins_and_actions]
    what: Option<String>,
    #[description = "Which timer, by its number"]
    #[autocomplete = known]
    id: Option<String>,
) -> Result {
    let what = what
        .map(|what| what.trim().to_lowercase())
        .filter(|what| !what.is_empty());
    let action = what.as_deref().filter(|what| ACTIONS.contains(what));
    let number = id
        .as_deref()
        .map(|id| id.trim().trim_start_matches('#').parse::<TimerId>());
    match (action, number) {
        (None, None) => ctx.reply(page(&ctx, what, 0).await?).await,
        (Some(action), Some(Ok(id))) => {
            let done: Result<Value> = ctx.call(&format!("timers.{action}"), &json!({ "id": id })).await;
            match done {
                Ok(_) => ctx.reply(card::done(action, id)).await,
                Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
                    Some((ProblemCode::NotFound | ProblemCode::Invalid | ProblemCode::Busy, why)) => refuse(why),
                    _ => Err(error),
                },
            }
        }
        (Some(action), _) => refuse(format!("Which one? `timers` shows their numbers: `timers {action} 7`.")),
        (None, Some(_)) => {
            refuse("There is `timers run ID`, `timers pause ID`, `timers resume ID` and `timers cancel ID`.")
        }
    }
}

/// Turns the page of the list.
#[component(command = timers)]
pub(super) async fn timers_page(ctx: ClickCtx, at: (Option<String>, usize)) -> Result {
    let (plugin, number) = at;
    ctx.update(page(&ctx, plugin, number).await?).await
}

async fn page(ctx: &Ctx, plugin: Option<String>, number: usize) -> Result<Message> {
    let asked = |number: usize| json!({ "plugin": plugin, "skip": number * card::PER_PAGE, "most": card::PER_PAGE });
    let mut list: TimerList = ctx.call("timers.list", &asked(number)).await?;
    // There may be fewer since the button was made.
    let pages = card::pages(&list);
    if number >= pages {
        list = ctx.call("timers.list", &asked(pages - 1)).await?;
    }
    let number = number.min(pages - 1);
    let answer = Message::from(card::list(&list, plugin.as_deref(), number)).ephemeral();
    let button = |label: &str, to: usize| timers_page.button(label).secondary(&(plugin.clone(), to));
    Ok(turned(answer, PAGES, (number, pages), button))
}

async fn plugins_and_actions(ctx: Ctx, typed: String) -> Vec<Choice> {
    let list = ctx.call::<PluginList>("plugins.list", &json!({})).await;
    // Nobody can be told of a failure here.
    let plugins = list.map(|list| list.plugins).unwrap_or_default();
    let names = plugins.iter().map(|plugin| plugin.name.as_str());
    suggestions(&typed, ACTIONS.into_iter().chain(names))
}

async fn known(ctx: Ctx, typed: String) -> Vec<Choice> {
    let list = ctx
        .call::<TimerList>("timers.list", &json!({ "typed": typed.trim(), "most": 25 }))
        .await
        .unwrap_or_default();
    let choices = list.timers.iter().map(|timer| Choice {
        name: card::short(timer),
        value: timer.id.to_string(),
        ..Choice::default()
    });
    choices.collect()
}
