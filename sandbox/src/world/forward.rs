//! Forwarded messages: what a message was at that moment, shown elsewhere
//! (<https://discord.com/developers/docs/resources/message#message-reference-content-attribution-forwards>).
//!
//! Who may read the one and write at the other place is decided before.

use serde_json::{Map, Value, json};

use super::{Draft, World, message::HAS_SNAPSHOT};

/// What of a message goes into a snapshot: its author does not.
const FIELDS: &[&str] = &[
    "type",
    "content",
    "embeds",
    "attachments",
    "timestamp",
    "edited_timestamp",
    "flags",
    "mentions",
    "mention_roles",
    "sticker_items",
    "components",
];

impl World {
    /// A draft that forwards a message; `None` if there is no such message. Of a forwarded one, what it forwards.
    pub(crate) fn forward(&self, channel: u64, message: u64) -> Option<Draft> {
        let source = self.message(channel, message)?;
        let mut reference = json!({ "type": 1, "channel_id": channel.to_string(), "message_id": message.to_string() });
        if let Some(guild) = source.guild_id {
            reference["guild_id"] = json!(guild.to_string());
        }
        let snapshots = match &source.value["message_snapshots"] {
            Value::Array(earlier) => Value::Array(earlier.clone()),
            _ => json!([{ "message": snapshot(&source.value) }]),
        };
        let mut extra = Map::new();
        extra.insert("message_reference".to_owned(), reference);
        extra.insert("message_snapshots".to_owned(), snapshots);
        Some(Draft {
            kind: Some(0),
            flags: HAS_SNAPSHOT,
            extra,
            ..Draft::default()
        })
    }
}

fn snapshot(message: &Value) -> Value {
    let fields = FIELDS
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), message.get(*key)?.clone())));
    Value::Object(fields.collect())
}
