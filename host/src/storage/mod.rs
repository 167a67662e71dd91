//! What the bot writes to disk: databases, plugins' files, and whole files that are replaced in one step.
//!
//! Here is how a file is written so that neither a crash nor a full disk leaves half of it; the folders are the rest.

pub mod aside;
pub mod backup;
pub mod cleanup;
pub mod database;
pub mod files;
pub mod stores;
pub mod sweep;
mod tables;
pub mod trouble;
pub mod user_data;

use std::{fs, io, io::Write, path::Path};

pub use backup::{BackupError, BackupId, Backups};
pub use database::{Database, Limits, OpenError, Options, Step, StorageError};
pub use stores::Stores;
pub use tables::{Action, GuildSettings, MessageTime, STEPS, Tables, TimerRow, Trail};

/// How the names of files begin that are written and then renamed; one that is found at the start was left by a killed
/// process.
pub const TEMPORARY: &str = ".write-";

/// Replaces a file in one step: a temporary file in the same folder, flushed to disk, renamed, the folder flushed.
///
/// # Errors
///
/// The folder is missing or not writable, or the disk is full; the old content then stays.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        write_atomically(&file, b"one").unwrap();
        write_atomically(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert!(write_atomically(&folder.path().join("missing/a.json"), b"x").is_err());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }
}
