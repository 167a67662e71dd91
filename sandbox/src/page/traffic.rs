//! The wire as the page's panel shows it: gateway frames in both directions, connections, REST calls with their answers.
//!
//! It stands apart from the tests' logs, since it keeps what was said instead of what is asked about later, and has a
//! lock of its own, so that writing a frame down never waits for the world. Nothing is read or formatted before
//! somebody looks: keeping a frame is keeping a reference to its bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::acts::Answer;
use crate::{
    Violation,
    handle::RestEntry,
    ids,
    shared::{self, Shared},
};

/// Entries and bytes that are kept; the oldest go first.
const KEPT: usize = 2_000;
const KEPT_BYTES: usize = 32 << 20;
/// Largest single payload that is kept whole.
const LARGEST: usize = 1 << 20;
/// Characters of a payload that the list carries, to be searched.
const PREVIEW: usize = 400;
/// Entries that one frame to the page carries.
const BATCH: usize = 500;
/// How long entries are gathered before a page hears of them.
const GATHER: Duration = Duration::from_millis(40);

/// What was said on the wire, newest last.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    kept: Mutex<Kept>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    bytes: usize,
    made: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    /// Milliseconds since 1970.
    at: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    /// A payload, on the connection of this number.
    Gateway {
        connection: u64,
        from_bot: bool,
        size: usize,
        text: Bytes,
    },
    /// A connection came or ended.
    Note {
        connection: u64,
        text: String,
    },
    Rest(Box<Call>),
}

/// A REST call.
#[derive(Debug)]
struct Call {
    entry: RestEntry,
    took: Duration,
    answer: Bytes,
    headers: HeaderMap,
}

/// What a frame says before its data.
#[derive(Deserialize)]
struct Head {
    op: u64,
    t: Option<String>,
    s: Option<u64>,
}

impl Traffic {
    /// A frame of the gateway.
    pub(crate) fn frame(&self, connection: u64, from_bot: bool, text: Bytes) {
        let size = text.len();
        let text = if size > LARGEST { Bytes::new() } else { text };
        self.keep(
            text.len(),
            What::Gateway {
                connection,
                from_bot,
                size,
                text,
            },
        );
    }

    /// A connection came or ended.
    pub(crate) fn note(&self, connection: u64, text: String) {
        self.keep(text.len(), What::Note { connection, text });
    }

    /// A REST call with its answer.
    pub(crate) fn rest(&self, entry: RestEntry, took: Duration, answer: Bytes, headers: HeaderMap) {
        let size = entry.size() + answer.len();
        self.keep(
            size,
            What::Rest(Box::new(Call {
                entry,
                took,
                answer,
                headers,
            })),
        );
    }

    fn keep(&self, size: usize, what: What) {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.made += 1;
            let (id, at) = (kept.made, ids::unix_ms());
            kept.bytes += size;
            kept.entries.push_back(Entry { id, at, what });
            while kept.entries.len() > KEPT || kept.bytes > KEPT_BYTES && kept.entries.len() > 1 {
                let Some(old) = kept.entries.pop_front() else { break };
                kept.bytes = kept.bytes.saturating_sub(old.size());
            }
        }
        self.more.notify_waiters();
    }

    /// Entries after `id`, oldest first, and how many of those are not kept any more.
    fn after(&self, id: u64) -> (Vec<Value>, u64, u64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let from = kept.entries.partition_point(|entry| entry.id <= id);
        let oldest = kept.entries.front().map_or(kept.made + 1, |entry| entry.id);
        let batch: Vec<Value> = kept.entries.range(from..).take(BATCH).map(Entry::summary).collect();
        let last = kept
            .entries
            .get(from + batch.len().max(1) - 1)
            .map_or(id, |entry| entry.id);
        (batch, oldest.saturating_sub(id + 1), last)
    }

    fn detail(&self, id: u64) -> Option<Value> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        kept.entries.get(at).map(Entry::detail)
    }
}

impl Entry {
    fn size(&self) -> usize {
        match &self.what {
            What::Gateway { text, .. } => text.len(),
            What::Note { text, .. } => text.len(),
            What::Rest(call) => call.entry.size() + call.answer.len(),
        }
    }

    /// The entry's line in the list.
    fn summary(&self) -> Value {
        match &self.what {
            What::Gateway {
                connection,
                from_bot,
                size,
                text,
            } => {
                let head: Option<Head> = serde_json::from_slice(text).ok();
                let op = head.as_ref().map(|head| head.op);
                // IDENTIFY and RESUME carry the token.
                let secret = *from_bot && matches!(op, Some(2 | 6));
                json!({
                    "id": self.id,
                    "kind": "gateway",
                    "at": self.at,
                    "connection": connection,
                    "from_bot": from_bot,
                    "op": op,
                    "name": head.as_ref().and_then(|head| head.t.clone()),
                    "sequence": head.as_ref().and_then(|head| head.s),
                    "size": size,
                    "preview": if secret { String::new() } else { preview(text) },
                })
            }
            What::Note { connection, text } => json!({
                "id": self.id,
                "kind": "note",
                "at": self.at,
                "connection": connection,
                "name": text,
            }),
            What::Rest(call) => {
                let Call {
                    entry, took, answer, ..
                } = call.as_ref();
                let mut line = json!({
                    "id": self.id,
                    "kind": "rest",
                    "at": self.at,
                    "method": entry.method,
                    "path": entry.path,
                    "status": entry.status,
                    "took_ms": took.as_secs_f64() * 1000.0,
                    "size": answer.len(),
                    "preview": preview(entry.body().to_string().as_bytes()),
                });
                if !entry.violations.is_empty() {
                    line["violations"] = entry.violations.iter().map(Violation::json).collect();
                }
                if entry.status >= 400 {
                    line["error"] = json!(parsed(answer)["message"]);
                }
                line
            }
        }
    }

    /// All that is known of the entry.
    fn detail(&self) -> Value {
        let mut detail = self.summary();
        match &self.what {
            What::Gateway { text, size, .. } if text.len() < *size => {
                detail["payload"] = json!(format!("{size} bytes are more than is kept"));
            }
            What::Gateway { text, from_bot, .. } => {
                let mut payload = parsed(text);
                if *from_bot && payload["d"]["token"].is_string() {
                    payload["d"]["token"] = json!("(the bot's token)");
                }
                detail["payload"] = payload;
            }
            What::Note { .. } => {}
            What::Rest(call) => {
                let Call {
                    entry, answer, headers, ..
                } = call.as_ref();
                detail["request"] = entry.body();
                detail["answer"] = parsed(answer);
                detail["headers"] = headers
                    .iter()
                    .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or("?"))))
                    .collect::<serde_json::Map<_, _>>()
                    .into();
            }
        }
        detail
    }
}

fn parsed(text: &Bytes) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|_| {
        if text.is_empty() {
            Value::Null
        } else {
            json!(String::from_utf8_lossy(text))
        }
    })
}

fn preview(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(PREVIEW * 4)])
        .chars()
        .take(PREVIEW)
        .collect()
}

#[derive(Deserialize)]
pub(crate) struct Parameters {
    after: Option<u64>,
}

/// `/page/traffic`, a websocket: what is kept (after the entry `after`), then what comes.
pub(crate) async fn follow(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Query<Parameters>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| run(shared, socket, parameters.after.unwrap_or(0)))
}

async fn run(shared: Arc<Shared>, mut socket: WebSocket, mut last: u64) {
    let mut closing = shared.closing();
    loop {
        let more = shared.traffic.more.notified();
        tokio::pin!(more);
        // From here on nothing that comes is missed.
        more.as_mut().enable();
        let (entries, skipped, newest) = shared.traffic.after(last);
        if !entries.is_empty() {
            last = newest;
            let note = json!({ "type": "traffic", "data": { "entries": entries, "skipped": skipped } });
            if socket.send(Message::Text(note.to_string().into())).await.is_err() {
                return;
            }
            continue;
        }
        tokio::select! {
            // A burst becomes one frame to the page.
            () = more => tokio::time::sleep(GATHER).await,
            message = socket.recv() => if !matches!(message, Some(Ok(_))) { return },
            () = shared::ended(&mut closing) => {
                let _ = socket.send(Message::Close(None)).await;
                return;
            }
        }
    }
}

/// `GET /page/traffic/{id}`: everything about one entry.
pub(crate) async fn entry(State(shared): State<Arc<Shared>>, Path(id): Path<u64>) -> Answer {
    let detail = shared.traffic.detail(id);
    detail
        .map(Json)
        .ok_or_else(|| "this entry is not kept any more: the newest 2,000 are, up to 32 MiB".into())
}
