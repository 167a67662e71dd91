//! The body of a message, as Discord's API takes it
//! (<https://discord.com/developers/docs/resources/message#create-message>).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Button, Embed};
use crate::{Error, Result, RoleId, UserId, runtime::Core};

/// The limits of Discord's documentation.
const MAX_CONTENT: usize = 2000;
const MAX_EMBEDS: usize = 10;
const MAX_EMBED_TEXT: usize = 6000;
const MAX_ROWS: usize = 5;
const ROW: usize = 5;

/// A message to be sent: text, embeds and buttons.
///
/// Texts and [`Embed`]s become messages by themselves; [`message`] begins one. Only the one replied to is notified by
/// mentions, unless [`ping_user`](Self::ping_user) and [`ping_role`](Self::ping_role) say otherwise.
///
/// ```
/// use plugin_api::{Message, embed, message};
///
/// let text: Message = "Hello".into();
/// let both = message("See below.").embed(embed("Details").field("Who", "Alice"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Message {
    content: Option<String>,
    embeds: Option<Vec<Embed>>,
    buttons: Option<Vec<Button>>,
    pinged_users: Vec<UserId>,
    pinged_roles: Vec<RoleId>,
    pub(crate) ephemeral: bool,
}

/// Begins a message with a text.
#[must_use]
pub fn message(content: impl Into<String>) -> Message {
    Message::default().content(content)
}

impl Message {
    /// The text, up to 2,000 characters.
    #[must_use]
    pub fn content(mut self, content: impl Into<String>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// Adds an embed, up to 10 with 6,000 characters together.
    #[must_use]
    pub fn embed(mut self, embed: Embed) -> Self {
        self.embeds.get_or_insert_default().push(embed);
        self
    }

    /// Adds a button, up to 25 in rows of five.
    #[must_use]
    pub fn button(mut self, button: Button) -> Self {
        self.buttons.get_or_insert_default().push(button);
        self
    }

    /// In an edit: takes the embeds away.
    #[must_use]
    pub fn without_embeds(mut self) -> Self {
        self.embeds = Some(Vec::new());
        self
    }

    /// In an edit: takes the buttons away.
    #[must_use]
    pub fn without_buttons(mut self) -> Self {
        self.buttons = Some(Vec::new());
        self
    }

    /// Only the asker sees it: by slash and by a control. By prefix it is an ordinary reply.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }

    /// A mention of this user in the message notifies them.
    #[must_use]
    pub fn ping_user(mut self, user: UserId) -> Self {
        self.pinged_users.push(user);
        self
    }

    /// A mention of this role in the message notifies its members.
    #[must_use]
    pub fn ping_role(mut self, role: RoleId) -> Self {
        self.pinged_roles.push(role);
        self
    }

    /// The body as Discord takes it.
    pub(crate) fn into_body(self, to: &Addressee<'_>) -> Result<Vec<u8>> {
        let mut body = Body {
            content: self.content,
            embeds: self.embeds,
            ..Body::default()
        };
        if let Some(content) = &body.content {
            limit("the text of a message", content, MAX_CONTENT)?;
        }
        if let Some(embeds) = &body.embeds {
            if embeds.len() > MAX_EMBEDS {
                return Err(Error::new(format!(
                    "a message has {} embeds, Discord takes {MAX_EMBEDS}",
                    embeds.len()
                )));
            }
            let mut sum = 0;
            for embed in embeds {
                sum += embed.check()?;
            }
            if sum > MAX_EMBED_TEXT {
                let text = format!("the embeds of a message have {sum} characters, Discord takes {MAX_EMBED_TEXT}");
                return Err(Error::new(text));
            }
        }
        if let Some(buttons) = self.buttons {
            body.components = Some(rows(buttons, to)?);
        }
        if !self.pinged_users.is_empty() || !self.pinged_roles.is_empty() {
            body.allowed_mentions = Some(json!({
                "parse": [], "users": self.pinged_users, "roles": self.pinged_roles, "replied_user": true,
            }));
        }
        let nothing = body.content.as_deref().is_none_or(str::is_empty)
            && body.embeds.as_deref().is_none_or(<[_]>::is_empty)
            && body.components.as_deref().is_none_or(<[_]>::is_empty);
        if nothing && !to.edits {
            return Err(Error::new("a message needs a text, an embed or a button"));
        }
        Ok(serde_json::to_vec(&body)?)
    }
}

/// To whom a message goes, for the custom ids of its buttons.
pub(crate) struct Addressee<'a> {
    pub(crate) core: &'a Core,
    pub(crate) requester: Option<UserId>,
    pub(crate) edits: bool,
}

#[derive(Default, Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embeds: Option<Vec<Embed>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_mentions: Option<Value>,
}

fn rows(buttons: Vec<Button>, to: &Addressee<'_>) -> Result<Vec<Value>> {
    if buttons.len() > MAX_ROWS * ROW {
        return Err(Error::new(format!(
            "a message has {} buttons, Discord takes {}",
            buttons.len(),
            MAX_ROWS * ROW
        )));
    }
    let mut ids = Vec::new();
    let mut written = Vec::with_capacity(buttons.len());
    for button in buttons {
        let button = button.into_json(to)?;
        let id = button["custom_id"].as_str().map(str::to_owned);
        if id.as_ref().is_some_and(|id| ids.contains(id)) {
            let text = format!(
                "two buttons of a message have the same handler and state; one is {}",
                button["label"]
            );
            return Err(Error::new(text));
        }
        ids.extend(id);
        written.push(button);
    }
    Ok(written
        .chunks(ROW)
        .map(|row| json!({ "type": 1, "components": row }))
        .collect())
}

/// Refuses a text that is longer than Discord takes; returns how long it is, in characters.
pub(super) fn limit(what: &str, text: &str, most: usize) -> Result<usize> {
    let length = text.chars().count();
    if length > most {
        return Err(Error::new(format!(
            "{what} has {length} characters, Discord takes {most}"
        )));
    }
    Ok(length)
}

impl From<&str> for Message {
    fn from(content: &str) -> Self {
        message(content)
    }
}

impl From<String> for Message {
    fn from(content: String) -> Self {
        message(content)
    }
}

impl From<&String> for Message {
    fn from(content: &String) -> Self {
        message(content)
    }
}

impl From<Cow<'_, str>> for Message {
    fn from(content: Cow<'_, str>) -> Self {
        message(content)
    }
}

impl From<Embed> for Message {
    fn from(embed: Embed) -> Self {
        Self::default().embed(embed)
    }
}
