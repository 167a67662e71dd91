//! What must survive a restart of plugins: which of them the owner unloaded, and who ran last.
//!
//! Only the life of plugins writes it. A file that can't be read or written is logged and never stops the bot.

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use plugin_protocol::PluginName;
use serde::{Deserialize, Serialize};

use crate::storage::aside::set_aside;

/// The owner's decisions, on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Decisions {
    #[serde(skip)]
    file: PathBuf,
    #[serde(default)]
    unloaded: BTreeSet<PluginName>,
    /// Who ran when this was written.
    #[serde(default)]
    running: BTreeSet<PluginName>,
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

    /// Remembers who runs.
    pub async fn set_running(&mut self, names: BTreeSet<PluginName>) {
        if self.running != names {
            self.running = names;
            self.write().await;
        }
    }

    /// Remembers that the owner unloaded a plugin, or loaded it again. Written away from the runtime's threads, also if
    /// this is dropped before it has come to its end.
    pub async fn set_unloaded(&mut self, name: &PluginName, unloaded: bool) {
        let changed = if unloaded {
            self.unloaded.insert(name.clone())
        } else {
            self.unloaded.remove(name)
        };
        if changed {
            self.write().await;
        }
    }

    async fn write(&self) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_unloaded_survives() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("decisions.json");
        let name: PluginName = "levels".parse().unwrap();
        Decisions::open(file.clone()).set_unloaded(&name, true).await;
        let mut again = Decisions::open(file.clone());
        assert!(again.is_unloaded(&name));
        again.set_unloaded(&name, false).await;
        assert!(!Decisions::open(file.clone()).is_unloaded(&name));
        again.set_running(BTreeSet::from([name.clone()])).await;
        assert!(Decisions::open(file.clone()).has_run_last(&name));
        fs::write(&file, "{").unwrap();
        let mut damaged = Decisions::open(file.clone());
        assert!(!damaged.is_unloaded(&name));
        damaged.set_unloaded(&name, true).await;
        assert!(Decisions::open(file).is_unloaded(&name));
        let aside = fs::read_dir(folder.path().join("damaged"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(
            fs::read_to_string(aside.path()).unwrap(),
            "{",
            "what somebody wrote is not lost"
        );
    }
}
