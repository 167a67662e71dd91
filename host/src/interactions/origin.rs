//! Where an invocation came from: what is needed to answer it, and to say whose it was.
//!
//! A record that only says what follows from it: the router fills it in once, and it does not change while the invocation is open.

use std::{sync::Arc, time::Duration};

use plugin_protocol::{
    ApplicationId, ChannelId, Defer, Door, GuildId, InteractionId, MenuTarget, MessageId, Permissions, PluginName, User,
};

use tokio::time::Instant;

use crate::{
    commands::InteractionToken,
    permits::{Slot, Taken},
};

/// What comes from an interaction is not run any more after this time: Discord waits 3 s for the first answer.
const TOO_LATE: Duration = Duration::from_millis(2900);

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

    /// Whether Discord waits no more for its answer, so that what it asks for would run for nobody.
    #[must_use]
    pub fn is_too_late(&self) -> bool {
        self.interaction.is_some() && self.began.elapsed() >= TOO_LATE
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::interactions::DeletedAfter;

    fn origin(interaction: Option<InteractionRef>) -> Origin {
        Origin {
            plugin: "a".parse().unwrap(),
            command: "ping".to_owned(),
            door: Door::Slash,
            menu: None,
            guild_id: None,
            channel_id: ChannelId::new(5).unwrap(),
            message_id: None,
            author: serde_json::from_value(json!({ "id": "1", "username": "alice" })).unwrap(),
            interaction,
            began: Instant::now(),
            run: 1,
            asked: None,
            slot: None,
            taken: None,
            defer: Defer::Public,
            may_ping_everyone: false,
            typing: false,
            bot_may: None,
            deleted_after: DeletedAfter::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_interaction_is_too_late_shortly_before_discord_gives_it_up_and_a_message_never() {
        let interaction = InteractionRef {
            id: InteractionId::new(1).unwrap(),
            token: InteractionToken::new("token"),
            application_id: ApplicationId::new(2).unwrap(),
        };
        let (used, written) = (origin(Some(interaction)), origin(None));
        assert!(!used.is_too_late());
        tokio::time::advance(TOO_LATE.saturating_sub(Duration::from_millis(1))).await;
        assert!(!used.is_too_late());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(used.is_too_late() && !written.is_too_late());
    }
}
