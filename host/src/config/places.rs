//! Where in config.json's text each key and value stands, so that faults have a place and edits touch nothing else.
//!
//! Apart from the JSON parser, which forgets places. It forgives what people write by habit (comments, commas before a
//! closing bracket): those are told, and everything behind them is checked all the same.

use std::{borrow::Cow, fmt::Write, ops::Range};

/// A place in the text, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Position {
    /// Of a byte of the text.
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

/// What JSON does not know, and people write all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    Comment,
    TrailingComma,
}

/// The text with every habit replaced by spaces, byte by byte, and where each was.
pub(super) fn without_habits(text: &str) -> (Cow<'_, str>, Vec<(usize, Habit)>) {
    let bytes = text.as_bytes();
    let mut blanks: Vec<Range<usize>> = Vec::new();
    let mut found = Vec::new();
    let mut comma = None;
    let mut at = 0;
    while at < bytes.len() {
        let comment = match &bytes[at..] {
            [b'/', b'/', ..] | [b'#', ..] => Some(text[at..].find('\n').unwrap_or(text.len() - at)),
            [b'/', b'*', ..] => Some(text[at..].find("*/").map_or(text.len() - at, |end| end + 2)),
            _ => None,
        };
        if let Some(length) = comment {
            found.push((at, Habit::Comment));
            blanks.push(at..at + length);
            at += length;
            continue;
        }
        match bytes[at] {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    found.push((comma, Habit::TrailingComma));
                    blanks.push(comma..comma + 1);
                }
            }
            b'"' => {
                comma = None;
                at = end_of_string(bytes, at);
                continue;
            }
            _ => comma = None,
        }
        at += 1;
    }
    if blanks.is_empty() {
        return (Cow::Borrowed(text), found);
    }
    found.sort_by_key(|(at, _)| *at);
    let mut clean = bytes.to_vec();
    for byte in blanks.into_iter().flatten() {
        // Line breaks inside comments stay, so that lines keep their numbers.
        if clean[byte] != b'\n' {
            clean[byte] = b' ';
        }
    }
    // Whole characters were replaced by spaces, so it is UTF-8 still.
    (Cow::Owned(String::from_utf8_lossy(&clean).into_owned()), found)
}

/// The byte behind a text that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while bytes.get(at).is_some_and(|byte| *byte != b'"') {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// A key or list item: its path, where its name or it itself begins, and its value's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// With dots and `[2]`; empty for the file itself.
    pub(super) path: String,
    pub(super) start: usize,
    pub(super) value: Range<usize>,
}

/// Every key and list item of a text that is valid JSON, the file itself first.
pub(super) fn places(text: &str) -> Vec<Place> {
    let mut walk = Walk {
        bytes: text.as_bytes(),
        text,
        at: 0,
        found: Vec::new(),
    };
    walk.blanks();
    let start = walk.at;
    walk.value(String::new(), start);
    walk.found
}

struct Walk<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    found: Vec<Place>,
}

impl Walk<'_> {
    fn blanks(&mut self) {
        while self
            .bytes
            .get(self.at)
            .is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':'))
        {
            self.at += 1;
        }
    }

    fn value(&mut self, path: String, start: usize) {
        let index = self.found.len();
        let begin = self.at;
        self.found.push(Place {
            path: path.clone(),
            start,
            value: begin..begin,
        });
        match self.bytes.get(self.at) {
            Some(b'{') => self.members(&path),
            Some(b'[') => self.items(&path),
            Some(b'"') => self.at = end_of_string(self.bytes, self.at),
            _ => {
                while self
                    .bytes
                    .get(self.at)
                    .is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'}' | b']'))
                {
                    self.at += 1;
                }
            }
        }
        self.found[index].value = begin..self.at;
    }

    fn members(&mut self, path: &str) {
        self.at += 1;
        loop {
            self.blanks();
            if self.bytes.get(self.at) != Some(&b'"') {
                // The closing brace, or the end of what is no JSON.
                self.at += 1;
                return;
            }
            let start = self.at;
            self.at = end_of_string(self.bytes, start);
            let name: String = serde_json::from_str(&self.text[start..self.at]).unwrap_or_default();
            self.blanks();
            let path = if path.is_empty() {
                name
            } else {
                format!("{path}.{name}")
            };
            self.value(path, start);
        }
    }

    fn items(&mut self, path: &str) {
        self.at += 1;
        for index in 0.. {
            self.blanks();
            if matches!(self.bytes.get(self.at), Some(b']' | b'}') | None) {
                self.at += 1;
                return;
            }
            let mut path = path.to_owned();
            let _ = write!(path, "[{index}]");
            self.value(path, self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_key_and_item_has_its_place() {
        let text = "{\n  \"a\": {\"b\": [1, \"x,]\"]},\n  \"c\\\"d\": null\n}";
        let found: Vec<_> = places(text)
            .into_iter()
            .map(|place| {
                let Position { line, column } = Position::of(text, place.start);
                (place.path, line, column, text[place.value].to_owned())
            })
            .collect();
        let expected = [
            ("", 1, 1, text),
            ("a", 2, 3, "{\"b\": [1, \"x,]\"]}"),
            ("a.b", 2, 9, "[1, \"x,]\"]"),
            ("a.b[0]", 2, 15, "1"),
            ("a.b[1]", 2, 18, "\"x,]\""),
            ("c\"d", 3, 3, "null"),
        ];
        let expected = expected.map(|(path, line, column, value)| (path.to_owned(), line, column, value.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn comments_and_surplus_commas_become_spaces() {
        let text = "{ // a\n \"a\": \"// no, }\", /* b,\n */ \"b\": [1, ], # é\n}";
        let (clean, found) = without_habits(text);
        assert_eq!(clean.len(), text.len());
        assert_eq!(clean.matches('\n').count(), text.matches('\n').count());
        let value: Value = serde_json::from_str(&clean).unwrap();
        assert_eq!(value, serde_json::json!({"a": "// no, }", "b": [1]}));
        let habits: Vec<_> = found.iter().map(|(_, habit)| *habit).collect();
        assert_eq!(
            habits,
            [
                Habit::Comment,
                Habit::Comment,
                Habit::TrailingComma,
                Habit::TrailingComma,
                Habit::Comment
            ]
        );
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-z\"\\\\/#é]{1,4}", inner), 0..4).prop_map(|all| all.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

        #[test]
        fn what_is_found_is_what_stands_there(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let (clean, habits) = without_habits(&text);
            prop_assert_eq!(&*clean, text.as_str());
            prop_assert!(habits.is_empty());
            let found = places(&text);
            prop_assert_eq!(serde_json::from_str::<Value>(&text[found[0].value.clone()]).unwrap(), value);
            for place in found {
                prop_assert!(serde_json::from_str::<Value>(&text[place.value]).is_ok());
            }
        }

        #[test]
        fn no_text_is_too_odd(text in ".{0,64}") {
            let (clean, _) = without_habits(&text);
            prop_assert_eq!(clean.len(), text.len());
            let _ = places(&text);
        }
    }
}
