//! What the host itself says to people, word by word.
//!
//! Pure. Plain sentences, never internals; who may see them is decided where they are sent.

use plugin_protocol::UserId;

/// A slash command ran to its end and had nothing to say.
pub const DONE: &str = "Done.";
/// An invocation was cut off.
pub const INTERRUPTED: &str = "That command was interrupted because its plugin was replaced. Please try again.";
/// An invocation was cut off by the end of the bot, which runs again.
pub const INTERRUPTED_BY_RESTART: &str =
    "That command was interrupted because the bot was restarted. Please try again.";
/// It takes long.
pub const SLOW: &str = "This takes longer than usual, but it is still running. The answer will appear here.";
/// A control's plugin is not there.
pub const PLUGIN_ABSENT: &str = "The plugin behind this button is not loaded right now.";
/// A slash command that is registered, but that no live plugin has.
pub const COMMAND_ABSENT: &str = "That command is not available right now. Please try again later.";
/// A command that waited for its plugin, which came back with another one of that name.
pub const COMMAND_CHANGED: &str = "That command has just been changed. Please use it again.";
/// A control's time is over.
pub const EXPIRED: &str = "This button has expired. Use the command again for a new one.";
/// A control of another version of the program.
pub const OUTDATED: &str = "This button is from an older version of the bot. Use the command again for a new one.";
/// A control that the bot has not made as it is.
pub const FORGED: &str = "This button was not made by this bot as it is. Use the command again for a new one.";
/// A control that no plugin here has made.
pub const FOREIGN: &str = "Nothing here handles this button.";
/// A plugin's queue is full.
pub const BUSY: &str = "That plugin is busy right now. Please try again in a moment.";
/// A control of a plugin that is switched off where it is used.
pub const PLUGIN_DISABLED: &str = "The plugin behind this is disabled in this server.";
/// A refusal without a text of its own.
pub const REFUSED: &str = "You can't do that right now.";
/// An owner's command, used by somebody else.
pub const OWNER_ONLY: &str = "Only the bot's owner can use that command.";

/// Something failed.
#[must_use]
pub fn incident(code: &str) -> String {
    format!("Something broke and the bot's owner has been told. Code `{code}`.")
}

/// Somebody else's control. Without a command, how to get an own one is left out.
#[must_use]
pub fn foreign(owner: UserId, command: Option<&str>) -> String {
    match command {
        Some(command) => format!("This menu belongs to <@{owner}>. Use `/{command}` for your own."),
        None => format!("This menu belongs to <@{owner}>. Use the command for your own."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let owner = UserId::new(5).unwrap();
        let texts = [
            DONE,
            INTERRUPTED,
            INTERRUPTED_BY_RESTART,
            SLOW,
            PLUGIN_ABSENT,
            COMMAND_ABSENT,
            COMMAND_CHANGED,
            EXPIRED,
            OUTDATED,
            FORGED,
            FOREIGN,
            BUSY,
            REFUSED,
            PLUGIN_DISABLED,
            OWNER_ONLY,
            &incident("7K3B"),
            &foreign(owner, Some("help")),
            &foreign(owner, None),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }
}
