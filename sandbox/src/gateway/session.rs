//! One gateway session, apart from its sockets: its sequence numbers, the events it keeps for a resume, and the way to
//! the socket that it is on, if any. Who gets which event is `sessions`' business.

use std::{
    collections::VecDeque,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use axum::body::Bytes;
use tokio::sync::{Notify, mpsc};

use super::{faults::Pace, intents::Intents};
use crate::{handle::GatewayEntry, time::Time, world::Logs};

/// Bytes of events kept for a resume.
const REPLAY_BYTES: usize = 32 << 20;
/// Frames that a client may leave unread before its connection is given up.
const UNREAD_FRAMES: usize = 200_000;

/// What a socket is told to send.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A payload's text, compressed as the connection is.
    Frame(Bytes),
    /// A binary message, past the compression.
    Binary(Bytes),
    /// Bytes below the websocket.
    Raw(Bytes),
    /// From here on payloads leave like this.
    Pace(Pace),
    /// From here on large payloads may be compressed one by one.
    CompressLarge,
    /// A close frame with code and reason.
    Close(u16, &'static str),
    /// End of the TCP connection, without a close frame, after what came before it.
    Drop,
}

/// The way to a socket's task.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    pub(crate) socket: u64,
    sender: mpsc::UnboundedSender<Outgoing>,
    unread: Arc<AtomicUsize>,
    cut: Arc<Notify>,
}

/// The socket's end of an [`Outbox`].
pub(crate) struct Inbox {
    pub(crate) receiver: mpsc::UnboundedReceiver<Outgoing>,
    /// What was sent and is not written yet.
    pub(crate) unread: Arc<AtomicUsize>,
    /// Tells to end the connection without a word, whatever waits.
    pub(crate) cut: Arc<Notify>,
}

impl Outbox {
    pub(crate) fn new(socket: u64) -> (Self, Inbox) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (unread, cut) = (Arc::default(), Arc::new(Notify::new()));
        let inbox = Inbox {
            receiver,
            unread: Arc::clone(&unread),
            cut: Arc::clone(&cut),
        };
        let outbox = Self {
            socket,
            sender,
            unread,
            cut,
        };
        (outbox, inbox)
    }

    /// Hands a frame over; `false` if the socket is gone or the client does not read.
    pub(crate) fn send(&self, outgoing: Outgoing) -> bool {
        if self.unread.fetch_add(1, Ordering::Relaxed) > UNREAD_FRAMES {
            self.cut();
            return false;
        }
        self.sender.send(outgoing).is_ok()
    }

    /// Ends the connection at once and without a close frame; what waits to be written is lost.
    pub(crate) fn cut(&self) {
        self.cut.notify_one();
    }
}

/// What a session is made with.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) shard: (u64, u64),
    pub(crate) intents: Intents,
    pub(crate) large_threshold: u64,
    /// Events kept for a resume.
    pub(crate) kept: usize,
    pub(crate) time: Time,
}

/// One session of the bot.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) shard: (u64, u64),
    pub(crate) intents: Intents,
    /// Above how many members a guild is large.
    pub(crate) large_threshold: u64,
    pub(crate) sequence: u64,
    replay: VecDeque<(u64, Bytes)>,
    replay_bytes: usize,
    kept: usize,
    outbox: Option<Outbox>,
    /// Since when it has no socket.
    pub(super) detached: Option<Instant>,
    time: Time,
}

impl Session {
    pub(super) fn new(id: String, outbox: Outbox, start: Start) -> Self {
        Self {
            id,
            shard: start.shard,
            intents: start.intents,
            large_threshold: start.large_threshold,
            sequence: 0,
            replay: VecDeque::new(),
            replay_bytes: 0,
            kept: start.kept,
            outbox: Some(outbox),
            detached: None,
            time: start.time,
        }
    }

    pub(crate) const fn is_attached(&self) -> bool {
        self.outbox.is_some()
    }

    /// The way to the socket that it is on.
    pub(super) const fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    /// Appends an event and sends it if a socket is attached. `data` is written as it is, JSON or not.
    pub(crate) fn push(&mut self, logs: &mut Logs, name: &str, data: &str) {
        self.sequence += 1;
        let sequence = self.sequence;
        // `t`, `s` and `op` stand before `d`, as Discord writes them: readers may stop early.
        let mut text = String::with_capacity(data.len() + name.len() + 48);
        text.push_str("{\"t\":\"");
        text.push_str(name);
        text.push_str("\",\"s\":");
        let _ = write!(text, "{sequence}");
        text.push_str(",\"op\":0,\"d\":");
        text.push_str(data);
        text.push('}');
        let frame = Bytes::from(text);
        self.replay_bytes += frame.len();
        self.replay.push_back((sequence, frame.clone()));
        while self.replay.len() > self.kept || self.replay_bytes > REPLAY_BYTES {
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

    /// Its socket is gone: events are kept from now on, for whoever resumes.
    pub(super) fn detach(&mut self) {
        self.outbox = None;
        self.detached = Some(self.time.now());
    }

    /// Whether all events after `sequence` are still kept.
    pub(super) fn keeps_after(&self, sequence: u64) -> bool {
        let oldest = self.replay.front().map_or(self.sequence + 1, |(first, _)| *first);
        sequence + 1 >= oldest
    }

    /// Goes on with the session on `outbox`'s socket: sends what came after `sequence` again, at most `most` events.
    pub(super) fn replay(&mut self, outbox: Outbox, sequence: u64, most: usize) {
        if let Some(old) = self.outbox.take().filter(|old| old.socket != outbox.socket) {
            old.send(Outgoing::Close(4000, "resumed elsewhere"));
        }
        let from = self.replay.partition_point(|(seen, _)| *seen <= sequence);
        for (_, frame) in self.replay.range(from..).take(most) {
            outbox.send(Outgoing::Frame(frame.clone()));
        }
        self.outbox = Some(outbox);
        self.detached = None;
    }

    /// Whether an event of that guild and those intents is for this session. What is about no guild goes to shard 0.
    pub(super) const fn wants(&self, guild: Option<u64>, intents: Intents) -> bool {
        let shard = match guild {
            Some(guild) => (guild >> 22) % self.shard.1,
            None => 0,
        };
        shard == self.shard.0 && (intents == 0 || self.intents & intents != 0)
    }
}
