//! A reaction that somebody put on a message, decoded from the gateway's payload.
//!
//! Done only for reactions that a plugin's function waits for.

use plugin_protocol::{ChannelId, Emoji, EmojiId, GuildId, MessageId, ReceivedReaction, UserId};
use serde::Deserialize;

use super::partial::PartialMember;

/// Decodes a whole `MESSAGE_REACTION_ADD` payload, `{"t":..,"d":{..}}`.
///
/// # Errors
///
/// The payload is no such object; says where.
pub fn decode(payload: &str) -> Result<ReceivedReaction, serde_json::Error> {
    #[derive(Deserialize)]
    struct Frame {
        d: Payload,
    }
    #[derive(Deserialize)]
    struct Payload {
        user_id: UserId,
        #[serde(default)]
        member: Option<PartialMember>,
        #[serde(default)]
        guild_id: Option<GuildId>,
        channel_id: ChannelId,
        message_id: MessageId,
        emoji: RawEmoji,
    }
    #[derive(Deserialize)]
    struct RawEmoji {
        #[serde(default)]
        id: Option<EmojiId>,
        /// Absent of one that was deleted.
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        animated: bool,
    }
    let reaction = serde_json::from_str::<Frame>(payload)?.d;
    let member = reaction.member.zip(reaction.guild_id).and_then(|(mut member, guild)| {
        let user = member.user.take()?;
        Some(member.complete(user, guild))
    });
    Ok(ReceivedReaction {
        user_id: reaction.user_id,
        member,
        guild_id: reaction.guild_id,
        channel_id: reaction.channel_id,
        message_id: reaction.message_id,
        emoji: Emoji {
            id: reaction.emoji.id,
            name: reaction.emoji.name.unwrap_or_default(),
            animated: reaction.emoji.animated,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_of_servers_and_of_direct_messages_are_decoded() {
        let payload = r#"{"t":"MESSAGE_REACTION_ADD","d":{"user_id":"1","channel_id":"20","message_id":"10","guild_id":"30",
            "member":{"user":{"id":"1","username":"alice"},"roles":["31"]},"message_author_id":"2","burst":false,"type":0,
            "emoji":{"id":null,"name":"👍"}}}"#;
        let reaction = decode(payload).unwrap();
        assert_eq!(reaction.emoji.name, "👍");
        assert_eq!(
            reaction.member.map(|member| member.user.username).as_deref(),
            Some("alice")
        );
        let payload = r#"{"d":{"user_id":"1","channel_id":"20","message_id":"10","emoji":{"id":"5","name":null}}}"#;
        let reaction = decode(payload).unwrap();
        assert_eq!((reaction.member, reaction.emoji.id), (None, EmojiId::new(5)));
        assert!(decode(r#"{"d":{}}"#).is_err());
    }
}
