//! What goes wrong at the gateway because a test asked for it: state that connections and sessions look at. What is
//! done to a connection that is open goes through its outbox instead.

use std::time::Duration;

use serde::Deserialize;

use super::line::Dribble;

/// How the gateway turns a connection away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The upgrade is answered with this HTTP status: 429, 502, 503, ...
    Status(u16),
    /// The connection ends without an answer.
    HangUp,
    /// The upgrade is not answered at all, until the gateway accepts again (then the connection ends).
    NoAnswer,
    /// The websocket opens, but no HELLO and nothing else ever comes.
    NoHello,
    /// The websocket opens and is closed at once, with this code.
    Close(u16),
}

/// Something that a client cannot read, or does not know.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Undecodable {
    /// A `MESSAGE_CREATE` whose JSON ends in the middle. It has a sequence number, as have those below up to
    /// [`Undecodable::UnknownEvent`]; a resume may replay it.
    BrokenJson,
    /// A `MESSAGE_CREATE` whose author is a number and whose mentions are a text.
    WrongTypes,
    /// A `MESSAGE_CREATE` with no field at all.
    MissingFields,
    /// A `MESSAGE_CREATE` whose data is null.
    NullData,
    /// A `MESSAGE_CREATE` whose embeds are nested 10,000 deep.
    DeepNesting,
    /// An event of a name that nobody has heard of.
    UnknownEvent,
    /// A payload of opcode 99.
    UnknownOpcode,
    /// A message that is no JSON at all.
    NoJson,
    /// A message of no bytes.
    Empty,
    /// A binary message of bytes that mean nothing. It goes past the compression: on a compressed connection nothing
    /// after it can be read.
    Garbage,
    /// Bytes that are no websocket frame: nothing after them can be read.
    BrokenFrame,
}

impl Undecodable {
    /// Those after which the connection is still good: a client has to pass over them and go on.
    pub const HARMLESS: [Self; 9] = [
        Self::BrokenJson,
        Self::WrongTypes,
        Self::MissingFields,
        Self::NullData,
        Self::DeepNesting,
        Self::UnknownEvent,
        Self::UnknownOpcode,
        Self::NoJson,
        Self::Empty,
    ];
    /// Those after which a client has to connect again; on an uncompressed connection, [`Undecodable::Garbage`] is
    /// harmless too.
    pub const FATAL: [Self; 2] = [Self::Garbage, Self::BrokenFrame];
}

/// How fast a connection's payloads leave.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Pace {
    /// Nothing leaves.
    pub(crate) silent: bool,
    /// How long each payload is under way.
    pub(crate) delay: Duration,
    /// Bytes come a few at a time.
    pub(crate) dribble: Option<Dribble>,
}

impl Pace {
    /// Whether payloads have to wait.
    pub(crate) const fn holds(&self) -> bool {
        self.silent || !self.delay.is_zero()
    }
}

/// A fault for the next so many times, on every shard or on one.
#[derive(Clone, Copy, Debug)]
struct Next {
    shard: Option<u64>,
    left: u32,
}

/// The faults of the gateway as a whole.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// How fast new connections are.
    pub(crate) pace: Pace,
    /// Connections that were turned away.
    pub(crate) refused: u64,
    refusal: Option<(Refusal, Option<u32>)>,
    resumes: Vec<Next>,
    identifies: Vec<Next>,
    replays: Vec<(Option<u64>, usize)>,
}

impl Faults {
    /// Turns connections away, for ever or so many.
    pub(crate) fn refuse(&mut self, refusal: Refusal, count: Option<u32>) {
        self.refusal = Some((refusal, count)).filter(|_| count != Some(0));
    }

    /// Takes every connection again.
    pub(crate) fn accept(&mut self) {
        self.refusal = None;
    }

    /// Whether connections are turned away now.
    pub(crate) const fn is_refusing(&self) -> bool {
        self.refusal.is_some()
    }

    /// A connection comes: how it is turned away, if it is.
    pub(crate) fn arrived(&mut self) -> Option<Refusal> {
        let (refusal, left) = self.refusal.as_mut()?;
        let refusal = *refusal;
        if let Some(left) = left {
            *left -= 1;
            if *left == 0 {
                self.refusal = None;
            }
        }
        self.refused += 1;
        Some(refusal)
    }

    /// The next so many attempts to resume are refused.
    pub(crate) fn refuse_resumes(&mut self, shard: Option<u64>, count: u32) {
        self.resumes.push(Next { shard, left: count });
    }

    /// The next so many attempts to identify are refused.
    pub(crate) fn refuse_identifies(&mut self, shard: Option<u64>, count: u32) {
        self.identifies.push(Next { shard, left: count });
    }

    /// The next replay ends in a dropped connection after so many events.
    pub(crate) fn interrupt_replay(&mut self, shard: Option<u64>, after: usize) {
        self.replays.push((shard, after));
    }

    /// Whether this attempt to resume is refused.
    pub(crate) fn refuses_resume(&mut self, shard: u64) -> bool {
        take(&mut self.resumes, shard)
    }

    /// Whether this attempt to identify is refused.
    pub(crate) fn refuses_identify(&mut self, shard: u64) -> bool {
        take(&mut self.identifies, shard)
    }

    /// After how many events this replay ends, if it does before its time.
    pub(crate) fn interrupts_replay(&mut self, shard: u64) -> Option<usize> {
        let at = self
            .replays
            .iter()
            .position(|(only, _)| only.is_none_or(|only| only == shard))?;
        Some(self.replays.remove(at).1)
    }
}

fn take(faults: &mut Vec<Next>, shard: u64) -> bool {
    faults.retain(|next| next.left > 0);
    let found = faults
        .iter_mut()
        .find(|next| next.shard.is_none_or(|only| only == shard));
    if let Some(next) = found {
        next.left -= 1;
        return true;
    }
    false
}
