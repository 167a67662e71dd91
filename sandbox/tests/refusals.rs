//! What Discord refuses and its `OpenAPI` file lets pass: one case each, with the place and code of its error. And keys
//! that nobody knows, wherever they stand: the one thing in which the sandbox is stricter than Discord.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket, Strict};

/// Says a body, and looks for `code` at `place` (`embeds.0.title`) among the form errors, or as the JSON code.
async fn refused(rest: &Rest, method: &str, path: &str, body: &Value, place: &str, code: &str) {
    let answer = match body {
        Value::Null => rest.bare(method, path).await,
        body => rest.send(method, path, body.clone()).await,
    };
    let text = body.to_string();
    let what = format!("{method} {path} {}", text.chars().take(300).collect::<String>());
    assert_eq!(answer.status, 400, "{what}: {answer:?}");
    if let Ok(number) = code.parse::<u64>() {
        assert_eq!(answer.code(), number, "{what}: {answer:?}");
        return;
    }
    let pointer = format!("/errors/{}/_errors", place.replace('.', "/")).replace("//", "/");
    let found = answer.body.pointer(&pointer).and_then(Value::as_array);
    let found = found.unwrap_or_else(|| panic!("{what}: nothing at {place}: {}", answer.body));
    assert!(found.iter().any(|one| one["code"] == code), "{what}: {found:?}");
}

struct Stage {
    sandbox: Strict,
    rest: Rest,
    messages: String,
    global: String,
    /// An interaction that waits for its answer.
    callback: String,
}

async fn stage() -> Stage {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    rest.register(&sandbox, json!([{ "name": "hi", "description": "d" }]))
        .await;
    let general = sandbox.guild().channel("general");
    general.user("alice").slash("hi", &[]).await;
    let one = socket.event("INTERACTION_CREATE").await;
    Stage {
        rest,
        messages: format!("/channels/{}/messages", general.id()),
        global: format!("/applications/{}/commands", sandbox.application_id()),
        callback: format!(
            "/interactions/{}/{}/callback",
            one["id"].as_str().unwrap(),
            one["token"].as_str().unwrap()
        ),
        sandbox,
    }
}

fn button(id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": "l", "custom_id": id })
}

fn row(inner: Value) -> Value {
    json!({ "type": 1, "components": inner })
}

#[tokio::test]
async fn messages_that_the_specification_lets_pass() {
    let stage = stage().await;
    let with = |components: Value| json!({ "content": "x", "components": components });
    let v2 = 1 << 15;
    let text = json!({ "type": 10, "content": "t" });
    let rows: Vec<Value> = (0..6).map(|n| row(json!([button(&n.to_string())]))).collect();
    let legacy = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2";
    for (body, place, code) in [
        (json!({}), "", "50006"),
        (json!({ "content": null, "embeds": [], "flags": 4 }), "", "50006"),
        (
            json!({ "content": "x".repeat(2001) }),
            "content",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            json!({ "content": "x".repeat(4000) }),
            "content",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            json!({ "embeds": vec![json!({ "description": "d".repeat(2001) }); 3] }),
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
        ),
        (
            with(json!([row(json!([button("a"), button("a")]))])),
            "components.0.components.1.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            with(json!([
                row(json!([button("a")])),
                row(json!([{ "type": 5, "custom_id": "a" }]))
            ])),
            "components.1.components.0.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (with(json!(rows)), "components", "BASE_TYPE_MAX_LENGTH"),
        (with(json!([text])), "components.0.type", "UNION_TYPE_CHOICES"),
        (
            with(json!([{ "type": 17, "components": [text] }])),
            "components.0.type",
            "UNION_TYPE_CHOICES",
        ),
        (
            json!({ "flags": v2, "content": "x", "components": [text] }),
            "content",
            legacy,
        ),
        (
            json!({ "flags": v2, "embeds": [{ "title": "t" }], "components": [text] }),
            "embeds",
            legacy,
        ),
        (
            json!({ "flags": v2, "components": vec![text.clone(); 41] }),
            "components",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            with(json!([row(json!([{ "type": 2, "style": 1, "label": "l" }]))])),
            "components.0.components.0.custom_id",
            "BASE_TYPE_REQUIRED",
        ),
        (
            with(json!([row(json!([{ "type": 2, "style": 5, "label": "l" }]))])),
            "components.0.components.0.url",
            "BASE_TYPE_REQUIRED",
        ),
        (
            with(json!([row(json!([{ "type": 2, "style": 2, "custom_id": "a" }]))])),
            "components.0.components.0.label",
            "BUTTON_COMPONENT_INVALID",
        ),
    ] {
        refused(&stage.rest, "POST", &stage.messages, &body, place, code).await;
        // The same as the first answer to an interaction, below `data`.
        let place = if place.is_empty() {
            "data".to_owned()
        } else {
            format!("data.{place}")
        };
        refused(
            &stage.rest,
            "POST",
            &stage.callback,
            &json!({ "type": 4, "data": body }),
            &place,
            code,
        )
        .await;
    }
    assert!(stage.sandbox.guild().channel("general").messages().is_empty());
    refused(
        &stage.rest,
        "POST",
        &stage.callback,
        &json!({ "type": 4 }),
        "data",
        "BASE_TYPE_REQUIRED",
    )
    .await;
    // And as an edit.
    let sent = stage
        .rest
        .send("POST", &stage.messages, json!({ "content": "x" }))
        .await;
    let edit = format!("{}/{}", stage.messages, sent.body["id"].as_str().unwrap());
    refused(
        &stage.rest,
        "PATCH",
        &edit,
        &json!({ "content": "x".repeat(2001) }),
        "content",
        "BASE_TYPE_MAX_LENGTH",
    )
    .await;
    refused(&stage.rest, "PATCH", &edit, &json!({ "content": "" }), "", "50006").await;
    refused(
        &stage.rest,
        "PATCH",
        &edit,
        &json!({ "flags": v2, "content": "y", "components": [text] }),
        "content",
        legacy,
    )
    .await;
    let answer = stage
        .rest
        .send(
            "POST",
            &stage.callback,
            json!({ "type": 4, "data": { "content": "ok" } }),
        )
        .await;
    assert_eq!(answer.status, 204, "nothing of all that used up the answer");
}

#[tokio::test]
async fn commands_that_the_specification_lets_pass() {
    let stage = stage().await;
    let slash = |name: &str| json!({ "name": name, "description": "d" });
    let required =
        |is_required: bool, name: &str| json!({ "type": 3, "name": name, "description": "d", "required": is_required });
    for (body, place, code) in [
        (json!({ "name": "ping" }), "description", "BASE_TYPE_REQUIRED"),
        (
            json!({ "name": "ping", "type": 1, "description": "" }),
            "description",
            "BASE_TYPE_REQUIRED",
        ),
        (slash("Ping"), "name", "APPLICATION_COMMAND_INVALID_NAME"),
        (slash("ping me"), "name", "APPLICATION_COMMAND_INVALID_NAME"),
        (
            json!({ "name": "ping", "description": "d", "options": [required(false, "a"), required(true, "b")] }),
            "options.1",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (
            json!({ "name": "ping", "description": "d", "options": [required(true, "a"), required(true, "a")] }),
            "options.1.name",
            "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
        ),
        (
            json!({ "name": "Who", "type": 2, "description": "d" }),
            "description",
            "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_EMPTY",
        ),
    ] {
        refused(&stage.rest, "POST", &stage.global, &body, place, code).await;
        let place = format!("0.{place}");
        refused(&stage.rest, "PUT", &stage.global, &json!([body]), &place, code).await;
    }
    let many: Vec<Value> = (0..101).map(|n| slash(&format!("c{n}"))).collect();
    refused(&stage.rest, "PUT", &stage.global, &json!(many), "", "30032").await;
    let twice = json!([slash("a"), slash("b"), slash("a")]);
    refused(
        &stage.rest,
        "PUT",
        &stage.global,
        &twice,
        "2.name",
        "APPLICATION_COMMANDS_DUPLICATE_NAME",
    )
    .await;
    assert_eq!(stage.sandbox.commands().len(), 1, "the one from before");
}

#[tokio::test]
async fn keys_that_nobody_knows_are_refused_wherever_they_stand() {
    let stage = stage().await;
    let (guild, alice) = (stage.sandbox.guild(), stage.sandbox.guild().user("alice").id());
    let general = guild.channel("general").id();
    let role = guild.role("Moderator").id();
    let in_row = |mut inner: Value| {
        inner["odd"] = json!(1);
        json!({ "content": "x", "components": [row(json!([inner]))] })
    };
    let option = |mut inner: Value| {
        inner["odd"] = json!(1);
        json!({ "name": "c", "description": "d", "options": [inner] })
    };
    let select = |key: &str, value: Value| {
        let mut select = json!({ "type": 3, "custom_id": "s", "options": [{ "label": "l", "value": "v" }] });
        if key == "default_values" {
            select = json!({ "type": 5, "custom_id": "s" });
        }
        select[key] = value;
        json!({ "content": "x", "components": [row(json!([select]))] })
    };
    let poll = |question: Value, answer: Value| json!({ "poll": { "question": question, "answers": [{ "poll_media": answer }] } });
    let v2 = |inner: Value| json!({ "flags": 1 << 15, "components": [inner] });
    let media = json!({ "url": "https://example.com/a.png" });
    let messages = [
        (json!({ "content": "x", "odd": 1 }), "odd"),
        (json!({ "embeds": [{ "title": "t", "odd": 1 }] }), "embeds.0.odd"),
        (
            json!({ "embeds": [{ "footer": { "text": "t", "odd": 1 } }] }),
            "embeds.0.footer.odd",
        ),
        (
            json!({ "embeds": [{ "author": { "name": "t", "odd": 1 } }] }),
            "embeds.0.author.odd",
        ),
        (
            json!({ "embeds": [{ "image": { "url": "https://example.com", "odd": 1 } }] }),
            "embeds.0.image.odd",
        ),
        (
            json!({ "embeds": [{ "thumbnail": { "url": "https://example.com", "odd": 1 } }] }),
            "embeds.0.thumbnail.odd",
        ),
        (
            json!({ "embeds": [{ "fields": [{ "name": "n", "value": "v", "odd": 1 }] }] }),
            "embeds.0.fields.0.odd",
        ),
        (
            json!({ "content": "x", "allowed_mentions": { "odd": [] } }),
            "allowed_mentions.odd",
        ),
        (
            json!({ "content": "x", "message_reference": { "message_id": "1", "odd": 1 } }),
            "message_reference.odd",
        ),
        (
            json!({ "content": "x", "attachments": [{ "id": "0", "odd": 1 }] }),
            "attachments.0.odd",
        ),
        (
            json!({ "content": "x", "components": [{ "type": 1, "odd": 1, "components": [button("a")] }] }),
            "components.0.odd",
        ),
        (in_row(button("a")), "components.0.components.0.odd"),
        (
            in_row(json!({ "type": 5, "custom_id": "s" })),
            "components.0.components.0.odd",
        ),
        (
            select("options", json!([{ "label": "l", "value": "v", "odd": 1 }])),
            "components.0.components.0.options.0.odd",
        ),
        (
            select(
                "options",
                json!([{ "label": "l", "value": "v", "emoji": { "name": "👍", "odd": 1 } }]),
            ),
            "components.0.components.0.options.0.emoji.odd",
        ),
        (
            select("default_values", json!([{ "id": "1", "type": "user", "odd": 1 }])),
            "components.0.components.0.default_values.0.odd",
        ),
        (v2(json!({ "type": 10, "content": "t", "odd": 1 })), "components.0.odd"),
        (
            v2(json!({ "type": 17, "components": [{ "type": 14, "odd": 1 }] })),
            "components.0.components.0.odd",
        ),
        (
            v2(json!({ "type": 12, "items": [{ "media": media, "odd": 1 }] })),
            "components.0.items.0.odd",
        ),
        (
            v2(
                json!({ "type": 9, "components": [{ "type": 10, "content": "t" }], "accessory": { "type": 11, "media": { "url": "https://example.com", "odd": 1 } } }),
            ),
            "components.0.accessory.media.odd",
        ),
        (
            poll(json!({ "text": "q", "odd": 1 }), json!({ "text": "a" })),
            "poll.question.odd",
        ),
        (
            poll(json!({ "text": "q" }), json!({ "text": "a", "odd": 1 })),
            "poll.answers.0.poll_media.odd",
        ),
        (
            poll(
                json!({ "text": "q" }),
                json!({ "text": "a", "emoji": { "name": "👍", "odd": 1 } }),
            ),
            "poll.answers.0.poll_media.emoji.odd",
        ),
    ];
    let commands = [
        (json!({ "name": "c", "description": "d", "odd": 1 }), "odd"),
        (
            json!({ "name": "c", "description": "d", "name_localizations": { "xx": "a" } }),
            "name_localizations.xx",
        ),
        (
            option(json!({ "type": 3, "name": "o", "description": "d" })),
            "options.0.odd",
        ),
        (
            option(json!({ "type": 1, "name": "o", "description": "d" })),
            "options.0.odd",
        ),
        (
            json!({ "name": "c", "description": "d", "options": [{ "type": 3, "name": "o", "description": "d", "choices": [{ "name": "n", "value": "v", "odd": 1 }] }] }),
            "options.0.choices.0.odd",
        ),
    ];
    let modal = |label: Value| json!({ "type": 9, "data": { "custom_id": "m", "title": "T", "components": [label] } });
    let input = |odd: &str| {
        let mut input = json!({ "type": 4, "custom_id": "t", "style": 1 });
        input[odd] = json!(1);
        input
    };
    let callbacks = [
        (json!({ "type": 4, "data": { "content": "x" }, "odd": 1 }), "odd"),
        (json!({ "type": 4, "data": { "content": "x", "odd": 1 } }), "data.odd"),
        (json!({ "type": 5, "data": { "odd": 1 } }), "data.odd"),
        (
            modal(json!({ "type": 18, "label": "l", "odd": 1, "component": input("min_length") })),
            "data.components.0.odd",
        ),
        (
            modal(json!({ "type": 18, "label": "l", "component": input("odd") })),
            "data.components.0.component.odd",
        ),
        (
            modal(
                json!({ "type": 18, "label": "l", "component": { "type": 3, "custom_id": "s", "options": [{ "label": "l", "value": "v", "odd": 1 }] } }),
            ),
            "data.components.0.component.options.0.odd",
        ),
    ];
    let mut all: Vec<(&str, String, Value, &str)> = Vec::new();
    all.extend(messages.map(|(body, place)| ("POST", stage.messages.clone(), body, place)));
    all.extend(commands.map(|(body, place)| ("POST", stage.global.clone(), body, place)));
    all.extend(callbacks.map(|(body, place)| ("POST", stage.callback.clone(), body, place)));
    let (g, c) = (format!("/guilds/{}", guild.id()), format!("/channels/{general}"));
    all.extend([
        ("PATCH", c.clone(), json!({ "odd": 1 }), "odd"),
        (
            "PATCH",
            c.clone(),
            json!({ "permission_overwrites": [{ "id": "1", "odd": 1 }] }),
            "permission_overwrites.0.odd",
        ),
        (
            "PATCH",
            c.clone(),
            json!({ "available_tags": [{ "name": "n", "odd": 1 }] }),
            "available_tags.0.odd",
        ),
        (
            "PATCH",
            c.clone(),
            json!({ "default_reaction_emoji": { "odd": 1 } }),
            "default_reaction_emoji.odd",
        ),
        (
            "PUT",
            format!("{c}/permissions/{role}"),
            json!({ "type": 0, "odd": 1 }),
            "odd",
        ),
        (
            "POST",
            format!("{}/bulk-delete", stage.messages),
            json!({ "messages": ["1", "2"], "odd": 1 }),
            "odd",
        ),
        ("PATCH", g.clone(), json!({ "odd": 1 }), "odd"),
        ("POST", format!("{g}/channels"), json!({ "name": "n", "odd": 1 }), "odd"),
        (
            "PATCH",
            format!("{g}/channels"),
            json!([{ "id": general.to_string(), "odd": 1 }]),
            "odd",
        ),
        ("POST", format!("{g}/roles"), json!({ "name": "n", "odd": 1 }), "odd"),
        (
            "POST",
            format!("{g}/roles"),
            json!({ "colors": { "primary_color": 1, "odd": 1 } }),
            "colors.odd",
        ),
        ("PATCH", format!("{g}/roles/{role}"), json!({ "odd": 1 }), "odd"),
        (
            "PATCH",
            format!("{g}/roles"),
            json!([{ "id": role.to_string(), "odd": 1 }]),
            "odd",
        ),
        ("PATCH", format!("{g}/members/{alice}"), json!({ "odd": 1 }), "odd"),
        ("PATCH", format!("{g}/members/@me"), json!({ "odd": 1 }), "odd"),
        ("PUT", format!("{g}/bans/{alice}"), json!({ "odd": 1 }), "odd"),
        ("PATCH", "/users/@me".to_owned(), json!({ "odd": 1 }), "odd"),
        (
            "POST",
            "/users/@me/channels".to_owned(),
            json!({ "recipient_id": alice.to_string(), "odd": 1 }),
            "odd",
        ),
        ("PATCH", "/applications/@me".to_owned(), json!({ "odd": 1 }), "odd"),
        // Queries.
        ("GET", format!("{}?limt=5", stage.messages), Value::Null, "limt"),
        ("GET", format!("{c}?odd=1"), Value::Null, "odd"),
        ("GET", format!("{g}?with_count=true"), Value::Null, "with_count"),
        ("GET", format!("{g}/members?odd=1"), Value::Null, "odd"),
        ("GET", format!("{}?odd=1", stage.global), Value::Null, "odd"),
        ("GET", "/users/@me/guilds?odd=1".to_owned(), Value::Null, "odd"),
        (
            "POST",
            format!("{}?with_respones=true", stage.callback),
            json!({ "type": 5 }),
            "with_respones",
        ),
    ]);
    for (method, path, body, place) in all {
        refused(&stage.rest, method, &path, &body, place, "UNKNOWN_KEY").await;
    }
    // A query's values are read as strictly.
    refused(
        &stage.rest,
        "GET",
        &format!("{g}?with_counts=maybe"),
        &Value::Null,
        "with_counts",
        "BOOLEAN_TYPE_CONVERT",
    )
    .await;
    refused(
        &stage.rest,
        "GET",
        &format!("{}?limit=101", stage.messages),
        &Value::Null,
        "limit",
        "NUMBER_TYPE_RANGE",
    )
    .await;
    refused(
        &stage.rest,
        "GET",
        &format!("{}?before=x", stage.messages),
        &Value::Null,
        "before",
        "NUMBER_TYPE_COERCE",
    )
    .await;
}

#[tokio::test]
async fn what_real_libraries_send_is_taken() {
    let stage = stage().await;
    // discord.js sends its nonce's keys wherever a message goes; discord.py asks with 1 for true.
    let body = json!({ "type": 4, "data": { "content": "x", "enforce_nonce": false } });
    let answer = stage
        .rest
        .send("POST", &format!("{}?with_response=1", stage.callback), body)
        .await;
    assert_eq!(
        (answer.status, answer.body["resource"]["type"].as_u64()),
        (200, Some(4))
    );
    let sent = stage
        .rest
        .send(
            "POST",
            &stage.messages,
            json!({ "content": "x", "enforce_nonce": false }),
        )
        .await;
    let edit = format!("{}/{}", stage.messages, sent.body["id"].as_str().unwrap());
    let body = json!({ "content": "y", "enforce_nonce": false });
    assert_eq!(stage.rest.send("PATCH", &edit, body).await.status, 200);
}
