//! Who gets what: for each intent a session that asked for nothing else, side by side; all kinds of things happen, and each
//! hears of its own kind and of no other.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{collections::BTreeSet, time::Duration};

use sandbox::Sandbox;
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket, Strict};
use twilight_model::gateway::event::{GatewayEvent, GatewayEventDeserializer};

/// What a session hears for this intent, beside what all sessions hear.
const TABLE: &[(u64, &[&str])] = &[
    (
        1,
        &[
            "CHANNEL_CREATE",
            "CHANNEL_DELETE",
            "CHANNEL_PINS_UPDATE",
            "CHANNEL_UPDATE",
            "GUILD_CREATE",
            "GUILD_DELETE",
            "GUILD_ROLE_CREATE",
            "GUILD_ROLE_DELETE",
            "GUILD_ROLE_UPDATE",
            "GUILD_UPDATE",
            "THREAD_CREATE",
            "THREAD_DELETE",
            "THREAD_MEMBERS_UPDATE",
            "THREAD_UPDATE",
        ],
    ),
    (
        1 << 1,
        &["GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "THREAD_MEMBERS_UPDATE"],
    ),
    (
        1 << 2,
        &["GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_BAN_ADD", "GUILD_BAN_REMOVE"],
    ),
    (1 << 3, &["GUILD_EMOJIS_UPDATE", "GUILD_STICKERS_UPDATE"]),
    (1 << 4, &[]),
    (1 << 5, &["WEBHOOKS_UPDATE"]),
    (1 << 6, &["INVITE_CREATE", "INVITE_DELETE"]),
    (1 << 7, &["VOICE_STATE_UPDATE"]),
    (1 << 8, &["PRESENCE_UPDATE"]),
    (
        1 << 9,
        &[
            "MESSAGE_CREATE",
            "MESSAGE_DELETE",
            "MESSAGE_DELETE_BULK",
            "MESSAGE_UPDATE",
        ],
    ),
    (
        1 << 10,
        &[
            "MESSAGE_REACTION_ADD",
            "MESSAGE_REACTION_REMOVE",
            "MESSAGE_REACTION_REMOVE_ALL",
            "MESSAGE_REACTION_REMOVE_EMOJI",
        ],
    ),
    (1 << 11, &["TYPING_START"]),
    (
        1 << 12,
        &[
            "CHANNEL_PINS_UPDATE",
            "MESSAGE_CREATE",
            "MESSAGE_DELETE",
            "MESSAGE_UPDATE",
        ],
    ),
    (1 << 13, &["MESSAGE_REACTION_ADD"]),
    (1 << 14, &["TYPING_START"]),
    (1 << 15, &[]),
    (1 << 16, &[]),
    (1 << 20, &[]),
    (1 << 21, &[]),
    (1 << 24, &["MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE"]),
    (1 << 25, &["MESSAGE_POLL_VOTE_ADD"]),
];
/// What every session hears: of the bot itself.
const ALWAYS: &[&str] = &["GUILD_MEMBER_UPDATE", "USER_UPDATE", "VOICE_SERVER_UPDATE"];

/// Lets happen what there is an event for.
async fn all_kinds_of_things(sandbox: &Sandbox, speaker: &mut Socket) {
    let (guild, rest, owner) = (sandbox.guild(), Rest::new(sandbox), sandbox.owner());
    let (alice, bob, general) = (guild.user("alice"), guild.user("bob"), guild.channel("general"));
    let of_guild = format!("/guilds/{}", guild.id());
    let of_general = format!("/channels/{}", general.id());
    let done = async |method: &str, path: String, body: Value| {
        let answer = rest.send(method, &path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.body
    };
    // Guild.
    done("PATCH", of_guild.clone(), json!({ "description": "new" })).await;
    done("PATCH", of_general.clone(), json!({ "topic": "new" })).await;
    let spare = guild.add_channel("spare");
    done("DELETE", format!("/channels/{}", spare.id()), json!({})).await;
    let role = guild.add_role("spare");
    done(
        "PATCH",
        format!("{of_guild}/roles/{}", role.id()),
        json!({ "hoist": true }),
    )
    .await;
    done("DELETE", format!("{of_guild}/roles/{}", role.id()), json!({})).await;
    let thread = guild.add_thread(&general, "talk");
    for member in [alice.id(), sandbox.bot_id()] {
        thread.add_member(member);
    }
    thread.archive();
    done("DELETE", format!("/channels/{}", thread.id()), json!({})).await;
    let elsewhere = sandbox.add_guild("Elsewhere");
    elsewhere.removes_bot();
    // Members.
    let carol = guild.user("carol");
    owner.bans(&carol, None);
    owner.unbans(&carol);
    done("PATCH", format!("{of_guild}/members/@me"), json!({ "nick": "Bot" })).await;
    done("PATCH", "/users/@me".to_owned(), json!({ "username": "other" })).await;
    // What a guild has.
    guild.add_emoji("party", false);
    guild.add_sticker("wave");
    let _ = general.add_webhook(&owner, "hook");
    let code = alice.invites_to(&general, 0);
    done("DELETE", format!("/invites/{code}"), json!({})).await;
    let talk = guild.add_voice_channel("Talk");
    alice.enters_voice(&talk);
    let there = json!({ "guild_id": guild.id().to_string(), "channel_id": talk.id().to_string() });
    speaker.send(json!({ "op": 4, "d": there })).await;
    speaker.beats().await;
    alice.goes("idle");
    // Messages in the guild, then directly.
    for person in [owner.clone(), bob.in_dm()] {
        person.types();
        let said = person.says("hello").await;
        let said = person.edits(&said, "hello there").await;
        let message = sandbox.message(said.channel_id(), said.message_id()).unwrap();
        person.reacts(&message, "👍").await;
        person.pins(&message).await;
        let poll = person.asks("really?", &["yes", "no"]).await;
        let poll = sandbox.message(poll.channel_id(), poll.message_id()).unwrap();
        person.votes(&poll, "yes").await;
        person.deletes(&said).await;
    }
    let said = alice.says("again").await;
    let message = sandbox.message(said.channel_id(), said.message_id()).unwrap();
    let reactions = format!("{of_general}/messages/{}/reactions", said.message_id());
    for emoji in ["👍", "👎"] {
        alice.reacts(&message, emoji).await;
    }
    alice.unreacts(&message, "👍").await;
    done("DELETE", format!("{reactions}/%F0%9F%91%8E"), json!({})).await;
    done("DELETE", reactions, json!({})).await;
    let poll = alice.asks("sure?", &["yes", "no"]).await;
    let poll = sandbox.message(poll.channel_id(), poll.message_id()).unwrap();
    alice.votes(&poll, "no").await;
    alice.takes_vote_back(&poll, "no").await;
    general.purges(&[said.message_id(), poll.id()]);
}

#[tokio::test]
async fn each_intent_brings_its_events_and_no_others() {
    let sandbox = support::start().await;
    let mut sockets = Vec::new();
    for (intent, _) in TABLE.iter().chain(&[(0, &[][..])]) {
        sockets.push(Socket::identified(&sandbox, *intent).await);
    }
    let mut speaker = Socket::identified(&sandbox, 0).await;
    all_kinds_of_things(&sandbox, &mut speaker).await;
    for (socket, (intent, expected)) in sockets.iter_mut().zip(TABLE.iter().chain(&[(0, &[][..])])) {
        let wanted: BTreeSet<&str> = expected.iter().chain(ALWAYS).copied().collect();
        let heard = heard(socket).await;
        let heard: BTreeSet<&str> = heard.iter().map(String::as_str).collect();
        assert_eq!(heard, wanted, "intents {intent:#b}");
    }
}

/// The events that came, up to now.
async fn heard(socket: &mut Socket) -> BTreeSet<String> {
    socket.send(json!({ "op": 1, "d": null })).await;
    let mut names = BTreeSet::new();
    loop {
        let payload = socket.next().await.unwrap();
        if payload["op"] == 11 {
            return names;
        }
        names.extend(payload["t"].as_str().map(str::to_owned));
    }
}

#[tokio::test]
async fn all_of_it_is_what_twilight_reads() {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    all_kinds_of_things(&sandbox, &mut Socket::identified(&sandbox, 0).await).await;
    socket.send(json!({ "op": 1, "d": null })).await;
    let mut read = BTreeSet::new();
    loop {
        let payload = socket.next().await.unwrap();
        if payload["op"] == 11 {
            break;
        }
        let name = payload["t"].as_str().unwrap().to_owned();
        let reader = GatewayEventDeserializer::from_json(&socket.last_text).unwrap();
        let mut json = serde_json::Deserializer::from_str(&socket.last_text);
        let event = serde::de::DeserializeSeed::deserialize(reader, &mut json);
        assert!(
            matches!(event, Ok(GatewayEvent::Dispatch(..))),
            "{name}: {event:?}\n{}",
            socket.last_text
        );
        read.insert(name);
    }
    let all = TABLE.iter().flat_map(|(_, names)| *names).chain(ALWAYS);
    let missing: Vec<&&str> = all.filter(|name| !read.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn without_the_right_to_look_nothing_is_told_of_the_audit_log_and_of_invites() {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, 1 << 2 | 1 << 6).await;
    let (guild, general) = (sandbox.guild(), sandbox.guild().channel("general"));
    let _ = guild.role("sandbot").permissions(0);
    let _ = sandbox.owner().invites_to(&general, 0);
    sandbox.owner().kicks(&guild.user("bob"), None);
    assert_eq!(heard(&mut socket).await, BTreeSet::new());
    let _ = guild.role("sandbot").permissions(1 << 4 | 1 << 7);
    let _ = sandbox.owner().invites_to(&general, 0);
    sandbox.owner().kicks(&guild.user("alice"), None);
    let names: Vec<String> = heard(&mut socket).await.into_iter().collect();
    assert_eq!(names, ["GUILD_AUDIT_LOG_ENTRY_CREATE", "INVITE_CREATE"]);
}

#[tokio::test]
async fn presences_come_with_guilds_and_members_of_large_guilds_only_if_they_are_there() {
    let sandbox = support::start().await;
    let guild = sandbox.guild();
    for n in 0..60 {
        guild.user(&format!("person{n}"));
    }
    let (alice, bob) = (guild.user("alice"), guild.user("bob"));
    alice.goes("dnd");
    alice.shows(&[json!({ "name": "chess", "type": 0 })]);
    bob.goes("offline");
    let (mut small, mut large) = (Socket::open(&sandbox, None).await, Socket::open(&sandbox, None).await);
    small.next().await.unwrap();
    large.next().await.unwrap();
    large
        .identify(&sandbox, json!({ "intents": 1 | 1 << 8, "large_threshold": 50 }))
        .await;
    small
        .identify(&sandbox, json!({ "intents": 1 | 1 << 8, "large_threshold": 250 }))
        .await;
    for (socket, is_large) in [(&mut large, true), (&mut small, false)] {
        let create = socket.event("GUILD_CREATE").await;
        let find = |list: &str, id: u64| {
            let all = create[list].as_array().unwrap();
            all.iter()
                .find(|one| one["user"]["id"] == id.to_string().as_str())
                .cloned()
        };
        assert_eq!(create["large"], is_large);
        assert_eq!(
            find("members", bob.id()).is_none(),
            is_large,
            "offline members of large guilds do not come"
        );
        assert!(find("presences", bob.id()).is_none());
        let presence = find("presences", alice.id()).unwrap();
        assert_eq!(
            (&presence["status"], &presence["activities"][0]["name"]),
            (&json!("dnd"), &json!("chess"))
        );
    }
    bob.goes("idle");
    let event = small.event("PRESENCE_UPDATE").await;
    assert_eq!(
        (&event["status"], &event["client_status"]["desktop"]),
        (&json!("idle"), &json!("idle"))
    );
}

#[tokio::test]
async fn all_members_are_sent_once_in_half_a_minute() {
    let sandbox: Strict = support::builder()
        .rate_limits(sandbox::RateLimits::Generous)
        .start()
        .await
        .unwrap()
        .into();
    let mut socket = Socket::identified(&sandbox, 1 | 1 << 1).await;
    let ask = |nonce: &str| json!({ "op": 8, "d": { "guild_id": sandbox.guild().id().to_string(), "query": "", "limit": 0, "nonce": nonce } });
    sandbox.set_rate_limits(sandbox::RateLimits::Real);
    socket.send(ask("one")).await;
    assert_eq!(socket.event("GUILD_MEMBERS_CHUNK").await["nonce"], "one");
    sandbox.advance(Duration::from_secs(10));
    socket.send(ask("two")).await;
    let limited = socket.event("RATE_LIMITED").await;
    assert_eq!(
        (&limited["opcode"], &limited["meta"]["nonce"]),
        (&json!(8), &json!("two"))
    );
    assert!(
        (0.0..=20.0).contains(&limited["retry_after"].as_f64().unwrap()),
        "{limited}"
    );
    sandbox.advance(Duration::from_secs(20));
    socket.send(ask("three")).await;
    assert_eq!(socket.event("GUILD_MEMBERS_CHUNK").await["nonce"], "three");
    sandbox.set_rate_limits(sandbox::RateLimits::Off);
    socket.send(ask("four")).await;
    assert_eq!(socket.event("GUILD_MEMBERS_CHUNK").await["nonce"], "four");
}
