//! Voice states: who is in which voice channel, and on a stage, who may speak
//! (<https://discord.com/developers/docs/resources/voice>). Moving and silencing is an edit of a member.

use super::{
    Answer, Call, Outcome, Route, channels,
    errors::{self, Refusal},
    guilds, snowflake,
    validate::{Fields, checked},
};
use crate::{
    ids,
    world::{World, permissions},
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}/voice-states/@me", |world, _, path| {
        get(world, path[0], "@me")
    }),
    Route::get("/guilds/{guild_id}/voice-states/{user_id}", |world, _, path| {
        get(world, path[0], path[1])
    }),
    Route::patch("/guilds/{guild_id}/voice-states/@me", |world, call, path| {
        edit(world, call, path[0], "@me")
    }),
    Route::patch("/guilds/{guild_id}/voice-states/{user_id}", |world, call, path| {
        edit(world, call, path[0], path[1])
    }),
];

fn whom(world: &World, user: &str) -> Result<u64, Refusal> {
    if user == "@me" {
        Ok(world.bot_id)
    } else {
        snowflake("user_id", user)
    }
}

fn get(world: &World, guild: &str, user: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    let state = world.voice_json(guild, whom(world, user)?);
    state
        .map(|state| Answer::ok(&state))
        .ok_or_else(|| errors::UNKNOWN_VOICE_STATE.into())
}

/// On a stage only. Others are brought on and off it by who may mute members; who wants to speak may ask.
fn edit(world: &mut World, call: &Call, guild: &str, user: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    let user = whom(world, user)?;
    let is_own = user == world.bot_id;
    let (channel, suppress, request) = checked(|faults| {
        let known: &[&str] = if is_own {
            &["channel_id", "suppress", "request_to_speak_timestamp"]
        } else {
            &["channel_id", "suppress"]
        };
        let fields = Fields::body(&call.body, known, faults);
        let request = fields.has("request_to_speak_timestamp").then(|| {
            let text = fields.text("request_to_speak_timestamp", 1..=64, faults);
            text.and_then(ids::ms_of)
        });
        (
            fields.id("channel_id", faults),
            fields.flag("suppress", faults),
            request,
        )
    })?;
    let Some(mut state) = world.voice.get(&(guild, user)).cloned() else {
        return Err(errors::UNKNOWN_VOICE_STATE.into());
    };
    if channel.is_some_and(|channel| channel != state.channel) {
        return Err(errors::NOT_IN_VOICE.into());
    }
    if world
        .channels
        .get(&state.channel)
        .is_none_or(|channel| channel.kind != 13)
    {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    }
    let here = state.channel.to_string();
    // Who steps back from the stage needs nobody's leave.
    if suppress.is_some() && !(is_own && suppress == Some(true)) {
        channels::allowed(world, &here, permissions::MUTE_MEMBERS)?;
    }
    if let Some(Some(at)) = request {
        channels::allowed(world, &here, permissions::REQUEST_TO_SPEAK)?;
        state.request_to_speak = Some(ids::timestamp(at));
    } else if request.is_some() {
        state.request_to_speak = None;
    }
    if let Some(suppress) = suppress {
        state.suppress = suppress;
        state.request_to_speak = None;
    }
    world.set_voice(guild, user, state);
    Ok(Answer::empty())
}
