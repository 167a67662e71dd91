//! Functions that wait for what people do next: a message, a reaction, a click.
//!
//! Apart because they are the only ones that do not end by themselves.

use std::time::Duration;

use plugin_api::{awaited, prelude::*};

/// How long they wait for people.
const PATIENCE: Duration = Duration::from_secs(30);

/// Be asked for a number, again and again until it is one.
#[command(aliases("guess"))]
pub(crate) async fn favourite(ctx: Ctx) -> Result {
    let number = ctx
        .wait_for_message()
        .from_author()
        .filter(|message| message.content.parse::<u32>().is_ok())
        .begin(PATIENCE)
        .await?;
    // Asked only now: nobody can be quicker than this function.
    ctx.reply("Which number?").await?;
    match number.await? {
        Some(message) => ctx.reply(format!("{} it is.", message.content)).await,
        None => ctx.reply("Another time, then.").await,
    }
}

/// Wait for somebody, but not for long.
#[command]
pub(crate) async fn impatient(ctx: Ctx) -> Result {
    let came = ctx.wait_for_message().timeout(Duration::from_millis(50)).await?;
    ctx.reply(if came.is_none() {
        "Nobody came."
    } else {
        "Somebody came."
    })
    .await
}

/// See who reacts first.
#[command]
pub(crate) async fn race(ctx: Ctx) -> Result {
    let start = ctx.reply("Ready?").handle().await?;
    let first = ctx.wait_for_reaction(&start).emoji("🏁").begin(PATIENCE).await?;
    // So that everybody has it to press. The bot's own doesn't count.
    start.react("🏁").await?;
    start.edit("Go!").await?;
    match first.await? {
        Some(reaction) => ctx.reply(format!("{} is first.", reaction.user_id.mention())).await,
        None => ctx.reply("Nobody?").await,
    }
}

/// Choose a side, then say why.
#[command]
pub(crate) async fn side(ctx: Ctx) -> Result {
    let question = ctx
        .reply("Heads or tails?")
        .button(awaited("heads").button("Heads").primary())
        .button(awaited("tails").anyone().button("Tails").secondary())
        .handle()
        .await?;
    let author = ctx.author().id;
    let click = ctx
        .wait_for_click(&question)
        .filter(move |click| click.key() == "tails" || click.author().id == author)
        .timeout(PATIENCE)
        .await?;
    match click {
        Some(click) => {
            let text = format!("{} by {}.", click.key(), click.author().username);
            click.update(text).without_controls().await
        }
        None => question.edit("Too late.").without_controls().await,
    }
}
