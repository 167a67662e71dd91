//! Interactions through real connections: what the client checks, answers of each kind, the rules of time and of
//! answering once, ephemeral messages, components, modals, autocomplete.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use sandbox::{InteractionState, Person};
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket, Strict};

/// A sandbox with a bot online, its REST side, and alice.
async fn stage() -> (Strict, Socket, Rest, Person) {
    stage_with(support::builder()).await
}

async fn stage_with(builder: sandbox::Builder) -> (Strict, Socket, Rest, Person) {
    let sandbox = Strict::from(builder.start().await.unwrap());
    let socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let rest = Rest::new(&sandbox);
    let commands = json!([
        { "name": "ping", "description": "d", "options": [
            { "type": 3, "name": "text", "description": "d", "required": true, "max_length": 5 },
            { "type": 4, "name": "count", "description": "d", "min_value": 1, "max_value": 9 },
            { "type": 3, "name": "kind", "description": "d", "choices": [{ "name": "Good", "value": "g" }] },
            { "type": 6, "name": "user", "description": "d" },
            { "type": 5, "name": "loud", "description": "d" },
        ] },
        { "name": "warn", "description": "d", "options": [{ "type": 2, "name": "list", "description": "d", "options": [
            { "type": 1, "name": "show", "description": "d", "options": [{ "type": 8, "name": "role", "description": "d" }] }] }] },
        { "name": "find", "description": "d", "options": [{ "type": 3, "name": "what", "description": "d", "autocomplete": true, "required": true }] },
        { "name": "hi", "description": "d" },
        { "name": "ban", "description": "d", "default_member_permissions": "4", "contexts": [0] },
    ]);
    assert_eq!(rest.register(&sandbox, commands).await.status, 200);
    let alice = sandbox.guild().user("alice");
    (sandbox, socket, rest, alice)
}

#[tokio::test]
async fn the_client_refuses_what_was_not_registered() {
    let (sandbox, _socket, _rest, alice) = stage().await;
    let x = || ("text", json!("x"));
    for (name, options, word) in [
        ("pong", vec![], "registered here: /ping, /warn, /find, /hi, /ban"),
        ("ping", vec![], "needs its option `text`"),
        ("ping", vec![("text", json!(5))], "wants a text"),
        ("ping", vec![("text", json!("toolong"))], "characters"),
        ("ping", vec![x(), ("count", json!(10))], "at most 9"),
        ("ping", vec![x(), ("count", json!(1.5))], "whole number"),
        ("ping", vec![x(), ("kind", json!("bad"))], "no choice"),
        ("ping", vec![x(), ("user", json!("1"))], "no person"),
        ("ping", vec![x(), ("loud", json!("yes"))], "true or false"),
        ("ping", vec![x(), ("other", json!(1))], "no option `other`"),
        ("warn", vec![], "sub-commands are list"),
        ("warn list hide", vec![], "no sub-command `hide`"),
        ("ban", vec![], "not offered to alice"),
    ] {
        let error = alice.try_slash(name, &options).await.unwrap_err();
        assert!(error.contains(word), "/{name}: {error}");
    }
    assert!(
        sandbox
            .owner()
            .in_dm()
            .try_slash("ban", &[])
            .await
            .unwrap_err()
            .contains("not offered in direct messages")
    );
    assert!(sandbox.owner().try_slash("ban", &[]).await.is_ok());
}

#[tokio::test]
async fn options_arrive_as_discord_sends_them() {
    let (sandbox, mut socket, _rest, alice) = stage().await;
    let bob = sandbox.guild().user("bob");
    let options = [
        ("text", json!("x")),
        ("count", json!(3)),
        ("kind", json!("Good")),
        ("user", bob.id().into()),
        ("loud", json!(true)),
    ];
    alice.slash("ping", &options).await;
    let sent = socket.event("INTERACTION_CREATE").await;
    assert_eq!(
        sent["data"]["options"],
        json!([
            { "name": "text", "type": 3, "value": "x" },
            { "name": "count", "type": 4, "value": 3 },
            { "name": "kind", "type": 3, "value": "g" },
            { "name": "user", "type": 6, "value": bob.id().to_string() },
            { "name": "loud", "type": 5, "value": true },
        ])
    );
    let key = bob.id().to_string();
    assert_eq!(sent["data"]["resolved"]["users"][&key]["username"], "bob");
    assert!(sent["data"]["resolved"]["members"][&key]["permissions"].is_string());
    assert!(sent["data"]["resolved"]["members"][&key].get("user").is_none());
    assert_eq!(sent["member"]["user"]["username"], "alice");
    assert!(sent.get("user").is_none() && sent["app_permissions"].is_string());
    let role = sandbox.guild().role("Moderator");
    alice.slash("warn list show", &[("role", role.id().into())]).await;
    let sent = socket.event("INTERACTION_CREATE").await;
    assert_eq!(
        sent["data"]["options"][0]["options"][0]["options"][0]["value"],
        role.id().to_string()
    );
    assert_eq!(
        sent["data"]["resolved"]["roles"][role.id().to_string()]["name"],
        "Moderator"
    );
    alice.in_dm().slash("hi", &[]).await;
    let sent = socket.event("INTERACTION_CREATE").await;
    assert!(sent.get("member").is_none() && sent["user"]["username"] == "alice" && sent["context"] == 1);
}

#[tokio::test]
async fn an_answer_is_given_once_and_in_time() {
    let (_sandbox, mut socket, rest, alice) =
        stage_with(support::builder().interaction_window(Duration::from_millis(30))).await;
    let used = alice.slash("hi", &[]).await;
    let late = socket.event("INTERACTION_CREATE").await;
    used.expect_failed().await;
    let answer = rest
        .answer(&late, json!({ "type": 4, "data": { "content": "x" } }))
        .await;
    assert_eq!((answer.status, answer.code()), (404, 10062));
    assert_eq!(
        rest.webhook("POST", &late, "", json!({ "content": "x" })).await.code(),
        10015
    );

    let (_sandbox, mut socket, rest, alice) = stage().await;
    let used = alice.slash("hi", &[]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(used.state(), InteractionState::Waiting);
    assert_eq!(
        rest.webhook("GET", &interaction, "/messages/@original", Value::Null)
            .await
            .code(),
        10015
    );
    for (body, code) in [
        (json!({ "type": 4 }), 50035),
        (json!({ "type": 4, "data": {} }), 50006),
        (json!({ "type": 4, "data": { "contents": "x" } }), 50035),
        (json!({ "type": 7, "data": { "content": "x" } }), 50035),
        (json!({ "type": 8, "data": { "choices": [] } }), 50035),
        (json!({ "data": { "content": "x" } }), 50035),
    ] {
        assert_eq!(rest.answer(&interaction, body.clone()).await.code(), code, "{body}");
    }
    // Refused answers leave it open.
    assert_eq!(
        rest.answer(&interaction, json!({ "type": 4, "data": { "content": "hello" } }))
            .await
            .status,
        204
    );
    assert_eq!(used.expect_reply().await.content(), "hello");
    assert_eq!(
        rest.answer(&interaction, json!({ "type": 4, "data": { "content": "x" } }))
            .await
            .code(),
        40060
    );
    let mut forged = interaction.clone();
    forged["token"] = json!("forged");
    assert_eq!(
        rest.answer(&forged, json!({ "type": 4, "data": { "content": "x" } }))
            .await
            .code(),
        10062
    );
    let message = socket.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&message["type"], &message["interaction_metadata"]["id"]),
        (&json!(20), &interaction["id"])
    );
}

#[tokio::test]
async fn deferred_answers_arrive_as_edits_of_the_original() {
    let (_sandbox, mut socket, rest, alice) = stage().await;
    let used = alice.slash("hi", &[]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(rest.answer(&interaction, json!({ "type": 5 })).await.status, 204);
    used.expect_deferred().await;
    assert_eq!(socket.event("MESSAGE_CREATE").await["flags"], 128);
    let edited = rest
        .webhook(
            "PATCH",
            &interaction,
            "/messages/@original",
            json!({ "content": "done" }),
        )
        .await;
    assert_eq!((edited.status, &edited.body["flags"]), (200, &json!(0)));
    assert_eq!(used.expect_reply().await.content(), "done");
    let more = rest
        .webhook("POST", &interaction, "", json!({ "content": "more" }))
        .await
        .body;
    assert_ne!(more["id"], edited.body["id"]);
    assert_eq!(used.expect_follow_up(0).await.content(), "more");
    assert_eq!(
        rest.webhook("DELETE", &interaction, "/messages/@original", Value::Null)
            .await
            .status,
        204
    );
    // A follow-up right after a deferral is the original.
    let used = alice.slash("hi", &[]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    rest.answer(&interaction, json!({ "type": 5, "data": { "flags": 64 } }))
        .await;
    let first = rest
        .webhook("POST", &interaction, "", json!({ "content": "first" }))
        .await
        .body;
    let reply = used.expect_reply().await;
    assert_eq!(
        (reply.id().to_string(), reply.is_ephemeral()),
        (first["id"].as_str().unwrap().to_owned(), true)
    );
}

#[tokio::test]
async fn ephemeral_answers_are_seen_by_their_asker_only() {
    let (sandbox, mut socket, rest, alice) = stage().await;
    let used = alice.slash("hi", &[]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    rest.answer(
        &interaction,
        json!({ "type": 4, "data": { "content": "psst", "flags": 64 } }),
    )
    .await;
    let reply = used.expect_reply().await;
    assert!(reply.is_ephemeral());
    let path = format!("/channels/{}/messages", reply.channel_id());
    assert_eq!(rest.get(&path).await.body, json!([]));
    assert_eq!(rest.get(&format!("{path}/{}", reply.id())).await.code(), 10008);
    assert_eq!(
        rest.webhook("GET", &interaction, "/messages/@original", Value::Null)
            .await
            .body["content"],
        "psst"
    );
    // No gateway event tells of it.
    alice.says("next").await;
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "next");
    let page = Rest::page(&sandbox);
    let seen_by = async |id: u64| {
        let list = page
            .get(&format!("/page/messages?as={id}&channel_id={}", reply.channel_id()))
            .await
            .body;
        list.as_array().unwrap().len()
    };
    assert_eq!(
        (
            seen_by(alice.id()).await,
            seen_by(sandbox.guild().user("bob").id()).await
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn buttons_selects_and_modals() {
    let (sandbox, mut socket, rest, alice) = stage().await;
    let channel = alice.channel_id();
    let body = json!({ "content": "0", "components": [
        { "type": 1, "components": [{ "type": 2, "style": 1, "label": "More", "custom_id": "more:0" }, { "type": 2, "style": 2, "label": "Off", "custom_id": "off", "disabled": true }] },
        { "type": 1, "components": [{ "type": 3, "custom_id": "pick", "options": [{ "label": "One", "value": "1" }, { "label": "Two", "value": "2" }] }] },
        { "type": 1, "components": [{ "type": 5, "custom_id": "who" }] },
    ] });
    let said = alice.says("counter").await;
    rest.send("POST", &format!("/channels/{channel}/messages"), body).await;
    let message = said.expect_reply().await;
    let used = alice.clicks(&message, "More").await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(
        (&interaction["type"], &interaction["data"]["custom_id"]),
        (&json!(3), &json!("more:0"))
    );
    assert_eq!(interaction["message"]["id"], message.id().to_string());
    rest.answer(&interaction, json!({ "type": 7, "data": { "content": "1" } }))
        .await;
    let updated = used.expect_update().await;
    assert_eq!(
        (updated.content(), updated.id(), updated.components().len()),
        ("1", message.id(), 3)
    );
    // Deferred, then edited by the webhook.
    let used = alice.clicks(&updated, "more:0").await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    rest.answer(&interaction, json!({ "type": 6 })).await;
    used.expect_deferred().await;
    rest.webhook("PATCH", &interaction, "/messages/@original", json!({ "content": "2" }))
        .await;
    assert_eq!(used.expect_update().await.content(), "2");
    let used = alice.selects(&updated, "pick", &["Two"]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["data"]["values"], json!(["2"]));
    rest.answer(&interaction, json!({ "type": 4, "data": { "content": "two" } }))
        .await;
    let reply = used.expect_reply().await;
    assert_eq!((reply.content(), reply.replies_to()), ("two", Some(message.id())));
    let bob = sandbox.guild().user("bob").id().to_string();
    alice.selects(&updated, "who", &[&bob]).await;
    assert_eq!(
        socket.event("INTERACTION_CREATE").await["data"]["resolved"]["users"][&bob]["username"],
        "bob"
    );
    // A modal and its submission.
    let used = alice.clicks(&updated, "More").await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    let modal = json!({ "custom_id": "m", "title": "T", "components": [{ "type": 1, "components": [{ "type": 4, "custom_id": "why", "style": 1, "label": "Why" }] }] });
    assert_eq!(
        rest.answer(&interaction, json!({ "type": 9, "data": modal }))
            .await
            .status,
        204
    );
    assert_eq!(used.expect_modal().await["title"], "T");
    let sent = alice.submits(&used, &[("why", "because")]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(
        (
            &interaction["type"],
            &interaction["data"]["components"][0]["components"][0]["value"]
        ),
        (&json!(5), &json!("because"))
    );
    rest.answer(
        &interaction,
        json!({ "type": 7, "data": { "content": "because", "components": [] } }),
    )
    .await;
    assert_eq!(sent.expect_update().await.components().len(), 0);
    // What answers a modal tells of the control that opened it.
    let path = format!(
        "/webhooks/{}/{}",
        interaction["application_id"].as_str().unwrap(),
        interaction["token"].as_str().unwrap()
    );
    let follow_up = rest.send("POST", &path, json!({ "content": "noted" })).await.body;
    let metadata = &follow_up["interaction_metadata"];
    assert_eq!(
        (
            &metadata["type"],
            &metadata["triggering_interaction_metadata"]["type"],
            &metadata["triggering_interaction_metadata"]["interacted_message_id"]
        ),
        (&json!(5), &json!(3), &json!(updated.id().to_string()))
    );
}

#[tokio::test]
#[should_panic(expected = "has no control \"Less\"")]
async fn a_button_that_is_not_there_panics_with_the_conversation() {
    let (_sandbox, _socket, rest, alice) = stage().await;
    let said = alice.says("x").await;
    rest.send(
        "POST",
        &format!("/channels/{}/messages", alice.channel_id()),
        json!({ "content": "y" }),
    )
    .await;
    let message = said.expect_reply().await;
    alice.clicks(&message, "Less").await;
}

#[tokio::test]
async fn choices_are_offered_while_typing() {
    let (_sandbox, mut socket, rest, alice) = stage().await;
    let used = alice.completes("find", &[("what", json!("ap"))]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["type"], 4);
    assert_eq!(
        interaction["data"]["options"],
        json!([{ "name": "what", "type": 3, "value": "ap", "focused": true }])
    );
    let no_answer = json!({ "type": 4, "data": { "content": "x" } });
    assert_eq!(rest.answer(&interaction, no_answer).await.code(), 50035);
    let choices = json!([{ "name": "Apple", "value": "apple" }]);
    let answer = rest
        .answer(&interaction, json!({ "type": 8, "data": { "choices": choices } }))
        .await;
    assert_eq!(answer.status, 204);
    assert_eq!(used.expect_choices().await[0]["value"], "apple");
    assert_eq!(used.state(), InteractionState::Autocomplete);
}

#[tokio::test]
async fn what_administrators_set_decides_what_is_offered_and_the_bot_may_only_read_it() {
    let (sandbox, mut socket, rest, alice) = stage().await;
    let guild = sandbox.guild();
    let path = format!(
        "/applications/{}/guilds/{}/commands",
        sandbox.application_id(),
        guild.id()
    );
    let list = rest.get(&format!("{path}/permissions")).await;
    assert_eq!((list.status, &list.body), (200, &json!([])));
    guild.overrides_command("ban", &[(alice.id(), true), (guild.id() - 1, true)]);
    let told = socket.event("APPLICATION_COMMAND_PERMISSIONS_UPDATE").await;
    let line = |id: u64, kind: u64| json!({ "id": id.to_string(), "type": kind, "permission": true });
    assert_eq!(
        told["permissions"],
        json!([line(alice.id(), 2), line(guild.id() - 1, 3)])
    );
    assert!(alice.try_slash("ban", &[]).await.is_ok());
    let one = format!("{path}/{}/permissions", told["id"].as_str().unwrap());
    assert_eq!(rest.get(&one).await.body, told);
    let refused = rest.send("PUT", &one, json!({ "permissions": [] })).await;
    assert_eq!((refused.status, refused.code()), (403, 20001));
    guild.overrides_application(&[(guild.id(), false)]);
    assert!(
        alice.try_slash("ban", &[]).await.is_ok(),
        "what is set for the command wins"
    );
    let error = alice.try_slash("hi", &[]).await.unwrap_err();
    assert!(error.contains("by an administrator"), "{error}");
    assert!(sandbox.owner().try_slash("hi", &[]).await.is_ok());
    assert_eq!(
        rest.get(&format!("{path}/permissions"))
            .await
            .body
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // With a command goes what was set for it.
    assert_eq!(rest.register(&sandbox, json!([])).await.status, 200);
    let left = rest.get(&format!("{path}/permissions")).await.body;
    assert_eq!(left[0]["id"], sandbox.application_id().to_string());
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(rest.get(&one).await.code(), 10066);
}
