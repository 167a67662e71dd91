//! Commands of context menus as Discord registers them: planned, named and checked beside those that are typed.
//!
//! Apart from the plan of typed ones, since nothing but the gate is common: no words, no groups, no options, 15 places
//! for people and 15 for messages. Pure.
//! <https://discord.com/developers/docs/interactions/application-commands#user-commands>.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use plugin_protocol::{Command, Menu, MenuTarget, PluginName};
use serde::Serialize;
use serde_json::Value;

use super::{
    command::LONGEST_NAME,
    gate::{Gate, is_locale},
    names::Names,
    plan::{LeftOut, Reason},
};

/// Discord's limit of commands of menus of people, and of those of messages.
pub const MOST_MENU_COMMANDS: usize = 15;

/// A command of a context menu as Discord registers it. Field order is fixed: equal commands have equal JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MenuCommand {
    /// What it is called in the menu.
    pub name: String,
    /// Discord's number of the kind of menu.
    #[serde(rename = "type")]
    pub kind: u8,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    name_localizations: BTreeMap<String, String>,
    #[serde(flatten)]
    gate: Gate,
    /// Whose it is.
    #[serde(skip)]
    pub plugin: PluginName,
}

impl MenuCommand {
    /// The command as Discord gets it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("names and texts are JSON")
    }

    /// The same in a server's own set.
    pub(super) fn of_guilds(self) -> Self {
        Self {
            gate: self.gate.of_guilds(),
            ..self
        }
    }

    /// By what it is remembered: see [`key`].
    #[must_use]
    pub fn key(&self) -> String {
        key(self.kind, &self.name)
    }
}

/// By what a command of Discord's is remembered, and named to people: the name of one that is typed; of others with what
/// they are used on, which no name that is typed can be.
#[must_use]
pub fn key(kind: u8, name: &str) -> String {
    match kind {
        2 => format!("{name} (on users)"),
        3 => format!("{name} (on messages)"),
        4 => format!("{name} (entry point)"),
        1 => name.to_owned(),
        kind => format!("{name} (kind {kind})"),
    }
}

/// The same of a command as Discord tells it.
#[must_use]
pub fn key_of(command: &Value) -> Option<String> {
    let kind = command["type"].as_u64().unwrap_or(1);
    Some(key(u8::try_from(kind).ok()?, command["name"].as_str()?))
}

/// The key of a menu of ours, if Discord has that kind.
#[must_use]
pub fn menu_key(menu: &Menu) -> Option<String> {
    Some(key(menu.target.number()?, &menu.name))
}

/// How many places there are in each of the two kinds of menus.
pub type Places = [usize; 2];

/// Where a kind of menu stands in [`Places`].
#[must_use]
pub const fn place_of(kind: u64) -> Option<usize> {
    match kind {
        2 => Some(0),
        3 => Some(1),
        _ => None,
    }
}

/// Plans the menus of one set; what has no place is added to `left_out`. What is registered already keeps its place, then
/// those of higher priority go first, then those of earlier plugins.
pub(super) fn plan_menus<'a>(
    offered: impl Iterator<Item = (&'a PluginName, &'a Command)>,
    (names, held): (&Names, &BTreeSet<String>),
    taken: Places,
    left_out: &mut Vec<LeftOut>,
) -> Vec<MenuCommand> {
    let mut wanted: Vec<_> = offered
        .flat_map(|(plugin, command)| command.menus.iter().map(move |menu| (plugin, command, menu)))
        .collect();
    wanted.sort_by_key(|(_, command, menu)| {
        let is_held = menu_key(menu).is_some_and(|key| held.contains(&key));
        (!is_held, Reverse(command.slash_priority))
    });
    let mut planned = BTreeMap::<String, MenuCommand>::new();
    let mut used = taken;
    for (plugin, command, menu) in wanted {
        if let Err(reason) = place((&mut planned, names), &mut used, plugin, command, menu) {
            left_out.push(LeftOut {
                plugin: plugin.clone(),
                command: command.name.clone(),
                menu: Some(menu.name.clone()),
                reason,
            });
        }
    }
    planned.into_values().collect()
}

fn place(
    (planned, names): (&mut BTreeMap<String, MenuCommand>, &Names),
    used: &mut Places,
    plugin: &PluginName,
    command: &Command,
    menu: &Menu,
) -> Result<(), Reason> {
    let kind = menu.target.number().ok_or(Reason::UnknownMenu)?;
    if command.menu_argument(menu.target).is_none() {
        return Err(match menu.target {
            MenuTarget::Message => Reason::NoMenuArgument("a message"),
            _ => Reason::NoMenuArgument("a user or member"),
        });
    }
    if let Some(bad) = [&menu.name]
        .into_iter()
        .chain(menu.name_localizations.values())
        .find(|name| !is_menu_name(name))
    {
        return Err(Reason::BadMenuName(bad.clone()));
    }
    if let Some(locale) = menu.name_localizations.keys().find(|locale| !is_locale(locale)) {
        return Err(Reason::BadLocalization(locale.clone()));
    }
    let gate = Gate::of(command)?;
    let key = key(kind, &menu.name);
    let there = planned.get(&key).map(|there| &there.plugin);
    let other = names.other_in_menu((kind, &menu.name), plugin, command);
    if let Some(by) = other.or(there) {
        return Err(Reason::MenuTaken { by: by.clone() });
    }
    let places = place_of(kind.into())
        .map(|at| &mut used[at])
        .ok_or(Reason::UnknownMenu)?;
    if *places >= MOST_MENU_COMMANDS {
        return Err(Reason::MenusFull);
    }
    *places += 1;
    let command = MenuCommand {
        name: menu.name.clone(),
        kind,
        name_localizations: menu.name_localizations.clone(),
        gate,
        plugin: plugin.clone(),
    };
    planned.insert(key, command);
    Ok(())
}

/// Whether Discord takes this as a name in a menu: one line of 1 to 32 characters, of any case, with spaces within.
fn is_menu_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.chars().count()) && name.trim() == name && !name.chars().any(char::is_control)
}
