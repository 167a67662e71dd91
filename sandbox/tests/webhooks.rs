//! Webhooks on the wire: made, read, changed and deleted by the bot and by their tokens; what they write, in channels,
//! threads and following channels; and who may do what.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket};

#[tokio::test]
async fn webhooks_are_made_moved_and_deleted() {
    let sandbox = support::start().await;
    let (rest, mut socket) = (Rest::new(&sandbox), Socket::identified(&sandbox, ALL_INTENTS).await);
    let (guild, general) = (sandbox.guild(), sandbox.guild().channel("general"));
    let bots = guild.channel("bots");
    let of_channel = format!("/channels/{}/webhooks", general.id());
    for (body, code) in [
        (json!({}), "BASE_TYPE_REQUIRED"),
        (json!({ "name": "My Discord hook" }), "USERNAME_INVALID_CONTAINS"),
        (json!({ "name": "n".repeat(81) }), "BASE_TYPE_MAX_LENGTH"),
        (json!({ "name": "hook", "avatar": "picture" }), "IMAGE_INVALID"),
        (json!({ "name": "hook", "nmae": 1 }), "UNKNOWN_KEY"),
    ] {
        let refused = rest.send("POST", &of_channel, body).await;
        assert!(
            refused.code() == 50035 && refused.body.to_string().contains(code),
            "{refused:?}"
        );
    }
    let made = rest
        .send(
            "POST",
            &of_channel,
            json!({ "name": "News", "avatar": "data:image/png;base64,AAAA" }),
        )
        .await;
    assert_eq!((made.status, &made.body["type"]), (200, &json!(1)));
    assert_eq!(made.body["application_id"], sandbox.application_id().to_string());
    assert!(made.body["avatar"].is_string() && made.body["user"]["bot"] == true);
    let update = socket.event("WEBHOOKS_UPDATE").await;
    assert_eq!(
        (&update["guild_id"], &update["channel_id"]),
        (&json!(guild.id().to_string()), &json!(general.id().to_string()))
    );
    let (id, token) = (made.body["id"].as_str().unwrap(), made.body["token"].as_str().unwrap());
    let of_guild = format!("/guilds/{}/webhooks", guild.id());
    for list in [&of_channel, &of_guild] {
        assert_eq!(rest.get(list).await.body[0]["id"], id, "{list}");
    }
    // By its token, nobody needs a bot; the maker is not told.
    let open = Rest::without_token(&sandbox);
    let by_token = format!("/webhooks/{id}/{token}");
    let read = open.get(&by_token).await.body;
    assert!(read["name"] == "News" && read.get("user").is_none());
    assert_eq!(open.get(&format!("/webhooks/{id}")).await.status, 401);
    assert_eq!(open.get(&format!("/webhooks/{id}/wrong")).await.code(), 50027);
    assert_eq!(open.get("/webhooks/12345/wrong").await.code(), 10015);
    assert_eq!(
        open.send("PATCH", &by_token, json!({ "channel_id": bots.id().to_string() }))
            .await
            .code(),
        50035
    );
    assert_eq!(
        open.send("PATCH", &by_token, json!({ "name": "Other" })).await.body["name"],
        "Other"
    );
    let moved = rest
        .send(
            "PATCH",
            &format!("/webhooks/{id}"),
            json!({ "channel_id": bots.id().to_string(), "avatar": null }),
        )
        .await;
    assert_eq!(
        (&moved.body["channel_id"], &moved.body["avatar"]),
        (&json!(bots.id().to_string()), &Value::Null)
    );
    for _ in 0..14 {
        assert_eq!(
            rest.send("POST", &of_channel, json!({ "name": "one of many" }))
                .await
                .status,
            200
        );
    }
    assert_eq!(
        rest.send("POST", &of_channel, json!({ "name": "one more" }))
            .await
            .status,
        200
    );
    assert_eq!(
        rest.send("POST", &of_channel, json!({ "name": "too many" }))
            .await
            .code(),
        30007
    );
    // Without the permission, the bot sees its own by id, and no list.
    guild.role("sandbot").permissions(1 << 10 | 1 << 11 | 1 << 16);
    assert_eq!(rest.get(&of_channel).await.code(), 50013);
    assert_eq!(rest.get(&of_guild).await.code(), 50013);
    assert_eq!(rest.get(&format!("/webhooks/{id}")).await.status, 200);
    assert_eq!(rest.bare("DELETE", &format!("/webhooks/{id}")).await.code(), 50013);
    let of_alice = general.add_webhook(&guild.user("alice"), "Alice's");
    assert_eq!(rest.get(&format!("/webhooks/{}", of_alice.id())).await.code(), 50013);
    assert_eq!(open.bare("DELETE", &by_token).await.status, 204);
    assert_eq!(open.get(&by_token).await.code(), 10015);
}

#[tokio::test]
async fn webhooks_write_edit_and_delete_their_own() {
    let sandbox = support::start().await;
    let (rest, mut socket) = (Rest::new(&sandbox), Socket::identified(&sandbox, ALL_INTENTS).await);
    let general = sandbox.guild().channel("general");
    let made = rest
        .send(
            "POST",
            &format!("/channels/{}/webhooks", general.id()),
            json!({ "name": "News" }),
        )
        .await
        .body;
    let path = format!(
        "/webhooks/{}/{}",
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap()
    );
    let open = Rest::without_token(&sandbox);
    assert_eq!(
        open.send("POST", &path, json!({ "content": "quiet" })).await.status,
        204
    );
    let event = socket.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&event["content"], &event["webhook_id"]),
        (&json!("quiet"), &made["id"])
    );
    assert!(event.get("member").is_none() && event["author"]["id"] == made["id"] && event["author"]["bot"] == true);
    for (body, code) in [
        (json!({}), 50006),
        (json!({ "content": "x", "username": "Clyde" }), 50035),
        (json!({ "content": "x", "thread_name": "t" }), 220_003),
        (json!({ "content": "x", "nonsense": 1 }), 50035),
    ] {
        assert_eq!(open.send("POST", &path, body.clone()).await.code(), code, "{body}");
    }
    // Under another name, with a file; it waits for the message. Of mentions, only people's count.
    let role = sandbox.guild().role("Moderator");
    let alice = sandbox.guild().user("alice");
    let text = format!("@everyone {} {}", role.mention(), alice.mention());
    let payload = json!({ "content": text, "username": "Weather", "avatar_url": "https://example.com/a.png" });
    let form = Form::new()
        .text("payload_json", payload.to_string())
        .part("files[0]", Part::bytes(b"sun".to_vec()).file_name("sky.txt"));
    let sent = Rest::run(open.request("POST", &format!("{path}?wait=true")).multipart(form)).await;
    assert_eq!(
        (sent.status, &sent.body["author"]["username"]),
        (200, &json!("Weather"))
    );
    assert_eq!(
        (
            &sent.body["mention_everyone"],
            &sent.body["mention_roles"],
            &sent.body["mentions"][0]["username"]
        ),
        (&json!(false), &json!([]), &json!("alice"))
    );
    let one = format!("{path}/messages/{}", sent.body["id"].as_str().unwrap());
    assert_eq!(open.get(&one).await.body["attachments"][0]["filename"], "sky.txt");
    let edited = open
        .send("PATCH", &one, json!({ "content": "rain", "attachments": [] }))
        .await
        .body;
    assert_eq!(
        (
            &edited["content"],
            &edited["attachments"],
            &edited["author"]["username"]
        ),
        (&json!("rain"), &json!([]), &json!("Weather"))
    );
    let said = alice.says("mine").await;
    assert_eq!(
        open.bare("DELETE", &format!("{path}/messages/{}", said.message_id()))
            .await
            .code(),
        10008
    );
    // The bot itself has not written it.
    let by_bot = format!(
        "/channels/{}/messages/{}",
        general.id(),
        sent.body["id"].as_str().unwrap()
    );
    assert_eq!(
        rest.send("PATCH", &by_bot, json!({ "content": "x" })).await.code(),
        50005
    );
    assert_eq!(open.bare("DELETE", &one).await.status, 204);
    assert_eq!(open.get(&one).await.code(), 10008);
    // An answer for who waits for one: the webhook is the bot's.
    let said = alice.says("weather?").await;
    open.send("POST", &path, json!({ "content": "fine" })).await;
    assert_eq!(said.expect_reply().await.content(), "fine");
    assert!(
        general.conversation().contains("News: fine"),
        "{}",
        general.conversation()
    );
}

#[tokio::test]
async fn webhooks_reach_threads_of_their_channel_only() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let (general, bots) = (sandbox.guild().channel("general"), sandbox.guild().channel("bots"));
    let made = rest
        .send(
            "POST",
            &format!("/channels/{}/webhooks", general.id()),
            json!({ "name": "News" }),
        )
        .await
        .body;
    let path = format!(
        "/webhooks/{}/{}",
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap()
    );
    let thread = async |channel: u64| {
        let body = json!({ "name": "talk", "type": 11 });
        let made = rest
            .send("POST", &format!("/channels/{channel}/threads"), body)
            .await
            .body;
        made["id"].as_str().unwrap().to_owned()
    };
    let (here, elsewhere) = (thread(general.id()).await, thread(bots.id()).await);
    let sent = rest
        .send(
            "POST",
            &format!("{path}?wait=true&thread_id={here}"),
            json!({ "content": "in it" }),
        )
        .await
        .body;
    assert_eq!(sent["channel_id"], here);
    let refused = rest
        .send(
            "POST",
            &format!("{path}?thread_id={elsewhere}"),
            json!({ "content": "x" }),
        )
        .await;
    assert_eq!(refused.code(), 10003);
    let one = format!("{path}/messages/{}", sent["id"].as_str().unwrap());
    assert_eq!(rest.get(&one).await.code(), 10008, "not in the channel itself");
    assert_eq!(rest.get(&format!("{one}?thread_id={here}")).await.status, 200);
    let members = rest.get(&format!("/channels/{here}/thread-members")).await.body;
    assert_eq!(
        members.as_array().unwrap().len(),
        1,
        "a webhook joins nothing: {members}"
    );
}

#[tokio::test]
async fn only_an_applications_webhook_has_controls() {
    let sandbox = support::start().await;
    let (rest, mut socket) = (Rest::new(&sandbox), Socket::identified(&sandbox, ALL_INTENTS).await);
    let general = sandbox.guild().channel("general");
    let alice = general.user("alice");
    let button = json!({ "type": 1, "components": [{ "type": 2, "style": 1, "label": "Go", "custom_id": "go" }] });
    let text = json!({ "type": 10, "content": "text" });
    let foreign = general.add_webhook(&alice, "Alice's");
    let path = format!("/webhooks/{}/{}", foreign.id(), foreign.token());
    let body = json!({ "content": "x", "components": [button] });
    assert_eq!(
        rest.send("POST", &format!("{path}?wait=true"), body.clone()).await.body["components"],
        json!([])
    );
    assert_eq!(
        rest.send("POST", &format!("{path}?with_components=true"), body.clone())
            .await
            .code(),
        50035
    );
    let card = json!({ "flags": 1 << 15, "components": [text] });
    assert_eq!(rest.send("POST", &path, card.clone()).await.code(), 50006);
    let sent = rest
        .send("POST", &format!("{path}?wait=true&with_components=true"), card)
        .await;
    assert_eq!(
        (sent.status, &sent.body["components"][0]["content"]),
        (200, &json!("text"))
    );
    let made = rest
        .send(
            "POST",
            &format!("/channels/{}/webhooks", general.id()),
            json!({ "name": "Own" }),
        )
        .await
        .body;
    let path = format!(
        "/webhooks/{}/{}",
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap()
    );
    let sent = rest.send("POST", &format!("{path}?wait=true"), body).await.body;
    let message = sandbox
        .message(general.id(), sent["id"].as_str().unwrap().parse().unwrap())
        .unwrap();
    alice.clicks(&message, "Go").await;
    assert_eq!(socket.event("INTERACTION_CREATE").await["data"]["custom_id"], "go");
    // What people's services say, the bot reads like anything else.
    foreign.says("deployed").await;
    while socket.event("MESSAGE_CREATE").await["content"] != "deployed" {}
}

#[tokio::test]
async fn announcements_are_published_to_those_who_follow() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let (guild, general) = (sandbox.guild(), sandbox.guild().channel("general"));
    let news = rest
        .send(
            "POST",
            &format!("/guilds/{}/channels", guild.id()),
            json!({ "name": "news", "type": 5 }),
        )
        .await
        .body;
    let news = news["id"].as_str().unwrap();
    let follow = json!({ "webhook_channel_id": general.id().to_string() });
    assert_eq!(
        rest.send("POST", &format!("/channels/{}/followers", general.id()), follow.clone())
            .await
            .code(),
        50024
    );
    let followed = rest.send("POST", &format!("/channels/{news}/followers"), follow).await;
    assert_eq!((followed.status, &followed.body["channel_id"]), (200, &json!(news)));
    let hooks = rest.get(&format!("/channels/{}/webhooks", general.id())).await.body;
    assert_eq!(
        (&hooks[0]["type"], &hooks[0]["source_channel"]["id"]),
        (&json!(2), &json!(news))
    );
    let sent = rest
        .send(
            "POST",
            &format!("/channels/{news}/messages"),
            json!({ "content": "big news" }),
        )
        .await
        .body;
    let crosspost = format!("/channels/{news}/messages/{}/crosspost", sent["id"].as_str().unwrap());
    let published = rest.bare("POST", &crosspost).await;
    assert_eq!((published.status, &published.body["flags"]), (200, &json!(1)));
    assert_eq!(rest.bare("POST", &crosspost).await.code(), 40033);
    let there = general.messages();
    let copy = there.last().unwrap();
    assert_eq!((copy.content(), &copy.json()["flags"]), ("big news", &json!(2)));
    assert_eq!(copy.json()["message_reference"]["channel_id"], news);
    assert_eq!(there[there.len() - 2].json()["type"], 12);
    let said = general.user("alice").says("no news").await;
    let refused = rest
        .bare(
            "POST",
            &format!("/channels/{}/messages/{}/crosspost", general.id(), said.message_id()),
        )
        .await;
    assert_eq!(refused.code(), 50024);
}
