//! Members of a guild: read, searched, changed, removed, given roles
//! (<https://discord.com/developers/docs/resources/guild#guild-member-object>).

use serde_json::Value;

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    guilds, snowflake,
    validate::{Fields, checked, id_of},
};
use crate::world::{Guild, World, permissions};

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
    }),
    Route::patch("/guilds/{guild_id}/members/{user_id}", |world, call, path| {
        edit(world, call, path[0], path[1])
    }),
    Route::delete("/guilds/{guild_id}/members/{user_id}", |world, _, path| {
        kick(world, path[0], path[1])
    }),
    Route::put(
        "/guilds/{guild_id}/members/{user_id}/roles/{role_id}",
        |world, _, path| set_role(world, path[0], path[1], path[2], true),
    ),
    Route::delete(
        "/guilds/{guild_id}/members/{user_id}/roles/{role_id}",
        |world, _, path| set_role(world, path[0], path[1], path[2], false),
    ),
];

/// Where a member stands among the roles.
fn rank(guild: &Guild, user: u64) -> i64 {
    if guild.owner_id == user {
        return i64::MAX;
    }
    let roles = guild
        .members
        .get(&user)
        .map_or(&[][..], |member| member.roles.as_slice());
    roles
        .iter()
        .filter_map(|role| guild.role(*role))
        .map(|role| role.position)
        .max()
        .unwrap_or(0)
}

/// Refuses what would be done to somebody who stands as high as the bot, or higher.
pub(crate) fn outranked(world: &World, guild: u64, user: u64) -> Result<(), Refusal> {
    let guild = world
        .guilds
        .get(&guild)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let is_member = guild.members.contains_key(&user);
    if is_member && user != world.bot_id && rank(guild, user) >= rank(guild, world.bot_id) {
        return Err(errors::MISSING_PERMISSIONS.into());
    }
    Ok(())
}

/// Refuses a role that the bot may not hand out: its own height or higher, managed, or unknown.
fn grantable(world: &World, guild: u64, role: u64) -> Result<(), Refusal> {
    let guild = world
        .guilds
        .get(&guild)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let found = guild.role(role).ok_or_else(|| Refusal::from(errors::UNKNOWN_ROLE))?;
    if found.id == guild.id || found.of_bot.is_some() {
        return Err(errors::INVALID_ROLE.into());
    }
    if found.position >= rank(guild, world.bot_id) {
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

pub(crate) fn list(world: &World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
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

pub(crate) fn edit(world: &mut World, call: &Call, guild: &str, user: &str) -> Outcome {
    let own = user == "@me";
    let guild = guilds::allowed(world, guild, 0)?;
    let user = if own { world.bot_id } else { snowflake("user_id", user)? };
    shown(world, guild, user)?;
    let known: &[&str] = if own {
        &["nick", "avatar", "banner", "bio"]
    } else {
        &[
            "nick",
            "roles",
            "mute",
            "deaf",
            "channel_id",
            "communication_disabled_until",
            "flags",
        ]
    };
    let (nick, roles, mute, deaf, until) = checked(|faults| {
        let fields = Fields::body(&call.body, known, faults);
        let nick = fields
            .has("nick")
            .then(|| fields.text("nick", 0..=32, faults).map(str::to_owned));
        let until = fields.has("communication_disabled_until").then(|| {
            fields
                .text("communication_disabled_until", 1..=64, faults)
                .map(str::to_owned)
        });
        let roles = fields.ids("roles", 250, faults);
        (
            nick,
            roles,
            fields.flag("mute", faults),
            fields.flag("deaf", faults),
            until,
        )
    })?;
    // Administrators can't be timed out, whoever asks.
    let is_kept_quiet = matches!(until, Some(Some(_)));
    let target = world.guilds.get(&guild);
    if is_kept_quiet && target.is_some_and(|guild| permissions::of(guild, None, user) & permissions::ADMINISTRATOR != 0)
    {
        return Err(errors::MISSING_PERMISSIONS.into());
    }
    let needed = if nick.is_some() {
        if user == world.bot_id {
            permissions::CHANGE_NICKNAME
        } else {
            permissions::MANAGE_NICKNAMES
        }
    } else {
        0
    } | if roles.is_some() { permissions::MANAGE_ROLES } else { 0 }
        | if until.is_some() {
            permissions::MODERATE_MEMBERS
        } else {
            0
        };
    guilds::allowed(world, &guild.to_string(), needed)?;
    if user != world.bot_id {
        outranked(world, guild, user)?;
    }
    if let Some(roles) = &roles {
        let has = world
            .guilds
            .get(&guild)
            .and_then(|guild| guild.members.get(&user))
            .map(|member| member.roles.clone())
            .unwrap_or_default();
        let changed = roles
            .iter()
            .filter(|role| !has.contains(role))
            .chain(has.iter().filter(|role| !roles.contains(role)));
        for role in changed.copied().collect::<Vec<_>>() {
            grantable(world, guild, role)?;
        }
    }
    let member = world.change_member(guild, user, |member| {
        if let Some(nick) = nick {
            member.nick = nick.filter(|nick| !nick.is_empty());
        }
        if let Some(roles) = roles {
            member.roles = roles;
        }
        member.mute = mute.unwrap_or(member.mute);
        member.deaf = deaf.unwrap_or(member.deaf);
        if let Some(until) = until {
            member.timed_out_until = until;
        }
    });
    member
        .map(|member| Answer::ok(&member))
        .ok_or_else(|| errors::UNKNOWN_MEMBER.into())
}

pub(crate) fn kick(world: &mut World, guild: &str, user: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::KICK_MEMBERS)?;
    let user = snowflake("user_id", user)?;
    outranked(world, guild, user)?;
    if world.leave(guild, user) {
        Ok(Answer::empty())
    } else {
        Err(errors::UNKNOWN_MEMBER.into())
    }
}

pub(crate) fn set_role(world: &mut World, guild: &str, user: &str, role: &str, has: bool) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::MANAGE_ROLES)?;
    let (user, role) = (snowflake("user_id", user)?, snowflake("role_id", role)?);
    shown(world, guild, user)?;
    grantable(world, guild, role)?;
    world.change_member(guild, user, |member| {
        member.roles.retain(|held| *held != role);
        if has {
            member.roles.push(role);
        }
    });
    Ok(Answer::empty())
}

/// An id in a list of bodies.
pub(crate) fn id_in(value: &Value) -> Result<u64, Refusal> {
    id_of(&value["id"]).ok_or_else(|| Refusal::at("id", "BASE_TYPE_REQUIRED", "This field is required"))
}
