//! What tests make of the gateway: connections that end, fall silent or drip, payloads that cannot be read, sessions
//! that are invalid, gateways that turn connections away. Each reaches the bot over the wire, as a real fault would.

use std::time::Duration;

use super::{Guild, Sandbox};
use crate::gateway::{
    Close, Dribble,
    faults::{Pace, Refusal, Undecodable},
    session::Outgoing,
};

/// The gateway as a test bends it: all of its connections, or those of one shard. See [`Sandbox::gateway`] and
/// [`Sandbox::shard`].
#[derive(Clone, Debug)]
pub struct Gateway {
    sandbox: Sandbox,
    shard: Option<u64>,
}

impl Sandbox {
    /// The gateway, with all of its connections.
    #[must_use]
    pub fn gateway(&self) -> Gateway {
        Gateway {
            sandbox: self.clone(),
            shard: None,
        }
    }

    /// The gateway as the bot's shard of this id has it; connections that have not identified are no shard's.
    #[must_use]
    pub fn shard(&self, id: u64) -> Gateway {
        Gateway {
            sandbox: self.clone(),
            shard: Some(id),
        }
    }

    /// The bot's token is made invalid: connections are closed with 4004, the sessions are over, and REST answers 401
    /// until [`Sandbox::restore_token`]. Discord does this to a bot that has used up its session starts, too.
    pub fn reset_token(&self) {
        self.with(|world| world.reset_token("asked for by a test"));
    }

    /// The bot's token is good again.
    pub fn restore_token(&self) {
        self.with(|world| self.token().clone_into(&mut world.token));
    }

    /// Whether the bot's token is good, and not reset by a test or because all session starts were used up.
    #[must_use]
    pub fn is_token_valid(&self) -> bool {
        self.with(|world| world.token == self.token())
    }

    /// What the bot shows: `status` and `activities`, as it set them last.
    #[must_use]
    pub fn bot_presence(&self) -> serde_json::Value {
        self.with(|world| world.presence.clone())
    }

    /// The bot's voice state in a guild, as Discord's object; `None` if it is in no voice channel there.
    #[must_use]
    pub fn bot_voice(&self, guild_id: u64) -> Option<serde_json::Value> {
        self.with(|world| world.voice_json(guild_id, world.bot_id))
    }

    /// Lets time pass at once, to the millisecond: for session starts, identify and resume windows, the events a client
    /// may send in a minute, deadlines and tokens of interactions, polls, time-outs, slow mode, the two weeks of bulk
    /// deletion, the day's new commands, and the ids of what comes after. What is due by then has happened when this
    /// returns. Heartbeats go on by the computer's clock, as the bot's do.
    pub fn advance(&self, by: Duration) {
        self.with(|world| world.advance(by));
    }

    /// Stops the clock that [`Sandbox::advance`] sets: from now on only that lets time pass, so that what a test does
    /// within a rate limit's window does not depend on how fast the computer is.
    pub fn stop_clock(&self) {
        self.with(|world| world.time.stop());
    }
}

/// Connections that end, or that end sessions.
impl Gateway {
    /// Ends connections without a close frame, at once: what was not written yet comes when the bot resumes, as does
    /// what happens from this moment on.
    pub fn drop_connection(&self) {
        self.sandbox.with(|world| {
            let sockets = world.sessions.sockets(self.shard);
            world.sessions.detach(self.shard);
            for socket in sockets {
                socket.cut();
            }
            world.note_presence();
        });
    }

    /// Ends connections in the middle of a payload: the first bytes of a frame arrive and no more.
    pub fn drop_in_frame(&self) {
        self.sandbox.with(|world| {
            let sockets = world.sessions.sockets(self.shard);
            world.sessions.detach(self.shard);
            for socket in sockets {
                // A text frame that says it is 4,096 bytes long.
                let mut torn = vec![0x81, 126, 0x10, 0x00];
                torn.extend_from_slice(br#"{"t":"MESSAGE_CREATE","s":"#);
                socket.send(Outgoing::Raw(torn.into()));
                socket.send(Outgoing::Drop);
            }
            world.note_presence();
        });
    }

    /// Closes connections with a code, whatever waits to be written. From this moment on events wait for a resume;
    /// 1000 and 1001 end the session, as do the codes after which Discord wants a new one (4004, 4007, 4009 to 4014).
    pub fn close_with(&self, code: u16) {
        self.sandbox.with(|world| {
            let sockets = world.sessions.sockets(self.shard);
            world.sessions.detach(self.shard);
            for socket in sockets {
                socket.send(Outgoing::Close(code, "asked for by a test"));
            }
            if Close::ends_session(code) {
                world.sessions.end_all(self.shard);
            }
            world.note_presence();
        });
    }

    /// Asks the bot to connect again and resume (op 7). The connection stays open.
    pub fn ask_reconnect(&self) {
        self.send_text(r#"{"t":null,"s":null,"op":7,"d":null}"#);
    }

    /// Tells the bot that its session is invalid (op 9). Unless `resumable`, the session is gone and resuming fails.
    pub fn invalidate_session(&self, resumable: bool) {
        let text = format!(r#"{{"t":null,"s":null,"op":9,"d":{resumable}}}"#);
        self.sandbox.with(|world| {
            world.sessions.tell(self.shard, || Outgoing::Frame(text.clone().into()));
            if !resumable {
                world.sessions.end_all(self.shard);
            }
            world.note_presence();
        });
    }

    /// Asks the bot for a heartbeat now (op 1).
    pub fn ask_heartbeat(&self) {
        self.send_text(r#"{"t":null,"s":null,"op":1,"d":null}"#);
    }

    /// The next so many attempts to resume are answered with op 9 `false`, and the session is gone.
    pub fn refuse_resumes(&self, count: u32) {
        self.sandbox
            .with(|world| world.gateway.refuse_resumes(self.shard, count));
    }

    /// The next so many attempts to identify are answered with op 9 `false`, as after too many in five seconds.
    pub fn refuse_identifies(&self, count: u32) {
        self.sandbox
            .with(|world| world.gateway.refuse_identifies(self.shard, count));
    }

    /// The next resume is interrupted: after `events` replayed events the connection is dropped, without RESUMED. The
    /// session can be resumed again.
    pub fn interrupt_replay(&self, events: usize) {
        self.sandbox
            .with(|world| world.gateway.interrupt_replay(self.shard, events));
    }
}

/// Connections that are silent or slow.
impl Gateway {
    /// From now on nothing is sent on the connections that are open, no acknowledgements of heartbeats and no close
    /// frames either; what the bot sends is still read. New connections are as usual, also for the same session.
    pub fn silence(&self) {
        self.pace_open(Pace {
            silent: true,
            ..Pace::default()
        });
    }

    /// Silent connections speak again, beginning with what they held back.
    pub fn end_silence(&self) {
        let pace = self.sandbox.with(|world| world.gateway.pace);
        self.pace_open(pace);
    }

    /// Every payload is under way for so long; their order stays. Until [`Gateway::full_speed`]; of the whole gateway
    /// also on connections that are opened later, of a shard on those that are open.
    pub fn delay(&self, delay: Duration) {
        self.pace(|pace| pace.delay = delay);
    }

    /// Payloads arrive a few bytes at a time, with a pause before the next ones. Until [`Gateway::full_speed`]; of the
    /// whole gateway also on connections that are opened later, of a shard on those that are open.
    pub fn dribble(&self, bytes: usize, pause: Duration) {
        self.pace(|pace| pace.dribble = Some(Dribble { bytes, pause }));
    }

    /// Ends silence, delay and dribbling.
    pub fn full_speed(&self) {
        self.pace(|pace| *pace = Pace::default());
    }

    fn pace(&self, change: impl FnOnce(&mut Pace)) {
        let pace = self.sandbox.with(|world| {
            if self.shard.is_some() {
                let mut pace = world.gateway.pace;
                change(&mut pace);
                return pace;
            }
            change(&mut world.gateway.pace);
            world.gateway.pace
        });
        self.pace_open(pace);
    }

    fn pace_open(&self, pace: Pace) {
        self.sandbox
            .with(|world| world.sessions.tell(self.shard, || Outgoing::Pace(pace)));
    }
}

/// Payloads that a test makes up.
impl Gateway {
    /// An event of this name, with a sequence number of its session, kept for a resume like any. `data` is sent as it
    /// is, whether it is JSON or not.
    pub fn dispatch(&self, name: &str, data: &str) {
        self.sandbox.with(|world| {
            let logs = &mut world.logs;
            world
                .sessions
                .of_shard(self.shard, |session| session.push(logs, name, data));
            world.changed();
        });
    }

    /// Something that clients cannot read, or do not know.
    pub fn send_undecodable(&self, kind: Undecodable) {
        const MESSAGE: &str = r#""id":"1099511627776000001","channel_id":"1099511627776000002","type":0,"flags":0,"tts":false,"pinned":false,"mention_everyone":false,"timestamp":"2025-01-01T00:00:00.000000+00:00","edited_timestamp":null,"attachments":[],"mention_roles":[],"components":[]"#;
        let author = r#""author":{"id":"1099511627776000003","username":"x","discriminator":"0","avatar":null}"#;
        match kind {
            Undecodable::BrokenJson => {
                self.dispatch(
                    "MESSAGE_CREATE",
                    &format!(r#"{{{MESSAGE},{author},"content":"and then"#),
                );
            }
            Undecodable::WrongTypes => {
                let data = format!(r#"{{{MESSAGE},"author":7,"content":["!ping"],"mentions":"none","embeds":[]}}"#);
                self.dispatch("MESSAGE_CREATE", &data);
            }
            Undecodable::MissingFields => self.dispatch("MESSAGE_CREATE", "{}"),
            Undecodable::NullData => self.dispatch("MESSAGE_CREATE", "null"),
            Undecodable::DeepNesting => {
                let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
                let data = format!(r#"{{"embeds":{open}{close},{MESSAGE},{author},"content":"!ping","mentions":[]}}"#);
                self.dispatch("MESSAGE_CREATE", &data);
            }
            Undecodable::UnknownEvent => {
                self.dispatch("MOON_PHASE_UPDATE", r#"{"guild_id":"1","phase":"full","tides":[1,2]}"#);
            }
            Undecodable::UnknownOpcode => self.send_text(r#"{"t":null,"s":null,"op":99,"d":{"why":"a test"}}"#),
            Undecodable::NoJson => self.send_text("the gateway says hello"),
            Undecodable::Empty => self.send_text(""),
            Undecodable::Garbage => self.send_bytes(&[0x00, 0xff, 0x78, 0x9c, 0x28, 0xb5, 0x2f, 0xfd, 0xde, 0xad]),
            // Reserved opcode and reserved bits.
            Undecodable::BrokenFrame => self.sandbox.with(|world| {
                world.sessions.tell(self.shard, || Outgoing::Raw(vec![0xff; 32].into()));
            }),
        }
    }

    /// A message of this text, without a sequence number of its session, compressed as the connection is.
    pub fn send_text(&self, text: &str) {
        let text = axum::body::Bytes::copy_from_slice(text.as_bytes());
        self.sandbox
            .with(|world| world.sessions.tell(self.shard, || Outgoing::Frame(text.clone())));
    }

    /// A binary message of these bytes, past the compression.
    pub fn send_bytes(&self, bytes: &[u8]) {
        let bytes = axum::body::Bytes::copy_from_slice(bytes);
        self.sandbox
            .with(|world| world.sessions.tell(self.shard, || Outgoing::Binary(bytes.clone())));
    }
}

/// Connections that are turned away, whatever their shard: it is not known before they identify. REST goes on.
impl Gateway {
    /// Turns new connections away until [`Gateway::accept`]. Those that are open stay.
    pub fn refuse(&self, refusal: Refusal) {
        self.sandbox.with(|world| world.gateway.refuse(refusal, None));
    }

    /// Turns the next `count` connections away.
    pub fn refuse_next(&self, count: u32, refusal: Refusal) {
        self.sandbox.with(|world| world.gateway.refuse(refusal, Some(count)));
    }

    /// Takes new connections again.
    pub fn accept(&self) {
        self.sandbox.with(|world| {
            world.gateway.accept();
            world.changed();
        });
    }

    /// Connections that were turned away so far.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.sandbox.with(|world| world.gateway.refused)
    }

    /// Waits until so many connections have been turned away in all.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_refused(&self, count: u64) {
        self.sandbox
            .until("connections are turned away", |world| world.gateway.refused >= count)
            .await;
    }

    /// Whether the shard has a live session; of the whole gateway, whether every shard has one.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.sandbox.with(|world| world.sessions.is_online(self.shard))
    }

    /// Waits until the shard, or every one, has a live session.
    ///
    /// # Panics
    ///
    /// If that does not happen in time; the text tells the gateway's traffic.
    pub async fn expect_online(&self) {
        self.sandbox
            .until("the shard is online", |world| world.sessions.is_online(self.shard))
            .await;
    }

    /// Waits until the shard, or one of them all, has no live session.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_offline(&self) {
        self.sandbox
            .until("the shard is offline", |world| !world.sessions.is_online(self.shard))
            .await;
    }
}

impl Guild {
    /// The guild becomes unavailable, as in an outage: the bot is told by a `GUILD_DELETE` that says so, hears nothing
    /// of it, and sees it as unavailable in READY, without a `GUILD_CREATE`. REST goes on.
    pub fn goes_down(&self) {
        let id = self.id();
        self.sandbox().with(|world| world.guild_goes_down(id));
    }

    /// The guild becomes available again: the bot gets its `GUILD_CREATE`.
    pub fn comes_up(&self) {
        let id = self.id();
        self.sandbox().with(|world| world.guild_comes_up(id));
    }
}
