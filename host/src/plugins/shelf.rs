//! The shelf: contents of plugins that are kept beyond their files, since one can be gone back to, or is pinned.
//!
//! A content is a file in `data/kept/`, named by its hash: usually a second name of a private copy, which takes no room of
//! its own while that is there. Those without which something else would run have one more name in `data/pinned/`, which is
//! part of backups. Nothing is ever opened from here: whoever runs one makes a private copy first.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use super::{persisted::Kept, shadow::ContentHash};

/// The contents that are kept.
#[derive(Clone, Debug)]
pub struct Shelf {
    all: PathBuf,
    vital: PathBuf,
}

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct Shelved {
    /// The contents.
    pub contents: Kept,
    /// How large each is.
    pub bytes: BTreeMap<ContentHash, u64>,
}

impl Shelf {
    /// Below the data folder. Nothing is read or made before something is kept.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self {
            all: data.join("kept"),
            vital: data.join("pinned"),
        }
    }

    /// Where a content is, if it is kept.
    #[must_use]
    pub fn path(&self, hash: ContentHash) -> PathBuf {
        // After a restore it may be in the backup's part alone.
        let path = place(&self.all, hash);
        if path.exists() { path } else { place(&self.vital, hash) }
    }

    /// Keeps the content of a private copy. Writes files: not for the runtime's threads.
    ///
    /// # Errors
    ///
    /// As linking or copying a file.
    pub fn keep(&self, hash: ContentHash, copy: &Path) -> io::Result<()> {
        link(copy, &place(&self.all, hash))
    }

    /// All that is there. Reads folders: not for the runtime's threads.
    #[must_use]
    pub fn look(&self) -> Shelved {
        let mut bytes = BTreeMap::new();
        let mut contents = Kept::default();
        for (folder, found) in [(&self.all, &mut contents.all), (&self.vital, &mut contents.vital)] {
            for file in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = file.file_name().into_string().ok();
                let hash = name.and_then(|name| {
                    let hash = name.strip_suffix(std::env::consts::DLL_SUFFIX)?;
                    ContentHash::try_from(hash.to_owned()).ok()
                });
                if let (Some(hash), Ok(about)) = (hash, file.metadata()) {
                    found.insert(hash);
                    bytes.insert(hash, about.len());
                }
            }
        }
        contents.all.extend(&contents.vital);
        Shelved { contents, bytes }
    }

    /// Removes what is not wanted any more, and gives what is vital its other name. Writes files: not for the runtime's
    /// threads.
    pub fn arrange(&self, wanted: &Kept) {
        for hash in &wanted.vital {
            let from = self.path(*hash);
            if from.exists()
                && let Err(error) = link(&from, &place(&self.vital, *hash))
            {
                tracing::warn!(content = %hash, %error, "what is pinned or was gone back to can't be put where backups find it");
            }
        }
        sweep(&self.all, &wanted.all);
        sweep(&self.vital, &wanted.vital);
    }
}

fn place(folder: &Path, hash: ContentHash) -> PathBuf {
    folder.join(format!("{hash}{}", std::env::consts::DLL_SUFFIX))
}

/// Gives a file one more name, or copies it where there is no such thing.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    // A file system without second names.
    let part = to.with_extension("part");
    fs::copy(from, &part)?;
    fs::rename(part, to)
}

fn sweep(folder: &Path, wanted: &BTreeSet<ContentHash>) {
    let wanted: BTreeSet<_> = wanted.iter().map(|hash| place(folder, *hash)).collect();
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = files.map(|file| fs::DirEntry::path(&file));
    for file in paths.filter(|file| !wanted.contains(file)) {
        if let Err(error) = fs::remove_file(&file) {
            tracing::debug!(file = %file.display(), %error, "a content that is needed no more could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_outlives_its_copy_until_nobody_wants_it() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        fs::write(&copy, "content").unwrap();
        let hash = ContentHash::try_from("ab".repeat(32)).unwrap();
        let shelf = Shelf::new(folder.path());
        shelf.arrange(&Kept::default());
        shelf.keep(hash, &copy).unwrap();
        shelf.keep(hash, &copy).unwrap();
        fs::remove_file(&copy).unwrap();
        let mut wanted = Kept {
            all: BTreeSet::from([hash]),
            ..Kept::default()
        };
        shelf.arrange(&wanted);
        assert_eq!(shelf.look().contents, wanted);
        wanted.vital.insert(hash);
        shelf.arrange(&wanted);
        let shelved = shelf.look();
        assert_eq!(
            (shelved.contents, shelved.bytes),
            (wanted.clone(), BTreeMap::from([(hash, 7)]))
        );
        // A restore brings only what backups have.
        fs::remove_dir_all(folder.path().join("kept")).unwrap();
        assert_eq!(shelf.look().contents, wanted);
        assert_eq!(fs::read_to_string(shelf.path(hash)).unwrap(), "content");
        shelf.arrange(&Kept::default());
        assert!(!shelf.path(hash).exists());
    }
}
