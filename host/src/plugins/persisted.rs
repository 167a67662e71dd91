//! What must survive a restart of plugins: which of them the owner unloaded, pinned or rolled back, who ran last, what ran
//! before that, and which content has done harm.
//!
//! Only the life of plugins writes it. A file that can't be read or written is logged and never stops the bot.

mod keeping;
mod quarantine;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::PathBuf,
};

use plugin_protocol::{Manifest, PluginName};
use serde::{Deserialize, Serialize};

pub use keeping::Kept;
pub use quarantine::{Harm, Quarantined};

use super::shadow::ContentHash;
use crate::storage::aside::set_aside;

/// The owner's decisions, and what is remembered for them, on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Decisions {
    #[serde(skip)]
    file: PathBuf,
    /// Whether this differs from what is on disk.
    #[serde(skip)]
    is_changed: bool,
    #[serde(default)]
    unloaded: BTreeSet<PluginName>,
    /// Who ran when this was written.
    #[serde(default)]
    running: BTreeSet<PluginName>,
    /// What the owner prefers in a conflict; and which content is not to be replaced.
    #[serde(default)]
    pinned: BTreeMap<PluginName, Option<Content>>,
    /// What serves, or served last.
    #[serde(default)]
    ran: BTreeMap<PluginName, Content>,
    /// What served before that.
    #[serde(default)]
    before: BTreeMap<PluginName, Content>,
    /// Since when plugins have had no file that could go back to something, in seconds since 1970.
    #[serde(default)]
    absent: BTreeMap<PluginName, u64>,
    #[serde(default)]
    rolled_back: BTreeMap<PluginName, RolledBack>,
    /// Content that has done harm.
    #[serde(default)]
    quarantine: BTreeMap<ContentHash, Quarantined>,
}

/// A version of a plugin, whose content is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The content's hash: its name among those that are kept.
    pub hash: ContentHash,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The version of the state that it hands over, if it does.
    #[serde(default)]
    pub state_version: Option<u32>,
    /// Since when it is known, in seconds since 1970.
    #[serde(default)]
    pub since: u64,
}

/// What runs in place of the file in the folder, until that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// What runs.
    pub to: Content,
    /// The content of the file in the folder.
    pub instead_of: ContentHash,
}

impl Decisions {
    /// Reads them; a missing file is none, a damaged one is told and counts as none.
    #[must_use]
    pub fn open(file: PathBuf) -> Self {
        let read = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        };
        let decisions = read.unwrap_or_else(|error| {
            tracing::warn!(file = %file.display(), %error, "which plugins are unloaded, and which ran last, can't be read: all are loaded, and of two in conflict neither");
            match set_aside(&file) {
                Ok(aside) => tracing::warn!(aside = %aside.display(), "it was set aside: look who was unloaded there"),
                Err(error) => tracing::warn!(%error, "it could not be set aside"),
            }
            Self::default()
        });
        Self { file, ..decisions }
    }

    /// Reads the file again, which may be another one by now.
    pub async fn read_again(&mut self) {
        let file = self.file.clone();
        if let Ok(read) = tokio::task::spawn_blocking(move || Self::open(file)).await {
            *self = read;
        }
    }

    /// Whether the owner unloaded this plugin.
    #[must_use]
    pub fn is_unloaded(&self, name: &PluginName) -> bool {
        self.unloaded.contains(name)
    }

    /// Whether this plugin ran last: now, or when the bot ended.
    #[must_use]
    pub fn has_run_last(&self, name: &PluginName) -> bool {
        self.running.contains(name)
    }

    /// Those that ran last.
    pub fn ran_last(&self) -> impl Iterator<Item = &PluginName> {
        self.running.iter()
    }

    /// Whether the owner has pinned this plugin.
    #[must_use]
    pub fn is_pinned(&self, name: &PluginName) -> bool {
        self.pinned.contains_key(name)
    }

    /// The content that a plugin is pinned to.
    #[must_use]
    pub fn pinned_to(&self, name: &PluginName) -> Option<&Content> {
        self.pinned.get(name)?.as_ref()
    }

    /// What served before what serves now.
    #[must_use]
    pub fn before(&self, name: &PluginName) -> Option<&Content> {
        self.before.get(name)
    }

    /// What runs in place of the file in the folder.
    #[must_use]
    pub fn rolled_back(&self, name: &PluginName) -> Option<&RolledBack> {
        self.rolled_back.get(name)
    }

    /// Why a content is not tried by itself.
    #[must_use]
    pub fn quarantined(&self, hash: ContentHash) -> Option<&Quarantined> {
        self.quarantine.get(&hash).filter(|found| found.is_locked())
    }

    /// Remembers who runs.
    pub fn set_running(&mut self, names: BTreeSet<PluginName>) {
        if self.running != names {
            self.running = names;
            self.is_changed = true;
        }
    }

    /// Remembers that the owner unloaded a plugin, or loaded it again.
    pub fn set_unloaded(&mut self, name: &PluginName, unloaded: bool) {
        self.is_changed |= if unloaded {
            self.unloaded.insert(name.clone())
        } else {
            self.unloaded.remove(name)
        };
    }

    /// Remembers that the owner prefers a plugin, and which content of it.
    pub fn pin(&mut self, name: &PluginName, to: Option<Content>) {
        // One that does not run stays pinned to what it was.
        let to = to.or_else(|| self.pinned_to(name).cloned());
        self.pinned.insert(name.clone(), to);
        self.is_changed = true;
    }

    /// Forgets that; whether there was anything to forget.
    pub fn unpin(&mut self, name: &PluginName) -> bool {
        let was_pinned = self.pinned.remove(name).is_some();
        self.is_changed |= was_pinned;
        was_pinned
    }

    /// Remembers what runs in place of the file in the folder, or forgets it.
    pub fn set_rolled_back(&mut self, name: &PluginName, to: Option<RolledBack>) {
        let changed = match to {
            Some(to) => self.rolled_back.insert(name.clone(), to.clone()) != Some(to),
            None => self.rolled_back.remove(name).is_some(),
        };
        self.is_changed |= changed;
    }

    /// Remembers that a content has done harm. Whether it is not tried by itself from now on, which it was before.
    pub fn note_harm(&mut self, hash: ContentHash, name: &PluginName, harm: Harm, why: &str) -> bool {
        self.is_changed = true;
        let before = self.quarantined(hash).is_some();
        let now = self.quarantine.remove(&hash);
        let now = Quarantined::after(now, name, harm, why);
        let is_locked = now.is_locked();
        self.quarantine.insert(hash, now);
        quarantine::forget_oldest(&mut self.quarantine);
        is_locked && !before
    }

    /// Forgets what a content has done: it has started, or the owner wants it tried.
    pub fn forgive(&mut self, hash: ContentHash) {
        self.is_changed |= self.quarantine.remove(&hash).is_some();
    }

    /// Forgets that a content did not start: what it starts with is another now.
    pub fn forgive_starts(&mut self, hash: ContentHash) {
        if let Some(found) = self.quarantine.get_mut(&hash) {
            self.is_changed = true;
            if found.forgive_starts() {
                self.quarantine.remove(&hash);
            }
        }
    }

    /// Lets the owner's preference stand without a content that is there no more, and forgets such a rollback. What was
    /// wanted of whom.
    pub fn forget_lost(&mut self, is_there: impl Fn(&PluginName, ContentHash) -> bool) -> Vec<(PluginName, Content)> {
        let mut lost = Vec::new();
        for (name, pinned) in &mut self.pinned {
            if let Some(content) = pinned.take_if(|content| !is_there(name, content.hash)) {
                lost.push((name.clone(), content));
            }
        }
        self.rolled_back.retain(|name, back| {
            let stays = is_there(name, back.to.hash);
            if !stays {
                lost.push((name.clone(), back.to.clone()));
            }
            stays
        });
        self.is_changed |= !lost.is_empty();
        lost
    }

    /// Writes what has changed, away from the runtime's threads, also if this is dropped before it has come to its end.
    pub async fn save(&mut self) {
        if !std::mem::take(&mut self.is_changed) {
            return;
        }
        let (file, bytes) = (self.file.clone(), serde_json::to_vec_pretty(self));
        let writing = tokio::task::spawn_blocking(move || {
            let written = bytes
                .map_err(io::Error::from)
                .and_then(|bytes| crate::storage::write_atomically(&file, &bytes));
            if let Err(error) = written {
                tracing::error!(file = %file.display(), %error, "which plugins are unloaded and who runs can't be written: it holds until the next start only");
            }
        });
        let _ = writing.await;
    }
}
