//! Buttons (<https://discord.com/developers/docs/components/reference#button>).
//!
//! A button is complete with its style, which takes the state; links are the ones without a handler.

use std::marker::PhantomData;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    body::{Addressee, limit},
    control::{Aim, emoji},
};
use crate::{Error, Host, IntoId, Result, UserId};

/// A button that still needs its style, which takes the state that a click hands to the handler.
#[derive(Clone, Debug)]
#[must_use = "a button needs a style: `.primary(&state)`"]
pub struct ButtonOf<T> {
    handler: &'static str,
    label: String,
    state: PhantomData<fn(T)>,
}

impl<T: Serialize> ButtonOf<T> {
    pub(crate) fn new(handler: &'static str, label: String) -> Self {
        Self {
            handler,
            label,
            state: PhantomData,
        }
    }

    /// A blurple one, for what is meant to be done; `&()` for a handler without a state.
    pub fn primary(self, state: &T) -> Button {
        self.style(1, state)
    }

    /// A grey one, for one of several.
    pub fn secondary(self, state: &T) -> Button {
        self.style(2, state)
    }

    /// A green one, for a confirmation.
    pub fn success(self, state: &T) -> Button {
        self.style(3, state)
    }

    /// A red one, for what can't be undone.
    pub fn danger(self, state: &T) -> Button {
        self.style(4, state)
    }

    fn style(self, style: u8, state: &T) -> Button {
        Button {
            label: self.label,
            style,
            action: Action::Handler(Aim::new(self.handler, state)),
            emoji: None,
            disabled: false,
        }
    }
}

/// A button; made by a `#[component]`'s function, see [`ButtonFactory`](crate::ButtonFactory), or by [`Button::link`].
#[derive(Clone, Debug)]
pub struct Button {
    label: String,
    style: u8,
    action: Action,
    emoji: Option<Value>,
    disabled: bool,
}

#[derive(Clone, Debug)]
enum Action {
    Handler(Aim),
    Link(String),
}

impl Button {
    /// A button that opens an address, up to 512 characters.
    #[must_use]
    pub fn link(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            style: 5,
            action: Action::Link(url.into()),
            emoji: None,
            disabled: false,
        }
    }

    /// An emoji before the label: `"👍"`, or one of a server as a message writes it, `"<:name:id>"`.
    #[must_use]
    pub fn emoji(mut self, text: &str) -> Self {
        self.emoji = Some(emoji(text));
        self
    }

    /// Only this user may use it, whoever asked for the message and even if the handler says `anyone`; needed in messages that
    /// nobody asked for, such as those of events and tasks. A link is everybody's.
    #[must_use]
    pub fn for_user(mut self, user: impl IntoId<UserId>) -> Self {
        if let Action::Handler(aim) = &mut self.action {
            aim.bind(user.into_id());
        }
        self
    }

    /// Grey and not to be used.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    pub(super) async fn keep_state(&mut self, host: &Host) -> Result {
        match &mut self.action {
            Action::Handler(aim) => aim.keep(host).await,
            Action::Link(_) => Ok(()),
        }
    }

    pub(super) fn into_json(self, to: &Addressee<'_>) -> Result<Value> {
        limit("the label of a button", &self.label, 80)?;
        if self.label.is_empty() && self.emoji.is_none() {
            return Err(Error::new("a button needs a label or an emoji"));
        }
        let mut button = json!({ "type": 2, "style": self.style });
        if !self.label.is_empty() {
            button["label"] = self.label.into();
        }
        if let Some(emoji) = self.emoji {
            button["emoji"] = emoji;
        }
        if self.disabled {
            button["disabled"] = true.into();
        }
        match self.action {
            Action::Handler(aim) => button["custom_id"] = aim.custom_id(to)?.into(),
            Action::Link(url) => {
                limit("the address of a button", &url, 512)?;
                button["url"] = url.into();
            }
        }
        Ok(button)
    }
}
