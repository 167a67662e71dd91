//! Messages: from a checked draft to Discord's message object, edits, deletes, reactions. Who may do what is decided
//! before (by the REST routes and by the page); here it only happens, and everybody who listens hears of it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Stored, World, permissions};
use crate::ids;

/// Flag of an answer that only its asker sees.
pub(crate) const EPHEMERAL: u64 = 1 << 6;
/// Flag of a deferred answer that has not come yet.
pub(crate) const LOADING: u64 = 1 << 7;
/// Flag of messages made of components only.
pub(crate) const COMPONENTS_V2: u64 = 1 << 15;
/// Flag: no embeds from links.
pub(crate) const SUPPRESS_EMBEDS: u64 = 1 << 2;

/// Who may be pinged by a message (`allowed_mentions`).
#[derive(Clone, Debug)]
pub(crate) struct AllowedMentions {
    pub(crate) everyone: bool,
    /// `None`: all of them.
    pub(crate) users: Option<Vec<u64>>,
    /// `None`: all of them.
    pub(crate) roles: Option<Vec<u64>>,
    pub(crate) replied_user: bool,
}

impl Default for AllowedMentions {
    fn default() -> Self {
        Self {
            everyone: true,
            users: None,
            roles: None,
            replied_user: true,
        }
    }
}

/// A message about to be sent, already checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) content: String,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) attachments: Vec<Value>,
    pub(crate) stickers: Vec<Value>,
    pub(crate) poll: Option<Value>,
    pub(crate) flags: u64,
    pub(crate) tts: bool,
    pub(crate) nonce: Option<Value>,
    pub(crate) reference: Option<u64>,
    pub(crate) allowed_mentions: AllowedMentions,
    /// Discord's message type; 0, or 19 for a reply, if none.
    pub(crate) kind: Option<u64>,
    pub(crate) ephemeral_to: Option<u64>,
    /// The interaction that it answers.
    pub(crate) interaction: Option<u64>,
    /// Fields that only answers to interactions have.
    pub(crate) extra: Map<String, Value>,
}

/// What an edit changes; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Revision {
    pub(crate) content: Option<String>,
    pub(crate) embeds: Option<Vec<Value>>,
    pub(crate) components: Option<Vec<Value>>,
    pub(crate) attachments: Option<Vec<Value>>,
    pub(crate) poll: Option<Value>,
    pub(crate) flags: Option<u64>,
    pub(crate) allowed_mentions: Option<AllowedMentions>,
    /// The first edit of a deferred answer is its arrival, not an edit.
    pub(crate) is_arrival: bool,
}

/// Who a text mentions, as far as allowed.
struct Mentions {
    users: Vec<u64>,
    roles: Vec<u64>,
    everyone: bool,
}

impl World {
    /// Sends a message and tells everybody who may see it.
    pub(crate) fn post(&mut self, channel_id: u64, author_id: u64, draft: Draft) -> Arc<Stored> {
        let id = self.ids.timed();
        let guild_id = self.channels.get(&channel_id).and_then(|channel| channel.guild_id);
        let replied = draft.reference.and_then(|to| self.message(channel_id, to).cloned());
        let mentions = self.mentions(
            channel_id,
            author_id,
            &draft.content,
            &draft.allowed_mentions,
            replied.as_deref(),
        );
        let kind = draft.kind.unwrap_or(if draft.reference.is_some() { 19 } else { 0 });
        let mut value = json!({
            "id": id.to_string(),
            "channel_id": channel_id.to_string(),
            "type": kind,
            "content": draft.content,
            "author": self.user_json(author_id),
            "timestamp": ids::created_at(id),
            "edited_timestamp": null,
            "flags": draft.flags,
            "tts": draft.tts,
            "pinned": false,
            "mention_everyone": mentions.everyone,
            "mentions": mentions.users.iter().map(|user| self.user_json(*user)).collect::<Vec<_>>(),
            "mention_roles": mentions.roles.iter().map(u64::to_string).collect::<Vec<_>>(),
            "attachments": draft.attachments,
            "embeds": draft.embeds,
            "components": without_null_ids(draft.components),
        });
        if let Some(nonce) = draft.nonce {
            value["nonce"] = nonce;
        }
        if !draft.stickers.is_empty() {
            value["sticker_items"] = Value::Array(draft.stickers);
        }
        if let Some(poll) = draft.poll {
            value["poll"] = poll;
        }
        if let Some(to) = draft.reference {
            let mut reference =
                json!({ "type": 0, "channel_id": channel_id.to_string(), "message_id": to.to_string() });
            if let Some(guild) = guild_id {
                reference["guild_id"] = json!(guild.to_string());
            }
            value["message_reference"] = reference;
            value["referenced_message"] = replied.as_ref().map_or(Value::Null, |message| {
                let mut quoted = message.value.clone();
                if let Some(fields) = quoted.as_object_mut() {
                    fields.remove("referenced_message");
                    fields.remove("nonce");
                }
                quoted
            });
        }
        for (key, field) in draft.extra {
            value[key] = field;
        }
        let message = Arc::new(Stored {
            id,
            channel_id,
            guild_id,
            author_id,
            by_bot: author_id == self.bot_id,
            reference: draft.reference,
            ephemeral_to: draft.ephemeral_to,
            interaction: draft.interaction,
            edits: 0,
            mentions: mentions.users,
            value,
        });
        if let Some(channel) = self.channels.get_mut(&channel_id) {
            channel.history.push(Arc::clone(&message));
        }
        self.emit_message("MESSAGE_CREATE", &message);
        if message.ephemeral_to.is_none() {
            self.wrote_in_thread(channel_id, author_id);
        }
        message
    }

    /// Changes a message and tells everybody who may see it; `None` if there is no such message.
    pub(crate) fn revise(&mut self, channel_id: u64, id: u64, revision: Revision) -> Option<Arc<Stored>> {
        let before = Arc::clone(self.message(channel_id, id)?);
        let mut value = before.value.clone();
        let mut mentioned = before.mentions.clone();
        if let Some(content) = revision.content {
            let replied = before.reference.and_then(|to| self.message(channel_id, to).cloned());
            let allowed = revision.allowed_mentions.unwrap_or_default();
            let mentions = self.mentions(channel_id, before.author_id, &content, &allowed, replied.as_deref());
            value["mention_everyone"] = Value::Bool(mentions.everyone);
            value["mentions"] = mentions.users.iter().map(|user| self.user_json(*user)).collect();
            value["mention_roles"] = mentions.roles.iter().map(|role| json!(role.to_string())).collect();
            mentioned = mentions.users;
            value["content"] = Value::String(content);
        }
        for (key, new) in [
            ("embeds", revision.embeds),
            ("components", revision.components.map(without_null_ids)),
            ("attachments", revision.attachments),
        ] {
            if let Some(new) = new {
                value[key] = Value::Array(new);
            }
        }
        if let Some(poll) = revision.poll {
            value["poll"] = poll;
        }
        let flags = before.value["flags"].as_u64().unwrap_or(0);
        let changeable = SUPPRESS_EMBEDS | COMPONENTS_V2;
        let mut after = revision
            .flags
            .map_or(flags, |new| (flags & !SUPPRESS_EMBEDS) | (new & changeable));
        after &= !LOADING;
        value["flags"] = json!(after);
        if !revision.is_arrival {
            value["edited_timestamp"] = json!(ids::timestamp(self.ids.now_ms()));
        }
        Some(self.replace(&before, value, mentioned))
    }

    /// Puts a changed message object in the place of the old one and tells everybody.
    pub(super) fn replace(&mut self, before: &Stored, value: Value, mentions: Vec<u64>) -> Arc<Stored> {
        let message = self.swap(before, value, mentions);
        self.emit_message("MESSAGE_UPDATE", &message);
        message
    }

    /// Puts a changed message object in the place of the old one.
    pub(crate) fn swap(&mut self, before: &Stored, value: Value, mentions: Vec<u64>) -> Arc<Stored> {
        let message = Arc::new(Stored {
            id: before.id,
            channel_id: before.channel_id,
            guild_id: before.guild_id,
            author_id: before.author_id,
            by_bot: before.by_bot,
            reference: before.reference,
            ephemeral_to: before.ephemeral_to,
            interaction: before.interaction,
            edits: before.edits + 1,
            mentions,
            value,
        });
        if let Some(channel) = self.channels.get_mut(&before.channel_id) {
            channel.history.replace(Arc::clone(&message));
        }
        message
    }

    /// Deletes messages and tells everybody; those that do not exist are passed over. More than one at a time is
    /// `MESSAGE_DELETE_BULK`, if `bulk`.
    pub(crate) fn delete(&mut self, channel_id: u64, ids: &[u64], bulk: bool) -> usize {
        let Some(channel) = self.channels.get_mut(&channel_id) else {
            return 0;
        };
        let gone: Vec<Arc<Stored>> = ids.iter().filter_map(|id| channel.history.remove(*id)).collect();
        if !self.reactions.is_empty() {
            self.reactions.retain(|(message, _), _| !ids.contains(message));
        }
        self.emit_deleted(channel_id, &gone, bulk);
        self.deleted_in_thread(channel_id, gone.len() as u64);
        gone.len()
    }

    /// Pins or unpins a message and tells everybody.
    pub(crate) fn pin(&mut self, channel_id: u64, id: u64, pinned: bool) -> Option<()> {
        let before = Arc::clone(self.message(channel_id, id)?);
        let mut value = before.value.clone();
        value["pinned"] = Value::Bool(pinned);
        let mentions = before.mentions.clone();
        self.replace(&before, value, mentions);
        self.emit_pins(channel_id);
        Some(())
    }

    /// Adds or removes `user`'s reaction; says whether anything changed.
    pub(crate) fn react(&mut self, channel_id: u64, id: u64, user: u64, emoji: &Value, add: bool) -> bool {
        let Some(before) = self.message(channel_id, id).map(Arc::clone) else {
            return false;
        };
        let key = (id, emoji_key(emoji));
        let reactors = self.reactions.entry(key.clone()).or_default();
        let changed = if add {
            let is_new = !reactors.contains(&user);
            if is_new {
                reactors.push(user);
            }
            is_new
        } else {
            let count = reactors.len();
            reactors.retain(|who| *who != user);
            reactors.len() != count
        };
        if !changed {
            return false;
        }
        let (count, me) = (reactors.len(), reactors.contains(&self.bot_id));
        if reactors.is_empty() {
            self.reactions.remove(&key);
        }
        let mut value = before.value.clone();
        let mut reactions = value["reactions"].as_array().cloned().unwrap_or_default();
        let place = reactions.iter().position(|reaction| reaction["emoji"] == *emoji);
        let reaction = json!({
            "emoji": emoji,
            "count": count,
            "count_details": { "burst": 0, "normal": count },
            "burst_colors": [],
            "me_burst": false,
            "burst_me": false,
            "burst_count": 0,
            "me": me,
        });
        match place {
            Some(at) if count == 0 => {
                reactions.remove(at);
            }
            Some(at) => reactions[at] = reaction,
            None => reactions.push(reaction),
        }
        value["reactions"] = Value::Array(reactions);
        let mentions = before.mentions.clone();
        let message = self.swap(&before, value, mentions);
        self.emit_reaction(&message, user, emoji, add);
        true
    }

    /// Who reacted with `emoji`.
    pub(crate) fn reactors(&self, id: u64, emoji: &Value) -> Vec<u64> {
        self.reactions.get(&(id, emoji_key(emoji))).cloned().unwrap_or_default()
    }

    /// Removes all reactions, or all with one emoji, and tells everybody.
    pub(crate) fn clear_reactions(&mut self, channel_id: u64, id: u64, only: Option<&Value>) {
        let Some(before) = self.message(channel_id, id).map(Arc::clone) else {
            return;
        };
        let key = only.map(emoji_key);
        self.reactions
            .retain(|(message, emoji), _| *message != id || key.as_ref().is_some_and(|key| key != emoji));
        let mut value = before.value.clone();
        let left: Vec<Value> = value["reactions"]
            .as_array()
            .map(|all| {
                all.iter()
                    .filter(|one| only.is_some_and(|only| one["emoji"] != *only))
                    .cloned()
                    .collect()
            })
            .unwrap_or_default();
        value["reactions"] = Value::Array(left);
        let mentions = before.mentions.clone();
        let message = self.swap(&before, value, mentions);
        self.emit_reactions_cleared(&message, only);
    }

    /// The message as it stands.
    pub(crate) fn message(&self, channel_id: u64, id: u64) -> Option<&Arc<Stored>> {
        self.channels.get(&channel_id)?.history.get(id)
    }

    fn mentions(
        &self,
        channel_id: u64,
        author_id: u64,
        content: &str,
        allowed: &AllowedMentions,
        replied: Option<&Stored>,
    ) -> Mentions {
        let mut users = Vec::new();
        let mut roles = Vec::new();
        let channel = self.channels.get(&channel_id);
        let guild = channel
            .and_then(|channel| channel.guild_id)
            .and_then(|id| self.guilds.get(&id));
        for marked in content.split('<').skip(1).filter_map(|rest| rest.split_once('>')) {
            if let Some(id) = marked.0.strip_prefix("@&").and_then(|id| id.parse().ok()) {
                let is_allowed = allowed.roles.as_ref().is_none_or(|only| only.contains(&id));
                if is_allowed && guild.is_some_and(|guild| guild.role(id).is_some()) && !roles.contains(&id) {
                    roles.push(id);
                }
            } else if let Some(id) = marked
                .0
                .strip_prefix('@')
                .and_then(|id| id.trim_start_matches('!').parse().ok())
            {
                let is_allowed = allowed.users.as_ref().is_none_or(|only| only.contains(&id));
                if is_allowed && self.users.contains_key(&id) && !users.contains(&id) {
                    users.push(id);
                }
            }
        }
        if let Some(replied) = replied
            && allowed.replied_user
            && !users.contains(&replied.author_id)
        {
            users.push(replied.author_id);
        }
        let may_everyone =
            guild.is_some_and(|guild| permissions::of(guild, channel, author_id) & permissions::MENTION_EVERYONE != 0);
        let everyone = allowed.everyone && may_everyone && (content.contains("@everyone") || content.contains("@here"));
        Mentions { users, roles, everyone }
    }
}

/// What tells emojis apart.
pub(super) fn emoji_key(emoji: &Value) -> String {
    format!(
        "{}:{}",
        emoji["id"].as_str().unwrap_or_default(),
        emoji["name"].as_str().unwrap_or_default()
    )
}

/// Components as they are shown: an emoji that is a character has no id, where bots may have written null.
fn without_null_ids(components: Vec<Value>) -> Vec<Value> {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::Object(emoji)) = fields.get_mut("emoji")
                    && emoji.get("id").is_some_and(Value::is_null)
                {
                    emoji.remove("id");
                }
                fields.values_mut().for_each(clean);
            }
            Value::Array(values) => values.iter_mut().for_each(clean),
            _ => {}
        }
    }
    components
        .into_iter()
        .map(|mut component| {
            clean(&mut component);
            component
        })
        .collect()
}
