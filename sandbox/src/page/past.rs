//! What was said before: the messages of a channel by place in time, its pins, and the search through a server.
//!
//! Only reading, but for pinning; what people see of it is what they may see in the channel.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{Answer, READ, channel, id, message, person, read};
use crate::{
    shared::Shared,
    world::{Stored, World, page_message, permissions},
};

/// Largest page of messages.
const MOST: usize = 200;
/// Messages that a search gives at most.
const FOUND: usize = 50;

#[derive(Deserialize)]
pub(crate) struct Listing {
    r#as: String,
    channel_id: String,
    limit: Option<usize>,
    before: Option<String>,
    after: Option<String>,
    /// Half of the page is before this message, half after it.
    around: Option<String>,
}

/// Messages of a channel, oldest first: the last ones, or those before, after or around a message.
pub(crate) async fn messages(State(shared): State<Arc<Shared>>, Query(listing): Query<Listing>) -> Answer {
    let world = shared.world();
    let person = person(&world, &listing.r#as)?;
    let channel = channel(&world, person, &listing.channel_id, READ)?;
    let of = |text: &Option<String>| text.as_deref().map(id).transpose();
    let (before, after, around) = (of(&listing.before)?, of(&listing.after)?, of(&listing.around)?);
    let limit = listing.limit.unwrap_or(50).clamp(1, MOST);
    let history = || {
        let history = world.channels.get(&channel).map(|channel| channel.history.iter());
        history
            .into_iter()
            .flatten()
            .filter(|message| message.is_visible_to(person))
    };
    let last = |before: Option<u64>, count: usize| {
        let mut found: Vec<&Arc<Stored>> = history()
            .rev()
            .filter(|message| before.is_none_or(|before| message.id < before))
            .take(count)
            .collect();
        found.reverse();
        found
    };
    let found: Vec<&Arc<Stored>> = match (around, after) {
        (Some(around), _) => {
            let mut found = last(Some(around), limit / 2);
            found.extend(history().filter(|message| message.id >= around).take(limit - limit / 2));
            found
        }
        (None, Some(after)) => history().filter(|message| message.id > after).take(limit).collect(),
        (None, None) => last(before, limit),
    };
    Ok(Json(
        found
            .into_iter()
            .map(|message| page_message(message, &world.reactions, &world.polls))
            .collect(),
    ))
}

#[derive(Deserialize)]
pub(crate) struct Place {
    r#as: String,
    channel_id: String,
}

/// The pinned messages of a channel, newest first.
pub(crate) async fn pins(State(shared): State<Arc<Shared>>, Query(place): Query<Place>) -> Answer {
    let world = shared.world();
    let person = person(&world, &place.r#as)?;
    let channel = channel(&world, person, &place.channel_id, READ)?;
    let pinned = world.pinned(channel);
    Ok(Json(
        pinned
            .iter()
            .map(|(message, _)| page_message(message, &world.reactions, &world.polls))
            .collect(),
    ))
}

#[derive(Deserialize)]
struct Pin {
    r#as: String,
    channel_id: String,
    message_id: String,
    #[serde(default)]
    remove: bool,
}

/// Pins or unpins a message.
pub(crate) async fn pin(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let pin: Pin = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &pin.r#as)?;
    let found = message(&world, person, &pin.channel_id, &pin.message_id)?;
    if found.guild_id.is_some() {
        channel(&world, person, &pin.channel_id, READ | permissions::MANAGE_MESSAGES)?;
    }
    world.pin_as(person, found.channel_id, found.id, !pin.remove)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(crate) struct Search {
    r#as: String,
    /// All channels of the server that the person reads; or only `channel_id`.
    guild_id: Option<String>,
    channel_id: Option<String>,
    #[serde(default)]
    q: String,
}

/// What a search asks for: words, and `from:`, `mentions:`, `has:`, `in:` and `pinned:` as in Discord's search.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    words: Vec<String>,
    from: Option<String>,
    mentions: Option<String>,
    has: Vec<String>,
    within: Option<String>,
    pinned: bool,
}

impl Wanted {
    fn read(text: &str) -> Self {
        let mut wanted = Self::default();
        for word in text.to_lowercase().split_whitespace() {
            match word.split_once(':') {
                Some(("from", name)) => wanted.from = Some(name.trim_start_matches('@').to_owned()),
                Some(("mentions", name)) => wanted.mentions = Some(name.trim_start_matches('@').to_owned()),
                Some(("has", what)) => wanted.has.push(what.to_owned()),
                Some(("in", name)) => wanted.within = Some(name.trim_start_matches('#').to_owned()),
                Some(("pinned", value)) => wanted.pinned = value == "true",
                _ => wanted.words.push(word.to_owned()),
            }
        }
        wanted
    }

    fn fits(&self, world: &World, message: &Stored) -> bool {
        let value = &message.value;
        let is = |user: &Value, name: &str| {
            [&user["username"], &user["global_name"], &user["id"]]
                .into_iter()
                .any(|text| text.as_str().is_some_and(|text| text.to_lowercase() == name))
        };
        let filled = |list: &str| value[list].as_array().is_some_and(|list| !list.is_empty());
        let has = |what: &str| match what {
            "link" => value["content"].as_str().is_some_and(|text| text.contains("://")),
            "embed" => filled("embeds"),
            "file" => filled("attachments"),
            "image" => value["attachments"].as_array().into_iter().flatten().any(|file| {
                file["content_type"]
                    .as_str()
                    .is_some_and(|kind| kind.starts_with("image/"))
            }),
            "poll" => value["poll"].is_object(),
            "sticker" => filled("sticker_items"),
            _ => false,
        };
        let place = || {
            world
                .channels
                .get(&message.channel_id)
                .map(|channel| channel.name.to_lowercase())
        };
        if self.from.as_deref().is_some_and(|name| !is(&value["author"], name))
            || self
                .within
                .as_deref()
                .is_some_and(|name| place().as_deref() != Some(name))
            || self.pinned && value["pinned"] != true
            || !self.has.iter().all(|what| has(what))
        {
            return false;
        }
        if let Some(name) = &self.mentions
            && !value["mentions"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|user| is(user, name))
        {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let mut text = value["content"].as_str().unwrap_or_default().to_lowercase();
        for part in ["embeds", "components"] {
            if filled(part) {
                texts_of(&value[part], &mut text);
            }
        }
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

/// The texts of embeds and components, one after the other.
fn texts_of(value: &Value, to: &mut String) {
    const READ: [&str; 7] = ["title", "description", "name", "value", "text", "content", "label"];
    match value {
        Value::Array(values) => values.iter().for_each(|value| texts_of(value, to)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if READ.contains(&key.as_str()) => {
                        to.push('\n');
                        to.push_str(&text.to_lowercase());
                    }
                    Value::Array(_) | Value::Object(_) => texts_of(value, to),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The newest messages that fit, of what the person reads.
pub(crate) async fn search(State(shared): State<Arc<Shared>>, Query(search): Query<Search>) -> Answer {
    let world = shared.world();
    let person = person(&world, &search.r#as)?;
    let channels: Vec<u64> = match (&search.channel_id, &search.guild_id) {
        (Some(only), _) => vec![channel(&world, person, only, READ)?],
        (None, Some(guild)) => {
            let guild = id(guild)?;
            let of_guild = world
                .channels
                .values()
                .filter(|channel| channel.guild_id == Some(guild));
            let seen = of_guild.filter(|channel| world.permissions_in(channel, person) & READ != 0);
            seen.map(|channel| channel.id).collect()
        }
        (None, None) => return Err("say where to search: channel_id or guild_id".into()),
    };
    let wanted = Wanted::read(&search.q);
    if wanted == Wanted::default() {
        return Err("write what to search for".into());
    }
    let histories = channels.iter().filter_map(|channel| world.channels.get(channel));
    let all = histories.flat_map(|channel| channel.history.iter());
    let mut found: Vec<&Arc<Stored>> = all
        .filter(|message| message.is_visible_to(person) && wanted.fits(&world, message))
        .collect();
    let total = found.len();
    found.sort_unstable_by_key(|message| std::cmp::Reverse(message.id));
    found.truncate(FOUND);
    let messages: Vec<Value> = found
        .into_iter()
        .map(|message| page_message(message, &world.reactions, &world.polls))
        .collect();
    Ok(Json(json!({ "total": total, "messages": messages })))
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn a_search_has_words_and_filters() {
        let wanted = Wanted::read("Hello from:@Alice has:embed in:#general world pinned:true a:b");
        assert_eq!(wanted.words, ["hello", "world", "a:b"]);
        assert_eq!(wanted.from.as_deref(), Some("alice"));
        assert_eq!(wanted.within.as_deref(), Some("general"));
        assert_eq!(wanted.has, ["embed"]);
        assert!(wanted.pinned);
    }
}
