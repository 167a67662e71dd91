//! A message that is nothing but the bot's mention: it is answered with a card, by a command of the built-in plugin.
//!
//! Once in a while and channel, so that nobody can make the bot talk all the time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use plugin_protocol::ChannelId;

use super::{Router, Written};
use crate::{
    bot::HOST_NAME,
    commands::{Parsed, Prefixes, prefix},
    gateway::{Partial, RawEvent},
};

/// The built-in command that answers.
const COMMAND: &str = "mentioned";
/// How long the bot is quiet in a channel where it has answered.
const QUIET: Duration = Duration::from_secs(30);
/// How many channels are remembered.
const MOST: usize = 4096;

/// Where the bot has answered its mention lately. A lock of std: held for a look-up only.
#[derive(Debug, Default)]
pub struct Mentioned(Mutex<HashMap<ChannelId, Instant>>);

impl Mentioned {
    /// Whether it may answer in a channel now; notes that it does.
    fn may_answer(&self, channel: ChannelId, now: Instant) -> bool {
        let mut answered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |at: &Instant| now.duration_since(*at) >= QUIET;
        if answered.get(&channel).is_some_and(|at| !is_over(at)) {
            return false;
        }
        if answered.len() >= MOST {
            answered.retain(|_, at| !is_over(at));
        }
        // A flood over more channels than are remembered is not answered.
        answered.len() < MOST && {
            answered.insert(channel, now);
            true
        }
    }
}

impl Router {
    /// Answers, if the message is the bot's mention and nothing else.
    pub(super) fn answer_mention(self: &Arc<Self>, event: &RawEvent, partial: &Partial<'_>, prefix: &str) {
        if !partial.content.starts_with("<@") {
            return;
        }
        // It is so where a mention is no prefix, too.
        let mention = Prefixes {
            text: "",
            mention_of: self.cache.bot_id(),
            bare: false,
        };
        let is_mention = matches!(prefix::parse(&partial.content, &mention), Parsed::MentionOnly);
        let Some(channel) = partial.channel_id.filter(|_| is_mention) else {
            return;
        };
        let table = self.routing.read();
        let Some(found) = table.commands.find(COMMAND).filter(|found| *found.plugin == *HOST_NAME) else {
            return;
        };
        if !self.mentioned.may_answer(channel, Instant::now()) {
            return;
        }
        let written = Written {
            plugin: found.plugin.clone(),
            command: found.command.clone(),
            prefix: prefix.to_owned(),
            rest: String::new(),
            payload: event.payload.clone(),
        };
        let router = Arc::clone(self);
        self.drive(async move { router.run_written(written).await });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_answered_once_in_a_while() {
        let (mentioned, now) = (Mentioned::default(), Instant::now());
        let (one, other) = (ChannelId::new(1).unwrap(), ChannelId::new(2).unwrap());
        assert!(mentioned.may_answer(one, now));
        let shortly_before = QUIET.saturating_sub(Duration::from_millis(1));
        assert!(!mentioned.may_answer(one, now + shortly_before));
        assert!(mentioned.may_answer(other, now));
        assert!(mentioned.may_answer(one, now + QUIET));
        for id in 0..2 * MOST as u64 {
            mentioned.may_answer(ChannelId::new(id + 10).unwrap(), now);
        }
        assert!(mentioned.0.lock().unwrap().len() <= MOST);
        assert!(mentioned.may_answer(other, now + 2 * QUIET), "there is room again");
    }
}
