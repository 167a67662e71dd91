//! A bot within another program, as plugins' tests have it: what that program hands in, and what it sees and moves.
//!
//! Apart from the rest of the bot, which knows nothing of it but its clock. Nothing here is for plugins.

use std::{
    collections::BTreeMap,
    fmt,
    io::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use plugin_api::linked::LinkedPlugin;
use tokio_util::task::TaskTracker;

use crate::{
    clock::Clock,
    plugins::{Routing, Table},
    schedule::Schedule,
};

/// What a program hands to the bot that runs within it.
#[derive(Default)]
pub struct Embedding {
    /// Plugins of the program itself, beside those of the folder.
    pub linked: Vec<LinkedPlugin>,
    /// Where lines of the log go instead of to standard error. Then the process gets no subscriber of `tracing`: what the
    /// host itself logs goes to the one that the threads have on which it runs.
    pub log: Option<Box<dyn Write + Send>>,
    /// The variables that it takes for the environment's.
    pub variables: Variables,
    /// Sees and moves the bot.
    pub dial: Dial,
}

/// Variables of the environment.
#[derive(Clone, Debug, Default)]
pub enum Variables {
    /// The process's own.
    #[default]
    OfProcess,
    /// These and no others, so that nothing about the computer counts.
    These(BTreeMap<String, String>),
}

impl Variables {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::OfProcess => std::env::var(name).ok(),
            Self::These(all) => all.get(name).cloned(),
        }
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedding").finish_non_exhaustive()
    }
}

/// Sees how far the bot is, and moves its clock. Clones are the same.
#[derive(Clone, Default)]
pub struct Dial {
    clock: Clock,
    /// The last event of the gateway that was handed on; of one shard.
    routed: Arc<AtomicU64>,
    parts: Arc<OnceLock<Parts>>,
}

/// What is looked at.
pub(super) struct Parts {
    pub(super) routing: Arc<Routing<Table>>,
    pub(super) tasks: TaskTracker,
    pub(super) schedule: Schedule,
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").finish_non_exhaustive()
    }
}

impl Dial {
    /// The bot's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn connect(&self, parts: Parts) {
        let _ = self.parts.set(parts);
    }

    pub(super) fn note_routed(&self, sequence: u64) {
        self.routed.store(sequence, Ordering::Release);
    }

    /// Whether all events up to this one of the first shard's session have been handed on, and nothing is under way in
    /// any plugin or for it: no command, no event, no timer. What a plugin does in tasks of its own is not seen.
    #[must_use]
    pub fn is_quiet(&self, sequence: u64) -> bool {
        let Some(parts) = self.parts.get() else {
            return false;
        };
        // In this order: an event that was handed on has its ticket or its task.
        if self.routed.load(Ordering::Acquire) < sequence || !parts.tasks.is_empty() {
            return false;
        }
        let table = parts.routing.read();
        table.is_idle() && parts.tasks.is_empty()
    }

    /// Which generation of a plugin serves; `None` if none does.
    #[must_use]
    pub fn generation(&self, plugin: &str) -> Option<u32> {
        let table = self.parts.get()?.routing.read();
        let mut serving = table.generations();
        serving
            .find(|generation| generation.name().as_str() == plugin)
            .map(|generation| generation.number)
    }

    /// Lets time pass at once, to the millisecond: for timers, cooldowns, and the times after which controls expire. Whoever
    /// sleeps or waits goes by the computer's clock. Returns once all timers that are due have begun.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        if let Some(parts) = self.parts.get() {
            parts.schedule.look_again().await;
        }
    }
}
