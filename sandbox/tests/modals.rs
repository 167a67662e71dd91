//! Modals with every kind of field, what is told of the interaction that opened them, the rules of time by the sandbox's
//! clock, and what people's languages and files come to.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use sandbox::{InteractionState, Person};
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket, Strict};

async fn stage() -> (Strict, Socket, Rest, Person) {
    let sandbox = support::start().await;
    let socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let rest = Rest::new(&sandbox);
    let commands = json!([
        { "name": "hi", "description": "d", "options": [
            { "type": 11, "name": "file", "description": "d" },
            { "type": 7, "name": "channel", "description": "d" },
            { "type": 9, "name": "whom", "description": "d" },
            { "type": 10, "name": "share", "description": "d" },
        ] },
        { "name": "Inspect", "type": 2 },
        { "name": "Quote", "type": 3 },
        { "name": "number", "description": "d", "options": [{ "type": 4, "name": "n", "description": "d", "autocomplete": true }] },
    ]);
    assert_eq!(rest.register(&sandbox, commands).await.status, 200);
    let alice = sandbox.guild().user("alice");
    (sandbox, socket, rest, alice)
}

fn labels(fields: &[Value]) -> Value {
    let labelled: Vec<Value> = fields
        .iter()
        .map(|field| json!({ "type": 18, "label": "L", "component": field }))
        .collect();
    json!({ "type": 9, "data": { "custom_id": "m", "title": "T", "components": labelled } })
}

fn options(count: usize) -> Value {
    (0..count)
        .map(|n| json!({ "label": format!("Option {n}"), "value": n.to_string() }))
        .collect()
}

#[tokio::test]
async fn every_kind_of_field_arrives_as_discord_sends_it() {
    let (sandbox, mut socket, rest, alice) = stage().await;
    let bob = sandbox.guild().user("bob");
    let fields = [
        json!({ "type": 4, "custom_id": "text", "style": 2, "max_length": 20 }),
        json!({ "type": 3, "custom_id": "one", "options": options(3) }),
        json!({ "type": 5, "custom_id": "who", "max_values": 2 }),
        json!({ "type": 19, "custom_id": "files", "max_values": 2 }),
        json!({ "type": 21, "custom_id": "radio", "options": options(2) }),
    ];
    let used = alice.slash("hi", &[]).await;
    let command = socket.event("INTERACTION_CREATE").await;
    let opened = rest.answer(&command, labels(&fields)).await;
    assert_eq!(opened.status, 204, "{opened:?}");
    assert_eq!(used.expect_modal().await["components"].as_array().unwrap().len(), 5);
    let file = json!([{ "filename": "a.png", "base64": "iVBORw0KGgo=" }, { "filename": "b.txt", "content": "hello" }]);
    let sent = alice
        .fills_in(
            &used,
            &[
                ("text", json!("some words")),
                ("one", json!(["Option 2"])),
                ("who", json!([alice.id().to_string(), bob.id().to_string()])),
                ("files", file),
                ("radio", json!("1")),
            ],
        )
        .await;
    let event = socket.event("INTERACTION_CREATE").await;
    let component = |at: usize| &event["data"]["components"][at]["component"];
    assert_eq!((&event["type"], &event["data"]["custom_id"]), (&json!(5), &json!("m")));
    assert_eq!(
        (&component(0)["value"], &component(1)["values"]),
        (&json!("some words"), &json!(["2"]))
    );
    assert_eq!(component(2)["values"].as_array().unwrap().len(), 2);
    assert_eq!(
        event["data"]["resolved"]["users"][bob.id().to_string()]["username"],
        "bob"
    );
    assert_eq!(
        (&component(4)["value"], component(4).get("values")),
        (&json!("1"), None)
    );
    let ids = component(3)["values"].as_array().unwrap();
    let attachment = &event["data"]["resolved"]["attachments"][ids[1].as_str().unwrap()];
    assert_eq!(
        reqwest::get(attachment["url"].as_str().unwrap())
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "hello"
    );
    // The answer tells which interaction opened the modal.
    let answered = rest
        .answer(&event, json!({ "type": 4, "data": { "content": "thanks" } }))
        .await;
    assert_eq!(answered.status, 204, "{answered:?}");
    let metadata = &sent.expect_reply().await.json()["interaction_metadata"].clone();
    assert_eq!((&metadata["type"], &metadata["id"]), (&json!(5), &event["id"]));
    let opener = &metadata["triggering_interaction_metadata"];
    assert_eq!(
        (&opener["type"], &opener["id"], &opener["name"]),
        (&json!(2), &command["id"], &json!("hi"))
    );
    let more = rest
        .webhook("POST", &event, "", json!({ "content": "more" }))
        .await
        .body;
    let original = rest
        .webhook("GET", &event, "/messages/@original", Value::Null)
        .await
        .body;
    assert_eq!(
        more["interaction_metadata"]["original_response_message_id"],
        original["id"]
    );

    let fields = [
        json!({ "type": 22, "custom_id": "group", "options": options(3), "required": false }),
        json!({ "type": 23, "custom_id": "box", "default": true }),
        json!({ "type": 8, "custom_id": "where", "default_values": [{ "id": alice.channel_id().to_string(), "type": "channel" }] }),
    ];
    let used = alice.slash("hi", &[]).await;
    let mut body = labels(&fields);
    body["data"]["components"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "type": 10, "content": "read me" }));
    let opened = rest.answer(&socket.event("INTERACTION_CREATE").await, body).await;
    assert_eq!(opened.status, 204, "{opened:?}");
    used.expect_modal().await;
    alice.submits(&used, &[]).await;
    let event = socket.event("INTERACTION_CREATE").await;
    let sent = &event["data"]["components"];
    assert_eq!(
        (&sent[0]["component"]["values"], &sent[1]["component"]["value"]),
        (&json!([]), &json!(true))
    );
    assert_eq!(sent[2]["component"]["values"], json!([alice.channel_id().to_string()]));
    assert_eq!((&sent[3]["type"], sent[3].get("content")), (&json!(10), None));
}

#[tokio::test]
async fn modals_that_discord_refuses() {
    let (_sandbox, mut socket, rest, alice) = stage().await;
    alice.slash("hi", &[]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    let twice =
        json!([{ "label": "a", "value": "a", "default": true }, { "label": "b", "value": "b", "default": true }]);
    for (field, place) in [
        (json!({ "type": 2, "style": 1, "label": "l", "custom_id": "x" }), "type"),
        (
            json!({ "type": 3, "custom_id": "x", "options": options(2), "disabled": true }),
            "disabled",
        ),
        (
            json!({ "type": 3, "custom_id": "x", "options": options(2), "max_values": 3 }),
            "max_values",
        ),
        (json!({ "type": 5, "custom_id": "x", "min_values": 2 }), "min_values"),
        (json!({ "type": 19, "custom_id": "x", "max_values": 11 }), "max_values"),
        (
            json!({ "type": 21, "custom_id": "x", "options": options(1) }),
            "options",
        ),
        (json!({ "type": 21, "custom_id": "x", "options": twice }), "options"),
        (
            json!({ "type": 22, "custom_id": "x", "options": options(11) }),
            "options",
        ),
        (json!({ "type": 23, "custom_id": "x", "default": 1 }), "default"),
        (json!({ "type": 4, "style": 1 }), "custom_id"),
    ] {
        let refused = rest.answer(&interaction, labels(std::slice::from_ref(&field))).await;
        let errors = &refused.body["errors"]["data"]["components"]["0"]["component"];
        assert!(
            refused.code() == 50035 && errors.get(place).is_some(),
            "{field}: {refused:?}"
        );
    }
    let six = (0..6)
        .map(|n| json!({ "type": 23, "custom_id": n.to_string() }))
        .collect::<Vec<_>>();
    assert_eq!(rest.answer(&interaction, labels(&six)).await.code(), 50035);
}

#[tokio::test]
async fn three_seconds_and_fifteen_minutes_by_the_sandboxs_clock() {
    let (sandbox, mut socket, rest, alice) = stage().await;
    sandbox.stop_clock();
    let used = alice.slash("hi", &[]).await;
    let late = socket.event("INTERACTION_CREATE").await;
    sandbox.advance(Duration::from_millis(2_999));
    assert_eq!(used.state(), InteractionState::Waiting);
    sandbox.advance(Duration::from_millis(1));
    assert_eq!(used.state(), InteractionState::Failed, "at once, without waiting");
    let answer = rest
        .answer(&late, json!({ "type": 4, "data": { "content": "x" } }))
        .await;
    assert_eq!((answer.status, answer.code()), (404, 10062));

    let used = alice.slash("hi", &[]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(rest.answer(&interaction, json!({ "type": 5 })).await.status, 204);
    sandbox.advance(Duration::from_secs(15 * 60));
    let edit = json!({ "content": "just in time" });
    let edited = rest
        .webhook("PATCH", &interaction, "/messages/@original", edit.clone())
        .await;
    assert_eq!(edited.status, 200);
    assert_eq!(used.expect_reply().await.content(), "just in time");
    sandbox.advance(Duration::from_millis(1));
    for (method, place) in [("PATCH", "/messages/@original"), ("POST", "")] {
        let refused = rest.webhook(method, &interaction, place, edit.clone()).await;
        assert_eq!((refused.status, refused.code()), (401, 50027), "{method}");
    }
}

#[tokio::test]
async fn ephemeral_answers_are_nobody_elses_over_rest() {
    let (sandbox, mut socket, rest, alice) = stage().await;
    let used = alice.slash("hi", &[]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    let secret = json!({ "type": 4, "data": { "content": "psst", "flags": 64 } });
    assert_eq!(rest.answer(&interaction, secret).await.status, 204);
    let reply = used.expect_reply().await;
    let path = format!("/channels/{}/messages/{}", reply.channel_id(), reply.id());
    for (method, below) in [("GET", ""), ("DELETE", ""), ("PUT", "/reactions/%F0%9F%91%8D/@me")] {
        assert_eq!(
            rest.bare(method, &format!("{path}{below}")).await.code(),
            10008,
            "{method}{below}"
        );
    }
    assert_eq!(rest.send("PATCH", &path, json!({ "content": "x" })).await.code(), 10008);
    // With its token it is the application's, later messages too.
    let more = rest
        .webhook("POST", &interaction, "", json!({ "content": "more", "flags": 64 }))
        .await
        .body;
    let place = format!("/messages/{}", more["id"].as_str().unwrap());
    assert_eq!(
        rest.webhook("PATCH", &interaction, &place, json!({ "content": "changed" }))
            .await
            .status,
        200
    );
    assert_eq!(
        rest.webhook("DELETE", &interaction, &place, Value::Null).await.status,
        204
    );
    assert_eq!(
        rest.webhook("GET", &interaction, &place, Value::Null).await.code(),
        10008
    );
    assert_eq!(sandbox.guild().channel("general").messages().len(), 1);
}

#[tokio::test]
async fn menus_files_and_languages() {
    let (sandbox, mut socket, rest, alice) = stage().await;
    let bob = sandbox.guild().user("bob");
    let answer = async |interaction: &Value| {
        let body = json!({ "type": 4, "data": { "content": "@everyone ok" } });
        let path = format!(
            "/interactions/{}/{}/callback?with_response=true",
            interaction["id"].as_str().unwrap(),
            interaction["token"].as_str().unwrap()
        );
        rest.send("POST", &path, body).await.body["resource"]["message"].clone()
    };
    alice.speaks("de");
    let guild = format!("/guilds/{}", sandbox.guild().id());
    rest.send("PATCH", &guild, json!({ "preferred_locale": "fr" })).await;
    alice.uses_menu_of(&bob, "Inspect").await;
    let event = socket.event("INTERACTION_CREATE").await;
    assert_eq!((&event["locale"], &event["guild_locale"]), (&json!("de"), &json!("fr")));
    assert_eq!(event["data"]["target_id"], bob.id().to_string());
    let message = answer(&event).await;
    assert_eq!(message["interaction_metadata"]["target_user"]["username"], "bob");
    assert_eq!(
        message["mention_everyone"], false,
        "answers ping people only, unless they say so"
    );
    let said = bob.says("quotable").await.message();
    alice.uses_menu_on(&said, "Quote").await;
    let event = socket.event("INTERACTION_CREATE").await;
    let resolved = &event["data"]["resolved"]["messages"][said.id().to_string()];
    assert_eq!(resolved["content"], "quotable");
    assert_eq!(
        answer(&event).await["interaction_metadata"]["target_message_id"],
        said.id().to_string()
    );
    let given = [
        ("file", json!({ "filename": "x.bin", "base64": "AAEC" })),
        ("channel", alice.channel_id().into()),
        ("whom", sandbox.guild().role("Moderator").id().into()),
        ("share", json!(0.5)),
    ];
    alice.slash("hi", &given).await;
    let event = socket.event("INTERACTION_CREATE").await;
    let data = &event["data"];
    let file = &data["resolved"]["attachments"][data["options"][0]["value"].as_str().unwrap()];
    assert_eq!((&file["size"], &file["ephemeral"]), (&json!(3), &json!(true)));
    assert_eq!(
        reqwest::get(file["url"].as_str().unwrap())
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap(),
        [0, 1, 2][..]
    );
    assert_eq!(
        data["resolved"]["channels"][alice.channel_id().to_string()]["name"],
        "general"
    );
    assert_eq!(data["resolved"]["roles"].as_object().unwrap().len(), 1);
    assert_eq!(data["options"][3]["value"], 0.5);
    assert_eq!(
        (&event["attachment_size_limit"], &event["context"]),
        (&json!(10_485_760), &json!(0))
    );
    assert_eq!(
        event["authorizing_integration_owners"]["0"],
        sandbox.guild().id().to_string()
    );
    assert!(event["app_permissions"].is_string() && event["entitlements"] == json!([]));
    // Choices fit the option that is typed.
    alice.completes("number", &[("n", json!("1"))]).await;
    let typed = socket.event("INTERACTION_CREATE").await;
    let choices = |value: Value| json!({ "type": 8, "data": { "choices": [{ "name": "n", "value": value }] } });
    assert_eq!(rest.answer(&typed, choices(json!("one"))).await.code(), 50035);
    assert_eq!(rest.answer(&typed, choices(json!(1))).await.status, 204);
}
