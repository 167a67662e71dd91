//! What the log has of an invocation: whose it is, its last lines, and the code of the incident that it came to.
//!
//! Apart from the invocation's own state, since it is filled from wherever something is logged.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use super::Origin;

/// How many lines of the log an invocation keeps.
const MOST_LINES: usize = 50;

/// What was logged within an invocation. Empty it takes no memory of its own.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<String>,
    incident: Option<String>,
}

impl Told {
    /// A line was logged: the last few are kept.
    pub(super) fn logged(&self, line: String) {
        let mut told = self.lock();
        if told.lines.len() >= MOST_LINES {
            told.lines.pop_front();
        }
        told.lines.push_back(line);
    }

    /// The lines that are kept, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lock().lines.iter().cloned().collect()
    }

    /// The invocation came to an incident with this code.
    pub(super) fn came_to(&self, code: &str) {
        self.lock().incident = Some(code.to_owned());
    }

    /// The code of the incident that it came to.
    pub(super) fn incident(&self) -> Option<String> {
        self.lock().incident.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a log line says of its invocation.
pub(super) fn fields(id: u64, generation: u32, origin: &Origin, field: &mut dyn FnMut(&'static str, Value)) {
    field("id", id.into());
    field("plugin", origin.plugin.as_str().into());
    field("generation", generation.into());
    field("command", origin.command.as_str().into());
    field("door", json!(origin.door));
    if let Some(guild) = origin.guild_id {
        field("guild", guild.to_string().into());
    }
    field("channel", origin.channel_id.to_string().into());
    field("user", origin.author.id.to_string().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let told = Told::default();
        for number in 0..60 {
            told.logged(number.to_string());
        }
        let lines = told.lines();
        assert_eq!((lines.len(), lines[0].as_str(), lines[49].as_str()), (50, "10", "59"));
        assert_eq!(told.incident(), None);
        told.came_to("A1B2");
        assert_eq!(told.incident().as_deref(), Some("A1B2"));
    }
}
