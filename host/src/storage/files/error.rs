//! Why something could not be done with a plugin's file, in words for its author and the owner.
//!
//! Apart, since each text is to say what to do; what the system says is told by `trouble`.

use std::{fmt, io, path::PathBuf};

use plugin_protocol::{MAX_FILE_BYTES, MAX_FILES, MAX_FILES_BYTES, Problem, ProblemCode};

use super::path::WrongPath;
use crate::storage::trouble;

/// Why something could not be done with a plugin's file.
#[derive(Debug)]
pub enum FileError {
    /// It is not asked for rightly.
    Path(WrongPath),
    /// A link is on the way, or at its end.
    Link(PathBuf),
    /// A folder is where a file is meant, or something else that is no file.
    NoFile(PathBuf),
    /// A file is where a folder is meant.
    NoFolder(PathBuf),
    /// The file is longer than a plugin's may be.
    TooLong {
        /// Where it is, or would be.
        path: PathBuf,
        /// How many bytes it has.
        bytes: u64,
    },
    /// The plugin has too many files.
    TooMany,
    /// The plugin's files are too large, all together.
    TooMuch {
        /// How many bytes they would have.
        bytes: u64,
    },
    /// What was to be written as JSON is none.
    NoJson(serde_json::Error),
    /// The file is no JSON, and no good copy of it is kept.
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system refused.
    Io {
        /// What was to be done, such as "read" or "written".
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The request can't be met by this host.
    Unsupported,
}

impl FileError {
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// Whether the owner has to do something about it, who is then told.
    #[must_use]
    pub fn is_the_owners(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Damaged { .. })
    }

    fn code(&self) -> ProblemCode {
        match self {
            Self::Path(_) | Self::Link(_) | Self::NoFile(_) | Self::NoFolder(_) | Self::NoJson(_) => {
                ProblemCode::Invalid
            }
            Self::TooLong { .. } => ProblemCode::Invalid,
            Self::TooMany | Self::TooMuch { .. } | Self::Damaged { .. } | Self::Io { .. } => ProblemCode::Failed,
            Self::Unsupported => ProblemCode::NotSupported,
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(wrong) => wrong.fmt(f),
            Self::Link(path) => write!(
                f,
                "{} is a link, which plugins' files never are; put the file or folder itself there",
                path.display()
            ),
            Self::NoFile(path) => write!(
                f,
                "{} is no file but a folder, or a device; take another name",
                path.display()
            ),
            Self::NoFolder(path) => write!(
                f,
                "{} is a file, so no file can be in it; delete it, or take another name",
                path.display()
            ),
            Self::TooLong { path, bytes } => write!(
                f,
                "{} would have {bytes} bytes, more than the {MAX_FILE_BYTES} that a file of a plugin may have; split it, or use the database",
                path.display()
            ),
            Self::TooMany => write!(
                f,
                "this plugin has {MAX_FILES} files, more it may not have; delete some, or use the database"
            ),
            Self::TooMuch { bytes } => write!(
                f,
                "the files of this plugin would have {bytes} bytes, more than the {MAX_FILES_BYTES} that they may have; delete some"
            ),
            Self::NoJson(why) => write!(f, "what is to be written is no JSON: {why}"),
            Self::Damaged { path, why } => write!(
                f,
                "{} is no JSON ({why}), and no good copy of it is kept; mend it, or move it away",
                path.display()
            ),
            Self::Io { what, path, source } => f.write_str(&trouble::explain(what, path, source)),
            Self::Unsupported => {
                f.write_str("this host does not know that request for files; run a newer one, or an older plugin")
            }
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::NoJson(source) => Some(source),
            Self::Path(wrong) => Some(wrong),
            _ => None,
        }
    }
}
