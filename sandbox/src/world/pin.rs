//! Pins of channels: which messages, since when, and what everybody hears of a pin
//! (<https://discord.com/developers/docs/resources/message#pin-message>).
//!
//! It is apart from `message`, since a pin has a time of its own. Who may pin is decided before.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{Draft, Stored, World, permissions};
use crate::ids;

/// Message type of "pinned a message to this channel".
const PINNED: u64 = 6;
/// Pins that a channel may have (<https://discord.com/developers/docs/change-log>, 2025: it was 50 before).
pub(crate) const MOST: usize = 250;

/// By channel: messages and the milliseconds since 1970 at which they were pinned, newest last.
pub(crate) type Pins = BTreeMap<u64, Vec<(u64, u64)>>;

impl World {
    /// The pinned messages of a channel with the times of their pins, newest pin first.
    pub(crate) fn pinned(&self, channel: u64) -> Vec<(Arc<Stored>, u64)> {
        let pins = self.pins.get(&channel).map_or(&[][..], Vec::as_slice);
        pins.iter()
            .rev()
            .filter_map(|(id, at)| Some((Arc::clone(self.message(channel, *id)?), *at)))
            .collect()
    }

    /// Whether a channel takes no more pins.
    pub(crate) fn pins_are_full(&self, channel: u64) -> bool {
        self.pins.get(&channel).is_some_and(|pins| pins.len() >= MOST)
    }

    /// Pins or unpins a message, as `user`, and tells everybody; nothing happens if it is so already. `None` if there is
    /// no such message.
    pub(crate) fn pin(&mut self, user: u64, channel: u64, id: u64, pinned: bool) -> Option<()> {
        let before = Arc::clone(self.message(channel, id)?);
        if before.value["pinned"] == pinned {
            return Some(());
        }
        let now = self.ids.now_ms();
        let pins = self.pins.entry(channel).or_default();
        pins.retain(|(one, _)| *one != id);
        if pinned {
            // Lists are paged by these times: no two are the same.
            let at = pins.last().map_or(now, |(_, last)| now.max(last + 1));
            pins.push((id, at));
        }
        let last = pins.last().map(|(_, at)| ids::timestamp(*at));
        let mut value = before.value.clone();
        value["pinned"] = Value::Bool(pinned);
        let mentions = before.mentions.clone();
        self.replace(&before, value, mentions);
        if let Some(channel) = self
            .channels
            .get_mut(&channel)
            .filter(|channel| channel.guild_id.is_some())
        {
            channel.settings.insert("last_pin_timestamp".to_owned(), json!(last));
        }
        self.emit_pins(channel, last.as_deref());
        if pinned {
            let mut reference = json!({ "type": 0, "channel_id": channel.to_string(), "message_id": id.to_string() });
            if let Some(guild) = before.guild_id {
                reference["guild_id"] = json!(guild.to_string());
            }
            let mut draft = Draft {
                kind: Some(PINNED),
                ..Draft::default()
            };
            draft.extra.insert("message_reference".to_owned(), reference);
            self.post(channel, user, draft);
        }
        Some(())
    }

    /// The same as a person does it, if they may.
    pub(crate) fn pin_as(&mut self, person: u64, channel_id: u64, id: u64, pinned: bool) -> Result<(), String> {
        let channel = self.channels.get(&channel_id).ok_or("the channel is gone")?;
        let may = channel.guild_id.is_none() || self.permissions_in(channel, person) & permissions::PIN_MESSAGES != 0;
        if !may {
            return Err("this person lacks \"Pin Messages\" in this channel".to_owned());
        }
        if pinned && self.pins_are_full(channel_id) {
            return Err(format!("a channel has at most {MOST} pins"));
        }
        self.pin(person, channel_id, id, pinned)
            .ok_or_else(|| "the message is gone".to_owned())
    }

    /// Messages that are gone are pinned no more; nobody is told of that.
    pub(super) fn forget_pins(&mut self, channel: u64, messages: &[u64]) {
        if let Some(pins) = self.pins.get_mut(&channel) {
            pins.retain(|(id, _)| !messages.contains(id));
        }
    }
}
