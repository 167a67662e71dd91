//! Commands that are edited run again, and edit their answers; with commands that are deleted their answers go.
//!
//! Both as the owner's `edits` say. Discord sends an edit for a preview, too, which it adds to a message: only what its
//! author changed counts.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::{ChannelId, MessageId};
use serde::Deserialize;

use super::Router;
use crate::{
    commands::Message,
    gateway::{Partial, RawEvent},
    interactions::Run,
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

    /// A command begins with this text of this message: the number of its run. `None` if it ran with this very text before,
    /// since an edit may change nothing that matters, and if the message is gone.
    pub(super) async fn begins(&self, message: &Message, text: &str) -> Option<u64> {
        let (id, channel) = (message.id, message.channel_id);
        let Run {
            number,
            is_again,
            outdated,
        } = self.invocations.answers().begins(id, channel, text).await?;
        if is_again {
            self.end_outdated_waits();
        }
        if !outdated.is_empty() {
            let invocations = self.invocations.clone();
            self.tasks
                .spawn(async move { invocations.delete_messages(channel, outdated).await });
        }
        Some(number)
    }

    /// Functions wait in vain whose message has run again or is gone: they end, and their runs with them.
    fn end_outdated_waits(&self) {
        if !self.watches.are_there() {
            return;
        }
        let mut outdated = self.watches.invocations();
        outdated.retain(|id| self.invocations.is_outdated(*id));
        for (generation, watch, invocation) in self.watches.end_in(&outdated) {
            self.invocations.resumes(invocation);
            generation.tell_watch_ended(watch);
        }
    }

    /// A run came to nothing: what those before it had said goes.
    pub(super) async fn came_to_nothing(&self, message: (MessageId, ChannelId), run: u64) {
        let left = self.invocations.answers().ends(message.0, run);
        self.invocations.delete_messages(message.1, left).await;
    }

    /// A message was deleted.
    pub(super) fn route_deletion(self: &Arc<Self>, partial: &Partial<'_>) {
        if let Some(message) = partial.id.and_then(|id| MessageId::new(id.get())) {
            self.is_gone(message);
        }
    }

    /// Many messages were deleted at once.
    pub(super) fn route_bulk_deletion(self: &Arc<Self>, payload: &str) {
        #[derive(Deserialize)]
        struct Frame {
            d: Data,
        }
        #[derive(Deserialize)]
        struct Data {
            ids: Vec<MessageId>,
        }
        match serde_json::from_str::<Frame>(payload) {
            Ok(frame) => frame.d.ids.into_iter().for_each(|message| self.is_gone(message)),
            Err(error) => tracing::warn!(%error, "deleted messages that can't be read"),
        }
    }

    fn is_gone(self: &Arc<Self>, message: MessageId) {
        self.invocations.forget_later(message);
        if !self.config.get().edits.delete_answers {
            return;
        }
        let router = Arc::clone(self);
        self.drive(async move {
            let deleted = router.invocations.answers().deleted(message).await;
            router.end_outdated_waits();
            if let Some((channel, answers)) = deleted {
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
