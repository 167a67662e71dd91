//! The page's server part: what it serves, the live connection, acts by request, and who is kept out.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use futures_util::StreamExt;
use sandbox::Sandbox;
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket, page::Live};

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
            .contains("frame-ancestors 'self'")
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
        for path in [
            "/",
            "/page/app.js",
            "/page/messages?as=1&channel_id=1",
            "/page/live",
            "/page/traffic",
            "/page/traffic/1",
            "/attachments/1/1/a.txt",
        ] {
            let answer = Rest::run(page.request("GET", path).header(name, value)).await;
            assert_eq!(answer.status, 403, "{name} {path}");
        }
    }
    // REST neither, though the token be right: other clients send no Origin.
    let rest = Rest::new(&sandbox);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:1"),
        ("host", "evil.example"),
    ] {
        for (method, path) in [("GET", "/users/@me"), ("POST", "/interactions/1/t/callback")] {
            let answer = Rest::run(rest.request(method, path).header(name, value)).await;
            assert_eq!((answer.status, answer.code()), (403, 0), "{name} {value} {path}");
            let text = answer.body["message"].as_str().unwrap();
            assert!(text.contains("this computer only"), "{text}");
        }
    }
    assert_eq!(rest.get("/users/@me").await.status, 200);
    assert_eq!(sandbox.rest_log().len(), 1, "strangers are not served");
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
    ask(json!({ "fault": "undecodable", "kind": "unknown_opcode", "shard": 0 })).await;
    next_op(&mut socket, 99).await;
    // A key that is misspelt or does not apply is no fault of everything.
    for (fault, word) in [
        (json!({ "fault": "drop", "sharrd": 1 }), "unknown field `sharrd`"),
        (json!({ "fault": "drop", "times": 2 }), "unknown field `times`"),
        (json!({ "fault": "drop", "route": "GET /users/@me" }), "leave it out"),
        (json!({ "fault": "accept", "shard": 0 }), "leave shard out"),
        (json!({ "fault": "rest_cut", "shard": 0 }), "leave shard out"),
        (json!({ "fault": "rest_clear", "times": 2 }), "unknown field `times`"),
        (json!({ "fault": "rest_held", "seconds": 2 }), "unknown field `seconds`"),
    ] {
        let answer = ask(fault).await;
        let text = answer.body["message"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 400 && text.contains(word), "{answer:?}");
    }
    assert!(sandbox.is_online());
    assert_eq!(rest.get("/users/@me").await.status, 200);
    assert_eq!(ask(json!({ "fault": "drop" })).await.status, 200);
    sandbox.expect_offline().await;
    for (fault, word) in [
        (json!({ "fault": "flood" }), "unknown variant"),
        (json!({ "fault": "drop", "shard": "x" }), "shard is the number"),
        (json!({ "fault": "slow", "seconds": -1 }), "seconds is a number"),
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

impl Live {
    /// Waits for an entry of the traffic.
    async fn entry(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let batch = self.next("traffic").await;
            if let Some(found) = batch["entries"].as_array().unwrap().iter().find(|entry| wanted(entry)) {
                return found.clone();
            }
        }
    }
}

#[tokio::test]
async fn the_traffic_is_shown_with_bodies_and_without_the_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut live = Live::open(&sandbox, "/page/traffic").await;
    let _socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (page, rest) = (Rest::page(&sandbox), Rest::new(&sandbox));
    let detail = async |entry: &Value| page.get(&format!("/page/traffic/{}", entry["id"])).await.body;

    let identify = live.entry(|entry| entry["from_bot"] == true && entry["op"] == 2).await;
    assert_eq!(identify["preview"], "");
    let identify = detail(&identify).await;
    assert_eq!(identify["payload"]["d"]["token"], "(the bot's token)");
    assert!(!identify.to_string().contains(sandbox.token()));

    let alice = sandbox.guild().user("alice");
    alice.says("seen on the wire").await;
    let said = live.entry(|entry| entry["name"] == "MESSAGE_CREATE").await;
    assert_eq!((&said["from_bot"], &said["op"]), (&json!(false), &json!(0)));
    assert!(said["size"].as_u64() > Some(100) && said["sequence"].is_u64(), "{said}");
    assert_eq!(detail(&said).await["payload"]["d"]["content"], "seen on the wire");

    let path = format!("/channels/{}/messages", alice.channel_id());
    rest.send("POST", &path, json!({ "content": "fine" })).await;
    let fine = live.entry(|entry| entry["kind"] == "rest").await;
    assert_eq!((&fine["method"], &fine["status"]), (&json!("POST"), &json!(200)));
    assert!(
        fine["took_ms"].as_f64() > Some(0.0) && fine["preview"].as_str().unwrap().contains("fine"),
        "{fine}"
    );
    let fine = detail(&fine).await;
    assert_eq!(
        (&fine["request"]["content"], &fine["answer"]["content"]),
        (&json!("fine"), &json!("fine"))
    );
    assert!(fine["headers"]["x-ratelimit-bucket"].is_string(), "{fine}");

    rest.send("POST", &path, json!({ "kontent": "x" })).await;
    let refused = live.entry(|entry| entry["status"] == 400).await;
    assert_eq!(refused["error"], "Invalid Form Body");
    assert!(detail(&refused).await["answer"]["errors"].is_object());
    sandbox.drop_connection();
    live.entry(|entry| entry["kind"] == "note" && entry["name"] == "dropped")
        .await;
    let gone = page.get("/page/traffic/999999").await;
    assert!(
        gone.status == 400 && gone.body["message"].as_str().unwrap().contains("not kept"),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_page_from_before_a_restart_gets_all_of_the_traffic() {
    let sandbox = Sandbox::start().await.unwrap();
    let rest = Rest::new(&sandbox);
    for _ in 0..3 {
        rest.get("/users/@me").await;
    }
    let first = Live::open(&sandbox, "/page/traffic").await.next("traffic").await;
    let run = first["run"].as_u64().unwrap();
    let ids = |batch: &Value| -> Vec<u64> {
        let entries = batch["entries"].as_array().unwrap().iter();
        entries.map(|entry| entry["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids(&first), [1, 2, 3]);
    for (asked, wanted) in [
        // An id that this sandbox has not given yet, and one that it gave to something else.
        ("after=999999".to_owned(), vec![1, 2, 3]),
        (format!("after=2&run={}", run - 1), vec![1, 2, 3]),
        (format!("after=2&run={run}"), vec![3]),
    ] {
        let mut live = Live::open(&sandbox, &format!("/page/traffic?{asked}")).await;
        let batch = live.next("traffic").await;
        assert_eq!((ids(&batch), &batch["skipped"]), (wanted, &json!(0)), "{asked}");
    }
}

#[tokio::test]
async fn the_token_is_not_shown_of_what_cannot_be_parsed() {
    let sandbox = Sandbox::start().await.unwrap();
    let page = Rest::page(&sandbox);
    let token = sandbox.token();
    let mut live = Live::open(&sandbox, "/page/traffic").await;
    let mut socket = Socket::open(&sandbox, None).await;
    // Where the preview is cut, too.
    let padding = "x".repeat(370);
    let broken = format!(r#"{{"op":2,"d":{{"note":"{padding}","token":"{token}","properties":"#);
    socket.send_text(&broken).await;
    let entry = live.entry(|entry| entry["from_bot"] == true).await;
    let preview = entry["preview"].as_str().unwrap();
    assert!(
        preview.contains("\"token\"") && !preview.contains(&token[..4]),
        "{preview}"
    );
    let detail = page.get(&format!("/page/traffic/{}", entry["id"])).await.body;
    let payload = detail["payload"].as_str().unwrap();
    assert!(
        payload.contains("(the bot's token)") && !detail.to_string().contains(token),
        "{payload}"
    );
}

#[tokio::test]
async fn people_react_type_complete_and_use_menus() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (page, rest) = (Rest::page(&sandbox), Rest::new(&sandbox));
    let alice = sandbox.guild().user("alice");
    let channel = alice.channel_id().to_string();
    let mut bob = Live::open(&sandbox, "/page/live?as=Bob").await;
    let said = alice.says("look").await.message_id().to_string();
    assert_eq!(bob.next("state").await["me"]["username"], "bob");

    let react = |emoji: Value, remove: bool| json!({ "as": "alice", "channel_id": channel, "message_id": said, "emoji": emoji, "remove": remove });
    assert_eq!(
        page.send("POST", "/page/reactions", react(json!("👍"), false))
            .await
            .status,
        200
    );
    let seen = bob.next("message_update").await;
    assert_eq!(seen["reactions"][0]["users"], json!([alice.id().to_string()]));
    assert_eq!(socket.event("MESSAGE_REACTION_ADD").await["emoji"]["name"], "👍");
    let again = seen["reactions"][0]["emoji"].clone();
    page.send("POST", "/page/reactions", react(again, true)).await;
    assert_eq!(bob.next("message_update").await["reactions"], json!([]));
    assert_eq!(
        page.send("POST", "/page/reactions", react(json!("no emoji"), false))
            .await
            .status,
        400
    );

    page.send("POST", "/page/typing", json!({ "as": "alice", "channel_id": channel }))
        .await;
    assert_eq!(bob.next("typing").await["user_id"], alice.id().to_string());

    let registered = rest
        .register(
            &sandbox,
            json!([
                { "name": "find", "description": "d", "options": [{ "type": 3, "name": "q", "description": "d", "autocomplete": true }] },
                { "type": 3, "name": "Quote this" },
                { "type": 2, "name": "Who is it" },
            ]),
        )
        .await;
    let command = |at: usize| registered.body[at]["id"].clone();
    let typed = json!({ "as": "bob", "channel_id": channel, "command_id": command(0), "options": [{ "name": "q", "type": 3, "value": "ap" }], "focused": "q" });
    let asked = page.send("POST", "/page/choices", typed).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(
        (&interaction["type"], &interaction["data"]["options"][0]["focused"]),
        (&json!(4), &json!(true))
    );
    rest.answer(
        &interaction,
        json!({ "type": 8, "data": { "choices": [{ "name": "Apple", "value": "apple" }] } }),
    )
    .await;
    let offered = loop {
        let note = bob.next("interaction").await;
        if note["choices"].is_array() {
            break note;
        }
    };
    assert_eq!(
        (&offered["id"], &offered["choices"][0]["name"]),
        (&asked.body["interaction_id"], &json!("Apple"))
    );

    let menu = |at: usize, target: &str| json!({ "as": "bob", "channel_id": channel, "command_id": command(at), "target_id": target });
    assert_eq!(page.send("POST", "/page/menu", menu(1, &said)).await.status, 200);
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["data"]["resolved"]["messages"][&said]["content"], "look");
    page.send("POST", "/page/menu", menu(2, &alice.id().to_string())).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(
        interaction["data"]["resolved"]["users"][alice.id().to_string()]["username"],
        "alice"
    );
    for wrong in [menu(0, &said), menu(1, "1")] {
        assert_eq!(page.send("POST", "/page/menu", wrong).await.status, 400);
    }
}

#[tokio::test]
async fn pages_hear_only_of_what_their_person_sees() {
    let sandbox = Sandbox::start().await.unwrap();
    let rest = Rest::new(&sandbox);
    let (mut owner, mut bob) = (
        Live::open(&sandbox, "/page/live").await,
        Live::open(&sandbox, "/page/live?as=bob").await,
    );
    let guild = sandbox.guild().id().to_string();
    let hidden = json!({ "name": "secret", "type": 0, "permission_overwrites": [{ "id": guild, "type": 0, "deny": "1024", "allow": "0" }, { "id": sandbox.bot_id().to_string(), "type": 1, "allow": "1024", "deny": "0" }] });
    let made = rest.send("POST", &format!("/guilds/{guild}/channels"), hidden).await;
    assert_eq!(made.status, 201, "{made:?}");
    let names = |guild: &Value| -> Vec<String> {
        let channels = guild["channels"].as_array().unwrap().iter();
        channels
            .map(|channel| channel["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(names(&owner.next("guild").await).contains(&"secret".to_owned()));
    assert!(!names(&bob.next("guild").await).contains(&"secret".to_owned()));
    let channel = made.body["id"].as_str().unwrap();
    for (channel, text) in [(channel, "psst"), (&sandbox.owner().channel_id().to_string(), "all")] {
        rest.send(
            "POST",
            &format!("/channels/{channel}/messages"),
            json!({ "content": text }),
        )
        .await;
    }
    assert_eq!(owner.next("message_create").await["content"], "psst");
    // The first that Bob hears of is the second one.
    assert_eq!(bob.next("message_create").await["content"], "all");
}
