//! Faults that tests ask for: what Discord and networks do to bots.
//!
//! Each is put into the sessions or the world, and reaches the bot over the wire, as a real one would.

use std::time::Duration;

use super::Sandbox;
use crate::rest::limits::Fault;

impl Sandbox {
    /// [`super::Gateway::drop_connection`] for all connections.
    pub fn drop_connection(&self) {
        self.gateway().drop_connection();
    }

    /// [`super::Gateway::ask_reconnect`] for all connections.
    pub fn ask_reconnect(&self) {
        self.gateway().ask_reconnect();
    }

    /// [`super::Gateway::invalidate_session`] for all connections.
    pub fn invalidate_session(&self, resumable: bool) {
        self.gateway().invalidate_session(resumable);
    }

    /// [`super::Gateway::close_with`] for all connections.
    pub fn close_with(&self, code: u16) {
        self.gateway().close_with(code);
    }

    /// The next REST call with the bot's token is answered with this status and an empty error; several calls queue up.
    pub fn next_rest(&self, status: u16) {
        self.with(|world| world.faults.push_back(Fault::Status(status)));
    }

    /// The next REST call with the bot's token is answered with 429 for its bucket.
    pub fn next_rest_limited(&self, retry_after: Duration) {
        self.with(|world| world.faults.push_back(Fault::RateLimited(retry_after)));
    }
}
