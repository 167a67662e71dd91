//! How a bot is set up: plugins, settings, and what is different about its Discord. Everything has a default.
//!
//! Apart from the bot, so that what can be said before it starts is read in one place.

use std::{collections::BTreeMap, time::Duration};

use plugin_api::linked::LinkedPlugin;
use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::{TestBot, compiled::Wanted};

/// Sets up a [`TestBot`]; see [`TestBot::builder`].
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    pub(crate) plugins: Vec<Wanted>,
    pub(crate) linked: Vec<LinkedPlugin>,
    pub(crate) config: Value,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) discord: sandbox::Builder,
    pub(crate) patience: Duration,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("plugins", &self.plugins)
            .finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        let mut discord = Sandbox::builder();
        if let Some(file) = std::env::var_os("DISCORD_OPENAPI").filter(|file| !file.is_empty()) {
            discord = discord.specification(file);
        }
        Self {
            plugins: Vec::new(),
            linked: Vec::new(),
            config: json!({
                "database": { "backups": 0 },
                // Of plugins that leave threads behind, by name in the whole process: of other tests' bots, too.
                "notices": { "dm_owner": false },
                // Tests ask more quickly than people do. What a command declares itself, holds.
                "cooldowns": { "default_per": 0 },
            }),
            variables: BTreeMap::new(),
            discord,
            patience: Duration::from_secs(10),
        }
    }
}

impl Builder {
    /// A plugin of the test's workspace, by its package's name; usually the one that the test belongs to. Built by cargo,
    /// unless the folder that the environment names by `BOTHOST_PLUGINS` has it.
    pub fn plugin(mut self, name: impl Into<String>) -> Self {
        self.plugins.push(Wanted::Named(name.into()));
        self
    }

    /// The plugin whose crate is in this folder, relative to that of the test's crate.
    pub fn plugin_at(mut self, folder: impl AsRef<std::path::Path>) -> Self {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
        self.plugins
            .push(Wanted::At(std::path::PathBuf::from(own).join(folder)));
        self
    }

    /// A compiled plugin.
    pub fn plugin_file(mut self, file: impl Into<std::path::PathBuf>) -> Self {
        self.plugins.push(Wanted::File(file.into()));
        self
    }

    /// A plugin that is linked into the test, for breakpoints: `crate::linked_plugin()` in its own unit tests. It can't be
    /// reloaded.
    pub fn linked(mut self, plugin: LinkedPlugin) -> Self {
        self.linked.push(plugin);
        self
    }

    /// Settings of the bot, as in config.json; they go over the kit's own: no backups, and no cooldown for commands that
    /// declare none.
    pub fn config(mut self, config: Value) -> Self {
        merge(&mut self.config, config);
        self
    }

    /// The plugin's section of config.json, which `ctx.config()` gives it.
    pub fn plugin_config(self, plugin: &str, config: Value) -> Self {
        self.config(json!({ "plugins": { plugin: config } }))
    }

    /// A variable of the bot's environment, for `${NAME}` in config.json. It has no others.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// What is different about its Discord, such as rate limits, intents or the number of shards.
    pub fn discord(mut self, change: impl FnOnce(sandbox::Builder) -> sandbox::Builder) -> Self {
        self.discord = change(self.discord);
        self
    }

    /// How long expectations wait before they fail (default: 10 s).
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the bot, and waits until it is online with all of its plugins.
    ///
    /// # Panics
    ///
    /// If a plugin does not compile or is refused, or the bot does not start; the text says why and what to do.
    #[allow(clippy::unused_async, reason = "starting may become slower without a break")]
    #[track_caller]
    pub fn start(self) -> impl Future<Output = TestBot> {
        let started = TestBot::start(self);
        std::future::ready(started)
    }
}

/// Puts the keys of `over` over those of `base`, object by object.
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn settings_go_over_each_other_key_by_key() {
        let mut base = json!({ "a": { "b": 1, "c": 2 }, "d": [1] });
        merge(&mut base, json!({ "a": { "b": 3 }, "d": [2], "e": true }));
        assert_eq!(base, json!({ "a": { "b": 3, "c": 2 }, "d": [2], "e": true }));
    }
}
