//! Commands that only answer, each with one thing that the host does for it first: an argument of a kind, a check.
//!
//! The bench writes them, and compares what they cost.

use std::time::Duration;

use plugin_api::prelude::*;

use crate::State;

/// What the bench looks for in an answer.
const ANSWER: &str = "pong";

/// Answer somebody who has a permission.
#[command(requires(SEND_MESSAGES), bot_requires(SEND_MESSAGES))]
pub(super) async fn required(ctx: Ctx<State>) -> Result {
    ctx.reply(ANSWER).await
}

/// Answer those whom the rules let through.
#[command]
pub(super) async fn ruled(ctx: Ctx<State>) -> Result {
    ctx.reply(ANSWER).await
}

/// Answer some times a day.
#[command(cooldown(1_000_000, per = "1d"))]
pub(super) async fn limited(ctx: Ctx<State>) -> Result {
    ctx.reply(ANSWER).await
}

/// What may be chosen.
#[derive(Debug, Choice)]
pub(super) enum Size {
    Small,
    Large,
}

/// One of several; which one is all the same.
#[derive(OneOf)]
#[expect(dead_code, reason = "it is only read from what is written")]
pub(super) enum Several {
    Count(u32),
    Colour(Colour),
    Word(String),
}

/// Take what is written behind its name, and answer.
#[command]
pub(super) async fn takes_flags(
    ctx: Ctx<State>,
    #[flag] silent: bool,
    #[flag]
    #[default = 1]
    days: u8,
) -> Result {
    let _ = (silent, days);
    ctx.reply(ANSWER).await
}

macro_rules! takes {
    ($($name:ident: $kind:ty,)*) => {$(
        /// Take an argument, and answer.
        #[command]
        pub(super) async fn $name(ctx: Ctx<State>, value: $kind) -> Result {
            let _ = value;
            ctx.reply(ANSWER).await
        }
    )*};
}

takes! {
    takes_text: String,
    takes_integer: i64,
    takes_number: f64,
    takes_bool: bool,
    takes_user: User,
    takes_member: Member,
    takes_role: Role,
    takes_channel: Channel,
    takes_mentionable: Mentionable,
    takes_link: MessageLink,
    takes_emoji: Emoji,
    takes_colour: Colour,
    takes_time: Duration,
    takes_date: DateTime,
    takes_choice: Size,
    takes_many: Vec<i64>,
    takes_code: CodeBlock,
    takes_several: Several,
    takes_file: Attachment,
}
