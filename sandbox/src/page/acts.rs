//! What people do on the page, and scripts by curl: write, use commands, press, come in. Bodies and answers are JSON; a
//! refusal is 400 with `{"message": "..."}`.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::live::direct_json;
use crate::{
    rest::text_length,
    shared::Shared,
    world::{Draft, Pressed, Revision, Stored, World, page_message, permissions},
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

fn id(text: &str) -> Result<u64, Refused> {
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
fn channel(world: &World, person: u64, text: &str, needed: u64) -> Result<u64, Refused> {
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
fn message(world: &World, person: u64, in_channel: &str, message: &str) -> Result<Arc<Stored>, Refused> {
    let channel_id = channel(world, person, in_channel, READ)?;
    let found = world.message(channel_id, id(message)?).map(Arc::clone);
    found
        .filter(|message| message.is_visible_to(person))
        .ok_or_else(|| "the message is gone".into())
}

const READ: u64 = permissions::VIEW_CHANNEL;
const WRITE: u64 = permissions::VIEW_CHANNEL | permissions::SEND_MESSAGES;

#[derive(Deserialize)]
pub(crate) struct Listing {
    r#as: String,
    channel_id: String,
    limit: Option<usize>,
    before: Option<String>,
}

/// The last messages of a channel, oldest first.
pub(crate) async fn messages(State(shared): State<Arc<Shared>>, Query(listing): Query<Listing>) -> Answer {
    let world = shared.world();
    let person = person(&world, &listing.r#as)?;
    let id_of_channel = channel(&world, person, &listing.channel_id, READ)?;
    let before = listing.before.as_deref().map(id).transpose()?;
    let history = world.channels.get(&id_of_channel).map(|channel| channel.history.iter());
    let mut found: Vec<Value> = history
        .into_iter()
        .flatten()
        .rev()
        .filter(|message| message.is_visible_to(person) && before.is_none_or(|before| message.id < before))
        .take(listing.limit.unwrap_or(50).min(200))
        .map(|message| page_message(message, &world.reactions))
        .collect();
    found.reverse();
    Ok(Json(Value::Array(found)))
}

#[derive(Deserialize)]
struct Words {
    r#as: String,
    channel_id: Option<String>,
    content: String,
    reply_to: Option<String>,
}

fn content(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    match text_length(text) {
        0 => Err("write something first".into()),
        1..=2000 => Ok(text.to_owned()),
        length => Err(Refused(format!(
            "a message has at most 2000 characters, this one has {length}"
        ))),
    }
}

/// Writes a message.
pub(crate) async fn say(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let words: Words = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &words.r#as)?;
    let channel = channel(&world, person, words.channel_id.as_deref().unwrap_or_default(), WRITE)?;
    let reference = words
        .reply_to
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(id)
        .transpose()?;
    if reference.is_some_and(|to| world.message(channel, to).is_none()) {
        return Err("the message to reply to is gone".into());
    }
    let draft = Draft {
        content: content(&words.content)?,
        reference,
        ..Draft::default()
    };
    let message = world.post(channel, person, draft);
    Ok(Json(page_message(&message, &world.reactions)))
}

/// Changes one's own message.
pub(crate) async fn edit(
    State(shared): State<Arc<Shared>>,
    Path((channel, message)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let words: Words = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &words.r#as)?;
    let (channel, message) = own(&world, person, &channel, &message, false)?;
    let revision = Revision {
        content: Some(content(&words.content)?),
        ..Revision::default()
    };
    let changed = world.revise(channel, message, revision).ok_or("the message is gone")?;
    Ok(Json(page_message(&changed, &world.reactions)))
}

#[derive(Deserialize)]
pub(crate) struct Who {
    r#as: String,
}

/// Deletes one's own message, or another's if allowed to; an ephemeral one is dismissed.
pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path((channel, message)): Path<(String, String)>,
    Query(who): Query<Who>,
) -> Answer {
    let mut world = shared.world();
    let person = person(&world, &who.r#as)?;
    let (channel, message) = own(&world, person, &channel, &message, true)?;
    world.delete(channel, &[message], false);
    Ok(Json(json!({})))
}

/// The message, if the person wrote it or, to delete it, may manage messages.
fn own(world: &World, person: u64, in_channel: &str, message: &str, to_delete: bool) -> Result<(u64, u64), Refused> {
    let channel_id = channel(world, person, in_channel, READ)?;
    let found = world.message(channel_id, id(message)?).ok_or("the message is gone")?;
    let may_delete = to_delete
        && (found.ephemeral_to == Some(person)
            || channel(world, person, in_channel, permissions::MANAGE_MESSAGES).is_ok());
    if found.author_id != person && !may_delete {
        return Err("that message is somebody else's".into());
    }
    Ok((channel_id, found.id))
}

#[derive(Deserialize)]
struct Slash {
    r#as: String,
    channel_id: String,
    command_id: String,
    #[serde(default)]
    options: Vec<Value>,
}

/// Uses a slash command.
pub(crate) async fn slash(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let slash: Slash = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &slash.r#as)?;
    let channel = channel(&world, person, &slash.channel_id, READ)?;
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
pub(crate) async fn modal(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let submission: Submission = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &submission.r#as)?;
    let interaction = id(&submission.interaction_id)?;
    if world
        .interactions
        .get(interaction)
        .is_none_or(|one| one.user_id != person)
    {
        return Err("that modal is somebody else's".into());
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(chosen) => chosen.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    let written: Vec<(String, String)> = submission
        .values
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect();
    let id = world.submit_modal(interaction, &written)?;
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

/// Opens the direct channel with the bot.
pub(crate) async fn direct(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let who: Who = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &who.r#as)?;
    let channel = world.direct(person);
    let json = world.channels.get(&channel).map(|channel| direct_json(&world, channel));
    Ok(Json(json.unwrap_or_default()))
}
