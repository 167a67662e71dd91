//! A message that was sent.
//!
//! What answered an invocation is changed through the host, which holds the token; all else by Discord's own routes.

use std::fmt::Write as _;

use plugin_protocol::{Action, Respond, Responded, kind::RESPOND};

use super::{Message, Reply};
use crate::{ChannelId, Error, Host, MessageId, Result, error::placed};

/// A message that was sent, to edit or delete it.
#[derive(Clone, Debug)]
pub struct Answer {
    host: Host,
    place: Place,
}

/// Where the bot's own reaction is put. Letters that a path can't have are written as `%F0`.
pub(crate) fn reaction_path(channel: ChannelId, message: MessageId, emoji: &str) -> String {
    let custom = emoji.strip_prefix("<a:").or_else(|| emoji.strip_prefix("<:"));
    let emoji = custom.and_then(|emoji| emoji.strip_suffix('>')).unwrap_or(emoji);
    let mut path = format!("/channels/{channel}/messages/{message}/reactions/");
    for byte in emoji.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~') {
            path.push(byte.into());
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path.push_str("/@me");
    path
}

#[derive(Clone, Debug)]
enum Place {
    Invocation {
        id: u64,
        message_id: Option<MessageId>,
        channel_id: Option<ChannelId>,
    },
    Channel {
        id: ChannelId,
        message_id: MessageId,
    },
}

impl Answer {
    pub(super) fn to_invocation(
        host: Host,
        id: u64,
        message_id: Option<MessageId>,
        channel_id: Option<ChannelId>,
    ) -> Self {
        Self {
            host,
            place: Place::Invocation {
                id,
                message_id,
                channel_id,
            },
        }
    }

    pub(super) fn in_channel(host: Host, id: ChannelId, message_id: MessageId) -> Self {
        Self {
            host,
            place: Place::Channel { id, message_id },
        }
    }

    /// The message's id, if Discord has told it.
    #[must_use]
    pub fn message_id(&self) -> Option<MessageId> {
        match self.place {
            Place::Invocation { message_id, .. } => message_id,
            Place::Channel { message_id, .. } => Some(message_id),
        }
    }

    /// The channel it is in, where Discord told it.
    #[must_use]
    pub fn channel_id(&self) -> Option<ChannelId> {
        match self.place {
            Place::Invocation { channel_id, .. } => channel_id,
            Place::Channel { id, .. } => Some(id),
        }
    }

    /// Changes it: await it. What the message doesn't set stays as it is.
    #[track_caller]
    pub fn edit(&self, message: impl Into<Message>) -> Reply {
        let (host, message) = (self.host.clone(), message.into());
        match self.place {
            Place::Invocation { id, message_id, .. } => {
                Reply::to_invocation(host, id, Action::Edit, message_id, message)
            }
            Place::Channel { id, message_id } => Reply::to_message(host, id, message_id, message),
        }
    }

    /// Puts a reaction on it: `"👍"`, or one of a server as a message writes it, `"<:name:id>"`.
    ///
    /// # Errors
    ///
    /// It is gone, only the asker sees it, the bot may not react there, or doesn't know the emoji.
    #[track_caller]
    pub fn react(&self, emoji: &str) -> impl Future<Output = Result> {
        let path = self
            .channel_id()
            .zip(self.message_id())
            .map(|(channel, message)| reaction_path(channel, message, emoji));
        placed(async move {
            let Some(path) = path else {
                return Err(Error::new("Discord has not told which message this is"));
            };
            self.host.raw().put(&path, &()).await.map(drop)
        })
    }

    /// Deletes it.
    ///
    /// # Errors
    ///
    /// It is gone already, or this generation has ended.
    #[track_caller]
    pub fn delete(self) -> impl Future<Output = Result> {
        placed(self.take_back())
    }

    async fn take_back(self) -> Result {
        match self.place {
            Place::Invocation { id, message_id, .. } => {
                let respond = Respond {
                    message_id,
                    ..Respond::new(id, Action::Delete)
                };
                self.host.core.link.ask_for::<Responded>(RESPOND, &respond, &[]).await?;
            }
            Place::Channel { id, message_id } => {
                self.host
                    .raw()
                    .delete(&format!("/channels/{id}/messages/{message_id}"))
                    .await?;
            }
        }
        Ok(())
    }
}
