//! Webhooks that people make in a channel's settings, for services that write there without a bot.
//!
//! The bot's own webhooks are made over REST; these belong to no application.

use super::{Channel, Person, Said};
use crate::world::Draft;

/// A webhook of a channel; see [`Channel::add_webhook`].
#[derive(Clone, Debug)]
pub struct Webhook {
    channel: Channel,
    id: u64,
}

impl Channel {
    /// A webhook that a person makes; the bot is told.
    ///
    /// # Panics
    ///
    /// If the channel is of no guild.
    #[must_use]
    pub fn add_webhook(&self, by: &Person, name: &str) -> Webhook {
        let id = self
            .sandbox()
            .with(|world| world.add_webhook(self.id(), by.id(), name, |_| {}));
        Webhook {
            channel: self.clone(),
            id: id.expect("webhooks are for channels of guilds"),
        }
    }
}

impl Webhook {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Its token, which lets anybody write with it; empty if it was deleted.
    #[must_use]
    pub fn token(&self) -> String {
        self.channel
            .sandbox()
            .with(|world| world.webhook(self.id).map(|webhook| webhook.token.clone()))
            .unwrap_or_default()
    }

    /// Writes in its channel.
    ///
    /// # Panics
    ///
    /// If it was deleted.
    #[allow(clippy::unused_async, reason = "acts are async in this handle")]
    pub async fn says(&self, text: &str) -> Said {
        let posted = self.channel.sandbox().with(|world| {
            let webhook = world.webhook(self.id).cloned()?;
            let draft = Draft {
                content: text.trim().to_owned(),
                ..Draft::default()
            };
            let author = webhook.author(None, None);
            Some(world.post_as(&webhook, webhook.channel_id, author, draft))
        });
        Said::new(self.channel.sandbox(), posted.expect("the webhook exists"))
    }
}
