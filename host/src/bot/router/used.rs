//! Commands that Discord itself knows: typed with a slash, or chosen in a context menu.
//!
//! They differ in how they are found, in where their arguments come from, and in how they are called to people.

use std::collections::BTreeMap;

use plugin_protocol::{ArgumentValue, Command, Door, Menu, PluginName};

use super::{Router, invocation, origin, typed::zone_of};
use crate::{
    bot::HOST_NAME,
    commands::{ArgumentError, Interaction, Place, interaction::Target, read_texts, usage},
    interactions::texts,
    plugins::Table,
};

/// A command that somebody uses.
struct Used<'a> {
    plugin: &'a PluginName,
    command: &'a Command,
    door: Door,
    /// Which of its menus, if it is one.
    menu: Option<&'a Menu>,
    arguments: Result<BTreeMap<String, ArgumentValue>, ArgumentError>,
}

impl Router {
    /// A slash command.
    pub(super) async fn route_slash(
        &self,
        table: &Table,
        interaction: Interaction,
        name: &str,
        arguments: Result<BTreeMap<String, ArgumentValue>, ArgumentError>,
        payload: &str,
    ) {
        let Some((plugin, command)) = table.commands.slash(name) else {
            return self.turn_away_from_absent(&interaction, name, Door::Slash).await;
        };
        let used = Used {
            plugin,
            command,
            door: Door::Slash,
            menu: None,
            arguments,
        };
        self.run_used(interaction, used, payload).await;
    }

    /// A command of a context menu.
    pub(super) async fn route_menu(
        &self,
        table: &Table,
        interaction: Interaction,
        name: &str,
        target: Target,
        payload: &str,
    ) {
        let Some((plugin, command, menu)) = table.commands.menu(target.menu(), name) else {
            return self.turn_away_from_absent(&interaction, name, Door::Menu).await;
        };
        let used = Used {
            plugin,
            command,
            door: Door::Menu,
            menu: Some(menu),
            arguments: target.arguments(command),
        };
        self.run_used(interaction, used, payload).await;
    }

    async fn turn_away_from_absent(&self, interaction: &Interaction, name: &str, door: Door) {
        let origin = origin(interaction, &HOST_NAME, name, door, None);
        self.refuse(&origin, texts::COMMAND_ABSENT).await;
    }

    async fn run_used(&self, interaction: Interaction, used: Used<'_>, payload: &str) {
        let Used {
            plugin,
            command,
            door,
            menu,
            arguments,
        } = used;
        let mut origin = origin(&interaction, plugin, &command.name, door, None);
        origin.defer = command.defer;
        origin.menu = menu.map(|menu| menu.target);
        origin.deleted_after = self.deleted_after(interaction.guild_id, command, door);
        // What people know it by.
        let shown = Command {
            name: menu.map_or(&command.name, |menu| &menu.name).clone(),
            ..Command::default()
        };
        let sign = if menu.is_some() { "" } else { "/" };
        let asked = match menu {
            Some(menu) => self.let_through_menu(&interaction, plugin, (command, menu)),
            None => self.let_through(&interaction, plugin, command),
        };
        if let Err(refusal) = self.decide_in_time(&asked, origin.began).await {
            return self.turn_away(&origin, sign, &shown, &refusal).await;
        }
        let arguments = match arguments {
            Ok(mut values) => {
                let zone = zone_of(&self.tables, command, interaction.guild_id);
                let place = Place {
                    guild_id: interaction.guild_id,
                    channel_id: Some(interaction.channel_id),
                    now: self.unix_seconds(),
                    zone: zone.as_deref(),
                    ..Place::default()
                };
                let directory = self.directory.of(plugin);
                let read = read_texts(&directory, &place, &command.arguments, &mut values).await;
                read.map(|()| values)
            }
            Err(error) => Err(error),
        };
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(error) => {
                // In a menu there is nothing to write otherwise.
                let text = match menu {
                    Some(_) => error.to_string(),
                    None => error.text(&usage("/", command)),
                };
                return self.refuse(&origin, &text).await;
            }
        };
        match self.gatekeeper.take(&asked) {
            Ok(pass) => {
                if let Some(text) = self.veto(&origin, command).await {
                    self.vetoed(&origin, command, &pass, &text).await;
                    return;
                }
                let invocation = invocation(interaction, command.name.clone(), door, None, arguments, None);
                self.invoke_counted(origin, &invocation, command, payload, pass).await;
            }
            Err(refusal) => self.turn_away(&origin, sign, &shown, &refusal).await,
        }
    }
}
