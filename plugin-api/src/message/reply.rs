//! A message on its way: built on, then awaited.
//!
//! Nothing is sent before that. The three places that it can go to are told apart here and nowhere else.

use std::{future::IntoFuture, panic::Location, pin::Pin, time::Duration};

use plugin_protocol::{
    Action, LaterMessage, Respond, Responded, Rest, RestAnswer, kind,
    upload::{self, FilePart},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Addressee, Answer, Button, Control, Embed, Message, Select, Upload};
use crate::{ChannelId, Error, Host, HttpError, IntoId, MessageId, Result, RoleId, UserId};

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

    /// Adds several buttons; see [`Message::buttons`].
    pub fn buttons(mut self, buttons: impl IntoIterator<Item = Button>) -> Self {
        self.message = self.message.buttons(buttons);
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

    /// Adds a file; see [`Message::file`].
    pub fn file(mut self, file: Upload) -> Self {
        self.message = self.message.file(file);
        self
    }

    /// In an edit: takes the files away.
    pub fn without_files(mut self) -> Self {
        self.message = self.message.without_files();
        self
    }

    /// A text that is too long goes as several messages; see [`Message::split`].
    pub fn split(mut self) -> Self {
        self.message = self.message.split();
        self
    }

    /// A text that is too long goes as a file; see [`Message::or_file`].
    pub fn or_file(mut self, name: impl Into<String>) -> Self {
        self.message = self.message.or_file(name);
        self
    }

    /// It is deleted after this time; see [`Message::delete_after`].
    pub fn delete_after(mut self, time: Duration) -> Self {
        self.message = self.message.delete_after(time);
        self
    }

    /// Its controls are disabled after this time without a click; see [`Message::disable_after`].
    pub fn disable_after(mut self, time: Duration) -> Self {
        self.message = self.message.disable_after(time);
        self
    }

    /// A mention of everyone notifies, if the asker may do that; see [`Message::ping_everyone`].
    pub fn ping_everyone(mut self) -> Self {
        self.message = self.message.ping_everyone();
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

    /// Sends it, and returns what edits and deletes it: of a text that was split, the first message.
    ///
    /// # Errors
    ///
    /// As awaiting it.
    pub async fn handle(self) -> Result<Answer> {
        let place = self.place;
        self.deliver(true).await.map_err(|error| error.at(place))
    }

    async fn deliver(self, wants_message: bool) -> Result<Answer> {
        let Self { host, to, message, .. } = self;
        let mut parts = message.parts(to.edits())?.into_iter();
        let first = parts.next().unwrap_or_default();
        let answer = to.send(&host, first, wants_message).await?;
        for part in parts {
            to.send(&host, part, false).await?;
        }
        Ok(answer)
    }
}

impl Place {
    fn edits(&self) -> bool {
        match self {
            Self::Invocation { action, .. } => *action != Action::Reply,
            Self::Channel(_) => false,
            Self::Message(..) => true,
        }
    }

    async fn send(&self, host: &Host, mut message: Message, wants_message: bool) -> Result<Answer> {
        message.keep_states(host).await?;
        let files = message.take_files()?;
        let (ephemeral, later, ping_everyone) = (message.ephemeral, message.later, message.pings_everyone);
        let mut body = message.into_body(&Addressee {
            core: &host.core,
            requester: host.requester,
            edits: self.edits(),
        })?;
        let (channel, message_id) = match *self {
            Self::Invocation {
                id: invocation,
                action,
                message_id,
            } => {
                let parts = files.iter().map(|file| FilePart {
                    filename: file.filename(),
                    bytes: 0,
                });
                let mut parts: Vec<_> = parts.collect();
                for (part, file) in parts.iter_mut().zip(files) {
                    let content = file.into_content();
                    part.bytes = content.len() as u64;
                    body.extend(content);
                }
                let respond = Respond {
                    ephemeral,
                    message_id,
                    files: parts,
                    later,
                    ping_everyone,
                    wants_message,
                    ..Respond::new(invocation, action)
                };
                let (responded, _): (Responded, _) = host.core.link.ask_for(kind::RESPOND, &respond, &body).await?;
                let message_id = responded.message_id.or(message_id);
                let channel = responded.channel_id;
                return Ok(Answer::to_invocation(host.clone(), invocation, message_id, channel));
            }
            Self::Channel(channel) => (channel, None),
            Self::Message(channel, id) => (channel, Some(id)),
        };
        if ping_everyone {
            body = with_everyone(host, &body)?;
        }
        let components = later.and_then(|_| serde_json::from_slice::<Value>(&body).ok());
        let (method, path) = match message_id {
            None => ("POST", format!("/channels/{channel}/messages")),
            Some(id) => ("PATCH", format!("/channels/{channel}/messages/{id}")),
        };
        let sent = rest(host, method, path, body, files).await?;
        if let Some(later) = later {
            let asked = LaterMessage {
                channel_id: channel,
                message_id: sent,
                later,
                components: components.map_or(Value::Null, |mut body| body["components"].take()),
            };
            host.call::<()>("messages.later", &asked).await?;
        }
        Ok(Answer::in_channel(host.clone(), channel, sent))
    }
}

/// A message into a channel whose mention of everyone notifies: nobody is asked there whether they may.
fn with_everyone(host: &Host, body: &[u8]) -> Result<Vec<u8>> {
    if host.invocation.is_some() {
        let text = "a message that notifies everyone on somebody's behalf is a reply: the bot checks whether they may";
        return Err(Error::new(text));
    }
    let mut body: Value = serde_json::from_slice(body)?;
    if !body["allowed_mentions"].is_object() {
        body["allowed_mentions"] = json!({ "replied_user": true });
    }
    body["allowed_mentions"]["parse"] = json!(["everyone"]);
    Ok(serde_json::to_vec(&body)?)
}

/// Makes a call whose answer is a message; returns its id.
async fn rest(host: &Host, method: &str, path: String, body: Vec<u8>, files: Vec<Upload>) -> Result<MessageId> {
    #[derive(Deserialize)]
    struct Sent {
        id: MessageId,
    }
    let (content_type, body) = if files.is_empty() {
        (None, body)
    } else {
        let files: Vec<_> = files
            .into_iter()
            .map(|file| (file.filename(), file.into_content()))
            .collect();
        let files = files.iter().map(|(name, content)| (name.as_str(), content.as_slice()));
        let (content_type, body) = upload::multipart(&body, files);
        (Some(content_type), body)
    };
    let head = Rest {
        method: method.to_owned(),
        path,
        reason: None,
        content_type,
        invocation: host.invocation.as_deref().copied(),
    };
    let (RestAnswer { status }, answer) = host.core.link.ask_for(kind::REST, &head, &body).await?;
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
        Box::pin(async move {
            let place = self.place;
            self.deliver(false).await.map(drop).map_err(|error| error.at(place))
        })
    }
}
