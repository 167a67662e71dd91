//! What becomes of messages by themselves, after a time: what plugins and the host ask for, and what changes it.
//!
//! Apart from the invocations, which messages outlive; the times themselves are in `timers`.

use std::time::Duration;

use plugin_protocol::{ChannelId, LaterMessage, MessageId, Responded};

use super::{Body, Invocations, Timer};
use crate::storage::MessageTime;

impl Invocations {
    /// Remembers what becomes of a message that a plugin sent into a channel.
    pub fn later(&self, message: &LaterMessage) {
        let timer = Timer {
            action: message.later.action,
            after: Duration::from_millis(message.later.after_ms),
            components: message.components.clone(),
            ..Timer::deletion(message.channel_id, Duration::ZERO)
        };
        self.inner.timers.begin(message.message_id, timer);
    }

    /// Deletes a message of the host's own after a time; one of which Discord has not told the id stays.
    pub fn fade(&self, answer: &Responded, channel: ChannelId, after: Option<Duration>) {
        if let (Some(after), Some(message)) = (after, answer.message_id) {
            self.inner.timers.delete(message, Timer::deletion(channel, after));
        }
    }

    /// A plugin has changed or deleted one of the bot's messages by Discord's own route.
    pub fn changed_by_route(&self, method: &str, path: &str, body: &[u8]) {
        let Some(id) = message_of(path).filter(|_| self.inner.timers.are_there()) else {
            return;
        };
        match method {
            "DELETE" => self.inner.timers.forget(id),
            "PATCH" => {
                if let Some(components) = Body::parse(body).ok().and_then(|body| body.components()) {
                    self.inner.timers.changed(id, &components);
                }
            }
            _ => {}
        }
    }

    /// What becomes of messages and has changed since the last look, to be written down.
    #[must_use]
    pub fn later_changes(&self) -> Vec<(MessageId, Option<MessageTime>)> {
        self.inner.timers.changes()
    }

    /// These could not be written down.
    pub fn keep_later_again(&self, messages: Vec<MessageId>) {
        self.inner.timers.not_written(messages);
    }

    /// What the process before this one has written down.
    pub fn restore_later(&self, left: Vec<(MessageId, MessageTime)>) {
        self.inner.timers.restore(left);
    }

    /// A message is gone: nothing becomes of it any more.
    pub fn forget_later(&self, message: MessageId) {
        self.inner.timers.forget(message);
    }

    /// A message was used: its controls are not disabled for now.
    pub fn used(&self, message: MessageId) {
        self.inner.timers.touch(message);
    }
}

/// The message that a path leads to: `/channels/1/messages/2`.
fn message_of(path: &str) -> Option<MessageId> {
    let (_, message) = path.strip_prefix("/channels/")?.split_once("/messages/")?;
    message.parse().ok()
}
