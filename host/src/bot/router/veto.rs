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
/// And all together.
const ALL: Duration = Duration::from_millis(1500);
/// When an interaction's are done, since it began: Discord waits 3 s for the first answer.
const DONE: Duration = Duration::from_millis(2500);
/// At least so long is waited: where even that is too long, the command is not run either.
const LEAST: Duration = Duration::from_millis(200);

/// How long all together may take where so much of an interaction's time is over.
fn left(elapsed: Duration) -> Duration {
    DONE.saturating_sub(elapsed).clamp(LEAST, ALL)
}

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
        let all = origin
            .interaction
            .as_ref()
            .map_or(ALL, |_| left(origin.began.elapsed()));
        let text = self.hooks.ask(origin.guild_id, (EACH, all), event).await?;
        tracing::debug!(command = %origin.command, author = %origin.author.id, "a plugin's hook has refused a command");
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interaction_keeps_time_for_its_answer() {
        let ms = Duration::from_millis;
        for (elapsed, expected) in [
            (0, 1500),
            (1000, 1500),
            (1001, 1499),
            (2200, 300),
            (2600, 200),
            (9000, 200),
        ] {
            assert_eq!(left(ms(elapsed)), ms(expected), "{elapsed}");
        }
    }
}
