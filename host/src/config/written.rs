//! config.json as written: read, and every value checked against the table of keys.
//!
//! Apart from the resolved settings so that a half-read file never gets further. All faults are found in one go; a
//! scanner beside the parser knows the line of every key.

use std::{collections::BTreeMap, fmt::Write};

use plugin_protocol::{PluginName, UserId};
use serde_json::{Map, Value};

use super::{
    error::{Problem, Warning},
    keys::{self, FOREIGN, KEYS, Key, Kind},
    resolved,
};

/// The checked file: a value for every key, the default where it says nothing.
#[derive(Debug)]
pub(super) struct Written {
    values: BTreeMap<&'static str, Value>,
    lines: BTreeMap<String, usize>,
}

impl Written {
    /// The value at a key of the table.
    pub(super) fn value(&self, path: &str) -> &Value {
        self.values
            .get(path)
            .expect("the caller's path is in the table, and every path of the table has a value")
    }

    /// The line on which a path stands, if it stands in the file.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        self.lines.get(path).copied()
    }
}

/// The text of a config.json with every default.
pub(super) fn defaults() -> String {
    let mut file = Map::new();
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
    let file: Value = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            problems.push(Problem::config(
                Some(error.line()),
                format!(
                    "not valid JSON: {reason} (column {}); a missing or surplus comma or quote stands there or on the \
                     line before",
                    error.column()
                ),
            ));
            return None;
        }
    };
    let Value::Object(file) = file else {
        problems.push(Problem::config(Some(1), "must be an object: { ... }"));
        return None;
    };
    let mut checker = Checker {
        lines: BTreeMap::new(),
        values: BTreeMap::new(),
        foreign: Vec::new(),
        problems,
    };
    checker.find_lines(text);
    checker.object("", &file);
    let Checker {
        lines,
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
    Some(Written { values, lines })
}

struct Checker<'p> {
    lines: BTreeMap<String, usize>,
    values: BTreeMap<&'static str, Value>,
    foreign: Vec<String>,
    problems: &'p mut Vec<Problem>,
}

impl Checker<'_> {
    fn problem(&mut self, path: &str, text: &str) {
        let line = self.lines.get(path).copied();
        self.problems.push(Problem::config(line, format!("{path}: {text}")));
    }

    fn find_lines(&mut self, text: &str) {
        let mut twice = Vec::new();
        scan(text, |path, line| {
            if let Some(first) = self.lines.insert(path.clone(), line) {
                twice.push((path, first));
            }
        });
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
            } else if name.starts_with("_comment") || FOREIGN.contains(&path.as_str()) {
                if name != "$schema" {
                    self.foreign.push(path);
                }
            } else if keys::names_below(&path).is_empty() {
                self.unknown(&path, name);
            } else if let Value::Object(below) = value {
                self.object(&path, below);
            } else {
                let names = keys::names_below(&path).join(", ");
                self.problem(
                    &path,
                    &format!(
                        "must be an object with any of {names}; {} stands there",
                        type_name(value)
                    ),
                );
            }
        }
    }

    fn unknown(&mut self, path: &str, name: &str) {
        let above = path.rsplit_once('.').map_or("", |(above, _)| above);
        let names = keys::names_below(above);
        let near = names.iter().find(|known| distance(known, name) <= 2);
        let elsewhere = KEYS.iter().find(|key| key.path.rsplit('.').next() == Some(name));
        let text = match (near, elsewhere) {
            (Some(near), _) => format!("there is no such key; did you mean `{near}`?"),
            (None, Some(key)) => format!("there is no such key; did you mean `{}`?", key.path),
            (None, None) => format!("there is no such key; known here: {}", names.join(", ")),
        };
        self.problem(path, &text);
    }

    fn key(&mut self, key: &'static Key, value: &Value) {
        match fault(key.kind, value) {
            None => {
                self.values.insert(key.path, value.clone());
            }
            Some(Fault { below, text }) => self.problem(&format!("{}{below}", key.path), &text),
        }
    }
}

struct Fault {
    /// Where inside the value: `[2]`, `.name`, or nothing.
    below: String,
    text: String,
}

fn fault(kind: Kind, value: &Value) -> Option<Fault> {
    let here = |text: String| {
        Some(Fault {
            below: String::new(),
            text,
        })
    };
    let wants = |what: &str| here(format!("must be {what}; {} stands there", type_name(value)));
    match kind {
        Kind::Bool => (!value.is_boolean()).then(|| wants("true or false"))?,
        Kind::Integer(min, max) => match value.as_i64() {
            Some(number) if (min..=max).contains(&number) => None,
            _ if max == i64::MAX => wants(&format!("a whole number, {min} or more")),
            _ => wants(&format!("a whole number from {min} to {max}")),
        },
        Kind::Number(min, max) => match value.as_f64() {
            Some(number) if (min..=max).contains(&number) => None,
            _ => wants(&format!("a number from {min} to {max}")),
        },
        Kind::Text(min, max) | Kind::Word(min, max) => match value.as_str() {
            Some(text) if !(min..=max).contains(&text.chars().count()) => here(format!(
                "must have {min} to {max} characters, it has {}",
                text.chars().count()
            )),
            Some(text) if matches!(kind, Kind::Word(..)) && text.chars().any(char::is_whitespace) => {
                here("must have no spaces".to_owned())
            }
            Some(_) => None,
            None => wants("a text in quotes"),
        },
        Kind::Choice(choices) => match value.as_str() {
            Some(text) if choices.iter().any(|choice| choice.eq_ignore_ascii_case(text)) => None,
            _ => wants(&format!("one of {}", choices.join(", "))),
        },
        Kind::OptionalId => (!value.is_null() && !is_id(value)).then(|| wants("a Discord id in quotes, or null"))?,
        Kind::Ids => each(value, "a list of Discord ids, each in quotes", |item| {
            (!is_id(item)).then(|| "a Discord id in quotes (17 to 20 digits)".to_owned())
        }),
        Kind::Texts => each(value, "a list of texts", |item| {
            (!item.is_string()).then(|| "a text in quotes".to_owned())
        }),
        Kind::Colour => match value.as_str().and_then(resolved::Colour::parse) {
            Some(_) => None,
            None => wants("a colour such as \"#5865f2\""),
        },
        Kind::Intents if value.as_str() == Some("auto") => None,
        Kind::Intents => each(value, "\"auto\" or a list of intents", |item| {
            let known = item.as_str().is_some_and(|name| resolved::intent(name).is_some());
            (!known).then(|| format!("one of {}", resolved::intent_names().join(", ")))
        }),
        Kind::Statuses => each(value, "a list of texts or of {\"type\": .., \"text\": ..}", |item| {
            (!is_status(item)).then(|| {
                format!(
                    "a text of up to 128 characters, or an object with `text` and a `type` of {}",
                    keys::ACTIVITIES.join(", ")
                )
            })
        }),
        Kind::Grants => entries(value, "an object: plugin to list of what it may ask", |_, grants| {
            let texts = grants.as_array().is_some_and(|list| list.iter().all(Value::is_string));
            (!texts).then(|| "a list of texts, such as [\"plugins.reload\"]".to_owned())
        }),
        Kind::Sections => entries(value, "an object: plugin to its settings", |_, section| {
            (!section.is_object()).then(|| "an object: { ... }".to_owned())
        }),
        Kind::Object => (!value.is_object()).then(|| wants("an object"))?,
    }
}

fn each(value: &Value, what: &str, fault: impl Fn(&Value) -> Option<String>) -> Option<Fault> {
    let Some(list) = value.as_array() else {
        return Some(Fault {
            below: String::new(),
            text: format!("must be {what}; {} stands there", type_name(value)),
        });
    };
    list.iter().enumerate().find_map(|(index, item)| {
        fault(item).map(|wants| Fault {
            below: format!("[{index}]"),
            text: format!("must be {wants}; {} stands there", type_name(item)),
        })
    })
}

fn entries(value: &Value, what: &str, fault: impl Fn(&str, &Value) -> Option<String>) -> Option<Fault> {
    let Some(object) = value.as_object() else {
        return Some(Fault {
            below: String::new(),
            text: format!("must be {what}; {} stands there", type_name(value)),
        });
    };
    object.iter().find_map(|(name, item)| {
        let text = match name.parse::<PluginName>() {
            Err(problem) => problem,
            Ok(_) => format!("must be {}; {} stands there", fault(name, item)?, kind_name(item)),
        };
        Some(Fault {
            below: format!(".{name}"),
            text,
        })
    })
}

fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<UserId>().is_ok())
        // Numbers are exact up to 2^64 here; other programs that rewrite the file may round them, so texts are asked for.
        || value.as_u64().is_some_and(|number| number != 0)
}

fn is_status(value: &Value) -> bool {
    let short = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .is_some_and(|text| text.chars().count() <= 128)
    };
    match value {
        Value::Object(object) => {
            let kind = object.get("type").is_none_or(|kind| {
                kind.as_str()
                    .is_some_and(|kind| keys::ACTIVITIES.iter().any(|known| known.eq_ignore_ascii_case(kind)))
            });
            kind && short(object.get("text")) && object.keys().all(|key| matches!(key.as_str(), "type" | "text"))
        }
        _ => short(Some(value)),
    }
}

/// What a value is, for refusals where it may be a secret in the wrong place.
fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What a value is, for refusals: itself, if it is short.
fn type_name(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= 24 => format!("{text:?}"),
        _ => kind_name(value).to_owned(),
    }
}

/// Tells the path and line of every key and list item. The text is known to be valid JSON.
fn scan(text: &str, mut found: impl FnMut(String, usize)) {
    enum Frame {
        Object(Option<String>),
        Array(usize),
    }
    fn path_of(stack: &[Frame]) -> String {
        let mut path = String::new();
        for frame in stack {
            match frame {
                Frame::Object(Some(name)) if path.is_empty() => path.push_str(name),
                Frame::Object(Some(name)) => {
                    path.push('.');
                    path.push_str(name);
                }
                Frame::Object(None) => {}
                Frame::Array(index) => {
                    let _ = write!(path, "[{index}]");
                }
            }
        }
        path
    }
    let bytes = text.as_bytes();
    let (mut at, mut line) = (0, 1);
    let mut stack: Vec<Frame> = Vec::new();
    while let Some(&byte) = bytes.get(at) {
        let starts_value = !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'}' | b']');
        let first_byte = at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[');
        if starts_value && first_byte && matches!(stack.last(), Some(Frame::Array(_))) {
            found(path_of(&stack), line);
        }
        match byte {
            b'\n' => line += 1,
            b'{' => stack.push(Frame::Object(None)),
            b'[' => stack.push(Frame::Array(0)),
            b'}' | b']' => {
                stack.pop();
            }
            b',' => match stack.last_mut() {
                Some(Frame::Object(name)) => *name = None,
                Some(Frame::Array(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let start = at;
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let text = text.get(start..=at).unwrap_or_default();
                let is_name = matches!(stack.last(), Some(Frame::Object(None)));
                if is_name && let Ok(name) = serde_json::from_str::<String>(text) {
                    if let Some(Frame::Object(key)) = stack.last_mut() {
                        *key = Some(name);
                    }
                    found(path_of(&stack), line);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// How many letters must change to make one word the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}
