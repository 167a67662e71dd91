//! Threads on the wire: how they begin, whom they are there for, the archive, and what bots hear of them.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket};

const MANAGE_THREADS: u64 = 1 << 34;
const SEND_MESSAGES: u64 = 1 << 11;
const SEND_IN_THREADS: u64 = 1 << 38;

#[tokio::test]
async fn a_thread_hangs_on_its_message_and_counts_what_is_said() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let general = sandbox.guild().channel("general");
    let said = sandbox.guild().user("alice").says("cake?").await;
    let path = format!("/channels/{}/messages/{}/threads", general.id(), said.message_id());
    assert_eq!(rest.send("POST", &path, json!({})).await.code(), 50035);
    let odd = json!({ "name": "cake", "auto_archive_duration": 61 });
    assert_eq!(rest.send("POST", &path, odd).await.code(), 50035);
    let thread = rest.send("POST", &path, json!({ "name": "Cake" })).await;
    assert_eq!((thread.status, &thread.body["type"]), (201, &json!(11)));
    let id = thread.body["id"].as_str().unwrap().to_owned();
    assert_eq!(id, said.message_id().to_string(), "its id is its message's");
    assert_eq!(
        rest.send("POST", &path, json!({ "name": "again" })).await.code(),
        160_004
    );
    let created = socket.event("THREAD_CREATE").await;
    assert_eq!(
        (&created["newly_created"], &created["parent_id"]),
        (&json!(true), &json!(general.id().to_string()))
    );
    let updated = socket.event("MESSAGE_UPDATE").await;
    assert_eq!((&updated["flags"], &updated["thread"]["id"]), (&json!(32), &json!(id)));

    // Who writes is in it from then on, and the bot's own line is the answer to it.
    let bob = sandbox.guild().user("bob").in_channel(&sandbox.guild().channel("Cake"));
    let said = bob.says("yes").await;
    let joined = socket.event("THREAD_MEMBERS_UPDATE").await;
    assert_eq!(
        (&joined["member_count"], &joined["added_members"][0]["user_id"]),
        (&json!(2), &json!(bob.id().to_string()))
    );
    rest.send("POST", &format!("/channels/{id}/messages"), json!({ "content": "no" }))
        .await;
    assert_eq!(said.expect_reply().await.content(), "no");
    let seen = rest.get(&format!("/channels/{id}")).await.body;
    assert_eq!(
        (
            &seen["message_count"],
            &seen["total_message_sent"],
            &seen["member_count"]
        ),
        (&json!(2), &json!(2), &json!(2))
    );
    let members = rest
        .get(&format!("/channels/{id}/thread-members?with_member=true"))
        .await
        .body;
    assert_eq!(members[1]["member"]["user"]["username"], "bob");
    let member = format!("/channels/{id}/thread-members/{}", bob.id());
    assert_eq!(rest.bare("DELETE", &member).await.status, 204);
    assert_eq!(rest.get(&member).await.code(), 10007);
    assert_eq!(rest.bare("PUT", &member).await.status, 204);

    // A list of the active ones, and the archive.
    let active = format!("/guilds/{}/threads/active", sandbox.guild().id());
    assert_eq!(rest.get(&active).await.body["threads"][0]["name"], "Cake");
    let path = format!("/channels/{id}");
    let archived = rest
        .send("PATCH", &path, json!({ "archived": true, "locked": true }))
        .await;
    assert_eq!(archived.body["thread_metadata"]["archived"], true);
    assert_eq!(rest.get(&active).await.body["threads"], json!([]));
    assert_eq!(rest.send("PATCH", &path, json!({ "name": "Pie" })).await.code(), 50083);
    let list = format!("/channels/{}/threads/archived/public", general.id());
    let archive = rest.get(&list).await.body;
    assert_eq!(
        (&archive["threads"][0]["id"], &archive["has_more"]),
        (&json!(id), &json!(false))
    );
    let path_of_first = format!("{path}/messages/{}/reactions/%E2%9C%85/@me", said.message_id());
    assert_eq!(rest.bare("PUT", &path_of_first).await.code(), 50083);
    let opened = rest
        .send("PATCH", &path, json!({ "archived": false, "name": "Pie" }))
        .await;
    assert_eq!(
        (&opened.body["name"], &opened.body["thread_metadata"]["archived"]),
        (&json!("Pie"), &json!(false))
    );
    assert_eq!(rest.bare("DELETE", &path).await.status, 200);
    let gone = socket.event("THREAD_DELETE").await;
    assert_eq!((&gone["id"], &gone["type"]), (&json!(id), &json!(11)));
    assert_eq!(rest.get(&path).await.code(), 10003);
}

#[tokio::test]
async fn writing_in_a_thread_is_a_permission_of_its_own_and_private_ones_are_for_their_members() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let guild = sandbox.guild();
    let general = guild.channel("general");
    let thread = guild.add_thread(&general, "open");
    let write = async |channel: u64| {
        let path = format!("/channels/{channel}/messages");
        rest.send("POST", &path, json!({ "content": "x" })).await.status
    };
    let bot = sandbox.bot_id();
    general.overwrite(bot, 0, SEND_MESSAGES);
    assert_eq!((write(general.id()).await, write(thread.id()).await), (403, 200));
    general.overwrite(bot, 0, SEND_IN_THREADS);
    assert_eq!((write(general.id()).await, write(thread.id()).await), (200, 403));
    general.overwrite(bot, 0, MANAGE_THREADS);
    assert_eq!(write(thread.id()).await, 200);
    let locked = json!({ "locked": true });
    let path = format!("/channels/{}", thread.id());
    assert_eq!(
        rest.send("PATCH", &path, locked.clone()).await.code(),
        50013,
        "it is the owner's thread"
    );

    // A private one that the bot is not in is not there for it.
    let alice = guild.user("alice");
    let secret = guild.add_private_thread(&general, "secret", &[alice.id()]);
    assert_eq!(write(secret.id()).await, 403);
    let active = format!("/guilds/{}/threads/active", guild.id());
    let names = |body: &Value| {
        body["threads"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&rest.get(&active).await.body), [json!("open")]);
    general.overwrite(bot, MANAGE_THREADS, 0);
    assert_eq!(names(&rest.get(&active).await.body), [json!("open"), json!("secret")]);
    assert_eq!(rest.send("PATCH", &path, locked).await.status, 200);
    general.overwrite(bot, 0, MANAGE_THREADS);
    let answer = rest
        .send("POST", &format!("{path}/messages"), json!({ "content": "x" }))
        .await;
    assert_eq!(answer.code(), 160_005);

    // Those that it begins itself: by its type, private if it names none.
    let path = format!("/channels/{}/threads", general.id());
    let own = rest.send("POST", &path, json!({ "name": "own" })).await.body;
    assert_eq!(
        (&own["type"], &own["thread_metadata"]["invitable"]),
        (&json!(12), &json!(true))
    );
    assert_eq!(own["member"]["user_id"], bot.to_string());
    assert_eq!(
        rest.send("POST", &path, json!({ "name": "n", "type": 10 }))
            .await
            .code(),
        50024
    );
    let public = rest.send("POST", &path, json!({ "name": "news", "type": 11 })).await;
    assert_eq!(public.status, 201);
    // Its channel takes it along.
    guild.user("alice").says("hello").await;
    assert_eq!(
        rest.bare("DELETE", &format!("/channels/{}", general.id())).await.status,
        200
    );
    assert_eq!(rest.get(&active).await.body["threads"], json!([]));
}

#[tokio::test]
async fn members_of_a_closed_private_thread_add_nobody_and_its_members_find_it_in_the_archive() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let (guild, bot) = (sandbox.guild(), sandbox.bot_id());
    let general = guild.channel("general");
    let (alice, bob) = (guild.user("alice"), guild.user("bob"));
    general.overwrite(bot, 0, MANAGE_THREADS);
    let thread = guild.add_private_thread(&general, "secret", &[alice.id(), bot]);
    let path = format!("/channels/{}", thread.id());
    let member = format!("{path}/thread-members/{}", bob.id());
    assert_eq!(rest.bare("PUT", &member).await.status, 204, "anybody in it adds others");
    general.overwrite(bot, MANAGE_THREADS, 0);
    rest.bare("DELETE", &member).await;
    assert_eq!(
        rest.send("PATCH", &path, json!({ "invitable": false })).await.status,
        200
    );
    general.overwrite(bot, 0, MANAGE_THREADS);
    assert_eq!(rest.bare("PUT", &member).await.code(), 50013);
    general.overwrite(bot, MANAGE_THREADS, 0);
    assert_eq!(rest.bare("PUT", &member).await.status, 204);

    let foreign = guild.add_private_thread(&general, "foreign", &[alice.id()]);
    for one in [&thread, &foreign] {
        one.archive();
    }
    let of = |rest: &str| format!("/channels/{}{rest}", general.id());
    let names = |body: &Value| {
        let all = body["threads"].as_array().unwrap();
        all.iter().map(|one| one["name"].clone()).collect::<Vec<_>>()
    };
    let all = rest.get(&of("/threads/archived/private")).await.body;
    assert_eq!(all["threads"].as_array().unwrap().len(), 2);
    let own = rest.get(&of("/users/@me/threads/archived/private")).await.body;
    assert_eq!(names(&own), [json!("secret")]);
    let before = of(&format!("/users/@me/threads/archived/private?before={}", thread.id()));
    assert_eq!(names(&rest.get(&before).await.body), Vec::<Value>::new());
    let log = guild.audit_log();
    let kinds: Vec<&Value> = log.iter().map(|one| &one["action_type"]).collect();
    assert!(kinds.contains(&&json!(111)), "{kinds:?}");
}

#[tokio::test]
async fn a_thread_in_which_nothing_is_said_goes_into_the_archive_by_itself() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let general = sandbox.guild().channel("general");
    let path = format!("/channels/{}/threads", general.id());
    let body = json!({ "name": "talk", "type": 11, "auto_archive_duration": 60 });
    let thread = rest.send("POST", &path, body).await.body;
    let path = format!("/channels/{}", thread["id"].as_str().unwrap());
    let is_archived = async || rest.get(&path).await.body["thread_metadata"]["archived"] == true;
    sandbox.advance(Duration::from_secs(50 * 60));
    let said = rest
        .send("POST", &format!("{path}/messages"), json!({ "content": "x" }))
        .await;
    assert_eq!(said.status, 200, "{said:?}");
    sandbox.advance(Duration::from_secs(50 * 60));
    assert!(!is_archived().await, "something was said in between");
    sandbox.advance(Duration::from_secs(11 * 60));
    assert!(is_archived().await);
    assert_eq!(socket.event("THREAD_UPDATE").await["thread_metadata"]["archived"], true);
}

#[tokio::test]
async fn who_sees_another_channel_is_told_of_its_threads() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    let bot = sandbox.application_id();
    let path = format!("/channels/{}/threads", general.id());
    let thread = rest
        .send("POST", &path, json!({ "name": "cake", "type": 11 }))
        .await
        .body;
    let own = json!({ "name": "old", "type": 11 });
    let old = rest.send("POST", &path, own).await.body;
    let old = format!("/channels/{}", old["id"].as_str().unwrap());
    assert_eq!(rest.send("PATCH", &old, json!({ "archived": true })).await.status, 200);
    general.overwrite(bot, 0, 1 << 10);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    assert_eq!(socket.event("GUILD_CREATE").await["threads"], json!([]));
    general.overwrite(bot, 0, 0);
    let synced = socket.event("THREAD_LIST_SYNC").await;
    assert_eq!(synced["channel_ids"], json!([general.id().to_string()]));
    assert_eq!(
        synced["threads"].as_array().map(Vec::len),
        Some(1),
        "not what is in the archive"
    );
    assert_eq!(
        (&synced["threads"][0]["id"], &synced["members"][0]["user_id"]),
        (&thread["id"], &json!(bot.to_string()))
    );
    // By a role, too; and what was seen all along is not told again.
    let _ = sandbox.guild().role("@everyone").permissions(0);
    let _ = sandbox.guild().role("sandbot").permissions(0);
    let _ = sandbox.guild().role("sandbot").permissions(1 << 10);
    socket.event("THREAD_LIST_SYNC").await;
    let _ = sandbox.guild().role("sandbot").permissions(1 << 10 | 1 << 11);
    sandbox.guild().user("alice").says("over").await;
    loop {
        let next = socket.next().await.unwrap();
        assert_ne!(next["t"], "THREAD_LIST_SYNC", "{next}");
        if next["t"] == "MESSAGE_CREATE" {
            break;
        }
    }
}

#[tokio::test]
async fn messages_of_a_thread_have_their_places_in_it() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    let path = format!("/channels/{}/threads", general.id());
    let thread = rest
        .send("POST", &path, json!({ "name": "cake", "type": 11 }))
        .await
        .body;
    let messages = format!("/channels/{}/messages", thread["id"].as_str().unwrap());
    let mut said = Vec::new();
    for text in ["a", "b"] {
        said.push(rest.send("POST", &messages, json!({ "content": text })).await.body);
    }
    let first = format!("{messages}/{}", said[0]["id"].as_str().unwrap());
    assert_eq!(rest.bare("DELETE", &first).await.status, 204);
    said.push(rest.send("POST", &messages, json!({ "content": "c" })).await.body);
    let places: Vec<_> = said.iter().map(|one| one["position"].as_u64().unwrap()).collect();
    assert_eq!(places, [1, 2, 3]);
    let plain = format!("/channels/{}/messages", general.id());
    let plain = rest.send("POST", &plain, json!({ "content": "d" })).await.body;
    assert!(plain.get("position").is_none(), "{plain}");
    let wrong = format!("/channels/{}/threads/archived/public?before=soon", general.id());
    assert_eq!(rest.get(&wrong).await.code(), 50035);
}
