//! A bot written by hand for these tests: raw websocket payloads and raw HTTP, so that what the sandbox says is looked
//! at as it is on the wire.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod guild;
pub mod page;

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use flate2::{Decompress, FlushDecompress};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use sandbox::{Builder, Sandbox, ViolationOf};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub mod valid;

/// Longer than anything takes, so that a hang fails instead of waiting for ever.
const LIMIT: Duration = Duration::from_secs(20);

pub const ALL_INTENTS: u64 = 53_608_447;
pub const MESSAGE_CONTENT: u64 = 1 << 15;

/// Discord's own specification, where the environment names it or it lies beside the repository.
pub fn specification() -> Option<PathBuf> {
    let named = std::env::var_os("DISCORD_OPENAPI").filter(|file| !file.is_empty());
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/discord-openapi.json");
    named.map(PathBuf::from).or_else(|| beside.exists().then_some(beside))
}

/// A sandbox to set up, with Discord's own specification watched over where that is at hand.
pub fn builder() -> Builder {
    match specification() {
        Some(file) => Sandbox::builder().specification(file).refuse_violations(false),
        None => Sandbox::builder(),
    }
}

/// Fails if anything was found against the specification.
pub fn nothing_against_the_specification(sandbox: &Sandbox) {
    let found: Vec<String> = sandbox.violations().iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A sandbox that fails its test in the end if it broke the specification itself; what the test sent may be wrong on
/// purpose.
pub struct Strict(Sandbox);

/// Starts one with all defaults.
pub async fn start() -> Strict {
    Strict(builder().start().await.unwrap())
}

impl From<Sandbox> for Strict {
    fn from(sandbox: Sandbox) -> Self {
        Self(sandbox)
    }
}

impl std::ops::Deref for Strict {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl Drop for Strict {
    fn drop(&mut self) {
        let found = self.violations();
        let own = found.iter().filter(|one| one.of != ViolationOf::Request);
        let own: Vec<String> = own.map(ToString::to_string).collect();
        // A test that fails already says why.
        assert!(own.is_empty() || std::thread::panicking(), "{}", own.join("\n"));
    }
}

enum Decoder {
    Plain,
    Zlib(Decompress),
    Zstd(zstd::stream::write::Decoder<'static, Vec<u8>>),
}

/// A gateway connection.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    decoder: Decoder,
    pub sequence: u64,
    pub session: String,
    pub ready: Value,
    /// Payloads that were read while something else was waited for.
    pub last_text: String,
}

impl Socket {
    pub async fn open(sandbox: &Sandbox, compress: Option<&str>) -> Self {
        let query = compress.map(|name| format!("&compress={name}")).unwrap_or_default();
        Self::at(
            &format!("{}/?v=10&encoding=json{query}", sandbox.gateway_url()),
            compress,
        )
        .await
    }

    pub async fn at(url: &str, compress: Option<&str>) -> Self {
        let (stream, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let decoder = match compress {
            Some("zlib-stream") => Decoder::Zlib(Decompress::new(true)),
            Some("zstd-stream") => Decoder::Zstd(zstd::stream::write::Decoder::new(Vec::new()).unwrap()),
            _ => Decoder::Plain,
        };
        let (session, ready) = (String::new(), Value::Null);
        Self {
            stream,
            decoder,
            sequence: 0,
            session,
            ready,
            last_text: String::new(),
        }
    }

    /// Connects, identifies and reads up to READY.
    pub async fn identified(sandbox: &Sandbox, intents: u64) -> Self {
        let mut socket = Self::open(sandbox, None).await;
        assert_eq!(socket.next().await.unwrap()["op"], 10);
        socket.identify(sandbox, json!({ "intents": intents })).await;
        socket.ready = socket.event("READY").await;
        socket.session = socket.ready["session_id"].as_str().unwrap().to_owned();
        socket
    }

    pub async fn identify(&mut self, sandbox: &Sandbox, more: Value) {
        let mut data = json!({ "token": sandbox.token(), "properties": { "os": "test" } });
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        self.send(json!({ "op": 2, "d": data })).await;
    }

    pub async fn resume(&mut self, sandbox: &Sandbox, session: &str, sequence: u64) {
        let data = json!({ "token": sandbox.token(), "session_id": session, "seq": sequence });
        self.send(json!({ "op": 6, "d": data })).await;
    }

    pub async fn send(&mut self, payload: Value) {
        self.stream.send(Message::text(payload.to_string())).await.unwrap();
    }

    /// Connects, and goes on with another socket's session.
    pub async fn resumed(sandbox: &Sandbox, old: &Self, compress: Option<&str>) -> Self {
        let mut socket = Self::open(sandbox, compress).await;
        assert_eq!(socket.next().await.unwrap()["op"], 10);
        socket.sequence = old.sequence;
        socket.session = old.session.clone();
        socket.resume(sandbox, &old.session, old.sequence).await;
        socket
    }

    /// Waits for the answer to a heartbeat: whatever was sent before it has been acted on.
    pub async fn beats(&mut self) {
        self.send(json!({ "op": 1, "d": null })).await;
        while self.next().await.unwrap()["op"] != 11 {}
    }

    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text.to_owned())).await.unwrap();
    }

    pub async fn close(mut self, code: u16) {
        let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        self.stream.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.stream.next().await {}
    }

    /// The next websocket message as it is, or `None` if the connection cannot be read any more.
    pub async fn frame(&mut self) -> Option<Message> {
        let frame = tokio::time::timeout(LIMIT, self.stream.next())
            .await
            .expect("a message in time");
        frame.and_then(Result::ok)
    }

    /// The next payload's text, or the close code (0 if the connection just ended).
    pub async fn text(&mut self) -> Result<String, u16> {
        loop {
            let message = tokio::time::timeout(LIMIT, self.stream.next())
                .await
                .expect("a payload in time");
            return Ok(match (message, &mut self.decoder) {
                (Some(Ok(Message::Text(text))), Decoder::Plain) => text.to_string(),
                (Some(Ok(Message::Binary(bytes))), Decoder::Zlib(context)) => {
                    let mut out = Vec::with_capacity(1 << 20);
                    context.decompress_vec(&bytes, &mut out, FlushDecompress::Sync).unwrap();
                    String::from_utf8(out).unwrap()
                }
                (Some(Ok(Message::Binary(bytes))), Decoder::Zstd(context)) => {
                    context.write_all(&bytes).unwrap();
                    context.flush().unwrap();
                    String::from_utf8(std::mem::take(context.get_mut())).unwrap()
                }
                (Some(Ok(Message::Close(frame))), _) => return Err(frame.map_or(0, |frame| frame.code.into())),
                (Some(Ok(Message::Ping(_) | Message::Pong(_))), _) => continue,
                (None | Some(Err(_)), _) => return Err(0),
                (other, _) => panic!("a frame of the wrong kind: {other:?}"),
            });
        }
    }

    /// The next payload, or the close code (0 if the connection just ended).
    pub async fn next(&mut self) -> Result<Value, u16> {
        self.last_text = self.text().await?;
        let payload: Value = serde_json::from_str(&self.last_text).unwrap();
        if let Some(sequence) = payload["s"].as_u64() {
            assert_eq!(sequence, self.sequence + 1, "sequence numbers have no gaps");
            self.sequence = sequence;
        }
        Ok(payload)
    }

    /// The data of the next event of this name; others are passed over.
    pub async fn event(&mut self, name: &str) -> Value {
        loop {
            let payload = self
                .next()
                .await
                .unwrap_or_else(|code| panic!("closed with {code} while waiting for {name}"));
            if payload["t"] == name {
                return payload["d"].clone();
            }
        }
    }

    /// The close code; payloads before it are passed over.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

/// The bot's REST side.
pub struct Rest {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answered {
    /// The JSON error code.
    pub fn code(&self) -> u64 {
        self.body["code"].as_u64().unwrap_or(u64::MAX)
    }
}

impl Rest {
    pub fn new(sandbox: &Sandbox) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            client,
            base: format!("{}/api/v10", sandbox.api_url()),
            token: Some(format!("Bot {}", sandbox.token())),
        }
    }

    pub fn without_token(sandbox: &Sandbox) -> Self {
        Self {
            token: None,
            ..Self::new(sandbox)
        }
    }

    pub fn page(sandbox: &Sandbox) -> Self {
        Self {
            token: None,
            base: sandbox.api_url(),
            ..Self::new(sandbox)
        }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header("authorization", token),
            None => request,
        }
    }

    pub async fn run(request: reqwest::RequestBuilder) -> Answered {
        let response = request.timeout(LIMIT).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answered { status, headers, body }
    }

    pub async fn get(&self, path: &str) -> Answered {
        Self::run(self.request("GET", path)).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Answered {
        Self::run(self.request(method, path).json(&body)).await
    }

    pub async fn bare(&self, method: &str, path: &str) -> Answered {
        Self::run(self.request(method, path)).await
    }

    /// Answers an interaction with a text.
    pub async fn answer(&self, interaction: &Value, body: Value) -> Answered {
        let (id, token) = (
            interaction["id"].as_str().unwrap(),
            interaction["token"].as_str().unwrap(),
        );
        self.send("POST", &format!("/interactions/{id}/{token}/callback"), body)
            .await
    }

    /// A call below an interaction's webhook.
    pub async fn webhook(&self, method: &str, interaction: &Value, rest: &str, body: Value) -> Answered {
        let (application, token) = (
            interaction["application_id"].as_str().unwrap(),
            interaction["token"].as_str().unwrap(),
        );
        self.send(method, &format!("/webhooks/{application}/{token}{rest}"), body)
            .await
    }

    /// Registers global commands.
    pub async fn register(&self, sandbox: &Sandbox, commands: Value) -> Answered {
        self.send(
            "PUT",
            &format!("/applications/{}/commands", sandbox.application_id()),
            commands,
        )
        .await
    }
}
