//! What a file of the owner's holds: its text, or in which words its owner hears that it can't be read.
//!
//! The one place that turns the system's refusals about config.json and `.env` into what to do.

use std::{fs, io, path::Path};

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A text.
    Text(String),
    /// There is no such file.
    Missing,
    /// Why there is no text to be had, and what to do: follows the file's name.
    Unreadable(String),
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Content {
    match fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Content::Text(text),
            Err(error) => Content::Unreadable(not_utf8(error.as_bytes(), error.utf8_error().valid_up_to())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::Missing,
        Err(error) => Content::Unreadable(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let what_to_do = match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "this user may not read it: give the file to the user that the bot runs as (`chown USER {0}`), or let it be \
             read (`chmod u+r {0}`)",
            path.display()
        ),
        io::ErrorKind::IsADirectory => "it is a folder: rename the folder, and put the file in its place (a container \
                                        makes a folder of that name where the file to be mounted does not exist)"
            .to_owned(),
        _ => format!("check the disk that {} lies on", path.display()),
    };
    format!("could not be read ({error}): {what_to_do}")
}

fn not_utf8(bytes: &[u8], valid: usize) -> String {
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return "is written in UTF-16: save it as UTF-8 (in Notepad: Save As, Encoding)".to_owned();
    }
    let line = bytes[..valid].split(|byte| *byte == b'\n').count();
    format!("is not written in UTF-8 (the first wrong letter is on line {line}): save it as UTF-8")
}

/// Why a file can't be written, and what to do.
pub(super) fn unwritable(error: &io::Error) -> String {
    let what_to_do = match error.kind() {
        io::ErrorKind::PermissionDenied => "give the folder to the user that the bot runs as (`chown -R USER FOLDER`)",
        io::ErrorKind::ReadOnlyFilesystem => {
            "it lies on a file system that is read-only: mount it writable (in a container: without `:ro`)"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "there is no room on the disk: make some",
        io::ErrorKind::NotFound => "make the folder first",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a folder has to be: rename it"
        }
        _ => "check that it exists and that this user may write there",
    };
    format!("{error}; {what_to_do}")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn every_refusal_of_the_system_says_what_to_do() {
        let path = Path::new("/bot/config.json");
        let mut texts = String::new();
        for kind in [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::IsADirectory,
            io::ErrorKind::TimedOut,
        ] {
            writeln!(texts, "config.json {}", unreadable(path, &kind.into())).unwrap();
        }
        for kind in [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::StorageFull,
            io::ErrorKind::NotFound,
            io::ErrorKind::NotADirectory,
            io::ErrorKind::TimedOut,
        ] {
            writeln!(texts, "/bot/data: {}", unwritable(&kind.into())).unwrap();
        }
        insta::assert_snapshot!("refusals_of_the_system", texts);
    }

    #[test]
    fn what_is_no_text_is_told_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        assert_eq!(read(&file), Content::Missing);
        for (bytes, words) in [
            (&b"{\n\"prefix\": \"\xe4\"}"[..], "on line 2"),
            (b"\xff\xfe{\0}\0", "UTF-16"),
        ] {
            fs::write(&file, bytes).unwrap();
            let found = read(&file);
            assert!(
                matches!(&found, Content::Unreadable(text) if text.contains(words)),
                "{found:?}"
            );
        }
        let found = read(folder.path());
        assert!(
            matches!(&found, Content::Unreadable(text) if text.contains("it is a folder")),
            "{found:?}"
        );
    }
}
