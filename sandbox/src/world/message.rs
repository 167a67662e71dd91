//! Messages: from a checked draft to Discord's message object, edits, deletes. Who may do what is decided
//! before (by the REST routes and by the page); here it only happens, and everybody who listens hears of it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Stored, World, body::Body, permissions, thread, user::UserObject};
use crate::ids::{self, Id};

/// Flag of an answer that only its asker sees.
pub(crate) const EPHEMERAL: u64 = 1 << 6;
/// Flag of a deferred answer that has not come yet.
pub(crate) const LOADING: u64 = 1 << 7;
/// Flag of messages made of components only.
pub(crate) const COMPONENTS_V2: u64 = 1 << 15;
/// Flag: no embeds from links.
pub(crate) const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// Flag of messages that were published to the channels that follow theirs.
pub(crate) const CROSSPOSTED: u64 = 1;
/// Flag of what was published to a following channel.
pub(crate) const IS_CROSSPOST: u64 = 1 << 1;
/// Flag of messages that are one recording.
pub(crate) const VOICE: u64 = 1 << 13;
/// Flag of forwarded messages.
pub(crate) const HAS_SNAPSHOT: u64 = 1 << 14;

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
    /// Of the first message of a forum's post, which has its thread's id; a new one if none.
    pub(crate) id: Option<u64>,
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
    /// Channel and message that it forwards.
    pub(crate) forward: Option<(u64, u64)>,
    pub(crate) allowed_mentions: AllowedMentions,
    /// Discord's message type; 0, or 19 for a reply, if none.
    pub(crate) kind: Option<u64>,
    pub(crate) ephemeral_to: Option<u64>,
    /// The interaction that it answers.
    pub(crate) interaction: Option<u64>,
    /// Who is shown as its author, where that is no user: a webhook.
    pub(crate) author: Option<Value>,
    /// Fields that only some messages have: answers to interactions, forwards, what Discord tells.
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

impl Revision {
    /// Whether it shows or hides embeds at most, which Discord does not call an edit.
    fn is_only_flags(&self) -> bool {
        self.content.is_none()
            && self.embeds.is_none()
            && self.components.is_none()
            && self.attachments.is_none()
            && self.poll.is_none()
    }
}

/// Who a text mentions, as far as allowed.
struct Mentions {
    users: Vec<u64>,
    roles: Vec<u64>,
    everyone: bool,
}

/// Who a message shows as its author, or mentions.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Author<'a> {
    User(UserObject<'a>),
    /// A webhook, or somebody who is gone.
    Other(Value),
}

/// What every new message object has, in Discord's order.
#[derive(Debug, Serialize)]
struct MessageObject<'a> {
    id: Id,
    channel_id: Id,
    #[serde(rename = "type")]
    kind: u64,
    content: &'a str,
    author: Author<'a>,
    timestamp: String,
    edited_timestamp: (),
    flags: u64,
    tts: bool,
    pinned: bool,
    mention_everyone: bool,
    mentions: Vec<Author<'a>>,
    mention_roles: Vec<Id>,
    attachments: &'a [Value],
    embeds: &'a [Value],
    components: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
}

impl MessageObject<'_> {
    /// Written, if nothing will be added to it.
    fn body(&self, is_whole: bool) -> Body {
        if is_whole {
            Body::written(serde_json::to_string(self).unwrap_or_default())
        } else {
            serde_json::to_value(self).unwrap_or_default().into()
        }
    }
}

impl World {
    /// Sends a message and tells everybody who may see it.
    pub(crate) fn post(&mut self, channel_id: u64, author_id: u64, draft: Draft) -> Arc<Stored> {
        let id = draft.id.unwrap_or_else(|| self.ids.timed());
        let guild_id = self.channels.get(&channel_id).and_then(|channel| channel.guild_id);
        let replied = draft.reference.and_then(|to| self.message(channel_id, to).cloned());
        let mentions = self.mentions(
            channel_id,
            author_id,
            &text_of(&draft.content, &draft.components),
            &draft.allowed_mentions,
            replied.as_deref(),
        );
        let kind = draft.kind.unwrap_or(if draft.reference.is_some() { 19 } else { 0 });
        let is_bare = draft.nonce.is_none()
            && draft.stickers.is_empty()
            && draft.poll.is_none()
            && draft.reference.is_none()
            && draft.extra.is_empty();
        let position = self.position_in_thread(channel_id, kind == thread::STARTER || draft.id.is_some());
        let components = without_null_ids(draft.components);
        let object = MessageObject {
            id: Id(id),
            channel_id: Id(channel_id),
            kind,
            content: &draft.content,
            author: draft.author.map_or_else(|| self.author(author_id), Author::Other),
            timestamp: ids::created_at(id),
            edited_timestamp: (),
            flags: draft.flags,
            tts: draft.tts,
            pinned: false,
            mention_everyone: mentions.everyone,
            mentions: mentions.users.iter().map(|user| self.author(*user)).collect(),
            mention_roles: mentions.roles.iter().copied().map(Id).collect(),
            attachments: &draft.attachments,
            embeds: &draft.embeds,
            components: &components,
            position,
        };
        let by_bot = author_id == self.bot_id || self.is_own_webhook(author_id);
        let mut message = Stored {
            id,
            channel_id,
            guild_id,
            author_id,
            by_bot,
            reference: draft.reference,
            ephemeral_to: draft.ephemeral_to,
            interaction: draft.interaction,
            edits: 0,
            value: object.body(is_bare),
            mentions: mentions.users,
        };
        if !is_bare {
            let mut value = message.value.clone();
            self.adorn(
                &mut value,
                &message,
                draft.nonce,
                draft.stickers,
                draft.poll,
                replied.as_deref(),
            );
            for (key, field) in draft.extra {
                value[key] = field;
            }
            message.value = value.into();
        }
        let message = Arc::new(message);
        if let Some(channel) = self.channels.get_mut(&channel_id) {
            channel.history.push(Arc::clone(&message));
        }
        self.emit_message("MESSAGE_CREATE", &message);
        if message.ephemeral_to.is_none() {
            self.wrote_in_thread(channel_id, author_id);
        }
        message
    }

    /// What only some messages have.
    fn adorn(
        &mut self,
        value: &mut Value,
        message: &Stored,
        nonce: Option<Value>,
        stickers: Vec<Value>,
        poll: Option<Value>,
        replied: Option<&Stored>,
    ) {
        if let Some(nonce) = nonce {
            value["nonce"] = nonce;
        }
        if !stickers.is_empty() {
            value["sticker_items"] = Value::Array(stickers);
        }
        if let Some(poll) = poll {
            value["poll"] = self.open_poll(message.channel_id, message.id, poll);
        }
        if let Some(to) = message.reference {
            let mut reference =
                json!({ "type": 0, "channel_id": message.channel_id.to_string(), "message_id": to.to_string() });
            if let Some(guild) = message.guild_id {
                reference["guild_id"] = json!(guild.to_string());
            }
            value["message_reference"] = reference;
            value["referenced_message"] = replied.map_or(Value::Null, |message| {
                let mut quoted = message.value.clone();
                if let Some(fields) = quoted.as_object_mut() {
                    fields.remove("referenced_message");
                    fields.remove("nonce");
                }
                quoted
            });
        }
    }

    /// Somebody as messages show them.
    fn author(&self, id: u64) -> Author<'_> {
        let known = self.users.get(&id).map(|user| Author::User(user.object()));
        known.unwrap_or_else(|| Author::Other(self.user_json(id)))
    }

    /// Changes a message and tells everybody who may see it; `None` if there is no such message.
    pub(crate) fn revise(&mut self, channel_id: u64, id: u64, revision: Revision) -> Option<Arc<Stored>> {
        let before = Arc::clone(self.message(channel_id, id)?);
        let mut value = before.value.clone();
        let mut mentioned = before.mentions.clone();
        // Whether there is another text, whose mentions count.
        let mut remade = false;
        let only_flags = revision.is_only_flags();
        if let Some(content) = revision.content {
            value["content"] = Value::String(content);
            remade = true;
        }
        for (key, new) in [
            ("embeds", revision.embeds),
            ("components", revision.components.map(without_null_ids)),
            ("attachments", revision.attachments),
        ] {
            if let Some(new) = new {
                remade |= key == "components";
                value[key] = Value::Array(new);
            }
        }
        if remade {
            let replied = before.reference.and_then(|to| self.message(channel_id, to).cloned());
            let allowed = revision.allowed_mentions.unwrap_or_default();
            let shown = value["components"].as_array().map_or(&[][..], Vec::as_slice);
            let text = text_of(value["content"].as_str().unwrap_or_default(), shown);
            let mentions = self.mentions(channel_id, before.author_id, &text, &allowed, replied.as_deref());
            value["mention_everyone"] = Value::Bool(mentions.everyone);
            value["mentions"] = mentions.users.iter().map(|user| self.user_json(*user)).collect();
            value["mention_roles"] = mentions.roles.iter().map(|role| json!(role.to_string())).collect();
            mentioned = mentions.users;
        }
        if let Some(poll) = revision.poll {
            value["poll"] = self.open_poll(channel_id, id, poll);
        }
        let flags = before.value["flags"].as_u64().unwrap_or(0);
        let changeable = SUPPRESS_EMBEDS | COMPONENTS_V2;
        let mut after = revision
            .flags
            .map_or(flags, |new| (flags & !SUPPRESS_EMBEDS) | (new & changeable));
        after &= !LOADING;
        value["flags"] = json!(after);
        if !revision.is_arrival && !only_flags {
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
            value: value.into(),
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
        self.forget_votes(ids);
        self.forget_pins(channel_id, ids);
        self.emit_deleted(channel_id, &gone, bulk);
        self.deleted_in_thread(channel_id, gone.len() as u64);
        gone.len()
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
        let may_everyone = self.webhooks.contains_key(&author_id)
            || guild
                .is_some_and(|guild| permissions::of(guild, channel, author_id) & permissions::MENTION_EVERYONE != 0);
        let may_role = |id: u64| {
            guild
                .and_then(|guild| guild.role(id))
                .is_some_and(|role| role.mentionable || may_everyone)
        };
        for marked in content.split('<').skip(1).filter_map(|rest| rest.split_once('>')) {
            if let Some(id) = marked.0.strip_prefix("@&").and_then(|id| id.parse().ok()) {
                let is_allowed = allowed.roles.as_ref().is_none_or(|only| only.contains(&id));
                if is_allowed && may_role(id) && !roles.contains(&id) {
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
        let everyone = allowed.everyone && may_everyone && (content.contains("@everyone") || content.contains("@here"));
        Mentions { users, roles, everyone }
    }
}

/// What of a message is read for mentions: its content, and the texts among its components.
fn text_of(content: &str, components: &[Value]) -> String {
    fn collect(component: &Value, text: &mut String) {
        if component["type"] == 10
            && let Some(content) = component["content"].as_str()
        {
            text.push('\n');
            text.push_str(content);
        }
        for inner in component["components"].as_array().into_iter().flatten() {
            collect(inner, text);
        }
    }
    let mut text = content.to_owned();
    for component in components {
        collect(component, &mut text);
    }
    text
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
