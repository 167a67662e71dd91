//! What serves, from one table to the next: holds, swaps, and what is taken out of force.
//!
//! Only here tables are built and published. What happens between two of them is `exchange`, which of them follow one
//! another is `transaction`.

use std::{path::PathBuf, sync::Arc};

use plugin_protocol::{Overflow, PluginName};

use super::{Life, Live};
use crate::commands::Conflict;
use crate::plugins::{
    change::Change,
    delivery::{self, Delivery, GivenUp, Held},
    generation::{Generation, Successor},
    hold::{EventRoom, Hold},
    lane::Gate,
    table::{Post, Table},
};

impl Life {
    /// Begins holds where there are none, all at once: the older generations get nothing from now on but what follows from
    /// work that began before, until all of them are empty, and what is meant for the plugins waits.
    pub(super) fn hold(&mut self, names: &[PluginName]) {
        let mut begun = Vec::new();
        for name in names {
            let Some(live) = self.live.get_mut(name).filter(|live| live.hold.is_none()) else {
                continue;
            };
            let queue = live.generation.description.event_queue;
            let events = EventRoom {
                bytes: usize::try_from(queue.bounded().bytes).unwrap_or(usize::MAX),
                drops_oldest: queue.overflow == Overflow::DropOldest,
            };
            let hold = Arc::new(Hold::with_events(delivery::ROOM, events));
            live.hold = Some(Arc::clone(&hold));
            // What it has not begun of its events comes before all that comes now.
            live.generation.pass_events_on(Successor::Hold(Arc::clone(&hold)));
            begun.push((Arc::clone(&live.generation), hold));
        }
        if begun.is_empty() {
            return;
        }
        let ending = begun.iter().filter(|(older, _)| !older.is_stopping());
        let (gate, parts) = Gate::of_all(ending.clone().count());
        for ((older, _), part) in ending.zip(parts) {
            older.ends_with(Arc::clone(&gate), part);
        }
        let table = self.table();
        let held: Vec<_> = begun.iter().map(|(older, hold)| (&older.gate, &**hold)).collect();
        self.routing.publish_holds(table, &held);
        for (older, _) in &begun {
            tracing::info!(plugin = %older.name(), generation = older.number, "is being replaced: what is meant for it waits");
        }
        self.publish_views();
    }

    /// What of a plugin has to end, or has, and where deliveries wait meanwhile; `None` if it is not held.
    pub(super) fn held_of(&self, name: &PluginName) -> Option<(Arc<Generation>, Arc<Hold<Delivery>>)> {
        let live = self.live.get(name)?;
        Some((Arc::clone(&live.generation), Arc::clone(live.hold.as_ref()?)))
    }

    /// Ends a hold without anybody to serve; nothing, if there is none.
    pub(super) fn give_up(&mut self, name: &PluginName) {
        let Some(hold) = self.live.get(name).and_then(|live| live.hold.clone()) else {
            return;
        };
        let gone = self.live.remove(name);
        let (table, desk) = (self.table(), Arc::clone(&self.desk));
        let mut events = 0;
        let give_up = |delivery: Delivery| {
            events += usize::from(matches!(delivery.what, Held::Event));
            delivery.give_up(name, &*desk, GivenUp::Interrupted);
        };
        self.routing.release(&hold, table, give_up);
        if let Some(gone) = gone {
            self.outlook.changed(Change::unloaded(&gone.generation));
        }
        self.note_lost(name, hold.turned_away(), hold.lost_events() + events);
    }

    /// The plugins whose deliveries wait.
    pub(super) fn held(&self) -> Vec<PluginName> {
        let held = self.live.iter().filter(|(_, live)| live.hold.is_some());
        held.map(|(name, _)| name.clone()).collect()
    }

    fn note_lost(&self, name: &PluginName, turned_away: usize, events: usize) {
        if turned_away > 0 {
            let text = format!(
                "While the plugin `{name}` was replaced, there was no room for {turned_away} of what was asked of it: who used a command was told to come later. Its author should make its start and its stop faster."
            );
            self.outlook.tell_trouble(name.as_str(), &text);
        }
        if events > 0 {
            tracing::warn!(plugin = %name, events, "events that waited while it was replaced were dropped");
            let text = format!(
                "While the plugin `{name}` was replaced, {events} events that waited for it were dropped. Its author should make its start and its stop faster, or say a larger `event_queue` in `plugin!`."
            );
            self.outlook.tell_dropped(name.as_str(), &text);
        }
    }

    pub(super) fn note_loaded(generation: &Generation) {
        let took = generation.load_time.get().copied().unwrap_or_default();
        tracing::info!(plugin = %generation.name(), version = %generation.manifest.version, generation = generation.number, took = ?took, "loaded");
    }

    /// Puts one generation in force; what it replaces, unless that has ended, is closed and returned.
    pub(super) fn swap_in(&mut self, generation: Arc<Generation>, file: Option<PathBuf>) -> Option<Arc<Generation>> {
        self.swap(vec![(generation, file)], &[]).pop()
    }

    /// Puts generations in force and takes others out of it, by one table, and releases what waits to those that it is for.
    /// What is replaced or taken out, unless it has ended, is closed and returned.
    pub(super) fn swap(
        &mut self,
        newer: Vec<(Arc<Generation>, Option<PathBuf>)>,
        out: &[PluginName],
    ) -> Vec<Arc<Generation>> {
        let (mut gone, mut held, mut beside, mut changes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (generation, file) in &newer {
            let name = generation.name().clone();
            let now = Live {
                generation: Arc::clone(generation),
                file: file.clone(),
                hold: None,
            };
            let before = self.live.insert(name.clone(), now);
            changes.push(Change::serves(
                generation,
                before.as_ref().map(|live| &*live.generation),
            ));
            match before {
                Some(Live { hold: Some(hold), .. }) => held.push((Arc::clone(generation), hold)),
                Some(older) => {
                    beside.push((Arc::clone(&older.generation), Arc::clone(generation)));
                    gone.push(older.generation);
                }
                None => {}
            }
            if !self.arrivals.contains(&name) {
                self.arrivals.push(name);
            }
        }
        for older in self.take_out(out) {
            changes.push(Change::unloaded(&older));
            gone.push(older);
        }
        if newer.is_empty() && gone.is_empty() {
            return gone;
        }
        let table = self.table();
        for (generation, _) in &newer {
            // Before the swap, so that the first delivery finds it active.
            generation.activate(&self.outlook.activation());
            self.refresh_guilds(generation);
        }
        for (older, newer) in beside {
            // Before the swap, so that what waits comes before what the newer one gets by the new table.
            older.pass_events_on(Successor::Generation(newer));
        }
        let desk = Arc::clone(&self.desk);
        // Not all that has waited need fit at once into a queue that is in use already.
        let mut lost: Vec<usize> = held.iter().map(|_| 0).collect();
        let deliver = |number: usize, delivery: Delivery| {
            lost[number] += usize::from(delivery.deliver(&held[number].0, &*desk) == Err(GivenUp::Busy));
        };
        let holds: Vec<_> = held.iter().map(|(_, hold)| &**hold).collect();
        self.routing
            .release_all(&holds, table, deliver, gone.iter().map(|older| &older.gate));
        for (generation, _) in &newer {
            // What it has begun meanwhile may call those that have come with it. Set already where it was in force before.
            let _ = generation.in_force.set(());
        }
        for ((generation, hold), lost) in held.iter().zip(lost) {
            self.note_lost(generation.name(), hold.turned_away() + lost, hold.lost_events());
        }
        // What a server has set in between was told to the older one, or to none.
        for (generation, _) in &newer {
            self.refresh_guilds(generation);
        }
        for change in changes {
            self.outlook.changed(change);
        }
        gone
    }

    /// Takes generations out of force; they are closed and returned.
    pub(super) fn swap_out(&mut self, names: &[PluginName]) -> Vec<Arc<Generation>> {
        self.swap(Vec::new(), names)
    }

    fn take_out(&mut self, names: &[PluginName]) -> Vec<Arc<Generation>> {
        names
            .iter()
            .filter_map(|name| self.live.remove(name))
            .map(|live| live.generation)
            .collect()
    }

    /// Tells a generation what servers have set since it was told.
    pub(super) fn refresh_guilds(&self, generation: &Generation) {
        let revision = self.outlook.guild_revision();
        generation.refresh_guilds(revision, || {
            self.outlook.guild_values(generation.name(), &generation.description)
        });
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
