//! The state of a local Discord: one application, its people, guilds, channels, messages, commands and interactions,
//! and who listens to changes. No I/O happens here: sockets and waiting tests are reached through channels.
//!
//! All of it stands behind one `std::sync::Mutex` (see [`crate::shared`]): each operation is short and none waits, and
//! the order of changes is the order of events that everybody sees.

pub(crate) mod audit_log;
mod body;
mod clock;
mod command;
mod emit;
pub(crate) mod emoji;
pub(crate) mod file;
mod forward;
mod guild;
mod history;
mod interaction;
pub(crate) mod invite;
mod invoke;
mod logs;
pub(crate) mod message;
mod modal;
mod overrides;
mod people;
pub(crate) mod permissions;
mod pin;
pub(crate) mod poll;
mod presence;
mod press;
mod reaction;
mod resolved;
pub(crate) mod scheduled_event;
pub(crate) mod stage;
mod sync;
pub(crate) mod thread;
mod user;
pub(crate) mod voice;
pub(crate) mod webhook;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use tokio::sync::{Notify, mpsc, watch};

pub(crate) use self::{
    command::Commands,
    emit::page_message,
    guild::{Channel, Guild, Role},
    history::{History, Stored},
    interaction::{Interaction, Interactions, Modal, State},
    logs::Logs,
    message::{AllowedMentions, Draft, Revision},
    overrides::CommandOverrides,
    permissions::Overwrite,
    press::Pressed,
    user::{Member, User},
    webhook::Webhook,
};
use crate::{
    gateway::{faults, intents::Intents, session::Outgoing, sessions::Sessions, starts::Starts},
    handle::{GatewayEntry, Settings},
    ids::Ids,
    page::Pages,
    recording::Recorder,
    rest::{faults::RestFaults, limits::Limits},
    specification::{Specification, Violations},
    time::Time,
};

/// Everything that a sandbox knows.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) ids: Ids,
    pub(crate) time: Time,
    pub(crate) token: String,
    pub(crate) application_name: String,
    /// What the application has changed of its own object.
    pub(crate) application: Map<String, Value>,
    /// The application and its bot share an id, as Discord's newer ones do.
    pub(crate) bot_id: u64,
    pub(crate) owner_id: u64,
    /// The team that the application belongs to, if it is not its owner's alone.
    pub(crate) team: Option<Value>,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) guilds: BTreeMap<u64, Guild>,
    pub(crate) channels: BTreeMap<u64, Channel>,
    /// Direct channels by person.
    pub(crate) directs: BTreeMap<u64, u64>,
    pub(crate) commands: Commands,
    /// What administrators have set for commands in their guilds.
    pub(crate) overrides: CommandOverrides,
    pub(crate) interactions: Interactions,
    /// Who reacted, by message and emoji.
    pub(crate) reactions: HashMap<(u64, String), Vec<u64>>,
    pub(crate) polls: poll::Polls,
    pub(crate) pins: pin::Pins,
    pub(crate) webhooks: BTreeMap<u64, Webhook>,
    pub(crate) sessions: Sessions,
    /// What tests make go wrong at the gateway.
    pub(crate) gateway: faults::Faults,
    pub(crate) starts: Starts,
    /// What the bot shows: its status and activities.
    pub(crate) presence: Value,
    /// What people show, where it is not the usual.
    pub(crate) presences: BTreeMap<u64, presence::Presence>,
    /// Who is in voice channels, by guild and user.
    pub(crate) voice: BTreeMap<(u64, u64), voice::VoiceState>,
    /// Stages that are live, by channel.
    pub(crate) stages: BTreeMap<u64, stage::Stage>,
    pub(crate) scheduled: BTreeMap<u64, scheduled_event::ScheduledEvent>,
    /// By code.
    pub(crate) invites: BTreeMap<String, invite::Invite>,
    /// The application's own.
    pub(crate) emojis: BTreeMap<u64, emoji::Emoji>,
    /// What was uploaded as emoji, by its id.
    pub(crate) images: BTreeMap<u64, emoji::Image>,
    /// When a guild's whole list of members was last asked for, with Discord's rate limits.
    pub(crate) member_requests: HashMap<u64, Instant>,
    /// What the bot could see of its guilds when it last heard of them.
    seen: sync::Seen,
    /// Guilds that are unavailable.
    pub(crate) outages: BTreeSet<u64>,
    /// What was done to guilds, oldest first.
    pub(crate) audit_logs: BTreeMap<u64, VecDeque<audit_log::Entry>>,
    pub(crate) logs: Logs,
    pub(crate) pages: Pages,
    pub(crate) watchers: Vec<mpsc::UnboundedSender<Arc<Stored>>>,
    pub(crate) limits: Limits,
    pub(crate) rest_faults: RestFaults,
    /// Discord's own, if it is enforced.
    pub(crate) specification: Option<Arc<Specification>>,
    pub(crate) violations: Violations,
    /// Whether a request against it is refused for that alone.
    pub(crate) refuse_violations: bool,
    pub(crate) allowed_intents: Intents,
    pub(crate) heartbeat: Duration,
    pub(crate) interaction_window: Duration,
    /// Attachments' bytes.
    pub(crate) files: file::Files,
    /// Wakes the task that looks at what time does: something new is due.
    pub(crate) expiry: Arc<Notify>,
    /// What people do is being recorded.
    pub(crate) recorder: Option<Box<Recorder>>,
    /// How many messages of the bot have come, changed or gone.
    pub(crate) effects: u64,
    /// Messages that are in no transcript.
    pub(crate) left_out: BTreeSet<u64>,
    changes: watch::Sender<u64>,
    was_online: bool,
}

impl World {
    /// A world with the bot, the people, and the default guild.
    pub(crate) fn new(
        settings: &Settings,
        changes: watch::Sender<u64>,
        specification: Option<Arc<Specification>>,
    ) -> Self {
        let mut ids = Ids::new(settings.clock);
        let time = Time::default();
        let bot_id = ids.part();
        let token = settings.bot_token.clone().unwrap_or_else(|| token_of(bot_id));
        // A token tells whose it is: with one of the caller's, the bot gets the id that it names.
        let bot_id = id_in(&token).unwrap_or(bot_id);
        let owner_id = ids.part();
        let mut world = Self {
            ids,
            token,
            application_name: settings.bot_name.clone(),
            application: Map::new(),
            bot_id,
            owner_id,
            team: None,
            users: BTreeMap::new(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            directs: BTreeMap::new(),
            commands: Commands::default(),
            overrides: CommandOverrides::default(),
            interactions: Interactions::default(),
            reactions: HashMap::new(),
            polls: poll::Polls::default(),
            pins: pin::Pins::default(),
            webhooks: BTreeMap::new(),
            sessions: Sessions::new(settings.resume_window, settings.resume_events, time.clone()),
            gateway: faults::Faults::default(),
            starts: Starts::new(settings.starts, settings.rate_limits, time.clone()),
            presence: json!({ "status": "online", "activities": [] }),
            presences: BTreeMap::new(),
            voice: BTreeMap::new(),
            stages: BTreeMap::new(),
            scheduled: BTreeMap::new(),
            invites: BTreeMap::new(),
            emojis: BTreeMap::new(),
            images: BTreeMap::new(),
            member_requests: HashMap::new(),
            seen: sync::Seen::new(),
            outages: BTreeSet::new(),
            time,
            audit_logs: BTreeMap::new(),
            logs: Logs::default(),
            pages: Pages::default(),
            watchers: Vec::new(),
            limits: Limits::new(settings.rate_limits),
            rest_faults: RestFaults::default(),
            specification,
            violations: Violations::default(),
            refuse_violations: settings.refuse_violations,
            allowed_intents: settings.privileged_intents.allowed(),
            heartbeat: settings.heartbeat_interval,
            interaction_window: settings.interaction_window,
            files: file::Files::default(),
            expiry: Arc::new(Notify::new()),
            recorder: None,
            effects: 0,
            left_out: BTreeSet::new(),
            changes,
            was_online: false,
        };
        world.users.insert(bot_id, User::bot(bot_id, &settings.bot_name));
        world
            .users
            .insert(owner_id, User::person(owner_id, &settings.owner_name));
        for name in ["alice", "bob"] {
            world.person(name);
        }
        world.add_guild(&settings.guild_name);
        world
    }

    /// Something happened: whoever waits looks again.
    pub(crate) fn changed(&mut self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Makes the bot's token invalid, and ends all that was done with it.
    pub(crate) fn reset_token(&mut self, why: &str) {
        // Nothing that a header can carry.
        "\0".clone_into(&mut self.token);
        self.logs
            .gateway(GatewayEntry::note(&format!("the token was reset: {why}")));
        self.sessions
            .tell(None, || Outgoing::Close(4004, "Authentication failed."));
        self.sessions.end_all(None);
        self.note_presence();
    }

    /// The bot came or went: pages hear of it if that changes what they show.
    pub(crate) fn note_presence(&mut self) {
        let online = self.sessions.is_online(None);
        if online != self.was_online {
            self.was_online = online;
            self.tell_presence();
        }
        self.changed();
    }

    /// Tells open pages whether the bot is there, and how it presents itself.
    pub(crate) fn tell_presence(&mut self) {
        let note = json!({ "online": self.was_online, "presence": self.presence });
        self.pages.tell(&crate::page::Audience::Everyone, "bot", || note);
    }

    /// The default guild: the first one made.
    pub(crate) fn first_guild(&self) -> Option<&Guild> {
        self.guilds.values().next()
    }

    pub(crate) fn user_json(&self, id: u64) -> Value {
        self.users.get(&id).map_or_else(
            || json!({ "id": id.to_string(), "username": "deleted-user", "discriminator": "0", "avatar": null, "global_name": null, "public_flags": 0, "flags": 0, "primary_guild": null }),
            User::json,
        )
    }

    pub(crate) fn member_json(&self, guild: u64, user: u64) -> Option<Value> {
        let member = self.guilds.get(&guild)?.members.get(&user)?;
        Some(member.json(self.users.get(&user)?))
    }

    /// A channel object as REST and events give it.
    pub(crate) fn channel_json(&self, channel: &Channel) -> Value {
        match channel.recipient {
            Some(person) => json!({
                "id": channel.id.to_string(),
                "type": 1,
                "flags": 0,
                "last_message_id": channel.history.last_id().map(|id| id.to_string()),
                "recipients": [self.user_json(person)],
            }),
            None => channel.guild_json(),
        }
    }

    /// The channels of a guild, in the order people see them.
    pub(crate) fn channels_of(&self, guild: u64) -> Vec<&Channel> {
        let mut channels: Vec<&Channel> = self
            .channels
            .values()
            .filter(|channel| channel.guild_id == Some(guild) && !channel.is_thread())
            .collect();
        channels.sort_by_key(|channel| (channel.position, channel.id));
        channels
    }

    /// What `user` may in a channel; everything in a direct one that is the user's.
    pub(crate) fn permissions_in(&self, channel: &Channel, user: u64) -> u64 {
        match channel.guild_id.and_then(|id| self.guilds.get(&id)) {
            Some(guild) if channel.is_thread() => {
                let parent = channel.parent_id.and_then(|id| self.channels.get(&id));
                self.in_time_out(guild, user, thread::permissions(guild, channel, parent, user))
            }
            Some(guild) => self.in_time_out(guild, user, permissions::of(guild, Some(channel), user)),
            None if channel.recipient == Some(user) || user == self.bot_id => permissions::EVERYONE,
            None => 0,
        }
    }

    /// What `user` may in a guild as a whole.
    pub(crate) fn permissions_of(&self, guild: &Guild, user: u64) -> u64 {
        self.in_time_out(guild, user, permissions::of(guild, None, user))
    }
}

/// A bot token: the bot's id in base64, then two parts that mean nothing.
fn token_of(bot_id: u64) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    format!(
        "{}.sandbx.local-discord-{:012x}-not-a-secret",
        STANDARD_NO_PAD.encode(bot_id.to_string()),
        bot_id >> 16
    )
}

/// The bot id that a token names.
fn id_in(token: &str) -> Option<u64> {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    let first = token.split('.').next()?.trim_end_matches('=');
    String::from_utf8(STANDARD_NO_PAD.decode(first).ok()?)
        .ok()?
        .parse()
        .ok()
        .filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    use super::{id_in, token_of};

    #[test]
    fn tokens_have_three_parts_and_name_the_bot() {
        let token = token_of(123_456_789_012_345_678);
        assert_eq!(token.split('.').filter(|part| !part.is_empty()).count(), 3);
        assert_eq!(id_in(&token), Some(123_456_789_012_345_678));
        assert_eq!(id_in("not.a.token"), None);
    }
}
