//! Stage instances: stages go live, change their topic and end
//! (<https://discord.com/developers/docs/resources/stage-instance>).

use super::{
    Answer, Call, Outcome, Route, channels,
    errors::{self, Refusal},
    snowflake,
    validate::{Fields, checked},
};
use crate::world::{
    World,
    audit_log::{Note, action},
    permissions,
    stage::Stage,
};

/// What makes somebody a moderator of a stage.
const MODERATES: u64 = permissions::MANAGE_CHANNELS | permissions::MUTE_MEMBERS | permissions::MOVE_MEMBERS;
/// The kind of a stage channel.
const STAGE: u64 = 13;

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::post("/stage-instances", |world, call, _| create(world, call)),
    Route::get("/stage-instances/{channel_id}", |world, _, path| get(world, path[0])),
    Route::patch("/stage-instances/{channel_id}", |world, call, path| {
        edit(world, call, path[0])
    }),
    Route::delete("/stage-instances/{channel_id}", |world, call, path| {
        delete(world, call, path[0])
    }),
];

fn create(world: &mut World, call: &Call) -> Outcome {
    let known = [
        "channel_id",
        "topic",
        "privacy_level",
        "send_start_notification",
        "guild_scheduled_event_id",
    ];
    let (channel, topic, privacy_level, notify, event) = checked(|faults| {
        let fields = Fields::body(&call.body, &known, faults);
        fields.required("channel_id", faults);
        fields.required("topic", faults);
        (
            fields.id("channel_id", faults).unwrap_or(0),
            fields.text("topic", 1..=120, faults).unwrap_or_default().to_owned(),
            fields.integer("privacy_level", 1..=2, faults).unwrap_or(2),
            fields.flag("send_start_notification", faults).unwrap_or(false),
            fields.id("guild_scheduled_event_id", faults),
        )
    })?;
    let mut needed = MODERATES;
    if notify {
        needed |= permissions::MENTION_EVERYONE;
    }
    channels::allowed(world, &channel.to_string(), needed)?;
    let (guild, kind) = world
        .channels
        .get(&channel)
        .map_or((None, 0), |one| (one.guild_id, one.kind));
    let Some(guild) = guild.filter(|_| kind == STAGE) else {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    };
    if event.is_some_and(|id| world.scheduled.get(&id).is_none_or(|event| event.guild != guild)) {
        return Err(errors::UNKNOWN_EVENT.into());
    }
    if world.stages.contains_key(&channel) {
        return Err(errors::STAGE_OPEN.into());
    }
    let stage = Stage {
        id: world.ids.timed(),
        guild,
        topic,
        privacy_level,
        event,
    };
    change(world, call, channel, Some(stage), action::STAGE_CREATE)
}

/// Puts a stage in the place of what was there, or ends it, and notes it.
fn change(world: &mut World, call: &Call, channel: u64, stage: Option<Stage>, action: u64) -> Outcome {
    let before = world.stage_json(channel).unwrap_or_default();
    let old = world.stages.get(&channel).map(|stage| (stage.id, stage.guild));
    let Some((id, guild)) = stage.as_ref().map(|stage| (stage.id, stage.guild)).or(old) else {
        return Err(errors::UNKNOWN_STAGE.into());
    };
    match stage {
        Some(stage) => world.set_stage(channel, stage),
        None => {
            world.end_stage(channel);
        }
    }
    let after = world.stage_json(channel).unwrap_or_default();
    let options = serde_json::json!({ "channel_id": channel.to_string() });
    let note = Note::new(action, world.bot_id, Some(id))
        .change("topic", &before["topic"], &after["topic"])
        .change("privacy_level", &before["privacy_level"], &after["privacy_level"]);
    if note.is_a_change() {
        world.record(guild, note.options(options).because(call.reason.as_deref()));
    }
    Ok(if after.is_null() {
        Answer::empty()
    } else {
        Answer::ok(&after)
    })
}

fn found(world: &World, channel: &str, needed: u64) -> Result<u64, Refusal> {
    let id = snowflake("channel_id", channel)?;
    if !world.stages.contains_key(&id) {
        return Err(errors::UNKNOWN_STAGE.into());
    }
    channels::allowed(world, channel, needed)
}

fn get(world: &World, channel: &str) -> Outcome {
    let id = found(world, channel, permissions::VIEW_CHANNEL)?;
    Ok(Answer::ok(&world.stage_json(id).unwrap_or_default()))
}

fn edit(world: &mut World, call: &Call, channel: &str) -> Outcome {
    let id = found(world, channel, MODERATES)?;
    let (topic, privacy_level) = checked(|faults| {
        let fields = Fields::body(&call.body, &["topic", "privacy_level"], faults);
        let topic = fields.text("topic", 1..=120, faults).map(str::to_owned);
        (topic, fields.integer("privacy_level", 1..=2, faults))
    })?;
    let stage = world.stages.get(&id).cloned().map(|before| Stage {
        topic: topic.unwrap_or(before.topic),
        privacy_level: privacy_level.unwrap_or(before.privacy_level),
        ..before
    });
    change(world, call, id, stage, action::STAGE_UPDATE)
}

fn delete(world: &mut World, call: &Call, channel: &str) -> Outcome {
    let id = found(world, channel, MODERATES)?;
    change(world, call, id, None, action::STAGE_DELETE)
}
