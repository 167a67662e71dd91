//! A command as it was found in a message, before anything of it is looked up.
//!
//! Apart, since messages are found on the shard's task and read in another.

use std::sync::Arc;

use plugin_protocol::{Command, Defer, Door, Permissions, PluginName};

use super::Router;
use crate::{
    commands::Message,
    interactions::{DeletedAfter, Origin},
};

/// A command as it was written in a message.
pub(super) struct Written {
    pub(super) plugin: PluginName,
    pub(super) command: Arc<Command>,
    pub(super) prefix: String,
    pub(super) rest: String,
    pub(super) payload: String,
}

impl Router {
    /// What the bot may where a message was written, if that is known.
    pub(super) fn bot_may(&self, message: &Message) -> Option<Permissions> {
        self.cache.own_permissions(message.guild_id?, message.channel_id)
    }

    /// Whether whoever wrote a message may notify everyone there, as far as is known.
    pub(super) fn may_ping_everyone(&self, message: &Message) -> bool {
        let Some((guild, member)) = message.guild_id.zip(message.member.as_ref()) else {
            return false;
        };
        let author = message.author.id;
        let permissions = self.cache.permissions(guild, message.channel_id, author, &member.roles);
        permissions.is_some_and(|all| all.contains(Permissions::MENTION_EVERYONE))
    }
}

/// Where a command came from that was written as a message.
pub(super) fn written_by(message: &Message, plugin: &PluginName, command: &str) -> Origin {
    Origin {
        plugin: plugin.clone(),
        command: command.to_owned(),
        door: Door::Prefix,
        menu: None,
        guild_id: message.guild_id,
        channel_id: message.channel_id,
        message_id: Some(message.id),
        author: message.author.clone(),
        interaction: None,
        asked: None,
        run: 0,
        defer: Defer::Public,
        typing: false,
        bot_may: None,
        began: tokio::time::Instant::now(),
        deleted_after: DeletedAfter::default(),
        slot: None,
        taken: None,
        may_ping_everyone: false,
    }
}
