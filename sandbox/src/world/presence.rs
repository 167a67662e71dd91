//! What people show of themselves: online or not, and what they do
//! (<https://discord.com/developers/docs/events/gateway-events#presence-update>). Who was never heard of is online.

use serde_json::{Value, json};

use super::{Guild, World};
use crate::{gateway::intents, page::Audience};

/// A person's presence, once it is another than at the start.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    status: String,
    activities: Vec<Value>,
    /// Since when, in milliseconds since 1970 by the sandbox's clock.
    since_ms: u64,
}

impl World {
    /// The presence object.
    pub(crate) fn presence_json(&self, user: u64) -> Value {
        let found = self.presences.get(&user);
        let status = found.map_or("online", |presence| presence.status.as_str());
        let client = if status == "offline" {
            json!({})
        } else {
            json!({ "desktop": status })
        };
        json!({
            "user": { "id": user.to_string() },
            "status": status,
            "activities": found.map(|presence| presence.activities.clone()).unwrap_or_default(),
            "client_status": client,
        })
    }

    /// Of a guild's members, those who are not just online.
    pub(crate) fn presences_of(&self, guild: &Guild) -> Vec<Value> {
        let heard = self.presences.keys().filter(|user| guild.members.contains_key(user));
        heard.map(|user| self.presence_json(*user)).collect()
    }

    /// Since when a person is offline, in milliseconds since 1970; `None` if it is not. The bot is never.
    pub(crate) fn offline_since(&self, user: u64) -> Option<u64> {
        let found = self.presences.get(&user)?;
        (found.status == "offline").then_some(found.since_ms)
    }

    /// How many members of a guild are there.
    pub(crate) fn count_online(&self, guild: &Guild) -> usize {
        let members = guild.members.keys();
        members.filter(|user| self.offline_since(**user).is_none()).count()
    }

    /// Changes a person's presence, and tells each guild of theirs (`PRESENCE_UPDATE`). `activities` none: the same as before.
    pub(crate) fn set_presence(&mut self, user: u64, status: &str, activities: Option<Vec<Value>>) {
        let status = if status == "invisible" { "offline" } else { status };
        let now = self.ids.now_ms();
        let before = self.presences.get(&user);
        let kept = before.map(|presence| presence.activities.clone()).unwrap_or_default();
        let presence = Presence {
            status: status.to_owned(),
            activities: if status == "offline" {
                Vec::new()
            } else {
                activities.unwrap_or(kept)
            },
            since_ms: before
                .filter(|old| old.status == status)
                .map_or(now, |old| old.since_ms),
        };
        self.presences.insert(user, presence);
        let guilds: Vec<u64> = self
            .guilds
            .values()
            .filter(|guild| guild.members.contains_key(&user))
            .map(|guild| guild.id)
            .collect();
        let shown = self.presence_json(user);
        self.pages.tell(&Audience::Everyone, "presence", || shown);
        for guild in guilds {
            let mut data = self.presence_json(user);
            data["guild_id"] = json!(guild.to_string());
            self.emit("PRESENCE_UPDATE", Some(guild), intents::GUILD_PRESENCES, &data);
        }
        self.changed();
    }
}
