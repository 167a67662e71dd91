//! What the system says of files, in words that tell the owner what to do.
//!
//! One place for all that writes below `data/`: a full disk, a read-only one, files of another user.

use std::{fs, io, path::Path};

/// Says why something could not be done with a file or folder, and what to do: `what` is such as "read" or "written".
#[must_use]
pub fn explain(what: &str, path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::StorageFull => {
            format!("{shown} can't be {what}: the disk is full; free some space, the old content stays until then")
        }
        io::ErrorKind::QuotaExceeded => format!(
            "{shown} can't be {what}: the user's share of the disk is used up; free some space or have it raised, the old content stays until then"
        ),
        io::ErrorKind::ReadOnlyFilesystem => format!(
            "{shown} can't be {what}: the disk is mounted read-only; have it mounted for writing, or move the bot's folder"
        ),
        io::ErrorKind::PermissionDenied => format!("{shown} can't be {what}: {}", permission(path)),
        io::ErrorKind::FileTooLarge => {
            format!("{shown} can't be {what}: it is larger than this process may write; raise the limit (`ulimit -f`)")
        }
        _ => format!("{shown} can't be {what} ({error}): check the folder and its disk"),
    }
}

/// Whether it is for want of room on the disk.
#[must_use]
pub fn is_want_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whose a file is that this user may not use, or else the nearest folder above it that can be looked at.
fn permission(path: &Path) -> String {
    let found = path
        .ancestors()
        .find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)));
    #[cfg(unix)]
    if let Some((there, metadata)) = found {
        use std::os::unix::fs::MetadataExt;
        let ours = rustix::process::geteuid().as_raw();
        if metadata.uid() != ours {
            return format!(
                "{} belongs to user {}, and the bot runs as user {ours}; give it to the bot with `chown -R {ours} {}`",
                there.display(),
                metadata.uid(),
                there.display()
            );
        }
        return format!(
            "its permissions, or those of its folder, forbid it; `chmod u+rwX {}` allows it",
            there.parent().unwrap_or(there).display()
        );
    }
    #[cfg(not(unix))]
    let _ = found;
    "its permissions, or those of its folder, forbid it: allow the bot's user to read and write there".to_owned()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn each_trouble_says_what_to_do() {
        let mut texts = String::new();
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::FileTooLarge,
            io::ErrorKind::TimedOut,
        ] {
            let error = io::Error::from(kind);
            writeln!(texts, "{}", explain("written", Path::new("data/x.json"), &error)).unwrap();
        }
        insta::assert_snapshot!("troubles", texts);
        assert!(is_want_of_room(&io::ErrorKind::StorageFull.into()));
        assert!(!is_want_of_room(&io::ErrorKind::NotFound.into()));
    }

    #[cfg(unix)]
    #[test]
    fn what_belongs_to_somebody_else_is_told_with_the_owner() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let folder = tempfile::tempdir().unwrap();
        let text = explain("read", &folder.path().join("a.json"), &denied);
        assert!(text.contains("`chmod u+rwX ") && text.contains("forbid it"), "{text}");
        let ours = rustix::process::geteuid().as_raw();
        if ours == 0 {
            // Only the superuser can give a folder away.
            std::os::unix::fs::chown(folder.path(), Some(12_345), None).unwrap();
            let text = explain("read", &folder.path().join("a.json"), &denied);
            assert!(
                text.contains("belongs to user 12345, and the bot runs as user 0"),
                "{text}"
            );
        }
    }
}
