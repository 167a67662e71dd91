//! Messages, reactions and pins
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
    world::{Draft, Stored, World, file::File, permissions},
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
    Route::get("/channels/{channel_id}/pins", |world, _, path| pins(world, path[0])),
    Route::get("/channels/{channel_id}/messages/pins", |world, call, path| {
        new_pins(world, call, path[0])
    })
    .query(&["before", "limit"]),
    Route::put("/channels/{channel_id}/pins/{message_id}", |world, _, path| {
        pin(world, path[0], path[1], true)
    }),
    Route::put("/channels/{channel_id}/messages/pins/{message_id}", |world, _, path| {
        pin(world, path[0], path[1], true)
    }),
    Route::delete("/channels/{channel_id}/pins/{message_id}", |world, _, path| {
        pin(world, path[0], path[1], false)
    }),
    Route::delete("/channels/{channel_id}/messages/pins/{message_id}", |world, _, path| {
        pin(world, path[0], path[1], false)
    }),
    Route::get("/channels/{channel_id}/messages/{message_id}", |world, _, path| {
        get(world, path[0], path[1])
    }),
    Route::patch("/channels/{channel_id}/messages/{message_id}", |world, call, path| {
        edit(world, call, path[0], path[1])
    }),
    Route::delete("/channels/{channel_id}/messages/{message_id}", |world, _, path| {
        delete(world, path[0], path[1])
    }),
    Route::delete(
        "/channels/{channel_id}/messages/{message_id}/reactions",
        |world, _, path| clear_reactions(world, path[0], path[1], None),
    ),
    Route::get(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
        |world, call, path| reactors(world, call, path[0], path[1], path[2]),
    )
    .query(&["after", "limit", "type"]),
    Route::delete(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
        |world, _, path| clear_reactions(world, path[0], path[1], Some(path[2])),
    ),
    Route::put(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        |world, _, path| react(world, path[0], path[1], path[2]),
    ),
    Route::delete(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        |world, _, path| unreact(world, path[0], path[1], path[2], "@me"),
    ),
    Route::delete(
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/{user_id}",
        |world, _, path| unreact(world, path[0], path[1], path[2], path[3]),
    ),
];

const TWO_WEEKS_MS: u64 = 14 * 24 * 3600 * 1000;

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
fn find(world: &World, channel: &str, id: &str) -> Result<(u64, Arc<Stored>), Refusal> {
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

pub(crate) fn list(world: &World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, permissions::VIEW_CHANNEL)?;
    let limit = call.number("limit", 50, 1, 100)? as usize;
    let (around, before, after) = (call.id("around")?, call.id("before")?, call.id("after")?);
    let Some(history) = world.channels.get(&channel).map(|channel| &channel.history) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    let public = || history.iter().filter(|message| message.ephemeral_to.is_none());
    let mut found: Vec<&Arc<Stored>> = if let Some(after) = after {
        public().filter(|message| message.id > after).take(limit).collect()
    } else if let Some(around) = around {
        let mut near: Vec<&Arc<Stored>> = public().collect();
        near.sort_by_key(|message| message.id.abs_diff(around));
        near.truncate(limit);
        near
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

pub(crate) fn get(world: &World, channel: &str, id: &str) -> Outcome {
    find(world, channel, id).map(|(_, message)| json(&message))
}

pub(crate) fn create(world: &mut World, call: &Call, channel: &str) -> Outcome {
    let mut needed = permissions::VIEW_CHANNEL | permissions::SEND_MESSAGES;
    if !call.files.is_empty() {
        needed |= permissions::ATTACH_FILES;
    }
    let channel = channels::text(world, channel, needed)?;
    threads::writable(world, channel)?;
    let url = world.attachment_urls(call, channel);
    let mut draft = validate::draft(&call.body, "", &call.files, Place::Channel, &url)?;
    if let Some(to) = draft.reference
        && world
            .message(channel, to)
            .is_none_or(|message| message.ephemeral_to.is_some())
    {
        if call.body["message_reference"]["fail_if_not_exists"] != false {
            return Err(Refusal::at(
                "message_reference",
                "REPLIES_UNKNOWN_MESSAGE",
                "Unknown message",
            ));
        }
        draft.reference = None;
    }
    if call.body["enforce_nonce"] == true
        && let Some(nonce) = &draft.nonce
        && let Some(earlier) = world.channels.get(&channel).and_then(|channel| {
            channel
                .history
                .iter()
                .rev()
                .take(100)
                .find(|message| message.by_bot && message.value.get("nonce") == Some(nonce))
        })
    {
        return Ok(json(earlier));
    }
    without_embeds_if_forbidden(world, channel, &mut draft);
    world.keep_files(call, &draft.attachments);
    let message = world.post(channel, world.bot_id, draft);
    Ok(json(&message))
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

pub(crate) fn edit(world: &mut World, call: &Call, channel: &str, id: &str) -> Outcome {
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
    let url = world.attachment_urls(call, channel);
    let revision = validate::revision(&call.body, "", &call.files, &message.value, &url)?;
    world.keep_files(call, revision.attachments.as_deref().unwrap_or_default());
    let message = world
        .revise(channel, message.id, revision)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_MESSAGE))?;
    Ok(json(&message))
}

pub(crate) fn delete(world: &mut World, channel: &str, id: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    if message.author_id != world.bot_id {
        if message.guild_id.is_none() {
            return Err(errors::NOT_IN_DIRECT.into());
        }
        channels::text(world, &channel.to_string(), permissions::MANAGE_MESSAGES)?;
    }
    world.delete(channel, &[message.id], false);
    Ok(Answer::empty())
}

pub(crate) fn bulk_delete(world: &mut World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, permissions::MANAGE_MESSAGES)?;
    if world
        .channels
        .get(&channel)
        .is_some_and(|channel| channel.guild_id.is_none())
    {
        return Err(errors::NOT_IN_DIRECT.into());
    }
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
    world.delete(channel, &ids, true);
    Ok(Answer::empty())
}

pub(crate) fn pin(world: &mut World, channel: &str, id: &str, pinned: bool) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    channels::text(world, &channel.to_string(), permissions::MANAGE_MESSAGES)?;
    world.pin(world.bot_id, channel, message.id, pinned);
    Ok(Answer::empty())
}

pub(crate) fn pins(world: &World, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, permissions::VIEW_CHANNEL)?;
    let pinned = readable_pins(world, channel).into_iter().take(50);
    Ok(Answer::ok(&pinned.map(|(message, _)| message.value.clone()).collect()))
}

pub(crate) fn new_pins(world: &World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, permissions::VIEW_CHANNEL)?;
    let limit = call.number("limit", 50, 1, 50)? as usize;
    let before = call.query("before").map(|text| {
        ids::ms_of(text).ok_or_else(|| Refusal::at("before", "DATE_TIME_TYPE_PARSE", "Could not parse as a timestamp."))
    });
    let before = before.transpose()?.unwrap_or(u64::MAX);
    let mut pinned = readable_pins(world, channel);
    pinned.retain(|(_, at)| *at < before);
    let has_more = pinned.len() > limit;
    let items: Vec<Value> = pinned
        .into_iter()
        .take(limit)
        .map(|(message, at)| json!({ "pinned_at": ids::timestamp(at), "message": message.value }))
        .collect();
    Ok(Answer::ok(&json!({ "items": items, "has_more": has_more })))
}

/// The pins of a channel; none for who may not read what was said there.
fn readable_pins(world: &World, channel: u64) -> Vec<(Arc<Stored>, u64)> {
    if channels::text(world, &channel.to_string(), permissions::READ_MESSAGE_HISTORY).is_err() {
        return Vec::new();
    }
    world.pinned(channel)
}

/// The emoji that a path names: `name:id`, or a Unicode one.
fn emoji(text: &str) -> Result<Value, Refusal> {
    if let Some((name, id)) = text.rsplit_once(':') {
        let name = name.trim_start_matches("a:").trim_start_matches(':');
        return match id.parse::<u64>() {
            Ok(id) => Ok(json!({ "id": id.to_string(), "name": name })),
            Err(_) => Err(errors::UNKNOWN_EMOJI.into()),
        };
    }
    let is_emoji = !text.is_empty() && (!text.is_ascii() || text.ends_with('\u{20e3}'));
    if is_emoji {
        Ok(json!({ "id": null, "name": text }))
    } else {
        Err(errors::UNKNOWN_EMOJI.into())
    }
}

pub(crate) fn react(world: &mut World, channel: &str, id: &str, text: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    let emoji = emoji(text)?;
    channels::text(world, &channel.to_string(), permissions::ADD_REACTIONS)?;
    threads::active_one(world, channel)?;
    world.react(channel, message.id, world.bot_id, &emoji, true);
    Ok(Answer::empty())
}

pub(crate) fn unreact(world: &mut World, channel: &str, id: &str, text: &str, user: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    let emoji = emoji(text)?;
    let user = if user == "@me" {
        world.bot_id
    } else {
        channels::text(world, &channel.to_string(), permissions::MANAGE_MESSAGES)?;
        snowflake("user_id", user)?
    };
    world.react(channel, message.id, user, &emoji, false);
    Ok(Answer::empty())
}

pub(crate) fn reactors(world: &World, call: &Call, channel: &str, id: &str, text: &str) -> Outcome {
    let (_, message) = find(world, channel, id)?;
    let emoji = emoji(text)?;
    let limit = call.number("limit", 25, 1, 100)? as usize;
    let after = call.id("after")?.unwrap_or(0);
    let mut users = world.reactors(message.id, &emoji);
    users.sort_unstable();
    Ok(Answer::ok(
        &users
            .into_iter()
            .filter(|user| *user > after)
            .take(limit)
            .map(|user| world.user_json(user))
            .collect(),
    ))
}

pub(crate) fn clear_reactions(world: &mut World, channel: &str, id: &str, only: Option<&str>) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    let only = only.map(emoji).transpose()?;
    channels::text(world, &channel.to_string(), permissions::MANAGE_MESSAGES)?;
    world.clear_reactions(channel, message.id, only.as_ref());
    Ok(Answer::empty())
}
