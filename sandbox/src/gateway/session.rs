//! Gateway sessions, apart from their sockets: sequence numbers, the replay buffer, who gets which event. A session
//! outlives its socket for a while, so that a client can resume it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::Bytes;
use tokio::sync::mpsc;

use super::intents::{Intents, MESSAGE_CONTENT};
use crate::{handle::GatewayEntry, world::Logs};

/// How long a session without a socket can be resumed.
const RESUMABLE: Duration = Duration::from_secs(90);
/// Events kept for a resume, by number and by bytes.
const REPLAY_EVENTS: usize = 50_000;
const REPLAY_BYTES: usize = 32 << 20;
/// Frames that a client may leave unread before its connection is given up.
const UNREAD_FRAMES: usize = 200_000;

/// What a socket is told to send.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A payload's text.
    Frame(Bytes),
    /// A close frame with code and reason.
    Close(u16, &'static str),
    /// End of the TCP connection, without a close frame.
    Drop,
}

/// The way to a socket's task.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    pub(crate) socket: u64,
    sender: mpsc::UnboundedSender<Outgoing>,
    unread: Arc<AtomicUsize>,
}

impl Outbox {
    pub(crate) fn new(socket: u64) -> (Self, mpsc::UnboundedReceiver<Outgoing>, Arc<AtomicUsize>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let unread = Arc::new(AtomicUsize::new(0));
        (
            Self {
                socket,
                sender,
                unread: Arc::clone(&unread),
            },
            receiver,
            unread,
        )
    }

    /// Hands a frame over; `false` if the socket is gone or the client does not read.
    pub(crate) fn send(&self, outgoing: Outgoing) -> bool {
        if self.unread.fetch_add(1, Ordering::Relaxed) > UNREAD_FRAMES {
            let _ = self.sender.send(Outgoing::Drop);
            return false;
        }
        self.sender.send(outgoing).is_ok()
    }
}

/// One session of the bot.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) shard: (u64, u64),
    pub(crate) intents: Intents,
    pub(crate) sequence: u64,
    replay: VecDeque<(u64, Bytes)>,
    replay_bytes: usize,
    outbox: Option<Outbox>,
    detached: Option<Instant>,
}

/// What came of an attempt to resume.
pub(crate) enum Resumed {
    /// The session goes on; so many events were replayed.
    Yes,
    /// No such session, or its events are gone: the client has to identify.
    Unknown,
    /// The client claims to have seen events that were never sent.
    InvalidSequence,
}

impl Session {
    pub(crate) const fn is_attached(&self) -> bool {
        self.outbox.is_some()
    }

    /// Appends an event and sends it if a socket is attached.
    pub(crate) fn push(&mut self, logs: &mut Logs, name: &str, data: &str) {
        self.sequence += 1;
        let sequence = self.sequence;
        // `t`, `s` and `op` stand before `d`, as Discord writes them: readers may stop early.
        let mut text = String::with_capacity(data.len() + name.len() + 48);
        text.push_str("{\"t\":\"");
        text.push_str(name);
        text.push_str("\",\"s\":");
        text.push_str(&sequence.to_string());
        text.push_str(",\"op\":0,\"d\":");
        text.push_str(data);
        text.push('}');
        let frame = Bytes::from(text);
        self.replay_bytes += frame.len();
        self.replay.push_back((sequence, frame.clone()));
        while self.replay.len() > REPLAY_EVENTS || self.replay_bytes > REPLAY_BYTES {
            let Some((_, old)) = self.replay.pop_front() else { break };
            self.replay_bytes -= old.len();
        }
        logs.gateway(GatewayEntry::sent(0, Some(name), Some(sequence)));
        if let Some(outbox) = &self.outbox
            && !outbox.send(Outgoing::Frame(frame))
        {
            self.detach();
        }
    }

    fn detach(&mut self) {
        self.outbox = None;
        self.detached = Some(Instant::now());
    }

    const fn wants(&self, guild: Option<u64>, intents: Intents) -> bool {
        let shard = match guild {
            Some(guild) => (guild >> 22) % self.shard.1,
            None => 0,
        };
        shard == self.shard.0 && (intents == 0 || self.intents & intents != 0)
    }
}

/// All sessions, and all sockets that are open.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    known: HashMap<String, Session>,
    sockets: HashMap<u64, Outbox>,
    made: u64,
}

impl Sessions {
    /// Starts a session on `outbox`'s socket.
    pub(crate) fn identify(&mut self, outbox: Outbox, shard: (u64, u64), intents: Intents) -> &mut Session {
        self.forget_old();
        self.made += 1;
        let id = format!(
            "{:032x}",
            u128::from(self.made).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        );
        let session = Session {
            id: id.clone(),
            shard,
            intents,
            sequence: 0,
            replay: VecDeque::new(),
            replay_bytes: 0,
            outbox: Some(outbox),
            detached: None,
        };
        self.known.entry(id).or_insert(session)
    }

    /// Goes on with session `id` on `outbox`'s socket: replays what came after `sequence`, then says RESUMED.
    pub(crate) fn resume(&mut self, logs: &mut Logs, outbox: Outbox, id: &str, sequence: u64) -> Resumed {
        self.forget_old();
        let Some(session) = self.known.get_mut(id) else {
            return Resumed::Unknown;
        };
        if sequence > session.sequence {
            return Resumed::InvalidSequence;
        }
        let oldest = session.replay.front().map_or(session.sequence + 1, |(first, _)| *first);
        if sequence + 1 < oldest {
            self.known.remove(id);
            return Resumed::Unknown;
        }
        if let Some(old) = session.outbox.take().filter(|old| old.socket != outbox.socket) {
            old.send(Outgoing::Close(4000, "resumed elsewhere"));
        }
        let from = session.replay.partition_point(|(seen, _)| *seen <= sequence);
        for (_, frame) in session.replay.range(from..) {
            outbox.send(Outgoing::Frame(frame.clone()));
        }
        session.outbox = Some(outbox);
        session.detached = None;
        session.push(logs, "RESUMED", r#"{"_trace":["sandbox"]}"#);
        Resumed::Yes
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.known.get_mut(id)
    }

    /// Whether the session lives on that socket.
    pub(crate) fn is_on(&self, id: &str, socket: u64) -> bool {
        self.known
            .get(id)
            .and_then(|session| session.outbox.as_ref())
            .is_some_and(|outbox| outbox.socket == socket)
    }

    /// The session loses its socket; it can be resumed for a while, unless the client ended it.
    pub(crate) fn disconnect(&mut self, id: &str, socket: u64, ended: bool) {
        if let Some(session) = self.known.get_mut(id)
            && session.outbox.as_ref().is_some_and(|outbox| outbox.socket == socket)
        {
            session.detach();
            if ended {
                self.known.remove(id);
            }
        }
    }

    /// Sends an event to whoever wants it; `strip` gives the form for sessions without `MESSAGE_CONTENT`.
    pub(crate) fn deliver(
        &mut self,
        logs: &mut Logs,
        name: &str,
        guild: Option<u64>,
        intents: Intents,
        data: &str,
        strip: Option<&dyn Fn() -> String>,
    ) {
        let mut stripped: Option<String> = None;
        for session in self.known.values_mut().filter(|session| session.wants(guild, intents)) {
            match strip {
                Some(strip) if session.intents & MESSAGE_CONTENT == 0 => {
                    session.push(logs, name, stripped.get_or_insert_with(strip));
                }
                _ => session.push(logs, name, data),
            }
        }
    }

    /// Sends an event to each session in a form of its own.
    pub(crate) fn each(&mut self, guild: Option<u64>, mut act: impl FnMut(&mut Session)) {
        for session in self.known.values_mut().filter(|session| session.wants(guild, 0)) {
            act(session);
        }
    }

    /// Whether every shard of the newest sharding has a live session.
    pub(crate) fn is_online(&self) -> bool {
        let attached: Vec<(u64, u64)> = self
            .known
            .values()
            .filter(|session| session.is_attached())
            .map(|session| session.shard)
            .collect();
        let Some(count) = attached.iter().map(|shard| shard.1).max() else {
            return false;
        };
        (0..count).all(|shard| attached.contains(&(shard, count)))
    }

    pub(crate) fn open(&mut self, outbox: Outbox) {
        self.sockets.insert(outbox.socket, outbox);
    }

    pub(crate) fn closed(&mut self, socket: u64) {
        self.sockets.remove(&socket);
    }

    /// Tells every socket the same, and takes it from its session first if `detach`: what happens from now on is
    /// replayed to the client that resumes.
    pub(crate) fn all_sockets(&mut self, detach: bool, mut outgoing: impl FnMut() -> Outgoing) {
        if detach {
            for session in self.known.values_mut().filter(|session| session.is_attached()) {
                session.detach();
            }
        }
        for outbox in self.sockets.values() {
            outbox.send(outgoing());
        }
    }

    /// Ends every session; resuming one of them fails.
    pub(crate) fn end_all(&mut self) {
        self.known.clear();
    }

    fn forget_old(&mut self) {
        self.known
            .retain(|_, session| session.detached.is_none_or(|since| since.elapsed() < RESUMABLE));
    }
}
