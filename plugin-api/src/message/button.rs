//! Buttons (<https://discord.com/developers/docs/components/reference#button>).
//!
//! A custom id is written last: only when the message is sent is it known who asked and when the button runs out.

use std::{
    marker::PhantomData,
    time::{SystemTime, UNIX_EPOCH},
};

use plugin_protocol::custom_id::{CustomId, Route};
use serde::Serialize;
use serde_json::{Value, json};

use super::body::{Addressee, limit};
use crate::{Error, Result};

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
        let state = serde_json::to_string(state).map_err(|error| error.to_string());
        Button {
            label: self.label,
            style,
            action: Action::Handler {
                name: self.handler,
                state,
            },
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
    /// The state is JSON, or why it could not be written.
    Handler {
        name: &'static str,
        state: Result<String, String>,
    },
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
    pub fn emoji(mut self, emoji: &str) -> Self {
        let custom = emoji.strip_prefix('<').and_then(|emoji| emoji.strip_suffix('>'));
        let parts = custom.map(|emoji| emoji.split(':').collect::<Vec<_>>());
        self.emoji = Some(match parts.as_deref() {
            Some(["", name, id]) => json!({ "name": name, "id": id }),
            Some(["a", name, id]) => json!({ "name": name, "id": id, "animated": true }),
            _ => json!({ "name": emoji }),
        });
        self
    }

    /// Grey and not to be used.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
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
            Action::Handler { name, state } => button["custom_id"] = custom_id(name, state, to)?.into(),
            Action::Link(url) => {
                limit("the address of a button", &url, 512)?;
                button["url"] = url.into();
            }
        }
        Ok(button)
    }
}

fn custom_id(handler: &'static str, state: Result<String, String>, to: &Addressee<'_>) -> Result<String> {
    let state = state.map_err(|error| {
        Error::new(format!(
            "the state of a control of `{handler}` can't be written: {error}"
        ))
    })?;
    let Some(controls) = to.core.controls.get(handler) else {
        return Err(Error::new(format!(
            "`{handler}` is not among the `components` of `plugin!`"
        )));
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let id = CustomId {
        route: Route::new(to.core.link.plugin(), handler),
        user: if controls.anyone { None } else { to.requester },
        expires: controls
            .expires_seconds
            .map(|seconds| u32::try_from(now.saturating_add(seconds.into())).unwrap_or(u32::MAX)),
        state,
    };
    id.encode().map_err(|error| Error::new(format!("`{handler}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emojis_of_discord_and_of_servers_are_told_apart() {
        let of = |emoji| {
            Button::link("a", "https://example.org")
                .emoji(emoji)
                .emoji
                .expect("set")
        };
        assert_eq!(of("👍"), json!({ "name": "👍" }));
        assert_eq!(of("<:blob:12>"), json!({ "name": "blob", "id": "12" }));
        assert_eq!(
            of("<a:blob:12>"),
            json!({ "name": "blob", "id": "12", "animated": true })
        );
    }
}
