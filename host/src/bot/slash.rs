//! Keeps the registered slash commands as the live plugins have them: planned anew after every change, written only when
//! the set has changed.

use std::{path::PathBuf, time::Duration};

use plugin_protocol::{ApplicationId, GuildId};
use tokio::{sync::watch, time::sleep};

use super::{
    owners::Owners,
    shards::{Phase, reached},
};
use crate::{
    cache::Cache,
    config,
    plugins::Plugins,
    rest::{Method, Request, Rest},
    slash::{LeftOut, Limits, Plan, SlashSync, SyncError, Synced, plan},
    telemetry::{NoticeKind, Notices},
};

/// Changes that come shortly after one another are written once.
const GATHER: Duration = Duration::from_millis(100);
/// How long it waits after a failure.
const RETRY: Duration = Duration::from_secs(30);

/// What keeping them needs.
pub struct Keeper {
    /// Where what was written is remembered.
    pub path: PathBuf,
    /// The way to Discord.
    pub rest: Rest,
    /// The application, once the gateway has told it.
    pub identity: watch::Receiver<Option<ApplicationId>>,
    /// How many commands there may be, and the servers that get the owners' commands; none for those that they own.
    pub config: config::Live,
    /// Whose commands they are.
    pub plugins: Plugins,
    /// Who owns the bot: their servers get the owners' commands, unless the settings name others.
    pub owners: Owners,
    /// Which servers there are, and whose.
    pub cache: Cache,
    /// Counts servers that came, changed or went.
    pub guilds: watch::Receiver<u64>,
    /// Another service than Discord, which may have forgotten what was written.
    pub is_local: bool,
    /// Tells the owner.
    pub notices: Notices,
    /// What was left out of the last plan, as told.
    pub left_out: Vec<LeftOut>,
    /// How far the end of the bot has come.
    pub phase: watch::Receiver<Phase>,
}

/// Keeps the commands until the bot stops.
pub async fn keep(mut keeper: Keeper) {
    let sync = match SlashSync::open(&keeper.path) {
        Ok(sync) => sync,
        Err(error) => {
            tracing::error!(%error, "slash commands are not registered");
            return;
        }
    };
    let mut phase = keeper.phase.clone();
    tokio::select! {
        () = keeper.work(&sync) => {}
        () = reached(&mut phase, Phase::Draining) => {}
    }
}

impl Keeper {
    async fn work(&mut self, sync: &SlashSync) {
        let Ok(Some(application)) = self.identity.wait_for(Option::is_some).await.map(|id| *id) else {
            return;
        };
        let mut changes = self.plugins.views();
        let mut settings = self.config.subscribe();
        let mut identity = self.identity.clone();
        // At first, and whenever a session begins anew: another service may have forgotten what was written.
        let mut is_new_session = true;
        loop {
            changes.mark_unchanged();
            settings.mark_unchanged();
            identity.mark_unchanged();
            self.guilds.mark_unchanged();
            if self.is_local && is_new_session {
                self.forget_what_is_not_there(sync, application).await;
            }
            let plan = self.plan();
            let retry = self.write(sync, application, &plan).await.then_some(RETRY);
            let again = async {
                match retry {
                    Some(wait) => sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            is_new_session = false;
            tokio::select! {
                other = changes.changed() => if other.is_err() { return },
                other = settings.changed() => if other.is_err() { return },
                other = self.guilds.changed() => if other.is_err() { return },
                session = identity.changed() => match session {
                    Ok(()) => is_new_session = true,
                    Err(_) => return,
                },
                () = again => {}
            }
            sleep(GATHER).await;
        }
    }

    /// Writes the sets that have changed; whether it has to be tried again.
    async fn write(&self, sync: &SlashSync, application: ApplicationId, plan: &Plan) -> bool {
        let mut again = match sync.sync(&self.rest, application, None, &plan.commands).await {
            // The same set would be refused again.
            Err(SyncError::Refused(why)) => {
                let text = format!("Discord refuses the slash commands: {why}");
                self.notices.tell(NoticeKind::Slash, text);
                false
            }
            synced => note(None, synced),
        };
        let homes = self.homes();
        for guild in sync.guilds(application).await {
            match self.cache.guild(guild) {
                _ if homes.contains(&guild) => {}
                Some(known) if known.unavailable || known.owner_id.is_none() => {}
                Some(_) => again |= note(Some(guild), sync.sync(&self.rest, application, Some(guild), &[]).await),
                None => sync.forget_guild(application, guild).await,
            }
        }
        for guild in homes {
            let synced = sync.sync(&self.rest, application, Some(guild), &plan.owners).await;
            again |= note(Some(guild), synced);
        }
        again
    }

    /// The servers that get the owners' commands, as far as they are known yet.
    fn homes(&self) -> Vec<GuildId> {
        let config = self.config.get();
        let named = &config.discord.home_guilds;
        let mut guilds = self.cache.guild_ids();
        guilds.retain(|guild| {
            let Some(known) = self.cache.guild(*guild).filter(|known| !known.unavailable) else {
                return false;
            };
            if named.is_empty() {
                known.owner_id.is_some_and(|owner| self.owners.contains(owner))
            } else {
                named.contains(guild)
            }
        });
        guilds.sort_unstable();
        guilds
    }

    fn plan(&mut self) -> Plan {
        let table = self.plugins.routing().read();
        let commands = table
            .offers()
            .map(|(name, description)| (name, &*description.commands, &*description.groups));
        let config = self.config.get();
        let limits = Limits {
            max: config.slash_limiter.max_limit as usize,
            warning: config.slash_limiter.warning_threshold as usize,
            safe: config.slash_limiter.safe_limit as usize,
        };
        let plan = plan(commands, limits);
        for left_out in plan
            .left_out
            .iter()
            .filter(|left_out| !self.left_out.contains(left_out))
        {
            tracing::warn!(plugin = %left_out.plugin, command = %left_out.command, reason = %left_out.reason, "no slash command for it");
        }
        self.left_out.clone_from(&plan.left_out);
        plan
    }

    /// A local Discord that was started anew has none of what was written to the one before.
    async fn forget_what_is_not_there(&self, sync: &SlashSync, application: ApplicationId) {
        let request = Request {
            method: Method::Get,
            path: format!("/applications/{application}/commands"),
            body: Vec::new(),
            content_type: None,
            reason: None,
        };
        let there: Vec<serde_json::Value> = match self.rest.send(request).await {
            Ok(response) if response.status == 200 => serde_json::from_slice(&response.body).unwrap_or_default(),
            _ => return,
        };
        let ids: Vec<&str> = there.iter().filter_map(|command| command["id"].as_str()).collect();
        if !sync.agrees(application, &ids).await {
            sync.forget(application).await;
        }
    }
}

/// Logs what came of writing a set; whether it has to be tried again.
fn note(guild: Option<GuildId>, synced: Result<Synced, SyncError>) -> bool {
    let server = guild.map_or_else(|| "all".to_owned(), |guild| guild.to_string());
    match synced {
        Ok(Synced::Unchanged) => false,
        Ok(Synced::Written {
            added,
            changed,
            removed,
        }) => {
            tracing::info!(%server, added = %added.join(" "), changed = %changed.join(" "), removed = %removed.join(" "), "slash commands written");
            false
        }
        Err(SyncError::Refused(why)) => {
            tracing::warn!(%server, %why, "Discord refuses the owners' slash commands: they can be used by prefix");
            false
        }
        Err(error) => {
            tracing::error!(%server, %error, "slash commands could not be written, tried again in {} s", RETRY.as_secs());
            true
        }
    }
}
