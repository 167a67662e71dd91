//! What the host tells of its caches, and of what it cleaned up: the answers to the calls `caches.figures` and
//! `cleanup.run`.

use serde::{Deserialize, Serialize};

/// One of the host's caches. What a cache does not count, or has no limit of, is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFigures {
    /// What is in it, for people.
    pub name: String,
    /// How many entries it has.
    #[serde(default)]
    pub entries: u64,
    /// How many it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<u64>,
    /// How many bytes they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many they may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// How many look-ups it answered since the bot started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
    /// How many it could not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misses: Option<u64>,
    /// How many entries had to go for want of room, or because their time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evictions: Option<u64>,
    /// How long an entry lives, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_live_seconds: Option<u64>,
}

/// What was cleaned up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleanup {
    /// How many bytes `data/` had before.
    #[serde(default)]
    pub bytes_before: u64,
    /// How many it has now.
    #[serde(default)]
    pub bytes_after: u64,
    /// What was removed, also where it was nothing.
    #[serde(default)]
    pub removed: Vec<Removed>,
    /// What could not be removed, and what to do.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// What was removed of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// What, for people, in the plural.
    pub what: String,
    /// How many.
    #[serde(default)]
    pub count: u64,
    /// How many bytes they had, where that is known.
    #[serde(default)]
    pub bytes: u64,
}
