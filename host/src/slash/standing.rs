//! What is registered at the moment, for everyone who asks: help, `slashlimit`, the router, plugins.
//!
//! Read without waiting for whoever writes to Discord; ordering a synchronisation waits for its report.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use plugin_protocol::{
    Command, GuildId, Menu, Permissions, PluginName,
    slash::{PrefixOnly, SlashFigures, SyncReport},
};
use tokio::sync::{mpsc, oneshot, watch};

use super::menu::menu_key;
use crate::commands::{CommandIndex, Found};

/// How many orders may wait.
const ORDERS: usize = 8;

/// The slash commands as they stand. Clones are the same.
#[derive(Clone, Debug)]
pub struct Slash {
    standing: Arc<ArcSwap<Standing>>,
    /// Whether it was ever told what is registered.
    is_known: watch::Sender<bool>,
    orders: mpsc::Sender<Order>,
}

/// Somebody wants all sets to be written now.
#[derive(Debug)]
pub struct Order {
    /// What becomes of commands that this host did not register.
    pub unknown: Unknown,
    /// Who ordered it.
    pub report: oneshot::Sender<SyncReport>,
}

/// What becomes of commands that this host did not register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They stay.
    Keep,
    /// They are deleted.
    Delete,
}

/// What is registered, and what is not.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The figures.
    pub figures: SlashFigures,
    /// Discord's ids of the commands of all servers, by their first words.
    pub ids: BTreeMap<String, String>,
    /// What Discord asks of their users' permissions before it tells of one: those that are not for everybody.
    pub gates: HashMap<String, Permissions>,
    /// The ids of single servers' commands.
    pub guild_ids: HashMap<GuildId, BTreeMap<String, String>>,
    /// And what Discord asks of their users' permissions.
    pub guild_gates: HashMap<GuildId, HashMap<String, Permissions>>,
}

impl Slash {
    /// Nothing is registered yet; whoever keeps the commands takes the orders.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, taken) = mpsc::channel(ORDERS);
        let slash = Self {
            standing: Arc::default(),
            is_known: watch::Sender::new(false),
            orders,
        };
        (slash, taken)
    }

    /// What is registered now.
    #[must_use]
    pub fn standing(&self) -> Arc<Standing> {
        self.standing.load_full()
    }

    /// Waits until it is known what is registered: shortly after the gateway's first answer.
    pub async fn known(&self) {
        if *self.is_known.borrow() {
            return;
        }
        // An error means that nobody can tell it any more.
        let _ = self.is_known.subscribe().wait_for(|&is_known| is_known).await;
    }

    /// The command that a text begins with: one that can be written, or a slash command that has no place as such.
    #[must_use]
    pub fn find<'i, 't>(&self, commands: &'i CommandIndex, text: &'t str) -> Option<Found<'i, 't>> {
        let standing = self.standing.load();
        commands.find_beside(text, |plugin, name| standing.is_prefix_only(plugin, name))
    }

    /// Tells what is registered from now on.
    pub fn publish(&self, standing: Standing) {
        self.standing.store(Arc::new(standing));
        self.is_known.send_replace(true);
    }

    /// Has all sets compared with what Discord has, and written; `None` if the bot is ending, or has too many orders.
    pub async fn sync(&self, unknown: Unknown) -> Option<SyncReport> {
        let (report, told) = oneshot::channel();
        self.orders.try_send(Order { unknown, report }).ok()?;
        told.await.ok()
    }
}

impl Standing {
    /// Whether Discord asks for all that a command requires of users, as it is registered in this place.
    #[must_use]
    pub fn gates(&self, command: &Command, guild: Option<GuildId>) -> bool {
        let first = command.name.split(' ').next().unwrap_or(&command.name);
        self.asks(first, command, guild)
    }

    /// The same of a command that is used by its menu.
    #[must_use]
    pub fn gates_menu(&self, command: &Command, menu: &Menu, guild: Option<GuildId>) -> bool {
        menu_key(menu).is_some_and(|key| self.asks(&key, command, guild))
    }

    fn asks(&self, key: &str, command: &Command, guild: Option<GuildId>) -> bool {
        // A server's own command of that name goes before the one of all servers, gate or none.
        let at_home = guild.filter(|guild| self.guild_ids.get(guild).is_some_and(|ids| ids.contains_key(key)));
        let gate = match at_home {
            Some(guild) => self.guild_gates.get(&guild).and_then(|gates| gates.get(key)),
            None => self.gates.get(key),
        };
        gate.is_some_and(|gate| !command.owner_only && !gate.is_empty() && gate.contains(command.requires))
    }

    /// Discord's id of a slash command as it is used in this place, by its whole name.
    #[must_use]
    pub fn id(&self, name: &str, guild: Option<GuildId>) -> Option<&str> {
        let first = name.split(' ').next().unwrap_or(name);
        let at_home = guild.and_then(|guild| self.guild_ids.get(&guild)?.get(first));
        at_home.or_else(|| self.ids.get(first)).map(String::as_str)
    }

    /// Why a slash command has no place, if it has none.
    #[must_use]
    pub fn left_out(&self, plugin: &str, name: &str) -> Option<&PrefixOnly> {
        let left_out = &self.figures.prefix_only;
        left_out
            .iter()
            .find(|left_out| left_out.menu.is_none() && left_out.command == name && left_out.plugin == plugin)
    }

    /// Whether an entry of a context menu is registered in this place.
    #[must_use]
    pub fn has_menu(&self, menu: &Menu, guild: Option<GuildId>) -> bool {
        let Some(key) = menu_key(menu) else { return false };
        let at_home = guild.and_then(|guild| self.guild_ids.get(&guild));
        self.ids.contains_key(&key) || at_home.is_some_and(|ids| ids.contains_key(&key))
    }

    /// Whether a command without a door by prefix has one all the same, since it has no place as a slash command.
    #[must_use]
    pub fn is_prefix_only(&self, plugin: &PluginName, name: &str) -> bool {
        let left_out = self.left_out(plugin.as_str(), name);
        left_out.is_some_and(|left_out| left_out.full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_gate_stands_for_what_a_command_requires_if_it_asks_for_all_of_it() {
        let (ban, kick) = (Permissions::BAN_MEMBERS, Permissions::KICK_MEMBERS);
        let gates = [("warn", ban), ("config", Permissions::NONE)];
        let standing = Standing {
            gates: gates.map(|(name, gate)| (name.to_owned(), gate)).into(),
            ..Standing::default()
        };
        let gates = |name: &str, requires| {
            let command = Command {
                name: name.to_owned(),
                requires,
                ..Command::default()
            };
            standing.gates(&command, GuildId::new(9))
        };
        assert!(gates("warn add", ban));
        assert!(!gates("warn add", ban | kick), "registered before it required more");
        assert!(!gates("config", Permissions::NONE) && !gates("open", ban));
    }

    #[test]
    fn a_limited_plugins_command_has_the_gate_of_its_server() {
        let (ban, kick) = (Permissions::BAN_MEMBERS, Permissions::KICK_MEMBERS);
        let [home, other] = [8, 9].map(|id| GuildId::new(id).expect("an id"));
        let of = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect();
        let standing = Standing {
            gates: [("warn".to_owned(), kick)].into(),
            guild_ids: [(home, of(&["warn", "jail", "open"]))].into(),
            guild_gates: [(home, [("warn".to_owned(), ban), ("jail".to_owned(), ban)].into())].into(),
            ..Standing::default()
        };
        let gates = |name: &str, requires, guild| {
            let command = Command {
                name: name.to_owned(),
                requires,
                ..Command::default()
            };
            standing.gates(&command, guild)
        };
        assert!(gates("jail", ban, Some(home)));
        assert!(
            !gates("jail", ban, Some(other)) && !gates("jail", ban, None),
            "it is nowhere else"
        );
        assert!(gates("warn", ban, Some(home)) && gates("warn", kick, Some(other)));
        assert!(!gates("warn", kick, Some(home)), "the server's own goes before");
        assert!(!gates("open", ban, Some(home)), "it was registered without");
    }
}
