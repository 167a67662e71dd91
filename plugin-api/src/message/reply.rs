//! A message on its way: built on, then awaited.
//!
//! Nothing is sent before that. The three places that it can go to are told apart here and nowhere else.

use std::{future::IntoFuture, panic::Location, pin::Pin};

use plugin_protocol::{Action, Respond, Responded, Rest, RestAnswer, kind};
use serde::Deserialize;

use super::{Addressee, Answer, Button, Control, Embed, Message, Select};
use crate::{ChannelId, Host, HttpError, IntoId, MessageId, Result, RoleId, UserId};

/// A message that is sent when it is awaited; a handler's last expression, as often as not.
///
/// Awaiting it tells whether that worked; [`handle`](Self::handle) gives something to edit or delete it by.
///
/// # Errors
///
/// Awaiting it fails if the message breaks one of Discord's limits, if Discord refuses it (see
/// [`Error::http`](crate::Error::http)), or if this generation has ended.
#[derive(Clone, Debug)]
#[must_use = "a message is sent when it is awaited"]
pub struct Reply {
    host: Host,
    to: Place,
    message: Message,
    /// The line of the plugin that sends it.
    place: &'static Location<'static>,
}

#[derive(Clone, Debug)]
enum Place {
    Invocation {
        id: u64,
        action: Action,
        message_id: Option<MessageId>,
    },
    Channel(ChannelId),
    Message(ChannelId, MessageId),
}

impl Reply {
    #[track_caller]
    pub(crate) fn to_invocation(
        host: Host,
        id: u64,
        action: Action,
        message_id: Option<MessageId>,
        message: Message,
    ) -> Self {
        Self {
            host,
            to: Place::Invocation { id, action, message_id },
            message,
            place: Location::caller(),
        }
    }

    #[track_caller]
    pub(crate) fn to_channel(host: Host, channel: ChannelId, message: Message) -> Self {
        Self {
            host,
            to: Place::Channel(channel),
            message,
            place: Location::caller(),
        }
    }

    #[track_caller]
    pub(crate) fn to_message(host: Host, channel: ChannelId, id: MessageId, message: Message) -> Self {
        Self {
            host,
            to: Place::Message(channel, id),
            message,
            place: Location::caller(),
        }
    }

    /// The text, up to 2,000 characters.
    pub fn content(mut self, content: impl Into<String>) -> Self {
        self.message = self.message.content(content);
        self
    }

    /// Adds an embed; see [`Message::embed`].
    pub fn embed(mut self, embed: Embed) -> Self {
        self.message = self.message.embed(embed);
        self
    }

    /// Adds a button; see [`Message::button`].
    pub fn button(mut self, button: Button) -> Self {
        self.message = self.message.button(button);
        self
    }

    /// Adds a select; see [`Message::select`].
    pub fn select<K>(mut self, select: Select<K>) -> Self {
        self.message = self.message.select(select);
        self
    }

    /// Adds a button or a select; see [`Message::control`].
    pub fn control(mut self, control: impl Into<Control>) -> Self {
        self.message = self.message.control(control);
        self
    }

    /// The next button begins a row.
    pub fn new_row(mut self) -> Self {
        self.message = self.message.new_row();
        self
    }

    /// In an edit: takes the embeds away.
    pub fn without_embeds(mut self) -> Self {
        self.message = self.message.without_embeds();
        self
    }

    /// In an edit: takes the buttons and selects away.
    pub fn without_controls(mut self) -> Self {
        self.message = self.message.without_controls();
        self
    }

    /// In an edit: takes the buttons away, and the selects.
    pub fn without_buttons(mut self) -> Self {
        self.message = self.message.without_buttons();
        self
    }

    /// Only the asker sees it; see [`Message::ephemeral`].
    pub fn ephemeral(mut self) -> Self {
        self.message = self.message.ephemeral();
        self
    }

    /// A mention of this user in the message notifies them.
    pub fn ping_user(mut self, user: impl IntoId<UserId>) -> Self {
        self.message = self.message.ping_user(user);
        self
    }

    /// A mention of this role in the message notifies its members.
    pub fn ping_role(mut self, role: impl IntoId<RoleId>) -> Self {
        self.message = self.message.ping_role(role);
        self
    }

    /// Sends it, and returns what edits and deletes it.
    ///
    /// # Errors
    ///
    /// As awaiting it.
    pub async fn handle(self) -> Result<Answer> {
        let place = self.place;
        self.deliver().await.map_err(|error| error.at(place))
    }

    async fn deliver(self) -> Result<Answer> {
        let Self {
            host, to, mut message, ..
        } = self;
        message.keep_states(&host).await?;
        let edits = match &to {
            Place::Invocation { action, .. } => *action != Action::Reply,
            Place::Channel(_) => false,
            Place::Message(..) => true,
        };
        let ephemeral = message.ephemeral;
        let body = message.into_body(&Addressee {
            core: &host.core,
            requester: host.requester,
            edits,
        })?;
        match to {
            Place::Invocation {
                id: invocation,
                action,
                message_id,
            } => {
                let respond = Respond {
                    invocation,
                    action,
                    ephemeral,
                    message_id,
                };
                let (responded, _): (Responded, _) = host.core.link.ask_for(kind::RESPOND, &respond, &body).await?;
                let message_id = responded.message_id.or(message_id);
                Ok(Answer::to_invocation(
                    host,
                    invocation,
                    message_id,
                    responded.channel_id,
                ))
            }
            Place::Channel(channel) => {
                let sent = rest(&host, "POST", format!("/channels/{channel}/messages"), &body).await?;
                Ok(Answer::in_channel(host, channel, sent))
            }
            Place::Message(channel, id) => {
                let sent = rest(&host, "PATCH", format!("/channels/{channel}/messages/{id}"), &body).await?;
                Ok(Answer::in_channel(host, channel, sent))
            }
        }
    }
}

/// Makes a call whose answer is a message; returns its id.
async fn rest(host: &Host, method: &str, path: String, body: &[u8]) -> Result<MessageId> {
    #[derive(Deserialize)]
    struct Sent {
        id: MessageId,
    }
    let head = Rest {
        method: method.to_owned(),
        path,
        reason: None,
        content_type: None,
        invocation: host.invocation.as_deref().copied(),
    };
    let (RestAnswer { status }, answer) = host.core.link.ask_for(kind::REST, &head, body).await?;
    if !(200..300).contains(&status) {
        return Err(HttpError::read(status, answer.tail()).into());
    }
    let sent: Sent = serde_json::from_slice(answer.tail())?;
    Ok(sent.id)
}

impl IntoFuture for Reply {
    type Output = Result;
    type IntoFuture = Pin<Box<dyn Future<Output = Result>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.handle().await.map(drop) })
    }
}
