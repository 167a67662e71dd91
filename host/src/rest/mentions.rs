//! `allowed_mentions`: a message that says nothing of it mentions nobody but the user replied to. Pure.
//!
//! Discord's own default pings whoever the text names, @everyone included
//! (<https://discord.com/developers/docs/resources/message#allowed-mentions-object>), so it is never left to Discord.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value, json};

use super::Method;

/// Where in a body the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// It is the body.
    Whole,
    /// It is below this key, if that is there.
    Below(&'static str),
}

/// Whether a route's body is a message, and where in it.
pub(super) fn slot(method: Method, segments: &[&str]) -> Option<Slot> {
    match (method, segments) {
        (Method::Post, ["channels", _, "messages"] | ["webhooks", _, _])
        | (Method::Patch, ["channels", _, "messages", _] | ["webhooks", _, _, "messages", _]) => Some(Slot::Whole),
        (Method::Post, ["channels", _, "threads"]) => Some(Slot::Below("message")),
        _ => None,
    }
}

/// A message's body that mentions nobody but the user replied to, unless it says otherwise itself.
///
/// # Errors
///
/// If the body is no JSON object.
pub fn with_safe_mentions(body: Vec<u8>) -> Result<Vec<u8>, serde_json::Error> {
    fill(body, Slot::Whole)
}

/// `allowed_mentions` that mentions nobody at all, for the host's own texts.
#[must_use]
pub fn without_mentions() -> Value {
    json!({"parse": []})
}

const SAFE: &str = r#""allowed_mentions":{"parse":[],"replied_user":true}"#;

fn safe() -> Value {
    json!({"parse": [], "replied_user": true})
}

pub(super) fn fill(body: Vec<u8>, slot: Slot) -> Result<Vec<u8>, serde_json::Error> {
    match slot {
        Slot::Whole => match serde_json::from_slice::<Look>(&body)? {
            Look { mentions: true, .. } => Ok(body),
            // A null asks for Discord's default. Two keys of one name would be ambiguous: write the body anew.
            Look { has_null: true, .. } => {
                let mut message: Map<String, Value> = serde_json::from_slice(&body)?;
                message.insert("allowed_mentions".to_owned(), safe());
                serde_json::to_vec(&message)
            }
            Look { is_empty, .. } => Ok(spliced(&body, is_empty)),
        },
        Slot::Below(key) => {
            let mut whole: Map<String, Value> = serde_json::from_slice(&body)?;
            match whole.get_mut(key) {
                Some(Value::Object(message)) if message.get("allowed_mentions").is_none_or(Value::is_null) => {
                    message.insert("allowed_mentions".to_owned(), safe());
                    serde_json::to_vec(&whole)
                }
                _ => Ok(body),
            }
        }
    }
}

/// The object with one key more, right behind its opening brace: the rest stays as it was written.
fn spliced(body: &[u8], is_empty: bool) -> Vec<u8> {
    let brace = body.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
    let mut out = Vec::with_capacity(body.len() + SAFE.len() + 1);
    out.extend_from_slice(&body[..brace]);
    out.extend_from_slice(SAFE.as_bytes());
    if !is_empty {
        out.push(b',');
    }
    out.extend_from_slice(&body[brace..]);
    out
}

/// What a message's body says of mentions, read without keeping it.
struct Look {
    is_empty: bool,
    mentions: bool,
    has_null: bool,
}

impl<'de> Deserialize<'de> for Look {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Look;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message: an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Look, A::Error> {
                let mut look = Look {
                    is_empty: true,
                    mentions: false,
                    has_null: false,
                };
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    look.is_empty = false;
                    if key.0 == "allowed_mentions" {
                        // The last of several counts, as for most readers.
                        look.mentions = map.next_value::<Option<IgnoredAny>>()?.is_some();
                        look.has_null = !look.mentions;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(look)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_says_nothing_mentions_nobody() {
        for (body, expected) in [
            ("{}", r#"{"allowed_mentions":{"parse":[],"replied_user":true}}"#),
            (
                " { \"content\" : \"@everyone\" } ",
                r#" {"allowed_mentions":{"parse":[],"replied_user":true}, "content" : "@everyone" } "#,
            ),
            (
                r#"{"embeds":[{"allowed_mentions":{"parse":["everyone"]}}]}"#,
                r#"{"allowed_mentions":{"parse":[],"replied_user":true},"embeds":[{"allowed_mentions":{"parse":["everyone"]}}]}"#,
            ),
            (
                r#"{"allowed_mentions":null,"content":"a"}"#,
                r#"{"allowed_mentions":{"parse":[],"replied_user":true},"content":"a"}"#,
            ),
            (
                r#"{"allowed_mentions":{"parse":[]},"allowed_mentions":null}"#,
                r#"{"allowed_mentions":{"parse":[],"replied_user":true}}"#,
            ),
        ] {
            let filled = with_safe_mentions(body.as_bytes().to_vec()).unwrap();
            assert_eq!(String::from_utf8(filled).unwrap(), expected);
        }
    }

    #[test]
    fn what_the_author_says_stays() {
        for body in [
            r#"{"content":"a","allowed_mentions":{"parse":["users"]}}"#,
            r#"{"allowed_mentions":{}}"#,
            r#"{"\u0061llowed_mentions":{"users":["1"]}}"#,
        ] {
            assert_eq!(with_safe_mentions(body.as_bytes().to_vec()).unwrap(), body.as_bytes());
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for body in ["", "[]", "\"x\"", "{\"a\":1", "{\"a\":1} x"] {
            assert!(with_safe_mentions(body.as_bytes().to_vec()).is_err(), "{body}");
        }
    }
}
