//! Discord's specification enforced: what is against it is refused or recorded; and every kind of answer against
//! Discord's own file, where that lies beside the repository.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use sandbox::{RestFault, Sandbox, ViolationOf};
use serde_json::{Value, json};
use support::{ALL_INTENTS, Answered, Rest, Socket, specification};

/// A small specification of the same form, wrong about some answers on purpose.
fn small() -> tempfile::NamedTempFile {
    let id = json!({ "name": "channel_id", "in": "path", "required": true, "schema": { "$ref": "#/components/schemas/SnowflakeType" } });
    let error = json!({ "content": { "application/json": { "schema": { "type": "object", "required": ["code"] } } } });
    let document = json!({
        "openapi": "3.1.0",
        "paths": {
            "/channels/{channel_id}/messages": {
                "parameters": [id],
                "get": {
                    "parameters": [{ "name": "limit", "in": "query", "schema": { "type": "integer", "maximum": 100 } }],
                    "responses": { "200": { "content": { "application/json": { "schema": { "type": "array", "maxItems": 1 } } } }, "4XX": error },
                },
                "post": {
                    "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Create" } } } },
                    "responses": { "200": { "content": { "application/json": { "schema": { "required": ["id"] } } } }, "4XX": error },
                },
            },
            "/gateway": { "get": { "responses": { "201": {} } } },
        },
        "components": { "schemas": {
            "SnowflakeType": { "type": "string", "pattern": "^[0-9]+$" },
            "Create": { "type": "object", "properties": {
                "content": { "type": ["string", "null"], "maxLength": 10 },
                "nonce": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/SnowflakeType" }] },
                "parts": { "type": "array", "items": { "anyOf": [{ "$ref": "#/components/schemas/A" }, { "$ref": "#/components/schemas/B" }] } },
            } },
            "A": { "type": "object", "required": ["type"], "properties": { "type": { "const": 1 }, "label": { "type": "string", "maxLength": 3 } } },
            "B": { "type": "object", "required": ["type"], "properties": { "type": { "const": 2 }, "url": { "type": "string" } } },
            "MessageResponse": { "type": "object", "properties": { "content": { "not": { "const": "odd" } } } },
        } },
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document.to_string()).unwrap();
    file
}

#[tokio::test]
async fn requests_against_the_specification_are_refused_with_place_and_rule() {
    let file = small();
    let sandbox = Sandbox::builder().specification(file.path()).start().await.unwrap();
    let rest = Rest::new(&sandbox);
    let messages = format!("/channels/{}/messages", sandbox.guild().channel("general").id());
    for (method, path, body, place, pointer, word) in [
        (
            "POST",
            messages.clone(),
            json!({ "content": "x".repeat(11) }),
            "content",
            "body/content",
            "longer than 10",
        ),
        (
            "POST",
            messages.clone(),
            json!({ "content": "x", "nonce": "n" }),
            "nonce",
            "body/nonce",
            "[0-9]+",
        ),
        // Of a union, the branch that was meant.
        (
            "POST",
            messages.clone(),
            json!({ "parts": [{ "type": 1, "label": "long" }] }),
            "parts.0.label",
            "body/parts/0/label",
            "longer than 3",
        ),
        (
            "GET",
            format!("{messages}?limit=101"),
            Value::Null,
            "limit",
            "query/limit",
            "101",
        ),
        (
            "GET",
            format!("{messages}?limt=5"),
            Value::Null,
            "limt",
            "query/limt",
            "limt",
        ),
        (
            "GET",
            "/channels/x/messages".to_owned(),
            Value::Null,
            "channel_id",
            "path/channel_id",
            "[0-9]+",
        ),
    ] {
        let answer = match &body {
            Value::Null => rest.bare(method, &path).await,
            body => rest.send(method, &path, body.clone()).await,
        };
        assert_eq!((answer.status, answer.code()), (400, 50035), "{path}: {answer:?}");
        let place = format!("/errors/{}/_errors/0/message", place.replace('.', "/"));
        let text = answer.body.pointer(&place).and_then(Value::as_str);
        let text = text.unwrap_or_else(|| panic!("{place} in {}", answer.body));
        assert!(
            text.contains(pointer) && text.contains(word) && text.contains("(rule "),
            "{text}"
        );
        let noted = sandbox.violations().pop().unwrap();
        assert_eq!((noted.of, noted.pointer.as_str()), (ViolationOf::Request, pointer));
        assert!(noted.what.ends_with("/channels/{channel_id}/messages"), "{noted}");
    }
    assert_eq!(rest.get(&messages).await.body, json!([]), "nothing of it was served");
    let before = sandbox.violations().len();
    // An id may be a number, and a body of a form is its JSON.
    let form = reqwest::multipart::Form::new().text("payload_json", r#"{"content":"x","nonce":5}"#);
    assert_eq!(
        Rest::run(rest.request("POST", &messages).multipart(form)).await.status,
        200
    );
    assert_eq!(sandbox.violations().len(), before);
    let form = reqwest::multipart::Form::new().text("payload_json", r#"{"content":5}"#);
    assert_eq!(
        Rest::run(rest.request("POST", &messages).multipart(form)).await.status,
        400
    );
    assert_eq!(sandbox.violations().len(), before + 1);
}

#[tokio::test]
async fn what_the_sandbox_says_against_the_specification_is_recorded() {
    let file = small();
    let sandbox = Sandbox::builder().specification(file.path()).start().await.unwrap();
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    let messages = format!("/channels/{}/messages", general.id());
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let last = || {
        let found = sandbox.violations();
        found.last().map(|one| (one.of, one.what.clone(), one.pointer.clone()))
    };
    assert_eq!(last(), None);
    general.user("alice").says("odd").await;
    assert_eq!(
        socket.event("MESSAGE_CREATE").await["content"],
        "odd",
        "it is sent all the same"
    );
    assert_eq!(
        last().unwrap(),
        (
            ViolationOf::Event,
            "MESSAGE_CREATE".to_owned(),
            "data/content".to_owned()
        )
    );
    general.user("alice").says("fine").await;
    assert_eq!(rest.get(&messages).await.status, 200);
    let of_answer = (
        ViolationOf::Answer,
        "GET /channels/{channel_id}/messages".to_owned(),
        "body".to_owned(),
    );
    assert_eq!(last().unwrap(), of_answer);
    assert_eq!(rest.get("/gateway").await.status, 200);
    assert_eq!(
        last().unwrap(),
        (ViolationOf::Answer, "GET /gateway".to_owned(), "status".to_owned())
    );
    // Served here, unknown there; and unknown to both.
    rest.get("/users/@me").await;
    assert_eq!(
        last().unwrap(),
        (ViolationOf::Answer, "GET /users/@me".to_owned(), "path".to_owned())
    );
    rest.get("/nowhere").await;
    assert_eq!(
        last().unwrap(),
        (ViolationOf::Request, "GET /nowhere".to_owned(), "path".to_owned())
    );
    // A fault that a test asks for breaks no promise of the sandbox.
    let count = sandbox.violations().len();
    sandbox.fail_rest(RestFault::status(500));
    assert_eq!(rest.get(&messages).await.status, 500);
    assert_eq!(sandbox.violations().len(), count);
}

#[tokio::test]
async fn a_file_that_is_no_specification_is_refused_with_its_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (content, word) in [("{", "no JSON"), ("{}", "no OpenAPI file")] {
        std::fs::write(file.path(), content).unwrap();
        let error = Sandbox::builder()
            .specification(file.path())
            .start()
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(word) && error.contains("openapi.json"), "{error}");
        assert!(error.contains(file.path().to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn answers_are_valid_by_discords_specification() {
    let Some(file) = specification() else {
        eprintln!("skipped: DISCORD_OPENAPI names no file, and ../shared/discord-openapi.json is not there");
        return;
    };
    let sandbox = Sandbox::builder().specification(file).start().await.unwrap();
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let guild = sandbox.guild();
    let general = guild.channel("general");
    let alice = general.user("alice");
    let (g, c, app) = (guild.id(), general.id(), sandbox.application_id());
    let said = alice.says("hi").await;
    let mut checked = 0;
    let mut check = |template: &str, method: &str, answer: Answered| {
        assert!((200..300).contains(&answer.status), "{method} {template}: {answer:?}");
        checked += 1;
        answer.body
    };
    for (template, path) in [
        ("/users/@me", "/users/@me".to_owned()),
        ("/users/{user_id}", format!("/users/{}", alice.id())),
        ("/users/@me/guilds", "/users/@me/guilds".to_owned()),
        ("/applications/@me", "/applications/@me".to_owned()),
        ("/oauth2/applications/@me", "/oauth2/applications/@me".to_owned()),
        ("/gateway", "/gateway".to_owned()),
        ("/gateway/bot", "/gateway/bot".to_owned()),
        ("/guilds/{guild_id}", format!("/guilds/{g}")),
        ("/guilds/{guild_id}/channels", format!("/guilds/{g}/channels")),
        ("/guilds/{guild_id}/roles", format!("/guilds/{g}/roles")),
        ("/guilds/{guild_id}/members", format!("/guilds/{g}/members?limit=10")),
        (
            "/guilds/{guild_id}/members/{user_id}",
            format!("/guilds/{g}/members/{}", alice.id()),
        ),
        ("/channels/{channel_id}", format!("/channels/{c}")),
    ] {
        check(template, "GET", rest.get(&path).await);
    }
    let full = json!({
        "content": format!("{} hello", alice.mention()),
        "embeds": [{ "title": "t", "url": "https://example.com", "description": "d", "color": 5, "timestamp": "2025-01-01T00:00:00Z",
            "footer": { "text": "f" }, "author": { "name": "a" }, "image": { "url": "https://example.com/a.png" },
            "thumbnail": { "url": "https://example.com/a.png" }, "fields": [{ "name": "n", "value": "v" }] }],
        "components": [
            { "type": 1, "components": [{ "type": 2, "style": 3, "label": "go", "custom_id": "go", "emoji": { "id": null, "name": "🎲" } }, { "type": 2, "style": 5, "label": "l", "url": "https://example.com" }] },
            { "type": 1, "components": [{ "type": 3, "custom_id": "s", "options": [{ "label": "a", "value": "a" }] }] },
            { "type": 1, "components": [{ "type": 5, "custom_id": "u" }] },
        ],
        "message_reference": { "message_id": said.message_id().to_string() },
    });
    let messages = "/channels/{channel_id}/messages";
    check(
        messages,
        "POST",
        rest.send("POST", &format!("/channels/{c}/messages"), full.clone())
            .await,
    );
    let v2 = json!({ "flags": 1 << 15, "components": [
        { "type": 17, "accent_color": 5, "components": [{ "type": 10, "content": "t" }, { "type": 14 },
            { "type": 12, "items": [{ "media": { "url": "https://example.com/a.png" } }] }] },
        { "type": 9, "components": [{ "type": 10, "content": "t" }], "accessory": { "type": 11, "media": { "url": "https://example.com/a.png" } } },
    ] });
    check(
        messages,
        "POST",
        rest.send("POST", &format!("/channels/{c}/messages"), v2).await,
    );
    alice.reacts(&said.message(), "👍").await;
    check(
        messages,
        "GET",
        rest.get(&format!("/channels/{c}/messages?limit=10")).await,
    );
    let dm = rest
        .send(
            "POST",
            "/users/@me/channels",
            json!({ "recipient_id": alice.id().to_string() }),
        )
        .await;
    check("/users/@me/channels", "POST", dm);
    let command = json!({ "name": "who", "description": "d", "options": [{ "type": 3, "name": "o", "description": "d", "choices": [{ "name": "n", "value": "v" }] }] });
    check(
        "/applications/{application_id}/commands",
        "PUT",
        rest.register(&sandbox, json!([command, { "name": "U", "type": 2 }]))
            .await,
    );
    check(
        "/applications/{application_id}/commands",
        "GET",
        rest.get(&format!("/applications/{app}/commands")).await,
    );
    let guild_command = rest
        .send(
            "POST",
            &format!("/applications/{app}/guilds/{g}/commands"),
            command.clone(),
        )
        .await;
    check(
        "/applications/{application_id}/guilds/{guild_id}/commands",
        "POST",
        guild_command,
    );
    check(
        "/guilds/{guild_id}/roles",
        "POST",
        rest.send("POST", &format!("/guilds/{g}/roles"), json!({ "name": "r" }))
            .await,
    );
    check(
        "/guilds/{guild_id}/channels",
        "POST",
        rest.send(
            "POST",
            &format!("/guilds/{g}/channels"),
            json!({ "name": "v", "type": 2 }),
        )
        .await,
    );
    alice.slash("who", &[("o", "v".into())]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    let (id, token) = (
        interaction["id"].as_str().unwrap(),
        interaction["token"].as_str().unwrap(),
    );
    let answer = rest
        .send(
            "POST",
            &format!("/interactions/{id}/{token}/callback?with_response=true"),
            json!({ "type": 4, "data": { "content": "x", "flags": 64 } }),
        )
        .await;
    check(
        "/interactions/{interaction_id}/{interaction_token}/callback",
        "POST",
        answer,
    );
    alice.slash("who", &[("o", "v".into())]).await;
    let deferred = socket.event("INTERACTION_CREATE").await;
    let path = |one: &Value| {
        format!(
            "/interactions/{}/{}/callback",
            one["id"].as_str().unwrap(),
            one["token"].as_str().unwrap()
        )
    };
    let path = format!("{}?with_response=true", path(&deferred));
    check(
        "/interactions/{interaction_id}/{interaction_token}/callback",
        "POST",
        rest.send("POST", &path, json!({ "type": 5 })).await,
    );
    let original = "/webhooks/{webhook_id}/{webhook_token}/messages/@original";
    check(
        original,
        "PATCH",
        rest.webhook("PATCH", &interaction, "/messages/@original", json!({ "content": "y" }))
            .await,
    );
    check(
        "/webhooks/{webhook_id}/{webhook_token}",
        "POST",
        rest.webhook("POST", &interaction, "", json!({ "content": "more" }))
            .await,
    );
    assert!(checked > 20);
    support::nothing_against_the_specification(&sandbox);
}
