//! The routing table: which live generation handles which command, component and event.
//!
//! Built anew from the live generations whenever one of them changes, never altered.

use std::{collections::HashMap, sync::Arc};

use plugin_protocol::{EventSubscription, PluginName, custom_id::Route};

use super::generation::Generation;
use crate::commands::CommandIndex;

/// Who handles what.
#[derive(Debug, Default)]
pub struct Table {
    /// The commands, by name and alias.
    pub commands: CommandIndex,
    components: HashMap<Route, (PluginName, String)>,
    events: HashMap<String, Vec<(PluginName, EventSubscription)>>,
    /// In the order in which they came, few enough to be searched.
    generations: Vec<Arc<Generation>>,
}

impl Table {
    /// Builds the table of these generations, at most one a plugin. Of two commands of one name the first one wins.
    #[must_use]
    pub fn build<'g>(live: impl IntoIterator<Item = &'g Arc<Generation>>) -> Self {
        let live: Vec<_> = live.into_iter().collect();
        let commands = live
            .iter()
            .map(|generation| (generation.name().clone(), generation.description.commands.clone()));
        let mut table = Self {
            commands: CommandIndex::build(commands),
            ..Self::default()
        };
        for generation in live {
            let name = generation.name();
            for component in &generation.description.components {
                let route = Route::new(name.as_str(), &component.name);
                table.components.insert(route, (name.clone(), component.name.clone()));
            }
            for event in &generation.description.events {
                table
                    .events
                    .entry(event.name.clone())
                    .or_default()
                    .push((name.clone(), event.clone()));
            }
            table.generations.push(Arc::clone(generation));
        }
        table
    }

    /// The live generation of a plugin.
    #[must_use]
    pub fn generation(&self, name: &PluginName) -> Option<&Arc<Generation>> {
        self.generations.iter().find(|generation| generation.name() == name)
    }

    /// All live generations, in the order in which their plugins came.
    pub fn generations(&self) -> impl Iterator<Item = &Arc<Generation>> {
        self.generations.iter()
    }

    /// The plugin and handler behind a control.
    #[must_use]
    pub fn component(&self, route: Route) -> Option<&(PluginName, String)> {
        self.components.get(&route)
    }

    /// Who wants events of this name.
    #[must_use]
    pub fn subscribers(&self, event: &str) -> &[(PluginName, EventSubscription)] {
        self.events.get(event).map_or(&[], Vec::as_slice)
    }
}
