//! Application commands: names, descriptions, options, choices, and the limits of a whole set
//! (<https://discord.com/developers/docs/interactions/application-commands>).

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{
    Fields,
    option::{is_slash_name, localizations, options},
    text_length,
};
use crate::rest::errors::{Faults, Refusal};

/// Characters of names, descriptions and values over a whole command.
const LARGEST: usize = 8000;
/// Commands of each type in one scope: slash, user, message, entry point.
const MOST: [(i64, usize, &str); 4] = [
    (1, 100, "CHAT_INPUT"),
    (2, 15, "USER"),
    (3, 15, "MESSAGE"),
    (ENTRY_POINT, 1, "PRIMARY_ENTRY_POINT"),
];
/// The command that starts an application's activity.
const ENTRY_POINT: i64 = 4;

const KEYS: &[&str] = &[
    "id",
    "application_id",
    "guild_id",
    "version",
    "type",
    "name",
    "name_localized",
    "name_localizations",
    "description",
    "description_localized",
    "description_localizations",
    "options",
    "default_member_permissions",
    "dm_permission",
    "default_permission",
    "contexts",
    "integration_types",
    "nsfw",
    "handler",
];

/// Checks a command and gives it as Discord answers it, without ids. `before` is what an edit starts from.
pub(crate) fn command(value: &Value, path: &str, before: Option<&Value>, is_guild: bool, faults: &mut Faults) -> Value {
    let fields = Fields::new(value, path, KEYS, faults);
    let mut whole = before.and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, field) in value.as_object().into_iter().flatten() {
        whole.insert(key.clone(), field.clone());
    }
    let whole = Value::Object(whole);
    let fields = if before.is_some() {
        Fields::new(&whole, path, KEYS, faults)
    } else {
        fields
    };
    let kind = fields.integer("type", 1..=4, faults).unwrap_or(1);
    fields.required("name", faults);
    let name = fields.text("name", 1..=32, faults).unwrap_or_default();
    if kind == 1 && !name.is_empty() && !is_slash_name(name) {
        faults.add(
            &fields.at("name"),
            "APPLICATION_COMMAND_INVALID_NAME",
            "Command name is invalid",
        );
    }
    if kind == ENTRY_POINT && is_guild {
        faults.add(
            &fields.at("type"),
            "APPLICATION_COMMAND_INVALID_TYPE",
            "An entry point is a global command.",
        );
    }
    let handler = fields.integer("handler", 1..=2, faults);
    if kind != ENTRY_POINT && handler.is_some() {
        faults.add(
            &fields.at("handler"),
            "APPLICATION_COMMAND_INVALID_HANDLER",
            "Only an entry point has a handler.",
        );
    }
    if kind == 1 || kind == ENTRY_POINT {
        fields.required("description", faults);
        fields.text("description", 1..=100, faults);
    } else if fields.get("description").is_some_and(|text| text != "") {
        faults.add(
            &fields.at("description"),
            "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_EMPTY",
            "Context menu commands cannot have description",
        );
    }
    // Of each text, the longest language counts.
    let described = fields.get("description").and_then(Value::as_str).map_or(0, text_length);
    let mut size = localizations(&fields, "name_localizations", 32, kind == 1, faults).max(text_length(name));
    size += localizations(&fields, "description_localizations", 100, false, faults).max(described);
    let mut out = Map::new();
    out.insert("type".to_owned(), json!(kind));
    out.insert("name".to_owned(), json!(name));
    out.insert("name_localizations".to_owned(), whole["name_localizations"].clone());
    out.insert(
        "description".to_owned(),
        json!(whole["description"].as_str().unwrap_or_default().trim()),
    );
    out.insert(
        "description_localizations".to_owned(),
        whole["description_localizations"].clone(),
    );
    if let Some(list) = fields.list("options", 0..=25, faults) {
        if kind != 1 && !list.is_empty() {
            faults.add(
                &fields.at("options"),
                "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_NOT_EMPTY",
                "Context menu commands cannot have options",
            );
        }
        let read = options(list, &fields.at("options"), 0, &mut size, faults);
        if !read.is_empty() {
            out.insert("options".to_owned(), Value::Array(read));
        }
    }
    let bits = fields.permissions("default_member_permissions", faults);
    out.insert(
        "default_member_permissions".to_owned(),
        json!(bits.map(|bits| bits.to_string())),
    );
    let contexts = numbers(&fields, "contexts", 0..=2, faults);
    if is_guild {
        if contexts.as_ref().is_some_and(|list| !list.is_empty()) {
            faults.add(
                &fields.at("contexts"),
                "APPLICATION_COMMAND_CONTEXTS_GUILD",
                "Contexts are for global commands only.",
            );
        }
        out.insert("contexts".to_owned(), Value::Null);
    } else {
        let in_direct = contexts.as_ref().is_none_or(|list| list.contains(&1)) && whole["dm_permission"] != false;
        out.insert(
            "dm_permission".to_owned(),
            json!(fields.flag("dm_permission", faults).unwrap_or(in_direct)),
        );
        out.insert("contexts".to_owned(), json!(contexts));
    }
    let types = numbers(&fields, "integration_types", 0..=1, faults).unwrap_or_else(|| vec![0]);
    out.insert("integration_types".to_owned(), json!(types));
    out.insert("nsfw".to_owned(), json!(fields.flag("nsfw", faults).unwrap_or(false)));
    if kind == ENTRY_POINT {
        out.insert("handler".to_owned(), json!(handler.unwrap_or(1)));
    }
    if size > LARGEST {
        faults.add(
            path,
            "APPLICATION_COMMAND_TOO_LARGE",
            &format!("Command exceeds maximum size ({LARGEST})"),
        );
    }
    Value::Object(out)
}

/// The limits of all commands of a scope.
pub(crate) fn check_set(commands: &[Value]) -> Result<(), Refusal> {
    let mut faults = Faults::default();
    for (kind, most, name) in MOST {
        let count = commands.iter().filter(|command| command["type"] == kind).count();
        if count > most {
            return Err(Refusal::new(
                400,
                30032,
                &format!("Maximum number of application commands reached ({most} of type {name}; got {count})"),
            ));
        }
    }
    let mut names = HashSet::new();
    for (at, command) in commands.iter().enumerate() {
        if !names.insert((command["type"].as_i64(), command["name"].as_str())) {
            faults.add(
                &format!("{at}.name"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            );
        }
    }
    faults.result()
}

fn numbers(
    fields: &Fields<'_>,
    key: &str,
    bounds: std::ops::RangeInclusive<i64>,
    faults: &mut Faults,
) -> Option<Vec<i64>> {
    let list = fields.list(key, 0..=3, faults)?;
    let read: Vec<i64> = list
        .iter()
        .filter_map(Value::as_i64)
        .filter(|number| bounds.contains(number))
        .collect();
    if read.len() != list.len() {
        faults.add(
            &fields.at(key),
            "BASE_TYPE_CHOICES",
            &format!("Values must be one of {bounds:?}."),
        );
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check_set, command};
    use crate::rest::errors::Faults;

    fn refused(value: &Value) -> String {
        let mut faults = Faults::default();
        command(value, "", None, false, &mut faults);
        if faults.is_empty() {
            String::new()
        } else {
            faults.refusal().json()["errors"].to_string()
        }
    }

    fn with_options(options: &Value) -> Value {
        json!({ "name": "c", "description": "d", "options": options })
    }

    #[test]
    fn what_discord_refuses() {
        let option = |more: Value| {
            let mut option = json!({ "type": 3, "name": "o", "description": "d" });
            for (key, value) in more.as_object().expect("an object") {
                option[key] = value.clone();
            }
            with_options(&json!([option]))
        };
        for (value, word) in [
            (json!({ "name": "ping" }), "description"),
            (
                json!({ "name": "Ping", "description": "d" }),
                "APPLICATION_COMMAND_INVALID_NAME",
            ),
            (json!({ "name": "p".repeat(33), "description": "d" }), "name"),
            (json!({ "name": "ping", "description": "d".repeat(101) }), "description"),
            (json!({ "name": "Info", "type": 2, "description": "d" }), "description"),
            (json!({ "name": "ping", "descripton": "d" }), "did you mean"),
            (
                with_options(&json!(vec![json!({ "type": 3, "name": "o", "description": "d" }); 26])),
                "25 or fewer",
            ),
            (
                with_options(
                    &json!([{ "type": 3, "name": "o", "description": "d" }, { "type": 4, "name": "o", "description": "d" }]),
                ),
                "NAME_ALREADY_EXISTS",
            ),
            (
                with_options(
                    &json!([{ "type": 3, "name": "a", "description": "d" }, { "type": 3, "name": "b", "description": "d", "required": true }]),
                ),
                "REQUIRED_INVALID",
            ),
            (
                with_options(
                    &json!([{ "type": 1, "name": "a", "description": "d" }, { "type": 3, "name": "b", "description": "d" }]),
                ),
                "mutually exclusive",
            ),
            (
                with_options(
                    &json!([{ "type": 2, "name": "a", "description": "d", "options": [{ "type": 2, "name": "b", "description": "d", "options": [] }] }]),
                ),
                "holds sub-commands",
            ),
            (
                option(json!({ "choices": [{ "name": "n", "value": 1 }] })),
                "does not fit",
            ),
            (
                option(json!({ "type": 6, "choices": [{ "name": "n", "value": "1" }] })),
                "Only text",
            ),
            (
                option(json!({ "choices": vec![json!({ "name": "n", "value": "v" }); 26] })),
                "25 or fewer",
            ),
            (
                option(json!({ "autocomplete": true, "choices": [{ "name": "n", "value": "v" }] })),
                "not both",
            ),
            (option(json!({ "min_value": 1 })), "min_value"),
            (
                option(json!({ "type": 4, "min_value": 5, "max_value": 1 })),
                "min_value",
            ),
            (option(json!({ "max_length": 6001 })), "max_length"),
            (option(json!({ "name_localizations": { "xx": "a" } })), "xx"),
            (
                json!({ "name": "c", "description": "d", "default_member_permissions": "x" }),
                "default_member_permissions",
            ),
        ] {
            let errors = refused(&value);
            assert!(errors.contains(word), "{value}: {errors}");
        }
        let big: Vec<Value> = (0..25)
            .map(|n| json!({ "type": 3, "name": format!("o{n}"), "description": "d".repeat(100),
                "choices": (0..10).map(|c| json!({ "name": format!("{c}{}", "n".repeat(20)), "value": "v".repeat(20) })).collect::<Vec<_>>() }))
            .collect();
        assert!(refused(&with_options(&json!(big))).contains("APPLICATION_COMMAND_TOO_LARGE"));
    }

    #[test]
    fn a_full_command_is_accepted() {
        let value = json!({
            "name": "config", "description": "Settings", "default_member_permissions": "32", "contexts": [0, 1], "nsfw": false,
            "options": [{ "type": 2, "name": "log", "description": "d", "options": [
                { "type": 1, "name": "set", "description": "d", "options": [
                    { "type": 7, "name": "channel", "description": "d", "required": true, "channel_types": [0] },
                    { "type": 4, "name": "days", "description": "d", "min_value": 1, "max_value": 7 },
                    { "type": 3, "name": "kind", "description": "d", "choices": [{ "name": "All", "value": "all" }] },
                ] },
            ] }],
        });
        assert_eq!(refused(&value), "");
    }

    #[test]
    fn a_set_has_limits_per_type_and_unique_names() {
        let slash = |count: usize| -> Vec<Value> {
            (0..count)
                .map(|n| json!({ "type": 1, "name": format!("c{n}") }))
                .collect()
        };
        assert!(check_set(&slash(100)).is_ok());
        assert_eq!(check_set(&slash(101)).expect_err("refused").code, 30032);
        let mut users: Vec<Value> = (0..15).map(|n| json!({ "type": 2, "name": format!("c{n}") })).collect();
        users.extend(slash(100));
        assert!(check_set(&users).is_ok());
        users.push(json!({ "type": 2, "name": "one more" }));
        assert!(check_set(&users).is_err());
        assert!(check_set(&[json!({ "type": 1, "name": "a" }), json!({ "type": 1, "name": "a" })]).is_err());
        assert!(check_set(&[json!({ "type": 1, "name": "a" }), json!({ "type": 2, "name": "a" })]).is_ok());
    }
}
