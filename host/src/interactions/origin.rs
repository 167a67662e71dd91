//! Where an invocation came from: what is needed to answer it, and to say whose it was.
//!
//! A record without behaviour: the router fills it in once, and it does not change while the invocation is open.

use std::{sync::Arc, time::Duration};

use plugin_protocol::{
    ApplicationId, ChannelId, Defer, Door, GuildId, InteractionId, MenuTarget, MessageId, Permissions, PluginName, User,
};

use tokio::time::Instant;

use crate::{
    commands::InteractionToken,
    permits::{Slot, Taken},
};

/// Where an invocation came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The plugin that it is for.
    pub plugin: PluginName,
    /// The command's name, or the handler's of a control.
    pub command: String,
    /// The door.
    pub door: Door,
    /// Of a context menu: whose.
    pub menu: Option<MenuTarget>,
    /// The server; absent in direct messages.
    pub guild_id: Option<GuildId>,
    /// The channel.
    pub channel_id: ChannelId,
    /// By prefix: the message. By component: the message that the control is on.
    pub message_id: Option<MessageId>,
    /// Who asked.
    pub author: User,
    /// By slash and component: the interaction.
    pub interaction: Option<InteractionRef>,
    /// When it came: Discord gives an interaction 3 seconds from then on.
    pub began: Instant,
    /// By prefix: which run of its message it is.
    pub run: u64,
    /// What was asked, as the plugin is told it: an [`Invocation`](plugin_protocol::Invocation) as JSON. For the story of
    /// an incident.
    pub asked: Option<Arc<Vec<u8>>>,
    /// By a command of which only so many may run: its place among them.
    pub slot: Option<Arc<Slot>>,
    /// What was taken for it of how often the command may be used.
    pub taken: Option<Taken>,
    /// How the host defers it when nothing is answered in 2 seconds; by prefix it shows typing in any case.
    pub defer: Defer,
    /// Whether the asker may notify everyone there: as Discord says with interactions.
    pub may_ping_everyone: bool,
    /// Whether the bot is shown as typing at once: by prefix.
    pub typing: bool,
    /// By prefix in a server: what the bot may in the channel, where that is known. Answers to interactions need no
    /// permission.
    pub bot_may: Option<Permissions>,
    /// After what times its messages are deleted.
    pub deleted_after: DeletedAfter,
}

/// After what times the messages of an invocation are deleted; `None` for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletedAfter {
    /// Refusals by prefix.
    pub errors: Option<Duration>,
    /// Texts about a wrong use, by prefix.
    pub usage: Option<Duration>,
    /// Public answers of a command that ran to its end.
    pub success: Option<Duration>,
    /// The message that asked for a command which ran to its end.
    pub invocation: Option<Duration>,
}

impl Origin {
    /// Whether the bot lacks a permission that it needs there; not, if that is unknown.
    #[must_use]
    pub fn lacks(&self, permission: Permissions) -> bool {
        self.bot_may.is_some_and(|may| !may.contains(permission))
    }
}

/// What answers an interaction.
#[derive(Clone, Debug)]
pub struct InteractionRef {
    /// The interaction.
    pub id: InteractionId,
    /// Its token.
    pub token: InteractionToken,
    /// The bot's application.
    pub application_id: ApplicationId,
}
