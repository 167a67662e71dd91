//! Waits until all stands, and has it shown: all shards have a session, and Discord has sent the servers it announced.
//!
//! Servers may take long, and some never come: what has not arrived in time is shown as such.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use plugin_protocol::hooks::BotReady;
use tokio::{
    sync::watch,
    time::{interval, timeout},
};
use twilight_model::gateway::Intents;

use super::{HOST_NAME, owners::Owners, panel::Facts};
use crate::{
    cache::Cache,
    config,
    hooks::Hooks,
    plugins::{PluginState, Plugins},
    telemetry::Logs,
};

/// How long servers are waited for once all shards have a session.
const SERVERS: Duration = Duration::from_secs(5);
/// How often it is looked whether they have come.
const LOOK: Duration = Duration::from_millis(50);

/// How the gateway stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The shards that have had a session.
    pub shards: BTreeSet<u32>,
    /// How many there should be.
    pub wanted: u32,
    /// What was asked for.
    pub intents: Option<Intents>,
    /// What the bot goes without.
    pub refused: Intents,
}

impl Standing {
    /// Nothing has begun yet.
    pub const fn new() -> Self {
        Self {
            shards: BTreeSet::new(),
            wanted: 0,
            intents: None,
            refused: Intents::empty(),
        }
    }

    fn is_whole(&self) -> bool {
        self.wanted > 0 && self.shards.len() >= usize::try_from(self.wanted).unwrap_or(usize::MAX)
    }
}

/// What there is to be shown.
pub struct Ready {
    pub(super) began: Instant,
    pub(super) live: config::Live,
    pub(super) cache: Cache,
    pub(super) plugins: Plugins,
    pub(super) owners: Owners,
    pub(super) logs: Logs,
    pub(super) standing: watch::Receiver<Standing>,
    /// Who hears of it.
    pub(super) hooks: Hooks,
    /// How long Discord's first answer took.
    pub(super) latency: Arc<OnceLock<Duration>>,
}

impl Ready {
    /// Shows it once, when all stands.
    pub async fn show(mut self) {
        if self.standing.wait_for(Standing::is_whole).await.is_err() {
            return;
        }
        let mut looks = interval(LOOK);
        let arrived = async {
            while self.cache.counts().unavailable_guilds > 0 {
                looks.tick().await;
            }
        };
        // What has not come by then is counted as such.
        let _ = timeout(SERVERS, arrived).await;
        self.tell_hooks();
        let facts = self.facts();
        self.logs.ready(facts.fields(), |colour| facts.panel(colour));
    }

    fn tell_hooks(&self) {
        let Some(bot_user) = self.cache.bot_user() else { return };
        self.hooks.emit(None, || {
            let counts = self.cache.counts();
            BotReady {
                bot_user,
                guilds: (counts.guilds - counts.unavailable_guilds) as u64,
                shards: u32::try_from(self.standing.borrow().shards.len()).unwrap_or(u32::MAX),
            }
        });
    }

    fn facts(&self) -> Facts {
        let (counts, standing, config) = (self.cache.counts(), self.standing.borrow().clone(), self.live.get());
        let bot = self.cache.bot_user();
        let (mut running, mut refused) = (0, Vec::new());
        for view in self.plugins.views().borrow().iter() {
            match &view.state {
                PluginState::Running { .. } if view.name != HOST_NAME.as_str() => running += 1,
                PluginState::Refused(_) => refused.push(view.name.clone()),
                _ => {}
            }
        }
        let intents = standing.intents.unwrap_or(Intents::empty());
        let has_message_content = intents.contains(Intents::MESSAGE_CONTENT);
        let mut missing = standing.refused;
        missing.set(Intents::MESSAGE_CONTENT, !has_message_content);
        Facts {
            bot_id: bot.as_ref().map(|bot| bot.id.to_string()).unwrap_or_default(),
            bot: bot.map(|bot| bot.username).unwrap_or_default(),
            owners: self.owners.named().iter().map(ToString::to_string).collect(),
            servers: counts.guilds - counts.unavailable_guilds,
            servers_to_come: counts.unavailable_guilds,
            plugins: running,
            refused,
            shards: u32::try_from(standing.shards.len()).unwrap_or(u32::MAX),
            shards_wanted: standing.wanted,
            latency: self.latency.get().copied(),
            commands: self.plugins.routing().read().commands.commands().count(),
            prefix: config.prefix.clone(),
            has_message_content,
            missing: missing.iter_names().map(|(name, _)| name.to_owned()).collect(),
            took: self.began.elapsed(),
        }
    }
}
