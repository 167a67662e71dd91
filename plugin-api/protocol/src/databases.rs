//! What the host tells of its databases and plugins': the answers to the calls `storage.figures` and `storage.check`.
//!
//! For built-in plugins, and those that are granted the call.

use serde::{Deserialize, Serialize};

/// One database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFigures {
    /// Its path: `bot.db`, or below `data/`.
    pub name: String,
    /// The main file, in bytes.
    #[serde(default)]
    pub file_bytes: u64,
    /// The write-ahead log beside it, in bytes.
    #[serde(default)]
    pub log_bytes: u64,
    /// What it has done; absent if nobody needed it since the bot started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<DatabaseWork>,
    /// How many rows each table has, for the host's own.
    #[serde(default)]
    pub tables: Vec<TableRows>,
}

/// What a database is made of, and has done since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseWork {
    /// The size of a page, in bytes.
    #[serde(default)]
    pub page_bytes: u64,
    /// How many pages there are.
    #[serde(default)]
    pub pages: u64,
    /// How many of them are free.
    #[serde(default)]
    pub free_pages: u64,
    /// Reads, in nanoseconds.
    #[serde(default)]
    pub reads: Spread,
    /// Writes without their commit, in nanoseconds.
    #[serde(default)]
    pub writes: Spread,
    /// Commits, in nanoseconds.
    #[serde(default)]
    pub commits: Spread,
    /// How many writes shared a commit.
    #[serde(default)]
    pub groups: Spread,
}

/// How figures are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// How many there were.
    #[serde(default)]
    pub count: u64,
    /// Half of them were no higher; up to a quarter too high.
    #[serde(default)]
    pub p50: u64,
    /// 99 of 100 were no higher; up to a quarter too high.
    #[serde(default)]
    pub p99: u64,
    /// The highest.
    #[serde(default)]
    pub highest: u64,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    #[serde(default)]
    pub rows: u64,
}

/// What a check of a whole database found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseCheck {
    /// Its path: `bot.db`, or below `data/`.
    pub name: String,
    /// What is wrong; empty for a sound one.
    #[serde(default)]
    pub problems: Vec<String>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub millis: u64,
}
