//! `config`, `why`, `setprefix`, `mentionprefix`: what a server's owner sets there, and why somebody may.
//!
//! The host keeps and asks the rules; here is what people write, and what they see.

use plugin_api::{
    Mentionable, Problem,
    commands::{ServerRuleList, Why},
    prelude::*,
    serde_json::{Value, json},
};

use serde::{Deserialize, de::DeserializeOwned};

use super::card;

/// The names that rules can be about.
#[derive(Deserialize)]
struct Names {
    commands: Vec<String>,
    categories: Vec<String>,
    plugins: Vec<String>,
}

async fn suggest(ctx: Ctx, typed: String, with: fn(Names) -> Vec<String>) -> Vec<Choice> {
    let Ok(names) = ctx.call::<Names>("commands.names", &json!({})).await else {
        return Vec::new();
    };
    let typed = typed.to_lowercase();
    let mut fitting: Vec<_> = with(names)
        .into_iter()
        .filter(|name| name.to_lowercase().contains(&typed))
        .collect();
    // Those that begin with it first.
    fitting.sort_by_key(|name| !name.to_lowercase().starts_with(&typed));
    fitting.dedup();
    fitting.into_iter().map(Choice::from).collect()
}

async fn targets(ctx: Ctx, typed: String) -> Vec<Choice> {
    suggest(ctx, typed, |names| [names.commands, names.categories].concat()).await
}

async fn switches(ctx: Ctx, typed: String) -> Vec<Choice> {
    suggest(ctx, typed, |names| [names.plugins, names.commands].concat()).await
}

async fn names(ctx: Ctx, typed: String) -> Vec<Choice> {
    suggest(ctx, typed, |names| names.commands).await
}

/// Asks the host; what it refuses is told to whoever asked.
pub(super) async fn ask<T: DeserializeOwned>(ctx: &Ctx, name: &str, arguments: &Value) -> Result<T> {
    match ctx.call(name, arguments).await {
        Ok(answer) => Ok(answer),
        Err(error) => match error.problem() {
            Some(Problem { message, .. }) => refuse(message.clone()),
            None => Err(error),
        },
    }
}

async fn done(ctx: &Ctx, name: &str, arguments: Value) -> Result {
    let list: ServerRuleList = ask(ctx, name, &arguments).await?;
    let mut text = list.done.unwrap_or_else(|| "Nothing has changed.".to_owned());
    if let Some(warning) = list.warning {
        text.push_str("\n\n**Note:** ");
        text.push_str(&warning);
    }
    ctx.reply(text).await
}

/// Whom a rule is about, as the host is told.
fn whom(command: &str, who: Option<Mentionable>, channel: Option<Channel>) -> Value {
    let mut arguments = json!({ "target": command });
    match who {
        Some(Mentionable::Role(role)) => arguments["role_id"] = json!(role.id),
        Some(Mentionable::Member(member)) => arguments["user_id"] = json!(member.user.id),
        Some(Mentionable::User(user)) => arguments["user_id"] = json!(user.id),
        None => {}
    }
    if let Some(channel) = channel {
        arguments["channel_id"] = json!(channel.id);
    }
    arguments
}

/// The commands of `config`: a module, since a group is one.
pub(super) mod config {
    use super::{
        Channel, Ctx, Mentionable, Result, ServerRuleList, Value, ask, card, command, done, embed, json, names,
        switches, targets, whom,
    };

    /// Show who may use what in this server, and what is disabled.
    #[command(guild_owner_only, category = "Server", cooldown(none))]
    pub(crate) async fn show(ctx: Ctx) -> Result {
        let list: ServerRuleList = ask(&ctx, "rules.show", &json!({})).await?;
        let lines = |lines: &[String], none: &str| match lines {
            [] => none.to_owned(),
            lines => card::cut(&lines.join("\n"), card::FIELD),
        };
        let named = |names: &[String]| -> Vec<_> { names.iter().map(|name| format!("`{name}`")).collect() };
        let card = embed("Rules of this server")
            .colour(card::NEUTRAL)
            .field("Rules", lines(&list.rules, "None: what commands require decides."))
            .field("Disabled plugins", lines(&named(&list.plugins_off), "None."))
            .field("Disabled commands", lines(&named(&list.commands_off), "None."));
        ctx.reply(card).await
    }

    /// Allow a command or category to a role, user or channel, whatever it requires.
    #[command(
        guild_owner_only,
        category = "Server",
        cooldown(none),
        examples("config allow ban @Moderator")
    )]
    pub(crate) async fn allow(
        ctx: Ctx,
        /// The command, or a category of commands
        #[autocomplete = targets]
        command: String,
        /// The role or user
        who: Option<Mentionable>,
        /// The channel
        channel: Option<Channel>,
    ) -> Result {
        set(&ctx, whom(&command, who, channel), true).await
    }

    /// Refuse a command or category to a role, user or channel.
    #[command(
        guild_owner_only,
        category = "Server",
        cooldown(none),
        examples("config deny fun #general")
    )]
    pub(crate) async fn deny(
        ctx: Ctx,
        /// The command, or a category of commands
        #[autocomplete = targets]
        command: String,
        /// The role or user
        who: Option<Mentionable>,
        /// The channel
        channel: Option<Channel>,
    ) -> Result {
        set(&ctx, whom(&command, who, channel), false).await
    }

    async fn set(ctx: &Ctx, mut arguments: Value, allow: bool) -> Result {
        arguments["allow"] = json!(allow);
        done(ctx, "rules.set", arguments).await
    }

    /// Clear the rules of a command or category: those for one role, user or channel, or all.
    #[command(guild_owner_only, category = "Server", cooldown(none))]
    pub(crate) async fn clear(
        ctx: Ctx,
        /// The command, or a category of commands
        #[autocomplete = targets]
        command: String,
        /// The role or user
        who: Option<Mentionable>,
        /// The channel
        channel: Option<Channel>,
    ) -> Result {
        done(&ctx, "rules.clear", whom(&command, who, channel)).await
    }

    /// Enable a plugin or command in this server again.
    #[command(guild_owner_only, category = "Server", cooldown(none))]
    pub(crate) async fn enable(
        ctx: Ctx,
        /// The plugin or command
        #[autocomplete = switches]
        #[rest]
        name: String,
    ) -> Result {
        done(&ctx, "rules.switch", json!({ "name": name, "on": true })).await
    }

    /// Which messages.
    #[derive(plugin_api::Choice, Clone, Copy, Debug)]
    pub(crate) enum Messages {
        /// What is answered.
        Answers,
        /// What asked for it.
        Commands,
    }

    /// Have answers, or the messages that ask for them, deleted after a time in this server.
    #[command(
        guild_owner_only,
        category = "Server",
        cooldown(none),
        examples("config delete answers 30", "config delete commands 0 ban")
    )]
    pub(crate) async fn delete(
        ctx: Ctx,
        /// The answers, or the messages with the commands
        messages: Messages,
        /// After so many seconds; 0 for never, without it as the bot's owner has set
        #[min = 0]
        #[max = 86400]
        seconds: Option<u32>,
        /// One command only
        #[autocomplete = names]
        #[rest]
        command: Option<String>,
    ) -> Result {
        let what = match messages {
            Messages::Answers => "success",
            Messages::Commands => "invocation",
        };
        let arguments = json!({ "what": what, "seconds": seconds, "command": command });
        done(&ctx, "server.delete", arguments).await
    }

    /// Disable a plugin or command in this server.
    #[command(guild_owner_only, category = "Server", cooldown(none))]
    pub(crate) async fn disable(
        ctx: Ctx,
        /// The plugin or command
        #[autocomplete = switches]
        #[rest]
        name: String,
    ) -> Result {
        done(&ctx, "rules.switch", json!({ "name": name, "on": false })).await
    }

    /// Set the time zone in which dates are meant in this server.
    #[command(
        guild_owner_only,
        category = "Server",
        cooldown(none),
        examples("config timezone Europe/Berlin", "config timezone reset")
    )]
    pub(crate) async fn timezone(
        ctx: Ctx,
        /// Its name, such as `Europe/Berlin`, or `reset` for UTC
        zone: String,
    ) -> Result {
        done(&ctx, "server.set", json!({ "zone": zone })).await
    }
}

/// Explain why you, or for administrators somebody else, may use a command or not.
#[command(
    category = "Server",
    cooldown(1, per = "5s"),
    defer = "ephemeral",
    examples("why ban", "why ban @Bob")
)]
pub(super) async fn why(
    ctx: Ctx,
    /// The command
    #[autocomplete = names]
    command: String,
    /// Somebody else
    user: Option<User>,
    /// Another channel
    channel: Option<Channel>,
) -> Result {
    let arguments = json!({
        "command": command,
        "user_id": user.map(|user| user.id),
        "channel_id": channel.map(|channel| channel.id),
    });
    let why: Why = ask(&ctx, "commands.why", &arguments).await?;
    ctx.reply(message("").embed(explain(&why)).ephemeral()).await
}

/// The trace as a card.
fn explain(why: &Why) -> Embed {
    let lines: Vec<_> = why
        .steps
        .iter()
        .map(|step| {
            let mark = match step.passed {
                Some(true) => "✅",
                Some(false) => "❌",
                None => "▫️",
            };
            format!("{mark} **{}**: {}", step.check, step.text)
        })
        .collect();
    let verdict = match &why.told {
        Some(told) => format!("It is refused: {told}"),
        None => "It is allowed.".to_owned(),
    };
    embed(format!("Why {}", why.command))
        .colour(if why.may_run { card::SUCCESS } else { card::ERROR })
        .description(format!("{verdict}\n\n{}", lines.join("\n")))
        .field("Slash command", why.slash.clone())
}

/// Change what commands by message begin with in this server.
#[command(
    category = "Server",
    guild_only,
    requires(ADMINISTRATOR),
    cooldown(none),
    examples("setprefix ?", "setprefix reset")
)]
pub(super) async fn setprefix(
    ctx: Ctx,
    /// Up to 5 characters without spaces, or `reset`
    prefix: String,
) -> Result {
    done(&ctx, "server.set", json!({ "prefix": prefix })).await
}

/// Say whether a mention of the bot works as a prefix in this server.
#[command(category = "Server", guild_only, requires(ADMINISTRATOR), cooldown(none))]
pub(super) async fn mentionprefix(
    ctx: Ctx,
    /// `enable`, `disable` or `status`
    action: Option<String>,
) -> Result {
    let mention = match action.as_deref().map(str::to_lowercase).as_deref() {
        Some("enable" | "on") => true,
        Some("disable" | "off") => false,
        None | Some("status") => {
            let list: ServerRuleList = ask(&ctx, "rules.show", &json!({})).await?;
            let works = if list.mention { "works" } else { "doesn't work" };
            return ctx.reply(format!("A mention of me {works} as a prefix here.")).await;
        }
        Some(_) => return refuse("Write `enable`, `disable` or `status`."),
    };
    done(&ctx, "server.set", json!({ "mention": mention })).await
}
