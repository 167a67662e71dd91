//! A guild's audit log, as far as it goes back
//! (<https://discord.com/developers/docs/resources/audit-log#get-guild-audit-log>).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Call, Outcome, Route, guilds};
use crate::world::{World, audit_log::Entry, permissions};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[Route::get("/guilds/{guild_id}/audit-logs", |world, call, path| {
    list(world, call, path[0])
})
.query(&["user_id", "target_id", "action_type", "before", "after", "limit"])];

fn list(world: &World, call: &Call, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, permissions::VIEW_AUDIT_LOG)?;
    let limit = call.number("limit", 50, 1, 100)? as usize;
    let (user, target) = (call.id("user_id")?, call.id("target_id")?);
    let action = match call.query("action_type") {
        Some(_) => Some(call.number("action_type", 0, 0, 255)?),
        None => None,
    };
    let (before, after) = (call.id("before")?, call.id("after")?);
    let is_wanted = |entry: &&Entry| {
        user.is_none_or(|user| entry.actor() == user)
            && target.is_none_or(|target| entry.target() == Some(target))
            && action.is_none_or(|action| entry.action() == action)
            && before.is_none_or(|before| entry.id < before)
            && after.is_none_or(|after| entry.id > after)
    };
    // The newest first; after an id, the oldest first.
    let entries: Vec<&Entry> = if after.is_some() {
        world.audit_log(guild).filter(is_wanted).take(limit).collect()
    } else {
        world.audit_log(guild).rev().filter(is_wanted).take(limit).collect()
    };
    let named: BTreeSet<u64> = entries
        .iter()
        .flat_map(|entry| [Some(entry.actor()), entry.target()])
        .flatten()
        .filter(|id| world.users.contains_key(id))
        .collect();
    let threads = entries.iter().filter_map(|entry| world.channels.get(&entry.target()?));
    let threads: Vec<Value> = threads
        .filter(|channel| channel.is_thread())
        .map(crate::world::Channel::guild_json)
        .collect();
    Ok(Answer::ok(&json!({
        "audit_log_entries": entries.iter().map(|entry| entry.json()).collect::<Vec<_>>(),
        "users": named.iter().map(|id| world.user_json(*id)).collect::<Vec<_>>(),
        "integrations": [],
        "webhooks": [],
        "guild_scheduled_events": [],
        "threads": threads,
        "application_commands": [],
        "auto_moderation_rules": [],
    })))
}
