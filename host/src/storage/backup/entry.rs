//! A backup's name, what its manifest says, and what is shown of it.
//!
//! Names are times, so they sort; only what has the form of one is ever made into a path.

use std::{
    fmt,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;
use time::{PrimitiveDateTime, UtcDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// The form of a name: the time in UTC.
const FORM: &[BorrowedFormatItem<'static>] = format_description!("[year][month][day]-[hour][minute][second]");

/// The version of the archive's form.
pub(super) const FORMAT: u32 = 1;

/// A backup's name: when it was made, in UTC, such as `20261122-205017`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackupId(PrimitiveDateTime);

/// A text that is no backup's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no backup's name, which looks like 20261122-205017: `backup list` shows those that there are")]
pub struct InvalidBackupId(String);

impl BackupId {
    /// The name of one that is made now.
    pub(super) fn at(time: SystemTime) -> Self {
        let time = UtcDateTime::from(time).truncate_to_second();
        Self(PrimitiveDateTime::new(time.date(), time.time()))
    }

    /// The next name; `None` at the end of time.
    pub(super) fn next(self) -> Option<Self> {
        self.0.checked_add(time::Duration::SECOND).map(Self)
    }

    /// When it was made.
    #[must_use]
    pub fn made_at(self) -> SystemTime {
        self.0.as_utc().into()
    }

    /// When it was made, in seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.made_at().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(FORM).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for BackupId {
    type Err = InvalidBackupId;

    fn from_str(text: &str) -> Result<Self, InvalidBackupId> {
        let text = text.trim();
        let parsed = PrimitiveDateTime::parse(text, FORM);
        parsed.map(Self).map_err(|_| {
            // What was asked for is people's text.
            InvalidBackupId(text.chars().filter(|letter| *letter != '`').take(32).collect())
        })
    }
}

impl Serialize for BackupId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BackupId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What a backup was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The owner asked for it.
    Command,
    /// A day had passed.
    Daily,
    /// The bot stopped.
    Stop,
    /// Another one was restored in the place of this state.
    BeforeRestore,
}

/// What an archive begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the archive's form.
    pub format: u32,
    /// Its name.
    pub id: BackupId,
    /// What it was made for.
    pub why: Why,
    /// The version of the program that made it.
    pub version: String,
    /// What is in it, in order.
    pub files: Vec<Contents>,
}

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Its path: `bot.db`, or below the data folder.
    pub path: String,
    /// Whether it is a database, which is checked.
    pub database: bool,
    /// Whether it was sound when it was backed up; one that was not is kept as it was.
    #[serde(default = "yes")]
    pub sound: bool,
    /// Its size.
    pub bytes: u64,
    /// The BLAKE3 hash of its content.
    pub hash: String,
}

const fn yes() -> bool {
    true
}

/// What is shown of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub id: BackupId,
    /// The archive's size.
    pub bytes: u64,
    /// What is in it; `None` if the archive can't be read.
    pub manifest: Option<Manifest>,
}
