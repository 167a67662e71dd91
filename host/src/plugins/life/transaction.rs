//! A change of what serves, as a transaction: probe, start beside the old one, swap in one step, activate, drain, retire.
//!
//! What fails before the swap leaves the older one serving, unless the plugin's manifest asks for exclusive swaps.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use plugin_protocol::{Description, PluginName, StopReason, Swap};
use tokio::time::timeout;

use super::{
    Choice, Life, Linked, Live,
    report::{Refusals, file_name},
};
use crate::commands::Conflict;
use crate::plugins::{
    budget::Resource,
    drop_folder::DropFolder,
    generation::{Blueprint, Code, Ending, Generation, StartFailure},
    probe::{Probe, ProbeFailure, agrees},
    registry::Refusal,
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

/// Why there is nothing to start.
#[derive(Clone, Debug)]
pub(super) struct Unprepared {
    why: String,
    /// Whether it is for want of room on the disk, which has nothing to do with the file.
    wants_room: bool,
    /// Whether another try may well succeed with the same file: it was being written, or the system had no process left.
    passes: bool,
}

impl From<String> for Unprepared {
    fn from(why: String) -> Self {
        Self {
            why,
            wants_room: false,
            passes: false,
        }
    }
}

impl From<ShadowError> for Unprepared {
    fn from(error: ShadowError) -> Self {
        Self {
            why: error.to_string(),
            wants_room: error.is_want_of_room(),
            passes: matches!(error, ShadowError::Changing | ShadowError::Gone),
        }
    }
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
    pub(super) async fn prepare(&mut self, due: Vec<Choice>) -> Vec<(Choice, Result<Prepared, Unprepared>)> {
        let copies = self.copies(&due).await;
        let probe = &self.probe;
        let probing = due
            .iter()
            .zip(copies)
            .map(|(choice, copy)| examine(probe, choice, copy));
        let probed = join_all(probing).await;
        due.into_iter().zip(probed).collect()
    }

    /// A copy of each, made away from the runtime's threads.
    async fn copies(&mut self, due: &[Choice]) -> Vec<Result<Shadow, Unprepared>> {
        let refuse_all = |why: String| due.iter().map(|_| Err(why.clone().into())).collect();
        if self.stuck {
            return refuse_all(StartFailure::Stuck.to_string());
        }
        let Some(mut folder) = self.folder.take() else {
            return refuse_all(ShadowError::Gone.to_string());
        };
        let shadows = Arc::clone(&self.shadows);
        let path = folder.path().to_owned();
        let paths: Vec<_> = due.iter().map(|choice| choice.path.clone()).collect();
        let copying = tokio::task::spawn_blocking(move || {
            let copy = |path: &PathBuf| folder.take_shadow(path, &shadows).map_err(Unprepared::from);
            let copies = paths.iter().map(copy).collect();
            (folder, copies)
        });
        let Ok((folder, copies)) = copying.await else {
            self.folder = Some(DropFolder::new(path));
            return refuse_all("copying it panicked".to_owned());
        };
        self.folder = Some(folder);
        copies
    }

    /// Starts these side by side, beside their older generations, and puts each in force as soon as it has started. What
    /// does not start is told in `refused`, and its older generation goes on.
    pub(super) async fn replace_all(
        &mut self,
        prepared: Vec<(Choice, Result<Prepared, Unprepared>)>,
        refused: &mut Refusals,
    ) {
        let mut starting = FuturesUnordered::new();
        for (choice, prepared) in prepared {
            // Taken before the start, so that the order does not depend on who starts faster.
            if !self.arrivals.contains(&choice.manifest.name) {
                self.arrivals.push(choice.manifest.name.clone());
            }
            if let Some(needs) = self.missing_dependency(&choice.manifest) {
                refused.insert(file_name(&choice.path), Refusal::DependencyRefused(needs).to_string());
                if let Ok(unused) = prepared {
                    unused.shadow.discard();
                }
                continue;
            }
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err(Unprepared {
                    why, wants_room: true, ..
                }) => {
                    // Not remembered: it is tried again with the next look.
                    refused.insert_for_want_of(Resource::Disk, file_name(&choice.path), why);
                    continue;
                }
                Err(Unprepared { why, passes: true, .. }) => {
                    refused.insert(file_name(&choice.path), why);
                    continue;
                }
                Err(Unprepared { why, .. }) => {
                    self.note_failed(&choice, why, refused);
                    continue;
                }
            };
            let older = self.make_room(&choice).await;
            let number = self.next_number(&choice.manifest.name);
            let starting_one = self.begin(blueprint(&choice, prepared, number));
            starting.push(async move { (choice, older, starting_one.await) });
        }
        while let Some((choice, older, started)) = starting.next().await {
            match started {
                Ok(generation) => {
                    self.failed.remove(&choice.manifest.name);
                    let older = self.swap_in(Arc::clone(&generation), Some(choice.path));
                    // Only now does it answer: who reads this in the log may rely on it.
                    Self::note_loaded(&generation);
                    if let Some(older) = older {
                        self.retiring.spawn(retire(older, StopReason::Reload));
                    }
                }
                Err(failure) => {
                    self.stuck |= failure == StartFailure::Stuck;
                    self.note_failed(&choice, failure.to_string(), refused);
                    if let Some(older) = older {
                        self.start_again(&older, &choice).await;
                    }
                }
            }
        }
    }

    /// For an exclusive swap the older generation ends before the newer one starts.
    async fn make_room(&mut self, choice: &Choice) -> Option<Arc<Generation>> {
        let name = &choice.manifest.name;
        let older = &self.live.get(name)?.generation;
        if choice.manifest.swap != Swap::Exclusive && older.manifest.swap != Swap::Exclusive {
            return None;
        }
        let older = self.swap_out(std::slice::from_ref(name)).pop()?;
        retire(Arc::clone(&older), StopReason::Reload).await;
        Some(older)
    }

    /// The older generation of an exclusive swap, whose newer one did not start, serves again.
    async fn start_again(&mut self, older: &Generation, choice: &Choice) {
        let Some(copy) = older.copy.clone() else { return };
        let blueprint = Blueprint {
            manifest: Arc::clone(&older.manifest),
            description: Arc::clone(&older.description),
            hash: older.hash,
            number: self.next_number(older.name()),
            code: Code::Copy(copy),
        };
        match self.begin(blueprint).await {
            Ok(generation) => {
                self.swap_in(Arc::clone(&generation), Some(choice.path.clone()));
                Self::note_loaded(&generation);
            }
            Err(failure) => {
                let text = format!("The plugin `{}` does not start again: {failure}.", older.name());
                self.outlook.tell_owner(older.name().as_str(), &text);
            }
        }
    }

    fn begin(&self, blueprint: Blueprint) -> impl Future<Output = Result<Arc<Generation>, StartFailure>> + use<> {
        let settings = self.outlook.settings(&blueprint.manifest.name);
        Generation::start(blueprint, Arc::clone(&self.desk), settings)
    }

    fn note_loaded(generation: &Generation) {
        let took = generation.load_time.get().copied().unwrap_or_default();
        tracing::info!(plugin = %generation.name(), version = %generation.manifest.version, generation = generation.number, took = ?took, "loaded");
    }

    fn note_failed(&mut self, choice: &Choice, why: String, refused: &mut Refusals) {
        self.failed
            .insert(choice.manifest.name.clone(), (choice.hash, why.clone()));
        refused.insert(file_name(&choice.path), why);
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
        if !self.arrivals.contains(generation.name()) {
            self.arrivals.push(generation.name().clone());
        }
        let table = self.table();
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
            let table = self.table();
            self.routing
                .publish(table, gone.iter().map(|generation| &generation.gate));
        }
        gone
    }

    /// The table of what is live, in the order in which it came.
    fn table(&mut self) -> Table {
        let order = self.arrivals.iter().filter_map(|name| self.live.get(name));
        let table = Table::build(order.map(|live| &live.generation));
        for conflict in table.commands.conflicts() {
            if self.conflicts.contains(conflict) {
                continue;
            }
            let Conflict { name, kept, left_out } = conflict;
            let text = format!(
                "`{kept}` and `{left_out}` both have a command `{name}`: that of `{kept}` is used. Unload one of the two, or rename the command."
            );
            self.outlook.tell_owner(left_out.as_str(), &text);
            self.conflicts.push(conflict.clone());
        }
        table
    }

    pub(super) fn next_number(&mut self, name: &PluginName) -> u32 {
        let number = self.numbers.entry(name.clone()).or_default();
        *number += 1;
        *number
    }
}

fn blueprint(choice: &Choice, prepared: Prepared, number: u32) -> Blueprint {
    Blueprint {
        manifest: Arc::clone(&choice.manifest),
        description: Arc::new(prepared.description),
        hash: Some(prepared.shadow.hash),
        number,
        code: Code::Copy(prepared.shadow.path),
    }
}

async fn examine(probe: &Probe, choice: &Choice, copy: Result<Shadow, Unprepared>) -> Result<Prepared, Unprepared> {
    let shadow = copy?;
    let description = match probe.describe(&shadow.path, shadow.hash).await {
        Ok(description) => description,
        Err(failure) => {
            shadow.discard();
            return Err(Unprepared {
                passes: matches!(failure, ProbeFailure::NotRun(_)),
                ..failure.to_string().into()
            });
        }
    };
    if let Err(why) = agrees(&choice.manifest, &description) {
        shadow.discard();
        return Err(why.into());
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
