//! What tests see of the wire: REST calls and gateway payloads.
//!
//! Headers are not kept, so the bot's token is not either; large bodies are cut, and answers kept only where refused.

use axum::body::Bytes;
use serde_json::Value;

use crate::Violation;

/// Bytes of a request that are remembered.
const KEPT_BYTES: usize = 64 << 10;

/// A REST call of the bot and how it was answered.
#[derive(Clone, Debug)]
pub struct RestEntry {
    /// `GET`, `POST`, ...
    pub method: String,
    /// With version and query: `/api/v10/channels/1/messages?limit=5`.
    pub path: String,
    /// The answer's status.
    pub status: u16,
    /// What was found against the specification while it was served.
    pub violations: Vec<Violation>,
    sent: Bytes,
    answer: Option<String>,
}

impl RestEntry {
    pub(crate) fn new(method: &str, path: &str, status: u16, sent: Bytes, answer: &Bytes) -> Self {
        // What was refused is what people ask about; answers of the rest are not kept.
        // A large upload is remembered by its beginning, where clients put its JSON.
        let sent = if sent.len() > KEPT_BYTES {
            Bytes::copy_from_slice(&sent[..KEPT_BYTES])
        } else {
            sent
        };
        let answer = (status >= 400).then(|| String::from_utf8_lossy(answer).into_owned());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            status,
            violations: Vec::new(),
            sent,
            answer,
        }
    }

    /// The request's JSON (of a form: its `payload_json`); null if it had none.
    #[must_use]
    pub fn body(&self) -> Value {
        if let Ok(body) = serde_json::from_slice(&self.sent) {
            return body;
        }
        let text = String::from_utf8_lossy(&self.sent);
        let part = text
            .split_once("name=\"payload_json\"")
            .and_then(|(_, rest)| rest.split_once("\r\n\r\n"));
        let json = part
            .and_then(|(_, rest)| rest.split_once("\r\n--"))
            .map(|(json, _)| json);
        json.and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or(Value::Null)
    }

    /// Bytes that are remembered, of the request and of what was found.
    pub(crate) fn size(&self) -> usize {
        let found = self.violations.iter();
        let found: usize = found
            .map(|one| one.what.len() + one.pointer.len() + one.rule.len() + one.text.len())
            .sum();
        let answer = self.answer.as_ref().map_or(0, String::len);
        self.method.len() + self.path.len() + self.sent.len() + answer + found
    }

    /// The error that it was answered with; null if it was not refused, or not in JSON.
    #[must_use]
    pub fn error(&self) -> Value {
        self.answer
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null)
    }
}

/// Who sent a gateway payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// The sandbox.
    ToBot,
    /// The bot.
    FromBot,
    /// Neither: a connection ended.
    Note,
}

/// A gateway payload, without its data.
#[derive(Clone, Debug)]
pub struct GatewayEntry {
    /// Who sent it.
    pub direction: Direction,
    /// Its opcode.
    pub op: u64,
    /// The event's name, or what a note says.
    pub name: Option<String>,
    /// The event's sequence number in its session.
    pub sequence: Option<u64>,
}

impl GatewayEntry {
    pub(crate) fn sent(op: u64, name: Option<&str>, sequence: Option<u64>) -> Self {
        Self {
            direction: Direction::ToBot,
            op,
            name: name.map(str::to_owned),
            sequence,
        }
    }

    pub(crate) const fn received(op: u64) -> Self {
        Self {
            direction: Direction::FromBot,
            op,
            name: None,
            sequence: None,
        }
    }

    pub(crate) fn note(text: &str) -> Self {
        Self {
            direction: Direction::Note,
            op: 0,
            name: Some(text.to_owned()),
            sequence: None,
        }
    }
}
