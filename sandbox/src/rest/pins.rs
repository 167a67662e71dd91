//! Pins: the list by pages and the older one of fifty, pinning and unpinning, each by two paths
//! (<https://discord.com/developers/docs/resources/message#get-channel-pins>).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, channels,
    errors::{self, Refusal},
    messages::find,
    route::Route,
};
use crate::{
    ids,
    world::{
        Stored, World,
        audit_log::{Note, action},
        permissions,
    },
};

/// The routes of this file.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/channels/{channel_id}/pins", |world, _, path| first(world, path[0])),
    Route::get("/channels/{channel_id}/messages/pins", |world, call, path| {
        list(world, call, path[0])
    })
    .query(&["before", "limit"]),
    Route::put("/channels/{channel_id}/pins/{message_id}", |world, call, path| {
        set(world, call, path[0], path[1], true)
    }),
    Route::put(
        "/channels/{channel_id}/messages/pins/{message_id}",
        |world, call, path| set(world, call, path[0], path[1], true),
    ),
    Route::delete("/channels/{channel_id}/pins/{message_id}", |world, call, path| {
        set(world, call, path[0], path[1], false)
    }),
    Route::delete(
        "/channels/{channel_id}/messages/pins/{message_id}",
        |world, call, path| set(world, call, path[0], path[1], false),
    ),
];

fn set(world: &mut World, call: &Call, channel: &str, id: &str, pinned: bool) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    channels::text(world, &channel.to_string(), permissions::PIN_MESSAGES)?;
    if (message.value["pinned"] == true) == pinned {
        return Ok(Answer::empty());
    }
    if pinned && world.pins_are_full(channel) {
        return Err(errors::TOO_MANY_PINS.into());
    }
    world.pin(world.bot_id, channel, message.id, pinned);
    if let Some(guild) = message.guild_id {
        let action = if pinned {
            action::MESSAGE_PIN
        } else {
            action::MESSAGE_UNPIN
        };
        let note = Note::new(action, world.bot_id, Some(message.author_id))
            .options(json!({ "channel_id": channel.to_string(), "message_id": message.id.to_string() }));
        world.record(guild, note.because(call.reason.as_deref()));
    }
    Ok(Answer::empty())
}

fn first(world: &World, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, permissions::VIEW_CHANNEL)?;
    let pinned = readable(world, channel).into_iter().take(50);
    Ok(Answer::ok(&pinned.map(|(message, _)| message.value.clone()).collect()))
}

fn list(world: &World, call: &Call, channel: &str) -> Outcome {
    let channel = channels::text(world, channel, permissions::VIEW_CHANNEL)?;
    let limit = call.number("limit", 50, 1, 50)? as usize;
    let parse = |text: &str| {
        let wrong = || Refusal::at("before", "DATE_TIME_TYPE_PARSE", "Could not parse as a timestamp.");
        ids::ms_of(text).ok_or_else(wrong)
    };
    let before = call.query("before").map(parse).transpose()?.unwrap_or(u64::MAX);
    let mut pinned = readable(world, channel);
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
fn readable(world: &World, channel: u64) -> Vec<(Arc<Stored>, u64)> {
    if channels::text(world, &channel.to_string(), permissions::READ_MESSAGE_HISTORY).is_err() {
        return Vec::new();
    }
    world.pinned(channel)
}
