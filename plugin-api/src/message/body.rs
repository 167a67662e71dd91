//! The body of a message, as Discord's API takes it
//! (<https://discord.com/developers/docs/resources/message#create-message>).

use std::{borrow::Cow, time::Duration};

use plugin_protocol::{Later, LaterAction};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Button, Control, Embed, Layout, Select, Upload,
    control::rows,
    upload::{attachments, split},
};
use crate::{Error, Host, IntoId, Result, RoleId, UserId, runtime::Core};

/// The limits of Discord's documentation.
const MAX_CONTENT: usize = 2000;
/// The flag of messages made of components alone.
const COMPONENTS_V2: u32 = 1 << 15;
const MAX_EMBEDS: usize = 10;
const MAX_EMBED_TEXT: usize = 6000;

/// A message to be sent: text, embeds, buttons and selects.
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
    controls: Option<Vec<Control>>,
    pinged_users: Vec<UserId>,
    pinged_roles: Vec<RoleId>,
    pub(crate) ephemeral: bool,
    files: Option<Vec<Upload>>,
    /// What the body says of the files, once they were taken.
    attachments: Option<Value>,
    pub(super) later: Option<Later>,
    pub(super) pings_everyone: bool,
    long: Long,
    layout: Option<Layout>,
}

/// What becomes of a text that is longer than Discord takes.
#[derive(Clone, Debug, Default)]
enum Long {
    #[default]
    Refused,
    Split,
    File(String),
}

/// Begins a message with a text.
#[must_use]
pub fn message(content: impl Into<String>) -> Message {
    Message::default().content(content)
}

impl Message {
    pub(super) fn of_layout(mut layout: Layout) -> Self {
        let files = layout.take_files();
        Self {
            files: (!files.is_empty()).then_some(files),
            layout: Some(layout),
            ..Self::default()
        }
    }

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

    /// Adds a button. Buttons that follow one another stand in rows of five; a message has up to five rows.
    #[must_use]
    pub fn button(self, button: Button) -> Self {
        self.control(button)
    }

    /// Adds several buttons, such as one for each of a list.
    #[must_use]
    pub fn buttons(self, buttons: impl IntoIterator<Item = Button>) -> Self {
        buttons.into_iter().fold(self, Self::button)
    }

    /// Adds a select, in a row of its own.
    #[must_use]
    pub fn select<K>(self, select: Select<K>) -> Self {
        self.control(select)
    }

    /// Adds a button or a select.
    #[must_use]
    pub fn control(mut self, control: impl Into<Control>) -> Self {
        self.controls.get_or_insert_default().push(control.into());
        self
    }

    /// The next button begins a row.
    #[must_use]
    pub fn new_row(self) -> Self {
        self.control(Control::row_break())
    }

    /// Adds a file, up to 10. In an edit, files replace those that were there.
    #[must_use]
    pub fn file(mut self, file: Upload) -> Self {
        self.files.get_or_insert_default().push(file);
        self
    }

    /// In an edit: takes the files away.
    #[must_use]
    pub fn without_files(mut self) -> Self {
        self.files = Some(Vec::new());
        self
    }

    /// A text that is longer than 2,000 characters goes as several messages, split between paragraphs, lines or words; the
    /// last of them has the embeds, controls and files. Not for an edit.
    #[must_use]
    pub fn split(mut self) -> Self {
        self.long = Long::Split;
        self
    }

    /// A text that is longer than 2,000 characters goes as a file of this name.
    #[must_use]
    pub fn or_file(mut self, name: impl Into<String>) -> Self {
        self.long = Long::File(name.into());
        self
    }

    /// It is deleted after this time, up to a day; the bot remembers that over a reload of the plugin.
    #[must_use]
    pub fn delete_after(mut self, time: Duration) -> Self {
        self.later = Some(later(LaterAction::Delete, time));
        self
    }

    /// Its buttons and selects are disabled when nobody has used them for this time, up to a day; the bot remembers that
    /// over a reload of the plugin.
    #[must_use]
    pub fn disable_after(mut self, time: Duration) -> Self {
        self.later = Some(later(LaterAction::Disable, time));
        self
    }

    /// A mention of everyone in the message notifies, if the asker has the permission `MENTION_EVERYONE` there. Where
    /// nobody asked, such as in the handler of an event, it always does.
    #[must_use]
    pub fn ping_everyone(mut self) -> Self {
        self.pings_everyone = true;
        self
    }

    /// In an edit: takes the embeds away.
    #[must_use]
    pub fn without_embeds(mut self) -> Self {
        self.embeds = Some(Vec::new());
        self
    }

    /// In an edit: takes the buttons and selects away.
    #[must_use]
    pub fn without_controls(mut self) -> Self {
        self.controls = Some(Vec::new());
        self
    }

    /// In an edit: takes the buttons away, and the selects.
    #[must_use]
    pub fn without_buttons(self) -> Self {
        self.without_controls()
    }

    /// Only the asker sees it: by slash and by a control. By prefix it is an ordinary reply.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }

    /// A mention of this user in the message notifies them.
    #[must_use]
    pub fn ping_user(mut self, user: impl IntoId<UserId>) -> Self {
        self.pinged_users.push(user.into_id());
        self
    }

    /// A mention of this role in the message notifies its members.
    #[must_use]
    pub fn ping_role(mut self, role: impl IntoId<RoleId>) -> Self {
        self.pinged_roles.push(role.into_id());
        self
    }

    /// The messages that it is, as the author wants what is too long: all but the last are text.
    pub(super) fn parts(mut self, edits: bool) -> Result<Vec<Self>> {
        let is_long = |text: &String| text.chars().count() > MAX_CONTENT;
        let Some(text) = self.content.take_if(|text| is_long(text)) else {
            return Ok(vec![self]);
        };
        match std::mem::take(&mut self.long) {
            Long::Refused => {
                self.content = Some(text);
                Ok(vec![self])
            }
            Long::File(name) => Ok(vec![self.file(Upload::new(name, text))]),
            Long::Split if edits => Err(Error::new(
                "a message that is edited can't become several: use `or_file`",
            )),
            Long::Split => {
                let mut texts = split(&text, MAX_CONTENT);
                let last = texts.pop();
                let part = |content| Self {
                    content: Some(content),
                    ephemeral: self.ephemeral,
                    later: self.later.filter(|later| later.action == LaterAction::Delete),
                    pinged_users: self.pinged_users.clone(),
                    pinged_roles: self.pinged_roles.clone(),
                    ..Self::default()
                };
                let mut parts: Vec<_> = texts.into_iter().map(part).collect();
                self.content = last;
                parts.push(self);
                Ok(parts)
            }
        }
    }

    /// Its files, to go beside the body.
    pub(super) fn take_files(&mut self) -> Result<Vec<Upload>> {
        if let Some(files) = &self.files {
            self.attachments = Some(attachments(files)?);
        }
        Ok(self.files.take().unwrap_or_default())
    }

    /// Its text and its embeds.
    pub(crate) fn into_page(self) -> (Option<String>, Vec<Embed>) {
        (self.content, self.embeds.unwrap_or_default())
    }

    /// Has the host keep what doesn't fit into custom ids. Before the body is written.
    pub(crate) async fn keep_states(&mut self, host: &Host) -> Result {
        for control in self.controls.iter_mut().flatten() {
            control.keep_state(host).await?;
        }
        if let Some(layout) = &mut self.layout {
            layout.keep_states(host).await?;
        }
        Ok(())
    }

    /// The body as Discord takes it.
    pub(crate) fn into_body(self, to: &Addressee<'_>) -> Result<Vec<u8>> {
        let mut body = Body {
            content: self.content,
            embeds: self.embeds,
            attachments: self.attachments,
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
        if let Some(controls) = self.controls {
            body.components = Some(rows(controls, to)?);
        }
        if let Some(layout) = self.layout {
            if body.content.is_some() || body.embeds.is_some() || body.components.is_some() {
                let text = "a message of a layout has no text, embeds and controls beside it: put them into the layout";
                return Err(Error::new(text));
            }
            body.components = Some(layout.into_json(to)?);
            body.flags = Some(COMPONENTS_V2);
        }
        if !self.pinged_users.is_empty() || !self.pinged_roles.is_empty() {
            body.allowed_mentions = Some(json!({
                "parse": [], "users": self.pinged_users, "roles": self.pinged_roles, "replied_user": true,
            }));
        }
        let nothing = body.content.as_deref().is_none_or(str::is_empty)
            && body.embeds.as_deref().is_none_or(<[_]>::is_empty)
            && body.components.as_deref().is_none_or(<[_]>::is_empty)
            && body
                .attachments
                .as_ref()
                .and_then(Value::as_array)
                .is_none_or(Vec::is_empty);
        if nothing && !to.edits {
            return Err(Error::new("a message needs a text, an embed, a file or a control"));
        }
        Ok(serde_json::to_vec(&body)?)
    }
}

/// To whom a message goes, for the custom ids of its controls.
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
    flags: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_mentions: Option<Value>,
}

fn later(action: LaterAction, time: Duration) -> Later {
    Later {
        action,
        after_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    }
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

#[cfg(test)]
mod tests;
