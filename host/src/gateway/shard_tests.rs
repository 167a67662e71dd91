//! A shard against a scripted gateway on loopback: each test says what the server sends and sees what comes back.
//!
//! They are about identifying, resuming, acknowledged events and closing; nothing leaves the computer.

use std::sync::Arc;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{CloseCode, Message as Frame, ServerBuilder, WebSocketStream};
use twilight_model::gateway::presence::Status as Dot;

use super::*;
use crate::gateway::Starts;

const TOKEN: &str = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";

struct Server {
    listener: TcpListener,
    url: Arc<str>,
}

struct Connection(WebSocketStream<TcpStream>);

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap()).into();
        Self { listener, url }
    }

    fn shard(&self, session: Option<SessionState>) -> ShardSource {
        let settings = ShardsSettings {
            token: TOKEN.parse().unwrap(),
            gateway_url: Some(self.url.to_string()),
            intents: Intents::GUILDS | Intents::MESSAGE_CONTENT,
            shards: 1,
            presence: UpdatePresencePayload {
                activities: Vec::new(),
                afk: false,
                since: None,
                status: Dot::Idle,
            },
            queue: IdentifyQueue::new(&Starts::default()),
        };
        let sessions = session.into_iter().map(|session| (0, session)).collect();
        shards(&settings, sessions).unwrap().remove(0)
    }

    /// Accepts a connection, says HELLO and answers with what the client sends first.
    async fn accept(&self) -> (Connection, Value) {
        let (stream, _) = self.listener.accept().await.unwrap();
        let (_, socket) = ServerBuilder::new().accept(stream).await.unwrap();
        let mut connection = Connection(socket);
        connection
            .send(&json!({"t": null, "s": null, "op": 10, "d": {"heartbeat_interval": 3_600_000}}))
            .await;
        let first = connection.receive().await;
        (connection, first)
    }

    fn ready(&self, sequence: u64, session: &str) -> Value {
        json!({"t": "READY", "s": sequence, "op": 0, "d": {"v": 10, "session_id": session,
            "resume_gateway_url": &*self.url, "user": {"id": "1"}, "application": {"id": "1"}, "guilds": []}})
    }
}

impl Connection {
    async fn send(&mut self, payload: &Value) {
        self.text(payload.to_string()).await;
    }

    async fn text(&mut self, text: String) {
        self.0.send(Frame::text(text)).await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        loop {
            let frame = self.0.next().await.unwrap().unwrap();
            let value: Value = serde_json::from_str(frame.as_text().unwrap()).unwrap();
            // Heartbeats come at random.
            if value["op"] != 1 {
                return value;
            }
        }
    }

    async fn closed_with(&mut self) -> u16 {
        loop {
            let frame = self.0.next().await.unwrap().unwrap();
            if let Some((code, _)) = frame.as_close() {
                return code.into();
            }
        }
    }

    async fn close(mut self, code: u16) {
        let code = CloseCode::try_from(code).unwrap();
        self.0.send(Frame::close(Some(code), "")).await.unwrap();
        while self.0.next().await.is_some() {}
    }
}

fn event(sequence: u64) -> Value {
    json!({"t": "MESSAGE_CREATE", "s": sequence, "op": 0, "d": {"id": sequence.to_string()}})
}

#[tokio::test]
async fn a_shard_identifies_hands_out_raw_events_and_closes_resumably() {
    let server = Server::start().await;
    let mut shard = server.shard(None);
    let script = async {
        let (mut connection, identify) = server.accept().await;
        assert_eq!(identify["op"], 2);
        assert_eq!(identify["d"]["token"], format!("Bot {TOKEN}"));
        assert_eq!(identify["d"]["intents"], 1 | 1 << 15);
        assert_eq!(identify["d"]["shard"], json!([0, 1]));
        assert_eq!(identify["d"]["presence"]["status"], "idle");
        connection.send(&server.ready(1, "first")).await;
        connection
            .send(&json!({"t": null, "s": null, "op": 11, "d": null}))
            .await;
        connection.send(&event(2)).await;
        // What can't be read is skipped.
        connection.text("no JSON".to_owned()).await;
        connection.send(&json!({"t": "X", "s": null, "op": 0, "d": null})).await;
        connection.send(&event(3)).await;
        let presence = connection.receive().await;
        assert_eq!(presence["op"], 3);
        connection.send(&event(4)).await;
        assert_eq!(connection.closed_with().await, 4000);
        while connection.0.next().await.is_some() {}
    };
    let client = async {
        let ready = shard.next().await.unwrap();
        assert!(ready.payload.contains("READY"));
        ready.receipt.acknowledge();
        let second = shard.next().await.unwrap();
        assert_eq!((second.shard, second.sequence), (0, 2));
        assert_eq!(serde_json::from_str::<Value>(&second.payload).unwrap(), event(2));
        let third = shard.next().await.unwrap();
        assert_eq!(shard.send("x".repeat(4097)), Err(PayloadTooLong { bytes: 4097 }));
        shard.send(r#"{"op":3,"d":{}}"#.to_owned()).unwrap();
        let fourth = shard.next().await.unwrap();
        assert_eq!((third.sequence, fourth.sequence), (3, 4));
        shard.acknowledge(4);
        second.receipt.acknowledge();
        let session = shard.close(true).await.unwrap();
        // The third was never acknowledged: it and the fourth come again.
        assert_eq!(session.sequence, 2);
        assert_eq!(
            (session.id.as_str(), session.resume_url.as_str()),
            ("first", &*server.url)
        );
    };
    tokio::join!(script, client);
}

#[tokio::test]
async fn a_close_that_is_not_answered_leaves_the_session_for_the_next_start() {
    let server = Server::start().await;
    let mut shard = server.shard(None);
    let script = async {
        let (mut connection, _) = server.accept().await;
        connection.send(&server.ready(1, "s")).await;
        connection.closed_with().await;
        drop(connection);
        // twilight connects again by itself; it must go away without a word.
        let (stream, _) = server.listener.accept().await.unwrap();
        let (_, socket) = ServerBuilder::new().accept(stream).await.unwrap();
        let mut again = Connection(socket);
        let _ = again
            .0
            .send(Frame::text(
                json!({"t": null, "s": null, "op": 10, "d": {"heartbeat_interval": 3_600_000}}).to_string(),
            ))
            .await;
        while let Some(Ok(frame)) = again.0.next().await {
            assert!(!frame.is_text(), "{frame:?}");
        }
    };
    let client = async {
        shard.next().await.unwrap().receipt.acknowledge();
        assert_eq!(shard.close(true).await.unwrap().sequence, 1);
    };
    tokio::join!(script, client);
}

#[tokio::test]
async fn a_remembered_session_is_resumed_and_an_invalid_one_identifies_anew() {
    let server = Server::start().await;
    let mut shard = server.shard(Some(SessionState {
        id: "kept".to_owned(),
        resume_url: server.url.to_string(),
        sequence: 41,
    }));
    let script = async {
        let (mut connection, resume) = server.accept().await;
        assert_eq!(resume["op"], 6);
        assert_eq!(
            (&resume["d"]["session_id"], &resume["d"]["seq"]),
            (&json!("kept"), &json!(41))
        );
        connection.send(&event(42)).await;
        connection
            .send(&json!({"t": "RESUMED", "s": 43, "op": 0, "d": {}}))
            .await;
        connection
            .send(&json!({"t": null, "s": null, "op": 9, "d": false}))
            .await;
        connection.closed_with().await;
        drop(connection);
        let (mut connection, identify) = server.accept().await;
        assert_eq!(identify["op"], 2);
        connection.send(&server.ready(1, "new")).await;
        connection
    };
    let client = async {
        let old = shard.next().await.unwrap();
        assert_eq!(old.sequence, 42);
        assert_eq!(shard.next().await.unwrap().sequence, 43);
        let ready = shard.next().await.unwrap();
        assert_eq!(ready.sequence, 1);
        // A late receipt of the old session counts for nothing in the new one.
        old.receipt.acknowledge();
        assert_eq!(shard.session().unwrap().sequence, 0);
        ready.receipt.acknowledge();
        assert_eq!(
            shard.session().unwrap(),
            SessionState {
                id: "new".to_owned(),
                resume_url: server.url.to_string(),
                sequence: 1
            }
        );
    };
    let (_connection, ()) = tokio::join!(script, client);
}

#[tokio::test]
async fn a_lost_connection_is_resumed_by_itself() {
    let server = Server::start().await;
    let mut shard = server.shard(None);
    let script = async {
        let (mut connection, _) = server.accept().await;
        connection.send(&server.ready(1, "s")).await;
        connection.send(&event(2)).await;
        connection.close(4000).await;
        let (mut connection, resume) = server.accept().await;
        assert_eq!((&resume["op"], &resume["d"]["seq"]), (&json!(6), &json!(2)));
        connection.send(&event(3)).await;
        connection
    };
    let client = async {
        for sequence in 1..=3 {
            let event = shard.next().await.unwrap();
            assert_eq!(event.sequence, sequence);
            event.receipt.acknowledge();
        }
        assert_eq!(shard.session().unwrap().sequence, 3);
    };
    let (_connection, ()) = tokio::join!(script, client);
}

#[tokio::test]
async fn a_fatal_close_ends_with_what_to_do() {
    let server = Server::start().await;
    let mut shard = server.shard(None);
    let script = async {
        let (connection, _) = server.accept().await;
        connection.close(4014).await;
    };
    let client = async {
        let error = shard.next().await.unwrap_err();
        assert!(error.needs_the_owner());
        let text = error.to_string();
        assert!(
            text.contains("MESSAGE_CONTENT") && !text.contains("GUILD_MEMBERS"),
            "{text}"
        );
    };
    tokio::join!(script, client);
}

#[tokio::test]
async fn a_shard_that_never_connected_closes_at_once() {
    let server = Server::start().await;
    assert_eq!(server.shard(None).close(true).await, None);
    let kept = SessionState {
        id: "kept".to_owned(),
        resume_url: server.url.to_string(),
        sequence: 41,
    };
    assert_eq!(server.shard(Some(kept.clone())).close(true).await, Some(kept.clone()));
    assert_eq!(server.shard(Some(kept)).close(false).await, None);
}

/// Limits that a test need not wait long for.
const SHORT: Limits = Limits {
    hello: Duration::from_secs(1),
    close: Duration::from_millis(200),
};

#[tokio::test]
async fn a_gateway_that_never_says_hello_is_left_for_another_connection() {
    let server = Server::start().await;
    let mut shard = server.shard(None);
    shard.limits = SHORT;
    shard.hello_due = Some(Instant::now() + SHORT.hello);
    let script = async {
        let (stream, _) = server.listener.accept().await.unwrap();
        let silent = ServerBuilder::new().accept(stream).await.unwrap();
        let (mut connection, identify) = server.accept().await;
        assert_eq!(identify["op"], 2);
        connection.send(&server.ready(1, "s")).await;
        (silent, connection)
    };
    let client = async { shard.next().await.unwrap().sequence };
    let (_connections, sequence) = tokio::join!(script, client);
    assert_eq!(sequence, 1);
}

#[tokio::test]
async fn a_close_that_the_gateway_does_not_answer_is_not_waited_for_and_the_session_goes_on() {
    let server = Server::start().await;
    let mut shard = server.shard(None);
    shard.limits = SHORT;
    shard.hello_due = Some(Instant::now() + SHORT.hello);
    let script = async {
        let (mut silent, _) = server.accept().await;
        silent.send(&server.ready(1, "s")).await;
        silent.send(&json!({"t": null, "s": null, "op": 7, "d": null})).await;
        // It reads nothing more, and keeps the connection open.
        let (mut connection, resume) = server.accept().await;
        assert_eq!((&resume["op"], &resume["d"]["session_id"]), (&json!(6), &json!("s")));
        // What was sent once comes once.
        for sequence in [1, 2, 2, 3] {
            connection.send(&event(sequence)).await;
        }
        (silent, connection)
    };
    let client = async {
        let mut sequences = Vec::new();
        while sequences.len() < 3 {
            sequences.push(shard.next().await.unwrap().sequence);
        }
        sequences
    };
    let (_connections, sequences) = tokio::join!(script, client);
    assert_eq!(sequences, [1, 2, 3]);
}

#[tokio::test]
async fn a_session_that_begins_while_events_are_not_handled_is_not_gone_on_with() {
    let server = Server::start().await;
    let mut shard = server.shard(None);
    let script = async {
        let (mut connection, _) = server.accept().await;
        connection.send(&server.ready(1, "s")).await;
        connection.closed_with().await;
    };
    let client = async {
        shard.hold();
        drop(shard.next().await.unwrap());
        assert_eq!(shard.close(true).await, None);
    };
    tokio::join!(script, client);
}

#[tokio::test]
async fn a_connection_that_has_nothing_to_say_is_kept() {
    let server = Server::start().await;
    let mut shard = server.shard(None);
    shard.hello_due = Some(Instant::now() + SHORT.hello);
    let script = async {
        let (mut connection, _) = server.accept().await;
        connection.send(&server.ready(1, "s")).await;
        connection
    };
    let client = async { shard.next().await.unwrap().sequence };
    let (_connection, sequence) = tokio::join!(script, client);
    assert_eq!(sequence, 1);
    assert_eq!((shard.due(), shard.connect_at), (None, None));
}
