//! `cargo xtask dev PLUGIN` as an author uses it: the plugin answers on the page, a mistake is told and breaks nothing, a
//! save changes the answer, and Ctrl-C stops everything.
//!
//! It works on a plugin outside of the workspace, so that no source of the checkout is touched.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long an answer may take, builds included: a limit for hangs, never a measure.
const PATIENCE: Duration = Duration::from_secs(900);
/// After how long without the wanted answer the bot is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Ends the whole group if the test fails.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        signal(&self.0, "KILL");
    }
}

fn signal(child: &Child, signal: &str) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill")
        .args(["-s", signal, "--", &group])
        .stderr(Stdio::null())
        .status();
}

/// A request to the page's server, as the page makes them.
fn ask(address: &str, method: &str, path: &str, body: Option<&Value>) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let body = body.map(Value::to_string).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
    serde_json::from_str(body).unwrap()
}

/// Somebody in direct messages with the bot.
struct Somebody {
    address: String,
    id: String,
    channel: String,
}

impl Somebody {
    fn enter(address: &str) -> Self {
        let person = ask(address, "POST", "/page/people", Some(&json!({ "name": "author" })));
        let direct = ask(address, "POST", "/page/dm", Some(&json!({ "as": person["id"] })));
        Self {
            address: address.to_owned(),
            id: person["id"].as_str().unwrap().to_owned(),
            channel: direct["id"].as_str().unwrap().to_owned(),
        }
    }

    /// Says `!hello` until the bot's reply to that, not to what was said before, has this text.
    fn hears(&self, text: &str) {
        let changes = live(&self.address, &self.id);
        let began = Instant::now();
        let asked = json!({ "as": self.id, "channel_id": self.channel, "content": "!hello" });
        let mut said: Vec<Value> = Vec::new();
        loop {
            // Again and again: the bot may be on its way, or the newer plugin.
            let now = ask(&self.address, "POST", "/page/messages", Some(&asked));
            said.push(now["id"].clone());
            let next = Instant::now() + AGAIN;
            loop {
                let path = format!(
                    "/page/messages?as={}&channel_id={}&limit=100&after={}",
                    self.id,
                    self.channel,
                    said[0].as_str().unwrap()
                );
                let messages = ask(&self.address, "GET", &path, None);
                let is_meant = |message: &Value| {
                    said.contains(&message["message_reference"]["message_id"])
                        && message["content"]
                            .as_str()
                            .is_some_and(|content| content.starts_with(text))
                };
                if messages.as_array().unwrap().iter().any(is_meant) {
                    return;
                }
                assert!(began.elapsed() < PATIENCE, "nobody said {text:?}: {messages:?}");
                match changes.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => panic!("the page's connection ended: {messages:?}"),
                }
            }
            // The first hundred after what was said first have been read: on with the newest.
            if said.len() >= 40 {
                said.clear();
            }
        }
    }
}

/// The page's live connection: tells whenever anything changes that this person sees. Frames of a server are not masked.
fn live(address: &str, person: &str) -> Receiver<()> {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /page/live?as={person} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let (told, changes) = channel();
    std::thread::spawn(
        move || {
            while pass_frame(&mut stream).is_ok() && told.send(()).is_ok() {}
        },
    );
    changes
}

/// Reads over one frame (RFC 6455, 5.2).
fn pass_frame(stream: &mut impl Read) -> std::io::Result<()> {
    let mut start = [0; 2];
    stream.read_exact(&mut start)?;
    let mut longer = [0; 8];
    let length = match start[1] & 0x7f {
        126 => {
            stream.read_exact(&mut longer[6..])?;
            u64::from_be_bytes(longer)
        }
        127 => {
            stream.read_exact(&mut longer)?;
            u64::from_be_bytes(longer)
        }
        short => u64::from(short),
    };
    std::io::copy(&mut stream.take(length), &mut std::io::sink()).map(drop)
}

#[test]
fn a_saved_plugin_answers_anew_and_a_mistake_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let guest = folder.path().join("guest");
    let made = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["new-plugin", "guest", "--path"])
        .arg(&guest)
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    fs::copy(format!("{workspace}/Cargo.lock"), guest.join("Cargo.lock")).unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .arg("dev")
        .arg(&guest)
        .args(["--quick", "--port", "0", "--root"])
        .arg(folder.path().join("bot"))
        // What was compiled already.
        .env("CARGO_TARGET_DIR", format!("{workspace}/target"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut dev = Group(command.spawn().unwrap());
    let mut errors = BufReader::new(dev.0.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    // Read on all the time, so that nobody waits for a full pipe.
    let (told, tells) = channel();
    let reader = std::thread::spawn(move || {
        for line in errors.by_ref() {
            let _ = told.send(line);
        }
    });
    let mut lines = BufReader::new(dev.0.stdout.take().unwrap()).lines();
    let page = lines
        .by_ref()
        .map(Result::unwrap)
        .find_map(|line| line.trim().strip_prefix("Open ").map(|page| page.trim().to_owned()))
        .expect("the page's address is printed");
    let address = page.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let author = Somebody::enter(&address);
    let source = guest.join("src/lib.rs");
    let first = fs::read_to_string(&source).unwrap();
    let waits_for = |text: &str| {
        let mut seen = Vec::new();
        loop {
            let line = tells.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("never said {text:?}: {}", seen.join("\n")));
            if line.contains(text) {
                return;
            }
            seen.push(line);
        }
    };

    waits_for("installed");
    author.hears("Hello, <@");
    fs::write(&source, first.replace("Hello, {name}!", "Hello, {nobody}!")).unwrap();
    waits_for("does not compile");
    author.hears("Hello, <@");
    fs::write(&source, first.replace("Hello, {name}!", "Good day, {name}!")).unwrap();
    waits_for("installed");
    author.hears("Good day, <@");

    signal(&dev.0, "INT");
    let status = dev.0.wait().unwrap();
    reader.join().unwrap();
    let rest: Vec<String> = tells.iter().collect();
    assert!(status.success(), "it ended with {status}:\n{}", rest.join("\n"));
    assert!(TcpStream::connect(&address).is_err(), "the local Discord ends with it");
}
