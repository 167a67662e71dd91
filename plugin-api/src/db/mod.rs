//! The plugin's own SQLite database: statements with parameters, rows as serde types.
//!
//! A front for requests: the database is opened, and what statements may do is decided, by the host alone. No transaction
//! spans two requests; what belongs together is a batch.

mod batch;
mod blob;
mod parameters;
mod rows;
#[cfg(test)]
mod tests;

use std::{fmt, panic::Location, rc::Rc};

pub use batch::{Batch, BatchResults};
pub use blob::Blob;
use plugin_protocol::StatementResult;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result, error::placed, runtime::Core};

/// The plugin's own `SQLite` database; see [`Host::db`](crate::Host::db).
///
/// What tables there are, [`plugin!`](crate::plugin)'s `migrations` say: steps that are made once, in order, each in a
/// transaction, before the start function of the first version that has them runs.
///
/// ```
/// use plugin_api::prelude::*;
/// use plugin_api::serde::Deserialize;
///
/// #[derive(Deserialize)]
/// # #[serde(crate = "plugin_api::serde")]
/// struct Note {
///     id: i64,
///     author: UserId,
///     text: String,
/// }
///
/// /// Write a note down.
/// #[command]
/// async fn note(ctx: Ctx, #[rest] text: String) -> Result {
///     let written = ctx
///         .db()
///         .execute("INSERT INTO notes (author, text) VALUES (?1, ?2)", (ctx.author().id, text))
///         .await?;
///     ctx.reply(format!("Note {} is written down.", written.last_insert_id)).await
/// }
///
/// /// Show your notes.
/// #[command]
/// async fn notes(ctx: Ctx) -> Result {
///     let notes: Vec<Note> = ctx
///         .db()
///         .query("SELECT id, author, text FROM notes WHERE author = ?1 ORDER BY id DESC LIMIT 10", ctx.author().id)
///         .await?;
///     let lines: Vec<_> = notes.iter().map(|note| format!("{}. {} ({})", note.id, note.text, note.author)).collect();
///     ctx.reply(if lines.is_empty() { "No notes.".to_owned() } else { lines.join("\n") }).await
/// }
///
/// # mod linked { use super::*;
/// # plugin!(linked; commands: [super::note, super::notes], migrations: [
/// #     "notes" => "CREATE TABLE notes (id INTEGER PRIMARY KEY, author INTEGER NOT NULL, text TEXT NOT NULL) STRICT",
/// # ]);
/// # } #[cfg(any())]
/// plugin! {
///     commands: [note, notes],
///     migrations: [
///         "notes" => "CREATE TABLE notes (id INTEGER PRIMARY KEY, author INTEGER NOT NULL, text TEXT NOT NULL) STRICT",
///         #[backward_compatible]
///         "find notes by author" => "CREATE INDEX notes_by_author ON notes (author)",
///     ],
/// }
/// # fn main() { assert_eq!(linked::linked_plugin().module().description().is_some(), true); }
/// ```
///
/// # Parameters
///
/// Values never belong into the text of a statement: they are its parameters. A tuple or slice is bound to `?1`, `?2`, ...
/// in order, a struct or map to `:name` by its fields' names, a single value to `?1`, `()` to none. Discord's ids, this
/// crate's and twilight's, are kept as integers; booleans as 0 and 1; `None` as NULL; [`Blob`] and what serde calls bytes
/// as BLOB; variants without content as TEXT; lists, maps and structs within the parameters as TEXT of JSON.
///
/// # Rows
///
/// A row is read as any type that serde can read: a struct by the names of the columns, a tuple by their order, a single
/// value if there is one column. What was bound in one of the ways above is read back as what it was; only
/// `serde_json::Value`, which can be anything, reads JSON in a TEXT as that text.
///
/// # Limits
///
/// - A request, which is one statement or a batch, may take 5 seconds; what takes longer is stopped, and nothing of it is
///   kept.
/// - Up to 10,000 rows and 8 MiB of rows are returned: ask for what is shown, with `LIMIT`.
/// - A statement has up to 100,000 bytes, a batch up to 10,000 statements, parameters of up to 8 MiB.
/// - The file has up to 1 GiB.
/// - `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`, `ATTACH`, `DETACH`, `VACUUM`, temporary tables and `PRAGMA`s that change
///   anything are refused. Foreign keys are enforced.
/// - Of virtual tables, those of `fts5` (text search) and `rtree` (ranges) are allowed.
///
/// What the bot's owner erases of a user or a server, by `forget`, is what is in stores and `user_data`: what your tables
/// keep of people is yours to delete.
#[derive(Clone)]
pub struct Db {
    core: Rc<Core>,
}

impl Db {
    pub(crate) fn new(core: Rc<Core>) -> Self {
        Self { core }
    }

    /// All rows of a statement.
    ///
    /// # Errors
    ///
    /// `SQLite` refused it, a limit was reached (see [`Db`]), or a row doesn't fit `T`.
    #[track_caller]
    pub fn query<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: impl Serialize,
    ) -> impl Future<Output = Result<Vec<T>>> {
        placed(async move { self.one(sql, &parameters).await?.rows(0) })
    }

    /// The first row of a statement.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query), and if there is no row.
    #[track_caller]
    pub fn query_one<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: impl Serialize,
    ) -> impl Future<Output = Result<T>> {
        placed(async move {
            let row = self.one(sql, &parameters).await?.row(0)?;
            row.ok_or_else(|| Error::new("the statement returned no row: `query_optional` allows for that"))
        })
    }

    /// The first row of a statement, if there is one.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    #[track_caller]
    pub fn query_optional<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: impl Serialize,
    ) -> impl Future<Output = Result<Option<T>>> {
        placed(async move { self.one(sql, &parameters).await?.row(0) })
    }

    /// Makes a statement whose rows, if any, nobody reads. It is kept when this returns: it outlives a crash of the bot.
    ///
    /// # Errors
    ///
    /// `SQLite` refused it, or a limit was reached (see [`Db`]). A row that a constraint forbids is a
    /// [`Problem`](Error::problem) with the code [`Conflict`](crate::ProblemCode::Conflict).
    #[track_caller]
    pub fn execute(&self, sql: &str, parameters: impl Serialize) -> impl Future<Output = Result<Executed>> {
        placed(async move { self.one(sql, &parameters).await?.executed(0) })
    }

    /// Several statements, made in order and kept all or none: add them, then await it.
    ///
    /// ```
    /// use plugin_api::{Host, Result, UserId, refuse};
    ///
    /// async fn give(host: &Host, from: UserId, to: UserId, coins: u32) -> Result<i64> {
    ///     let given = host
    ///         .db()
    ///         .batch()
    ///         .statement("UPDATE purses SET coins = coins - ?2 WHERE owner = ?1 AND coins >= ?2", (from, coins))
    ///         .expect_rows(1)
    ///         .statement(
    ///             "INSERT INTO purses (owner, coins) VALUES (?1, ?2)
    ///              ON CONFLICT DO UPDATE SET coins = coins + ?2 RETURNING coins",
    ///             (to, coins),
    ///         )
    ///         .await;
    ///     match given {
    ///         Ok(given) => given.one(1),
    ///         Err(error) if error.unmet_expectation().is_some() => refuse("You don't have that much."),
    ///         Err(error) => Err(error),
    ///     }
    /// }
    /// ```
    #[track_caller]
    pub fn batch(&self) -> Batch {
        Batch::new(self.core.clone(), Location::caller())
    }

    async fn one(&self, sql: &str, parameters: &impl Serialize) -> Result<BatchResults> {
        self.batch().statement(sql, parameters).await
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("plugin", &self.core.link.plugin())
            .finish_non_exhaustive()
    }
}

/// What a statement came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// How many rows it changed.
    pub rows_changed: u64,
    /// The id of the row that was inserted last, by this statement or an earlier one of its batch; 0 if none was.
    pub last_insert_id: i64,
}

impl From<&StatementResult> for Executed {
    fn from(result: &StatementResult) -> Self {
        Self {
            rows_changed: result.rows_changed,
            last_insert_id: result.last_insert_id,
        }
    }
}
