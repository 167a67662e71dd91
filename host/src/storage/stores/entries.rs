//! Keys and values on a connection: the table they are in, and one function an action.
//!
//! Each action has at most one statement that writes, so that it is done or not done, within whatever transaction.

use std::time::Duration;

use plugin_protocol::{KeyEntry, Keys, KeysAction, KeysAnswer, Problem, ProblemCode};
use rusqlite::{Connection, OptionalExtension, params};

use crate::storage::Step;

/// The longest key, in bytes.
const MAX_KEY: usize = 256;
/// The most that a page of a list holds, in bytes of values.
const MAX_PAGE: usize = 4 << 20;
/// How many keys a page has if nothing is said, and at most.
const PAGE: (u32, u32) = (100, 1_000);
/// How many expired values are deleted at once.
const SWEPT: u64 = 1_000;

/// The steps of the file.
pub(super) fn steps() -> Vec<Step> {
    vec![Step::new(
        "keys and values",
        "CREATE TABLE entries (
             id INTEGER PRIMARY KEY,
             guild INTEGER NOT NULL,
             user INTEGER NOT NULL,
             key BLOB NOT NULL,
             value BLOB NOT NULL,
             version INTEGER NOT NULL,
             expires INTEGER
         ) STRICT;
         CREATE UNIQUE INDEX entries_place ON entries (guild, user, key);
         CREATE INDEX entries_user ON entries (user) WHERE user <> 0;
         CREATE INDEX entries_expires ON entries (expires) WHERE expires IS NOT NULL;",
    )]
}

/// What came of an action: the answer's head and its tail, or why it was refused.
pub type Done = Result<(KeysAnswer, Vec<u8>), Problem>;

/// What is there under a key.
struct Entry {
    value: Vec<u8>,
    version: u64,
    expires: Option<i64>,
}

/// Whether an action changes nothing.
pub(super) fn only_reads(action: KeysAction) -> bool {
    matches!(action, KeysAction::Get | KeysAction::List)
}

/// Refuses what can't be done whatever is there.
pub(super) fn check(keys: &Keys) -> Result<(), Problem> {
    let length = keys.key.len();
    let may_be_empty = matches!(keys.action, KeysAction::List | KeysAction::Clear);
    if length > MAX_KEY || (length == 0 && !may_be_empty) {
        let text = format!("a key of {length} bytes: keys have 1 to {MAX_KEY}");
        return Err(Problem::new(ProblemCode::Invalid, text));
    }
    if keys.action == KeysAction::Unknown {
        let text = "this host does not know that action on keys: it is older than the plugin";
        return Err(Problem::new(ProblemCode::NotSupported, text));
    }
    Ok(())
}

/// Does an action. `now` is in milliseconds since 1970, `version` one that no value has had.
pub(super) fn act(
    connection: &Connection,
    keys: &Keys,
    value: &[u8],
    now: i64,
    version: u64,
) -> Result<Done, rusqlite::Error> {
    let place = Place::of(keys);
    match keys.action {
        KeysAction::Get => get(connection, &place, now),
        KeysAction::Set => set(connection, &place, keys, value, now, version),
        KeysAction::Delete => delete(connection, &place, keys, now),
        KeysAction::Increment => increment(connection, &place, keys.by, now, version),
        KeysAction::List => list(connection, &place, keys, now),
        KeysAction::Clear => clear(connection, &place, now),
        KeysAction::Unknown => Ok(check(keys).map(|()| <_>::default())),
    }
}

/// Where a value is: ids as the integers they are, 0 for none.
struct Place<'a> {
    guild: i64,
    user: i64,
    key: &'a [u8],
}

impl<'a> Place<'a> {
    fn of(keys: &'a Keys) -> Self {
        Self {
            guild: keys.guild_id.map_or(0, |id| id.get().cast_signed()),
            user: keys.user_id.map_or(0, |id| id.get().cast_signed()),
            key: keys.key.as_bytes(),
        }
    }
}

fn find(connection: &Connection, place: &Place<'_>, now: i64) -> Result<Option<Entry>, rusqlite::Error> {
    let mut statement = connection
        .prepare_cached("SELECT value, version, expires FROM entries WHERE guild = ?1 AND user = ?2 AND key = ?3")?;
    let found = statement.query_row(params![place.guild, place.user, place.key], |row| {
        Ok(Entry {
            value: row.get(0)?,
            version: row.get::<_, i64>(1)?.cast_unsigned(),
            expires: row.get(2)?,
        })
    });
    let found = found.optional()?;
    Ok(found.filter(|entry| entry.expires.is_none_or(|expires| expires > now)))
}

fn get(connection: &Connection, place: &Place<'_>, now: i64) -> Result<Done, rusqlite::Error> {
    Ok(Ok(found(find(connection, place, now)?, false)))
}

fn found(entry: Option<Entry>, conflict: bool) -> (KeysAnswer, Vec<u8>) {
    let (version, value) = entry.map(|entry| (entry.version, entry.value)).unwrap_or_default();
    let answer = KeysAnswer {
        version,
        conflict,
        ..KeysAnswer::default()
    };
    (answer, value)
}

fn put(
    connection: &Connection,
    place: &Place<'_>,
    value: &[u8],
    version: u64,
    expires: Option<i64>,
) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO entries (guild, user, key, value, version, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (guild, user, key)
         DO UPDATE SET value = excluded.value, version = excluded.version, expires = excluded.expires",
    )?;
    let version = version.cast_signed();
    statement.execute(params![place.guild, place.user, place.key, value, version, expires])?;
    Ok(())
}

fn set(
    connection: &Connection,
    place: &Place<'_>,
    keys: &Keys,
    value: &[u8],
    now: i64,
    version: u64,
) -> Result<Done, rusqlite::Error> {
    let mut expires = keys
        .expires_in_millis
        .map(|millis| now.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)));
    if keys.expected_version.is_some() || keys.keeps_expiry {
        let there = find(connection, place, now)?;
        let is_version = there.as_ref().map_or(0, |entry| entry.version);
        if keys.expected_version.is_some_and(|expected| expected != is_version) {
            return Ok(Ok(found(there, true)));
        }
        if keys.keeps_expiry {
            expires = there.and_then(|entry| entry.expires);
        }
    }
    put(connection, place, value, version, expires)?;
    let answer = KeysAnswer {
        version,
        ..KeysAnswer::default()
    };
    Ok(Ok((answer, Vec::new())))
}

fn delete(connection: &Connection, place: &Place<'_>, keys: &Keys, now: i64) -> Result<Done, rusqlite::Error> {
    if let Some(expected) = keys.expected_version {
        let there = find(connection, place, now)?;
        if expected != there.as_ref().map_or(0, |entry| entry.version) {
            return Ok(Ok(found(there, true)));
        }
    }
    let mut statement = connection
        .prepare_cached("DELETE FROM entries WHERE guild = ?1 AND user = ?2 AND key = ?3 RETURNING expires")?;
    let expires = statement.query_row(params![place.guild, place.user, place.key], |row| {
        row.get::<_, Option<i64>>(0)
    });
    let was_there = expires
        .optional()?
        .is_some_and(|expires| expires.is_none_or(|expires| expires > now));
    let answer = KeysAnswer {
        deleted: u64::from(was_there),
        ..KeysAnswer::default()
    };
    Ok(Ok((answer, Vec::new())))
}

fn increment(
    connection: &Connection,
    place: &Place<'_>,
    by: i64,
    now: i64,
    version: u64,
) -> Result<Done, rusqlite::Error> {
    let there = find(connection, place, now)?;
    let expires = there.as_ref().and_then(|entry| entry.expires);
    let number = match &there {
        None => Some(0),
        Some(entry) => std::str::from_utf8(&entry.value)
            .ok()
            .and_then(|text| text.parse().ok()),
    };
    let refused = |text: &str| {
        let key = String::from_utf8_lossy(place.key);
        Ok(Err(Problem::new(ProblemCode::Conflict, format!("`{key}` {text}"))))
    };
    let Some(number) = number else {
        return refused("is no whole number, so that nothing can be added to it");
    };
    let Some(sum) = i64::checked_add(number, by) else {
        return refused("would be beyond 64 bits");
    };
    put(connection, place, sum.to_string().as_bytes(), version, expires)?;
    let answer = KeysAnswer {
        version,
        number: sum,
        ..KeysAnswer::default()
    };
    Ok(Ok((answer, Vec::new())))
}

/// The least bytes that are behind everything that begins with `prefix`.
fn behind(prefix: &[u8]) -> Vec<u8> {
    let mut bound = prefix.to_vec();
    while let Some(last) = bound.pop() {
        if last < u8::MAX {
            bound.push(last + 1);
            return bound;
        }
    }
    // Longer than any key, of bytes that no text has.
    vec![u8::MAX; MAX_KEY + 1]
}

fn list(connection: &Connection, place: &Place<'_>, keys: &Keys, now: i64) -> Result<Done, rusqlite::Error> {
    let limit = if keys.limit == 0 {
        PAGE.0
    } else {
        keys.limit.min(PAGE.1)
    };
    let after = keys.after.as_deref().unwrap_or_default().as_bytes();
    let mut statement = connection.prepare_cached(
        "SELECT key, value FROM entries
         WHERE guild = ?1 AND user = ?2 AND key >= ?3 AND key < ?4 AND key > ?5 AND (expires IS NULL OR expires > ?6)
         ORDER BY key LIMIT ?7",
    )?;
    let limits = params![
        place.guild,
        place.user,
        place.key,
        behind(place.key),
        after,
        now,
        limit + 1
    ];
    let mut rows = statement.query(limits)?;
    let (mut answer, mut values) = (KeysAnswer::default(), Vec::new());
    while let Some(row) = rows.next()? {
        let value = row.get_ref(1)?.as_blob().unwrap_or_default();
        let is_full = !values.is_empty() && values.len() + value.len() > MAX_PAGE;
        if answer.entries.len() == limit as usize || is_full {
            answer.more = true;
            break;
        }
        let key = row.get_ref(0)?.as_blob().unwrap_or_default();
        answer.entries.push(KeyEntry {
            key: String::from_utf8_lossy(key).into_owned(),
            bytes: value.len(),
        });
        values.extend_from_slice(value);
    }
    Ok(Ok((answer, values)))
}

fn clear(connection: &Connection, place: &Place<'_>, now: i64) -> Result<Done, rusqlite::Error> {
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM entries
         WHERE guild = ?1 AND user = ?2 AND key >= ?3 AND key < ?4 AND (expires IS NULL OR expires > ?5)",
    )?;
    let behind = behind(place.key);
    let deleted: i64 = count.query_row(params![place.guild, place.user, place.key, behind, now], |row| {
        row.get(0)
    })?;
    let mut statement =
        connection.prepare_cached("DELETE FROM entries WHERE guild = ?1 AND user = ?2 AND key >= ?3 AND key < ?4")?;
    statement.execute(params![place.guild, place.user, place.key, behind])?;
    let answer = KeysAnswer {
        deleted: deleted.cast_unsigned(),
        ..KeysAnswer::default()
    };
    Ok(Ok((answer, Vec::new())))
}

/// Deletes some of the expired values; how many, and whether there may be more.
pub(super) fn sweep(connection: &Connection, now: i64) -> Result<(u64, bool), rusqlite::Error> {
    let mut statement = connection
        .prepare_cached("DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE expires <= ?1 LIMIT ?2)")?;
    let swept = statement.execute(params![now, SWEPT.cast_signed()])? as u64;
    Ok((swept, swept == SWEPT))
}

/// Deletes all that is kept of a user, as user and as member, or of a server and its members.
pub(super) fn forget(connection: &Connection, whom: super::Whom) -> Result<u64, rusqlite::Error> {
    let deleted = match whom {
        super::Whom::User(id) => connection.execute(
            "DELETE FROM entries WHERE user <> 0 AND user = ?1",
            [id.get().cast_signed()],
        )?,
        super::Whom::Guild(id) => {
            connection.execute("DELETE FROM entries WHERE guild = ?1", [id.get().cast_signed()])?
        }
    };
    Ok(deleted as u64)
}

/// How long between two looks for expired values.
pub(super) const SWEEPING: Duration = Duration::from_secs(60);
