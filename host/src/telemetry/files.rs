//! The log's files: `permanent.log`, rotated by size and kept for so many days, and `current_run.log`.
//!
//! Used by the log's thread alone, so they may be as slow as the disk is. Whatever happens to a file from outside, it is
//! made again; what the disk does not take is counted.

use std::{
    fs::{self, File, Metadata},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How much a log may grow and how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The size in bytes at which `permanent.log` becomes `permanent.log.1`.
    pub max_bytes: u64,
    /// How many of those are kept.
    pub backup_count: u32,
    /// For how long they are kept.
    pub retention: Duration,
}

/// A log file that is open, or will be with the next line.
pub(super) struct LogFile {
    path: PathBuf,
    open: Option<Open>,
    rotates: bool,
}

struct Open {
    file: File,
    /// Its size, as far as it is a file that has one.
    size: Option<u64>,
    identity: Identity,
}

type Identity = (u64, u64);

/// What came of writing.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// How many lines were lost, and why.
    pub(super) lost: Option<(u64, io::Error)>,
}

impl LogFile {
    /// One that begins anew with each run.
    ///
    /// # Errors
    ///
    /// The file can't be made.
    pub(super) fn of_this_run(path: PathBuf) -> io::Result<Self> {
        if is_plain(&path) {
            File::create(&path)?;
        }
        Self::new(path, false)
    }

    /// One that goes on over runs and is rotated.
    ///
    /// # Errors
    ///
    /// The file can't be opened.
    pub(super) fn permanent(path: PathBuf) -> io::Result<Self> {
        Self::new(path, true)
    }

    fn new(path: PathBuf, rotates: bool) -> io::Result<Self> {
        // What is no plain file, such as a pipe, may wait for somebody at the other end: that is for the log's thread.
        let open = if is_plain(&path) { Some(Open::at(&path)?) } else { None };
        Ok(Self { path, open, rotates })
    }

    /// Writes lines, each with its end.
    pub(super) fn write(&mut self, lines: &str, limits: &Limits) -> Written {
        let mut rest = lines;
        while !rest.is_empty() {
            if let Err(error) = self.write_some(&mut rest, limits) {
                let lost = rest.bytes().filter(|byte| *byte == b'\n').count() as u64;
                return Written {
                    lost: Some((lost, error)),
                };
            }
        }
        Written::default()
    }

    /// Writes as many lines as the file has room for, at least one, and leaves the rest.
    fn write_some(&mut self, rest: &mut &str, limits: &Limits) -> io::Result<()> {
        if self.open.as_mut().is_some_and(|open| !open.is_at(&self.path)) {
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open::at(&self.path)?),
        };
        let mut end = rest.len();
        if let (true, Some(size)) = (self.rotates, open.size) {
            let room = usize::try_from(limits.max_bytes.saturating_sub(size)).unwrap_or(usize::MAX);
            if rest.len() > room {
                let fits = rest.as_bytes()[..room].iter().rposition(|byte| *byte == b'\n');
                match fits {
                    Some(at) => end = at + 1,
                    None if size > 0 => {
                        self.open = None;
                        return rotate(&self.path, limits.backup_count);
                    }
                    // A line that is longer than a file may be has one of its own.
                    None => end = rest.find('\n').map_or(end, |at| at + 1),
                }
            }
        }
        let (now, later) = rest.split_at(end);
        open.write(now)?;
        *rest = later;
        Ok(())
    }

    /// Has what was written reach the disk.
    pub(super) fn sync(&self) {
        if let Some(open) = &self.open {
            let _ = open.file.sync_data();
        }
    }

    /// Removes what was rotated long ago, or is more than what is kept.
    pub(super) fn sweep(&self, limits: &Limits, now: SystemTime) {
        if self.rotates {
            sweep(&self.path, limits, now);
        }
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().create(true).append(true).open(path)?;
        let metadata = file.metadata()?;
        Ok(Self {
            file,
            size: metadata.is_file().then_some(metadata.len()),
            identity: identity(&metadata),
        })
    }

    /// Whether it is still what lies there: neither removed nor renamed nor replaced nor cut from outside.
    fn is_at(&mut self, path: &Path) -> bool {
        let Ok(metadata) = fs::metadata(path) else { return false };
        if self.size.is_some() {
            self.size = Some(metadata.len());
        }
        identity(&metadata) == self.identity
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        if let Err(error) = self.file.write_all(lines.as_bytes()) {
            // No half of a line is left behind.
            if let Some(size) = self.size {
                let _ = self.file.set_len(size);
            }
            return Err(error);
        }
        self.size = self.size.map(|size| size + lines.len() as u64);
        Ok(())
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> Identity {
    let made = metadata.created().ok();
    let made = made.and_then(|made| made.duration_since(SystemTime::UNIX_EPOCH).ok());
    (
        0,
        made.map_or(0, |made| u64::try_from(made.as_nanos()).unwrap_or(u64::MAX)),
    )
}

/// Whether a file or nothing lies there.
fn is_plain(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Moves `NAME` to `NAME.1`, what was there to `NAME.2`, and so on; the last goes.
fn rotate(path: &Path, count: u32) -> io::Result<()> {
    if count == 0 {
        return absent_is_fine(fs::remove_file(path));
    }
    // Up to the first gap: behind it nothing has to move.
    let first_free = (1..count)
        .find(|&number| !numbered(path, number).exists())
        .unwrap_or(count);
    for number in (1..first_free).rev() {
        absent_is_fine(fs::rename(numbered(path, number), numbered(path, number + 1)))?;
    }
    absent_is_fine(fs::rename(path, numbered(path, 1)))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn sweep(path: &Path, limits: &Limits, now: SystemTime) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let file = entry.file_name();
        let number = file
            .to_str()
            .and_then(|file| file.strip_prefix(name)?.strip_prefix('.'));
        let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) else {
            continue;
        };
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|age| age > limits.retention));
        if is_old || number > limits.backup_count {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn limits(max_bytes: u64, backup_count: u32) -> Limits {
        Limits {
            max_bytes,
            backup_count,
            retention: 30 * DAY,
        }
    }

    fn log() -> (TempDir, PathBuf, LogFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("permanent.log");
        let file = LogFile::permanent(path.clone()).unwrap();
        (folder, path, file)
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_file_becomes_the_first_of_those_that_are_kept() {
        let (folder, path, mut file) = log();
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n"] {
            assert!(file.write(line, &limits(8, 2)).lost.is_none());
        }
        assert_eq!(names(&folder), ["permanent.log", "permanent.log.1", "permanent.log.2"]);
        assert_eq!(read(&path), "five\n");
        assert_eq!(read(&numbered(&path, 1)), "four\n");
        assert_eq!(read(&numbered(&path, 2)), "three\n");
        file.write("six and more\n", &limits(8, 0));
        assert_eq!(read(&path), "six and more\n", "a long line is written whole");
        file.sweep(&limits(8, 0), SystemTime::now());
        assert_eq!(names(&folder), ["permanent.log"]);
    }

    #[test]
    fn what_is_old_goes_and_what_is_not_a_log_stays() {
        let (folder, path, mut file) = log();
        for line in ["one\n", "two\n", "three\n"] {
            file.write(line, &limits(4, 5));
        }
        fs::write(folder.path().join("permanent.log.old"), "mine").unwrap();
        let now = SystemTime::now();
        file.sweep(&limits(4, 5), now + 29 * DAY);
        assert_eq!(names(&folder).len(), 4);
        let old = File::options().append(true).open(numbered(&path, 2)).unwrap();
        old.set_modified(now - 31 * DAY).unwrap();
        file.sweep(&limits(4, 5), now);
        assert_eq!(
            names(&folder),
            ["permanent.log", "permanent.log.1", "permanent.log.old"]
        );
    }

    #[test]
    fn a_file_that_is_removed_renamed_or_cut_is_made_again() {
        let (folder, path, mut file) = log();
        let many = limits(1000, 5);
        file.write("one\n", &many);
        fs::remove_file(&path).unwrap();
        file.write("two\n", &many);
        assert_eq!(read(&path), "two\n");
        fs::rename(&path, folder.path().join("taken")).unwrap();
        file.write("three\n", &many);
        assert_eq!(read(&path), "three\n");
        File::create(&path).unwrap();
        file.write("four\n", &many);
        assert_eq!(read(&path), "four\n");
        fs::remove_dir_all(folder.path()).unwrap();
        file.write("five\n", &many);
        assert_eq!(read(&path), "five\n");
    }

    #[test]
    fn what_can_not_be_written_is_counted_and_later_lines_are_written_again() {
        let (_folder, path, mut file) = log();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let (lost, _) = file.write("one\ntwo\n", &limits(1000, 5)).lost.unwrap();
        assert_eq!(lost, 2);
        fs::remove_dir(&path).unwrap();
        assert!(file.write("three\n", &limits(1000, 5)).lost.is_none());
        assert_eq!(read(&path), "three\n");
    }

    proptest! {
        #[test]
        fn every_line_is_kept_whole_and_in_order(
            batches in prop::collection::vec(prop::collection::vec("[a-z]{0,30}", 1..8), 1..12), max in 10..80_u64,
        ) {
            let (_folder, path, mut file) = log();
            let mut wanted = String::new();
            for batch in &batches {
                let lines: String = batch.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
                prop_assert!(file.write(&lines, &limits(max, 1000)).lost.is_none());
                wanted.push_str(&lines);
            }
            let files = (1..1000).map(|number| numbered(&path, number)).take_while(|path| path.exists());
            let mut all: Vec<_> = files.map(|path| read(&path)).collect();
            all.reverse();
            all.push(read(&path));
            for content in &all {
                prop_assert!(content.len() as u64 <= max || content.matches('\n').count() == 1);
            }
            prop_assert_eq!(all.concat(), wanted);
        }
    }
}
