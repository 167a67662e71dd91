//! The last good copies of a plugin's JSON files, and what was found damaged.
//!
//! Both lie beside the plugin's own folder, never in it: no name of the plugin's can reach them, and the owner finds them.
//! A good copy is an inode of its own, so that an editor that spoils the file in place leaves it whole; it is no more than
//! a help, so the disk is not waited for.

use std::{path::PathBuf, time::SystemTime};

use plugin_protocol::{MAX_NAME_BYTES, MAX_PATH_BYTES};
use serde::de::IgnoredAny;

use super::{
    beneath::{Beneath, Fingerprint},
    error::FileError,
    path::FilePath,
};
use crate::storage::aside::{set_aside_at, stamp, stamped};

/// How many bytes names have at most beside those of a path: a time and a number are put behind it.
const ENDING: usize = ".20261231T235959Z-123".len();

/// How many damaged files of one path are kept: no quota counts them, and a plugin may damage its own.
pub(super) const MAX_DAMAGED: usize = 5;

/// The good copies and the damaged files of a plugin.
#[derive(Debug)]
pub(super) struct Kept {
    good: Beneath,
    damaged: Beneath,
}

/// When a file was set aside, with a number among those of the same moment, and where it lies.
type SetAside = ((SystemTime, u32), FilePath);

impl Kept {
    /// Those of the plugin with this folder.
    pub(super) fn of(plugin: &std::path::Path) -> Self {
        Self {
            good: Beneath::new(plugin.join("good")),
            damaged: Beneath::new(plugin.join("damaged")),
        }
    }

    /// Keeps a content as the last good one, unless it is kept already.
    pub(super) fn keep(&self, path: &FilePath, content: &[u8]) {
        let has_it = || matches!(self.good.read(path), Ok(Some(kept)) if kept.bytes == content);
        if !has_it()
            && let Err(error) = self.good.write(path, content, false)
        {
            tracing::warn!(file = %self.good.place(path).display(), %error, "no good copy can be kept of a plugin's file");
        }
    }

    /// The last good content.
    pub(super) fn good(&self, path: &FilePath) -> Option<Vec<u8>> {
        let kept = self.good.read(path).ok()??;
        json(&kept.bytes).ok().map(|()| kept.bytes)
    }

    /// Forgets the good copy.
    pub(super) fn forget(&self, path: &FilePath) {
        if let Err(error) = self.good.remove(path) {
            tracing::warn!(file = %self.good.place(path).display(), %error, "the good copy of a deleted file can't be removed");
        }
    }

    /// Moves a damaged file away, under a name with the time. Answers with where it is then; with `None`, and nothing is
    /// moved, if what is there is no longer what was `seen`. The oldest of too many of one path goes.
    pub(super) fn set_aside(
        &self,
        files: &Beneath,
        path: &FilePath,
        seen: &Fingerprint,
    ) -> Result<Option<PathBuf>, FileError> {
        let time = stamp(SystemTime::now());
        // Two within a second are told apart by a number.
        let (_, name) = path.split();
        let folders = &path.as_str()[..path.as_str().len() - name.len()];
        // Below the longest of folders there is no room for a name with a time.
        let fits = folders.len() + MAX_NAME_BYTES <= MAX_PATH_BYTES;
        let folders = if fits { folders } else { "" };
        let room = MAX_NAME_BYTES - ENDING;
        let ends = name.char_indices().map(|(at, letter)| at + letter.len_utf8());
        let name = &name[..ends.take_while(|end| *end <= room).last().unwrap_or(0)];
        let before = self.set_aside_of(folders, name)?;
        let now = set_aside_at(&stamped("", &time, 0));
        let of_now = before.iter().filter(|((at, _), _)| Some(*at) == now);
        // Behind the last one, so that the numbers tell the order.
        let first = of_now.map(|((_, number), _)| number + 1).max().unwrap_or(0);
        for number in first..first.saturating_add(1_000) {
            let Ok(aside) = FilePath::parse(&stamped(&format!("{folders}{name}"), &time, number)) else {
                break;
            };
            if self.damaged.look(&aside)?.is_none() {
                files.move_to(path, &self.damaged, &aside)?;
                let moved = self.damaged.look(&aside)?;
                let is_seen = moved.is_some_and(|moved| moved.is_of_the_same_content(seen));
                // Somebody replaced it in between: it is theirs, unless they have done so again.
                if !is_seen && files.look(path)?.is_none() {
                    self.damaged.move_to(&aside, files, path)?;
                    return Ok(None);
                }
                self.remove_oldest(&before);
                return Ok(Some(self.damaged.place(&aside)));
            }
        }
        Err(FileError::NoFile(self.damaged.place(path)))
    }

    /// The damaged files of this name, oldest first: when they were set aside, as the how manieth of a second.
    fn set_aside_of(&self, folders: &str, name: &str) -> Result<Vec<SetAside>, FileError> {
        let folder = FilePath::parse(folders.trim_end_matches('/')).ok();
        let entries = self.damaged.list(folder.as_ref())?.into_iter();
        let mut damaged: Vec<_> = entries
            .filter_map(|entry| {
                let ending = entry.path.strip_prefix(folders)?.strip_prefix(name)?;
                let stamp = ending.strip_prefix('.').filter(|stamp| !stamp.contains(['.', '/']))?;
                let number = stamp.split_once('-').map_or(Ok(0), |(_, number)| number.parse());
                Some((
                    (set_aside_at(ending)?, number.ok()?),
                    FilePath::parse(&entry.path).ok()?,
                ))
            })
            .collect();
        damaged.sort_unstable();
        Ok(damaged)
    }

    /// Removes the oldest of these, so that with one more there are as many as are kept.
    fn remove_oldest(&self, damaged: &[((SystemTime, u32), FilePath)]) {
        for (_, oldest) in damaged.iter().rev().skip(MAX_DAMAGED - 1) {
            if let Err(error) = self.damaged.remove(oldest) {
                tracing::warn!(file = %self.damaged.place(oldest).display(), %error, "an old damaged file can't be removed");
            }
        }
    }
}

/// Whether a content is JSON.
///
/// # Errors
///
/// What is wrong with it, with line and column.
pub(super) fn json(content: &[u8]) -> Result<(), serde_json::Error> {
    // What is ignored is not checked to be UTF-8.
    match std::str::from_utf8(content) {
        Ok(text) => serde_json::from_str::<IgnoredAny>(text).map(drop),
        Err(error) => Err(serde::de::Error::custom(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_of_damaged_files_never_collide() {
        let folder = tempfile::tempdir().unwrap();
        let (files, kept) = (Beneath::new(folder.path().join("files")), Kept::of(folder.path()));
        let long = format!("a/{}", "ü".repeat(100));
        let deep = [
            "d".repeat(100).as_str(),
            "e".repeat(180).as_str(),
            "f".repeat(190).as_str(),
            "g.json",
        ]
        .join("/");
        for path in ["a/b.json", &long, &deep] {
            let path = FilePath::parse(path).unwrap();
            let mut places = Vec::new();
            for number in 0..5 {
                files.write(&path, format!("{number}").as_bytes(), false).unwrap();
                let seen = files.look(&path).unwrap().unwrap();
                places.push(kept.set_aside(&files, &path, &seen).unwrap().unwrap());
            }
            for (number, place) in places.iter().enumerate() {
                assert_eq!(fs::read_to_string(place).unwrap(), number.to_string());
            }
        }
    }

    #[test]
    fn of_the_damaged_files_of_a_path_the_latest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (files, kept) = (Beneath::new(folder.path().join("files")), Kept::of(folder.path()));
        for path in ["a/b.json", "a/b.json.x", "b.json"] {
            let path = FilePath::parse(path).unwrap();
            let mut places = Vec::new();
            for number in 0..15 {
                files.write(&path, format!("{number}").as_bytes(), false).unwrap();
                let seen = files.look(&path).unwrap().unwrap();
                places.push(kept.set_aside(&files, &path, &seen).unwrap().unwrap());
            }
            let left: Vec<_> = places.iter().map(|place| place.exists()).collect();
            assert_eq!(
                left,
                [[false; 5], [false; 5], [true; MAX_DAMAGED]].concat(),
                "{places:?}"
            );
        }
        assert_eq!(kept.damaged.list(None).unwrap().len(), 3 * MAX_DAMAGED);
    }

    #[test]
    fn what_was_replaced_in_between_is_not_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let (files, kept) = (Beneath::new(folder.path().join("files")), Kept::of(folder.path()));
        let path = FilePath::parse("a/b.json").unwrap();
        files.write(&path, b"{", false).unwrap();
        let seen = files.look(&path).unwrap().unwrap();
        files.write(&path, b"{}", false).unwrap();
        assert_eq!(kept.set_aside(&files, &path, &seen).unwrap(), None);
        assert_eq!(files.read(&path).unwrap().unwrap().bytes, b"{}");
        assert!(kept.damaged.list(None).unwrap().is_empty());
    }

    #[test]
    fn json_is_checked_to_the_last_byte() {
        for good in ["{}", "[1, 2]\n", "null", "\"\u{e9}\"", " 1 "] {
            json(good.as_bytes()).unwrap();
        }
        for damaged in [
            &b""[..],
            b"{",
            b"{} x",
            b"{\"a\": 1,}",
            b"\"\xff\"",
            b"\0\0\0",
            b"{\"a\": tru",
        ] {
            json(damaged).unwrap_err();
        }
    }
}
