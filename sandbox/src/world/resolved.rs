//! What goes along with ids that a person gave: the users, members, roles and channels that they mean.
//!
//! Commands and selects share it. An id that means nothing there is refused before the bot hears of it.

use serde_json::{Map, Value, json};

use super::{Stored, World};

/// Types of options whose value is an id.
pub(super) const USER: u64 = 6;
pub(super) const CHANNEL: u64 = 7;
pub(super) const ROLE: u64 = 8;
pub(super) const MENTIONABLE: u64 = 9;

impl World {
    /// Puts what an option's id means into `resolved`.
    pub(super) fn resolve(&self, channel_id: u64, kind: u64, id: u64, resolved: &mut Resolved) -> Result<(), String> {
        let guild = self
            .channels
            .get(&channel_id)
            .and_then(|channel| channel.guild_id)
            .and_then(|id| self.guilds.get(&id));
        let key = id.to_string();
        if matches!(kind, USER | MENTIONABLE)
            && let Some(user) = self.users.get(&id)
        {
            resolved.users.insert(key.clone(), user.json());
            if let Some(guild) = guild
                && let Some(member) = guild.members.get(&id)
            {
                let mut member = member.partial();
                member.remove("mute");
                member.remove("deaf");
                let bits = self
                    .channels
                    .get(&channel_id)
                    .map_or(0, |channel| self.permissions_in(channel, id));
                member.insert("permissions".to_owned(), json!(bits.to_string()));
                resolved.members.insert(key, Value::Object(member));
            }
            return Ok(());
        }
        if matches!(kind, ROLE | MENTIONABLE)
            && let Some(role) = guild.and_then(|guild| guild.role(id))
        {
            resolved.roles.insert(key, role.json());
            return Ok(());
        }
        if kind == CHANNEL
            && let Some(channel) = self
                .channels
                .get(&id)
                .filter(|channel| channel.guild_id == guild.map(|guild| guild.id))
        {
            let mut json = channel.guild_json();
            let bits = self.permissions_in(channel, self.bot_id);
            json["permissions"] = json!(bits.to_string());
            resolved.channels.insert(key, json);
            return Ok(());
        }
        let what = match kind {
            USER => "person",
            CHANNEL => "channel here",
            ROLE => "role here",
            _ => "person or role here",
        };
        Err(format!("no {what} has the id {id}"))
    }
}

/// A command's or an option's data for the ids that it was given.
#[derive(Default)]
pub(super) struct Resolved {
    users: Map<String, Value>,
    members: Map<String, Value>,
    roles: Map<String, Value>,
    channels: Map<String, Value>,
    messages: Map<String, Value>,
    attachments: Map<String, Value>,
}

impl Resolved {
    pub(super) fn message(&mut self, message: &Stored) {
        self.messages.insert(message.id.to_string(), message.value.clone());
    }

    pub(super) fn attachment(&mut self, id: &str, attachment: Value) {
        self.attachments.insert(id.to_owned(), attachment);
    }

    pub(super) fn json(self) -> Option<Value> {
        let mut all = Map::new();
        for (key, map) in [
            ("users", self.users),
            ("members", self.members),
            ("roles", self.roles),
            ("channels", self.channels),
            ("messages", self.messages),
            ("attachments", self.attachments),
        ] {
            if !map.is_empty() {
                all.insert(key.to_owned(), Value::Object(map));
            }
        }
        (!all.is_empty()).then_some(Value::Object(all))
    }
}

/// An id as text, however it was written.
pub(super) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
