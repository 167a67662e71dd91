//! Channels: reading, changing, deleting, permission overwrites, typing
//! (<https://discord.com/developers/docs/resources/channel>). Who may set which overwrites is decided here.

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    channel_shape::Shape,
    errors::{self, Refusal},
    snowflake, threads,
    validate::{Fields, checked, id_of},
};
use crate::world::{
    Channel, Overwrite, World,
    audit_log::{Note, action},
    permissions,
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/channels/{channel_id}", |world, _, path| get(world, path[0])),
    Route::patch("/channels/{channel_id}", |world, call, path| edit(world, call, path[0])),
    Route::delete("/channels/{channel_id}", |world, call, path| {
        delete(world, call, path[0])
    }),
    Route::put(
        "/channels/{channel_id}/permissions/{overwrite_id}",
        |world, call, path| set_overwrite(world, call, path[0], path[1]),
    ),
    Route::delete(
        "/channels/{channel_id}/permissions/{overwrite_id}",
        |world, call, path| remove_overwrite(world, call, path[0], path[1]),
    ),
    Route::post("/channels/{channel_id}/typing", |world, _, path| typing(world, path[0])),
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
    // Who may not enter a voice channel changes nothing of it.
    let of_voice = permissions::MANAGE_CHANNELS | permissions::MANAGE_ROLES;
    let needed = if channel.has_voices() && needed & of_voice != 0 {
        needed | permissions::CONNECT
    } else {
        needed
    };
    let missing = channel.needs(needed) & !has;
    if missing != 0 {
        return Err(Refusal::permission(1 << missing.trailing_zeros()));
    }
    Ok(id)
}

/// The same, for channels that hold messages.
pub(crate) fn text(world: &World, id: &str, needed: u64) -> Result<u64, Refusal> {
    let id = allowed(world, id, needed)?;
    if world
        .channels
        .get(&id)
        .is_some_and(|channel| matches!(channel.kind, 4 | 15 | 16))
    {
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

/// Refuses overwrites that the bot may not set: with `MANAGE_ROLES` by one of the channel's own overwrites, all but that
/// permission itself; else those bits that it has in the guild. Administrators may set all.
pub(super) fn settable(
    world: &World,
    guild: u64,
    channel: Option<&Channel>,
    wanted: &[Overwrite],
) -> Result<(), Refusal> {
    let Some(guild) = world.guilds.get(&guild) else {
        return Err(errors::UNKNOWN_GUILD.into());
    };
    let bot = world.bot_id;
    let in_guild = world.permissions_of(guild, bot);
    if in_guild & permissions::ADMINISTRATOR != 0 {
        return Ok(());
    }
    let before = channel.map_or(&[][..], |channel| channel.overwrites.as_slice());
    let bits_of = |all: &[Overwrite], id: u64| {
        let found = all.iter().find(|one| one.id == id);
        found.map_or((0, 0), |one| (one.allow, one.deny))
    };
    let changed = wanted.iter().chain(before).fold(0, |bits, one| {
        let (old, new) = (bits_of(before, one.id), bits_of(wanted, one.id));
        bits | (old.0 ^ new.0) | (old.1 ^ new.1)
    });
    let is_same = wanted.len() == before.len() && wanted.iter().all(|one| before.contains(one));
    if is_same {
        return Ok(());
    }
    let here = channel.map_or(in_guild, |channel| world.permissions_in(channel, bot));
    if here & permissions::MANAGE_ROLES == 0 {
        return Err(Refusal::permission(permissions::MANAGE_ROLES));
    }
    let member = guild.members.get(&bot);
    let holds = |id: u64| id == bot || member.is_some_and(|member| member.roles.contains(&id));
    let by_overwrite = before
        .iter()
        .any(|one| one.allow & permissions::MANAGE_ROLES != 0 && holds(one.id));
    let given = if by_overwrite { permissions::ALL } else { in_guild };
    let missing = changed & (!given | permissions::MANAGE_ROLES);
    if missing != 0 {
        return Err(Refusal::permission(1 << missing.trailing_zeros()));
    }
    Ok(())
}

/// Refuses a parent that is no category of the guild, or has as many channels as one can have.
pub(super) fn below_category(world: &World, guild: u64, parent: u64, child: Option<u64>) -> Result<(), Refusal> {
    let found = world.channels.get(&parent).filter(|one| one.guild_id == Some(guild));
    let Some(category) = found else {
        return Err(Refusal::at(
            "parent_id",
            "CHANNEL_PARENT_INVALID",
            "Category does not exist",
        ));
    };
    if category.kind != 4 {
        return Err(Refusal::at(
            "parent_id",
            "CHANNEL_PARENT_INVALID_TYPE",
            "Not a category",
        ));
    }
    let others = world.channels_of(guild).into_iter();
    let others = others.filter(|one| one.parent_id == Some(parent) && child != Some(one.id));
    if others.count() >= 50 {
        return Err(Refusal::at(
            "parent_id",
            "CHANNEL_PARENT_MAX_CHANNELS",
            "Maximum number of channels in category reached (50)",
        ));
    }
    Ok(())
}

pub(crate) fn edit(world: &mut World, call: &Call, id: &str) -> Outcome {
    if threads::is_one(world, id) {
        return threads::edit(world, call, id);
    }
    let id = allowed(world, id, permissions::MANAGE_CHANNELS)?;
    let Some(channel) = world.channels.get(&id) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    let Some(guild) = channel.guild_id else {
        return Err(errors::NOT_IN_DIRECT.into());
    };
    let shape = Shape::read(&call.body, Some(channel.kind))?;
    // Text becomes announcements and the other way round; nothing else changes its type.
    if shape
        .kind
        .is_some_and(|kind| kind != channel.kind && !(matches!(kind, 0 | 5) && matches!(channel.kind, 0 | 5)))
    {
        return Err(Refusal::at(
            "type",
            "BASE_TYPE_CHOICES",
            "This channel can't become one of that type.",
        ));
    }
    if let Some(Some(parent)) = shape.parent_id {
        if channel.kind == 4 {
            return Err(Refusal::at(
                "parent_id",
                "CHANNEL_PARENT_INVALID_TYPE",
                "Categories have no parent",
            ));
        }
        below_category(world, guild, parent, Some(id))?;
    }
    if let Some(overwrites) = &shape.overwrites {
        settable(world, guild, Some(channel), overwrites)?;
    }
    let before = channel.guild_json();
    shape.apply(world, id);
    changed(world, id, &before, call.reason.as_deref(), action::CHANNEL_UPDATE, None)
}

/// Tells everybody what has become of a channel, and records it.
fn changed(
    world: &mut World,
    id: u64,
    before: &Value,
    reason: Option<&str>,
    action: u64,
    options: Option<Value>,
) -> Outcome {
    let Some(channel) = world.channels.get(&id) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    let (guild, data) = (channel.guild_id, channel.guild_json());
    let mut note = Note::new(action, world.bot_id, Some(id)).because(reason);
    note = match options {
        // Of an overwrite; what it allows and denies is all there is to say.
        Some(options) => {
            let of = |json: &Value| {
                let all = json["permission_overwrites"].as_array();
                all.and_then(|all| all.iter().find(|one| one["id"] == options["id"]))
                    .cloned()
                    .unwrap_or_default()
            };
            note.between(&of(before), &of(&data)).options(options)
        }
        None => note.between(before, &data),
    };
    let differs = before != &data;
    if differs {
        world.emit_channel("CHANNEL_UPDATE", guild, &data);
    }
    if let Some(guild) = guild.filter(|_| differs) {
        world.record(guild, note);
    }
    Ok(Answer::ok(&data))
}

pub(crate) fn delete(world: &mut World, call: &Call, id: &str) -> Outcome {
    if threads::is_one(world, id) {
        return threads::delete(world, call, id);
    }
    let id = allowed(world, id, permissions::MANAGE_CHANNELS)?;
    let Some(guild) = world.channels.get(&id).and_then(|channel| channel.guild_id) else {
        return Ok(shown(world, id));
    };
    let needed = |key: &str| {
        let found = world.guilds.get(&guild).filter(|guild| guild.has_feature("COMMUNITY"));
        found.is_some_and(|guild| guild.settings.get(key).and_then(id_of) == Some(id))
    };
    if needed("rules_channel_id") || needed("public_updates_channel_id") {
        return Err(errors::COMMUNITY_CHANNEL.into());
    }
    let Some(data) = world.remove_channel(id) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    let note = Note::new(action::CHANNEL_DELETE, world.bot_id, Some(id)).between(&data, &Value::Null);
    world.record(guild, note.because(call.reason.as_deref()));
    Ok(Answer::ok(&data))
}

/// Whom an overwrite is for, as its entry in the audit log says it.
fn whom(world: &World, guild: Option<u64>, overwrite: &Overwrite) -> Value {
    let mut options = json!({ "id": overwrite.id.to_string(), "type": overwrite.kind.to_string() });
    let role = guild
        .and_then(|guild| world.guilds.get(&guild))
        .and_then(|guild| guild.role(overwrite.id));
    if let Some(role) = role {
        options["role_name"] = json!(role.name);
    }
    options
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
    let (guild, mut all) = overwrites_of(world, id)?;
    let is_role = world
        .guilds
        .get(&guild)
        .is_some_and(|guild| guild.role(target).is_some());
    if overwrite.kind == 0 && !is_role {
        return Err(errors::UNKNOWN_ROLE.into());
    }
    if overwrite.kind == 1 && !world.users.contains_key(&target) {
        return Err(errors::UNKNOWN_USER.into());
    }
    let is_new = all.iter().all(|old| old.id != target);
    all.retain(|old| old.id != target);
    all.push(overwrite.clone());
    let action = if is_new {
        action::OVERWRITE_CREATE
    } else {
        action::OVERWRITE_UPDATE
    };
    set_overwrites(world, id, all, &overwrite, action, call.reason.as_deref())
}

pub(crate) fn remove_overwrite(world: &mut World, call: &Call, id: &str, target: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_ROLES)?;
    let target = snowflake("overwrite_id", target)?;
    let (_, mut all) = overwrites_of(world, id)?;
    let Some(at) = all.iter().position(|old| old.id == target) else {
        return Err(errors::UNKNOWN_OVERWRITE.into());
    };
    let gone = all.remove(at);
    set_overwrites(world, id, all, &gone, action::OVERWRITE_DELETE, call.reason.as_deref())
}

fn overwrites_of(world: &World, id: u64) -> Result<(u64, Vec<Overwrite>), Refusal> {
    let channel = world
        .channels
        .get(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_CHANNEL))?;
    let guild = channel.guild_id.ok_or_else(|| Refusal::from(errors::NOT_IN_DIRECT))?;
    if channel.is_thread() {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    }
    Ok((guild, channel.overwrites.clone()))
}

fn set_overwrites(
    world: &mut World,
    id: u64,
    all: Vec<Overwrite>,
    about: &Overwrite,
    action: u64,
    reason: Option<&str>,
) -> Outcome {
    let Some(channel) = world.channels.get(&id) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    let (guild, before) = (channel.guild_id, channel.guild_json());
    settable(world, guild.unwrap_or(0), Some(channel), &all)?;
    let options = whom(world, guild, about);
    if let Some(channel) = world.channels.get_mut(&id) {
        channel.overwrites = all;
    }
    changed(world, id, &before, reason, action, Some(options))?;
    Ok(Answer::empty())
}

pub(crate) fn typing(world: &mut World, id: &str) -> Outcome {
    let id = text(world, id, permissions::SEND_MESSAGES)?;
    world.emit_typing(id, world.bot_id);
    Ok(Answer::empty())
}
