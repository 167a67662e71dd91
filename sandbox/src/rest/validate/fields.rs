//! One JSON object of a body: its known keys, and typed access to each with Discord's form errors.
//!
//! Every check of a body reads through it, so that unknown keys and wrong types are refused alike, with their paths.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::text_length;
use crate::rest::errors::{Faults, Refusal};

/// An object at a path.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

impl<'a> Fields<'a> {
    /// The object `value`, with only these keys. Null is an empty object; anything else is a fault.
    pub(crate) fn new(value: &'a Value, path: &str, known: &[&str], faults: &mut Faults) -> Self {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => &NOTHING,
            _ => {
                faults.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType");
                &NOTHING
            }
        };
        // Eris sends some keys twice: in camel case too. Discord passes over them; alone they are slips.
        let is_twin = |key: &&String| map.contains_key(&snake_case(key)) && key.chars().any(char::is_uppercase);
        refuse_unknown(map.keys().filter(|key| !is_twin(key)), path, known, faults);
        Self {
            map,
            path: path.to_owned(),
        }
    }

    /// A whole body with only these keys.
    pub(crate) fn body(value: &'a Value, known: &[&str], faults: &mut Faults) -> Self {
        Self::new(value, "", known, faults)
    }

    /// The path of one of its keys.
    pub(crate) fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Whether the key is there, null or not.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// The value, if there and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Notes that a key has to be there.
    pub(crate) fn required(&self, key: &str, faults: &mut Faults) -> Option<&'a Value> {
        let found = self.get(key);
        if found.is_none() {
            faults.add(&self.at(key), "BASE_TYPE_REQUIRED", "This field is required");
        }
        found
    }

    /// A text of so many characters, counted without surrounding space.
    pub(crate) fn text(&self, key: &str, length: RangeInclusive<usize>, faults: &mut Faults) -> Option<&'a str> {
        let value = self.get(key)?;
        let Some(text) = value.as_str() else {
            faults.add(&self.at(key), "STRING_TYPE_CONVERT", "Could not interpret as string.");
            return None;
        };
        let trimmed = text.trim();
        let count = text_length(trimmed);
        if count == 0 && *length.start() > 0 {
            faults.add(&self.at(key), "BASE_TYPE_REQUIRED", "This field is required");
        } else if count > *length.end() {
            faults.add(
                &self.at(key),
                "BASE_TYPE_MAX_LENGTH",
                &format!("Must be {} or fewer in length.", length.end()),
            );
        } else if count < *length.start() {
            faults.add(
                &self.at(key),
                "BASE_TYPE_BAD_LENGTH",
                &format!("Must be between {} and {} in length.", length.start(), length.end()),
            );
        }
        Some(trimmed)
    }

    /// A whole number within bounds.
    pub(crate) fn integer(&self, key: &str, bounds: RangeInclusive<i64>, faults: &mut Faults) -> Option<i64> {
        let value = self.get(key)?;
        let number = value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        match number {
            Some(number) if bounds.contains(&number) => Some(number),
            Some(number) => {
                let (code, text) = if number < *bounds.start() {
                    (
                        "NUMBER_TYPE_MIN",
                        format!("int value should be greater than or equal to {}.", bounds.start()),
                    )
                } else {
                    (
                        "NUMBER_TYPE_MAX",
                        format!("int value should be less than or equal to {}.", bounds.end()),
                    )
                };
                faults.add(&self.at(key), code, &text);
                None
            }
            None => {
                faults.add(
                    &self.at(key),
                    "NUMBER_TYPE_COERCE",
                    &format!("Value {value} is not int."),
                );
                None
            }
        }
    }

    /// True or false.
    pub(crate) fn flag(&self, key: &str, faults: &mut Faults) -> Option<bool> {
        let value = self.get(key)?;
        if value.as_bool().is_none() {
            faults.add(&self.at(key), "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
        }
        value.as_bool()
    }

    /// An id: a text of digits, or a number.
    pub(crate) fn id(&self, key: &str, faults: &mut Faults) -> Option<u64> {
        let value = self.get(key)?;
        let id = id_of(value);
        if id.is_none() {
            faults.add(
                &self.at(key),
                "NUMBER_TYPE_COERCE",
                &format!("Value {value} is not snowflake."),
            );
        }
        id
    }

    /// A permission set: a text of digits, or a number.
    pub(crate) fn permissions(&self, key: &str, faults: &mut Faults) -> Option<u64> {
        let value = self.get(key)?;
        let bits = value
            .as_u64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        if bits.is_none() {
            faults.add(
                &self.at(key),
                "BITFIELD_TYPE_INVALID",
                &format!("Value {value} is not a permission set."),
            );
        }
        bits
    }

    /// A list of so many elements.
    pub(crate) fn list(&self, key: &str, length: RangeInclusive<usize>, faults: &mut Faults) -> Option<&'a [Value]> {
        let value = self.get(key)?;
        let Some(list) = value.as_array() else {
            faults.add(
                &self.at(key),
                "LIST_TYPE_CONVERT",
                "Only iterables may be used in a ListType",
            );
            return None;
        };
        if !length.contains(&list.len()) {
            let text = if *length.start() == 0 {
                format!("Must be {} or fewer in length.", length.end())
            } else {
                format!("Must be between {} and {} in length.", length.start(), length.end())
            };
            faults.add(
                &self.at(key),
                if *length.start() == 0 {
                    "BASE_TYPE_MAX_LENGTH"
                } else {
                    "BASE_TYPE_BAD_LENGTH"
                },
                &text,
            );
        }
        Some(list)
    }

    /// A list of ids.
    pub(crate) fn ids(&self, key: &str, most: usize, faults: &mut Faults) -> Option<Vec<u64>> {
        let list = self.list(key, 0..=most, faults)?;
        let mut ids = Vec::with_capacity(list.len());
        for (at, value) in list.iter().enumerate() {
            match id_of(value) {
                Some(id) => ids.push(id),
                None => faults.add(
                    &format!("{}.{at}", self.at(key)),
                    "NUMBER_TYPE_COERCE",
                    &format!("Value {value} is not snowflake."),
                ),
            }
        }
        Some(ids)
    }

    /// An address; `attachment` allows `attachment://` too.
    pub(crate) fn url(&self, key: &str, attachment: bool, faults: &mut Faults) -> Option<&'a str> {
        let text = self.text(key, 0..=2048, faults)?;
        if text.is_empty() {
            return None;
        }
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = host.or_else(|| {
            if attachment {
                text.strip_prefix("attachment://")
            } else {
                None
            }
        });
        match host {
            Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => {}
            Some(_) => faults.add(&self.at(key), "URL_TYPE_INVALID_URL", "Not a well formed URL."),
            None => faults.add(
                &self.at(key),
                "URL_TYPE_INVALID_SCHEME",
                &format!(
                    "Scheme \"{}\" must be one of ('http', 'https').",
                    text.split(':').next().unwrap_or_default()
                ),
            ),
        }
        Some(text)
    }
}

/// Refuses keys that are not known, and names the nearest one that is.
/// `messageReference` as `message_reference`.
fn snake_case(key: &str) -> String {
    let parts = key.chars().map(|one| {
        if one.is_ascii_uppercase() {
            format!("_{}", one.to_ascii_lowercase())
        } else {
            one.to_string()
        }
    });
    parts.collect()
}

fn refuse_unknown<'k>(keys: impl Iterator<Item = &'k String>, path: &str, known: &[&str], faults: &mut Faults) {
    for key in keys.filter(|key| !known.contains(&key.as_str())) {
        let nearest = known
            .iter()
            .map(|name| (distance(key, name), *name))
            .min()
            .filter(|(far, _)| *far <= 3);
        let hint = match nearest {
            Some((_, name)) => format!("did you mean \"{name}\"?"),
            None if known.is_empty() => "there is none here.".to_owned(),
            None => format!("known keys are {}.", known.join(", ")),
        };
        let text = format!("Unknown key \"{key}\": {hint}");
        faults.add(&join(path, key), "UNKNOWN_KEY", &text);
    }
}

/// Refuses parameters of a query that are not known.
pub(crate) fn checked_query(query: &[(String, String)], known: &[&str]) -> Result<(), Refusal> {
    checked(|faults| refuse_unknown(query.iter().map(|(key, _)| key), "", known, faults))
}

/// Checks a small body in one go.
pub(crate) fn checked<T>(read: impl FnOnce(&mut Faults) -> T) -> Result<T, Refusal> {
    let mut faults = Faults::default();
    let found = read(&mut faults);
    faults.result().map(|()| found)
}

/// An id, as text or number.
pub(crate) fn id_of(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// How many letters have to change to make one word of the other.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in two.iter().enumerate() {
            let cost = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = cost.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[two.len()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fields, distance};
    use crate::rest::errors::Faults;

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        let mut faults = Faults::default();
        let body = json!({ "contnet": "hi", "whatever": 1 });
        Fields::body(&body, &["content", "embeds"], &mut faults);
        let text = faults.refusal().json().to_string();
        assert!(
            text.contains(r#"Unknown key \"contnet\": did you mean \"content\"?"#),
            "{text}"
        );
        assert!(text.contains("known keys are content, embeds."), "{text}");
    }

    #[test]
    fn distances() {
        assert_eq!(distance("contnet", "content"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn ids_may_be_texts_or_numbers() {
        let mut faults = Faults::default();
        let body = json!({ "a": "12", "b": 13, "c": "x" });
        let fields = Fields::body(&body, &["a", "b", "c"], &mut faults);
        assert_eq!(
            (fields.id("a", &mut faults), fields.id("b", &mut faults)),
            (Some(12), Some(13))
        );
        assert!(faults.is_empty());
        assert_eq!(fields.id("c", &mut faults), None);
        assert!(!faults.is_empty());
    }
}
