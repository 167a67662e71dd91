//! What may stand at a key, and in which words it is said that something else does.
//!
//! Pure: a kind of the table and a value in, every fault of it out. It knows no file and no place.

use plugin_protocol::{PluginName, UserId};
use serde_json::Value;

use super::{
    keys::{self, Kind},
    resolved,
};
use crate::telemetry::levels::is_target;

/// Something wrong with a value.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where inside the value: `[2]`, `.name`, or nothing.
    pub(super) below: String,
    pub(super) text: String,
}

impl Fault {
    fn here(text: String) -> Vec<Self> {
        let below = String::new();
        vec![Self { below, text }]
    }
}

/// All that is wrong with a value.
pub(super) fn faults(kind: Kind, value: &Value) -> Vec<Fault> {
    let here = Fault::here;
    let wants = |what: &str| here(format!("must be {what}; {} stands there", shown(value)));
    let right = Vec::new();
    match kind {
        Kind::Bool if value.is_boolean() => right,
        Kind::Bool => wants("true or false"),
        Kind::Integer(min, max) => match value.as_i64() {
            Some(number) if (min..=max).contains(&number) => right,
            _ if max == i64::MAX => wants(&format!("a whole number, {min} or more")),
            _ => wants(&format!("a whole number from {min} to {max}")),
        },
        Kind::Number(min, max) => match value.as_f64() {
            Some(number) if (min..=max).contains(&number) => right,
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
            Some(_) => right,
            None => wants("a text in quotes"),
        },
        Kind::StreamUrl if value.as_str().is_some_and(|text| text.is_empty() || is_stream(text)) => right,
        Kind::StreamUrl => {
            wants("the address of a stream, https://www.twitch.tv/... or https://www.youtube.com/..., or an empty text")
        }
        Kind::Choice(choices) => match value.as_str() {
            Some(text) if is_choice(choices, text) => right,
            text => {
                let near = text.and_then(|text| nearest(text, choices.iter().copied()));
                let near = near.map_or_else(String::new, |near| format!(": did you mean {near}?"));
                wants(&format!("one of {}", choices.join(", ")))
                    .into_iter()
                    .map(|fault| Fault {
                        text: fault.text + &near,
                        ..fault
                    })
                    .collect()
            }
        },
        Kind::OptionalId if value.is_null() || is_id(value) => right,
        Kind::OptionalId => wants("a Discord id in quotes (17 to 20 digits), or null"),
        Kind::Ids => each(value, "a list of Discord ids, each in quotes", |item| {
            (!is_id(item)).then(|| "a Discord id in quotes (17 to 20 digits)".to_owned())
        }),
        Kind::Texts => each(value, "a list of texts", |item| {
            (!item.is_string()).then(|| "a text in quotes".to_owned())
        }),
        Kind::Colour => match value.as_str().and_then(resolved::Colour::parse) {
            Some(_) => right,
            None => wants("a colour such as \"#5865f2\""),
        },
        Kind::Intents if value.as_str() == Some("auto") => right,
        Kind::Intents => each(value, "\"auto\" or a list of intents", |item| {
            let known = item.as_str().is_some_and(|name| resolved::intent(name).is_some());
            (!known).then(|| format!("one of {}", resolved::intent_names().join(", ")))
        }),
        Kind::Statuses => each(value, "a list of texts or of {\"type\": .., \"text\": ..}", |item| {
            (!is_status(item)).then(|| {
                format!(
                    "a text of up to 128 characters, or an object with `text` and, if wanted, a `type` of {}, a \
                     `presence` of {} and a `url`",
                    keys::ACTIVITIES.join(", "),
                    keys::PRESENCES.join(", ")
                )
            })
        }),
        Kind::Levels => levels(value),
        Kind::Grants => entries(value, "an object: plugin to list of what it may ask", |grants| {
            let texts = grants.as_array().is_some_and(|list| list.iter().all(Value::is_string));
            (!texts).then(|| "a list of texts, such as [\"plugins.reload\"]".to_owned())
        }),
        Kind::Sections => entries(value, "an object: plugin to its settings", |section| {
            (!section.is_object()).then(|| "an object: { ... }".to_owned())
        }),
        Kind::Replies => named(value, "an object: command to its times", |times| {
            let is_time = |(name, time): (&String, &Value)| {
                is_comment(name)
                    || matches!(name.as_str(), "success_delete_after" | "invocation_delete_after")
                        && time.as_f64().is_some_and(|time| (0.0..=86_400.0).contains(&time))
            };
            let is_right = times.as_object().is_some_and(|times| times.iter().all(is_time));
            (!is_right).then(|| {
                "an object with `success_delete_after`, `invocation_delete_after` or both, each 0 to 86400 seconds"
                    .to_owned()
            })
        }),
        Kind::Priorities => named(value, "an object: plugin or command to a number", |number| {
            let is_right = number.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
            (!is_right).then(|| "a whole number, such as 10".to_owned())
        }),
        Kind::GuildLists => entries(value, "an object: plugin to list of servers' ids", |ids| {
            let is_right = ids.as_array().is_some_and(|ids| ids.iter().all(is_id));
            (!is_right).then(|| "a list of Discord ids, each in quotes (17 to 20 digits)".to_owned())
        }),
        Kind::Object if value.is_object() => right,
        Kind::Object => wants("an object"),
    }
}

fn each(value: &Value, what: &str, wanted: impl Fn(&Value) -> Option<String>) -> Vec<Fault> {
    let Some(list) = value.as_array() else {
        return Fault::here(format!("must be {what}; {} stands there", shown(value)));
    };
    let wrong = list.iter().enumerate().filter_map(|(index, item)| {
        let wanted = wanted(item)?;
        Some(Fault {
            below: format!("[{index}]"),
            text: format!("must be {wanted}; {} stands there", shown(item)),
        })
    });
    wrong.collect()
}

fn entries(value: &Value, what: &str, wanted: impl Fn(&Value) -> Option<String>) -> Vec<Fault> {
    let Some(object) = value.as_object() else {
        return Fault::here(format!("must be {what}; {} stands there", shown(value)));
    };
    let wrong = object.iter().filter(|(name, _)| !is_comment(name));
    let wrong = wrong.filter_map(|(name, item)| {
        let text = match name.parse::<PluginName>() {
            Err(problem) => problem,
            Ok(_) => format!("must be {}; {} stands there", wanted(item)?, kind_name(item)),
        };
        Some(Fault {
            below: format!(".{name}"),
            text,
        })
    });
    wrong.collect()
}

fn named(value: &Value, what: &str, wanted: impl Fn(&Value) -> Option<String>) -> Vec<Fault> {
    let Some(object) = value.as_object() else {
        return Fault::here(format!("must be {what}; {} stands there", shown(value)));
    };
    let wrong = object.iter().filter(|(name, _)| !is_comment(name));
    let wrong = wrong.filter_map(|(name, item)| {
        Some(Fault {
            below: format!(".{name}"),
            text: format!("must be {}; {} stands there", wanted(item)?, kind_name(item)),
        })
    });
    wrong.collect()
}

fn levels(value: &Value) -> Vec<Fault> {
    let Some(object) = value.as_object() else {
        return Fault::here(format!(
            "must be an object: target to level; {} stands there",
            shown(value)
        ));
    };
    let wrong = object.iter().filter(|(name, _)| !is_comment(name));
    let wrong = wrong.filter_map(|(name, level)| {
        let text = if !is_target(name) {
            "is no target of the log: host::rest, plugin::NAME or a library's name are".to_owned()
        } else if level.as_str().is_some_and(|level| is_choice(keys::LEVELS, level)) {
            return None;
        } else {
            format!(
                "must be one of {}; {} stands there",
                keys::LEVELS.join(", "),
                shown(level)
            )
        };
        let below = format!(".{name}");
        Some(Fault { below, text })
    });
    wrong.collect()
}

/// Whether a key is a remark of its author's, by the original's habit.
pub(super) fn is_comment(name: &str) -> bool {
    name.starts_with("_comment")
}

/// The one of these names that was probably meant.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    /// More than a few typing errors: "prefx" and "prefix" have 0.83, "level" and "text" 0.4.
    const NEAR: f64 = 0.7;
    let name = name.to_lowercase();
    known
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(&name, &known.to_lowercase()),
                known,
            )
        })
        .filter(|(nearness, _)| *nearness >= NEAR)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

fn is_choice(choices: &[&str], text: &str) -> bool {
    choices.iter().any(|choice| choice.eq_ignore_ascii_case(text))
}

/// Whether Discord shows a stream at this address
/// (<https://discord.com/developers/docs/events/gateway-events#activity-object-activity-types>).
fn is_stream(url: &str) -> bool {
    let sites = [
        "https://twitch.tv/",
        "https://www.twitch.tv/",
        "https://youtube.com/",
        "https://www.youtube.com/",
    ];
    url.len() <= 512 && sites.iter().any(|site| url.len() > site.len() && url.starts_with(site))
}

fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<UserId>().is_ok())
        // Numbers are exact up to 2^64 here; other programs that rewrite the file may round them, so texts are asked for.
        || value.as_u64().is_some_and(|number| number != 0)
}

fn is_status(value: &Value) -> bool {
    let is_short = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= 128);
    let Value::Object(object) = value else {
        return is_short(value);
    };
    object.contains_key("text")
        && object.iter().all(|(name, value)| match name.as_str() {
            "text" => is_short(value),
            "type" => value.as_str().is_some_and(|kind| is_choice(keys::ACTIVITIES, kind)),
            "presence" => value.as_str().is_some_and(|dot| is_choice(keys::PRESENCES, dot)),
            "url" => value.as_str().is_some_and(is_stream),
            name => is_comment(name),
        })
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
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= 24 => format!("{text:?}"),
        _ => kind_name(value).to_owned(),
    }
}
