//! Keeps the registered slash commands as the live plugins have them: planned anew after every change, written only when
//! the set has changed.

use std::{path::PathBuf, time::Duration};

use plugin_protocol::ApplicationId;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    config::SlashLimiter,
    plugins::Plugins,
    rest::{Method, Request, Rest},
    slash::{Limits, Plan, SlashSync, Synced, plan},
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
    /// How many commands there may be.
    pub limits: SlashLimiter,
    /// Whose commands they are.
    pub plugins: Plugins,
    /// Another service than Discord, which may have forgotten what was written.
    pub is_local: bool,
    /// Turns true at the end.
    pub stopping: watch::Receiver<bool>,
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
    let mut stopping = keeper.stopping.clone();
    tokio::select! {
        () = keeper.work(&sync) => {}
        _ = stopping.wait_for(|&stopping| stopping) => {}
    }
}

impl Keeper {
    async fn work(&mut self, sync: &SlashSync) {
        let Ok(Some(application)) = self.identity.wait_for(Option::is_some).await.map(|id| *id) else {
            return;
        };
        if self.is_local {
            self.forget_what_is_not_there(sync, application).await;
        }
        let mut changes = self.plugins.views();
        loop {
            changes.mark_unchanged();
            let plan = self.plan();
            let written = sync.sync(&self.rest, application, &plan).await;
            let wait = match written {
                Ok(Synced::Unchanged) => None,
                Ok(Synced::Written {
                    added,
                    changed,
                    removed,
                }) => {
                    tracing::info!(added = %added.join(" "), changed = %changed.join(" "), removed = %removed.join(" "), "slash commands written");
                    None
                }
                Err(error) => {
                    tracing::error!(%error, "slash commands could not be written, tried again in {} s", RETRY.as_secs());
                    Some(RETRY)
                }
            };
            let ended = match wait {
                None => changes.changed().await.is_err(),
                // A change or the next try, whatever comes first.
                Some(wait) => matches!(timeout(wait, changes.changed()).await, Ok(Err(_))),
            };
            if ended {
                return;
            }
            sleep(GATHER).await;
        }
    }

    fn plan(&self) -> Plan {
        let table = self.plugins.routing().read();
        let mut generations: Vec<_> = table.generations().collect();
        generations.sort_by(|one, other| one.name().cmp(other.name()));
        let commands = generations
            .iter()
            .map(|generation| (generation.name(), generation.description.commands.as_slice()));
        let limits = Limits {
            max: self.limits.max_limit as usize,
            warning: self.limits.warning_threshold as usize,
            safe: self.limits.safe_limit as usize,
        };
        let plan = plan(commands, limits);
        for left_out in &plan.left_out {
            tracing::warn!(plugin = %left_out.plugin, command = %left_out.command, reason = %left_out.reason, "no slash command for it");
        }
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
