//! The shelf: contents of plugins that are kept beyond their files, since one can be gone back to, or is pinned.
//!
//! A content is a file in `data/kept/`, named by its hash: usually a second name of a private copy, which takes no room of
//! its own while that is there. Nothing is ever opened from here: whoever runs one makes a private copy first.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::shadow::ContentHash;

/// The contents that are kept.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// Nothing is read or made before something is kept.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where a content is, if it is kept.
    #[must_use]
    pub fn path(&self, hash: ContentHash) -> PathBuf {
        self.folder.join(format!("{hash}{}", std::env::consts::DLL_SUFFIX))
    }

    /// Keeps the content of a private copy. Writes files: not for the runtime's threads.
    ///
    /// # Errors
    ///
    /// As linking or copying a file.
    pub fn keep(&self, hash: ContentHash, copy: &Path) -> io::Result<()> {
        let path = self.path(hash);
        if path.exists() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        if fs::hard_link(copy, &path).is_ok() {
            return Ok(());
        }
        // A file system without second names.
        let part = path.with_extension("part");
        fs::copy(copy, &part)?;
        fs::rename(part, path)
    }

    /// All that is there. Reads a folder: not for the runtime's threads.
    #[must_use]
    pub fn all(&self) -> BTreeSet<ContentHash> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = files.filter_map(|file| file.file_name().into_string().ok());
        names
            .filter_map(|name| {
                let hash = name.strip_suffix(std::env::consts::DLL_SUFFIX)?;
                ContentHash::try_from(hash.to_owned()).ok()
            })
            .collect()
    }

    /// Removes what is not wanted any more. Writes files: not for the runtime's threads.
    pub fn sweep(&self, wanted: &BTreeSet<ContentHash>) {
        let wanted: BTreeSet<_> = wanted.iter().map(|hash| self.path(*hash)).collect();
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths = files.map(|file| fs::DirEntry::path(&file));
        for file in paths.filter(|file| !wanted.contains(file)) {
            if let Err(error) = fs::remove_file(&file) {
                tracing::debug!(file = %file.display(), %error, "a content that is needed no more could not be removed");
            }
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
        let shelf = Shelf::new(folder.path().join("kept"));
        shelf.sweep(&BTreeSet::new());
        shelf.keep(hash, &copy).unwrap();
        shelf.keep(hash, &copy).unwrap();
        fs::remove_file(&copy).unwrap();
        shelf.sweep(&BTreeSet::from([hash]));
        assert_eq!(shelf.all(), BTreeSet::from([hash]));
        assert_eq!(fs::read_to_string(shelf.path(hash)).unwrap(), "content");
        shelf.sweep(&BTreeSet::new());
        assert!(!shelf.path(hash).exists());
    }
}
