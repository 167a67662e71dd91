//! Bans, one by one or many at once, and pruning: who is removed for having been away
//! (<https://discord.com/developers/docs/resources/guild#create-guild-ban>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    guilds, members, snowflake,
    validate::{Fields, checked, id_of},
};
use crate::world::{
    Guild, World,
    audit_log::{Note, action},
    permissions,
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::get("/guilds/{guild_id}/bans", |world, call, path| {
        list(world, call, path[0])
    })
    .query(&["limit", "before", "after"]),
    Route::get("/guilds/{guild_id}/bans/{user_id}", |world, _, path| {
        get(world, path[0], path[1])
    }),
    Route::put("/guilds/{guild_id}/bans/{user_id}", |world, call, path| {
        create(world, call, path[0], path[1])
    })
    // Where discord.py puts it, and Discord takes it.
    .query(&["delete_message_seconds", "delete_message_days"]),
    Route::delete("/guilds/{guild_id}/bans/{user_id}", |world, call, path| {
        remove(world, call, path[0], path[1])
    }),
    Route::post("/guilds/{guild_id}/bulk-ban", |world, call, path| {
        create_many(world, call, path[0])
    }),
    Route::get("/guilds/{guild_id}/prune", |world, call, path| {
        prune_count(world, call, path[0])
    })
    .query(&["days", "include_roles"])
    .differs("Who is offline has been away since then; nobody else is pruned, however long ago they wrote."),
    Route::post("/guilds/{guild_id}/prune", |world, call, path| {
        prune(world, call, path[0])
    })
    .differs("Who is offline has been away since then; nobody else is pruned, however long ago they wrote."),
];

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn json_of(world: &World, user: u64, reason: Option<&String>) -> Value {
    json!({ "user": world.user_json(user), "reason": reason })
}

/// Always by id, upwards; before an id, those nearest to it.
pub(crate) fn list(world: &World, call: &Call, id: &str) -> Outcome {
    let id = guilds::allowed(world, id, permissions::BAN_MEMBERS)?;
    let limit = call.number("limit", 1000, 1, 1000)? as usize;
    let (before, after) = (call.id("before")?, call.id("after")?);
    let guild = world
        .guilds
        .get(&id)
        .ok_or_else(|| Refusal::from(errors::UNKNOWN_GUILD))?;
    let found: Vec<Value> = match before {
        Some(before) => {
            let nearest = guild.bans.range(..before).rev().take(limit);
            let mut nearest: Vec<Value> = nearest
                .map(|(user, reason)| json_of(world, *user, reason.as_ref()))
                .collect();
            nearest.reverse();
            nearest
        }
        None => guild
            .bans
            .iter()
            .filter(|(user, _)| after.is_none_or(|after| **user > after))
            .take(limit)
            .map(|(user, reason)| json_of(world, *user, reason.as_ref()))
            .collect(),
    };
    Ok(Answer::ok(&Value::Array(found)))
}

pub(crate) fn get(world: &World, id: &str, user: &str) -> Outcome {
    let id = guilds::allowed(world, id, permissions::BAN_MEMBERS)?;
    let user = snowflake("user_id", user)?;
    let ban = world.guilds.get(&id).and_then(|guild| guild.bans.get(&user));
    ban.map(|reason| Answer::ok(&json_of(world, user, reason.as_ref())))
        .ok_or_else(|| errors::UNKNOWN_BAN.into())
}

/// Bans somebody, removes what they said in the last so many seconds, and records it.
fn enact(world: &mut World, guild: u64, user: u64, seconds: u64, reason: Option<&str>) {
    let bot = world.bot_id;
    world.ban(guild, user, reason.map(str::to_owned));
    if seconds > 0 {
        let since = world.ids.now_ms().saturating_sub(seconds * 1000);
        world.purge(guild, user, since);
    }
    let note = Note::new(action::MEMBER_BAN_ADD, bot, Some(user));
    world.record(guild, note.because(reason));
}

pub(crate) fn create(world: &mut World, call: &Call, id: &str, user: &str) -> Outcome {
    let id = guilds::allowed(world, id, permissions::BAN_MEMBERS)?;
    let user = snowflake("user_id", user)?;
    let seconds = checked(|faults| {
        let fields = Fields::body(&call.body, &["delete_message_seconds", "delete_message_days"], faults);
        let days = fields.integer("delete_message_days", 0..=7, faults);
        let seconds = fields.integer("delete_message_seconds", 0..=604_800, faults);
        seconds.or(days.map(|days| days * 86_400)).unwrap_or(0).unsigned_abs()
    })?;
    let seconds = match call.number("delete_message_seconds", 0, 0, 604_800)? {
        0 => seconds.max(call.number("delete_message_days", 0, 0, 7)? * 86_400),
        in_query => in_query,
    };
    if !world.users.contains_key(&user) {
        return Err(errors::UNKNOWN_USER.into());
    }
    members::outranked(world, id, user)?;
    if !is_banned(world, id, user) {
        enact(world, id, user, seconds, call.reason.as_deref());
    }
    Ok(Answer::empty())
}

fn is_banned(world: &World, guild: u64, user: u64) -> bool {
    world
        .guilds
        .get(&guild)
        .is_some_and(|guild| guild.bans.contains_key(&user))
}

/// Those who can't be banned, or are already, are told apart; if there are no others, all of it fails.
pub(crate) fn create_many(world: &mut World, call: &Call, id: &str) -> Outcome {
    let needed = permissions::BAN_MEMBERS | permissions::MANAGE_GUILD;
    let id = guilds::allowed(world, id, needed)?;
    let (users, seconds) = checked(|faults| {
        let fields = Fields::body(&call.body, &["user_ids", "delete_message_seconds"], faults);
        fields.required("user_ids", faults);
        fields.list("user_ids", 1..=200, faults);
        let seconds = fields.integer("delete_message_seconds", 0..=604_800, faults);
        (
            fields.ids("user_ids", 200, faults).unwrap_or_default(),
            seconds.unwrap_or(0).unsigned_abs(),
        )
    })?;
    let (mut banned, mut failed) = (Vec::new(), Vec::new());
    for user in users {
        let may = world.users.contains_key(&user)
            && !is_banned(world, id, user)
            && members::outranked(world, id, user).is_ok();
        if may {
            enact(world, id, user, seconds, call.reason.as_deref());
            banned.push(user.to_string());
        } else {
            failed.push(user.to_string());
        }
    }
    if banned.is_empty() {
        return Err(errors::BANS_FAILED.into());
    }
    Ok(Answer::ok(&json!({ "banned_users": banned, "failed_users": failed })))
}

pub(crate) fn remove(world: &mut World, call: &Call, id: &str, user: &str) -> Outcome {
    let id = guilds::allowed(world, id, permissions::BAN_MEMBERS)?;
    let user = snowflake("user_id", user)?;
    if !world.unban(id, user) {
        return Err(errors::UNKNOWN_BAN.into());
    }
    let note = Note::new(action::MEMBER_BAN_REMOVE, world.bot_id, Some(user));
    world.record(id, note.because(call.reason.as_deref()));
    Ok(Answer::empty())
}

/// Who has been offline for so many days and has no roles, or none but these.
fn away(world: &World, guild: &Guild, days: u64, roles: &[u64]) -> Vec<u64> {
    let since = world.ids.now_ms().saturating_sub(days * DAY_MS);
    let is_away = |user: u64| world.offline_since(user).is_some_and(|left| left <= since);
    let members = guild.members.iter();
    members
        .filter(|(user, member)| {
            **user != guild.owner_id
                && **user != world.bot_id
                && is_away(**user)
                && member.roles.iter().all(|role| roles.contains(role))
        })
        .map(|(user, _)| *user)
        .collect()
}

fn prune_allowed<'a>(world: &'a World, id: &str) -> Result<&'a Guild, Refusal> {
    let id = guilds::allowed(world, id, permissions::KICK_MEMBERS | permissions::MANAGE_GUILD)?;
    world.guilds.get(&id).ok_or_else(|| errors::UNKNOWN_GUILD.into())
}

pub(crate) fn prune_count(world: &World, call: &Call, id: &str) -> Outcome {
    let guild = prune_allowed(world, id)?;
    let days = call.number("days", 7, 1, 30)?;
    let roles = call.query("include_roles").unwrap_or_default().split(',');
    let roles: Result<Vec<u64>, Refusal> = roles
        .filter(|role| !role.is_empty())
        .map(|role| snowflake("include_roles", role))
        .collect();
    Ok(Answer::ok(
        &json!({ "pruned": away(world, guild, days, &roles?).len() }),
    ))
}

pub(crate) fn prune(world: &mut World, call: &Call, id: &str) -> Outcome {
    let guild = prune_allowed(world, id)?;
    let (days, counts, roles) = checked(|faults| {
        let known = ["days", "compute_prune_count", "include_roles", "reason"];
        let fields = Fields::body(&call.body, &known, faults);
        let roles = match fields.get("include_roles") {
            Some(Value::String(text)) => text.split(',').filter_map(|role| role.parse().ok()).collect(),
            Some(Value::Array(list)) => list.iter().filter_map(id_of).collect(),
            _ => Vec::new(),
        };
        (
            fields.integer("days", 1..=30, faults).unwrap_or(7).unsigned_abs(),
            fields.flag("compute_prune_count", faults).unwrap_or(true),
            roles,
        )
    })?;
    let (id, gone) = (guild.id, away(world, guild, days, &roles));
    for user in &gone {
        world.leave(id, *user);
    }
    let options = json!({ "delete_member_days": days.to_string(), "members_removed": gone.len().to_string() });
    let note = Note::new(action::MEMBER_PRUNE, world.bot_id, None).options(options);
    world.record(id, note.because(call.reason.as_deref()));
    let count = if counts { json!(gone.len()) } else { Value::Null };
    Ok(Answer::ok(&json!({ "pruned": count })))
}
