//! The cache fed with payloads as Discord sends them.
//!
//! They feed texts and ask the public methods, without a gateway; two are about size: small entries, a large server.

use std::fmt::Write;

use super::*;

const OWN: u64 = 900;

fn guild(id: u64) -> GuildId {
    GuildId::new(id).unwrap()
}

fn channel(id: u64) -> ChannelId {
    ChannelId::new(id).unwrap()
}

fn role(id: u64) -> RoleId {
    RoleId::new(id).unwrap()
}

fn feed(cache: &Cache, event: &str, data: &str) {
    assert!(Cache::wants(event), "{event}");
    let payload = format!(r#"{{"t":"{event}","s":1,"op":0,"d":{data}}}"#);
    cache.apply(event, &payload).unwrap();
}

fn ready(cache: &Cache, guilds: &str) {
    let data = format!(
        r#"{{"v":10,"user":{{"verified":true,"username":"bot","mfa_enabled":true,"id":"{OWN}","global_name":null,
        "flags":0,"email":null,"discriminator":"0","bot":true,"avatar":"a_1","clan":null}},"user_settings":{{}},
        "session_type":"normal","session_id":"s","resume_gateway_url":"wss://gateway.example","relationships":[],
        "private_channels":[],"presences":[],"guilds":{guilds},"guild_join_requests":[],"geo_ordered_rtc_regions":[],
        "auth":{{}},"application":{{"id":"901","flags":565248}},"_trace":["[]"]}}"#
    );
    feed(cache, "READY", &data);
}

const GUILD: &str = r#"{"id":"1","name":"Kitchen","owner_id":"50","member_count":3,"joined_at":"2020-01-01T00:00:00Z",
    "large":false,"unavailable":false,"features":["COMMUNITY"],"icon":null,"afk_timeout":300,"nsfw_level":0,
    "emojis":[{"id":"7","name":"roles","roles":[],"require_colons":true}],"stickers":[],"voice_states":[],
    "presences":[{"user":{"id":"900"},"status":"online","activities":[],"client_status":{}}],"stage_instances":[],
    "members":[
        {"user":{"id":"50","username":"alice","avatar":null,"discriminator":"0"},"roles":["3"],"nick":null,
         "joined_at":"2020-01-01T00:00:00Z","deaf":false,"mute":false,"flags":0},
        {"user":{"id":"900","username":"bot","bot":true,"avatar":null,"discriminator":"0"},"roles":["3","2"],
         "joined_at":"2020-01-01T00:00:00Z","deaf":false,"mute":false,"flags":0},
        {"user":{"id":"51","username":"bob","avatar":null,"discriminator":"0"},"roles":[],"flags":0}],
    "channels":[
        {"id":"12","type":0,"name":"General","position":1,"parent_id":"11","topic":null,"nsfw":false,
         "permission_overwrites":[{"id":"1","type":0,"allow":"0","deny":"1024"}],"last_message_id":"99"},
        {"id":"11","type":4,"name":"Texts","position":0,"permission_overwrites":[]},
        {"id":"13","type":2,"name":"general","position":2,"parent_id":null,"bitrate":64000,"user_limit":0}],
    "threads":[{"id":"20","type":11,"name":"recipes","parent_id":"12","owner_id":"50","guild_id":"1",
        "thread_metadata":{"archived":false,"auto_archive_duration":1440,"locked":false},"message_count":1}],
    "roles":[
        {"id":"3","name":"Cook","permissions":"8","position":2,"color":0,"colors":{"primary_color":0},"hoist":false,
         "managed":false,"mentionable":true,"flags":0},
        {"id":"1","name":"@everyone","permissions":"104324673","position":0,"color":0,"hoist":false,"managed":false,
         "mentionable":false,"flags":0},
        {"id":"2","name":"cook","permissions":"18446744073709551615","position":1}]}"#;

fn kitchen() -> Cache {
    let cache = Cache::default();
    ready(
        &cache,
        r#"[{"id":"1","unavailable":true},{"id":"2","unavailable":true}]"#,
    );
    feed(&cache, "GUILD_CREATE", GUILD);
    cache
}

#[test]
fn ready_tells_who_the_bot_is_and_announces_its_servers() {
    let cache = Cache::default();
    assert_eq!((cache.bot_user(), cache.application_id()), (None, None));
    ready(&cache, r#"[{"id":"1","unavailable":true}]"#);
    let user = cache.bot_user().unwrap();
    assert_eq!((user.id.get(), user.username.as_str(), user.bot), (OWN, "bot", true));
    assert_eq!(cache.application_id().map(ApplicationId::get), Some(901));
    assert_eq!(cache.guild_ids(), [guild(1)]);
    assert!(cache.guild(guild(1)).unwrap().unavailable);
}

#[test]
fn a_server_comes_with_its_channels_threads_roles_and_the_own_member() {
    let cache = kitchen();
    let info = cache.guild(guild(1)).unwrap();
    assert_eq!(
        info,
        GuildInfo {
            id: guild(1),
            name: "Kitchen".to_owned(),
            owner_id: UserId::new(50),
            member_count: 3,
            unavailable: false,
        }
    );
    let general = cache.channel(channel(12)).unwrap();
    assert_eq!(general.name.as_deref(), Some("General"));
    assert_eq!(
        (general.kind, general.parent_id, general.guild_id),
        (0, Some(channel(11)), Some(guild(1)))
    );
    assert_eq!(cache.channel(channel(20)).unwrap().parent_id, Some(channel(12)));
    assert_eq!(cache.channel(channel(99)), None);
    let cook = cache.role(guild(1), role(2)).unwrap();
    assert_eq!((cook.name.as_str(), cook.position), ("cook", 1));
    assert_eq!(cook.permissions, "18446744073709551615");
    assert_eq!(cache.role(guild(2), role(2)), None);
    assert_eq!(
        cache
            .roles(guild(1))
            .iter()
            .map(|role| role.id.get())
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(cache.own_roles(guild(1)), [role(3), role(2)]);
    assert_eq!(
        cache.counts(),
        Counts {
            guilds: 2,
            unavailable_guilds: 1,
            channels: 4,
            roles: 3,
            members: 3,
        }
    );
}

#[test]
fn names_are_found_without_regard_to_case_and_the_oldest_wins() {
    let cache = kitchen();
    assert_eq!(cache.channel_by_name(guild(1), "GENERAL").unwrap().id, channel(12));
    assert_eq!(cache.role_by_name(guild(1), "COOK").unwrap().id, role(2));
    assert_eq!(cache.channel_by_name(guild(1), "absent"), None);
    assert_eq!(cache.channel_by_name(guild(9), "general"), None);
}

#[test]
fn servers_change_vanish_and_come_back() {
    let cache = kitchen();
    feed(
        &cache,
        "GUILD_UPDATE",
        r#"{"id":"1","name":"Garden","owner_id":"51","roles":[{"id":"1","name":"@everyone","permissions":"0","position":0}]}"#,
    );
    let info = cache.guild(guild(1)).unwrap();
    assert_eq!((info.name.as_str(), info.owner_id), ("Garden", UserId::new(51)));
    assert_eq!(cache.roles(guild(1)).len(), 1);
    assert_eq!(cache.counts().channels, 4);
    feed(&cache, "GUILD_DELETE", r#"{"id":"1","unavailable":true}"#);
    assert!(cache.guild(guild(1)).unwrap().unavailable);
    assert!(cache.channel(channel(12)).is_some());
    feed(&cache, "GUILD_CREATE", GUILD);
    assert!(!cache.guild(guild(1)).unwrap().unavailable);
    feed(&cache, "GUILD_DELETE", r#"{"id":"1"}"#);
    assert_eq!(cache.guild(guild(1)), None);
    assert_eq!(cache.channel(channel(12)), None);
    feed(&cache, "GUILD_CREATE", r#"{"id":"5","unavailable":true}"#);
    assert!(cache.guild(guild(5)).unwrap().unavailable);
}

#[test]
fn channels_and_threads_come_change_and_go() {
    let cache = kitchen();
    feed(
        &cache,
        "CHANNEL_CREATE",
        r#"{"id":"10","type":0,"name":"first","guild_id":"1","position":0}"#,
    );
    feed(
        &cache,
        "CHANNEL_UPDATE",
        r#"{"id":"12","type":5,"name":"news","guild_id":"1","parent_id":null}"#,
    );
    assert_eq!(cache.channel(channel(10)).unwrap().name.as_deref(), Some("first"));
    let news = cache.channel(channel(12)).unwrap();
    assert_eq!(
        (news.kind, news.parent_id, news.name.as_deref()),
        (5, None, Some("news"))
    );
    feed(
        &cache,
        "THREAD_CREATE",
        r#"{"id":"21","type":12,"name":"t","guild_id":"1","parent_id":"13","newly_created":true}"#,
    );
    feed(
        &cache,
        "THREAD_UPDATE",
        r#"{"id":"21","type":12,"name":"t","guild_id":"1","parent_id":"13","thread_metadata":{"archived":true}}"#,
    );
    assert_eq!(cache.channel(channel(21)), None);
    feed(&cache, "CHANNEL_DELETE", r#"{"id":"12","type":5,"guild_id":"1"}"#);
    assert_eq!(cache.channel(channel(12)), None);
    assert_eq!(cache.channel(channel(20)), None, "a thread goes with its channel");
    feed(
        &cache,
        "THREAD_CREATE",
        r#"{"id":"22","type":11,"name":"u","guild_id":"1","parent_id":"13"}"#,
    );
    feed(
        &cache,
        "THREAD_DELETE",
        r#"{"id":"22","type":11,"guild_id":"1","parent_id":"13"}"#,
    );
    assert_eq!(cache.channel(channel(22)), None);
    feed(&cache, "CHANNEL_CREATE", r#"{"id":"77","type":1,"recipients":[]}"#);
    feed(
        &cache,
        "CHANNEL_CREATE",
        r#"{"id":"78","type":0,"name":"x","guild_id":"404"}"#,
    );
    assert_eq!((cache.channel(channel(77)), cache.channel(channel(78))), (None, None));
}

#[test]
fn a_list_of_threads_replaces_those_it_is_about() {
    let cache = kitchen();
    feed(
        &cache,
        "THREAD_CREATE",
        r#"{"id":"21","type":11,"name":"other","guild_id":"1","parent_id":"13"}"#,
    );
    feed(
        &cache,
        "THREAD_LIST_SYNC",
        r#"{"guild_id":"1","channel_ids":["12"],"threads":[{"id":"23","type":11,"name":"new","parent_id":"12"}],"members":[]}"#,
    );
    let known = |id| cache.channel(channel(id)).is_some();
    assert!(!known(20) && known(21) && known(23));
    feed(
        &cache,
        "THREAD_LIST_SYNC",
        r#"{"guild_id":"1","threads":[],"members":[]}"#,
    );
    assert!(!known(21) && !known(23) && known(13));
}

#[test]
fn roles_and_members_come_change_and_go() {
    let cache = kitchen();
    feed(
        &cache,
        "GUILD_ROLE_CREATE",
        r#"{"guild_id":"1","role":{"id":"9","name":"New","permissions":"4","position":5}}"#,
    );
    feed(
        &cache,
        "GUILD_ROLE_UPDATE",
        r#"{"guild_id":"1","role":{"id":"3","name":"Chef","permissions":"16","position":4}}"#,
    );
    assert_eq!(cache.role_by_name(guild(1), "new").unwrap().permissions, "4");
    assert_eq!(cache.role(guild(1), role(3)).unwrap().name, "Chef");
    feed(&cache, "GUILD_ROLE_DELETE", r#"{"guild_id":"1","role_id":"3"}"#);
    assert_eq!(cache.role(guild(1), role(3)), None);
    assert_eq!(cache.own_roles(guild(1)), [role(2)]);
    feed(
        &cache,
        "GUILD_MEMBER_UPDATE",
        r#"{"guild_id":"1","user":{"id":"50"},"roles":["9"]}"#,
    );
    assert_eq!(cache.own_roles(guild(1)), [role(2)]);
    feed(
        &cache,
        "GUILD_MEMBER_UPDATE",
        r#"{"guild_id":"1","user":{"id":"900"},"roles":["9"]}"#,
    );
    assert_eq!(cache.own_roles(guild(1)), [role(9)]);
    feed(
        &cache,
        "GUILD_MEMBER_ADD",
        r#"{"guild_id":"1","user":{"id":"60"},"roles":[]}"#,
    );
    feed(
        &cache,
        "GUILD_MEMBER_ADD",
        r#"{"guild_id":"1","user":{"id":"61"},"roles":[]}"#,
    );
    feed(&cache, "GUILD_MEMBER_REMOVE", r#"{"guild_id":"1","user":{"id":"60"}}"#);
    assert_eq!(cache.guild(guild(1)).unwrap().member_count, 4);
}

#[test]
fn a_new_session_forgets_the_old_one() {
    let cache = kitchen();
    ready(&cache, r#"[{"id":"2","unavailable":true}]"#);
    assert_eq!(cache.guild_ids(), [guild(2)]);
    assert_eq!(cache.channel(channel(12)), None);
}

#[test]
fn a_new_session_of_one_shard_leaves_the_others_servers() {
    let cache = Cache::default();
    let (even, odd) = (2 << 22, 3 << 22);
    ready(&cache, &format!(r#"[{{"id":"{even}"}},{{"id":"{odd}"}}]"#));
    let data = r#"{"user":{"id":"900","username":"bot"},"guilds":[],"shard":[1,2],"application":{"id":"901"}}"#;
    feed(&cache, "READY", data);
    assert_eq!(cache.guild_ids(), [guild(even)]);
}

#[test]
fn the_bots_own_name_can_change() {
    let cache = kitchen();
    feed(
        &cache,
        "USER_UPDATE",
        r#"{"id":"900","username":"renamed","bot":true,"discriminator":"0","avatar":null}"#,
    );
    assert_eq!(cache.bot_user().unwrap().username, "renamed");
}

#[test]
fn what_is_not_wanted_or_not_readable_changes_nothing() {
    let cache = kitchen();
    let before = serde_json::to_value(cache.snapshot()).unwrap();
    assert!(!Cache::wants("MESSAGE_CREATE"));
    cache.apply("MESSAGE_CREATE", "no JSON at all").unwrap();
    assert!(cache.apply("GUILD_DELETE", r#"{"d":{"id":"x"}}"#).is_err());
    assert!(cache.apply("GUILD_CREATE", r#"{"d":{"id":"1","name":5}}"#).is_err());
    let rows = |value: &serde_json::Value| value["guilds"].as_array().unwrap().len();
    let after = serde_json::to_value(cache.snapshot()).unwrap();
    assert_eq!(rows(&before), rows(&after));
    assert_eq!(cache.counts().channels, 4);
}

#[test]
fn a_snapshot_restores_everything() {
    let cache = kitchen();
    let text = serde_json::to_string(&cache.snapshot()).unwrap();
    let restored = Cache::default();
    restored.restore(serde_json::from_str(&text).unwrap());
    assert_eq!(restored.bot_user(), cache.bot_user());
    assert_eq!(restored.application_id(), cache.application_id());
    assert_eq!(restored.counts(), cache.counts());
    assert_eq!(restored.guild(guild(1)), cache.guild(guild(1)));
    assert_eq!(restored.roles(guild(1)), cache.roles(guild(1)));
    assert_eq!(restored.own_roles(guild(1)), cache.own_roles(guild(1)));
    for id in [11, 12, 13, 20] {
        assert_eq!(restored.channel(channel(id)), cache.channel(channel(id)));
    }
    let other = restored.clone();
    feed(&other, "CHANNEL_DELETE", r#"{"id":"13","type":2,"guild_id":"1"}"#);
    assert_eq!(restored.channel(channel(13)), None, "clones share one state");
}

#[test]
fn entries_stay_small() {
    use super::model::{ChannelEntry, RoleEntry};
    // Of them 16 for the overwrites, whose list is boxed: most channels have few or none.
    assert!(size_of::<ChannelEntry>() <= 64, "{}", size_of::<ChannelEntry>());
    assert!(size_of::<RoleEntry>() <= 48, "{}", size_of::<RoleEntry>());
}

#[test]
fn a_large_server_is_read_whole() {
    let mut text = String::from(r#"{"id":"1","name":"Large","member_count":5000,"members":["#);
    for id in 1000..2000 {
        write!(text, r#"{{"user":{{"id":"{id}"}},"roles":["2"]}},"#).unwrap();
    }
    write!(text, r#"{{"user":{{"id":"{OWN}"}},"roles":["3"]}}],"channels":["#).unwrap();
    for id in 1..=500 {
        let comma = if id == 1 { "" } else { "," };
        write!(text, r#"{comma}{{"id":"{id}","type":0,"name":"channel-{id}"}}"#).unwrap();
    }
    text.push_str("]}");
    let cache = Cache::default();
    ready(&cache, "[]");
    feed(&cache, "GUILD_CREATE", &text);
    assert_eq!(cache.counts().channels, 500);
    assert_eq!(cache.own_roles(guild(1)), [role(3)]);
    assert_eq!(
        cache.channel(channel(250)).unwrap().name.as_deref(),
        Some("channel-250")
    );
}
