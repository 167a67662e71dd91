//! A log line: from a record's parts to text, so that nothing a user wrote can forge another line. Pure.
//!
//! Control characters, line separators and those that reorder text are escaped in messages, fields and targets alike.

use std::fmt::{self, Write};

use serde_json::{Map, Value};
use tracing::{Level, field::Field, field::Visit};

/// What a record says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) message: String,
    pub(super) fields: Map<String, Value>,
}

impl Visit for Record {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::from(format!("{value:?}")));
    }
}

impl Record {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

/// A line for people, without its end. `colour` is for terminals.
pub(super) fn text(time: &str, level: Level, target: &str, record: &Record, colour: bool) -> String {
    let (on, off) = match (colour, level) {
        (false, _) => ("", ""),
        (true, Level::ERROR) => ("\x1b[31m", "\x1b[0m"),
        (true, Level::WARN) => ("\x1b[33m", "\x1b[0m"),
        (true, Level::INFO) => ("\x1b[32m", "\x1b[0m"),
        (true, _) => ("\x1b[2m", "\x1b[0m"),
    };
    let mut line = format!("{time} {on}{level:>5}{off} ");
    escape(&mut line, target);
    line.push_str(": ");
    escape(&mut line, &record.message);
    for (name, value) in &record.fields {
        line.push(' ');
        escape(&mut line, name);
        line.push('=');
        match value {
            // Quotes only where the value could be taken for more than one.
            Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => escape(&mut line, text),
            Value::String(text) => {
                line.push('"');
                escape(&mut line, &text.replace('"', "\\\""));
                line.push('"');
            }
            other => escape(&mut line, &other.to_string()),
        }
    }
    line
}

/// A line for programs, without its end: one JSON object.
pub(super) fn json(time: &str, level: Level, target: &str, record: Record) -> String {
    let mut object = Map::new();
    object.insert("time".to_owned(), time.into());
    object.insert("level".to_owned(), level.as_str().into());
    object.insert("target".to_owned(), target.into());
    object.insert("message".to_owned(), record.message.into());
    if !record.fields.is_empty() {
        object.insert("fields".to_owned(), record.fields.into());
    }
    let written = Value::Object(object).to_string();
    // JSON itself escapes only what is below U+0020.
    let mut line = String::with_capacity(written.len());
    for character in written.chars() {
        if is_unsafe(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(character);
        }
    }
    line
}

fn escape(line: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            _ if is_unsafe(character) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(character));
            }
            _ => line.push(character),
        }
    }
}

/// Whether a character could end a line, steer a terminal or change the order in which a line is read.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}'
        )
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2026-01-02T03:04:05.000000Z";

    fn record(message: &str, fields: &[(&str, Value)]) -> Record {
        Record {
            message: message.to_owned(),
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        }
    }

    #[test]
    fn lines_read_well() {
        let record = record(
            "loaded",
            &[
                ("plugin", "levels".into()),
                ("took_ms", 12.into()),
                ("reason", "two words".into()),
                ("empty", "".into()),
            ],
        );
        assert_eq!(
            text(TIME, Level::INFO, "host::plugins", &record, false),
            format!("{TIME}  INFO host::plugins: loaded plugin=levels took_ms=12 reason=\"two words\" empty=\"\"")
        );
        let coloured = text(TIME, Level::ERROR, "host", &record, true);
        assert!(coloured.contains("\x1b[31mERROR\x1b[0m"), "{coloured}");
        assert_eq!(
            json(TIME, Level::WARN, "host", record),
            format!(
                r#"{{"time":"{TIME}","level":"WARN","target":"host","message":"loaded","fields":{{"plugin":"levels","took_ms":12,"reason":"two words","empty":""}}}}"#
            )
        );
    }

    #[test]
    fn no_text_can_forge_a_line() {
        let forged =
            "hi\r\n2026-01-01T00:00:00Z  INFO host: granted\u{2028}x\u{1b}[2K\u{202e}desrever\u{85}\u{0}\u{7f}\t";
        let record = record(
            forged,
            &[(forged, forged.into()), ("list", serde_json::json!([forged]))],
        );
        for line in [
            text(TIME, Level::INFO, forged, &record, false),
            json(TIME, Level::INFO, forged, record),
        ] {
            assert!(!line.chars().any(is_unsafe), "{line:?}");
            assert_eq!(line.lines().count(), 1);
        }
    }

    #[test]
    fn an_escaped_json_line_is_still_the_same_value() {
        let text = "a\u{202e}b\u{2028}\n\"";
        let line = json(TIME, Level::INFO, "host", record(text, &[]));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["message"], text);
    }

    #[test]
    fn a_value_with_quotes_cannot_pretend_to_be_two_fields() {
        let line = text(
            TIME,
            Level::INFO,
            "t",
            &record("m", &[("name", "x\" admin=\"true".into())]),
            false,
        );
        assert!(line.ends_with(r#"name="x\" admin=\"true""#), "{line}");
    }
}
