//! One gateway connection: a task that reads the client's payloads, acts on the world, and writes what its session
//! (or a fault) hands it. Several payloads that wait are written before one flush.

use std::{
    collections::VecDeque,
    io,
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::body::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, timeout},
};
use websocket::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use super::{
    client::Client,
    close::{self, Close},
    compression::Encoder,
    faults::{Pace, Refusal},
    line::Line,
    session::{Inbox, Outbox, Outgoing},
};
use crate::{
    handle::GatewayEntry,
    shared::{self, Shared},
};

/// Larger than any payload that the gateway accepts, so that too large ones are read and refused with their code.
const LARGEST_MESSAGE: usize = 64 << 10;
/// How long a client may take for its part of closing.
const CLOSING: Duration = Duration::from_secs(1);

/// The query of the gateway's address.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Parameters {
    v: Option<String>,
    encoding: Option<String>,
    compress: Option<String>,
}

impl Parameters {
    /// How payloads are written, or why there is no connection.
    fn encoder(&self) -> Result<Encoder, Close> {
        if self.v.as_deref().is_some_and(|version| !["9", "10"].contains(&version)) {
            return Err(close::INVALID_VERSION);
        }
        if self.encoding.as_deref().is_some_and(|encoding| encoding != "json") {
            return Err(close::DECODE_ERROR.because("Only encoding=json is spoken here."));
        }
        Encoder::new(self.compress.as_deref()).map_err(|_| close::DECODE_ERROR)
    }
}

/// Why a connection ended.
enum End {
    /// Close it with a code.
    Close(Close),
    /// End the TCP connection without a word.
    Drop,
    /// The client closed it, with this code.
    ByClient(u16),
    /// The sandbox ends.
    Over,
}

struct Connection {
    shared: Arc<Shared>,
    socket: WebSocketStream<Line>,
    encoder: Encoder,
    inbox: Inbox,
    client: Client,
    pace: Pace,
    /// Payloads that a fault holds back, and when they may leave.
    held: VecDeque<(Instant, Outgoing)>,
}

/// Serves one connection until it ends.
pub(super) async fn serve(shared: Arc<Shared>, line: Line, parameters: Parameters, refusal: Option<Refusal>) {
    let config = WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE));
    let mut socket = WebSocketStream::from_raw_socket(line, Role::Server, Some(config)).await;
    let mut closing = shared.closing();
    if refusal == Some(Refusal::NoHello) {
        tokio::select! {
            () = until_gone(&mut socket) => {}
            () = shared::ended(&mut closing) => {}
        }
        return;
    }
    if let Some(Refusal::Close(code)) = refusal {
        return say_goodbye(&mut socket, Close::new(code, "asked for by a test")).await;
    }
    let encoder = match parameters.encoder() {
        Ok(encoder) => encoder,
        Err(why) => return say_goodbye(&mut socket, why).await,
    };
    let (id, pace, heartbeat) = {
        let mut world = shared.world();
        world.logs.connections += 1;
        (world.logs.connections, world.gateway.pace, world.heartbeat)
    };
    let (outbox, inbox) = Outbox::new(id);
    shared.world().sessions.open(outbox.clone());
    shared.traffic.note(id, "connected".to_owned());
    let cut = Arc::clone(&inbox.cut);
    let mut connection = Connection {
        client: Client::new(outbox, heartbeat),
        shared: Arc::clone(&shared),
        socket,
        encoder,
        inbox,
        pace,
        held: VecDeque::new(),
    };
    connection.socket.get_mut().dribble(pace.dribble);
    let end = tokio::select! {
        biased;
        () = cut.notified() => End::Drop,
        () = shared::ended(&mut closing) => End::Over,
        end = connection.run(heartbeat) => end,
    };
    connection.finish(end).await;
}

/// Says why, and waits a while for the client's answer: ending at once could take the close frame back on its way.
async fn say_goodbye(socket: &mut WebSocketStream<Line>, Close { code, reason }: Close) {
    let frame = CloseFrame {
        code: code.into(),
        reason: reason.as_ref().into(),
    };
    let _ = timeout(CLOSING, async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            until_gone(socket).await;
        }
    })
    .await;
}

async fn until_gone(socket: &mut WebSocketStream<Line>) {
    while let Some(Ok(_)) = socket.next().await {}
}

impl Connection {
    async fn run(&mut self, heartbeat: Duration) -> End {
        let interval = heartbeat.as_millis() as u64;
        let hello =
            json!({ "t": null, "s": null, "op": 10, "d": { "heartbeat_interval": interval, "_trace": ["sandbox"] } });
        self.client.reply(hello.to_string().into());
        loop {
            let due = self.held.front().map(|(due, _)| *due).filter(|_| !self.pace.silent);
            let release = async move {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(first) = self.inbox.receiver.recv() => {
                    let mut next = Some(first);
                    while let Some(outgoing) = next {
                        if let ControlFlow::Break(end) = self.take(outgoing).await {
                            return end;
                        }
                        next = self.inbox.receiver.try_recv().ok();
                    }
                    if self.socket.flush().await.is_err() {
                        return End::Drop;
                    }
                }
                () = release => if self.release().await.is_err() { return End::Drop },
                message = self.socket.next() => match message {
                    Some(Ok(message)) => if let ControlFlow::Break(end) = self.receive(&message) { return end },
                    Some(Err(_)) | None => return End::ByClient(1006),
                },
                () = tokio::time::sleep_until(self.client.deadline) => return End::Close(close::TIMED_OUT),
            }
        }
    }

    /// Writes what was handed over, or holds it back.
    async fn take(&mut self, outgoing: Outgoing) -> ControlFlow<End> {
        match outgoing {
            Outgoing::Pace(pace) => {
                self.written();
                self.pace = pace;
                self.socket.get_mut().dribble(pace.dribble);
            }
            Outgoing::Close(code, reason) => return ControlFlow::Break(End::Close(Close::new(code, reason))),
            Outgoing::Drop => {
                let _ = self.socket.flush().await;
                return ControlFlow::Break(End::Drop);
            }
            held if self.pace.holds() || !self.held.is_empty() => {
                self.held.push_back((Instant::now() + self.pace.delay, held));
            }
            outgoing => {
                if self.write(outgoing).await.is_err() {
                    return ControlFlow::Break(End::Drop);
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Writes what was held back for long enough.
    async fn release(&mut self) -> io::Result<()> {
        let now = Instant::now();
        while self.held.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, outgoing)) = self.held.pop_front() {
                self.write(outgoing).await?;
            }
        }
        self.socket.flush().await.map_err(io::Error::other)
    }

    fn written(&self) {
        self.inbox.unread.fetch_sub(1, Ordering::Relaxed);
    }

    async fn write(&mut self, outgoing: Outgoing) -> io::Result<()> {
        self.written();
        let message = match outgoing {
            Outgoing::Frame(text) => self.encode(text)?,
            Outgoing::Binary(bytes) => Message::Binary(bytes),
            Outgoing::Raw(bytes) => {
                self.socket.flush().await.map_err(io::Error::other)?;
                return self.socket.get_mut().write_all(&bytes).await;
            }
            Outgoing::CompressLarge => {
                self.encoder.compress_large();
                return Ok(());
            }
            Outgoing::Pace(_) | Outgoing::Close(..) | Outgoing::Drop => return Ok(()),
        };
        self.socket.feed(message).await.map_err(io::Error::other)
    }

    fn encode(&mut self, text: Bytes) -> io::Result<Message> {
        self.shared.traffic.frame(self.client.socket(), false, text.clone());
        Ok(match self.encoder.encode(&text)? {
            Some(binary) => Message::Binary(binary.into()),
            None => Message::Text(Utf8Bytes::try_from(text).map_err(io::Error::other)?),
        })
    }

    async fn finish(mut self, end: End) {
        let how = match &end {
            End::Close(Close { code, reason }) => format!("closed with {code}: {reason}"),
            End::Drop => "dropped".to_owned(),
            End::ByClient(1006) => "ended by the bot without a close frame".to_owned(),
            End::ByClient(code) => format!("closed by the bot with {code}"),
            End::Over => "closed: the sandbox ends".to_owned(),
        };
        self.shared.traffic.note(self.client.socket(), how);
        {
            let mut world = self.shared.world();
            world.sessions.closed(self.client.socket());
            if let Some(session) = self.client.session() {
                // A session that timed out is over, as is one that the client closed for good
                // (https://discord.com/developers/docs/events/gateway#disconnecting).
                let is_over = match &end {
                    End::Close(close) => Close::ends_session(close.code),
                    End::ByClient(code) => matches!(code, 1000 | 1001),
                    End::Drop | End::Over => false,
                };
                world.sessions.disconnect(session, self.client.socket(), is_over);
            }
            match &end {
                End::Close(Close { code, reason }) => world
                    .logs
                    .gateway(GatewayEntry::note(&format!("closed with {code}: {reason}"))),
                End::ByClient(code) => world
                    .logs
                    .gateway(GatewayEntry::note(&format!("closed by the bot with {code}"))),
                End::Drop => world.logs.gateway(GatewayEntry::note("dropped")),
                End::Over => {}
            }
            world.note_presence();
        }
        match end {
            // A gateway that says nothing says no good-bye either.
            End::Close(_) if self.pace.silent => {}
            End::Close(why) => say_goodbye(&mut self.socket, why).await,
            End::ByClient(_) if !self.pace.silent => {
                let _ = timeout(CLOSING, self.socket.flush()).await;
            }
            End::Over => {
                let frame = CloseFrame {
                    code: 1001.into(),
                    reason: "the sandbox ends".into(),
                };
                let _ = timeout(CLOSING / 10, self.socket.send(Message::Close(Some(frame)))).await;
            }
            End::ByClient(_) | End::Drop => {}
        }
    }

    /// Acts on one message of the client.
    fn receive(&mut self, message: &Message) -> ControlFlow<End> {
        let text: &[u8] = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return ControlFlow::Continue(()),
            Message::Close(frame) => {
                return ControlFlow::Break(End::ByClient(frame.as_ref().map_or(1005, |frame| frame.code.into())));
            }
        };
        self.shared
            .traffic
            .frame(self.client.socket(), true, Bytes::copy_from_slice(text));
        match self.client.receive(&self.shared, text) {
            Ok(()) => ControlFlow::Continue(()),
            Err(close) => ControlFlow::Break(End::Close(close)),
        }
    }
}
