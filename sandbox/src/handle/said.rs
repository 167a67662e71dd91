//! What a person said, and the bot's answer to it.
//!
//! It holds the rule for what counts as the answer to a message; answers to interactions are in `used`.

use std::{sync::Arc, time::Duration};

use super::{Message, Sandbox, conversation};
use crate::world::Stored;

/// A message that a person wrote.
#[derive(Clone, Debug)]
pub struct Said {
    sandbox: Sandbox,
    stored: Arc<Stored>,
}

impl Said {
    pub(crate) fn new(sandbox: &Sandbox, stored: Arc<Stored>) -> Self {
        Self {
            sandbox: sandbox.clone(),
            stored,
        }
    }

    /// The message's id.
    #[must_use]
    pub fn message_id(&self) -> u64 {
        self.stored.id
    }

    /// The channel's id.
    #[must_use]
    pub fn channel_id(&self) -> u64 {
        self.stored.channel_id
    }

    /// The message itself.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::new(Arc::clone(self.sandbox.shared()), Arc::clone(&self.stored))
    }

    /// Waits for the bot's answer: its first reply to this message, else the first thing that it says afterwards in
    /// the channel without replying to anything. A reply to another message, or an answer to an interaction, is never
    /// taken for it.
    ///
    /// # Panics
    ///
    /// If there is none in time (10 s, or the builder's patience); the text tells the conversation and the REST calls
    /// that were refused.
    pub async fn expect_reply(&self) -> Message {
        let patience = self.sandbox.patience();
        let Some(message) = self.reply(patience).await else {
            let (said, errors) = self.sandbox.with(|world| {
                (
                    conversation::of(world, self.stored.channel_id),
                    conversation::errors(world),
                )
            });
            let text = self.stored.value["content"].as_str().unwrap_or_default();
            panic!("the bot did not answer \"{text}\" within {patience:?}\n{said}{errors}")
        };
        message
    }

    /// What the bot has said to it so far, as it stands now: replies to it, and what it has said in the channel since without
    /// replying to anything.
    #[must_use]
    pub fn answers(&self) -> Vec<Message> {
        let (channel, id) = (self.stored.channel_id, self.stored.id);
        let is_meant = |one: &&Arc<Stored>| {
            one.by_bot && one.interaction.is_none() && (one.reference == Some(id) || one.reference.is_none())
        };
        let found: Vec<_> = self.sandbox.with(|world| {
            let history = world.channels.get(&channel).map(|channel| &channel.history);
            let later = history.into_iter().flat_map(|history| history.after(id));
            later.filter(is_meant).cloned().collect()
        });
        found
            .into_iter()
            .map(|stored| Message::new(Arc::clone(self.sandbox.shared()), stored))
            .collect()
    }

    /// The answer as [`Said::expect_reply`] takes it; `None` if there is none within `limit`.
    pub async fn reply(&self, limit: Duration) -> Option<Message> {
        let (channel, id) = (self.stored.channel_id, self.stored.id);
        let shared = self.sandbox.shared();
        let found = shared
            .until(limit, |world| {
                world.channels.get(&channel)?.history.answer_to(id).map(Arc::clone)
            })
            .await?;
        Some(Message::new(Arc::clone(shared), found))
    }
}
