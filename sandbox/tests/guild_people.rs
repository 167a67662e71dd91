//! A bot manages who is in a guild and what they bring: members and their voices, bans, pruning, invites, emojis.
//! Channels and roles are in `guilds`.

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
