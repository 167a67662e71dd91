//! After what times the messages of a command are deleted: as its author, its server and the bot's owner have set.
//!
//! What a server has set for a command goes before what it has set for all of them, and that before what the owner has set
//! in config.json: for the command, else for all.

use std::time::Duration;

use plugin_protocol::{Command, Door, GuildId};

use super::Router;
use crate::interactions::DeletedAfter;

impl Router {
    /// After what times the messages of this command are deleted there.
    pub(super) fn deleted_after(&self, guild: Option<GuildId>, command: &Command, door: Door) -> DeletedAfter {
        let config = self.config.get();
        let replies = &config.replies;
        let settings = guild.and_then(|guild| self.tables.guild(guild));
        let here = settings.as_ref().map(|settings| settings.deleted_after(&command.name));
        let here = here.unwrap_or_default();
        let of_command = replies.of_command(&command.name);
        let success = here.success.or(of_command.success).unwrap_or_default();
        let invocation = here.invocation.or(of_command.invocation).unwrap_or_default();
        let positive = |after: Duration| (!after.is_zero()).then_some(after);
        DeletedAfter {
            errors: replies.errors_delete_after,
            usage: replies.usage_delete_after,
            success: positive(success),
            // Its author has it deleted at once.
            invocation: if command.delete_invocation && door == Door::Prefix {
                Some(Duration::ZERO)
            } else {
                positive(invocation)
            },
        }
    }
}
