//! Guilds, their channels as a list, and bans
//! (<https://discord.com/developers/docs/resources/guild>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    channels::Shape,
    errors::{self, Refusal},
    snowflake,
    validate::{Fields, checked},
};
use crate::{
    gateway::intents,
    world::{Channel, World, permissions},
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}", |world, call, path| get(world, call, path[0])).query(&["with_counts"]),
    Route::patch("/guilds/{guild_id}", |world, call, path| edit(world, call, path[0]))
        .differs("Name and system channel are kept; the rest is checked and answered as it was."),
    Route::get("/guilds/{guild_id}/channels", |world, _, path| channels(world, path[0])),
    Route::post("/guilds/{guild_id}/channels", |world, call, path| {
        create_channel(world, call, path[0])
    }),
    Route::patch("/guilds/{guild_id}/channels", |world, call, path| {
        move_channels(world, call, path[0])
    }),
    Route::get("/guilds/{guild_id}/emojis", |world, _, path| nothing(world, path[0])).differs("Always empty."),
    Route::get("/guilds/{guild_id}/stickers", |world, _, path| nothing(world, path[0])).differs("Always empty."),
    Route::get("/guilds/{guild_id}/invites", |world, _, path| nothing(world, path[0])).differs("Always empty."),
    Route::get("/guilds/{guild_id}/webhooks", |world, _, path| nothing(world, path[0])).differs("Always empty."),
    Route::get("/guilds/{guild_id}/integrations", |world, _, path| {
        nothing(world, path[0])
    })
    .differs("Always empty."),
    Route::get("/guilds/{guild_id}/bans", |world, call, path| {
        bans(world, call, path[0])
    })
    .query(&["limit", "before", "after"]),
    Route::get("/guilds/{guild_id}/bans/{user_id}", |world, _, path| {
        get_ban(world, path[0], path[1])
    }),
    Route::put("/guilds/{guild_id}/bans/{user_id}", |world, call, path| {
        ban(world, call, path[0], path[1])
    }),
    Route::delete("/guilds/{guild_id}/bans/{user_id}", |world, _, path| {
        unban(world, path[0], path[1])
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
    let missing = needed & !permissions::of(guild, None, world.bot_id);
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
        json["approximate_presence_count"] = json!(guild.members.len());
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
/// Of these, what is merely kept and shown.
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

pub(crate) fn edit(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_GUILD)?;
    let (name, system) = checked(|faults| {
        let fields = Fields::body(&call.body, EDITABLE, faults);
        fields.text("description", 0..=300, faults);
        fields.integer("verification_level", 0..=4, faults);
        let system = fields
            .has("system_channel_id")
            .then(|| fields.id("system_channel_id", faults));
        (fields.text("name", 2..=100, faults).map(str::to_owned), system)
    })?;
    let guild = world
        .guilds
        .get_mut(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    if let Some(name) = name {
        guild.name = name;
    }
    if let Some(system) = system {
        guild.system_channel_id = system;
    }
    for (key, value) in call
        .body
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| KEPT.contains(&key.as_str()))
    {
        guild.settings.insert(key.clone(), value.clone());
    }
    let data = guild.json();
    world.emit("GUILD_UPDATE", Some(id), intents::GUILDS, &data);
    Ok(Answer::ok(&data))
}

pub(crate) fn nothing(world: &World, id: &str) -> Outcome {
    allowed(world, id, 0)?;
    Ok(Answer::ok(&json!([])))
}

pub(crate) fn channels(world: &World, id: &str) -> Outcome {
    let id = allowed(world, id, 0)?;
    Ok(Answer::ok(
        &world.channels_of(id).into_iter().map(Channel::guild_json).collect(),
    ))
}

pub(crate) fn create_channel(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_CHANNELS)?;
    let shape = Shape::read(&call.body, true)?;
    let kind = shape.kind.unwrap_or(0);
    if !matches!(kind, 0 | 2 | 4 | 5 | 13 | 15) {
        return Err(Refusal::at(
            "type",
            "BASE_TYPE_CHOICES",
            "A guild has no channels of this type.",
        ));
    }
    let created = world.add_channel(id, "", kind, |channel| shape.apply(channel));
    Ok(Answer::created(
        &world
            .channels
            .get(&created)
            .map(Channel::guild_json)
            .unwrap_or_default(),
    ))
}

pub(crate) fn move_channels(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_CHANNELS)?;
    let moves = list(&call.body)?;
    for one in moves {
        let (channel, position, parent) = checked(|faults| {
            let fields = Fields::body(one, &["id", "position", "lock_permissions", "parent_id"], faults);
            fields.required("id", faults);
            let parent = fields.has("parent_id").then(|| fields.id("parent_id", faults));
            (
                fields.id("id", faults),
                fields.integer("position", 0..=i64::from(i32::MAX), faults),
                parent,
            )
        })?;
        let channel = channel
            .and_then(|channel| world.channels.get_mut(&channel))
            .filter(|channel| channel.guild_id == Some(id));
        let channel = channel.ok_or_else(|| Refusal::from(errors::UNKNOWN_CHANNEL))?;
        channel.position = position.unwrap_or(channel.position);
        if let Some(parent) = parent {
            channel.parent_id = parent;
        }
        let data = channel.guild_json();
        world.emit_channel("CHANNEL_UPDATE", Some(id), &data);
    }
    Ok(Answer::empty())
}

/// A body that is a list.
pub(crate) fn list(body: &Value) -> Result<&[Value], Refusal> {
    body.as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| Refusal::at("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))
}

pub(crate) fn bans(world: &World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, permissions::BAN_MEMBERS)?;
    let limit = call.number("limit", 1000, 1, 1000)? as usize;
    let (before, after) = (call.id("before")?, call.id("after")?);
    let guild = world
        .guilds
        .get(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let bans: Value = guild
        .bans
        .iter()
        .filter(|(user, _)| before.is_none_or(|before| **user < before) && after.is_none_or(|after| **user > after))
        .take(limit)
        .map(|(user, reason)| json!({ "user": world.user_json(*user), "reason": reason }))
        .collect();
    Ok(Answer::ok(&bans))
}

pub(crate) fn get_ban(world: &World, id: &str, user: &str) -> Outcome {
    let id = allowed(world, id, permissions::BAN_MEMBERS)?;
    let user = snowflake("user_id", user)?;
    let ban = world.guilds.get(&id).and_then(|guild| guild.bans.get(&user));
    ban.map(|reason| Answer::ok(&json!({ "user": world.user_json(user), "reason": reason })))
        .ok_or_else(|| errors::UNKNOWN_BAN.into())
}

pub(crate) fn ban(world: &mut World, call: &Call, id: &str, user: &str) -> Outcome {
    let id = allowed(world, id, permissions::BAN_MEMBERS)?;
    let user = snowflake("user_id", user)?;
    checked(|faults| {
        let fields = Fields::body(&call.body, &["delete_message_seconds", "delete_message_days"], faults);
        fields.integer("delete_message_seconds", 0..=604_800, faults);
        fields.integer("delete_message_days", 0..=7, faults);
    })?;
    if !world.users.contains_key(&user) {
        return Err(errors::UNKNOWN_USER.into());
    }
    super::members::outranked(world, id, user)?;
    world.ban(id, user, call.reason.clone());
    Ok(Answer::empty())
}

pub(crate) fn unban(world: &mut World, id: &str, user: &str) -> Outcome {
    let id = allowed(world, id, permissions::BAN_MEMBERS)?;
    let user = snowflake("user_id", user)?;
    if world.unban(id, user) {
        Ok(Answer::empty())
    } else {
        Err(errors::UNKNOWN_BAN.into())
    }
}
