//! `cargo xtask run` as a newcomer uses it: without a token it starts the bot and a local Discord, prints the page, a
//! message on the page is answered, and Ctrl-C stops everything.
//!
//! It runs in a folder of its own, so that the checkout's settings and data are not touched.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long the answer may take: a limit for hangs, never a measure.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends the whole group if the test fails.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        interrupt(&self.0, "KILL");
    }
}

fn interrupt(child: &Child, signal: &str) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill")
        .args(["-s", signal, "--", &group])
        .stderr(Stdio::null())
        .status();
}

/// A request to the page's server, as the page makes them.
fn ask(address: &str, method: &str, path: &str, body: Option<&Value>) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
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

#[test]
fn run_without_a_token_answers_on_the_page_and_stops_on_interrupt() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["run", "--quick", "--port", "0", "--root"])
        .arg(folder.path());
    for name in [
        "DISCORD_TOKEN",
        "BOT_OWNER_ID",
        "DISCORD_API_URL",
        "DISCORD_GATEWAY_URL",
    ] {
        command.env_remove(name);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut run = Group(command.spawn().unwrap());
    let mut errors = run.0.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).unwrap();
        text
    });
    let mut lines = BufReader::new(run.0.stdout.take().unwrap()).lines();
    let page = lines
        .by_ref()
        .map(Result::unwrap)
        .find_map(|line| line.trim().strip_prefix("Open ").map(|page| page.trim().to_owned()))
        .expect("the page's address is printed");
    let address = page.trim_start_matches("http://").trim_end_matches('/').to_owned();

    // A script's first question: who is there, and where can one talk. It is part of the page's contract.
    let olivia = ask(&address, "POST", "/page/people", Some(&json!({ "name": "newcomer" })));
    let dm = ask(&address, "POST", "/page/dm", Some(&json!({ "as": olivia["id"] })));
    let asked = json!({ "as": olivia["id"], "channel_id": dm["id"], "content": "!ping from the page" });
    let (who, channel) = (olivia["id"].as_str().unwrap(), dm["id"].as_str().unwrap());
    let began = Instant::now();
    let mut said = 0;
    loop {
        // The bot may still be on its way: what is said before it is online is nobody's.
        if said == 0 || began.elapsed() > Duration::from_secs(said) {
            ask(&address, "POST", "/page/messages", Some(&asked));
            said += 1;
        }
        let messages = ask(
            &address,
            "GET",
            &format!("/page/messages?as={who}&channel_id={channel}&limit=50"),
            None,
        );
        let messages = messages.as_array().unwrap();
        if messages
            .iter()
            .any(|message| message["content"] == "pong from the page")
        {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "nobody answered: {messages:?}");
        std::thread::yield_now();
    }

    interrupt(&run.0, "INT");
    let status = run.0.wait().unwrap();
    let errors = errors.join().unwrap();
    assert!(status.success(), "it ended with {status}:\n{errors}");
    // Where DISCORD_OPENAPI names Discord's specification, the local Discord says what breaks it.
    assert!(!errors.contains("Discord's specification"), "{errors}");
    assert!(
        TcpStream::connect(&address).is_err(),
        "the local Discord has ended, too"
    );
}
