//! Enums whose variants carry something, from another version: what this side doesn't know is `Unknown`, whatever it carries.
//!
//! `#[serde(other)]` alone takes only what carries nothing: where a variant is the key of an object, its content is none.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

/// Reads what the derived `read` reads (of a type with `#[serde(other)]`, as `unknown`), or `unknown` of a variant that this
/// side doesn't know.
pub(crate) fn read<'de, D, T>(
    deserializer: D,
    read: impl Fn(&str) -> serde_json::Result<T>,
    is_unknown: impl Fn(&T) -> bool,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    let text = Box::<RawValue>::deserialize(deserializer)?;
    read(text.get()).or_else(|error| {
        // The name alone is read as unknown only if it is no variant of ours.
        let name = name(text.get()).and_then(|name| read(&name).ok());
        name.filter(is_unknown).ok_or_else(|| D::Error::custom(error))
    })
}

/// The one key of an object, as JSON.
fn name(object: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(object).ok()?;
    let mut names = object.keys();
    let name = names.next().filter(|_| names.next().is_none())?;
    serde_json::to_string(name).ok()
}

/// Implements serde's traits by [`read`] for enums with `#[serde(remote = "Self")]` and a variant `Unknown` with
/// `#[serde(other)]`.
macro_rules! tolerant {
    ($($name:ident)*) => {$(
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read = |text: &str| Self::deserialize(&mut ::serde_json::Deserializer::from_str(text));
                $crate::tolerant::read(deserializer, read, |read| matches!(read, Self::Unknown))
            }
        }
    )*};
}
pub(crate) use tolerant;
