//! Shards with a connection of their own, by twilight. The only file that names twilight's gateway.
//!
//! It hands payloads on as received and must not judge them; heartbeats and reconnects are left to twilight.

use std::{collections::BTreeMap, error::Error, future::poll_fn, task::Poll, time::Duration};

use futures_util::StreamExt;
use hyper_rustls::ConfigBuilderExt;
use tokio::time;
use twilight_gateway::{
    CloseFrame, ConfigBuilder, Message, Session, Shard, ShardId, ShardState, error::ReceiveMessageErrorType,
};
use twilight_model::gateway::{
    Intents,
    event::GatewayEventDeserializer,
    payload::outgoing::{identify::IdentifyProperties, update_presence::UpdatePresencePayload},
};

use super::{
    EventSource, GatewayError, MAX_PAYLOAD, PayloadTooLong, RawEvent, SessionState, acknowledgement::Watermark,
};
use crate::config::Token;

/// How long a clean close may take.
const CLOSE: Duration = Duration::from_secs(5);

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
}

/// A shard with a connection of its own.
#[derive(Debug)]
pub struct ShardSource {
    shard: Shard,
    intents: Intents,
    watermark: Watermark,
    /// The code of the last close frame.
    close_code: Option<u16>,
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
    // twilight takes the process's provider; the second call of a process finds one there, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = ConfigBuilder::new(settings.token.expose().to_owned(), settings.intents)
        .identify_properties(IdentifyProperties::new("bothost", "bothost", std::env::consts::OS))
        .presence(settings.presence.clone());
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
            }
        })
        .collect())
}

impl ShardSource {
    /// What a received text is to the host: an event, or nothing.
    fn event(&mut self, payload: String) -> Option<RawEvent> {
        let head = GatewayEventDeserializer::from_json(&payload)?;
        if head.op() != 0 {
            return None;
        }
        let sequence = head.sequence()?;
        if head.event_type() == Some("READY") {
            self.watermark = Watermark::new(sequence.saturating_sub(1));
        }
        Some(RawEvent {
            shard: self.shard(),
            sequence,
            payload,
            receipt: self.watermark.receive(sequence),
        })
    }

    fn session(&self) -> Option<SessionState> {
        let session = self.shard.session()?;
        Some(SessionState {
            id: session.id().to_owned(),
            resume_url: self.shard.resume_url()?.to_owned(),
            sequence: self.watermark.reached(),
        })
    }

    fn log_fault(&self, kind: &ReceiveMessageErrorType, source: Option<&(dyn Error + 'static)>) {
        let reason = source.map(chain).unwrap_or_default();
        match kind {
            ReceiveMessageErrorType::Reconnect => {
                tracing::warn!(
                    shard = self.shard(),
                    reason,
                    "can't connect to the gateway, trying again"
                );
            }
            ReceiveMessageErrorType::Deserializing { event } => {
                let begin: String = event.chars().take(200).collect();
                tracing::warn!(
                    shard = self.shard(),
                    reason,
                    begin,
                    "a gateway event can't be read and is skipped"
                );
            }
            _ => tracing::warn!(
                shard = self.shard(),
                reason,
                "the gateway sent something unreadable, reconnecting"
            ),
        }
    }
}

/// Polls a shard that was told to close until it has. Where the server ends the connection without answering, twilight
/// connects again at once; that is noticed before it resumes the session, which must stay as it is for the next start.
async fn closed(shard: &mut Shard) {
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

/// An error with its reasons.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl EventSource for ShardSource {
    fn shard(&self) -> u32 {
        self.shard.id().number()
    }

    async fn next(&mut self) -> Result<RawEvent, GatewayError> {
        loop {
            match self.shard.next().await {
                Some(Ok(Message::Text(payload))) => {
                    if let Some(event) = self.event(payload) {
                        return Ok(event);
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    self.close_code = frame.as_ref().map(|frame| frame.code);
                    tracing::info!(
                        shard = self.shard(),
                        code = self.close_code,
                        "the gateway connection was closed"
                    );
                }
                Some(Err(error)) => self.log_fault(error.kind(), error.source()),
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
