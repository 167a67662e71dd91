//! How many files a plugin has and how large they are: counted once, then kept up with each write.
//!
//! What people do to the files from outside is seen when a limit is reached: they are counted again before anything is
//! refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use plugin_protocol::{MAX_FILES, MAX_FILES_BYTES, PluginName};

use super::{beneath::Beneath, error::FileError};

/// What all plugins' files come to. Locks of std: the outer one is held for a look-up, the inner ones, which are each
/// plugin's own, while its files are counted.
#[derive(Debug, Default)]
pub(super) struct Usages(Mutex<HashMap<PluginName, Arc<Mutex<Option<Usage>>>>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Usage {
    /// Counts the files of a folder.
    pub(super) fn count(files: &Beneath) -> Result<Self, FileError> {
        let listed = files.list(None)?;
        Ok(Self {
            files: listed.len() as u64,
            bytes: listed.iter().map(|file| file.bytes).sum(),
        })
    }

    fn with(self, old: Option<u64>, new: u64) -> Self {
        Self {
            files: self.files + u64::from(old.is_none()),
            bytes: (self.bytes + new).saturating_sub(old.unwrap_or(0)),
        }
    }

    fn without(self, bytes: u64) -> Self {
        Self {
            files: self.files.saturating_sub(1),
            bytes: self.bytes.saturating_sub(bytes),
        }
    }

    fn check(self, before: Self) -> Result<Self, FileError> {
        if self.files > MAX_FILES && self.files > before.files {
            return Err(FileError::TooMany);
        }
        if self.bytes > MAX_FILES_BYTES && self.bytes > before.bytes {
            return Err(FileError::TooMuch { bytes: self.bytes });
        }
        Ok(self)
    }
}

impl Usages {
    /// Takes room for a file that had `old` bytes and gets `new` ones.
    pub(super) fn take(
        &self,
        plugin: &PluginName,
        files: &Beneath,
        old: Option<u64>,
        new: u64,
    ) -> Result<(), FileError> {
        let usage = self.of(plugin);
        let mut usage = lock(&usage);
        let known = match *usage {
            Some(known) => known,
            None => Usage::count(files)?,
        };
        let taken = known.with(old, new).check(known).or_else(|_| {
            let counted = Usage::count(files)?;
            counted.with(old, new).check(counted)
        });
        *usage = Some(*taken.as_ref().unwrap_or(&known));
        taken.map(drop)
    }

    /// Gives the room back that was taken for a write that failed.
    pub(super) fn give_back(&self, plugin: &PluginName, old: Option<u64>, new: u64) {
        if let Some(usage) = lock(&self.of(plugin)).as_mut() {
            *usage = match old {
                None => usage.without(new),
                Some(old) => Usage {
                    files: usage.files,
                    bytes: (usage.bytes + old).saturating_sub(new),
                },
            };
        }
    }

    /// A file of so many bytes is no more.
    pub(super) fn removed(&self, plugin: &PluginName, bytes: u64) {
        if let Some(usage) = lock(&self.of(plugin)).as_mut() {
            *usage = usage.without(bytes);
        }
    }

    fn of(&self, plugin: &PluginName) -> Arc<Mutex<Option<Usage>>> {
        Arc::clone(lock(&self.0).entry(plugin.clone()).or_default())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::files::path::FilePath;

    #[test]
    fn limits_hold_and_what_people_delete_makes_room_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = Beneath::new(folder.path().to_owned());
        let (usages, plugin) = (Usages::default(), "levels".parse().unwrap());
        let path = FilePath::parse("a/b").unwrap();
        files.write(&path, &[0; 100], false).unwrap();
        assert_eq!(Usage::count(&files).unwrap(), Usage { files: 1, bytes: 100 });
        usages.take(&plugin, &files, Some(100), MAX_FILES_BYTES).unwrap();
        let over = usages.take(&plugin, &files, None, MAX_FILES_BYTES);
        assert!(
            matches!(over, Err(FileError::TooMuch { .. })),
            "on the disk there are 100 bytes: {over:?}"
        );
        usages.take(&plugin, &files, None, MAX_FILES_BYTES - 100).unwrap();
        files.remove(&path).unwrap();
        usages.take(&plugin, &files, None, MAX_FILES_BYTES).unwrap();
        usages.give_back(&plugin, None, MAX_FILES_BYTES);
        let full = Usage {
            files: MAX_FILES,
            bytes: 0,
        };
        *lock(&usages.of(&plugin)) = Some(full);
        usages.take(&plugin, &files, Some(0), 1).unwrap();
        assert!(matches!(full.with(None, 1).check(full), Err(FileError::TooMany)));
        // A plugin that is over the limit already may make its files smaller.
        let over = Usage {
            files: MAX_FILES + 5,
            bytes: MAX_FILES_BYTES + 5,
        };
        assert!(over.with(Some(10), 5).check(over).is_ok());
        usages.removed(&plugin, 1);
        assert_eq!(lock(&usages.of(&plugin)).map(|usage| usage.files), Some(MAX_FILES - 1));
    }
}
