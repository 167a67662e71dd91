//! Whether any plugin keeps a command from running: `before_command`.
//!
//! Where nobody listens, that is one look. Else the answer is waited for, within a limit: who does not give it in time
//! refuses nothing.

use std::time::Duration;

use plugin_protocol::{Command, hooks::BeforeCommand};

use super::Router;
use crate::{
    bot::{HOST_NAME, gatekeeper::CREDITS, hooks::kind_of_origin},
    interactions::Origin,
};

/// How long one callback may take.
const EACH: Duration = Duration::from_secs(1);
/// And all together: Discord waits 3 s for the first answer.
const ALL: Duration = Duration::from_millis(1500);

impl Router {
    /// With which text a plugin refuses this use of a command. The owners' own commands of the bot, by which such a plugin
    /// is unloaded, and the credits are never refused.
    pub(super) async fn veto(&self, origin: &Origin, command: &Command) -> Option<String> {
        if !self.hooks.hears::<BeforeCommand>() {
            return None;
        }
        let kind = kind_of_origin(origin)?;
        if origin.plugin == *HOST_NAME && (command.owner_only || command.name == CREDITS) {
            return None;
        }
        let event = || BeforeCommand {
            command_name: command.name.clone(),
            plugin: origin.plugin.to_string(),
            author: origin.author.clone(),
            guild_id: origin.guild_id,
            channel_id: origin.channel_id,
            kind,
        };
        let text = self.hooks.ask(origin.guild_id, (EACH, ALL), event).await?;
        tracing::debug!(command = %origin.command, author = %origin.author.id, "a plugin's hook has refused a command");
        Some(text)
    }
}
