//! The JSON Schema of config.json, made from the table of keys: editors complete and check with it.
//!
//! Draft 7, which every editor knows (<https://json-schema.org/draft-07>). Where people's habits differ from it (the case
//! of a word), the bot is the more lenient of the two.

use serde_json::{Map, Value, json};

use super::{
    keys::{self, FOREIGN, Kind, SCHEMA},
    resolved,
};

/// The schema's file name, beside config.json.
pub const FILE: &str = "config.schema.json";
/// How config.json names it.
pub(super) const REFERENCE: &str = "./config.schema.json";

/// What a plugin's name looks like.
const PLUGIN: &str = "^(?!_comment)[a-z0-9_-]{1,32}$";

/// The schema's text.
#[must_use]
pub fn schema() -> String {
    let mut root = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The bot's settings",
        "description": "A key that is left out has its default. A change counts when the file is saved, unless the key \
                        says otherwise.",
    });
    if let (Value::Object(root), Value::Object(settings)) = (&mut root, object("")) {
        root.extend(settings);
    }
    let mut text = serde_json::to_string_pretty(&root).unwrap_or_default();
    text.push('\n');
    text
}

/// Of the object at a path: the empty one is the file itself.
fn object(path: &str) -> Value {
    let mut properties = Map::new();
    if path.is_empty() {
        properties.insert(SCHEMA.to_owned(), json!({ "type": "string" }));
    }
    for name in keys::names_below(path) {
        let below = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        let value = keys::find(&below).map_or_else(
            || object(&below),
            |key| {
                let mut value = of_kind(key.kind);
                let when = match key.counts {
                    keys::Counts::AtOnce => "",
                    keys::Counts::AtStart => " A change counts from the next start on.",
                };
                value["description"] = json!(format!("{}{when}", key.about));
                value["default"] = key.default.clone();
                value
            },
        );
        properties.insert(name.to_owned(), value);
    }
    for foreign in FOREIGN {
        let (above, name) = foreign.rsplit_once('.').unwrap_or(("", foreign));
        if above == path {
            properties.insert(name.to_owned(), json!({ "description": "Does nothing here." }));
        }
    }
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^_comment": {} },
        "additionalProperties": false,
    })
}

fn of_kind(kind: Kind) -> Value {
    let id = json!({ "type": "string", "pattern": "^[0-9]{17,20}$" });
    let text = json!({ "type": "string" });
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer(min, i64::MAX) => json!({ "type": "integer", "minimum": min }),
        Kind::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number(min, max) => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Text(min, max) => json!({ "type": "string", "minLength": min, "maxLength": max }),
        Kind::Word(min, max) => {
            json!({ "type": "string", "minLength": min, "maxLength": max, "pattern": "^\\S*$" })
        }
        Kind::StreamUrl => json!({ "type": "string", "pattern": STREAM, "maxLength": 512 }),
        Kind::Choice(choices) => json!({ "type": "string", "enum": choices }),
        Kind::OptionalId => json!({ "type": ["string", "null"], "pattern": "^[0-9]{17,20}$" }),
        Kind::Ids => json!({ "type": "array", "items": id, "uniqueItems": true }),
        Kind::Texts => json!({ "type": "array", "items": text, "uniqueItems": true }),
        Kind::Colour => json!({ "type": "string", "pattern": "^(#|0x)[0-9a-fA-F]{6}$" }),
        Kind::Intents => json!({ "oneOf": [
            { "type": "string", "const": "auto" },
            { "type": "array", "items": { "type": "string", "enum": resolved::intent_names() }, "uniqueItems": true },
        ] }),
        Kind::Statuses => json!({ "type": "array", "items": { "oneOf": [
            { "type": "string", "maxLength": 128 },
            {
                "type": "object",
                "properties": {
                    "type": { "type": "string", "enum": keys::ACTIVITIES },
                    "text": { "type": "string", "maxLength": 128 },
                    "presence": { "type": "string", "enum": keys::PRESENCES },
                    "url": { "type": "string", "pattern": STREAM, "maxLength": 512 },
                },
                "patternProperties": { "^_comment": {} },
                "required": ["text"],
                "additionalProperties": false,
            },
        ] } }),
        Kind::Levels => json!({
            "type": "object",
            "patternProperties": { "^_comment": {} },
            "additionalProperties": { "type": "string", "enum": keys::LEVELS },
        }),
        Kind::Grants => plugins(&json!({ "type": "array", "items": text, "uniqueItems": true })),
        Kind::Replies => json!({
            "type": "object",
            "patternProperties": { "^_comment": {} },
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "success_delete_after": { "type": "number", "minimum": 0, "maximum": 86_400 },
                    "invocation_delete_after": { "type": "number", "minimum": 0, "maximum": 86_400 },
                },
                "patternProperties": { "^_comment": {} },
                "additionalProperties": false,
            },
        }),
        Kind::Priorities => json!({
            "type": "object",
            "patternProperties": { "^_comment": {} },
            "additionalProperties": { "type": "integer" },
        }),
        Kind::GuildLists => plugins(&json!({ "type": "array", "items": id, "uniqueItems": true })),
        Kind::Sections => plugins(&json!({ "type": "object" })),
        Kind::Object => json!({ "type": "object" }),
    }
}

/// Nothing, or a stream on a site that Discord shows.
const STREAM: &str = "^$|^https://(www\\.)?(twitch\\.tv|youtube\\.com)/.+";

fn plugins(value: &Value) -> Value {
    json!({
        "type": "object",
        "patternProperties": { PLUGIN: value, "^_comment": {} },
        "additionalProperties": false,
    })
}
