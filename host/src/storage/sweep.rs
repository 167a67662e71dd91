//! Removes temporary files that a killed process left: they are nobody's.
//!
//! Every file that is replaced in one step is written under a name with [`TEMPORARY`] first. At the start, under the
//! root's lock, all of them are an earlier process's; later, those are that are old.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::TEMPORARY;

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many files.
    pub count: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// What could not be removed, and what to do.
    pub problems: Vec<String>,
}

impl Swept {
    /// Removes a file and counts it.
    pub fn remove(&mut self, path: &Path, bytes: u64) {
        match fs::remove_file(path) {
            Ok(()) => {
                self.count += 1;
                self.bytes += bytes;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.problems.push(super::trouble::explain("removed", path, &error)),
        }
    }
}

/// Removes the temporary files of the bot's folder, of `data/` and of all plugins' folders that are older than this.
///
/// Blocks: a folder with 10,000 files takes some milliseconds.
#[must_use]
pub fn temporary_files(root: &Path, data: &Path, older_than: Duration) -> Swept {
    let mut swept = Swept::default();
    for folder in [root, data] {
        sweep(folder, false, older_than, &mut swept);
    }
    sweep(&data.join("plugins"), true, older_than, &mut swept);
    swept
}

fn sweep(folder: &Path, deep: bool, older_than: Duration, swept: &mut Swept) {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                swept.problems.push(super::trouble::explain("read", &folder, &error));
                continue;
            }
        };
        for entry in entries.flatten() {
            // Of a link this is the link's own.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                if deep {
                    folders.push(entry.path());
                }
                continue;
            }
            let is_temporary = metadata.is_file() && entry.file_name().to_string_lossy().starts_with(TEMPORARY);
            if is_temporary && age(&metadata) >= older_than {
                swept.remove(&entry.path(), metadata.len());
            }
        }
    }
}

/// How long ago a file was changed; one of the future was changed just now.
pub(super) fn age(metadata: &fs::Metadata) -> Duration {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    SystemTime::now().duration_since(modified).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let deep = data.join("plugins/levels/files/a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(root.path().join("src")).unwrap();
        let left = [
            root.path().join(".write-x1"),
            data.join(".write-x2"),
            data.join("plugins/levels/files/.write-1-0"),
            deep.join(".write-1-1"),
        ];
        let kept = [
            root.path().join("config.json"),
            root.path().join("src/.write-not-ours"),
            data.join("session.json"),
            deep.join("write-1"),
        ];
        for path in left.iter().chain(&kept) {
            fs::write(path, "12345").unwrap();
        }
        fs::create_dir(deep.join(".write-folder")).unwrap();
        let none = temporary_files(root.path(), &data, Duration::from_secs(600));
        assert_eq!(none, Swept::default(), "they may be in use");
        let swept = temporary_files(root.path(), &data, Duration::ZERO);
        assert_eq!((swept.count, swept.bytes, swept.problems), (4, 20, Vec::new()));
        assert!(left.iter().all(|path| !path.exists()) && kept.iter().all(|path| path.exists()));
    }
}
