//! Scheduled events of guilds: planned, changed, begun, ended, and who is interested
//! (<https://discord.com/developers/docs/resources/guild-scheduled-event>).

use std::ops::Bound;

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route, channels,
    errors::{self, Faults, Refusal},
    guilds, image, snowflake,
    validate::{Fields, checked},
};
use crate::{
    ids,
    world::{
        World,
        audit_log::{Note, action},
        permissions,
        scheduled_event::{ACTIVE, CANCELED, COMPLETED, EXTERNAL, IN_VOICE, ON_STAGE, SCHEDULED, ScheduledEvent},
    },
};

/// Events of a guild that are not over.
const MOST: usize = 100;
/// Bytes of a picture.
const LARGEST: usize = 10 << 20;

const KEYS: [&str; 11] = [
    "channel_id",
    "entity_metadata",
    "name",
    "privacy_level",
    "scheduled_start_time",
    "scheduled_end_time",
    "description",
    "entity_type",
    "image",
    "recurrence_rule",
    "status",
];

const ONCE: &str = "An event takes place once: `recurrence_rule` is refused. Of its image only the name is kept.";

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}/scheduled-events", |world, call, path| {
        list(world, call, path[0])
    })
    .query(&["with_user_count"]),
    Route::post("/guilds/{guild_id}/scheduled-events", |world, call, path| {
        create(world, call, path[0])
    })
    .differs(ONCE),
    Route::get(
        "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}",
        |world, call, path| {
            let event = found(world, path[0], path[1])?;
            Ok(Answer::ok(&world.scheduled_json(event, call.flag("with_user_count")?)))
        },
    )
    .query(&["with_user_count"]),
    Route::patch(
        "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}",
        |world, call, path| edit(world, call, path[0], path[1]),
    )
    .differs(ONCE),
    Route::delete(
        "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}",
        |world, call, path| delete(world, call, path[0], path[1]),
    ),
    Route::get(
        "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/users",
        |world, call, path| users(world, call, path[0], path[1]),
    )
    .query(&["limit", "with_member", "before", "after"]),
    Route::get(
        "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/users/counts",
        |world, _, path| {
            let event = found(world, path[0], path[1])?;
            Ok(Answer::ok(&json!({
                "guild_scheduled_event_count": event.users.len(),
                "guild_scheduled_event_exception_counts": {},
            })))
        },
    )
    .query(&["guild_scheduled_event_exception_ids"]),
];

fn found<'a>(world: &'a World, guild: &str, id: &str) -> Result<&'a ScheduledEvent, Refusal> {
    let guild = guilds::allowed(world, guild, 0)?;
    let id = snowflake("guild_scheduled_event_id", id)?;
    let event = world.scheduled.get(&id).filter(|event| event.guild == guild);
    event
        .filter(|event| world.sees_scheduled(event))
        .ok_or_else(|| errors::UNKNOWN_EVENT.into())
}

fn list(world: &World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    let counted = call.flag("with_user_count")?;
    let all = world.scheduled_of(guild);
    Ok(Answer::ok(
        &all.map(|event| world.scheduled_json(event, counted)).collect(),
    ))
}

/// A moment, in milliseconds since 1970.
fn moment(fields: &Fields<'_>, key: &str, faults: &mut Faults) -> Option<u64> {
    let text = fields.text(key, 0..=64, faults)?;
    let read = ids::ms_of(text);
    if read.is_none() {
        let why = format!("Could not parse {text}. Should be ISO8601.");
        faults.add(&fields.at(key), "DATE_TIME_TYPE_PARSE", &why);
    }
    read
}

/// What a body makes of an event: of a new one, that is empty before, or of one that is there.
fn changed(call: &Call, before: &ScheduledEvent, is_new: bool, now: u64) -> Result<ScheduledEvent, Refusal> {
    let body = &call.body;
    let image = match body.get("image") {
        None => before.image.clone(),
        Some(Value::Null) => None,
        Some(value) => Some(image::hash(&image::read("image", value, LARGEST)?)),
    };
    checked(|faults| {
        // A new event has no status to be set.
        let known = if is_new { &KEYS[..KEYS.len() - 1] } else { &KEYS[..] };
        let fields = Fields::body(body, known, faults);
        if is_new {
            for key in ["name", "privacy_level", "scheduled_start_time", "entity_type"] {
                fields.required(key, faults);
            }
        }
        fields.integer("privacy_level", 2..=2, faults);
        if fields.get("recurrence_rule").is_some() {
            let why = "Events take place once in the local Discord: leave it out.";
            faults.add("recurrence_rule", "BASE_TYPE_CHOICES", why);
        }
        let mut event = before.clone();
        event.image = image;
        if let Some(name) = fields.text("name", 1..=100, faults) {
            name.clone_into(&mut event.name);
        }
        if fields.has("description") {
            let text = fields.text("description", 0..=1000, faults);
            event.description = text.filter(|text| !text.is_empty()).map(str::to_owned);
        }
        if let Some(kind) = fields.integer("entity_type", ON_STAGE..=EXTERNAL, faults) {
            event.kind = kind;
        }
        let start = moment(&fields, "scheduled_start_time", faults);
        event.start = start.unwrap_or(event.start);
        if start.is_some_and(|start| start <= now) {
            let why = "Cannot schedule event in the past.";
            faults.add("scheduled_start_time", "GUILD_SCHEDULED_EVENT_SCHEDULE_PAST", why);
        }
        if fields.has("scheduled_end_time") {
            event.end = moment(&fields, "scheduled_end_time", faults);
        }
        if event.end.is_some_and(|end| end <= event.start) {
            let why = "Event end time cannot be before event start time.";
            faults.add("scheduled_end_time", "GUILD_SCHEDULED_EVENT_END_BEFORE_START", why);
        }
        if fields.has("channel_id") {
            event.channel = fields.id("channel_id", faults);
        }
        if let Some(metadata) = body.get("entity_metadata") {
            let inner = Fields::new(metadata, "entity_metadata", &["location"], faults);
            event.location = inner.text("location", 1..=100, faults).map(str::to_owned);
        }
        let missing = |key: &str, faults: &mut Faults| faults.add(key, "BASE_TYPE_REQUIRED", "This field is required");
        if event.kind == EXTERNAL {
            if event.location.is_none() {
                missing("entity_metadata", faults);
            }
            if event.end.is_none() {
                missing("scheduled_end_time", faults);
            }
            if event.channel.is_some() {
                let why = "Must be null for an event that takes place elsewhere.";
                faults.add("channel_id", "BASE_TYPE_CHOICES", why);
            }
        } else {
            event.location = None;
            if event.channel.is_none() {
                missing("channel_id", faults);
            }
        }
        if let Some(status) = fields.integer("status", SCHEDULED..=CANCELED, faults) {
            let is_valid = matches!(
                (before.status, status),
                (SCHEDULED, ACTIVE | CANCELED) | (ACTIVE, COMPLETED)
            );
            if !is_valid && status != before.status {
                faults.add(
                    "status",
                    "TRANSITION_INVALID",
                    "Invalid Guild Scheduled Event Status Transition",
                );
            }
            event.status = status;
        }
        event
    })
}

/// Whether the bot may plan, change or delete an event there: `own` is what is asked of it beside the place's permissions.
fn may(world: &World, event: &ScheduledEvent, own: u64) -> Result<(), Refusal> {
    let Some(channel) = event.channel else {
        return guilds::allowed(world, &event.guild.to_string(), own).map(drop);
    };
    let there = match event.kind {
        ON_STAGE => permissions::MANAGE_CHANNELS | permissions::MUTE_MEMBERS | permissions::MOVE_MEMBERS,
        _ => permissions::VIEW_CHANNEL | permissions::CONNECT,
    };
    let found = world.channels.get(&channel);
    let Some(found) = found.filter(|one| one.guild_id == Some(event.guild)) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    let kind = if event.kind == IN_VOICE { 2 } else { 13 };
    if found.kind != kind {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    }
    channels::allowed(world, &channel.to_string(), own | there).map(drop)
}

/// Whether the bot may change an event: its own with either permission, those of others with `MANAGE_EVENTS`.
fn changeable(world: &World, event: &ScheduledEvent) -> Result<(), Refusal> {
    if event.creator == world.bot_id && may(world, event, permissions::CREATE_EVENTS).is_ok() {
        return Ok(());
    }
    may(world, event, permissions::MANAGE_EVENTS)
}

/// An event as the audit log compares it.
fn logged(world: &World, event: &ScheduledEvent) -> Value {
    let mut json = world.scheduled_json(event, false);
    if let Some(fields) = json.as_object_mut() {
        for key in [
            "creator",
            "creator_id",
            "guild_scheduled_event_exceptions",
            "recurrence_rule",
        ] {
            fields.remove(key);
        }
        let location = fields.remove("entity_metadata").unwrap_or_default();
        fields.insert("location".to_owned(), location["location"].clone());
    }
    json
}

fn create(world: &mut World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    let blank = ScheduledEvent {
        id: world.ids.timed(),
        guild,
        creator: world.bot_id,
        name: String::new(),
        description: None,
        image: None,
        start: 0,
        end: None,
        status: SCHEDULED,
        kind: EXTERNAL,
        channel: None,
        location: None,
        users: std::iter::once(world.bot_id).collect(),
    };
    let event = changed(call, &blank, true, world.ids.now_ms())?;
    may(world, &event, permissions::CREATE_EVENTS)?;
    let open = world.scheduled.values();
    if open.filter(|one| one.guild == guild && !one.is_over()).count() >= MOST {
        return Err(errors::TOO_MANY_EVENTS.into());
    }
    let note = Note::new(action::SCHEDULED_EVENT_CREATE, world.bot_id, Some(event.id));
    let note = note.between(&Value::Null, &logged(world, &event));
    let answer = world.scheduled_json(&event, false);
    world.set_scheduled(event);
    world.record(guild, note.because(call.reason.as_deref()));
    Ok(Answer::ok(&answer))
}

fn edit(world: &mut World, call: &Call, guild: &str, id: &str) -> Outcome {
    let before = found(world, guild, id)?.clone();
    changeable(world, &before)?;
    if before.is_over() {
        return Err(errors::EVENT_OVER.into());
    }
    let event = changed(call, &before, false, world.ids.now_ms())?;
    if event.channel != before.channel || event.kind != before.kind {
        changeable(world, &event)?;
    }
    let note = Note::new(action::SCHEDULED_EVENT_UPDATE, world.bot_id, Some(event.id));
    let note = note.between(&logged(world, &before), &logged(world, &event));
    let answer = world.scheduled_json(&event, false);
    world.set_scheduled(event);
    if note.is_a_change() {
        world.record(before.guild, note.because(call.reason.as_deref()));
    }
    Ok(Answer::ok(&answer))
}

fn delete(world: &mut World, call: &Call, guild: &str, id: &str) -> Outcome {
    let event = found(world, guild, id)?.clone();
    changeable(world, &event)?;
    let note = Note::new(action::SCHEDULED_EVENT_DELETE, world.bot_id, Some(event.id));
    let note = note.between(&logged(world, &event), &Value::Null);
    world.remove_scheduled(event.id);
    world.record(event.guild, note.because(call.reason.as_deref()));
    Ok(Answer::empty())
}

/// By id, upwards; `before` counts for more than `after`.
fn users(world: &World, call: &Call, guild: &str, id: &str) -> Outcome {
    let event = found(world, guild, id)?;
    let limit = call.number("limit", 100, 1, 100)? as usize;
    let with_member = call.flag("with_member")?;
    let (before, after) = (call.id("before")?, call.id("after")?);
    let mut chosen: Vec<u64> = match (before, after) {
        (Some(before), _) => event.users.range(..before).rev().take(limit).copied().collect(),
        (None, Some(after)) => {
            let later = event.users.range((Bound::Excluded(after), Bound::Unbounded));
            later.take(limit).copied().collect()
        }
        (None, None) => event.users.iter().take(limit).copied().collect(),
    };
    chosen.sort_unstable();
    let one = |user: u64| {
        let mut json = json!({
            "guild_scheduled_event_id": event.id.to_string(),
            "user_id": user.to_string(),
            "user": world.user_json(user),
            "response": 1,
        });
        if let Some(member) = world.member_json(event.guild, user).filter(|_| with_member) {
            json["member"] = member;
        }
        json
    };
    Ok(Answer::ok(&chosen.into_iter().map(one).collect()))
}
