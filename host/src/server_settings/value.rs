//! One setting's value: as it is kept, whether it fits, and as people see and write it.
//!
//! Reading a text into an `ArgumentValue` is the matter of `commands`, by the same code as arguments of commands.

use std::fmt::Write as _;

use plugin_protocol::{
    Argument, ArgumentKind, ArgumentValue, ChannelId, Emoji, RoleId, UserId,
    server_settings::{MAX_LISTED, MAX_TEXT, MAX_WRITTEN, SetValues, Setting, SettingsSchema},
    wording::as_code,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::commands::{
    arguments::{fit_integer, fit_number},
    words::as_word,
};

/// How many values of a list are shown.
const SHOWN: usize = 10;

/// What is read from a text for a setting: its argument, with the limits that hold for all settings.
#[must_use]
pub fn as_argument(setting: &Setting) -> Argument {
    let argument = setting.value.clone();
    let is_text = argument.kind == ArgumentKind::String && argument.choices.is_empty();
    Argument {
        max_length: argument.max_length.or(is_text.then_some(MAX_TEXT)),
        ..argument
    }
}

/// Whether a value as it is written is longer than a field of a form takes.
#[must_use]
pub fn is_too_long(written: &str) -> bool {
    written.chars().count() > MAX_WRITTEN
}

/// A list without what is in it already, where that says nothing: twice the same role, channel or user.
#[must_use]
pub fn without_doubles(setting: &Setting, value: Value) -> Value {
    let is_set = matches!(
        setting.value.kind,
        ArgumentKind::User | ArgumentKind::Channel | ArgumentKind::Role
    );
    match value {
        Value::Array(values) if is_set => {
            let mut once: Vec<Value> = Vec::with_capacity(values.len());
            for value in values {
                if !once.contains(&value) {
                    once.push(value);
                }
            }
            once.into()
        }
        value => value,
    }
}

/// What was read as it is kept; `None` if it is of no kind that a setting has.
#[must_use]
pub fn kept(value: &ArgumentValue) -> Option<Value> {
    Some(match value {
        ArgumentValue::String(text) => text.as_str().into(),
        ArgumentValue::Integer(number) => (*number).into(),
        ArgumentValue::Number(number) => (*number).into(),
        ArgumentValue::Boolean(is) => (*is).into(),
        ArgumentValue::User(user) => user.id.to_string().into(),
        ArgumentValue::Member(member) => member.user.id.to_string().into(),
        ArgumentValue::Channel(channel) => channel.id.to_string().into(),
        ArgumentValue::Role(role) => role.id.to_string().into(),
        ArgumentValue::Emoji(emoji) => serde_json::to_value(emoji).ok()?,
        ArgumentValue::Colour(colour) => (*colour).into(),
        ArgumentValue::Duration(millis) => (*millis).into(),
        ArgumentValue::List(values) => values.iter().map(kept).collect::<Option<Vec<_>>>()?.into(),
        _ => return None,
    })
}

/// Whether a kept value is what the setting may be.
#[must_use]
pub fn fits(setting: &Setting, value: &Value) -> bool {
    let argument = as_argument(setting);
    match value {
        Value::Null => !argument.required && !argument.variadic,
        Value::Array(values) if argument.variadic => {
            values.len() <= MAX_LISTED && values.iter().all(|value| fits_one(&argument, value))
        }
        value => !argument.variadic && fits_one(&argument, value),
    }
}

fn fits_one(argument: &Argument, value: &Value) -> bool {
    match argument.kind {
        ArgumentKind::String => value.as_str().is_some_and(|text| fits_text(argument, text)),
        ArgumentKind::Integer => value
            .as_i64()
            .and_then(|number| fit_integer(argument, number))
            .is_some(),
        ArgumentKind::Number => value.as_f64().and_then(|number| fit_number(argument, number)).is_some(),
        ArgumentKind::Boolean => value.is_boolean(),
        ArgumentKind::User | ArgumentKind::Channel | ArgumentKind::Role => read::<UserId>(value).is_some(),
        ArgumentKind::Emoji => read::<Emoji>(value).is_some(),
        ArgumentKind::Colour => value.as_u64().is_some_and(|colour| colour <= 0xff_ffff),
        ArgumentKind::Duration => value.is_u64(),
        _ => false,
    }
}

fn fits_text(argument: &Argument, text: &str) -> bool {
    if !argument.choices.is_empty() {
        return argument.choices.iter().any(|choice| choice.value == text);
    }
    let length = text.chars().count();
    argument.min_length.is_none_or(|min| length >= min.into())
        && argument.max_length.is_none_or(|max| length <= max.into())
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

/// What of a server's values is in force, and the names of those that are not.
#[must_use]
pub fn fitting(schema: &SettingsSchema, set: &SetValues) -> (SetValues, Vec<String>) {
    let (mut fitting, mut others) = (SetValues::new(), Vec::new());
    for (name, value) in set {
        if schema.setting(name).is_some_and(|setting| fits(setting, value)) {
            fitting.insert(name.clone(), value.clone());
        } else {
            others.push(name.clone());
        }
    }
    (fitting, others)
}

/// A value as people see it on a card, with mentions, which ping nobody there.
#[must_use]
pub fn shown(setting: &Setting, value: &Value) -> String {
    let one = |value: &Value| match setting.value.kind {
        ArgumentKind::Channel => read::<ChannelId>(value).map(|id| format!("<#{id}>")),
        ArgumentKind::Role => read::<RoleId>(value).map(|id| format!("<@&{id}>")),
        ArgumentKind::User => read::<UserId>(value).map(|id| format!("<@{id}>")),
        ArgumentKind::Emoji => Some(one_written(setting, value)),
        _ => Some(as_code(&one_written(setting, value))),
    };
    let one = |value: &Value| one(value).unwrap_or_else(|| as_code(&value.to_string()));
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(values) if values.is_empty() => "nothing".to_owned(),
        Value::Array(values) => {
            let mut list = values.iter().take(SHOWN).map(one).collect::<Vec<_>>().join(", ");
            if values.len() > SHOWN {
                let _ = write!(list, " and {} more", values.len() - SHOWN);
            }
            list
        }
        value => one(value),
    }
}

/// A value as it is written, so that reading it gives the same.
#[must_use]
pub fn written(setting: &Setting, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(values) => {
            let quoted = |value: &Value| as_word(&one_written(setting, value)).into_owned();
            values.iter().map(quoted).collect::<Vec<_>>().join(" ")
        }
        value => one_written(setting, value),
    }
}

fn one_written(setting: &Setting, value: &Value) -> String {
    let choice = |text: &str| setting.value.choices.iter().find(|choice| choice.value == text);
    match (setting.value.kind, value) {
        (ArgumentKind::Boolean, Value::Bool(is)) => (if *is { "yes" } else { "no" }).to_owned(),
        (ArgumentKind::Duration, value) => value.as_u64().map(length).unwrap_or_default(),
        (ArgumentKind::Colour, value) => value
            .as_u64()
            .map(|colour| format!("#{colour:06x}"))
            .unwrap_or_default(),
        (ArgumentKind::Emoji, value) => match read::<Emoji>(value) {
            Some(Emoji {
                id: Some(id),
                name,
                animated,
            }) => {
                format!("<{}:{name}:{id}>", if animated { "a" } else { "" })
            }
            Some(emoji) => emoji.name,
            None => String::new(),
        },
        (_, Value::String(text)) => choice(text).map_or(text, |choice| &choice.name).clone(),
        (_, value) => value.to_string(),
    }
}

/// A length of time as it is written: `1d 2h`, `90s` as `1m 30s`, `0s`.
fn length(mut millis: u64) -> String {
    let mut parts = Vec::new();
    for (unit, name) in [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
        (1, "ms"),
    ] {
        if millis >= unit {
            parts.push(format!("{}{name}", millis / unit));
            millis %= unit;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use plugin_protocol::Choice;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::commands::{Place, arguments::Step, arguments::step, time, words::Words};

    fn setting(kind: ArgumentKind) -> Setting {
        let value = Argument {
            name: "x".to_owned(),
            kind,
            required: true,
            ..Argument::default()
        };
        let default = Value::Null;
        Setting { value, default }
    }

    fn list(kind: ArgumentKind) -> Setting {
        let mut list = setting(kind);
        (list.value.required, list.value.variadic) = (false, true);
        list
    }

    fn choices() -> Setting {
        let mut choices = setting(ArgumentKind::String);
        let choice = |name: &str, value: &str| Choice {
            name: name.to_owned(),
            value: value.to_owned(),
            ..Choice::default()
        };
        choices.value.choices = vec![choice("Very strict", "very_strict"), choice("Lax", "lax")];
        choices
    }

    #[test]
    fn what_fits_and_what_not() {
        let mut limited = setting(ArgumentKind::Integer);
        (limited.value.min, limited.value.max) = (Some(1.0), Some(20.0));
        let mut optional = setting(ArgumentKind::Channel);
        optional.value.required = false;
        let text = setting(ArgumentKind::String);
        let id = json!("1100000000000000001");
        for (setting, fitting, others) in [
            (
                &limited,
                json!(20),
                vec![json!(21), json!("5"), json!(1.5), Value::Null],
            ),
            (&optional, Value::Null, vec![json!("general"), json!(true), json!([])]),
            (&optional, id.clone(), vec![json!("0")]),
            (&choices(), json!("lax"), vec![json!("Lax"), json!("other")]),
            (&text, json!("x".repeat(1000)), vec![json!("x".repeat(1001)), json!(5)]),
            (&setting(ArgumentKind::Boolean), json!(false), vec![json!(0)]),
            (
                &setting(ArgumentKind::Colour),
                json!(0xff_ffff),
                vec![json!(0x100_0000)],
            ),
            (&setting(ArgumentKind::Duration), json!(0), vec![json!(-1), json!(0.5)]),
            (
                &list(ArgumentKind::Role),
                json!([id, id]),
                vec![id.clone(), Value::Null, json!(["x"])],
            ),
            (
                &list(ArgumentKind::Integer),
                json!(vec![1; 25]),
                vec![json!(vec![1; 26])],
            ),
            (&setting(ArgumentKind::Unknown), Value::Null, vec![json!("x")]),
        ] {
            let is_unknown = setting.value.kind == ArgumentKind::Unknown;
            assert_eq!(fits(setting, &fitting), !is_unknown, "{fitting}");
            for other in others {
                assert!(!fits(setting, &other), "{other}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_named_and_not_in_force() {
        let schema = SettingsSchema {
            settings: vec![choices()],
        };
        let set = |value| SetValues::from_iter([("x".to_owned(), value), ("gone".to_owned(), json!(1))]);
        let (values, others) = fitting(&schema, &set(json!("lax")));
        assert_eq!((values.len(), others), (1, vec!["gone".to_owned()]));
        let (values, others) = fitting(&schema, &set(json!(7)));
        assert_eq!((values.len(), others.len()), (0, 2));
    }

    #[test]
    fn values_are_shown_to_people() {
        let id = json!("1100000000000000001");
        let emoji = json!({ "id": id, "name": "party", "animated": true });
        for (setting, value, expected) in [
            (setting(ArgumentKind::Channel), &id, "<#1100000000000000001>"),
            (
                list(ArgumentKind::Role),
                &json!([id, id]),
                "<@&1100000000000000001>, <@&1100000000000000001>",
            ),
            (setting(ArgumentKind::User), &Value::Null, "nothing"),
            (choices(), &json!("very_strict"), "`Very strict`"),
            (setting(ArgumentKind::Boolean), &json!(true), "`yes`"),
            (setting(ArgumentKind::Duration), &json!(90_061_000), "`1d 1h 1m 1s`"),
            (setting(ArgumentKind::Duration), &json!(0), "`0s`"),
            (setting(ArgumentKind::Colour), &json!(255), "`#0000ff`"),
            (setting(ArgumentKind::Emoji), &emoji, "<a:party:1100000000000000001>"),
            (setting(ArgumentKind::String), &json!("`@everyone`"), "`'@everyone'`"),
            (
                list(ArgumentKind::Integer),
                &json!(vec![1; 12]),
                "`1`, `1`, `1`, `1`, `1`, `1`, `1`, `1`, `1`, `1` and 2 more",
            ),
        ] {
            assert_eq!(shown(&setting, value), expected);
        }
        assert_eq!(
            written(&list(ArgumentKind::String), &json!(["a", "b c", "\""])),
            "a \"b c\" \\\""
        );
    }

    #[test]
    fn twice_the_same_role_is_once() {
        let listed = json!(["2", "1", "2"]);
        assert_eq!(
            without_doubles(&list(ArgumentKind::Role), listed.clone()),
            json!(["2", "1"])
        );
        assert_eq!(without_doubles(&list(ArgumentKind::String), listed.clone()), listed);
        assert!(is_too_long(&"x".repeat(MAX_WRITTEN + 1)) && !is_too_long(&"ä".repeat(MAX_WRITTEN)));
    }

    proptest! {
        #[test]
        fn lists_are_read_as_they_were_written(
            texts in prop::collection::vec("[a-z0-9 \"'\\\\„«]{0,6}[a-z\"'»]", 0..6),
            times in prop::collection::vec(0_u64..1_000_000_000, 0..6),
        ) {
            let read = |setting: &Setting, value: &Value| {
                let text = written(setting, value);
                let mut words = Words::new(&text);
                std::iter::from_fn(|| words.take().unwrap().map(std::borrow::Cow::into_owned)).collect::<Vec<_>>()
            };
            prop_assert_eq!(&read(&list(ArgumentKind::String), &json!(texts)), &texts);
            let read = read(&list(ArgumentKind::Duration), &json!(times));
            let read: Vec<_> = read.iter().map(|word| time::duration(word).unwrap().as_millis() as u64).collect();
            prop_assert_eq!(read, times);
        }

        #[test]
        fn what_is_written_is_read_as_the_same(millis in 0_u64..1_000_000_000_000, number: i32, colour in 0_u32..0x100_0000, is: bool) {
            prop_assert_eq!(time::duration(&length(millis)).map(|length| length.as_millis()), Some(millis.into()));
            for (kind, value) in [
                (ArgumentKind::Integer, json!(number)),
                (ArgumentKind::Colour, json!(colour)),
                (ArgumentKind::Boolean, json!(is)),
                (ArgumentKind::Duration, json!(millis)),
            ] {
                let setting = setting(kind);
                prop_assert!(fits(&setting, &value));
                let Step::Value(read) = step(&setting.value, &written(&setting, &value), &Place::default()) else {
                    panic!("{value} is not read");
                };
                prop_assert_eq!(kept(&read), Some(value));
            }
        }
    }
}
