//! The gateway: a connection's greeting, and frames that were made beforehand.
//!
//! Order matters, since compression has one context: what was encoded first is sent first.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

use super::{Encoder, Shared};
use crate::payloads;

/// How many frames are taken at a time.
const BATCH: usize = 256;

/// A frame that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    /// The message or the interaction, where an answer is waited for.
    asks: Option<u64>,
}

impl Frame {
    /// The message or the interaction to which an answer is waited for.
    pub fn asks(&self) -> Option<u64> {
        self.asks
    }
}

/// A bot's connection.
pub struct Link {
    encoder: Mutex<Encoder>,
    sequence: AtomicU64,
    orders: mpsc::UnboundedSender<Frame>,
}

/// A connection's first frames.
pub struct Greeting {
    encoder: Encoder,
    hello: Bytes,
    servers: Vec<Bytes>,
    sequence: u64,
}

impl Greeting {
    /// HELLO, READY and every server.
    pub fn write(mut encoder: Encoder, guilds: u64, url: &str) -> Result<Self> {
        let hello = encoder.encode(payloads::HELLO.to_owned())?;
        let mut servers = vec![encoder.encode(payloads::event("READY", 1, &payloads::ready(guilds, url)))?];
        for guild in 0..guilds {
            let created = payloads::event("GUILD_CREATE", guild + 2, &payloads::guild(guild));
            servers.push(encoder.encode(created)?);
        }
        Ok(Self {
            encoder,
            hello,
            servers,
            sequence: guilds + 1,
        })
    }
}

impl Link {
    /// Makes frames of `MESSAGE_CREATE` events, to be sent in this order and before any made later.
    pub fn messages<'t>(&self, messages: impl Iterator<Item = Text<'t>>) -> Result<Vec<Frame>> {
        let mut encoder = self.encoder.lock().unwrap_or_else(PoisonError::into_inner);
        messages
            .map(|text| {
                let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
                let author = text.author.unwrap_or_else(|| payloads::person(sequence));
                let data = payloads::message(sequence, text.slot, author, text.content, text.has_file);
                Ok(Frame {
                    bytes: encoder.encode(payloads::event("MESSAGE_CREATE", sequence, &data))?,
                    asks: text.is_command.then(|| payloads::message_id(sequence)),
                })
            })
            .collect()
    }

    /// Makes frames of `INTERACTION_CREATE` events, as [`Link::messages`] does.
    pub fn interactions(&self, uses: impl Iterator<Item = Slash>) -> Result<Vec<Frame>> {
        let mut encoder = self.encoder.lock().unwrap_or_else(PoisonError::into_inner);
        uses.map(|used| {
            let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
            let data = payloads::interaction(sequence, used.slot, used.name, &used.options, used.member);
            Ok(Frame {
                bytes: encoder.encode(payloads::event("INTERACTION_CREATE", sequence, &data))?,
                asks: Some(payloads::message_id(sequence)),
            })
        })
        .collect()
    }

    /// Sends frames.
    pub fn send(&self, frames: Vec<Frame>) {
        for frame in frames {
            // A bot that is gone shows by its missing answers.
            let _ = self.orders.send(frame);
        }
    }

    fn reply(&self, payload: &str) -> Result<()> {
        let bytes = self
            .encoder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .encode(payload.to_owned())?;
        self.send(vec![Frame { bytes, asks: None }]);
        Ok(())
    }
}

/// What somebody writes.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    /// Where: one of `SLOTS`, or `DIRECT_SLOT`.
    pub slot: usize,
    /// Who; `None` for anybody.
    pub author: Option<u64>,
    /// What.
    pub content: &'t str,
    /// Whether an answer is waited for.
    pub is_command: bool,
    /// Whether a file lies in it.
    pub has_file: bool,
}

/// A slash command that somebody uses.
#[derive(Clone, Debug)]
pub struct Slash {
    /// Where: one of `SLOTS`.
    pub slot: usize,
    /// Which.
    pub name: &'static str,
    /// Its options, as Discord lists them, without the brackets.
    pub options: String,
    /// Whom they name.
    pub member: Option<u64>,
}

#[derive(Deserialize)]
struct Received {
    op: u8,
}

/// Serves one connection.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) -> Result<()> {
    let (request, mut socket) = ServerBuilder::new().accept(stream).await?;
    let query = request.uri().query().unwrap_or_default();
    let prepared = query
        .contains("compress=zstd-stream")
        .then(|| shared.greeting.lock().unwrap_or_else(PoisonError::into_inner).take())
        .flatten();
    let greeting = match prepared {
        Some(greeting) => greeting,
        None => {
            let encoder = if query.contains("compress=zstd-stream") {
                Encoder::zstd()?
            } else if query.contains("compress=") {
                bail!("compression other than zstd-stream is not spoken here: {query}");
            } else {
                Encoder::Plain
            };
            Greeting::write(encoder, shared.guilds, &shared.gateway_url)?
        }
    };
    let is_binary = greeting.encoder.is_binary();
    socket.send(message(greeting.hello, is_binary)).await?;

    let (orders, mut ordered) = mpsc::unbounded_channel();
    let link = Arc::new(Link {
        encoder: Mutex::new(greeting.encoder),
        sequence: AtomicU64::new(greeting.sequence),
        orders,
    });
    let mut servers = Some(greeting.servers);
    let mut batch = Vec::with_capacity(BATCH);
    let ended = loop {
        tokio::select! {
            received = socket.next() => {
                let received = match received {
                    None => break Ok(()),
                    Some(Err(error)) => break Err(error.into()),
                    Some(Ok(received)) => received,
                };
                match op(&received) {
                    Some(1) => link.reply(payloads::HEARTBEAT_ACK)?,
                    Some(2) => {
                        for server in servers.take().context("identified twice")? {
                            socket.feed(message(server, is_binary)).await?;
                        }
                        socket.flush().await?;
                        shared.link.send_replace(Some(Arc::clone(&link)));
                    }
                    Some(6) => bail!("sessions are not kept here: a bot has to identify"),
                    _ => {}
                }
            }
            _ = ordered.recv_many(&mut batch, BATCH) => write(&mut socket, &mut batch, is_binary, &shared).await?,
        }
    };
    shared.link.send_replace(None);
    ended
}

async fn write(
    socket: &mut WebSocketStream<TcpStream>,
    batch: &mut Vec<Frame>,
    is_binary: bool,
    shared: &Shared,
) -> Result<()> {
    for frame in batch.drain(..) {
        if let Some(message) = frame.asks {
            shared.ledger.written(message);
        }
        socket.feed(message(frame.bytes, is_binary)).await?;
    }
    socket.flush().await?;
    shared.ledger.progressed();
    Ok(())
}

fn message(bytes: Bytes, is_binary: bool) -> Message {
    if is_binary {
        Message::binary(bytes)
    } else {
        // Made from a String.
        Message::text(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn op(message: &Message) -> Option<u8> {
    let received: Received = serde_json::from_str(message.as_text()?).ok()?;
    Some(received.op)
}
