//! A channel: what the bot says there by itself.
//!
//! Apart from exchanges, where each expectation is of the answer to something that somebody did.

use std::sync::Arc;

use sandbox::{Channel, Message};

use crate::{Answer, Member, bot::Inner};

/// A channel of the server.
#[derive(Clone)]
pub struct Place {
    bot: Arc<Inner>,
    channel: Channel,
    /// The last message when it was named: what is expected came later.
    after: u64,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl Place {
    pub(crate) fn new(bot: &Arc<Inner>, channel: Channel) -> Self {
        let after = channel.messages().last().map_or(0, Message::id);
        Self {
            bot: Arc::clone(bot),
            channel,
            after,
        }
    }

    /// The channel's id.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.channel.id()
    }

    /// The channel itself, for what has no word here.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Somebody acting in this channel.
    #[must_use]
    pub fn member(&self, name: &str) -> Member {
        Member::new(&self.bot, self.channel.user(name))
    }

    /// Waits for a message of the bot in which this can be read, since the channel was named.
    ///
    /// # Panics
    ///
    /// If there is none in time; the text tells the conversation.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_text(&self, text: &str) -> Answer {
        let meant = crate::words::mentioned(&self.bot.sandbox, &self.bot.sandbox.guild(), text);
        let bot = self.bot.sandbox.bot_id();
        let found = self.bot.sandbox.wait(self.bot.patience, |_| {
            let said = self.channel.messages_after(self.after).into_iter();
            let mut said = said.filter(|message| message.author_id() == bot);
            said.find(|message| {
                let read = message.text();
                read.contains(text) || read.contains(&meant)
            })
        });
        match found {
            Some(message) => Answer::new(&self.bot, message),
            None => self.bot.fail(&format!(
                "expected the bot to say {text:?} in #{}, it did not",
                self.channel.name()
            )),
        }
    }

    /// Waits until the bot has come to the end of what it does, and expects that it has said nothing here since the channel
    /// was named.
    ///
    /// # Panics
    ///
    /// If it has.
    #[track_caller]
    pub fn expect_silence(&self) {
        self.bot.settle(self.bot.patience);
        let bot = self.bot.sandbox.bot_id();
        let said = self.channel.messages_after(self.after).into_iter();
        if let Some(message) = said.into_iter().find(|message| message.author_id() == bot) {
            self.bot.fail(&format!(
                "expected the bot to be silent in #{}, it said {:?}",
                self.channel.name(),
                message.text()
            ));
        }
    }

    /// What was said here since the channel was named, as text without ids and times.
    #[must_use]
    pub fn conversation(&self) -> String {
        self.bot.sandbox.transcript_of(self.channel.id(), self.after)
    }
}
