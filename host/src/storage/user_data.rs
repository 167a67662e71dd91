//! What all plugins share of a user: one JSON object a row of bot.db's `user_data`, changed in one step.
//!
//! Plugins reach it by calls; here is what these do to the table.

use plugin_protocol::{UserData, UserId};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

use super::{Database, StorageError};

/// The most that is kept of a user, in bytes of JSON.
pub const MAX_BYTES: usize = 64 << 10;

/// Why something of a user is not kept.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is not what is kept of users.
    #[error("what is kept of a user is a JSON object")]
    NoObject,
    /// It is too much.
    #[error("{0} bytes are more than is kept of a user ({MAX_BYTES}): what is one plugin's own belongs into its store")]
    TooLarge(usize),
    /// The database says no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What is kept of a user.
///
/// # Errors
///
/// [`StorageError`].
pub async fn read(database: &Database, user: UserId) -> Result<UserData, StorageError> {
    database.read(move |connection| kept(connection, user)).await
}

/// Replaces what is kept of a user, if it is still `expected`; else answers with what is there.
///
/// # Errors
///
/// [`Refusal`].
pub async fn write(
    database: &Database,
    user: UserId,
    data: String,
    expected: Option<String>,
) -> Result<UserData, Refusal> {
    if serde_json::from_str::<Map<String, Value>>(&data).is_err() {
        return Err(Refusal::NoObject);
    }
    check(&data)?;
    let written = database.write(move |connection| {
        let there = kept(connection, user)?;
        if there.data != expected {
            return Ok(UserData {
                conflict: true,
                ..there
            });
        }
        put(connection, user, &data)?;
        Ok(UserData {
            data: Some(data.clone()),
            ..there
        })
    });
    Ok(written.await?)
}

/// Applies a JSON Merge Patch (<https://www.rfc-editor.org/rfc/rfc7386>) to what is kept of a user.
///
/// # Errors
///
/// [`Refusal`].
pub async fn merge(database: &Database, user: UserId, patch: Map<String, Value>) -> Result<UserData, Refusal> {
    let merged = database.write(move |connection| {
        let there = kept(connection, user)?;
        let object = there.data.as_deref().map(serde_json::from_str).transpose();
        let mut object: Map<String, Value> = object.ok().flatten().unwrap_or_default();
        apply(&mut object, &patch);
        let data = Value::Object(object).to_string();
        if let Err(refusal) = check(&data) {
            return Ok(Err(refusal));
        }
        put(connection, user, &data)?;
        Ok(Ok(UserData {
            data: Some(data),
            ..there
        }))
    });
    merged.await?
}

/// Deletes what is kept of a user; whether anything was.
///
/// # Errors
///
/// [`StorageError`].
pub async fn forget(database: &Database, user: UserId) -> Result<bool, StorageError> {
    let deleted = database.write(move |connection| {
        connection.execute("DELETE FROM user_data WHERE user_id = ?1", [user.get().cast_signed()])
    });
    Ok(deleted.await? > 0)
}

fn kept(connection: &Connection, user: UserId) -> Result<UserData, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT data, last_seen FROM user_data WHERE user_id = ?1")?;
    let found = statement.query_row([user.get().cast_signed()], |row| {
        Ok(UserData {
            data: row.get(0)?,
            last_seen: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
            conflict: false,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

fn put(connection: &Connection, user: UserId, data: &str) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO user_data (user_id, data) VALUES (?1, ?2) ON CONFLICT (user_id) DO UPDATE SET data = excluded.data",
    )?;
    statement.execute(params![user.get().cast_signed(), data])?;
    Ok(())
}

fn check(data: &str) -> Result<(), Refusal> {
    if data.len() > MAX_BYTES {
        return Err(Refusal::TooLarge(data.len()));
    }
    Ok(())
}

/// A merge patch: null takes away, objects are merged, anything else replaces.
fn apply(object: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => {
                object.remove(name);
            }
            Value::Object(within) => {
                let place = object.entry(name.clone()).or_insert(Value::Null);
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                if let Value::Object(place) = place {
                    apply(place, within);
                }
            }
            other => {
                object.insert(name.clone(), other.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};

    use super::apply;

    #[test]
    fn a_patch_is_applied_as_its_rfc_says() {
        // The examples of RFC 7386, appendix A, that are objects.
        for (object, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let (Value::Object(mut object), Value::Object(patch)) = (object, patch) else {
                unreachable!()
            };
            apply(&mut object, &patch);
            assert_eq!(Value::Object(object), expected);
        }
    }
}
