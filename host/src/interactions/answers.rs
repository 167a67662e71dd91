//! What the bot answered to messages, for a while: so that a command that is edited edits its answer, and one that is
//! deleted takes it along.
//!
//! Only answers to commands by prefix are here, by the message that asked. What comes later waits for an answer that
//! is on its way, so that it is not missed. Of several runs of one message the newest counts.

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
    last_run: u64,
}

#[derive(Debug)]
struct Answered {
    channel: ChannelId,
    /// Held while an answer is sent, so that none is missed by what comes after it.
    place: Arc<AsyncMutex<()>>,
    /// Of the text that ran.
    text: u64,
    /// The newest run, and whether it has ended.
    run: u64,
    has_ended: bool,
    /// Whether the message is gone, and with it all that is said to it.
    is_deleted: bool,
    /// The plugin's answers, first one first.
    messages: Vec<MessageId>,
    /// What the host said: refusals, which delete themselves after a while.
    notes: Vec<MessageId>,
    /// Answers of runs before, which those of the newest take the place of; what is left at its end goes.
    earlier: VecDeque<MessageId>,
}

/// A run of a command that was written as a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number; never 0.
    pub number: u64,
    /// Whether another text of the message has run before.
    pub is_again: bool,
    /// What the host said to an earlier text of the message, which is of no use any more.
    pub outdated: Vec<MessageId>,
}

impl Answers {
    /// A command by prefix begins: `None` if it has run with this text of this message before, or the message is gone.
    pub async fn begins(&self, message: MessageId, channel: ChannelId, text: &str) -> Option<Run> {
        let _held = self.place(message).await;
        let text = self.hasher.hash_one(text);
        let mut table = self.table();
        table.last_run += 1;
        let number = table.last_run;
        match table.answered.entry(message) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if known.text == text || known.is_deleted {
                    return None;
                }
                known.text = text;
                known.run = number;
                known.has_ended = false;
                let answers = std::mem::take(&mut known.messages);
                known.earlier.extend(answers);
                Some(Run {
                    number,
                    is_again: true,
                    outdated: std::mem::take(&mut known.notes),
                })
            }
            Entry::Vacant(free) => {
                free.insert(Answered {
                    channel,
                    place: Arc::default(),
                    text,
                    run: number,
                    has_ended: false,
                    is_deleted: false,
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
                Some(Run {
                    number,
                    is_again: false,
                    outdated: Vec::new(),
                })
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
        let mut table = self.table();
        let known = table
            .answered
            .get_mut(&message)
            .filter(|known| known.run == origin.run)?;
        known.earlier.pop_front().map(Call::EditMessage)
    }

    /// Whether what a call would change is an answer of a newer run by now, and none of this one's any more.
    #[must_use]
    pub(super) fn is_taken(&self, origin: &Origin, call: Call) -> bool {
        let (Call::EditMessage(answer) | Call::DeleteMessage(answer)) = call else {
            return false;
        };
        let (Door::Prefix, Some(message)) = (origin.door, origin.message_id) else {
            return false;
        };
        let table = self.table();
        let known = table.answered.get(&message);
        known.is_some_and(|known| known.run != origin.run && known.messages.contains(&answer))
    }

    /// Whether what asked has run again since or is gone: nobody has to be told how this run ends.
    #[must_use]
    pub(super) fn is_outdated(&self, origin: &Origin) -> bool {
        let (Door::Prefix, Some(message)) = (origin.door, origin.message_id) else {
            return false;
        };
        let table = self.table();
        let known = table.answered.get(&message);
        known.is_some_and(|known| known.run != origin.run || known.is_deleted)
    }

    /// A run has ended: what is left of those before it, to be deleted. Nothing, if a newer one has begun.
    #[must_use]
    pub fn ends(&self, message: MessageId, run: u64) -> Vec<MessageId> {
        let mut table = self.table();
        let Some(known) = table.answered.get_mut(&message).filter(|known| known.run == run) else {
            return Vec::new();
        };
        known.has_ended = true;
        std::mem::take(&mut known.earlier).into()
    }

    /// Whether something is left of runs before this one.
    #[must_use]
    pub(super) fn leaves(&self, origin: &Origin) -> bool {
        let (Door::Prefix, Some(message)) = (origin.door, origin.message_id) else {
            return false;
        };
        let table = self.table();
        let known = table.answered.get(&message);
        known.is_some_and(|known| known.run == origin.run && !known.earlier.is_empty())
    }

    /// A message was sent, or edited in the place of a new one; `is_note` if the host says it. False if it must go: what asked
    /// is gone, or was edited and has run again.
    #[must_use]
    pub(super) fn answered(&self, origin: &Origin, answer: Option<MessageId>, is_note: bool) -> bool {
        let (Door::Prefix, Some(message), Some(answer)) = (origin.door, origin.message_id, answer) else {
            return true;
        };
        if let Some(known) = self.table().answered.get_mut(&message) {
            let is_outdated = known.run != origin.run;
            if known.is_deleted || (is_outdated && (known.has_ended || is_note)) {
                return false;
            }
            if is_outdated {
                known.earlier.push_back(answer);
                return true;
            }
            let list = if is_note { &mut known.notes } else { &mut known.messages };
            if list.len() < MOST_ANSWERS {
                list.push(answer);
            }
        }
        true
    }

    /// A message was deleted: what was answered to it, and where. What is answered from now on goes, too.
    pub async fn deleted(&self, message: MessageId) -> Option<(ChannelId, Vec<MessageId>)> {
        let _held = self.place(message).await;
        let mut table = self.table();
        let known = table.answered.get_mut(&message)?;
        known.is_deleted = true;
        let mut answers: Vec<_> = std::mem::take(&mut known.earlier).into();
        answers.append(&mut known.messages);
        answers.append(&mut known.notes);
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
            menu: None,
            guild_id: None,
            channel_id: ChannelId::new(5).unwrap(),
            message_id: Some(id(message)),
            author: serde_json::from_value(author).unwrap(),
            interaction: None,
            asked: None,
            defer: Defer::Public,
            typing: false,
            bot_may: None,
            began: tokio::time::Instant::now(),
            deleted_after: crate::interactions::DeletedAfter::default(),
            slot: None,
            may_ping_everyone: false,
            taken: None,
            run: 1,
        }
    }

    async fn begun(answers: &Answers, message: u64, text: &str) -> (Origin, Vec<MessageId>) {
        let channel = ChannelId::new(5).unwrap();
        let Run { number, outdated, .. } = answers.begins(id(message), channel, text).await.unwrap();
        let origin = Origin {
            run: number,
            ..origin(message)
        };
        (origin, outdated)
    }

    #[tokio::test]
    async fn an_edited_command_edits_its_answers_one_after_the_other() {
        let (answers, channel) = (Answers::default(), ChannelId::new(5).unwrap());
        let (first, outdated) = begun(&answers, 10, "!ping").await;
        assert!(outdated.is_empty());
        assert_eq!(answers.instead(&first, Call::Send), None);
        for (answer, is_note) in [(20, false), (30, true), (21, false), (22, false)] {
            assert!(answers.answered(&first, Some(id(answer)), is_note));
        }
        assert_eq!(answers.ends(id(10), first.run), []);
        assert_eq!(
            answers.begins(id(10), channel, "!ping").await,
            None,
            "nothing has changed"
        );
        let (second, outdated) = begun(&answers, 10, "!ping pong").await;
        assert_eq!(outdated, [id(30)]);
        assert_eq!(answers.instead(&second, Call::Typing), None);
        assert_eq!(answers.instead(&first, Call::Send), None, "only the newest");
        assert_eq!(answers.instead(&second, Call::Send), Some(Call::EditMessage(id(20))));
        assert!(answers.answered(&second, Some(id(20)), false));
        // What the newest run did not say again goes with its end.
        assert!(answers.leaves(&second) && !answers.leaves(&first));
        assert_eq!(answers.ends(id(10), second.run), [id(21), id(22)]);
        assert!(!answers.leaves(&second));
        assert_eq!(answers.deleted(id(10)).await, Some((channel, vec![id(20)])));
        assert_eq!(answers.deleted(id(10)).await, None);
    }

    #[tokio::test]
    async fn runs_that_overlap_are_told_apart() {
        let answers = Answers::default();
        let (first, _) = begun(&answers, 10, "!slow").await;
        assert!(answers.answered(&first, Some(id(20)), false));
        let (second, _) = begun(&answers, 10, "!quick").await;
        assert_eq!(answers.instead(&second, Call::Send), Some(Call::EditMessage(id(20))));
        assert!(answers.answered(&second, Some(id(20)), false));
        // The first one can neither change what is the second one's now, nor leave anything behind.
        assert!(answers.is_taken(&first, Call::EditMessage(id(20))));
        assert!(!answers.is_taken(&second, Call::EditMessage(id(20))));
        assert!(
            answers.answered(&first, Some(id(21)), false),
            "taken over, or gone at the end"
        );
        assert_eq!(answers.ends(id(10), first.run), [], "not the newest");
        assert_eq!(answers.ends(id(10), second.run), [id(21)]);
        assert!(!answers.answered(&first, Some(id(22)), false), "too late");
    }

    #[tokio::test]
    async fn what_is_answered_to_a_message_that_is_gone_goes() {
        let answers = Answers::default();
        let (run, _) = begun(&answers, 10, "!slow").await;
        assert_eq!(answers.deleted(id(10)).await, None);
        assert!(!answers.answered(&run, Some(id(20)), false));
        assert_eq!(answers.begins(id(10), ChannelId::new(5).unwrap(), "!other").await, None);
    }

    #[tokio::test]
    async fn the_oldest_are_forgotten() {
        let answers = Answers::default();
        for message in 1..=MOST as u64 + 1 {
            let (run, _) = begun(&answers, message, "!ping").await;
            assert!(answers.answered(&run, Some(id(message + 100_000)), false));
        }
        assert_eq!(answers.deleted(id(1)).await, None);
        assert!(answers.deleted(id(2)).await.is_some());
    }
}
