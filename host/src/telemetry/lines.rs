//! A log line: from a record's parts to text, so that nothing a user wrote can forge another line. Pure.
//!
//! Control characters, line separators and those that reorder text are escaped in messages, fields and targets alike.

use std::fmt::{self, Write};

use serde_json::{Map, Value};
use tracing::{Level, field::Field, field::Visit};

use super::redaction::Secrets;

/// What a record says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) target: String,
    pub(super) message: String,
    pub(super) fields: Map<String, Value>,
    /// The names of the spans around it, outermost first.
    pub(super) spans: Vec<String>,
    /// The gateway event in whose handler it was logged.
    pub(super) event: Option<String>,
    /// The invocation in which it was logged.
    pub(super) invocation: Map<String, Value>,
    /// The code of the incident that the invocation came to.
    pub(super) incident: Option<String>,
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
    /// Covers every secret in it.
    pub(super) fn cover(&mut self, secrets: &Secrets) {
        secrets.cover_text(&mut self.message);
        secrets.cover_text(&mut self.target);
        for name in &mut self.spans {
            secrets.cover_text(name);
        }
        let mut fields = Value::Object(std::mem::take(&mut self.fields));
        secrets.cover_value(&mut fields);
        if let Value::Object(fields) = fields {
            self.fields = fields;
        }
    }

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
pub(super) fn text(time: &str, level: Level, record: &Record, colour: bool) -> String {
    let mut line = story_line(time, level, record, colour);
    for (name, value) in &record.invocation {
        // "invocation.id" would be longer than it is clear.
        field(&mut line, if name == "id" { "invocation" } else { name }, value);
    }
    if let Some(incident) = &record.incident {
        field(&mut line, "incident", &Value::from(incident.as_str()));
    }
    line
}

/// The same without the invocation, where all lines are of one.
pub(super) fn story_line(time: &str, level: Level, record: &Record, colour: bool) -> String {
    let (on, off) = match (colour, level) {
        (false, _) => ("", ""),
        (true, Level::ERROR) => ("\x1b[31m", "\x1b[0m"),
        (true, Level::WARN) => ("\x1b[33m", "\x1b[0m"),
        (true, Level::INFO) => ("\x1b[32m", "\x1b[0m"),
        (true, _) => ("\x1b[2m", "\x1b[0m"),
    };
    let mut line = format!("{time} {on}{level:>5}{off} ");
    escape(&mut line, &record.target);
    line.push_str(": ");
    escape(&mut line, &record.message);
    for (name, value) in &record.fields {
        field(&mut line, name, value);
    }
    if !record.spans.is_empty() {
        field(&mut line, "spans", &Value::from(record.spans.join(":")));
    }
    if let Some(event) = &record.event {
        field(&mut line, "event", &Value::from(event.as_str()));
    }
    line
}

fn field(line: &mut String, name: &str, value: &Value) {
    line.push(' ');
    escape(line, name);
    line.push('=');
    match value {
        // Quotes only where the value could be taken for more than one.
        Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => escape(line, text),
        Value::String(text) => {
            line.push('"');
            escape(line, &text.replace('\\', "\\\\").replace('"', "\\\""));
            line.push('"');
        }
        other => escape(line, &other.to_string()),
    }
}

/// A line for programs, without its end: one JSON object. `time`, `level`, `target` and `message` are always there;
/// `fields`, `spans`, `event`, `invocation` (`id`, `plugin`, `generation`, `command`, `door`, `guild`, `channel`, `user`)
/// and `incident` where there are any.
pub(super) fn json(time: &str, level: Level, record: Record) -> String {
    let mut object = Map::new();
    object.insert("time".to_owned(), time.into());
    object.insert("level".to_owned(), level.as_str().into());
    object.insert("target".to_owned(), record.target.into());
    object.insert("message".to_owned(), record.message.into());
    if !record.fields.is_empty() {
        object.insert("fields".to_owned(), record.fields.into());
    }
    if !record.spans.is_empty() {
        object.insert("spans".to_owned(), record.spans.into());
    }
    if let Some(event) = record.event {
        object.insert("event".to_owned(), event.into());
    }
    if !record.invocation.is_empty() {
        object.insert("invocation".to_owned(), record.invocation.into());
    }
    if let Some(incident) = record.incident {
        object.insert("incident".to_owned(), incident.into());
    }
    let written = Value::Object(object).to_string();
    if !written.chars().any(is_unsafe) {
        return written;
    }
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
            target: "host::plugins".to_owned(),
            message: message.to_owned(),
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            ..Record::default()
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
            text(TIME, Level::INFO, &record, false),
            format!("{TIME}  INFO host::plugins: loaded plugin=levels took_ms=12 reason=\"two words\" empty=\"\"")
        );
        let coloured = text(TIME, Level::ERROR, &record, true);
        assert!(coloured.contains("\x1b[31mERROR\x1b[0m"), "{coloured}");
        assert_eq!(
            json(TIME, Level::WARN, record),
            format!(
                r#"{{"time":"{TIME}","level":"WARN","target":"host::plugins","message":"loaded","fields":{{"plugin":"levels","took_ms":12,"reason":"two words","empty":""}}}}"#
            )
        );
    }

    #[test]
    fn no_text_can_forge_a_line() {
        let forged =
            "hi\r\n2026-01-01T00:00:00Z  INFO host: granted\u{2028}x\u{1b}[2K\u{202e}desrever\u{85}\u{0}\u{7f}\t";
        let mut record = record(
            forged,
            &[(forged, forged.into()), ("list", serde_json::json!([forged]))],
        );
        record.target = forged.to_owned();
        record.spans = vec![forged.to_owned()];
        record.event = Some(forged.to_owned());
        record.incident = Some(forged.to_owned());
        record.invocation.insert(forged.to_owned(), forged.into());
        for line in [
            text(TIME, Level::INFO, &record, false),
            text(TIME, Level::INFO, &record, true)
                .replace("\x1b[32m", "")
                .replace("\x1b[0m", ""),
            json(TIME, Level::INFO, record),
        ] {
            assert!(!line.chars().any(is_unsafe), "{line:?}");
            assert_eq!(line.lines().count(), 1);
        }
    }

    #[test]
    fn an_escaped_json_line_is_still_the_same_value() {
        let text = "a\u{202e}b\u{2028}\n\"";
        let line = json(TIME, Level::INFO, record(text, &[]));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["message"], text);
    }

    #[test]
    fn a_value_with_quotes_cannot_pretend_to_be_two_fields() {
        let line = text(
            TIME,
            Level::INFO,
            &record("m", &[("name", "x\" admin=\"true".into())]),
            false,
        );
        assert!(line.ends_with(r#"name="x\" admin=\"true""#), "{line}");
    }
}
