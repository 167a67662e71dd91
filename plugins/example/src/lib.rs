//! A first plugin, from a single line to a greeting with settings; `plugins/showcase` has each part of the API.
//!
//! Read it from top to bottom, copy what you need. `cargo xtask install example` builds it and drops the file into
//! `plugins/`, where a running bot picks it up at once; change something, install again, and it is replaced.

use plugin_api::{
    prelude::*,
    tracing::{debug, info},
};
use serde::Deserialize;

/// Answer with pong.
///
/// A command is an `async fn` with a comment: its first paragraph is the description that Discord shows, its parameters
/// behind the context are the command's arguments. This one is used as `!ping` and as `/ping`, since it says neither.
/// `Option` makes an argument optional; `#[rest]` takes the rest of a message as it is, spaces and all.
#[command]
async fn ping(ctx: Ctx, #[rest] text: Option<String>) -> Result {
    match text {
        Some(text) => ctx.reply(format!("pong {text}")).await,
        None => ctx.reply("pong").await,
    }
}

/// Repeat a text.
///
/// Whatever somebody makes the bot say notifies nobody: a message mentions those only whom the plugin names.
#[command]
async fn echo(
    ctx: Ctx,
    #[description = "What is repeated"]
    #[rest]
    text: String,
) -> Result {
    if text.chars().count() > 1000 {
        // A refusal is an answer, not a fault: its text goes to the one who asked.
        return refuse("That is too long for me: at most 1,000 characters.");
    }
    ctx.reply(text).await
}

/// Show what the bot knows about you.
#[command]
async fn whoami(ctx: Ctx) -> Result {
    let author = ctx.author();
    let mut card = embed(author.global_name.as_deref().unwrap_or(&author.username))
        .colour(0x58_65f2)
        .inline_field("Name", &author.username)
        .inline_field("Id", author.id.to_string());
    // Only in a server is the author a member, with roles.
    if let Some(member) = ctx.member() {
        let roles: Vec<_> = member.roles.iter().map(Mention::mention).collect();
        card = card.field(
            "Roles",
            if roles.is_empty() {
                "none".to_owned()
            } else {
                roles.join(" ")
            },
        );
    }
    ctx.reply(card).await
}

/// Count clicks on a button.
///
/// The function `count` below handles the button, and `count.button(..)` makes it. What is given to its style travels in
/// the button itself, so that it goes on counting after a reload of the plugin and a restart of the bot.
#[command]
async fn counter(ctx: Ctx) -> Result {
    ctx.reply("Count: 0").button(count.button("Count").primary(&0)).await
}

/// A click on the button: only by the one who asked for it, since it doesn't say `#[component(anyone)]`.
#[component]
async fn count(ctx: ClickCtx, clicks: u32) -> Result {
    let clicks = clicks.saturating_add(1);
    ctx.update(format!("Count: {clicks}"))
        .button(count.button("Count").primary(&clicks))
        .await
}

/// The plugin's section of the configuration: `"plugins": { "example": { "greet_channel": "123" } }` in `config.json`.
/// What is saved there while the bot runs counts at once, since it is read where it is used.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    /// Where new members are greeted; else in the server's system channel.
    greet_channel: Option<ChannelId>,
}

/// Greets new members. The event is named by its type; `!bot` leaves out bots that join.
#[event(filter = !bot)]
async fn greet(ctx: EventCtx, joined: MemberAdd) -> Result {
    let config: Config = ctx.config()?;
    let channel = match config.greet_channel {
        Some(channel) => Some(channel),
        None => system_channel(&ctx, joined.guild_id.get()).await?,
    };
    let Some(channel) = channel else {
        debug!(guild = joined.guild_id.get(), "no channel to greet in");
        return Ok(());
    };
    // Ids in events are twilight's; what takes an id takes those, too, and `into_id` makes them this API's.
    let user: UserId = joined.user.id.into_id();
    ctx.send(channel, format!("Welcome, {}!", user.mention()))
        .ping_user(user)
        .await
}

/// The channel in which Discord itself welcomes members, if the server has one: any REST call can be made.
async fn system_channel(ctx: &EventCtx, guild: u64) -> Result<Option<ChannelId>> {
    #[derive(Deserialize)]
    struct Guild {
        system_channel_id: Option<ChannelId>,
    }
    let guild: Guild = ctx.raw().get(&format!("/guilds/{guild}")).json().await?;
    Ok(guild.system_channel_id)
}

/// Builds the plugin's state, here none. What is logged arrives in the bot's log under the plugin's name.
#[start]
async fn start(ctx: StartCtx) -> Result {
    info!(generation = ctx.generation(), "example is starting");
    // A mistake in the configuration is found now, while an older version still serves.
    ctx.config::<Config>()?;
    Ok(())
}

plugin! {
    commands: [ping, echo, whoami, counter],
    components: [count],
    events: [greet],
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_offers_what_it_says() {
        let description = super::linked_plugin()
            .module()
            .description()
            .expect("a plugin describes itself");
        let description: plugin_api::serde_json::Value =
            plugin_api::serde_json::from_slice(&description).expect("JSON");
        let names: Vec<_> = description["commands"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| &it["name"])
            .collect();
        assert_eq!(names, ["ping", "echo", "whoami", "counter"]);
    }
}
