//! The client at the other end of a connection: what it may do, what it has done, and what each of its payloads does to
//! the world. It knows no socket, only the outbox that leads to one.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use serde_json::{Value, json};

use super::{
    close::{self, Close},
    intents, members,
    payload::{self, Identify, Payload},
    session::{Outbox, Outgoing},
    sessions::Resumed,
    starts,
};
use crate::{handle::GatewayEntry, shared::Shared, world::World};

/// Events that a client may send in a minute.
const EVENTS_PER_MINUTE: usize = 120;

/// What is known of a connection's client.
#[derive(Debug)]
pub(super) struct Client {
    outbox: Outbox,
    session: Option<String>,
    /// When its last events came, for the limit per minute.
    events: VecDeque<Instant>,
    heartbeat: Duration,
    /// When it has to have sent a heartbeat.
    pub(super) deadline: tokio::time::Instant,
}

impl Client {
    pub(super) fn new(outbox: Outbox, heartbeat: Duration) -> Self {
        Self {
            outbox,
            session: None,
            events: VecDeque::new(),
            heartbeat,
            deadline: tokio::time::Instant::now() + heartbeat * 2,
        }
    }

    pub(super) const fn socket(&self) -> u64 {
        self.outbox.socket
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    pub(super) fn reply(&self, text: Bytes) {
        self.outbox.send(Outgoing::Frame(text));
    }

    /// Acts on a payload.
    pub(super) fn receive(&mut self, shared: &Arc<Shared>, text: &[u8]) -> Result<(), Close> {
        let mut world = shared.world();
        let now = world.time.now();
        while self
            .events
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) > Duration::from_secs(60))
        {
            self.events.pop_front();
        }
        self.events.push_back(now);
        if self.events.len() > EVENTS_PER_MINUTE {
            return Err(close::RATE_LIMITED);
        }
        let (op, payload) = payload::read(text)?;
        world.logs.gateway(GatewayEntry::received(op));
        match payload {
            Payload::Heartbeat => {
                self.deadline = tokio::time::Instant::now() + self.heartbeat * 2;
                self.reply(Bytes::from_static(br#"{"t":null,"s":null,"op":11,"d":null}"#));
            }
            Payload::Identify(identify) => {
                self.has_no_session(&world)?;
                self.identify(shared, &mut world, &identify)?;
            }
            Payload::Resume {
                token,
                session,
                sequence,
            } => {
                self.has_no_session(&world)?;
                self.resume(&mut world, &token, &session, sequence)?;
            }
            Payload::Presence(presence) => {
                self.authenticated(&world)?;
                world.presence = presence;
                world.tell_presence();
                world.changed();
            }
            Payload::Voice(voice) => {
                let session = self.authenticated(&world)?.to_owned();
                world.move_bot(&session, &voice);
            }
            Payload::Sounds(guilds) => {
                let session = self.authenticated(&world)?.to_owned();
                for guild in guilds {
                    members::answer(
                        &mut world,
                        &session,
                        guild,
                        "SOUNDBOARD_SOUNDS",
                        |guild| json!({ "guild_id": guild, "soundboard_sounds": [] }),
                    );
                }
            }
            Payload::ChannelInfo(guild) => {
                let session = self.authenticated(&world)?.to_owned();
                members::answer(
                    &mut world,
                    &session,
                    guild,
                    "CHANNEL_INFO",
                    |guild| json!({ "guild_id": guild, "channels": [] }),
                );
            }
            Payload::Members(request) => {
                let session = self.authenticated(&world)?.to_owned();
                members::send(&mut world, &session, &request);
            }
        }
        Ok(())
    }

    /// The session that lives on this client's socket; after an invalid session there is none.
    fn authenticated(&self, world: &World) -> Result<&str, Close> {
        self.session
            .as_deref()
            .filter(|session| world.sessions.is_on(session, self.outbox.socket))
            .ok_or(close::NOT_AUTHENTICATED)
    }

    fn has_no_session(&self, world: &World) -> Result<(), Close> {
        match self.authenticated(world) {
            Ok(_) => Err(close::ALREADY_AUTHENTICATED),
            Err(_) => Ok(()),
        }
    }

    fn invalid_session(&self) {
        self.reply(Bytes::from_static(br#"{"t":null,"s":null,"op":9,"d":false}"#));
    }

    fn identify(&mut self, shared: &Shared, world: &mut World, identify: &Identify) -> Result<(), Close> {
        if bare(&identify.token) != world.token {
            return Err(close::AUTHENTICATION_FAILED);
        }
        if identify.intents & intents::PRIVILEGED & !world.allowed_intents != 0 {
            return Err(close::DISALLOWED_INTENTS);
        }
        let in_shard = |guild: u64| (guild >> 22) % identify.shard.1 == identify.shard.0;
        let guilds: Vec<u64> = world
            .guilds
            .values()
            .filter(|guild| guild.members.contains_key(&world.bot_id) && in_shard(guild.id))
            .map(|guild| guild.id)
            .collect();
        if guilds.len() > world.starts.limits.guilds_per_shard {
            return Err(close::SHARDING_REQUIRED);
        }
        if world.gateway.refuses_identify(identify.shard.0) {
            self.invalid_session();
            return Ok(());
        }
        match world.starts.start(identify.shard.0) {
            starts::Start::Yes => {}
            starts::Start::TooSoon => {
                self.invalid_session();
                return Ok(());
            }
            starts::Start::Exhausted => {
                world.reset_token("all session starts are used up");
                return Err(close::AUTHENTICATION_FAILED);
            }
        }
        if identify.compress {
            self.outbox.send(Outgoing::CompressLarge);
        }
        if let Some(presence) = &identify.presence {
            world.presence = presence.clone();
        }
        let user = world.users.get(&world.bot_id).map(crate::world::User::own_json);
        let mut ready = json!({
            "v": 10,
            "user": user,
            "guilds": guilds.iter().map(|id| json!({ "id": id.to_string(), "unavailable": true })).collect::<Vec<_>>(),
            "session_id": "",
            "session_type": "normal",
            "resume_gateway_url": shared.gateway_url(),
            "shard": [identify.shard.0, identify.shard.1],
            "application": { "id": world.bot_id.to_string(), "flags": application_flags(world) },
            "user_settings": {},
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "_trace": ["sandbox"],
        });
        let with_guilds = identify.intents & intents::GUILDS != 0;
        let creates: Vec<Value> = guilds
            .iter()
            .filter(|guild| with_guilds && !world.outages.contains(guild))
            .filter_map(|guild| world.guild_create(*guild, identify.intents, identify.large_threshold))
            .collect();
        for guild in &guilds {
            world.note_seen(*guild);
        }
        world.logs.identifies += 1;
        let session = world.sessions.identify(self.outbox.clone(), identify);
        ready["session_id"] = json!(session.id);
        self.session = Some(session.id.clone());
        session.push(&mut world.logs, "READY", &ready.to_string());
        for guild in &creates {
            session.push(&mut world.logs, "GUILD_CREATE", &guild.to_string());
        }
        world.check_event("READY", &ready);
        for guild in &creates {
            world.check_event("GUILD_CREATE", guild);
        }
        world.note_presence();
        Ok(())
    }

    fn resume(&mut self, world: &mut World, token: &str, session: &str, sequence: u64) -> Result<(), Close> {
        if bare(token) != world.token {
            return Err(close::AUTHENTICATION_FAILED);
        }
        let mut interrupt = None;
        if let Some(shard) = world.sessions.get(session).map(|session| session.shard.0) {
            if world.gateway.refuses_resume(shard) {
                world.sessions.end(session);
            }
            interrupt = world.gateway.interrupts_replay(shard);
        }
        let outbox = self.outbox.clone();
        let resumed = world
            .sessions
            .resume(&mut world.logs, outbox, session, sequence, interrupt);
        match resumed {
            Resumed::Yes => {
                world.logs.resumes += 1;
                self.session = Some(session.to_owned());
                world.note_presence();
            }
            Resumed::Interrupted => {
                self.outbox.send(Outgoing::Drop);
            }
            Resumed::Unknown => self.invalid_session(),
            Resumed::InvalidSequence => return Err(close::INVALID_SEQUENCE),
        }
        Ok(())
    }
}

/// A token without the word that some clients put before it.
fn bare(token: &str) -> &str {
    token.strip_prefix("Bot ").unwrap_or(token)
}

/// The application's flags: which privileged intents it may use (the "limited" bits of small bots).
pub(crate) fn application_flags(world: &World) -> u64 {
    let mut flags = 0;
    for (intent, bit) in [
        (intents::GUILD_PRESENCES, 1 << 13),
        (intents::GUILD_MEMBERS, 1 << 15),
        (intents::MESSAGE_CONTENT, 1 << 19),
    ] {
        if world.allowed_intents & intent != 0 {
            flags |= bit;
        }
    }
    flags
}
