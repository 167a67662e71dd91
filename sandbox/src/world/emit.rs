//! Who hears of what: each change of the world becomes a gateway event for the bot's sessions (by shard, intents and
//! the rules about message contents), and a note for open pages and waiting tests.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;
use serde_json::{Value, json};

use super::{Stored, World, permissions, poll::Polls, reaction::emoji_key, user::MemberObject};
use crate::{
    gateway::intents::{self, Intents},
    ids::Id,
    page::Audience,
    specification::{Finding, Violation, ViolationOf},
};

impl World {
    /// Sends an event about `guild` (or a direct channel, if none) to the sessions that have one of `intents`; to all
    /// of that shard if `intents` is none.
    pub(crate) fn emit(&mut self, name: &'static str, guild: Option<u64>, intents: Intents, data: &Value) {
        self.record_event(name, data);
        if guild.is_none_or(|guild| self.bot_is_in(guild)) && self.is_up(guild) {
            self.check_event(name, data);
            let data = data.to_string();
            self.sessions.deliver(&mut self.logs, name, guild, intents, &data, None);
        }
        if let Some(guild) = guild {
            self.sync_threads(name, guild, data);
        }
        self.changed();
    }

    /// Notes what the specification has against an event that is about to be sent.
    pub(crate) fn check_event(&mut self, name: &str, data: &Value) {
        if let Some(specification) = &self.specification {
            let found = specification.check_event(name, data);
            self.violated(ViolationOf::Event, name, &found);
        }
    }

    /// Remembers violations, and tells the pages.
    pub(crate) fn violated(&mut self, of: ViolationOf, what: &str, found: &[Finding]) {
        for finding in found {
            let violation = Violation::new(of, what, finding);
            self.pages.tell(&Audience::Everyone, "violation", || violation.json());
            self.violations.push(violation);
        }
    }

    /// Whether events of a guild come through: not in an outage.
    fn is_up(&self, guild: Option<u64>) -> bool {
        guild.is_none_or(|guild| !self.outages.contains(&guild))
    }

    fn bot_is_in(&self, guild: u64) -> bool {
        self.guilds
            .get(&guild)
            .is_some_and(|guild| guild.members.contains_key(&self.bot_id))
    }

    /// Whether the bot sees what happens in a channel.
    pub(super) fn bot_sees(&self, channel_id: u64) -> bool {
        self.channels
            .get(&channel_id)
            .is_some_and(|channel| self.permissions_in(channel, self.bot_id) & permissions::VIEW_CHANNEL != 0)
    }

    /// The bot was removed from a guild: the last that it hears of it.
    pub(crate) fn emit_removal(&mut self, guild: u64) {
        let data = json!({ "id": guild.to_string() }).to_string();
        self.sessions.deliver(
            &mut self.logs,
            "GUILD_DELETE",
            Some(guild),
            intents::GUILDS,
            &data,
            None,
        );
        self.changed();
    }

    /// `MESSAGE_CREATE` or `MESSAGE_UPDATE`.
    pub(crate) fn emit_message(&mut self, name: &'static str, message: &Arc<Stored>) {
        self.record_message(name, message);
        if message.ephemeral_to.is_none() && self.is_up(message.guild_id) && self.bot_sees(message.channel_id) {
            let intent = intents::messages(message.guild_id.is_some());
            let extra = self.guild_fields(message);
            let value = self.with_mentioned_members(message);
            if self.specification.is_some() {
                self.check_event(name, value.as_ref().unwrap_or_else(|| &message.value));
            }
            let data = match &value {
                Some(value) => join(&value.to_string(), &extra),
                None => join(message.value.text(), &extra),
            };
            let is_open = message.author_id == self.bot_id
                || message.guild_id.is_none()
                || message.mentions.contains(&self.bot_id);
            let bot = self.bot_id;
            let strip = || {
                let bot = bot.to_string();
                join(
                    &stripped(value.as_ref().unwrap_or_else(|| &message.value), &bot).to_string(),
                    &extra,
                )
            };
            let strip = (!is_open).then_some(&strip as &dyn Fn() -> String);
            self.sessions
                .deliver(&mut self.logs, name, message.guild_id, intent, &data, strip);
        }
        if message.by_bot {
            self.watchers
                .retain(|watcher| watcher.send(Arc::clone(message)).is_ok());
        }
        let kind = if name == "MESSAGE_CREATE" {
            "message_create"
        } else {
            "message_update"
        };
        let audience = self.audience(message.channel_id, message.ephemeral_to);
        self.pages
            .tell(&audience, kind, || page_message(message, &self.reactions, &self.polls));
        self.changed();
    }

    /// `MESSAGE_DELETE` or `MESSAGE_DELETE_BULK`.
    pub(crate) fn emit_deleted(&mut self, channel_id: u64, gone: &[Arc<Stored>], bulk: bool) {
        let Some(first) = gone.first() else {
            return;
        };
        let guild = first.guild_id;
        let is_seen = self.bot_sees(channel_id);
        let intent = intents::messages(guild.is_some());
        let public: Vec<&Arc<Stored>> = gone
            .iter()
            .filter(|message| is_seen && message.ephemeral_to.is_none())
            .collect();
        let with_guild = |mut data: Value| {
            if let Some(guild) = guild {
                data["guild_id"] = json!(guild.to_string());
            }
            data
        };
        if bulk && !public.is_empty() {
            let ids: Vec<String> = public.iter().map(|message| message.id.to_string()).collect();
            let data = with_guild(json!({ "ids": ids, "channel_id": channel_id.to_string() }));
            self.emit("MESSAGE_DELETE_BULK", guild, intent, &data);
        } else {
            for message in public {
                let data = with_guild(json!({ "id": message.id.to_string(), "channel_id": channel_id.to_string() }));
                self.emit("MESSAGE_DELETE", guild, intent, &data);
            }
        }
        for message in gone {
            let audience = self.audience(channel_id, message.ephemeral_to);
            let data = json!({ "id": message.id.to_string(), "channel_id": channel_id.to_string() });
            self.pages.tell(&audience, "message_delete", || data);
        }
        self.changed();
    }

    /// Tells pages of a change that is no edit: a reaction, a vote.
    pub(super) fn tell_pages_of(&mut self, message: &Stored) {
        let audience = self.audience(message.channel_id, message.ephemeral_to);
        self.pages.tell(&audience, "message_update", || {
            page_message(message, &self.reactions, &self.polls)
        });
    }

    /// `MESSAGE_REACTION_ADD` or `MESSAGE_REACTION_REMOVE`.
    pub(crate) fn emit_reaction(&mut self, message: &Arc<Stored>, user: u64, emoji: &Value, add: bool) {
        let mut data = json!({
            "user_id": user.to_string(),
            "channel_id": message.channel_id.to_string(),
            "message_id": message.id.to_string(),
            "emoji": emoji,
            "burst": false,
            "type": 0,
        });
        if add {
            data["message_author_id"] = json!(message.author_id.to_string());
        }
        if let Some(guild) = message.guild_id {
            data["guild_id"] = json!(guild.to_string());
            if add && let Some(member) = self.member_json(guild, user) {
                data["member"] = member;
            }
        }
        let name = if add {
            "MESSAGE_REACTION_ADD"
        } else {
            "MESSAGE_REACTION_REMOVE"
        };
        if self.bot_sees(message.channel_id) {
            self.emit(
                name,
                message.guild_id,
                intents::reactions(message.guild_id.is_some()),
                &data,
            );
        }
        self.tell_pages_of(message);
    }

    /// `MESSAGE_REACTION_REMOVE_ALL` or `MESSAGE_REACTION_REMOVE_EMOJI`.
    pub(crate) fn emit_reactions_cleared(&mut self, message: &Arc<Stored>, only: Option<&Value>) {
        let mut data = json!({ "channel_id": message.channel_id.to_string(), "message_id": message.id.to_string() });
        if let Some(guild) = message.guild_id {
            data["guild_id"] = json!(guild.to_string());
        }
        let name = if only.is_some() {
            "MESSAGE_REACTION_REMOVE_EMOJI"
        } else {
            "MESSAGE_REACTION_REMOVE_ALL"
        };
        if let Some(emoji) = only {
            data["emoji"] = emoji.clone();
        }
        if self.bot_sees(message.channel_id) {
            self.emit(
                name,
                message.guild_id,
                intents::reactions(message.guild_id.is_some()),
                &data,
            );
        }
        self.tell_pages_of(message);
    }

    /// `CHANNEL_PINS_UPDATE`.
    pub(crate) fn emit_pins(&mut self, channel_id: u64, last: Option<&str>) {
        let guild = self.channels.get(&channel_id).and_then(|channel| channel.guild_id);
        let mut data = json!({ "channel_id": channel_id.to_string(), "last_pin_timestamp": last });
        if let Some(guild) = guild {
            data["guild_id"] = json!(guild.to_string());
        }
        let intent = if guild.is_some() {
            intents::GUILDS
        } else {
            intents::DIRECT_MESSAGES
        };
        self.emit("CHANNEL_PINS_UPDATE", guild, intent, &data);
    }

    /// `TYPING_START`.
    pub(crate) fn emit_typing(&mut self, channel_id: u64, user: u64) {
        let guild = self.channels.get(&channel_id).and_then(|channel| channel.guild_id);
        let mut data = json!({
            "channel_id": channel_id.to_string(),
            "user_id": user.to_string(),
            "timestamp": self.ids.now_ms() / 1000,
        });
        if let Some(guild) = guild {
            data["guild_id"] = json!(guild.to_string());
            if let Some(member) = self.member_json(guild, user) {
                data["member"] = member;
            }
        }
        if self.bot_sees(channel_id) {
            self.emit("TYPING_START", guild, intents::typing(guild.is_some()), &data);
        }
        let audience = self.audience(channel_id, None);
        let note = json!({ "channel_id": channel_id.to_string(), "user_id": user.to_string() });
        self.pages.tell(&audience, "typing", || note);
    }

    /// `CHANNEL_CREATE`, `_UPDATE` or `_DELETE`.
    pub(crate) fn emit_channel(&mut self, name: &'static str, guild: Option<u64>, data: &Value) {
        self.emit(name, guild, intents::GUILDS, data);
        if let Some(guild) = guild {
            self.tell_guild(guild);
        }
    }

    /// `GUILD_ROLE_CREATE`, `_UPDATE` or `_DELETE`.
    pub(crate) fn emit_role(&mut self, name: &'static str, guild: u64, data: &Value) {
        self.emit(name, Some(guild), intents::GUILDS, data);
        self.tell_guild(guild);
    }

    /// `GUILD_MEMBER_ADD`, `_UPDATE` or `_REMOVE`. The bot hears of itself without the intent.
    pub(crate) fn emit_member(&mut self, name: &'static str, note: &'static str, guild: u64, user: u64, data: &Value) {
        let is_own = user == self.bot_id && name == "GUILD_MEMBER_UPDATE";
        let intent = if is_own { intents::NONE } else { intents::GUILD_MEMBERS };
        self.emit(name, Some(guild), intent, data);
        self.pages.tell(&Audience::Everyone, note, || data.clone());
        // What this person sees of the guild may be another now.
        if self.pages.people().contains(&user) {
            self.tell_guild(guild);
        }
    }

    /// Tells each open page about a guild, as its person sees it.
    pub(crate) fn tell_guild(&mut self, guild: u64) {
        for person in self.pages.people() {
            if let Some(data) = self.page_guild(guild, person) {
                self.pages.tell(&Audience::One(person), "guild", || data);
            }
        }
    }

    /// Who of the people sees what happens in a channel.
    pub(crate) fn audience(&self, channel_id: u64, only: Option<u64>) -> Audience {
        if let Some(only) = only {
            return Audience::One(only);
        }
        let Some(channel) = self.channels.get(&channel_id).filter(|_| !self.pages.is_empty()) else {
            return Audience::Those(Vec::new());
        };
        if let Some(person) = channel.recipient {
            return Audience::One(person);
        }
        let sees = |person: &u64| self.permissions_in(channel, *person) & permissions::VIEW_CHANNEL != 0;
        Audience::Those(self.pages.people().into_iter().filter(sees).collect())
    }

    /// `guild_id` and `member`, which only gateway events carry, as they are written at the end of the object.
    fn guild_fields(&self, message: &Stored) -> String {
        let Some(guild_id) = message.guild_id else {
            return String::new();
        };
        let guild = self.guilds.get(&guild_id);
        let fields = GuildFields {
            guild_id: Id(guild_id),
            member: guild.and_then(|guild| Some(guild.members.get(&message.author_id)?.object())),
        };
        serde_json::to_string(&fields).unwrap_or_default()
    }

    /// The message with the membership of those whom it mentions; `None` if it mentions nobody.
    fn with_mentioned_members(&self, message: &Stored) -> Option<Value> {
        let guild = message.guild_id.and_then(|id| self.guilds.get(&id))?;
        if message.mentions.is_empty() {
            return None;
        }
        let mut value = message.value.clone();
        for mention in value["mentions"].as_array_mut()? {
            let id: Option<u64> = mention["id"].as_str().and_then(|id| id.parse().ok());
            if let Some(member) = id.and_then(|id| guild.members.get(&id)) {
                mention["member"] = Value::Object(member.partial());
            }
        }
        Some(value)
    }
}

/// A message as pages get it: with the guild's id, and with who reacted and voted.
pub(crate) fn page_message(message: &Stored, reactions: &HashMap<(u64, String), Vec<u64>>, polls: &Polls) -> Value {
    let mut value = message.value.clone();
    let answers = value.pointer_mut("/poll/answers").and_then(Value::as_array_mut);
    for answer in answers.into_iter().flatten() {
        let voters = polls.voters(message.id, answer["answer_id"].as_u64().unwrap_or(0));
        answer["voters"] = voters.iter().map(u64::to_string).collect();
    }
    for reaction in value["reactions"].as_array_mut().into_iter().flatten() {
        let people = reactions.get(&(message.id, emoji_key(&reaction["emoji"])));
        reaction["users"] = people.into_iter().flatten().map(u64::to_string).collect();
    }
    if let Some(guild) = message.guild_id {
        value["guild_id"] = json!(guild.to_string());
    }
    value
}

/// What only gateway events say of a message.
#[derive(Debug, Serialize)]
struct GuildFields<'a> {
    guild_id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<MemberObject<'a>>,
}

/// The texts of two JSON objects as one; the second may be empty.
fn join(object: &str, more: &str) -> String {
    let Some(more) = more.strip_prefix('{') else {
        return object.to_owned();
    };
    let mut text = String::with_capacity(object.len() + more.len());
    text.push_str(object.strip_suffix('}').unwrap_or(object));
    text.push(',');
    text.push_str(more);
    text
}

/// What a bot without `MESSAGE_CONTENT` gets of other people's messages
/// (<https://discord.com/developers/docs/events/gateway#message-content-intent>).
fn stripped(message: &Value, bot: &str) -> Value {
    let mut value = message.clone();
    strip(&mut value);
    if let Some(quoted) = value.get_mut("referenced_message").filter(|quoted| quoted.is_object()) {
        let mentions_bot = quoted["mentions"]
            .as_array()
            .is_some_and(|mentions| mentions.iter().any(|user| user["id"] == bot));
        if quoted["author"]["id"] != bot && !mentions_bot {
            strip(quoted);
        }
    }
    value
}

fn strip(message: &mut Value) {
    message["content"] = json!("");
    for list in ["embeds", "attachments", "components"] {
        message[list] = json!([]);
    }
    if let Some(fields) = message.as_object_mut() {
        fields.remove("poll");
    }
}
