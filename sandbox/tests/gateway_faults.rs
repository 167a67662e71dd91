//! The faults of the gateway that tests ask for, as a client sees them on the wire.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use sandbox::{Refusal, Sandbox, Undecodable};
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Error, Message};

/// An identified bot that has read its guild.
async fn bot(sandbox: &Sandbox) -> Socket {
    let mut socket = Socket::identified(sandbox, ALL_INTENTS).await;
    socket.event("GUILD_CREATE").await;
    socket
}

async fn text(socket: &mut Socket) -> Value {
    socket.event("MESSAGE_CREATE").await["content"].clone()
}

#[tokio::test]
async fn a_silent_gateway_acknowledges_nothing_while_a_new_connection_resumes() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = bot(&sandbox).await;
    sandbox.gateway().silence();
    let alice = sandbox.guild().user("alice");
    alice.says("unheard").await;
    socket.send(json!({ "op": 1, "d": null })).await;
    let mut again = Socket::resumed(&sandbox, &socket, None).await;
    assert_eq!(text(&mut again).await, "unheard");
    again.event("RESUMED").await;
    again.beats().await;
    // The resumed session ends the old connection, without another word on it.
    assert_eq!(socket.next().await, Err(0));
}

#[tokio::test]
async fn a_gateway_that_speaks_again_tells_what_it_held_back() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = bot(&sandbox).await;
    sandbox.gateway().silence();
    let alice = sandbox.guild().user("alice");
    for n in 0..5 {
        alice.says(&format!("{n}")).await;
    }
    socket.send(json!({ "op": 1, "d": null })).await;
    // Another connection is answered, so the heartbeat above has been too, were it not for the silence.
    let mut other = Socket::identified(&sandbox, ALL_INTENTS).await;
    other.beats().await;
    sandbox.gateway().end_silence();
    for n in 0..5 {
        assert_eq!(text(&mut socket).await, format!("{n}"));
    }
    socket.beats().await;
}

#[tokio::test]
async fn connections_are_turned_away_in_every_way() {
    let sandbox = Sandbox::start().await.unwrap();
    let url = format!("{}/?v=10&encoding=json", sandbox.gateway_url());
    let gateway = sandbox.gateway();
    gateway.refuse_next(2, Refusal::Status(503));
    for _ in 0..2 {
        match tokio_tungstenite::connect_async(&url).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 503),
            other => panic!("{other:?}"),
        }
    }
    // Without a byte of an answer.
    gateway.refuse(Refusal::HangUp);
    for _ in 0..3 {
        let mut raw = tokio::net::TcpStream::connect(sandbox.gateway_url().trim_start_matches("ws://"))
            .await
            .unwrap();
        raw.write_all(b"GET /?v=10 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        let _ = raw.read_to_end(&mut answer).await;
        assert_eq!(String::from_utf8_lossy(&answer), "");
    }
    assert_eq!(gateway.refused(), 5);
    // REST goes on.
    assert_eq!(Rest::new(&sandbox).get("/users/@me").await.status, 200);
    gateway.refuse(Refusal::NoAnswer);
    let waiting = tokio::spawn({
        let url = url.clone();
        async move { tokio_tungstenite::connect_async(url).await.is_err() }
    });
    gateway.expect_refused(6).await;
    assert!(!waiting.is_finished());
    gateway.accept();
    assert!(waiting.await.unwrap(), "the connection that waited ends");
    gateway.refuse_next(1, Refusal::Close(4000));
    assert_eq!(Socket::open(&sandbox, None).await.closed().await, 4000);
    gateway.refuse_next(1, Refusal::NoHello);
    let mut mute = Socket::open(&sandbox, None).await;
    mute.send(json!({ "op": 1, "d": null })).await;
    bot(&sandbox).await.beats().await;
    sandbox.stop().await;
    assert_eq!(mute.next().await, Err(0), "nothing was said before the end");
}

#[tokio::test]
async fn undecodable_payloads_arrive_as_they_are_and_the_connection_goes_on() {
    for compress in [None, Some("zlib-stream"), Some("zstd-stream")] {
        let sandbox = Sandbox::start().await.unwrap();
        let mut socket = Socket::open(&sandbox, compress).await;
        socket.next().await.unwrap();
        socket.identify(&sandbox, json!({ "intents": ALL_INTENTS })).await;
        socket.event("GUILD_CREATE").await;
        for kind in Undecodable::HARMLESS {
            let before = socket.sequence;
            sandbox.gateway().send_undecodable(kind);
            let text = socket.text().await.unwrap();
            let has_sequence = text.contains(&format!("\"s\":{}", before + 1));
            let read = serde_json::from_str::<Value>(&text);
            match kind {
                Undecodable::BrokenJson | Undecodable::DeepNesting => assert!(has_sequence && read.is_err(), "{text}"),
                Undecodable::NoJson | Undecodable::Empty => assert!(!has_sequence && read.is_err(), "{text}"),
                Undecodable::UnknownOpcode => assert_eq!(read.unwrap()["op"], 99),
                Undecodable::UnknownEvent => assert_eq!(read.unwrap()["t"], "MOON_PHASE_UPDATE"),
                Undecodable::WrongTypes => assert_eq!(read.unwrap()["d"]["author"], 7),
                Undecodable::MissingFields => assert_eq!(read.unwrap()["d"], json!({})),
                Undecodable::NullData => assert!(read.unwrap()["d"].is_null() && has_sequence),
                Undecodable::Garbage | Undecodable::BrokenFrame => unreachable!("not harmless"),
            }
            if has_sequence {
                socket.sequence += 1;
            }
        }
        socket.beats().await;
        sandbox.guild().user("alice").says("still here").await;
        assert_eq!(text(&mut socket).await, "still here");
    }
}

#[tokio::test]
async fn garbage_goes_past_the_compression_and_broken_frames_below_the_websocket() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::open(&sandbox, Some("zstd-stream")).await;
    socket.next().await.unwrap();
    sandbox.gateway().send_undecodable(Undecodable::Garbage);
    let Some(Message::Binary(bytes)) = socket.frame().await else {
        panic!("no binary message")
    };
    assert!(bytes.starts_with(&[0x00, 0xff, 0x78, 0x9c]), "{bytes:?}");
    let mut socket = bot(&sandbox).await;
    sandbox.gateway().send_undecodable(Undecodable::BrokenFrame);
    assert_eq!(socket.frame().await, None);
    let mut again = Socket::resumed(&sandbox, &socket, None).await;
    again.event("RESUMED").await;
}

#[tokio::test]
async fn a_connection_may_end_in_the_middle_of_a_payload() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = bot(&sandbox).await;
    sandbox.gateway().drop_in_frame();
    assert!(!sandbox.is_online());
    assert_eq!(socket.next().await, Err(0));
    sandbox.guild().user("alice").says("meanwhile").await;
    let mut again = Socket::resumed(&sandbox, &socket, None).await;
    assert_eq!(text(&mut again).await, "meanwhile");
}

#[tokio::test]
async fn slow_payloads_all_arrive_and_in_order() {
    let sandbox = Sandbox::start().await.unwrap();
    let gateway = sandbox.gateway();
    gateway.delay(Duration::from_millis(30));
    let mut socket = bot(&sandbox).await;
    let alice = sandbox.guild().user("alice");
    for n in 0..20 {
        alice.says(&format!("{n}")).await;
    }
    gateway.full_speed();
    alice.says("20").await;
    gateway.dribble(100, Duration::from_micros(50));
    alice.says("21").await;
    for n in 0..22 {
        assert_eq!(text(&mut socket).await, format!("{n}"));
    }
    // A new connection is slow too.
    gateway.dribble(2048, Duration::from_millis(1));
    let mut again = Socket::identified(&sandbox, ALL_INTENTS).await;
    again.beats().await;
}

#[tokio::test]
async fn a_dribbled_payload_is_cut_when_the_connection_drops() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = bot(&sandbox).await;
    // One byte an hour: only the end of the connection is ever seen.
    sandbox.gateway().dribble(1, Duration::from_secs(3600));
    let alice = sandbox.guild().user("alice");
    alice.says("first").await;
    sandbox.gateway().drop_connection();
    sandbox.gateway().full_speed();
    assert_eq!(socket.next().await, Err(0));
    let mut again = Socket::resumed(&sandbox, &socket, None).await;
    assert_eq!(text(&mut again).await, "first");
}

#[tokio::test]
async fn the_server_may_ask_for_a_heartbeat() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = bot(&sandbox).await;
    sandbox.gateway().ask_heartbeat();
    assert_eq!(
        socket.next().await.unwrap(),
        json!({ "t": null, "s": null, "op": 1, "d": null })
    );
    socket.beats().await;
}

#[tokio::test]
async fn refused_resumes_and_identifies_are_invalid_sessions() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = bot(&sandbox).await;
    sandbox.drop_connection();
    assert_eq!(socket.closed().await, 0);
    sandbox.gateway().refuse_resumes(1);
    sandbox.gateway().refuse_identifies(2);
    let invalid = json!({ "t": null, "s": null, "op": 9, "d": false });
    let mut again = Socket::resumed(&sandbox, &socket, None).await;
    assert_eq!(again.next().await.unwrap(), invalid);
    for _ in 0..2 {
        again.identify(&sandbox, json!({ "intents": 1 })).await;
        assert_eq!(again.next().await.unwrap(), invalid);
    }
    again.identify(&sandbox, json!({ "intents": 1 })).await;
    again.sequence = 0;
    again.event("READY").await;
    assert_eq!((sandbox.identifies(), sandbox.resumes()), (2, 0));
    // The refused session is gone for good.
    let mut late = Socket::resumed(&sandbox, &socket, None).await;
    assert_eq!(late.next().await.unwrap(), invalid);
}

#[tokio::test]
async fn an_interrupted_replay_is_taken_up_where_it_ended() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = bot(&sandbox).await;
    sandbox.drop_connection();
    assert_eq!(socket.closed().await, 0);
    let alice = sandbox.guild().user("alice");
    for n in 0..6 {
        alice.says(&format!("{n}")).await;
    }
    sandbox.gateway().interrupt_replay(2);
    sandbox.gateway().interrupt_replay(3);
    let mut heard = Vec::new();
    for _ in 0..2 {
        let mut again = Socket::resumed(&sandbox, &socket, None).await;
        while let Ok(payload) = again.next().await {
            assert_ne!(payload["t"], "RESUMED");
            heard.push(payload["d"]["content"].as_str().unwrap().to_owned());
        }
        socket = again;
        sandbox.expect_offline().await;
    }
    alice.says("6").await;
    let mut again = Socket::resumed(&sandbox, &socket, None).await;
    loop {
        let payload = again.next().await.unwrap();
        if payload["t"] == "RESUMED" {
            break;
        }
        heard.push(payload["d"]["content"].as_str().unwrap().to_owned());
    }
    assert_eq!(heard, ["0", "1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn a_guild_may_stay_unavailable() {
    let sandbox = Sandbox::start().await.unwrap();
    let other = sandbox.add_guild("Other");
    other.goes_down();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    assert_eq!(socket.ready["guilds"].as_array().unwrap().len(), 2);
    assert_eq!(socket.event("GUILD_CREATE").await["name"], "Sandbox");
    other.user("alice").says("unheard").await;
    sandbox.guild().user("alice").says("heard").await;
    let next = socket.next().await.unwrap();
    assert_eq!(
        (&next["t"], &next["d"]["content"]),
        (&json!("MESSAGE_CREATE"), &json!("heard"))
    );
    other.comes_up();
    assert_eq!(socket.event("GUILD_CREATE").await["name"], "Other");
    other.goes_down();
    assert_eq!(
        socket.event("GUILD_DELETE").await,
        json!({ "id": other.id().to_string(), "unavailable": true })
    );
}
