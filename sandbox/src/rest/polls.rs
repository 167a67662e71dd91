//! Polls of messages: who voted for an answer, and their end
//! (<https://discord.com/developers/docs/resources/poll>). Bots have no vote.

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, errors,
    messages::{self, find},
    route::Route,
    snowflake,
};
use crate::world::{World, poll};

/// The routes of this file.
pub(super) const ROUTES: &[Route] = &[
    Route::get(
        "/channels/{channel_id}/polls/{message_id}/answers/{answer_id}",
        |world, call, path| voters(world, call, path[0], path[1], path[2]),
    )
    .query(&["after", "limit"]),
    Route::post("/channels/{channel_id}/polls/{message_id}/expire", |world, _, path| {
        expire(world, path[0], path[1])
    }),
];

fn voters(world: &World, call: &Call, channel: &str, id: &str, answer: &str) -> Outcome {
    let (_, message) = find(world, channel, id)?;
    let answer = snowflake("answer_id", answer)?;
    let limit = call.number("limit", 25, 1, 100)? as usize;
    let after = call.id("after")?.unwrap_or(0);
    if !message.value["poll"].is_object() {
        return Err(errors::UNKNOWN_MESSAGE.into());
    }
    let mut users = world.voters(message.id, answer);
    users.retain(|user| *user > after);
    users.sort_unstable();
    users.truncate(limit);
    let users: Vec<Value> = users.into_iter().map(|user| world.user_json(user)).collect();
    Ok(Answer::ok(&json!({ "users": users })))
}

fn expire(world: &mut World, channel: &str, id: &str) -> Outcome {
    let (channel, message) = find(world, channel, id)?;
    if !message.value["poll"].is_object() {
        return Err(errors::NO_POLL.into());
    }
    if message.author_id != world.bot_id {
        return Err(errors::OTHERS_MESSAGE.into());
    }
    if poll::has_ended(&message) {
        return Err(errors::POLL_EXPIRED.into());
    }
    let ended = world.close_poll(channel, message.id);
    ended
        .map(|message| messages::json(&message))
        .ok_or_else(|| errors::POLL_EXPIRED.into())
}
