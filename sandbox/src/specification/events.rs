//! Which parts of gateway events are objects that the file describes, since events carry the same ones as answers.
//!
//! The file itself says nothing about the gateway. What an event adds (a guild's id, a member) is not in its schemas and
//! passes.

use jsonschema::Registry;
use serde_json::{Value, json};

use super::{
    ANSWERS,
    rule::{Finding, Rule},
};

/// Event, place in its data (`*` is every element of a list), schema.
pub(super) const PARTS: &[(&str, &str, &str)] = &[
    ("MESSAGE_CREATE", "", "MessageResponse"),
    ("MESSAGE_UPDATE", "", "MessageResponse"),
    ("GUILD_MEMBER_ADD", "", "GuildMemberResponse"),
    ("CHANNEL_CREATE", "", "GuildChannelResponse"),
    ("CHANNEL_UPDATE", "", "GuildChannelResponse"),
    ("CHANNEL_DELETE", "", "GuildChannelResponse"),
    ("GUILD_ROLE_CREATE", "role", "GuildRoleResponse"),
    ("GUILD_ROLE_UPDATE", "role", "GuildRoleResponse"),
    ("GUILD_BAN_ADD", "user", "UserResponse"),
    ("GUILD_BAN_REMOVE", "user", "UserResponse"),
    ("GUILD_MEMBER_REMOVE", "user", "UserResponse"),
    ("GUILD_MEMBER_UPDATE", "user", "UserResponse"),
    ("MESSAGE_REACTION_ADD", "member", "GuildMemberResponse"),
    ("TYPING_START", "member", "GuildMemberResponse"),
    ("USER_UPDATE", "", "UserPIIResponse"),
    ("GUILD_UPDATE", "", "GuildResponse"),
    ("GUILD_CREATE", "roles/*", "GuildRoleResponse"),
    ("GUILD_CREATE", "members/*", "GuildMemberResponse"),
    ("GUILD_CREATE", "channels/*", "GuildChannelResponse"),
    ("GUILD_CREATE", "emojis/*", "EmojiResponse"),
    ("GUILD_CREATE", "stickers/*", "GuildStickerResponse"),
    ("GUILD_CREATE", "threads/*", "ThreadResponse"),
    ("GUILD_AUDIT_LOG_ENTRY_CREATE", "", "AuditLogEntryResponse"),
    ("GUILD_EMOJIS_UPDATE", "emojis/*", "EmojiResponse"),
    ("GUILD_STICKERS_UPDATE", "stickers/*", "GuildStickerResponse"),
    ("VOICE_STATE_UPDATE", "", "VoiceStateResponse"),
    ("INVITE_CREATE", "inviter", "UserResponse"),
    ("GUILD_MEMBERS_CHUNK", "members/*", "GuildMemberResponse"),
    ("THREAD_CREATE", "", "ThreadResponse"),
    ("THREAD_UPDATE", "", "ThreadResponse"),
    ("GUILD_CREATE", "", "GuildResponse"),
    ("GUILD_CREATE", "voice_states/*/member", "GuildMemberResponse"),
    ("THREAD_LIST_SYNC", "threads/*", "ThreadResponse"),
    ("THREAD_LIST_SYNC", "members/*", "ThreadMemberResponse"),
    ("THREAD_MEMBERS_UPDATE", "added_members/*", "ThreadMemberResponse"),
    ("STAGE_INSTANCE_CREATE", "", "StageInstanceResponse"),
    ("STAGE_INSTANCE_UPDATE", "", "StageInstanceResponse"),
    ("STAGE_INSTANCE_DELETE", "", "StageInstanceResponse"),
    ("GUILD_CREATE", "stage_instances/*", "StageInstanceResponse"),
    ("READY", "user", "UserPIIResponse"),
    (
        "APPLICATION_COMMAND_PERMISSIONS_UPDATE",
        "",
        "CommandPermissionsResponse",
    ),
    ("INTERACTION_CREATE", "message", "MessageResponse"),
    ("INTERACTION_CREATE", "member", "GuildMemberResponse"),
    ("INTERACTION_CREATE", "user", "UserResponse"),
    ("INTERACTION_CREATE", "data/resolved/users/*", "UserResponse"),
    ("INTERACTION_CREATE", "data/resolved/roles/*", "GuildRoleResponse"),
    ("INTERACTION_CREATE", "data/resolved/messages/*", "MessageResponse"),
    (
        "INTERACTION_CREATE",
        "data/resolved/attachments/*",
        "MessageAttachmentResponse",
    ),
];

#[derive(Debug)]
pub(super) struct Events {
    parts: Vec<(&'static str, &'static str, Rule)>,
}

impl Events {
    /// Those whose schemas a document has.
    pub(super) fn new(document: &Value) -> Self {
        let known = PARTS
            .iter()
            .filter(|(_, _, schema)| document["components"]["schemas"].get(schema).is_some());
        let rule = |schema: &str| Rule::new(&json!({ "$ref": format!("#/components/schemas/{schema}") }), ANSWERS);
        Self {
            parts: known
                .map(|(event, place, schema)| (*event, *place, rule(schema)))
                .collect(),
        }
    }

    pub(super) fn check(&self, registry: &Registry<'_>, event: &str, data: &Value) -> Vec<Finding> {
        let mut found = Vec::new();
        for (_, place, rule) in self.parts.iter().filter(|(name, ..)| *name == event) {
            for (pointer, value) in at(data, place) {
                found.extend(rule.check(registry, value, &pointer));
            }
        }
        found
    }
}

/// The values at a place, with their pointers; none where the place is empty.
fn at<'a>(data: &'a Value, place: &str) -> Vec<(String, &'a Value)> {
    let mut found = vec![("data".to_owned(), data)];
    for part in place.split('/').filter(|part| !part.is_empty()) {
        let inner = |(pointer, value): (String, &'a Value)| -> Vec<(String, &'a Value)> {
            let below = |key: &str| format!("{pointer}/{key}");
            match value {
                Value::Array(list) if part == "*" => list
                    .iter()
                    .enumerate()
                    .map(|(n, one)| (below(&n.to_string()), one))
                    .collect(),
                Value::Object(map) if part == "*" => map.iter().map(|(key, one)| (below(key), one)).collect(),
                Value::Object(map) => map.get(part).map(|one| (below(part), one)).into_iter().collect(),
                _ => Vec::new(),
            }
        };
        found = found.into_iter().flat_map(inner).collect();
    }
    found.retain(|(_, value)| !value.is_null());
    found
}
