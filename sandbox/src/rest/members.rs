//! Members of a guild: read, searched, changed, removed, given roles
//! (<https://discord.com/developers/docs/resources/guild#guild-member-object>). Whom the bot may do what to goes by the
//! roles' order: nicknames, time-outs and removals of those below it, roles below its own.

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    guilds, snowflake,
    validate::{Fields, checked, id_of},
};
use crate::{
    gateway::intents,
    ids,
    world::{
        World,
        audit_log::{Note, action},
        permissions,
    },
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}/members", |world, call, path| {
        list(world, call, path[0])
    })
    .query(&["limit", "after"]),
    Route::get("/guilds/{guild_id}/members/search", |world, call, path| {
        search(world, call, path[0])
    })
    .query(&["limit", "query"]),
    Route::get("/guilds/{guild_id}/members/{user_id}", |world, _, path| {
        get(world, path[0], path[1])
    }),
    Route::patch("/guilds/{guild_id}/members/@me", |world, call, path| {
        edit(world, call, path[0], "@me")
    })
    .differs("Of its own membership only the nickname is kept: there are no images."),
    Route::patch("/guilds/{guild_id}/members/{user_id}", |world, call, path| {
        edit(world, call, path[0], path[1])
    }),
    Route::delete("/guilds/{guild_id}/members/{user_id}", |world, call, path| {
        kick(world, call, path[0], path[1])
    }),
    Route::put(
        "/guilds/{guild_id}/members/{user_id}/roles/{role_id}",
        |world, call, path| set_role(world, call, [path[0], path[1], path[2]], true),
    ),
    Route::delete(
        "/guilds/{guild_id}/members/{user_id}/roles/{role_id}",
        |world, call, path| set_role(world, call, [path[0], path[1], path[2]], false),
    ),
];

/// The longest time-out: 28 days, in milliseconds.
const LONGEST_TIME_OUT_MS: u64 = 28 * 24 * 60 * 60 * 1000;

/// Refuses what would be done to somebody who stands as high as the bot, or higher.
pub(crate) fn outranked(world: &World, guild: u64, user: u64) -> Result<(), Refusal> {
    let guild = world
        .guilds
        .get(&guild)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let is_member = guild.members.contains_key(&user);
    if is_member && guild.owner_id != world.bot_id && guild.rank(user) >= guild.rank(world.bot_id) {
        return Err(errors::MISSING_PERMISSIONS.into());
    }
    Ok(())
}

/// Refuses a role that the bot may not hand out: its own height or higher, managed, or unknown.
pub(crate) fn grantable(world: &World, guild: u64, role: u64) -> Result<(), Refusal> {
    let guild = world
        .guilds
        .get(&guild)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let found = guild.role(role).ok_or_else(|| Refusal::from(errors::UNKNOWN_ROLE))?;
    if found.id == guild.id || found.of_bot.is_some() {
        return Err(errors::INVALID_ROLE.into());
    }
    if guild.height(role) >= guild.rank(world.bot_id) {
        return Err(errors::MISSING_PERMISSIONS.into());
    }
    Ok(())
}

fn shown(world: &World, guild: u64, user: u64) -> Outcome {
    if !world.users.contains_key(&user) {
        return Err(errors::UNKNOWN_USER.into());
    }
    world
        .member_json(guild, user)
        .map(|member| Answer::ok(&member))
        .ok_or_else(|| errors::UNKNOWN_MEMBER.into())
}

/// All of them, for applications that may use the intent `GUILD_MEMBERS`.
pub(crate) fn list(world: &World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    if world.allowed_intents & intents::GUILD_MEMBERS == 0 {
        return Err(errors::MISSING_ACCESS.into());
    }
    let limit = call.number("limit", 1, 1, 1000)? as usize;
    let after = call.id("after")?.unwrap_or(0);
    let members = world.guilds.get(&guild).map(|guild| &guild.members);
    let found: Value = members
        .into_iter()
        .flat_map(|members| members.keys())
        .filter(|user| **user > after)
        .take(limit)
        .filter_map(|user| world.member_json(guild, *user))
        .collect();
    Ok(Answer::ok(&found))
}

pub(crate) fn search(world: &World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    let limit = call.number("limit", 1, 1, 1000)? as usize;
    let query = call.query("query").filter(|query| !query.is_empty());
    let query = query
        .ok_or_else(|| Refusal::at("query", "BASE_TYPE_REQUIRED", "This field is required"))?
        .to_lowercase();
    let members = world.guilds.get(&guild).map(|guild| &guild.members);
    let found: Value = members
        .into_iter()
        .flatten()
        .filter(|(id, member)| {
            let starts = |name: &str| name.to_lowercase().starts_with(&query);
            world
                .users
                .get(id)
                .is_some_and(|user| starts(&user.username) || starts(user.shown()))
                || member.nick.as_deref().is_some_and(starts)
        })
        .take(limit)
        .filter_map(|(user, _)| world.member_json(guild, *user))
        .collect();
    Ok(Answer::ok(&found))
}

pub(crate) fn get(world: &World, guild: &str, user: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    shown(world, guild, snowflake("user_id", user)?)
}

/// A member's body, checked; what is not in it stays.
#[derive(Default)]
struct Edit {
    nick: Option<Option<String>>,
    roles: Option<Vec<u64>>,
    mute: Option<bool>,
    deaf: Option<bool>,
    /// None within: out of the voice channel.
    channel: Option<Option<u64>>,
    /// Milliseconds since 1970.
    until: Option<Option<u64>>,
    flags: Option<u64>,
}

impl Edit {
    fn read(body: &Value, known: &[&str], now_ms: u64) -> Result<Self, Refusal> {
        checked(|faults| {
            let fields = Fields::body(body, known, faults);
            fields.text("bio", 0..=190, faults);
            let text = fields.text("communication_disabled_until", 1..=64, faults);
            let until = text.and_then(ids::ms_of);
            if text.is_some() && until.is_none() {
                let why = format!("Could not parse {}. Should be ISO8601.", text.unwrap_or_default());
                faults.add("communication_disabled_until", "DATE_TIME_TYPE_PARSE", &why);
            }
            if until.is_some_and(|until| until > now_ms + LONGEST_TIME_OUT_MS) {
                let why = "A time-out may not end more than 28 days from now.";
                faults.add("communication_disabled_until", "DATE_TIME_TYPE_MAX", why);
            }
            Self {
                nick: fields
                    .has("nick")
                    .then(|| fields.text("nick", 0..=32, faults).map(str::to_owned)),
                roles: fields.ids("roles", 350, faults),
                mute: fields.flag("mute", faults),
                deaf: fields.flag("deaf", faults),
                channel: fields.has("channel_id").then(|| fields.id("channel_id", faults)),
                until: fields.has("communication_disabled_until").then_some(until),
                flags: fields.integer("flags", 0..=0x7fff, faults).map(i64::unsigned_abs),
            }
        })
    }

    /// The permissions that it asks for.
    fn needs(&self, own: bool) -> u64 {
        let nick = if own {
            permissions::CHANGE_NICKNAME
        } else {
            permissions::MANAGE_NICKNAMES
        };
        [
            (self.nick.is_some(), nick),
            (self.roles.is_some(), permissions::MANAGE_ROLES),
            (self.mute.is_some(), permissions::MUTE_MEMBERS),
            (self.deaf.is_some(), permissions::DEAFEN_MEMBERS),
            (self.channel.is_some(), permissions::MOVE_MEMBERS),
            (self.until.is_some(), permissions::MODERATE_MEMBERS),
            (self.flags.is_some(), permissions::MANAGE_GUILD),
        ]
        .iter()
        .filter(|(is_asked, _)| *is_asked)
        .fold(0, |bits, (_, bit)| bits | bit)
    }
}

const OWN_KEYS: &[&str] = &["nick", "avatar", "banner", "bio"];
const KEYS: &[&str] = &[
    "nick",
    "roles",
    "mute",
    "deaf",
    "channel_id",
    "communication_disabled_until",
    "flags",
];

pub(crate) fn edit(world: &mut World, call: &Call, guild: &str, user: &str) -> Outcome {
    let own = user == "@me";
    let guild = guilds::allowed(world, guild, 0)?;
    let user = if own { world.bot_id } else { snowflake("user_id", user)? };
    shown(world, guild, user)?;
    let edit = Edit::read(&call.body, if own { OWN_KEYS } else { KEYS }, world.ids.now_ms())?;
    let is_bot = user == world.bot_id;
    guilds::allowed(world, &guild.to_string(), edit.needs(is_bot))?;
    let is_quieted = matches!(edit.until, Some(Some(_)));
    if !is_bot && (edit.nick.is_some() || edit.until.is_some()) {
        outranked(world, guild, user)?;
    }
    // Administrators can't be timed out, whoever asks.
    let target = world.guilds.get(&guild);
    if is_quieted && target.is_some_and(|guild| permissions::of(guild, None, user) & permissions::ADMINISTRATOR != 0) {
        return Err(errors::MISSING_PERMISSIONS.into());
    }
    if let Some(roles) = &edit.roles {
        for role in changed_roles(world, guild, user, roles) {
            grantable(world, guild, role)?;
        }
    }
    let in_voice = world.voice.contains_key(&(guild, user));
    if (edit.mute.is_some() || edit.deaf.is_some() || edit.channel.is_some()) && !in_voice {
        return Err(errors::NOT_IN_VOICE.into());
    }
    if let Some(Some(channel)) = edit.channel {
        let bot = world.bot_id;
        let of_guild = world.channels.get(&channel).filter(|one| one.guild_id == Some(guild));
        match of_guild {
            None => return Err(errors::UNKNOWN_CHANNEL.into()),
            Some(channel) if !channel.has_voices() => return Err(errors::WRONG_CHANNEL_TYPE.into()),
            Some(channel) if world.permissions_in(channel, bot) & permissions::CONNECT == 0 => {
                return Err(Refusal::permission(permissions::CONNECT));
            }
            Some(_) => {}
        }
    }
    apply(world, guild, user, edit, call.reason.as_deref());
    shown(world, guild, user)
}

/// Roles that a member would get or lose.
fn changed_roles(world: &World, guild: u64, user: u64, wanted: &[u64]) -> Vec<u64> {
    let member = world.guilds.get(&guild).and_then(|guild| guild.members.get(&user));
    let has = member.map_or(&[][..], |member| member.roles.as_slice());
    let (new, gone) = (
        wanted.iter().filter(|role| !has.contains(role)),
        has.iter().filter(|role| !wanted.contains(role)),
    );
    new.chain(gone).copied().collect()
}

/// Does what has been allowed, and records it.
fn apply(world: &mut World, guild: u64, user: u64, edit: Edit, reason: Option<&str>) {
    let bot = world.bot_id;
    let Some(before) = world
        .guilds
        .get(&guild)
        .and_then(|guild| guild.members.get(&user))
        .cloned()
    else {
        return;
    };
    let is_voice_only = edit.nick.is_none()
        && edit.roles.is_none()
        && edit.until.is_none()
        && edit.flags.is_none()
        && edit.mute.is_none()
        && edit.deaf.is_none();
    let silenced = edit.mute.is_some() || edit.deaf.is_some();
    if !is_voice_only {
        world.change_member(guild, user, |member| {
            if let Some(nick) = edit.nick {
                member.nick = nick.filter(|nick| !nick.is_empty());
            }
            if let Some(roles) = edit.roles {
                member.roles = roles;
            }
            member.mute = edit.mute.unwrap_or(member.mute);
            member.deaf = edit.deaf.unwrap_or(member.deaf);
            member.flags = edit.flags.unwrap_or(member.flags);
            if let Some(until) = edit.until {
                member.timed_out_until = until.map(ids::timestamp);
            }
        });
    }
    if silenced {
        world.emit_voice(guild, user);
    }
    if let Some(after) = world
        .guilds
        .get(&guild)
        .and_then(|guild| guild.members.get(&user))
        .cloned()
    {
        let (old, new) = (before.partial(), after.partial());
        let mut note = Note::new(action::MEMBER_UPDATE, bot, Some(user)).because(reason);
        for key in ["nick", "mute", "deaf", "communication_disabled_until", "flags"] {
            note = note.change(key, &old[key], &new[key]);
        }
        if note.is_a_change() {
            world.record(guild, note);
        }
        record_roles(world, guild, user, &before.roles, &after.roles, reason);
    }
    match edit.channel {
        Some(Some(channel)) => {
            let session = world.voice.get(&(guild, user)).map(|state| state.session.clone());
            world.enter_voice(guild, user, channel, session.unwrap_or_default());
            if user == bot {
                world.emit_voice_server(guild);
            }
            let options = json!({ "channel_id": channel.to_string(), "count": "1" });
            let note = Note::new(action::MEMBER_MOVE, bot, None).options(options);
            world.record(guild, note.because(reason));
        }
        Some(None) => {
            world.leave_voice(guild, user);
            let note = Note::new(action::MEMBER_DISCONNECT, bot, None).options(json!({ "count": "1" }));
            world.record(guild, note.because(reason));
        }
        None => {}
    }
}

/// Notes roles that were given or taken.
fn record_roles(world: &mut World, guild: u64, user: u64, before: &[u64], after: &[u64], reason: Option<&str>) {
    let named = |from: &[u64], other: &[u64]| -> Value {
        let of_guild = world.guilds.get(&guild);
        let roles = from.iter().filter(|role| !other.contains(role));
        let roles: Vec<Value> = roles
            .filter_map(|role| of_guild.and_then(|guild| guild.role(*role)))
            .map(|role| json!({ "id": role.id.to_string(), "name": role.name }))
            .collect();
        if roles.is_empty() {
            Value::Null
        } else {
            Value::Array(roles)
        }
    };
    let (added, removed) = (named(after, before), named(before, after));
    let note = Note::new(action::MEMBER_ROLE_UPDATE, world.bot_id, Some(user))
        .change("$add", &Value::Null, &added)
        .change("$remove", &Value::Null, &removed);
    if note.is_a_change() {
        world.record(guild, note.because(reason));
    }
}

pub(crate) fn kick(world: &mut World, call: &Call, guild: &str, user: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::KICK_MEMBERS)?;
    let user = snowflake("user_id", user)?;
    outranked(world, guild, user)?;
    if !world.leave(guild, user) {
        return Err(errors::UNKNOWN_MEMBER.into());
    }
    let note = Note::new(action::MEMBER_KICK, world.bot_id, Some(user));
    world.record(guild, note.because(call.reason.as_deref()));
    Ok(Answer::empty())
}

pub(crate) fn set_role(world: &mut World, call: &Call, [guild, user, role]: [&str; 3], has: bool) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let (user, role) = (snowflake("user_id", user)?, snowflake("role_id", role)?);
    shown(world, guild, user)?;
    grantable(world, guild, role)?;
    let member = world.guilds.get(&guild).and_then(|guild| guild.members.get(&user));
    let before = member.map(|member| member.roles.clone()).unwrap_or_default();
    if before.contains(&role) == has {
        return Ok(Answer::empty());
    }
    let mut after = before.clone();
    after.retain(|held| *held != role);
    if has {
        after.push(role);
    }
    world.change_member(guild, user, |member| member.roles.clone_from(&after));
    record_roles(world, guild, user, &before, &after, call.reason.as_deref());
    Ok(Answer::empty())
}

/// An id in a list of bodies.
pub(crate) fn id_in(value: &Value) -> Result<u64, Refusal> {
    id_of(&value["id"]).ok_or_else(|| Refusal::at("id", "BASE_TYPE_REQUIRED", "This field is required"))
}
