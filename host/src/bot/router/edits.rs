//! Commands that are edited run again, and edit their answers; with commands that are deleted their answers go.
//!
//! Both as the owner's `edits` say. Discord sends an edit for a preview, too, which it adds to a message: only what its
//! author changed counts.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::MessageId;
use serde::Deserialize;

use super::Router;
use crate::{
    commands::Message,
    gateway::{Partial, RawEvent},
};

/// Where Discord's ids begin to count, in milliseconds since 1970
/// (<https://discord.com/developers/docs/reference#snowflakes>).
const DISCORD_EPOCH: u64 = 1_420_070_400_000;
/// By how many bits a time is shifted in an id.
const TIME_SHIFT: u32 = 22;

impl Router {
    /// A message was edited.
    pub(super) fn route_edit(self: &Arc<Self>, event: &RawEvent, partial: &Partial<'_>) {
        let edits = self.config.get().edits.clone();
        let is_recent = |id: u64| age(id) <= edits.window;
        if edits.rerun
            && !partial.is_by_bot()
            && partial.id.is_some_and(|id| is_recent(id.get()))
            && is_edited(&event.payload)
        {
            self.route_message(event, partial);
        }
    }

    /// Whether a command ran with this very text of this message before: an edit may change nothing that matters.
    pub(super) async fn ran_already(&self, message: &Message, text: &str) -> bool {
        let (id, channel) = (message.id, message.channel_id);
        let Some(notes) = self.invocations.answers().begins(id, channel, text).await else {
            return true;
        };
        if !notes.is_empty() {
            let invocations = self.invocations.clone();
            self.tasks
                .spawn(async move { invocations.delete_messages(channel, notes).await });
        }
        false
    }

    /// A message was deleted.
    pub(super) fn route_deletion(self: &Arc<Self>, partial: &Partial<'_>) {
        let Some(message) = partial.id.and_then(|id| MessageId::new(id.get())) else {
            return;
        };
        if !self.config.get().edits.delete_answers {
            return;
        }
        let router = Arc::clone(self);
        self.drive(async move {
            if let Some((channel, answers)) = router.invocations.answers().deleted(message).await {
                router.invocations.delete_messages(channel, answers).await;
            }
        });
    }
}

/// Whether its author edited it.
fn is_edited(payload: &str) -> bool {
    #[derive(Deserialize)]
    struct Frame {
        d: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        #[serde(default)]
        edited_timestamp: Option<String>,
    }
    serde_json::from_str::<Frame>(payload).is_ok_and(|frame| frame.d.edited_timestamp.is_some())
}

/// How long ago something with this id was made.
fn age(id: u64) -> Duration {
    let made = Duration::from_millis((id >> TIME_SHIFT) + DISCORD_EPOCH);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(made)
}
