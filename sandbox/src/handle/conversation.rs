//! What a failed expectation prints: who said what in the channel, and what the bot was refused.
//!
//! All expectations share it, so that every failure is told alike. It only reads the world and must not wait.

use std::fmt::Write;

use serde_json::Value;

use crate::{
    handle::Direction,
    world::{Stored, World},
};

/// Messages and errors that are printed at most.
const SHOWN: usize = 60;

/// The end of a channel's conversation, one line a message.
pub(crate) fn of(world: &World, channel_id: u64) -> String {
    let Some(channel) = world.channels.get(&channel_id) else {
        return "(no such channel)".to_owned();
    };
    let name = match channel.recipient {
        Some(person) => format!(
            "direct messages with {}",
            world.users.get(&person).map_or("?", |user| user.shown())
        ),
        None => format!("#{}", channel.name),
    };
    let mut text = format!("conversation in {name}:\n");
    let messages: Vec<_> = channel.history.iter().collect();
    for message in messages.iter().skip(messages.len().saturating_sub(SHOWN)) {
        let _ = writeln!(text, "  {}", line(world, message));
    }
    if messages.is_empty() {
        text.push_str("  (nothing was said)\n");
    }
    text
}

fn line(world: &World, message: &Stored) -> String {
    // A webhook is no user.
    let shown = message.value["author"]["username"].as_str().unwrap_or("?");
    let who = world.users.get(&message.author_id).map_or(shown, |user| user.shown());
    let mut text = format!("{who}: {}", message.value["content"].as_str().unwrap_or_default());
    for embed in message.value["embeds"].as_array().into_iter().flatten() {
        let part = |key: &str| embed[key].as_str().unwrap_or_default();
        let _ = write!(text, " [embed {:?} {:?}]", part("title"), part("description"));
    }
    let mut labels = Vec::new();
    collect_labels(&message.value["components"], &mut labels);
    if !labels.is_empty() {
        let _ = write!(text, " [controls: {}]", labels.join(", "));
    }
    if message.ephemeral_to.is_some() {
        text.push_str(" (ephemeral)");
    }
    if message.is_loading() {
        text.push_str(" (thinking ...)");
    }
    if message.edits > 0 {
        let _ = write!(text, " (changed {}x)", message.edits);
    }
    text
}

fn collect_labels(components: &Value, labels: &mut Vec<String>) {
    for component in components.as_array().into_iter().flatten() {
        if let Some(name) = component["label"].as_str().or(component["custom_id"].as_str()) {
            labels.push(name.to_owned());
        }
        collect_labels(&component["components"], labels);
        if component["accessory"].is_object() {
            collect_labels(&Value::Array(vec![component["accessory"].clone()]), labels);
        }
    }
}

/// The last REST calls that were refused.
pub(crate) fn errors(world: &World) -> String {
    let refused: Vec<_> = world.logs.rest.iter().filter(|entry| entry.status >= 400).collect();
    let mut text = format!(
        "REST calls: {} remembered, {} refused",
        world.logs.rest.len(),
        refused.len()
    );
    for entry in refused.iter().rev().take(SHOWN).rev() {
        let _ = write!(
            text,
            "\n  {} {} -> {} {}",
            entry.method,
            entry.path,
            entry.status,
            entry.error()
        );
    }
    text
}

/// The last gateway payloads.
pub(crate) fn gateway(world: &World) -> String {
    let online = if world.sessions.is_online(None) {
        "online"
    } else {
        "offline"
    };
    let mut text = format!("gateway: {} connections, the bot is {online}", world.logs.connections);
    for entry in world.logs.gateway.iter().rev().take(SHOWN).rev() {
        let arrow = match entry.direction {
            Direction::ToBot => "to bot",
            Direction::FromBot => "from bot",
            Direction::Note => "note",
        };
        let _ = write!(
            text,
            "\n  {arrow}: op {} {}",
            entry.op,
            entry.name.as_deref().unwrap_or_default()
        );
    }
    text
}
