//! A change of what serves, as a transaction: probe, start beside the old one, swap in one step, activate, drain, retire.
//!
//! What fails before the swap leaves the older one serving, unless the plugin's manifest asks for exclusive swaps.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use plugin_protocol::{Description, PluginName, StopReason, Swap};
use tokio::time::timeout;

use super::{Choice, Life, Linked, Live};
use crate::plugins::{
    generation::{Blueprint, Code, Ending, Generation, StartFailure},
    probe::{Probe, agrees},
    shadow::{Shadow, ShadowError},
    table::Table,
};

/// How long a replaced generation may take to finish what it has begun.
const DRAIN: Duration = Duration::from_secs(10);
/// How long handlers may go on once a generation is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A copy that has passed the probe.
pub(super) struct Prepared {
    shadow: Shadow,
    description: Description,
}

impl Life {
    pub(super) async fn start_linked(&mut self, linked: Linked) -> Result<(), String> {
        let name = linked.manifest.name.clone();
        let failed = |why: String| format!("the built-in plugin `{name}` does not start: {why}");
        let description = linked
            .module
            .description()
            .ok_or_else(|| failed("it panics".to_owned()))?;
        let description: Description =
            serde_json::from_slice(&description).map_err(|error| failed(error.to_string()))?;
        let blueprint = Blueprint {
            manifest: Arc::new(linked.manifest),
            description: Arc::new(description),
            hash: None,
            number: self.next_number(&name),
            code: Code::Linked(linked.module),
        };
        let settings = self.outlook.settings(&name);
        let generation = Generation::start(blueprint, Arc::clone(&self.desk), settings)
            .await
            .map_err(|failure| failed(failure.to_string()))?;
        self.swap_in(generation, None);
        Ok(())
    }

    /// Probes all of them side by side, and keeps their order.
    pub(super) async fn prepare(&mut self, due: Vec<Choice>) -> Vec<(Choice, Result<Prepared, String>)> {
        let mut copies = Vec::with_capacity(due.len());
        for choice in &due {
            let copy = match &mut self.folder {
                _ if self.stuck => Err(StartFailure::Stuck.to_string()),
                Some(folder) => folder
                    .take_shadow(&choice.path, &self.shadows)
                    .map_err(|error: ShadowError| error.to_string()),
                None => Err(ShadowError::Gone.to_string()),
            };
            copies.push(copy);
        }
        let probe = &self.probe;
        let probing: FuturesUnordered<_> = due
            .iter()
            .zip(copies)
            .enumerate()
            .map(|(at, (choice, copy))| async move { (at, examine(probe, choice, copy).await) })
            .collect();
        let mut probed: Vec<_> = probing.collect().await;
        probed.sort_by_key(|(at, _)| *at);
        due.into_iter()
            .zip(probed.into_iter().map(|(_, prepared)| prepared))
            .collect()
    }

    pub(super) async fn replace(&mut self, choice: &Choice, prepared: Prepared) -> Result<(), String> {
        let name = &choice.manifest.name;
        let exclusive = choice.manifest.swap == Swap::Exclusive;
        let older = if exclusive {
            self.swap_out(std::slice::from_ref(name)).pop()
        } else {
            None
        };
        if let Some(older) = older {
            retire(older, StopReason::Reload).await;
        }
        let blueprint = Blueprint {
            manifest: Arc::clone(&choice.manifest),
            description: Arc::new(prepared.description),
            hash: Some(prepared.shadow.hash),
            number: self.next_number(name),
            code: Code::Copy(prepared.shadow.path),
        };
        let settings = self.outlook.settings(name);
        match Generation::start(blueprint, Arc::clone(&self.desk), settings).await {
            Ok(generation) => {
                let took = generation.load_time.get().copied().unwrap_or_default();
                tracing::info!(plugin = %name, version = %choice.manifest.version, generation = generation.number, took = ?took, "loaded");
                if let Some(older) = self.swap_in(generation, Some(choice.path.clone())) {
                    self.retiring.spawn(retire(older, StopReason::Reload));
                }
                Ok(())
            }
            Err(failure) => {
                self.stuck |= failure == StartFailure::Stuck;
                Err(failure.to_string())
            }
        }
    }

    /// Puts a generation in force; what it replaces is closed and returned.
    pub(super) fn swap_in(&mut self, generation: Arc<Generation>, file: Option<PathBuf>) -> Option<Arc<Generation>> {
        let name = generation.name().clone();
        let older = self
            .live
            .insert(
                name,
                Live {
                    generation: Arc::clone(&generation),
                    file,
                },
            )
            .map(|live| live.generation);
        let table = Table::build(self.live.values().map(|live| &live.generation));
        // Before the swap, so that the first delivery finds it active.
        generation.activate(&self.outlook.activation());
        self.routing.publish(table, older.iter().map(|older| &older.gate));
        older
    }

    /// Takes generations out of force; they are closed and returned.
    pub(super) fn swap_out(&mut self, names: &[PluginName]) -> Vec<Arc<Generation>> {
        let gone: Vec<_> = names
            .iter()
            .filter_map(|name| self.live.remove(name))
            .map(|live| live.generation)
            .collect();
        if !gone.is_empty() {
            let table = Table::build(self.live.values().map(|live| &live.generation));
            self.routing
                .publish(table, gone.iter().map(|generation| &generation.gate));
        }
        gone
    }

    pub(super) fn next_number(&mut self, name: &PluginName) -> u32 {
        let number = self.numbers.entry(name.clone()).or_default();
        *number += 1;
        *number
    }
}

async fn examine(probe: &Probe, choice: &Choice, copy: Result<Shadow, String>) -> Result<Prepared, String> {
    let shadow = copy?;
    let description = match probe.describe(&shadow.path, shadow.hash).await {
        Ok(description) => description,
        Err(failure) => {
            shadow.discard();
            return Err(failure.to_string());
        }
    };
    if let Err(why) = agrees(&choice.manifest, &description) {
        shadow.discard();
        return Err(why);
    }
    Ok(Prepared { shadow, description })
}

/// Waits for what is under way, ends the generation and frees what can be freed.
pub(super) async fn retire(generation: Arc<Generation>, why: StopReason) {
    if timeout(DRAIN, generation.gate.emptied()).await.is_err() {
        let left = generation.gate.tickets();
        tracing::warn!(plugin = %generation.name(), generation = generation.number, left, "did not finish what it had begun within {} s", DRAIN.as_secs());
    }
    match generation.stop(why, GRACE).await {
        Ending::Clean => tracing::debug!(plugin = %generation.name(), generation = generation.number, "retired"),
        Ending::Abandoned => {
            tracing::error!(plugin = %generation.name(), generation = generation.number, "does not stop: its thread is abandoned until the bot is restarted");
        }
    }
}
