//! One gateway connection: a task that reads the client's payloads, acts on the world, and writes what its session
//! (or a fault) hands it. Several payloads that wait are written before one flush.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    compression::Encoder,
    intents, members,
    payload::{self, Close, Identify, Payload},
    session::{Outbox, Outgoing, Resumed},
};
use crate::{
    handle::GatewayEntry,
    shared::{self, Shared},
    world::World,
};

/// Events that a client may send in a minute.
const EVENTS_PER_MINUTE: usize = 120;

/// The query of the gateway's address.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Parameters {
    v: Option<String>,
    encoding: Option<String>,
    compress: Option<String>,
}

/// Why a connection ended.
enum End {
    /// Close it with a code.
    Close(Close),
    /// End the TCP connection without a word.
    Drop,
    /// The client closed it, with this code.
    ByClient(u16),
}

struct Connection {
    shared: Arc<Shared>,
    sink: SplitSink<WebSocket, Message>,
    encoder: Encoder,
    outbox: Outbox,
    session: Option<String>,
    /// When the client's last events came, for the limit per minute.
    events: VecDeque<Instant>,
    deadline: Instant,
    heartbeat: Duration,
}

/// Serves one connection until it ends.
pub(crate) async fn serve(shared: Arc<Shared>, socket: WebSocket, parameters: Parameters) {
    let (sink, stream) = socket.split();
    let heartbeat = shared.world().heartbeat;
    let (id, encoder) = {
        let mut world = shared.world();
        world.logs.connections += 1;
        (world.logs.connections, Encoder::new(parameters.compress.as_deref()))
    };
    let Ok(encoder) = encoder else {
        return close_at_once(sink, payload::DECODE_ERROR).await;
    };
    if parameters
        .v
        .as_deref()
        .is_some_and(|version| !["9", "10"].contains(&version))
    {
        return close_at_once(sink, payload::INVALID_VERSION).await;
    }
    if parameters
        .encoding
        .as_deref()
        .is_some_and(|encoding| encoding != "json")
    {
        return close_at_once(sink, payload::DECODE_ERROR).await;
    }
    let (outbox, mut outgoing, unread) = Outbox::new(id);
    shared.world().sessions.open(outbox.clone());
    shared.traffic.note(id, "connected".to_owned());
    let mut connection = Connection {
        shared: Arc::clone(&shared),
        sink,
        encoder,
        outbox,
        session: None,
        events: VecDeque::new(),
        deadline: Instant::now() + heartbeat * 2,
        heartbeat,
    };
    let end = connection.run(stream, &mut outgoing, &unread).await;
    connection.finish(end).await;
}

async fn close_at_once(mut sink: SplitSink<WebSocket, Message>, Close(code, reason): Close) {
    let _ = sink
        .send(Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        })))
        .await;
}

impl Connection {
    async fn run(
        &mut self,
        mut stream: SplitStream<WebSocket>,
        outgoing: &mut tokio::sync::mpsc::UnboundedReceiver<Outgoing>,
        unread: &std::sync::atomic::AtomicUsize,
    ) -> End {
        let interval = self.heartbeat.as_millis() as u64;
        let hello =
            json!({ "t": null, "s": null, "op": 10, "d": { "heartbeat_interval": interval, "_trace": ["sandbox"] } });
        if self.write(hello.to_string().into()).await.is_err() || self.sink.flush().await.is_err() {
            return End::Drop;
        }
        let mut closing = self.shared.closing();
        loop {
            tokio::select! {
                biased;
                Some(first) = outgoing.recv() => {
                    let mut next = Some(first);
                    while let Some(frame) = next {
                        unread.fetch_sub(1, Ordering::Relaxed);
                        match frame {
                            Outgoing::Frame(text) => if self.write(text).await.is_err() { return End::Drop },
                            Outgoing::Close(code, reason) => return End::Close(Close(code, reason)),
                            Outgoing::Drop => return End::Drop,
                        }
                        next = outgoing.try_recv().ok();
                    }
                    if self.sink.flush().await.is_err() {
                        return End::Drop;
                    }
                }
                message = stream.next() => match message {
                    Some(Ok(message)) => if let ControlFlow::Break(end) = self.receive(&message) { return end },
                    Some(Err(_)) | None => return End::ByClient(1006),
                },
                () = tokio::time::sleep_until(self.deadline) => return End::Close(payload::TIMED_OUT),
                () = shared::ended(&mut closing) => return End::Close(Close(1001, "the sandbox ends")),
            }
        }
    }

    async fn write(&mut self, text: Bytes) -> Result<(), ()> {
        self.shared.traffic.frame(self.outbox.socket, false, text.clone());
        let message = match self.encoder.encode(&text).map_err(|_| ())? {
            Some(binary) => Message::Binary(binary.into()),
            None => Message::Text(Utf8Bytes::try_from(text).map_err(|_| ())?),
        };
        self.sink.feed(message).await.map_err(|_| ())
    }

    async fn finish(mut self, end: End) {
        let client_ended = matches!(end, End::ByClient(1000 | 1001));
        let how = match &end {
            End::Close(Close(code, reason)) => format!("closed with {code}: {reason}"),
            End::Drop => "dropped".to_owned(),
            End::ByClient(1006) => "ended by the bot without a close frame".to_owned(),
            End::ByClient(code) => format!("closed by the bot with {code}"),
        };
        self.shared.traffic.note(self.outbox.socket, how);
        {
            let mut world = self.shared.world();
            world.sessions.closed(self.outbox.socket);
            if let Some(session) = &self.session {
                world.sessions.disconnect(session, self.outbox.socket, client_ended);
            }
            if let End::Close(Close(code, _)) | End::ByClient(code) = end {
                let name = if matches!(end, End::ByClient(_)) {
                    "closed by the bot"
                } else {
                    "closed"
                };
                world.logs.gateway(GatewayEntry::note(&format!("{name} with {code}")));
            }
            world.note_presence();
        }
        if let End::Close(Close(code, reason)) = end {
            let _ = self
                .sink
                .send(Message::Close(Some(CloseFrame {
                    code,
                    reason: reason.into(),
                })))
                .await;
            let _ = self.sink.flush().await;
        }
    }

    /// Acts on one message of the client.
    fn receive(&mut self, message: &Message) -> ControlFlow<End> {
        let text: &[u8] = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) => return ControlFlow::Continue(()),
            Message::Close(frame) => {
                return ControlFlow::Break(End::ByClient(frame.as_ref().map_or(1005, |frame| frame.code)));
            }
        };
        let now = Instant::now();
        while self
            .events
            .front()
            .is_some_and(|at| now - *at > Duration::from_secs(60))
        {
            self.events.pop_front();
        }
        self.events.push_back(now);
        if self.events.len() > EVENTS_PER_MINUTE {
            return ControlFlow::Break(End::Close(payload::RATE_LIMITED));
        }
        let shared = Arc::clone(&self.shared);
        shared
            .traffic
            .frame(self.outbox.socket, true, Bytes::copy_from_slice(text));
        let mut world = shared.world();
        let acted = payload::read(text).and_then(|(op, payload)| {
            world.logs.gateway(GatewayEntry::received(op));
            self.act(&mut world, payload)
        });
        drop(world);
        match acted {
            Ok(()) => ControlFlow::Continue(()),
            Err(close) => ControlFlow::Break(End::Close(close)),
        }
    }

    fn act(&mut self, world: &mut World, payload: Payload) -> Result<(), Close> {
        match payload {
            Payload::Heartbeat => {
                self.deadline = Instant::now() + self.heartbeat * 2;
                self.reply(r#"{"t":null,"s":null,"op":11,"d":null}"#);
            }
            Payload::Identify(identify) => {
                if self.has_session(world) {
                    return Err(payload::ALREADY_AUTHENTICATED);
                }
                self.identify(world, &identify)?;
            }
            Payload::Resume {
                token,
                session,
                sequence,
            } => {
                if self.has_session(world) {
                    return Err(payload::ALREADY_AUTHENTICATED);
                }
                self.resume(world, &token, &session, sequence)?;
            }
            Payload::Presence | Payload::VoiceState | Payload::Ignored => {
                self.authenticated()?;
            }
            Payload::Members(request) => {
                let session = self.authenticated()?.to_owned();
                members::send(world, &session, &request)?;
            }
        }
        Ok(())
    }

    /// Whether this socket's session still lives; after an invalid session the client may identify again.
    fn has_session(&self, world: &World) -> bool {
        self.session
            .as_deref()
            .is_some_and(|session| world.sessions.is_on(session, self.outbox.socket))
    }

    fn authenticated(&self) -> Result<&str, Close> {
        self.session.as_deref().ok_or(payload::NOT_AUTHENTICATED)
    }

    fn reply(&self, text: &'static str) {
        self.outbox.send(Outgoing::Frame(Bytes::from_static(text.as_bytes())));
    }

    fn identify(&mut self, world: &mut World, identify: &Identify) -> Result<(), Close> {
        if bare(&identify.token) != world.token {
            return Err(payload::AUTHENTICATION_FAILED);
        }
        if identify.intents & intents::PRIVILEGED & !world.allowed_intents != 0 {
            return Err(payload::DISALLOWED_INTENTS);
        }
        let in_shard = |guild: u64| (guild >> 22) % identify.shard.1 == identify.shard.0;
        let guilds: Vec<u64> = world
            .guilds
            .values()
            .filter(|guild| guild.members.contains_key(&world.bot_id) && in_shard(guild.id))
            .map(|guild| guild.id)
            .collect();
        let user = world.users.get(&world.bot_id).map(crate::world::User::own_json);
        let mut ready = json!({
            "v": 10,
            "user": user,
            "guilds": guilds.iter().map(|id| json!({ "id": id.to_string(), "unavailable": true })).collect::<Vec<_>>(),
            "session_id": "",
            "session_type": "normal",
            "resume_gateway_url": self.shared.gateway_url(),
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
            .filter(|_| with_guilds)
            .filter_map(|guild| world.guild_create(*guild, identify.intents))
            .collect();
        world.logs.identifies += 1;
        let session = world
            .sessions
            .identify(self.outbox.clone(), identify.shard, identify.intents);
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
            return Err(payload::AUTHENTICATION_FAILED);
        }
        match world
            .sessions
            .resume(&mut world.logs, self.outbox.clone(), session, sequence)
        {
            Resumed::Yes => {
                world.logs.resumes += 1;
                self.session = Some(session.to_owned());
                world.note_presence();
                Ok(())
            }
            Resumed::Unknown => {
                self.reply(r#"{"t":null,"s":null,"op":9,"d":false}"#);
                Ok(())
            }
            Resumed::InvalidSequence => Err(payload::INVALID_SEQUENCE),
        }
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
