//! What the bot answered to messages, for a while: so that a command that is edited edits its answer, and one that is
//! deleted takes it along.
//!
//! Only answers to commands by prefix are here, by the message that asked. What comes later waits for an answer that
//! is on its way, so that it is not missed.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use plugin_protocol::{ChannelId, Door, MessageId};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::{Origin, state::Call};

/// How many messages are remembered; the oldest go first.
const MOST: usize = 4096;
/// How many answers of one message are remembered.
const MOST_ANSWERS: usize = 16;

/// What was answered to messages.
#[derive(Debug, Default)]
pub struct Answers {
    /// A lock of std: held for a look-up only, never across an await. Who waits for an answer under way holds its place.
    table: Mutex<Table>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Table {
    answered: HashMap<MessageId, Answered>,
    /// In the order in which they came.
    order: VecDeque<MessageId>,
}

#[derive(Debug)]
struct Answered {
    channel: ChannelId,
    /// Held while an answer is sent, so that none is missed by what comes after it.
    place: Arc<AsyncMutex<()>>,
    /// Of the text that ran.
    text: u64,
    /// The plugin's answers, first one first.
    messages: Vec<MessageId>,
    /// What the host said: refusals, which delete themselves after a while.
    notes: Vec<MessageId>,
    /// Answers of the run before, which those of the next one take the place of.
    earlier: VecDeque<MessageId>,
}

impl Answers {
    /// A command by prefix begins: `None` if it has run with this text of this message before. Else what the host said to
    /// an earlier text of it, which is of no use any more.
    pub async fn begins(&self, message: MessageId, channel: ChannelId, text: &str) -> Option<Vec<MessageId>> {
        let _held = self.place(message).await;
        let text = self.hasher.hash_one(text);
        let mut table = self.table();
        match table.answered.entry(message) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if known.text == text {
                    return None;
                }
                known.text = text;
                let answers = std::mem::take(&mut known.messages);
                known.earlier.extend(answers);
                Some(std::mem::take(&mut known.notes))
            }
            Entry::Vacant(free) => {
                free.insert(Answered {
                    channel,
                    place: Arc::default(),
                    text,
                    messages: Vec::new(),
                    notes: Vec::new(),
                    earlier: VecDeque::new(),
                });
                table.order.push_back(message);
                if table.order.len() > MOST
                    && let Some(oldest) = table.order.pop_front()
                {
                    table.answered.remove(&oldest);
                }
                Some(Vec::new())
            }
        }
    }

    /// Held while a message is sent in answer to another.
    pub(super) async fn hold(&self, origin: &Origin, call: Call) -> Option<OwnedMutexGuard<()>> {
        let is_answer = origin.door == Door::Prefix && matches!(call, Call::Send | Call::EditMessage(_));
        self.place(origin.message_id.filter(|_| is_answer)?).await
    }

    async fn place(&self, message: MessageId) -> Option<OwnedMutexGuard<()>> {
        let place = Arc::clone(&self.table().answered.get(&message)?.place);
        Some(place.lock_owned().await)
    }

    /// What a new message becomes if an earlier run of the same command has left one: an edit of that.
    #[must_use]
    pub(super) fn instead(&self, origin: &Origin, call: Call) -> Option<Call> {
        let (Call::Send, Door::Prefix, Some(message)) = (call, origin.door, origin.message_id) else {
            return None;
        };
        let earlier = self.table().answered.get_mut(&message)?.earlier.pop_front()?;
        Some(Call::EditMessage(earlier))
    }

    /// A message was sent, or edited in the place of a new one; `is_note` if the host says it.
    pub(super) fn answered(&self, origin: &Origin, answer: Option<MessageId>, is_note: bool) {
        let (Door::Prefix, Some(message), Some(answer)) = (origin.door, origin.message_id, answer) else {
            return;
        };
        if let Some(known) = self.table().answered.get_mut(&message) {
            let list = if is_note { &mut known.notes } else { &mut known.messages };
            if list.len() < MOST_ANSWERS {
                list.push(answer);
            }
        }
    }

    /// A message was deleted: what was answered to it, and where.
    pub async fn deleted(&self, message: MessageId) -> Option<(ChannelId, Vec<MessageId>)> {
        let _held = self.place(message).await;
        let known = self.table().answered.remove(&message)?;
        let answers: Vec<_> = known
            .earlier
            .into_iter()
            .chain(known.messages)
            .chain(known.notes)
            .collect();
        (!answers.is_empty()).then_some((known.channel, answers))
    }

    /// A message is about to be deleted by the host itself: its answers stay.
    pub(super) fn forget(&self, message: MessageId) {
        self.table().answered.remove(&message);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use plugin_protocol::Defer;

    use super::*;

    fn id(id: u64) -> MessageId {
        MessageId::new(id).unwrap()
    }

    fn origin(message: u64) -> Origin {
        let author = serde_json::json!({ "id": "1", "username": "alice" });
        Origin {
            plugin: "a".parse().unwrap(),
            command: "ping".to_owned(),
            door: Door::Prefix,
            guild_id: None,
            channel_id: ChannelId::new(5).unwrap(),
            message_id: Some(id(message)),
            author: serde_json::from_value(author).unwrap(),
            interaction: None,
            asked: None,
            defer: Defer::Public,
            typing: false,
            bot_may: None,
            deleted_after: crate::interactions::DeletedAfter::default(),
            slot: None,
            may_ping_everyone: false,
            taken: None,
        }
    }

    #[tokio::test]
    async fn an_edited_command_edits_its_answers_one_after_the_other() {
        let (answers, channel, asked) = (Answers::default(), ChannelId::new(5).unwrap(), origin(10));
        assert_eq!(answers.begins(id(10), channel, "!ping").await, Some(Vec::new()));
        assert_eq!(answers.instead(&asked, Call::Send), None);
        answers.answered(&asked, Some(id(20)), false);
        answers.answered(&asked, Some(id(30)), true);
        answers.answered(&asked, Some(id(21)), false);
        assert_eq!(
            answers.begins(id(10), channel, "!ping").await,
            None,
            "nothing has changed"
        );
        assert_eq!(answers.begins(id(10), channel, "!ping pong").await, Some(vec![id(30)]));
        assert_eq!(answers.instead(&asked, Call::Typing), None);
        assert_eq!(answers.instead(&asked, Call::Send), Some(Call::EditMessage(id(20))));
        answers.answered(&asked, Some(id(20)), false);
        // Deleted in the middle of it, all of them go.
        assert_eq!(answers.deleted(id(10)).await, Some((channel, vec![id(21), id(20)])));
        assert_eq!(answers.deleted(id(10)).await, None);
    }

    #[tokio::test]
    async fn the_oldest_are_forgotten() {
        let (answers, channel) = (Answers::default(), ChannelId::new(5).unwrap());
        for message in 1..=MOST as u64 + 1 {
            assert!(answers.begins(id(message), channel, "!ping").await.is_some());
            answers.answered(&origin(message), Some(id(message + 100_000)), false);
        }
        assert_eq!(answers.deleted(id(1)).await, None);
        assert!(answers.deleted(id(2)).await.is_some());
    }
}
