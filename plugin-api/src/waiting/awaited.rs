//! Controls that no handler of the plugin's own belongs to: who waits for a click on their message gets it.
//!
//! They are handlers of this crate that every plugin has, so that a click is decoded, checked and answered as any other, and
//! one that nobody waits for any more is told so.

use std::time::Duration;

use plugin_protocol::{Defer, StopReason};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{
    Button, ChannelSelect, ClickCtx, Error, MentionableSelect, Result, RoleSelect, StringSelect, UserSelect,
    definition::{ComponentDef, ControlPolicyDef},
    message::ButtonOf,
    refuse,
    runtime::Offer,
};

/// The handlers' names: no function can be called so.
const REQUESTER: &str = "plugin_api.awaited";
const ANYONE: &str = "plugin_api.awaited_by_anyone";

/// How long a click waits for somebody who is about to wait for it: people can be quicker than the function that has just
/// sent the message, and it must be answered within 2 seconds, or it is deferred.
const ABOUT_TO_WAIT: Duration = Duration::from_millis(1500);

/// A control for [`Ctx::wait_for_click`](crate::Ctx::wait_for_click): with a key of its own, which the click tells.
///
/// ```
/// use plugin_api::awaited;
///
/// let yes = awaited("yes").button("Yes").success();
/// let no = awaited("no").button("No").secondary();
/// ```
pub fn awaited(key: impl Into<String>) -> Awaited {
    Awaited {
        key: key.into(),
        handler: REQUESTER,
    }
}

/// A control that is waited for, see [`awaited`].
#[derive(Clone, Debug)]
#[must_use = "it becomes a button or a select"]
pub struct Awaited {
    key: String,
    handler: &'static str,
}

impl Awaited {
    /// Everybody may use it, not only the one who asked for the message.
    pub fn anyone(mut self) -> Self {
        self.handler = ANYONE;
        self
    }

    /// A button with this label, of at most 80 characters; it still needs its style.
    pub fn button(self, label: impl Into<String>) -> AwaitedButton {
        AwaitedButton {
            button: ButtonOf::new(self.handler, label.into()),
            key: self.key,
        }
    }

    /// A select of texts; give it options.
    pub fn string_select(self) -> StringSelect {
        StringSelect::of_strings(self.handler, &self.key)
    }

    /// A select of users.
    pub fn user_select(self) -> UserSelect {
        UserSelect::of_users(self.handler, &self.key)
    }

    /// A select of roles.
    pub fn role_select(self) -> RoleSelect {
        RoleSelect::of_roles(self.handler, &self.key)
    }

    /// A select of channels.
    pub fn channel_select(self) -> ChannelSelect {
        ChannelSelect::of_channels(self.handler, &self.key)
    }

    /// A select of users and roles.
    pub fn mentionable_select(self) -> MentionableSelect {
        MentionableSelect::of_mentionables(self.handler, &self.key)
    }
}

/// A button that is waited for and still needs its style, see [`awaited`].
#[derive(Clone, Debug)]
#[must_use = "a button needs a style: `.primary()`"]
pub struct AwaitedButton {
    button: ButtonOf<String>,
    key: String,
}

impl AwaitedButton {
    /// A blurple one, for what is meant to be done.
    #[must_use]
    pub fn primary(self) -> Button {
        self.button.primary(&self.key)
    }

    /// A grey one, for one of several.
    #[must_use]
    pub fn secondary(self) -> Button {
        self.button.secondary(&self.key)
    }

    /// A green one, for a confirmation.
    #[must_use]
    pub fn success(self) -> Button {
        self.button.success(&self.key)
    }

    /// A red one, for what can't be undone.
    #[must_use]
    pub fn danger(self) -> Button {
        self.button.danger(&self.key)
    }
}

impl<S> ClickCtx<S> {
    /// The key of the [`awaited`] control that was used; empty for any other.
    #[must_use]
    pub fn key(&self) -> String {
        self.control_state().unwrap_or_default()
    }
}

/// The handlers of controls that are waited for.
pub(crate) fn controls<S: 'static>() -> [ComponentDef<S>; 2] {
    [(REQUESTER, false), (ANYONE, true)].map(|(name, anyone)| ComponentDef {
        name,
        anyone,
        expires_seconds: None,
        defer: Defer::Public,
        policy: ControlPolicyDef::DEFAULT,
        form: None,
        opener: None,
        run: |ctx| Box::pin(clicked(ctx)),
    })
}

/// Hands the click to who waits for it, and ends when they are done with it.
async fn clicked<S: 'static>(ctx: ClickCtx<S>) -> Result {
    let Some(message) = ctx.message_id() else {
        return refuse(NOBODY);
    };
    let core = ctx.core.clone();
    let until = Instant::now() + ABOUT_TO_WAIT;
    loop {
        let changed = core.waits.changed();
        tokio::pin!(changed);
        if let Some(why) = core.waits.ended() {
            return Err(Error::wait_ended(why));
        }
        match core.waits.offer(message, &ctx) {
            Offer::To(taker) => {
                let (held, done) = oneshot::channel();
                let handed = Box::new(ctx.clone().held_by(held));
                if taker.try_send(handed).is_ok() {
                    drop(ctx);
                    // An error says that the last clone of it was dropped.
                    let _ = done.await;
                    return Ok(());
                }
            }
            Offer::Unwanted => return refuse("That isn't for you, or not right now."),
            Offer::Unexpected => {
                // Nothing on this thread happens between the look and the waiting.
                if timeout_at(until, changed).await.is_err() {
                    return refuse(NOBODY);
                }
            }
        }
    }
}

const NOBODY: &str = "Nobody waits for this any more. Please use the command again.";

/// Why a function can't wait any longer, in words for the user.
pub(crate) const fn told(why: StopReason) -> &'static str {
    match why {
        StopReason::Reload => {
            "This command's plugin was updated while it waited for you. Please use the command again."
        }
        StopReason::Shutdown => {
            "The bot is being restarted while this command waits for you. Please use it again in a moment."
        }
        StopReason::Unload | StopReason::Rollback | StopReason::Unknown => {
            "This command's plugin was unloaded while it waited for you. Ask whoever runs this bot if you need it."
        }
    }
}
