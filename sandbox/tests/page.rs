//! The page's server part: what it serves, the live connection, acts by request, and who is kept out.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use futures_util::StreamExt;
use sandbox::Sandbox;
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket};

#[tokio::test]
async fn files_are_served_and_strangers_are_not() {
    let sandbox = Sandbox::start().await.unwrap();
    let page = Rest::page(&sandbox);
    let index = page.get("/").await;
    assert_eq!(index.status, 200);
    let text = index.body.as_str().unwrap().to_owned();
    assert!(
        index.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("frame-ancestors 'none'")
    );
    let mut pending: Vec<String> = text
        .split('"')
        .filter(|part| part.starts_with("/page/"))
        .map(str::to_owned)
        .collect();
    let mut seen: Vec<String> = Vec::new();
    // Everything that the page and its modules name is there.
    while let Some(path) = pending.pop() {
        if seen.contains(&path) {
            continue;
        }
        let file = page.get(&path).await;
        assert_eq!(file.status, 200, "{path}");
        let script = file.body.as_str().unwrap_or_default();
        pending.extend(
            script
                .split('\'')
                .filter_map(|part| part.strip_prefix("./"))
                .map(|name| format!("/page/{name}")),
        );
        seen.push(path);
    }
    assert!(seen.len() > 2, "{seen:?}");
    assert_eq!(page.get("/page/none.js").await.status, 404);
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        for path in ["/", "/page/app.js", "/page/messages?as=1&channel_id=1"] {
            let answer = Rest::run(page.request("GET", path).header(name, value)).await;
            assert_eq!(answer.status, 403, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn a_person_acts_by_request_and_hears_by_the_live_connection() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (page, rest) = (Rest::page(&sandbox), Rest::new(&sandbox));
    rest.register(&sandbox, json!([{ "name": "hi", "description": "d", "options": [{ "type": 1, "name": "sub", "description": "d", "options": [{ "type": 4, "name": "n", "description": "d", "required": true }] }] }])).await;
    let alice = sandbox.guild().user("alice");
    let (id, channel) = (alice.id().to_string(), alice.channel_id().to_string());
    let url = format!("{}/page/live?as={id}", sandbox.gateway_url());
    let (mut live, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut next = async |wanted: &str| -> Value {
        loop {
            let text = live.next().await.unwrap().unwrap().into_text().unwrap();
            let note: Value = serde_json::from_str(&text).unwrap();
            if note["type"] == wanted {
                return note["data"].clone();
            }
        }
    };
    let state = next("state").await;
    assert_eq!((&state["me"]["id"], &state["online"]), (&json!(id), &json!(true)));
    assert_eq!(
        (
            &state["guilds"][0]["name"],
            state["guilds"][0]["members"].as_array().unwrap().len()
        ),
        (&json!("Sandbox"), 4)
    );
    let command = state["commands"][0]["id"].clone();

    let said = page
        .send(
            "POST",
            "/page/messages",
            json!({ "as": id, "channel_id": channel, "content": "hello" }),
        )
        .await;
    assert_eq!((said.status, &said.body["content"]), (200, &json!("hello")));
    assert_eq!(next("message_create").await["id"], said.body["id"]);
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "hello");
    let one = format!("/page/messages/{channel}/{}", said.body["id"].as_str().unwrap());
    page.send("PATCH", &one, json!({ "as": id, "content": "changed" }))
        .await;
    assert_eq!(next("message_update").await["content"], "changed");
    let listed = page
        .get(&format!("/page/messages?as={id}&channel_id={channel}&limit=50"))
        .await
        .body;
    assert_eq!(listed[0]["content"], "changed");
    assert_eq!(page.bare("DELETE", &format!("{one}?as={id}")).await.status, 200);
    assert_eq!(next("message_delete").await["id"], said.body["id"]);

    let slash = json!({ "as": id, "channel_id": channel, "command_id": command, "options": [{ "name": "sub", "type": 1, "options": [{ "name": "n", "type": 4, "value": "5" }] }] });
    let used = page.send("POST", "/page/slash", slash).await;
    assert_eq!(used.status, 200, "{used:?}");
    let waiting = next("interaction").await;
    assert_eq!(
        (&waiting["id"], &waiting["state"], &waiting["command"]),
        (&used.body["interaction_id"], &json!("waiting"), &json!("hi sub"))
    );
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["data"]["options"][0]["options"][0]["value"], 5);
    let button = json!({ "type": 4, "data": { "content": "only you", "flags": 64, "components": [{ "type": 1, "components": [{ "type": 2, "style": 1, "label": "B", "custom_id": "b" }] }] } });
    rest.answer(&interaction, button).await;
    let answer = next("message_create").await;
    assert_eq!(answer["flags"], 64);
    assert_eq!(next("interaction").await["state"], "answered");
    let click = json!({ "as": id, "channel_id": channel, "message_id": answer["id"], "custom_id": "b" });
    page.send("POST", "/page/click", click).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["data"]["custom_id"], "b");
    let modal = json!({ "custom_id": "m", "title": "T", "components": [{ "type": 1, "components": [{ "type": 4, "custom_id": "why", "style": 1, "label": "Why" }] }] });
    rest.answer(&interaction, json!({ "type": 9, "data": modal })).await;
    let note = loop {
        let note = next("interaction").await;
        if note["state"] == "modal" {
            break note;
        }
    };
    let values = json!({ "as": id, "interaction_id": note["id"], "values": { "why": "so" } });
    assert_eq!(page.send("POST", "/page/modal", values).await.status, 200);
    assert_eq!(socket.event("INTERACTION_CREATE").await["type"], 5);

    rest.send(
        "POST",
        &format!("/channels/{channel}/messages"),
        json!({ "kontent": "x" }),
    )
    .await;
    let refused = next("rest_error").await;
    assert_eq!(
        (&refused["status"], &refused["body"]["code"]),
        (&json!(400), &json!(50035))
    );
    rest.bare("POST", &format!("/channels/{channel}/typing")).await;
    assert_eq!(next("typing").await["user_id"], sandbox.bot_id().to_string());
    let new = page.send("POST", "/page/people", json!({ "name": "dora" })).await;
    assert_eq!((new.status, &new.body["username"]), (200, &json!("dora")));
    assert_eq!(next("member_add").await["user"]["username"], "dora");
    let dm = page.send("POST", "/page/dm", json!({ "as": id })).await;
    assert_eq!(dm.body["recipients"][0]["id"], sandbox.bot_id().to_string());
    page.send(
        "POST",
        "/page/messages",
        json!({ "as": id, "channel_id": dm.body["id"], "content": "psst" }),
    )
    .await;
    assert_eq!(next("message_create").await["content"], "psst");
    sandbox.drop_connection();
    assert_eq!(next("bot").await["online"], false);
}

#[tokio::test]
async fn acts_that_are_not_possible_say_why() {
    let sandbox = Sandbox::start().await.unwrap();
    let page = Rest::page(&sandbox);
    let alice = sandbox.guild().user("alice");
    let (id, channel) = (alice.id().to_string(), alice.channel_id().to_string());
    let others = sandbox.guild().user("bob").says("bob's").await;
    for (method, path, body, word) in [
        (
            "POST",
            "/page/messages".to_owned(),
            json!({ "as": "1", "channel_id": channel, "content": "x" }),
            "nobody has the id",
        ),
        (
            "POST",
            "/page/messages".to_owned(),
            json!({ "as": sandbox.bot_id().to_string(), "channel_id": channel, "content": "x" }),
            "acts by itself",
        ),
        (
            "POST",
            "/page/messages".to_owned(),
            json!({ "as": id, "channel_id": "1", "content": "x" }),
            "no channel",
        ),
        (
            "POST",
            "/page/messages".to_owned(),
            json!({ "as": id, "channel_id": channel, "content": " " }),
            "write something",
        ),
        (
            "POST",
            "/page/messages".to_owned(),
            json!({ "as": id, "channel_id": channel, "content": "x".repeat(2001) }),
            "at most 2000",
        ),
        (
            "PATCH",
            format!("/page/messages/{channel}/{}", others.message_id()),
            json!({ "as": id, "content": "x" }),
            "somebody else's",
        ),
        (
            "POST",
            "/page/slash".to_owned(),
            json!({ "as": id, "channel_id": channel, "command_id": "1" }),
            "no command",
        ),
        (
            "POST",
            "/page/click".to_owned(),
            json!({ "as": id, "channel_id": channel, "message_id": others.message_id().to_string(), "custom_id": "x" }),
            "no such control",
        ),
        ("POST", "/page/people".to_owned(), json!({ "name": "a b" }), "letters"),
        (
            "POST",
            "/page/people".to_owned(),
            json!({ "nam": "x" }),
            "can't be read",
        ),
    ] {
        let answer = page.send(method, &path, body.clone()).await;
        assert_eq!(answer.status, 400, "{path} {body}");
        assert!(
            answer.body["message"].as_str().unwrap().contains(word),
            "{body}: {answer:?}"
        );
    }
}

/// The next payload with this opcode.
async fn next_op(socket: &mut Socket, op: u64) -> Value {
    loop {
        let payload = socket.next().await.unwrap();
        if payload["op"] == op {
            return payload;
        }
    }
}

#[tokio::test]
async fn faults_are_asked_for_by_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (page, rest) = (Rest::page(&sandbox), Rest::new(&sandbox));
    let ask = async |fault: Value| page.send("POST", "/page/faults", fault).await;
    assert_eq!(ask(json!({ "fault": "reconnect" })).await.status, 200);
    assert_eq!(next_op(&mut socket, 7).await["op"], 7);
    assert_eq!(
        ask(json!({ "fault": "invalid_session", "resumable": true }))
            .await
            .status,
        200
    );
    assert_eq!(next_op(&mut socket, 9).await["d"], true);
    ask(json!({ "fault": "rest_error", "status": 503, "times": 2 })).await;
    ask(json!({ "fault": "rest_limited", "retry_after": 0.25 })).await;
    for status in [503, 503, 429, 200] {
        assert_eq!(rest.get("/users/@me").await.status, status);
    }
    assert_eq!(ask(json!({ "fault": "drop" })).await.status, 200);
    sandbox.expect_offline().await;
    for (fault, word) in [
        (json!({ "fault": "flood" }), "unknown variant"),
        (json!({ "fault": "close", "code": 1005 }), "a close code"),
        (json!({ "fault": "rest_error", "status": 200 }), "from 400"),
        (
            json!({ "fault": "rest_error", "status": 500, "times": 0 }),
            "times is from 1",
        ),
        (json!({ "fault": "rest_limited", "retry_after": -1.0 }), "retry_after"),
    ] {
        let answer = ask(fault).await;
        let text = answer.body["message"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 400 && text.contains(word), "{answer:?}");
    }
    let foreign = page
        .request("POST", "/page/faults")
        .header("origin", "https://evil.example")
        .body(r#"{"fault":"drop"}"#);
    assert_eq!(Rest::run(foreign).await.status, 403);
}
