//! Channels: reading, changing, deleting, permission overwrites, typing
//! (<https://discord.com/developers/docs/resources/channel>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    snowflake, threads,
    validate::{self, Fields, checked},
};
use crate::world::{Overwrite, World, permissions};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/channels/{channel_id}", |world, _, path| get(world, path[0])),
    Route::patch("/channels/{channel_id}", |world, call, path| edit(world, call, path[0])),
    Route::delete("/channels/{channel_id}", |world, _, path| delete(world, path[0])),
    Route::put(
        "/channels/{channel_id}/permissions/{overwrite_id}",
        |world, call, path| set_overwrite(world, call, path[0], path[1]),
    ),
    Route::delete("/channels/{channel_id}/permissions/{overwrite_id}", |world, _, path| {
        remove_overwrite(world, path[0], path[1])
    }),
    Route::post("/channels/{channel_id}/typing", |world, _, path| typing(world, path[0])),
    Route::get("/channels/{channel_id}/invites", |world, _, path| {
        nothing(world, path[0])
    })
    .differs("Always empty."),
    Route::get("/channels/{channel_id}/webhooks", |world, _, path| {
        nothing(world, path[0])
    })
    .differs("Always empty."),
];

/// What a channel's body may hold, and what is merely kept and shown.
const KEYS: &[&str] = &[
    "name",
    "type",
    "position",
    "topic",
    "bitrate",
    "user_limit",
    "nsfw",
    "rate_limit_per_user",
    "parent_id",
    "permission_overwrites",
    "rtc_region",
    "video_quality_mode",
    "default_auto_archive_duration",
    "default_reaction_emoji",
    "default_thread_rate_limit_per_user",
    "default_sort_order",
    "default_forum_layout",
    "default_tag_setting",
    "flags",
    "available_tags",
    "icon",
];
const KEPT: &[&str] = &[
    "topic",
    "nsfw",
    "rate_limit_per_user",
    "bitrate",
    "user_limit",
    "rtc_region",
    "video_quality_mode",
    "default_auto_archive_duration",
    "default_thread_rate_limit_per_user",
];

/// The channel with this id, if the bot may do `needed` in it: 50001 if it can't see it, 50013 if it may not.
pub(crate) fn allowed(world: &World, id: &str, needed: u64) -> Result<u64, Refusal> {
    let id = snowflake("channel_id", id)?;
    let channel = world
        .channels
        .get(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_CHANNEL))?;
    if channel.recipient.is_some() {
        return Ok(id);
    }
    let has = world.permissions_in(channel, world.bot_id);
    if has & permissions::VIEW_CHANNEL == 0 {
        return Err(errors::MISSING_ACCESS.into());
    }
    let missing = channel.needs(needed) & !has;
    if missing != 0 {
        return Err(Refusal::permission(1 << missing.trailing_zeros()));
    }
    Ok(id)
}

/// The same, for channels that hold messages.
pub(crate) fn text(world: &World, id: &str, needed: u64) -> Result<u64, Refusal> {
    let id = allowed(world, id, needed)?;
    if world.channels.get(&id).is_some_and(|channel| channel.kind == 4) {
        return Err(errors::NO_TEXT_CHANNEL.into());
    }
    Ok(id)
}

fn shown(world: &World, id: u64) -> Answer {
    Answer::ok(
        &world
            .channels
            .get(&id)
            .map(|channel| world.channel_json(channel))
            .unwrap_or_default(),
    )
}

pub(crate) fn get(world: &World, id: &str) -> Outcome {
    Ok(shown(world, allowed(world, id, 0)?))
}

pub(crate) fn nothing(world: &World, id: &str) -> Outcome {
    allowed(world, id, permissions::MANAGE_CHANNELS)?;
    Ok(Answer::ok(&json!([])))
}

/// A category, or none.
pub(crate) struct Parent(Option<u64>);

/// A channel's body, checked.
pub(crate) struct Shape {
    pub(crate) name: Option<String>,
    pub(crate) kind: Option<u64>,
    pub(crate) position: Option<i64>,
    pub(crate) parent_id: Option<Parent>,
    pub(crate) overwrites: Option<Vec<Overwrite>>,
    pub(crate) settings: Vec<(String, Value)>,
}

impl Shape {
    pub(crate) fn read(body: &Value, is_new: bool) -> Result<Self, Refusal> {
        checked(|faults| {
            let fields = Fields::body(body, KEYS, faults);
            if is_new {
                fields.required("name", faults);
            }
            fields.text("topic", 0..=1024, faults);
            fields.integer("rate_limit_per_user", 0..=21_600, faults);
            fields.flag("nsfw", faults);
            fields.integer("bitrate", 8_000..=384_000, faults);
            fields.integer("user_limit", 0..=99, faults);
            for (at, tag) in fields
                .list("available_tags", 0..=20, faults)
                .unwrap_or_default()
                .iter()
                .enumerate()
            {
                let path = format!("{}.{at}", fields.at("available_tags"));
                let known = ["id", "name", "moderated", "emoji_id", "emoji_name"];
                let tag = Fields::new(tag, &path, &known, faults);
                tag.required("name", faults);
                tag.text("name", 1..=50, faults);
            }
            if let Some(emoji) = fields.get("default_reaction_emoji") {
                Fields::new(
                    emoji,
                    &fields.at("default_reaction_emoji"),
                    &["emoji_id", "emoji_name"],
                    faults,
                );
            }
            let kept = KEPT.iter().filter(|key| fields.has(key));
            Self {
                name: fields.text("name", 1..=100, faults).map(str::to_owned),
                kind: fields.integer("type", 0..=16, faults).map(i64::unsigned_abs),
                position: fields.integer("position", 0..=i64::from(i32::MAX), faults),
                parent_id: fields.has("parent_id").then(|| Parent(fields.id("parent_id", faults))),
                overwrites: validate::overwrites(&fields, faults),
                settings: kept.map(|key| ((*key).to_owned(), body[key].clone())).collect(),
            }
        })
    }

    /// Puts it into a channel.
    pub(crate) fn apply(self, channel: &mut crate::world::Channel) {
        if let Some(name) = self.name {
            // Text channels have no capital letters and no spaces.
            channel.name = if matches!(channel.kind, 0 | 5) {
                name.to_lowercase().replace(' ', "-")
            } else {
                name
            };
        }
        if let Some(position) = self.position {
            channel.position = position;
        }
        if let Some(Parent(parent)) = self.parent_id {
            channel.parent_id = parent;
        }
        if let Some(overwrites) = self.overwrites {
            channel.overwrites = overwrites;
        }
        channel.settings.extend(self.settings);
    }
}

pub(crate) fn edit(world: &mut World, call: &Call, id: &str) -> Outcome {
    if threads::is_one(world, id) {
        return threads::edit(world, call, id);
    }
    let id = allowed(world, id, permissions::MANAGE_CHANNELS)?;
    let shape = Shape::read(&call.body, false)?;
    change(world, id, |channel| shape.apply(channel))
}

fn change(world: &mut World, id: u64, change: impl FnOnce(&mut crate::world::Channel)) -> Outcome {
    let channel = world
        .channels
        .get_mut(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_CHANNEL))?;
    if channel.recipient.is_some() {
        return Err(errors::NOT_IN_DIRECT.into());
    }
    change(channel);
    let (guild, data) = (channel.guild_id, channel.guild_json());
    world.emit_channel("CHANNEL_UPDATE", guild, &data);
    Ok(Answer::ok(&data))
}

pub(crate) fn delete(world: &mut World, id: &str) -> Outcome {
    if threads::is_one(world, id) {
        return threads::delete(world, id);
    }
    let id = allowed(world, id, permissions::MANAGE_CHANNELS)?;
    if world
        .channels
        .get(&id)
        .is_some_and(|channel| channel.recipient.is_some())
    {
        return Ok(shown(world, id));
    }
    let threads = world.channels.values().filter(|other| other.is_thread());
    let threads: Vec<u64> = threads
        .filter(|other| other.parent_id == Some(id))
        .map(|thread| thread.id)
        .collect();
    for thread in threads {
        world.remove_thread(thread);
    }
    let Some(channel) = world.channels.remove(&id) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    for orphan in world.channels.values_mut().filter(|other| other.parent_id == Some(id)) {
        orphan.parent_id = None;
    }
    let data = channel.guild_json();
    world.emit_channel("CHANNEL_DELETE", channel.guild_id, &data);
    Ok(Answer::ok(&data))
}

pub(crate) fn set_overwrite(world: &mut World, call: &Call, id: &str, target: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_ROLES)?;
    let target = snowflake("overwrite_id", target)?;
    let overwrite = checked(|faults| {
        let fields = Fields::body(&call.body, &["id", "type", "allow", "deny"], faults);
        fields.required("type", faults);
        Overwrite {
            id: target,
            kind: fields.integer("type", 0..=1, faults).unwrap_or(0).unsigned_abs(),
            allow: fields.permissions("allow", faults).unwrap_or(0),
            deny: fields.permissions("deny", faults).unwrap_or(0),
        }
    })?;
    change(world, id, |channel| {
        channel.overwrites.retain(|old| old.id != target);
        channel.overwrites.push(overwrite);
    })?;
    Ok(Answer::empty())
}

pub(crate) fn remove_overwrite(world: &mut World, id: &str, target: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_ROLES)?;
    let target = snowflake("overwrite_id", target)?;
    change(world, id, |channel| channel.overwrites.retain(|old| old.id != target))?;
    Ok(Answer::empty())
}

pub(crate) fn typing(world: &mut World, id: &str) -> Outcome {
    let id = text(world, id, permissions::SEND_MESSAGES)?;
    world.emit_typing(id, world.bot_id);
    Ok(Answer::empty())
}
