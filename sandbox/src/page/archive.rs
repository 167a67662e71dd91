//! Threads in the archive, as a channel's list of threads shows them to a person.
//!
//! Only reading: whoever writes into one takes it out again, which is `world`'s matter.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{Answer, READ, channel, person};
use crate::{
    shared::Shared,
    world::{Channel, permissions, thread::Thread},
};

/// Threads of one answer.
const PAGE: usize = 50;

#[derive(Deserialize)]
pub(crate) struct Listing {
    r#as: String,
    channel_id: String,
    /// How many were read already.
    #[serde(default)]
    offset: usize,
}

/// `GET /page/threads/archived`: the last archived first; private ones for those who are in them or manage threads.
pub(crate) async fn archived(State(shared): State<Arc<Shared>>, Query(listing): Query<Listing>) -> Answer {
    let world = shared.world();
    let person = person(&world, &listing.r#as)?;
    let needed = READ | permissions::READ_MESSAGE_HISTORY;
    let parent = channel(&world, person, &listing.channel_id, needed)?;
    let guild = world.channels.get(&parent).and_then(|channel| channel.guild_id);
    let mut found: Vec<&Channel> = guild
        .into_iter()
        .flat_map(|guild| world.threads_of(guild))
        .filter(|thread| thread.parent_id == Some(parent))
        .filter(|thread| thread.thread.as_ref().is_some_and(|state| state.archived))
        .filter(|thread| world.permissions_in(thread, person) & READ != 0)
        .collect();
    found.sort_by_key(|thread| Reverse((thread.thread.as_ref().map(Thread::archived_at), thread.id)));
    let total = found.len();
    let threads: Vec<Value> = found
        .into_iter()
        .skip(listing.offset)
        .take(PAGE)
        .map(|thread| {
            let mut json = thread.guild_json();
            json["owner"] = json!(thread.thread.as_ref().map(|state| world.user_json(state.owner_id)));
            json
        })
        .collect();
    Ok(Json(json!({ "total": total, "threads": threads })))
}
