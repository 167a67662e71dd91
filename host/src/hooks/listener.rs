//! A callback as it is found when an event is emitted, and what the hooks ask of the rest of the host.
//!
//! Data and one trait: who listens, and the way to their lanes.

use std::sync::Arc;

use plugin_protocol::{GuildId, PluginName, hooks::HookSubscription};

use super::run::Handed;

/// A callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// By what it is known: `PLUGIN.function`.
    pub id: Arc<str>,
    /// Whose it is.
    pub plugin: PluginName,
    /// What it listens to.
    pub event: Arc<str>,
    /// Those of higher priority run first.
    pub priority: i32,
    /// Where it comes from.
    pub source: Source,
}

/// Where a callback comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The plugin declares it: whichever generation serves has it.
    Declared {
        /// The function's name.
        function: String,
    },
    /// A generation has registered it, and it is gone with that.
    Registered {
        /// The number of the generation.
        generation: u32,
        /// The callback's number there.
        number: u64,
    },
}

impl Listener {
    /// What a plugin declares.
    #[must_use]
    pub fn declared(plugin: &PluginName, hook: &HookSubscription) -> Self {
        Self {
            id: format!("{plugin}.{}", hook.function).into(),
            plugin: plugin.clone(),
            event: hook.event.as_str().into(),
            priority: hook.priority,
            source: Source::Declared {
                function: hook.function.clone(),
            },
        }
    }
}

/// What the hooks ask of the rest of the host. It must not wait.
pub trait Lanes: Send + Sync + 'static {
    /// Whether any plugin declares a callback of the host's event of this number: asked for every command.
    fn hears(&self, number: u32) -> bool;
    /// The declared callbacks of an event.
    fn declared(&self, event: &str) -> Vec<Listener>;
    /// Whether a plugin is off in a server.
    fn is_off_in(&self, plugin: &PluginName, guild: GuildId) -> bool;
    /// All declared callbacks.
    fn all_declared(&self) -> Vec<Listener>;
    /// The generation of a plugin that serves, or served until it is replaced just now; `None` if there is none.
    fn generation(&self, plugin: &PluginName) -> Option<u32>;
    /// Whether the owner has switched a callback off.
    fn is_off(&self, callback: &str) -> bool;
    /// Hands a run to the plugin's lane, as `head` and `payload`; where it can only wait, it does.
    fn deliver(&self, to: &Listener, run: u64, head: &[u8], payload: &str) -> Handed;
}
