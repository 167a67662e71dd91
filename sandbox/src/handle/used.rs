//! A command, button, select or modal that a person used, and what the bot made of it.
//!
//! It is apart from `said`, since an interaction has states of its own and its answers are known to belong to it.

use std::sync::Arc;

use serde_json::Value;

use super::{Message, Sandbox, conversation};
use crate::world::{State, Stored, World};

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InteractionState {
    /// The bot has not answered yet.
    Waiting,
    /// The bot acknowledged it and answers later.
    Deferred,
    /// The answer is there.
    Answered,
    /// The bot opened a modal.
    Modal,
    /// The bot offered choices.
    Autocomplete,
    /// "The application did not respond": no answer within the window.
    Failed,
}

/// An interaction of a person.
#[derive(Clone, Debug)]
pub struct Used {
    sandbox: Sandbox,
    id: u64,
    /// The message that the control was on, as it was then.
    on: Option<Arc<Stored>>,
}

impl Used {
    pub(crate) fn new(sandbox: &Sandbox, id: u64, on: Option<Arc<Stored>>) -> Self {
        Self {
            sandbox: sandbox.clone(),
            id,
            on,
        }
    }

    /// The interaction's id.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Who used it; `None` if it is forgotten.
    #[must_use]
    pub fn user_id(&self) -> Option<u64> {
        self.sandbox
            .with(|world| world.interactions.get(self.id).map(|one| one.user_id))
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> InteractionState {
        let state = self
            .sandbox
            .with(|world| world.interactions.get(self.id).map(|one| one.state));
        match state {
            Some(State::Waiting) => InteractionState::Waiting,
            Some(State::Deferred { .. } | State::DeferredUpdate) => InteractionState::Deferred,
            Some(State::Answered) => InteractionState::Answered,
            Some(State::Modal) => InteractionState::Modal,
            Some(State::Autocomplete) => InteractionState::Autocomplete,
            Some(State::Failed) | None => InteractionState::Failed,
        }
    }

    /// The messages with which the bot has answered so far, as they stand now: the answer, then later ones. One that has
    /// not come yet is left out.
    #[must_use]
    pub fn answers(&self) -> Vec<Message> {
        let found: Vec<_> = self.sandbox.with(|world| {
            let Some(one) = world.interactions.get(self.id) else {
                return Vec::new();
            };
            let ids = one.answer.iter().chain(&one.follow_ups);
            let messages = ids.filter_map(|id| world.message(one.channel_id, *id));
            messages.filter(|message| !message.is_loading()).cloned().collect()
        });
        found
            .into_iter()
            .map(|stored| Message::new(Arc::clone(self.sandbox.shared()), stored))
            .collect()
    }

    /// The message that the control is on, if it was changed since.
    #[must_use]
    pub fn updated(&self) -> Option<Message> {
        let on = self.on.as_ref()?;
        let now = self
            .sandbox
            .with(|world| world.message(on.channel_id, on.id).cloned())?;
        (now.edits > on.edits).then(|| Message::new(Arc::clone(self.sandbox.shared()), now))
    }

    /// The choices that the bot has offered, as Discord's choice objects.
    #[must_use]
    pub fn choices(&self) -> Option<Vec<Value>> {
        let choices = self
            .sandbox
            .with(|world| world.interactions.get(self.id)?.choices.clone())?;
        choices.as_array().cloned()
    }

    /// The modal that the bot opened.
    #[must_use]
    pub fn modal(&self) -> Option<Value> {
        self.sandbox.with(|world| {
            world
                .interactions
                .get(self.id)?
                .modal
                .as_ref()
                .map(|modal| modal.0.clone())
        })
    }

    /// Waits for the answer: the message that the bot answered with (a deferred one when it arrives), else its first
    /// later message for this interaction.
    ///
    /// # Panics
    ///
    /// If there is none in time, or the bot did not acknowledge within the window; the text tells the conversation and
    /// the REST calls that were refused.
    pub async fn expect_reply(&self) -> Message {
        let found = self.wait(|world| {
            let one = world.interactions.get(self.id)?;
            if one.state == State::Failed {
                return Some(None);
            }
            let id = one.answer.into_iter().chain(one.follow_ups.first().copied());
            let messages = id.filter_map(|id| world.message(one.channel_id, id));
            messages
                .filter(|message| !message.is_loading())
                .map(|message| Some(Arc::clone(message)))
                .next()
        });
        match found.await {
            Some(Some(stored)) => Message::new(Arc::clone(self.sandbox.shared()), stored),
            Some(None) => self.fail("got no answer: The application did not respond"),
            None => self.fail("got no answer"),
        }
    }

    /// Waits for the `n`-th later message (from 0) of this interaction.
    ///
    /// # Panics
    ///
    /// If there is none in time.
    pub async fn expect_follow_up(&self, n: usize) -> Message {
        let found = self.wait(|world| {
            let one = world.interactions.get(self.id)?;
            world.message(one.channel_id, *one.follow_ups.get(n)?).map(Arc::clone)
        });
        match found.await {
            Some(stored) => Message::new(Arc::clone(self.sandbox.shared()), stored),
            None => self.fail("got no follow-up"),
        }
    }

    /// Waits until the message that the control is on is changed, and gives its new form.
    ///
    /// # Panics
    ///
    /// If that does not happen in time, or the control was on no message.
    pub async fn expect_update(&self) -> Message {
        let Some(on) = &self.on else {
            self.fail("was not used on a message")
        };
        let found = self.wait(|world| {
            let failed = world
                .interactions
                .get(self.id)
                .is_none_or(|one| one.state == State::Failed);
            let changed = world
                .message(on.channel_id, on.id)
                .filter(|message| message.edits > on.edits)
                .map(Arc::clone);
            changed.map(Some).or(failed.then_some(None))
        });
        match found.await {
            Some(Some(stored)) => Message::new(Arc::clone(self.sandbox.shared()), stored),
            Some(None) => self.fail("changed nothing: The application did not respond"),
            None => self.fail("changed nothing"),
        }
    }

    /// Waits until the bot has acknowledged it without answering yet, or has done both.
    ///
    /// # Panics
    ///
    /// If the bot answered at once, or not in time.
    pub async fn expect_deferred(&self) {
        let found = self.wait(|world| {
            let one = world.interactions.get(self.id)?;
            let answer = one.answer.and_then(|id| world.message(one.channel_id, id));
            match one.state {
                State::Waiting => None,
                State::Deferred { .. } | State::DeferredUpdate => Some(true),
                // The answer may have arrived meanwhile: it was an edit then.
                State::Answered => Some(answer.is_none_or(|answer| answer.edits > 0)),
                _ => Some(false),
            }
        });
        if found.await != Some(true) {
            self.fail("was not deferred");
        }
    }

    /// Waits for the modal that the bot opens.
    ///
    /// # Panics
    ///
    /// If it opens none in time.
    pub async fn expect_modal(&self) -> Value {
        let found = self.wait(|world| {
            world
                .interactions
                .get(self.id)?
                .modal
                .as_ref()
                .map(|modal| modal.0.clone())
        });
        match found.await {
            Some(modal) => modal,
            None => self.fail("opened no modal"),
        }
    }

    /// Waits for the choices that the bot offers, as Discord's choice objects.
    ///
    /// # Panics
    ///
    /// If it offers none in time.
    pub async fn expect_choices(&self) -> Vec<Value> {
        let found = self.wait(|world| world.interactions.get(self.id)?.choices.clone());
        match found.await {
            Some(Value::Array(choices)) => choices,
            _ => self.fail("got no choices"),
        }
    }

    /// Waits until it has failed: "The application did not respond".
    ///
    /// # Panics
    ///
    /// If the bot acknowledged it.
    pub async fn expect_failed(&self) {
        let found = self.wait(|world| {
            let one = world.interactions.get(self.id)?;
            (one.state != State::Waiting).then_some(one.state)
        });
        if found.await != Some(State::Failed) {
            self.fail("did not fail");
        }
    }

    async fn wait<T>(&self, look: impl FnMut(&World) -> Option<T>) -> Option<T> {
        self.sandbox.shared().until(self.sandbox.patience(), look).await
    }

    fn fail(&self, what: &str) -> ! {
        let text = self.sandbox.with(|world| {
            let one = world.interactions.get(self.id);
            let (name, channel) = one.map_or(("?", 0), |one| (one.name.as_str(), one.channel_id));
            let state = one.map_or("forgotten", |one| one.state.word());
            let (said, errors) = (conversation::of(world, channel), conversation::errors(world));
            format!("`{name}` {what} (it is {state})\n{said}{errors}")
        });
        panic!("{text}")
    }
}
