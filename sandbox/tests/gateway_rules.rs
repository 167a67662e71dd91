//! What the gateway allows: shards, session starts, payloads' forms, events a minute, resume windows. Time is
//! advanced, never waited for.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{io::Read, time::Duration};

use sandbox::{Direction, Guild, PrivilegedIntents, RateLimits, Sandbox};
use serde_json::{Value, json};
use support::{ALL_INTENTS, MESSAGE_CONTENT, Rest, Socket};
use tokio_tungstenite::tungstenite::Message;

const GUILD_MEMBERS: u64 = 1 << 1;
const GUILD_PRESENCES: u64 = 1 << 8;

fn invalid_session() -> Value {
    json!({ "t": null, "s": null, "op": 9, "d": false })
}

/// A connection that has said HELLO.
async fn connected(sandbox: &Sandbox) -> Socket {
    let mut socket = Socket::open(sandbox, None).await;
    assert_eq!(socket.next().await.unwrap()["op"], 10);
    socket
}

/// An identified shard.
async fn shard(sandbox: &Sandbox, id: u64, count: u64) -> Socket {
    let mut socket = connected(sandbox).await;
    socket
        .identify(sandbox, json!({ "intents": ALL_INTENTS, "shard": [id, count] }))
        .await;
    socket.ready = socket.event("READY").await;
    socket.session = socket.ready["session_id"].as_str().unwrap().to_owned();
    socket
}

/// A guild of each shard of two.
fn one_guild_each(sandbox: &Sandbox) -> [Guild; 2] {
    let mut guilds = vec![sandbox.guild()];
    guilds.extend((0..8).map(|n| sandbox.add_guild(&format!("g{n}"))));
    [0, 1].map(|wanted| guilds.iter().find(|guild| guild.shard(2) == wanted).unwrap().clone())
}

/// The contents of the messages that come before this one.
async fn before(socket: &mut Socket, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let text = socket.event("MESSAGE_CREATE").await["content"]
            .as_str()
            .unwrap()
            .to_owned();
        if text == last {
            return heard;
        }
        heard.push(text);
    }
}

#[tokio::test]
async fn guilds_go_to_their_shard_and_direct_messages_to_the_first() {
    let sandbox = Sandbox::builder().shards(2).start().await.unwrap();
    let [even, odd] = one_guild_each(&sandbox);
    let rest = Rest::new(&sandbox);
    assert_eq!(rest.get("/gateway/bot").await.body["shards"], 2);
    let (mut first, mut second) = (shard(&sandbox, 0, 2).await, shard(&sandbox, 1, 2).await);
    for (socket, id) in [(&first, 0), (&second, 1)] {
        assert_eq!(socket.ready["shard"], json!([id, 2]));
        let guilds = socket.ready["guilds"].as_array().unwrap();
        assert!(!guilds.is_empty());
        for guild in guilds {
            let guild: u64 = guild["id"].as_str().unwrap().parse().unwrap();
            assert_eq!((guild >> 22) % 2, id);
        }
    }
    sandbox.expect_online().await;
    even.user("alice").says("even").await;
    odd.user("alice").says("odd").await;
    even.user("alice").dm("direct").await;
    even.user("alice").says("end").await;
    odd.user("alice").says("end").await;
    assert_eq!(before(&mut first, "end").await, ["even", "direct"]);
    assert_eq!(before(&mut second, "end").await, ["odd"]);
    // One shard is dropped, and resumes alone.
    sandbox.shard(1).drop_connection();
    assert!(!sandbox.is_online() && sandbox.shard(0).is_online() && !sandbox.shard(1).is_online());
    assert_eq!(second.closed().await, 0);
    odd.user("alice").says("meanwhile").await;
    even.user("alice").says("still").await;
    assert_eq!(first.event("MESSAGE_CREATE").await["content"], "still");
    let mut again = Socket::resumed(&sandbox, &second, None).await;
    assert_eq!(again.event("MESSAGE_CREATE").await["content"], "meanwhile");
    sandbox.shard(1).expect_online().await;
}

#[tokio::test]
async fn sessions_of_one_shard_and_of_other_shard_counts_live_beside_each_other() {
    let sandbox = Sandbox::start().await.unwrap();
    let [even, odd] = one_guild_each(&sandbox);
    let mut sockets = [
        shard(&sandbox, 0, 1).await,
        shard(&sandbox, 0, 1).await,
        shard(&sandbox, 1, 2).await,
    ];
    even.user("alice").says("even").await;
    odd.user("alice").says("odd").await;
    let expected: [&[&str]; 3] = [&["even"], &["even"], &[]];
    for (socket, expected) in sockets.iter_mut().zip(expected) {
        assert_eq!(before(socket, "odd").await, expected);
    }
}

#[tokio::test]
async fn too_many_guilds_for_a_shard_need_more_shards() {
    let sandbox = Sandbox::builder().guilds_per_shard(1).start().await.unwrap();
    sandbox.add_guild("Second");
    let count = (2..64)
        .find(|count| sandbox.guild().shard(*count) != sandbox.guilds()[1].shard(*count))
        .unwrap();
    let mut socket = connected(&sandbox).await;
    socket.identify(&sandbox, json!({ "intents": 1 })).await;
    assert_eq!(socket.closed().await, 4011);
    shard(&sandbox, 0, count).await;
    for wrong in [
        json!([2, 2]),
        json!([0, 0]),
        json!([0]),
        json!([-1, 2]),
        json!(["0", "1"]),
    ] {
        let mut socket = connected(&sandbox).await;
        socket.identify(&sandbox, json!({ "intents": 1, "shard": wrong })).await;
        assert_eq!(socket.closed().await, 4010, "{wrong}");
    }
}

#[tokio::test]
async fn session_starts_are_counted_and_resumes_are_not() {
    let sandbox = Sandbox::builder()
        .session_starts(3, Duration::from_secs(3600))
        .identify_concurrency(16, Duration::ZERO)
        .start()
        .await
        .unwrap();
    let rest = Rest::new(&sandbox);
    let limit = async || rest.get("/gateway/bot").await.body["session_start_limit"].clone();
    let fresh = limit().await;
    assert_eq!(
        (&fresh["total"], &fresh["remaining"], &fresh["max_concurrency"]),
        (&json!(3), &json!(3), &json!(16))
    );
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    sandbox.drop_connection();
    assert_eq!(socket.closed().await, 0);
    Socket::resumed(&sandbox, &socket, None).await.event("RESUMED").await;
    // What is refused does not count either.
    let mut refused = connected(&sandbox).await;
    refused
        .identify(&sandbox, json!({ "token": "MTIz.x.y", "intents": 1 }))
        .await;
    assert_eq!(refused.closed().await, 4004);
    let used = limit().await;
    assert_eq!(used["remaining"], 2);
    assert!(
        (3_500_000..=3_600_000).contains(&used["reset_after"].as_u64().unwrap()),
        "{used}"
    );
    sandbox.advance(Duration::from_secs(3600));
    assert_eq!(limit().await["remaining"], 3);
    // With the last one used up, the next costs the bot its token.
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(Socket::identified(&sandbox, 1).await);
    }
    assert_eq!(limit().await["remaining"], 0);
    let mut over = connected(&sandbox).await;
    over.identify(&sandbox, json!({ "intents": 1 })).await;
    for mut socket in sockets.into_iter().chain([over]) {
        assert_eq!(socket.closed().await, 4004);
    }
    assert!(!sandbox.is_token_valid() && !sandbox.is_online());
    assert_eq!(rest.get("/users/@me").await.status, 401);
    sandbox.restore_token();
    sandbox.advance(Duration::from_secs(3600));
    Socket::identified(&sandbox, 1).await;
    assert_eq!(rest.get("/users/@me").await.status, 200);
}

#[tokio::test]
async fn identifies_in_one_window_are_bounded_by_the_shards_bucket() {
    let sandbox = Sandbox::builder()
        .identify_concurrency(2, Duration::from_secs(5))
        .start()
        .await
        .unwrap();
    let mut first = shard(&sandbox, 0, 4).await;
    // The other bucket.
    shard(&sandbox, 1, 4).await;
    let mut third = connected(&sandbox).await;
    let asks = json!({ "intents": 1, "shard": [2, 4] });
    third.identify(&sandbox, asks.clone()).await;
    assert_eq!(third.next().await.unwrap(), invalid_session());
    // A resume is not held back.
    sandbox.shard(0).drop_connection();
    assert_eq!(first.closed().await, 0);
    Socket::resumed(&sandbox, &first, None).await.event("RESUMED").await;
    sandbox.advance(Duration::from_secs(5));
    third.identify(&sandbox, asks).await;
    third.event("READY").await;
    // With real rate limits, Discord's window.
    let real = Sandbox::builder().rate_limits(RateLimits::Real).start().await.unwrap();
    Socket::identified(&real, 1).await;
    let mut again = connected(&real).await;
    again.identify(&real, json!({ "intents": 1 })).await;
    assert_eq!(again.next().await.unwrap(), invalid_session());
    let limit = Rest::new(&sandbox).get("/gateway/bot").await.body["session_start_limit"].clone();
    assert_eq!(
        (&limit["remaining"], &limit["max_concurrency"]),
        (&json!(997), &json!(2))
    );
}

#[tokio::test]
async fn malformed_payloads_end_the_connection_with_their_code() {
    let sandbox = Sandbox::builder()
        .privileged_intents(PrivilegedIntents::NONE)
        .start()
        .await
        .unwrap();
    let identify = |more: Value| {
        let mut data = json!({ "token": sandbox.token(), "properties": { "os": "x", "browser": "x", "device": "x" }, "intents": 1 });
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        json!({ "op": 2, "d": data })
    };
    let first = identify(json!({}));
    for (payloads, code) in [
        (vec![identify(json!({ "misspelt": 1 }))], 4002),
        (vec![identify(json!({ "token": 1 }))], 4002),
        (vec![identify(json!({ "properties": { "os": 1 } }))], 4002),
        (vec![identify(json!({ "properties": { "host": "x" } }))], 4002),
        (vec![identify(json!({ "large_threshold": 49 }))], 4002),
        (vec![identify(json!({ "large_threshold": 251 }))], 4002),
        (vec![identify(json!({ "compress": "yes" }))], 4002),
        (vec![identify(json!({ "presence": { "status": "happy" } }))], 4002),
        (
            vec![identify(json!({ "presence": { "status": "online", "activity": {} } }))],
            4002,
        ),
        (vec![identify(json!({ "intents": null }))], 4002),
        (vec![identify(json!({ "intents": "1" }))], 4002),
        (vec![identify(json!({ "intents": 1 << 30 }))], 4013),
        (vec![identify(json!({ "intents": GUILD_MEMBERS }))], 4014),
        (vec![identify(json!({ "intents": GUILD_PRESENCES }))], 4014),
        (vec![identify(json!({ "intents": MESSAGE_CONTENT }))], 4014),
        (vec![first.clone(), first.clone()], 4005),
        (
            vec![json!({ "op": 6, "d": { "token": sandbox.token(), "session_id": "x" } })],
            4002,
        ),
        (
            vec![json!({ "op": 6, "d": { "token": "MTIz.x.y", "session_id": "x", "seq": 1 } })],
            4004,
        ),
        (
            vec![json!({ "op": 8, "d": { "guild_id": "1", "query": "", "limit": 0 } })],
            4003,
        ),
        (
            vec![json!({ "op": 4, "d": { "guild_id": "1", "channel_id": null } })],
            4003,
        ),
        (vec![json!({ "op": 31, "d": { "guild_ids": ["1"] } })], 4003),
        (
            vec![first.clone(), json!({ "op": 3, "d": { "status": "online", "afk": 1 } })],
            4002,
        ),
        (
            vec![first.clone(), json!({ "op": 4, "d": { "channel_id": "1" } })],
            4002,
        ),
        (vec![first.clone(), json!({ "op": 8, "d": { "guild_id": "1" } })], 4002),
        (
            vec![
                first.clone(),
                json!({ "op": 8, "d": { "guild_id": "1", "query": "a" } }),
            ],
            4002,
        ),
        (vec![first.clone(), json!({ "op": 0, "d": {} })], 4001),
        (vec![first.clone(), json!({ "op": 11, "d": null })], 4001),
    ] {
        let mut socket = connected(&sandbox).await;
        for payload in &payloads {
            socket.send(payload.clone()).await;
        }
        assert_eq!(socket.closed().await, code, "{payloads:?}");
    }
    for (query, code) in [
        ("v=8", 4012),
        ("v=10&encoding=etf", 4002),
        ("v=10&compress=brotli", 4002),
    ] {
        let mut socket = Socket::at(&format!("{}/?{query}", sandbox.gateway_url()), None).await;
        assert_eq!(socket.closed().await, code, "{query}");
    }
    // 4,096 bytes are accepted, one more is not.
    let padded = |size: usize| {
        let text = json!({ "op": 1, "d": null }).to_string();
        format!("{text}{}", " ".repeat(size - text.len()))
    };
    let mut socket = connected(&sandbox).await;
    socket.send_text(&padded(4096)).await;
    assert_eq!(socket.next().await.unwrap()["op"], 11);
    socket.send_text(&padded(4097)).await;
    assert_eq!(socket.closed().await, 4002);
    let said = sandbox.gateway_log().into_iter().any(|entry| {
        entry.direction == Direction::Note
            && entry
                .name
                .is_some_and(|name| name.contains("d.misspelt is no field of this"))
    });
    assert!(said, "the log names what is wrong");
}

#[tokio::test]
async fn a_bot_may_show_a_presence_and_ask_for_voice_and_sounds() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = connected(&sandbox).await;
    let presence =
        json!({ "since": null, "status": "idle", "afk": false, "activities": [{ "name": "cards", "type": 0 }] });
    socket
        .identify(&sandbox, json!({ "intents": 1, "presence": presence }))
        .await;
    socket.event("READY").await;
    assert_eq!(sandbox.bot_presence()["activities"][0]["name"], "cards");
    let guild = sandbox.guild().id().to_string();
    for (op, data) in [
        (
            3,
            json!({ "since": 1, "status": "dnd", "afk": true, "activities": [{ "name": "x", "type": 4, "state": "busy" }] }),
        ),
        (
            4,
            json!({ "guild_id": guild, "channel_id": null, "self_mute": false, "self_deaf": false }),
        ),
        (31, json!({ "guild_ids": [guild] })),
        (43, json!({ "guild_id": guild, "fields": ["status"] })),
    ] {
        socket.send(json!({ "op": op, "d": data })).await;
    }
    socket.beats().await;
    assert_eq!(
        sandbox.bot_presence(),
        json!({ "status": "dnd", "activities": [{ "name": "x", "type": 4, "state": "busy" }] })
    );
}

#[tokio::test]
async fn a_client_may_send_120_events_in_a_minute() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = connected(&sandbox).await;
    for _ in 0..120 {
        socket.send(json!({ "op": 1, "d": null })).await;
    }
    for _ in 0..120 {
        assert_eq!(socket.next().await.unwrap()["op"], 11);
    }
    sandbox.advance(Duration::from_secs(61));
    socket.beats().await;
    for _ in 0..120 {
        socket.send(json!({ "op": 1, "d": null })).await;
    }
    assert_eq!(socket.closed().await, 4008);
}

#[tokio::test]
async fn a_session_whose_heartbeats_stop_is_over() {
    let sandbox = Sandbox::builder()
        .heartbeat_interval(Duration::from_secs(1))
        .start()
        .await
        .unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    assert_eq!(socket.closed().await, 4009);
    sandbox.expect_offline().await;
    let mut again = Socket::resumed(&sandbox, &socket, None).await;
    assert_eq!(again.next().await.unwrap(), invalid_session());
}

#[tokio::test]
async fn sessions_are_forgotten_after_a_while() {
    let sandbox = Sandbox::builder()
        .resume_window(Duration::from_secs(60))
        .start()
        .await
        .unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    sandbox.drop_connection();
    assert_eq!(socket.closed().await, 0);
    sandbox.advance(Duration::from_secs(55));
    let mut again = Socket::resumed(&sandbox, &socket, None).await;
    again.event("RESUMED").await;
    // Time goes by from the last connection's end, not before.
    sandbox.advance(Duration::from_secs(120));
    sandbox.drop_connection();
    let mut third = Socket::resumed(&sandbox, &again, None).await;
    third.event("RESUMED").await;
    sandbox.drop_connection();
    sandbox.advance(Duration::from_secs(60));
    let mut late = Socket::resumed(&sandbox, &third, None).await;
    assert_eq!(late.next().await.unwrap(), invalid_session());
}

#[tokio::test]
async fn a_session_that_missed_more_than_is_kept_does_not_resume() {
    let sandbox = Sandbox::builder().resume_events(5).start().await.unwrap();
    let alice = sandbox.guild().user("alice");
    for (missed, resumes) in [(5, true), (6, false)] {
        let mut socket = Socket::identified(&sandbox, ALL_INTENTS & !(1 << 11)).await;
        socket.event("GUILD_CREATE").await;
        sandbox.drop_connection();
        assert_eq!(socket.closed().await, 0);
        for n in 0..missed {
            alice.says(&format!("{n}")).await;
        }
        let mut again = Socket::resumed(&sandbox, &socket, None).await;
        let next = again.next().await.unwrap();
        if resumes {
            assert_eq!(next["d"]["content"], "0");
            again.event("RESUMED").await;
            sandbox.close_with(1000);
        } else {
            assert_eq!(next, invalid_session());
        }
    }
}

#[tokio::test]
async fn a_resume_from_the_future_ends_the_session() {
    let sandbox = Sandbox::start().await.unwrap();
    let socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (session, sequence) = (socket.session.clone(), socket.sequence);
    socket.close(4000).await;
    sandbox.expect_offline().await;
    for (sequence, code) in [(sequence + 100, Some(4007)), (sequence, None)] {
        let mut again = connected(&sandbox).await;
        again.resume(&sandbox, &session, sequence).await;
        match code {
            Some(code) => assert_eq!(again.closed().await, code),
            None => assert_eq!(again.next().await.unwrap(), invalid_session()),
        }
    }
}

#[tokio::test]
async fn large_payloads_are_compressed_for_whom_asks_and_transport_compression_comes_first() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = connected(&sandbox).await;
    socket
        .identify(&sandbox, json!({ "intents": ALL_INTENTS, "compress": true }))
        .await;
    socket.event("READY").await;
    socket.event("GUILD_CREATE").await;
    sandbox.guild().user("alice").says(&"long ".repeat(390)).await;
    assert_eq!(
        socket.event("MESSAGE_CREATE").await["content"].as_str().unwrap().len(),
        "long ".len() * 390 - 1
    );
    let big = json!({ "text": "0123456789".repeat(1000) }).to_string();
    sandbox.gateway().dispatch("BIG_THING", &big);
    let Some(Message::Binary(bytes)) = socket.frame().await else {
        panic!("not compressed")
    };
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    assert!(
        bytes.len() < text.len() / 4 && text.starts_with(r#"{"t":"BIG_THING","s":"#),
        "{text}"
    );
    for compress in ["zlib-stream", "zstd-stream"] {
        let mut socket = Socket::open(&sandbox, Some(compress)).await;
        socket.next().await.unwrap();
        socket
            .identify(&sandbox, json!({ "intents": ALL_INTENTS, "compress": true }))
            .await;
        socket.event("READY").await;
        sandbox.gateway().dispatch("BIG_THING", &big);
        assert_eq!(socket.event("BIG_THING").await["text"].as_str().unwrap().len(), 10_000);
    }
}

#[tokio::test]
async fn after_an_invalid_session_only_identifying_is_left() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    socket.event("GUILD_CREATE").await;
    sandbox.invalidate_session(false);
    assert_eq!(socket.next().await.unwrap(), invalid_session());
    socket
        .send(json!({ "op": 3, "d": { "since": null, "activities": [], "status": "online", "afk": false } }))
        .await;
    assert_eq!(socket.closed().await, 4003);
}
