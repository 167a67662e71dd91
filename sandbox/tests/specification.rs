//! Every kind of answer against Discord's own specification, where that lies beside the repository.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;

use sandbox::Sandbox;
use serde_json::{Value, json};
use support::{ALL_INTENTS, Answered, Rest, Socket};

/// Discord's own specification, if it lies beside the repository.
fn specification() -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/discord-openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

#[tokio::test]
async fn answers_are_valid_by_discords_specification() {
    let Some(specification) = specification() else {
        eprintln!("skipped: ../shared/discord-openapi.json is not there");
        return;
    };
    let sandbox = Sandbox::start().await.unwrap();
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let guild = sandbox.guild();
    let general = guild.channel("general");
    let alice = general.user("alice");
    let (g, c, app) = (guild.id(), general.id(), sandbox.application_id());
    let said = alice.says("hi").await;
    let (mut checked, mut faults) = (Vec::new(), Vec::new());
    let mut check = |template: &str, method: &str, answer: Answered| {
        let operation = &specification["paths"][template][method.to_lowercase()];
        let response = &operation["responses"][answer.status.to_string()];
        let schema = &response["content"]["application/json"]["schema"];
        assert!(
            schema.is_object(),
            "{method} {template} -> {}: {}",
            answer.status,
            answer.body
        );
        let mut root = schema.clone();
        root["components"] = specification["components"].clone();
        let validator = jsonschema::validator_for(&root).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&answer.body)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        if !errors.is_empty() {
            faults.push(format!("{method} {template}: {errors:#?}"));
        }
        checked.push(template.to_owned());
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
            { "type": 1, "components": [{ "type": 2, "style": 3, "label": "go", "custom_id": "go" }, { "type": 2, "style": 5, "label": "l", "url": "https://example.com" }] },
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
    assert!(checked.len() > 20);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
