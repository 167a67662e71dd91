//! `help`: a menu of categories and their commands, and the card of a single command; and what the bot answers to a
//! message that is nothing but its mention.
//!
//! All state is in the controls, so that a menu goes on after a reload and a restart. What is shown is asked for at every
//! click: only what the one who clicks may use there.

use std::time::Duration;

use plugin_api::{
    Message,
    commands::{CommandList, ListedCommand},
    figures::BotFigures,
    prelude::*,
    serde_json::json,
};
use serde::{Deserialize, Serialize};

use super::{
    figures_card, help_card,
    lifecycle::suggestions,
    turning::{PAGES, turned},
};

/// How long a menu is of use that nobody uses.
const IDLE: Duration = Duration::from_secs(180);

/// A page of the menu, as its controls know it. `to` tells controls apart that lead to the same page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turn(pub(super) To, pub(super) Page);

/// Where a control leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum To {
    #[serde(rename = "p")]
    Previous,
    #[serde(rename = "n")]
    Next,
    #[serde(rename = "b")]
    Back,
}

/// What a menu shows: the page of the list of categories, and, in a category, which one and its page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page(pub(super) usize, pub(super) Option<u32>, pub(super) usize);

/// Show what you can use here, or everything about one command.
#[command(category = "Help", cooldown(none), examples("help", "help plugins"))]
pub(super) async fn help(
    ctx: Ctx,
    #[description = "The command to be shown; all of them without"]
    #[autocomplete = suggest]
    #[rest]
    command: Option<String>,
) -> Result {
    let Some(asked) = command else {
        // A card costs nothing, the menu is long.
        ctx.cooldown(1, Duration::from_secs(10)).await?;
        let list = list(&ctx).await?;
        return ctx.reply(menu(&list, &ctx, Page::default())).await;
    };
    let list = list(&ctx).await?;
    match find(&list, &asked) {
        Some(command) => ctx.reply(help_card::command(&list, command)).await,
        None => refuse(help_card::unknown(&list, &asked)),
    }
}

/// Shows the category that was chosen.
#[component(command = help)]
pub(super) async fn help_category(ctx: ClickCtx, categories: usize) -> Result {
    let list = list(&ctx).await?;
    let chosen = ctx.value().map(help_card::key);
    ctx.update(menu(&list, &ctx, Page(categories, chosen, 0))).await
}

/// Turns the page, or goes back to the categories.
#[component(command = help)]
pub(super) async fn help_page(ctx: ClickCtx, turn: Turn) -> Result {
    let list = list(&ctx).await?;
    ctx.update(menu(&list, &ctx, turn.1)).await
}

/// Shows whose ideas the bot is built on.
#[component(command = help)]
pub(super) async fn help_credits(ctx: ClickCtx) -> Result {
    ctx.reply(figures_card::credits()).ephemeral().await
}

/// Say how this bot is used here: the answer to its mention.
#[command(prefix, name = "mentioned", hidden, cooldown(none))]
pub(super) async fn mentioned(ctx: Ctx) -> Result {
    let list = list(&ctx).await?;
    let figures: BotFigures = ctx.call("bot.figures", &json!({})).await?;
    ctx.reply(help_card::mentioned(&list, ctx.bot_id(), &figures)).await
}

async fn list(ctx: &Ctx) -> Result<CommandList> {
    let mut list: CommandList = ctx.call("commands.list", &json!({})).await?;
    list.commands.retain(|command| command.may_run);
    Ok(list)
}

/// Those that whoever types may use, and whose names go on from what is typed.
async fn suggest(ctx: Ctx, typed: String) -> Vec<Choice> {
    let Ok(list) = list(&ctx).await else {
        return Vec::new();
    };
    let shown = list.commands.iter().filter(|command| !command.hidden);
    suggestions(
        typed.trim_start_matches('/'),
        shown.map(|command| command.name.as_str()),
    )
}

/// The command that somebody means: by name or alias, with or without what stands before it.
fn find<'l>(list: &'l CommandList, asked: &str) -> Option<&'l ListedCommand> {
    let asked = asked.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let asked = asked.strip_prefix(&list.prefix.to_lowercase()).unwrap_or(&asked);
    let asked = asked.trim_start_matches('/').trim();
    let by_name = list.commands.iter().find(|command| command.name == asked);
    by_name.or_else(|| {
        let mut all = list.commands.iter();
        all.find(|command| command.aliases.iter().any(|alias| alias.to_lowercase() == asked))
    })
}

/// The menu at a page. What the page was about may have gone since: then it is the nearest that there is.
fn menu(list: &CommandList, ctx: &Ctx, at: Page) -> Message {
    let Page(categories_page, chosen, page) = at;
    let categories = help_card::categories(list);
    if let Some(category) = chosen.and_then(|key| categories.iter().find(|one| help_card::key(one.name) == key)) {
        let pages = help_card::pages(category.commands.len());
        let page = page.min(pages - 1);
        let turned = |page| Page(categories_page, chosen, page);
        let answer = Message::from(help_card::category(list, category, page));
        let back = Turn(To::Back, Page(categories_page, None, 0));
        return paged(answer, page, pages, turned)
            .button(help_page.button("Back").secondary(&back))
            .disable_after(IDLE);
    }
    let pages = help_card::pages(categories.len());
    let number = categories_page.min(pages - 1);
    let mut answer = Message::from(help_card::menu(list, &categories, ctx.bot_id(), number));
    let shown: Vec<_> = help_card::page(&categories, number).collect();
    if !shown.is_empty() {
        let options = shown.iter().map(|category| help_card::option(category));
        let select = help_category.string_select(&number).placeholder("Choose a category");
        answer = answer.select(select.options(options));
    }
    paged(answer, number, pages, |page| Page(page, None, 0))
        .button(help_credits.button("Credits").secondary(&()))
        .disable_after(IDLE)
}

/// Adds buttons to turn the page, if there is more than one.
fn paged(answer: Message, number: usize, pages: usize, at: impl Fn(usize) -> Page) -> Message {
    let [before, _] = PAGES;
    turned(answer, PAGES, (number, pages), |label, to| {
        let way = if label == before { To::Previous } else { To::Next };
        help_page.button(label).secondary(&Turn(way, at(to)))
    })
}
