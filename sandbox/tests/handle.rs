//! The handle for tests: whose answer is whose, people and guilds, what a failed expectation prints, high rates.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{collections::HashMap, time::Duration};

use sandbox::{Clock, Sandbox};
use serde_json::json;
use support::{ALL_INTENTS, Rest, Socket};

#[tokio::test]
async fn a_reply_to_the_message_is_preferred_and_another_ones_is_never_taken() {
    let sandbox = Sandbox::start().await.unwrap();
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    let path = format!("/channels/{}/messages", general.id());
    let (alice, bob) = (general.user("alice"), general.user("bob"));
    let first = alice.says("one").await;
    let second = bob.says("two").await;
    let reply =
        |to: u64| json!({ "content": format!("to {to}"), "message_reference": { "message_id": to.to_string() } });
    rest.send("POST", &path, reply(second.message_id())).await;
    assert!(first.reply(Duration::ZERO).await.is_none(), "somebody else's");
    rest.send("POST", &path, json!({ "content": "plain" })).await;
    assert_eq!(first.expect_reply().await.content(), "plain");
    rest.send("POST", &path, reply(first.message_id())).await;
    assert_eq!(
        first.expect_reply().await.content(),
        format!("to {}", first.message_id())
    );
    assert_eq!(
        second.expect_reply().await.content(),
        format!("to {}", second.message_id())
    );
    assert_eq!(general.messages_after(second.message_id()).len(), 3);
    let third = alice.says("three").await;
    assert!(
        third.reply(Duration::ZERO).await.is_none(),
        "what was said before is no answer"
    );
}

#[tokio::test]
async fn a_missing_answer_panics_with_the_conversation_and_the_refused_calls() {
    let sandbox = Sandbox::builder()
        .patience(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let rest = Rest::new(&sandbox);
    let alice = sandbox.guild().channel("general").user("alice");
    let said = alice.says("!ping").await;
    rest.send(
        "POST",
        &format!("/channels/{}/messages", said.channel_id()),
        json!({ "contents": "pong" }),
    )
    .await;
    let failed = tokio::spawn(async move { said.expect_reply().await })
        .await
        .unwrap_err()
        .into_panic();
    let text = failed.downcast_ref::<String>().unwrap();
    for part in ["did not answer \"!ping\"", "Alice: !ping", "did you mean", "-> 400"] {
        assert!(text.contains(part), "{part} is missing of:\n{text}");
    }
}

#[tokio::test]
async fn people_and_guilds() {
    let sandbox = Sandbox::builder()
        .guild_name("Home")
        .owner_name("olga")
        .bot_name("robo")
        .start()
        .await
        .unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    assert_eq!(
        (sandbox.guild().name(), sandbox.owner().name()),
        ("Home".to_owned(), "olga".to_owned())
    );
    assert_eq!(socket.ready["user"]["username"], "robo");
    let carol = sandbox.guild().user("Carol");
    assert_eq!(
        (carol.name(), carol.display_name()),
        ("carol".to_owned(), "Carol".to_owned())
    );
    assert_eq!(socket.event("GUILD_MEMBER_ADD").await["user"]["username"], "carol");
    let _ = sandbox.guild().user("carol");
    let other = sandbox.add_guild("Other");
    assert_eq!(socket.event("GUILD_CREATE").await["name"], "Other");
    let away = carol.joins(&other).await;
    assert_eq!(away.channel_id(), other.channel("general").id());
    carol.leaves().await;
    let left = socket.event("GUILD_MEMBER_REMOVE").await;
    assert_eq!(
        (&left["guild_id"], &left["user"]["username"]),
        (&json!(sandbox.guild().id().to_string()), &json!("carol"))
    );
    assert!(other.has_member(carol.id()) && !sandbox.guild().has_member(carol.id()));
    let place = other.add_channel("place");
    assert_eq!(socket.event("CHANNEL_CREATE").await["name"], "place");
    let said = place.user("bob").says("hi").await;
    assert_eq!(said.message().author_id(), other.user("bob").id());
}

#[tokio::test]
#[should_panic(expected = "has no channel \"genral\"; it has general, bots")]
async fn an_unknown_channel_panics_with_those_that_exist() {
    let _ = Sandbox::start().await.unwrap().guild().channel("genral");
}

#[tokio::test]
async fn two_sandboxes_with_a_fixed_clock_are_the_same() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let sandbox = Sandbox::builder().clock(Clock::Fixed).start().await.unwrap();
        let alice = sandbox.guild().user("alice");
        let message = alice.says("hi").await.message();
        seen.push((
            sandbox.token().to_owned(),
            sandbox.guild().id(),
            alice.id(),
            message.json().clone(),
        ));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(
        seen[0].3["timestamp"]
            .as_str()
            .unwrap()
            .starts_with("2025-01-01T00:00:00")
    );
}

#[tokio::test]
async fn a_token_decides_the_bots_id_and_a_taken_port_says_what_to_do() {
    let sandbox = Sandbox::builder()
        .bot_token("MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y")
        .start()
        .await
        .unwrap();
    assert_eq!(sandbox.bot_id(), 123_456_789_012_345_678);
    let port = sandbox.api_url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Sandbox::builder().port(port).start().await.unwrap_err().to_string();
    assert!(error.contains("is taken") && error.contains("another port"), "{error}");
    sandbox.stop().await;
    Sandbox::builder().port(port).start().await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_answers_find_their_questions() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let mut watch = sandbox.watch();
    let general = sandbox.guild().channel("general");
    let rest = Rest::new(&sandbox);
    let path = format!("/channels/{}/messages", general.id());
    let bot = tokio::spawn(async move {
        for _ in 0..1000 {
            let message = loop {
                let message = socket.event("MESSAGE_CREATE").await;
                if message["author"].get("bot").is_none() {
                    break message;
                }
            };
            let body = json!({ "content": message["content"], "message_reference": { "message_id": message["id"] } });
            assert_eq!(rest.send("POST", &path, body).await.status, 200);
        }
    });
    let alice = general.user("alice");
    let mut asked = HashMap::new();
    for n in 0..1000 {
        let said = alice.says(&n.to_string()).await;
        asked.insert(said.message_id(), n.to_string());
    }
    while !asked.is_empty() {
        let message = watch.next().await.unwrap();
        let question = asked.remove(&message.replies_to().unwrap()).expect("answered once");
        assert_eq!(message.content(), question);
    }
    bot.await.unwrap();
    // Histories are bounded.
    for n in 0..11_000 {
        alice.says(&n.to_string()).await;
    }
    assert_eq!(general.messages().len(), 10_000);
    assert!(sandbox.rest_log().len() <= 5_000 && sandbox.gateway_log().len() <= 10_000);
}
