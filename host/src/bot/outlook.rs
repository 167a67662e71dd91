//! What the life of plugins sees of the rest of the bot.
//!
//! The one place where that trait meets the settings, the cache and the notices; it decides nothing itself.

use futures_util::{
    FutureExt,
    future::{BoxFuture, ready},
};
use plugin_protocol::{Activation, Migration, PluginName, Settings};

use crate::{
    cache::Cache,
    config, plugins,
    telemetry::{NoticeKind, Notices},
};

/// The settings, the cache and the owner's ear.
pub struct Outlook {
    /// The settings.
    pub config: config::Live,
    /// Who the bot is.
    pub cache: Cache,
    /// Tells the owner.
    pub notices: Notices,
}

impl plugins::Outlook for Outlook {
    fn settings(&self, plugin: &PluginName) -> Settings {
        let config = self.config.get();
        Settings {
            section: config.plugins.section(plugin.as_str()),
            level: config.logging.level,
        }
    }

    fn activation(&self) -> Activation {
        Activation {
            application_id: self.cache.application_id(),
            bot_id: self.cache.bot_id(),
        }
    }

    fn tell_owner(&self, about: &str, text: &str) {
        self.notices.tell(NoticeKind::Refused(about.to_owned()), text);
    }

    fn tell_trouble(&self, plugin: &str, text: &str) {
        self.notices.tell(NoticeKind::Trouble(plugin.to_owned()), text);
    }

    fn migrations_due(&self, _plugin: &PluginName, _migrations: &[Migration]) -> BoxFuture<'_, Result<bool, String>> {
        ready(Ok(false)).boxed()
    }

    fn migrate(&self, _plugin: &PluginName, _migrations: &[Migration]) -> BoxFuture<'_, Result<(), String>> {
        ready(Ok(())).boxed()
    }

    fn undo_migrations(&self, _plugin: &PluginName) -> BoxFuture<'_, Result<(), String>> {
        ready(Ok(())).boxed()
    }

    fn keep_migrations(&self, _plugin: &PluginName) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
