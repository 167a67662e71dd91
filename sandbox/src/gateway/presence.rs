//! The presence that a bot shows, in IDENTIFY or by itself
//! (<https://discord.com/developers/docs/events/gateway-events#update-presence>).
//!
//! `game` and a null status are legacies that client libraries still send.

use serde_json::{Value, json};

use super::{close::Close, fields::Fields};

/// Statuses that a client may set.
const STATUSES: [&str; 5] = ["online", "dnd", "idle", "invisible", "offline"];
/// What an activity may have; of these, bots can set name, state, type and url.
const ACTIVITY: [&str; 23] = [
    "name",
    "type",
    "url",
    "state",
    "details",
    "created_at",
    "timestamps",
    "application_id",
    "status_display_type",
    "details_url",
    "state_url",
    "emoji",
    "party",
    "assets",
    "secrets",
    "instance",
    "flags",
    "buttons",
    "id",
    "session_id",
    "sync_id",
    "platform",
    "metadata",
];

/// Checks a presence, and gives what others see of it.
pub(super) fn read(value: &Value, place: &str) -> Result<Value, Close> {
    let fields = Fields::new(value, place, &["since", "activities", "status", "afk", "game"])?;
    // Serenity writes a moment as an object; Discord takes it.
    if !fields.get("since").is_some_and(Value::is_object) {
        fields.number("since")?;
    }
    fields.flag("afk")?;
    let status = fields.text("status")?.unwrap_or("online");
    if !STATUSES.contains(&status) {
        return Err(fields.wrong("status", "must be online, dnd, idle, invisible or offline"));
    }
    let mut activities = Vec::new();
    for one in fields
        .list("activities")?
        .unwrap_or_default()
        .iter()
        .chain(fields.get("game"))
    {
        activities.push(activity(one, place)?);
    }
    Ok(json!({ "status": status, "activities": activities }))
}

fn activity(value: &Value, place: &str) -> Result<Value, Close> {
    let place = format!("{place}.activities");
    let fields = Fields::new(value, &place, &ACTIVITY)?;
    let name = fields.required("name", fields.text("name")?)?;
    if !(1..=128).contains(&name.chars().count()) {
        return Err(fields.wrong("name", "must have 1 to 128 characters"));
    }
    let kind = fields.required("type", fields.number("type")?)?;
    if kind > 5 {
        return Err(fields.wrong("type", "must be 0 to 5"));
    }
    let mut shown = json!({ "name": name, "type": kind });
    for key in ["url", "state"] {
        if let Some(text) = fields.text(key)? {
            shown[key] = json!(text);
        }
    }
    Ok(shown)
}
