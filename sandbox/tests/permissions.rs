//! A bot that lacks one permission and has all others: what it may not do for that, route by route, and that it may do it
//! once it has it. And what the order of roles keeps from it even so.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use sandbox::{Guild, Sandbox};
use serde_json::{Value, json};
use support::Rest;

const CREATE_INVITE: u64 = 1;
const KICK: u64 = 1 << 1;
const BAN: u64 = 1 << 2;
const ADMINISTRATOR: u64 = 1 << 3;
const CHANNELS: u64 = 1 << 4;
const GUILD: u64 = 1 << 5;
const REACT: u64 = 1 << 6;
const AUDIT_LOG: u64 = 1 << 7;
const VIEW: u64 = 1 << 10;
const SEND: u64 = 1 << 11;
const MESSAGES: u64 = 1 << 13;
const HISTORY: u64 = 1 << 16;
const CONNECT: u64 = 1 << 20;
const MUTE: u64 = 1 << 22;
const DEAFEN: u64 = 1 << 23;
const MOVE: u64 = 1 << 24;
const OWN_NICKNAME: u64 = 1 << 26;
const NICKNAMES: u64 = 1 << 27;
const ROLES: u64 = 1 << 28;
const WEBHOOKS: u64 = 1 << 29;
const EXPRESSIONS: u64 = 1 << 30;
const THREADS: u64 = 1 << 34;
const PUBLIC_THREADS: u64 = 1 << 35;
const PRIVATE_THREADS: u64 = 1 << 36;
const SEND_IN_THREADS: u64 = 1 << 38;
const MODERATE: u64 = 1 << 40;
const NEW_EXPRESSIONS: u64 = 1 << 43;
const PINS: u64 = 1 << 51;
/// All but administrator.
const ALL: u64 = ((1 << 53) - 1) & !ADMINISTRATOR;

const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==";

/// A permission, and a call that takes it. What stands in braces is filled in; `@` of a body too.
fn calls() -> Vec<(u64, &'static str, &'static str, Value)> {
    let none = || Value::Null;
    let mut calls = vec![
        (KICK, "DELETE", "/guilds/{g}/members/{alice}", none()),
        (KICK, "GET", "/guilds/{g}/prune", none()),
        (GUILD, "GET", "/guilds/{g}/prune", none()),
        (KICK, "POST", "/guilds/{g}/prune", json!({})),
        (GUILD, "POST", "/guilds/{g}/prune", json!({})),
        (BAN, "GET", "/guilds/{g}/bans", none()),
        (BAN, "GET", "/guilds/{g}/bans/{carol}", none()),
        (BAN, "PUT", "/guilds/{g}/bans/{alice}", json!({})),
        (BAN, "DELETE", "/guilds/{g}/bans/{carol}", none()),
        (BAN, "POST", "/guilds/{g}/bulk-ban", json!({ "user_ids": ["{alice}"] })),
        (
            GUILD,
            "POST",
            "/guilds/{g}/bulk-ban",
            json!({ "user_ids": ["{alice}"] }),
        ),
        (CHANNELS, "POST", "/guilds/{g}/channels", json!({ "name": "x" })),
        (
            ROLES,
            "POST",
            "/guilds/{g}/channels",
            json!({ "name": "x", "permission_overwrites": [
            { "id": "{g}", "type": 0, "deny": "2048" }] }),
        ),
        (
            CHANNELS,
            "PATCH",
            "/guilds/{g}/channels",
            json!([{ "id": "{c}", "position": 3 }]),
        ),
        (CHANNELS, "PATCH", "/channels/{c}", json!({ "topic": "x" })),
        (CHANNELS, "DELETE", "/channels/{c}", none()),
        (CHANNELS, "GET", "/channels/{c}/invites", none()),
        (CONNECT, "PATCH", "/channels/{voice}", json!({ "name": "x" })),
        (
            ROLES,
            "PATCH",
            "/channels/{c}",
            json!({ "permission_overwrites": [{ "id": "{g}", "type": 0, "deny": "64" }] }),
        ),
        (
            ROLES,
            "PUT",
            "/channels/{c}/permissions/{alice}",
            json!({ "type": 1, "allow": "64" }),
        ),
        (ROLES, "DELETE", "/channels/{c}/permissions/{bob}", none()),
        (GUILD, "PATCH", "/guilds/{g}", json!({ "name": "new" })),
        (GUILD, "GET", "/guilds/{g}/widget", none()),
        (GUILD, "PATCH", "/guilds/{g}/widget", json!({ "enabled": true })),
        (GUILD, "GET", "/guilds/{g}/integrations", none()),
        (GUILD, "GET", "/guilds/{g}/vanity-url", none()),
        (GUILD, "GET", "/guilds/{g}/templates", none()),
        (GUILD, "GET", "/guilds/{g}/auto-moderation/rules", none()),
        (GUILD, "PATCH", "/guilds/{g}/members/{alice}", json!({ "flags": 2 })),
        (AUDIT_LOG, "GET", "/guilds/{g}/audit-logs", none()),
        (ROLES, "POST", "/guilds/{g}/roles", json!({})),
        (
            ROLES,
            "PATCH",
            "/guilds/{g}/roles",
            json!([{ "id": "{role}", "position": 1 }]),
        ),
        (ROLES, "PATCH", "/guilds/{g}/roles/{role}", json!({ "hoist": true })),
        (ROLES, "DELETE", "/guilds/{g}/roles/{role}", none()),
        (ROLES, "PUT", "/guilds/{g}/members/{alice}/roles/{role}", none()),
        (ROLES, "DELETE", "/guilds/{g}/members/{alice}/roles/{role}", none()),
        (
            ROLES,
            "PATCH",
            "/guilds/{g}/members/{alice}",
            json!({ "roles": ["{role}"] }),
        ),
        (
            NICKNAMES,
            "PATCH",
            "/guilds/{g}/members/{alice}",
            json!({ "nick": "x" }),
        ),
        (OWN_NICKNAME, "PATCH", "/guilds/{g}/members/@me", json!({ "nick": "x" })),
        (
            MODERATE,
            "PATCH",
            "/guilds/{g}/members/{alice}",
            json!({ "communication_disabled_until": null }),
        ),
        (MUTE, "PATCH", "/guilds/{g}/members/{alice}", json!({ "mute": true })),
        (DEAFEN, "PATCH", "/guilds/{g}/members/{alice}", json!({ "deaf": true })),
        (
            MOVE,
            "PATCH",
            "/guilds/{g}/members/{alice}",
            json!({ "channel_id": null }),
        ),
        (
            CONNECT,
            "PATCH",
            "/guilds/{g}/members/{alice}",
            json!({ "channel_id": "{voice}" }),
        ),
        (
            NEW_EXPRESSIONS,
            "POST",
            "/guilds/{g}/emojis",
            json!({ "name": "party", "image": PNG }),
        ),
        (
            EXPRESSIONS,
            "PATCH",
            "/guilds/{g}/emojis/{emoji}",
            json!({ "name": "dance" }),
        ),
        (EXPRESSIONS, "DELETE", "/guilds/{g}/emojis/{emoji}", none()),
        (CREATE_INVITE, "POST", "/channels/{c}/invites", json!({})),
        (WEBHOOKS, "GET", "/guilds/{g}/webhooks", none()),
        (WEBHOOKS, "GET", "/channels/{c}/webhooks", none()),
        (SEND, "POST", "/channels/{c}/messages", json!({ "content": "x" })),
        (HISTORY, "GET", "/channels/{c}/messages/{said}", none()),
        (MESSAGES, "DELETE", "/channels/{c}/messages/{said}", none()),
        (MESSAGES, "DELETE", "/channels/{c}/messages/{said}/reactions", none()),
        (
            REACT,
            "PUT",
            "/channels/{c}/messages/{said}/reactions/%F0%9F%91%8D/@me",
            none(),
        ),
        (PINS, "PUT", "/channels/{c}/messages/pins/{said}", none()),
        (
            PUBLIC_THREADS,
            "POST",
            "/channels/{c}/threads",
            json!({ "name": "x", "type": 11 }),
        ),
        (
            PUBLIC_THREADS,
            "POST",
            "/channels/{c}/messages/{said}/threads",
            json!({ "name": "x" }),
        ),
        (
            PRIVATE_THREADS,
            "POST",
            "/channels/{c}/threads",
            json!({ "name": "x", "type": 12 }),
        ),
        (THREADS, "PATCH", "/channels/{thread}", json!({ "name": "x" })),
        (THREADS, "DELETE", "/channels/{thread}", none()),
        (THREADS, "DELETE", "/channels/{thread}/thread-members/{alice}", none()),
        (THREADS, "GET", "/channels/{c}/threads/archived/private", none()),
        (HISTORY, "GET", "/channels/{c}/threads/archived/public", none()),
        (
            HISTORY,
            "GET",
            "/channels/{c}/users/@me/threads/archived/private",
            none(),
        ),
        (
            SEND_IN_THREADS,
            "POST",
            "/channels/{thread}/messages",
            json!({ "content": "x" }),
        ),
        (
            SEND,
            "POST",
            "/channels/{forum}/threads",
            json!({ "name": "x", "message": { "content": "y" } }),
        ),
    ];
    // Who doesn't see a channel does nothing in it.
    let in_channel: Vec<_> = calls
        .iter()
        .filter(|(_, _, path, _)| path.starts_with("/channels/{"))
        .cloned()
        .collect();
    calls.extend(
        in_channel
            .into_iter()
            .map(|(_, method, path, body)| (VIEW, method, path, body)),
    );
    calls.push((VIEW, "GET", "/channels/{c}", Value::Null));
    calls.push((VIEW, "GET", "/channels/{c}/messages", Value::Null));
    calls
}

/// A guild in which each call has something to act on.
struct Stage {
    sandbox: Sandbox,
    guild: Guild,
    named: Vec<(&'static str, String)>,
}

impl Stage {
    async fn new() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let guild = sandbox.guild();
        let (alice, bob, carol) = (guild.user("alice"), guild.user("bob"), guild.user("carol"));
        let (general, voice, forum) = (
            guild.channel("general"),
            guild.add_voice_channel("Talk"),
            guild.add_forum("asks"),
        );
        let role = guild.add_role("Low");
        alice.give(&role);
        sandbox.owner().bans(&carol, None);
        general.overwrite(bob.id(), 64, 0);
        alice.enters_voice(&voice);
        let said = alice.says("hello").await;
        let thread = guild.add_thread(&general, "talk");
        thread.add_member(alice.id());
        // The order: everybody, "Low", "Moderator", the bot.
        let _ = guild.role("@everyone").permissions(0);
        let named = vec![
            ("g", guild.id()),
            ("c", general.id()),
            ("voice", voice.id()),
            ("forum", forum.id()),
            ("alice", alice.id()),
            ("bob", bob.id()),
            ("carol", carol.id()),
            ("role", role.id()),
            ("said", said.message_id()),
            ("thread", thread.id()),
            ("emoji", guild.add_emoji("owners", false)),
        ];
        let named = named.into_iter().map(|(name, id)| (name, id.to_string())).collect();
        Self { sandbox, guild, named }
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, id) in &self.named {
            text = text.replace(&format!("{{{name}}}"), id);
        }
        text
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> support::Answered {
        let rest = Rest::new(&self.sandbox);
        let path = self.filled(path);
        match body {
            Value::Null => rest.bare(method, &path).await,
            body => {
                let body = serde_json::from_str(&self.filled(&body.to_string())).unwrap();
                rest.send(method, &path, body).await
            }
        }
    }
}

#[tokio::test]
async fn each_route_asks_for_its_permission_and_for_no_more_than_all() {
    let mut wrong = Vec::new();
    for (bit, method, path, body) in calls() {
        let stage = Stage::new().await;
        let of_bot = || stage.guild.role("sandbot");
        let _ = of_bot().permissions(ALL & !bit);
        let answer = stage.call(method, path, &body).await;
        let code = if bit == VIEW { 50001 } else { 50013 };
        let what = format!("{method} {path} {body}, bit {}", bit.trailing_zeros());
        if (answer.status, answer.code()) != (403, code) {
            wrong.push(format!("{what}: without it {} {}", answer.status, answer.body));
        }
        let _ = of_bot().permissions(ALL);
        let answer = stage.call(method, path, &body).await;
        if !(200..300).contains(&answer.status) {
            wrong.push(format!("{what}: with it {} {}", answer.status, answer.body));
        }
        stage.sandbox.stop().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn roles_above_the_bots_own_are_out_of_its_reach() {
    let stage = Stage::new().await;
    let guild = &stage.guild;
    // The bot's own role sinks below "Moderator", which alice holds.
    let (bot, bots_role) = (stage.sandbox.bot_id(), guild.role("sandbot"));
    let alice = guild.user("alice").role("Moderator");
    let high = guild.role("Moderator").id();
    let bots_role = bots_role.permissions(ALL);
    let low = guild.add_role("bot's other").permissions(ALL);
    guild.takes_role(bot, bots_role.id());
    guild.gives_role(bot, low.id());
    for (method, path, body) in [
        ("DELETE", format!("/guilds/{{g}}/members/{}", alice.id()), Value::Null),
        ("PUT", format!("/guilds/{{g}}/bans/{}", alice.id()), json!({})),
        (
            "PATCH",
            format!("/guilds/{{g}}/members/{}", alice.id()),
            json!({ "nick": "x" }),
        ),
        (
            "PATCH",
            format!("/guilds/{{g}}/members/{}", alice.id()),
            json!({ "communication_disabled_until": null }),
        ),
        (
            "PUT",
            format!("/guilds/{{g}}/members/{}/roles/{high}", alice.id()),
            Value::Null,
        ),
        (
            "DELETE",
            format!("/guilds/{{g}}/members/{}/roles/{high}", alice.id()),
            Value::Null,
        ),
        (
            "PATCH",
            format!("/guilds/{{g}}/members/{}", alice.id()),
            json!({ "roles": [] }),
        ),
        ("PATCH", format!("/guilds/{{g}}/roles/{high}"), json!({ "name": "x" })),
        ("DELETE", format!("/guilds/{{g}}/roles/{high}"), Value::Null),
        // Itself it neither removes nor bans.
        ("DELETE", format!("/guilds/{{g}}/members/{bot}"), Value::Null),
        ("PUT", format!("/guilds/{{g}}/bans/{bot}"), json!({})),
    ] {
        let answer = stage.call(method, &path, &body).await;
        if method != "DELETE" || !path.contains("/roles/") || path.contains("/members/") {
            assert_eq!(answer.code(), 50013, "{method} {path} {body}: {answer:?}");
        } else {
            assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
        }
    }
    assert!(guild.has_member(alice.id()) && guild.has_member(bot));
}

#[tokio::test]
async fn overwrites_give_no_more_than_the_bot_has() {
    let stage = Stage::new().await;
    let own = stage
        .guild
        .role("sandbot")
        .permissions(VIEW | SEND | CHANNELS | ROLES | CONNECT);
    let path = "/channels/{c}/permissions/{alice}";
    let put = |allow: u64| json!({ "type": 1, "allow": allow.to_string() });
    assert_eq!(stage.call("PUT", path, &put(SEND)).await.status, 204);
    assert_eq!(
        stage.call("PUT", path, &put(MESSAGES)).await.code(),
        50013,
        "it lacks that itself"
    );
    assert_eq!(
        stage.call("PUT", path, &put(ROLES)).await.code(),
        50013,
        "only administrators give that"
    );
    let whole = json!({ "permission_overwrites": [{ "id": "{alice}", "type": 1, "allow": MESSAGES.to_string() }] });
    assert_eq!(stage.call("PATCH", "/channels/{c}", &whole).await.code(), 50013);
    // With the permission by an overwrite of the channel itself, all but that one.
    stage.guild.channel("general").overwrite(own.id(), ROLES, 0);
    assert_eq!(stage.call("PUT", path, &put(MESSAGES)).await.status, 204);
    assert_eq!(stage.call("PUT", path, &put(ROLES)).await.code(), 50013);
    let _ = own.permissions(ADMINISTRATOR);
    assert_eq!(stage.call("PUT", path, &put(ROLES)).await.status, 204);
    assert_eq!(
        stage
            .call("PUT", "/channels/{c}/permissions/77", &json!({ "type": 0 }))
            .await
            .code(),
        10011
    );
    assert_eq!(
        stage
            .call("DELETE", "/channels/{c}/permissions/77", &Value::Null)
            .await
            .code(),
        10009
    );
}
