//! What else people do with messages: vote, forward, upload, pin, take reactions back; and what they set for
//! themselves. Checked as their client checks it, by the world, as on the page.

use serde_json::{Value, json};

use super::{Message, Person, Said};
use crate::world::{Draft, World};

impl Person {
    /// Writes a message in the channel, if the person can: not timed out, slow mode over, permission to write there.
    ///
    /// # Errors
    ///
    /// What the client would say instead.
    #[allow(clippy::unused_async, reason = "acts are async in this handle")]
    pub async fn try_says(&self, text: &str) -> Result<Said, String> {
        let draft = Draft {
            content: text.trim().to_owned(),
            ..Draft::default()
        };
        let posted = self.sandbox().with(|world| {
            world.may_write(self.channel_id(), self.id())?;
            Ok::<_, String>(world.post(self.channel_id(), self.id(), draft))
        })?;
        Ok(Said::new(self.sandbox(), posted))
    }

    /// Sends files, by name and bytes, with a text that may be empty. The bot finds them under their addresses.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn uploads(&self, text: &str, files: &[(&str, &[u8])]) -> Said {
        let base = self.sandbox().api_url();
        let posted = self.sandbox().with(|world| {
            let attachments = files
                .iter()
                .map(|(name, bytes)| world.keep_upload(&base, self.channel_id(), name, None, bytes.to_vec().into()))
                .collect();
            let draft = Draft {
                content: text.trim().to_owned(),
                attachments,
                ..Draft::default()
            };
            world.post(self.channel_id(), self.id(), draft)
        });
        Said::new(self.sandbox(), posted)
    }

    /// Forwards a message to the channel that the person acts in.
    ///
    /// # Panics
    ///
    /// If the message is gone.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn forwards(&self, message: &Message) -> Said {
        let posted = self.sandbox().with(|world| {
            let draft = world.forward(message.channel_id(), message.id())?;
            Some(world.post(self.channel_id(), self.id(), draft))
        });
        Said::new(self.sandbox(), posted.expect("the message to forward exists"))
    }

    /// Sends a poll that is open for a day.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn asks(&self, question: &str, answers: &[&str]) -> Said {
        let answers: Vec<Value> = answers
            .iter()
            .zip(1..)
            .map(|(text, id)| json!({ "answer_id": id, "poll_media": { "text": text } }))
            .collect();
        let poll = json!({
            "question": { "text": question },
            "duration": null,
            "answers": answers,
            "expiry": null,
            "allow_multiselect": false,
            "layout_type": 1,
            "results": { "is_finalized": false, "answer_counts": [] },
        });
        let draft = Draft {
            poll: Some(poll),
            ..Draft::default()
        };
        let posted = self
            .sandbox()
            .with(|world| world.post(self.channel_id(), self.id(), draft));
        Said::new(self.sandbox(), posted)
    }

    /// Votes in a message's poll, by the answer's text. Where only one answer is allowed, an earlier vote goes.
    ///
    /// # Panics
    ///
    /// If there is no such poll or answer, or the poll has ended; the text says why.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn votes(&self, message: &Message, answer: &str) {
        self.set_vote(message, answer, true);
    }

    /// Takes a vote back.
    ///
    /// # Panics
    ///
    /// If there is no such poll or answer, or the poll has ended; the text says why.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn takes_vote_back(&self, message: &Message, answer: &str) {
        self.set_vote(message, answer, false);
    }

    fn set_vote(&self, message: &Message, answer: &str, add: bool) {
        let done = self.sandbox().with(|world| {
            let stored = world
                .message(message.channel_id(), message.id())
                .ok_or("the message is gone")?;
            let id =
                answer_id(&stored.value["poll"], answer).ok_or_else(|| format!("it has no answer \"{answer}\""))?;
            world.vote(self.id(), message.channel_id(), message.id(), id, add)
        });
        if let Err(why) = done {
            panic!("{} can't vote \"{answer}\": {why}", self.name());
        }
    }

    /// Pins a message.
    ///
    /// # Panics
    ///
    /// If the person may not pin here.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn pins(&self, message: &Message) {
        self.set_pin(message, true);
    }

    /// Takes a pin off.
    ///
    /// # Panics
    ///
    /// If the person may not pin here.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn unpins(&self, message: &Message) {
        self.set_pin(message, false);
    }

    fn set_pin(&self, message: &Message, pinned: bool) {
        let done = self
            .sandbox()
            .with(|world| world.pin_as(self.id(), message.channel_id(), message.id(), pinned));
        if let Err(why) = done {
            panic!("{} can't pin: {why}", self.name());
        }
    }

    /// Takes a reaction with a Unicode emoji back.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn unreacts(&self, message: &Message, emoji: &str) {
        let emoji = json!({ "id": null, "name": emoji });
        self.sandbox()
            .with(|world| world.react(message.channel_id(), message.id(), self.id(), &emoji, false));
    }

    /// Whether the person takes direct messages of the bot (default: yes). One who does not answers with 50007.
    pub fn takes_direct_messages(&self, takes: bool) {
        self.change(|user| user.takes_directs = takes);
    }

    /// The language of the person's client, as Discord's locale (default: `en-US`): interactions carry it.
    pub fn speaks(&self, locale: &str) {
        self.change(|user| locale.clone_into(&mut user.locale));
    }

    fn change(&self, change: impl FnOnce(&mut crate::world::User)) {
        self.sandbox().with(|world: &mut World| {
            if let Some(user) = world.users.get_mut(&self.id()) {
                change(user);
            }
        });
    }
}

/// The answer of a poll by its text, or its number.
fn answer_id(poll: &Value, answer: &str) -> Option<u64> {
    let answers = poll["answers"].as_array()?;
    let found = answers
        .iter()
        .find(|one| one["poll_media"]["text"] == answer || one["answer_id"].as_u64() == answer.parse().ok());
    found?["answer_id"].as_u64()
}

/// What people read of a message beyond its text.
impl Message {
    /// Its attachments, as Discord's objects.
    #[must_use]
    pub fn attachments(&self) -> &[Value] {
        self.json()["attachments"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Whether it is pinned.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.json()["pinned"] == true
    }

    /// The messages that it forwards, as they were then.
    #[must_use]
    pub fn snapshots(&self) -> &[Value] {
        self.json()["message_snapshots"].as_array().map_or(&[], Vec::as_slice)
    }

    /// How many voted for an answer of its poll, by the answer's text.
    #[must_use]
    pub fn votes_for(&self, answer: &str) -> u64 {
        let poll = &self.json()["poll"];
        let id = answer_id(poll, answer);
        let counts = poll["results"]["answer_counts"].as_array().into_iter().flatten();
        let mut found = counts.filter(|one| one["id"].as_u64() == id);
        found.next().and_then(|one| one["count"].as_u64()).unwrap_or(0)
    }
}
