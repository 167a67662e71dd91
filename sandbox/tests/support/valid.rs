//! One valid request for every row of the table of routes, and a world that they are valid in.
//!
//! `every_route` sends them as they are, `fuzz` spoils them first. Words in braces stand for what the world holds.

use std::collections::HashMap;

use sandbox::Sandbox;
use serde_json::{Value, json};

use super::{ALL_INTENTS, Rest, Socket};

/// The table of routes, as people read it.
pub const LEDGER: &str = include_str!("../../FIDELITY.md");

const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// A request: method, row, path if it is not the row's own, body if there is one, and the status if it is refused as the
/// world stands.
pub struct Valid(
    pub &'static str,
    pub &'static str,
    pub &'static str,
    pub &'static str,
    pub u16,
);

/// In this order they are all valid in one world: what takes away comes last.
#[rustfmt::skip]
pub const VALID: &[Valid] = &[
    Valid("GET", "/gateway", "", "", 0),
    Valid("GET", "/gateway/bot", "", "", 0),
    Valid("GET", "/oauth2/@me", "", "", 0),
    Valid("GET", "/oauth2/applications/@me", "", "", 0),
    Valid("GET", "/applications/@me", "", "", 0),
    Valid("PATCH", "/applications/@me", "", r#"{"tags":["t"]}"#, 0),
    Valid("GET", "/users/@me", "", "", 0),
    Valid("PATCH", "/users/@me", "", r#"{"username":"renamed"}"#, 0),
    Valid("GET", "/users/@me/guilds", "/users/@me/guilds?limit=10&with_counts=true", "", 0),
    Valid("POST", "/users/@me/channels", "", r#"{"recipient_id":"{user_id}"}"#, 0),
    Valid("GET", "/users/{user_id}", "", "", 0),
    Valid("GET", "/voice/regions", "", "", 0),
    Valid("GET", "/sticker-packs", "", "", 0),
    Valid("GET", "/stickers/{sticker_id}", "", "", 404),
    Valid("GET", "/soundboard-default-sounds", "", "", 0),
    Valid("POST", "/stage-instances", "", r#"{"channel_id":"{stage}","topic":"t","privacy_level":2}"#, 0),
    Valid("GET", "/stage-instances/{channel_id}", "/stage-instances/{stage}", "", 0),
    Valid("PATCH", "/stage-instances/{channel_id}", "/stage-instances/{stage}", r#"{"topic":"u"}"#, 0),
    Valid("DELETE", "/stage-instances/{channel_id}", "/stage-instances/{stage}", "", 0),
    // Commands.
    Valid("GET", "/applications/{application_id}/commands", "/applications/{application_id}/commands?with_localizations=true", "", 0),
    Valid("POST", "/applications/{application_id}/commands", "", r#"{"name":"made","description":"d","options":[{"type":3,"name":"o","description":"d","choices":[{"name":"n","value":"v"}]},{"type":4,"name":"i","description":"d","min_value":1,"max_value":3}],"name_localizations":{"de":"gemacht"},"default_member_permissions":"8"}"#, 0),
    Valid("GET", "/applications/{application_id}/commands/{command_id}", "", "", 0),
    Valid("PATCH", "/applications/{application_id}/commands/{command_id}", "", r#"{"description":"other"}"#, 0),
    Valid("GET", "/applications/{application_id}/guilds/{guild_id}/commands", "", "", 0),
    Valid("POST", "/applications/{application_id}/guilds/{guild_id}/commands", "", r#"{"name":"Here","type":2}"#, 0),
    Valid("GET", "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}", "/applications/{application_id}/guilds/{guild_id}/commands/{guild_command}", "", 0),
    Valid("PATCH", "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}", "/applications/{application_id}/guilds/{guild_id}/commands/{guild_command}", r#"{"name":"other"}"#, 0),
    Valid("GET", "/applications/{application_id}/guilds/{guild_id}/commands/permissions", "", "", 0),
    Valid("GET", "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}/permissions", "", "", 0),
    Valid("PUT", "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}/permissions", "", r#"{"permissions":[{"id":"{role_id}","type":1,"permission":true}]}"#, 403),
    Valid("GET", "/applications/{application_id}/emojis", "", "", 0),
    Valid("POST", "/applications/{application_id}/emojis", "", r#"{"name":"another","image":"{png}"}"#, 0),
    Valid("GET", "/applications/{application_id}/emojis/{emoji_id}", "/applications/{application_id}/emojis/{app_emoji}", "", 0),
    Valid("PATCH", "/applications/{application_id}/emojis/{emoji_id}", "/applications/{application_id}/emojis/{app_emoji}", r#"{"name":"changed"}"#, 0),
    // Channels and what is in them.
    Valid("GET", "/channels/{channel_id}", "", "", 0),
    Valid("PATCH", "/channels/{channel_id}", "", r#"{"topic":"t","rate_limit_per_user":5,"permission_overwrites":[{"id":"{role_id}","type":0,"allow":"1024","deny":"0"}]}"#, 0),
    Valid("POST", "/channels/{channel_id}/followers", "/channels/{news}/followers", r#"{"webhook_channel_id":"{channel_id}"}"#, 0),
    Valid("GET", "/channels/{channel_id}/invites", "", "", 0),
    Valid("POST", "/channels/{channel_id}/invites", "", r#"{"max_age":3600,"max_uses":5,"temporary":false,"unique":true}"#, 0),
    Valid("GET", "/channels/{channel_id}/messages", "/channels/{channel_id}/messages?limit=5&before={last}", "", 0),
    Valid("POST", "/channels/{channel_id}/messages", "", r#"{"content":"c","tts":false,"nonce":"5","enforce_nonce":true,"embeds":[{"title":"t","description":"d","color":5,"timestamp":"2025-01-01T00:00:00Z","footer":{"text":"f"},"fields":[{"name":"n","value":"v","inline":true}]}],"allowed_mentions":{"parse":["users"]},"message_reference":{"message_id":"{message_id}"},"components":[{"type":1,"components":[{"type":2,"style":1,"label":"l","custom_id":"c"}]},{"type":1,"components":[{"type":3,"custom_id":"s","options":[{"label":"a","value":"a"}],"min_values":0,"max_values":1}]}]}"#, 0),
    Valid("POST", "/channels/{channel_id}/messages", "", r#"{"flags":32768,"components":[{"type":17,"accent_color":5,"components":[{"type":10,"content":"t"},{"type":14},{"type":12,"items":[{"media":{"url":"https://example.com/a.png"}}]}]},{"type":9,"components":[{"type":10,"content":"t"}],"accessory":{"type":11,"media":{"url":"https://example.com/a.png"}}}]}"#, 0),
    Valid("POST", "/channels/{channel_id}/messages", "", r#"{"poll":{"question":{"text":"q"},"answers":[{"poll_media":{"text":"a"}},{"poll_media":{"text":"b"}}],"duration":24,"allow_multiselect":true,"layout_type":1}}"#, 0),
    Valid("GET", "/channels/{channel_id}/messages/pins", "/channels/{channel_id}/messages/pins?limit=10", "", 0),
    Valid("PUT", "/channels/{channel_id}/messages/pins/{message_id}", "", "", 0),
    Valid("GET", "/channels/{channel_id}/messages/{message_id}", "", "", 0),
    Valid("PATCH", "/channels/{channel_id}/messages/{message_id}", "", r#"{"content":"edited","embeds":[],"components":[]}"#, 0),
    Valid("POST", "/channels/{channel_id}/messages/{message_id}/crosspost", "/channels/{news}/messages/{news_message}/crosspost", "", 0),
    Valid("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me", "", "", 0),
    Valid("GET", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}?limit=5", "", 0),
    Valid("POST", "/channels/{channel_id}/messages/{message_id}/threads", "/channels/{channel_id}/messages/{spare}/threads", r#"{"name":"of it","auto_archive_duration":60}"#, 0),
    Valid("PUT", "/channels/{channel_id}/permissions/{overwrite_id}", "", r#"{"type":0,"allow":"1024","deny":"2048"}"#, 0),
    Valid("GET", "/channels/{channel_id}/pins", "", "", 0),
    Valid("PUT", "/channels/{channel_id}/pins/{message_id}", "", "", 0),
    Valid("GET", "/channels/{channel_id}/polls/{message_id}/answers/{answer_id}", "/channels/{channel_id}/polls/{poll}/answers/1?limit=5", "", 0),
    Valid("POST", "/channels/{channel_id}/polls/{message_id}/expire", "/channels/{channel_id}/polls/{poll}/expire", "", 0),
    Valid("PUT", "/channels/{channel_id}/thread-members/{user_id}", "/channels/{thread}/thread-members/{user_id}", "", 0),
    Valid("GET", "/channels/{channel_id}/thread-members", "/channels/{thread}/thread-members?with_member=true&limit=5", "", 0),
    Valid("GET", "/channels/{channel_id}/thread-members/{user_id}", "/channels/{thread}/thread-members/{user_id}?with_member=true", "", 0),
    Valid("POST", "/channels/{channel_id}/threads", "", r#"{"name":"more","type":11,"auto_archive_duration":60,"invitable":true}"#, 0),
    Valid("GET", "/channels/{channel_id}/threads/archived/private", "/channels/{channel_id}/threads/archived/private?limit=5", "", 0),
    Valid("GET", "/channels/{channel_id}/threads/archived/public", "", "", 0),
    Valid("GET", "/channels/{channel_id}/users/@me/threads/archived/private", "", "", 0),
    Valid("POST", "/channels/{channel_id}/typing", "", "", 0),
    Valid("GET", "/channels/{channel_id}/webhooks", "", "", 0),
    Valid("POST", "/channels/{channel_id}/webhooks", "", r#"{"name":"hook"}"#, 0),
    // Guilds.
    Valid("GET", "/guilds/{guild_id}", "/guilds/{guild_id}?with_counts=true", "", 0),
    Valid("PATCH", "/guilds/{guild_id}", "", r#"{"name":"renamed","system_channel_id":"{channel_id}","verification_level":1}"#, 0),
    Valid("GET", "/guilds/{guild_id}/audit-logs", "/guilds/{guild_id}/audit-logs?limit=50", "", 0),
    Valid("GET", "/guilds/{guild_id}/auto-moderation/rules", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/bans", "/guilds/{guild_id}/bans?limit=5", "", 0),
    Valid("PUT", "/guilds/{guild_id}/bans/{user_id}", "/guilds/{guild_id}/bans/{carol}", r#"{"delete_message_seconds":60}"#, 0),
    Valid("GET", "/guilds/{guild_id}/bans/{user_id}", "/guilds/{guild_id}/bans/{carol}", "", 0),
    Valid("POST", "/guilds/{guild_id}/bulk-ban", "", r#"{"user_ids":["{dave}"],"delete_message_seconds":0}"#, 0),
    Valid("GET", "/guilds/{guild_id}/channels", "", "", 0),
    Valid("PATCH", "/guilds/{guild_id}/channels", "", r#"[{"id":"{channel_id}","position":1}]"#, 0),
    Valid("POST", "/guilds/{guild_id}/channels", "", r#"{"name":"made","type":15,"topic":"t","nsfw":false}"#, 0),
    Valid("GET", "/guilds/{guild_id}/emojis", "", "", 0),
    Valid("POST", "/guilds/{guild_id}/emojis", "", r#"{"name":"blob","image":"{png}","roles":["{role_id}"]}"#, 0),
    Valid("GET", "/guilds/{guild_id}/emojis/{emoji_id}", "", "", 0),
    Valid("PATCH", "/guilds/{guild_id}/emojis/{emoji_id}", "", r#"{"name":"changed"}"#, 0),
    Valid("GET", "/guilds/{guild_id}/integrations", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/invites", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/members", "/guilds/{guild_id}/members?limit=10&after=0", "", 0),
    Valid("PATCH", "/guilds/{guild_id}/members/@me", "", r#"{"nick":"nick"}"#, 0),
    Valid("GET", "/guilds/{guild_id}/members/search", "/guilds/{guild_id}/members/search?query=al&limit=5", "", 0),
    Valid("GET", "/guilds/{guild_id}/members/{user_id}", "", "", 0),
    Valid("PATCH", "/guilds/{guild_id}/members/{user_id}", "", r#"{"nick":"n","roles":["{role_id}"],"communication_disabled_until":null}"#, 0),
    Valid("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/onboarding", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/preview", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/prune", "/guilds/{guild_id}/prune?days=7", "", 0),
    Valid("POST", "/guilds/{guild_id}/prune", "", r#"{"days":30,"compute_prune_count":true}"#, 0),
    Valid("GET", "/guilds/{guild_id}/regions", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/roles", "", "", 0),
    Valid("PATCH", "/guilds/{guild_id}/roles", "", r#"[{"id":"{role_id}","position":1}]"#, 0),
    Valid("POST", "/guilds/{guild_id}/roles", "", r#"{"name":"r","permissions":"1024","color":255,"hoist":true,"mentionable":true}"#, 0),
    Valid("GET", "/guilds/{guild_id}/roles/member-counts", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/roles/{role_id}", "", "", 0),
    Valid("PATCH", "/guilds/{guild_id}/roles/{role_id}", "", r#"{"name":"other","permissions":"2048"}"#, 0),
    Valid("POST", "/guilds/{guild_id}/scheduled-events", "", r#"{"name":"n","description":"d","privacy_level":2,"entity_type":1,"channel_id":"{stage}","scheduled_start_time":"2124-01-01T00:00:00Z"}"#, 0),
    Valid("GET", "/guilds/{guild_id}/scheduled-events", "/guilds/{guild_id}/scheduled-events?with_user_count=true", "", 0),
    Valid("GET", "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}", "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}?with_user_count=true", "", 0),
    Valid("PATCH", "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}", "", r#"{"name":"renamed","status":2}"#, 0),
    Valid("GET", "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/users", "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/users?limit=5&with_member=true", "", 0),
    Valid("GET", "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/users/counts", "", "", 0),
    Valid("DELETE", "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/soundboard-sounds", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/stickers", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/stickers/{sticker_id}", "", "", 404),
    Valid("GET", "/guilds/{guild_id}/templates", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/threads/active", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/vanity-url", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/voice-states/@me", "", "", 404),
    Valid("PATCH", "/guilds/{guild_id}/voice-states/@me", "", r#"{"suppress":false}"#, 404),
    Valid("GET", "/guilds/{guild_id}/voice-states/{user_id}", "", "", 404),
    Valid("PATCH", "/guilds/{guild_id}/voice-states/{user_id}", "", r#"{"suppress":true}"#, 404),
    Valid("GET", "/guilds/{guild_id}/webhooks", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/welcome-screen", "", "", 0),
    Valid("GET", "/guilds/{guild_id}/widget", "", "", 0),
    Valid("PATCH", "/guilds/{guild_id}/widget", "", r#"{"enabled":true}"#, 0),
    Valid("GET", "/guilds/{guild_id}/widget.json", "", "", 0),
    Valid("GET", "/invites/{code}", "/invites/{code}?with_counts=true", "", 0),
    // Interactions and webhooks.
    Valid("POST", "/interactions/{interaction_id}/{interaction_token}/callback", "/interactions/{interaction_id}/{interaction_token}/callback?with_response=true", r#"{"type":4,"data":{"content":"x","flags":64,"components":[{"type":1,"components":[{"type":2,"style":5,"label":"l","url":"https://example.com"}]}]}}"#, 0),
    Valid("POST", "/interactions/{interaction_id}/{interaction_token}/callback", "/interactions/{second_id}/{second_token}/callback", r#"{"type":9,"data":{"custom_id":"m","title":"t","components":[{"type":18,"label":"l","component":{"type":4,"custom_id":"i","style":1,"min_length":1,"max_length":5}}]}}"#, 0),
    Valid("POST", "/webhooks/{webhook_id}/{webhook_token}", "/webhooks/{webhook_id}/{webhook_token}?wait=true", r#"{"content":"c","username":"u"}"#, 0),
    Valid("POST", "/webhooks/{webhook_id}/{webhook_token}", "/webhooks/{application_id}/{interaction_token}?wait=true", r#"{"content":"c","flags":64}"#, 0),
    Valid("GET", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", "/webhooks/{application_id}/{interaction_token}/messages/@original", "", 0),
    Valid("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", "/webhooks/{webhook_id}/{webhook_token}/messages/{hook_message}", r#"{"content":"d"}"#, 0),
    Valid("GET", "/webhooks/{webhook_id}", "", "", 0),
    Valid("PATCH", "/webhooks/{webhook_id}", "", r#"{"name":"other"}"#, 0),
    Valid("GET", "/webhooks/{webhook_id}/{webhook_token}", "", "", 0),
    Valid("PATCH", "/webhooks/{webhook_id}/{webhook_token}", "", r#"{"name":"third"}"#, 0),
    // What takes away.
    Valid("DELETE", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", "/webhooks/{webhook_id}/{webhook_token}/messages/{hook_message}", "", 0),
    Valid("DELETE", "/webhooks/{webhook_id}/{webhook_token}", "", "", 0),
    Valid("DELETE", "/webhooks/{webhook_id}", "/webhooks/{second_hook}", "", 0),
    Valid("DELETE", "/invites/{code}", "", "", 0),
    Valid("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me", "", "", 0),
    Valid("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/{user_id}", "", "", 0),
    Valid("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}", "", "", 0),
    Valid("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions", "", "", 0),
    Valid("DELETE", "/channels/{channel_id}/messages/pins/{message_id}", "", "", 0),
    Valid("DELETE", "/channels/{channel_id}/pins/{message_id}", "", "", 0),
    Valid("DELETE", "/channels/{channel_id}/permissions/{overwrite_id}", "", "", 0),
    Valid("DELETE", "/channels/{channel_id}/thread-members/{user_id}", "/channels/{thread}/thread-members/{user_id}", "", 0),
    Valid("POST", "/channels/{channel_id}/messages/bulk-delete", "", r#"{"messages":["{first}","{second}"]}"#, 0),
    Valid("DELETE", "/channels/{channel_id}/messages/{message_id}", "", "", 0),
    Valid("DELETE", "/guilds/{guild_id}/bans/{user_id}", "/guilds/{guild_id}/bans/{carol}", "", 0),
    Valid("DELETE", "/guilds/{guild_id}/emojis/{emoji_id}", "", "", 0),
    Valid("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", "", "", 0),
    Valid("DELETE", "/guilds/{guild_id}/members/{user_id}", "", "", 0),
    Valid("DELETE", "/guilds/{guild_id}/roles/{role_id}", "", "", 0),
    Valid("DELETE", "/applications/{application_id}/emojis/{emoji_id}", "/applications/{application_id}/emojis/{app_emoji}", "", 0),
    Valid("DELETE", "/applications/{application_id}/commands/{command_id}", "", "", 0),
    Valid("DELETE", "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}", "/applications/{application_id}/guilds/{guild_id}/commands/{guild_command}", "", 0),
    Valid("PUT", "/applications/{application_id}/commands", "", r#"[{"name":"one","description":"d"},{"name":"Two","type":3}]"#, 0),
    Valid("PUT", "/applications/{application_id}/guilds/{guild_id}/commands", "", r#"[{"name":"one","description":"d"}]"#, 0),
    Valid("DELETE", "/channels/{channel_id}", "/channels/{news}", "", 0),
    Valid("DELETE", "/users/@me/guilds/{guild_id}", "/users/@me/guilds/{second_guild}", "", 0),
];

/// The rows of the ledger: method and template.
pub fn rows() -> Vec<(&'static str, &'static str)> {
    let rows = LEDGER.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|line| line.split_once("` |")?.0.split_once(' '))
        .collect()
}

/// What the braces stand for.
pub struct Filled(HashMap<&'static str, String>);

impl Filled {
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    pub fn path(&self, valid: &Valid) -> String {
        self.fill(if valid.2.is_empty() { valid.1 } else { valid.2 })
    }

    pub fn body(&self, valid: &Valid) -> Option<Value> {
        let text = (!valid.3.is_empty()).then(|| self.fill(valid.3))?;
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", valid.3)))
    }
}

fn id(body: &Value) -> String {
    body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {body}"))
        .to_owned()
}

/// Makes the world in which all are valid; the bot is online and may do everything.
pub async fn prepare(sandbox: &Sandbox) -> (Filled, Socket) {
    let rest = Rest::new(sandbox);
    let mut socket = Socket::identified(sandbox, ALL_INTENTS).await;
    let guild = sandbox.guild();
    let general = guild.channel("general");
    let alice = general.user("alice");
    let (carol, dave) = (general.user("carol"), general.user("dave"));
    let (g, c) = (guild.id(), general.id());
    let app = sandbox.application_id();
    let mut names: HashMap<&'static str, String> = [
        ("application_id", app.to_string()),
        ("guild_id", g.to_string()),
        ("channel_id", c.to_string()),
        ("user_id", alice.id().to_string()),
        ("carol", carol.id().to_string()),
        ("dave", dave.id().to_string()),
        ("second_guild", sandbox.add_guild("second").id().to_string()),
        ("emoji_name", "%F0%9F%91%8D".to_owned()),
        ("answer_id", "1".to_owned()),
        ("sticker_id", "749054660769218631".to_owned()),
        ("png", PNG.to_owned()),
    ]
    .into();
    let post = async |path: String, body: Value| {
        let answer = rest.send("POST", &path, body).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        answer.body
    };
    let role = id(&post(format!("/guilds/{g}/roles"), json!({ "name": "low" })).await);
    names.insert("overwrite_id", role.clone());
    names.insert("role_id", role);
    let messages = format!("/channels/{c}/messages");
    for name in ["first", "second", "message_id", "spare"] {
        names.insert(name, id(&post(messages.clone(), json!({ "content": name })).await));
    }
    let poll = json!({ "poll": { "question": { "text": "q" }, "answers": [{ "poll_media": { "text": "a" } }] } });
    names.insert("poll", id(&post(messages.clone(), poll).await));
    let thread = json!({ "name": "thread", "type": 11 });
    names.insert("thread", id(&post(format!("/channels/{c}/threads"), thread).await));
    let news = id(&post(format!("/guilds/{g}/channels"), json!({ "name": "news", "type": 5 })).await);
    let of_news = post(format!("/channels/{news}/messages"), json!({ "content": "news" })).await;
    names.insert("news_message", id(&of_news));
    names.insert("news", news);
    let stage = json!({ "name": "stage", "type": 13 });
    names.insert("stage", id(&post(format!("/guilds/{g}/channels"), stage).await));
    let event = json!({
        "name": "cake",
        "privacy_level": 2,
        "entity_type": 3,
        "entity_metadata": { "location": "the kitchen" },
        "scheduled_start_time": "2124-01-01T00:00:00Z",
        "scheduled_end_time": "2124-01-02T00:00:00Z",
    });
    names.insert(
        "guild_scheduled_event_id",
        id(&post(format!("/guilds/{g}/scheduled-events"), event).await),
    );
    for (name, path) in [
        ("command_id", format!("/applications/{app}/commands")),
        ("guild_command", format!("/applications/{app}/guilds/{g}/commands")),
    ] {
        names.insert(
            name,
            id(&post(path, json!({ "name": name.replace('_', "-"), "description": "d" })).await),
        );
    }
    let emoji = json!({ "name": "made", "image": PNG });
    names.insert(
        "emoji_id",
        id(&post(format!("/guilds/{g}/emojis"), emoji.clone()).await),
    );
    names.insert(
        "app_emoji",
        id(&post(format!("/applications/{app}/emojis"), emoji).await),
    );
    let invite = post(format!("/channels/{c}/invites"), json!({})).await;
    names.insert("code", invite["code"].as_str().unwrap().to_owned());
    let hooks = format!("/channels/{c}/webhooks");
    let hook = post(hooks.clone(), json!({ "name": "hook" })).await;
    let token = hook["token"].as_str().unwrap().to_owned();
    let said = post(
        format!("/webhooks/{}/{token}?wait=true", id(&hook)),
        json!({ "content": "h" }),
    )
    .await;
    names.insert("hook_message", id(&said));
    names.insert("webhook_id", id(&hook));
    names.insert("webhook_token", token);
    names.insert("second_hook", id(&post(hooks, json!({ "name": "second" })).await));
    guild.overrides_command("command-id", &[(alice.id(), true)]);
    for (name, token) in [("interaction_id", "interaction_token"), ("second_id", "second_token")] {
        alice.slash("command-id", &[]).await;
        let used = socket.event("INTERACTION_CREATE").await;
        names.insert(token, used["token"].as_str().unwrap().to_owned());
        names.insert(name, id(&used));
    }
    let last = names["interaction_id"].clone();
    names.insert("last", last);
    (Filled(names), socket)
}
