//! The heads of what a plugin asks of its own database and of its keys and values.
//!
//! Small things are in the head; values of any size are in the tail: for SQL as [`SqlValue`]s, one behind the other, for
//! keys as the bytes themselves.

mod values;

use std::fmt;

use serde::{Deserialize, Serialize};
pub use values::{MalformedValues, SqlValue, SqlValues};

use crate::{GuildId, UserId};

/// Statements on the plugin's own database, made in order, in one transaction: all of them or none.
///
/// The tail holds the parameters of all statements, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sql {
    /// The statements, one each.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The text, up to 100,000 bytes.
    pub sql: String,
    /// How many of the tail's values are its parameters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parameters: u32,
    /// The parameters' names without `:`, `@` or `$`; empty if they are bound by position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// How many rows it must change or return for all statements to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_rows: Option<u64>,
}

/// What came of [`Sql`]; its tail holds the values of all rows of all statements, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlAnswer {
    /// One result a statement; empty if an expectation was not met.
    #[serde(default)]
    pub results: Vec<StatementResult>,
    /// The statement whose [`expected_rows`](Statement::expected_rows) was not met: nothing was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmet: Option<UnmetExpectation>,
}

/// What came of one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementResult {
    /// The names of the columns; empty if it returns no rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// How many rows it returned.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rows: u64,
    /// How many rows it changed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rows_changed: u64,
    /// The id of the row that was inserted last, by this or an earlier statement.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_insert_id: i64,
}

/// An expectation of a statement that was not met, so that none of the statements was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmetExpectation {
    /// Which statement, counted from 0.
    pub statement: u32,
    /// How many rows were expected.
    pub expected: u64,
    /// How many rows it changed or returned.
    pub rows: u64,
}

impl fmt::Display for UnmetExpectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            statement,
            expected,
            rows,
        } = self;
        write!(
            f,
            "statement {statement} of the batch came to {rows} rows and not to {expected}: nothing was kept"
        )
    }
}

impl std::error::Error for UnmetExpectation {}

/// Something asked of the plugin's keys and values. Without server and user the scope is global; with both it is that
/// member's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// What to do.
    pub action: KeysAction,
    /// The scope's server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<GuildId>,
    /// The scope's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The key, 1 to 256 bytes; for [`KeysAction::List`] and [`KeysAction::Clear`] what keys begin with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// For [`KeysAction::Set`]: how long the value lasts, in milliseconds; absent for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_millis: Option<u64>,
    /// For [`KeysAction::Set`] and [`KeysAction::Delete`]: only if the value has this version; 0 for one that is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// For [`KeysAction::Set`]: it lasts as long as what it replaces.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keeps_expiry: bool,
    /// For [`KeysAction::Increment`]: by how much.
    #[serde(default, skip_serializing_if = "is_default")]
    pub by: i64,
    /// For [`KeysAction::List`]: only keys behind this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// For [`KeysAction::List`]: at most so many, up to 1,000; 0 for 100.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limit: u32,
}

/// What to do with keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeysAction {
    /// Read a value; the answer's tail is the value.
    Get,
    /// Write the tail as a value, up to 1 MiB.
    Set,
    /// Delete a key.
    Delete,
    /// Add to a value that is an integer in decimal digits; an absent one counts as 0. It lasts as long as before.
    Increment,
    /// List keys with their values, in the order of their bytes; the answer's tail holds the values, one behind the other.
    List,
    /// Delete all keys of the scope that begin with the key given.
    Clear,
    /// An action that this side doesn't know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What came of [`Keys`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysAnswer {
    /// The version of the value that is there now, and of what the tail holds; 0 if it is absent. It changes with
    /// every write.
    #[serde(default, skip_serializing_if = "is_default")]
    pub version: u64,
    /// The value did not have the version that was expected: nothing was changed, and the tail is the value that is there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub conflict: bool,
    /// What [`KeysAction::Increment`] came to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub number: i64,
    /// How many keys were deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deleted: u64,
    /// The keys that [`KeysAction::List`] found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<KeyEntry>,
    /// Whether there are more behind them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub more: bool,
}

/// A key that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// The key.
    pub key: String,
    /// How many bytes of the tail are its value.
    pub bytes: usize,
}

/// What is kept of a user for all plugins: the answer to the calls `user_data.read`, `user_data.write` and
/// `user_data.merge`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserData {
    /// A JSON object, as the text that is kept; `None` if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// When the bot last saw them, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
    /// It was not what was expected: nothing was written, and this is what is there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub conflict: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
