//! Scheduled events and stages on the wire: what the bot plans, what people and time make of it, and what is refused.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sandbox::Sandbox;
use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket};

const SCHEDULED_EVENTS: u64 = 1 << 16;
const MANAGE_EVENTS: u64 = 1 << 33;
const CREATE_EVENTS: u64 = 1 << 44;
const ADMINISTRATOR: u64 = 1 << 3;
const ALL: u64 = (1 << 53) - 1;

/// A moment so many hours from now, as the API takes it.
fn in_hours(hours: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let micros = i64::try_from((now + Duration::from_secs(hours * 3600)).as_micros()).unwrap();
    let at = twilight_model::util::Timestamp::from_micros(micros).unwrap();
    at.iso_8601().to_string()
}

fn party() -> Value {
    json!({
        "name": "Party",
        "privacy_level": 2,
        "entity_type": 3,
        "entity_metadata": { "location": "the kitchen" },
        "scheduled_start_time": in_hours(1),
        "scheduled_end_time": in_hours(2),
    })
}

fn events(sandbox: &Sandbox) -> String {
    format!("/guilds/{}/scheduled-events", sandbox.guild().id())
}

async fn stage(sandbox: &Sandbox, rest: &Rest) -> String {
    let path = format!("/guilds/{}/channels", sandbox.guild().id());
    let made = rest.send("POST", &path, json!({ "name": "stage", "type": 13 })).await;
    made.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_event_is_planned_gathers_people_and_begins_and_ends_by_itself() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let path = events(&sandbox);
    let made = rest.send("POST", &path, party()).await;
    assert_eq!((made.status, &made.body["status"]), (200, &json!(1)), "{made:?}");
    let id: u64 = made.body["id"].as_str().unwrap().parse().unwrap();
    let told = socket.event("GUILD_SCHEDULED_EVENT_CREATE").await;
    assert_eq!(told["entity_metadata"], json!({ "location": "the kitchen" }));

    let alice = sandbox.guild().user("alice");
    assert!(alice.takes_interest_in(id) && !alice.takes_interest_in(id));
    let told = socket.event("GUILD_SCHEDULED_EVENT_USER_ADD").await;
    assert_eq!(told["user_id"], json!(alice.id().to_string()));
    let users = rest.get(&format!("{path}/{id}/users?with_member=true")).await.body;
    let ids: Vec<&Value> = users.as_array().unwrap().iter().map(|one| &one["user"]["id"]).collect();
    assert!(ids.contains(&&json!(alice.id().to_string())), "{users}");
    let before = rest.get(&format!("{path}/{id}/users?before={}", alice.id())).await.body;
    assert!(
        before
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["user"]["id"] != json!(alice.id().to_string()))
    );
    let after = rest.get(&format!("{path}/{id}/users?after={}", u64::MAX)).await;
    assert_eq!((after.status, &after.body), (200, &json!([])));
    let counted = rest.get(&format!("{path}?with_user_count=true")).await.body;
    assert_eq!(counted[0]["user_count"], json!(ids.len()));
    assert!(alice.loses_interest_in(id));
    socket.event("GUILD_SCHEDULED_EVENT_USER_REMOVE").await;

    let renamed = rest
        .send("PATCH", &format!("{path}/{id}"), json!({ "name": "Feast" }))
        .await;
    assert_eq!(renamed.body["name"], "Feast", "{renamed:?}");
    assert_eq!(socket.event("GUILD_SCHEDULED_EVENT_UPDATE").await["name"], "Feast");
    sandbox.advance(Duration::from_secs(3 * 3600));
    assert_eq!(socket.event("GUILD_SCHEDULED_EVENT_UPDATE").await["status"], 2);
    assert_eq!(socket.event("GUILD_SCHEDULED_EVENT_UPDATE").await["status"], 3);
    let late = rest
        .send("PATCH", &format!("{path}/{id}"), json!({ "name": "x" }))
        .await;
    assert_eq!(late.code(), 180_000);
    assert_eq!(rest.bare("DELETE", &format!("{path}/{id}")).await.status, 204);
    socket.event("GUILD_SCHEDULED_EVENT_DELETE").await;
    assert_eq!(rest.get(&format!("{path}/{id}")).await.code(), 10070);
}

#[tokio::test]
async fn what_was_to_take_place_in_a_channel_that_goes_does_not() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let (path, channel) = (events(&sandbox), stage(&sandbox, &rest).await);
    let mut talk = party();
    let fields = talk.as_object_mut().unwrap();
    fields.insert("entity_type".to_owned(), json!(1));
    fields.insert("channel_id".to_owned(), json!(channel));
    fields.remove("entity_metadata");
    let made = rest.send("POST", &path, talk).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(rest.bare("DELETE", &format!("/channels/{channel}")).await.status, 200);
    assert_eq!(socket.event("GUILD_SCHEDULED_EVENT_UPDATE").await["status"], 4);
    assert_eq!(rest.get(&path).await.body, json!([]));
}

#[tokio::test]
async fn events_that_cannot_be_are_refused() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let path = events(&sandbox);
    let but = |key: &str, value: Value| {
        let mut body = party();
        body[key] = value;
        body
    };
    for (place, body) in [
        ("name", but("name", json!("x".repeat(101)))),
        ("name", but("name", Value::Null)),
        ("scheduled_end_time", but("scheduled_end_time", Value::Null)),
        ("scheduled_end_time", but("scheduled_end_time", json!(in_hours(0)))),
        (
            "scheduled_start_time",
            but("scheduled_start_time", json!("2020-01-01T00:00:00Z")),
        ),
        ("scheduled_start_time", but("scheduled_start_time", json!("soon"))),
        ("entity_metadata", but("entity_metadata", Value::Null)),
        (
            "channel_id",
            but("channel_id", json!(sandbox.guild().channel("general").id().to_string())),
        ),
        ("channel_id", but("entity_type", json!(2))),
        ("privacy_level", but("privacy_level", json!(1))),
        ("status", but("status", json!(2))),
    ] {
        let refused = rest.send("POST", &path, body).await;
        assert_eq!(refused.code(), 50035, "{place}: {refused:?}");
        assert!(refused.body["errors"][place].is_object(), "{place}: {refused:?}");
    }
    let general = json!({
        "name": "n", "privacy_level": 2, "entity_type": 2, "scheduled_start_time": in_hours(1),
        "channel_id": sandbox.guild().channel("general").id().to_string(),
    });
    assert_eq!(rest.send("POST", &path, general).await.code(), 50024);
    let made = rest.send("POST", &path, party()).await.body;
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    let skipped = rest.send("PATCH", &one, json!({ "status": 3 })).await;
    assert!(skipped.body["errors"]["status"].is_object(), "{skipped:?}");
    for _ in 0..99 {
        assert_eq!(rest.send("POST", &path, party()).await.status, 200);
    }
    assert_eq!(rest.send("POST", &path, party()).await.code(), 30038);
}

#[tokio::test]
async fn planning_takes_permissions_and_hearing_of_it_an_intent() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let path = events(&sandbox);
    let mut deaf = Socket::identified(&sandbox, ALL_INTENTS & !SCHEDULED_EVENTS).await;
    let made = rest.send("POST", &path, party()).await.body;
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    let _ = sandbox
        .guild()
        .role("sandbot")
        .permissions(ALL & !(CREATE_EVENTS | MANAGE_EVENTS | ADMINISTRATOR));
    assert_eq!(rest.send("POST", &path, party()).await.code(), 50013);
    assert_eq!(rest.send("PATCH", &one, json!({ "name": "x" })).await.code(), 50013);
    let _ = sandbox
        .guild()
        .role("sandbot")
        .permissions(ALL & !(MANAGE_EVENTS | ADMINISTRATOR));
    assert_eq!(
        rest.send("PATCH", &one, json!({ "name": "x" })).await.status,
        200,
        "its own"
    );
    sandbox.guild().user("alice").says("over").await;
    loop {
        let next = deaf.next().await.unwrap();
        let name = next["t"].as_str().unwrap_or_default();
        assert!(!name.starts_with("GUILD_SCHEDULED"), "{next}");
        if name == "MESSAGE_CREATE" {
            break;
        }
    }
}

#[tokio::test]
async fn a_stage_goes_live_once_and_ends_with_its_channel() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let stage = stage(&sandbox, &rest).await;
    let one = format!("/stage-instances/{stage}");
    assert_eq!(rest.get(&one).await.code(), 10067);
    let body = json!({ "channel_id": stage, "topic": "Cake" });
    let live = rest.send("POST", "/stage-instances", body.clone()).await;
    assert_eq!((live.status, &live.body["privacy_level"]), (200, &json!(2)), "{live:?}");
    assert_eq!(socket.event("STAGE_INSTANCE_CREATE").await, live.body);
    assert_eq!(rest.send("POST", "/stage-instances", body).await.code(), 150_006);
    let general = json!({ "channel_id": sandbox.guild().channel("general").id().to_string(), "topic": "Cake" });
    assert_eq!(rest.send("POST", "/stage-instances", general).await.code(), 50024);
    let no_event = json!({ "channel_id": stage, "topic": "Cake", "guild_scheduled_event_id": "5" });
    assert_eq!(rest.send("POST", "/stage-instances", no_event).await.code(), 10070);
    assert_eq!(rest.send("PATCH", &one, json!({ "topic": "" })).await.code(), 50035);
    assert_eq!(
        rest.send("PATCH", &one, json!({ "topic": "Pie" })).await.body["topic"],
        "Pie"
    );
    assert_eq!(socket.event("STAGE_INSTANCE_UPDATE").await["topic"], "Pie");
    let mut late = Socket::identified(&sandbox, ALL_INTENTS).await;
    assert_eq!(late.event("GUILD_CREATE").await["stage_instances"][0]["topic"], "Pie");
    assert_eq!(rest.bare("DELETE", &format!("/channels/{stage}")).await.status, 200);
    assert_eq!(socket.event("STAGE_INSTANCE_DELETE").await["topic"], "Pie");
    assert_eq!(rest.get(&one).await.code(), 10067);
}

#[tokio::test]
async fn sounds_and_channels_are_told_to_the_session_that_asks() {
    let sandbox = support::start().await;
    let guild = sandbox.guild().id().to_string();
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    socket
        .send(json!({ "op": 31, "d": { "guild_ids": [guild, "5"] } }))
        .await;
    let sounds = socket.event("SOUNDBOARD_SOUNDS").await;
    assert_eq!(sounds, json!({ "guild_id": guild, "soundboard_sounds": [] }));
    let asked = json!({ "op": 43, "d": { "guild_id": guild, "fields": ["status", "voice_start_time"] } });
    socket.send(asked).await;
    let info = socket.event("CHANNEL_INFO").await;
    assert_eq!(info, json!({ "guild_id": guild, "channels": [] }));
}
