//! All sessions and all open sockets: who is online, who gets which event, who resumes what. Several sessions of one
//! shard, or of differently many shards, live beside each other and each gets the events of its share, as with Discord.

use std::{collections::HashMap, time::Duration};

use super::{
    intents::{Intents, MESSAGE_CONTENT},
    payload::Identify,
    session::{Outbox, Outgoing, Session, Start},
};
use crate::{time::Time, world::Logs};

/// What came of an attempt to resume.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Resumed {
    /// The session goes on.
    Yes,
    /// The session goes on, but the connection is to end in the middle of the replay.
    Interrupted,
    /// No such session, or its events are gone: the client has to identify.
    Unknown,
    /// The client claims to have seen events that were never sent; the session is over.
    InvalidSequence,
}

/// All sessions, and all sockets that are open.
#[derive(Debug)]
pub(crate) struct Sessions {
    known: HashMap<String, Session>,
    sockets: HashMap<u64, Outbox>,
    made: u64,
    resumable: Duration,
    kept: usize,
    time: Time,
}

impl Sessions {
    /// Sessions that can be resumed for so long after their connection ended, with so many events kept.
    pub(crate) fn new(resumable: Duration, kept: usize, time: Time) -> Self {
        Self {
            known: HashMap::new(),
            sockets: HashMap::new(),
            made: 0,
            resumable,
            kept,
            time,
        }
    }

    /// Starts a session on `outbox`'s socket.
    pub(crate) fn identify(&mut self, outbox: Outbox, identify: &Identify) -> &mut Session {
        self.forget_old();
        self.made += 1;
        let id = format!(
            "{:032x}",
            u128::from(self.made).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        );
        let start = Start {
            shard: identify.shard,
            intents: identify.intents,
            large_threshold: identify.large_threshold,
            kept: self.kept,
            time: self.time.clone(),
        };
        self.known
            .entry(id.clone())
            .or_insert_with(|| Session::new(id, outbox, start))
    }

    /// Goes on with session `id` on `outbox`'s socket: replays what came after `sequence`, then says RESUMED. With
    /// `interrupt`, only so many events are replayed and the session has no socket then.
    pub(crate) fn resume(
        &mut self,
        logs: &mut Logs,
        outbox: Outbox,
        id: &str,
        sequence: u64,
        interrupt: Option<usize>,
    ) -> Resumed {
        self.forget_old();
        let Some(session) = self.known.get_mut(id) else {
            return Resumed::Unknown;
        };
        if sequence > session.sequence {
            self.known.remove(id);
            return Resumed::InvalidSequence;
        }
        if !session.keeps_after(sequence) {
            self.known.remove(id);
            return Resumed::Unknown;
        }
        session.replay(outbox, sequence, interrupt.unwrap_or(usize::MAX));
        if interrupt.is_some() {
            session.detach();
            return Resumed::Interrupted;
        }
        session.push(logs, "RESUMED", r#"{"_trace":["sandbox"]}"#);
        Resumed::Yes
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Session> {
        self.known.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.known.get_mut(id)
    }

    /// Ends a session; resuming it fails.
    pub(crate) fn end(&mut self, id: &str) {
        self.known.remove(id);
    }

    /// Whether the session lives on that socket.
    pub(crate) fn is_on(&self, id: &str, socket: u64) -> bool {
        self.known
            .get(id)
            .and_then(Session::outbox)
            .is_some_and(|outbox| outbox.socket == socket)
    }

    /// The session loses its socket; it can be resumed for a while, unless it has `ended`.
    pub(crate) fn disconnect(&mut self, id: &str, socket: u64, ended: bool) {
        if self.is_on(id, socket) {
            if ended {
                self.known.remove(id);
            } else if let Some(session) = self.known.get_mut(id) {
                session.detach();
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
    pub(crate) fn each(&mut self, guild: Option<u64>, act: impl FnMut(&mut Session)) {
        self.known
            .values_mut()
            .filter(|session| session.wants(guild, 0))
            .for_each(act);
    }

    /// Acts on the sessions of a shard, or on all.
    pub(crate) fn of_shard(&mut self, shard: Option<u64>, act: impl FnMut(&mut Session)) {
        self.known
            .values_mut()
            .filter(|session| is_meant(session, shard))
            .for_each(act);
    }

    /// Whether every shard of the newest sharding has a live session; or that one shard has.
    pub(crate) fn is_online(&self, only: Option<u64>) -> bool {
        let attached: Vec<(u64, u64)> = self
            .known
            .values()
            .filter(|session| session.is_attached())
            .map(|session| session.shard)
            .collect();
        if let Some(only) = only {
            return attached.iter().any(|shard| shard.0 == only);
        }
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

    /// The sockets of a shard's sessions; or all, also those that have not identified.
    pub(crate) fn sockets(&self, shard: Option<u64>) -> Vec<Outbox> {
        match shard {
            None => self.sockets.values().cloned().collect(),
            Some(_) => self
                .known
                .values()
                .filter(|session| is_meant(session, shard))
                .filter_map(|session| session.outbox().cloned())
                .collect(),
        }
    }

    /// Tells each socket of a shard, or all, the same.
    pub(crate) fn tell(&self, shard: Option<u64>, mut outgoing: impl FnMut() -> Outgoing) {
        for outbox in self.sockets(shard) {
            outbox.send(outgoing());
        }
    }

    /// Takes the sessions of a shard, or all, from their sockets: what happens from now on is replayed to the client
    /// that resumes.
    pub(crate) fn detach(&mut self, shard: Option<u64>) {
        self.of_shard(shard, |session| {
            if session.is_attached() {
                session.detach();
            }
        });
    }

    /// Ends the sessions of a shard, or all; resuming one of them fails.
    pub(crate) fn end_all(&mut self, shard: Option<u64>) {
        self.known.retain(|_, session| !is_meant(session, shard));
    }

    fn forget_old(&mut self) {
        let now = self.time.now();
        self.known.retain(|_, session| {
            session
                .detached
                .is_none_or(|since| now.saturating_duration_since(since) < self.resumable)
        });
    }
}

fn is_meant(session: &Session, shard: Option<u64>) -> bool {
    shard.is_none_or(|only| only == session.shard.0)
}
