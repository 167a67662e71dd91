//! How a lane is: what it says of itself when it is looked at, and the figures that the host keeps of it.
//!
//! `plugins.metrics` answers a plugin with its own [`LaneFigures`]; `plugininfo` shows them.

use serde::{Deserialize, Serialize};

/// The answer to a [`LOOK`](crate::kind::LOOK): what a lane has published of itself. It is read while the lane runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneState {
    /// How often the lane has begun or ended to run something of its author's: the same number twice, and something at
    /// work, is a lane that is still at that very piece of work.
    #[serde(default)]
    pub steps: u64,
    /// What of its author's it runs at this moment, in words, such as "the command `ban`"; absent while it runs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// For how long it has run that without a break, in milliseconds; absent while it runs nothing, and of plugins that were
    /// built before they could say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted_millis: Option<u64>,
    /// Envelopes that the lane has not taken from its queue.
    #[serde(default)]
    pub queued: u64,
    /// Bytes that are allocated; absent where its author has opted out, or has an allocator of his own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_bytes: Option<u64>,
    /// The most bytes that were allocated at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_peak: Option<u64>,
}

/// The head of a [`BEGUN`](crate::kind::BEGUN); `null` is one with nothing in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// None of its handlers has anything to do yet: those that there are wait for their turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// What a lane is at, and what it has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneFigures {
    /// Invocations and events that were given to it and have not come to their end: in its queue, running or suspended.
    #[serde(default)]
    pub under_way: u64,
    /// How many envelopes its thread has not taken from its queue.
    #[serde(default)]
    pub queued: u64,
    /// How long ago the oldest of what is under way or waits was given to it, in milliseconds; absent if there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_millis: Option<u64>,
    /// What is under way, oldest first, cut to a few.
    #[serde(default)]
    pub at_work_on: Vec<String>,
    /// Its requests to the host that have not been answered.
    #[serde(default)]
    pub requests: u64,
    /// How long its threads have run on a processor, in milliseconds; absent where the system doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_millis: Option<u64>,
    /// Memory of its own that its mapped library takes, in bytes; absent where the system doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_bytes: Option<u64>,
    /// For how long it has taken nothing, in milliseconds; absent unless it is hung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hung_millis: Option<u64>,
    /// What it is blocked by, and for how long at least; absent unless that is half a second or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
    /// How often something blocked it for half a second or more.
    #[serde(default)]
    pub blocks: u64,
    /// Bytes that are allocated; absent where its author has opted out, for plugins that are linked in, and for those that
    /// were built before there was such a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_bytes: Option<u64>,
    /// The most bytes that were allocated at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_peak: Option<u64>,
    /// Its events.
    #[serde(default)]
    pub events: EventFigures,
    /// What it has asked.
    #[serde(default)]
    pub asked: RequestFigures,
    /// How long its handlers took, by kind: from being handed to its lane to their end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handlers: Vec<HandlerFigures>,
}

/// What blocks a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// What it is, in words, such as "the command `ban`".
    pub by: String,
    /// For how long at least, in milliseconds.
    pub millis: u64,
}

/// What became of the events that a plugin wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFigures {
    /// Those that were handed to its lane.
    #[serde(default)]
    pub delivered: u64,
    /// Those that were dropped for want of room.
    #[serde(default)]
    pub dropped: u64,
    /// Those that wait in the host.
    #[serde(default)]
    pub waiting: u64,
    /// And their bytes.
    #[serde(default)]
    pub waiting_bytes: u64,
    /// How long the oldest of them has waited, in milliseconds; absent if none waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_millis: Option<u64>,
}

/// What a plugin has asked of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFigures {
    /// Answers to invocations.
    #[serde(default)]
    pub answers: u64,
    /// REST calls of its own.
    #[serde(default)]
    pub rest: u64,
    /// Calls of the host itself.
    #[serde(default)]
    pub calls: u64,
    /// Statements, keys and files.
    #[serde(default)]
    pub storage: u64,
    /// Those that were turned away, since too many were under way or too many came in a second.
    #[serde(default)]
    pub turned_away: u64,
}

/// How long handlers of one kind took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerFigures {
    /// Which kind: `command`, `click`, `event`, or one that this side doesn't know.
    pub kind: String,
    /// How many have come to their end.
    #[serde(default)]
    pub count: u64,
    /// Half of them took no longer, in microseconds, to within an eighth.
    #[serde(default)]
    pub p50_micros: u64,
    /// 99 of 100 took no longer, in microseconds, to within an eighth.
    #[serde(default)]
    pub p99_micros: u64,
    /// The longest, in microseconds.
    #[serde(default)]
    pub max_micros: u64,
}
