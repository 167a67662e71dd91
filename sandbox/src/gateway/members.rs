//! Answers to requests for a guild's members: by name or by id, in chunks.
//!
//! It is apart from `payload`, since it reads the world; the chunks go to the session that asked and to no other.

use serde_json::{Value, json};

use super::payload::{self, Close};
use crate::world::World;

/// Answers a request for members: chunks of at most 1,000
/// (<https://discord.com/developers/docs/events/gateway-events#request-guild-members>).
pub(super) fn send(world: &mut World, session: &str, request: &Value) -> Result<(), Close> {
    let guild_id: u64 = request["guild_id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .ok_or(payload::DECODE_ERROR)?;
    let ids: Option<Vec<String>> = match &request["user_ids"] {
        Value::Null => None,
        Value::Array(ids) => Some(
            ids.iter()
                .map(|id| id.as_str().unwrap_or_default().to_owned())
                .collect(),
        ),
        id => Some(vec![id.as_str().ok_or(payload::DECODE_ERROR)?.to_owned()]),
    };
    let query = request["query"].as_str().map(str::to_lowercase);
    if ids.is_none() && query.is_none() {
        return Err(payload::DECODE_ERROR);
    }
    let limit = match request["limit"].as_u64() {
        None | Some(0) => usize::MAX,
        Some(limit) => limit as usize,
    };
    let mut found = Vec::new();
    let mut missing = Vec::new();
    if let Some(guild) = world.guilds.get(&guild_id) {
        if let Some(ids) = &ids {
            for id in ids {
                match id.parse().ok().and_then(|user| world.member_json(guild_id, user)) {
                    Some(member) => found.push(member),
                    None => missing.push(id.clone()),
                }
            }
        } else if let Some(query) = &query {
            let matching = guild.members.keys().filter(|user| {
                world.users.get(user).is_some_and(|user| {
                    user.username.starts_with(query.as_str()) || user.shown().to_lowercase().starts_with(query.as_str())
                })
            });
            found.extend(
                matching
                    .take(limit)
                    .filter_map(|user| world.member_json(guild_id, *user)),
            );
        }
    }
    let chunks: Vec<Vec<Value>> = if found.is_empty() {
        vec![Vec::new()]
    } else {
        found.chunks(1000).map(<[Value]>::to_vec).collect()
    };
    let count = chunks.len();
    for (index, members) in chunks.into_iter().enumerate() {
        let mut data = json!({
            "guild_id": guild_id.to_string(),
            "members": members,
            "chunk_index": index,
            "chunk_count": count,
            "not_found": if index == 0 { missing.clone() } else { Vec::new() },
        });
        if !request["nonce"].is_null() {
            data["nonce"] = request["nonce"].clone();
        }
        if let Some(session) = world.sessions.get_mut(session) {
            session.push(&mut world.logs, "GUILD_MEMBERS_CHUNK", &data.to_string());
        }
    }
    Ok(())
}
