//! What was said in a channel: the messages in order, bounded, with an index from a message to the bot's answer, so
//! that matching thousands of answers a second costs a look-up each.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::body::Body;

/// Messages kept per channel; older ones are forgotten.
const KEPT: usize = 10_000;

/// A message as it stands; an edit replaces it by a new one.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: u64,
    pub(crate) channel_id: u64,
    pub(crate) guild_id: Option<u64>,
    pub(crate) author_id: u64,
    /// Written by the bot, not by a person.
    pub(crate) by_bot: bool,
    /// The message that this one replies to.
    pub(crate) reference: Option<u64>,
    /// The one person who sees it; everyone if none.
    pub(crate) ephemeral_to: Option<u64>,
    /// The interaction that this message answers.
    pub(crate) interaction: Option<u64>,
    /// How often it was changed since it was sent.
    pub(crate) edits: u32,
    /// Those who are mentioned, by id.
    pub(crate) mentions: Vec<u64>,
    /// The message object (`MessageResponse`).
    pub(crate) value: Body,
}

impl Stored {
    /// Whether `user` may see it.
    pub(crate) fn is_visible_to(&self, user: u64) -> bool {
        self.ephemeral_to.is_none_or(|only| only == user)
    }

    /// Whether its author said it, and Discord does not merely tell what they did.
    fn is_said(&self) -> bool {
        matches!(self.value["type"].as_u64(), None | Some(0 | 19 | 20 | 23))
    }

    /// An interaction's answer that has not come yet ("thinking ...").
    pub(crate) fn is_loading(&self) -> bool {
        self.value["flags"].as_u64().unwrap_or(0) & super::message::LOADING != 0
    }
}

/// The messages of a channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    messages: VecDeque<Arc<Stored>>,
    last_id: Option<u64>,
    /// From a message to the bot's first reply to it.
    replies: HashMap<u64, u64>,
    /// The bot's messages that reply to nothing.
    plain: VecDeque<u64>,
}

impl History {
    pub(crate) const fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    pub(crate) fn push(&mut self, message: Arc<Stored>) {
        self.last_id = Some(message.id);
        if message.by_bot && message.interaction.is_none() {
            match message.reference {
                Some(to) => {
                    self.replies.entry(to).or_insert(message.id);
                }
                None if message.is_said() => self.plain.push_back(message.id),
                None => {}
            }
        }
        self.messages.push_back(message);
        if self.messages.len() > KEPT
            && let Some(oldest) = self.messages.pop_front()
        {
            self.replies.remove(&oldest.id);
            while self.plain.front().is_some_and(|id| *id <= oldest.id) {
                self.plain.pop_front();
            }
        }
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Arc<Stored>> {
        self.position(id).map(|at| &self.messages[at])
    }

    pub(crate) fn replace(&mut self, message: Arc<Stored>) {
        if let Some(at) = self.position(message.id) {
            self.messages[at] = message;
        }
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Arc<Stored>> {
        let at = self.position(id)?;
        self.messages.remove(at)
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Stored>> {
        self.messages.iter()
    }

    /// Messages later than `id`, oldest first.
    pub(crate) fn after(&self, id: u64) -> impl Iterator<Item = &Arc<Stored>> {
        let from = self.messages.partition_point(|message| message.id <= id);
        self.messages.range(from..)
    }

    /// The bot's answer to message `id`: its first reply to it, else the first thing that it said afterwards without
    /// replying to anything. A reply to another message never counts.
    pub(crate) fn answer_to(&self, id: u64) -> Option<&Arc<Stored>> {
        if let Some(reply) = self.replies.get(&id)
            && let Some(found) = self.get(*reply)
        {
            return Some(found);
        }
        let from = self.plain.partition_point(|said| *said <= id);
        self.plain.range(from..).find_map(|said| self.get(*said))
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.messages.binary_search_by_key(&id, |message| message.id).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::{History, KEPT, Stored};

    fn message(id: u64, by_bot: bool, reference: Option<u64>, interaction: Option<u64>) -> Arc<Stored> {
        Arc::new(Stored {
            id,
            channel_id: 1,
            guild_id: None,
            author_id: 1,
            by_bot,
            reference,
            ephemeral_to: None,
            interaction,
            edits: 0,
            mentions: Vec::new(),
            value: json!({}).into(),
        })
    }

    #[test]
    fn answers_are_replies_first_and_never_somebody_elses() {
        let mut history = History::default();
        history.push(message(1, false, None, None));
        history.push(message(2, true, Some(7), None));
        history.push(message(3, true, None, Some(5)));
        assert!(
            history.answer_to(1).is_none(),
            "a reply to another, an answer to an interaction"
        );
        history.push(message(4, true, None, None));
        assert_eq!(history.answer_to(1).map(|found| found.id), Some(4));
        history.push(message(5, true, Some(1), None));
        history.push(message(6, true, Some(1), None));
        assert_eq!(history.answer_to(1).map(|found| found.id), Some(5));
        assert!(history.answer_to(4).is_none(), "said before");
        history.remove(5);
        assert_eq!(history.answer_to(1).map(|found| found.id), Some(4));
    }

    #[test]
    fn old_messages_are_forgotten_with_their_answers() {
        let mut history = History::default();
        for id in 1..=(KEPT as u64 + 10) {
            history.push(message(id, id % 2 == 0, (id % 4 == 0).then_some(id - 1), None));
        }
        assert_eq!(
            (history.iter().count(), history.last_id()),
            (KEPT, Some(KEPT as u64 + 10))
        );
        assert!(history.get(10).is_none() && history.get(11).is_some());
        assert!(history.replies.len() <= KEPT / 4 + 1 && history.plain.len() <= KEPT / 4 + 1);
    }
}
