//! Answers to requests for a guild's members: by name or by id, in chunks
//! (<https://discord.com/developers/docs/events/gateway-events#request-guild-members>).
//!
//! It is apart from `payload`, since it reads the world; the chunks go to the session that asked and to no other. What
//! Discord leaves unanswered is left so here, with a note in the gateway's log that says why.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    intents::{GUILD_MEMBERS, GUILD_PRESENCES},
    payload::{Members, Wanted},
};
use crate::{handle::GatewayEntry, world::World};

/// How long after a request for all of a guild's members the next one is answered, with Discord's rate limits.
const WHOLE_WINDOW: Duration = Duration::from_secs(30);
/// Members in a chunk.
const CHUNK: usize = 1000;
/// Members that a request by name or by id finds.
const FOUND: usize = 100;

/// Answers what a session asks about a guild with one event, if the guild is one of its own.
pub(super) fn answer(world: &mut World, session: &str, guild: u64, name: &str, data: impl FnOnce(&str) -> Value) {
    let is_here = world
        .guilds
        .get(&guild)
        .is_some_and(|guild| guild.members.contains_key(&world.bot_id));
    let is_up = !world.outages.contains(&guild);
    if let Some(session) = world.sessions.get_mut(session)
        && session.wants(Some(guild), 0)
        && is_here
        && is_up
    {
        session.push(&mut world.logs, name, &data(&guild.to_string()).to_string());
    }
}

/// Answers a request of a session.
pub(super) fn send(world: &mut World, session: &str, request: &Members) {
    let Some((intents, is_there)) = world
        .sessions
        .get(session)
        .map(|session| (session.intents, session.wants(Some(request.guild), 0)))
    else {
        return;
    };
    let guild = world.guilds.get(&request.guild).filter(|guild| {
        is_there && guild.members.contains_key(&world.bot_id) && !world.outages.contains(&request.guild)
    });
    if guild.is_none() {
        let why = format!("members of {} not sent: no guild of this session", request.guild);
        return world.logs.gateway(GatewayEntry::note(&why));
    }
    let is_whole = matches!(&request.wanted, Wanted::Named { query, limit: 0 } if query.is_empty());
    let now = world.time.now();
    if is_whole && world.limits.is_real() && intents & GUILD_MEMBERS != 0 {
        let last = world.member_requests.get(&request.guild);
        let left = last.and_then(|last| WHOLE_WINDOW.checked_sub(now.saturating_duration_since(*last)));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            let mut meta = json!({ "guild_id": request.guild.to_string() });
            if let Some(nonce) = &request.nonce {
                meta["nonce"] = json!(nonce);
            }
            let data = json!({ "opcode": 8, "retry_after": left.as_secs_f64(), "meta": meta });
            if let Some(session) = world.sessions.get_mut(session) {
                session.push(&mut world.logs, "RATE_LIMITED", &data.to_string());
            }
            return;
        }
        world.member_requests.insert(request.guild, now);
    }
    let Some(guild) = world.guilds.get(&request.guild) else {
        return;
    };
    let mut missing = Vec::new();
    let found: Vec<u64> = match &request.wanted {
        Wanted::Named { query, .. } if query.is_empty() && intents & GUILD_MEMBERS == 0 => {
            let why = "members not sent: the whole list needs the intent GUILD_MEMBERS";
            return world.logs.gateway(GatewayEntry::note(why));
        }
        Wanted::Named { query, limit } => {
            let most = match usize::try_from(*limit) {
                Ok(0) if query.is_empty() => usize::MAX,
                Ok(limit @ 1..) if query.is_empty() => limit,
                Ok(limit @ 1..FOUND) => limit,
                _ => FOUND,
            };
            let is_meant = |id: &&u64| {
                world.users.get(id).is_some_and(|user| {
                    user.username.starts_with(query.as_str()) || user.shown().to_lowercase().starts_with(query.as_str())
                })
            };
            guild.members.keys().filter(is_meant).take(most).copied().collect()
        }
        Wanted::Ids(ids) => {
            let (here, gone): (Vec<u64>, Vec<u64>) = ids
                .iter()
                .copied()
                .take(FOUND)
                .partition(|id| guild.members.contains_key(id));
            missing = gone.iter().map(u64::to_string).collect();
            here
        }
    };
    let with_presences = request.presences && intents & GUILD_PRESENCES != 0;
    let count = found.len().div_ceil(CHUNK).max(1);
    for index in 0..count {
        let members = &found[index * CHUNK..found.len().min((index + 1) * CHUNK)];
        let objects: Vec<Value> = members
            .iter()
            .filter_map(|user| world.member_json(request.guild, *user))
            .collect();
        let mut data = json!({
            "guild_id": request.guild.to_string(),
            "members": objects,
            "chunk_index": index,
            "chunk_count": count,
        });
        if matches!(request.wanted, Wanted::Ids(_)) {
            data["not_found"] = json!(std::mem::take(&mut missing));
        }
        if with_presences {
            data["presences"] = members.iter().map(|user| world.presence_json(*user)).collect();
        }
        if let Some(nonce) = &request.nonce {
            data["nonce"] = json!(nonce);
        }
        world.check_event("GUILD_MEMBERS_CHUNK", &data);
        if let Some(session) = world.sessions.get_mut(session) {
            session.push(&mut world.logs, "GUILD_MEMBERS_CHUNK", &data.to_string());
        }
    }
}
