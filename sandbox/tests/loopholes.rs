//! The sixteen kinds of requests that Discord refuses and its `OpenAPI` file lets pass: each against a sandbox that
//! enforces the file, so that it is the sandbox's own check, in Discord's words, that refuses.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket, Strict};

fn button(id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": "l", "custom_id": id })
}

fn row(inner: Value) -> Value {
    json!({ "type": 1, "components": inner })
}

#[tokio::test]
async fn the_sixteen_kinds_that_the_file_lets_pass() {
    let builder = match support::specification() {
        Some(file) => sandbox::Sandbox::builder().specification(file),
        None => sandbox::Sandbox::builder(),
    };
    let sandbox = Strict::from(builder.start().await.unwrap());
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    rest.register(&sandbox, json!([{ "name": "hi", "description": "d" }]))
        .await;
    let general = sandbox.guild().channel("general");
    general.user("alice").slash("hi", &[]).await;
    let one = socket.event("INTERACTION_CREATE").await;
    let said = |body: Value| ("POST", format!("/channels/{}/messages", general.id()), body);
    let commands = format!("/applications/{}/commands", sandbox.application_id());
    let command = |body: Value| ("POST", commands.clone(), body);
    let (id, token) = (one["id"].as_str().unwrap(), one["token"].as_str().unwrap());
    let slash = |name: &str| json!({ "name": name, "description": "d" });
    let with = |components: Value| json!({ "content": "x", "components": components });
    let text = json!({ "type": 10, "content": "t" });
    let rows: Vec<Value> = (0..6).map(|n| row(json!([button(&n.to_string())]))).collect();
    let hundred_and_one: Vec<Value> = (0..101).map(|n| slash(&format!("c{n}"))).collect();
    let option =
        |name: &str, is_required: bool| json!({ "type": 3, "name": name, "description": "d", "required": is_required });
    let required = json!({ "name": "c", "description": "d", "options": [option("a", false), option("b", true)] });
    let long = vec![json!({ "description": "d".repeat(2001) }); 3];
    let in_row = |inner: Value| with(json!([row(json!([inner]))]));
    let cases = [
        ("empty message", said(json!({})), 50006),
        ("2,001 characters", said(json!({ "content": "x".repeat(2001) })), 50035),
        ("embeds of 6,001 characters", said(json!({ "embeds": long })), 50035),
        (
            "custom id twice",
            said(with(json!([row(json!([button("a"), button("a")]))]))),
            50035,
        ),
        ("six rows", said(with(json!(rows))), 50035),
        ("V2 without its flag", said(with(json!([text]))), 50035),
        (
            "V2 with content",
            said(json!({ "flags": 1 << 15, "content": "x", "components": [text] })),
            50035,
        ),
        (
            "button without custom id",
            said(in_row(json!({ "type": 2, "style": 1, "label": "l" }))),
            50035,
        ),
        (
            "link without address",
            said(in_row(json!({ "type": 2, "style": 5, "label": "l" }))),
            50035,
        ),
        ("misspelt key", said(json!({ "content": "x", "embed": {} })), 50035),
        ("no description", command(json!({ "name": "c" })), 50035),
        ("capital letters", command(slash("Ping")), 50035),
        ("101 commands", ("PUT", commands.clone(), json!(hundred_and_one)), 30032),
        (
            "a name twice",
            ("PUT", commands.clone(), json!([slash("a"), slash("a")])),
            50035,
        ),
        ("required after optional", command(required), 50035),
        (
            "answer without data",
            (
                "POST",
                format!("/interactions/{id}/{token}/callback"),
                json!({ "type": 4 }),
            ),
            50035,
        ),
    ];
    assert_eq!(cases.len(), 16);
    for (what, (method, path, body), code) in cases {
        let answer = rest.send(method, &path, body).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{what}: {answer:?}");
        let text = answer.body.to_string();
        assert!(
            !text.contains("SPECIFICATION_VIOLATED"),
            "{what} is refused by the file itself: {text}"
        );
    }
    assert!(general.messages().is_empty() && sandbox.commands().len() == 1);
}
