//! What the host tells of its backups: the answers to the calls `backups.list`, `backups.make`, `backups.verify` and
//! `backups.restore`.
//!
//! For built-in plugins, and those that are granted the call. The last two take an `id`.

use serde::{Deserialize, Serialize};

/// One backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupInfo {
    /// Its name: when it was made, in UTC, such as `20261122-205017`.
    pub id: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub made_at: u64,
    /// The archive's size.
    #[serde(default)]
    pub bytes: u64,
    /// What it was made for.
    #[serde(default)]
    pub why: BackupReason,
    /// How many databases are in it.
    #[serde(default)]
    pub databases: u64,
    /// How many other files are in it.
    #[serde(default)]
    pub files: u64,
    /// Whether the archive can be read as far as that is known without unpacking it.
    #[serde(default)]
    pub readable: bool,
}

/// What a backup was made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupReason {
    /// The owner asked for it.
    Command,
    /// A day had passed.
    Daily,
    /// The bot stopped.
    Stop,
    /// Another one was restored in the place of that state.
    BeforeRestore,
    /// A reason that this side doesn't know.
    #[default]
    #[serde(other)]
    Unknown,
}
