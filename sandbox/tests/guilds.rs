//! A bot manages guilds: channels, roles, members, bans, emojis, invites, each with what others hear of it and what the
//! audit log keeps.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{ALL_INTENTS, Answered, Rest, Socket, Strict};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Stage {
    sandbox: Strict,
    rest: Rest,
    socket: Socket,
    /// `/guilds/ID`
    guild: String,
}

async fn stage() -> Stage {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    socket.event("GUILD_CREATE").await;
    Stage {
        rest: Rest::new(&sandbox),
        guild: format!("/guilds/{}", sandbox.guild().id()),
        socket,
        sandbox,
    }
}

impl Stage {
    /// Calls below the guild; anything but a success fails.
    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = match body {
            Value::Null => self.rest.bare(method, &format!("{}{path}", self.guild)).await,
            body => self.rest.send(method, &format!("{}{path}", self.guild), body).await,
        };
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.body
    }

    async fn refused(&self, method: &str, path: &str, body: Value) -> Answered {
        self.rest.send(method, &format!("{}{path}", self.guild), body).await
    }

    async fn with_reason(&self, method: &str, path: &str, body: Value, reason: &str) {
        let request = self.rest.request(method, &format!("{}{path}", self.guild));
        let answer = Rest::run(request.json(&body).header("x-audit-log-reason", reason)).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

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
async fn members_are_timed_out_by_the_sandboxs_clock_and_moved_between_voice_channels() {
    let mut stage = stage().await;
    let guild = stage.sandbox.guild();
    let (alice, bot) = (guild.user("alice"), stage.sandbox.bot_id());
    let member = format!("/members/{}", alice.id());
    let now = stage.call("GET", &member, Value::Null).await;
    assert_eq!(now["communication_disabled_until"], Value::Null);
    let far = json!({ "communication_disabled_until": "2099-01-01T00:00:00Z" });
    let answer = stage.refused("PATCH", &member, far).await;
    assert!(
        answer.body["errors"]["communication_disabled_until"].is_object(),
        "{answer:?}"
    );
    let odd = json!({ "communication_disabled_until": "tomorrow" });
    assert_eq!(stage.refused("PATCH", &member, odd).await.code(), 50035);
    // Owners and those above the bot are out of its reach.
    let owner = format!("/members/{}", stage.sandbox.owner().id());
    let none = json!({ "communication_disabled_until": null });
    assert_eq!(stage.refused("PATCH", &owner, none).await.code(), 50013);
    assert_eq!(stage.refused("DELETE", &owner, json!({})).await.code(), 50013);

    let (lounge, cellar) = (guild.add_voice_channel("Lounge"), guild.add_voice_channel("Cellar"));
    assert_eq!(
        stage.refused("PATCH", &member, json!({ "mute": true })).await.code(),
        40032
    );
    alice.enters_voice(&lounge);
    let state = stage.socket.event("VOICE_STATE_UPDATE").await;
    assert_eq!(
        (&state["user_id"], &state["channel_id"]),
        (&json!(alice.id().to_string()), &json!(lounge.id().to_string()))
    );
    assert_eq!(state["member"]["user"]["username"], "alice");
    let found = stage
        .call("GET", &format!("/voice-states/{}", alice.id()), Value::Null)
        .await;
    assert_eq!(found["channel_id"], lounge.id().to_string());
    stage
        .call(
            "PATCH",
            &member,
            json!({ "mute": true, "channel_id": cellar.id().to_string() }),
        )
        .await;
    assert_eq!(stage.socket.event("VOICE_STATE_UPDATE").await["mute"], true);
    assert_eq!(
        stage.socket.event("VOICE_STATE_UPDATE").await["channel_id"],
        cellar.id().to_string()
    );
    assert_eq!(guild.voice_channel_of(alice.id()), Some(cellar.id()));
    stage.call("PATCH", &member, json!({ "channel_id": null })).await;
    assert_eq!(
        stage.socket.event("VOICE_STATE_UPDATE").await["channel_id"],
        Value::Null
    );
    assert_eq!(
        stage
            .refused("GET", &format!("/voice-states/{}", alice.id()), Value::Null)
            .await
            .code(),
        10065
    );

    // The bot itself: asked for by the gateway, answered with both events; a full channel is not entered.
    let wish = |channel: Option<u64>| {
        json!({ "op": 4, "d": { "guild_id": guild.id().to_string(), "channel_id": channel.map(|id| id.to_string()),
            "self_mute": false, "self_deaf": true } })
    };
    stage.socket.send(wish(Some(lounge.id()))).await;
    assert_eq!(stage.socket.event("VOICE_STATE_UPDATE").await["self_deaf"], true);
    assert_eq!(
        stage.socket.event("VOICE_SERVER_UPDATE").await["guild_id"],
        guild.id().to_string()
    );
    assert_eq!(guild.voice_channel_of(bot), Some(lounge.id()));
    stage.rest.bare("DELETE", &format!("/channels/{}", lounge.id())).await;
    assert_eq!(
        stage.socket.event("VOICE_STATE_UPDATE").await["channel_id"],
        Value::Null
    );
    assert_eq!(guild.voice_channel_of(bot), None);
    let narrow = json!({ "user_limit": 1 });
    stage
        .rest
        .send("PATCH", &format!("/channels/{}", cellar.id()), narrow)
        .await;
    alice.enters_voice(&cellar);
    let _ = guild.role("sandbot").permissions(1 << 10 | 1 << 20);
    stage.socket.send(wish(Some(cellar.id()))).await;
    stage.socket.beats().await;
    assert_eq!(guild.voice_channel_of(bot), None, "the channel is full");
}

#[tokio::test]
async fn a_stage_has_speakers_and_an_audience() {
    let mut stage = stage().await;
    let guild = stage.sandbox.guild();
    let (alice, hall) = (guild.user("alice"), guild.add_stage_channel("Hall"));
    alice.enters_voice(&hall);
    assert_eq!(stage.socket.event("VOICE_STATE_UPDATE").await["suppress"], true);
    let path = format!("/voice-states/{}", alice.id());
    let body = json!({ "channel_id": hall.id().to_string(), "suppress": false });
    stage.call("PATCH", &path, body).await;
    assert_eq!(stage.socket.event("VOICE_STATE_UPDATE").await["suppress"], false);
    assert_eq!(
        stage
            .refused("PATCH", "/voice-states/@me", json!({ "suppress": true }))
            .await
            .code(),
        10065
    );
}

#[tokio::test]
async fn bans_take_messages_with_them_and_many_can_be_banned_at_once() {
    let mut stage = stage().await;
    let guild = stage.sandbox.guild();
    let (alice, bob) = (guild.user("alice"), guild.user("bob"));
    let said = alice.says("spam").await;
    stage.sandbox.advance(Duration::from_secs(3600));
    alice.says("more spam").await;
    let channel = guild.channel("general");
    stage
        .with_reason(
            "PUT",
            &format!("/bans/{}", alice.id()),
            json!({ "delete_message_seconds": 600 }),
            "spam",
        )
        .await;
    assert_eq!(stage.socket.event("GUILD_BAN_ADD").await["user"]["username"], "alice");
    stage.socket.event("MESSAGE_DELETE_BULK").await;
    let left: Vec<u64> = channel.messages().iter().map(sandbox::Message::id).collect();
    assert_eq!(left, [said.message_id()], "what is older stays");
    let ban = stage.call("GET", &format!("/bans/{}", alice.id()), Value::Null).await;
    assert_eq!(ban["reason"], "spam");

    let owner = stage.sandbox.owner();
    let users = json!({ "user_ids": [bob.id().to_string(), owner.id().to_string(), alice.id().to_string(), "77"] });
    let many = stage.call("POST", "/bulk-ban", users.clone()).await;
    assert_eq!(many["banned_users"], json!([bob.id().to_string()]));
    assert_eq!(many["failed_users"].as_array().unwrap().len(), 3, "{many}");
    assert_eq!(stage.refused("POST", "/bulk-ban", users).await.code(), 500_000);
    let bans = stage.call("GET", "/bans?limit=1", Value::Null).await;
    assert_eq!(bans[0]["user"]["username"], "alice");
    let last = stage
        .call("GET", &format!("/bans?limit=1&before={}", u64::MAX), Value::Null)
        .await;
    assert_eq!(last[0]["user"]["username"], "bob");
    stage.call("DELETE", &format!("/bans/{}", bob.id()), Value::Null).await;
    assert_eq!(
        stage
            .refused("DELETE", &format!("/bans/{}", bob.id()), json!({}))
            .await
            .code(),
        10026
    );
    let invite = owner.invites_to(&channel, 0);
    assert!(alice.joins_by(&invite).unwrap_err().contains("banned"));
    assert!(bob.joins_by(&invite).is_ok());
}

#[tokio::test]
async fn who_has_been_away_is_pruned() {
    let stage = stage().await;
    let guild = stage.sandbox.guild();
    let (alice, bob, carol) = (guild.user("alice"), guild.user("bob"), guild.user("carol"));
    for person in [&alice, &bob] {
        person.goes("offline");
    }
    let bob = bob.role("Moderator");
    stage.sandbox.advance(DAY * 8);
    let moderators = guild.role("Moderator").id();
    for (query, count) in [
        ("?days=7".to_owned(), 1),
        ("?days=9".to_owned(), 0),
        (format!("?days=7&include_roles={moderators}"), 2),
    ] {
        let found = stage.call("GET", &format!("/prune{query}"), Value::Null).await;
        assert_eq!(found["pruned"], count, "{query}");
    }
    let body = json!({ "days": 7, "compute_prune_count": false });
    assert_eq!(stage.call("POST", "/prune", body).await["pruned"], Value::Null);
    assert!(!guild.has_member(alice.id()) && guild.has_member(bob.id()) && guild.has_member(carol.id()));
    let entry = guild.audit_log().pop().unwrap();
    assert_eq!(
        entry["options"],
        json!({ "delete_member_days": "7", "members_removed": "1" })
    );
}

#[tokio::test]
async fn emojis_are_made_of_pictures_and_told() {
    let mut stage = stage().await;
    let png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==";
    let gif = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
    let made = stage
        .call("POST", "/emojis", json!({ "name": "party", "image": png }))
        .await;
    assert_eq!((&made["animated"], &made["user"]["bot"]), (&json!(false), &json!(true)));
    let event = stage.socket.event("GUILD_EMOJIS_UPDATE").await;
    assert_eq!(
        (&event["emojis"][0]["name"], event["emojis"].as_array().unwrap().len()),
        (&json!("party"), 1)
    );
    let picture = Rest::page(&stage.sandbox)
        .get(&format!("/emojis/{}.png", id(&made)))
        .await;
    assert_eq!(
        (picture.status, &picture.headers["content-type"]),
        (200, &"image/png".parse().unwrap())
    );
    let moving = stage
        .call("POST", "/emojis", json!({ "name": "dance", "image": gif }))
        .await;
    assert_eq!(moving["animated"], true);
    for (body, place) in [
        (json!({ "name": "x", "image": png }), "name"),
        (json!({ "name": "no spaces", "image": png }), "name"),
        (
            json!({ "name": "text", "image": "data:image/png;base64,aGVsbG8=" }),
            "image",
        ),
        (json!({ "name": "text", "image": "iVBORw0KGgo=" }), "image"),
        (json!({ "name": "text" }), "image"),
    ] {
        let answer = stage.refused("POST", "/emojis", body).await;
        assert!(answer.body["errors"][place].is_object(), "{answer:?}");
    }
    let path = format!("/emojis/{}", id(&made));
    let role = stage.sandbox.guild().role("Moderator").id().to_string();
    let changed = stage
        .call("PATCH", &path, json!({ "name": "fete", "roles": [role] }))
        .await;
    assert_eq!((&changed["name"], &changed["roles"]), (&json!("fete"), &json!([role])));
    stage.call("DELETE", &path, Value::Null).await;
    assert_eq!(stage.refused("DELETE", &path, json!({})).await.code(), 10014);
    assert_eq!(
        stage.call("GET", "", Value::Null).await["emojis"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let sticker = stage.sandbox.guild().add_sticker("wave");
    assert_eq!(
        stage.socket.event("GUILD_STICKERS_UPDATE").await["stickers"][0]["name"],
        "wave"
    );
    assert_eq!(
        stage.rest.get(&format!("/stickers/{sticker}")).await.body["name"],
        "wave"
    );

    // The application's own: for every guild, told to nobody.
    let own = format!("/applications/{}/emojis", stage.sandbox.application_id());
    let made = stage
        .rest
        .send("POST", &own, json!({ "name": "logo", "image": png }))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let again = stage
        .rest
        .send("POST", &own, json!({ "name": "logo", "image": png }))
        .await;
    assert!(again.body["errors"]["name"].is_object(), "{again:?}");
    let one = format!("{own}/{}", id(&made.body));
    assert_eq!(
        stage.rest.send("PATCH", &one, json!({ "name": "sign" })).await.body["name"],
        "sign"
    );
    assert_eq!(stage.rest.get(&own).await.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(stage.rest.bare("DELETE", &one).await.status, 204);
    assert_eq!(stage.rest.get(&one).await.code(), 10014);
}

#[tokio::test]
async fn invites_are_used_up_and_expire() {
    let mut stage = stage().await;
    let channel = stage.sandbox.guild().channel("general").id();
    let path = format!("/channels/{channel}/invites");
    let made = stage
        .rest
        .send("POST", &path, json!({ "max_uses": 1, "max_age": 3600 }))
        .await
        .body;
    let code = made["code"].as_str().unwrap().to_owned();
    let event = stage.socket.event("INVITE_CREATE").await;
    assert_eq!(
        (&event["code"], &event["max_age"], &event["uses"]),
        (&json!(code), &json!(3600), &json!(0))
    );
    // One like it is the same, unless another is asked for.
    let same = stage
        .rest
        .send("POST", &path, json!({ "max_uses": 1, "max_age": 3600 }))
        .await
        .body;
    assert_eq!(same["code"], code);
    let other = stage
        .rest
        .send("POST", &path, json!({ "max_uses": 1, "max_age": 3600, "unique": true }))
        .await
        .body;
    assert_ne!(other["code"], code);
    let looked = stage.rest.get(&format!("/invites/{code}?with_counts=true")).await.body;
    assert_eq!(
        (&looked["approximate_member_count"], looked.get("uses")),
        (&json!(4), None)
    );
    assert_eq!(stage.rest.get(&path).await.body.as_array().unwrap().len(), 2);

    let carol = stage.sandbox.guild().user("carol");
    carol.leaves().await;
    carol.joins_by(&code).unwrap();
    assert_eq!(
        stage.socket.event("GUILD_MEMBER_ADD").await["user"]["username"],
        "carol"
    );
    assert_eq!(stage.socket.event("INVITE_DELETE").await["code"], code);
    assert_eq!(stage.rest.get(&format!("/invites/{code}")).await.code(), 10006);
    stage.sandbox.advance(Duration::from_secs(3601));
    assert_eq!(
        stage.call("GET", "/invites", Value::Null).await,
        json!([]),
        "the other has expired"
    );
    let endless = stage.rest.send("POST", &path, json!({ "max_age": 0 })).await.body;
    assert_eq!(endless["expires_at"], Value::Null);
    let gone = stage
        .rest
        .bare("DELETE", &format!("/invites/{}", endless["code"].as_str().unwrap()))
        .await;
    assert_eq!(gone.body["code"], endless["code"]);
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
