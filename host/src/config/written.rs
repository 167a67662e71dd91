//! config.json as written: read, and every value checked against the table of keys.
//!
//! Apart from the resolved settings so that a half-read file never gets further. All faults are found in one go, and
//! each has its place.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    error::{Problem, Warning},
    faults::{Fault, faults, is_comment, nearest, shown},
    keys::{self, FOREIGN, KEYS, Key, SCHEMA},
    places::{self, Habit, Position},
};

/// A value for every key of the table.
pub(super) type Values = BTreeMap<&'static str, Value>;

/// The checked file: a value for every key, the default where it says nothing.
#[derive(Clone, Debug)]
pub(super) struct Written {
    values: Values,
    places: BTreeMap<String, Position>,
}

impl Written {
    /// What holds without a file.
    pub(super) fn without_file() -> Self {
        Self {
            values: KEYS.iter().map(|key| (key.path, key.default.clone())).collect(),
            places: BTreeMap::new(),
        }
    }

    /// The value at a key of the table.
    pub(super) fn value(&self, path: &str) -> &Value {
        self.values
            .get(path)
            .expect("the caller's path is in the table, and every path of the table has a value")
    }

    /// Where a path stands, if it stands in the file.
    pub(super) fn place(&self, path: &str) -> Option<Position> {
        self.places.get(path).copied()
    }

    /// Keeps the value that another file has at a key.
    pub(super) fn keep(&mut self, key: &Key, other: &Self) {
        self.values.insert(key.path, other.value(key.path).clone());
    }
}

/// The text of a config.json with every default.
pub(super) fn defaults() -> String {
    let mut file = Map::new();
    file.insert(SCHEMA.to_owned(), super::schema::REFERENCE.into());
    for key in KEYS.iter() {
        let mut object = &mut file;
        let mut names = key.path.split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                object.insert(name.to_owned(), key.default.clone());
                break;
            }
            let below = object
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()))
                .as_object_mut();
            match below {
                Some(below) => object = below,
                None => break,
            }
        }
    }
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads and checks a file's text. `None` if it is no JSON object at all.
pub(super) fn check(text: &str, problems: &mut Vec<Problem>, warnings: &mut Vec<Warning>) -> Option<Written> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (clean, habits) = places::without_habits(text);
    for (at, habit) in habits {
        let what = match habit {
            Habit::Comment => {
                "JSON has no comments: remove it, or write it as a key whose name begins with `_comment`, such as \
                 \"_comment\": \"...\""
            }
            Habit::TrailingComma => "there is a comma behind the last entry: remove it",
        };
        problems.push(Problem::config(Some(Position::of(text, at)), what));
    }
    let file: Value = match serde_json::from_str(&clean) {
        Ok(file) => file,
        Err(error) => {
            problems.push(not_json(&clean, &error));
            return None;
        }
    };
    let Value::Object(file) = file else {
        problems.push(Problem::config(
            Some(Position { line: 1, column: 1 }),
            format!("must be an object: {{ ... }}; {} stands there", shown(&file)),
        ));
        return None;
    };
    let mut checker = Checker {
        places: BTreeMap::new(),
        values: BTreeMap::new(),
        foreign: Vec::new(),
        problems,
    };
    checker.find_places(&clean);
    checker.object("", &file);
    let Checker {
        places,
        mut values,
        foreign,
        ..
    } = checker;
    for key in KEYS.iter() {
        values.entry(key.path).or_insert_with(|| key.default.clone());
    }
    if !foreign.is_empty() {
        warnings.push(Warning::new(format!(
            "config.json has keys that this host has no use for, they do nothing: {}",
            foreign.join(", ")
        )));
    }
    let written = Written { values, places };
    warnings.extend(odd_statuses(&written));
    Some(written)
}

fn not_json(text: &str, error: &serde_json::Error) -> Problem {
    if text.trim().is_empty() {
        return Problem::config(
            None,
            "is empty: write {} into it, or delete it, and the next start writes one with every default",
        );
    }
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let hint = match reason {
        "key must be a string" => "names of keys stand in double quotes",
        "trailing characters" => "something stands behind the last bracket, or a bracket too many closes",
        "expected value" | "expected ident" => {
            "a value is missing or misspelt: texts stand in double quotes, true, false and null in small letters"
        }
        _ if error.is_eof() => "the file ends in the middle: a bracket or a quote is missing",
        _ if text.contains('\'') => {
            "a missing or surplus comma or quote stands there or on the line before; texts stand in double quotes"
        }
        _ => "a missing or surplus comma or quote stands there or on the line before",
    };
    let place = Position {
        line: error.line(),
        column: error.column(),
    };
    Problem::config(Some(place), format!("not valid JSON: {reason}; {hint}"))
}

/// What is right and yet probably not meant.
fn odd_statuses(written: &Written) -> Vec<Warning> {
    const KNOWN: [&str; 5] = ["guilds", "users", "commands", "shards", "uptime"];
    let mut warnings = Vec::new();
    let list = written.value("status.statuses").as_array();
    let list = list.map(Vec::as_slice).unwrap_or_default();
    let mut lines = vec![(
        "status".to_owned(),
        "status.text".to_owned(),
        Some(written.value("status.text")),
    )];
    for (index, item) in list.iter().enumerate() {
        let path = format!("status.statuses[{index}]");
        lines.push((path.clone(), path, item.get("text").or(Some(item))));
    }
    for (_, path, text) in &lines {
        let text = text.and_then(Value::as_str).unwrap_or_default();
        for name in text.split('{').skip(1).filter_map(|rest| rest.split_once('}')) {
            if !KNOWN.contains(&name.0) {
                warnings.push(Warning::new(format!(
                    "{path}: {{{}}} is shown as it stands; {{{}}} are filled in",
                    name.0,
                    KNOWN.join("}, {")
                )));
            }
        }
    }
    let streams = |item: &Value| item.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("streaming"));
    let has_none = written.value("status.url").as_str() == Some("");
    let is_line = list.is_empty() && streams(written.value("status.type"));
    let is_item = list
        .iter()
        .any(|item| item.get("url").is_none() && streams(item.get("type").unwrap_or(written.value("status.type"))));
    if has_none && (is_line || is_item) {
        warnings.push(Warning::new(
            "status.type is streaming, but status.url is empty: Discord then shows it as a game. Write the stream's \
             address there",
        ));
    }
    warnings
}

struct Checker<'p> {
    places: BTreeMap<String, Position>,
    values: Values,
    foreign: Vec<String>,
    problems: &'p mut Vec<Problem>,
}

impl Checker<'_> {
    fn problem(&mut self, path: &str, text: &str) {
        let place = self.places.get(path).copied();
        self.problems.push(Problem::config(place, format!("{path}: {text}")));
    }

    fn find_places(&mut self, text: &str) {
        let mut twice = Vec::new();
        for place in places::places(text).into_iter().skip(1) {
            let position = Position::of(text, place.start);
            if let Some(first) = self.places.insert(place.path.clone(), position) {
                twice.push((place.path, first.line));
            }
        }
        for (path, first) in twice {
            self.problem(
                &path,
                &format!("stands here again, it is on line {first} already: keep one"),
            );
        }
    }

    fn object(&mut self, path: &str, object: &Map<String, Value>) {
        for (name, value) in object {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            if let Some(key) = keys::find(&path) {
                self.key(key, value);
            } else if path == SCHEMA {
            } else if is_comment(name) || FOREIGN.contains(&path.as_str()) {
                self.foreign.push(path);
            } else if keys::names_below(&path).is_empty() {
                self.unknown(&path, name);
            } else if let Value::Object(below) = value {
                self.object(&path, below);
            } else {
                let names = keys::names_below(&path).join(", ");
                self.problem(
                    &path,
                    &format!("must be an object with any of {names}; {} stands there", shown(value)),
                );
            }
        }
    }

    fn unknown(&mut self, path: &str, name: &str) {
        let above = path.rsplit_once('.').map_or("", |(above, _)| above);
        let names = keys::names_below(above);
        let near = nearest(name, names.iter().copied());
        let elsewhere = KEYS.iter().find(|key| key.path.rsplit('.').next() == Some(name));
        let text = match (near, elsewhere) {
            (Some(near), _) => format!("there is no such key; did you mean `{near}`?"),
            (None, Some(key)) => format!("there is no such key; did you mean `{}`?", key.path),
            (None, None) => format!("there is no such key; known here: {}", names.join(", ")),
        };
        self.problem(path, &text);
    }

    fn key(&mut self, key: &'static Key, value: &Value) {
        let faults = faults(key.kind, value);
        if faults.is_empty() {
            self.values.insert(key.path, value.clone());
        }
        for Fault { below, text } in faults {
            self.problem(&format!("{}{below}", key.path), &text);
        }
    }
}
