//! The drop folder: which files lie there, what has changed since the last look, and what each of them is.
//!
//! A file counts as changed when its length, time or inode differ, and as new when its content's hash does. Every changed
//! file is copied, hashed and read from the copy; nothing of it is run here.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use plugin_protocol::{Manifest, PluginName};

use super::{
    manifest::{self, Unreadable},
    shadow::{ContentHash, Shadow, ShadowError, ShadowFolder},
};

/// A file that was written to within this time may not be complete yet.
const FRESH: Duration = Duration::from_secs(3);

/// What tells cheaply that a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

/// A file in the folder, as last seen.
#[derive(Debug)]
pub enum Entry {
    /// A plugin.
    Plugin {
        /// Its content's hash.
        hash: ContentHash,
        /// Its manifest.
        manifest: Arc<Manifest>,
        /// Its copy, until a generation is started from it.
        shadow: Option<Shadow>,
    },
    /// Something that can't be a plugin here.
    Broken {
        /// Why, and what to do.
        why: String,
        /// Whether it is for want of room on the disk, which has nothing to do with the file.
        wants_room: bool,
    },
}

/// The folder and what was seen in it.
#[derive(Debug)]
pub struct DropFolder {
    path: PathBuf,
    /// Without a stamp: to be examined again with every look.
    seen: BTreeMap<PathBuf, (Option<Stamp>, Entry)>,
}

impl Entry {
    /// Forgets it; a copy that no generation was started from goes with it.
    fn discard(self) {
        if let Self::Plugin {
            shadow: Some(unused), ..
        } = self
        {
            unused.discard();
        }
    }
}

/// What a look has found.
#[derive(Debug, Default)]
pub struct Look {
    /// Some file is still being written: look again soon.
    pub unsettled: bool,
}

impl DropFolder {
    /// Begins with nothing seen.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            seen: BTreeMap::new(),
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at what has changed. Reads and copies files: not for the runtime's threads.
    ///
    /// # Errors
    ///
    /// The folder can't be listed; what was seen stays.
    pub fn look(&mut self, shadows: &ShadowFolder) -> io::Result<Look> {
        let mut look = Look::default();
        let mut present = BTreeMap::new();
        for file in fs::read_dir(&self.path)? {
            let path = file?.path();
            // Follows links: a link to a build's output is a fine way to develop.
            if let Some(stamp) = is_candidate(&path).then(|| stamp(&path)).flatten() {
                present.insert(path, stamp);
            }
        }
        let (kept, gone) = std::mem::take(&mut self.seen)
            .into_iter()
            .partition(|(path, _)| present.contains_key(path));
        self.seen = kept;
        let gone: BTreeMap<_, _> = gone;
        for (_, entry) in gone.into_values() {
            entry.discard();
        }
        for (path, stamp) in present {
            if self.seen.get(&path).is_some_and(|(seen, _)| *seen == Some(stamp)) {
                continue;
            }
            match examine(&path, shadows) {
                Examined::Plugin(shadow, manifest) => self.remember(path, stamp, shadow, *manifest),
                Examined::Broken(why) => self.note_broken(path, Some(stamp), why, false),
                // The fault may be mended without the file being touched: free space, permissions.
                Examined::NotNow { why, wants_room } => self.note_broken(path, None, why, wants_room),
                Examined::Unsettled => look.unsettled = true,
                Examined::Gone => {}
            }
        }
        Ok(look)
    }

    fn note_broken(&mut self, path: PathBuf, stamp: Option<Stamp>, why: String, wants_room: bool) {
        if let Some((_, before)) = self.seen.insert(path, (stamp, Entry::Broken { why, wants_room })) {
            before.discard();
        }
    }

    fn remember(&mut self, path: PathBuf, stamp: Stamp, shadow: Shadow, manifest: Manifest) {
        match self.seen.get_mut(&path) {
            // Written again with the same content.
            Some((seen, Entry::Plugin { hash, .. })) if *hash == shadow.hash => {
                *seen = Some(stamp);
                shadow.discard();
            }
            _ => {
                let entry = Entry::Plugin {
                    hash: shadow.hash,
                    manifest: Arc::new(manifest),
                    shadow: Some(shadow),
                };
                if let Some((_, before)) = self.seen.insert(path, (Some(stamp), entry)) {
                    before.discard();
                }
            }
        }
    }

    /// What a file is, as last seen.
    #[must_use]
    pub fn entry(&self, path: &Path) -> Option<&Entry> {
        self.seen.get(path).map(|(_, entry)| entry)
    }

    /// The files, in order of their names.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.seen.iter().map(|(path, (_, entry))| (path.as_path(), entry))
    }

    /// The files that hold the plugin `name`.
    pub fn files_of(&self, name: &PluginName) -> impl Iterator<Item = &Path> {
        self.files().filter_map(move |(path, entry)| match entry {
            Entry::Plugin { manifest, .. } if manifest.name == *name => Some(path),
            _ => None,
        })
    }

    /// A copy to start a generation from: the one that was read, or a new one of the same content.
    ///
    /// # Errors
    ///
    /// [`ShadowError`]; [`ShadowError::Changing`] if the content is another one by now.
    pub fn take_shadow(&mut self, path: &Path, shadows: &ShadowFolder) -> Result<Shadow, ShadowError> {
        let Some((_, Entry::Plugin { hash, shadow, .. })) = self.seen.get_mut(path) else {
            return Err(ShadowError::Gone);
        };
        if let Some(shadow) = shadow.take() {
            return Ok(shadow);
        }
        let copy = shadows.copy(path)?;
        if copy.hash == *hash {
            return Ok(copy);
        }
        copy.discard();
        Err(ShadowError::Changing)
    }
}

enum Examined {
    Plugin(Shadow, Box<Manifest>),
    Broken(String),
    NotNow { why: String, wants_room: bool },
    Unsettled,
    Gone,
}

fn examine(path: &Path, shadows: &ShadowFolder) -> Examined {
    let shadow = match shadows.copy(path) {
        Ok(shadow) => shadow,
        Err(ShadowError::Gone) => return Examined::Gone,
        Err(ShadowError::Changing) => return Examined::Unsettled,
        Err(error @ (ShadowError::NoFile(_) | ShadowError::TooLong { .. })) => {
            return Examined::Broken(error.to_string());
        }
        Err(error) => {
            return Examined::NotNow {
                why: error.to_string(),
                wants_room: error.is_want_of_room(),
            };
        }
    };
    let read = shadow
        .bytes()
        .map_err(|error| error.to_string())
        .map(|bytes| manifest::read(&bytes));
    match read {
        Ok(Ok(manifest)) => Examined::Plugin(shadow, Box::new(manifest)),
        // What is not complete may be on its way, unless nobody has written to it for a while.
        Ok(Err(Unreadable::Empty | Unreadable::Incomplete { .. })) if is_fresh(path) => {
            shadow.discard();
            Examined::Unsettled
        }
        Ok(Err(error)) => {
            shadow.discard();
            Examined::Broken(error.to_string())
        }
        Err(error) => {
            shadow.discard();
            Examined::NotNow {
                why: format!("its private copy can't be read: {error}"),
                wants_room: false,
            }
        }
    }
}

fn is_fresh(path: &Path) -> bool {
    let modified = path.metadata().and_then(|file| file.modified());
    modified.is_ok_and(|modified| modified.elapsed().unwrap_or_default() < FRESH)
}

/// `None` only for what is gone: a folder or a link to nothing under a plugin's name is told as what it is.
fn stamp(path: &Path) -> Option<Stamp> {
    let file = path.metadata().or_else(|_| path.symlink_metadata()).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&file);
    #[cfg(not(unix))]
    let inode = 0;
    Some(Stamp {
        length: file.len(),
        modified: file.modified().ok(),
        inode,
    })
}

/// Whether a path looks like a compiled plugin: the platform's suffix, and not hidden.
#[must_use]
pub fn is_candidate(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    !name.starts_with('.') && name.ends_with(std::env::consts::DLL_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_that_are_not_hidden_are_candidates() {
        let suffix = std::env::consts::DLL_SUFFIX;
        assert!(is_candidate(Path::new(&format!("plugins/libexample{suffix}"))));
        assert!(!is_candidate(Path::new(&format!("plugins/.libexample{suffix}"))));
        assert!(!is_candidate(Path::new("plugins/example/Cargo.toml")));
    }
}
