//! Discord's error answers: JSON codes with their texts and statuses, and form errors with the path of each fault
//! (<https://discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes>).

use serde_json::{Map, Value, json};

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: u64,
    pub(crate) message: String,
    pub(crate) errors: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: u64, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            errors: None,
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        body
    }

    /// A fault at one place of the body, its path with dots (`embeds.0.title`).
    pub(crate) fn at(path: &str, code: &str, message: &str) -> Self {
        let mut faults = Faults::default();
        faults.add(path, code, message);
        faults.refusal()
    }

    /// A missing permission, by its name.
    pub(crate) fn permission(bit: u64) -> Self {
        tracing::debug!(
            permission = crate::world::permissions::name(bit),
            "the bot lacks a permission"
        );
        MISSING_PERMISSIONS.into()
    }
}

/// A refusal without particulars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known(u16, u64, &'static str);

impl From<Known> for Refusal {
    fn from(Known(status, code, message): Known) -> Self {
        Self::new(status, code, message)
    }
}

pub(crate) const NOT_FOUND: Known = Known(404, 0, "404: Not Found");
pub(crate) const METHOD_NOT_ALLOWED: Known = Known(405, 0, "405: Method Not Allowed");
pub(crate) const UNAUTHORIZED: Known = Known(401, 0, "401: Unauthorized");
pub(crate) const UNKNOWN_APPLICATION: Known = Known(404, 10002, "Unknown Application");
pub(crate) const UNKNOWN_CHANNEL: Known = Known(404, 10003, "Unknown Channel");
pub(crate) const UNKNOWN_GUILD: Known = Known(404, 10004, "Unknown Guild");
pub(crate) const UNKNOWN_MEMBER: Known = Known(404, 10007, "Unknown Member");
pub(crate) const UNKNOWN_MESSAGE: Known = Known(404, 10008, "Unknown Message");
pub(crate) const UNKNOWN_ROLE: Known = Known(404, 10011, "Unknown Role");
pub(crate) const UNKNOWN_USER: Known = Known(404, 10013, "Unknown User");
pub(crate) const UNKNOWN_EMOJI: Known = Known(400, 10014, "Unknown Emoji");
pub(crate) const UNKNOWN_WEBHOOK: Known = Known(404, 10015, "Unknown Webhook");
pub(crate) const UNKNOWN_BAN: Known = Known(404, 10026, "Unknown Ban");
pub(crate) const UNKNOWN_INVITE: Known = Known(404, 10006, "Unknown Invite");
pub(crate) const UNKNOWN_OVERWRITE: Known = Known(404, 10009, "Unknown Overwrite");
pub(crate) const NO_SUCH_EMOJI: Known = Known(404, 10014, "Unknown Emoji");
pub(crate) const UNKNOWN_STICKER: Known = Known(404, 10060, "Unknown sticker");
pub(crate) const UNKNOWN_VOICE_STATE: Known = Known(404, 10065, "Unknown Voice State");
pub(crate) const UNKNOWN_STAGE: Known = Known(404, 10067, "Unknown Stage Instance");
pub(crate) const UNKNOWN_WELCOME_SCREEN: Known = Known(404, 10069, "Unknown Guild Welcome Screen");
pub(crate) const UNKNOWN_EVENT: Known = Known(404, 10070, "Unknown Guild Scheduled Event");
pub(crate) const TOO_MANY_ROLES: Known = Known(400, 30005, "Maximum number of guild roles reached (250)");
pub(crate) const TOO_MANY_EVENTS: Known = Known(
    400,
    30038,
    "Maximum number of uncompleted guild scheduled events reached (100)",
);
pub(crate) const EVENT_OVER: Known = Known(400, 180_000, "Cannot update a finished event");
pub(crate) const STAGE_OPEN: Known = Known(400, 150_006, "The Stage is already open");
pub(crate) const TOO_MANY_EMOJIS: Known = Known(400, 30008, "Maximum number of emojis reached (50)");
pub(crate) const TOO_MANY_CHANNELS: Known = Known(400, 30013, "Maximum number of guild channels reached (500)");
pub(crate) const TOO_MANY_INVITES: Known = Known(400, 30016, "Maximum number of invites reached (1000)");
pub(crate) const TOO_MANY_ANIMATED: Known = Known(400, 30018, "Maximum number of animated emojis reached (50)");
pub(crate) const NOT_IN_VOICE: Known = Known(400, 40032, "Target user is not connected to voice.");
pub(crate) const WIDGET_DISABLED: Known = Known(403, 50004, "Widget Disabled");
pub(crate) const COMMUNITY_CHANNEL: Known = Known(400, 50074, "Cannot delete a channel required for Community guilds");
pub(crate) const NEEDS_BOOSTS: Known = Known(403, 50101, "This server needs more boosts to perform this action");
pub(crate) const BANS_FAILED: Known = Known(400, 500_000, "Failed to ban users");
pub(crate) const UNKNOWN_TAG: Known = Known(404, 10087, "Unknown tag");
pub(crate) const TAG_REQUIRED: Known = Known(400, 40067, "A tag is required to create a forum post in this channel");
pub(crate) const UNKNOWN_INTERACTION: Known = Known(404, 10062, "Unknown interaction");
pub(crate) const UNKNOWN_COMMAND: Known = Known(404, 10063, "Unknown application command");
pub(crate) const TOO_MANY_NEW_COMMANDS: Known = Known(
    400,
    30034,
    "Max number of daily application command creates has been reached (200)",
);
pub(crate) const TOO_MANY_PINS: Known = Known(400, 30003, "Maximum number of pins reached for the channel (250)");
pub(crate) const TOO_MANY_WEBHOOKS: Known = Known(400, 30007, "Maximum number of webhooks reached (15)");
pub(crate) const TOO_MANY_REACTIONS: Known = Known(400, 30010, "Maximum number of reactions reached (20)");
pub(crate) const ALREADY_CROSSPOSTED: Known = Known(400, 40033, "This message has already been crossposted.");
pub(crate) const SYSTEM_MESSAGE: Known = Known(403, 50021, "Cannot execute action on a system message");
pub(crate) const INVALID_STICKER: Known = Known(400, 50081, "Invalid sticker sent");
pub(crate) const VOICE_WITH_MORE: Known = Known(400, 50159, "Voice messages do not support additional content.");
pub(crate) const VOICE_WITHOUT_AUDIO: Known = Known(400, 50160, "Voice messages must have a single audio attachment.");
pub(crate) const VOICE_WITHOUT_DATA: Known = Known(400, 50161, "Voice messages must have supporting metadata.");
pub(crate) const VOICE_EDITED: Known = Known(400, 50162, "Voice messages cannot be edited.");
pub(crate) const NO_MUTUAL_GUILDS: Known = Known(
    403,
    50278,
    "Cannot send messages to this user due to having no mutual guilds",
);
pub(crate) const REPLY_WITHOUT_HISTORY: Known =
    Known(403, 160_002, "Cannot reply without permission to read message history");
pub(crate) const FORWARD_WITH_MORE: Known = Known(400, 160_011, "Forward messages cannot have additional content");
pub(crate) const FORWARD_UNREADABLE: Known = Known(
    403,
    160_014,
    "You cannot forward a message whose content you cannot read",
);
pub(crate) const FORUM_WEBHOOK_WITHOUT_THREAD: Known = Known(
    400,
    220_001,
    "Webhooks posted to forum channels must have a thread_name or thread_id",
);
pub(crate) const FORUM_WEBHOOK_WITH_BOTH: Known = Known(
    400,
    220_002,
    "Webhooks posted to forum channels cannot have both a thread_name and thread_id",
);
pub(crate) const WEBHOOK_THREAD_ELSEWHERE: Known =
    Known(400, 220_003, "Webhooks can only create threads in forum channels");
pub(crate) const POLL_EXPIRED: Known = Known(400, 520_001, "Poll expired");
pub(crate) const POLL_EDITED: Known = Known(400, 520_003, "Cannot edit a poll message");
pub(crate) const NO_POLL: Known = Known(400, 520_006, "Cannot expire a non-poll message");
pub(crate) const TOO_LARGE: Known = Known(413, 40005, "Request entity too large");
pub(crate) const ALREADY_ACKNOWLEDGED: Known = Known(400, 40060, "Interaction has already been acknowledged.");
pub(crate) const MISSING_ACCESS: Known = Known(403, 50001, "Missing Access");
pub(crate) const NOT_IN_DIRECT: Known = Known(403, 50003, "Cannot execute action on a DM channel");
pub(crate) const OTHERS_MESSAGE: Known = Known(403, 50005, "Cannot edit a message authored by another user");
pub(crate) const EMPTY_MESSAGE: Known = Known(400, 50006, "Cannot send an empty message");
pub(crate) const CANNOT_DIRECT: Known = Known(403, 50007, "Cannot send messages to this user");
pub(crate) const NO_TEXT_CHANNEL: Known = Known(400, 50008, "Cannot send messages in a non-text channel");
pub(crate) const MISSING_PERMISSIONS: Known = Known(403, 50013, "Missing Permissions");
pub(crate) const BULK_COUNT: Known = Known(
    400,
    50016,
    "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete",
);
pub(crate) const INVALID_WEBHOOK_TOKEN: Known = Known(401, 50027, "Invalid Webhook Token");
pub(crate) const INVALID_ROLE: Known = Known(400, 50028, "Invalid Role");
pub(crate) const BULK_AGE: Known = Known(
    400,
    50034,
    "You can only bulk delete messages that are under 14 days old.",
);
pub(crate) const WRONG_CHANNEL_TYPE: Known = Known(400, 50024, "Cannot execute action on this channel type");
pub(crate) const THREAD_ARCHIVED: Known = Known(400, 50083, "Thread is archived");
pub(crate) const THREAD_EXISTS: Known = Known(400, 160_004, "A thread has already been created for this message");
pub(crate) const THREAD_LOCKED: Known = Known(400, 160_005, "Thread is locked");
pub(crate) const INVALID_JSON: Known = Known(400, 50109, "The request body contains invalid JSON.");

/// Form errors, collected: Discord tells all of them at once.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Map<String, Value>,
}

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Notes a fault at `path` (parts joined by dots; empty for the body as a whole).
    pub(crate) fn add(&mut self, path: &str, code: &str, message: &str) {
        let mut place = &mut self.found;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let next = place.entry(part).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = next else { return };
            place = inner;
        }
        let list = place.entry("_errors").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!({ "code": code, "message": message }));
        }
    }

    /// All of them as one refusal. What is wrong with a list or object itself is told instead of what is in it, never
    /// beside it.
    pub(crate) fn refusal(mut self) -> Refusal {
        self.found.values_mut().for_each(own_first);
        Refusal {
            status: 400,
            code: 50035,
            message: "Invalid Form Body".to_owned(),
            errors: Some(Value::Object(self.found)),
        }
    }

    /// Nothing, or all of them as one refusal.
    pub(crate) fn result(self) -> Result<(), Refusal> {
        if self.is_empty() { Ok(()) } else { Err(self.refusal()) }
    }
}

/// Below a fault of its own, a place tells nothing more.
fn own_first(place: &mut Value) {
    let Some(fields) = place.as_object_mut() else { return };
    if fields.contains_key("_errors") {
        fields.retain(|key, _| key == "_errors");
    } else {
        fields.values_mut().for_each(own_first);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Faults;

    #[test]
    fn form_errors_nest_by_path() {
        let mut faults = Faults::default();
        faults.add(
            "embeds.0.title",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 256 or fewer in length.",
        );
        faults.add("embeds.0.title", "B", "b");
        faults.add("", "C", "c");
        assert_eq!(
            faults.refusal().json(),
            json!({
                "message": "Invalid Form Body",
                "code": 50035,
                "errors": {
                    "embeds": { "0": { "title": { "_errors": [
                        { "code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 256 or fewer in length." },
                        { "code": "B", "message": "b" },
                    ] } } },
                    "_errors": [{ "code": "C", "message": "c" }],
                },
            })
        );
    }
}
