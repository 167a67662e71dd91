//! A message that was sent.
//!
//! What answered an invocation is changed through the host, which holds the token; all else by Discord's own routes.

use plugin_protocol::{Action, Respond, Responded, kind::RESPOND};

use super::{Message, Reply};
use crate::{ChannelId, Host, MessageId, Result, error::placed};

/// A message that was sent, to edit or delete it.
#[derive(Clone, Debug)]
pub struct Answer {
    host: Host,
    place: Place,
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

    /// The message's id; Discord doesn't tell it for the first answer to an interaction.
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
                    invocation: id,
                    action: Action::Delete,
                    ephemeral: false,
                    message_id,
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
