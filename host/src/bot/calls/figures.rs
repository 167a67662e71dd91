//! `bot.figures`: the bot as a whole.
//!
//! Open to every plugin; the database is asked for what outlives a restart, and the system for memory.

use plugin_protocol::{Call, PluginName, Problem, ProblemCode, figures::BotFigures};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{Access, Calls, storage_problem};
use crate::{plugins::PluginState, process::usage};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[("bot.figures", Access::All)];

/// How many of the most used commands are told.
const TOP: u32 = 5;
/// By which bit a server's id tells its shard (<https://discord.com/developers/docs/events/gateway#sharding>).
const SHARD_SHIFT: u32 = 22;

impl Calls {
    pub(super) async fn about_bot(&self, from: &PluginName, call: &Call) -> Result<Value, Problem> {
        let config = self.config.get();
        let counts = self.cache.counts();
        let used = self.tables.command_statistics(TOP).await;
        let used = used.map_err(|error| storage_problem(&error))?;
        let memory_bytes = spawn_blocking(usage::private_memory).await.unwrap_or_default();
        let plugins = self.life()?;
        let own = env!("CARGO_PKG_NAME");
        let is_running = |state: &PluginState| matches!(state, PluginState::Running { .. });
        let running = plugins
            .views()
            .borrow()
            .iter()
            .filter(|view| view.name != own && is_running(&view.state))
            .count();
        let mut shards = self.figures.all_shards();
        let count = (shards.len() as u64).max(1);
        for guild in self.cache.guild_ids() {
            let shard = (guild.get() >> SHARD_SHIFT) % count;
            if let Some(shard) = shards.iter_mut().find(|one| u64::from(one.id) == shard) {
                shard.guilds += 1;
            }
        }
        let framework = &config.framework;
        let is_on = |part: bool| framework.load_cogs && part;
        let components = [
            ("hooks", is_on(framework.enable_event_hooks)),
            ("registry", is_on(framework.enable_plugin_registry)),
            ("diagnostics", is_on(framework.enable_framework_diagnostics)),
            ("slash limit", is_on(framework.enable_slash_command_limiter)),
        ];
        let guild = call
            .invocation
            .and_then(|id| self.invocations.origin(id))
            .filter(|origin| origin.plugin == *from)
            .and_then(|origin| origin.guild_id);
        let prefix = guild.and_then(|guild| self.tables.guild(guild)?.prefix.clone());
        let figures = BotFigures {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            guilds: (counts.guilds - counts.unavailable_guilds) as u64,
            unavailable_guilds: counts.unavailable_guilds as u64,
            users: counts.members,
            commands: plugins.routing().read().commands.commands().count() as u64,
            plugins: running as u64,
            commands_run: self.figures.commands(),
            commands_run_ever: used.total,
            messages_seen: self.figures.messages(),
            errors: self.incidents.since_start(),
            started: self.figures.started,
            memory_bytes,
            shards,
            top: used.commands,
            components: components.map(|(name, is_on)| (name.to_owned(), is_on)).to_vec(),
            prefix: prefix.unwrap_or_else(|| config.prefix.clone()),
        };
        serde_json::to_value(figures).map_err(|error| Problem::new(ProblemCode::Failed, error.to_string()))
    }
}
