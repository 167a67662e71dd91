//! What a message says that an argument points at, and what somebody may in a channel.
//!
//! A menu brings its message along; a link leads anywhere, so it is followed only to where its asker may read.

use plugin_protocol::Door;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ctx;
use crate::{
    Attachment, ChannelId, Error, IntoId, Member, MessageId, MessageLink, Permissions, Result, User, error::placed,
    refuse,
};

/// A message as it stands in a channel (<https://discord.com/developers/docs/resources/message#message-object>).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PostedMessage {
    /// The message.
    pub id: MessageId,
    /// The channel.
    pub channel_id: ChannelId,
    /// Who wrote it; of a webhook's message, what it calls itself.
    pub author: User,
    /// Its text. Without the intent `MESSAGE_CONTENT` Discord tells it of messages only that a menu was used on, that
    /// mention the bot, or that were written to it.
    #[serde(default)]
    pub content: String,
    /// Its files.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// Its embeds, as Discord tells them.
    #[serde(default)]
    pub embeds: Vec<Value>,
    /// When it was written, in RFC 3339.
    #[serde(default)]
    pub timestamp: String,
}

impl<S> Ctx<S> {
    /// Reads the message that an argument points at. By a message's menu Discord has told of it already; else it is asked
    /// for, if whoever asks may read it where it stands.
    ///
    /// ```
    /// use plugin_api::prelude::*;
    ///
    /// /// Say again what somebody has said.
    /// #[command(prefix, slash, message_menu = "Quote")]
    /// async fn quote(ctx: Ctx, message: MessageLink) -> Result {
    ///     let message = ctx.read_message(&message).await?;
    ///     ctx.reply(format!("{}: {}", message.author.username, message.content)).await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::quote]); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// A refusal, where the message is gone or its asker may not read it. Discord did not answer.
    #[track_caller]
    pub fn read_message(&self, link: &MessageLink) -> impl Future<Output = Result<PostedMessage>> {
        let link = *link;
        placed(async move {
            if let Some(told) = self.told_of(link.message_id) {
                return Ok(told);
            }
            if !self.may_read(&link).await? {
                return refuse("I can't read that message for you: its channel is not yours to read.");
            }
            let path = format!("/channels/{}/messages/{}", link.channel_id, link.message_id);
            match self.raw().get(&path).await {
                Ok(answer) => answer.json(),
                Err(error) if error.http().is_some_and(|http| matches!(http.status, 403 | 404)) => {
                    refuse("I can't find that message: it may be gone, or not be mine to read.")
                }
                Err(error) => Err(error),
            }
        })
    }

    /// What a member may in a channel or thread of their server, as far as the gateway has told of both: no request to
    /// Discord, but for a private thread of which they are no moderator. There Discord is asked whether they are in it; who
    /// is not may nothing there.
    ///
    /// # Errors
    ///
    /// The bot doesn't know that channel. Discord does not answer.
    #[track_caller]
    pub fn permissions_in(
        &self,
        channel: impl IntoId<ChannelId>,
        member: &Member,
    ) -> impl Future<Output = Result<Permissions>> {
        let arguments = json!({
            "guild_id": member.guild_id,
            "channel_id": channel.into_id(),
            "user_id": member.user.id,
            "roles": member.roles,
        });
        placed(async move { self.call("guilds.permissions", &arguments).await })
    }

    /// The message, if it came along with the interaction.
    fn told_of(&self, id: MessageId) -> Option<PostedMessage> {
        if self.door() != Door::Menu {
            return None;
        }
        let payload: Value = serde_json::from_slice(self.payload()).ok()?;
        let message = payload.pointer(&format!("/d/data/resolved/messages/{id}"))?;
        PostedMessage::deserialize(message).ok()
    }

    async fn may_read(&self, link: &MessageLink) -> Result<bool> {
        if link.channel_id == self.channel_id() {
            return Ok(true);
        }
        let Some(member) = self.member().filter(|_| link.guild_id == self.guild_id()) else {
            return Ok(false);
        };
        match self.permissions_in(link.channel_id, member).await {
            Ok(permissions) => {
                Ok(permissions.contains(Permissions::VIEW_CHANNEL.with(Permissions::READ_MESSAGE_HISTORY)))
            }
            // A channel that nobody knows is nobody's to read.
            Err(error) if error.problem().is_some() => Ok(false),
            Err(error) => Err(Error::new(error.to_string())),
        }
    }
}
