//! Steps that make a database's tables: in order, each once, each in a transaction, each recorded.
//!
//! A file that has steps which this program does not know is refused, and so is a step that was changed after it was
//! made: what is there was made by another one.

use std::borrow::Cow;

use rusqlite::{Connection, ErrorCode, params};

use super::{
    Limits, OpenError,
    connection::{Place, Session},
};

/// The table that records what was made: number, name, hash of the statements, whether older programs work with it, time.
/// Plugins' statements must not reach it.
pub const MIGRATIONS: &str = "bothost_migrations";

/// A step of a database: made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does, for people.
    pub name: Cow<'static, str>,
    /// Its statements.
    pub sql: Cow<'static, str>,
    /// Whether programs that don't know this step work with what it makes.
    pub backward_compatible: bool,
}

impl Step {
    /// A step that is part of this program.
    #[must_use]
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            sql: Cow::Borrowed(sql),
            backward_compatible: false,
        }
    }

    fn hash(&self) -> String {
        blake3::hash(self.sql.as_bytes()).to_hex().to_string()
    }
}

/// Why steps can't be made. It becomes an [`OpenError`] where the file is known.
#[derive(Debug)]
pub enum MigrationError {
    /// The file has a step that is not known here.
    Newer {
        /// Its number, from 1.
        number: u32,
        /// Its name.
        name: String,
        /// How many are known.
        known: usize,
    },
    /// A step that was made is not the one that is known by its number.
    Changed {
        /// Its number, from 1.
        number: u32,
        /// Its name then.
        made: String,
        /// Its name now.
        known: String,
    },
    /// A step failed.
    Failed {
        /// Its number, from 1.
        number: u32,
        /// Its name.
        name: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// Its statements ended the transaction, or broke references between tables.
    Wrong {
        /// Its number, from 1.
        number: u32,
        /// Its name.
        name: String,
        /// What.
        detail: String,
    },
    /// What was made could not be read, or the record not be written.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrationError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl MigrationError {
    /// The refusal of this file.
    pub(super) fn of(self, place: &Place) -> OpenError {
        let path = place.path.clone();
        match self {
            Self::Newer { number, name, known } => OpenError::Newer {
                path,
                number,
                name,
                known,
            },
            Self::Changed { number, made, known } => OpenError::Changed {
                path,
                number,
                made,
                known,
            },
            Self::Failed { number, name, source } => {
                let error = place.classify_migration(&source);
                if error.is_about_the_system() {
                    return OpenError::of(error);
                }
                let detail = error.to_string();
                OpenError::Migration {
                    path,
                    number,
                    name,
                    detail,
                }
            }
            Self::Wrong { number, name, detail } => OpenError::Migration {
                path,
                number,
                name,
                detail,
            },
            Self::Sqlite(error) => OpenError::of(place.classify(&error)),
        }
    }
}

/// How many of these steps are due.
pub(super) fn due(connection: &Connection, steps: &[Step]) -> Result<usize, MigrationError> {
    let is_there: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
        [MIGRATIONS],
        |row| row.get(0),
    )?;
    if !is_there {
        return Ok(steps.len());
    }
    let mut statement = connection.prepare(&format!(
        "SELECT number, name, hash, backward_compatible FROM {MIGRATIONS} ORDER BY number"
    ))?;
    let mut rows = statement.query([])?;
    let mut made = 0;
    while let Some(row) = rows.next()? {
        let number: u32 = row.get(0)?;
        let name: String = row.get(1)?;
        let hash: String = row.get(2)?;
        let is_harmless: bool = row.get(3)?;
        match steps.get(number.saturating_sub(1) as usize) {
            Some(step) if step.hash() != hash => {
                return Err(MigrationError::Changed {
                    number,
                    made: name,
                    known: step.name.to_string(),
                });
            }
            Some(_) => made += 1,
            None if is_harmless => {}
            None => {
                return Err(MigrationError::Newer {
                    number,
                    name,
                    known: steps.len(),
                });
            }
        }
    }
    Ok(steps.len() - made)
}

/// Makes the steps that are due; answers with how many.
pub(super) fn make(session: &mut Session, steps: &[Step], limits: &Limits) -> Result<usize, MigrationError> {
    let due = due(&session.connection, steps)?;
    if due == 0 {
        return Ok(0);
    }
    session.connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {MIGRATIONS} (
             number INTEGER PRIMARY KEY,
             name TEXT NOT NULL,
             hash TEXT NOT NULL,
             backward_compatible INTEGER NOT NULL,
             made_at INTEGER NOT NULL
         ) STRICT"
    ))?;
    // Tables are often made anew and filled from the old ones; references are checked at the end of each step instead
    // (<https://sqlite.org/lang_altertable.html#otheralter>).
    session.connection.pragma_update(None, "foreign_keys", false)?;
    let made = (steps.len() - due..steps.len()).try_for_each(|at| one(session, &steps[at], at as u32 + 1, limits));
    session.connection.pragma_update(None, "foreign_keys", true)?;
    made.map(|()| due)
}

fn one(session: &Session, step: &Step, number: u32, limits: &Limits) -> Result<(), MigrationError> {
    let connection = &session.connection;
    let name = step.name.to_string();
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let denied = || limits.denied.and_then(|denied| denied());
    let made = (|| {
        let wrong = |detail: &str| MigrationError::Wrong {
            number,
            name: name.clone(),
            detail: detail.to_owned(),
        };
        // What was denied to somebody before.
        denied();
        session
            .guarded(limits.migration_time, |connection| connection.execute_batch(&step.sql))
            .map_err(|source| match denied() {
                Some(why) if source.sqlite_error_code() == Some(ErrorCode::AuthorizationForStatementDenied) => {
                    wrong(why)
                }
                _ => MigrationError::Failed {
                    number,
                    name: name.clone(),
                    source,
                },
            })?;
        if connection.is_autocommit() {
            return Err(wrong(
                "its statements end the transaction it runs in: leave out COMMIT and ROLLBACK",
            ));
        }
        if connection.prepare("PRAGMA foreign_key_check")?.exists([])? {
            return Err(wrong("rows refer to rows that are no longer there"));
        }
        connection.execute(
            &format!(
                "INSERT INTO {MIGRATIONS} (number, name, hash, backward_compatible, made_at) VALUES (?1, ?2, ?3, ?4, unixepoch())"
            ),
            params![number, name, step.hash(), step.backward_compatible],
        )?;
        connection.execute_batch("COMMIT")?;
        Ok(())
    })();
    if made.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    made
}
