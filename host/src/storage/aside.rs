//! Damaged files are set aside, never overwritten: somebody may miss what was in them.
//!
//! Their names tell when that was, by which they are removed some day.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How the time is written in names.
const STAMP: &[time::format_description::BorrowedFormatItem<'_>] =
    time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");

/// Moves a damaged file of the host's own to the folder `damaged` beside it. Answers with where it is then.
///
/// # Errors
///
/// As making a folder and renaming.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let folder = path.with_file_name("damaged");
    fs::create_dir_all(&folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let time = stamp(SystemTime::now());
    for number in 0..1_000 {
        let aside = folder.join(stamped(&name, &time, number));
        if !aside.try_exists()? {
            fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The name of a file that is set aside as the `number`th of a second.
pub(super) fn stamped(name: &str, time: &str, number: u32) -> String {
    match number {
        0 => format!("{name}.{time}"),
        _ => format!("{name}.{time}-{number}"),
    }
}

/// A time as part of a name, in UTC.
pub(super) fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.and_then(|time| time.format(STAMP).ok())
        .unwrap_or_else(|| seconds.to_string())
}

/// When a file with this name was set aside; `None` if the name is none of those that damaged files get.
#[must_use]
pub fn set_aside_at(name: &str) -> Option<SystemTime> {
    let (_, stamp) = name.rsplit_once('.')?;
    let stamp = stamp.split_once('-').map_or(stamp, |(stamp, _)| stamp);
    let time = time::PrimitiveDateTime::parse(stamp, STAMP).ok()?.assume_utc();
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(time.unix_timestamp()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_time() {
        let time = UNIX_EPOCH + Duration::from_secs(1_795_381_200);
        assert_eq!(stamp(time), "20261122T210000Z");
        assert_eq!(set_aside_at("a.b.json.20261122T210000Z"), Some(time));
        assert_eq!(set_aside_at(&stamped("a", &stamp(time), 12)), Some(time));
        assert_eq!(set_aside_at("a.json"), None);
    }

    #[test]
    fn files_that_are_set_aside_never_replace_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("decisions.json");
        let mut places = Vec::new();
        for number in 0..5 {
            fs::write(&file, number.to_string()).unwrap();
            places.push(set_aside(&file).unwrap());
        }
        for (number, place) in places.iter().enumerate() {
            assert_eq!(fs::read_to_string(place).unwrap(), number.to_string());
        }
        assert!(!file.exists() && set_aside(&file).is_err());
    }
}
