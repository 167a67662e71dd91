//! What the generator's Discord says: events and answers in Discord's shape, size and order of fields.
//!
//! Pure: a world of so many servers, and texts made from it. Every server has 100 channels and 50 roles; a message is of
//! about 900 bytes, with its author and member, as a server's messages are.

use serde_json::{Value, json};

/// The application, which is the bot's user, too.
pub const BOT: u64 = 900_000_000_000_000_000;
/// The bot's owner, who may use the host's own commands.
pub const OWNER: u64 = 900_000_000_000_000_001;
/// The bot's token: its first part is the bot's id in base64.
pub const TOKEN: &str = "OTAwMDAwMDAwMDAwMDAwMDAw.GAbcde.bench_bench_bench_bench_bench_bench_ab";

/// The channels of a server.
pub const CHANNELS: u64 = 100;
/// The roles of a server.
const ROLES: u64 = 50;
/// The people who write.
const PEOPLE: u64 = 500;
/// The servers in which is written, and the channels in each: a message's slot is one of them.
const BUSY_GUILDS: u64 = 10;
const BUSY_CHANNELS: u64 = 25;
/// How many slots there are.
pub const SLOTS: usize = (BUSY_GUILDS * BUSY_CHANNELS) as usize;

/// The slot behind them: the owner's direct messages.
pub const DIRECT_SLOT: usize = SLOTS;
/// Their channel.
pub const DIRECT: u64 = 990_000_000_000_000_000;

const GUILD: u64 = 700_000_000_000_000_000;
const GUILD_STEP: u64 = 1_000_000;
const FIRST_ROLE: u64 = 100;
const FIRST_CHANNEL: u64 = 1_000;
const PERSON: u64 = 800_000_000_000_000_000;
const MESSAGE: u64 = 950_000_000_000_000_000;

fn guild_id(guild: u64) -> u64 {
    GUILD + guild * GUILD_STEP
}

/// The channel of a slot.
pub fn channel_id(slot: usize) -> u64 {
    if slot == DIRECT_SLOT {
        return DIRECT;
    }
    let slot = slot as u64;
    guild_id(slot % BUSY_GUILDS) + FIRST_CHANNEL + 10 + slot / BUSY_GUILDS
}

/// The id of the message of this number.
pub fn message_id(number: u64) -> u64 {
    MESSAGE + number
}

/// The first frame of a connection. The interval is so long that no heartbeat falls into a measurement.
pub const HELLO: &str =
    r#"{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":3600000,"_trace":["[\"bench\",{\"micros\":0.0}]"]}}"#;
/// The answer to a heartbeat.
pub const HEARTBEAT_ACK: &str = r#"{"t":null,"s":null,"op":11,"d":null}"#;
/// An event in its frame, fields in Discord's order.
pub fn event(name: &str, sequence: u64, data: &str) -> String {
    format!(r#"{{"t":"{name}","s":{sequence},"op":0,"d":{data}}}"#)
}

/// READY's data for so many servers.
pub fn ready(guilds: u64, gateway: &str) -> String {
    let unavailable: Vec<Value> = (0..guilds)
        .map(|guild| json!({"unavailable": true, "id": guild_id(guild).to_string()}))
        .collect();
    json!({
        "v": 10, "user_settings": {}, "user": bot_user(), "shard": [0, 1], "session_type": "normal",
        "session_id": "0123456789abcdef0123456789abcdef", "resume_gateway_url": gateway, "relationships": [],
        "private_channels": [], "presences": [], "guilds": unavailable, "guild_join_requests": [],
        "geo_ordered_rtc_regions": ["rotterdam", "frankfurt"], "auth": {},
        "application": {"id": BOT.to_string(), "flags": 565_248}, "_trace": ["[\"bench\",{\"micros\":1}]"],
    })
    .to_string()
}

/// The bot's user.
pub fn bot_user() -> Value {
    json!({
        "verified": true, "username": "bench", "primary_guild": null, "mfa_enabled": true, "id": BOT.to_string(),
        "global_name": null, "flags": 0, "email": null, "discriminator": "0001", "clan": null, "bot": true,
        "avatar": null,
    })
}

/// The application, as `GET /applications/@me` has it.
pub fn application() -> Value {
    let owner = json!({
        "id": OWNER.to_string(), "username": "owner", "avatar": null, "discriminator": "0", "public_flags": 0,
        "flags": 0, "global_name": "Owner", "primary_guild": null,
    });
    json!({
        "id": BOT.to_string(), "name": "bench", "icon": null, "description": "", "summary": "", "type": null,
        "bot": bot_user(), "bot_public": true, "bot_require_code_grant": false, "verify_key": "0".repeat(64),
        "flags": 565_248, "owner": owner, "team": null, "approximate_guild_count": 10, "hook": true,
    })
}

/// `GUILD_CREATE`'s data: a server as large bots see many of.
pub fn guild(guild: u64) -> String {
    let id = guild_id(guild);
    let roles: Vec<Value> = (0..ROLES).map(|number| role(id, number)).collect();
    let channels: Vec<Value> = (0..CHANNELS).map(|number| channel(id, number)).collect();
    json!({
        "id": id.to_string(), "name": format!("Server number {guild}"), "icon": "0123456789abcdef0123456789abcdef",
        "splash": null, "discovery_splash": null, "banner": null, "description": null, "home_header": null,
        "owner_id": OWNER.to_string(), "application_id": null, "region": "rotterdam", "afk_channel_id": null,
        "afk_timeout": 300, "system_channel_id": (id + FIRST_CHANNEL + 10).to_string(), "system_channel_flags": 0,
        "widget_enabled": false, "widget_channel_id": null, "verification_level": 2, "default_message_notifications": 1,
        "mfa_level": 1, "explicit_content_filter": 2, "nsfw": false, "nsfw_level": 0, "max_presences": null,
        "max_members": 500_000, "max_stage_video_channel_users": 50, "max_video_channel_users": 25,
        "vanity_url_code": null, "premium_tier": 1, "premium_subscription_count": 4,
        "premium_progress_bar_enabled": true, "preferred_locale": "en-US", "rules_channel_id": null,
        "safety_alerts_channel_id": null, "public_updates_channel_id": null, "hub_type": null, "latest_onboarding_question_id": null,
        "incidents_data": null, "inventory_settings": null, "embedded_activities": [], "emojis": [], "stickers": [],
        "features": ["COMMUNITY", "NEWS", "ANIMATED_ICON", "INVITE_SPLASH", "SOUNDBOARD"], "soundboard_sounds": [],
        "stage_instances": [], "guild_scheduled_events": [], "threads": [], "presences": [], "voice_states": [],
        "lazy": true, "large": true, "unavailable": false, "version": 1_700_000_000_000_u64, "member_count": 1_234,
        "joined_at": "2023-04-05T06:07:08.901000+00:00", "roles": roles, "channels": channels,
        "members": [{
            "user": bot_user(), "roles": [(id + FIRST_ROLE + 1).to_string()], "premium_since": null, "pending": false,
            "nick": null, "mute": false, "joined_at": "2023-04-05T06:07:08.901000+00:00", "flags": 0, "deaf": false,
            "communication_disabled_until": null, "banner": null, "avatar": null,
        }],
    })
    .to_string()
}

fn role(guild: u64, number: u64) -> Value {
    let (id, name) = match number {
        // The role that everybody has bears the server's id.
        0 => (guild, "@everyone".to_owned()),
        _ => (guild + FIRST_ROLE + number, format!("Role number {number}")),
    };
    json!({
        "id": id.to_string(), "name": name, "version": 1_700_000_000_000_u64, "unicode_emoji": null, "tags": {},
        "position": number, "permissions": "2222085186636353", "mentionable": false, "managed": false, "icon": null,
        "hoist": number.is_multiple_of(5), "flags": 0, "color": 3_447_003,
        "colors": {"primary_color": 3_447_003, "secondary_color": null, "tertiary_color": null},
    })
}

fn channel(guild: u64, number: u64) -> Value {
    let id = (guild + FIRST_CHANNEL + number).to_string();
    let overwrites: Vec<Value> = [guild, guild + FIRST_ROLE + 1 + number % 40]
        .iter()
        .map(|id| json!({"type": 0, "id": id.to_string(), "deny": "8192", "allow": "1024"}))
        .collect();
    let version = 1_700_000_000_000_u64;
    match number {
        // Ten groups, then texts with some voices between.
        0..10 => json!({
            "version": version, "type": 4, "position": number, "permission_overwrites": overwrites,
            "name": format!("Group number {number}"), "id": id, "flags": 0,
        }),
        _ if number % 9 == 8 => json!({
            "version": version, "user_limit": 0, "type": 2, "rtc_region": null, "rate_limit_per_user": 0,
            "position": number, "permission_overwrites": overwrites, "parent_id": (guild + FIRST_CHANNEL + number % 10).to_string(),
            "nsfw": false, "name": format!("Voice number {number}"), "last_message_id": null, "id": id, "flags": 0,
            "bitrate": 64_000,
        }),
        _ => json!({
            "version": version, "type": 0, "topic": "What this channel is about, in a line or so.",
            "rate_limit_per_user": 0, "position": number, "permission_overwrites": overwrites,
            "parent_id": (guild + FIRST_CHANNEL + number % 10).to_string(), "nsfw": false, "name": format!("channel-number-{number}"),
            "last_message_id": (MESSAGE + number).to_string(), "id": id, "icon_emoji": {"name": "💬", "id": null},
            "flags": 0, "theme_color": null,
        }),
    }
}

/// `MESSAGE_CREATE`'s data: the message of this number with this text, in a slot's channel.
pub fn message(number: u64, slot: usize, author: u64, content: &str, has_file: bool) -> String {
    const FILE: &str = concat!(
        r#"{"id":"960000000000000001","filename":"notes.txt","size":12,"content_type":"text/plain","#,
        r#""url":"https://cdn.example/notes.txt","proxy_url":"https://media.example/notes.txt","content_scan_version":0}"#
    );
    let file = if has_file { FILE } else { "" };
    let channel = channel_id(slot);
    let guild = guild_id(slot as u64 % BUSY_GUILDS);
    let roles: Vec<String> = (0..4)
        .map(|role| format!("\"{}\"", guild + FIRST_ROLE + 1 + (author + role * 7) % 45))
        .collect();
    let (id, roles) = (message_id(number), roles.join(","));
    let mentions = mentioned(content).map_or_else(String::new, |user| mention(user, &roles));
    // Direct messages are in no server, and nobody is a member there.
    let (kind, member, place) = if slot == DIRECT_SLOT {
        (1, String::new(), String::new())
    } else {
        let member = format!(
            concat!(
                r#""member":{{"roles":[{roles}],"premium_since":null,"pending":false,"nick":"Person number {author} here","#,
                r#""mute":false,"joined_at":"2022-03-04T05:06:07.089000+00:00","flags":0,"deaf":false,"#,
                r#""communication_disabled_until":null,"banner":null,"avatar":null}},"#
            ),
            roles = roles,
            author = author,
        );
        (0, member, format!(r#","guild_id":"{guild}""#))
    };
    let content = Value::from(content);
    let second = number % 60;
    // By hand: thousands of them, in Discord's own order of fields.
    format!(
        concat!(
            r#"{{"type":0,"tts":false,"timestamp":"2026-08-01T12:34:{second:02}.567000+00:00","pinned":false,"#,
            r#""nonce":"{id}","mentions":[{mentions}],"mention_roles":[],"mention_everyone":false,{member}"id":"{id}","flags":0,"#,
            r#""embeds":[],"edited_timestamp":null,"content":{content},"components":[],"channel_type":{kind},"channel_id":"{channel}","#,
            r#""author":{{"username":"person_{author}","public_flags":64,"primary_guild":null,"id":"{author}","#,
            r#""global_name":"Person number {author}","discriminator":"0","collectibles":null,"#,
            r#""avatar_decoration_data":null,"clan":null,"avatar":"0123456789abcdef0123456789abcdef"}},"#,
            r#""attachments":[{file}]{place}}}"#
        ),
        second = second,
        id = id,
        mentions = mentions,
        member = member,
        kind = kind,
        author = author,
        content = content,
        channel = channel,
        place = place,
        file = file,
    )
}

/// The user whom a text mentions.
fn mentioned(content: &str) -> Option<u64> {
    let (_, behind) = content.split_once("<@")?;
    behind.split_once('>')?.0.parse().ok()
}

/// A user of this id, as in a message's or an interaction's parts, without the brace at its end.
fn user(id: u64) -> String {
    format!(
        concat!(
            r#"{{"username":"person_{id}","public_flags":64,"primary_guild":null,"id":"{id}","#,
            r#""global_name":"Person number {id}","discriminator":"0","collectibles":null,"clan":null,"#,
            r#""avatar_decoration_data":null,"avatar":"0123456789abcdef0123456789abcdef""#
        ),
        id = id
    )
}

/// A member without a user, with these roles, without the brace at its end.
fn partial_member(roles: &str) -> String {
    format!(
        concat!(
            r#"{{"roles":[{roles}],"premium_since":null,"pending":false,"nick":null,"joined_at":"#,
            r#""2022-03-04T05:06:07.089000+00:00","flags":0,"communication_disabled_until":null,"banner":null,"avatar":null"#
        ),
        roles = roles
    )
}

/// A user as a message mentions it.
fn mention(id: u64, roles: &str) -> String {
    format!(
        r#"{},"member":{},"mute":false,"deaf":false}}}}"#,
        user(id),
        partial_member(roles)
    )
}

/// `INTERACTION_CREATE`'s data: a slash command, used in a slot's channel. `options` is the list that Discord sends, as
/// JSON; a member whom it names, by id, comes along.
pub fn interaction(number: u64, slot: usize, name: &str, options: &str, member: Option<u64>) -> String {
    let (channel, guild) = (channel_id(slot), guild_id(slot as u64 % BUSY_GUILDS));
    let author = person(number);
    let roles = format!("\"{}\"", guild + FIRST_ROLE + 1 + author % 45);
    let resolved = member.map_or_else(String::new, |id| {
        format!(
            r#""resolved":{{"users":{{"{id}":{}}}}},"members":{{"{id}":{},"permissions":"2222085186636353"}}}}}},"#,
            user(id),
            partial_member(&roles)
        )
    });
    format!(
        concat!(
            r#"{{"version":1,"type":2,"token":"{token}","member":{{"user":{user}}},"unusual_dm_activity_until":null,"#,
            r#""roles":[{roles}],"premium_since":null,"permissions":"2222085186636353","pending":false,"nick":null,"mute":false,"#,
            r#""joined_at":"2022-03-04T05:06:07.089000+00:00","flags":0,"deaf":false,"communication_disabled_until":null,"#,
            r#""banner":null,"avatar":null}},"locale":"en-US","id":"{id}","guild_locale":"en-US","guild_id":"{guild}","#,
            r#""guild":{{"locale":"en-US","id":"{guild}","features":[]}},"entitlements":[],"entitlement_sku_ids":[],"#,
            r#""data":{{"type":1,{resolved}"options":[{options}],"name":"{name}","id":"{command}"}},"context":0,"#,
            r#""channel_id":"{channel}","channel":{{"type":0,"topic":null,"theme_color":null,"rate_limit_per_user":0,"#,
            r#""position":3,"permissions":"2222085186636353","parent_id":"{parent}","nsfw":false,"name":"channel","#,
            r#""last_message_id":"{id}","id":"{channel}","icon_emoji":{{"name":"x","id":null}},"guild_id":"{guild}","flags":0}},"#,
            r#""authorizing_integration_owners":{{"0":"{guild}"}},"attachment_size_limit":10485760,"#,
            r#""application_id":"{bot}","app_permissions":"2222085186636353"}}"#
        ),
        token = "aW50ZXJhY3Rpb246".repeat(12),
        user = user(author),
        roles = roles,
        id = message_id(number),
        guild = guild,
        resolved = resolved,
        options = options,
        name = name,
        command = BOT + 100,
        channel = channel,
        parent = guild + FIRST_CHANNEL,
        bot = BOT,
    )
}

/// A role of the slot's server.
pub fn role_of(slot: usize) -> u64 {
    guild_id(slot as u64 % BUSY_GUILDS) + FIRST_ROLE + 7
}

/// The server of a slot.
pub fn guild_of(slot: usize) -> u64 {
    guild_id(slot as u64 % BUSY_GUILDS)
}

/// One of those who write, for the message of this number.
pub fn person(number: u64) -> u64 {
    // A step that is no divisor: neighbours are written by different people.
    PERSON + (number * 37) % PEOPLE
}

/// What somebody says who wants nothing of a bot.
pub fn chatter(number: u64) -> &'static str {
    const LINES: [&str; 8] = [
        "has anybody seen the new patch notes?",
        "lol",
        "I think that the second one is better, but it depends on what you want to do with it in the end",
        "brb",
        "good morning everyone, how is it going today?",
        "that's not how it works though, see the pinned message above for the details",
        "yes",
        "can somebody help me with my homework, it's about \"prime numbers\" & such \u{1f605}",
    ];
    LINES[(number % LINES.len() as u64) as usize]
}

/// The message that Discord answers with when the bot has written one.
pub fn created(number: u64, channel: u64) -> String {
    format!(
        concat!(
            r#"{{"type":0,"content":"pong","mentions":[],"mention_roles":[],"attachments":[],"embeds":[],"#,
            r#""timestamp":"2026-08-01T12:34:56.789000+00:00","edited_timestamp":null,"flags":0,"components":[],"#,
            r#""id":"{id}","channel_id":"{channel}","author":{{"id":"{bot}","username":"bench","avatar":null,"#,
            r#""discriminator":"0001","public_flags":0,"flags":0,"bot":true,"banner":null,"accent_color":null,"#,
            r#""global_name":null,"avatar_decoration_data":null,"collectibles":null,"display_name_styles":null,"#,
            r#""banner_color":null,"clan":null,"primary_guild":null}},"pinned":false,"mention_everyone":false,"tts":false}}"#
        ),
        id = MESSAGE + 500_000_000 + number,
        channel = channel,
        bot = BOT,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::HashSet;

    use twilight_model::{
        application::interaction::InteractionData,
        channel::Message,
        gateway::payload::incoming::{GuildCreate, InteractionCreate, MessageCreate, Ready},
    };

    use super::*;

    #[test]
    fn each_slot_has_a_channel_of_its_own() {
        let channels: HashSet<u64> = (0..=DIRECT_SLOT).map(channel_id).collect();
        assert_eq!(channels.len(), SLOTS + 1);
        assert_eq!(channel_id(DIRECT_SLOT), DIRECT);
    }

    #[test]
    fn another_implementation_reads_every_payload_as_what_it_is() {
        let written = message(7, 3, person(7), "a \"quoted\" text", false);
        let read: MessageCreate = serde_json::from_str(&written).unwrap();
        assert_eq!(read.content, "a \"quoted\" text");
        assert_eq!(read.channel_id.get(), channel_id(3));
        assert_eq!(read.id.get(), message_id(7));
        assert!(read.member.is_some() && read.guild_id.is_some());
        let direct: MessageCreate = serde_json::from_str(&message(8, DIRECT_SLOT, OWNER, "!plugins", false)).unwrap();
        assert_eq!(direct.channel_id.get(), DIRECT);
        assert!(direct.member.is_none() && direct.guild_id.is_none());
        assert!(
            (800..1100).contains(&event("MESSAGE_CREATE", 1, &written).len()),
            "{}",
            written.len()
        );

        let written = message(9, 3, person(7), &format!("!takes-member <@{}>", person(4)), false);
        let read: MessageCreate = serde_json::from_str(&written).unwrap();
        assert_eq!(read.mentions[0].id.get(), person(4));
        assert!(read.mentions[0].member.is_some());

        let option = format!(r#"{{"value":"{}","type":6,"name":"value"}}"#, person(4));
        let written = interaction(9, 3, "takes-member", &option, Some(person(4)));
        let read: InteractionCreate = serde_json::from_str(&written).unwrap();
        let Some(InteractionData::ApplicationCommand(data)) = &read.data else {
            panic!("it is a command: {written}");
        };
        assert_eq!((data.name.as_str(), data.options.len()), ("takes-member", 1));
        assert_eq!(data.resolved.as_ref().unwrap().members.len(), 1);

        let read: GuildCreate = serde_json::from_str(&guild(2)).unwrap();
        let GuildCreate::Available(guild) = read else {
            panic!("the server is available");
        };
        assert_eq!((guild.channels.len(), guild.roles.len()), (100, 50));
        assert!(guild.channels.iter().any(|channel| channel.id.get() == channel_id(12)));

        let read: Ready = serde_json::from_str(&ready(3, "ws://127.0.0.1:1")).unwrap();
        assert_eq!(read.guilds.len(), 3);
        let read: Message = serde_json::from_str(&created(1, channel_id(0))).unwrap();
        assert_eq!(read.content, "pong");
    }

    #[test]
    fn frames_have_discords_order_of_fields() {
        let frame = event("MESSAGE_CREATE", 12, "{}");
        assert_eq!(frame, r#"{"t":"MESSAGE_CREATE","s":12,"op":0,"d":{}}"#);
        for text in [HELLO, HEARTBEAT_ACK] {
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
        }
    }
}
