//! Puts what was unpacked in the place of what there is, by renames, with a journal.
//!
//! Before the journal is written nothing has changed; once it is, the restore is decided, and whoever comes next brings
//! it to its end: each move can be made again. What was replaced goes when all is in place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{
    BackupError, BackupId, Layout,
    gather::{KEPT, OWN, place},
    sync_folder,
};
use crate::storage::{database::beside, write_atomically};

/// The journal, below the data folder.
const JOURNAL: &str = "restore.json";
/// How the folder begins, below the data folder, that holds what is unpacked and what is replaced: on the disk of what is
/// exchanged.
pub(super) const RESTORING: &str = ".restoring-";

/// What is to be done, in order.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    id: BackupId,
    moves: Vec<Move>,
    /// The folder that holds what is unpacked, and goes in the end.
    folder: PathBuf,
}

/// One file or folder that is replaced.
#[derive(Debug, Serialize, Deserialize)]
struct Move {
    /// What comes; `None` if the backup has nothing there.
    new: Option<PathBuf>,
    target: PathBuf,
    /// Where what there is goes.
    old: PathBuf,
}

/// Replaces what there is. Everything must be closed.
pub(super) fn replace(layout: &Layout, id: BackupId, unpacked: TempDir) -> Result<(), BackupError> {
    // From here on it is the journal's.
    let folder = unpacked.keep();
    let prepared = prepare(layout, id, &folder);
    let journal = match prepared {
        Ok(journal) => journal,
        Err(error) => {
            // The journal may stand though writing it failed at last: without it there is nothing to go on with.
            remove(&layout.data.join(JOURNAL)).map_err(BackupError::Unfinished)?;
            let _ = fs::remove_dir_all(&folder);
            return Err(error);
        }
    };
    carry_out(&layout.data, &journal, &mut || Ok(())).map_err(BackupError::Unfinished)
}

fn prepare(layout: &Layout, id: BackupId, folder: &Path) -> Result<Journal, BackupError> {
    let old = folder.join("replaced");
    fs::create_dir(&old).map_err(BackupError::io(&old))?;
    let mut moves = Vec::new();
    // Of a restore that came to nothing.
    for end in [".restored", "-wal.restored", "-shm.restored"] {
        let left = beside(&layout.database, end);
        remove(&left).map_err(BackupError::io(&left))?;
    }
    // The bot's own database may lie on another disk: what comes and what goes lies beside it.
    let coming = beside(&layout.database, ".restored");
    let own = folder.join(OWN);
    if own.exists() {
        fs::rename(&own, &coming)
            .or_else(|_| fs::copy(&own, &coming).and_then(|_| fs::File::open(&coming)?.sync_all()))
            .map_err(BackupError::io(&coming))?;
        let log = folder.join(format!("{OWN}-wal"));
        if log.exists() {
            let to = beside(&layout.database, "-wal.restored");
            fs::copy(&log, &to).map_err(BackupError::io(&to))?;
        }
    }
    let replaced = beside(&layout.database, ".replaced");
    for end in ["", "-wal", "-shm"] {
        remove(&beside(&replaced, end)).map_err(BackupError::io(&replaced))?;
        let new = match end {
            "" => coming.clone(),
            end => beside(&layout.database, &format!("{end}.restored")),
        };
        moves.push(Move {
            new: new.exists().then_some(new),
            target: beside(&layout.database, end),
            old: beside(&replaced, end),
        });
    }
    for name in KEPT {
        let new = folder.join(name);
        moves.push(Move {
            new: new.exists().then_some(new),
            target: place(layout, name),
            old: old.join(name),
        });
    }
    for one in &moves {
        is_movable(one).map_err(|source| BackupError::Immovable {
            path: one.target.clone(),
            source,
        })?;
    }
    let journal = Journal {
        id,
        moves,
        folder: folder.to_owned(),
    };
    let path = layout.data.join(JOURNAL);
    let text = serde_json::to_vec_pretty(&journal).map_err(|error| BackupError::io(&path)(error.into()))?;
    write_atomically(&path, &text).map_err(BackupError::io(&path))?;
    Ok(journal)
}

/// Whether a move can be made, found out without making it: another disk and a mount of its own are told before anything
/// else, a folder that has something in it only then.
#[cfg(unix)]
fn is_movable(Move { target, old, .. }: &Move) -> io::Result<()> {
    use io::ErrorKind::{AlreadyExists, CrossesDevices, DirectoryNotEmpty, NotFound, ResourceBusy};
    let about = match target.symlink_metadata() {
        Err(error) if error.kind() == NotFound => return Ok(()),
        about => about?,
    };
    let tried = if about.is_dir() {
        fs::create_dir(old)?;
        fs::write(old.join("full"), "")?;
        fs::rename(target, old)
    } else {
        fs::hard_link(target, old)
    };
    let tried = match tried {
        Err(error) if about.is_dir() && matches!(error.kind(), DirectoryNotEmpty | AlreadyExists) => Ok(()),
        // Not every disk knows links.
        Err(error) if !about.is_dir() && !matches!(error.kind(), CrossesDevices | ResourceBusy) => Ok(()),
        tried => tried,
    };
    remove(old)?;
    tried
}

#[cfg(not(unix))]
fn is_movable(_: &Move) -> io::Result<()> {
    Ok(())
}

/// Whether a restore has begun that is not brought to its end.
pub(super) fn is_under_way(layout: &Layout) -> bool {
    layout.data.join(JOURNAL).exists()
}

/// Makes the moves that are not made yet, and then forgets about it. `step` is asked before each change.
fn carry_out(data: &Path, journal: &Journal, step: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
    for Move { new, target, old } in &journal.moves {
        // Once what comes is gone from its place it is in the other.
        let is_made = new.as_ref().is_some_and(|new| !new.exists());
        if is_made {
            continue;
        }
        if target.symlink_metadata().is_ok() {
            step()?;
            if old.symlink_metadata().is_ok() {
                // There was nothing when this was decided, so it is what this restore replaced; what lies in its place
                // was made since, and is nobody's.
                remove(target)?;
            } else {
                fs::rename(target, old)?;
            }
        }
        if let Some(new) = new {
            step()?;
            fs::rename(new, target)?;
        }
        if let Some(folder) = target.parent() {
            sync_folder(folder)?;
        }
    }
    step()?;
    fs::remove_file(data.join(JOURNAL))?;
    sync_folder(data)?;
    // What is left now is swept at the next start if this fails.
    for Move { old, .. } in &journal.moves {
        let _ = remove(old);
    }
    let _ = fs::remove_dir_all(&journal.folder);
    Ok(())
}

/// Removes whatever lies there.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Brings a restore that was interrupted to its end, and sweeps what interrupted backups left. Blocking; to be called
/// before anything is opened. Answers with the backup whose restore was finished.
///
/// # Errors
///
/// The moves could not be made, or the journal not be read: nothing may be opened then.
pub fn finish(layout: &Layout) -> Result<Option<BackupId>, BackupError> {
    let path = layout.data.join(JOURNAL);
    let finished = match fs::read(&path) {
        Ok(text) => {
            let journal: Journal =
                serde_json::from_slice(&text).map_err(|error| BackupError::io(&path)(error.into()))?;
            carry_out(&layout.data, &journal, &mut || Ok(())).map_err(BackupError::Unfinished)?;
            Some(journal.id)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(BackupError::io(&path)(error)),
    };
    let passing: [(_, &[_]); 2] = [
        (layout.backups(), &[".making-", ".unpacked-", ".part-"]),
        (layout.data.clone(), &[RESTORING]),
    ];
    for (folder, begins) in passing {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if begins.iter().any(|begin| name.starts_with(begin)) {
                let _ = remove(&entry.path());
            }
        }
    }
    for end in [
        ".restored",
        "-wal.restored",
        "-shm.restored",
        ".replaced",
        ".replaced-wal",
        ".replaced-shm",
    ] {
        let _ = remove(&beside(&layout.database, end));
    }
    Ok(finished)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data folder with two versions of everything: one in place, one unpacked.
    fn world(folder: &Path) -> (Layout, PathBuf) {
        let data = folder.join("data");
        let layout = Layout {
            database: data.join("bot.db"),
            data,
        };
        let unpacked = layout.data.join(".restoring-x");
        fs::create_dir_all(layout.backups().join(".unpacked-x")).unwrap();
        for (at, text) in [(&layout.data, "present"), (&unpacked, "past")] {
            fs::create_dir_all(at.join("plugins/a/files")).unwrap();
            fs::write(at.join("bot.db"), text).unwrap();
            fs::write(at.join("plugins/a/plugin.db"), text).unwrap();
            fs::write(at.join("plugins/a/files/x.json"), text).unwrap();
        }
        fs::write(layout.data.join("bot.db-wal"), "present").unwrap();
        // Only in one of them.
        fs::create_dir_all(layout.data.join("plugins/b")).unwrap();
        fs::write(layout.data.join("plugin_decisions.json"), "present").unwrap();
        fs::create_dir_all(unpacked.join("marketplace")).unwrap();
        fs::write(unpacked.join("marketplace/id"), "past").unwrap();
        (layout, unpacked)
    }

    fn is_past(layout: &Layout) -> bool {
        let text = |name: &str| fs::read_to_string(layout.data.join(name)).unwrap_or_default();
        let past = [
            "bot.db",
            "plugins/a/plugin.db",
            "plugins/a/files/x.json",
            "marketplace/id",
        ];
        past.iter().all(|name| text(name) == "past")
            && ["bot.db-wal", "plugin_decisions.json", "plugins/b"]
                .iter()
                .all(|name| !layout.data.join(name).exists())
    }

    #[test]
    fn a_restore_that_is_killed_anywhere_is_finished_at_the_next_start() {
        let id = "20261122-205017".parse().unwrap();
        for kill in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let (layout, unpacked) = world(folder.path());
            let journal = prepare(&layout, id, &unpacked).unwrap();
            let mut left = kill;
            let ended = carry_out(&layout.data, &journal, &mut || {
                left -= 1;
                if left < 0 {
                    Err(io::Error::other("killed"))
                } else {
                    Ok(())
                }
            });
            if ended.is_ok() {
                assert_eq!(kill, 8, "every move was a place to be killed at");
                assert!(is_past(&layout));
                return;
            }
            assert_eq!(finish(&layout).unwrap(), Some(id), "killed at {kill}");
            assert!(is_past(&layout), "killed at {kill}");
            assert_eq!(finish(&layout).unwrap(), None);
            let left: Vec<_> = fs::read_dir(&layout.data)
                .unwrap()
                .flatten()
                .map(|entry| entry.file_name())
                .collect();
            assert_eq!(left.len(), 4, "nothing else is left: {left:?}");
            assert_eq!(fs::read_dir(layout.backups()).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_is_made_since_a_restore_stopped_half_way_does_not_replace_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (layout, unpacked) = world(folder.path());
        let left = beside(&layout.database, "-shm.restored");
        fs::write(&left, "of an earlier one").unwrap();
        let journal = prepare(&layout, "20261122-205017".parse().unwrap(), &unpacked).unwrap();
        assert!(!left.exists());
        let kill = |kill: i32| {
            let mut left = kill;
            let mut step = || {
                left -= 1;
                if left < 0 {
                    Err(io::Error::other("killed"))
                } else {
                    Ok(())
                }
            };
            carry_out(&layout.data, &journal, &mut step).unwrap_err();
        };
        // The plugins have gone from their place, and what comes is not there yet.
        kill(4);
        assert!(!layout.data.join("plugins").exists());
        fs::create_dir_all(layout.data.join("plugins/since")).unwrap();
        // Behind the plugins.
        kill(2);
        let replaced = unpacked.join("replaced/plugins");
        assert!(replaced.join("b").exists() && !replaced.join("since").exists());
        assert!(layout.data.join("plugins/a").exists() && !layout.data.join("plugins/since").exists());
        assert!(is_under_way(&layout));
        finish(&layout).unwrap();
        assert!(is_past(&layout) && !is_under_way(&layout));
    }

    #[test]
    fn a_restore_that_is_killed_before_its_journal_has_changed_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (layout, _) = world(folder.path());
        fs::write(beside(&layout.database, ".restored"), "past").unwrap();
        assert_eq!(finish(&layout).unwrap(), None);
        assert_eq!(fs::read_to_string(&layout.database).unwrap(), "present");
        assert!(layout.data.join("plugins/b").exists());
        assert_eq!(fs::read_dir(layout.backups()).unwrap().count(), 0);
        assert!(!beside(&layout.database, ".restored").exists());
    }
}
