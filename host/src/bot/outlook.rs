//! What the life of plugins sees of the rest of the bot.
//!
//! The one place where that trait meets the settings, the cache and the notices; it decides nothing itself.

use std::collections::BTreeMap;

use futures_util::{FutureExt, future::BoxFuture};
use plugin_protocol::{Activation, Description, Migration, PluginName, Settings};
use tokio::sync::watch;
use twilight_model::gateway::Intents;

use super::{ready::Standing, server_settings};
use crate::{
    cache::Cache,
    config,
    gateway::intents,
    hooks::Hooks,
    interactions::ControlKeys,
    plugins,
    slash::{Held, Limits, Wishes, everywhere},
    storage::{Stores, Tables},
    telemetry::{Logs, NoticeKind, Notices},
};

/// The settings, the cache and the owner's ear.
pub struct Outlook {
    /// The settings.
    pub config: config::Live,
    /// Who the bot is.
    pub cache: Cache,
    /// Tells the owner.
    pub notices: Notices,
    /// What plugins keep in databases.
    pub stores: Stores,
    /// What servers have set.
    pub tables: Tables,
    /// What is logged of whom.
    pub logs: Logs,
    /// Who hears what.
    pub hooks: Hooks,
    /// What custom ids of controls are signed with.
    pub control_keys: ControlKeys,
    /// What the gateway was asked for.
    pub standing: watch::Receiver<Standing>,
}

impl plugins::Outlook for Outlook {
    fn settings(&self, plugin: &PluginName) -> Result<Settings, String> {
        let config = self.config.get();
        Ok(Settings {
            section: config.plugins.section(plugin.as_str())?,
            level: self.logs.level_of_plugin(plugin.as_str()),
            control_key: self.control_keys.of(plugin),
        })
    }

    fn guild_revision(&self) -> u64 {
        self.tables.guild_revision()
    }

    fn guild_values(&self, plugin: &PluginName, description: &Description) -> plugins::GuildValues {
        server_settings::of_plugin(&self.tables, plugin, description)
    }

    fn policy(&self) -> plugins::Policy {
        let config = self.config.get();
        plugins::Policy {
            blacklist: config.extensions.blacklist.clone(),
            auto_reload: config.auto_reload,
            memory_percent: config.extensions.memory_percent,
        }
    }

    fn activation(&self) -> Activation {
        Activation {
            application_id: self.cache.application_id(),
            bot_id: self.cache.bot_id(),
        }
    }

    fn changed(&self, change: plugins::Change) {
        match change {
            plugins::Change::Loaded(event) => self.hooks.emit(None, || event),
            plugins::Change::Reloaded(event) => self.hooks.emit(None, || event),
            plugins::Change::Unloaded(event) => self.hooks.emit(None, || event),
            plugins::Change::Refused(event) => self.hooks.emit(None, || event),
        }
    }

    fn tell_owner(&self, about: &str, text: &str) {
        self.notices.tell(NoticeKind::Refused(about.to_owned()), text);
    }

    fn slash_places(&self, offers: &BTreeMap<&PluginName, &Description>, held: &[String]) -> plugins::SlashPlaces {
        let config = self.config.get();
        let wishes = Wishes {
            only_in: &config.extensions.only_in,
            priorities: &config.slash_limiter.priorities,
        };
        let held = Held {
            names: held.iter().cloned().collect(),
            ..Held::default()
        };
        let offers = wishes.apply(offers.iter().map(|(&plugin, &description)| (plugin, description)));
        let limits = Limits {
            max: config.slash_limiter.max_limit as usize,
            warning: config.slash_limiter.warning_threshold as usize,
            safe: config.slash_limiter.safe_limit as usize,
        };
        let plan = everywhere(&offers, &held, limits);
        plugins::SlashPlaces {
            names: plan.commands.into_iter().map(|command| command.name).collect(),
            prefix_only: plan.left_out.into_iter().map(|left_out| left_out.command).collect(),
            max: limits.safe.min(limits.max),
        }
    }

    fn missing_intents(&self, intents: u64, offers: &BTreeMap<&PluginName, &Description>) -> Vec<String> {
        let Some(asked) = self.standing.borrow().intents else {
            return Vec::new();
        };
        let events = offers.values().flat_map(|description| &description.events);
        let declared = Intents::from_bits_truncate(intents);
        let choice = self.config.get().discord.intents;
        let wanted = intents::wanted(choice, events.map(|event| event.name.as_str()), declared);
        let missing = wanted - asked - self.standing.borrow().refused;
        missing.iter_names().map(|(name, _)| name.to_owned()).collect()
    }

    fn tell_trouble(&self, plugin: &str, text: &str) {
        self.notices.tell(NoticeKind::Trouble(plugin.to_owned()), text);
    }

    fn tell_blocked(&self, plugin: &str, text: &str) {
        self.notices
            .tell_unlogged(NoticeKind::Blocked(plugin.to_owned()), text.to_owned());
    }

    fn tell_dropped(&self, plugin: &str, text: &str) {
        self.notices.tell(NoticeKind::Events(plugin.to_owned()), text);
    }

    fn migrations_due(&self, plugin: &PluginName, migrations: &[Migration]) -> BoxFuture<'_, Result<bool, String>> {
        let (plugin, migrations) = (plugin.clone(), migrations.to_vec());
        async move { self.stores.migrations_due(&plugin, &migrations).await }.boxed()
    }

    fn migrate(&self, plugin: &PluginName, migrations: &[Migration]) -> BoxFuture<'_, Result<(), String>> {
        let (plugin, migrations) = (plugin.clone(), migrations.to_vec());
        async move { self.stores.migrate(&plugin, &migrations).await }.boxed()
    }

    fn undo_migrations(&self, plugin: &PluginName) -> BoxFuture<'_, Result<(), String>> {
        let plugin = plugin.clone();
        async move { self.stores.undo_migrations(&plugin).await }.boxed()
    }

    fn keep_migrations(&self, plugin: &PluginName) -> BoxFuture<'_, ()> {
        let plugin = plugin.clone();
        async move { self.stores.keep_migrations(&plugin).await }.boxed()
    }
}
