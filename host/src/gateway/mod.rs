//! The only part that touches a shard: raw events in, sends within limits out, sessions with their cache snapshot.
//!
//! [`EventSource`] is what the rest of the host sees of Discord's gateway, so that later a parent process or a broker can
//! stand behind it. [`ShardSource`] is the one with a connection of its own. [`Partial`] reads of an event what decides
//! who gets it; [`intents`] says what to ask Discord for; [`snapshot`] carries a session over a restart.

mod acknowledgement;
mod close;
pub mod intents;
mod outbox;
mod pace;
mod partial;
mod presence;
mod shard;
pub mod snapshot;
mod starts;

use std::future::Future;

use serde::{Deserialize, Serialize};

pub use acknowledgement::Receipt;
pub use close::GatewayError;
pub use outbox::{Full, Outbox};
pub use partial::Partial;
pub use presence::{PresenceFacts, PresencePace, identify_presence, presence_line, presence_update};
pub use shard::{ShardSource, ShardsSettings, shards};
pub use starts::{IdentifyQueue, Recommended, Starts};

/// A dispatch of the gateway, as received.
#[derive(Debug)]
pub struct RawEvent {
    /// The shard it came by.
    pub shard: u32,
    /// Its number in the session.
    pub sequence: u64,
    /// The whole payload: `{"t":..,"s":..,"op":0,"d":..}`.
    pub payload: String,
    /// To be acknowledged once the event needs not be sent again: handled to its end, or wanted by nobody.
    pub receipt: Receipt,
}

/// What must be known to go on with a session (<https://discord.com/developers/docs/events/gateway#resuming>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    /// The session's id.
    pub id: String,
    /// Where to resume it.
    pub resume_url: String,
    /// The last event up to which all have been acknowledged: what follows is sent again.
    pub sequence: u64,
}

/// Where events come from and sends go to: the only thing that touches a shard.
pub trait EventSource: Send {
    /// The shard's number.
    fn shard(&self) -> u32;

    /// The next event. Reconnects and resumes by itself. Must be called again and again, whether or not events are
    /// wanted: heartbeats are sent while it runs.
    ///
    /// # Errors
    ///
    /// Discord has ended the connection for good; the text says what to do. Don't call again after that.
    ///
    /// # Cancel safety
    ///
    /// No event is lost if the future is dropped.
    fn next(&mut self) -> impl Future<Output = Result<RawEvent, GatewayError>> + Send;

    /// Acknowledges an event of the current session by its number. [`RawEvent::receipt`] does the same from any task,
    /// and can't hit an event of a newer session.
    fn acknowledge(&mut self, sequence: u64);

    /// Queues a payload for the gateway, such as [`presence_update`]. Sent once connected, within 120 a minute.
    ///
    /// # Errors
    ///
    /// If it is longer than 4096 bytes, which Discord would answer by ending the connection.
    fn send(&mut self, payload: String) -> Result<(), PayloadTooLong>;

    /// The last heartbeat's round trip; `None` before the first.
    fn latency(&self) -> Option<std::time::Duration>;

    /// Whether there is a session, and the connection it goes on by.
    fn is_connected(&self) -> bool;

    /// Ends the connection, waiting a few seconds at most. With `resumable`, Discord keeps the session for a while, and
    /// the answer is what to go on with; events that arrive meanwhile are not acknowledged, so they come again.
    fn close(self, resumable: bool) -> impl Future<Output = Option<SessionState>> + Send;
}

/// A payload longer than 4096 bytes (<https://discord.com/developers/docs/events/gateway#sending-events>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload has {bytes} bytes, the gateway takes {MAX_PAYLOAD}")]
pub struct PayloadTooLong {
    /// How many bytes it has.
    pub bytes: usize,
}

/// The longest payload that may be sent, in bytes.
pub const MAX_PAYLOAD: usize = 4096;
