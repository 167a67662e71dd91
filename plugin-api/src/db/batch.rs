//! Statements on their way to the host, and what came back.
//!
//! A single statement is a batch of one.

use std::{fmt, future::IntoFuture, panic::Location, pin::Pin, rc::Rc};

use plugin_protocol::{Sql, SqlAnswer, SqlValues, Statement, StatementResult, kind::SQL};
use serde::{Serialize, de::DeserializeOwned};

use super::{Executed, parameters, rows};
use crate::{
    Error, Result,
    runtime::{Core, Owned},
};

/// Statements that are kept all or none; see [`Db::batch`](crate::Db::batch).
#[must_use = "a batch is made when it is awaited"]
pub struct Batch {
    core: Rc<Core>,
    head: Sql,
    values: Vec<u8>,
    /// Why the parameters of a statement can't be sent.
    failed: Option<Error>,
    place: &'static Location<'static>,
}

impl Batch {
    pub(super) fn new(core: Rc<Core>, place: &'static Location<'static>) -> Self {
        Self {
            core,
            head: Sql::default(),
            values: Vec::new(),
            failed: None,
            place,
        }
    }

    /// Adds a statement with its parameters (see [`Db`](crate::Db)).
    pub fn statement(mut self, sql: &str, parameters: impl Serialize) -> Self {
        match parameters::bind(&parameters, &mut self.values) {
            Ok(bound) => self.head.statements.push(Statement {
                sql: sql.to_owned(),
                parameters: bound.count,
                names: bound.names,
                expected_rows: None,
            }),
            Err(error) => {
                let text = format!("the parameters of statement {}: {error}", self.head.statements.len());
                self.failed.get_or_insert_with(|| Error::new(text));
            }
        }
        self
    }

    /// Nothing of the batch is kept unless the statement that was added last changes, or returns, exactly so many rows;
    /// the error then says which it was, see [`Error::unmet_expectation`].
    pub fn expect_rows(mut self, rows: u64) -> Self {
        if let Some(statement) = self.head.statements.last_mut() {
            statement.expected_rows = Some(rows);
        }
        self
    }

    async fn run(self) -> Result<BatchResults> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let (answer, envelope) = self
            .core
            .link
            .ask_for::<SqlAnswer>(SQL, &self.head, &self.values)
            .await?;
        if let Some(unmet) = answer.unmet {
            return Err(unmet.into());
        }
        Ok(BatchResults {
            results: answer.results,
            envelope,
        })
    }
}

impl IntoFuture for Batch {
    type Output = Result<BatchResults>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<BatchResults>>>>;

    fn into_future(self) -> Self::IntoFuture {
        let place = self.place;
        Box::pin(async move { self.run().await.map_err(|error| error.at(place)) })
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// What the statements of a [`Batch`] came to, by their number, counted from 0.
pub struct BatchResults {
    results: Vec<StatementResult>,
    envelope: Owned,
}

impl BatchResults {
    /// How many rows a statement changed, and the last id.
    ///
    /// # Errors
    ///
    /// There is no statement of that number.
    #[track_caller]
    pub fn executed(&self, statement: usize) -> Result<Executed> {
        self.results
            .get(statement)
            .map(Executed::from)
            .ok_or_else(|| no_such(statement))
    }

    /// All rows of a statement.
    ///
    /// # Errors
    ///
    /// There is no statement of that number, or a row doesn't fit `T`.
    #[track_caller]
    pub fn rows<T: DeserializeOwned>(&self, statement: usize) -> Result<Vec<T>> {
        let (result, mut values) = self.values_of(statement)?;
        let mut read = Vec::new();
        for _ in 0..result.rows {
            read.push(rows::read(&result.columns, &mut values)?);
        }
        Ok(read)
    }

    /// The first row of a statement; `None` if it returned none.
    ///
    /// # Errors
    ///
    /// There is no statement of that number, or the row doesn't fit `T`.
    #[track_caller]
    pub fn row<T: DeserializeOwned>(&self, statement: usize) -> Result<Option<T>> {
        let (result, mut values) = self.values_of(statement)?;
        if result.rows == 0 {
            return Ok(None);
        }
        rows::read(&result.columns, &mut values).map(Some)
    }

    /// The first row of a statement.
    ///
    /// # Errors
    ///
    /// There is no statement of that number, it returned no row, or the row doesn't fit `T`.
    #[track_caller]
    pub fn one<T: DeserializeOwned>(&self, statement: usize) -> Result<T> {
        let row = self.row(statement)?;
        row.ok_or_else(|| Error::new(format!("statement {statement} returned no row")))
    }

    fn values_of(&self, statement: usize) -> Result<(&StatementResult, SqlValues<'_>)> {
        let result = self.results.get(statement).ok_or_else(|| no_such(statement))?;
        let mut values = SqlValues::new(self.envelope.tail());
        for earlier in &self.results[..statement] {
            let count = earlier.rows.saturating_mul(earlier.columns.len() as u64);
            for _ in 0..count {
                values.read()?;
            }
        }
        Ok((result, values))
    }
}

impl fmt::Debug for BatchResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchResults")
            .field("results", &self.results)
            .finish_non_exhaustive()
    }
}

fn no_such(statement: usize) -> Error {
    Error::new(format!(
        "the batch has no statement {statement}: they are counted from 0"
    ))
}
