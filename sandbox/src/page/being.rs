//! How people are there: their status, what they do, and the voice channels that they sit in (where nobody is heard).
//!
//! Apart from what they write and ask: bots hear of these with other intents.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::json;

use super::acts::{Answer, Refused, id, person, read};
use crate::shared::Shared;

/// Longest text of what somebody does, as in Discord's clients.
const LONGEST: usize = 128;

#[derive(Deserialize)]
struct Presence {
    r#as: String,
    status: String,
    /// The text of a custom status; an empty one takes it away, none leaves it.
    text: Option<String>,
}

/// `POST /page/presence`
pub(crate) async fn presence(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let presence: Presence = read(&body)?;
    if !matches!(presence.status.as_str(), "online" | "idle" | "dnd" | "invisible") {
        return Err("a status is online, idle, dnd or invisible".into());
    }
    let mut world = shared.world();
    let person = person(&world, &presence.r#as)?;
    let activities = presence.text.map(|text| {
        let text: String = text.trim().chars().take(LONGEST).collect();
        let custom = json!({ "id": "custom", "name": "Custom Status", "type": 4, "state": text, "created_at": world.ids.now_ms() });
        if text.is_empty() { Vec::new() } else { vec![custom] }
    });
    world.set_presence(person, &presence.status, activities);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct Voice {
    r#as: String,
    guild_id: String,
    /// None leaves.
    channel_id: Option<String>,
}

/// `POST /page/voice`
pub(crate) async fn voice(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let voice: Voice = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &voice.r#as)?;
    match voice.channel_id.as_deref().filter(|text| !text.is_empty()) {
        Some(channel) => {
            let channel = id(channel)?;
            let guild = world
                .may_enter(channel, person)
                .map_err(|why| Refused(format!("this voice channel can't be joined: {why}")))?;
            let session = format!("page-{person}");
            world.enter_voice(guild, person, channel, session);
        }
        None => {
            world.leave_voice(id(&voice.guild_id)?, person);
        }
    }
    Ok(Json(json!({})))
}
