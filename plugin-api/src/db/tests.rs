//! What is bound is read back as what it was, by every way of binding and reading.
//!
//! Without a host: binding and reading meet here as they do across the boundary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use plugin_protocol::{SqlValue, SqlValues};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use twilight_model::id::{Id, marker::RoleMarker};

use super::{Blob, parameters, rows};
use crate::UserId;

fn bound(parameters: &impl Serialize) -> (Vec<String>, Vec<u8>) {
    let mut bytes = Vec::new();
    let bound = parameters::bind(parameters, &mut bytes).unwrap();
    (bound.names, bytes)
}

/// Binds a value, and reads it as a row of so many columns.
fn returned<T: DeserializeOwned>(parameters: &impl Serialize, columns: &[&str]) -> Result<T, String> {
    let (_, bytes) = bound(parameters);
    let columns: Vec<_> = columns.iter().map(ToString::to_string).collect();
    rows::read(&columns, &mut SqlValues::new(&bytes)).map_err(|error| error.to_string())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mood {
    Good,
    Because { reason: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    id: UserId,
    role: Id<RoleMarker>,
    yes: bool,
    small: i8,
    large: u64,
    real: f64,
    text: String,
    letter: char,
    nothing: Option<u32>,
    something: Option<UserId>,
    blob: Blob,
    list: Vec<String>,
    map: BTreeMap<String, u32>,
    mood: Mood,
    reason: Mood,
}

fn everything() -> Everything {
    Everything {
        id: UserId::new(u64::MAX).unwrap(),
        role: Id::new(175_928_847_299_117_063),
        yes: true,
        small: -1,
        large: i64::MAX.cast_unsigned(),
        real: 0.1,
        text: "it's; -- a text".to_owned(),
        letter: 'ß',
        nothing: None,
        something: UserId::new(5),
        blob: Blob(vec![0, 1, 255]),
        list: vec!["a".to_owned(), String::new()],
        map: BTreeMap::from([("k".to_owned(), 1)]),
        mood: Mood::Good,
        reason: Mood::Because {
            reason: "rain".to_owned(),
        },
    }
}

#[test]
fn a_struct_is_bound_by_name_and_read_by_column() {
    let (names, _) = bound(&everything());
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(names.first(), Some(&"id"));
    assert_eq!(returned::<Everything>(&everything(), &names), Ok(everything()));
    let map = BTreeMap::from([(":a", 1), ("b", 2)]);
    assert_eq!(bound(&map).0, ["a", "b"]);
}

#[test]
fn ids_are_integers_by_themselves_and_within() {
    let id = UserId::new(u64::MAX).unwrap();
    for bytes in [
        bound(&id).1,
        bound(&(id,)).1,
        bound(&Some(id)).1,
        bound(&Id::<RoleMarker>::new(u64::MAX)).1,
    ] {
        assert_eq!(SqlValues::new(&bytes).read(), Ok(SqlValue::Integer(-1)));
    }
    assert_eq!(returned::<UserId>(&id, &["id"]), Ok(id));
    assert_eq!(returned::<(UserId,)>(&id, &["id"]), Ok((id,)));
    assert_eq!(
        returned::<UserId>(&"7", &["id"]),
        Ok(UserId::new(7).unwrap()),
        "a text is an id, too"
    );
}

#[test]
fn tuples_single_values_and_bytes() {
    assert_eq!(
        returned::<(i64, String, Option<f64>)>(&(1, "a", None::<f64>), &["a", "b", "c"]),
        Ok((1, "a".to_owned(), None))
    );
    assert_eq!(returned::<String>(&"one", &["a"]), Ok("one".to_owned()));
    assert_eq!(returned::<Option<i64>>(&None::<i64>, &["max(id)"]), Ok(None));
    assert_eq!(
        returned::<Vec<u8>>(&(1, 2), &["a", "b"]),
        Ok(vec![1, 2]),
        "a row of two"
    );
    assert_eq!(returned::<(Vec<u8>,)>(&Blob([1, 2]), &["a"]), Ok((vec![1, 2],)));
    assert_eq!(bound(&()).1, Vec::<u8>::new());
    let all: Value = returned(&(1, "x"), &["a", "b"]).unwrap();
    assert_eq!(all, serde_json::json!({ "a": 1, "b": "x" }));
}

#[test]
fn what_does_not_fit_says_where_and_why() {
    refused(returned::<(i64, i64)>(&(1, "x"), &["a", "b"]), "column `b`");
    refused(
        returned::<(i64, i64)>(&(1, 2, 3), &["a", "b", "c"]),
        "3 columns, and 2 were asked for",
    );
    refused(returned::<i64>(&(1, 2), &["a", "b"]), "2 columns, and a single value");
    refused(returned::<Everything>(&("x",), &["yes"]), "column `yes`: ");
    refused(returned::<u64>(&-1, &["a"]), "invalid value: integer `-1`");
    let error = parameters::bind(&(u64::MAX,), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("no integer of SQLite"), "{error}");
}

fn refused<T: std::fmt::Debug>(read: Result<T, String>, text: &str) {
    let error = read.unwrap_err();
    assert!(error.contains(text), "{error}");
}
