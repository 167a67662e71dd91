//! Selects (<https://discord.com/developers/docs/components/reference#string-select>): of texts, users, roles, channels,
//! or of users and roles together.
//!
//! One builder for all five; what only one of them has is a method of that one alone.

use std::{fmt, marker::PhantomData};

use serde_json::{Value, json};

use super::{
    body::{Addressee, limit},
    control::{Aim, emoji},
};
use crate::{ChannelId, Error, Host, IntoId, Result, RoleId, UserId};

/// The limits of Discord's documentation.
const MAX_OPTIONS: usize = 25;
const MAX_TEXT: usize = 100;
const MAX_PLACEHOLDER: usize = 150;

/// What a [`Select`] chooses among.
pub mod of {
    /// Texts.
    #[derive(Clone, Copy, Debug)]
    pub enum Strings {}
    /// Users.
    #[derive(Clone, Copy, Debug)]
    pub enum Users {}
    /// Roles of the server.
    #[derive(Clone, Copy, Debug)]
    pub enum Roles {}
    /// Channels of the server.
    #[derive(Clone, Copy, Debug)]
    pub enum Channels {}
    /// Users and roles.
    #[derive(Clone, Copy, Debug)]
    pub enum Mentionables {}
}

/// A select of texts, with up to 25 options.
pub type StringSelect = Select<of::Strings>;
/// A select of users.
pub type UserSelect = Select<of::Users>;
/// A select of roles.
pub type RoleSelect = Select<of::Roles>;
/// A select of channels.
pub type ChannelSelect = Select<of::Channels>;
/// A select of users and roles.
pub type MentionableSelect = Select<of::Mentionables>;

/// A select; made by a `#[component]`'s function, see [`SelectFactory`](crate::SelectFactory). It takes a row of its own.
#[must_use = "a select is shown when it is added to a message"]
pub struct Select<K> {
    any: AnySelect,
    kind: PhantomData<fn(K)>,
}

/// A select of whatever.
#[derive(Clone, Debug)]
pub(super) struct AnySelect {
    /// Discord's number of the component's type.
    kind: u8,
    aim: Aim,
    placeholder: Option<String>,
    min: u8,
    max: u8,
    disabled: bool,
    options: Vec<SelectOption>,
    /// Ids, and what they are of.
    defaults: Vec<(String, &'static str)>,
    channel_types: Vec<u8>,
}

impl<K> Select<K> {
    fn new(kind: u8, aim: Aim) -> Self {
        let any = AnySelect {
            kind,
            aim,
            placeholder: None,
            min: 1,
            max: 1,
            disabled: false,
            options: Vec::new(),
            defaults: Vec::new(),
            channel_types: Vec::new(),
        };
        Self { any, kind: PhantomData }
    }

    /// What is shown while nothing is chosen, up to 150 characters.
    pub fn placeholder(mut self, text: impl Into<String>) -> Self {
        self.any.placeholder = Some(text.into());
        self
    }

    /// How many must be chosen at least: 0 to 25, 1 if not said.
    pub fn min_values(mut self, least: u8) -> Self {
        self.any.min = least;
        self
    }

    /// How many can be chosen at most: 1 to 25, 1 if not said.
    pub fn max_values(mut self, most: u8) -> Self {
        self.any.max = most;
        self
    }

    /// Only this user may use it, whoever asked for the message and even if the handler says `anyone`; needed in messages that
    /// nobody asked for, such as those of events and tasks.
    pub fn for_user(mut self, user: impl IntoId<UserId>) -> Self {
        self.any.aim.bind(user.into_id());
        self
    }

    /// Grey and not to be used.
    pub fn disabled(mut self) -> Self {
        self.any.disabled = true;
        self
    }

    fn chosen(mut self, id: impl fmt::Display, what: &'static str) -> Self {
        self.any.defaults.push((id.to_string(), what));
        self
    }

    pub(super) fn into_any(self) -> AnySelect {
        self.any
    }
}

impl StringSelect {
    pub(crate) fn of_strings(handler: &'static str, state: &impl serde::Serialize) -> Self {
        Self::new(3, Aim::new(handler, state))
    }

    /// Adds an option: what is shown, and what the handler gets; each 1 to 100 characters.
    pub fn option(self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.options([SelectOption::new(label, value)])
    }

    /// Adds options, up to 25 in all.
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<SelectOption>>) -> Self {
        self.any.options.extend(options.into_iter().map(Into::into));
        self
    }
}

impl UserSelect {
    pub(crate) fn of_users(handler: &'static str, state: &impl serde::Serialize) -> Self {
        Self::new(5, Aim::new(handler, state))
    }

    /// This user is chosen from the start.
    pub fn default_user(self, user: impl IntoId<UserId>) -> Self {
        self.chosen(user.into_id(), "user")
    }
}

impl RoleSelect {
    pub(crate) fn of_roles(handler: &'static str, state: &impl serde::Serialize) -> Self {
        Self::new(6, Aim::new(handler, state))
    }

    /// This role is chosen from the start.
    pub fn default_role(self, role: impl IntoId<RoleId>) -> Self {
        self.chosen(role.into_id(), "role")
    }
}

impl MentionableSelect {
    pub(crate) fn of_mentionables(handler: &'static str, state: &impl serde::Serialize) -> Self {
        Self::new(7, Aim::new(handler, state))
    }

    /// This user is chosen from the start.
    pub fn default_user(self, user: impl IntoId<UserId>) -> Self {
        self.chosen(user.into_id(), "user")
    }

    /// This role is chosen from the start.
    pub fn default_role(self, role: impl IntoId<RoleId>) -> Self {
        self.chosen(role.into_id(), "role")
    }
}

impl ChannelSelect {
    pub(crate) fn of_channels(handler: &'static str, state: &impl serde::Serialize) -> Self {
        Self::new(8, Aim::new(handler, state))
    }

    /// Only channels of these kinds are offered; all, if not said.
    pub fn channel_kinds(mut self, kinds: impl IntoIterator<Item = ChannelKind>) -> Self {
        for kind in kinds {
            if !self.any.channel_types.contains(&(kind as u8)) {
                self.any.channel_types.push(kind as u8);
            }
        }
        self
    }

    /// This channel is chosen from the start.
    pub fn default_channel(self, channel: impl IntoId<ChannelId>) -> Self {
        self.chosen(channel.into_id(), "channel")
    }
}

impl AnySelect {
    pub(super) async fn keep_state(&mut self, host: &Host) -> Result {
        self.aim.keep(host).await
    }

    pub(super) fn into_json(self, to: &Addressee<'_>) -> Result<Value> {
        let Self { min, max, .. } = self;
        if min > max || max == 0 || usize::from(max) > MAX_OPTIONS {
            let text = format!(
                "a select takes {min} to {max} values: Discord takes 0 to 25 as the least, 1 to 25 as the most"
            );
            return Err(Error::new(text));
        }
        let mut select = json!({ "type": self.kind, "min_values": min, "max_values": max });
        if let Some(text) = self.placeholder {
            limit("the placeholder of a select", &text, MAX_PLACEHOLDER)?;
            select["placeholder"] = text.into();
        }
        if self.disabled {
            select["disabled"] = true.into();
        }
        if self.defaults.len() > max.into() {
            let text = format!(
                "a select has {} values chosen from the start, it takes {max}",
                self.defaults.len()
            );
            return Err(Error::new(text));
        }
        if !self.defaults.is_empty() {
            select["default_values"] = self
                .defaults
                .iter()
                .map(|(id, what)| json!({ "id": id, "type": what }))
                .collect();
        }
        if !self.channel_types.is_empty() {
            select["channel_types"] = self.channel_types.into();
        }
        if self.kind == 3 {
            select["options"] = options(self.options, max)?;
        }
        select["custom_id"] = self.aim.custom_id(to)?.into();
        Ok(select)
    }
}

fn options(options: Vec<SelectOption>, max: u8) -> Result<Value> {
    if options.is_empty() || options.len() > MAX_OPTIONS {
        let text = format!(
            "a select has {} options, Discord takes 1 to {MAX_OPTIONS}",
            options.len()
        );
        return Err(Error::new(text));
    }
    if options.len() < max.into() {
        let text = format!("a select of {} options can't take {max} values", options.len());
        return Err(Error::new(text));
    }
    let defaults = options.iter().filter(|option| option.default).count();
    if defaults > max.into() {
        let text = format!("a select has {defaults} options chosen from the start, it takes {max}");
        return Err(Error::new(text));
    }
    for (number, option) in options.iter().enumerate() {
        if options[..number].iter().any(|earlier| earlier.value == option.value) {
            return Err(Error::new(format!(
                "two options of a select have the value `{}`",
                option.value
            )));
        }
    }
    options.into_iter().map(SelectOption::into_json).collect()
}

/// An option of a [`StringSelect`].
///
/// A text becomes one by itself: its label and its value.
#[derive(Clone, Debug)]
#[must_use]
pub struct SelectOption {
    label: String,
    value: String,
    description: Option<String>,
    emoji: Option<Value>,
    default: bool,
}

impl SelectOption {
    /// What is shown, and what the handler gets; each 1 to 100 characters.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            description: None,
            emoji: None,
            default: false,
        }
    }

    /// A line below the label, up to 100 characters.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// An emoji before the label: `"👍"`, or one of a server as a message writes it, `"<:name:id>"`.
    pub fn emoji(mut self, text: &str) -> Self {
        self.emoji = Some(emoji(text));
        self
    }

    /// It is chosen from the start.
    pub fn default(mut self) -> Self {
        self.default = true;
        self
    }

    fn into_json(self) -> Result<Value> {
        for (what, text) in [("label", &self.label), ("value", &self.value)] {
            if limit(&format!("the {what} of an option"), text, MAX_TEXT)? == 0 {
                return Err(Error::new(format!("an option of a select needs a {what}")));
            }
        }
        let mut option = json!({ "label": self.label, "value": self.value });
        if let Some(text) = self.description.filter(|text| !text.is_empty()) {
            limit("the description of an option", &text, MAX_TEXT)?;
            option["description"] = text.into();
        }
        if let Some(emoji) = self.emoji {
            option["emoji"] = emoji;
        }
        if self.default {
            option["default"] = true.into();
        }
        Ok(option)
    }
}

impl<T: Into<String>> From<T> for SelectOption {
    fn from(label: T) -> Self {
        let label = label.into();
        Self::new(label.clone(), label)
    }
}

/// The kinds of a server's channels (<https://discord.com/developers/docs/resources/channel#channel-object-channel-types>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum ChannelKind {
    /// Text.
    Text = 0,
    /// Voice.
    Voice = 2,
    /// A category, which holds others.
    Category = 4,
    /// Text that other servers can follow.
    Announcement = 5,
    /// A thread of an announcement channel.
    AnnouncementThread = 10,
    /// A thread that all see who see its channel.
    PublicThread = 11,
    /// A thread that only those in it see.
    PrivateThread = 12,
    /// A stage.
    Stage = 13,
    /// A forum: threads only.
    Forum = 15,
    /// A forum of pictures.
    Media = 16,
}

impl ChannelKind {
    /// The kind of this number of Discord's; `None` for one that this crate doesn't know.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        let all = [
            Self::Text,
            Self::Voice,
            Self::Category,
            Self::Announcement,
            Self::AnnouncementThread,
            Self::PublicThread,
            Self::PrivateThread,
            Self::Stage,
            Self::Forum,
            Self::Media,
        ];
        all.into_iter().find(|kind| *kind as u8 == number)
    }
}

impl<K> Clone for Select<K> {
    fn clone(&self) -> Self {
        Self {
            any: self.any.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> fmt::Debug for Select<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.any.fmt(f)
    }
}
