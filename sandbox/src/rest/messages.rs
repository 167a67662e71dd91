//! Messages: sent, read, edited, deleted one by one or many at once, published
//! (<https://discord.com/developers/docs/resources/message>).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route, channels,
    errors::{self, Refusal},
    snowflake, threads,
    validate::{self, Fields, Place, checked},
};
use crate::{
    ids,
    world::{
        Draft, Guild, Stored, World,
        audit_log::{Note, action},
        file::File,
        message::{CROSSPOSTED, VOICE},
        permissions,
    },
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/channels/{channel_id}/messages", |world, call, path| {
        list(world, call, path[0])
    })
    .query(&["around", "before", "after", "limit"]),
    Route::post("/channels/{channel_id}/messages", |world, call, path| {
        create(world, call, path[0])
    }),
    Route::post("/channels/{channel_id}/messages/bulk-delete", |world, call, path| {
        bulk_delete(world, call, path[0])
    }),
    Route::get("/channels/{channel_id}/messages/{message_id}", |world, _, path| {
        get(world, path[0], path[1])
    }),
    Route::patch("/channels/{channel_id}/messages/{message_id}", |world, call, path| {
        edit(world, call, path[0], path[1])
    }),
    Route::delete("/channels/{channel_id}/messages/{message_id}", |world, call, path| {
        delete(world, call, path[0], path[1])
    }),
    Route::post(
        "/channels/{channel_id}/messages/{message_id}/crosspost",
        |world, _, path| crosspost(world, path[0], path[1]),
    ),
];

const TWO_WEEKS_MS: u64 = 14 * 24 * 3600 * 1000;
/// How long a nonce is unique: Discord says "the past few minutes".
const NONCE_MS: u64 = 5 * 60 * 1000;

impl World {
    /// Keeps the bytes of a call's files for the addresses of its attachments.
    pub(crate) fn keep_files(&mut self, call: &Call, attachments: &[Value]) {
        for file in &call.files {
            let found = attachments.iter().find_map(|one| {
                let id: u64 = one["id"].as_str()?.parse().ok()?;
                let is_new = id & 0xff == file.index & 0xff && self.files.get(id).is_none();
                is_new.then(|| (id, one["content_type"].as_str().unwrap_or_default().to_owned()))
            });
            if let Some((id, content_type)) = found {
                let bytes = file.bytes.clone();
                self.files.keep(File {
                    id,
                    content_type,
                    bytes,
                });
            }
        }
    }

    /// Makes the addresses of new attachments; the file's index is in the id's last byte.
    pub(crate) fn attachment_urls(&mut self, call: &Call, channel: u64) -> impl Fn(u64, &str) -> String + use<> {
        let (base, from) = (
            call.http_url.clone(),
            if call.files.is_empty() { 0 } else { self.ids.block() },
        );
        move |index, name| format!("{base}/attachments/{channel}/{}/{name}", from | (index & 0xff))
    }
}

pub(crate) fn json(message: &Stored) -> Answer {
    Answer::ok(&message.value)
}

/// The channel and message that a path names, as far as the bot sees them.
pub(super) fn find(world: &World, channel: &str, id: &str) -> Result<(u64, Arc<Stored>), Refusal> {
    let channel = channels::text(
        world,
        channel,
        permissions::VIEW_CHANNEL | permissions::READ_MESSAGE_HISTORY,
    )?;
    let id = snowflake("message_id", id)?;
    match world.message(channel, id) {
        Some(message) if message.ephemeral_to.is_none() => Ok((channel, Arc::clone(message))),
        _ => Err(errors::UNKNOWN_MESSAGE.into()),
    }
}

/// Discord's message types that say what happened, and are nobody's words.
fn is_of_system(message: &Stored) -> bool {
    !matches!(message.value["type"].as_u64(), None | Some(0 | 19 | 20 | 23))
}

fn list(world: &World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, permissions::VIEW_CHANNEL)?;
    let limit = call.number("limit", 50, 1, 100)? as usize;
    let (around, before, after) = (call.id("around")?, call.id("before")?, call.id("after")?);
    let Some(history) = world.channels.get(&channel).map(|channel| &channel.history) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    if channels::text(world, &channel.to_string(), permissions::READ_MESSAGE_HISTORY).is_err() {
        return Ok(Answer::ok(&json!([])));
    }
    let public = || history.iter().filter(|message| message.ephemeral_to.is_none());
    let mut found: Vec<&Arc<Stored>> = if let Some(around) = around {
        // The message in the middle, and as many before it as after it.
        let later = public().filter(|message| message.id >= around).take(limit.div_ceil(2));
        let mut near: Vec<&Arc<Stored>> = later.collect();
        near.extend(public().rev().filter(|message| message.id < around).take(limit / 2));
        near
    } else if let Some(after) = after {
        public().filter(|message| message.id > after).take(limit).collect()
    } else {
        public()
            .rev()
            .filter(|message| before.is_none_or(|before| message.id < before))
            .take(limit)
            .collect()
    };
    found.sort_by_key(|message| std::cmp::Reverse(message.id));
    Ok(Answer::ok(&found.iter().map(|message| message.value.clone()).collect()))
}

fn get(world: &World, channel: &str, id: &str) -> Outcome {
    find(world, channel, id).map(|(_, message)| json(&message))
}

/// What a message asks of who sends it.
fn needed(call: &Call) -> u64 {
    let mut needed = permissions::VIEW_CHANNEL | permissions::SEND_MESSAGES;
    for (is_so, permission) in [
        (!call.files.is_empty(), permissions::ATTACH_FILES),
        (call.body["poll"].is_object(), permissions::SEND_POLLS),
        (call.body["tts"] == true, permissions::SEND_TTS_MESSAGES),
    ] {
        if is_so {
            needed |= permission;
        }
    }
    needed
}

fn create(world: &mut World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, needed(call))?;
    threads::writable(world, channel)?;
    takes_directs(world, channel)?;
    let url = world.attachment_urls(call, channel);
    let mut draft = validate::draft(&call.body, "", &call.files, Place::Channel, &url)?;
    draft.stickers = stickers(world, channel, &draft.stickers)?;
    if let Some((from, id)) = draft.forward {
        draft = forward(world, from, id, &draft)?;
    }
    check_reference(world, call, channel, &mut draft)?;
    if let Some(earlier) = same_nonce(world, call, channel, &draft) {
        return Ok(json(&earlier));
    }
    without_embeds_if_forbidden(world, channel, &mut draft);
    world.keep_files(call, &draft.attachments);
    let message = world.post(channel, world.bot_id, draft);
    Ok(json(&message))
}

/// The stickers of a message, which must be of its guild: bots have no others.
fn stickers(world: &World, channel: u64, ids: &[Value]) -> Result<Vec<Value>, Refusal> {
    let guild = world.channels.get(&channel).and_then(|channel| channel.guild_id);
    let known = guild.and_then(|id| world.guilds.get(&id)).map(|guild| &guild.stickers);
    let find = |id: &Value| {
        let found = known?.get(&id.as_str()?.parse().ok()?)?;
        Some(json!({ "id": id, "name": found["name"], "format_type": found["format_type"] }))
    };
    ids.iter()
        .map(|id| find(id).ok_or_else(|| errors::INVALID_STICKER.into()))
        .collect()
}

/// Whether the person of a direct channel can be written to.
fn takes_directs(world: &World, channel: u64) -> Result<(), Refusal> {
    let person = world.channels.get(&channel).and_then(|channel| channel.recipient);
    let Some(person) = person.and_then(|id| world.users.get(&id)) else {
        return Ok(());
    };
    if !person.takes_directs {
        return Err(errors::CANNOT_DIRECT.into());
    }
    let has_both = |guild: &Guild| guild.members.contains_key(&person.id) && guild.members.contains_key(&world.bot_id);
    if world.guilds.values().any(has_both) {
        Ok(())
    } else {
        Err(errors::NO_MUTUAL_GUILDS.into())
    }
}

/// What a forward shows, with what the request says beside it.
fn forward(world: &World, from: u64, id: u64, asked: &Draft) -> Result<Draft, Refusal> {
    let has_more = !asked.content.is_empty()
        || !asked.embeds.is_empty()
        || !asked.components.is_empty()
        || !asked.attachments.is_empty()
        || asked.poll.is_some();
    if has_more {
        return Err(errors::FORWARD_WITH_MORE.into());
    }
    let readable = permissions::VIEW_CHANNEL | permissions::READ_MESSAGE_HISTORY;
    channels::text(world, &from.to_string(), readable).map_err(|_| Refusal::from(errors::FORWARD_UNREADABLE))?;
    let unknown = || Refusal::at("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
    let source = world
        .message(from, id)
        .filter(|message| message.ephemeral_to.is_none())
        .ok_or_else(unknown)?;
    if is_of_system(source) {
        return Err(errors::SYSTEM_MESSAGE.into());
    }
    if source.value["poll"].is_object() {
        return Err(Refusal::at(
            "message_reference",
            "MESSAGE_FORWARD_UNSUPPORTED",
            "Polls cannot be forwarded.",
        ));
    }
    let mut draft = world.forward(from, id).ok_or_else(unknown)?;
    draft.flags |= asked.flags;
    draft.nonce.clone_from(&asked.nonce);
    Ok(draft)
}

/// Whether what a message replies to is there, and takes replies.
fn check_reference(world: &World, call: &Call, channel: u64, draft: &mut Draft) -> Result<(), Refusal> {
    let Some(to) = draft.reference else {
        return Ok(());
    };
    if channels::text(world, &channel.to_string(), permissions::READ_MESSAGE_HISTORY).is_err() {
        return Err(errors::REPLY_WITHOUT_HISTORY.into());
    }
    let place = &call.body["message_reference"];
    let is_elsewhere = validate::id_of(&place["channel_id"]).is_some_and(|named| named != channel);
    match world
        .message(channel, to)
        .filter(|message| message.ephemeral_to.is_none() && !is_elsewhere)
    {
        Some(message) if is_of_system(message) => Err(Refusal::at(
            "message_reference",
            "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE",
            "Cannot reply to a system message",
        )),
        Some(_) => Ok(()),
        None if place["fail_if_not_exists"] == false => {
            draft.reference = None;
            Ok(())
        }
        None => Err(Refusal::at(
            "message_reference",
            "REPLIES_UNKNOWN_MESSAGE",
            "Unknown message",
        )),
    }
}

/// The message of the last minutes that was sent with the same nonce, if that is asked for.
fn same_nonce(world: &World, call: &Call, channel: u64, draft: &Draft) -> Option<Arc<Stored>> {
    let nonce = draft.nonce.as_ref().filter(|_| call.body["enforce_nonce"] == true)?;
    let since = world.ids.now_ms().saturating_sub(NONCE_MS);
    let recent = world.channels.get(&channel)?.history.iter().rev();
    let mut recent = recent.take_while(|message| ids::created_ms(message.id) >= since);
    recent
        .find(|message| message.author_id == world.bot_id && message.value.get("nonce") == Some(nonce))
        .map(Arc::clone)
}

/// Without the permission to embed links, Discord drops the embeds; a message of nothing else is refused.
fn without_embeds_if_forbidden(world: &World, channel: u64, draft: &mut Draft) {
    let may = world
        .channels
        .get(&channel)
        .is_some_and(|channel| world.permissions_in(channel, world.bot_id) & permissions::EMBED_LINKS != 0);
    if !may {
        draft.embeds.clear();
    }
}

fn edit(world: &mut World, call: &Call, channel: &str, id: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    let by_other = message.author_id != world.bot_id;
    let only_flags = call
        .body
        .as_object()
        .is_some_and(|body| body.keys().all(|key| key == "flags"));
    if by_other && !only_flags {
        return Err(errors::OTHERS_MESSAGE.into());
    }
    if by_other {
        channels::text(world, &channel.to_string(), permissions::MANAGE_MESSAGES)?;
    }
    if is_of_system(&message) {
        return Err(errors::SYSTEM_MESSAGE.into());
    }
    threads::active_one(world, channel)?;
    if message.value["flags"].as_u64().unwrap_or(0) & VOICE != 0 {
        return Err(errors::VOICE_EDITED.into());
    }
    if message.value["poll"].is_object() && !only_flags {
        return Err(errors::POLL_EDITED.into());
    }
    let url = world.attachment_urls(call, channel);
    let revision = validate::revision(&call.body, "", &call.files, &message.value, &url)?;
    world.keep_files(call, revision.attachments.as_deref().unwrap_or_default());
    let message = world
        .revise(channel, message.id, revision)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_MESSAGE))?;
    Ok(json(&message))
}

fn delete(world: &mut World, call: &Call, channel: &str, id: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    let by_other = message.author_id != world.bot_id;
    if by_other {
        if message.guild_id.is_none() {
            return Err(errors::NOT_IN_DIRECT.into());
        }
        channels::text(world, &channel.to_string(), permissions::MANAGE_MESSAGES)?;
    }
    if matches!(message.value["type"].as_u64(), Some(1..=5 | 14..=17 | 21)) {
        return Err(errors::SYSTEM_MESSAGE.into());
    }
    threads::active_one(world, channel)?;
    world.delete(channel, &[message.id], false);
    if let Some(guild) = message.guild_id.filter(|_| by_other) {
        let note = Note::new(action::MESSAGE_DELETE, world.bot_id, Some(message.author_id))
            .options(json!({ "channel_id": channel.to_string(), "count": "1" }));
        world.record(guild, note.because(call.reason.as_deref()));
    }
    Ok(Answer::empty())
}

fn bulk_delete(world: &mut World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, permissions::MANAGE_MESSAGES)?;
    let Some(guild) = world.channels.get(&channel).and_then(|channel| channel.guild_id) else {
        return Err(errors::NOT_IN_DIRECT.into());
    };
    let mut ids = checked(|faults| {
        let fields = Fields::body(&call.body, &["messages"], faults);
        fields.required("messages", faults);
        fields.ids("messages", 1000, faults).unwrap_or_default()
    })?;
    ids.sort_unstable();
    let before = ids.len();
    ids.dedup();
    if ids.len() != before {
        return Err(Refusal::at(
            "messages",
            "SET_TYPE_ALREADY_CONTAINS_VALUE",
            "The list holds a message twice.",
        ));
    }
    if !(2..=100).contains(&ids.len()) {
        return Err(errors::BULK_COUNT.into());
    }
    let oldest = world.ids.now_ms().saturating_sub(TWO_WEEKS_MS);
    if ids.iter().any(|id| ids::created_ms(*id) < oldest) {
        return Err(errors::BULK_AGE.into());
    }
    ids.retain(|id| {
        let found = world.message(channel, *id);
        found.is_some_and(|message| message.ephemeral_to.is_none())
    });
    let gone = world.delete(channel, &ids, true);
    if gone > 0 {
        let note = Note::new(action::MESSAGE_BULK_DELETE, world.bot_id, Some(channel))
            .options(json!({ "count": gone.to_string() }));
        world.record(guild, note.because(call.reason.as_deref()));
    }
    Ok(Answer::empty())
}

/// Publishes a message of a channel of announcements.
fn crosspost(world: &mut World, channel: &str, id: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    if world.channels.get(&channel).is_none_or(|channel| channel.kind != 5) {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    }
    let needed = if message.author_id == world.bot_id {
        permissions::SEND_MESSAGES
    } else {
        permissions::MANAGE_MESSAGES
    };
    channels::text(world, &channel.to_string(), needed)?;
    if is_of_system(&message) {
        return Err(errors::SYSTEM_MESSAGE.into());
    }
    if message.value["flags"].as_u64().unwrap_or(0) & CROSSPOSTED != 0 {
        return Err(errors::ALREADY_CROSSPOSTED.into());
    }
    let published = world.crosspost(channel, message.id);
    published
        .map(|message| json(&message))
        .ok_or_else(|| errors::UNKNOWN_MESSAGE.into())
}
