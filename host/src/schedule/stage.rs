//! Who runs things, as the [`Schedule`] sees them, and what it has them tell the owner.
//!
//! Apart from the keeper, so that its tests and the bot each bring a stage of their own.

use plugin_protocol::{PluginName, TimerFunction, TimerRun};

#[cfg(doc)]
use super::Schedule;
use super::agenda::Strain;

/// Who runs things.
pub trait Stage: Send + Sync + 'static {
    /// The plugins that are there, those that are being replaced among them, with what they run by time.
    fn plugins(&self) -> Vec<(PluginName, Vec<TimerFunction>)>;
    /// Begins a run, of whose end [`Schedule::ended`] is told.
    fn begin(&self, plugin: &PluginName, run: &TimerRun, payload: String) -> Began;
    /// Something that the owner should know.
    fn tell(&self, told: Told);
}

/// What came of beginning a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// It runs, or waits for the plugin's next generation.
    Yes,
    /// Not now: the plugin is busy, or just gone.
    NotNow,
}

/// What the owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// So many timers of a plugin wait for a function that it does not have any more.
    Adrift {
        /// The plugin.
        plugin: PluginName,
        /// The function.
        name: String,
        /// How many.
        count: usize,
    },
    /// A one-off timer was cut off too often.
    Paused {
        /// The plugin.
        plugin: PluginName,
        /// The function.
        name: String,
        /// The timer.
        id: u64,
    },
    /// A one-off timer failed often in a row, and is tried again each time.
    Retried {
        /// The plugin.
        plugin: PluginName,
        /// The function.
        name: String,
        /// The timer.
        id: u64,
        /// How often.
        times: u32,
    },
    /// Runs that go on.
    Strain(Strain),
}

impl From<(PluginName, String, u64)> for Told {
    fn from((plugin, name, id): (PluginName, String, u64)) -> Self {
        Self::Paused { plugin, name, id }
    }
}
