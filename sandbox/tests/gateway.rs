//! The gateway on the wire: identifying, close codes, compression, resuming, intents, shards, member chunks.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use sandbox::{Direction, PrivilegedIntents, Sandbox};
use serde_json::{Value, json};
use support::{ALL_INTENTS, MESSAGE_CONTENT, Rest, Socket};
use twilight_model::gateway::event::{GatewayEvent, GatewayEventDeserializer};

#[tokio::test]
async fn ready_comes_first_and_then_each_guild_with_what_clients_need() {
    let sandbox = Sandbox::start().await.unwrap();
    let second = sandbox.add_guild("Second");
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    assert_eq!(socket.ready["resume_gateway_url"], sandbox.gateway_url());
    assert_eq!(socket.ready["user"]["id"], sandbox.bot_id().to_string());
    assert_eq!(socket.ready["guilds"].as_array().unwrap().len(), 2);
    let first = socket.event("GUILD_CREATE").await;
    assert!(
        socket.last_text.starts_with(r#"{"t":"GUILD_CREATE","s":2,"op":0,"d":"#),
        "order of keys"
    );
    assert_eq!(first["name"], "Sandbox");
    assert!(first["application_id"].is_null() && first.as_object().unwrap().contains_key("application_id"));
    assert_eq!(first["members"].as_array().unwrap().len(), 4);
    let names: Vec<&str> = first["channels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"general") && names.contains(&"bots"), "{names:?}");
    assert!(first["roles"][1]["colors"]["primary_color"].is_u64());
    assert_eq!(socket.event("GUILD_CREATE").await["id"], second.id().to_string());
    sandbox.expect_online().await;
    assert_eq!((sandbox.identifies(), sandbox.connections()), (1, 1));
}

#[tokio::test]
async fn every_event_is_one_that_twilight_reads() {
    let sandbox = Sandbox::start().await.unwrap();
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::open(&sandbox, None).await;
    socket.next().await.unwrap();
    socket.identify(&sandbox, json!({ "intents": ALL_INTENTS })).await;
    rest.register(
        &sandbox,
        json!([{ "name": "who", "description": "d", "options": [
        { "type": 6, "name": "user", "description": "d" }, { "type": 7, "name": "place", "description": "d" },
        { "type": 8, "name": "role", "description": "d" }] }]),
    )
    .await;
    let guild = sandbox.guild();
    let general = guild.channel("general");
    let (alice, bob) = (general.user("alice"), general.user("bob"));
    let said = alice.says("hello <@1> @everyone").await;
    let path = format!("/channels/{}/messages", general.id());
    let reply = rest.send("POST", &path, json!({
        "content": format!("{} and {}", alice.mention(), guild.role("Moderator").mention()),
        "embeds": [{ "title": "t", "fields": [{ "name": "n", "value": "v" }], "image": { "url": "https://example.com/a.png" } }],
        "components": [{ "type": 1, "components": [{ "type": 2, "style": 1, "label": "go", "custom_id": "go", "emoji": { "name": "👍" } }] }],
        "message_reference": { "message_id": said.message_id().to_string() },
    })).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let reply = said.expect_reply().await;
    alice.edits(&said, "hello again").await;
    alice.reacts(&reply, "👍").await;
    let _ = alice
        .slash(
            "who",
            &[
                ("user", bob.id().into()),
                ("place", general.id().into()),
                ("role", guild.role("Moderator").id().into()),
            ],
        )
        .await;
    let _ = alice.clicks(&reply, "go").await;
    let _ = alice.dm("psst").await;
    alice.types();
    alice.deletes(&said).await;
    let _ = bob.role("Moderator");
    let _ = guild.add_role("New").permissions(8);
    let carol = guild.user("carol");
    carol.leaves().await;
    general.overwrite(alice.id(), 0, 1 << 11);
    rest.send(
        "PUT",
        &format!("/guilds/{}/bans/{}", guild.id(), guild.user("dave").id()),
        json!({}),
    )
    .await;
    rest.bare("DELETE", &format!("/guilds/{}/bans/{}", guild.id(), carol.id()))
        .await;
    rest.send(
        "PATCH",
        &format!("/guilds/{}", guild.id()),
        json!({ "name": "Renamed" }),
    )
    .await;
    rest.send(
        "POST",
        &format!("/guilds/{}/channels", guild.id()),
        json!({ "name": "Voices", "type": 2 }),
    )
    .await;
    rest.bare(
        "DELETE",
        &format!("/guilds/{}/roles/{}", guild.id(), guild.role("New").id()),
    )
    .await;
    rest.bare("DELETE", &format!("/channels/{}", guild.channel("bots").id()))
        .await;
    socket
        .send(json!({ "op": 8, "d": { "guild_id": guild.id().to_string(), "query": "", "limit": 0 } }))
        .await;
    let mut seen = Vec::new();
    loop {
        let payload = socket.next().await.unwrap();
        let Some(name) = payload["t"].as_str() else { continue };
        let reader = GatewayEventDeserializer::from_json(&socket.last_text).unwrap();
        let mut json = serde_json::Deserializer::from_str(&socket.last_text);
        let read = serde::de::DeserializeSeed::deserialize(reader, &mut json);
        assert!(
            matches!(read, Ok(GatewayEvent::Dispatch(..))),
            "{name}: {read:?}\n{}",
            socket.last_text
        );
        seen.push(name.to_owned());
        if name == "GUILD_MEMBERS_CHUNK" {
            break;
        }
    }
    for name in [
        "READY",
        "GUILD_CREATE",
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_DELETE",
        "MESSAGE_REACTION_ADD",
        "TYPING_START",
        "INTERACTION_CREATE",
        "GUILD_MEMBER_ADD",
        "GUILD_MEMBER_UPDATE",
        "GUILD_MEMBER_REMOVE",
        "GUILD_ROLE_CREATE",
        "GUILD_ROLE_UPDATE",
        "GUILD_ROLE_DELETE",
        "CHANNEL_CREATE",
        "CHANNEL_UPDATE",
        "CHANNEL_DELETE",
        "GUILD_BAN_ADD",
        "GUILD_UPDATE",
    ] {
        assert!(seen.iter().any(|one| one == name), "{name} is missing of {seen:?}");
    }
}

#[tokio::test]
async fn all_compressions_carry_the_same() {
    for compress in [None, Some("zlib-stream"), Some("zstd-stream")] {
        let sandbox = Sandbox::start().await.unwrap();
        let mut socket = Socket::open(&sandbox, compress).await;
        assert_eq!(socket.next().await.unwrap()["d"]["heartbeat_interval"], 41_250);
        socket.identify(&sandbox, json!({ "intents": ALL_INTENTS })).await;
        socket.event("READY").await;
        let alice = sandbox.guild().user("alice");
        for n in 0..50 {
            alice.says(&format!("{n} {}", "größe 🙂 ".repeat(n * 3))).await;
        }
        for n in 0..50 {
            let text = socket.event("MESSAGE_CREATE").await["content"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(text.starts_with(&format!("{n}")), "{compress:?}: {text}");
        }
    }
}

#[tokio::test]
async fn what_clients_do_wrong_has_its_close_code() {
    let limited = Sandbox::builder()
        .privileged_intents(PrivilegedIntents {
            message_content: false,
            ..PrivilegedIntents::ALL
        })
        .start()
        .await
        .unwrap();
    let identify = |more: Value| {
        let mut data = json!({ "token": limited.token(), "properties": {}, "intents": 1 });
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        json!({ "op": 2, "d": data }).to_string()
    };
    for (texts, code) in [
        (vec!["not json".to_owned()], 4002),
        (vec![format!("\"{}\"", "x".repeat(5000))], 4002),
        (vec![json!({ "op": 99, "d": null }).to_string()], 4001),
        (
            vec![
                json!({ "op": 3, "d": { "since": null, "activities": [], "status": "online", "afk": false } })
                    .to_string(),
            ],
            4003,
        ),
        (vec![identify(json!({ "token": "MTIz.wrong.token" }))], 4004),
        (vec![identify(json!({})), identify(json!({}))], 4005),
        (vec![identify(json!({ "shard": [2, 2] }))], 4010),
        (vec![identify(json!({ "intents": 1 << 30 }))], 4013),
        (vec![identify(json!({ "intents": MESSAGE_CONTENT }))], 4014),
        (vec![json!({ "op": 1, "d": null }).to_string(); 121], 4008),
    ] {
        let mut socket = Socket::open(&limited, None).await;
        for text in &texts {
            socket.send_text(text).await;
        }
        assert_eq!(socket.closed().await, code, "{}", texts[0]);
    }
    let mut socket = Socket::at(&format!("{}/?v=6", limited.gateway_url()), None).await;
    assert_eq!(socket.closed().await, 4012);
}

#[tokio::test]
async fn a_silent_client_is_closed_and_a_beating_one_is_answered() {
    let sandbox = Sandbox::builder()
        .heartbeat_interval(Duration::from_secs(1))
        .start()
        .await
        .unwrap();
    let mut socket = Socket::open(&sandbox, None).await;
    socket.next().await.unwrap();
    socket.send(json!({ "op": 1, "d": null })).await;
    assert_eq!(socket.next().await.unwrap()["op"], 11);
    assert_eq!(socket.closed().await, 4009);
}

#[tokio::test]
async fn a_dropped_session_resumes_without_a_gap() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let alice = sandbox.guild().user("alice");
    alice.says("before").await;
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "before");
    sandbox.drop_connection();
    assert!(!sandbox.is_online());
    assert_eq!(socket.closed().await, 0, "no close frame");
    alice.says("meanwhile").await;
    let mut again = Socket::open(&sandbox, Some("zstd-stream")).await;
    again.next().await.unwrap();
    again.sequence = socket.sequence;
    again.resume(&sandbox, &socket.session, socket.sequence).await;
    assert_eq!(again.event("MESSAGE_CREATE").await["content"], "meanwhile");
    again.event("RESUMED").await;
    alice.says("after").await;
    assert_eq!(again.event("MESSAGE_CREATE").await["content"], "after");
    sandbox.expect_online().await;
    assert_eq!((sandbox.identifies(), sandbox.resumes()), (1, 1));
}

#[tokio::test]
async fn sessions_that_ended_do_not_resume() {
    let sandbox = Sandbox::start().await.unwrap();
    // The client closed with 1000.
    let socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (session, sequence) = (socket.session.clone(), socket.sequence);
    socket.close(1000).await;
    sandbox.expect_offline().await;
    let mut again = Socket::open(&sandbox, None).await;
    again.next().await.unwrap();
    again.resume(&sandbox, &session, sequence).await;
    let payload = again.next().await.unwrap();
    assert_eq!((&payload["op"], &payload["d"]), (&json!(9), &json!(false)));
    // After that the same connection may identify.
    again.identify(&sandbox, json!({ "intents": 1 })).await;
    again.event("READY").await;
    // Claiming to have seen the future is refused.
    let socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (session, sequence) = (socket.session.clone(), socket.sequence);
    socket.close(4000).await;
    let mut again = Socket::open(&sandbox, None).await;
    again.next().await.unwrap();
    again.resume(&sandbox, &session, sequence + 1000).await;
    assert_eq!(again.closed().await, 4007);
}

#[tokio::test]
async fn faults_reach_the_client() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    socket.event("GUILD_CREATE").await;
    sandbox.ask_reconnect();
    assert_eq!(socket.next().await.unwrap()["op"], 7);
    sandbox.invalidate_session(true);
    assert_eq!(
        socket.next().await.unwrap(),
        json!({ "t": null, "s": null, "op": 9, "d": true })
    );
    sandbox.close_with(4000);
    assert_eq!(socket.closed().await, 4000);
    let mut again = Socket::open(&sandbox, None).await;
    again.next().await.unwrap();
    again.sequence = socket.sequence;
    again.resume(&sandbox, &socket.session, socket.sequence).await;
    again.event("RESUMED").await;
    sandbox.invalidate_session(false);
    assert_eq!(again.next().await.unwrap()["d"], false);
    assert!(!sandbox.is_online());
}

#[tokio::test]
async fn without_the_intent_contents_are_empty_but_for_what_is_meant_for_the_bot() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS & !MESSAGE_CONTENT).await;
    let alice = sandbox.guild().user("alice");
    let bot = sandbox.bot_id();
    let said = alice.says("secret").await;
    let message = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&message["content"], &message["embeds"]), (&json!(""), &json!([])));
    alice.says(&format!("<@{bot}> hi")).await;
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], format!("<@{bot}> hi"));
    alice.dm("direct").await;
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "direct");
    let rest = Rest::new(&sandbox);
    let path = format!("/channels/{}/messages", said.channel_id());
    rest.send(
        "POST",
        &path,
        json!({ "content": "mine", "message_reference": { "message_id": said.message_id().to_string() } }),
    )
    .await;
    let own = socket.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&own["content"], &own["author"]["id"]),
        (&json!("mine"), &json!(bot.to_string()))
    );
    // What was seen on the wire is not what people see.
    assert_eq!(
        sandbox.message(said.channel_id(), said.message_id()).unwrap().content(),
        "secret"
    );
}

#[tokio::test]
async fn intents_and_shards_decide_who_hears() {
    let sandbox = Sandbox::start().await.unwrap();
    let other = (0..8)
        .map(|n| sandbox.add_guild(&format!("g{n}")))
        .find(|guild| (guild.id() >> 22) % 2 == 1)
        .unwrap();
    let even = if (sandbox.guild().id() >> 22) % 2 == 0 {
        sandbox.guild()
    } else {
        sandbox.add_guild("even")
    };
    assert_eq!((even.id() >> 22) % 2, 0);
    let mut shards = Vec::new();
    for shard in 0..2 {
        let mut socket = Socket::open(&sandbox, None).await;
        socket.next().await.unwrap();
        socket
            .identify(
                &sandbox,
                json!({ "intents": 1 | 1 << 9 | MESSAGE_CONTENT, "shard": [shard, 2] }),
            )
            .await;
        let ready = socket.event("READY").await;
        assert!(
            ready["guilds"]
                .as_array()
                .unwrap()
                .iter()
                .all(|guild| { (guild["id"].as_str().unwrap().parse::<u64>().unwrap() >> 22) % 2 == shard })
        );
        assert_eq!(sandbox.is_online(), shard == 1);
        shards.push(socket);
    }
    even.user("alice").types();
    even.user("alice").says("even").await;
    other.user("alice").says("odd").await;
    for (socket, text) in shards.iter_mut().zip(["even", "odd"]) {
        loop {
            let payload = socket.next().await.unwrap();
            assert_ne!(payload["t"], "TYPING_START", "not asked for");
            if payload["t"] == "MESSAGE_CREATE" {
                assert_eq!(payload["d"]["content"], text);
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_bot_hears_only_of_what_it_sees() {
    let sandbox = Sandbox::start().await.unwrap();
    let (home, away) = (sandbox.guild(), sandbox.add_guild("Away"));
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let hidden = home.channel("bots");
    hidden.overwrite(sandbox.bot_id(), 0, 1 << 10);
    hidden.user("alice").says("unseen").await;
    away.removes_bot();
    away.user("alice").says("unheard").await;
    home.user("alice").goes("idle");
    home.user("alice").says("seen").await;
    let mut heard = Vec::new();
    loop {
        let payload = socket.next().await.unwrap();
        heard.push(payload["t"].as_str().unwrap().to_owned());
        if payload["t"] == "MESSAGE_CREATE" {
            assert_eq!(payload["d"]["content"], "seen");
            break;
        }
    }
    assert!(
        heard.contains(&"GUILD_DELETE".to_owned()) && heard.contains(&"PRESENCE_UPDATE".to_owned()),
        "{heard:?}"
    );
    let path = format!("/guilds/{}", away.id());
    assert_eq!(Rest::new(&sandbox).get(&path).await.code(), 50001);
}

#[tokio::test]
async fn large_guilds_are_marked_by_the_clients_threshold() {
    let sandbox = Sandbox::start().await.unwrap();
    for n in 0..60 {
        let _ = sandbox.guild().user(&format!("extra{n}"));
    }
    for (threshold, large) in [(json!(50), true), (json!(null), true), (json!(250), false)] {
        let mut socket = Socket::open(&sandbox, None).await;
        socket.next().await.unwrap();
        socket
            .identify(&sandbox, json!({ "intents": 1, "large_threshold": threshold }))
            .await;
        let guild = socket.event("GUILD_CREATE").await;
        assert_eq!((&guild["large"], &guild["member_count"]), (&json!(large), &json!(64)));
    }
}

#[tokio::test]
async fn requests_for_members_follow_their_rules() {
    let sandbox = Sandbox::start().await.unwrap();
    let guild = sandbox.guild();
    for n in 0..1200 {
        let _ = guild.user(&format!("extra{n}"));
    }
    let id = guild.id().to_string();
    let ask = |more: Value| {
        let mut data = json!({ "guild_id": id });
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        json!({ "op": 8, "d": data })
    };
    let count = |chunk: &Value| chunk["members"].as_array().unwrap().len();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    // The whole list, in chunks of a thousand.
    socket
        .send(ask(json!({ "query": "", "limit": 0, "nonce": "n", "presences": true })))
        .await;
    for (index, members) in [(0, 1000), (1, 204)] {
        let chunk = socket.event("GUILD_MEMBERS_CHUNK").await;
        assert_eq!(
            (
                &chunk["chunk_index"],
                &chunk["chunk_count"],
                &chunk["nonce"],
                count(&chunk)
            ),
            (&json!(index), &json!(2), &json!("n"), members)
        );
        assert_eq!(chunk["presences"].as_array().unwrap().len(), members);
        assert!(chunk.get("not_found").is_none());
    }
    // At most 100 by name, whatever is asked for; a nonce that is too long does not come back.
    for (limit, expected) in [(0, 100), (7, 7), (500, 100)] {
        let nonce = "x".repeat(33);
        socket
            .send(ask(json!({ "query": "EXTRA", "limit": limit, "nonce": nonce })))
            .await;
        let chunk = socket.event("GUILD_MEMBERS_CHUNK").await;
        assert_eq!((count(&chunk), chunk.get("nonce")), (expected, None));
        assert!(chunk.get("presences").is_none());
    }
    // At most 100 by id.
    let ids: Vec<String> = (1..150).map(|n: u64| n.to_string()).collect();
    socket.send(ask(json!({ "user_ids": ids }))).await;
    let chunk = socket.event("GUILD_MEMBERS_CHUNK").await;
    assert_eq!((count(&chunk), chunk["not_found"].as_array().unwrap().len()), (0, 100));
    // No guild of the bot's: no answer. The next request is answered.
    socket
        .send(json!({ "op": 8, "d": { "guild_id": "123", "query": "", "limit": 0, "nonce": "unknown" } }))
        .await;
    socket
        .send(ask(
            json!({ "user_ids": sandbox.bot_id().to_string(), "nonce": "known" }),
        ))
        .await;
    let chunk = socket.event("GUILD_MEMBERS_CHUNK").await;
    assert_eq!((&chunk["nonce"], count(&chunk)), (&json!("known"), 1));
    // Without the intents: no whole list, no presences; by name goes.
    let mut poor = Socket::identified(&sandbox, ALL_INTENTS & !(1 << 1) & !(1 << 8)).await;
    poor.send(ask(json!({ "query": "", "limit": 5, "nonce": "all" }))).await;
    poor.send(ask(
        json!({ "query": "extra1", "limit": 5, "nonce": "some", "presences": true }),
    ))
    .await;
    let chunk = poor.event("GUILD_MEMBERS_CHUNK").await;
    assert_eq!(
        (&chunk["nonce"], count(&chunk), chunk.get("presences")),
        (&json!("some"), 5, None)
    );
    let why = sandbox
        .gateway_log()
        .into_iter()
        .filter(|entry| entry.direction == Direction::Note)
        .filter_map(|entry| entry.name)
        .any(|name| name.contains("GUILD_MEMBERS"));
    assert!(why, "the log says why there was no answer");
}
