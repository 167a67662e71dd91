//! The partial read: of an event just what decides who gets it, in one pass, borrowed from the payload.
//!
//! Depth-aware: a message's own server and author, not those of the message that it answers. The keys may come in any
//! order, and a field of an unexpected type reads as absent: whoever wants the event parses it whole.

use std::{borrow::Cow, fmt, num::NonZeroU64};

use plugin_protocol::{ChannelId, GuildId, UserId};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// What decides who gets an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial<'a> {
    /// Discord's name of the event; empty for what is no dispatch.
    pub kind: Cow<'a, str>,
    /// Its number in the session.
    pub sequence: Option<u64>,
    /// The server. Events of the server itself (`GUILD_CREATE`, ...) have it in `id`.
    pub guild_id: Option<GuildId>,
    /// The channel.
    pub channel_id: Option<ChannelId>,
    /// The id of what the event is about: the message, interaction, channel, server.
    pub id: Option<NonZeroU64>,
    /// Who caused it, where the event tells.
    pub author_id: Option<UserId>,
    /// Whether a bot caused it, where the event tells.
    pub author_is_bot: bool,
    /// Whether a webhook sent the message. Answers to interactions are webhook messages, too.
    pub is_webhook: bool,
    /// A message's text.
    pub content: Cow<'a, str>,
    /// The `type` of a message, interaction or channel, if it is a number.
    pub number: Option<u8>,
}

impl<'a> Partial<'a> {
    /// Of a message: whether its author said it, in place of Discord's telling what they did, such as beginning a thread
    /// (<https://discord.com/developers/docs/resources/message#message-object-message-types>).
    #[must_use]
    pub const fn is_said(&self) -> bool {
        matches!(self.number, None | Some(0 | 19))
    }

    /// Whether a bot or a webhook caused it, as far as the event tells.
    #[must_use]
    pub const fn is_by_bot(&self) -> bool {
        self.author_is_bot || self.is_webhook
    }

    /// Reads a payload of the gateway.
    ///
    /// # Errors
    ///
    /// If it is no JSON object.
    pub fn read(payload: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(payload)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Partial<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Envelope)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum EnvelopeKey {
    T,
    S,
    D,
    #[serde(other)]
    Other,
}

struct Envelope;

impl<'de> Visitor<'de> for Envelope {
    type Value = Partial<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a payload of the gateway: an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Partial<'de>, A::Error> {
        let (mut kind, mut sequence, mut partial) = (Cow::Borrowed(""), None, Partial::default());
        while let Some(key) = map.next_key()? {
            match key {
                EnvelopeKey::T => kind = map.next_value::<Leaf<'de>>()?.text().unwrap_or_default(),
                EnvelopeKey::S => sequence = map.next_value::<Leaf<'de>>()?.number(),
                EnvelopeKey::D => partial = map.next_value::<Data<'de>>()?.0,
                EnvelopeKey::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Partial {
            kind,
            sequence,
            ..partial
        })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum DataKey {
    Author,
    ChannelId,
    Content,
    GuildId,
    Id,
    Member,
    Type,
    User,
    UserId,
    WebhookId,
    #[serde(other)]
    Other,
}

/// The payload's `d`, which may be anything.
struct Data<'a>(Partial<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Data<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(AnyOr(DataVisitor))
            .map(|data| Data(data.unwrap_or_default()))
    }
}

struct DataVisitor;

impl<'de> MapVisitor<'de> for DataVisitor {
    type Value = Partial<'de>;

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Partial<'de>, A::Error> {
        let mut partial = Partial::default();
        let (mut author, mut user, mut user_id) = (None, None, None);
        while let Some(key) = map.next_key()? {
            match key {
                DataKey::Author => author = map.next_value::<Person>()?.known(),
                // An interaction's user is below its member in servers; a joining member is the `user` itself.
                DataKey::Member => user = map.next_value::<Member>()?.0.known().or(user),
                DataKey::User => user = map.next_value::<Person>()?.known().or(user),
                DataKey::UserId => user_id = map.next_value::<Leaf<'de>>()?.id(),
                DataKey::ChannelId => partial.channel_id = map.next_value::<Leaf<'de>>()?.id().map(ChannelId::from),
                DataKey::GuildId => partial.guild_id = map.next_value::<Leaf<'de>>()?.id().map(GuildId::from),
                DataKey::Id => partial.id = map.next_value::<Leaf<'de>>()?.id(),
                DataKey::Content => partial.content = map.next_value::<Leaf<'de>>()?.text().unwrap_or_default(),
                DataKey::Type => {
                    let number: Option<u64> = map.next_value::<Leaf<'de>>()?.number();
                    partial.number = number.and_then(|number| u8::try_from(number).ok());
                }
                DataKey::WebhookId => partial.is_webhook = map.next_value::<Leaf<'de>>()?.id().is_some(),
                DataKey::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let person = author.or(user);
        partial.author_id = person.and_then(|person| person.id).or(user_id).map(UserId::from);
        partial.author_is_bot = person.is_some_and(|person| person.is_bot);
        Ok(partial)
    }
}

/// A user, of which two fields are read.
#[derive(Clone, Copy, Default)]
struct Person {
    id: Option<NonZeroU64>,
    is_bot: bool,
}

impl Person {
    fn known(self) -> Option<Self> {
        self.id.map(|_| self)
    }
}

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> MapVisitor<'de> for Fields {
            type Value = Person;

            fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Person, A::Error> {
                let mut person = Person::default();
                while let Some(key) = map.next_key()? {
                    match key {
                        PersonKey::Id => person.id = map.next_value::<Leaf<'de>>()?.id(),
                        PersonKey::Bot => person.is_bot = matches!(map.next_value()?, Leaf::Bool(true)),
                        PersonKey::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(person)
            }
        }
        deserializer
            .deserialize_any(AnyOr(Fields))
            .map(Option::unwrap_or_default)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum PersonKey {
    Id,
    Bot,
    #[serde(other)]
    Other,
}

/// A member, of which the user is read.
struct Member(Person);

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> MapVisitor<'de> for Fields {
            type Value = Person;

            fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Person, A::Error> {
                let mut user = Person::default();
                while let Some(key) = map.next_key()? {
                    match key {
                        MemberKey::User => user = map.next_value()?,
                        MemberKey::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(user)
            }
        }
        deserializer
            .deserialize_any(AnyOr(Fields))
            .map(|user| Self(user.unwrap_or_default()))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum MemberKey {
    User,
    #[serde(other)]
    Other,
}

/// A value that is not looked into: what it is decides the reader.
enum Leaf<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Bool(bool),
    Other,
}

impl<'a> Leaf<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn id(&self) -> Option<NonZeroU64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Number(number) => NonZeroU64::new(*number),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Leaf<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LeafVisitor)
    }
}

struct LeafVisitor;

impl<'de> Visitor<'de> for LeafVisitor {
    type Value = Leaf<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Leaf<'de>, E> {
        Ok(Leaf::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Leaf<'de>, E> {
        Ok(Leaf::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Leaf<'de>, E> {
        Ok(Leaf::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Leaf<'de>, E> {
        Ok(Leaf::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Leaf<'de>, E> {
        Ok(Leaf::Other)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Leaf<'de>, E> {
        Ok(Leaf::Bool(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Leaf<'de>, E> {
        Ok(Leaf::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Leaf<'de>, A::Error> {
        IgnoredAny.visit_seq(seq).map(|_| Leaf::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Leaf<'de>, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Leaf::Other)
    }
}

/// Reads an object; anything else is skipped and reads as nothing.
trait MapVisitor<'de> {
    type Value;

    fn read<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error>;
}

struct AnyOr<V>(V);

impl<'de, V: MapVisitor<'de>> Visitor<'de> for AnyOr<V> {
    type Value = Option<V::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.read(map).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(seq).map(|_| None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
#[path = "partial_tests.rs"]
mod tests;
