//! Spoiled requests and spoiled gateway payloads: the sandbox answers or closes, never panics, hangs or grows.
//!
//! Valid requests of every row are spoiled in their paths, queries, headers and bodies. The number of cases is fixed and so
//! is their choice; `FUZZ_MINUTES=10 cargo test -p sandbox --test fuzz` goes on with others for so long.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sandbox::{Sandbox, Violation, ViolationOf};
use serde_json::{Value, json};
use support::{Rest, Socket, valid};
use tokio_tungstenite::tungstenite::Message;

/// Requests and connections of one round.
const REQUESTS: usize = 2_500;
const CONNECTIONS: usize = 300;
/// Requests to one sandbox, before the next gets a fresh one.
const OF_ONE: usize = 500;
/// Longer than anything takes.
const LIMIT: Duration = Duration::from_secs(30);

/// What a case is made of: numbers that choose, so that cases can be made before the world is known.
#[derive(Clone, Debug)]
struct Spoiling {
    /// Where, among all places that there are.
    place: u32,
    how: How,
    odd: Odd,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Replace,
    Remove,
    Add,
    Wrap,
    Path,
    Query,
    Cut,
    Type,
    Reason,
}

/// A value that is odd anywhere.
#[derive(Clone, Debug)]
enum Odd {
    Json(Value),
    Long(usize),
    Deep(usize),
    Many(usize),
}

impl Odd {
    fn value(&self) -> Value {
        match self {
            Self::Json(value) => value.clone(),
            Self::Long(count) => json!("ü".repeat(*count)),
            Self::Deep(count) => (0..*count).fold(json!(1), |inner, _| json!([inner])),
            Self::Many(count) => json!(vec![json!({ "id": "1" }); *count]),
        }
    }

    fn text(&self) -> String {
        match self.value() {
            Value::String(text) => text.chars().take(200).collect(),
            other => other.to_string().chars().take(200).collect(),
        }
    }
}

fn odd() -> impl Strategy<Value = Odd> {
    let fixed = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!(" "),
        json!("\u{0}\u{202e}\u{1f600}"),
        json!("@me"),
        json!("@original"),
        json!("1"),
        json!("18446744073709551615"),
        json!("99999999999999999999"),
        json!("-1"),
        json!("2025-13-45T99:99:99Z"),
        json!("data:image/png;base64,@@@"),
        json!("attachment://none"),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!({ "type": 99 }),
    ];
    prop_oneof![
        8 => prop::sample::select(fixed.to_vec()).prop_map(Odd::Json),
        1 => any::<i64>().prop_map(|number| Odd::Json(json!(number))),
        1 => ".{0,12}".prop_map(|text| Odd::Json(json!(text))),
        1 => prop_oneof![Just(101usize), Just(2_001), Just(6_001)].prop_map(Odd::Long),
        1 => (1usize..120).prop_map(Odd::Deep),
        1 => prop_oneof![Just(26usize), Just(101), Just(300)].prop_map(Odd::Many),
    ]
}

fn spoiling() -> impl Strategy<Value = Spoiling> {
    let how = prop_oneof![
        6 => Just(How::Replace),
        2 => Just(How::Remove),
        2 => Just(How::Add),
        1 => Just(How::Wrap),
        2 => Just(How::Path),
        2 => Just(How::Query),
        1 => Just(How::Cut),
        1 => Just(How::Type),
        1 => Just(How::Reason),
    ];
    (any::<u32>(), how, odd()).prop_map(|(place, how, odd)| Spoiling { place, how, odd })
}

/// All places of a value, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(list) => (0..list.len()).for_each(|n| places(&list[n], &format!("{at}/{n}"), found)),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, one)| places(one, &format!("{at}/{key}"), found)),
        _ => {}
    }
}

/// Spoils a body; `true` if there was something to spoil.
fn spoil(body: &mut Value, spoiling: &Spoiling) -> bool {
    let mut all = Vec::new();
    places(body, "", &mut all);
    let at = all[spoiling.place as usize % all.len()].clone();
    let value = spoiling.odd.value();
    let Some(target) = body.pointer_mut(&at) else {
        return false;
    };
    match spoiling.how {
        How::Replace => *target = value,
        How::Wrap => *target = json!([target.take()]),
        How::Add => match target {
            Value::Object(map) => {
                map.insert(spoiling.odd.text().chars().take(20).collect(), value);
            }
            Value::Array(list) => list.push(value),
            other => *other = value,
        },
        How::Remove => {
            let Some((parent, key)) = at.rsplit_once('/') else {
                *body = Value::Null;
                return true;
            };
            match body.pointer_mut(parent) {
                Some(Value::Object(map)) => drop(map.remove(key)),
                Some(Value::Array(list)) => drop(list.remove(key.parse().unwrap())),
                _ => return false,
            }
        }
        _ => return false,
    }
    true
}

fn encoded(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |so_far, byte| format!("{so_far}%{byte:02X}"))
}

/// A request as it is sent.
#[derive(Clone, Debug)]
struct Spoiled {
    method: &'static str,
    path: String,
    kind: &'static str,
    reason: Option<String>,
    body: Vec<u8>,
}

fn request(one: &valid::Valid, filled: &valid::Filled, all: &[Spoiling]) -> Spoiled {
    let (mut path, mut body) = (filled.path(one), filled.body(one));
    let (mut kind, mut reason, mut cut) = ("application/json", None, None);
    for spoiling in all {
        match spoiling.how {
            How::Path => {
                let (before, query) = path.split_once('?').unwrap_or((&path, ""));
                let mut parts: Vec<String> = before.split('/').map(str::to_owned).collect();
                let at = 1 + spoiling.place as usize % (parts.len() - 1);
                parts[at] = encoded(&spoiling.odd.text());
                path = format!("{}?{query}", parts.join("/"));
            }
            How::Query => {
                let names = [
                    "limit",
                    "before",
                    "after",
                    "around",
                    "wait",
                    "query",
                    "with_counts",
                    "days",
                    "thread_id",
                    "odd",
                ];
                let name = names[spoiling.place as usize % names.len()];
                let begins = if path.contains('?') { '&' } else { '?' };
                path = format!("{path}{begins}{name}={}", encoded(&spoiling.odd.text()));
            }
            How::Cut => cut = Some(spoiling.place as usize),
            How::Type => {
                kind = [
                    "text/plain",
                    "multipart/form-data; boundary=x",
                    "multipart/form-data",
                    "",
                ][spoiling.place as usize % 4];
            }
            How::Reason => reason = Some(encoded(&spoiling.odd.text())),
            _ => {
                spoil(body.get_or_insert_with(|| json!({ "content": "x" })), spoiling);
            }
        }
    }
    let mut bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    if let Some(cut) = cut {
        bytes.truncate(cut % (bytes.len() + 1));
        bytes.extend_from_slice(b"\r\n--x--");
    }
    Spoiled {
        method: one.0,
        path,
        kind,
        reason,
        body: bytes,
    }
}

/// How many rounds are run, and with which choice: one that is always the same, or others until the time is over.
struct Rounds {
    until: Option<Instant>,
    done: u64,
}

impl Rounds {
    fn new() -> Self {
        let minutes = std::env::var("FUZZ_MINUTES")
            .ok()
            .and_then(|text| text.parse::<u64>().ok());
        let until = minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
        Self { until, done: 0 }
    }

    /// The next round's source of cases.
    fn next(&mut self) -> Option<TestRunner> {
        let first = self.done == 0;
        if !first && self.until.is_none_or(|until| Instant::now() >= until) {
            return None;
        }
        self.done += 1;
        Some(if first {
            TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        } else {
            TestRunner::new(Config::default())
        })
    }
}

/// Memory of this process in KiB, where the system tells.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Fails if the sandbox itself has said what Discord's specification forbids, whatever it was asked.
fn has_said_nothing_wrong(sandbox: &Sandbox) {
    let found = sandbox.violations();
    // Not here: what it serves though the specification refuses it, and errors of a whole body, which Discord writes at a
    // place that its own file does not know.
    let is_own = |one: &&Violation| {
        let is_of_request = one.of == ViolationOf::Request || one.text.starts_with("a request was served though");
        !is_of_request && one.pointer != "body/errors/_errors"
    };
    let own = found.iter().filter(is_own);
    let told: Vec<String> = own.map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Fails if much more memory is in use than when things had settled.
fn has_not_grown(settled: u64) {
    let now = resident();
    assert!(now < settled + 256 * 1024, "{settled} KiB grew to {now} KiB");
}

#[tokio::test]
async fn spoiled_requests_are_answered() {
    let mut rounds = Rounds::new();
    let mut settled = None;
    let mut failures = Vec::new();
    let cases = (0..valid::VALID.len(), prop::collection::vec(spoiling(), 1..4));
    while let Some(mut runner) = rounds.next() {
        for _ in 0..REQUESTS / OF_ONE {
            let sandbox = support::builder().interaction_window(LIMIT).start().await.unwrap();
            let rest = Rest::new(&sandbox);
            let (filled, _socket) = valid::prepare(&sandbox).await;
            for _ in 0..OF_ONE {
                let (at, all) = cases.new_tree(&mut runner).unwrap().current();
                let spoiled = request(&valid::VALID[at], &filled, &all);
                if let Err(failure) = send(&rest, &spoiled).await {
                    failures.push(failure);
                }
            }
            assert!(failures.is_empty(), "{}", failures.join("\n\n"));
            // It is still well, and has said nothing that it must not.
            assert_eq!(rest.get("/users/@me").await.status, 200);
            has_said_nothing_wrong(&sandbox);
            sandbox.stop().await;
            settled.get_or_insert_with(resident);
        }
        settled.into_iter().for_each(has_not_grown);
    }
}

async fn send(rest: &Rest, spoiled: &Spoiled) -> Result<(), String> {
    let mut request = rest.request(spoiled.method, &spoiled.path);
    if !spoiled.kind.is_empty() {
        request = request.header("content-type", spoiled.kind);
    }
    if let Some(reason) = &spoiled.reason {
        request = request.header("x-audit-log-reason", reason);
    }
    let told = || {
        format!(
            "{} {}: {}",
            spoiled.method,
            spoiled.path,
            String::from_utf8_lossy(&spoiled.body)
        )
    };
    let answer = request.body(spoiled.body.clone()).timeout(LIMIT).send().await;
    let answer = answer.map_err(|error| format!("no answer, {error}, to {}", told()))?;
    let status = answer.status().as_u16();
    let text = answer
        .text()
        .await
        .map_err(|error| format!("half an answer, {error}, to {}", told()))?;
    let is_error = status >= 400;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let is_told = body["code"].is_u64() && body["message"].is_string();
    if status >= 500 || is_error && !is_told {
        return Err(format!("{status}, {text}, to {}", told()));
    }
    Ok(())
}

/// What clients send, to be spoiled.
fn payloads(sandbox: &Sandbox) -> Vec<Value> {
    let guild = sandbox.guild().id().to_string();
    vec![
        json!({ "op": 2, "d": { "token": sandbox.token(), "intents": support::ALL_INTENTS, "properties": { "os": "test" }, "shard": [0, 1], "presence": { "status": "idle", "afk": false, "since": null, "activities": [{ "name": "n", "type": 0 }] } } }),
        json!({ "op": 1, "d": 5 }),
        json!({ "op": 3, "d": { "status": "dnd", "afk": true, "since": 5, "activities": [{ "name": "n", "type": 4, "state": "s" }] } }),
        json!({ "op": 4, "d": { "guild_id": guild, "channel_id": null, "self_mute": false, "self_deaf": false } }),
        json!({ "op": 6, "d": { "token": sandbox.token(), "session_id": "5", "seq": 5 } }),
        json!({ "op": 8, "d": { "guild_id": guild, "query": "", "limit": 0, "presences": true, "nonce": "n" } }),
        json!({ "op": 31, "d": { "guild_ids": [guild] } }),
    ]
}

#[derive(Clone, Debug)]
struct Sent {
    payload: u32,
    identifies: bool,
    spoiled: Vec<Spoiling>,
    form: u8,
}

fn sent() -> impl Strategy<Value = Sent> {
    (
        any::<u32>(),
        any::<bool>(),
        prop::collection::vec(spoiling(), 0..3),
        any::<u8>(),
    )
        .prop_map(|(payload, identifies, spoiled, form)| Sent {
            payload,
            identifies,
            spoiled,
            form,
        })
}

/// A payload's frame: mostly text, sometimes what no client sends.
fn frame(mut payload: Value, sent: &Sent) -> Message {
    for spoiling in &sent.spoiled {
        spoil(&mut payload, spoiling);
    }
    let text = payload.to_string();
    match sent.form % 16 {
        0 => Message::binary(text.into_bytes()),
        1 => Message::binary(vec![0xff; 300]),
        2 => Message::text(text.chars().take(sent.payload as usize % 40).collect::<String>()),
        3 => Message::text(format!("{{\"op\":{},\"d\":{}}}", sent.payload, "[".repeat(2_000))),
        4 => Message::text("x".repeat(4_097)),
        5 => Message::Ping(vec![1; 20].into()),
        6 => Message::text(text.replace("\"op\":1", "\"op\":1e9")),
        _ => Message::text(text),
    }
}

#[tokio::test]
async fn spoiled_payloads_are_read_or_end_the_connection() {
    let mut rounds = Rounds::new();
    let mut settled = None;
    let cases = prop::collection::vec(sent(), 1..5);
    while let Some(mut runner) = rounds.next() {
        let sandbox = support::builder()
            .session_starts(1_000_000, Duration::from_secs(86_400))
            .start()
            .await
            .unwrap();
        let all = payloads(&sandbox);
        for connection in 0..CONNECTIONS {
            if connection == CONNECTIONS / 4 {
                settled.get_or_insert_with(resident);
            }
            let case = cases.new_tree(&mut runner).unwrap().current();
            let url = format!("{}/?v=10&encoding=json", sandbox.gateway_url());
            let (mut stream, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
            for one in &case {
                if one.identifies && stream.send(Message::text(all[0].to_string())).await.is_err() {
                    break;
                }
                let payload = all[one.payload as usize % all.len()].clone();
                if stream.send(frame(payload, one)).await.is_err() {
                    break;
                }
            }
            // A heartbeat is answered if the connection lives.
            let _ = stream.send(Message::text(r#"{"op":1,"d":null}"#)).await;
            let ended = tokio::time::timeout(LIMIT, async {
                while let Some(Ok(message)) = stream.next().await {
                    if matches!(&message, Message::Text(text) if text.contains("\"op\":11")) {
                        return;
                    }
                }
            });
            ended
                .await
                .unwrap_or_else(|_| panic!("neither an answer nor an end after {case:?}"));
        }
        let mut socket = Socket::identified(&sandbox, support::ALL_INTENTS).await;
        socket.beats().await;
        has_said_nothing_wrong(&sandbox);
        settled.into_iter().for_each(has_not_grown);
        sandbox.stop().await;
    }
}
