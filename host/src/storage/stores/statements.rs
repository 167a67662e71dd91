//! Plugins' statements on a connection: parameters bound, rows taken within limits, expectations checked.
//!
//! Knows nothing of queues and threads: the engine calls it within a transaction, and undoes what it refuses.

use std::time::Duration;

use plugin_protocol::{Sql, SqlAnswer, SqlValue, SqlValues, Statement, StatementResult, UnmetExpectation};
use rusqlite::{
    Batch, CachedStatement, Connection,
    fallible_iterator::FallibleIterator,
    types::{ToSqlOutput, ValueRef},
};

use super::authorizer;

/// How long a batch may take.
pub(super) const TIME: Duration = Duration::from_secs(5);
/// How many rows a batch may return.
const MAX_ROWS: u64 = 10_000;
/// How many bytes its rows may have.
const MAX_BYTES: usize = 8 << 20;
/// The longest value, in bytes.
pub(super) const MAX_VALUE: u32 = 8 << 20;
/// The longest statement, in bytes.
const MAX_STATEMENT: usize = 100_000;
/// How many statements a batch may have.
const MAX_STATEMENTS: usize = 10_000;

/// With no more semicolons than this, rusqlite may look for a second statement: it prepares each further one within the one
/// before, and a long text would exhaust the thread's stack.
const MAX_TAILS: usize = 32;

/// Why a batch was not made.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite says so, of this statement.
    Sqlite(usize, rusqlite::Error, Option<&'static str>),
    /// It breaks a rule of the host, in words.
    Refused(String),
    /// A statement did not come to what was expected.
    Unmet(UnmetExpectation),
}

/// Whether all of it is likely to only read, by the words that statements begin with.
pub(super) fn looks_like_reading(sql: &Sql) -> bool {
    sql.statements.iter().all(|statement| {
        matches!(
            &*first_word(&statement.sql),
            "SELECT" | "WITH" | "VALUES" | "EXPLAIN" | "PRAGMA"
        )
    })
}

/// The first word of a statement, in capitals, behind blanks and comments.
fn first_word(sql: &str) -> String {
    let mut rest = sql.trim_start();
    loop {
        let behind = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map(|(_, behind)| behind)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map(|(_, behind)| behind)
        } else {
            break;
        };
        rest = behind.unwrap_or_default().trim_start();
    }
    rest.chars()
        .take_while(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

/// Makes all statements, and answers with their results and the values of their rows.
pub(super) fn run(connection: &Connection, sql: &Sql, parameters: &[u8]) -> Result<(SqlAnswer, Vec<u8>), Fault> {
    if sql.statements.len() > MAX_STATEMENTS {
        let text = format!(
            "{} statements are too many: a batch has up to {MAX_STATEMENTS}",
            sql.statements.len()
        );
        return Err(Fault::Refused(text));
    }
    let mut run = Run {
        connection,
        parameters: SqlValues::new(parameters),
        values: Vec::new(),
        rows: 0,
        last_insert_id: 0,
    };
    let results = sql.statements.iter().enumerate();
    let results = results.map(|(number, statement)| run.statement(number, statement));
    let answer = SqlAnswer {
        results: results.collect::<Result<_, _>>()?,
        unmet: None,
    };
    if !run.parameters.rest().is_empty() {
        return Err(Fault::Refused(
            "there are more parameters than the statements say".to_owned(),
        ));
    }
    Ok((answer, run.values))
}

struct Run<'a> {
    connection: &'a Connection,
    parameters: SqlValues<'a>,
    values: Vec<u8>,
    rows: u64,
    last_insert_id: i64,
}

impl Run<'_> {
    fn statement(&mut self, number: usize, asked: &Statement) -> Result<StatementResult, Fault> {
        let length = asked.sql.len();
        if length > MAX_STATEMENT {
            let text = format!(
                "statement {number} has {length} bytes, more than {MAX_STATEMENT}: values belong into parameters"
            );
            return Err(Fault::Refused(text));
        }
        let word = first_word(&asked.sql);
        if word == "VACUUM" {
            let text = "VACUUM is not allowed: the host uses free pages again";
            return Err(Fault::Refused(text.to_owned()));
        }
        // Not only the authorizer's affair: the engine's own such statements are kept prepared, under their text.
        if matches!(
            &*word,
            "BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE"
        ) {
            return Err(Fault::Refused(authorizer::TRANSACTIONS.to_owned()));
        }
        if word.is_empty() {
            return Err(Fault::Refused(format!("statement {number} is empty")));
        }
        authorizer::take_reason();
        let sqlite = |error| Fault::Sqlite(number, error, authorizer::take_reason());
        if asked.sql.bytes().filter(|byte| *byte == b';').count() > MAX_TAILS {
            self.check_single(&asked.sql).map_err(sqlite)?;
        }
        let mut statement = self.connection.prepare_cached(&asked.sql).map_err(sqlite)?;
        self.bind(number, asked, &mut statement)?;
        let changed_before = self.connection.total_changes();
        let mut result = StatementResult::default();
        if statement.column_count() == 0 {
            statement.raw_execute().map_err(sqlite)?;
        } else {
            result.columns = statement.column_names().map(str::to_owned).collect();
            result.rows = self.take_rows(number, &mut statement)?;
        }
        if self.connection.total_changes() != changed_before {
            result.rows_changed = self.connection.changes();
            if matches!(&*word, "INSERT" | "REPLACE" | "WITH") {
                self.last_insert_id = self.connection.last_insert_rowid();
            }
        }
        result.last_insert_id = self.last_insert_id;
        let rows = result.rows_changed.max(result.rows);
        match asked.expected_rows {
            Some(expected) if expected != rows => Err(Fault::Unmet(UnmetExpectation {
                statement: number as u32,
                expected,
                rows,
            })),
            _ => Ok(result),
        }
    }

    /// Refuses text of more than one statement without looking at what follows the second.
    fn check_single(&self, sql: &str) -> Result<(), rusqlite::Error> {
        let mut statements = Batch::new(self.connection, sql);
        statements.next()?;
        match statements.next()? {
            Some(_) => Err(rusqlite::Error::MultipleStatement),
            None => Ok(()),
        }
    }

    fn bind(&mut self, number: usize, asked: &Statement, statement: &mut CachedStatement<'_>) -> Result<(), Fault> {
        let refused = |text: String| Fault::Refused(format!("statement {number}: {text}"));
        let (wanted, given) = (statement.parameter_count(), asked.parameters as usize);
        let mut places = Vec::with_capacity(given);
        if asked.names.is_empty() {
            if wanted != given {
                return Err(refused(format!(
                    "it has {wanted} parameters, and {given} values were given"
                )));
            }
            places.extend((1..=given).map(Some));
        } else {
            if asked.names.len() != given {
                return Err(refused("not every value has a name".to_owned()));
            }
            let mut unbound: Vec<_> = (1..=wanted).collect();
            for name in &asked.names {
                let place = [':', '@', '$'].into_iter().find_map(|sign| {
                    let place = statement.parameter_index(&format!("{sign}{name}"));
                    place.ok().flatten()
                });
                unbound.retain(|place_left| Some(*place_left) != place);
                places.push(place);
            }
            if let Some(place) = unbound.first() {
                let name = statement.parameter_name(*place).unwrap_or("?").to_owned();
                return Err(refused(format!("its parameter {name} was given no value")));
            }
        }
        for place in places {
            let value = self.parameters.read().map_err(|error| refused(error.to_string()))?;
            if let Some(place) = place {
                let bound = statement.raw_bind_parameter(place, Value(value));
                bound.map_err(|error| Fault::Sqlite(number, error, None))?;
            }
        }
        Ok(())
    }

    fn take_rows(&mut self, number: usize, statement: &mut CachedStatement<'_>) -> Result<u64, Fault> {
        let columns = statement.column_count();
        let sqlite = |error| Fault::Sqlite(number, error, authorizer::take_reason());
        let mut taken = 0;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(sqlite)? {
            for column in 0..columns {
                let value = match row.get_ref(column).map_err(sqlite)? {
                    ValueRef::Null => SqlValue::Null,
                    ValueRef::Integer(number) => SqlValue::Integer(number),
                    ValueRef::Real(number) => SqlValue::Real(number),
                    ValueRef::Blob(bytes) => SqlValue::Blob(bytes),
                    ValueRef::Text(text) => match std::str::from_utf8(text) {
                        Ok(text) => SqlValue::Text(text),
                        Err(_) => SqlValue::Blob(text),
                    },
                };
                value.write(&mut self.values);
            }
            taken += 1;
            self.rows += 1;
            if self.rows > MAX_ROWS || self.values.len() > MAX_BYTES {
                let text = format!(
                    "statement {number} returns more than the {MAX_ROWS} rows or {} MiB that a request may: ask for less, \
                     with LIMIT or fewer columns",
                    MAX_BYTES >> 20
                );
                return Err(Fault::Refused(text));
            }
        }
        Ok(taken)
    }
}

/// A plugin's value for SQLite.
struct Value<'a>(SqlValue<'a>);

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            SqlValue::Null => ValueRef::Null,
            SqlValue::Integer(number) => ValueRef::Integer(number),
            SqlValue::Real(number) => ValueRef::Real(number),
            SqlValue::Text(text) => ValueRef::Text(text.as_bytes()),
            SqlValue::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
