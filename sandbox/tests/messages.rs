//! Messages beyond text, on the wire: polls and their end, pins, forwards, reactions, files, recordings, nonces, what is
//! published, and what people may not write just now.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use sandbox::{Channel, Person};
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket, Strict};

const HOUR: Duration = Duration::from_secs(3600);

struct Stage {
    sandbox: Strict,
    rest: Rest,
    socket: Socket,
    general: Channel,
    alice: Person,
    messages: String,
}

async fn stage() -> Stage {
    let sandbox = support::start().await;
    let general = sandbox.guild().channel("general");
    Stage {
        rest: Rest::new(&sandbox),
        socket: Socket::identified(&sandbox, ALL_INTENTS).await,
        alice: general.user("alice"),
        messages: format!("/channels/{}/messages", general.id()),
        general,
        sandbox,
    }
}

impl Stage {
    async fn send(&self, body: Value) -> Value {
        let sent = self.rest.send("POST", &self.messages, body).await;
        assert_eq!(sent.status, 200, "{sent:?}");
        sent.body
    }

    fn message(&self, json: &Value) -> sandbox::Message {
        let id = json["id"].as_str().unwrap().parse().unwrap();
        self.sandbox.message(self.general.id(), id).unwrap()
    }

    fn path(&self, json: &Value) -> String {
        format!("{}/{}", self.messages, json["id"].as_str().unwrap())
    }
}

#[tokio::test]
async fn people_vote_in_a_poll_until_its_time_is_over() {
    let mut stage = stage().await;
    let poll = json!({ "poll": {
        "question": { "text": "Fruit?" },
        "answers": [{ "poll_media": { "text": "Apple", "emoji": { "name": "🍎" } } }, { "poll_media": { "text": "Pear" } }],
        "duration": 2,
    } });
    let sent = stage.send(poll).await;
    assert_eq!(
        sent["poll"]["results"],
        json!({ "answer_counts": [], "is_finalized": false })
    );
    assert!(sent["poll"]["expiry"].is_string() && sent["poll"].get("duration").is_none());
    let message = stage.message(&sent);
    let bob = stage.general.user("bob");
    stage.alice.votes(&message, "Apple").await;
    bob.votes(&message, "Pear").await;
    // One choice only: the earlier vote goes.
    bob.votes(&message, "Apple").await;
    let votes = [
        ("MESSAGE_POLL_VOTE_ADD", stage.alice.id(), 1),
        ("MESSAGE_POLL_VOTE_ADD", bob.id(), 2),
        ("MESSAGE_POLL_VOTE_REMOVE", bob.id(), 2),
        ("MESSAGE_POLL_VOTE_ADD", bob.id(), 1),
    ];
    for (name, user, answer) in votes {
        let event = stage.socket.event(name).await;
        assert_eq!(
            (&event["user_id"], &event["answer_id"]),
            (&json!(user.to_string()), &json!(answer))
        );
        assert_eq!(event["guild_id"], stage.sandbox.guild().id().to_string());
    }
    let polls = format!("/channels/{}/polls/{}", stage.general.id(), message.id());
    let voters = stage.rest.get(&format!("{polls}/answers/1?limit=1")).await.body;
    assert_eq!(voters["users"][0]["username"], "alice");
    let more = stage
        .rest
        .get(&format!("{polls}/answers/1?after={}", stage.alice.id()))
        .await
        .body;
    assert_eq!(
        (more["users"].as_array().unwrap().len(), &more["users"][0]["username"]),
        (1, &json!("bob"))
    );
    assert_eq!(
        stage
            .rest
            .send("PATCH", &stage.path(&sent), json!({ "content": "x" }))
            .await
            .code(),
        520_003
    );

    stage.sandbox.advance(2 * HOUR);
    let ended = stage.socket.event("MESSAGE_UPDATE").await;
    assert_eq!(
        ended["poll"]["results"],
        json!({ "answer_counts": [{ "id": 1, "count": 2, "me_voted": false }], "is_finalized": true })
    );
    let result = stage.socket.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&result["type"], &result["message_reference"]["message_id"]),
        (&json!(46), &sent["id"])
    );
    let fields = result["embeds"][0]["fields"].as_array().unwrap();
    assert!(
        fields
            .iter()
            .any(|one| one["name"] == "victor_answer_text" && one["value"] == "Apple")
    );
    assert_eq!(message.refresh().unwrap().votes_for("Apple"), 2);
    assert_eq!(
        stage.rest.bare("POST", &format!("{polls}/expire")).await.code(),
        520_001
    );
}

#[tokio::test]
async fn its_author_ends_a_poll_and_nobody_else_does() {
    let mut stage = stage().await;
    let answers = json!([{ "poll_media": { "text": "A" } }]);
    let sent = stage
        .send(json!({ "poll": { "question": { "text": "Q" }, "answers": answers } }))
        .await;
    let path = |id: &str| format!("/channels/{}/polls/{id}/expire", stage.general.id());
    let ended = stage.rest.bare("POST", &path(sent["id"].as_str().unwrap())).await;
    assert_eq!(
        (ended.status, &ended.body["poll"]["results"]["is_finalized"]),
        (200, &json!(true))
    );
    let asked = stage.alice.asks("Tea?", &["Yes", "No"]).await.message();
    assert_eq!(
        stage.rest.bare("POST", &path(&asked.id().to_string())).await.code(),
        50005
    );
    let said = stage.alice.says("no poll").await;
    assert_eq!(
        stage
            .rest
            .bare("POST", &path(&said.message_id().to_string()))
            .await
            .code(),
        520_006
    );
    // Open for a day, then over; a vote is refused afterwards.
    stage.alice.votes(&asked, "Yes").await;
    stage.alice.takes_vote_back(&asked, "Yes").await;
    stage.socket.event("MESSAGE_POLL_VOTE_REMOVE").await;
    stage.sandbox.advance(24 * HOUR);
    assert_eq!(asked.refresh().unwrap().json()["poll"]["results"]["is_finalized"], true);
}

#[tokio::test]
async fn pins_have_an_order_a_limit_and_a_line_of_their_own() {
    let mut stage = stage().await;
    let first = stage.send(json!({ "content": "first" })).await;
    let second = stage.send(json!({ "content": "second" })).await;
    let pins = format!("{}/pins", stage.messages);
    for one in [&second, &first, &first] {
        let path = format!("{pins}/{}", one["id"].as_str().unwrap());
        assert_eq!(stage.rest.bare("PUT", &path).await.status, 204);
    }
    let update = stage.socket.event("CHANNEL_PINS_UPDATE").await;
    assert!(update["last_pin_timestamp"].is_string());
    let line = stage.socket.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&line["type"], &line["message_reference"]["message_id"]),
        (&json!(6), &second["id"])
    );
    // Newest pin first, by pages; the older route gives the messages alone.
    let page = stage.rest.get(&format!("{pins}?limit=1")).await.body;
    assert_eq!(
        (&page["items"][0]["message"]["content"], &page["has_more"]),
        (&json!("first"), &json!(true))
    );
    let before = page["items"][0]["pinned_at"].as_str().unwrap().replace('+', "%2B");
    let rest = stage.rest.get(&format!("{pins}?before={before}")).await.body;
    assert_eq!(
        (&rest["items"][0]["message"]["content"], &rest["has_more"]),
        (&json!("second"), &json!(false))
    );
    let old = stage
        .rest
        .get(&format!("/channels/{}/pins", stage.general.id()))
        .await
        .body;
    assert_eq!(
        (old.as_array().unwrap().len(), &old[0]["content"]),
        (2, &json!("first"))
    );
    let unpin = format!(
        "/channels/{}/pins/{}",
        stage.general.id(),
        first["id"].as_str().unwrap()
    );
    assert_eq!(stage.rest.bare("DELETE", &unpin).await.status, 204);
    assert!(!stage.message(&first).is_pinned());
    for n in 0..249 {
        let message = stage.alice.says(&n.to_string()).await.message();
        stage.sandbox.owner().pins(&message).await;
    }
    let full = stage.rest.bare("PUT", &unpin).await;
    assert_eq!((full.status, full.code()), (400, 30003));
    // Pinning is a permission of its own.
    let role = stage.sandbox.guild().role("sandbot");
    stage.general.overwrite(role.id(), 0, 1 << 51);
    assert_eq!(
        stage
            .rest
            .bare("DELETE", &format!("{pins}/{}", second["id"].as_str().unwrap()))
            .await
            .code(),
        50013
    );
}

#[tokio::test]
async fn forwards_show_what_a_message_was() {
    let mut stage = stage().await;
    let bots = stage.sandbox.guild().channel("bots");
    let said = stage.alice.says("the news").await;
    let reference = |id: u64, channel: u64| json!({ "message_reference": { "type": 1, "message_id": id.to_string(), "channel_id": channel.to_string() } });
    let path = format!("/channels/{}/messages", bots.id());
    let body = reference(said.message_id(), stage.general.id());
    let sent = stage.rest.send("POST", &path, body.clone()).await;
    assert_eq!(
        (sent.status, &sent.body["type"], &sent.body["flags"]),
        (200, &json!(0), &json!(1 << 14))
    );
    assert_eq!(sent.body["message_snapshots"][0]["message"]["content"], "the news");
    assert!(sent.body["message_snapshots"][0]["message"].get("author").is_none());
    assert_eq!(sent.body["message_reference"]["type"], 1);
    // It stays as it was.
    stage.alice.edits(&said, "other news").await;
    let id: u64 = sent.body["id"].as_str().unwrap().parse().unwrap();
    let forwarded = stage.sandbox.message(bots.id(), id).unwrap();
    assert_eq!(forwarded.snapshots()[0]["message"]["content"], "the news");
    let mut with_more = body.clone();
    with_more["content"] = json!("look");
    assert_eq!(stage.rest.send("POST", &path, with_more).await.code(), 160_011);
    let mut without_channel = body;
    without_channel["message_reference"]
        .as_object_mut()
        .unwrap()
        .remove("channel_id");
    assert_eq!(stage.rest.send("POST", &path, without_channel).await.code(), 50035);
    // What the bot cannot read, it cannot forward.
    let hidden = stage.sandbox.guild().add_channel("hidden");
    hidden.overwrite(stage.sandbox.guild().id(), 0, 1 << 10);
    hidden.overwrite(stage.sandbox.guild().role("sandbot").id(), 0, 1 << 10);
    let secret = stage.sandbox.owner().in_channel(&hidden).says("secret").await;
    let refused = stage
        .rest
        .send("POST", &path, reference(secret.message_id(), hidden.id()))
        .await;
    assert_eq!((refused.status, refused.code()), (403, 160_014));
    // People forward, too.
    let by_alice = stage.alice.in_channel(&bots).forwards(&said.message()).await;
    let forwarded = by_alice.message_id().to_string();
    loop {
        let event = stage.socket.event("MESSAGE_CREATE").await;
        if event["id"] == forwarded.as_str() {
            assert_eq!(event["message_snapshots"][0]["message"]["content"], "other news");
            break;
        }
    }
}

#[tokio::test]
async fn reactions_have_a_limit_and_joining_needs_no_permission() {
    let stage = stage().await;
    let message = stage.alice.says("react!").await.message();
    let path = |emoji: &str| format!("{}/{}/reactions/{emoji}/@me", stage.messages, message.id());
    let emojis: Vec<String> = (0..21)
        .map(|n| char::from_u32(0x1F600 + n).unwrap().to_string())
        .collect();
    for emoji in &emojis[..20] {
        stage.alice.reacts(&message, emoji).await;
    }
    assert_eq!(stage.rest.bare("PUT", &path(&emojis[20])).await.code(), 30010);
    assert_eq!(
        stage.rest.bare("PUT", &path(&emojis[0])).await.status,
        204,
        "there is one already"
    );
    stage
        .general
        .overwrite(stage.sandbox.guild().role("sandbot").id(), 0, 1 << 6);
    assert_eq!(stage.rest.bare("PUT", &path(&emojis[1])).await.status, 204, "joins in");
    let other = stage.alice.says("and here").await;
    let path = format!("{}/{}/reactions/{}/@me", stage.messages, other.message_id(), emojis[0]);
    assert_eq!(stage.rest.bare("PUT", &path).await.code(), 50013);
    let users = format!("{}/{}/reactions/{}", stage.messages, message.id(), emojis[0]);
    assert_eq!(stage.rest.get(&users).await.body.as_array().unwrap().len(), 2);
    assert_eq!(
        stage.rest.get(&format!("{users}?type=1")).await.body,
        json!([]),
        "no super reactions"
    );
    stage
        .general
        .overwrite(stage.sandbox.guild().role("sandbot").id(), 0, 1 << 16);
    assert_eq!(stage.rest.get(&users).await.code(), 50013, "no history");
    assert_eq!(stage.rest.get(&stage.messages).await.body, json!([]), "no history");
}

#[tokio::test]
async fn files_come_back_as_they_were_sent_and_are_kept_by_edits() {
    let mut stage = stage().await;
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([0, 0, 0, 3, 0, 0, 0, 2]);
    let payload =
        json!({ "content": "files", "attachments": [{ "id": 0, "description": "a picture", "is_spoiler": true }] });
    let form = |payload: Value| Form::new().text("payload_json", payload.to_string());
    let files = form(payload)
        .part("files[0]", Part::bytes(png.clone()).file_name("a b.png"))
        .part("files[1]", Part::bytes(b"text".to_vec()).file_name("b.txt"));
    let sent = Rest::run(stage.rest.request("POST", &stage.messages).multipart(files)).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let picture = &sent.body["attachments"][0];
    assert_eq!(
        (
            &picture["filename"],
            &picture["content_type"],
            &picture["width"],
            &picture["flags"]
        ),
        (&json!("a_b.png"), &json!("image/png"), &json!(3), &json!(8))
    );
    let bytes = reqwest::get(picture["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(bytes.headers()["content-type"], "image/png");
    assert_eq!(bytes.bytes().await.unwrap(), png);
    // Kept and described anew, the other one replaced.
    let keep =
        json!({ "attachments": [{ "id": picture["id"], "description": "new" }, { "id": 7, "filename": "c.json" }] });
    let edit = form(keep).part("files[7]", Part::bytes(b"{}".to_vec()).file_name("x"));
    let path = stage.path(&sent.body);
    let edited = Rest::run(stage.rest.request("PATCH", &path).multipart(edit)).await.body;
    let names: Vec<&Value> = edited["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["filename"])
        .collect();
    assert_eq!(names, [&json!("a_b.png"), &json!("c.json")]);
    assert_eq!(edited["attachments"][0]["description"], "new");
    // Files alone are added.
    let more = form(json!({})).part("files[0]", Part::bytes(b"d".to_vec()).file_name("d.txt"));
    let edited = Rest::run(stage.rest.request("PATCH", &path).multipart(more)).await.body;
    assert_eq!(edited["attachments"].as_array().unwrap().len(), 3);
    let gone = stage.rest.send("PATCH", &path, json!({ "attachments": [] })).await.body;
    assert_eq!(gone["attachments"], json!([]));
    // A person's upload.
    stage.alice.uploads("mine", &[("note.txt", b"hello")]).await;
    let event = loop {
        let event = stage.socket.event("MESSAGE_CREATE").await;
        if event["content"] == "mine" {
            break event;
        }
    };
    let url = event["attachments"][0]["url"].as_str().unwrap();
    assert_eq!(reqwest::get(url).await.unwrap().text().await.unwrap(), "hello");
}

#[tokio::test]
async fn recordings_stand_alone() {
    let stage = stage().await;
    let voice = |more: Value, about: Value, name: &'static str| {
        let mut payload = json!({ "flags": 1 << 13, "attachments": [about] });
        for (key, value) in more.as_object().unwrap() {
            payload[key] = value.clone();
        }
        let part = Part::bytes(b"OggS".to_vec()).file_name(name);
        let form = Form::new()
            .text("payload_json", payload.to_string())
            .part("files[0]", part);
        Rest::run(stage.rest.request("POST", &stage.messages).multipart(form))
    };
    let about = json!({ "id": 0, "duration_secs": 1.5, "waveform": "AAAA" });
    let sent = voice(json!({}), about.clone(), "voice-message.ogg").await;
    assert_eq!(
        (sent.status, &sent.body["attachments"][0]["duration_secs"]),
        (200, &json!(1.5))
    );
    assert_eq!(
        voice(json!({ "content": "x" }), about.clone(), "a.ogg").await.code(),
        50159
    );
    assert_eq!(voice(json!({}), about, "a.txt").await.code(), 50160);
    assert_eq!(voice(json!({}), json!({ "id": 0 }), "a.ogg").await.code(), 50161);
    let edited = stage
        .rest
        .send("PATCH", &stage.path(&sent.body), json!({ "content": "x" }))
        .await;
    assert_eq!(edited.code(), 50162);
}

#[tokio::test]
async fn nonces_replies_and_mentions() {
    let stage = stage().await;
    let body = json!({ "content": "once", "nonce": "n1", "enforce_nonce": true });
    let first = stage.send(body.clone()).await;
    assert_eq!(stage.send(body.clone()).await["id"], first["id"]);
    stage.sandbox.advance(Duration::from_secs(301));
    assert_ne!(stage.send(body).await["id"], first["id"], "a few minutes later");
    // What Discord says itself takes no replies.
    let said = stage.alice.says("pin me").await.message();
    stage.sandbox.owner().pins(&said).await;
    let line = stage.general.messages().last().unwrap().id();
    let reply = |id: u64| json!({ "content": "x", "message_reference": { "message_id": id.to_string() } });
    let refused = stage.rest.send("POST", &stage.messages, reply(line)).await;
    assert!(
        refused
            .body
            .to_string()
            .contains("REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE"),
        "{refused:?}"
    );
    assert_eq!(
        stage
            .rest
            .send("PATCH", &format!("{}/{line}", stage.messages), json!({ "flags": 4 }))
            .await
            .code(),
        50021
    );
    // Texts among components are read for mentions.
    let text = format!("hello {}", stage.alice.mention());
    let card =
        json!({ "flags": 1 << 15, "components": [{ "type": 17, "components": [{ "type": 10, "content": text }] }] });
    assert_eq!(stage.send(card).await["mentions"][0]["username"], "alice");
    assert_eq!(
        stage
            .rest
            .send("POST", &stage.messages, json!({ "sticker_ids": ["1"] }))
            .await
            .code(),
        50081
    );
    // An edit of flags alone is none that people see.
    let shown = stage
        .rest
        .send("PATCH", &stage.path(&first), json!({ "flags": 4 }))
        .await
        .body;
    assert_eq!((&shown["flags"], &shown["edited_timestamp"]), (&json!(4), &Value::Null));
    let role = stage.sandbox.guild().role("sandbot");
    stage.general.overwrite(role.id(), 0, 1 << 16);
    assert_eq!(
        stage.rest.send("POST", &stage.messages, reply(said.id())).await.code(),
        160_002
    );
    stage.general.overwrite(role.id(), 0, 1 << 49 | 1 << 12);
    let poll = json!({ "poll": { "question": { "text": "Q" }, "answers": [{ "poll_media": { "text": "A" } }] } });
    for body in [poll, json!({ "content": "x", "tts": true })] {
        assert_eq!(stage.rest.send("POST", &stage.messages, body).await.code(), 50013);
    }
}

#[tokio::test]
async fn messages_are_listed_around_one_and_deleted_within_two_weeks() {
    let stage = stage().await;
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(stage.alice.says(&n.to_string()).await.message_id());
    }
    let listed = async |query: String| {
        let list = stage.rest.get(&format!("{}?{query}", stage.messages)).await.body;
        let texts = list
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["content"].as_str().unwrap().to_owned());
        texts.collect::<String>()
    };
    assert_eq!(listed(format!("around={}&limit=3", ids[3])).await, "432");
    assert_eq!(listed(format!("around={}&limit=5", ids[6])).await, "654");
    assert_eq!(listed(format!("after={}&limit=2", ids[3])).await, "54");
    assert_eq!(listed(format!("before={}&limit=2", ids[3])).await, "21");
    let bulk = format!("{}/bulk-delete", stage.messages);
    let texts = |ids: &[u64]| json!({ "messages": ids.iter().map(u64::to_string).collect::<Vec<_>>() });
    assert_eq!(stage.rest.send("POST", &bulk, texts(&ids[..1])).await.code(), 50016);
    let many: Vec<u64> = (0..101).map(|n| ids[0] + n).collect();
    assert_eq!(stage.rest.send("POST", &bulk, texts(&many)).await.code(), 50016);
    assert_eq!(
        stage.rest.send("POST", &bulk, texts(&[ids[0], ids[0]])).await.code(),
        50035
    );
    assert_eq!(stage.rest.send("POST", &bulk, texts(&ids[..2])).await.status, 204);
    stage.sandbox.advance(14 * 24 * HOUR + Duration::from_secs(1));
    assert_eq!(stage.rest.send("POST", &bulk, texts(&ids[2..4])).await.code(), 50034);
    assert_eq!(stage.general.messages().len(), 5);
}

#[tokio::test]
async fn slow_mode_and_time_outs_hold_people_back() {
    let stage = stage().await;
    let channel = format!("/channels/{}", stage.general.id());
    assert_eq!(
        stage
            .rest
            .send("PATCH", &channel, json!({ "rate_limit_per_user": 30 }))
            .await
            .status,
        200
    );
    stage.alice.try_says("one").await.unwrap();
    assert!(stage.alice.try_says("two").await.unwrap_err().contains("slow mode"));
    stage.sandbox.owner().try_says("I manage it").await.unwrap();
    stage.sandbox.owner().try_says("again").await.unwrap();
    stage.sandbox.advance(Duration::from_secs(30));
    stage.alice.try_says("two").await.unwrap();
    stage.sandbox.advance(Duration::from_secs(30));
    // A time-out of an hour from now on, by the sandbox's clock.
    let now = stage.send(json!({ "content": "now" })).await["timestamp"]
        .as_str()
        .unwrap()
        .to_owned();
    let until = format!(
        "{}{:02}{}",
        &now[..11],
        (now[11..13].parse::<u32>().unwrap() + 1) % 24,
        &now[13..]
    );
    if until > now {
        let member = format!("/guilds/{}/members/{}", stage.sandbox.guild().id(), stage.alice.id());
        let out = stage
            .rest
            .send("PATCH", &member, json!({ "communication_disabled_until": until }))
            .await;
        assert_eq!(out.status, 200, "{out:?}");
        assert!(stage.alice.try_says("three").await.unwrap_err().contains("timed out"));
        stage.sandbox.advance(HOUR + Duration::from_secs(1));
    }
    stage.alice.try_says("three").await.unwrap();
}

#[tokio::test]
async fn people_who_take_no_direct_messages_get_none() {
    let stage = stage().await;
    let opened = stage
        .rest
        .send(
            "POST",
            "/users/@me/channels",
            json!({ "recipient_id": stage.alice.id().to_string() }),
        )
        .await;
    let path = format!("/channels/{}/messages", opened.body["id"].as_str().unwrap());
    assert_eq!(
        stage.rest.send("POST", &path, json!({ "content": "hi" })).await.status,
        200
    );
    stage.alice.takes_direct_messages(false);
    let refused = stage.rest.send("POST", &path, json!({ "content": "hi" })).await;
    assert_eq!((refused.status, refused.code()), (403, 50007));
    stage.alice.takes_direct_messages(true);
    stage.alice.leaves().await;
    let refused = stage.rest.send("POST", &path, json!({ "content": "hi" })).await;
    assert_eq!((refused.status, refused.code()), (403, 50278));
}
