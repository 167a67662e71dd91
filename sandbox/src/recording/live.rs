//! What a world tells the recorder: its events, and what no event says.
//!
//! Apart from the recorder, which also reads logs of other sessions; without a recording it only counts.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::world::{Stored, World};

impl World {
    /// An event that is no message's is about to be sent.
    pub(crate) fn record_event(&mut self, name: &str, data: &Value) {
        if name == "MESSAGE_DELETE" || name == "MESSAGE_DELETE_BULK" {
            self.effects += 1;
        }
        if let Some(recorder) = &mut self.recorder {
            let now = self.ids.now_ms();
            recorder.note(name, data, now);
        }
    }

    /// A message came or changed.
    pub(crate) fn record_message(&mut self, name: &str, message: &Arc<Stored>) {
        if message.by_bot {
            self.effects += 1;
        }
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        let now = self.ids.now_ms();
        if message.ephemeral_to.is_some() {
            recorder.note_ephemeral(&message.value, name == "MESSAGE_CREATE");
            return;
        }
        let mut value = message.value.clone();
        if let Some(guild) = message.guild_id {
            value["guild_id"] = json!(guild.to_string());
        }
        recorder.note(name, &value, now);
    }

    /// A person is about to delete a message themselves.
    pub(crate) fn record_deletion(&mut self, user: u64, channel_id: u64, message: u64) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        let guild = self.channels.get(&channel_id).and_then(|channel| channel.guild_id);
        let place = json!({
            "channel_id": channel_id.to_string(),
            "guild_id": guild.map(|guild| guild.to_string()),
        });
        let now = self.ids.now_ms();
        recorder.note_deletion(user, message, &place, now);
    }

    /// A person is about to leave by themselves.
    pub(crate) fn record_leave(&mut self, user: u64) {
        if let Some(recorder) = &mut self.recorder {
            let now = self.ids.now_ms();
            recorder.note_leave(user, now);
        }
    }
}
