//! Discord's ids, each a type of its own: a role's id is no user's.
//!
//! They are written as decimal strings, as Discord writes them, and read from strings or numbers
//! (<https://discord.com/developers/docs/reference#snowflakes>).

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is no Discord id: not a decimal number between 1 and 2^64 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a Discord id (a number of up to 20 digits)")
    }
}

impl std::error::Error for InvalidId {}

/// Milliseconds between 1970 and Discord's epoch, the first moment of 2015.
const DISCORD_EPOCH: u64 = 1_420_070_400_000;

/// The name by which ids say to serde what they are: SQL keeps them as integers, though they are texts elsewhere.
pub const SNOWFLAKE: &str = "Snowflake";

struct Digits(NonZeroU64);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

struct IdVisitor;

impl<'de> de::Visitor<'de> for IdVisitor {
    type Value = NonZeroU64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Discord id as a string or a number")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<NonZeroU64, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<NonZeroU64, E> {
        NonZeroU64::new(value).ok_or_else(|| E::custom(InvalidId))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<NonZeroU64, E> {
        value.parse().map_err(|_| E::custom(InvalidId))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The id with this number; `None` for 0, which no id is.
            #[must_use]
            pub const fn new(id: u64) -> Option<Self> {
                match NonZeroU64::new(id) {
                    Some(id) => Some(Self(id)),
                    None => None,
                }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0.get()
            }

            /// When it was made, in milliseconds since 1970.
            #[must_use]
            pub const fn timestamp_millis(self) -> u64 {
                (self.get() >> 22) + DISCORD_EPOCH
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.parse().map(Self).map_err(|_| InvalidId)
            }
        }

        impl From<NonZeroU64> for $name {
            fn from(id: NonZeroU64) -> Self {
                Self(id)
            }
        }

        impl From<$name> for NonZeroU64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(SNOWFLAKE, &Digits(self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_newtype_struct(SNOWFLAKE, IdVisitor).map(Self)
            }
        }
    )*};
}

ids! {
    /// The id of an application, and of its bot's commands.
    ApplicationId;
    /// The id of a file of a message.
    AttachmentId;
    /// The id of a channel or thread.
    ChannelId;
    /// The id of a server's emoji.
    EmojiId;
    /// The id of a server.
    GuildId;
    /// The id of an interaction.
    InteractionId;
    /// The id of a message.
    MessageId;
    /// The id of a role; @everyone's is the server's.
    RoleId;
    /// The id of a user or bot.
    UserId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_from_strings_and_numbers_and_written_as_strings() {
        let id: UserId = serde_json::from_str("\"175928847299117063\"").unwrap();
        assert_eq!(id, serde_json::from_str("175928847299117063").unwrap());
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"175928847299117063\"");
        assert_eq!(id.timestamp_millis(), 1_462_015_105_796);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "\"\"",
            "\"0\"",
            "0",
            "\"-1\"",
            "\"12a\"",
            "\"18446744073709551616\"",
            "null",
        ] {
            assert!(serde_json::from_str::<UserId>(text).is_err(), "{text}");
        }
    }
}
