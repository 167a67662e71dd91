//! What becomes of messages by themselves, after a time: what plugins and the host ask for, and what changes it.
//!
//! Apart from the invocations, which messages outlive; the times themselves are in `timers`.

use std::time::Duration;

use plugin_protocol::{ChannelId, LaterMessage, MessageId, Responded};

use super::{Invocations, Timer};

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

    /// A message is gone: nothing becomes of it any more.
    pub fn forget_later(&self, message: MessageId) {
        self.inner.timers.forget(message);
    }

    /// A message was used: its controls are not disabled for now.
    pub fn used(&self, message: MessageId) {
        self.inner.timers.touch(message);
    }
}
