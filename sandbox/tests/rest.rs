//! REST on the wire: authorization, errors, messages, files, permissions, members, roles, commands, headers.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use sandbox::{RateLimits, RestFault, Scope};
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket};

#[tokio::test]
async fn tokens_and_unknown_routes() {
    let sandbox = support::start().await;
    let answer = Rest::without_token(&sandbox).get("/users/@me").await;
    assert_eq!(
        (answer.status, answer.body),
        (401, json!({ "message": "401: Unauthorized", "code": 0 }))
    );
    let rest = Rest::new(&sandbox);
    let answer = rest.get("/no/such/route").await;
    assert_eq!(
        (answer.status, answer.body),
        (404, json!({ "message": "404: Not Found", "code": 0 }))
    );
    assert_eq!(rest.bare("DELETE", "/users/@me").await.status, 405);
    assert_eq!(
        Rest::without_token(&sandbox).get("/gateway").await.body["url"],
        sandbox.gateway_url()
    );
    let bot = rest.get("/gateway/bot").await.body;
    assert_eq!(
        (&bot["url"], &bot["session_start_limit"]["max_concurrency"]),
        (&json!(sandbox.gateway_url()), &json!(1))
    );
    for path in ["/users/@me", "/applications/@me", "/oauth2/applications/@me"] {
        assert_eq!(rest.get(path).await.body["id"], sandbox.application_id().to_string());
    }
    assert_eq!(rest.get("/applications/@me").await.body["owner"]["username"], "olivia");
}

#[tokio::test]
async fn messages_are_refused_with_discords_codes() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    let path = format!("/channels/{}/messages", general.id());
    let row = |inner: Value| json!({ "content": "x", "components": [{ "type": 1, "components": inner }] });
    for (body, code, word) in [
        (json!({}), 50006, "empty"),
        (json!({ "content": "   " }), 50006, "empty"),
        (json!({ "content": "x".repeat(2001) }), 50035, "BASE_TYPE_MAX_LENGTH"),
        (json!({ "contnet": "x" }), 50035, "did you mean \\\"content\\\"?"),
        (json!({ "content": 5 }), 50035, "STRING_TYPE_CONVERT"),
        (
            json!({ "content": "x", "embeds": vec![json!({ "title": "t" }); 11] }),
            50035,
            "10 or fewer",
        ),
        (
            json!({ "embeds": [{ "description": "d".repeat(4000) }, { "description": "d".repeat(2001) }] }),
            50035,
            "MAX_EMBED_SIZE_EXCEEDED",
        ),
        (json!({ "content": "x", "flags": 1 << 15 }), 50035, "IS_COMPONENTS_V2"),
        (
            row(json!([{ "type": 2, "style": 1, "label": "a" }])),
            50035,
            "custom_id",
        ),
        (json!({ "content": "x", "nonce": "n".repeat(26) }), 50035, "NONCE"),
        (
            json!({ "content": "x", "allowed_mentions": { "parse": ["users"], "users": ["1"] } }),
            50035,
            "mutually exclusive",
        ),
        (
            json!({ "content": "x", "message_reference": { "message_id": "123" } }),
            50035,
            "REPLIES_UNKNOWN_MESSAGE",
        ),
    ] {
        let answer = rest.send("POST", &path, body.clone()).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{body}: {answer:?}");
        assert!(answer.body.to_string().contains(word), "{body}: {}", answer.body);
    }
    let broken = Rest::run(
        rest.request("POST", &path)
            .header("content-type", "application/json")
            .body("{"),
    )
    .await;
    assert_eq!((broken.status, broken.code()), (400, 50109));
    assert!(general.messages().is_empty());
    assert_eq!(sandbox.rest_log().last().unwrap().error()["code"], 50109);
    assert_eq!(
        rest.send("POST", "/channels/123/messages", json!({ "content": "x" }))
            .await
            .code(),
        10003
    );
    assert_eq!(
        rest.send("POST", "/channels/abc/messages", json!({ "content": "x" }))
            .await
            .code(),
        50035
    );
}

#[tokio::test]
async fn messages_live_and_die() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let general = sandbox.guild().channel("general");
    let path = format!("/channels/{}/messages", general.id());
    let sent = rest
        .send(
            "POST",
            &path,
            json!({ "content": " hello ", "nonce": 7, "embeds": [{ "title": "T" }] }),
        )
        .await;
    assert_eq!(
        (sent.status, &sent.body["content"], &sent.body["nonce"]),
        (200, &json!("hello"), &json!(7))
    );
    assert_eq!(
        socket.event("MESSAGE_CREATE").await["guild_id"],
        sandbox.guild().id().to_string()
    );
    let one = format!("{path}/{}", sent.body["id"].as_str().unwrap());
    let edited = rest.send("PATCH", &one, json!({ "content": "changed" })).await.body;
    assert_eq!(
        (&edited["content"], &edited["embeds"][0]["title"]),
        (&json!("changed"), &json!("T"))
    );
    assert!(edited["edited_timestamp"].is_string());
    assert_eq!(
        rest.send("PATCH", &one, json!({ "content": "", "embeds": [] }))
            .await
            .code(),
        50006
    );
    // V2 can't be combined with what the message already shows, and is never taken back.
    let card = json!({ "flags": 1 << 15, "components": [{ "type": 10, "content": "text" }] });
    let beside = rest.send("PATCH", &one, card.clone()).await;
    assert_eq!(beside.code(), 50035, "{beside:?}");
    let v2 = rest.send("POST", &path, card).await;
    assert_eq!(v2.status, 200, "{v2:?}");
    let v2 = format!("{path}/{}", v2.body["id"].as_str().unwrap());
    assert_eq!(
        rest.send("PATCH", &v2, json!({ "content": "x", "flags": 0 }))
            .await
            .code(),
        50035
    );
    assert_eq!(
        rest.send("PUT", &format!("{one}/reactions/%F0%9F%91%8D/@me"), json!({}))
            .await
            .status,
        204
    );
    assert_eq!(socket.event("MESSAGE_REACTION_ADD").await["emoji"]["name"], "👍");
    assert_eq!(rest.get(&one).await.body["reactions"][0]["me"], true);
    assert_eq!(
        rest.get(&format!("{one}/reactions/%F0%9F%91%8D")).await.body[0]["id"],
        sandbox.bot_id().to_string()
    );
    assert_eq!(
        rest.bare("DELETE", &format!("{one}/reactions/%F0%9F%91%8D/@me"))
            .await
            .status,
        204
    );
    assert_eq!(rest.get(&one).await.body["reactions"], json!([]));
    assert_eq!(
        rest.send("PUT", &format!("{one}/reactions/nonsense/@me"), json!({}))
            .await
            .code(),
        10014
    );
    assert_eq!(
        rest.bare(
            "PUT",
            &format!("/channels/{}/pins/{}", general.id(), sent.body["id"].as_str().unwrap())
        )
        .await
        .status,
        204
    );
    assert_eq!(
        rest.get(&format!("/channels/{}/pins", general.id())).await.body[0]["content"],
        "changed"
    );
    let said = general.user("alice").says("mine").await;
    assert_eq!(
        rest.send(
            "PATCH",
            &format!("{path}/{}", said.message_id()),
            json!({ "content": "x" })
        )
        .await
        .code(),
        50005
    );
    assert_eq!(rest.get(&format!("{path}?limit=2")).await.body[0]["content"], "mine");
    assert_eq!(rest.get(&format!("{path}?limit=101")).await.code(), 50035);
    assert_eq!(rest.bare("DELETE", &one).await.status, 204);
    assert_eq!(socket.event("MESSAGE_DELETE").await["id"], sent.body["id"]);
    assert_eq!(rest.get(&one).await.code(), 10008);
    let bulk = format!("{path}/bulk-delete");
    let id = said.message_id().to_string();
    assert_eq!(
        rest.send("POST", &bulk, json!({ "messages": [id] })).await.code(),
        50016
    );
    assert_eq!(
        rest.send("POST", &bulk, json!({ "messages": [id, "1234567"] }))
            .await
            .code(),
        50034
    );
    let other = general.user("bob").says("too").await.message_id().to_string();
    assert_eq!(
        rest.send("POST", &bulk, json!({ "messages": [id, other] }))
            .await
            .status,
        204
    );
    assert_eq!(
        socket.event("MESSAGE_DELETE_BULK").await["ids"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        rest.bare("POST", &format!("/channels/{}/typing", general.id()))
            .await
            .status,
        204
    );
    socket.event("TYPING_START").await;
}

#[tokio::test]
async fn files_are_kept_and_served() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    let json = json!({ "content": "", "attachments": [{ "id": "0", "description": "a text" }], "embeds": [{ "image": { "url": "attachment://a.txt" } }] });
    let form = Form::new()
        .part(
            "payload_json",
            Part::text(json.to_string()).mime_str("application/json").unwrap(),
        )
        .part(
            "files[0]",
            Part::bytes(b"hello".to_vec())
                .file_name("a.txt")
                .mime_str("text/plain")
                .unwrap(),
        );
    let answer = Rest::run(
        rest.request("POST", &format!("/channels/{}/messages", general.id()))
            .multipart(form),
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let attachment = &answer.body["attachments"][0];
    assert_eq!(
        (&attachment["filename"], &attachment["size"], &attachment["description"]),
        (&json!("a.txt"), &json!(5), &json!("a text"))
    );
    assert_eq!(answer.body["embeds"][0]["image"]["url"], attachment["url"]);
    let bytes = reqwest::get(attachment["url"].as_str().unwrap())
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(bytes, "hello");
    assert_eq!(
        sandbox.rest_log().last().unwrap().body()["attachments"][0]["description"],
        "a text"
    );
    let one = format!(
        "/channels/{}/messages/{}",
        general.id(),
        answer.body["id"].as_str().unwrap()
    );
    let kept = rest
        .send(
            "PATCH",
            &one,
            json!({ "content": "x", "attachments": [{ "id": attachment["id"] }] }),
        )
        .await;
    assert_eq!(kept.body["attachments"][0]["filename"], "a.txt");
    let gone = rest.send("PATCH", &one, json!({ "attachments": [] })).await;
    assert_eq!(gone.body["attachments"], json!([]));
    assert_eq!(
        rest.send("PATCH", &one, json!({ "attachments": [{ "id": "5" }] }))
            .await
            .code(),
        50035
    );
}

#[tokio::test]
async fn mentions_ping_only_whom_they_may() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let guild = sandbox.guild();
    let (alice, bob) = (guild.user("alice"), guild.user("bob"));
    let text = format!(
        "{} {} {} @everyone",
        alice.mention(),
        bob.mention(),
        guild.role("Moderator").mention()
    );
    let path = format!("/channels/{}/messages", alice.channel_id());
    let all = rest.send("POST", &path, json!({ "content": text })).await.body;
    assert_eq!(
        (
            all["mentions"].as_array().unwrap().len(),
            all["mention_everyone"] == true,
            all["mention_roles"].as_array().unwrap().len()
        ),
        (2, true, 1)
    );
    let none = rest
        .send(
            "POST",
            &path,
            json!({ "content": text, "allowed_mentions": { "parse": [] } }),
        )
        .await
        .body;
    assert_eq!(
        (&none["mentions"], &none["mention_everyone"], &none["mention_roles"]),
        (&json!([]), &json!(false), &json!([]))
    );
    let one = rest
        .send(
            "POST",
            &path,
            json!({ "content": text, "allowed_mentions": { "users": [bob.id().to_string()] } }),
        )
        .await
        .body;
    assert_eq!(one["mentions"][0]["username"], "bob");
    // A person may not ping everyone here.
    assert_eq!(
        alice.says("@everyone").await.message().json()["mention_everyone"],
        false
    );
}

#[tokio::test]
async fn permissions_and_hierarchy_bind_the_bot() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let guild = sandbox.guild();
    let (general, bots) = (guild.channel("general"), guild.channel("bots"));
    let (send, view) = (1 << 11, 1 << 10);
    general.overwrite(sandbox.bot_id(), 0, send);
    bots.overwrite(sandbox.bot_id(), 0, view);
    let hello = json!({ "content": "x" });
    let answer = rest
        .send("POST", &format!("/channels/{}/messages", general.id()), hello.clone())
        .await;
    assert_eq!((answer.status, answer.code()), (403, 50013));
    let answer = rest
        .send("POST", &format!("/channels/{}/messages", bots.id()), hello)
        .await;
    assert_eq!((answer.status, answer.code()), (403, 50001));
    let members = format!("/guilds/{}/members", guild.id());
    assert_eq!(
        rest.bare("DELETE", &format!("{members}/{}", sandbox.owner().id()))
            .await
            .code(),
        50013
    );
    let alice = guild.user("alice");
    assert_eq!(
        rest.send("PATCH", &format!("{members}/{}", alice.id()), json!({ "nick": "Al" }))
            .await
            .body["nick"],
        "Al"
    );
    assert_eq!(
        rest.get(&format!("{members}/search?query=al&limit=5")).await.body[0]["user"]["username"],
        "alice"
    );
    let role = guild.role("Moderator").id();
    assert_eq!(
        rest.bare("PUT", &format!("{members}/{}/roles/{role}", alice.id()))
            .await
            .status,
        204
    );
    assert_eq!(guild.roles_of(alice.id()), [role]);
    assert_eq!(
        rest.bare(
            "PUT",
            &format!("{members}/{}/roles/{}", alice.id(), guild.role("sandbot").id())
        )
        .await
        .code(),
        50028
    );
    assert_eq!(
        rest.bare("PUT", &format!("{members}/1/roles/{role}")).await.code(),
        10013
    );
    let ban = format!("/guilds/{}/bans/{}", guild.id(), alice.id());
    assert_eq!(rest.get(&ban).await.code(), 10026);
    let banned = Rest::run(
        rest.request("PUT", &ban)
            .header("x-audit-log-reason", "spam%20again")
            .json(&json!({})),
    )
    .await;
    assert_eq!(banned.status, 204);
    assert_eq!(rest.get(&ban).await.body["reason"], "spam again");
    assert!(guild.has_banned(alice.id()) && !guild.has_member(alice.id()));
    assert_eq!(rest.get(&format!("{members}/{}", alice.id())).await.code(), 10007);
    assert_eq!(rest.bare("DELETE", &ban).await.status, 204);
}

#[tokio::test]
async fn commands_keep_their_ids_and_are_checked_as_a_set() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let command = |name: &str| json!({ "name": name, "description": "d" });
    let first = rest.register(&sandbox, json!([command("a"), command("b")])).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert!(first.body[0].get("guild_id").is_none(), "absent, not null");
    let again = rest.register(&sandbox, json!([command("b"), command("c")])).await.body;
    assert_eq!(
        (&again[0]["id"], &again[0]["version"]),
        (&first.body[1]["id"], &first.body[1]["version"])
    );
    assert_eq!((sandbox.bulk_overwrites(), sandbox.commands().len()), (2, 2));
    let many: Vec<Value> = (0..101).map(|n| command(&format!("c{n}"))).collect();
    assert_eq!(rest.register(&sandbox, json!(many)).await.code(), 30032);
    let answer = rest
        .register(&sandbox, json!([command("a"), { "name": "b", "descripton": "d" }]))
        .await;
    assert!(answer.body["errors"]["1"]["descripton"].is_object(), "{answer:?}");
    let base = format!(
        "/applications/{}/guilds/{}/commands",
        sandbox.application_id(),
        sandbox.guild().id()
    );
    let made = rest.send("POST", &base, command("own")).await;
    assert_eq!(
        (made.status, &made.body["guild_id"]),
        (201, &json!(sandbox.guild().id().to_string()))
    );
    assert_eq!(rest.send("POST", &base, command("own")).await.status, 200);
    let one = format!("{base}/{}", made.body["id"].as_str().unwrap());
    assert_eq!(
        rest.send("PATCH", &one, json!({ "description": "new" })).await.body["description"],
        "new"
    );
    sandbox
        .expect_commands(|names| names.iter().any(|name| name == "own"))
        .await;
    assert_eq!(rest.bare("DELETE", &one).await.status, 204);
    assert_eq!(rest.get(&one).await.code(), 10063);
    assert_eq!(rest.get("/applications/5/commands").await.code(), 10002);
}

#[tokio::test]
async fn rate_limit_headers_and_faults() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let (one, two) = (rest.get("/users/@me").await, rest.get("/users/@me").await);
    for name in ["limit", "remaining", "reset", "reset-after", "bucket"] {
        assert!(one.headers.contains_key(format!("x-ratelimit-{name}")), "{name}");
    }
    assert_eq!(one.headers["x-ratelimit-bucket"], two.headers["x-ratelimit-bucket"]);
    sandbox.fail_rest(RestFault::status(500));
    sandbox.fail_rest(RestFault::rate_limited(Scope::User, Duration::from_millis(1500)));
    assert_eq!(rest.get("/users/@me").await.status, 500);
    let limited = rest.get("/users/@me").await;
    assert_eq!(
        (limited.status, &limited.body["retry_after"], &limited.body["global"]),
        (429, &json!(1.5), &json!(false))
    );
    assert_eq!(
        (
            &limited.headers["retry-after"],
            &limited.headers["x-ratelimit-remaining"]
        ),
        (&"2".parse().unwrap(), &"0".parse().unwrap())
    );
    assert_eq!(rest.get("/users/@me").await.status, 200);
    let quiet = support::builder().rate_limits(RateLimits::Off).start().await.unwrap();
    assert!(
        !Rest::new(&quiet)
            .get("/users/@me")
            .await
            .headers
            .contains_key("x-ratelimit-limit")
    );
}

#[tokio::test]
async fn an_application_changes_its_tags_and_not_to_bad_ones() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let changed = rest
        .send("PATCH", "/applications/@me", json!({ "tags": ["cake", "tea"] }))
        .await;
    assert_eq!(changed.body["tags"], json!(["cake", "tea"]), "{changed:?}");
    assert_eq!(rest.get("/applications/@me").await.body["tags"], json!(["cake", "tea"]));
    for (tags, place) in [
        (json!(["a", "b", "c", "d", "e", "f"]), "/errors/tags/_errors/0/code"),
        (json!(["a", "a"]), "/errors/tags/1/_errors/0/code"),
        (json!(["x".repeat(21)]), "/errors/tags/0/_errors/0/code"),
        (json!([""]), "/errors/tags/0/_errors/0/code"),
        (json!([5]), "/errors/tags/0/_errors/0/code"),
        (json!("cake"), "/errors/tags/_errors/0/code"),
    ] {
        let refused = rest.send("PATCH", "/applications/@me", json!({ "tags": tags })).await;
        assert_eq!(refused.code(), 50035, "{refused:?}");
        assert!(refused.body.pointer(place).is_some(), "{place}: {refused:?}");
    }
    assert_eq!(rest.get("/applications/@me").await.body["tags"], json!(["cake", "tea"]));
}
