//! What is remembered of each plugin beyond its generations: how many have ended, which did not end, the last error.
//!
//! One short entry for each plugin that has ever run since the bot's start; it decides nothing.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use plugin_protocol::PluginName;

use super::generation::{Ending, Generation};

/// What is remembered of all plugins.
#[derive(Debug, Default)]
pub struct Records {
    /// A std lock: held for a look or an insertion only.
    plugins: Mutex<BTreeMap<PluginName, Record>>,
}

/// What is remembered of a plugin.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// How many generations serve no more.
    pub retired: u64,
    /// Those whose lanes did not end when they were told to.
    pub abandoned: Vec<Arc<Generation>>,
    /// The private copies that stay mapped for generations that serve no more.
    pub copies: Vec<PathBuf>,
    /// The last error.
    pub last_error: Option<Fault>,
}

/// An error of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub at: SystemTime,
    /// What failed, for everybody: "`ban` panicked".
    pub what: String,
    /// The code that its user was given.
    pub code: Option<String>,
    /// Text and place, for the owner.
    pub text: String,
}

impl Records {
    /// What is remembered of a plugin.
    #[must_use]
    pub fn of(&self, plugin: &PluginName) -> Record {
        self.lock().get(plugin).cloned().unwrap_or_default()
    }

    /// All plugins of which something is remembered.
    #[must_use]
    pub fn all(&self) -> BTreeMap<PluginName, Record> {
        self.lock().clone()
    }

    /// A generation serves no more.
    pub fn note_ended(&self, generation: &Arc<Generation>, ending: Ending) {
        let mut plugins = self.lock();
        let record = plugins.entry(generation.name().clone()).or_default();
        record.retired += 1;
        // Started again from the same copy, it is the same mapping.
        if let Some(copy) = generation.copy.clone().filter(|copy| !record.copies.contains(copy)) {
            record.copies.push(copy);
        }
        if ending == Ending::Abandoned {
            record.abandoned.push(Arc::clone(generation));
        }
    }

    /// Something went wrong.
    pub fn note_fault(&self, plugin: &PluginName, what: String, code: Option<String>, text: String) {
        let fault = Fault {
            at: SystemTime::now(),
            what,
            code,
            text,
        };
        self.lock().entry(plugin.clone()).or_default().last_error = Some(fault);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<PluginName, Record>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// How many abandoned lanes have still not ended.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned
            .iter()
            .filter(|generation| !generation.has_ended())
            .count() as u64
    }
}
