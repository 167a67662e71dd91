//! The context of a control's handler: a command's, and the message that the control is on.
//!
//! It adds only what needs the control. Whether it may still be used, and by whom, the host has checked before.

use std::{fmt, ops::Deref, rc::Rc};

use plugin_protocol::{Action, ArgumentValue};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::Ctx;
use crate::{Channel, Member, Message, Reply, Result, Role, User, refuse};

/// What the handler of a button or select is given.
///
/// It dereferences to [`Ctx`]: `reply` answers with a message of its own, [`update`](Self::update) changes the message
/// that the control is on.
pub struct ClickCtx<S = ()> {
    ctx: Ctx<S>,
    /// Of a click that was waited for: its handler ends when the last clone is dropped.
    held: Option<Rc<oneshot::Sender<()>>>,
}

impl<S> ClickCtx<S> {
    pub(crate) fn new(ctx: Ctx<S>) -> Self {
        Self { ctx, held: None }
    }

    /// The same, as one whose drop `done` is told of.
    pub(crate) fn held_by(mut self, done: oneshot::Sender<()>) -> Self {
        self.held = Some(Rc::new(done));
        self
    }

    /// Changes the message that the control is on: await it. What the message doesn't set stays as it is.
    #[track_caller]
    pub fn update(&self, message: impl Into<Message>) -> Reply {
        Reply::to_invocation(
            self.host().clone(),
            self.asked.id(),
            Action::UpdateMessage,
            self.message_id(),
            message.into(),
        )
    }

    /// What was chosen in a select; empty for a button.
    #[must_use]
    pub fn values(&self) -> &[String] {
        self.asked.invocation.click.as_ref().map_or(&[], |click| &click.values)
    }

    /// The first that was chosen in a select; `None` for a button, and where nothing was chosen.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.values().first().map(String::as_str)
    }

    /// The users that were chosen, members of the server or not, in the order of choosing.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.chosen().filter_map(|chosen| match chosen {
            ArgumentValue::User(user) => Some(user),
            ArgumentValue::Member(member) => Some(&member.user),
            _ => None,
        })
    }

    /// Those that were chosen who are members of the server.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.chosen().filter_map(|chosen| match chosen {
            ArgumentValue::Member(member) => Some(member),
            _ => None,
        })
    }

    /// The roles that were chosen.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.chosen().filter_map(|chosen| match chosen {
            ArgumentValue::Role(role) => Some(role),
            _ => None,
        })
    }

    /// The channels that were chosen.
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.chosen().filter_map(|chosen| match chosen {
            ArgumentValue::Channel(channel) => Some(channel),
            _ => None,
        })
    }

    fn chosen(&self) -> impl Iterator<Item = &ArgumentValue> {
        self.asked.invocation.click.iter().flat_map(|click| &click.chosen)
    }

    /// The state in the control's custom id, for generated code.
    #[doc(hidden)]
    pub fn control_state<T: DeserializeOwned>(&self) -> Result<T> {
        let text = self
            .asked
            .invocation
            .click
            .as_ref()
            .map_or("", |click| click.state.as_str());
        let text = if text.is_empty() { "null" } else { text };
        serde_json::from_str(text)
            .or_else(|_| refuse("This control comes from another version of the plugin. Please ask for a new one."))
    }
}

impl<S> Clone for ClickCtx<S> {
    fn clone(&self) -> Self {
        Self {
            ctx: self.ctx.clone(),
            held: self.held.clone(),
        }
    }
}

impl<S> Deref for ClickCtx<S> {
    type Target = Ctx<S>;

    fn deref(&self) -> &Ctx<S> {
        &self.ctx
    }
}

impl<S> fmt::Debug for ClickCtx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClickCtx")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
