//! A command as it was found in a message, before anything of it is looked up.

use plugin_protocol::{Command, Defer, Door, PluginName};

use crate::{commands::Message, interactions::Origin};

/// A command as it was written in a message.
pub(super) struct Written {
    pub(super) plugin: PluginName,
    pub(super) command: Command,
    pub(super) prefix: String,
    pub(super) rest: String,
    pub(super) payload: String,
}

/// Where a command came from that was written as a message.
pub(super) fn written_by(message: &Message, plugin: &PluginName, command: &str) -> Origin {
    Origin {
        plugin: plugin.clone(),
        command: command.to_owned(),
        door: Door::Prefix,
        guild_id: message.guild_id,
        channel_id: message.channel_id,
        message_id: Some(message.id),
        author: message.author.clone(),
        interaction: None,
        asked: None,
        defer: Defer::Public,
        typing: false,
        slot: None,
        may_ping_everyone: false,
    }
}
