//! Webhooks: made, read, changed and deleted by the bot or by their token, and what is written with the token. Below the
//! application's own id stand the answers to its interactions: see `interactions`.
//!
//! <https://discord.com/developers/docs/resources/webhook>

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, channels,
    errors::{self, Faults, Refusal},
    guilds, interactions, messages,
    route::Route,
    snowflake,
    validate::{self, Fields, Place, checked},
};
use crate::world::{
    Draft, Stored, Webhook, World,
    audit_log::{Note, action},
    permissions,
    thread::{Beginning, PUBLIC_THREAD},
    webhook::{FOLLOWER, INCOMING, MOST},
};

/// Channels that hold threads only.
const FORUMS: [u64; 2] = [15, 16];
/// Message type of "has added ... to this channel".
const FOLLOW_ADDED: u64 = 12;

/// The routes of this file.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/channels/{channel_id}/webhooks", |world, call, path| {
        of_channel(world, call, path[0])
    }),
    Route::post("/channels/{channel_id}/webhooks", |world, call, path| {
        create(world, call, path[0])
    }),
    Route::post("/channels/{channel_id}/followers", |world, call, path| {
        follow(world, call, path[0])
    }),
    Route::get("/guilds/{guild_id}/webhooks", |world, call, path| {
        of_guild(world, call, path[0])
    }),
    Route::get("/webhooks/{webhook_id}", |world, call, path| get(world, call, path[0])),
    Route::patch("/webhooks/{webhook_id}", |world, call, path| edit(world, call, path[0])),
    Route::delete("/webhooks/{webhook_id}", |world, call, path| {
        delete(world, call, path[0])
    }),
    Route::get("/webhooks/{webhook_id}/{webhook_token}", |world, call, path| {
        let webhook = by_token(world, path[0], path[1])?;
        Ok(Answer::ok(&world.webhook_json(&webhook, &call.http_url, false)))
    }),
    Route::patch("/webhooks/{webhook_id}/{webhook_token}", |world, call, path| {
        let webhook = by_token(world, path[0], path[1])?;
        change(world, call, &webhook, false)
    }),
    Route::delete("/webhooks/{webhook_id}/{webhook_token}", |world, call, path| {
        let webhook = by_token(world, path[0], path[1])?;
        Ok(remove(world, call, &webhook))
    }),
    Route::post("/webhooks/{webhook_id}/{webhook_token}", |world, call, path| {
        if is_application(world, path[0]) {
            return interactions::follow_up(world, call, path[0], path[1]);
        }
        execute(world, call, path[0], path[1])
    })
    .query(&["wait", "thread_id", "with_components"]),
    Route::get(
        "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        |world, call, path| {
            if is_application(world, path[0]) {
                return interactions::get(world, path[0], path[1], path[2]);
            }
            let (_, message) = own_message(world, call, path)?;
            Ok(messages::json(&message))
        },
    )
    .query(&["thread_id"]),
    Route::patch(
        "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        |world, call, path| {
            if is_application(world, path[0]) {
                return interactions::edit(world, call, path[0], path[1], path[2]);
            }
            edit_message(world, call, path)
        },
    )
    .query(&["thread_id", "with_components"]),
    Route::delete(
        "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
        |world, call, path| {
            if is_application(world, path[0]) {
                return interactions::delete(world, path[0], path[1], path[2]);
            }
            let (_, message) = own_message(world, call, path)?;
            world.delete(message.channel_id, &[message.id], false);
            Ok(Answer::empty())
        },
    )
    .query(&["thread_id"]),
];

fn is_application(world: &World, id: &str) -> bool {
    id.parse() == Ok(world.bot_id)
}

/// The webhook of this id and token, which need no bot.
fn by_token(world: &World, id: &str, token: &str) -> Result<Webhook, Refusal> {
    let webhook = found(world, id)?;
    if webhook.kind != INCOMING || webhook.token != token {
        return Err(errors::INVALID_WEBHOOK_TOKEN.into());
    }
    Ok(webhook)
}

fn found(world: &World, id: &str) -> Result<Webhook, Refusal> {
    let id = snowflake("webhook_id", id)?;
    world.webhook(id).cloned().ok_or_else(|| errors::UNKNOWN_WEBHOOK.into())
}

/// The webhook of this id, if the bot manages those of its channel, or `may_own` and has made it.
fn managed(world: &World, id: &str, may_own: bool) -> Result<Webhook, Refusal> {
    let webhook = found(world, id)?;
    if !(may_own && webhook.application_id == Some(world.bot_id)) {
        channels::allowed(world, &webhook.channel_id.to_string(), permissions::MANAGE_WEBHOOKS)?;
    }
    Ok(webhook)
}

fn of_channel(world: &World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::allowed(world, channel, permissions::MANAGE_WEBHOOKS)?;
    let all = world.webhooks.values().filter(|one| one.channel_id == channel);
    Ok(Answer::ok(
        &all.map(|one| world.webhook_json(one, &call.http_url, true)).collect(),
    ))
}

fn of_guild(world: &World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_WEBHOOKS)?;
    let all = world.webhooks.values().filter(|one| one.guild_id == guild);
    let there = all.filter(|one| world.channels.contains_key(&one.channel_id));
    Ok(Answer::ok(
        &there.map(|one| world.webhook_json(one, &call.http_url, true)).collect(),
    ))
}

/// What a body sets of a webhook.
struct Shape {
    name: Option<String>,
    /// Null takes it away.
    avatar: Option<Option<String>>,
    channel: Option<u64>,
}

impl Shape {
    fn read(body: &Value, is_new: bool, known: &[&str]) -> Result<Self, Refusal> {
        checked(|faults| {
            let fields = Fields::body(body, known, faults);
            if is_new {
                fields.required("name", faults);
            }
            let name = fields.text("name", 1..=80, faults);
            refuse_reserved(name, &fields.at("name"), faults);
            let image = fields.text("avatar", 0..=14_000_000, faults);
            if image.is_some_and(|image| !image.starts_with("data:image/") || !image.contains(";base64,")) {
                faults.add(
                    "avatar",
                    "IMAGE_INVALID",
                    "Invalid image data: data:image/png;base64,... is wanted.",
                );
            }
            Self {
                name: name.map(str::to_owned),
                avatar: fields.has("avatar").then(|| image.map(hash_of)),
                channel: fields.id("channel_id", faults),
            }
        })
    }
}

/// Names that Discord keeps to itself.
fn refuse_reserved(name: Option<&str>, path: &str, faults: &mut Faults) {
    let lower = name.unwrap_or_default().to_lowercase();
    for word in ["clyde", "discord"] {
        if lower.contains(word) {
            let text = format!("Username cannot contain \"{word}\"");
            faults.add(path, "USERNAME_INVALID_CONTAINS", &text);
        }
    }
}

/// A hash as Discord names images by.
fn hash_of(image: &str) -> String {
    let mut hasher = DefaultHasher::new();
    image.hash(&mut hasher);
    let hash = hasher.finish();
    format!("{hash:016x}{:016x}", hash.rotate_left(29))
}

fn create(world: &mut World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::allowed(world, channel, permissions::MANAGE_WEBHOOKS)?;
    let shape = Shape::read(&call.body, true, &["name", "avatar"])?;
    let kind = world.channels.get(&channel).map_or(0, |channel| channel.kind);
    if matches!(kind, 1 | 3 | 4 | 10..=12) {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    }
    room(world, channel)?;
    let name = shape.name.unwrap_or_default();
    let id = world.add_webhook(channel, world.bot_id, &name, |webhook| {
        webhook.avatar = shape.avatar.flatten();
    });
    let webhook = id.and_then(|id| world.webhook(id)).cloned();
    let webhook = webhook.ok_or_else(|| Refusal::from(errors::WRONG_CHANNEL_TYPE))?;
    let note =
        Note::new(action::WEBHOOK_CREATE, world.bot_id, Some(webhook.id)).between(&Value::Null, &of_note(&webhook));
    world.record(webhook.guild_id, note.because(call.reason.as_deref()));
    Ok(Answer::ok(&world.webhook_json(&webhook, &call.http_url, true)))
}

/// What the audit log tells of a webhook.
fn of_note(webhook: &Webhook) -> Value {
    json!({
        "name": webhook.name,
        "type": webhook.kind,
        "channel_id": webhook.channel_id.to_string(),
        "avatar_hash": webhook.avatar,
    })
}

fn room(world: &World, channel: u64) -> Result<(), Refusal> {
    let there = world.webhooks.values().filter(|one| one.channel_id == channel);
    if there.count() < MOST {
        return Ok(());
    }
    Err(errors::TOO_MANY_WEBHOOKS.into())
}

fn get(world: &World, call: &Call, id: &str) -> Outcome {
    let webhook = managed(world, id, true)?;
    Ok(Answer::ok(&world.webhook_json(&webhook, &call.http_url, true)))
}

fn edit(world: &mut World, call: &Call, id: &str) -> Outcome {
    let webhook = managed(world, id, false)?;
    change(world, call, &webhook, true)
}

fn change(world: &mut World, call: &Call, webhook: &Webhook, by_bot: bool) -> Outcome {
    let known: &[&str] = if by_bot {
        &["name", "avatar", "channel_id"]
    } else {
        &["name", "avatar"]
    };
    let shape = Shape::read(&call.body, false, known)?;
    if let Some(channel) = shape.channel.filter(|channel| *channel != webhook.channel_id) {
        channels::allowed(world, &channel.to_string(), permissions::MANAGE_WEBHOOKS)?;
        if world.channels.get(&channel).and_then(|one| one.guild_id) != Some(webhook.guild_id) {
            return Err(errors::UNKNOWN_CHANNEL.into());
        }
        room(world, channel)?;
    }
    world.change_webhook(webhook.id, |one| {
        one.name = shape.name.unwrap_or_else(|| one.name.clone());
        one.avatar = shape.avatar.unwrap_or_else(|| one.avatar.clone());
        one.channel_id = shape.channel.unwrap_or(one.channel_id);
    });
    let after = found(world, &webhook.id.to_string())?;
    let note =
        Note::new(action::WEBHOOK_UPDATE, world.bot_id, Some(webhook.id)).between(&of_note(webhook), &of_note(&after));
    if by_bot && note.is_a_change() {
        world.record(webhook.guild_id, note.because(call.reason.as_deref()));
    }
    Ok(Answer::ok(&world.webhook_json(&after, &call.http_url, by_bot)))
}

fn delete(world: &mut World, call: &Call, id: &str) -> Outcome {
    let webhook = managed(world, id, false)?;
    Ok(remove(world, call, &webhook))
}

fn remove(world: &mut World, call: &Call, webhook: &Webhook) -> Answer {
    world.remove_webhook(webhook.id);
    let note =
        Note::new(action::WEBHOOK_DELETE, world.bot_id, Some(webhook.id)).between(&of_note(webhook), &Value::Null);
    world.record(webhook.guild_id, note.because(call.reason.as_deref()));
    Answer::empty()
}

/// Lets a channel follow one of announcements.
fn follow(world: &mut World, call: &Call, source: &str) -> Outcome {
    let source = channels::allowed(world, source, permissions::VIEW_CHANNEL)?;
    let target = checked(|faults| {
        let fields = Fields::body(&call.body, &["webhook_channel_id"], faults);
        fields.required("webhook_channel_id", faults);
        fields.id("webhook_channel_id", faults).unwrap_or(0)
    })?;
    let target = channels::allowed(world, &target.to_string(), permissions::MANAGE_WEBHOOKS)?;
    let Some(from) = world.channels.get(&source).filter(|channel| channel.kind == 5) else {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    };
    room(world, target)?;
    let guild = from.guild_id;
    let of_guild = guild
        .and_then(|id| world.guilds.get(&id))
        .map_or("", |guild| guild.name.as_str());
    let name = format!("{of_guild} #{}", from.name);
    let id = world.add_webhook(target, world.bot_id, &name, |webhook| {
        webhook.kind = FOLLOWER;
        webhook.source = Some(source);
        webhook.application_id = None;
    });
    let id = id.ok_or_else(|| Refusal::from(errors::WRONG_CHANNEL_TYPE))?;
    let mut draft = Draft {
        content: name,
        kind: Some(FOLLOW_ADDED),
        ..Draft::default()
    };
    let mut reference = json!({ "type": 0, "channel_id": source.to_string() });
    if let Some(guild) = guild {
        reference["guild_id"] = json!(guild.to_string());
    }
    draft.extra.insert("message_reference".to_owned(), reference);
    world.post(target, world.bot_id, draft);
    Ok(Answer::ok(
        &json!({ "channel_id": source.to_string(), "webhook_id": id.to_string() }),
    ))
}

/// The channel or thread that a call by token is about.
fn place(world: &World, call: &Call, webhook: &Webhook) -> Result<u64, Refusal> {
    let Some(thread) = call.id("thread_id")? else {
        return Ok(webhook.channel_id);
    };
    let is_there = world
        .channels
        .get(&thread)
        .is_some_and(|one| one.is_thread() && one.parent_id == Some(webhook.channel_id));
    if is_there {
        Ok(thread)
    } else {
        Err(errors::UNKNOWN_CHANNEL.into())
    }
}

fn execute(world: &mut World, call: &Call, id: &str, token: &str) -> Outcome {
    let webhook = by_token(world, id, token)?;
    let waits = call.flag("wait")?;
    let mut channel = place(world, call, &webhook)?;
    let is_own = webhook.application_id == Some(world.bot_id);
    let with_components = call.flag("with_components")?;
    let url = world.attachment_urls(call, channel);
    let mut body = call.body.clone();
    if !is_own && !with_components {
        // Not looked at, unless asked for; with nothing else the message is empty.
        body.as_object_mut().map(|fields| fields.remove("components"));
    }
    let draft = validate::draft(&body, "", &call.files, Place::Webhook, &url)?;
    let (name, avatar, thread) = checked(|faults| {
        let name = body["username"].as_str().map(str::trim);
        refuse_reserved(name, "username", faults);
        if !is_own && draft.components.iter().any(is_interactive) {
            faults.add(
                "components",
                "WEBHOOK_COMPONENTS_NOT_OWNED",
                "Only a webhook that an application owns may have components that people use.",
            );
        }
        let avatar = body["avatar_url"].as_str().filter(|url| !url.is_empty()).map(hash_of);
        let thread = body["thread_name"].as_str().filter(|name| !name.is_empty());
        (name.filter(|name| !name.is_empty()), avatar, thread)
    })?;
    let is_forum = world
        .channels
        .get(&webhook.channel_id)
        .is_some_and(|one| FORUMS.contains(&one.kind));
    match (is_forum, channel != webhook.channel_id, thread) {
        (true, false, None) => return Err(errors::FORUM_WEBHOOK_WITHOUT_THREAD.into()),
        (true, true, Some(_)) => return Err(errors::FORUM_WEBHOOK_WITH_BOTH.into()),
        (false, _, Some(_)) => return Err(errors::WEBHOOK_THREAD_ELSEWHERE.into()),
        (true, false, Some(name)) => {
            let beginning = Beginning::new(name, PUBLIC_THREAD);
            let begun = world.start_thread(webhook.channel_id, webhook.id, beginning);
            channel = begun.ok_or_else(|| Refusal::from(errors::UNKNOWN_CHANNEL))?;
        }
        _ => {}
    }
    world.keep_files(call, &draft.attachments);
    let author = webhook.author(name, avatar.as_deref());
    let message = world.post_as(&webhook, channel, author, draft);
    Ok(if waits {
        messages::json(&message)
    } else {
        Answer::empty()
    })
}

/// Whether people can press or choose something in it.
fn is_interactive(component: &Value) -> bool {
    let inner = component["components"].as_array().map_or(&[][..], Vec::as_slice);
    component["custom_id"].is_string()
        || component["accessory"]["custom_id"].is_string()
        || inner.iter().any(is_interactive)
}

/// A message that the webhook of a path has written.
fn own_message(world: &World, call: &Call, path: &[&str]) -> Result<(Webhook, Arc<Stored>), Refusal> {
    let webhook = by_token(world, path[0], path[1])?;
    let channel = place(world, call, &webhook)?;
    let id = snowflake("message_id", path[2])?;
    let message = world
        .message(channel, id)
        .filter(|message| message.author_id == webhook.id);
    let message = message
        .map(Arc::clone)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_MESSAGE))?;
    Ok((webhook, message))
}

fn edit_message(world: &mut World, call: &Call, path: &[&str]) -> Outcome {
    let (_, message) = own_message(world, call, path)?;
    call.flag("with_components")?;
    let url = world.attachment_urls(call, message.channel_id);
    let mut revision = validate::revision(&call.body, "", &call.files, &message.value, &url)?;
    revision.allowed_mentions.get_or_insert_with(validate::users_only);
    world.keep_files(call, revision.attachments.as_deref().unwrap_or_default());
    let message = world.revise(message.channel_id, message.id, revision);
    message
        .map(|message| messages::json(&message))
        .ok_or_else(|| errors::UNKNOWN_MESSAGE.into())
}
