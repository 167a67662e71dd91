//! The audit logs of guilds: who changed what, and why (<https://discord.com/developers/docs/resources/audit-log>).
//!
//! Nothing is noted by itself: whoever changes something on behalf of the bot or a person records it afterwards, with
//! what differs. The bot hears of an entry with the intent `GUILD_MODERATION`, where it may look at the log.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::{World, permissions};
use crate::{gateway::intents, ids, page::Audience};

/// Entries kept per guild; the oldest go first. Discord keeps them by age only.
const KEPT: usize = 5_000;
/// For how many milliseconds an entry is shown: 45 days.
const SHOWN_MS: u64 = 45 * 24 * 60 * 60 * 1000;

/// What was done: Discord's numbers.
pub(crate) mod action {
    pub(crate) const GUILD_UPDATE: u64 = 1;
    pub(crate) const CHANNEL_CREATE: u64 = 10;
    pub(crate) const CHANNEL_UPDATE: u64 = 11;
    pub(crate) const CHANNEL_DELETE: u64 = 12;
    pub(crate) const OVERWRITE_CREATE: u64 = 13;
    pub(crate) const OVERWRITE_UPDATE: u64 = 14;
    pub(crate) const OVERWRITE_DELETE: u64 = 15;
    pub(crate) const MEMBER_KICK: u64 = 20;
    pub(crate) const MEMBER_PRUNE: u64 = 21;
    pub(crate) const MEMBER_BAN_ADD: u64 = 22;
    pub(crate) const MEMBER_BAN_REMOVE: u64 = 23;
    pub(crate) const MEMBER_UPDATE: u64 = 24;
    pub(crate) const MEMBER_ROLE_UPDATE: u64 = 25;
    pub(crate) const MEMBER_MOVE: u64 = 26;
    pub(crate) const MEMBER_DISCONNECT: u64 = 27;
    pub(crate) const ROLE_CREATE: u64 = 30;
    pub(crate) const ROLE_UPDATE: u64 = 31;
    pub(crate) const ROLE_DELETE: u64 = 32;
    pub(crate) const INVITE_CREATE: u64 = 40;
    pub(crate) const INVITE_DELETE: u64 = 42;
    pub(crate) const EMOJI_CREATE: u64 = 60;
    pub(crate) const EMOJI_UPDATE: u64 = 61;
    pub(crate) const EMOJI_DELETE: u64 = 62;
    pub(crate) const WEBHOOK_CREATE: u64 = 50;
    pub(crate) const WEBHOOK_UPDATE: u64 = 51;
    pub(crate) const WEBHOOK_DELETE: u64 = 52;
    pub(crate) const MESSAGE_DELETE: u64 = 72;
    pub(crate) const MESSAGE_BULK_DELETE: u64 = 73;
    pub(crate) const MESSAGE_PIN: u64 = 74;
    pub(crate) const MESSAGE_UNPIN: u64 = 75;
    pub(crate) const STAGE_CREATE: u64 = 83;
    pub(crate) const STAGE_UPDATE: u64 = 84;
    pub(crate) const STAGE_DELETE: u64 = 85;
    pub(crate) const SCHEDULED_EVENT_CREATE: u64 = 100;
    pub(crate) const SCHEDULED_EVENT_UPDATE: u64 = 101;
    pub(crate) const SCHEDULED_EVENT_DELETE: u64 = 102;
    pub(crate) const THREAD_CREATE: u64 = 110;
    pub(crate) const THREAD_UPDATE: u64 = 111;
    pub(crate) const THREAD_DELETE: u64 = 112;
}

/// Something done, to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    action: u64,
    actor: u64,
    target: Option<u64>,
    changes: Vec<Value>,
    options: Option<Value>,
    reason: Option<String>,
}

impl Note {
    /// `actor` did this to `target`.
    pub(crate) const fn new(action: u64, actor: u64, target: Option<u64>) -> Self {
        Self {
            action,
            actor,
            target,
            changes: Vec::new(),
            options: None,
            reason: None,
        }
    }

    /// A change of one field; null is "not there". Nothing is noted if both are the same.
    pub(crate) fn change(mut self, key: &str, old: &Value, new: &Value) -> Self {
        if old != new {
            let mut change = json!({ "key": key });
            if !old.is_null() {
                change["old_value"] = old.clone();
            }
            if !new.is_null() {
                change["new_value"] = new.clone();
            }
            self.changes.push(change);
        }
        self
    }

    /// All fields that differ between two objects as the API shows them; null for "not there yet" or "no longer".
    pub(crate) fn between(mut self, before: &Value, after: &Value) -> Self {
        let nothing = Map::new();
        let (old, new) = (
            before.as_object().unwrap_or(&nothing),
            after.as_object().unwrap_or(&nothing),
        );
        let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
        for key in keys.filter(|key| !matches!(key.as_str(), "id" | "guild_id" | "last_message_id")) {
            let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
            self = self.change(key, &of(old), &of(new));
        }
        self
    }

    /// What else is to be known of it, by Discord's names; ids and counts are strings there.
    pub(crate) fn options(mut self, options: Value) -> Self {
        self.options = Some(options);
        self
    }

    /// What the caller gave as its reason.
    pub(crate) fn because(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
        self
    }

    /// Whether it says that anything has changed.
    pub(crate) fn is_a_change(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// One entry of a log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    note: Note,
}

impl Entry {
    pub(crate) const fn action(&self) -> u64 {
        self.note.action
    }

    pub(crate) const fn actor(&self) -> u64 {
        self.note.actor
    }

    pub(crate) const fn target(&self) -> Option<u64> {
        self.note.target
    }

    /// The entry object (`AuditLogEntryResponse`).
    pub(crate) fn json(&self) -> Value {
        let note = &self.note;
        let mut entry = json!({
            "id": self.id.to_string(),
            "action_type": note.action,
            "user_id": note.actor.to_string(),
            "target_id": note.target.map(|id| id.to_string()),
        });
        if !note.changes.is_empty() {
            entry["changes"] = Value::Array(note.changes.clone());
        }
        if let Some(options) = &note.options {
            entry["options"] = options.clone();
        }
        if let Some(reason) = &note.reason {
            entry["reason"] = json!(reason);
        }
        entry
    }
}

impl World {
    /// Puts something done into the guild's log, and tells the bot if it may know.
    pub(crate) fn record(&mut self, guild: u64, note: Note) {
        let entry = Entry {
            id: self.ids.timed(),
            note,
        };
        let mut data = entry.json();
        data["guild_id"] = json!(guild.to_string());
        let log: &mut VecDeque<Entry> = self.audit_logs.entry(guild).or_default();
        if log.len() == KEPT {
            log.pop_front();
        }
        log.push_back(entry);
        let may_know = self
            .guilds
            .get(&guild)
            .is_some_and(|guild| permissions::of(guild, None, self.bot_id) & permissions::VIEW_AUDIT_LOG != 0);
        if may_know {
            self.emit(
                "GUILD_AUDIT_LOG_ENTRY_CREATE",
                Some(guild),
                intents::GUILD_MODERATION,
                &data,
            );
        }
        self.tell_readers(guild, &data);
        self.changed();
    }

    /// Tells the pages of those who may view the log.
    fn tell_readers(&mut self, guild_id: u64, entry: &Value) {
        let Some(guild) = self.guilds.get(&guild_id) else {
            return;
        };
        let may_view = |person: &u64| self.permissions_of(guild, *person) & permissions::VIEW_AUDIT_LOG != 0;
        let readers = self.pages.people().into_iter().filter(may_view).collect();
        self.pages
            .tell(&Audience::Those(readers), "audit_log_entry", || entry.clone());
    }

    /// A guild's entries, oldest first, without those that are too old to be shown.
    pub(crate) fn audit_log(&self, guild: u64) -> impl DoubleEndedIterator<Item = &Entry> {
        let since = self.ids.now_ms().saturating_sub(SHOWN_MS);
        let log = self.audit_logs.get(&guild);
        log.into_iter()
            .flatten()
            .filter(move |entry| ids::created_ms(entry.id) >= since)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Note;

    #[test]
    fn only_what_differs_is_a_change() {
        let note = Note::new(31, 1, Some(2)).between(
            &json!({ "id": "2", "name": "old", "color": 1, "icon": null }),
            &json!({ "id": "2", "name": "new", "color": 1, "icon": null, "hoist": true }),
        );
        assert_eq!(
            note.changes,
            [
                json!({ "key": "name", "old_value": "old", "new_value": "new" }),
                json!({ "key": "hoist", "new_value": true }),
            ]
        );
        let gone = Note::new(32, 1, Some(2)).between(&json!({ "name": "old" }), &Value::Null);
        assert_eq!(gone.changes, [json!({ "key": "name", "old_value": "old" })]);
        assert!(
            !Note::new(31, 1, None)
                .between(&json!({ "a": 1 }), &json!({ "a": 1 }))
                .is_a_change()
        );
    }
}
