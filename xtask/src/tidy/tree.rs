//! The files that tidy looks at: all text of the checkout but for what is made, not written.
//!
//! It walks the folders and asks no git, so that a checkout without one can be tested too.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// What cargo, npm and git keep, wherever they do.
const MADE: &[&str] = &["target", "node_modules", ".git"];

/// What the bot makes in its root, and the owner's secrets and settings.
const OF_THE_BOT: &[&str] = &["data", ".env", "config.json", "config.schema.json"];

/// Larger files are data.
const MAX_BYTES: u64 = 1024 * 1024;

/// A text file: its path from the root, with slashes, and its text.
pub(super) struct Document {
    pub(super) path: String,
    pub(super) text: String,
}

impl Document {
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it is Rust.
    pub(super) fn is_rust(&self) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, extension)| extension == "rs")
    }

    /// Whether a folder on the way to it has this name.
    pub(super) fn is_within(&self, folder: &str) -> bool {
        self.path
            .rsplit_once('/')
            .is_some_and(|(folders, _)| folders.split('/').any(|name| name == folder))
    }

    /// Whether it lies below one of these folders, or its path begins so.
    pub(super) fn begins(&self, prefixes: &[&str]) -> bool {
        prefixes.iter().any(|prefix| self.path.starts_with(prefix))
    }
}

/// All text of the checkout.
pub(super) struct Tree {
    pub(super) documents: Vec<Document>,
    /// Every folder, from the root, with slashes, without one at the end.
    pub(super) folders: Vec<String>,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self {
            documents: Vec::new(),
            folders: Vec::new(),
        };
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.folders.push(path.clone());
            }
            if MADE.contains(&name.as_str()) || OF_THE_BOT.contains(&path.as_str()) {
                continue;
            }
            if kind.is_dir() {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() && entry.metadata()?.len() <= MAX_BYTES {
                // What is not UTF-8 is no text: pictures, compiled plugins.
                if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
                    self.documents.push(Document::new(path, text));
                }
            }
        }
        Ok(())
    }

    /// The file of this path.
    pub(super) fn document(&self, path: &str) -> Option<&Document> {
        self.documents.iter().find(|document| document.path == path)
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let documents: Vec<Document> = files.iter().map(|(path, text)| Document::new(*path, *text)).collect();
        let mut folders: Vec<String> = Vec::new();
        for (path, _) in files {
            let slashes = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
            folders.extend(slashes);
        }
        Self { documents, folders }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Document, Tree};

    #[test]
    fn text_is_read_and_what_is_made_is_not() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in ["host/src", "host/data", "target/debug", "data"] {
            fs::create_dir_all(root.path().join(folder)).expect("a folder");
        }
        for (file, bytes) in [
            ("host/src/lib.rs", &b"//! Text."[..]),
            ("host/data/table.json", b"{}"),
            ("data/bot.json", b"{}"),
            ("target/debug/made.rs", b"made"),
            (".env", b"DISCORD_TOKEN=secret"),
            ("picture.png", &[0xff, 0xd8, 0x00]),
        ] {
            fs::write(root.path().join(file), bytes).expect("a file");
        }
        let tree = Tree::read(root.path()).expect("it is read");
        let mut paths: Vec<&str> = tree.documents.iter().map(|document| document.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["host/data/table.json", "host/src/lib.rs"]);
        assert!(tree.folders.contains(&"host/src".to_owned()) && tree.folders.contains(&"data".to_owned()));
        assert_eq!(tree.document("host/src/lib.rs").expect("the file").text, "//! Text.");
    }

    #[test]
    fn a_document_knows_where_it_is() {
        let document = Document::new("host/tests/reload.rs", "");
        assert!(document.is_rust() && document.is_within("tests") && !document.is_within("reload.rs"));
        assert_eq!(document.name(), "reload.rs");
        assert!(document.begins(&["host/"]) && !document.begins(&["sandbox/"]));
    }
}
