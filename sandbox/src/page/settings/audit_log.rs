//! A server's audit log as people read it in its settings: for those who may view it, the newest first.
//!
//! What is noted, and who hears of new entries, is in `world::audit_log`.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Hand;
use crate::{
    page::acts::{Answer, id, person},
    shared::Shared,
    world::{audit_log::Entry, permissions},
};

/// Entries of one answer.
const PAGE: usize = 50;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    r#as: String,
    guild_id: String,
    before: Option<String>,
    /// Only what this person or bot did.
    user_id: Option<String>,
    action_type: Option<u64>,
}

/// `GET /page/audit-log`
pub(crate) async fn read(State(shared): State<Arc<Shared>>, Query(wanted): Query<Wanted>) -> Answer {
    let world = shared.world();
    let hand = Hand {
        person: person(&world, &wanted.r#as)?,
        guild: id(&wanted.guild_id)?,
    };
    hand.may(&world, permissions::VIEW_AUDIT_LOG)?;
    let of = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(id).transpose();
    let (before, user) = (of(&wanted.before)?, of(&wanted.user_id)?);
    let is_wanted = |entry: &&Entry| {
        before.is_none_or(|before| entry.id < before)
            && user.is_none_or(|user| entry.actor() == user)
            && wanted.action_type.is_none_or(|action| entry.action() == action)
    };
    let mut entries: Vec<&Entry> = world
        .audit_log(hand.guild)
        .rev()
        .filter(is_wanted)
        .take(PAGE + 1)
        .collect();
    let has_more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let named: BTreeSet<u64> = entries
        .iter()
        .flat_map(|entry| [Some(entry.actor()), entry.target()])
        .flatten()
        .filter(|id| world.users.contains_key(id))
        .collect();
    let users: Vec<Value> = named.into_iter().map(|id| world.user_json(id)).collect();
    Ok(Json(json!({
        "entries": entries.into_iter().map(Entry::json).collect::<Vec<_>>(),
        "users": users,
        "has_more": has_more,
    })))
}
