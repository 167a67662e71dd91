//! Threads as people close, open, lock and rename them, by the rules of Discord's client.
//!
//! Apart from channels: who began a thread may do more in it than others, and its archive opens to whoever may write.

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Hand, name};
use crate::{
    page::acts::{Answer, Refused},
    world::{Channel, World, audit_log::action, permissions},
};

/// What is asked for; what is left out stays as it is.
#[derive(Default, Deserialize)]
pub(super) struct ThreadShape {
    name: Option<String>,
    archived: Option<bool>,
    locked: Option<bool>,
}

/// What the audit log tells of it.
fn logged(thread: &Channel) -> Value {
    let json = thread.guild_json();
    let state = &json["thread_metadata"];
    json!({ "name": json["name"], "archived": state["archived"], "locked": state["locked"] })
}

pub(super) fn thread_to(world: &mut World, hand: &Hand, text: &str, shape: &ThreadShape) -> Answer {
    let found = hand.channel(world, text)?;
    let state = found.thread.as_ref().ok_or("that is no thread")?;
    let has = world.permissions_in(found, hand.person);
    let wanted = shape.name.as_deref().map(name).transpose()?;
    if has & permissions::MANAGE_THREADS == 0 {
        let only_opens = shape.archived == Some(false) && shape.locked.is_none() && wanted.is_none();
        let may_open = only_opens && !state.locked && has & permissions::SEND_MESSAGES_IN_THREADS != 0;
        let reopens_locked = state.locked && shape.archived == Some(false);
        let is_own = state.owner_id == hand.person && shape.locked.is_none() && !reopens_locked;
        if !may_open && !is_own || has & permissions::VIEW_CHANNEL == 0 {
            return Err(Refused(format!(
                "this person lacks \"{}\" in this channel",
                permissions::name(permissions::MANAGE_THREADS)
            )));
        }
    }
    let (id, before) = (found.id, logged(found));
    world.change_thread(id, |channel| {
        if let Some(wanted) = wanted {
            channel.name = wanted;
        }
        if let Some(thread) = &mut channel.thread {
            thread.archived = shape.archived.unwrap_or(thread.archived);
            thread.locked = shape.locked.unwrap_or(thread.locked);
        }
    });
    let changed = world.channels.get(&id).ok_or("the thread is gone")?;
    let (after, json) = (logged(changed), changed.guild_json());
    let note = hand.note(action::THREAD_UPDATE, id).between(&before, &after);
    if note.is_a_change() {
        world.record(hand.guild, note);
    }
    Ok(Json(json))
}
