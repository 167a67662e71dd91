//! Forums as people use them: the list of posts with their first messages, and new posts.
//!
//! A post is a thread whose first message comes with it and has its id; all else is as in other threads, so that opening
//! one and answering in it needs nothing of this file.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
    http::HeaderMap,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    acts::{Answer, READ, Refused, WRITE, channel, id, person},
    uploads::{self, Described},
    writing::{content, thread_name},
};
use crate::{
    shared::Shared,
    world::{
        Channel, Draft, World,
        audit_log::{Note, action},
        page_message, permissions,
        thread::{Beginning, PUBLIC_THREAD},
    },
};

/// Posts of one answer.
const PAGE: usize = 50;
/// Tags that one post may have.
const MOST_TAGS: usize = 5;
/// Flag of forums in which every post has a tag.
const REQUIRES_TAG: u64 = 1 << 4;

#[derive(Deserialize)]
pub(crate) struct Listing {
    r#as: String,
    channel_id: String,
    /// How many were read already.
    #[serde(default)]
    offset: usize,
}

/// When something was last said in a thread, as an id.
fn last_activity(thread: &Channel) -> u64 {
    thread.history.last_id().unwrap_or(thread.id)
}

/// `GET /page/posts`: those outside the archive first, in each part the latest activity first.
pub(crate) async fn posts(State(shared): State<Arc<Shared>>, Query(listing): Query<Listing>) -> Answer {
    let world = shared.world();
    let person = person(&world, &listing.r#as)?;
    let forum = forum(&world, channel(&world, person, &listing.channel_id, READ)?)?;
    let of_forum = |thread: &&Channel| thread.parent_id == Some(forum.id);
    let guild = forum.guild_id.ok_or("the forum is gone")?;
    let mut found: Vec<&Channel> = world.threads_of(guild).filter(of_forum).collect();
    found.sort_by_key(|thread| {
        let is_archived = thread.thread.as_ref().is_some_and(|state| state.archived);
        (is_archived, Reverse(last_activity(thread)))
    });
    let total = found.len();
    let posts: Vec<Value> = found
        .into_iter()
        .skip(listing.offset)
        .take(PAGE)
        .map(|thread| {
            let first = world.message(thread.id, thread.id);
            json!({
                "thread": thread.guild_json(),
                "owner": thread.thread.as_ref().map(|state| world.user_json(state.owner_id)),
                "message": first.map(|message| page_message(message, &world.reactions, &world.polls)),
                "last_activity": crate::ids::created_at(last_activity(thread)),
            })
        })
        .collect();
    Ok(Json(json!({ "total": total, "posts": posts })))
}

fn forum(world: &World, id: u64) -> Result<&Channel, Refused> {
    let found = world.channels.get(&id);
    found
        .filter(|channel| matches!(channel.kind, 15 | 16))
        .ok_or_else(|| "only forums have posts".into())
}

#[derive(Deserialize)]
struct NewPost {
    r#as: String,
    channel_id: String,
    name: String,
    #[serde(default)]
    content: String,
    /// Ids of the forum's tags.
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    attachments: Vec<Described>,
}

/// `POST /page/posts`: begins a post with its first message.
pub(crate) async fn post(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let (new, files): (NewPost, _) = uploads::form(&headers, body).await?;
    let name = thread_name(&new.name)?;
    let base = shared.http_url();
    let mut world = shared.world();
    let person = person(&world, &new.r#as)?;
    let needed = if files.is_empty() {
        WRITE
    } else {
        WRITE | permissions::ATTACH_FILES
    };
    if let Some(why) = world.hindrance(id(&new.channel_id)?, person) {
        return Err(Refused(why));
    }
    let parent = channel(&world, person, &new.channel_id, needed)?;
    let place = forum(&world, parent)?;
    let tags = tags(&world, place, person, &new.tags)?;
    let idle = place
        .settings
        .get("default_auto_archive_duration")
        .and_then(Value::as_u64);
    let guild = place.guild_id.ok_or("the forum is gone")?;
    let content = content(&new.content, !files.is_empty())?;
    let mut beginning = Beginning::new(&name, PUBLIC_THREAD);
    beginning.auto_archive_duration = idle.unwrap_or(beginning.auto_archive_duration);
    beginning.post = Some(tags);
    let made = world
        .start_thread(parent, person, beginning)
        .ok_or("the forum is gone")?;
    let note = json!({ "name": name, "type": PUBLIC_THREAD });
    world.record(
        guild,
        Note::new(action::THREAD_CREATE, person, Some(made)).between(&Value::Null, &note),
    );
    let first = Draft {
        id: Some(made),
        content,
        attachments: uploads::keep(&mut world, &base, made, files, &new.attachments, false),
        ..Draft::default()
    };
    world.post_in_thread_silently(made, person, first);
    let json = world.channels.get(&made).map(Channel::guild_json);
    Ok(Json(json.unwrap_or_default()))
}

/// The tags, if the forum has them and the person may set them.
fn tags(world: &World, forum: &Channel, person: u64, wanted: &[String]) -> Result<Vec<u64>, Refused> {
    let known = forum.settings.get("available_tags").and_then(Value::as_array);
    let moderates = world.permissions_in(forum, person) & permissions::MANAGE_THREADS != 0;
    if wanted.len() > MOST_TAGS {
        return Err(Refused(format!("a post has at most {MOST_TAGS} tags")));
    }
    for tag in wanted {
        let found = known.and_then(|known| known.iter().find(|one| one["id"] == tag.as_str()));
        let found = found.ok_or("the forum has no such tag any more")?;
        if found["moderated"] == true && !moderates {
            return Err(Refused(format!(
                "only those who manage threads may set the tag \"{}\"",
                found["name"].as_str().unwrap_or_default()
            )));
        }
    }
    let flags = forum.settings.get("flags").and_then(Value::as_u64).unwrap_or(0);
    if flags & REQUIRES_TAG != 0 && wanted.is_empty() {
        return Err("every post of this forum has a tag: choose one".into());
    }
    let mut ids: Vec<u64> = wanted.iter().map(|tag| id(tag)).collect::<Result<_, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
