//! A change of what serves, as a transaction: probe, start beside the old one, swap in one step, activate, drain, retire.
//!
//! What fails before the swap leaves the older one serving. Where the older one has to end first (`swap: exclusive`, steps
//! of its database that are due, a state that it hands over), deliveries wait in a hold, and `exchange` says what happens meanwhile.

use std::{path::PathBuf, sync::Arc};

use futures_util::future::join_all;
use plugin_protocol::{Description, PluginName, StopReason, Swap};

use super::{
    Choice, Life, Linked, Live,
    exchange::{Exchange, Exchanged},
    handle::Outlook,
    report::{Refusals, file_name},
};
use crate::commands::Conflict;
use crate::plugins::{
    budget::Resource,
    change::Change,
    delivery::{self, Delivery, GivenUp},
    drop_folder::DropFolder,
    generation::{Blueprint, Code, Generation, StartFailure},
    hold::Hold,
    probe::{Probe, ProbeFailure, agrees},
    registry::Refusal,
    shadow::{Shadow, ShadowError},
    table::{Post, Table},
};

/// A copy that has passed the probe.
pub(super) struct Prepared {
    shadow: Shadow,
    description: Description,
    /// Whether steps of its database are to be made before it starts.
    migrations_due: bool,
}

/// An exchange that has come to its end.
pub(super) struct Concluded {
    pub(super) choice: Choice,
    pub(super) exchanged: Exchanged,
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
        let due = self.outlook.migrations_due(&name, &description.migrations).await;
        let migrations_due = due.map_err(failed)?;
        let blueprint = Blueprint {
            manifest: Arc::new(linked.manifest),
            description: Arc::new(description),
            hash: None,
            number: self.workshop.next_number(&name),
            code: Code::Linked(linked.module),
        };
        let exchange = Exchange {
            newer: blueprint,
            migrations_due,
            held: None,
            fallback: None,
            handed: None,
            given_up: self.ending.clone(),
        };
        match self.workshop.exchange(exchange).await {
            Exchanged::Newer(generation) => {
                self.swap_in(generation, None);
                Ok(())
            }
            Exchanged::Failed { why, .. } => Err(failed(why.to_string())),
        }
    }

    /// Probes all of them side by side, and keeps their order.
    pub(super) async fn prepare(&mut self, due: Vec<Choice>) -> Vec<(Choice, Result<Prepared, Unprepared>)> {
        let copies = self.copies(&due).await;
        let (probe, outlook) = (&self.probe, &*self.outlook);
        let probing = due
            .iter()
            .zip(copies)
            .map(|(choice, copy)| examine(probe, outlook, choice, copy));
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

    /// Starts these side by side, and puts each in force as soon as it has started. What does not start is told in
    /// `refused`, and its older generation goes on, or serves again.
    pub(super) async fn replace_all(
        &mut self,
        prepared: Vec<(Choice, Result<Prepared, Unprepared>)>,
        refused: &mut Refusals,
    ) {
        let mut begun = Vec::new();
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
            begun.push(choice.manifest.name.clone());
            self.begin_exchange(choice, prepared);
        }
        while let Some(concluded) = self.exchanges.join_next().await {
            match concluded {
                Ok(concluded) => self.conclude(concluded, refused),
                Err(error) => tracing::error!(%error, "the replacement of a plugin panicked"),
            }
        }
        // None is held any more but where that panicked.
        for name in begun {
            let held = self.live.get(&name).filter(|live| live.hold.is_some());
            let older = held.map(|live| Arc::clone(&live.generation));
            self.give_up(&name);
            if let Some(older) = older.filter(|older| !older.is_stopping()) {
                drop(self.workshop.retire(older, StopReason::Unload));
            }
        }
        self.under_way().clear();
    }

    fn begin_exchange(&mut self, choice: Choice, prepared: Prepared) {
        let name = choice.manifest.name.clone();
        let migrations_due = prepared.migrations_due;
        let takes_over = prepared.description.state_version.is_some();
        let newer = Blueprint {
            manifest: Arc::clone(&choice.manifest),
            description: Arc::new(prepared.description),
            hash: Some(prepared.shadow.hash),
            number: self.workshop.next_number(&name),
            code: Code::Copy(prepared.shadow.path),
        };
        let must_end = |older: &Generation| {
            let hands_over = takes_over && older.description.state_version.is_some();
            hands_over
                || migrations_due
                || choice.manifest.swap == Swap::Exclusive
                || older.manifest.swap == Swap::Exclusive
        };
        let ends = |live: &Live| live.hold.is_some() || must_end(&live.generation);
        let ends = self.live.get(&name).is_some_and(ends);
        let given_up = self.ending.child_token();
        self.under_way().insert(name.clone(), given_up.clone());
        let exchange = Exchange {
            newer,
            migrations_due,
            held: if ends { self.hold(&name) } else { None },
            fallback: None,
            handed: None,
            given_up,
        };
        let workshop = Arc::clone(&self.workshop);
        self.exchanges.spawn(async move {
            let exchanged = workshop.exchange(exchange).await;
            Concluded { choice, exchanged }
        });
    }

    fn conclude(&mut self, Concluded { choice, exchanged }: Concluded, refused: &mut Refusals) {
        let name = &choice.manifest.name;
        match exchanged {
            Exchanged::Newer(generation) => {
                self.failed.remove(name);
                let older = self.swap_in(Arc::clone(&generation), Some(choice.path));
                // Only now does it answer: who reads this in the log may rely on it.
                Self::note_loaded(&generation);
                if let Some(older) = older {
                    drop(self.workshop.retire(older, StopReason::Reload));
                }
            }
            Exchanged::Failed { why, again } => {
                self.stuck |= why == StartFailure::Stuck;
                if why == StartFailure::GivenUp {
                    self.unwanted.insert(name.clone());
                } else {
                    self.note_failed(&choice, why.to_string(), refused);
                }
                match again {
                    Some(Ok(generation)) => {
                        self.swap_in(Arc::clone(&generation), Some(choice.path));
                        Self::note_loaded(&generation);
                    }
                    Some(Err(why)) => self.stays_away(name, &why),
                    None => self.give_up(name),
                }
            }
        }
    }

    /// Begins a hold, unless there is one: the older generation gets nothing from now on, and what is meant for the plugin
    /// waits.
    pub(super) fn hold(&mut self, name: &PluginName) -> Option<(Arc<Generation>, Arc<Hold<Delivery>>)> {
        let live = self.live.get_mut(name)?;
        if let Some(hold) = &live.hold {
            return Some((Arc::clone(&live.generation), Arc::clone(hold)));
        }
        let (older, hold) = (Arc::clone(&live.generation), Arc::new(Hold::new(delivery::ROOM)));
        live.hold = Some(Arc::clone(&hold));
        let table = self.table();
        self.routing.publish_hold(table, &older.gate, &hold);
        tracing::info!(plugin = %name, generation = older.number, "is being replaced: what is meant for it waits");
        self.publish_views();
        Some((older, hold))
    }

    /// Ends a hold without anybody to serve; nothing, if there is none.
    pub(super) fn give_up(&mut self, name: &PluginName) {
        let Some(hold) = self.live.get(name).and_then(|live| live.hold.clone()) else {
            return;
        };
        let gone = self.live.remove(name);
        let (table, desk) = (self.table(), Arc::clone(&self.desk));
        let give_up = |delivery: Delivery| delivery.give_up(name, &*desk, GivenUp::Interrupted);
        self.routing.release(&hold, table, give_up);
        if let Some(gone) = gone {
            self.outlook.changed(Change::unloaded(&gone.generation));
        }
        self.note_lost(name, hold.turned_away());
    }

    /// The plugins whose deliveries wait.
    pub(super) fn held(&self) -> Vec<PluginName> {
        let held = self.live.iter().filter(|(_, live)| live.hold.is_some());
        held.map(|(name, _)| name.clone()).collect()
    }

    fn note_lost(&self, name: &PluginName, lost: usize) {
        if lost > 0 {
            let text = format!(
                "While the plugin `{name}` was replaced, {lost} commands and events for it found no room: who used a command was told to come later, events are lost. Its author should make its start and its stop faster."
            );
            self.outlook.tell_trouble(name.as_str(), &text);
        }
    }

    pub(super) fn note_loaded(generation: &Generation) {
        let took = generation.load_time.get().copied().unwrap_or_default();
        tracing::info!(plugin = %generation.name(), version = %generation.manifest.version, generation = generation.number, took = ?took, "loaded");
    }

    fn note_failed(&mut self, choice: &Choice, why: String, refused: &mut Refusals) {
        let name = &choice.manifest.name;
        self.failed_with.insert(name.clone(), self.outlook.settings(name));
        self.failed.insert(name.clone(), (choice.hash, why.clone()));
        refused.insert(file_name(&choice.path), why);
    }

    /// Puts a generation in force, and releases to it what waits; what it replaces, unless that has ended, is closed and
    /// returned.
    pub(super) fn swap_in(&mut self, generation: Arc<Generation>, file: Option<PathBuf>) -> Option<Arc<Generation>> {
        let name = generation.name().clone();
        let now = Live {
            generation: Arc::clone(&generation),
            file,
            hold: None,
        };
        let before = self.live.insert(name.clone(), now);
        let change = Change::serves(&generation, before.as_ref().map(|live| &*live.generation));
        if !self.arrivals.contains(&name) {
            self.arrivals.push(name.clone());
        }
        let table = self.table();
        // Before the swap, so that the first delivery finds it active.
        generation.activate(&self.outlook.activation());
        self.refresh_guilds(&generation);
        let older = match before {
            Some(Live { hold: Some(hold), .. }) => {
                let desk = Arc::clone(&self.desk);
                // Not all that has waited need fit at once into a queue that is in use already.
                let mut lost = 0;
                let deliver = |delivery: Delivery| {
                    lost += usize::from(delivery.deliver(&generation, &*desk) == Err(GivenUp::Busy));
                };
                self.routing.release(&hold, table, deliver);
                self.note_lost(&name, hold.turned_away() + lost);
                None
            }
            before => {
                let older = before.map(|live| live.generation);
                self.routing.publish(table, older.iter().map(|older| &older.gate));
                older
            }
        };
        // What a server has set in between was told to the older one, or to none.
        self.refresh_guilds(&generation);
        self.outlook.changed(change);
        older
    }

    /// Tells a generation what servers have set since it was told.
    pub(super) fn refresh_guilds(&self, generation: &Generation) {
        let revision = self.outlook.guild_revision();
        generation.refresh_guilds(revision, || {
            self.outlook.guild_values(generation.name(), &generation.description)
        });
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
        for generation in &gone {
            self.outlook.changed(Change::unloaded(generation));
        }
        gone
    }

    /// The table of what is live, in the order in which it came.
    fn table(&mut self) -> Table {
        let order = self.arrivals.iter().filter_map(|name| self.live.get(name));
        let table = Table::build(order.map(|live| Post {
            generation: Arc::clone(&live.generation),
            hold: live.hold.clone(),
        }));
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
}

async fn examine(
    probe: &Probe,
    outlook: &dyn Outlook,
    choice: &Choice,
    copy: Result<Shadow, Unprepared>,
) -> Result<Prepared, Unprepared> {
    let shadow = copy?;
    let described = describe(probe, choice, &shadow).await;
    let description = match described {
        Ok(description) => description,
        Err(unprepared) => {
            shadow.discard();
            return Err(unprepared);
        }
    };
    // Before anything that runs has to end for it.
    if let Err(why) = outlook.settings(&choice.manifest.name) {
        shadow.discard();
        return Err(why.into());
    }
    match outlook
        .migrations_due(&choice.manifest.name, &description.migrations)
        .await
    {
        Ok(migrations_due) => Ok(Prepared {
            shadow,
            description,
            migrations_due,
        }),
        Err(why) => {
            shadow.discard();
            Err(why.into())
        }
    }
}

async fn describe(probe: &Probe, choice: &Choice, shadow: &Shadow) -> Result<Description, Unprepared> {
    let described = probe.describe(&shadow.path, shadow.hash).await;
    let description = described.map_err(|failure| Unprepared {
        passes: matches!(failure, ProbeFailure::NotRun(_)),
        ..failure.to_string().into()
    })?;
    agrees(&choice.manifest, &description)?;
    Ok(description)
}
