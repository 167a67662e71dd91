//! Faults that tests ask for: what Discord and networks do to bots.
//!
//! Each is put into the sessions or the world, and reaches the bot over the wire, as a real one would.

use std::time::Duration;

use super::Sandbox;
use crate::{gateway::session::Outgoing, rest::limits::Fault};

impl Sandbox {
    /// Ends the bot's gateway connections without a close frame. From this moment on events wait for a resume.
    pub fn drop_connection(&self) {
        self.sockets(true, || Outgoing::Drop);
    }

    /// Asks the bot to reconnect (op 7).
    pub fn ask_reconnect(&self) {
        self.sockets(false, || {
            Outgoing::Frame(r#"{"t":null,"s":null,"op":7,"d":null}"#.into())
        });
    }

    /// Tells the bot that its session is invalid (op 9). Unless `resumable`, the session is gone and resuming fails.
    pub fn invalidate_session(&self, resumable: bool) {
        let text = format!(r#"{{"t":null,"s":null,"op":9,"d":{resumable}}}"#);
        self.with(|world| {
            world
                .sessions
                .all_sockets(false, || Outgoing::Frame(text.clone().into()));
            if !resumable {
                world.sessions.end_all();
            }
            world.note_presence();
        });
    }

    /// Closes the bot's gateway connections with a code. From this moment on events wait for a resume; 1000 and 1001
    /// end the session, as do the codes after which Discord wants a new one (4004, 4007, 4009 to 4014).
    pub fn close_with(&self, code: u16) {
        self.with(|world| {
            world
                .sessions
                .all_sockets(true, || Outgoing::Close(code, "asked for by a test"));
            if matches!(code, 1000 | 1001 | 4004 | 4007 | 4009..=4014) {
                world.sessions.end_all();
            }
            world.note_presence();
        });
    }

    /// The next REST call with the bot's token is answered with this status and an empty error; several calls queue up.
    pub fn next_rest(&self, status: u16) {
        self.with(|world| world.faults.push_back(Fault::Status(status)));
    }

    /// The next REST call with the bot's token is answered with 429 for its bucket.
    pub fn next_rest_limited(&self, retry_after: Duration) {
        self.with(|world| world.faults.push_back(Fault::RateLimited(retry_after)));
    }

    fn sockets(&self, detach: bool, outgoing: impl FnMut() -> Outgoing) {
        self.with(|world| {
            world.sessions.all_sockets(detach, outgoing);
            world.note_presence();
        });
    }
}
