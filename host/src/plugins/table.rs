//! The routing table: which live generation handles which command, component and event.
//!
//! Built anew from the live generations whenever one of them changes, never altered. What a plugin offers stays in the
//! table while it is held: people find its commands, and wait.

use std::{collections::HashMap, sync::Arc};

use plugin_protocol::{Defer, Description, EventSubscription, PluginName, custom_id::Route};

use super::{delivery::Delivery, generation::Generation, hold::Hold, lane::Way};
use crate::commands::CommandIndex;

/// Who handles what.
#[derive(Debug, Default)]
pub struct Table {
    /// The commands, by name and alias.
    pub commands: CommandIndex,
    components: HashMap<Route, Handles>,
    events: HashMap<String, Vec<(PluginName, EventSubscription)>>,
    /// In the order in which they came, few enough to be searched.
    posts: Vec<Post>,
}

/// Who handles a control.
#[derive(Clone, Debug)]
pub struct Handles {
    /// The plugin.
    pub plugin: PluginName,
    /// The handler's name.
    pub name: String,
    /// How it is deferred.
    pub defer: Defer,
}

/// Where a plugin's deliveries go.
#[derive(Clone, Debug)]
pub struct Post {
    /// The generation that serves, or served until the hold began.
    pub generation: Arc<Generation>,
    /// What is meant for the plugin waits here.
    pub hold: Option<Arc<Hold<Delivery>>>,
}

impl Table {
    /// Builds the table of these posts, at most one a plugin. Of two commands of one name the first one wins.
    #[must_use]
    pub fn build(posts: impl IntoIterator<Item = Post>) -> Self {
        let posts: Vec<_> = posts.into_iter().collect();
        let commands = posts
            .iter()
            .map(|post| &post.generation)
            .map(|generation| (generation.name().clone(), generation.description.commands.clone()));
        let mut table = Self {
            commands: CommandIndex::build(commands),
            ..Self::default()
        };
        for post in &posts {
            let (name, description) = (post.generation.name(), &post.generation.description);
            for component in &description.components {
                let route = Route::new(name.as_str(), &component.name);
                let handles = Handles {
                    plugin: name.clone(),
                    name: component.name.clone(),
                    defer: component.defer,
                };
                table.components.insert(route, handles);
            }
            for event in &description.events {
                table
                    .events
                    .entry(event.name.clone())
                    .or_default()
                    .push((name.clone(), event.clone()));
            }
        }
        table.posts = posts;
        table
    }

    /// Where deliveries for a plugin go.
    #[must_use]
    pub fn way(&self, name: &PluginName) -> Option<Way<Arc<Generation>, Delivery>> {
        let post = self.post(name)?;
        Some(match &post.hold {
            Some(hold) => Way::Held(Arc::clone(hold)),
            None => Way::Serves(Arc::clone(&post.generation), Arc::clone(&post.generation.gate)),
        })
    }

    /// The generation of a plugin that serves; none while it is held.
    #[must_use]
    pub fn generation(&self, name: &PluginName) -> Option<&Arc<Generation>> {
        let post = self.post(name).filter(|post| post.hold.is_none())?;
        Some(&post.generation)
    }

    /// All generations that serve, in the order in which their plugins came.
    pub fn generations(&self) -> impl Iterator<Item = &Arc<Generation>> {
        let serving = self.posts.iter().filter(|post| post.hold.is_none());
        serving.map(|post| &post.generation)
    }

    /// What all plugins offer, also those that are held, in the order in which they came.
    pub fn offers(&self) -> impl Iterator<Item = (&PluginName, &Description)> {
        let posts = self.posts.iter().map(|post| &post.generation);
        posts.map(|generation| (generation.name(), &*generation.description))
    }

    /// The handler behind a control.
    #[must_use]
    pub fn component(&self, route: Route) -> Option<&Handles> {
        self.components.get(&route)
    }

    /// Who wants events of this name.
    #[must_use]
    pub fn subscribers(&self, event: &str) -> &[(PluginName, EventSubscription)] {
        self.events.get(event).map_or(&[], Vec::as_slice)
    }

    fn post(&self, name: &PluginName) -> Option<&Post> {
        self.posts.iter().find(|post| post.generation.name() == name)
    }
}
