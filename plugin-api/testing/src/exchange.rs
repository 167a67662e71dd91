//! Something that a person did, and what is expected of the bot then.
//!
//! The same expectations for every door: which messages count as answers depends on the door, what is asked of them
//! does not. They block the test's thread; bot and Discord run on others.

use std::{sync::Arc, time::Duration};

use sandbox::{Message, RestEntry, Said, Used};
use serde_json::Value;

use crate::{Answer, bot::Inner};

/// What was done.
#[derive(Clone)]
pub(crate) enum Act {
    /// Something was written.
    Said(Said),
    /// A command, a control or a form was used.
    Used(Used),
    /// Something else, in a channel in which this message was the last one before.
    Done { channel: u64, after: u64 },
}

/// Something that a person did: say what you expect of the bot.
#[derive(Clone)]
#[must_use = "what is expected of the bot? `settles` waits for its end, and expects nothing"]
pub struct Exchange {
    pub(crate) bot: Arc<Inner>,
    pub(crate) act: Act,
    what: String,
    /// REST calls and lines of the log before.
    calls: usize,
    lines: usize,
    /// Answers that there were already, and how often they had been changed.
    earlier: Vec<(u64, u32)>,
    patience: Duration,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

/// What there was before an act.
pub(crate) struct Before {
    calls: usize,
    lines: usize,
    earlier: Vec<(u64, u32)>,
}

impl Before {
    pub(crate) fn now(bot: &Inner) -> Self {
        Self {
            calls: bot.sandbox.rest_log().len(),
            lines: bot.log.count(),
            earlier: Vec::new(),
        }
    }

    /// Before what was said is changed: its answers so far are none to the change, unless the bot changes them, too.
    pub(crate) fn answered(mut self, said: &Said) -> Self {
        let answers = said.answers();
        self.earlier = answers.iter().map(|answer| (answer.id(), answer.edits())).collect();
        self
    }
}

impl Exchange {
    pub(crate) fn new(bot: &Arc<Inner>, before: Before, act: Act, what: String) -> Self {
        Self {
            bot: Arc::clone(bot),
            act,
            what,
            calls: before.calls,
            lines: before.lines,
            earlier: before.earlier,
            patience: bot.patience,
        }
    }

    /// The same, whose expectations wait for so long instead of for the builder's patience.
    pub fn within(&self, limit: Duration) -> Self {
        Self {
            patience: limit,
            ..self.clone()
        }
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        self.bot.fail_after(self.patience, what)
    }

    /// What the bot has answered so far.
    fn answers(&self) -> Vec<Message> {
        match &self.act {
            Act::Said(said) => {
                let is_earlier = |answer: &Message| self.earlier.contains(&(answer.id(), answer.edits()));
                said.answers()
                    .into_iter()
                    .filter(|answer| !is_earlier(answer))
                    .collect()
            }
            Act::Used(used) => used.answers().into_iter().chain(used.updated()).collect(),
            Act::Done { channel, after } => {
                let messages = self.bot.sandbox.messages_after(*channel, *after);
                let bot = self.bot.sandbox.bot_id();
                messages
                    .into_iter()
                    .filter(|message| message.author_id() == bot)
                    .collect()
            }
        }
    }

    #[track_caller]
    fn expect(&self, what: &str, is_meant: impl Fn(&Message) -> bool) -> Answer {
        let found = self.bot.sandbox.wait(self.patience, |_| {
            let mut answers = self.answers().into_iter();
            answers.find(|answer| !answer.is_loading() && is_meant(answer))
        });
        match found {
            Some(message) => Answer::new(&self.bot, message),
            None => {
                let answers: Vec<String> = self
                    .answers()
                    .iter()
                    .map(|answer| format!("{:?}", answer.text()))
                    .collect();
                let but = if answers.is_empty() {
                    "the bot answered nothing".to_owned()
                } else {
                    format!("the bot answered {}", answers.join(", "))
                };
                self.fail(&format!("{}: expected {what}, but {but}", self.what))
            }
        }
    }

    /// Waits for the bot's first answer.
    ///
    /// # Panics
    ///
    /// If there is none in time. So do all expectations; their text tells the conversation.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_reply(&self) -> Answer {
        self.expect("an answer", |_| true)
    }

    /// Waits for an answer in which this can be read: in its text, an embed or a text component. Names stand for
    /// mentions, as in what people say.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_text(&self, text: &str) -> Answer {
        let meant = crate::words::mentioned(&self.bot.sandbox, &self.bot.sandbox.guild(), text);
        self.expect(&format!("an answer with {text:?}"), |answer| {
            let said = answer.text();
            said.contains(text) || said.contains(&meant)
        })
    }

    /// Waits for an answer with an embed in which this can be read.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_embed(&self, text: &str) -> Answer {
        self.expect(&format!("an embed with {text:?}"), |answer| {
            !answer.embeds().is_empty() && answer.text().contains(text)
        })
    }

    /// Waits for an answer that only its asker sees.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_ephemeral(&self) -> Answer {
        self.expect("an answer that only the asker sees", Message::is_ephemeral)
    }

    /// Waits for the `n`-th answer, from 0.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_answer(&self, n: usize) -> Answer {
        let found = self.bot.sandbox.wait(self.patience, |_| {
            let answers = self.answers().into_iter().filter(|answer| !answer.is_loading());
            answers.into_iter().nth(n)
        });
        match found {
            Some(message) => Answer::new(&self.bot, message),
            None => self.fail(&format!(
                "{}: expected answer {n} (from 0), which did not come",
                self.what
            )),
        }
    }

    /// Waits until the message is changed on which a control was used.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_update(&self) -> Answer {
        let found = self.bot.sandbox.wait(self.patience, |_| match &self.act {
            Act::Used(used) => used.updated(),
            _ => None,
        });
        match found {
            Some(message) => Answer::new(&self.bot, message),
            None => self.fail(&format!("{}: expected that its message changes, it did not", self.what)),
        }
    }

    /// Waits until the bot has come to the end of what it does, and expects that it has answered nothing, not even by
    /// deleting or reacting later in the same handler.
    #[track_caller]
    pub fn expect_no_reply(&self) {
        self.bot.settle(self.patience);
        let answers = self.answers();
        if let Some(answer) = answers.first() {
            self.fail(&format!(
                "{}: expected no answer, but the bot answered {:?}",
                self.what,
                answer.text()
            ));
        }
    }

    /// Waits until the bot has come to the end of what it does, whatever that is.
    #[track_caller]
    pub fn settles(&self) {
        self.bot.settle(self.patience);
    }

    /// Waits for the bot's reaction to what was said.
    #[track_caller]
    pub fn expect_reaction(&self, emoji: &str) {
        let is_there = |message: &Message| {
            let reactions = message.json()["reactions"].as_array();
            reactions.is_some_and(|all| all.iter().any(|one| one["emoji"]["name"] == emoji && one["me"] == true))
        };
        let found = self.bot.sandbox.wait(self.patience, |_| {
            let message = self.own_message()?.refresh()?;
            is_there(&message).then_some(())
        });
        if found.is_none() {
            self.fail(&format!(
                "{}: expected the bot's reaction {emoji}, there is none",
                self.what
            ));
        }
    }

    /// Waits until what was said is deleted.
    #[track_caller]
    pub fn expect_deleted(&self) {
        let gone = self
            .bot
            .sandbox
            .wait(self.patience, |_| self.own_message()?.refresh().is_none().then_some(()));
        if gone.is_none() {
            self.fail(&format!(
                "{}: expected that the message is deleted, it is still there",
                self.what
            ));
        }
    }

    fn own_message(&self) -> Option<Message> {
        match &self.act {
            Act::Said(said) => Some(said.message()),
            _ => None,
        }
    }

    /// Waits for the form that the bot opens, and gives it as Discord's object.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_modal(&self) -> Value {
        let found = self.bot.sandbox.wait(self.patience, |_| match &self.act {
            Act::Used(used) => used.modal(),
            _ => None,
        });
        found.unwrap_or_else(|| self.fail(&format!("{}: expected a form, none was opened", self.what)))
    }

    /// Waits for the choices that the bot offers to somebody who types, by their names.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_choices(&self) -> Vec<String> {
        let found = self.bot.sandbox.wait(self.patience, |_| match &self.act {
            Act::Used(used) => used.choices(),
            _ => None,
        });
        let choices =
            found.unwrap_or_else(|| self.fail(&format!("{}: expected choices, none were offered", self.what)));
        choices
            .iter()
            .filter_map(|choice| choice["name"].as_str().map(str::to_owned))
            .collect()
    }

    /// Waits for a REST call that the bot makes since then: its method, and its path with `*` for any segment.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_rest(&self, method: &str, path: &str) -> RestEntry {
        self.bot.expect_rest(self.calls, method, path)
    }

    /// Waits for a line that the bot logs since then.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_log(&self, text: &str) -> String {
        let found = self.bot.log.wait(self.lines, text, self.patience);
        found.unwrap_or_else(|| {
            self.fail(&format!(
                "{}: expected the log to say {text:?}, which it did not",
                self.what
            ))
        })
    }

    /// Waits for the code by which the bot tells that something broke, and gives it; the log says more under it.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_error_code(&self) -> String {
        let code = |text: &str| {
            let (_, rest) = text.split_once("Code `")?;
            rest.split_once('`').map(|(code, _)| code.to_owned())
        };
        let answer = self.expect("the code of an error", |answer| code(&answer.text()).is_some());
        code(&answer.text()).unwrap_or_default()
    }

    /// What was said in the channel from this act on, as text without ids and times.
    #[must_use]
    pub fn conversation(&self) -> String {
        let (channel, after) = match &self.act {
            Act::Said(said) => (said.channel_id(), said.message_id() - 1),
            Act::Done { channel, after } => (*channel, *after),
            Act::Used(_) => return self.bot.transcript(),
        };
        self.bot.sandbox.transcript_of(channel, after)
    }
}
