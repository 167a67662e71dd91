//! Quarantine: content that has done harm is not tried again by itself, in this run or after a restart, until it changes
//! or the owner asks.
//!
//! Pure, and about the content's hash: a file that was mended is another one, a copy under another name is the same.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use plugin_protocol::PluginName;
use serde::{Deserialize, Serialize};

use super::ContentHash;

/// How often a content may fail to start: a service that it needs may have been away for a moment.
const TRIES: u32 = 3;
/// How long failed starts count, in seconds.
const COUNTS_FOR: u64 = 24 * 60 * 60;
/// How many contents are remembered.
const REMEMBERED: usize = 256;

/// What a content has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It did not start: a few times are forgiven.
    NotStarted,
    /// It took the probe's process down, or its thread hung or ended by itself.
    Grave,
}

/// A content that has done harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Whose content it was.
    pub plugin: PluginName,
    /// What it did last.
    pub why: String,
    /// When, in seconds since 1970.
    #[serde(default)]
    pub since: u64,
    /// How often it did not start.
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    is_grave: bool,
}

impl Quarantined {
    /// What is remembered once it has done this, too.
    pub(super) fn after(before: Option<Self>, plugin: &PluginName, harm: Harm, why: &str) -> Self {
        let (failures, was_grave) = before.map_or((0, false), |before| (before.counted(), before.is_grave));
        Self {
            plugin: plugin.clone(),
            why: why.to_owned(),
            since: now(),
            failures: failures + u32::from(harm == Harm::NotStarted),
            is_grave: was_grave || harm == Harm::Grave,
        }
    }

    /// Whether it is not tried by itself any more.
    pub(super) fn is_locked(&self) -> bool {
        self.is_grave || self.counted() >= TRIES
    }

    /// How often it did not start, of late: what kept it may be mended elsewhere.
    fn counted(&self) -> u32 {
        if now().saturating_sub(self.since) < COUNTS_FOR {
            self.failures
        } else {
            0
        }
    }

    /// Forgets that it did not start; whether that is all that it has done.
    pub(super) fn forgive_starts(&mut self) -> bool {
        self.failures = 0;
        !self.is_grave
    }

    /// Why, and what to do, where another version of it runs or not.
    #[must_use]
    pub fn text(&self, runs: bool) -> String {
        let plugin = &self.plugin;
        let verb = if runs { "reload" } else { "load" };
        format!(
            "it is in quarantine, for {}; replace the file, or try it once more by `{verb} {plugin}`",
            self.why
        )
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

/// Keeps those that matter for longest: what is locked longer than what is only counted.
pub(super) fn forget_oldest(all: &mut BTreeMap<ContentHash, Quarantined>) {
    while all.len() > REMEMBERED {
        let oldest = all.iter().min_by_key(|(_, one)| (one.is_locked(), one.since));
        let oldest = oldest.map(|(hash, _)| *hash);
        let Some(oldest) = oldest else { return };
        all.remove(&oldest);
    }
}
