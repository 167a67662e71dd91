//! What people see and change of servers on the page beyond roles and members: forums, the archive of threads, the audit
//! log, the order of channels; and how the bot's rate limits are counted.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use futures_util::StreamExt;
use serde_json::{Value, json};
use support::{
    ALL_INTENTS, Rest, Socket,
    page::{Live, Page},
};

impl Page {
    async fn get(&self, path: &str) -> Value {
        let answer = self.rest.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    async fn says(&self, who: &str, channel: &Value, text: &str) -> Value {
        let body = json!({ "channel_id": channel, "content": text });
        self.post("/page/messages", who, body).await
    }
}

#[tokio::test]
async fn a_forum_has_posts_by_their_last_activity() {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (page, rest) = (Page::of(&sandbox), Rest::new(&sandbox));
    let forum = page
        .change(
            "olivia",
            json!({ "change": "new_channel", "type": 15, "name": "ideas" }),
        )
        .await;
    let path = format!("/channels/{}", forum["id"].as_str().unwrap());
    let tags = json!([{ "name": "Bug" }, { "name": "Done", "moderated": true }]);
    let with_tags = rest
        .send("PATCH", &path, json!({ "available_tags": tags, "flags": 16 }))
        .await;
    let tag = |at: usize| with_tags.body["available_tags"][at]["id"].clone();
    let post = |name: &str, tags: Value| json!({ "channel_id": forum["id"], "name": name, "content": format!("about {name}"), "tags": tags });
    let why = page.refused("/page/posts", "alice", post("first", json!([]))).await;
    assert!(why.contains("has a tag"), "{why}");
    let why = page
        .refused("/page/posts", "alice", post("first", json!([tag(1)])))
        .await;
    assert!(why.contains("\"Done\""), "{why}");
    let why = page
        .refused(
            "/page/messages",
            "alice",
            json!({ "channel_id": forum["id"], "content": "hi" }),
        )
        .await;
    assert!(why.contains("posts"), "{why}");
    let first = page.post("/page/posts", "alice", post("first", json!([tag(0)]))).await;
    let heard = socket.event("THREAD_CREATE").await;
    assert_eq!(
        (&heard["id"], &heard["newly_created"], &heard["applied_tags"]),
        (&first["id"], &json!(true), &json!([tag(0)]))
    );
    let message = socket.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&message["id"], &message["content"]),
        (&first["id"], &json!("about first")),
        "the first message has the post's id"
    );
    let second = page
        .post("/page/posts", "olivia", post("second", json!([tag(0), tag(1)])))
        .await;
    page.says("bob", &first["id"], "an answer").await;
    let query = format!("/page/posts?as=bob&channel_id={}", forum["id"].as_str().unwrap());
    let list = page.get(&query).await;
    let shown = |list: &Value| -> Vec<(String, u64)> {
        list["posts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let thread = &one["thread"];
                (
                    thread["name"].as_str().unwrap().to_owned(),
                    thread["message_count"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    assert_eq!(shown(&list), [("first".to_owned(), 1), ("second".to_owned(), 0)]);
    assert_eq!(
        (&list["total"], &list["posts"][1]["message"]["content"]),
        (&json!(2), &json!("about second"))
    );
    // What is in the archive comes after all others, though it was said last.
    page.change(
        "olivia",
        json!({ "change": "thread", "id": first["id"], "archived": true }),
    )
    .await;
    assert_eq!(
        shown(&page.get(&query).await),
        [("second".to_owned(), 0), ("first".to_owned(), 1)]
    );
    assert_eq!(
        shown(&page.get(&format!("{query}&offset=1")).await),
        [("first".to_owned(), 1)]
    );
    assert_eq!(second["parent_id"], forum["id"]);
}

#[tokio::test]
async fn a_thread_goes_into_the_archive_and_comes_out_by_a_message_unless_it_is_locked() {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let page = Page::of(&sandbox);
    let begun = json!({ "channel_id": page.channel, "name": "plans" });
    let thread = page.post("/page/threads", "alice", begun).await["id"].clone();
    let to = |mut shape: Value| {
        shape["change"] = json!("thread");
        shape["id"] = thread.clone();
        shape
    };
    let why = page.change_refused("bob", to(json!({ "archived": true }))).await;
    assert!(why.contains("Manage Threads"), "{why}");
    // Who began it may close and rename it, but not lock it.
    page.change("alice", to(json!({ "archived": true, "name": "old plans" })))
        .await;
    let heard = socket.event("THREAD_UPDATE").await;
    assert_eq!(
        (&heard["thread_metadata"]["archived"], &heard["name"]),
        (&json!(true), &json!("old plans"))
    );
    page.change_refused("alice", to(json!({ "locked": true }))).await;
    let query = format!("/page/threads/archived?as=bob&channel_id={}", page.channel);
    let list = page.get(&query).await;
    assert_eq!(
        (
            &list["total"],
            &list["threads"][0]["id"],
            &list["threads"][0]["owner"]["username"]
        ),
        (&json!(1), &thread, &json!("alice"))
    );
    page.says("bob", &thread, "once more").await;
    assert_eq!(
        socket.event("THREAD_UPDATE").await["thread_metadata"]["archived"],
        false
    );
    assert_eq!(page.get(&query).await["total"], 0);
    page.change("olivia", to(json!({ "locked": true, "archived": true })))
        .await;
    let why = page
        .refused(
            "/page/messages",
            "bob",
            json!({ "channel_id": thread, "content": "hello?" }),
        )
        .await;
    assert!(why.contains("locked"), "{why}");
    page.change_refused("alice", to(json!({ "archived": false }))).await;
    page.says("olivia", &thread, "the last word").await;
    assert_eq!(page.get(&query).await["total"], 0);
    // A private one is in the archive of those who see it.
    let begun = json!({ "channel_id": page.channel, "name": "secret", "private": true });
    let secret = page.post("/page/threads", "alice", begun).await["id"].clone();
    page.change("alice", json!({ "change": "thread", "id": secret, "archived": true }))
        .await;
    assert_eq!(page.get(&query).await["total"], 0);
    let own = page.get(&query.replace("bob", "alice")).await;
    assert_eq!(own["threads"][0]["name"], "secret");
}

#[tokio::test]
async fn the_audit_log_is_read_and_followed_by_those_who_may() {
    let sandbox = support::start().await;
    let page = Page::of(&sandbox);
    let mut live = Live::open(&sandbox, "/page/live?as=olivia").await;
    let mut alices = Live::open(&sandbox, "/page/live?as=alice").await;
    live.next("state").await;
    alices.next("state").await;
    page.change("olivia", json!({ "change": "guild", "name": "Renamed" }))
        .await;
    let entry = live.next("audit_log_entry").await;
    assert_eq!(
        (
            &entry["action_type"],
            &entry["guild_id"],
            &entry["changes"][0]["new_value"]
        ),
        (&json!(1), &json!(page.guild), &json!("Renamed"))
    );
    let kick = json!({ "change": "kick", "id": sandbox.guild().user("bob").id().to_string(), "reason": "too loud" });
    page.change("olivia", kick).await;
    let query = format!("/page/audit-log?as=olivia&guild_id={}", page.guild);
    let log = page.get(&query).await;
    assert_eq!(
        (
            &log["entries"][0]["action_type"],
            &log["entries"][0]["reason"],
            &log["has_more"]
        ),
        (&json!(20), &json!("too loud"), &json!(false))
    );
    assert!(
        log["users"]
            .as_array()
            .unwrap()
            .iter()
            .any(|user| user["username"] == "bob"),
        "who is gone has a name"
    );
    let id = log["entries"][0]["id"].as_str().unwrap();
    let older = page.get(&format!("{query}&before={id}&action_type=1")).await;
    assert_eq!(older["entries"].as_array().unwrap().len(), 1);
    let answer = page.rest.get(&query.replace("olivia", "alice")).await;
    assert_eq!(answer.status, 400);
    // Alice heard of other things only.
    page.says("alice", &json!(page.channel), "hello").await;
    loop {
        let text = alices.0.next().await.unwrap().unwrap().into_text().unwrap();
        let note: Value = serde_json::from_str(&text).unwrap();
        assert_ne!(note["type"], "audit_log_entry");
        if note["type"] == "message_create" {
            break;
        }
    }
}

#[tokio::test]
async fn channels_are_moved_all_or_none() {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let page = Page::of(&sandbox);
    let category = page
        .change("olivia", json!({ "change": "new_channel", "type": 4, "name": "Games" }))
        .await;
    socket.event("CHANNEL_CREATE").await;
    let order = |channels: Value| json!({ "change": "channel_order", "channels": channels });
    let move_all = order(
        json!([{ "id": page.channel, "position": 7, "parent_id": category["id"] }, { "id": category["id"], "position": 3 }]),
    );
    page.change_refused("alice", move_all.clone()).await;
    let bad = order(
        json!([{ "id": category["id"], "position": 9 }, { "id": page.channel, "position": 1, "parent_id": page.channel }]),
    );
    let why = page.change_refused("olivia", bad).await;
    assert!(why.contains("categories"), "{why}");
    page.change("olivia", move_all).await;
    // The first that is heard of is not that of the refused order.
    let heard = socket.event("CHANNEL_UPDATE").await;
    assert_eq!(
        (&heard["id"], &heard["position"], &heard["parent_id"]),
        (&json!(page.channel), &json!(7), &category["id"])
    );
    let rest = Rest::new(&sandbox);
    let seen = rest
        .get(&format!("/channels/{}", category["id"].as_str().unwrap()))
        .await;
    assert_eq!(seen.body["position"], 3);
}

#[tokio::test]
async fn rate_limits_are_switched_and_shown() {
    let sandbox = support::start().await;
    let page = Page::of(&sandbox);
    let mut live = Live::open(&sandbox, "/page/live?as=olivia").await;
    assert_eq!(live.next("state").await["rate_limits"], "generous");
    let switch = async |profile: &str| {
        page.rest
            .send("POST", "/page/rate-limits", json!({ "profile": profile }))
            .await
    };
    assert_eq!(switch("gentle").await.status, 400);
    assert_eq!(switch("real").await.status, 200);
    assert_eq!(live.next("rate_limits").await["profile"], "real");
    let rest = Rest::new(&sandbox);
    // A channel is renamed twice in ten minutes, and no more.
    let path = format!("/channels/{}", page.channel);
    let rename = async |name: &str| rest.send("PATCH", &path, json!({ "name": name })).await;
    for (name, status) in [("one", 200), ("two", 200), ("three", 429)] {
        assert_eq!(rename(name).await.status, status, "{name}");
    }
    let used = page.get("/page/rate-limits").await;
    assert_eq!(used["profile"], "real");
    let bucket = &used["buckets"][0];
    assert_eq!((&bucket["used"], &bucket["limit"]), (&json!(2), &json!(2)), "{used}");
    assert!(bucket["route"].as_str().unwrap().ends_with(&page.channel), "{bucket}");
    assert_eq!(switch("off").await.status, 200);
    assert_eq!(page.get("/page/rate-limits").await["buckets"], json!([]));
    let answer = rename("three").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("x-ratelimit-limit"));
}

#[tokio::test]
async fn who_opens_the_page_after_a_replay_is_told_what_became_of_it() {
    let sandbox = support::start().await;
    let page = Page::of(&sandbox);
    let started = page
        .rest
        .send("POST", "/page/recording", json!({ "action": "start" }))
        .await;
    assert_eq!(started.status, 200);
    page.says("alice", &json!(page.channel), "hello").await;
    let answer = page
        .rest
        .send("POST", "/page/recording", json!({ "action": "stop" }))
        .await;
    let mut live = Live::open(&sandbox, "/page/live?as=olivia").await;
    assert_eq!(live.next("state").await["replay"], Value::Null);
    let asked = json!({ "recording": answer.body, "speed": 0 });
    assert_eq!(page.rest.send("POST", "/page/replay", asked).await.status, 200);
    let mut told = live.next("recording").await;
    while told["state"] == "replaying" {
        told = live.next("recording").await;
    }
    let late = Live::open(&sandbox, "/page/live?as=olivia").await.next("state").await;
    assert_eq!(late["replay"], told);
}
