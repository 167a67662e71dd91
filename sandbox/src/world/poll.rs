//! Polls: votes, their counts in the message, the end by time or by its author, and the message that tells the result
//! (<https://discord.com/developers/docs/resources/poll>).
//!
//! Who may send or end one is decided by the REST routes; here people vote, and it ends. Bots cannot vote.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Draft, Stored, World};
use crate::{gateway::intents, ids};

/// Message type of the result.
const POLL_RESULT: u64 = 46;
/// Hours that a poll is open if its author says nothing.
const HOURS: u64 = 24;

/// Polls that are open, and who voted in any.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    /// When they end, channel, message.
    due: BTreeSet<(Instant, u64, u64)>,
    /// By message and answer, in the order of the votes.
    votes: HashMap<(u64, u64), Vec<u64>>,
}

impl Polls {
    /// Who voted for an answer.
    pub(crate) fn voters(&self, message: u64, answer: u64) -> &[u64] {
        self.votes.get(&(message, answer)).map_or(&[], Vec::as_slice)
    }
}

/// The hours that a poll of a request is open.
pub(crate) fn hours(request: &Value) -> u64 {
    request["duration"].as_u64().unwrap_or(HOURS)
}

/// Whether a message's poll has ended.
pub(crate) fn has_ended(message: &Stored) -> bool {
    message.value["poll"]["results"]["is_finalized"] == true
}

impl World {
    /// The poll of a new message gets its end; what a request says in hours becomes a time.
    pub(super) fn open_poll(&mut self, channel: u64, message: u64, mut poll: Value) -> Value {
        let hours = hours(&poll);
        if let Some(fields) = poll.as_object_mut() {
            fields.remove("duration");
        }
        let end = Duration::from_secs(hours * 3600);
        poll["expiry"] = json!(ids::timestamp(self.ids.now_ms() + hours * 3_600_000));
        self.polls.due.insert((self.time.now() + end, channel, message));
        self.expiry.notify_one();
        poll
    }

    /// Votes for an answer of a message's poll, or takes the vote back. Of a poll with one choice, an earlier vote goes.
    pub(crate) fn vote(&mut self, user: u64, channel: u64, message: u64, answer: u64, add: bool) -> Result<(), String> {
        let found = self
            .message(channel, message)
            .filter(|message| message.is_visible_to(user))
            .map(Arc::clone)
            .ok_or("the message is gone")?;
        let poll = &found.value["poll"];
        let answers = poll["answers"].as_array().ok_or("that message has no poll")?;
        if has_ended(&found) {
            return Err("that poll has ended".to_owned());
        }
        if !answers.iter().any(|one| one["answer_id"] == answer) {
            return Err(format!(
                "that poll has no answer {answer}; it has 1 to {}",
                answers.len()
            ));
        }
        let key = (message, answer);
        let has_voted = self.polls.votes.get(&key).is_some_and(|all| all.contains(&user));
        if has_voted == add {
            return Ok(());
        }
        if add && poll["allow_multiselect"] != true {
            let ids = answers.iter().filter_map(|one| one["answer_id"].as_u64());
            for other in ids.collect::<Vec<_>>() {
                self.count_vote(user, channel, message, other, false);
            }
        }
        self.count_vote(user, channel, message, answer, add);
        Ok(())
    }

    fn count_vote(&mut self, user: u64, channel: u64, message: u64, answer: u64, add: bool) {
        let voters = self.polls.votes.entry((message, answer)).or_default();
        let before = voters.len();
        voters.retain(|who| *who != user);
        if add {
            voters.push(user);
        }
        if voters.len() == before {
            return;
        }
        let count = voters.len();
        let Some(stored) = self.message(channel, message).map(Arc::clone) else {
            return;
        };
        let mut value = stored.value.clone();
        if let Some(counts) = value["poll"]["results"]["answer_counts"].as_array_mut() {
            counts.retain(|one| one["id"] != answer);
            if count > 0 {
                counts.push(json!({ "id": answer, "count": count, "me_voted": false }));
                counts.sort_by_key(|one| one["id"].as_u64());
            }
        }
        let mentions = stored.mentions.clone();
        let stored = self.swap(&stored, value, mentions);
        let mut data = json!({
            "user_id": user.to_string(),
            "channel_id": channel.to_string(),
            "message_id": message.to_string(),
            "answer_id": answer,
        });
        if let Some(guild) = stored.guild_id {
            data["guild_id"] = json!(guild.to_string());
        }
        let name = if add {
            "MESSAGE_POLL_VOTE_ADD"
        } else {
            "MESSAGE_POLL_VOTE_REMOVE"
        };
        if self.bot_sees(channel) {
            self.emit(name, stored.guild_id, intents::polls(stored.guild_id.is_some()), &data);
        }
        self.tell_pages_of(&stored);
    }

    /// Who voted for an answer.
    pub(crate) fn voters(&self, message: u64, answer: u64) -> Vec<u64> {
        self.polls.voters(message, answer).to_vec()
    }

    /// Ends a poll: the counts are final, and a message tells the result. `None` if there is no open poll.
    pub(crate) fn close_poll(&mut self, channel: u64, message: u64) -> Option<Arc<Stored>> {
        self.polls.due.retain(|(_, _, one)| *one != message);
        let before = self.message(channel, message).map(Arc::clone)?;
        if !before.value["poll"].is_object() || has_ended(&before) {
            return None;
        }
        let now = self.ids.now_ms();
        let mut value = before.value.clone();
        value["poll"]["results"]["is_finalized"] = json!(true);
        let is_early = value["poll"]["expiry"]
            .as_str()
            .and_then(ids::ms_of)
            .is_some_and(|end| end > now);
        if is_early {
            value["poll"]["expiry"] = json!(ids::timestamp(now));
        }
        let mentions = before.mentions.clone();
        let ended = self.replace(&before, value, mentions);
        let mut draft = Draft {
            kind: Some(POLL_RESULT),
            embeds: vec![result(&ended.value["poll"])],
            ..Draft::default()
        };
        let reference = json!({ "type": 0, "channel_id": channel.to_string(), "message_id": message.to_string() });
        draft.extra.insert("message_reference".to_owned(), reference);
        draft.extra.insert("author".to_owned(), ended.value["author"].clone());
        draft
            .extra
            .insert("mentions".to_owned(), json!([ended.value["author"]]));
        self.post(channel, ended.author_id, draft);
        Some(ended)
    }

    /// Ends the polls whose time has come; says when the next one ends.
    pub(super) fn close_overdue_polls(&mut self) -> Option<Instant> {
        let now = self.time.now();
        while let Some((at, channel, message)) = self.polls.due.first().copied() {
            if at > now {
                return Some(at);
            }
            self.polls.due.pop_first();
            self.close_poll(channel, message);
        }
        None
    }

    /// Forgets what was voted in messages that are gone.
    pub(super) fn forget_votes(&mut self, messages: &[u64]) {
        self.polls.due.retain(|(_, _, message)| !messages.contains(message));
        if !self.polls.votes.is_empty() {
            self.polls.votes.retain(|(message, _), _| !messages.contains(message));
        }
    }
}

/// The embed of the message that tells a poll's result; nobody wins if several answers have the most votes.
fn result(poll: &Value) -> Value {
    let counts = poll["results"]["answer_counts"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let count = |one: &Value| one["count"].as_u64().unwrap_or(0);
    let total: u64 = counts.iter().map(count).sum();
    let most = counts.iter().map(count).max().unwrap_or(0);
    let mut fields = vec![
        (
            "poll_question_text",
            poll["question"]["text"].as_str().unwrap_or_default().to_owned(),
        ),
        ("victor_answer_votes", most.to_string()),
        ("total_votes", total.to_string()),
    ];
    let winners: Vec<&Value> = counts.iter().filter(|one| most > 0 && count(one) == most).collect();
    if let [winner] = winners.as_slice() {
        fields.push(("victor_answer_id", winner["id"].to_string()));
        let answers = poll["answers"].as_array().map_or(&[][..], Vec::as_slice);
        let media = answers
            .iter()
            .find(|one| one["answer_id"] == winner["id"])
            .map(|one| &one["poll_media"]);
        for (key, name) in [
            ("/text", "victor_answer_text"),
            ("/emoji/id", "victor_answer_emoji_id"),
            ("/emoji/name", "victor_answer_emoji_name"),
        ] {
            if let Some(text) = media.and_then(|media| media.pointer(key)?.as_str()) {
                fields.push((name, text.to_owned()));
            }
        }
    }
    let fields: Vec<Value> = fields
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value, "inline": false }))
        .collect();
    json!({ "type": "poll_result", "fields": fields })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::result;

    fn names(counts: &Value) -> Vec<(String, String)> {
        let poll = json!({
            "question": { "text": "Q" },
            "answers": [
                { "answer_id": 1, "poll_media": { "text": "A" } },
                { "answer_id": 2, "poll_media": { "text": "B", "emoji": { "id": null, "name": "🍎" } } },
            ],
            "results": { "answer_counts": counts },
        });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let result = result(&poll);
        let fields = result["fields"].as_array().expect("fields");
        fields
            .iter()
            .map(|one| (text(&one["name"]), text(&one["value"])))
            .collect()
    }

    #[test]
    fn one_answer_wins_or_none() {
        let has =
            |all: &[(String, String)], name: &str, value: &str| all.contains(&(name.to_owned(), value.to_owned()));
        let won = names(&json!([{ "id": 1, "count": 1 }, { "id": 2, "count": 2 }]));
        assert!(
            has(&won, "victor_answer_text", "B") && has(&won, "total_votes", "3"),
            "{won:?}"
        );
        assert!(
            has(&won, "victor_answer_emoji_name", "🍎") && has(&won, "victor_answer_id", "2"),
            "{won:?}"
        );
        let tie = names(&json!([{ "id": 1, "count": 1 }, { "id": 2, "count": 1 }]));
        assert!(has(&tie, "victor_answer_votes", "1") && !tie.iter().any(|(name, _)| name == "victor_answer_id"));
        let none = names(&json!([]));
        assert!(has(&none, "victor_answer_votes", "0") && none.len() == 3, "{none:?}");
    }
}
