//! What clients send: each payload read and checked, with the close code that Discord has for what is wrong.
//!
//! A payload that passes means what it says; whether the client may send it now is decided elsewhere.

use serde_json::Value;

use super::{
    close::{Close, DECODE_ERROR, INVALID_INTENTS, INVALID_SHARD, UNKNOWN_OPCODE},
    fields::Fields,
    intents::{self, Intents},
    presence,
};

/// Largest payload that a client may send, in bytes.
pub(crate) const LARGEST: usize = 4096;
/// Longest nonce that is given back, in bytes; a longer one is ignored.
const LONGEST_NONCE: usize = 32;

/// A payload of a client.
#[derive(Debug, PartialEq)]
pub(crate) enum Payload {
    Heartbeat,
    Identify(Identify),
    /// What others see of the bot from now on.
    Presence(Value),
    Resume {
        token: String,
        session: String,
        sequence: u64,
    },
    Members(Members),
    Voice(Voice),
    /// The soundboard sounds of these guilds are asked for.
    Sounds(Vec<u64>),
    /// What only lasts for a while of a guild's channels is asked for.
    ChannelInfo(u64),
}

/// IDENTIFY, checked as far as it can be without knowing the bot.
#[derive(Debug, PartialEq)]
pub(crate) struct Identify {
    pub(crate) token: String,
    pub(crate) intents: Intents,
    pub(crate) shard: (u64, u64),
    /// Above how many members a guild is large.
    pub(crate) large_threshold: u64,
    /// Whether large payloads may be compressed one by one.
    pub(crate) compress: bool,
    pub(crate) presence: Option<Value>,
}

/// In which voice channel the bot is.
#[derive(Debug, PartialEq)]
pub(crate) struct Voice {
    pub(crate) guild: u64,
    /// None to leave.
    pub(crate) channel: Option<u64>,
    pub(crate) mute: bool,
    pub(crate) deaf: bool,
}

/// A request for a guild's members.
#[derive(Debug, PartialEq)]
pub(crate) struct Members {
    pub(crate) guild: u64,
    pub(crate) wanted: Wanted,
    pub(crate) presences: bool,
    pub(crate) nonce: Option<String>,
}

/// Whose memberships are asked for.
#[derive(Debug, PartialEq)]
pub(crate) enum Wanted {
    /// Those whose names begin so, at most so many; 0 is no limit.
    Named { query: String, limit: u64 },
    /// These.
    Ids(Vec<u64>),
}

/// Reads one payload; also gives its opcode, for the log.
pub(crate) fn read(text: &[u8]) -> Result<(u64, Payload), Close> {
    if text.len() > LARGEST {
        return Err(DECODE_ERROR.because("The payload is larger than 4,096 bytes."));
    }
    let payload: Value = serde_json::from_slice(text).map_err(|_| DECODE_ERROR.because("It is no JSON."))?;
    if !payload.is_object() {
        return Err(DECODE_ERROR);
    }
    let op = payload["op"].as_u64().ok_or(UNKNOWN_OPCODE)?;
    let data = &payload["d"];
    let read = match op {
        1 if data.is_null() || data.is_u64() => Payload::Heartbeat,
        1 => return Err(DECODE_ERROR.because("d must be the last sequence number or null")),
        2 => Payload::Identify(identify(data)?),
        3 => Payload::Presence(presence::read(data, "d")?),
        4 => voice_state(data)?,
        6 => resume(data)?,
        8 => Payload::Members(members(data)?),
        31 => {
            let fields = Fields::new(data, "d", &["guild_ids"])?;
            Payload::Sounds(fields.required("guild_ids", fields.snowflakes("guild_ids")?)?)
        }
        43 => channel_info(data)?,
        _ => return Err(UNKNOWN_OPCODE),
    };
    Ok((op, read))
}

/// <https://discord.com/developers/docs/events/gateway-events#identify>; `v` and `guild_subscriptions` are legacies
/// that client libraries still send.
fn identify(data: &Value) -> Result<Identify, Close> {
    const KNOWN: [&str; 10] = [
        "token",
        "capabilities",
        "properties",
        "compress",
        "large_threshold",
        "shard",
        "presence",
        "intents",
        "v",
        "guild_subscriptions",
    ];
    let fields = Fields::new(data, "d", &KNOWN)?;
    let token = fields.required("token", fields.text("token")?)?.to_owned();
    properties(fields.required("properties", fields.get("properties"))?)?;
    let large_threshold = fields.number("large_threshold")?.unwrap_or(50);
    if !(50..=250).contains(&large_threshold) {
        return Err(fields.wrong("large_threshold", "must be 50 to 250"));
    }
    let presence = fields
        .get("presence")
        .map(|value| presence::read(value, "d.presence"))
        .transpose()?;
    let compress = fields.flag("compress")?.unwrap_or(false);
    fields.number("capabilities")?;
    // Intents are required since version 8.
    let intents = fields.required("intents", fields.get("intents"))?;
    let intents = match intents.as_u64() {
        Some(known) if intents::is_valid(known) => known,
        None if !intents.is_i64() => return Err(fields.wrong("intents", "must be a number")),
        _ => return Err(INVALID_INTENTS),
    };
    let shard = match fields.list("shard")? {
        None => (0, 1),
        Some([shard, count]) => match (shard.as_u64(), count.as_u64()) {
            (Some(shard), Some(count)) if shard < count => (shard, count),
            _ => return Err(INVALID_SHARD),
        },
        Some(_) => return Err(INVALID_SHARD),
    };
    Ok(Identify {
        token,
        intents,
        shard,
        large_threshold,
        compress,
        presence,
    })
}

/// What the client is; older libraries write the names with a `$`.
fn properties(data: &Value) -> Result<(), Close> {
    const KNOWN: [&str; 8] = [
        "os",
        "browser",
        "device",
        "$os",
        "$browser",
        "$device",
        "$referrer",
        "$referring_domain",
    ];
    let fields = Fields::new(data, "d.properties", &KNOWN)?;
    KNOWN.iter().try_for_each(|name| fields.text(name).map(drop))
}

fn resume(data: &Value) -> Result<Payload, Close> {
    let fields = Fields::new(data, "d", &["token", "session_id", "seq"])?;
    Ok(Payload::Resume {
        token: fields.required("token", fields.text("token")?)?.to_owned(),
        session: fields.required("session_id", fields.text("session_id")?)?.to_owned(),
        sequence: fields.required("seq", fields.number("seq")?)?,
    })
}

fn voice_state(data: &Value) -> Result<Payload, Close> {
    let known = ["guild_id", "channel_id", "self_mute", "self_deaf", "self_video"];
    let fields = Fields::new(data, "d", &known)?;
    fields.flag("self_video")?;
    Ok(Payload::Voice(Voice {
        guild: fields.required("guild_id", fields.snowflake("guild_id")?)?,
        channel: fields.snowflake("channel_id")?,
        mute: fields.flag("self_mute")?.unwrap_or(false),
        deaf: fields.flag("self_deaf")?.unwrap_or(false),
    }))
}

/// <https://discord.com/developers/docs/events/gateway-events#request-channel-info>
fn channel_info(data: &Value) -> Result<Payload, Close> {
    const FIELDS: [&str; 2] = ["status", "voice_start_time"];
    let fields = Fields::new(data, "d", &["guild_id", "fields"])?;
    let guild = fields.required("guild_id", fields.snowflake("guild_id")?)?;
    let wanted = fields.required("fields", fields.list("fields")?)?;
    let is_known = |one: &Value| one.as_str().is_some_and(|name| FIELDS.contains(&name));
    if !wanted.iter().all(is_known) {
        return Err(fields.wrong("fields", "may have \"status\" and \"voice_start_time\""));
    }
    Ok(Payload::ChannelInfo(guild))
}

/// <https://discord.com/developers/docs/events/gateway-events#request-guild-members>. An empty query beside ids counts as
/// none: client libraries send both.
fn members(data: &Value) -> Result<Members, Close> {
    let known = ["guild_id", "query", "limit", "presences", "user_ids", "nonce"];
    let fields = Fields::new(data, "d", &known)?;
    let guild = fields.required("guild_id", fields.snowflake("guild_id")?)?;
    let ids = fields.snowflakes("user_ids")?;
    let query = fields.text("query")?;
    let limit = fields.number("limit")?;
    let wanted = match (query, ids) {
        (None | Some(""), Some(ids)) => Wanted::Ids(ids),
        (Some(_), Some(_)) => return Err(fields.wrong("user_ids", "and query exclude each other")),
        (Some(query), None) => Wanted::Named {
            query: query.to_lowercase(),
            limit: fields.required("limit", limit)?,
        },
        (None, None) => return Err(fields.wrong("query", "or user_ids is required")),
    };
    let nonce = fields.text("nonce")?.filter(|nonce| nonce.len() <= LONGEST_NONCE);
    Ok(Members {
        guild,
        wanted,
        presences: fields.flag("presences")?.unwrap_or(false),
        nonce: nonce.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::{Payload, read};

    #[test]
    fn what_is_wrong_has_its_close_code() {
        let identify = |more: &str| format!(r#"{{"op":2,"d":{{"token":"t","properties":{{}}{more}}}}}"#);
        let members = |more: &str| format!(r#"{{"op":8,"d":{{"guild_id":"1"{more}}}}}"#);
        for (text, code) in [
            ("nonsense".to_owned(), 4002),
            ("[1]".to_owned(), 4002),
            (r#"{"op":5,"d":{}}"#.to_owned(), 4001),
            (r#"{"d":{}}"#.to_owned(), 4001),
            (r#"{"op":1,"d":"1"}"#.to_owned(), 4002),
            (identify(""), 4002),
            (identify(r#","intents":"1""#), 4002),
            (identify(r#","intents":131072"#), 4013),
            (identify(r#","intents":-1"#), 4013),
            (identify(r#","intents":1,"shard":[1,1]"#), 4010),
            (identify(r#","intents":1,"shard":[0]"#), 4010),
            (identify(r#","intents":1,"shard":["0",1]"#), 4010),
            (identify(r#","intents":1,"shard":0"#), 4002),
            (identify(r#","intents":1,"presence":{"status":"happy"}"#), 4002),
            (identify(r#","intents":1,"presence":{"state":"x"}"#), 4002),
            (identify(r#","intents":1,"large_threshold":49"#), 4002),
            (identify(r#","intents":1,"large_threshold":251"#), 4002),
            (identify(r#","intents":1,"large_threshold":"100""#), 4002),
            (identify(r#","intents":1,"compress":1"#), 4002),
            (identify(r#","intents":1,"guild_id":"1""#), 4002),
            (identify(&format!(r#","intents":1,"x":"{}""#, "y".repeat(4096))), 4002),
            (
                r#"{"op":2,"d":{"token":1,"properties":{},"intents":1}}"#.to_owned(),
                4002,
            ),
            (r#"{"op":2,"d":{"token":"t","intents":1}}"#.to_owned(), 4002),
            (
                r#"{"op":2,"d":{"token":"t","properties":{"os":1},"intents":1}}"#.to_owned(),
                4002,
            ),
            (r#"{"op":2,"d":null}"#.to_owned(), 4002),
            (r#"{"op":3,"d":{"status":"online","afk":"no"}}"#.to_owned(), 4002),
            (
                r#"{"op":3,"d":{"status":"online","activities":[{"type":0}]}}"#.to_owned(),
                4002,
            ),
            (
                r#"{"op":3,"d":{"status":"online","activities":[{"name":"x"}]}}"#.to_owned(),
                4002,
            ),
            (
                r#"{"op":3,"d":{"status":"online","activities":[{"name":"x","type":9}]}}"#.to_owned(),
                4002,
            ),
            (r#"{"op":4,"d":{"channel_id":null}}"#.to_owned(), 4002),
            (r#"{"op":6,"d":{"token":"t","session_id":"s"}}"#.to_owned(), 4002),
            (
                r#"{"op":6,"d":{"token":"t","session_id":"s","seq":null}}"#.to_owned(),
                4002,
            ),
            (r#"{"op":31,"d":{}}"#.to_owned(), 4002),
            (r#"{"op":43,"d":{}}"#.to_owned(), 4002),
            (r#"{"op":43,"d":{"guild_id":"1"}}"#.to_owned(), 4002),
            (r#"{"op":43,"d":{"guild_id":"1","fields":["name"]}}"#.to_owned(), 4002),
            (members(""), 4002),
            (members(r#","query":"a""#), 4002),
            (members(r#","query":"a","limit":-1"#), 4002),
            (members(r#","query":"a","limit":1,"user_ids":["1"]"#), 4002),
            (members(r#","user_ids":["x"]"#), 4002),
            (members(r#","user_ids":["1"],"presence":true"#), 4002),
            (r#"{"op":8,"d":{"query":"","limit":0}}"#.to_owned(), 4002),
        ] {
            assert_eq!(read(text.as_bytes()).map_err(|close| close.code), Err(code), "{text}");
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let text = r#"{"op":2,"d":{"token":"t","properties":{"os":"x"},"intents":33281,"shard":[1,2],"compress":true,"large_threshold":250,"capabilities":0,"v":10}}"#;
        let Ok((2, Payload::Identify(identify))) = read(text.as_bytes()) else {
            panic!("no IDENTIFY")
        };
        assert_eq!(
            (identify.token.as_str(), identify.intents, identify.shard),
            ("t", 33_281, (1, 2))
        );
        assert!(identify.compress && identify.large_threshold == 250);
        assert_eq!(read(br#"{"op":1,"d":null}"#), Ok((1, Payload::Heartbeat)));
        for text in [
            r#"{"op":1,"d":251}"#,
            r#"{"op":3,"d":{"since":null,"activities":[{"name":"x","type":3,"url":null}],"status":"dnd","afk":false}}"#,
            r#"{"op":3,"d":{"status":null,"game":{"name":"x","type":0},"since":0,"afk":false}}"#,
            r#"{"op":4,"d":{"guild_id":"1","channel_id":null,"self_mute":false,"self_deaf":true}}"#,
            r#"{"op":8,"d":{"guild_id":"1","query":"","limit":0,"user_ids":["2"],"nonce":null}}"#,
            r#"{"op":8,"d":{"guild_id":1,"user_ids":"2"}}"#,
            r#"{"op":31,"d":{"guild_ids":["1"]}}"#,
            r#"{"op":43,"d":{"guild_id":"1","fields":["status"]}}"#,
        ] {
            assert!(read(text.as_bytes()).is_ok(), "{text}: {:?}", read(text.as_bytes()));
        }
    }

    #[test]
    fn what_twilight_sends_is_accepted() {
        use twilight_model::{
            gateway::{
                Capabilities, Intents, ShardId,
                payload::outgoing::{
                    Heartbeat, Identify, RequestGuildMembers, Resume, UpdatePresence, UpdateVoiceState,
                    identify::{IdentifyInfo, IdentifyProperties},
                },
                presence::{ActivityType, MinimalActivity, Status},
            },
            id::Id,
        };
        let activity = MinimalActivity {
            kind: ActivityType::Watching,
            name: "2 servers".to_owned(),
            url: None,
        };
        let presence = UpdatePresence::new(vec![activity.into()], false, None, Status::Online).expect("an activity");
        let identify = Identify::new(IdentifyInfo {
            capabilities: Capabilities::empty(),
            compress: false,
            intents: Intents::GUILDS,
            large_threshold: 50,
            presence: Some(presence.d.clone()),
            properties: IdentifyProperties::new("twilight.rs", "twilight.rs", "linux"),
            shard: Some(ShardId::ONE),
            token: "t".to_owned(),
        });
        let guild = RequestGuildMembers::builder(Id::new(1));
        for sent in [
            serde_json::to_vec(&identify),
            serde_json::to_vec(&presence),
            serde_json::to_vec(&Heartbeat::new(Some(3))),
            serde_json::to_vec(&Heartbeat::new(None)),
            serde_json::to_vec(&Resume::new(1, "s", "t")),
            serde_json::to_vec(&guild.clone().query("", Some(0))),
            serde_json::to_vec(&guild.nonce("n").presences(true).user_id(Id::new(2))),
            serde_json::to_vec(&UpdateVoiceState::new(Id::new(1), None, false, true)),
        ] {
            let sent = sent.expect("serializes");
            assert!(
                read(&sent).is_ok(),
                "{}: {:?}",
                String::from_utf8_lossy(&sent),
                read(&sent)
            );
        }
    }
}
