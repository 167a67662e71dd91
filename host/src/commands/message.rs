//! A message that is a command, decoded from the gateway's payload.
//!
//! Done once and only for commands: whether a message is one is decided before, on a partial read.

use plugin_protocol::{Attachment, ChannelId, GuildId, Member, MessageId, ReceivedMessage, User, UserId};
use serde::Deserialize;

use super::partial::PartialMember;

/// What a prefix command needs to know of its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The message.
    pub id: MessageId,
    /// The channel it is in.
    pub channel_id: ChannelId,
    /// The server; absent in direct messages.
    pub guild_id: Option<GuildId>,
    /// Who wrote it.
    pub author: User,
    /// Who wrote it, as a member; absent in direct messages and for webhooks.
    pub member: Option<Member>,
    /// Whether a webhook wrote it: its author is no user then.
    pub is_webhook: bool,
    /// The text; empty without the `MESSAGE_CONTENT` intent, unless it mentions the bot or is a direct message.
    pub content: String,
    /// Whom it mentions.
    pub mentions: Vec<Mention>,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// The message that it replies to.
    pub replies_to: Option<MessageId>,
}

/// Somebody whom a message mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The user.
    pub user: User,
    /// The same as a member, if in the message's server.
    pub member: Option<Member>,
}

#[derive(Deserialize)]
struct Frame {
    d: Payload,
}

#[derive(Deserialize)]
struct Payload {
    id: MessageId,
    channel_id: ChannelId,
    #[serde(default)]
    guild_id: Option<GuildId>,
    author: User,
    #[serde(default)]
    member: Option<PartialMember>,
    #[serde(default)]
    webhook_id: Option<UserId>,
    content: String,
    #[serde(default)]
    mentions: Vec<RawMention>,
    #[serde(default)]
    attachments: Vec<Attachment>,
    #[serde(default)]
    message_reference: Option<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    /// 0 or absent for a reply, 1 for a message that is passed on.
    #[serde(default, rename = "type")]
    kind: u8,
    #[serde(default)]
    message_id: Option<MessageId>,
}

#[derive(Deserialize)]
struct RawMention {
    id: UserId,
    username: String,
    #[serde(default)]
    global_name: Option<String>,
    #[serde(default)]
    avatar: Option<String>,
    #[serde(default)]
    bot: bool,
    #[serde(default)]
    member: Option<PartialMember>,
}

impl Message {
    /// Decodes a whole `MESSAGE_CREATE` (or `MESSAGE_UPDATE`) payload, `{"t":..,"d":{..}}`.
    ///
    /// # Errors
    ///
    /// The payload is no such object; says where.
    pub fn decode(payload: &str) -> Result<Self, serde_json::Error> {
        let message = serde_json::from_str::<Frame>(payload)?.d;
        let guild_id = message.guild_id;
        let complete = |member: Option<PartialMember>, user: &User| {
            guild_id.and_then(|guild_id| Some(member?.complete(user.clone(), guild_id)))
        };
        let mentions = message.mentions.into_iter().map(|raw| {
            let user = User {
                id: raw.id,
                username: raw.username,
                global_name: raw.global_name,
                avatar: raw.avatar,
                bot: raw.bot,
            };
            Mention {
                member: complete(raw.member, &user),
                user,
            }
        });
        Ok(Self {
            id: message.id,
            channel_id: message.channel_id,
            guild_id,
            mentions: mentions.collect(),
            member: complete(message.member, &message.author),
            author: message.author,
            is_webhook: message.webhook_id.is_some(),
            content: message.content,
            attachments: message.attachments,
            replies_to: message
                .message_reference
                .filter(|reference| reference.kind == 0)
                .and_then(|reference| reference.message_id),
        })
    }
}

impl From<Message> for ReceivedMessage {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            channel_id: message.channel_id,
            guild_id: message.guild_id,
            author: message.author,
            member: message.member,
            content: message.content,
            attachments: message.attachments,
            replies_to: message.replies_to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_a_server_is_decoded_with_its_members() {
        let payload = r#"{"t":"MESSAGE_CREATE","s":7,"op":0,"d":{"id":"10","channel_id":"20","guild_id":"30",
            "author":{"id":"1","username":"alice","global_name":null,"avatar":"abc","discriminator":"0"},
            "member":{"nick":"Al","roles":["31"],"joined_at":"2020-01-01T00:00:00Z","deaf":false,"mute":false},
            "content":"!ban <@2> \"too\" loud","timestamp":"2026-01-01T00:00:00Z","tts":false,"embeds":[],
            "mentions":[{"id":"2","username":"bob","bot":true,"member":{"nick":null,"roles":[]}},{"id":"3","username":"gone"}],
            "referenced_message":{"id":"9","channel_id":"20","author":{"id":"5","username":"x"},"content":"no"}}}"#;
        let message = Message::decode(payload).unwrap();
        assert_eq!(message.content, "!ban <@2> \"too\" loud");
        assert_eq!(message.guild_id, GuildId::new(30));
        assert_eq!(message.author.username, "alice");
        let member = message.member.unwrap();
        assert_eq!((member.nick.as_deref(), member.roles.len()), (Some("Al"), 1));
        assert_eq!(member.user, message.author);
        let bob = &message.mentions[0];
        assert!(bob.user.bot);
        assert_eq!(bob.member.as_ref().unwrap().guild_id.get(), 30);
        assert_eq!(message.mentions[1].member, None);
        assert!(!message.is_webhook);
        assert_eq!(message.replies_to, None);
    }

    #[test]
    fn direct_messages_and_webhooks_have_no_member() {
        let payload = r#"{"t":"MESSAGE_CREATE","s":7,"op":0,"d":{"id":"10","channel_id":"20","webhook_id":"4",
            "author":{"id":"4","username":"hook"},"content":""}}"#;
        let message = Message::decode(payload).unwrap();
        assert_eq!((message.member, message.guild_id), (None, None));
        assert!(message.is_webhook);
        assert!(Message::decode(r#"{"t":"MESSAGE_CREATE","d":{"id":"10"}}"#).is_err());
    }
}
