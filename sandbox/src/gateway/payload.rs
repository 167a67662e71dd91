//! What clients send: each payload read and checked, with the close code that Discord has for what is wrong
//! (<https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes>).

use serde_json::Value;

use super::intents::{self, Intents};

/// Largest payload that a client may send.
pub(crate) const LARGEST: usize = 4096;

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Close(pub(crate) u16, pub(crate) &'static str);

pub(crate) const UNKNOWN_OPCODE: Close = Close(4001, "Unknown opcode.");
pub(crate) const DECODE_ERROR: Close = Close(4002, "Error while decoding payload.");
pub(crate) const NOT_AUTHENTICATED: Close = Close(4003, "Not authenticated.");
pub(crate) const AUTHENTICATION_FAILED: Close = Close(4004, "Authentication failed.");
pub(crate) const ALREADY_AUTHENTICATED: Close = Close(4005, "Already authenticated.");
pub(crate) const INVALID_SEQUENCE: Close = Close(4007, "Invalid sequence.");
pub(crate) const RATE_LIMITED: Close = Close(4008, "Rate limited.");
pub(crate) const TIMED_OUT: Close = Close(4009, "Session timed out.");
pub(crate) const INVALID_SHARD: Close = Close(4010, "Invalid shard.");
pub(crate) const INVALID_VERSION: Close = Close(4012, "Invalid API version.");
pub(crate) const INVALID_INTENTS: Close = Close(4013, "Invalid intent(s).");
pub(crate) const DISALLOWED_INTENTS: Close = Close(4014, "Disallowed intent(s).");

/// A payload of a client.
#[derive(Debug, PartialEq)]
pub(crate) enum Payload {
    Heartbeat,
    Identify(Identify),
    Presence,
    VoiceState,
    Resume {
        token: String,
        session: String,
        sequence: u64,
    },
    Members(Value),
    /// Known to Discord, without meaning here.
    Ignored,
}

/// IDENTIFY, checked as far as it can be without knowing the bot.
#[derive(Debug, PartialEq)]
pub(crate) struct Identify {
    pub(crate) token: String,
    pub(crate) intents: Intents,
    pub(crate) shard: (u64, u64),
}

/// Reads one payload; also gives its opcode and `op` for the log.
pub(crate) fn read(text: &[u8]) -> Result<(u64, Payload), Close> {
    if text.len() > LARGEST {
        return Err(DECODE_ERROR);
    }
    let payload: Value = serde_json::from_slice(text).map_err(|_| DECODE_ERROR)?;
    let op = payload["op"].as_u64().ok_or(if payload.is_object() {
        UNKNOWN_OPCODE
    } else {
        DECODE_ERROR
    })?;
    let data = &payload["d"];
    let read = match op {
        1 => Payload::Heartbeat,
        2 => Payload::Identify(identify(data)?),
        3 if is_presence(data) => Payload::Presence,
        4 if data.is_object() => Payload::VoiceState,
        6 => Payload::Resume {
            token: text_of(data, "token")?,
            session: text_of(data, "session_id")?,
            sequence: data["seq"].as_u64().ok_or(DECODE_ERROR)?,
        },
        8 if data.is_object() => Payload::Members(data.clone()),
        31 | 43 => Payload::Ignored,
        3 | 4 | 8 => return Err(DECODE_ERROR),
        _ => return Err(UNKNOWN_OPCODE),
    };
    Ok((op, read))
}

fn text_of(data: &Value, key: &str) -> Result<String, Close> {
    data[key].as_str().map(str::to_owned).ok_or(DECODE_ERROR)
}

fn identify(data: &Value) -> Result<Identify, Close> {
    let token = text_of(data, "token")?;
    if !data["properties"].is_object() {
        return Err(DECODE_ERROR);
    }
    // Intents are required since version 8.
    let intents = data["intents"].as_u64().ok_or(if data["intents"].is_null() {
        DECODE_ERROR
    } else {
        INVALID_INTENTS
    })?;
    if !intents::is_valid(intents) {
        return Err(INVALID_INTENTS);
    }
    let shard = match &data["shard"] {
        Value::Null => (0, 1),
        Value::Array(pair) => match (
            pair.first().and_then(Value::as_u64),
            pair.get(1).and_then(Value::as_u64),
        ) {
            (Some(shard), Some(count)) if pair.len() == 2 && shard < count => (shard, count),
            _ => return Err(INVALID_SHARD),
        },
        _ => return Err(INVALID_SHARD),
    };
    if data["large_threshold"]
        .as_u64()
        .is_some_and(|members| !(50..=250).contains(&members))
    {
        return Err(DECODE_ERROR);
    }
    if !data["presence"].is_null() && !is_presence(&data["presence"]) {
        return Err(DECODE_ERROR);
    }
    Ok(Identify { token, intents, shard })
}

fn is_presence(data: &Value) -> bool {
    let status = data["status"].as_str();
    let activities = data["activities"].as_array();
    status.is_some_and(|status| ["online", "dnd", "idle", "invisible", "offline"].contains(&status))
        && activities.is_none_or(|all| all.iter().all(|one| one["name"].is_string() && one["type"].is_u64()))
}

#[cfg(test)]
mod tests {
    use super::{DECODE_ERROR, INVALID_INTENTS, INVALID_SHARD, Payload, UNKNOWN_OPCODE, read};

    #[test]
    fn what_is_wrong_has_its_close_code() {
        let identify = |more: &str| format!(r#"{{"op":2,"d":{{"token":"t","properties":{{}}{more}}}}}"#);
        for (text, close) in [
            ("nonsense".to_owned(), DECODE_ERROR),
            ("[1]".to_owned(), DECODE_ERROR),
            (r#"{"op":5,"d":{}}"#.to_owned(), UNKNOWN_OPCODE),
            (r#"{"d":{}}"#.to_owned(), UNKNOWN_OPCODE),
            (identify(""), DECODE_ERROR),
            (identify(r#","intents":131072"#), INVALID_INTENTS),
            (identify(r#","intents":-1"#), INVALID_INTENTS),
            (identify(r#","intents":1,"shard":[1,1]"#), INVALID_SHARD),
            (identify(r#","intents":1,"shard":[0]"#), INVALID_SHARD),
            (identify(r#","intents":1,"presence":{"status":"happy"}"#), DECODE_ERROR),
            (
                identify(&format!(r#","intents":1,"x":"{}""#, "y".repeat(4096))),
                DECODE_ERROR,
            ),
            (
                r#"{"op":6,"d":{"token":"t","session_id":"s"}}"#.to_owned(),
                DECODE_ERROR,
            ),
        ] {
            assert_eq!(read(text.as_bytes()), Err(close), "{text}");
        }
    }

    #[test]
    fn identify_is_read() {
        let text = r#"{"op":2,"d":{"token":"t","properties":{"os":"x"},"intents":33281,"shard":[1,2],"compress":true,"large_threshold":250}}"#;
        let Ok((2, Payload::Identify(identify))) = read(text.as_bytes()) else {
            panic!("no IDENTIFY")
        };
        assert_eq!(
            (identify.token.as_str(), identify.intents, identify.shard),
            ("t", 33_281, (1, 2))
        );
        assert_eq!(read(br#"{"op":1,"d":null}"#), Ok((1, Payload::Heartbeat)));
    }
}
