//! A message's body on its way through: top-level keys are read and added, what is below stays as the plugin wrote it.
//!
//! Pure. Here the host's rules about mentions, references and flags enter a body.

use std::{borrow::Cow, fmt};

use plugin_protocol::MessageId;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use super::plain;

/// The message flag that makes an answer visible to the asker only
/// (<https://discord.com/developers/docs/resources/message#message-object-message-flags>).
const EPHEMERAL: u64 = 1 << 6;
/// The message flag by which components are all of the message.
const COMPONENTS_V2: u64 = 1 << 15;
/// Discord's limit for the text of a message, in characters
/// (<https://discord.com/developers/docs/resources/message#create-message>).
const LONGEST_TEXT: usize = 2000;

/// The top level of a message's body.
#[derive(Clone, Debug, Default)]
pub struct Body<'a> {
    fields: Vec<(Cow<'a, str>, Cow<'a, RawValue>)>,
}

impl<'a> Body<'a> {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// It is no JSON object; says where.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// A body that is only text, cut at Discord's limit.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut body = Self::default();
        body.set_text(text);
        body
    }

    /// Replaces the text, cut at Discord's limit.
    fn set_text(&mut self, text: &str) {
        if text.chars().nth(LONGEST_TEXT).is_some() {
            let cut: String = text.chars().take(LONGEST_TEXT - 1).collect();
            self.set("content", &format!("{cut}…"));
        } else {
            self.set("content", &text);
        }
    }

    /// Whether the plugin asked for an ephemeral message by its flags.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.flags() & EPHEMERAL != 0
    }

    /// Adds the flag of ephemeral messages, or takes it away.
    pub fn set_ephemeral(&mut self, ephemeral: bool) {
        let flags = self.flags();
        let wanted = if ephemeral {
            flags | EPHEMERAL
        } else {
            flags & !EPHEMERAL
        };
        if wanted != flags {
            self.set("flags", &wanted);
        }
    }

    /// Lets it mention nobody (but the one replied to, if `replied_user`), unless it says itself whom.
    pub fn limit_mentions(&mut self, replied_user: bool) {
        #[derive(Serialize)]
        struct AllowedMentions {
            parse: [(); 0],
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            replied_user: bool,
        }
        if self.get("allowed_mentions").is_none() {
            self.set(
                "allowed_mentions",
                &AllowedMentions {
                    parse: [],
                    replied_user,
                },
            );
        }
    }

    /// Its components, if it has some.
    #[must_use]
    pub fn components(&self) -> Option<Value> {
        serde_json::from_str(self.get("components")?.get()).ok()
    }

    /// Lets a mention of everyone notify, beside whom it names itself.
    pub fn ping_everyone(&mut self) {
        let mentions = self
            .get("allowed_mentions")
            .and_then(|own| serde_json::from_str(own.get()).ok());
        let mut mentions: Value = mentions.unwrap_or_else(|| json!({ "replied_user": true }));
        mentions["parse"] = json!(["everyone"]);
        self.set("allowed_mentions", &mentions);
    }

    /// Empties the text, unless it has one: for what takes the place of another message. Beside the flag of Components V2
    /// Discord takes no text, and refuses the flag where one stays
    /// (<https://discord.com/developers/docs/components/reference#component-reference>).
    pub fn clear_text(&mut self) {
        if self.is_of_components() {
            self.set("content", &Value::Null);
        } else if self.get("content").is_none() {
            self.set("content", &"");
        }
    }

    /// Whether its components are the message, by the flag of Components V2: then it has no text.
    fn is_of_components(&self) -> bool {
        self.flags() & COMPONENTS_V2 != 0
    }

    /// Says as text what its embeds say, where the bot may not embed.
    pub fn embeds_as_text(&mut self) {
        let Some(embeds) = self.get("embeds") else { return };
        let embeds: Value = serde_json::from_str(embeds.get()).unwrap_or_default();
        let said = plain::text_of(&embeds);
        if said.is_empty() {
            return;
        }
        let own = self
            .get("content")
            .and_then(|text| serde_json::from_str::<String>(text.get()).ok());
        let all = match own.filter(|own| !own.is_empty()) {
            Some(own) => format!("{own}\n{said}"),
            None => said,
        };
        self.set_text(&all);
        self.set("embeds", &[(); 0]);
    }

    /// Makes it a reply to a message, unless it says itself to which.
    pub fn refer_to(&mut self, message_id: MessageId) {
        #[derive(Serialize)]
        struct Reference {
            message_id: MessageId,
            fail_if_not_exists: bool,
        }
        if self.get("message_reference").is_none() {
            let fail_if_not_exists = false;
            self.set(
                "message_reference",
                &Reference {
                    message_id,
                    fail_if_not_exists,
                },
            );
        }
    }

    /// Takes away, in an edit, whatever the message had and this body doesn't say.
    pub fn leave_nothing(&mut self) {
        self.clear_text();
        for list in ["embeds", "components", "attachments"] {
            if self.get(list).is_none() {
                self.set(list, &[(); 0]);
            }
        }
    }

    /// The body as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json(self)
    }

    /// The body as the data of an interaction's callback.
    #[must_use]
    pub fn to_callback(&self, kind: u8) -> Vec<u8> {
        #[derive(Serialize)]
        struct Callback<'b> {
            #[serde(rename = "type")]
            kind: u8,
            data: &'b Body<'b>,
        }
        json(&Callback { kind, data: self })
    }

    fn get(&self, key: &str) -> Option<&RawValue> {
        let (_, value) = self.fields.iter().find(|(name, _)| name == key)?;
        Some(value)
    }

    fn set(&mut self, key: &'static str, value: &impl Serialize) {
        let value = Cow::Owned(to_raw_value(value).expect("plain structures are JSON"));
        match self.fields.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.fields.push((Cow::Borrowed(key), value)),
        }
    }

    /// The flags; 0 if there are none, or none that are a number (Discord will say so).
    fn flags(&self) -> u64 {
        self.get("flags")
            .and_then(|flags| serde_json::from_str(flags.get()).ok())
            .unwrap_or(0)
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what was JSON is JSON again")
}

impl<'de> Deserialize<'de> for Body<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Body<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message: a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de>, A::Error> {
                #[derive(Deserialize)]
                struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

                let mut fields = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    fields.push((key, Cow::Borrowed(value)));
                }
                Ok(Body { fields })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (key, value) in &self.fields {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(body: &Body<'_>) -> String {
        String::from_utf8(body.to_json()).unwrap()
    }

    #[test]
    fn a_reply_gets_what_it_lacks_and_keeps_the_rest_byte_by_byte() {
        let mut body =
            Body::parse(br#"{"content":"a\u00e9", "embeds":[ {"title" : 1.50e3} ],"unknown":null}"#).unwrap();
        body.limit_mentions(true);
        body.refer_to(MessageId::new(7).unwrap());
        insta::assert_snapshot!(written(&body), @r#"{"content":"a\u00e9","embeds":[ {"title" : 1.50e3} ],"unknown":null,"allowed_mentions":{"parse":[],"replied_user":true},"message_reference":{"message_id":"7","fail_if_not_exists":false}}"#);
    }

    #[test]
    fn what_it_says_itself_stays() {
        let json = r#"{"allowed_mentions":{"users":["1"]},"message_reference":{"message_id":"2"}}"#;
        let mut body = Body::parse(json.as_bytes()).unwrap();
        body.limit_mentions(true);
        body.refer_to(MessageId::new(7).unwrap());
        body.set_ephemeral(false);
        assert_eq!(written(&body), json);
    }

    #[test]
    fn the_ephemeral_flag_joins_and_leaves_others() {
        let mut body = Body::parse(br#"{"flags":4}"#).unwrap();
        assert!(!body.is_ephemeral());
        body.set_ephemeral(true);
        assert!(body.is_ephemeral());
        assert_eq!(written(&body), r#"{"flags":68}"#);
        body.set_ephemeral(false);
        assert_eq!(written(&body), r#"{"flags":4}"#);
    }

    #[test]
    fn texts_are_cut_at_discords_limit() {
        let content = |text: &str| {
            let body: serde_json::Value = serde_json::from_str(&written(&Body::text(text))).unwrap();
            body["content"].as_str().unwrap().to_owned()
        };
        assert_eq!(content("a \"b\""), "a \"b\"");
        assert_eq!(content(&"ä".repeat(2000)), "ä".repeat(2000));
        assert_eq!(content(&"ä".repeat(2001)), format!("{}…", "ä".repeat(1999)));
    }

    #[test]
    fn the_text_of_a_note_goes_with_what_takes_its_place() {
        let cleared = |json: &str| {
            let mut body = Body::parse(json.as_bytes()).unwrap();
            body.clear_text();
            written(&body)
        };
        assert_eq!(cleared("{}"), r#"{"content":""}"#);
        assert_eq!(cleared(r#"{"content":"a"}"#), r#"{"content":"a"}"#);
        assert_eq!(cleared(r#"{"flags":32768}"#), r#"{"flags":32768,"content":null}"#);
    }

    #[test]
    fn only_objects_are_bodies() {
        for bad in ["", "[]", "\"a\"", "{\"a\":}", "{} {}", "null"] {
            assert!(Body::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
