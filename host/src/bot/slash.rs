//! Keeps the registered slash commands as the live plugins have them: planned anew after every change, written only when
//! the set has changed.

use std::{path::PathBuf, time::Duration};

use plugin_protocol::ApplicationId;
use tokio::{sync::watch, time::sleep};

use super::shards::{Phase, reached};
use crate::{
    config::SlashLimiter,
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
    /// How many commands there may be.
    pub limits: SlashLimiter,
    /// Whose commands they are.
    pub plugins: Plugins,
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
        let mut identity = self.identity.clone();
        // At first, and whenever a session begins anew: another service may have forgotten what was written.
        let mut is_new_session = true;
        loop {
            changes.mark_unchanged();
            identity.mark_unchanged();
            if self.is_local && is_new_session {
                self.forget_what_is_not_there(sync, application).await;
            }
            let plan = self.plan();
            let retry = match sync.sync(&self.rest, application, &plan).await {
                Ok(Synced::Unchanged) => None,
                Ok(Synced::Written {
                    added,
                    changed,
                    removed,
                }) => {
                    tracing::info!(added = %added.join(" "), changed = %changed.join(" "), removed = %removed.join(" "), "slash commands written");
                    None
                }
                // The same set would be refused again.
                Err(SyncError::Refused(why)) => {
                    self.notices
                        .tell(NoticeKind::Slash, format!("Discord refuses the slash commands: {why}"));
                    None
                }
                Err(error) => {
                    tracing::error!(%error, "slash commands could not be written, tried again in {} s", RETRY.as_secs());
                    Some(RETRY)
                }
            };
            let again = async {
                match retry {
                    Some(wait) => sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            is_new_session = false;
            tokio::select! {
                other = changes.changed() => if other.is_err() { return },
                session = identity.changed() => match session {
                    Ok(()) => is_new_session = true,
                    Err(_) => return,
                },
                () = again => {}
            }
            sleep(GATHER).await;
        }
    }

    fn plan(&mut self) -> Plan {
        let table = self.plugins.routing().read();
        let commands = table
            .generations()
            .map(|generation| (generation.name(), generation.description.commands.as_slice()));
        let limits = Limits {
            max: self.limits.max_limit as usize,
            warning: self.limits.warning_threshold as usize,
            safe: self.limits.safe_limit as usize,
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
