//! A part of the answer to a request for members, decoded from the gateway's payload.
//!
//! Done only for requests of plugins; the cache has no use for it.

use plugin_protocol::{GuildId, Member, UserId};
use serde::Deserialize;

use super::partial::PartialMember;

/// A `GUILD_MEMBERS_CHUNK` (<https://discord.com/developers/docs/events/gateway-events#guild-members-chunk>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersChunk {
    /// Which request it answers.
    pub nonce: Option<String>,
    /// How many parts there are.
    pub count: u32,
    /// The members of this part.
    pub members: Vec<Member>,
    /// Which ids are no members.
    pub not_found: Vec<UserId>,
}

impl MembersChunk {
    /// Decodes a whole payload, `{"t":..,"d":{..}}`.
    ///
    /// # Errors
    ///
    /// The payload is no such object; says where.
    pub fn decode(payload: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Frame {
            d: Payload,
        }
        #[derive(Deserialize)]
        struct Payload {
            guild_id: GuildId,
            #[serde(default)]
            nonce: Option<String>,
            chunk_count: u32,
            members: Vec<PartialMember>,
            #[serde(default)]
            not_found: Vec<UserId>,
        }
        let chunk = serde_json::from_str::<Frame>(payload)?.d;
        let complete = |mut member: PartialMember| {
            let user = member.user.take()?;
            Some(member.complete(user, chunk.guild_id))
        };
        Ok(Self {
            nonce: chunk.nonce,
            count: chunk.chunk_count,
            members: chunk.members.into_iter().filter_map(complete).collect(),
            not_found: chunk.not_found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_decoded_with_whom_it_does_not_have() {
        let payload = r#"{"t":"GUILD_MEMBERS_CHUNK","d":{"guild_id":"30","members":[{"user":{"id":"1","username":"alice"},
            "nick":"Al","roles":[]},{"roles":[]}],"chunk_index":0,"chunk_count":2,"not_found":["7"],"nonce":"n"}}"#;
        let chunk = MembersChunk::decode(payload).unwrap();
        assert_eq!(
            (chunk.nonce.as_deref(), chunk.count, chunk.members.len()),
            (Some("n"), 2, 1)
        );
        assert_eq!(chunk.members[0].nick.as_deref(), Some("Al"));
        assert_eq!(chunk.not_found, [UserId::new(7).unwrap()]);
        assert!(MembersChunk::decode(r#"{"d":{"guild_id":"30"}}"#).is_err());
    }
}
