//! A message of the bot, as a test reads it and goes on with it.
//!
//! It never changes in a test's hands: the newer form is waited for.

use std::sync::Arc;

use sandbox::Message;
use serde_json::Value;

use crate::bot::Inner;

/// A message of the bot.
#[derive(Clone)]
pub struct Answer {
    pub(crate) bot: Arc<Inner>,
    pub(crate) message: Message,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("text", &self.text())
            .finish_non_exhaustive()
    }
}

impl Answer {
    pub(crate) fn new(bot: &Arc<Inner>, message: Message) -> Self {
        Self {
            bot: Arc::clone(bot),
            message,
        }
    }

    /// Its text, as Discord has it: mentions are `<@ID>`.
    #[must_use]
    pub fn content(&self) -> &str {
        self.message.content()
    }

    /// All that people read in it: text, embeds and text components, line by line.
    #[must_use]
    pub fn text(&self) -> String {
        self.message.text()
    }

    /// Its embeds, as Discord's objects.
    #[must_use]
    pub fn embeds(&self) -> &[Value] {
        self.message.embeds()
    }

    /// Whether only its asker sees it.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.message.is_ephemeral()
    }

    /// Those whom it notifies, by user id.
    #[must_use]
    pub fn mentions(&self) -> &[u64] {
        self.message.mentions()
    }

    /// The message itself, for what has no word here.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// A field of one of its embeds, by name.
    ///
    /// # Panics
    ///
    /// If there is none; the text says which there are.
    #[must_use]
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        let fields: Vec<&Value> = self
            .embeds()
            .iter()
            .flat_map(|embed| embed["fields"].as_array().into_iter().flatten())
            .collect();
        let found = fields.iter().find(|field| field["name"] == name);
        let Some(value) = found.and_then(|field| field["value"].as_str()) else {
            let names: Vec<_> = fields.iter().filter_map(|field| field["name"].as_str()).collect();
            panic!(
                "the answer has no field {name:?}, it has {names:?}: name one of them\n{}",
                self.text()
            )
        };
        value.to_owned()
    }

    /// Waits until the bot changes it once more, and gives its new form.
    ///
    /// # Panics
    ///
    /// If it does not in time.
    #[must_use]
    #[track_caller]
    pub fn expect_edit(&self) -> Self {
        let found = self.bot.sandbox.wait(self.bot.patience, |_| {
            self.message.refresh().filter(|now| now.edits() > self.message.edits())
        });
        match found {
            Some(message) => Self::new(&self.bot, message),
            None => self
                .bot
                .fail(&format!("expected that {:?} is edited, it was not", self.text())),
        }
    }

    /// Waits until it is deleted.
    ///
    /// # Panics
    ///
    /// If it is not in time.
    #[track_caller]
    pub fn expect_deleted(&self) {
        let gone = self
            .bot
            .sandbox
            .wait(self.bot.patience, |_| self.message.refresh().is_none().then_some(()));
        if gone.is_none() {
            self.bot.fail(&format!(
                "expected that {:?} is deleted, it is still there",
                self.text()
            ));
        }
    }
}
