//! Reactions: who reacted with what, their counts in the message, and what everybody hears of them
//! (<https://discord.com/developers/docs/resources/message#reaction-object>).
//!
//! Who may react is decided before. Super reactions are people's with a subscription: there are none here.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Stored, World};

/// Different emojis on a message (<https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>, 30010).
pub(crate) const MOST: usize = 20;

impl World {
    /// Whether a message has no room for another emoji; one that is there already always has.
    pub(crate) fn reactions_are_full(message: &Stored, emoji: &Value) -> bool {
        let there = message.value["reactions"].as_array().map_or(&[][..], Vec::as_slice);
        there.len() >= MOST && !there.iter().any(|one| one["emoji"] == *emoji)
    }

    /// Adds or removes `user`'s reaction; says whether anything changed.
    pub(crate) fn react(&mut self, channel_id: u64, id: u64, user: u64, emoji: &Value, add: bool) -> bool {
        let Some(before) = self.message(channel_id, id).map(Arc::clone) else {
            return false;
        };
        let key = (id, emoji_key(emoji));
        let reactors = self.reactions.entry(key.clone()).or_default();
        let changed = if add {
            let is_new = !reactors.contains(&user);
            if is_new {
                reactors.push(user);
            }
            is_new
        } else {
            let count = reactors.len();
            reactors.retain(|who| *who != user);
            reactors.len() != count
        };
        if !changed {
            return false;
        }
        let (count, me) = (reactors.len(), reactors.contains(&self.bot_id));
        if reactors.is_empty() {
            self.reactions.remove(&key);
        }
        let mut value = before.value.clone();
        let mut reactions = value["reactions"].as_array().cloned().unwrap_or_default();
        let place = reactions.iter().position(|reaction| reaction["emoji"] == *emoji);
        let reaction = json!({
            "emoji": emoji,
            "count": count,
            "count_details": { "burst": 0, "normal": count },
            "burst_colors": [],
            "me_burst": false,
            "burst_me": false,
            "burst_count": 0,
            "me": me,
        });
        match place {
            Some(at) if count == 0 => {
                reactions.remove(at);
            }
            Some(at) => reactions[at] = reaction,
            None => reactions.push(reaction),
        }
        value["reactions"] = Value::Array(reactions);
        let mentions = before.mentions.clone();
        let message = self.swap(&before, value, mentions);
        self.emit_reaction(&message, user, emoji, add);
        true
    }

    /// Who reacted with `emoji`.
    pub(crate) fn reactors(&self, id: u64, emoji: &Value) -> Vec<u64> {
        self.reactions.get(&(id, emoji_key(emoji))).cloned().unwrap_or_default()
    }

    /// Removes all reactions, or all with one emoji, and tells everybody.
    pub(crate) fn clear_reactions(&mut self, channel_id: u64, id: u64, only: Option<&Value>) {
        let Some(before) = self.message(channel_id, id).map(Arc::clone) else {
            return;
        };
        let key = only.map(emoji_key);
        self.reactions
            .retain(|(message, emoji), _| *message != id || key.as_ref().is_some_and(|key| key != emoji));
        let mut value = before.value.clone();
        let left: Vec<Value> = value["reactions"]
            .as_array()
            .map(|all| {
                all.iter()
                    .filter(|one| only.is_some_and(|only| one["emoji"] != *only))
                    .cloned()
                    .collect()
            })
            .unwrap_or_default();
        value["reactions"] = Value::Array(left);
        let mentions = before.mentions.clone();
        let message = self.swap(&before, value, mentions);
        self.emit_reactions_cleared(&message, only);
    }
}

/// What tells emojis apart.
pub(super) fn emoji_key(emoji: &Value) -> String {
    format!(
        "{}:{}",
        emoji["id"].as_str().unwrap_or_default(),
        emoji["name"].as_str().unwrap_or_default()
    )
}
