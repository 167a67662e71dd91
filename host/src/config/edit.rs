//! Changes of config.json by the host itself, which leave everything else in it as its owner wrote it.
//!
//! Order, indentation, line ends and unknown keys stay; the file is replaced in one step, and only while it is still the
//! one that was read. A change that the check would refuse is not written. Two edits of this process never cross; against
//! an editor there is the moment between the last look and the rename, which no system call closes.

use std::{
    fmt, fs, io,
    io::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value};

use super::{
    ConfigError, Root,
    content::{self, Content},
    error::Problem,
    keys::{self, Kind},
    places::{Place, places},
    written,
};

/// How often an edit begins anew because somebody else has changed the file meanwhile.
const TRIES: usize = 16;

/// Edits of this process, one after the other. A lock of std: edits wait for the disk, so they run on blocking threads.
static EDITING: Mutex<()> = Mutex::new(());

/// Why config.json was not changed.
#[derive(Debug)]
pub enum EditError {
    /// It has faults, which have to be mended first.
    Faulty(ConfigError),
    /// With the change it would have faults.
    Refused(ConfigError),
    /// It could not be read or written: why, and what to do.
    Io(String),
    /// Somebody else changes it all the time.
    Contended,
    /// The path leads through something that is no object, or through a name with a dot.
    NoSuchPlace(String),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faulty(error) => write!(
                f,
                "config.json is not changed while it has faults: mend them first; {error}"
            ),
            Self::Refused(error) => write!(f, "config.json is not changed: {error}"),
            Self::Io(why) => write!(f, "config.json is not changed: it {why}"),
            Self::Contended => f.write_str(
                "config.json is not changed: another program writes it all the time. Try again when that has ended",
            ),
            Self::NoSuchPlace(path) => write!(
                f,
                "config.json is not changed: `{path}` can't be reached there; edit the file by hand"
            ),
        }
    }
}

impl std::error::Error for EditError {}

/// Sets the value at a path with dots, such as `status.text` or `plugins.levels.rate`. Waits for the disk: not for the
/// runtime's threads.
///
/// # Errors
///
/// [`EditError`]; the file then is as it was.
pub fn set(root: &Root, path: &str, value: &Value) -> Result<(), EditError> {
    let _turn = EDITING.lock().unwrap_or_else(PoisonError::into_inner);
    let link = root.config_file();
    // What a link leads to is replaced, not the link.
    let file = fs::canonicalize(&link).unwrap_or(link);
    for _ in 0..TRIES {
        let before = content::read(&file);
        let text = match &before {
            Content::Text(text) => text.clone(),
            Content::Missing => written::defaults(),
            Content::Unreadable(why) => return Err(EditError::Io(why.clone())),
        };
        let after = with(&text, path, value)?;
        let replaced = replace_if(&file, &after, || content::read(&file) == before);
        if replaced.map_err(|error| EditError::Io(format!("could not be written: {}", content::unwritable(&error))))? {
            return Ok(());
        }
    }
    Err(EditError::Contended)
}

/// Replaces a file in one step, if it is `unchanged` still; whether it did. Its permissions stay.
fn replace_if(path: &Path, text: &str, unchanged: impl Fn() -> bool) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".write-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = fs::metadata(path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.as_file().sync_all()?;
    if !unchanged() {
        return Ok(false);
    }
    file.persist(path)?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(true)
}

/// What somebody means who writes this for a key on a command line: JSON, or the text itself where a text belongs.
#[must_use]
pub fn meant(path: &str, text: &str) -> Value {
    let json = serde_json::from_str::<Value>(text).ok();
    let wants_text = keys::find(path).is_some_and(|key| {
        matches!(
            key.kind,
            Kind::Text(..) | Kind::Word(..) | Kind::Choice(_) | Kind::Colour | Kind::StreamUrl | Kind::OptionalId
        )
    });
    match json {
        Some(json) if json.is_string() || json.is_null() || !wants_text => json,
        _ => Value::String(text.to_owned()),
    }
}

/// A file's text with the value at a path.
///
/// # Errors
///
/// [`EditError`], but for `Io` and `Contended`.
pub fn with(text: &str, path: &str, value: &Value) -> Result<String, EditError> {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", text),
    };
    faultless(text).map_err(EditError::Faulty)?;
    let no_such_place = || EditError::NoSuchPlace(path.to_owned());
    // The check has read it.
    let mut wanted: Value = serde_json::from_str(text).map_err(|_| no_such_place())?;
    put(&mut wanted, path, value).ok_or_else(no_such_place)?;
    let edited = replaced(text, path, value).ok_or_else(no_such_place)?;
    if serde_json::from_str::<Value>(&edited).ok() != Some(wanted) {
        return Err(no_such_place());
    }
    faultless(&edited).map_err(EditError::Refused)?;
    Ok(format!("{mark}{edited}"))
}

fn faultless(text: &str) -> Result<(), ConfigError> {
    let mut problems: Vec<Problem> = Vec::new();
    written::check(text, &mut problems, &mut Vec::new());
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::new(problems))
    }
}

/// The change as a value: what the edited text has to come to.
fn put(file: &mut Value, path: &str, value: &Value) -> Option<()> {
    let mut at = file;
    for name in path.split('.') {
        at = at
            .as_object_mut()?
            .entry(name)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    *at = value.clone();
    Some(())
}

/// The text with the value at a path; `None` if there is no object to put it into.
fn replaced(text: &str, path: &str, value: &Value) -> Option<String> {
    let all = places(text);
    let style = Style::of(text, &all);
    if let Some(place) = all.iter().find(|place| place.path == path) {
        let old = &text[place.value.clone()];
        let is_open = style.is_open && (old.contains('\n') || old.len() <= 2);
        let new = style.rendered(value, indentation(text, place.start), is_open);
        return Some(format!(
            "{}{new}{}",
            &text[..place.value.start],
            &text[place.value.end..]
        ));
    }
    // The deepest object on the way that is there; what is missing below it comes with the value.
    let mut names: Vec<&str> = path.split('.').collect();
    let mut value = value.clone();
    let parent = loop {
        let name = names.pop()?;
        let above = names.join(".");
        if let Some(parent) = all.iter().find(|place| place.path == above) {
            break Member { name, parent };
        }
        value = Value::Object(Map::from_iter([(name.to_owned(), value)]));
    };
    parent
        .parent
        .value
        .clone()
        .next()
        .filter(|at| text.as_bytes()[*at] == b'{')?;
    Some(inserted(text, &all, &style, &parent, &value))
}

/// A key that is to be added to an object.
struct Member<'a> {
    name: &'a str,
    parent: &'a Place,
}

fn inserted(text: &str, all: &[Place], style: &Style, member: &Member<'_>, value: &Value) -> String {
    let inside = &member.parent.value;
    let prefix = if member.parent.path.is_empty() {
        String::new()
    } else {
        format!("{}.", member.parent.path)
    };
    let is_child = |place: &&Place| {
        let below = place.path.strip_prefix(&prefix).filter(|below| !below.is_empty());
        place.start > inside.start && place.start < inside.end && below.is_some_and(|below| !below.contains(['.', '[']))
    };
    let name = Value::from(member.name);
    let Some(last) = all.iter().rfind(is_child) else {
        let outer = indentation(text, member.parent.start);
        let (open, close) = if style.is_open {
            (
                format!("{}{outer}{}", style.line_end, style.unit),
                format!("{}{outer}", style.line_end),
            )
        } else {
            (String::new(), String::new())
        };
        let value = style.rendered(value, &format!("{outer}{}", style.unit), style.is_open);
        return format!(
            "{}{{{open}{name}: {value}{close}}}{}",
            &text[..inside.start],
            &text[inside.end..]
        );
    };
    let is_open = text[inside.start..last.start].contains('\n');
    let indentation = indentation(text, last.start);
    let value = style.rendered(value, indentation, is_open);
    let gap = if is_open {
        format!(",{}{indentation}", style.line_end)
    } else {
        ", ".to_owned()
    };
    format!(
        "{}{gap}{name}: {value}{}",
        &text[..last.value.end],
        &text[last.value.end..]
    )
}

/// What the line of a byte begins with.
fn indentation(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start().len()]
}

/// How its owner writes the file.
struct Style {
    /// One level of indentation.
    unit: String,
    line_end: &'static str,
    /// Objects have a line for each key.
    is_open: bool,
}

impl Style {
    fn of(text: &str, all: &[Place]) -> Self {
        let first = all.get(1).map(|place| place.start);
        let unit = first.map_or("", |at| indentation(text, at));
        Self {
            unit: if unit.is_empty() { "  " } else { unit }.to_owned(),
            line_end: if text.contains("\r\n") { "\r\n" } else { "\n" },
            is_open: first.is_none_or(|at| text[..at].contains('\n')),
        }
    }

    /// A value's text, where its first line is indented so.
    fn rendered(&self, value: &Value, indentation: &str, is_open: bool) -> String {
        if !is_open {
            return value.to_string();
        }
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(self.unit.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        // A value has text keys, and writing to memory does not fail.
        let _ = serde::Serialize::serialize(value, &mut serializer);
        let text = String::from_utf8_lossy(&bytes);
        text.replace('\n', &format!("{}{indentation}", self.line_end))
    }
}

#[cfg(test)]
mod tests;
