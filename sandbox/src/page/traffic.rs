//! The wire as the page's panel shows it: gateway frames in both directions, connections, REST calls with their answers.
//!
//! It stands apart from the tests' logs, since it keeps what was said instead of what is asked about later, and has a
//! lock of its own, so that writing a frame down never waits for the world. Nothing is read or formatted before
//! somebody looks, and then outside the lock: keeping a frame is keeping a reference to its bytes.

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

/// What stands instead of the bot's token.
const VEIL: &str = "(the bot's token)";

/// What was said on the wire, newest last.
#[derive(Debug)]
pub(crate) struct Traffic {
    kept: Mutex<Kept>,
    more: Notify,
    /// Tells this sandbox from one that was there before: ids begin at one in each.
    run: u64,
    /// Shown nowhere.
    token: String,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    bytes: usize,
    made: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    /// Milliseconds since 1970.
    at: u64,
    /// Bytes that it keeps.
    size: usize,
    what: What,
}

#[derive(Clone, Debug)]
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
        text: Arc<str>,
    },
    Rest(Arc<Call>),
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
    pub(crate) fn new(token: &str) -> Self {
        Self {
            kept: Mutex::default(),
            more: Notify::new(),
            run: ids::unix_ms(),
            token: token.to_owned(),
        }
    }

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
        let text: Arc<str> = text.into();
        self.keep(text.len(), What::Note { connection, text });
    }

    /// A REST call with its answer.
    pub(crate) fn rest(&self, entry: RestEntry, took: Duration, answer: Bytes, headers: HeaderMap) {
        let headers_size: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        let size = entry.size() + answer.len() + headers_size;
        self.keep(
            size,
            What::Rest(Arc::new(Call {
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
            kept.entries.push_back(Entry { id, at, size, what });
            while kept.entries.len() > KEPT || kept.bytes > KEPT_BYTES && kept.entries.len() > 1 {
                let Some(old) = kept.entries.pop_front() else { break };
                kept.bytes = kept.bytes.saturating_sub(old.size);
            }
        }
        self.more.notify_waiters();
    }

    /// Entries after `id`, oldest first, and how many of those are not kept any more. An id that was never given is of a
    /// sandbox that was here before: then all of them.
    fn after(&self, id: u64) -> (Vec<Entry>, u64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let id = if id > kept.made { 0 } else { id };
        let from = kept.entries.partition_point(|entry| entry.id <= id);
        let oldest = kept.entries.front().map_or(kept.made + 1, |entry| entry.id);
        let batch = kept.entries.range(from..).take(BATCH).cloned().collect();
        (batch, oldest.saturating_sub(id + 1))
    }

    /// The frame that tells a page of entries.
    fn batch(&self, entries: &[Entry], skipped: u64) -> String {
        let entries: Vec<Value> = entries.iter().map(|entry| entry.summary(&self.token)).collect();
        json!({ "type": "traffic", "data": { "run": self.run, "entries": entries, "skipped": skipped } }).to_string()
    }

    fn detail(&self, id: u64) -> Option<Value> {
        let entry = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let at = kept.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
            kept.entries.get(at)?.clone()
        };
        Some(entry.detail(&self.token))
    }
}

impl Entry {
    /// The entry's line in the list.
    fn summary(&self, token: &str) -> Value {
        let mut summary = match &self.what {
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
                    "preview": if secret { String::new() } else { preview(text, token) },
                })
            }
            What::Note { connection, text } => json!({
                "id": self.id,
                "kind": "note",
                "at": self.at,
                "connection": connection,
                "name": text.as_ref(),
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
                    "preview": preview(entry.body().to_string().as_bytes(), token),
                });
                if !entry.violations.is_empty() {
                    line["violations"] = entry.violations.iter().map(Violation::json).collect();
                }
                if entry.status >= 400 {
                    line["error"] = json!(parsed(answer)["message"]);
                }
                line
            }
        };
        veil(&mut summary, token);
        summary
    }

    /// All that is known of the entry.
    fn detail(&self, token: &str) -> Value {
        let mut detail = self.summary(token);
        match &self.what {
            What::Gateway { text, size, .. } if text.len() < *size => {
                detail["payload"] = json!(format!("{size} bytes are more than is kept"));
            }
            What::Gateway { text, from_bot, .. } => {
                let mut payload = parsed(text);
                if *from_bot && payload["d"]["token"].is_string() {
                    payload["d"]["token"] = json!(VEIL);
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
        veil(&mut detail, token);
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

/// The beginning of a payload. The token goes before the text is cut: a part of it would not be known again.
fn preview(text: &[u8], token: &str) -> String {
    let text = String::from_utf8_lossy(text);
    match hidden(&text, token) {
        Some(text) => text.chars().take(PREVIEW).collect(),
        None => text.chars().take(PREVIEW).collect(),
    }
}

/// The text without the token, if it is in it: a payload that cannot be parsed may hold it anywhere.
fn hidden(text: &str, token: &str) -> Option<String> {
    (!token.is_empty() && text.contains(token)).then(|| text.replace(token, VEIL))
}

/// Takes the token out of every text of a value.
fn veil(value: &mut Value, token: &str) {
    match value {
        Value::String(text) => {
            if let Some(hidden) = hidden(text, token) {
                *text = hidden;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| veil(value, token)),
        Value::Object(fields) => fields.values_mut().for_each(|value| veil(value, token)),
        _ => {}
    }
}

#[derive(Deserialize)]
pub(crate) struct Parameters {
    after: Option<u64>,
    run: Option<u64>,
}

/// `/page/traffic`, a websocket: what is kept (after the entry `after` of this `run`), then what comes.
pub(crate) async fn follow(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Query<Parameters>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let is_of_this_run = parameters.run.is_none_or(|run| run == shared.traffic.run);
    let after = parameters.after.filter(|_| is_of_this_run).unwrap_or(0);
    upgrade.on_upgrade(move |socket| run(shared, socket, after))
}

async fn run(shared: Arc<Shared>, mut socket: WebSocket, mut last: u64) {
    let mut closing = shared.closing();
    loop {
        let more = shared.traffic.more.notified();
        tokio::pin!(more);
        // From here on nothing that comes is missed.
        more.as_mut().enable();
        let (entries, skipped) = shared.traffic.after(last);
        if let Some(newest) = entries.last() {
            last = newest.id;
            let note = shared.traffic.batch(&entries, skipped);
            if socket.send(Message::Text(note.into())).await.is_err() {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{body::Bytes, http::HeaderMap};

    use super::{KEPT_BYTES, Traffic};
    use crate::handle::RestEntry;

    #[test]
    fn all_of_a_refused_call_counts() {
        let traffic = Traffic::new("token");
        // Kept twice: as the answer that was sent, and as the error that it tells.
        let answer = Bytes::from(vec![b'x'; 1 << 20]);
        for _ in 0..40 {
            let entry = RestEntry::new("GET", "/", 400, Bytes::new(), &answer);
            traffic.rest(entry, Duration::ZERO, answer.clone(), HeaderMap::new());
        }
        let (kept, missed) = traffic.after(0);
        assert_eq!((kept.len(), missed), (15, 25));
        assert!(traffic.after(30).0.len() == 10 && kept.len() * (2 << 20) <= KEPT_BYTES);
    }
}
