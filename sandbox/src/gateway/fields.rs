//! The fields of a client's payload, read one by one: each has a type and a rule, and there may be no others. What is
//! wrong is a decode error (4002) that names the field.

use serde_json::{Map, Value};

use super::close::{Close, DECODE_ERROR};

/// An object of a payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// Where the object stands, as `d.presence`.
    place: &'a str,
}

/// A decode error that says what is wrong.
pub(super) fn wrong(place: &str, name: &str, rule: &str) -> Close {
    let dot = if name.is_empty() { "" } else { "." };
    DECODE_ERROR.because(&format!("{place}{dot}{name} {rule}"))
}

impl<'a> Fields<'a> {
    /// The object at `place`, which may have no fields but those that are known.
    pub(super) fn new(value: &'a Value, place: &'a str, known: &[&str]) -> Result<Self, Close> {
        let object = value.as_object().ok_or_else(|| wrong(place, "", "must be an object"))?;
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(unknown) => Err(wrong(place, unknown, "is no field of this")),
            None => Ok(Self { object, place }),
        }
    }

    /// A decode error about a field.
    pub(super) fn wrong(&self, name: &str, rule: &str) -> Close {
        wrong(self.place, name, rule)
    }

    /// The field, unless it is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Close> {
        value.ok_or_else(|| self.wrong(name, "is required"))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Close> {
        self.read(name, "must be a string", Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Close> {
        self.read(name, "must be true or false", Value::as_bool)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Close> {
        self.read(name, "must be a whole number, 0 or more", Value::as_u64)
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<&'a [Value]>, Close> {
        self.read(name, "must be a list", |value| value.as_array().map(Vec::as_slice))
    }

    pub(super) fn snowflake(&self, name: &str) -> Result<Option<u64>, Close> {
        self.read(name, "must be an id", snowflake)
    }

    pub(super) fn snowflakes(&self, name: &str) -> Result<Option<Vec<u64>>, Close> {
        self.read(name, "must be a list of ids", |value| match value {
            Value::Array(all) => all.iter().map(snowflake).collect(),
            one => snowflake(one).map(|id| vec![id]),
        })
    }

    fn read<T>(&self, name: &str, rule: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<Option<T>, Close> {
        self.get(name)
            .map(|value| read(value).ok_or_else(|| self.wrong(name, rule)))
            .transpose()
    }
}

/// An id as a text or a number.
fn snowflake(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}
