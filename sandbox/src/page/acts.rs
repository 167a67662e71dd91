//! What people ask of the bot on the page, and scripts by curl: use commands, press, fill in, react, come in. Bodies and
//! answers are JSON; a refusal is 400 with `{"message": "..."}`.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::uploads;
use crate::{
    rest::text_length,
    shared::Shared,
    world::{Pressed, Stored, World, permissions},
};

/// Why an act is refused, in words for people.
pub(crate) struct Refused(pub(crate) String);

impl From<&str> for Refused {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Refused {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "message": self.0 }))).into_response()
    }
}

pub(crate) type Answer = Result<Json<Value>, Refused>;

/// Reads a body, whatever content type it claims.
pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused(format!("the body can't be read: {error}")))
}

pub(super) fn id(text: &str) -> Result<u64, Refused> {
    text.parse().map_err(|_| Refused(format!("\"{text}\" is no id")))
}

/// A person by id or name, who is not the bot.
pub(crate) fn person(world: &World, text: &str) -> Result<u64, Refused> {
    let named = || world.users.values().find(|user| user.username == text.to_lowercase());
    let id = match text.parse() {
        Ok(id) => id,
        Err(_) => named()
            .map(|user| user.id)
            .ok_or_else(|| Refused(format!("nobody is called \"{text}\"")))?,
    };
    match world.users.get(&id) {
        Some(user) if !user.bot => Ok(id),
        Some(_) => Err("the bot acts by itself; choose a person".into()),
        None => Err(Refused(format!("nobody has the id {id}"))),
    }
}

/// A channel by id, in which the person may do `needed`.
pub(super) fn channel(world: &World, person: u64, text: &str, needed: u64) -> Result<u64, Refused> {
    let id = id(text)?;
    let channel = world
        .channels
        .get(&id)
        .ok_or_else(|| Refused(format!("no channel has the id {id}")))?;
    let has = world.permissions_in(channel, person);
    let needed = channel.needs(needed);
    if has & needed == needed {
        return Ok(id);
    }
    let missing = needed & !has;
    let name = permissions::name(1 << missing.trailing_zeros());
    Err(Refused(format!("this person lacks \"{name}\" in this channel")))
}

/// A message by its ids, in a channel that the person reads.
pub(super) fn message(world: &World, person: u64, in_channel: &str, message: &str) -> Result<Arc<Stored>, Refused> {
    let channel_id = channel(world, person, in_channel, READ)?;
    let found = world.message(channel_id, id(message)?).map(Arc::clone);
    found
        .filter(|message| message.is_visible_to(person))
        .ok_or_else(|| "the message is gone".into())
}

pub(super) const READ: u64 = permissions::VIEW_CHANNEL;
pub(super) const WRITE: u64 = permissions::VIEW_CHANNEL | permissions::SEND_MESSAGES;

#[derive(Deserialize)]
struct Slash {
    r#as: String,
    channel_id: String,
    command_id: String,
    #[serde(default)]
    options: Vec<Value>,
}

/// Uses a slash command.
pub(crate) async fn slash(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let (mut slash, files): (Slash, _) = uploads::form(&headers, body).await?;
    let base = shared.http_url();
    let mut world = shared.world();
    let person = person(&world, &slash.r#as)?;
    let channel = channel(&world, person, &slash.channel_id, READ)?;
    let attachments = uploads::keep(&mut world, &base, channel, files, &[], true);
    slash
        .options
        .iter_mut()
        .for_each(|option| uploads::place(option, &attachments));
    let id = world.use_command_by_id(person, channel, &slash.command_id, &slash.options, None)?;
    Ok(Json(json!({ "interaction_id": id.to_string() })))
}

#[derive(Deserialize)]
struct Typed {
    r#as: String,
    channel_id: String,
    command_id: String,
    options: Vec<Value>,
    focused: String,
}

/// Asks the bot for choices of the option that is being typed.
pub(crate) async fn choices(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let typed: Typed = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &typed.r#as)?;
    let channel = channel(&world, person, &typed.channel_id, READ)?;
    let focused = Some(typed.focused.as_str());
    let id = world.use_command_by_id(person, channel, &typed.command_id, &typed.options, focused)?;
    Ok(Json(json!({ "interaction_id": id.to_string() })))
}

#[derive(Deserialize)]
struct Menu {
    r#as: String,
    channel_id: String,
    command_id: String,
    target_id: String,
}

/// Uses a command of a person's or a message's menu.
pub(crate) async fn menu(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let menu: Menu = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &menu.r#as)?;
    let channel = channel(&world, person, &menu.channel_id, READ)?;
    let id = world.use_menu(person, channel, &menu.command_id, id(&menu.target_id)?)?;
    Ok(Json(json!({ "interaction_id": id.to_string() })))
}

#[derive(Deserialize)]
struct Reaction {
    r#as: String,
    channel_id: String,
    message_id: String,
    /// A Unicode emoji, or the emoji object of a reaction that is there.
    emoji: Value,
    #[serde(default)]
    remove: bool,
}

/// Adds or takes back a reaction.
pub(crate) async fn react(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let reaction: Reaction = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &reaction.r#as)?;
    let message = message(&world, person, &reaction.channel_id, &reaction.message_id)?;
    let emoji = match reaction.emoji {
        Value::String(name) => json!({ "id": null, "name": name }),
        object => object,
    };
    let there = message.value["reactions"].as_array().into_iter().flatten();
    let is_there = there.into_iter().any(|one| one["emoji"] == emoji);
    let is_unicode = emoji["id"].is_null()
        && emoji["name"]
            .as_str()
            .is_some_and(|name| (1..=32).contains(&name.len()) && !name.is_ascii());
    if !is_there && (!is_unicode || message.ephemeral_to.is_some()) {
        return Err("a reaction is one emoji, on a message that everybody sees".into());
    }
    if !is_there {
        channel(&world, person, &reaction.channel_id, READ | permissions::ADD_REACTIONS)?;
    }
    world.react(message.channel_id, message.id, person, &emoji, !reaction.remove);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct Typing {
    r#as: String,
    channel_id: String,
}

/// Starts typing.
pub(crate) async fn types(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let typing: Typing = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &typing.r#as)?;
    let channel = channel(&world, person, &typing.channel_id, WRITE)?;
    world.emit_typing(channel, person);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct Click {
    r#as: String,
    channel_id: String,
    message_id: String,
    custom_id: String,
    values: Option<Vec<Value>>,
}

/// Presses a button, or chooses from a select.
pub(crate) async fn click(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let click: Click = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &click.r#as)?;
    let message = message(&world, person, &click.channel_id, &click.message_id)?;
    let component = by_custom_id(&message.value["components"], &click.custom_id).cloned();
    let component = component.ok_or("the message has no such control any more")?;
    let pressed = Pressed {
        component,
        values: click.values.unwrap_or_default(),
    };
    let id = world.press(person, &message, &pressed)?;
    Ok(Json(json!({ "interaction_id": id.to_string() })))
}

fn by_custom_id<'a>(components: &'a Value, custom_id: &str) -> Option<&'a Value> {
    components.as_array().into_iter().flatten().find_map(|component| {
        if component["custom_id"] == custom_id {
            return Some(component);
        }
        let accessory = Some(&component["accessory"]).filter(|accessory| accessory["custom_id"] == custom_id);
        accessory.or_else(|| by_custom_id(&component["components"], custom_id))
    })
}

#[derive(Deserialize)]
struct Submission {
    r#as: String,
    interaction_id: String,
    #[serde(default)]
    values: serde_json::Map<String, Value>,
}

/// Sends a modal.
pub(crate) async fn modal(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let (submission, files): (Submission, _) = uploads::form(&headers, body).await?;
    let base = shared.http_url();
    let mut world = shared.world();
    let person = person(&world, &submission.r#as)?;
    let interaction = id(&submission.interaction_id)?;
    let opened = world.interactions.get(interaction).filter(|one| one.user_id == person);
    let channel = opened.ok_or("that modal is somebody else's")?.channel_id;
    let attachments = uploads::keep(&mut world, &base, channel, files, &[], true);
    let mut values = Value::Object(submission.values);
    uploads::place(&mut values, &attachments);
    let written: Vec<(String, Value)> = match values {
        Value::Object(values) => values.into_iter().collect(),
        _ => Vec::new(),
    };
    let id = world.submit_modal(interaction, &base, &written)?;
    Ok(Json(json!({ "interaction_id": id.to_string() })))
}

#[derive(Deserialize)]
struct NewPerson {
    name: String,
    guild_id: Option<String>,
}

/// A person comes in, and joins the guild (the first one, if none is named).
pub(crate) async fn enter(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let new: NewPerson = read(&body)?;
    let name = new.name.trim();
    let is_name =
        (2..=32).contains(&text_length(name)) && name.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
    if !is_name {
        return Err("a name has 2 to 32 letters, digits, dots and underscores".into());
    }
    let mut world = shared.world();
    let guild = match new.guild_id.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(id(text)?),
        None => world.first_guild().map(|guild| guild.id),
    };
    let guild = guild
        .filter(|id| world.guilds.contains_key(id))
        .ok_or("there is no such guild")?;
    let person = world.person(name);
    if world.users.get(&person).is_some_and(|user| user.bot) {
        return Err("that is the bot's name".into());
    }
    world.join(guild, person);
    Ok(Json(world.user_json(person)))
}
