//! An ordinary bot on serenity, as released: only its address is the local Discord's.
//!
//! It says on standard output what it sees, one JSON object a line; the test reads that.

use std::env;

use serde_json::{Value, json};
use serenity::all::*;

fn tell(event: &str, mut more: Value) {
    more["event"] = event.into();
    println!("{more}");
}

/// Tells what went wrong, if anything did.
fn checked<T>(at: &str, outcome: Result<T>) {
    if let Err(error) = outcome {
        tell("failed", json!({ "at": at, "error": error.to_string() }));
    }
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn commands() -> Vec<CreateCommand> {
    let option = |kind, name: &str, description: &str| CreateCommandOption::new(kind, name, description);
    vec![
        CreateCommand::new("echo")
            .description("Says a text so many times.")
            .add_option(
                option(CommandOptionType::String, "text", "What to say")
                    .required(true)
                    .set_autocomplete(true),
            )
            .add_option(
                option(CommandOptionType::Integer, "times", "How often")
                    .min_int_value(1)
                    .max_int_value(3),
            ),
        CreateCommand::new("slow")
            .description("Takes its time.")
            .add_option(option(CommandOptionType::User, "who", "Whom it is about").required(true)),
        CreateCommand::new("pick").description("Offers colours."),
        CreateCommand::new("ask").description("Asks something."),
    ]
}

struct Bot;

impl Bot {
    async fn said(&self, ctx: &Context, message: &Message) -> Result<()> {
        let reply = |text: String| message.reply(ctx, text);
        if let Some(rest) = message.content.strip_prefix("!ping") {
            message.react(ctx, ReactionType::Unicode("👍".into())).await?;
            reply(format!("pong{rest}")).await?;
        } else if message.content == "!change" {
            let mut sent = message.channel_id.say(ctx, "first").await?;
            sent.edit(ctx, EditMessage::new().content("second")).await?;
            sent.delete(ctx).await?;
        } else if message.content.starts_with("!ban") {
            let (guild, user) = (message.guild_id.expect("in a server"), message.mentions[0].id);
            match guild.ban_with_reason(ctx, user, 0, "spam").await {
                Ok(()) => reply(format!("banned {}", message.mentions[0].name)).await?,
                Err(Error::Http(HttpError::UnsuccessfulRequest(refused))) => {
                    reply(format!("refused {}", refused.error.code)).await?
                }
                Err(other) => return Err(other),
            };
        }
        Ok(())
    }

    async fn used(&self, ctx: &Context, command: &CommandInteraction) -> Result<()> {
        let options = command.data.options();
        let answer = CreateInteractionResponseMessage::new();
        match command.data.name.as_str() {
            "echo" => {
                let (mut text, mut times) = ("", 1);
                for option in &options {
                    match option.value {
                        ResolvedValue::String(value) => text = value,
                        ResolvedValue::Integer(value) => times = value as usize,
                        _ => {}
                    }
                }
                let again = CreateButton::new("again").label("Again").style(ButtonStyle::Primary);
                let answer = answer.content(vec![text; times].join(" ")).button(again);
                command.create_response(ctx, CreateInteractionResponse::Message(answer)).await
            }
            "slow" => {
                command.defer(ctx).await?;
                let ResolvedValue::User(user, Some(member)) = options[0].value else {
                    return Err(Error::Other("no member in the option"));
                };
                let text = format!("{} has {} roles", user.mention(), member.roles.len() + 1);
                let embed = CreateEmbed::new().title("Slow").description(text).colour(0x5865f2);
                let edit = EditInteractionResponse::new().embed(embed);
                command.edit_response(ctx, edit).await.map(|_| ())
            }
            "pick" => {
                let options = ["Red", "Green"].map(|name| CreateSelectMenuOption::new(name, name.to_lowercase()));
                let kind = CreateSelectMenuKind::String { options: options.to_vec() };
                let answer = answer.content("which?").select_menu(CreateSelectMenu::new("colour", kind));
                command.create_response(ctx, CreateInteractionResponse::Message(answer)).await
            }
            _ => {
                let input = CreateInputText::new(InputTextStyle::Short, "Answer", "answer");
                let modal = CreateModal::new("ask", "Ask").components(vec![CreateActionRow::InputText(input)]);
                command.create_response(ctx, CreateInteractionResponse::Modal(modal)).await
            }
        }
    }

    async fn pressed(&self, ctx: &Context, press: &ComponentInteraction) -> Result<()> {
        let answer = CreateInteractionResponseMessage::new().components(Vec::new());
        if let ComponentInteractionDataKind::StringSelect { values } = &press.data.kind {
            let answer = answer.content(format!("picked {}", values.join(" ")));
            return press.create_response(ctx, CreateInteractionResponse::UpdateMessage(answer)).await;
        }
        let answer = answer.content(format!("{} again", press.message.content));
        press.create_response(ctx, CreateInteractionResponse::UpdateMessage(answer)).await?;
        let note = CreateInteractionResponseFollowup::new().content("only for you").ephemeral(true);
        press.create_followup(ctx, note).await.map(|_| ())
    }

    async fn typed(&self, ctx: &Context, command: &CommandInteraction) -> Result<()> {
        let typed = command.data.autocomplete().map_or("", |option| option.value);
        let mut choices = CreateAutocompleteResponse::new();
        for end in ["!", "?"] {
            choices = choices.add_string_choice(format!("{typed}{end}"), format!("{typed}{end}"));
        }
        command.create_response(ctx, CreateInteractionResponse::Autocomplete(choices)).await
    }

    async fn submitted(&self, ctx: &Context, modal: &ModalInteraction) -> Result<()> {
        let ActionRowComponent::InputText(input) = &modal.data.components[0].components[0] else {
            return Err(Error::Other("no text in the modal"));
        };
        let text = format!("you said {}", input.value.as_deref().unwrap_or_default());
        let answer = CreateInteractionResponseMessage::new().content(text);
        modal.create_response(ctx, CreateInteractionResponse::Message(answer)).await
    }
}

#[async_trait]
impl EventHandler for Bot {
    async fn cache_ready(&self, ctx: Context, guilds: Vec<GuildId>) {
        match Command::set_global_commands(&ctx, commands()).await {
            Ok(made) => tell(
                "registered",
                json!({ "commands": made.iter().map(|one| one.name.clone()).collect::<Vec<_>>() }),
            ),
            Err(error) => checked::<()>("registration", Err(error)),
        }
        let described: Vec<Value> = guilds
            .iter()
            .filter_map(|id| ctx.cache.guild(*id))
            .map(|guild| {
                let channels = guild.channels.values().filter(|one| one.kind == ChannelType::Text);
                json!({
                    "name": guild.name,
                    "channels": sorted(channels.map(|one| one.name.clone())),
                    "roles": sorted(guild.roles.values().map(|one| one.name.clone())),
                    "members": sorted(guild.members.values().map(|one| one.user.name.clone())),
                })
            })
            .collect();
        let user = ctx.cache.current_user().id.to_string();
        tell("ready", json!({ "user": user, "guilds": described }));
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        tell("resumed", json!({}));
    }

    async fn message(&self, ctx: Context, message: Message) {
        if !message.author.bot {
            checked("message", self.said(&ctx, &message).await);
        }
    }

    async fn reaction_add(&self, ctx: Context, reaction: Reaction) {
        if reaction.user_id.is_some_and(|user| user != ctx.cache.current_user().id) {
            tell("reaction", json!({ "emoji": reaction.emoji.to_string() }));
        }
    }

    async fn interaction_create(&self, ctx: Context, interaction: Interaction) {
        match interaction {
            Interaction::Command(command) => checked("command", self.used(&ctx, &command).await),
            Interaction::Autocomplete(command) => checked("choices", self.typed(&ctx, &command).await),
            Interaction::Component(press) => checked("component", self.pressed(&ctx, &press).await),
            Interaction::Modal(modal) => checked("modal", self.submitted(&ctx, &modal).await),
            _ => {}
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let said = |name| env::var(name).expect("the test sets it");
    // Serenity's own limiter leaves out the proxy, and would ask the real Discord.
    let http = HttpBuilder::new(said("DISCORD_TOKEN"))
        .proxy(said("DISCORD_API_URL"))
        .ratelimiter_disabled(true)
        .build();
    // Where this fails, serenity goes to the real Discord.
    http.get_gateway().await.expect("the local Discord tells where its gateway is");
    let mut client = ClientBuilder::new_with_http(http, GatewayIntents::all())
        .event_handler(Bot)
        .await
        .expect("a client");
    checked("client", client.start().await);
}
