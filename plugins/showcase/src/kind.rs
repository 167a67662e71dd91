//! An argument of each kind: each command says what it was given.
//!
//! Apart because nothing else is in it: what a kind accepts is seen by trying its command.

use std::time::Duration;

use plugin_api::{ServerZone, Zone, prelude::*};

/// The zone in which `when` is meant.
pub(crate) struct Berlin;

impl Zone for Berlin {
    const NAME: &'static str = "Europe/Berlin";
}

/// Say a text of some length.
#[command]
pub(crate) async fn text(
    ctx: Ctx,
    #[min_length = 2]
    #[max_length = 5]
    text: String,
) -> Result {
    ctx.reply(format!("text {text}")).await
}

/// Say numbers.
#[command]
pub(crate) async fn number(
    ctx: Ctx,
    #[min = 1]
    #[max = 6]
    die: u8,
    #[default = 0.5] share: f64,
) -> Result {
    ctx.reply(format!("number {die} {share}")).await
}

/// Name a channel for texts.
#[command]
pub(crate) async fn channel(ctx: Ctx, #[channel_types(text, announcement)] channel: Channel) -> Result {
    ctx.reply(format!("channel {}", channel.name.unwrap_or_default())).await
}

/// Name a user or a role.
#[command]
pub(crate) async fn mentionable(ctx: Ctx, who: Mentionable) -> Result {
    let text = match who {
        Mentionable::User(user) => format!("user {}", user.username),
        Mentionable::Member(member) => format!("member {}", member.user.username),
        Mentionable::Role(role) => format!("role {}", role.name),
    };
    ctx.reply(text).await
}

/// Point at a message.
#[command(name = "message")]
pub(crate) async fn point(ctx: Ctx, message: MessageLink) -> Result {
    ctx.reply(format!("message {} in {}", message.message_id, message.channel_id))
        .await
}

/// Say an emoji.
#[command]
pub(crate) async fn emoji(ctx: Ctx, emoji: Emoji) -> Result {
    ctx.reply(format!("emoji {}", emoji.name)).await
}

/// Say a colour.
#[command]
pub(crate) async fn colour(ctx: Ctx, colour: Colour) -> Result {
    ctx.reply(format!("colour {colour}")).await
}

/// Say a length of time, and why.
#[command]
pub(crate) async fn wait(ctx: Ctx, time: Option<Duration>, #[rest] reason: Option<String>) -> Result {
    let time = time.map_or(0, |time| time.as_secs());
    ctx.reply(format!("wait {time} s: {}", reason.unwrap_or_default()))
        .await
}

/// Say a date.
#[command]
pub(crate) async fn when(ctx: Ctx, date: DateTime<Berlin>) -> Result {
    ctx.reply(format!("when {}", date.unix_seconds())).await
}

/// Say a date as this server means it.
#[command]
pub(crate) async fn local(ctx: Ctx, date: DateTime<ServerZone>) -> Result {
    ctx.reply(format!("local {}", date.unix_seconds())).await
}

/// Name a user, who may be no member.
#[command]
pub(crate) async fn user(ctx: Ctx, user: User, #[flag] loud: bool, sure: Option<bool>) -> Result {
    ctx.reply(format!("user {} {loud} {sure:?}", user.username)).await
}

/// How large.
#[derive(Debug, Choice)]
pub(crate) enum Size {
    #[name_localized("de", "Klein")]
    Small,
    #[name = "XL"]
    ExtraLarge,
}

/// Choose a size.
#[command]
pub(crate) async fn size(ctx: Ctx, size: Size) -> Result {
    ctx.reply(format!("size {size:?}")).await
}

/// Whom or how many.
#[derive(OneOf)]
pub(crate) enum Target {
    Count(u32),
    Member(Member),
    Word(String),
}

/// Say a number, a member or a word.
#[command(name = "oneof")]
pub(crate) async fn one_of(ctx: Ctx, target: Target) -> Result {
    let text = match target {
        Target::Count(count) => format!("count {count}"),
        Target::Member(member) => format!("member {}", member.user.username),
        Target::Word(word) => format!("word {word}"),
    };
    ctx.reply(text).await
}

/// Add numbers.
#[command]
pub(crate) async fn sum(ctx: Ctx, numbers: Vec<i64>) -> Result {
    ctx.reply(format!("sum {}", numbers.iter().sum::<i64>())).await
}

/// Clean up.
#[command]
pub(crate) async fn purge(
    ctx: Ctx,
    #[flag] silent: bool,
    #[flag]
    #[default = 1]
    #[max = 7]
    days: u8,
    #[rest] reason: Option<String>,
) -> Result {
    let how = if silent { "silently" } else { "loudly" };
    ctx.reply(format!("purge {days} {how}: {}", reason.unwrap_or_default()))
        .await
}

/// Run code.
#[command]
pub(crate) async fn code(ctx: Ctx, #[rest] code: CodeBlock) -> Result {
    let language = code.language.as_deref().unwrap_or("nothing");
    ctx.reply(format!("code in {language}: {}", code.code)).await
}

/// Count the bytes of a file.
#[command]
pub(crate) async fn file(ctx: Ctx, file: Option<Attachment>) -> Result {
    let text = file.map_or_else(
        || "no file".to_owned(),
        |file| format!("{} has {} bytes", file.filename, file.size),
    );
    ctx.reply(text).await
}

/// A number in base 16.
pub(crate) struct Hex(u32);

impl ParseArgument for Hex {
    const WANTS: &'static str = "a hexadecimal number such as `ff`";

    fn parse(text: &str) -> Result<Self> {
        let number = u32::from_str_radix(text, 16)?;
        if number > 0xffff {
            return refuse("That number is too large for me: at most `ffff`.");
        }
        Ok(Self(number))
    }
}

fn is_even(number: &Hex) -> Result {
    if number.0 % 2 == 1 {
        return refuse("I like even numbers only.");
    }
    Ok(())
}

/// Say a hexadecimal number.
#[command]
pub(crate) async fn hex(ctx: Ctx, #[check = is_even] number: Hex) -> Result {
    ctx.reply(format!("hex {}", number.0)).await
}

#[allow(clippy::unused_async, reason = "suggestions may be asked of others")]
async fn fruits(_ctx: Ctx, typed: String) -> Vec<Choice> {
    let all = ["apple", "apricot", "banana"];
    let fitting = all.iter().filter(|fruit| fruit.starts_with(&typed));
    fitting.map(|fruit| Choice::from(*fruit)).collect()
}

/// Name a fruit.
#[command]
pub(crate) async fn fruit(ctx: Ctx, #[autocomplete = fruits] fruit: String) -> Result {
    ctx.reply(format!("fruit {fruit}")).await
}
