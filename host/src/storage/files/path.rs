//! The paths of plugins' files: checked once, here, so that nothing else has to.
//!
//! Pure. What passes can be a file's name on every system (two that differ only in case, or in the Unicode form of a letter,
//! are one file on macOS and Windows), stays within the folder as long as no link leads out of it (which `beneath` sees
//! to), and is never a name of the host's own temporary files: those begin with a dot.

use std::fmt;

use plugin_protocol::{MAX_DEPTH, MAX_NAME_BYTES, MAX_PATH_BYTES};

/// The path of a file, or of a folder, beneath the plugin's own folder; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath(Box<str>);

/// Why a text is no path of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongPath {
    path: String,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Empty,
    TooLong,
    TooDeep,
    Absolute,
    EmptyName,
    NameTooLong,
    Dots,
    Hidden,
    Letter(char),
    Ending,
    Device,
}

impl FilePath {
    /// Checks a path.
    ///
    /// # Errors
    ///
    /// [`WrongPath`], which says what a path is to be like.
    pub fn parse(path: &str) -> Result<Self, WrongPath> {
        let wrong = |why| {
            // What is told is short and has no control characters, whatever was asked for.
            let path = path.chars().take(80).flat_map(char::escape_debug).collect();
            Err(WrongPath { path, why })
        };
        if path.is_empty() {
            return wrong(Why::Empty);
        }
        if path.len() > MAX_PATH_BYTES {
            return wrong(Why::TooLong);
        }
        if path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':') {
            return wrong(Why::Absolute);
        }
        if path.split('/').count() > MAX_DEPTH {
            return wrong(Why::TooDeep);
        }
        match path.split('/').find_map(wrong_name) {
            Some(why) => wrong(why),
            None => Ok(Self(path.into())),
        }
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names on the way to the last one, and the last one.
    pub(super) fn split(&self) -> (impl Iterator<Item = &str> + Clone, &str) {
        let (folders, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        (folders.split('/').filter(|name| !name.is_empty()), name)
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn wrong_name(name: &str) -> Option<Why> {
    if name.is_empty() {
        return Some(Why::EmptyName);
    }
    if name.len() > MAX_NAME_BYTES {
        return Some(Why::NameTooLong);
    }
    if name == "." || name == ".." {
        return Some(Why::Dots);
    }
    if name.starts_with('.') {
        return Some(Why::Hidden);
    }
    let is_wrong = |letter: &char| letter.is_control() || r#"<>:"|?*\"#.contains(*letter);
    if let Some(letter) = name.chars().find(is_wrong) {
        return Some(Why::Letter(letter));
    }
    if name.ends_with(['.', ' ']) {
        return Some(Why::Ending);
    }
    is_device(name).then_some(Why::Device)
}

/// Whether Windows takes a name for a device, whatever its ending
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file>).
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_lowercase();
    let is_numbered = |prefix: &str| {
        let mut behind = stem.strip_prefix(prefix).unwrap_or_default().chars();
        let digit = behind.next();
        behind.next().is_none()
            && digit.is_some_and(|digit| digit.is_ascii_digit() || "\u{b9}\u{b2}\u{b3}".contains(digit))
    };
    ["con", "prn", "aux", "nul", "conin$", "conout$"].contains(&&*stem) || is_numbered("com") || is_numbered("lpt")
}

impl fmt::Display for WrongPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, why } = self;
        match why {
            Why::Empty => return f.write_str("the path of the file is empty: name one, such as `scores.json`"),
            _ => write!(f, "`{path}` is no path of a plugin's file: ")?,
        }
        match why {
            Why::Empty => Ok(()),
            Why::TooLong => write!(f, "it is longer than {MAX_PATH_BYTES} bytes; take shorter names"),
            Why::TooDeep => write!(f, "it has more than {MAX_DEPTH} names; put the file into fewer folders"),
            Why::Absolute => {
                f.write_str("it is absolute; paths begin in the plugin's own folder, such as `maps/island.txt`")
            }
            Why::EmptyName => f.write_str("a name in it is empty; take the double `/`, or the one at the end, away"),
            Why::NameTooLong => write!(
                f,
                "a name in it is longer than {MAX_NAME_BYTES} bytes; take a shorter one"
            ),
            Why::Dots => f.write_str("`.` and `..` lead elsewhere; write the path from the plugin's own folder on"),
            Why::Hidden => f.write_str("names that begin with a dot are the host's; take the dot away"),
            Why::Letter(letter) => write!(
                f,
                "a name can't have {letter:?}: not every system takes it; replace it, by `_`, say"
            ),
            Why::Ending => f.write_str("a name ends with a dot or a space, which not every system keeps; take it away"),
            Why::Device => f.write_str("a name in it is a device on Windows; put something before it, such as `my-`"),
        }
    }
}

impl std::error::Error for WrongPath {}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_paths_pass_as_they_are() {
        let longest = "n".repeat(MAX_NAME_BYTES);
        for path in [
            "a",
            "scores.json",
            "maps/2024/island.txt",
            "über/Straße.json",
            "with space.txt",
            "a..b",
            "c",
            "com",
            "com10",
            "console.log",
            "nul-1",
            "lpt",
            "a/b/c/d/e/f/g/h",
            "日本",
            &longest,
        ] {
            assert_eq!(FilePath::parse(path).map(|path| path.to_string()), Ok(path.to_owned()));
        }
        let path = FilePath::parse("a/b/c").unwrap();
        let (folders, name) = path.split();
        assert_eq!((folders.collect::<Vec<_>>(), name), (vec!["a", "b"], "c"));
        let path = FilePath::parse("c").unwrap();
        assert_eq!((path.split().0.count(), path.split().1), (0, "c"));
    }

    #[test]
    fn other_paths_are_refused_with_what_to_do() {
        let (long, deep) = ("n".repeat(MAX_NAME_BYTES + 1), ["d"; MAX_DEPTH + 1].join("/"));
        let longer = ["n".repeat(100).as_str(); 6].join("/");
        let mut texts = String::new();
        for path in [
            "",
            "/etc/passwd",
            r"\\server\share",
            "C:/x",
            "../x",
            "a/../../x",
            "a/./b",
            ".",
            "a//b",
            "a/",
            ".write-1",
            "a/.hidden/b",
            r"a\b",
            "a:b",
            "what?.txt",
            "line\nbreak",
            "nul\0byte",
            "bell\u{7}",
            "a.",
            "a ",
            "b./c",
            "CON",
            "nul.txt",
            "a/Com1.log",
            "LPT\u{b9}",
            "aux .x",
            "conin$",
            &long,
            &deep,
            &longer,
        ] {
            let refused = FilePath::parse(path).expect_err(path);
            writeln!(texts, "{refused}").unwrap();
        }
        insta::assert_snapshot!("paths", texts);
    }

    proptest! {
        /// The model: a path is right if it names a file beneath a folder and nothing else on any system.
        #[test]
        fn whatever_passes_stays_within_the_folder(path in r"([a-c.\\ :\x00/]|\.\.|/\.\./|nul|é){0,12}") {
            let Ok(parsed) = FilePath::parse(&path) else { return Ok(()) };
            prop_assert_eq!(parsed.as_str(), &path);
            let mut depth = 0;
            for part in std::path::Path::new(&path).components() {
                prop_assert!(matches!(part, std::path::Component::Normal(_)), "{:?}", part);
                depth += 1;
            }
            prop_assert_eq!(depth, path.split('/').count());
            prop_assert!(!path.contains(['\\', ':', '\0']));
            prop_assert!(path.split('/').all(|name| !name.starts_with('.') && !name.ends_with(['.', ' '])));
        }

        #[test]
        fn what_is_made_of_plain_names_passes(names in prop::collection::vec("[a-z0-9_][a-zA-Z0-9_é-]{4,20}", 1..=MAX_DEPTH)) {
            let path = names.join("/");
            prop_assert!(FilePath::parse(&path).is_ok());
        }
    }
}
