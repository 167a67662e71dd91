//! Shadow copies: the one private copy of a plugin's file that is read, hashed, probed and opened.
//!
//! The file in the drop folder may be overwritten or truncated at any time, and `dlopen` gives the library that it
//! already has for a path or inode it knows. So every generation gets a copy of its own under a new name, in a folder
//! that only the bot's user may enter. Copies stay while they are mapped, and are swept at the next start.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};

use crate::process::usage;

/// What must stay free on the disk beside a copy: the database, the log and the owner's other programs need it, too.
const SPARE_ROOM: u64 = 64 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;
/// The longest file that is copied, in bytes: plugins have a few MiB, with debug information some hundred. Read whole, a
/// sparse file of many TiB would fill disk and memory.
const LONGEST: u64 = 512 * MEBIBYTE;

/// The hash of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The first 16 hexadecimal digits.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..16].to_owned()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for ContentHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hash = blake3::Hash::from_hex(&text).map_err(|error| format!("`{text}` is no hash of a file: {error}"))?;
        Ok(Self(*hash.as_bytes()))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A private copy of a plugin's file, whose content was hashed on the way.
#[derive(Debug)]
pub struct Shadow {
    /// Where it is.
    pub path: PathBuf,
    /// The hash of its content.
    pub hash: ContentHash,
}

impl Shadow {
    /// What is in it.
    ///
    /// # Errors
    ///
    /// As reading a file.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        fs::read(&self.path)
    }

    /// Removes it: for copies that were never opened.
    pub fn discard(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "a shadow copy could not be removed");
        }
    }
}

/// Why no copy could be made.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    /// The file changed while it was read: another event will come.
    #[error("the file is still being written: it is looked at again in a moment")]
    Changing,
    /// It is gone again.
    #[error("the file is gone")]
    Gone,
    /// It is a folder, a pipe or a device.
    #[error("this is no file but {0}: a plugin is one compiled library, copy that here")]
    NoFile(&'static str),
    /// A link to something that is not there.
    #[error("it is a link to {}, which does not exist: build that plugin, or remove the link", .0.display())]
    Dangling(PathBuf),
    /// It is longer than any plugin.
    #[error(
        "the file has {} MiB, more than the {} MiB that a plugin may have: build it with `--release` and `strip = \"debuginfo\"`, or it is no plugin",
        length.div_ceil(1 << 20), LONGEST >> 20
    )]
    TooLong {
        /// How many bytes it has.
        length: u64,
    },
    /// The drop folder's file can't be read.
    #[error("the file can't be read ({0}): check its permissions, and where it links to")]
    Source(io::Error),
    /// The disk is full, or nearly so.
    #[error(
        "the disk of {} has {} MiB free, and the {} MiB of its private copy must leave {} MiB: free some space, or restart the bot, which removes the {} MiB of copies that replaced plugins keep there",
        folder.display(), free / MEBIBYTE, length.div_ceil(MEBIBYTE), spare / MEBIBYTE, copies / MEBIBYTE
    )]
    NoRoom {
        /// The folder of the copies.
        folder: PathBuf,
        /// How much is free, in bytes.
        free: u64,
        /// How much the copy takes.
        length: u64,
        /// How much must be left.
        spare: u64,
        /// How much the copies there take.
        copies: u64,
    },
    /// The disk or the user's share of it became full on the way.
    #[error(
        "its private copy does not fit into {} ({error}): free some space, or restart the bot, which removes the {} MiB of copies that replaced plugins keep there",
        folder.display(), copies / MEBIBYTE
    )]
    Full {
        /// The folder of the copies.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
        /// How much the copies there take, in bytes.
        copies: u64,
    },
    /// The copy can't be written.
    #[error("no private copy can be written to {} ({error}): check its permissions", folder.display())]
    Copy {
        /// The folder of the copies.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl ShadowError {
    /// Whether it is for want of room on the disk.
    #[must_use]
    pub const fn is_want_of_room(&self) -> bool {
        matches!(self, Self::NoRoom { .. } | Self::Full { .. })
    }
}

/// The folder of the copies.
#[derive(Debug)]
pub struct ShadowFolder {
    folder: PathBuf,
    next: AtomicU64,
    /// How many bytes must stay free on its disk.
    spare: u64,
}

/// A copy that is being written: gone again unless it is finished.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Once finished it has another name.
        let _ = fs::remove_file(&self.0);
    }
}

impl ShadowFolder {
    /// Opens the folder, makes it if it is missing and sweeps what an earlier process left. The caller holds the root's
    /// lock, so nobody maps what is swept.
    ///
    /// # Errors
    ///
    /// The folder can't be made or is not writable.
    pub fn open(folder: PathBuf) -> Result<Self, ShadowError> {
        let failed = |error| ShadowError::Copy {
            folder: folder.clone(),
            error,
        };
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(failed)?;
        }
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&folder).map_err(failed)?;
        Ok(Self {
            folder,
            next: AtomicU64::new(1),
            spare: SPARE_ROOM,
        })
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Copies `source`, hashing on the way.
    ///
    /// # Errors
    ///
    /// [`ShadowError`]; [`ShadowError::Changing`] when the file changed meanwhile.
    pub fn copy(&self, source: &Path) -> Result<Shadow, ShadowError> {
        let gone_or = |error: io::Error| {
            if error.kind() == io::ErrorKind::NotFound {
                ShadowError::Gone
            } else {
                ShadowError::Source(error)
            }
        };
        let failed = |error| self.failed(error);
        let mut from = open(source).map_err(|error| if_dangling(source).unwrap_or_else(|| gone_or(error)))?;
        let before = from.metadata().map_err(gone_or)?;
        // A pipe or device would be read for ever.
        if !before.is_file() {
            return Err(ShadowError::NoFile(kind(before.file_type())));
        }
        if before.len() > LONGEST {
            return Err(ShadowError::TooLong { length: before.len() });
        }
        self.check_room(before.len())?;

        // File systems allow 255 bytes, and the hash and number come behind it.
        let stem = source
            .file_stem()
            .map_or_else(|| "plugin".into(), |stem| stem.to_string_lossy());
        let stem: String = stem.chars().take(48).collect();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let temporary = Unfinished(self.folder.join(format!(".{stem}-{number}.part")));
        let mut to = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary.0)
            .map_err(failed)?;
        let (hash, length) = copy_and_hash(&mut from, &mut to, &failed)?;
        let after = from.metadata().map_err(gone_or)?;
        if after.len() != length || after.modified().ok() != before.modified().ok() {
            return Err(ShadowError::Changing);
        }
        let suffix = std::env::consts::DLL_SUFFIX;
        let path = self.folder.join(format!("{stem}-{}-g{number}{suffix}", hash.short()));
        fs::rename(&temporary.0, &path).map_err(failed)?;
        Ok(Shadow { path, hash })
    }

    /// How many bytes the copies take.
    #[must_use]
    pub fn size(&self) -> u64 {
        let files = fs::read_dir(&self.folder).into_iter().flatten();
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
    }

    fn check_room(&self, length: u64) -> Result<(), ShadowError> {
        match usage::room_on_disk(&self.folder) {
            Some(free) if free < length.saturating_add(self.spare) => Err(ShadowError::NoRoom {
                folder: self.folder.clone(),
                free,
                length,
                spare: self.spare,
                copies: self.size(),
            }),
            _ => Ok(()),
        }
    }

    fn failed(&self, error: io::Error) -> ShadowError {
        let folder = self.folder.clone();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ShadowError::Full {
                folder,
                error,
                copies: self.size(),
            },
            _ => ShadowError::Copy { folder, error },
        }
    }
}

/// Opens a file for reading; what is a pipe is opened, too, without waiting for a writer.
fn open(source: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(source)
}

/// What to say of a link whose target is missing.
fn if_dangling(source: &Path) -> Option<ShadowError> {
    let target = source.read_link().ok()?;
    let missing = source
        .metadata()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    missing.then_some(ShadowError::Dangling(target))
}

fn kind(kind: fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    if kind.is_dir() { "a folder" } else { "something else" }
}

fn copy_and_hash(
    from: &mut File,
    to: &mut File,
    failed: &impl Fn(io::Error) -> ShadowError,
) -> Result<(ContentHash, u64), ShadowError> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut length = 0;
    loop {
        let read = from.read(&mut buffer).map_err(ShadowError::Source)?;
        if read == 0 {
            return Ok((ContentHash(*hasher.finalize().as_bytes()), length));
        }
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read]).map_err(failed)?;
        length += read as u64;
        // It grows while it is read.
        if length > LONGEST {
            return Err(ShadowError::TooLong { length });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_content_and_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("libexample.so");
        fs::write(&source, b"one").unwrap();
        let shadows = ShadowFolder::open(folder.path().join("run")).unwrap();
        let first = shadows.copy(&source).unwrap();
        let again = shadows.copy(&source).unwrap();
        fs::write(&source, b"two").unwrap();
        let second = shadows.copy(&source).unwrap();
        assert_eq!(first.bytes().unwrap(), b"one");
        assert_eq!((first.hash, again.hash == second.hash), (again.hash, false));
        assert!(first.path != again.path && again.path != second.path);
        assert!(
            first
                .path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("libexample-")
        );
    }

    #[test]
    fn a_copy_that_does_not_fit_is_refused_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("libexample.so");
        fs::write(&source, b"one").unwrap();
        let mut shadows = ShadowFolder::open(folder.path().join("run")).unwrap();
        shadows.spare = u64::MAX;
        let error = shadows.copy(&source).unwrap_err();
        assert!(error.is_want_of_room(), "{error}");
        assert!(
            error.to_string().contains("free some space, or restart the bot"),
            "{error}"
        );
        assert_eq!(fs::read_dir(shadows.path()).unwrap().count(), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_disk_that_becomes_full_on_the_way_is_told_as_that() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("libexample.so");
        fs::write(&source, b"one").unwrap();
        let shadows = ShadowFolder::open(folder.path().join("run")).unwrap();
        let mut from = File::open(&source).unwrap();
        let mut full = File::options().write(true).open("/dev/full").unwrap();
        let error = copy_and_hash(&mut from, &mut full, &|error| shadows.failed(error)).unwrap_err();
        assert!(matches!(error, ShadowError::Full { .. }), "{error}");
        assert!(error.to_string().contains("No space left on device"), "{error}");
        let part = shadows.path().join(".libexample-1.part");
        fs::write(&part, b"o").unwrap();
        drop(Unfinished(part.clone()));
        assert!(!part.exists());
    }

    #[test]
    fn opening_sweeps_and_a_missing_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::write(run.join("old.so"), b"x").unwrap();
        let shadows = ShadowFolder::open(run.clone()).unwrap();
        assert_eq!(fs::read_dir(&run).unwrap().count(), 0);
        assert!(matches!(
            shadows.copy(Path::new("/nonexistent/x.so")),
            Err(ShadowError::Gone)
        ));
    }

    #[test]
    fn what_is_no_file_or_too_long_is_told_and_never_read() {
        let folder = tempfile::tempdir().unwrap();
        let shadows = ShadowFolder::open(folder.path().join("run")).unwrap();
        let refused = |path: &Path| shadows.copy(path).unwrap_err().to_string();
        assert!(refused(folder.path()).starts_with("this is no file but a folder"));
        assert!(refused(Path::new("/dev/zero")).starts_with("this is no file but a device"));
        let sparse = folder.path().join("sparse.so");
        File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
        let text = refused(&sparse);
        assert!(
            text.starts_with("the file has 1048576 MiB, more than the 512 MiB"),
            "{text}"
        );
        assert_eq!(
            fs::read_dir(shadows.path()).unwrap().count(),
            0,
            "nothing is left behind"
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_to_nothing_and_to_themselves_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let shadows = ShadowFolder::open(folder.path().join("run")).unwrap();
        let (dangling, circle) = (folder.path().join("dangling.so"), folder.path().join("circle.so"));
        std::os::unix::fs::symlink("/nonexistent/built.so", &dangling).unwrap();
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        let text = shadows.copy(&dangling).unwrap_err().to_string();
        assert!(
            text.contains("a link to /nonexistent/built.so, which does not exist"),
            "{text}"
        );
        assert!(matches!(shadows.copy(&circle), Err(ShadowError::Source(_))));
    }
}
