//! A bot manages a guild: channels, roles and the guild itself, each with what others hear of it and what the audit log
//! keeps.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Rest,
    guild::{id, stage},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn what_a_bot_does_stands_in_the_audit_log_with_its_reason() {
    let mut stage = stage().await;
    let (alice, bob) = (stage.sandbox.guild().user("alice"), stage.sandbox.guild().user("bob"));
    let member = format!("/members/{}", alice.id());
    stage
        .with_reason("PATCH", &member, json!({ "nick": "Al" }), "f%C3%BCr%20alle")
        .await;
    let event = stage.socket.event("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(
        event["changes"],
        json!([{ "key": "nick", "new_value": "Al" }]),
        "{event}"
    );
    assert_eq!(
        (&event["reason"], &event["action_type"]),
        (&json!("für alle"), &json!(24))
    );
    assert_eq!(event["guild_id"], stage.sandbox.guild().id().to_string());
    stage
        .with_reason("DELETE", &format!("/members/{}", bob.id()), json!({}), "bye")
        .await;
    let role = stage.call("POST", "/roles", json!({ "name": "Helpers" })).await;
    stage
        .call("PUT", &format!("{member}/roles/{}", id(&role)), Value::Null)
        .await;

    let log = stage.call("GET", "/audit-logs", Value::Null).await;
    let entries = log["audit_log_entries"].as_array().unwrap();
    let kinds: Vec<u64> = entries.iter().map(|one| one["action_type"].as_u64().unwrap()).collect();
    assert_eq!(kinds, [25, 30, 20, 24], "the newest first: {log}");
    let bot = stage.sandbox.bot_id().to_string();
    assert!(entries.iter().all(|one| one["user_id"] == bot));
    assert_eq!(
        entries[0]["changes"],
        json!([{ "key": "$add", "new_value": [{ "id": role["id"], "name": "Helpers" }] }])
    );
    let named: Vec<&str> = log["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["username"].as_str().unwrap())
        .collect();
    assert!(named.contains(&"alice") && named.contains(&"bob"), "{named:?}");

    for (query, count) in [
        (format!("target_id={}", alice.id()), 2),
        (format!("user_id={}", alice.id()), 0),
        ("action_type=20".to_owned(), 1),
        ("limit=3".to_owned(), 3),
        (format!("before={}", id(&entries[2])), 1),
        (format!("after={}", id(&entries[2])), 2),
    ] {
        let log = stage.call("GET", &format!("/audit-logs?{query}"), Value::Null).await;
        assert_eq!(log["audit_log_entries"].as_array().unwrap().len(), count, "{query}");
    }
    let long = stage.rest.request("DELETE", &format!("{}{member}", stage.guild));
    let long = Rest::run(long.header("x-audit-log-reason", "a".repeat(513))).await;
    assert_eq!(long.code(), 50035);
    // People moderate too; and after 45 days nobody knows any more.
    stage.sandbox.owner().bans(&alice, Some("spam"));
    let event = loop {
        let event = stage.socket.event("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
        if event["action_type"] == 22 {
            break event;
        }
    };
    assert_eq!(event["user_id"], stage.sandbox.owner().id().to_string());
    stage.sandbox.advance(DAY * 46);
    let log = stage.call("GET", "/audit-logs", Value::Null).await;
    assert_eq!(log["audit_log_entries"], json!([]));
}

#[tokio::test]
async fn channels_of_every_type_are_made_moved_and_deleted() {
    let mut stage = stage().await;
    let everyone = stage.sandbox.guild().id().to_string();
    let quiet = json!([{ "id": everyone, "type": 0, "deny": "2048", "allow": "0" }]);
    let category = stage
        .call(
            "POST",
            "/channels",
            json!({ "name": "Area", "type": 4, "permission_overwrites": quiet }),
        )
        .await;
    let below = |kind: u64, more: Value| {
        let mut body = json!({ "name": "In the area", "type": kind, "parent_id": category["id"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let text = stage
        .call(
            "POST",
            "/channels",
            below(0, json!({ "topic": "t", "rate_limit_per_user": 5, "nsfw": true })),
        )
        .await;
    assert_eq!((&text["name"], &text["topic"]), (&json!("in-the-area"), &json!("t")));
    // Without overwrites of its own a channel takes those of its category.
    assert_eq!(text["permission_overwrites"], category["permission_overwrites"]);
    let voice = stage
        .call(
            "POST",
            "/channels",
            below(2, json!({ "user_limit": 1, "bitrate": 96_000 })),
        )
        .await;
    assert_eq!(
        (&voice["user_limit"], &voice["name"]),
        (&json!(1), &json!("In the area"))
    );
    stage.call("POST", "/channels", below(5, json!({}))).await;
    stage.call("POST", "/channels", below(13, json!({}))).await;
    let tags = json!([{ "name": "bug" }, { "name": "secret", "moderated": true, "emoji_name": "🔒" }]);
    let forum = stage
        .call(
            "POST",
            "/channels",
            below(15, json!({ "available_tags": tags, "default_sort_order": 1 })),
        )
        .await;
    let tag = forum["available_tags"][0].clone();
    assert!(id(&tag).parse::<u64>().is_ok() && tag["moderated"] == false, "{forum}");
    assert_eq!(forum["default_forum_layout"], 0);
    for _ in 0..6 {
        stage.socket.event("CHANNEL_CREATE").await;
    }
    for (body, place) in [
        (json!({ "name": "x", "type": 1 }), "type"),
        (
            json!({ "name": "x", "type": 4, "parent_id": category["id"] }),
            "parent_id",
        ),
        (json!({ "name": "x", "parent_id": text["id"] }), "parent_id"),
        (json!({ "name": "x", "type": 2, "bitrate": 100 }), "bitrate"),
        (json!({ "name": "x", "topic": "a".repeat(1025) }), "topic"),
    ] {
        let answer = stage.refused("POST", "/channels", body).await;
        assert!(answer.body["errors"][place].is_object(), "{place}: {answer:?}");
    }
    // One keeps its tag by its id; another is new.
    let change = json!({ "available_tags": [{ "id": tag["id"], "name": "bugs" }, { "name": "new" }] });
    let changed = stage
        .rest
        .send("PATCH", &format!("/channels/{}", id(&forum)), change)
        .await
        .body;
    assert_eq!(
        (
            &changed["available_tags"][0]["id"],
            &changed["available_tags"][0]["name"]
        ),
        (&tag["id"], &json!("bugs"))
    );
    // Out of the category, and with its overwrites when it comes back locked.
    let channel = format!("/channels/{}", id(&text));
    let open = stage
        .rest
        .send(
            "PATCH",
            &channel,
            json!({ "parent_id": null, "permission_overwrites": [] }),
        )
        .await;
    assert_eq!(
        (&open.body["parent_id"], &open.body["permission_overwrites"]),
        (&Value::Null, &json!([]))
    );
    let moves = json!([{ "id": text["id"], "position": 0, "parent_id": category["id"], "lock_permissions": true }]);
    stage.call("PATCH", "/channels", moves).await;
    let moved = stage.rest.get(&channel).await.body;
    assert_eq!(moved["permission_overwrites"], category["permission_overwrites"]);
    assert_eq!((&moved["position"], &moved["parent_id"]), (&json!(0), &category["id"]));
    // Text becomes announcements, and nothing else changes its type.
    assert_eq!(
        stage.rest.send("PATCH", &channel, json!({ "type": 5 })).await.body["type"],
        5
    );
    assert_eq!(
        stage.rest.send("PATCH", &channel, json!({ "type": 2 })).await.code(),
        50035
    );
    let gone = stage.rest.bare("DELETE", &format!("/channels/{}", id(&category))).await;
    assert_eq!(gone.body["id"], category["id"]);
    assert_eq!(stage.socket.event("CHANNEL_DELETE").await["id"], category["id"]);
    assert_eq!(stage.socket.event("CHANNEL_UPDATE").await["parent_id"], Value::Null);
    assert_eq!(stage.rest.get(&channel).await.body["parent_id"], Value::Null);
}

#[tokio::test]
async fn posts_in_forums_have_a_first_message_and_tags() {
    let mut stage = stage().await;
    let body = json!({ "name": "help", "type": 15, "flags": 16,
        "available_tags": [{ "name": "open" }, { "name": "staff", "moderated": true }] });
    let forum = stage.call("POST", "/channels", body).await;
    let path = format!("/channels/{}/threads", id(&forum));
    let tag = id(&forum["available_tags"][0]);
    let post = |tags: Value| json!({ "name": "Why?", "message": { "content": "Because" }, "applied_tags": tags });
    let made = stage.rest.send("POST", &path, post(json!([tag]))).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        made.body["message"]["id"], made.body["id"],
        "the first message has its thread's id"
    );
    assert_eq!(
        (&made.body["applied_tags"], &made.body["message_count"]),
        (&json!([tag]), &json!(0))
    );
    let event = stage.socket.event("THREAD_CREATE").await;
    assert_eq!(
        (&event["applied_tags"], &event["newly_created"]),
        (&json!([tag]), &json!(true))
    );
    assert_eq!(stage.socket.event("MESSAGE_CREATE").await["content"], "Because");
    assert_eq!(stage.rest.send("POST", &path, post(json!([]))).await.code(), 40067);
    assert_eq!(stage.rest.send("POST", &path, post(json!(["5"]))).await.code(), 10087);
    let answer = stage.rest.send("POST", &path, json!({ "name": "x" })).await;
    assert!(answer.body["errors"]["message"].is_object(), "{answer:?}");
    let messages = format!("/channels/{}/messages", id(&forum));
    assert_eq!(
        stage
            .rest
            .send("POST", &messages, json!({ "content": "x" }))
            .await
            .code(),
        50008
    );
}

#[tokio::test]
async fn roles_are_ordered_counted_and_gone_from_everywhere() {
    let mut stage = stage().await;
    let guild = stage.sandbox.guild();
    let shape = json!({ "name": "One", "colors": { "primary_color": 255, "secondary_color": null, "tertiary_color": null },
        "hoist": true, "mentionable": true, "permissions": "1024" });
    let one = stage.call("POST", "/roles", shape).await;
    assert_eq!(
        (&one["color"], &one["hoist"], &one["permissions"]),
        (&json!(255), &json!(true), &json!("1024"))
    );
    let two = stage.call("POST", "/roles", json!({ "name": "Two" })).await;
    let alice = guild.user("alice");
    for role in [&one, &two] {
        stage
            .call(
                "PUT",
                &format!("/members/{}/roles/{}", alice.id(), id(role)),
                Value::Null,
            )
            .await;
    }
    let counts = stage.call("GET", "/roles/member-counts", Value::Null).await;
    assert_eq!(
        (&counts[id(&one)], counts.get(guild.id().to_string())),
        (&json!(1), None)
    );
    let place = |roles: &Value, role: &Value| {
        let found = roles.as_array().unwrap().iter().find(|found| found["id"] == role["id"]);
        found.unwrap()["position"].as_i64().unwrap()
    };
    let roles = stage.call("GET", "/roles", Value::Null).await;
    let (first, second) = (place(&roles, &one), place(&roles, &two));
    assert!(second < first, "a new role comes in at the bottom");
    let roles = stage
        .call("PATCH", "/roles", json!([{ "id": two["id"], "position": first }]))
        .await;
    assert!(place(&roles, &two) > place(&roles, &one), "{roles}");
    let mut all: Vec<i64> = roles
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["position"].as_i64().unwrap())
        .collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(
        all.len(),
        roles.as_array().unwrap().len(),
        "no two at one place: {roles}"
    );
    // Above the bot's own role nothing goes, and what boosts buy is refused.
    let over = stage
        .refused("PATCH", "/roles", json!([{ "id": two["id"], "position": 100 }]))
        .await;
    assert_eq!(over.code(), 50013);
    let own = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["managed"] == true)
        .unwrap()
        .clone();
    let same = format!("/roles/{}", id(&own));
    assert_eq!(
        stage.refused("PATCH", &same, json!({ "hoist": true })).await.code(),
        50013
    );
    assert_eq!(stage.refused("DELETE", &same, json!({})).await.code(), 50028);
    assert_eq!(
        stage
            .refused("POST", "/roles", json!({ "unicode_emoji": "🔥" }))
            .await
            .code(),
        50101
    );
    // What the bot lacks it can't give; what a role has it may keep.
    let admin = json!({ "permissions": "8" });
    assert_eq!(stage.refused("POST", "/roles", admin.clone()).await.code(), 50013);
    assert_eq!(
        stage
            .refused("PATCH", &format!("/roles/{}", id(&one)), admin)
            .await
            .code(),
        50013
    );
    let _ = guild.role("Two").permissions(8);
    stage
        .call(
            "PATCH",
            &format!("/roles/{}", id(&two)),
            json!({ "permissions": "8", "name": "Kept" }),
        )
        .await;
    stage.call("DELETE", &format!("/roles/{}", id(&two)), Value::Null).await;
    assert_eq!(stage.socket.event("GUILD_ROLE_DELETE").await["role_id"], two["id"]);
    assert_eq!(guild.roles_of(alice.id()), [id(&one).parse::<u64>().unwrap()]);
}

#[tokio::test]
async fn a_guild_shows_and_changes_itself() {
    let mut stage = stage().await;
    let general = stage.sandbox.guild().channel("general").id().to_string();
    stage.sandbox.guild().user("alice").goes("offline");
    let body = json!({ "name": "Renamed", "verification_level": 2, "afk_timeout": 900, "description": "d",
        "icon": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==", "system_channel_id": null });
    let guild = stage.call("PATCH", "", body).await;
    assert_eq!(
        (&guild["name"], &guild["verification_level"]),
        (&json!("Renamed"), &json!(2))
    );
    assert!(guild["icon"].is_string() && guild["system_channel_id"].is_null());
    assert_eq!(stage.socket.event("GUILD_UPDATE").await["name"], "Renamed");
    for (body, place) in [
        (json!({ "afk_timeout": 61 }), "afk_timeout"),
        (json!({ "rules_channel_id": "5" }), "rules_channel_id"),
        (json!({ "name": "x" }), "name"),
    ] {
        let answer = stage.refused("PATCH", "", body).await;
        assert!(answer.body["errors"][place].is_object(), "{answer:?}");
    }
    assert_eq!(
        stage
            .refused("PATCH", "", json!({ "banner": "data:image/png;base64,iVBORw0KGgo=" }))
            .await
            .code(),
        50101
    );
    // A community is made by administrators.
    assert_eq!(
        stage
            .refused("PATCH", "", json!({ "features": ["COMMUNITY"] }))
            .await
            .code(),
        50013
    );
    let preview = stage.call("GET", "/preview", Value::Null).await;
    assert_eq!(
        (
            &preview["approximate_member_count"],
            &preview["approximate_presence_count"]
        ),
        (&json!(4), &json!(3))
    );
    let own = stage.rest.get("/users/@me/guilds?with_counts=true").await.body;
    assert_eq!(
        (&own[0]["approximate_member_count"], &own[0]["icon"]),
        (&json!(4), &guild["icon"])
    );
    assert_eq!(stage.refused("GET", "/widget.json", Value::Null).await.code(), 50004);
    let widget = stage
        .call("PATCH", "/widget", json!({ "enabled": true, "channel_id": general }))
        .await;
    assert_eq!(widget, json!({ "enabled": true, "channel_id": general }));
    assert_eq!(
        stage.call("GET", "/widget.json", Value::Null).await["presence_count"],
        3
    );
    for (path, empty) in [
        ("/auto-moderation/rules", json!([])),
        ("/scheduled-events", json!([])),
        ("/integrations", json!([])),
        ("/templates", json!([])),
        ("/vanity-url", json!({ "code": null, "uses": 0 })),
        ("/soundboard-sounds", json!({ "items": [] })),
        (
            "/welcome-screen",
            json!({ "description": null, "welcome_channels": [] }),
        ),
    ] {
        assert_eq!(stage.call("GET", path, Value::Null).await, empty, "{path}");
    }
    assert_eq!(stage.call("GET", "/onboarding", Value::Null).await["enabled"], false);
    assert_eq!(
        stage.refused("GET", "/scheduled-events/5", Value::Null).await.code(),
        10070
    );
    assert!(
        !stage
            .rest
            .get("/voice/regions")
            .await
            .body
            .as_array()
            .unwrap()
            .is_empty()
    );
}
