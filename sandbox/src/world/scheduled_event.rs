//! Scheduled events of guilds: what is to take place on a stage, in a voice channel or elsewhere, who is interested, and what
//! time does to them (<https://discord.com/developers/docs/resources/guild-scheduled-event>). Who may plan one is decided
//! before.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::World;
use crate::{gateway::intents, ids};

pub(crate) const SCHEDULED: i64 = 1;
pub(crate) const ACTIVE: i64 = 2;
pub(crate) const COMPLETED: i64 = 3;
pub(crate) const CANCELED: i64 = 4;

/// On a stage, in a voice channel, elsewhere.
pub(crate) const ON_STAGE: i64 = 1;
pub(crate) const IN_VOICE: i64 = 2;
pub(crate) const EXTERNAL: i64 = 3;

/// After how many milliseconds an event that nobody has begun is canceled; Discord says "a few hours".
const OVERDUE_MS: u64 = 4 * 60 * 60 * 1000;

/// Something that is to take place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScheduledEvent {
    pub(crate) id: u64,
    pub(crate) guild: u64,
    pub(crate) creator: u64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Its picture's name.
    pub(crate) image: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: Option<u64>,
    pub(crate) status: i64,
    pub(crate) kind: i64,
    /// Where, unless it takes place elsewhere.
    pub(crate) channel: Option<u64>,
    /// Where, if it takes place elsewhere.
    pub(crate) location: Option<String>,
    /// Who is interested.
    pub(crate) users: BTreeSet<u64>,
}

impl ScheduledEvent {
    /// Whether nothing of it can be changed any more.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.status, COMPLETED | CANCELED)
    }

    /// When time changes it, and to which status.
    const fn next(&self) -> Option<(u64, i64)> {
        match (self.status, self.kind, self.end) {
            (SCHEDULED, EXTERNAL, _) => Some((self.start, ACTIVE)),
            (SCHEDULED, _, _) => Some((self.start + OVERDUE_MS, CANCELED)),
            (ACTIVE, EXTERNAL, Some(end)) => Some((end, COMPLETED)),
            _ => None,
        }
    }
}

impl World {
    /// The scheduled event object.
    pub(crate) fn scheduled_json(&self, event: &ScheduledEvent, with_count: bool) -> Value {
        let mut json = json!({
            "id": event.id.to_string(),
            "guild_id": event.guild.to_string(),
            "channel_id": event.channel.map(|id| id.to_string()),
            "creator_id": event.creator.to_string(),
            "creator": self.user_json(event.creator),
            "name": event.name,
            "description": event.description,
            "image": event.image,
            "scheduled_start_time": ids::timestamp(event.start),
            "scheduled_end_time": event.end.map(ids::timestamp),
            "privacy_level": 2,
            "status": event.status,
            "entity_type": event.kind,
            "entity_id": null,
            "entity_metadata": event.location.as_ref().map(|location| json!({ "location": location })),
            "recurrence_rule": null,
            "guild_scheduled_event_exceptions": [],
        });
        if with_count {
            json["user_count"] = json!(event.users.len());
        }
        json
    }

    /// Whether the bot sees where it takes place.
    pub(crate) fn sees_scheduled(&self, event: &ScheduledEvent) -> bool {
        event.channel.is_none_or(|channel| self.bot_sees(channel))
    }

    /// Those of a guild that the bot sees and that are not over.
    pub(crate) fn scheduled_of(&self, guild: u64) -> impl Iterator<Item = &ScheduledEvent> {
        let of_guild = move |event: &&ScheduledEvent| event.guild == guild && !event.is_over();
        let all = self.scheduled.values().filter(of_guild);
        all.filter(|event| self.sees_scheduled(event))
    }

    /// An event is planned or changed; everybody is told.
    pub(crate) fn set_scheduled(&mut self, event: ScheduledEvent) {
        let id = event.id;
        let was = self.scheduled.insert(id, event).is_some();
        self.expiry.notify_one();
        let name = if was {
            "GUILD_SCHEDULED_EVENT_UPDATE"
        } else {
            "GUILD_SCHEDULED_EVENT_CREATE"
        };
        self.emit_scheduled(name, id);
    }

    /// What was to take place in a channel that goes does not.
    pub(crate) fn cancel_scheduled_in(&mut self, channel: u64) {
        let there = self.scheduled.values();
        let there = there.filter(|event| event.channel == Some(channel) && !event.is_over());
        let canceled: Vec<_> = there
            .map(|event| ScheduledEvent {
                status: CANCELED,
                ..event.clone()
            })
            .collect();
        for event in canceled {
            self.set_scheduled(event);
        }
    }

    /// An event is taken back.
    pub(crate) fn remove_scheduled(&mut self, id: u64) {
        self.emit_scheduled("GUILD_SCHEDULED_EVENT_DELETE", id);
        self.scheduled.remove(&id);
    }

    fn emit_scheduled(&mut self, name: &'static str, id: u64) {
        let Some(event) = self.scheduled.get(&id).filter(|event| self.sees_scheduled(event)) else {
            return;
        };
        let (guild, data) = (event.guild, self.scheduled_json(event, false));
        self.emit(name, Some(guild), intents::GUILD_SCHEDULED_EVENTS, &data);
    }

    /// Somebody is interested in an event, or no longer; says whether that is new.
    pub(crate) fn set_interest(&mut self, id: u64, user: u64, interested: bool) -> bool {
        let Some(event) = self.scheduled.get_mut(&id) else {
            return false;
        };
        let is_new = if interested {
            event.users.insert(user)
        } else {
            event.users.remove(&user)
        };
        let guild = event.guild;
        let is_seen = self.scheduled.get(&id).is_some_and(|event| self.sees_scheduled(event));
        if is_new && is_seen {
            let name = if interested {
                "GUILD_SCHEDULED_EVENT_USER_ADD"
            } else {
                "GUILD_SCHEDULED_EVENT_USER_REMOVE"
            };
            let data = json!({
                "guild_scheduled_event_id": id.to_string(),
                "user_id": user.to_string(),
                "guild_id": guild.to_string(),
            });
            self.emit(name, Some(guild), intents::GUILD_SCHEDULED_EVENTS, &data);
        }
        is_new
    }

    /// Begins, ends and cancels what is due; gives when to look again.
    pub(super) fn keep_schedule(&mut self) -> Option<Instant> {
        let now = self.ids.now_ms();
        loop {
            let all = self.scheduled.values();
            let first = all.filter_map(|event| Some((event.next()?, event.id))).min();
            let ((at, status), id) = first?;
            if at > now {
                return Some(self.time.now() + Duration::from_millis(at - now));
            }
            // What begins now may be over by now, too.
            if let Some(event) = self.scheduled.get(&id).cloned() {
                self.set_scheduled(ScheduledEvent { status, ..event });
            }
        }
    }
}
