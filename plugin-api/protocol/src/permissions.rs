//! Discord's permission bits and their names, of a user, a role or an overwrite.
//!
//! Bits and sums of them only: who has which is computed by the host.
//! Source: <https://discord.com/developers/docs/topics/permissions>.

use std::{
    fmt,
    ops::{BitAnd, BitOr, BitOrAssign, Not},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A set of permissions. As JSON a decimal text, as Discord has it, since numbers of JSON lose bits in some languages.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u64);

macro_rules! permissions {
    ($($name:ident = $bit:literal, $shown:literal;)*) => {
        impl Permissions {
            $(
                #[doc = concat!("*", $shown, "*, bit ", stringify!($bit), ".")]
                pub const $name: Self = Self(1 << $bit);
            )*

            /// All that this side knows.
            pub const ALL: Self = Self(0 $(| 1 << $bit)*);

            /// Discord's names of the bits, and the ones that people see in their client.
            const NAMES: &'static [(Self, &'static str, &'static str)] = &[
                $((Self::$name, stringify!($name), $shown)),*
            ];
        }
    };
}

permissions! {
    CREATE_INSTANT_INVITE = 0, "Create Invite";
    KICK_MEMBERS = 1, "Kick Members";
    BAN_MEMBERS = 2, "Ban Members";
    ADMINISTRATOR = 3, "Administrator";
    MANAGE_CHANNELS = 4, "Manage Channels";
    MANAGE_GUILD = 5, "Manage Server";
    ADD_REACTIONS = 6, "Add Reactions";
    VIEW_AUDIT_LOG = 7, "View Audit Log";
    PRIORITY_SPEAKER = 8, "Priority Speaker";
    STREAM = 9, "Video";
    VIEW_CHANNEL = 10, "View Channels";
    SEND_MESSAGES = 11, "Send Messages";
    SEND_TTS_MESSAGES = 12, "Send Text-to-Speech Messages";
    MANAGE_MESSAGES = 13, "Manage Messages";
    EMBED_LINKS = 14, "Embed Links";
    ATTACH_FILES = 15, "Attach Files";
    READ_MESSAGE_HISTORY = 16, "Read Message History";
    MENTION_EVERYONE = 17, "Mention @everyone, @here and All Roles";
    USE_EXTERNAL_EMOJIS = 18, "Use External Emoji";
    VIEW_GUILD_INSIGHTS = 19, "View Server Insights";
    CONNECT = 20, "Connect";
    SPEAK = 21, "Speak";
    MUTE_MEMBERS = 22, "Mute Members";
    DEAFEN_MEMBERS = 23, "Deafen Members";
    MOVE_MEMBERS = 24, "Move Members";
    USE_VAD = 25, "Use Voice Activity";
    CHANGE_NICKNAME = 26, "Change Nickname";
    MANAGE_NICKNAMES = 27, "Manage Nicknames";
    MANAGE_ROLES = 28, "Manage Roles";
    MANAGE_WEBHOOKS = 29, "Manage Webhooks";
    MANAGE_GUILD_EXPRESSIONS = 30, "Manage Expressions";
    USE_APPLICATION_COMMANDS = 31, "Use Application Commands";
    REQUEST_TO_SPEAK = 32, "Request to Speak";
    MANAGE_EVENTS = 33, "Manage Events";
    MANAGE_THREADS = 34, "Manage Threads";
    CREATE_PUBLIC_THREADS = 35, "Create Public Threads";
    CREATE_PRIVATE_THREADS = 36, "Create Private Threads";
    USE_EXTERNAL_STICKERS = 37, "Use External Stickers";
    SEND_MESSAGES_IN_THREADS = 38, "Send Messages in Threads";
    USE_EMBEDDED_ACTIVITIES = 39, "Use Activities";
    MODERATE_MEMBERS = 40, "Timeout Members";
    VIEW_CREATOR_MONETIZATION_ANALYTICS = 41, "View Monetization Analytics";
    USE_SOUNDBOARD = 42, "Use Soundboard";
    CREATE_GUILD_EXPRESSIONS = 43, "Create Expressions";
    CREATE_EVENTS = 44, "Create Events";
    USE_EXTERNAL_SOUNDS = 45, "Use External Sounds";
    SEND_VOICE_MESSAGES = 46, "Send Voice Messages";
    SEND_POLLS = 49, "Create Polls";
    USE_EXTERNAL_APPS = 50, "Use External Apps";
    PIN_MESSAGES = 51, "Pin Messages";
    BYPASS_SLOWMODE = 52, "Bypass Slowmode";
}

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);

    /// The permissions of these bits, those that this side doesn't know included.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Both; `|` for constants.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are among them.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The permission that Discord's documentation calls so, such as `BAN_MEMBERS`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(_, discord, _)| *discord == name);
        known.map(|(permission, ..)| *permission)
    }

    /// What people see in their client, such as *Ban Members*; unknown bits are left out.
    pub fn shown(self) -> impl Iterator<Item = &'static str> {
        let known = Self::NAMES.iter();
        known
            .filter(move |(bit, ..)| self.contains(*bit))
            .map(|(.., shown)| *shown)
    }

    /// Discord's names, such as `BAN_MEMBERS`; unknown bits are left out.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let known = Self::NAMES.iter();
        known
            .filter(move |(bit, ..)| self.contains(*bit))
            .map(|(_, name, _)| *name)
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl BitOrAssign for Permissions {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.with(other);
    }
}

impl BitAnd for Permissions {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Permissions {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bits;

        impl de::Visitor<'_> for Bits {
            type Value = Permissions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("permission bits as a decimal text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Permissions, E> {
                text.parse().map(Permissions).map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, bits: u64) -> Result<Permissions, E> {
                Ok(Permissions(bits))
            }
        }

        deserializer.deserialize_any(Bits)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Permissions;

    #[test]
    fn they_travel_as_discord_writes_them() {
        let both = Permissions::BAN_MEMBERS | Permissions::BYPASS_SLOWMODE;
        assert_eq!(serde_json::to_string(&both).unwrap(), "\"4503599627370500\"");
        assert_eq!(
            serde_json::from_str::<Permissions>("\"4503599627370500\"").unwrap(),
            both
        );
        assert_eq!(
            serde_json::from_str::<Permissions>("4").unwrap(),
            Permissions::BAN_MEMBERS
        );
        assert_eq!(format!("{both:?}"), "{\"BAN_MEMBERS\", \"BYPASS_SLOWMODE\"}");
    }

    #[test]
    fn names_are_discords() {
        assert_eq!(
            Permissions::from_name("MODERATE_MEMBERS"),
            Some(Permissions::from_bits(1 << 40))
        );
        assert_eq!(Permissions::from_name("TIMEOUT_MEMBERS"), None);
        assert_eq!(
            Permissions::MODERATE_MEMBERS.shown().collect::<Vec<_>>(),
            ["Timeout Members"]
        );
    }
}
