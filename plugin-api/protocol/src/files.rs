//! The head of what a plugin asks of its own files, and of the answer. A file's content is the tail, both ways.
//!
//! All of a plugin's files lie in one folder of its own; a path is relative to it, with `/` between folders on every
//! system. What a path and a file may be is the host's to check; the limits here are those that it keeps to.

use serde::{Deserialize, Serialize};

/// The longest file, in bytes: 8 MiB.
pub const MAX_FILE_BYTES: usize = 8 << 20;
/// How many bytes all files of a plugin may have: 512 MiB.
pub const MAX_FILES_BYTES: u64 = 512 << 20;
/// How many files a plugin may have.
pub const MAX_FILES: u64 = 10_000;
/// The longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 512;
/// The longest name of a file or folder, in bytes: systems take 255, and the host's temporary names are longer.
pub const MAX_NAME_BYTES: usize = 200;
/// How deep a file may lie: so many names has a path at most.
pub const MAX_DEPTH: usize = 8;

/// Something asked of the plugin's own files. The tail is the content to write, else empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRequest {
    /// What to do.
    pub action: FileAction,
    /// With which file; for [`FileAction::List`] a folder, empty for the plugin's whole folder.
    #[serde(default)]
    pub path: String,
    /// For [`FileAction::Read`]: from the disk, whatever is remembered of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub uncached: bool,
    /// The content is JSON: it is checked to be, and the last good content is kept in case that it is damaged later.
    #[serde(default, skip_serializing_if = "is_false")]
    pub json: bool,
    /// For [`FileAction::Write`] and [`FileAction::Delete`]: only if the file is still that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<FileVersion>,
}

/// What to do with a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileAction {
    /// Answer with its content.
    Read,
    /// Replace its content by the tail in one step; folders on the way are made.
    Write,
    /// Delete it.
    Delete,
    /// Answer with the files of a folder and of all folders in it.
    List,
    /// Answer whether it is there.
    Exists,
    /// An action that this side doesn't know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What a file is at one time: two files of one version have the same content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileVersion {
    /// There is no such file.
    Missing,
    /// A hash of its content, in hexadecimal digits: as an answer told it.
    Content(String),
}

/// The answer to a [`FileRequest`]; for [`FileAction::Read`], and where `conflict` is set, the tail is the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAnswer {
    /// For [`FileAction::Read`] and [`FileAction::Write`], and where `conflict` is set: what the file is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<FileVersion>,
    /// The file is not what was expected, nothing was done: `version` and the tail say what it is.
    #[serde(default, skip_serializing_if = "is_false")]
    pub conflict: bool,
    /// The file was damaged from outside: this is its last good content.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restored: bool,
    /// For [`FileAction::Exists`]: whether it is there; for [`FileAction::Delete`]: whether it was.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exists: bool,
    /// For [`FileAction::List`]: the files, in the order of their paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileEntry>,
}

/// One of a plugin's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path, from the plugin's folder on.
    pub path: String,
    /// How long it is, in bytes.
    #[serde(default)]
    pub bytes: u64,
    /// When it was last changed, in seconds since 1970 (UTC).
    #[serde(default)]
    pub modified: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls it with")]
fn is_false(value: &bool) -> bool {
    !value
}
