//! The program `sandbox`: one line when it is ready, an end when its standard input closes, a clear text for a port that
//! is taken.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Stdio;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

#[tokio::test]
async fn it_says_where_it_is_and_ends_with_its_input() {
    let program = env!("CARGO_BIN_EXE_sandbox");
    let mut running = Command::new(program)
        .args([
            "--port",
            "0",
            "--owner-name",
            "olga",
            "--shards-recommended",
            "3",
            "--privileged-intents",
            "members,message-content",
            "--rate-limits",
            "real",
            "--until-stdin-closes",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    for key in [
        "page_url",
        "api_url",
        "gateway_url",
        "token",
        "owner_id",
        "application_id",
    ] {
        assert!(ready[key].is_string(), "{key} is missing of {ready}");
    }
    let me = reqwest::Client::new()
        .get(format!(
            "{}/api/v10/applications/@me",
            ready["api_url"].as_str().unwrap()
        ))
        .header("authorization", format!("Bot {}", ready["token"].as_str().unwrap()))
        .send()
        .await
        .unwrap();
    let me: Value = me.json().await.unwrap();
    assert_eq!(
        (&me["id"], &me["owner"]["id"]),
        (&ready["application_id"], &ready["owner_id"])
    );

    // Members and message content, not presences.
    assert_eq!(me["flags"], 1 << 15 | 1 << 19);
    let gateway = reqwest::Client::new()
        .get(format!("{}/api/v10/gateway/bot", ready["api_url"].as_str().unwrap()))
        .header("authorization", format!("Bot {}", ready["token"].as_str().unwrap()))
        .send()
        .await
        .unwrap();
    assert_eq!(gateway.json::<Value>().await.unwrap()["shards"], 3);

    let port = ready["api_url"]
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    let mut second = Command::new(program)
        .args(["--port", &port])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    second.stderr.take().unwrap().read_to_string(&mut text).await.unwrap();
    assert!(
        !second.wait().await.unwrap().success() && text.contains("another port"),
        "{text}"
    );

    drop(running.stdin.take());
    assert!(running.wait().await.unwrap().success());
    assert!(lines.next_line().await.unwrap().is_none(), "exactly one line");
}
