//! Who asks by an interaction, with what Discord has computed and asked before it told of it.
//!
//! Apart, since a slash command and its suggestions were let through by Discord, and a control was not.

use std::time::Duration;

use plugin_protocol::{Argument, Command, GuildId, Menu, PluginName, SERVER_ZONE};
use tokio::time::{Instant, timeout_at};

use super::Router;
use crate::{bot::gatekeeper::Asked, commands::Interaction, permits::Refusal, storage::Tables};

/// How long it may take to find out whether somebody may: Discord waits 3 s for an answer.
const DECIDING: Duration = Duration::from_millis(2200);

impl Router {
    /// What the gatekeeper decides about somebody who asks by an interaction that began then, or in time that it is
    /// unknown.
    pub(super) async fn decide_in_time(&self, asked: &Asked<'_>, began: Instant) -> Result<(), Refusal> {
        let decided = timeout_at(began + DECIDING, self.gatekeeper.decide(asked, None)).await;
        decided.unwrap_or(Err(Refusal::Unknown))
    }

    /// Who asks for a slash command, or types into it: Discord shows it to nobody whom its settings refuse it.
    pub(super) fn let_through<'a>(
        &self,
        interaction: &'a Interaction,
        plugin: &'a PluginName,
        command: &'a Command,
    ) -> Asked<'a> {
        let is_gated = || self.slash.standing().gates(command, interaction.guild_id);
        shown(interaction, plugin, command, is_gated)
    }

    /// Who asks for a command by a context menu: the same.
    pub(super) fn let_through_menu<'a>(
        &self,
        interaction: &'a Interaction,
        plugin: &'a PluginName,
        (command, menu): (&'a Command, &Menu),
    ) -> Asked<'a> {
        let is_gated = || self.slash.standing().gates_menu(command, menu, interaction.guild_id);
        shown(interaction, plugin, command, is_gated)
    }
}

/// What a server has set of time, if a command's dates are meant in it.
pub(super) fn zone_of(tables: &Tables, command: &Command, guild: Option<GuildId>) -> Option<String> {
    let is_of_server = |argument: &Argument| argument.zone.as_deref() == Some(SERVER_ZONE);
    let mut all = command.arguments.iter();
    if !all.any(|argument| is_of_server(argument) || argument.any_of.iter().any(is_of_server)) {
        return None;
    }
    tables.guild(guild?)?.time_zone().map(str::to_owned)
}

fn shown<'a>(
    interaction: &'a Interaction,
    plugin: &'a PluginName,
    command: &'a Command,
    is_gated: impl FnOnce() -> bool,
) -> Asked<'a> {
    let is_in_server = interaction.guild_id.is_some();
    Asked {
        is_gated: is_in_server && is_gated(),
        is_let_through: is_in_server,
        ..asked(interaction, plugin, command)
    }
}

/// Who asks for a command by an interaction, with what Discord has computed for it.
pub(super) fn asked<'a>(interaction: &'a Interaction, plugin: &'a PluginName, command: &'a Command) -> Asked<'a> {
    Asked {
        bot: interaction.app_permissions,
        place: interaction.place,
        ..Asked::of(
            (plugin, command),
            (interaction.author.id, interaction.member.as_ref()),
            (interaction.guild_id, interaction.channel_id),
        )
    }
}
