//! What is wrong with the settings, in words for the person who wrote them.
//!
//! Faults are gathered and told at once: nobody should start the bot five times to learn of five misspelt keys.

use std::fmt;

use super::places::Position;

/// Which file a fault is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Config,
    Environment,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    source: Source,
    place: Option<Position>,
    text: String,
}

impl Problem {
    /// A fault of config.json, with its place if it has one.
    pub(super) fn config(place: Option<Position>, text: impl Into<String>) -> Self {
        Self {
            source: Source::Config,
            place,
            text: text.into(),
        }
    }

    /// A fault of `.env` or the environment.
    pub(super) fn environment(text: impl Into<String>) -> Self {
        Self {
            source: Source::Environment,
            place: None,
            text: text.into(),
        }
    }

    /// What is wrong and what to do, without its place.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Why the settings can't be used: every fault, each with what to do. Its text never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        Self { problems }
    }

    /// How many faults there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.problems.len()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings can't be used:")?;
        for (source, name) in [
            (Source::Config, "config.json"),
            (Source::Environment, ".env or the environment"),
        ] {
            let mut problems = self.problems.iter().filter(|p| p.source == source).peekable();
            if problems.peek().is_some() {
                write!(f, "\n  {name}")?;
            }
            for problem in problems {
                match problem.place {
                    Some(Position { line, column }) => {
                        write!(f, "\n    line {line}, column {column}: {}", problem.text)?;
                    }
                    None => write!(f, "\n    {}", problem.text)?,
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Something odd about the settings that does not keep the bot from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(String);

impl Warning {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
