//! A recorded session, done again with a reload at every point; on the page's routes; and of a bot's log of events.
#![allow(clippy::unwrap_used, reason = "tests")]

use plugin_testing::{Recording, TestBot, json};

async fn session(bot: &TestBot) -> Recording {
    bot.start_recording();
    let (alice, bob) = (bot.member("alice").role("Moderator"), bot.member("bob"));
    let asked = alice.says("!counter").await;
    let counter = asked.expect_text("Count: 0");
    let counter = alice.clicks(&counter, "Count").await.expect_update();
    bob.clicks(&counter, "Count").await.expect_ephemeral();
    bob.slash("echo", json!({ "text": "to @alice" }))
        .await
        .expect_text("to");
    let pong = bob.says("!ping one").await;
    pong.expect_text("pong one");
    bob.edits(&pong, "!ping two").await.expect_reply();
    alice.reacts(&counter, "👍").await.settles();
    alice.dms("ping").await.expect_text("pong");
    bot.stop_recording()
}

#[tokio::test]
async fn a_session_reads_the_same_with_a_reload_at_every_point() {
    let bot = TestBot::with_plugin("example").await;
    let recording = session(&bot).await;
    insta::assert_snapshot!(recording.transcript);
    assert_eq!(recording.steps.len(), 8, "{}", recording.to_json());
    // As a file, and back.
    let file = bot.folder().join("session.json");
    recording.save(&file).unwrap();
    let recording = Recording::open(&file).unwrap();
    for step in 0..=recording.steps.len() {
        let replayed = bot.replay(&recording).reload_at(step).await;
        replayed.expect_same_transcript();
    }
}

#[tokio::test]
async fn a_bot_that_says_something_else_is_told_from_the_recording() {
    let bot = TestBot::with_plugin("example").await;
    let mut recording = session(&bot).await;
    recording.transcript = recording.transcript.replace("Count: 1", "Count: 7");
    let replayed = bot.replay(&recording).await;
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| replayed.expect_same_transcript()));
    let text = *failed.unwrap_err().downcast::<String>().unwrap();
    assert!(
        text.contains("it differs from line") && text.contains("Count: 7"),
        "{text}"
    );
}

#[tokio::test]
async fn whoever_joins_in_a_recording_joins_in_its_replay() {
    let bot = TestBot::with_plugin("example").await;
    let carol = bot.member("carol");
    carol.leaves().await.settles();
    bot.start_recording();
    let general = bot.channel("general");
    carol.joins().await.settles();
    general.expect_text("Welcome, @carol!");
    let recording = bot.stop_recording();
    assert_eq!(recording.steps.len(), 1, "{}", recording.to_json());
    // Where carol is a member already, and where nobody knows of carol.
    for bot in [bot, TestBot::with_plugin("example").await] {
        let replayed = bot.replay(&recording).await;
        assert!(
            replayed.transcript().contains("Welcome, @carol!"),
            "{}",
            replayed.transcript()
        );
        replayed.expect_same_transcript();
    }
}

/// A request to the page's server, as the page makes them.
fn ask(address: &str, path: &str, body: &serde_json::Value) -> serde_json::Value {
    use std::io::{Read, Write};
    let body = body.to_string();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn the_page_records_and_replays() {
    let bot = TestBot::with_plugin("example").await;
    let address = bot.discord().page_url();
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    let nothing = ask(address, "/page/recording", &json!({ "action": "stop" }));
    assert!(
        nothing["message"].as_str().unwrap().contains("start a recording"),
        "{nothing}"
    );
    ask(address, "/page/recording", &json!({ "action": "start" }));
    bot.member("alice").says("!echo again").await.expect_text("again");
    bot.settles();
    let recording = ask(address, "/page/recording", &json!({ "action": "stop" }));
    assert_eq!(
        Recording::read(&recording.to_string()).unwrap().steps.len(),
        1,
        "{recording}"
    );

    let general = bot.channel("general");
    let begun = ask(address, "/page/replay", &json!({ "recording": recording, "speed": 0 }));
    assert_eq!(begun, json!({ "steps": 1 }));
    general.expect_text("again");
    for speed in [-1.0, 0.001, 1001.0] {
        let refused = ask(
            address,
            "/page/replay",
            &json!({ "recording": recording, "speed": speed }),
        );
        assert!(refused["message"].as_str().unwrap().contains("`speed`"), "{refused}");
    }
    let foreign = ask(address, "/page/replay", &json!({ "recording": { "format": "other" } }));
    assert!(
        foreign["message"].as_str().unwrap().contains("no recording"),
        "{foreign}"
    );
}

#[tokio::test]
async fn a_log_of_events_becomes_a_recording_without_names_and_ids() {
    let person = |id: &str, name: &str| json!({ "id": id, "username": name });
    let (bot, carol, dave) = (
        json!({ "id": "100000000000000001", "username": "robot", "bot": true }),
        person("100000000000000002", "carol"),
        person("100000000000000003", "dave"),
    );
    let (guild, channel) = ("100000000000000004", "100000000000000005");
    let said = |id: &str, author: &serde_json::Value, text: &str, to: Option<&str>| {
        json!({ "id": id, "type": 0, "channel_id": channel, "guild_id": guild, "author": author, "content": text,
                "message_reference": to.map(|to| json!({ "message_id": to })) })
    };
    let counter = json!([{ "type": 1, "components": [{ "type": 2, "custom_id": "secret", "label": "Count" }] }]);
    let mut answer = said("100000000000000007", &bot, "Count: 0", Some("100000000000000006"));
    answer["components"] = counter;
    let events = [
        ("READY", json!({ "user": bot })),
        (
            "GUILD_CREATE",
            json!({ "id": guild, "channels": [{ "id": channel, "name": "general" }], "roles": [], "members": [] }),
        ),
        ("MESSAGE_CREATE", said("100000000000000006", &carol, "!counter", None)),
        ("MESSAGE_CREATE", answer.clone()),
        (
            "MESSAGE_CREATE",
            said(
                "100000000000000010",
                &dave,
                "!ping <@100000000000000002> 100000000000000003",
                None,
            ),
        ),
        // Said before the bot answers: it is the last step, and not what is answered.
        (
            "MESSAGE_CREATE",
            said("100000000000000012", &carol, "between us: hush", None),
        ),
        (
            "MESSAGE_CREATE",
            said("100000000000000011", &bot, "pong", Some("100000000000000010")),
        ),
        (
            "MESSAGE_CREATE",
            said("100000000000000008", &dave, "my address is secret", None),
        ),
        (
            "INTERACTION_CREATE",
            json!({ "id": "100000000000000009", "type": 3, "token": "hidden", "channel_id": channel,
            "guild_id": guild, "member": { "user": carol }, "message": answer, "data": { "custom_id": "secret" } }),
        ),
    ];
    let log: String = events
        .iter()
        .enumerate()
        .map(|(at, (name, data))| json!({ "t": name, "d": data, "at_ms": at * 1000 }).to_string() + "\n")
        .collect();
    let recording = Recording::from_events(&log).unwrap();
    let text = recording.to_json();
    for gone in ["carol", "dave", "secret", "hush", "hidden", "10000000000000"] {
        assert!(!text.contains(gone), "{gone} is in:\n{text}");
    }

    assert!(
        text.contains("!ping <@person-2> (id)") && text.contains("(16 characters)"),
        "{text}"
    );

    // It can be done again with a bot of another session.
    let bot = TestBot::with_plugin("example").await;
    let replayed = bot.replay(&recording).await;
    assert!(replayed.transcript().contains("Count: 1"), "{}", replayed.transcript());
    let broken = Recording::from_events("{\"t\":").unwrap_err().to_string();
    assert!(broken.starts_with("line 1 is no payload"), "{broken}");
}
