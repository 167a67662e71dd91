//! Shards with a connection of their own, by twilight. The only file that names twilight's gateway.
//!
//! It hands payloads on as received and must not judge them; heartbeats and reconnects are left to twilight. What twilight
//! would wait for without end is ended here: a connection on which the gateway says nothing, a close that it does not
//! answer, connections that are lost as soon as they are made.

use std::{
    collections::BTreeMap,
    error::Error,
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use hyper_rustls::ConfigBuilderExt;
use tokio::time;
use twilight_gateway::{
    CloseFrame, ConfigBuilder, Message, Session, Shard, ShardId, ShardState,
    error::{ReceiveMessageError, ReceiveMessageErrorType},
};
use twilight_model::gateway::{
    Intents,
    event::GatewayEventDeserializer,
    payload::outgoing::{identify::IdentifyProperties, update_presence::UpdatePresencePayload},
};

use super::{
    EventSource, GatewayError, MAX_PAYLOAD, PayloadTooLong, RawEvent, SessionState,
    acknowledgement::Watermark,
    pace::{self, Pace},
    starts::IdentifyQueue,
};
use crate::{
    config::Token,
    network::{self, Service, Unreachable},
    telemetry::Faults,
};

/// How long a close may take.
const CLOSE: Duration = Duration::from_secs(5);
/// How long a connection may take until the gateway has said its first word.
const HELLO: Duration = Duration::from_secs(20);
/// After how many failed connections in a row twilight's own waiting, which doubles each time, is cut short.
const FAILURES: u8 = 7;
/// Discord's own gateway.
const DISCORD: &str = "wss://gateway.discord.gg";

/// What all shards of a bot share.
#[derive(Clone, Debug)]
pub struct ShardsSettings {
    /// The bot's token.
    pub token: Token,
    /// Another service's gateway, without a slash or query at its end; `None` for Discord's.
    pub gateway_url: Option<String>,
    /// The events to ask for.
    pub intents: Intents,
    /// How many shards there are.
    pub shards: u32,
    /// The presence to identify with.
    pub presence: UpdatePresencePayload,
    /// When to identify. The same one for all connections of a process, since Discord counts them all.
    pub queue: IdentifyQueue,
}

/// A shard with a connection of its own.
#[derive(Debug)]
pub struct ShardSource {
    shard: Shard<IdentifyQueue>,
    intents: Intents,
    watermark: Watermark,
    /// The code of the last close frame.
    close_code: Option<u16>,
    /// Whether there was a session in this process: then a connection that fails may well come back.
    was_ready: bool,
    /// Whether the session may be gone on with by the next process.
    is_resumable: bool,
    /// Whether events are not handled any more.
    is_held: bool,
    limits: Limits,
    /// By when the gateway must have said its first word.
    hello_due: Option<Instant>,
    /// By when a connection that is being closed must be another one.
    closed_due: Option<Instant>,
    pace: Pace,
    /// When the next connection may be made.
    connect_at: Option<Instant>,
    faults: Faults,
}

/// How long the gateway may be silent where twilight would wait for ever.
#[derive(Clone, Copy, Debug)]
struct Limits {
    hello: Duration,
    close: Duration,
}

/// All shards of a bot, not yet connected: each connects when first asked for an event. A shard whose number is in
/// `sessions` resumes that session, the others identify, at Discord's pace, together.
///
/// # Errors
///
/// If TLS can't be set up.
pub fn shards(
    settings: &ShardsSettings,
    mut sessions: BTreeMap<u32, SessionState>,
) -> Result<Vec<ShardSource>, GatewayError> {
    // twilight panics where this fails, so it is tried first.
    rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(ConfigBuilderExt::try_with_platform_verifier)
        .map_err(|error| GatewayError::Tls(error.into()))?;
    // twilight takes the process's choice.
    network::choose_cryptography();
    let mut builder = ConfigBuilder::new(settings.token.expose().to_owned(), settings.intents)
        .identify_properties(IdentifyProperties::new("bothost", "bothost", std::env::consts::OS))
        .presence(settings.presence.clone())
        .queue(settings.queue.clone());
    if let Some(url) = &settings.gateway_url {
        builder = builder.proxy_url(url.clone());
    }
    let shared = builder.build();
    let count = settings.shards.max(1);
    Ok((0..count)
        .map(|number| {
            let mut config = ConfigBuilder::from(shared.clone());
            let mut reached = 0;
            if let Some(session) = sessions.remove(&number) {
                reached = session.sequence;
                config = config
                    .session(Session::new(session.sequence, session.id))
                    .resume_url(session.resume_url);
            }
            ShardSource {
                shard: Shard::with_config(ShardId::new(number, count), config.build()),
                intents: settings.intents,
                watermark: Watermark::new(reached),
                close_code: None,
                was_ready: false,
                is_resumable: true,
                is_held: false,
                limits: Limits {
                    hello: HELLO,
                    close: CLOSE,
                },
                hello_due: Some(Instant::now() + HELLO),
                closed_due: None,
                pace: Pace::new(Instant::now()),
                connect_at: None,
                faults: Faults::default(),
            }
        })
        .collect())
}

impl ShardSource {
    /// From now on events are not handled any more, so that a session which begins now can't be gone on with: what it has
    /// told would be known to nobody.
    pub fn hold(&mut self) {
        self.is_held = true;
    }

    /// What a received text is to the host: an event, or nothing.
    fn event(&mut self, payload: String) -> Option<RawEvent> {
        let head = GatewayEventDeserializer::from_json(&payload)?;
        match head.op() {
            0 => {}
            // The connection is being given up; twilight waits for the other side to agree.
            7 | 9 => {
                tracing::info!(
                    shard = self.shard(),
                    op = head.op(),
                    "the gateway asks for another connection"
                );
                self.closing();
                return None;
            }
            10 => {
                self.hello_due = None;
                self.closed_due = None;
                return None;
            }
            _ => return None,
        }
        let sequence = head.sequence()?;
        match head.event_type() {
            Some("READY") => {
                self.watermark = Watermark::new(sequence.saturating_sub(1));
                self.was_ready = true;
                self.is_resumable = !self.is_held;
            }
            Some("RESUMED") => self.was_ready = true,
            // After a resume Discord may repeat what was handed out already.
            _ if self.watermark.has_received(sequence) => return None,
            _ => {}
        }
        Some(RawEvent {
            shard: self.shard(),
            sequence,
            payload,
            receipt: self.watermark.receive(sequence),
        })
    }

    fn session(&self) -> Option<SessionState> {
        let session = self.shard.session().filter(|_| self.is_resumable)?;
        Some(SessionState {
            id: session.id().to_owned(),
            resume_url: self.shard.resume_url()?.to_owned(),
            sequence: self.watermark.reached(),
        })
    }

    /// The connection is about to end, and another one to be made.
    fn closing(&mut self) {
        let now = Instant::now();
        self.closed_due.get_or_insert(now + self.limits.close);
        self.hello_due = Some(now + self.limits.close + self.limits.hello);
    }

    /// Gives the connection up without a word, whatever state it is in, and keeps the session.
    fn abandon(&mut self) {
        let mut config = ConfigBuilder::from(self.shard.config().clone());
        if let Some(session) = self.shard.session() {
            config = config.session(session.clone());
            if let Some(url) = self.shard.resume_url() {
                config = config.resume_url(url.to_owned());
            }
        }
        self.shard = Shard::with_config(self.shard.id(), config.build());
        self.closed_due = None;
        let begins = self.connect_at.unwrap_or_else(Instant::now);
        self.hello_due = Some(begins + self.limits.hello);
    }

    /// When to give the connection up unless something comes.
    fn due(&self) -> Option<Instant> {
        let is_disconnected = matches!(self.shard.state(), ShardState::Disconnected { .. });
        let closed_due = self.closed_due.filter(|_| is_disconnected);
        [closed_due, self.hello_due].into_iter().flatten().min()
    }

    /// Waits as long as connections that were lost shortly after one another ask for.
    async fn paced(&mut self) {
        if let Some(at) = self.connect_at {
            time::sleep_until(at.into()).await;
            self.connect_at = None;
        }
    }

    fn note_close(&mut self, code: Option<u16>) {
        self.close_code = code;
        let now = Instant::now();
        let wait = self.pace.lost(now);
        tracing::info!(shard = self.shard(), code, ?wait, "the gateway connection was closed");
        self.closing();
        if !wait.is_zero() {
            self.connect_at = Some(now + wait);
            self.closed_due = None;
            self.hello_due = Some(now + wait + self.limits.close + self.limits.hello);
        }
    }

    fn note_fault(&mut self, error: ReceiveMessageError) -> Result<(), GatewayError> {
        let shard = self.shard();
        let now = Instant::now();
        let reason = || error.source().map(network::chain).unwrap_or_default();
        match error.kind() {
            ReceiveMessageErrorType::Reconnect => self.note_unreachable(error.into_source()),
            ReceiveMessageErrorType::Deserializing { event } => {
                let head = GatewayEventDeserializer::from_json(event);
                let name = head.as_ref().and_then(|head| head.event_type()).unwrap_or("no event");
                if let Some(untold) = self.faults.note(name, now) {
                    let begin: String = event.chars().take(200).collect();
                    tracing::warn!(
                        shard,
                        reason = reason(),
                        begin,
                        untold,
                        "a gateway event can't be read and is skipped"
                    );
                }
                // Without it there is no session: the gateway would be listened to in vain.
                if name == "READY" {
                    self.connect_at = Some(now + self.pace.lost(now));
                    self.abandon();
                }
                Ok(())
            }
            _ => {
                tracing::warn!(
                    shard,
                    reason = reason(),
                    "the gateway sent something unreadable, reconnecting"
                );
                self.closing();
                Ok(())
            }
        }
    }

    fn note_unreachable(&mut self, source: Option<Box<dyn Error + Send + Sync>>) -> Result<(), GatewayError> {
        let shard = self.shard();
        let address = self.shard.config().proxy_url().unwrap_or(DISCORD);
        let error = Unreachable::new(Service::Gateway, address, source.unwrap_or_else(|| "unknown".into()));
        if error.needs_the_owner() && !self.was_ready {
            return Err(GatewayError::Unreachable(error));
        }
        let failures = match self.shard.state() {
            ShardState::Disconnected { reconnect_attempts } => reconnect_attempts,
            _ => 0,
        };
        let now = Instant::now();
        let wait = if failures >= FAILURES {
            self.abandon();
            self.connect_at = Some(now + pace::LONGEST);
            pace::LONGEST
        } else {
            Duration::from_secs(1 << failures.saturating_sub(1))
        };
        tracing::warn!(shard, again_in = ?wait, "{error}");
        self.closed_due = None;
        self.hello_due = Some(now + wait + self.limits.close + self.limits.hello);
        Ok(())
    }
}

/// Waits for a moment; for ever if there is none.
async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// Polls a shard that was told to close until it has. Where the server ends the connection without answering, twilight
/// connects again at once; that is noticed before it resumes the session, which must stay as it is for the next start.
async fn closed(shard: &mut Shard<IdentifyQueue>) {
    let mut has_ended = false;
    poll_fn(|cx| {
        loop {
            let item = shard.poll_next_unpin(cx);
            let is_connected = !matches!(shard.state(), ShardState::Disconnected { .. });
            if matches!(item, Poll::Ready(None | Some(Ok(Message::Close(_))))) || (has_ended && is_connected) {
                return Poll::Ready(());
            }
            has_ended |= !is_connected;
            if item.is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}

impl EventSource for ShardSource {
    fn shard(&self) -> u32 {
        self.shard.id().number()
    }

    async fn next(&mut self) -> Result<RawEvent, GatewayError> {
        loop {
            self.paced().await;
            let due = self.due();
            let item = tokio::select! {
                biased;
                item = self.shard.next() => item,
                () = reached(due) => {
                    tracing::warn!(shard = self.shard(), "the gateway is silent, connecting anew");
                    self.abandon();
                    continue;
                }
            };
            match item {
                Some(Ok(Message::Text(payload))) => {
                    if let Some(event) = self.event(payload) {
                        return Ok(event);
                    }
                }
                Some(Ok(Message::Close(frame))) => self.note_close(frame.map(|frame| frame.code)),
                Some(Err(error)) => self.note_fault(error)?,
                None => return Err(GatewayError::of(self.close_code, self.intents)),
            }
        }
    }

    fn acknowledge(&mut self, sequence: u64) {
        self.watermark.acknowledge(sequence);
    }

    fn send(&mut self, payload: String) -> Result<(), PayloadTooLong> {
        if payload.len() > MAX_PAYLOAD {
            return Err(PayloadTooLong { bytes: payload.len() });
        }
        self.shard.send(payload);
        Ok(())
    }

    fn latency(&self) -> Option<Duration> {
        self.shard.latency().recent().first().copied()
    }

    fn is_connected(&self) -> bool {
        self.shard.state() == ShardState::Active
    }

    async fn close(mut self, resumable: bool) -> Option<SessionState> {
        // Taken before the close: what arrives from now on is nobody's and must come again.
        let session = self.session();
        let is_open = !matches!(
            self.shard.state(),
            ShardState::Disconnected { .. } | ShardState::FatallyClosed
        );
        if is_open {
            self.shard.close(if resumable {
                CloseFrame::RESUME
            } else {
                CloseFrame::NORMAL
            });
            if time::timeout(CLOSE, closed(&mut self.shard)).await.is_err() {
                tracing::warn!(
                    shard = self.shard.id().number(),
                    "the gateway did not answer the close in time"
                );
            }
        }
        session.filter(|_| resumable)
    }
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
