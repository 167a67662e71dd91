//! The routing table: which live generation handles which command, component and event.
//!
//! Built anew from the live generations whenever one of them changes, never altered. What a plugin offers stays in the
//! table while it is held: people find its commands, and wait.

use std::{collections::HashMap, sync::Arc};

use plugin_protocol::{
    Command, Component, Defer, Description, EventSubscription, PluginName,
    custom_id::Route,
    hooks::{HookSubscription, NAMES},
};

use super::{
    delivery::Delivery,
    generation::Generation,
    hold::Hold,
    lane::{Root, Way},
};
use crate::commands::CommandIndex;

/// Who handles what.
#[derive(Debug, Default)]
pub struct Table {
    /// The commands, by name and alias.
    pub commands: CommandIndex,
    components: HashMap<Route, Handles>,
    events: HashMap<String, Vec<Subscriber>>,
    /// The declared callbacks of hooks, by event, in the order in which their plugins came.
    hooks: HashMap<String, Vec<(PluginName, HookSubscription)>>,
    /// Which of the host's own events they listen to: a bit each.
    heard: u32,
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
    /// What is asked of whoever uses it, as of a command; `None` for nothing.
    pub policy: Option<Arc<Command>>,
}

impl Handles {
    fn of(plugin: &PluginName, component: &Component, commands: &[Command]) -> Self {
        Self {
            plugin: plugin.clone(),
            name: component.name.clone(),
            defer: component.defer,
            policy: policy(component, commands).map(Arc::new),
        }
    }
}

/// The policy of its command, and what it asks itself.
fn policy(component: &Component, commands: &[Command]) -> Option<Command> {
    let mut policy = match &component.command {
        Some(name) => {
            let named = commands.iter().find(|command| command.name == *name);
            // A command that is not there is nobody's.
            named.cloned().unwrap_or_else(|| Command {
                owner_only: true,
                ..Command::default()
            })
        }
        None if component.requires.is_empty() && component.bot_requires.is_empty() && !component.owner_only => {
            return None;
        }
        // Of no category: no rule is about it.
        None => Command {
            category: Some(String::new()),
            ..Command::default()
        },
    };
    policy.requires |= component.requires;
    policy.bot_requires |= component.bot_requires;
    policy.owner_only |= component.owner_only;
    Some(policy)
}

/// A plugin that handles an event.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// The plugin.
    pub plugin: PluginName,
    /// What its handlers of that event want of it.
    handlers: Vec<EventSubscription>,
}

impl Subscriber {
    /// Whether one of its handlers wants an event that is of a server, or not, and was caused by a bot, or not.
    #[must_use]
    pub fn wants(&self, of_guild: bool, by_bot: bool) -> bool {
        self.handlers.iter().any(|handler| handler.wants(of_guild, by_bot))
    }
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
                let handles = Handles::of(name, component, &description.commands);
                table.components.insert(route, handles);
            }
            for event in &description.events {
                let subscribers = table.events.entry(event.name.clone()).or_default();
                match subscribers.last_mut() {
                    // Several handlers of one event get it once.
                    Some(last) if last.plugin == *name => last.handlers.push(event.clone()),
                    _ => subscribers.push(Subscriber {
                        plugin: name.clone(),
                        handlers: vec![event.clone()],
                    }),
                }
            }
            for hook in &description.hooks {
                let number = NAMES.iter().position(|known| **known == hook.event);
                table.heard |= number.map_or(0, |number| 1 << number);
                let of_event = table.hooks.entry(hook.event.clone()).or_default();
                of_event.push((name.clone(), hook.clone()));
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

    /// The same for what follows from work that began before: as long as a generation that has to end is at work on
    /// something of that time, it takes what this work asks of it.
    #[must_use]
    pub fn way_of(&self, name: &PluginName, root: Root) -> Option<Way<Arc<Generation>, Delivery>> {
        let post = self.post(name)?;
        let older = &post.generation;
        if older.is_stopping() {
            return self.way(name);
        }
        let (gate, late) = (&older.gate, older.late_gate());
        Some(Way::of(Arc::clone(older), (gate, late), post.hold.as_ref(), root))
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

    /// Whether nothing is under way in any plugin, and none is held.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let is_idle = |post: &Post| post.hold.is_none() && post.generation.gate.tickets() == 0;
        self.posts.iter().all(is_idle)
    }

    /// All generations that do something: those that serve, and those that end what they have begun while what is meant
    /// for their plugin waits.
    pub fn watched(&self) -> impl Iterator<Item = &Arc<Generation>> {
        let at_work = self.posts.iter();
        let at_work = at_work.filter(|post| post.hold.is_none() || !post.generation.is_stopping());
        at_work.map(|post| &post.generation)
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
    pub fn subscribers(&self, event: &str) -> &[Subscriber] {
        self.events.get(event).map_or(&[], Vec::as_slice)
    }

    /// Whether any plugin declares a callback of the host's event of this number.
    #[must_use]
    pub fn hears(&self, number: u32) -> bool {
        self.heard & (1 << number) != 0
    }

    /// The declared callbacks of an event.
    #[must_use]
    pub fn hooks(&self, event: &str) -> &[(PluginName, HookSubscription)] {
        self.hooks.get(event).map_or(&[], Vec::as_slice)
    }

    /// The generation of a plugin that serves, or served until the hold began.
    #[must_use]
    pub fn latest(&self, name: &PluginName) -> Option<&Arc<Generation>> {
        self.post(name).map(|post| &post.generation)
    }

    fn post(&self, name: &PluginName) -> Option<&Post> {
        self.posts.iter().find(|post| post.generation.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use plugin_protocol::Permissions;

    use super::*;

    #[test]
    fn controls_ask_what_their_command_asks_and_what_they_say_themselves() {
        let (ban, kick) = (Permissions::BAN_MEMBERS, Permissions::KICK_MEMBERS);
        let commands = [Command {
            name: "ban".to_owned(),
            requires: ban,
            guild_owner_only: true,
            ..Command::default()
        }];
        let component = |command: Option<&str>, requires, owner_only| Component {
            command: command.map(str::to_owned),
            requires,
            owner_only,
            ..Component::default()
        };
        let policy = |component| policy(&component, &commands);
        assert_eq!(policy(component(None, Permissions::NONE, false)), None);
        let of_command = policy(component(Some("ban"), kick, false)).unwrap_or_default();
        assert_eq!((of_command.requires, of_command.guild_owner_only), (ban | kick, true));
        let own = policy(component(None, kick, false)).unwrap_or_default();
        assert_eq!((own.requires, own.category.as_deref()), (kick, Some("")));
        assert!(policy(component(None, Permissions::NONE, true)).is_some_and(|policy| policy.owner_only));
        let gone = policy(component(Some("kick"), Permissions::NONE, false));
        assert!(
            gone.is_some_and(|policy| policy.owner_only),
            "nobody knows what it asks"
        );
    }
}
