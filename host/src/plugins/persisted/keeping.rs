//! Which contents are kept beyond their files, and for how long.
//!
//! What the owner has pinned or gone back to stays until that is undone. What else one could go back to is forgotten when
//! its plugin has had no file for days, and the oldest first when all of it takes too much room.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

use plugin_protocol::PluginName;

use super::{Content, Decisions};
use crate::plugins::shadow::ContentHash;

/// How long what a plugin without a file could go back to is remembered, in seconds.
const KEPT_FOR: u64 = 14 * 24 * 60 * 60;

/// Contents that are to be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// All of them.
    pub all: BTreeSet<ContentHash>,
    /// Those that run in place of a file: without them something else would run.
    pub vital: BTreeSet<ContentHash>,
}

impl Decisions {
    /// The contents that have to be kept.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let pinned = self.pinned.values().flatten();
        let vital: BTreeSet<_> = pinned
            .chain(self.rolled_back.values().map(|back| &back.to))
            .map(|content| content.hash)
            .collect();
        let others = self.before.values().chain(self.ran.values());
        let all = others.map(|content| content.hash).chain(vital.iter().copied());
        Kept {
            all: all.collect(),
            vital,
        }
    }

    /// Remembers what of a plugin serves now, and so what served before it: also over restarts, and where it did not run in
    /// between.
    pub fn set_serving(&mut self, mut content: Content) {
        let name = content.manifest.name.clone();
        if self.ran.get(&name).is_some_and(|ran| ran.hash == content.hash) {
            return;
        }
        content.since = now();
        self.is_changed = true;
        if let Some(ran) = self.ran.insert(name.clone(), content) {
            self.before.insert(name, ran);
        }
    }

    /// Forgets what plugins could go back to that have had no file for days.
    pub fn forget_absent(&mut self, has_file: impl Fn(&PluginName) -> bool) {
        self.forget_absent_at(now(), has_file);
    }

    pub(super) fn forget_absent_at(&mut self, now: u64, has_file: impl Fn(&PluginName) -> bool) {
        let names = self.before.keys().chain(self.ran.keys()).chain(self.rolled_back.keys());
        let absent: BTreeSet<_> = names.filter(|name| !has_file(name)).cloned().collect();
        let known = self.absent.len();
        self.absent.retain(|name, _| absent.contains(name));
        self.is_changed |= self.absent.len() != known;
        for name in absent {
            let since = *self.absent.entry(name.clone()).or_insert_with(|| {
                self.is_changed = true;
                now
            });
            if now.saturating_sub(since) < KEPT_FOR {
                continue;
            }
            self.before.remove(&name);
            self.ran.remove(&name);
            self.rolled_back.remove(&name);
            self.absent.remove(&name);
            self.is_changed = true;
        }
    }

    /// Forgets what could be gone back to, the oldest first, until all that is kept fits into so many bytes. What is pinned
    /// or was gone back to stays. Whether anything was forgotten.
    pub fn forget_beyond(&mut self, most: u64, bytes: &BTreeMap<ContentHash, u64>) -> bool {
        let mut has_forgotten = false;
        loop {
            let kept = self.kept();
            let takes = |hash| bytes.get(hash).copied().unwrap_or_default();
            if kept.all.iter().map(takes).sum::<u64>() <= most {
                return has_forgotten;
            }
            let others = self.before.values().chain(self.ran.values());
            let oldest = others
                .filter(|content| !kept.vital.contains(&content.hash))
                .min_by_key(|content| content.since);
            let Some(oldest) = oldest.cloned() else {
                return has_forgotten;
            };
            tracing::info!(plugin = %oldest.manifest.name, version = %oldest.manifest.version, "can't be gone back to any more: what is kept takes too much room");
            self.before.retain(|_, content| content.hash != oldest.hash);
            self.ran.retain(|_, content| content.hash != oldest.hash);
            self.is_changed = true;
            has_forgotten = true;
        }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
