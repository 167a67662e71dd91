//! Types of arguments that are this crate's: colours, dates, users or roles; and lengths of time.
//!
//! The host has read them from a text; here they only get a type that says what they are.

use std::{
    fmt,
    marker::PhantomData,
    time::{Duration, SystemTime},
};

use plugin_protocol::{ArgumentKind, ArgumentValue, SERVER_ZONE};

use super::{Argument, Shape, WrongArgument};
use crate::{Member, Mention, Result, Role, User};

/// A colour: by name (`teal`, `blurple`), as `#1abc9c`, `#fff`, `0x1abc9c` or `rgb(26, 188, 156)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour(pub u32);

impl From<Colour> for u32 {
    fn from(colour: Colour) -> Self {
        colour.0
    }
}

impl fmt::Display for Colour {
    /// As `#1abc9c`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}

impl Argument for Colour {
    const SHAPE: Shape = Shape::of(ArgumentKind::Colour);

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            Some(ArgumentValue::Colour(colour)) => Ok(Self(colour)),
            _ => Err(WrongArgument::wants("a colour")),
        }
    }
}

impl Argument for Duration {
    const SHAPE: Shape = Shape::of(ArgumentKind::Duration);

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            Some(ArgumentValue::Duration(millis)) => Ok(Self::from_millis(millis)),
            _ => Err(WrongArgument::wants("a length of time")),
        }
    }
}

/// The time zone in which a date is meant that doesn't name one.
///
/// ```
/// struct Berlin;
///
/// impl plugin_api::Zone for Berlin {
///     const NAME: &'static str = "Europe/Berlin";
/// }
/// ```
pub trait Zone {
    /// Its name in the IANA's database, such as `Europe/Berlin`. With another, the plugin is refused.
    const NAME: &'static str;
}

/// The time zone UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Utc;

impl Zone for Utc {
    const NAME: &'static str = "UTC";
}

/// The time zone of the server where it is asked, which its owner sets by `config timezone Europe/Berlin`; UTC until then
/// and in direct messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerZone;

impl Zone for ServerZone {
    const NAME: &'static str = SERVER_ZONE;
}

/// A point in time: `2030-12-24 18:00`, `2030-12-24`, `18:00` (the next time that it is), `tomorrow 9:00`, `in 2 days`,
/// a timestamp of Discord's, or RFC 3339 with its own zone.
///
/// What names no zone is meant in that of the type.
pub struct DateTime<Z = Utc> {
    unix_seconds: i64,
    zone: PhantomData<fn() -> Z>,
}

impl<Z> DateTime<Z> {
    /// Seconds since 1970, negative before.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.unix_seconds
    }

    /// The same for the standard library.
    #[must_use]
    pub fn system_time(self) -> SystemTime {
        let distance = Duration::from_secs(self.unix_seconds.unsigned_abs());
        if self.unix_seconds < 0 {
            SystemTime::UNIX_EPOCH - distance
        } else {
            SystemTime::UNIX_EPOCH + distance
        }
    }
}

impl<Z> From<DateTime<Z>> for SystemTime {
    fn from(time: DateTime<Z>) -> Self {
        time.system_time()
    }
}

impl<Z> Clone for DateTime<Z> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Z> Copy for DateTime<Z> {}

impl<Z> PartialEq for DateTime<Z> {
    fn eq(&self, other: &Self) -> bool {
        self.unix_seconds == other.unix_seconds
    }
}

impl<Z> Eq for DateTime<Z> {}

impl<Z> fmt::Debug for DateTime<Z> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DateTime").field(&self.unix_seconds).finish()
    }
}

impl<Z> fmt::Display for DateTime<Z> {
    /// As a timestamp of Discord's, which each reader sees in their own time zone
    /// (<https://discord.com/developers/docs/reference#message-formatting>).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<t:{}>", self.unix_seconds)
    }
}

impl<Z: Zone> Argument for DateTime<Z> {
    const SHAPE: Shape = Shape {
        zone: Some(Z::NAME),
        ..Shape::of(ArgumentKind::Date)
    };

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            Some(ArgumentValue::Date(unix_seconds)) => Ok(Self {
                unix_seconds,
                zone: PhantomData,
            }),
            _ => Err(WrongArgument::wants("a date")),
        }
    }
}

/// Who or what can be mentioned: a member, a user who is none, or a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mentionable {
    /// A user who is no member of this server.
    User(User),
    /// A member of this server.
    Member(Member),
    /// A role of this server.
    Role(Role),
}

impl Mention for Mentionable {
    fn mention(&self) -> String {
        match self {
            Self::User(user) => user.mention(),
            Self::Member(member) => member.mention(),
            Self::Role(role) => role.mention(),
        }
    }
}

impl Argument for Mentionable {
    const SHAPE: Shape = Shape::of(ArgumentKind::Mentionable);

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            Some(ArgumentValue::User(user)) => Ok(Self::User(user)),
            Some(ArgumentValue::Member(member)) => Ok(Self::Member(member)),
            Some(ArgumentValue::Role(role)) => Ok(Self::Role(role)),
            _ => Err(WrongArgument::wants("a user or a role")),
        }
    }
}
