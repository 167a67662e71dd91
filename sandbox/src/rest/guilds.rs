//! Guilds and their channels as a list
//! (<https://discord.com/developers/docs/resources/guild>). What else a guild shows of itself is in `community`.

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    channel_shape::{KINDS, Shape},
    channels::{below_category, settable},
    errors::{self, Refusal},
    image, snowflake,
    validate::{Fields, checked},
};
use crate::{
    gateway::intents,
    world::{
        Channel, World,
        audit_log::{Note, action},
        permissions,
    },
};

/// Channels of a guild, categories among them.
const MOST_CHANNELS: usize = 500;

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}", |world, call, path| get(world, call, path[0])).query(&["with_counts"]),
    Route::patch("/guilds/{guild_id}", |world, call, path| edit(world, call, path[0])),
    Route::get("/guilds/{guild_id}/channels", |world, _, path| channels(world, path[0])),
    Route::post("/guilds/{guild_id}/channels", |world, call, path| {
        create_channel(world, call, path[0])
    })
    .differs("Announcement and stage channels can be made in every guild, not only in communities."),
    Route::patch("/guilds/{guild_id}/channels", |world, call, path| {
        move_channels(world, call, path[0])
    }),
];

/// The guild with this id, if the bot is a member and may do `needed`.
pub(crate) fn allowed(world: &World, id: &str, needed: u64) -> Result<u64, Refusal> {
    let id = snowflake("guild_id", id)?;
    let guild = world
        .guilds
        .get(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    if !guild.members.contains_key(&world.bot_id) {
        return Err(errors::MISSING_ACCESS.into());
    }
    let missing = needed & !world.permissions_of(guild, world.bot_id);
    if missing != 0 {
        return Err(Refusal::permission(1 << missing.trailing_zeros()));
    }
    Ok(id)
}

pub(crate) fn get(world: &World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, 0)?;
    let guild = world
        .guilds
        .get(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let mut json = guild.json();
    if call.flag("with_counts")? {
        json["approximate_member_count"] = json!(guild.members.len());
        json["approximate_presence_count"] = json!(world.count_online(guild));
    }
    Ok(Answer::ok(&json))
}

/// What an edit of a guild may hold.
const EDITABLE: &[&str] = &[
    "name",
    "description",
    "region",
    "icon",
    "verification_level",
    "default_message_notifications",
    "explicit_content_filter",
    "preferred_locale",
    "afk_timeout",
    "afk_channel_id",
    "system_channel_id",
    "splash",
    "banner",
    "system_channel_flags",
    "features",
    "discovery_splash",
    "home_header",
    "rules_channel_id",
    "safety_alerts_channel_id",
    "public_updates_channel_id",
    "premium_progress_bar_enabled",
];
/// Of these, what is merely kept and shown; null makes it what it was in the beginning.
const KEPT: &[&str] = &[
    "description",
    "verification_level",
    "default_message_notifications",
    "explicit_content_filter",
    "preferred_locale",
    "afk_timeout",
    "afk_channel_id",
    "system_channel_flags",
    "rules_channel_id",
    "safety_alerts_channel_id",
    "public_updates_channel_id",
    "premium_progress_bar_enabled",
];
/// Features that can be switched; what else a list has is what a guild has or not.
const SWITCHED: [&str; 4] = ["COMMUNITY", "DISCOVERABLE", "INVITES_DISABLED", "RAID_ALERTS_DISABLED"];

/// Checks a body; gives the new name, and the new list of features.
fn read_edit(world: &World, id: u64, body: &Value) -> Result<(Option<String>, Option<Vec<String>>), Refusal> {
    checked(|faults| {
        let fields = Fields::body(body, EDITABLE, faults);
        fields.text("description", 0..=300, faults);
        fields.integer("verification_level", 0..=4, faults);
        fields.integer("default_message_notifications", 0..=1, faults);
        fields.integer("explicit_content_filter", 0..=2, faults);
        fields.integer("system_channel_flags", 0..=0xff_ffff, faults);
        fields.text("preferred_locale", 2..=10, faults);
        fields.flag("premium_progress_bar_enabled", faults);
        let timeout = fields.integer("afk_timeout", 60..=3600, faults);
        if timeout.is_some_and(|seconds| ![60, 300, 900, 1800, 3600].contains(&seconds)) {
            let why = "Value must be one of {60, 300, 900, 1800, 3600}.";
            faults.add("afk_timeout", "BASE_TYPE_CHOICES", why);
        }
        for (key, kinds) in [
            ("afk_channel_id", &[2][..]),
            ("system_channel_id", &[0, 5]),
            ("rules_channel_id", &[0, 5]),
            ("public_updates_channel_id", &[0, 5]),
            ("safety_alerts_channel_id", &[0, 5]),
        ] {
            let Some(channel) = fields.id(key, faults) else {
                continue;
            };
            let found = world.channels.get(&channel);
            if found.is_none_or(|found| found.guild_id != Some(id) || !kinds.contains(&found.kind)) {
                faults.add(
                    key,
                    "CHANNEL_INVALID",
                    "There is no such channel of the right type here.",
                );
            }
        }
        let mut features = Vec::new();
        for (at, one) in fields
            .list("features", 0..=100, faults)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            match one.as_str() {
                Some(name) => features.push(name.to_owned()),
                None => faults.add(
                    &format!("features.{at}"),
                    "STRING_TYPE_CONVERT",
                    "Could not interpret as string.",
                ),
            }
        }
        let features = fields.get("features").map(|_| features);
        (fields.text("name", 2..=100, faults).map(str::to_owned), features)
    })
}

pub(crate) fn edit(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_GUILD)?;
    let (name, features) = read_edit(world, id, &call.body)?;
    let is_more = ["splash", "banner", "discovery_splash", "home_header"];
    if is_more.iter().any(|key| !call.body[*key].is_null()) {
        return Err(errors::NEEDS_BOOSTS.into());
    }
    let icon = match call.body.get("icon") {
        Some(Value::Null) => Some(Value::Null),
        Some(data) => {
            let read = image::read("icon", data, usize::MAX)?;
            Some(json!(image::hash(&read)))
        }
        None => None,
    };
    let guild = world
        .guilds
        .get(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let is_switched = |name: &str| {
        let wanted = features.as_ref().map(|all| all.iter().any(|one| one == name));
        wanted.is_some_and(|wanted| wanted != guild.has_feature(name))
    };
    // Making a community of a guild, or no longer, is for its administrators.
    if (is_switched("COMMUNITY") || is_switched("DISCOVERABLE"))
        && world.permissions_of(guild, world.bot_id) & permissions::ADMINISTRATOR == 0
    {
        return Err(Refusal::permission(permissions::ADMINISTRATOR));
    }
    let before = guild.json();
    let guild = world
        .guilds
        .get_mut(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    guild.name = name.unwrap_or_else(|| guild.name.clone());
    if let Some(system) = call.body.get("system_channel_id") {
        guild.system_channel_id = system.as_str().and_then(|id| id.parse().ok()).or(system.as_u64());
    }
    if let Some(features) = features {
        let kept: Vec<&str> = SWITCHED
            .into_iter()
            .filter(|name| features.iter().any(|one| one == name))
            .collect();
        guild.settings.insert("features".to_owned(), json!(kept));
    }
    if let Some(icon) = icon {
        guild.settings.insert("icon".to_owned(), icon);
    }
    let kept = call.body.as_object().into_iter().flatten();
    for (key, value) in kept.filter(|(key, _)| KEPT.contains(&key.as_str())) {
        match value {
            Value::Null => drop(guild.settings.shift_remove(key)),
            Value::Number(id) if key.ends_with("_id") => {
                guild.settings.insert(key.clone(), json!(id.to_string()));
            }
            value => drop(guild.settings.insert(key.clone(), value.clone())),
        }
    }
    let data = guild.json();
    if before != data {
        world.emit("GUILD_UPDATE", Some(id), intents::GUILDS, &data);
        world.tell_guild(id);
        let note = Note::new(action::GUILD_UPDATE, world.bot_id, Some(id)).between(&before, &data);
        world.record(id, note.because(call.reason.as_deref()));
    }
    Ok(Answer::ok(&data))
}

pub(crate) fn channels(world: &World, id: &str) -> Outcome {
    let id = allowed(world, id, 0)?;
    Ok(Answer::ok(
        &world.channels_of(id).into_iter().map(Channel::guild_json).collect(),
    ))
}

/// A new channel; without overwrites of its own it takes those of its category.
pub(crate) fn create_channel(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_CHANNELS)?;
    let mut shape = Shape::read(&call.body, None)?;
    let kind = shape.kind.unwrap_or(0);
    if !KINDS.contains(&kind) {
        return Err(Refusal::at(
            "type",
            "BASE_TYPE_CHOICES",
            "A guild has no channels of this type.",
        ));
    }
    if world.channels_of(id).len() >= MOST_CHANNELS {
        return Err(errors::TOO_MANY_CHANNELS.into());
    }
    if let Some(overwrites) = shape.overwrites.as_ref().filter(|all| !all.is_empty()) {
        settable(world, id, None, overwrites)?;
    }
    if let Some(Some(parent)) = shape.parent_id {
        if kind == 4 {
            return Err(Refusal::at(
                "parent_id",
                "CHANNEL_PARENT_INVALID_TYPE",
                "Categories have no parent",
            ));
        }
        below_category(world, id, parent, None)?;
        if shape.overwrites.is_none() {
            shape.overwrites = world.channels.get(&parent).map(|parent| parent.overwrites.clone());
        }
    }
    let created = world.insert_channel(id, "", kind);
    shape.apply(world, created);
    let json = world
        .channels
        .get(&created)
        .map(Channel::guild_json)
        .unwrap_or_default();
    world.emit_channel("CHANNEL_CREATE", Some(id), &json);
    let note = Note::new(action::CHANNEL_CREATE, world.bot_id, Some(created)).between(&Value::Null, &json);
    world.record(id, note.because(call.reason.as_deref()));
    Ok(Answer::created(&json))
}

/// One move of a channel, checked.
struct Move {
    channel: u64,
    position: Option<i64>,
    parent: Option<Option<u64>>,
    /// Whether it takes its new parent's overwrites.
    lock: bool,
}

/// All moves or none; everybody hears of each channel that changed.
pub(crate) fn move_channels(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_CHANNELS)?;
    let mut moves = Vec::new();
    for one in list(&call.body)? {
        let read = checked(|faults| {
            let fields = Fields::body(one, &["id", "position", "lock_permissions", "parent_id"], faults);
            fields.required("id", faults);
            Move {
                channel: fields.id("id", faults).unwrap_or(0),
                position: fields.integer("position", 0..=i64::from(i32::MAX), faults),
                parent: fields.has("parent_id").then(|| fields.id("parent_id", faults)),
                lock: fields.flag("lock_permissions", faults).unwrap_or(false),
            }
        })?;
        let found = world.channels.get(&read.channel);
        let found = found.filter(|channel| channel.guild_id == Some(id) && !channel.is_thread());
        let found = found.ok_or_else(|| Refusal::from(errors::UNKNOWN_CHANNEL))?;
        if let Some(Some(parent)) = read.parent {
            below_category(world, id, parent, Some(read.channel))?;
            let of_parent = world.channels.get(&parent).filter(|_| read.lock);
            if let Some(parent) = of_parent {
                settable(world, id, Some(found), &parent.overwrites)?;
            }
        }
        moves.push(read);
    }
    for one in moves {
        let parent = one.parent.flatten().filter(|_| one.lock);
        let overwrites = parent
            .and_then(|parent| world.channels.get(&parent))
            .map(|parent| parent.overwrites.clone());
        let Some(channel) = world.channels.get_mut(&one.channel) else {
            continue;
        };
        let before = channel.guild_json();
        channel.position = one.position.unwrap_or(channel.position);
        if let Some(parent) = one.parent {
            channel.parent_id = parent;
        }
        if let Some(overwrites) = overwrites {
            channel.overwrites = overwrites;
        }
        let data = channel.guild_json();
        if before != data {
            world.emit_channel("CHANNEL_UPDATE", Some(id), &data);
            let note = Note::new(action::CHANNEL_UPDATE, world.bot_id, Some(one.channel)).between(&before, &data);
            world.record(id, note.because(call.reason.as_deref()));
        }
    }
    Ok(Answer::empty())
}

/// A body that is a list.
pub(crate) fn list(body: &Value) -> Result<&[Value], Refusal> {
    body.as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| Refusal::at("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))
}
