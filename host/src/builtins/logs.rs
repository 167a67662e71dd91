//! `errors` and `loglevel`: what went wrong and the whole story of it; what is logged of whom, changed while the bot runs.
//!
//! Apart from their cards, which are in `report`. It decides nothing but which call an owner's words mean.

use plugin_api::{
    IncidentList, IncidentStory, LogLevels, Message, ProblemCode,
    prelude::*,
    serde_json::{Value, json},
};

use super::{report, turning::turned};

/// Show what went wrong lately, or the whole story of one incident.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn errors(
    ctx: Ctx,
    #[description = "The code that the user was given"] code: Option<String>,
) -> Result {
    let Some(code) = code else {
        return ctx.reply(page(&ctx, 0).await?).await;
    };
    let story = ask::<IncidentStory>(&ctx, "errors.show", &json!({ "code": code })).await?;
    ctx.reply(Message::from(report::story(&story)).ephemeral()).await
}

/// Turns the page of the incidents.
#[component(command = errors)]
pub(super) async fn errors_page(ctx: ClickCtx, number: usize) -> Result {
    ctx.update(page(&ctx, number).await?).await
}

async fn page(ctx: &Ctx, number: usize) -> Result<Message> {
    let asked = |number: usize| json!({ "skip": number * report::PER_PAGE, "most": report::PER_PAGE });
    let mut list: IncidentList = ctx.call("errors.list", &asked(number)).await?;
    // There may be fewer since the button was made.
    let pages = report::pages(&list);
    if number >= pages {
        list = ctx.call("errors.list", &asked(pages - 1)).await?;
    }
    let number = number.min(pages - 1);
    let answer = Message::from(report::list(&list, number)).ephemeral();
    let button = |label: &str, to: usize| errors_page.button(label).secondary(&to);
    Ok(turned(answer, ["Newer", "Older"], (number, pages), button))
}

/// Show what is logged of whom, or change it: `loglevel host::rest debug`, `loglevel reset`.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn loglevel(
    ctx: Ctx,
    #[description = "A module, plugin or library; or a level for all; or reset"] target: Option<String>,
    #[description = "TRACE, DEBUG, INFO, WARN, ERROR, or reset"] level: Option<String>,
) -> Result {
    let is = |text: &Option<String>, word: &str| text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word));
    let (call, arguments) = match (&target, &level) {
        (None, None) => ("logs.levels", Value::Null),
        (_, None) if is(&target, "reset") => ("logs.reset", Value::Null),
        (Some(level), None) | (None, Some(level)) if report::is_level(level) => ("logs.set", json!({ "level": level })),
        (None, Some(_)) if is(&level, "reset") => ("logs.set", json!({})),
        (Some(target), Some(_)) if is(&level, "reset") => ("logs.set", json!({ "target": target })),
        (Some(target), Some(level)) => ("logs.set", json!({ "target": target, "level": level })),
        (Some(_), None) | (None, Some(_)) => {
            return refuse(
                "That is no level: TRACE, DEBUG, INFO, WARN or ERROR. `loglevel TARGET LEVEL` sets one target's.",
            );
        }
    };
    let levels: LogLevels = ask(&ctx, call, &arguments).await?;
    ctx.reply(Message::from(report::levels(&levels)).ephemeral()).await
}

/// Asks the host; what it refuses is told to the owner as it is.
async fn ask<T: plugin_api::serde::de::DeserializeOwned>(ctx: &Ctx, call: &str, arguments: &Value) -> Result<T> {
    match ctx.call(call, arguments).await {
        Ok(answer) => Ok(answer),
        Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
            Some((ProblemCode::NotFound | ProblemCode::Invalid, why)) => refuse(why),
            _ => Err(error),
        },
    }
}
