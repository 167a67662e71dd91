//! Application commands: names, descriptions, options, choices, and the limits of a whole set
//! (<https://discord.com/developers/docs/interactions/application-commands>).

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{Fields, text_length};
use crate::rest::errors::{Faults, Refusal};

/// Characters of names, descriptions and values over a whole command.
const LARGEST: usize = 8000;
/// Commands of each type in one scope: slash, user, message.
const MOST: [(i64, usize, &str); 3] = [(1, 100, "CHAT_INPUT"), (2, 15, "USER"), (3, 15, "MESSAGE")];

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
    if kind == 1 {
        fields.required("description", faults);
        fields.text("description", 1..=100, faults);
    } else if fields.get("description").is_some_and(|text| text != "") {
        faults.add(
            &fields.at("description"),
            "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_EMPTY",
            "Context menu commands cannot have description",
        );
    }
    let mut size = text_length(name) + fields.get("description").and_then(Value::as_str).map_or(0, text_length);
    size += localizations(&fields, "name_localizations", 32, kind == 1, faults).saturating_sub(text_length(name));
    localizations(&fields, "description_localizations", 100, false, faults);
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

fn options(list: &[Value], path: &str, depth: u8, size: &mut usize, faults: &mut Faults) -> Vec<Value> {
    let mut names = HashSet::new();
    let mut optional_seen = false;
    let mut read = Vec::new();
    let subs = list
        .iter()
        .filter(|one| matches!(one["type"].as_i64(), Some(1 | 2)))
        .count();
    if subs > 0 && subs < list.len() {
        faults.add(
            path,
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types are mutually exclusive to all other types",
        );
    }
    for (at, one) in list.iter().enumerate() {
        let path = format!("{path}.{at}");
        let known = [
            "type",
            "name",
            "name_localized",
            "name_localizations",
            "description",
            "description_localized",
            "description_localizations",
            "required",
            "choices",
            "options",
            "channel_types",
            "min_value",
            "max_value",
            "min_length",
            "max_length",
            "autocomplete",
        ];
        let fields = Fields::new(one, &path, &known, faults);
        fields.required("type", faults);
        let kind = fields.integer("type", 1..=11, faults).unwrap_or(3);
        let name = check_names(&fields, size, faults);
        if !name.is_empty() && !names.insert(name) {
            faults.add(
                &fields.at("name"),
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                "Option names must be unique",
            );
        }
        let is_required = fields.flag("required", faults).unwrap_or(false);
        if kind > 2 {
            if is_required && optional_seen {
                faults.add(
                    &path,
                    "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                    "Required options must be placed before non-required options",
                );
            }
            optional_seen |= !is_required;
        }
        let mut out: Map<String, Value> = one.as_object().cloned().unwrap_or_default();
        out.retain(|_, field| !field.is_null());
        if !is_required {
            out.remove("required");
        }
        match kind {
            1 | 2 => {
                if is_required {
                    faults.add(
                        &fields.at("required"),
                        "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                        "Sub-commands cannot be required",
                    );
                }
                if kind == 2 && depth > 0 || depth > 1 {
                    faults.add(
                        &fields.at("type"),
                        "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                        "Sub-commands nest one level: command, group, sub-command",
                    );
                }
                let inner = fields.list("options", 0..=25, faults).unwrap_or_default();
                if kind == 2 && (inner.is_empty() || inner.iter().any(|one| one["type"] != 1)) {
                    faults.add(
                        &fields.at("options"),
                        "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                        "A sub-command group holds sub-commands",
                    );
                }
                if depth < 3 {
                    let inner = options(
                        inner,
                        &fields.at("options"),
                        if kind == 1 { 2 } else { depth + 1 },
                        size,
                        faults,
                    );
                    out.insert("options".to_owned(), Value::Array(inner));
                }
            }
            _ => check_value_option(kind, &fields, size, faults),
        }
        read.push(Value::Object(out));
    }
    read
}

fn check_names<'a>(fields: &Fields<'a>, size: &mut usize, faults: &mut Faults) -> &'a str {
    fields.required("name", faults);
    fields.required("description", faults);
    let name = fields.text("name", 1..=32, faults).unwrap_or_default();
    if !name.is_empty() && !is_slash_name(name) {
        faults.add(
            &fields.at("name"),
            "APPLICATION_COMMAND_INVALID_NAME",
            "Command name is invalid",
        );
    }
    let description = fields.text("description", 1..=100, faults).unwrap_or_default();
    let name_size = localizations(fields, "name_localizations", 32, true, faults).max(text_length(name));
    let description_size =
        localizations(fields, "description_localizations", 100, false, faults).max(text_length(description));
    *size += name_size + description_size;
    name
}

fn check_value_option(kind: i64, fields: &Fields<'_>, size: &mut usize, faults: &mut Faults) {
    let refuse = |key: &str, text: &str, faults: &mut Faults| {
        faults.add(&fields.at(key), "APPLICATION_COMMAND_OPTIONS_INVALID", text);
    };
    let choices = fields.list("choices", 0..=25, faults).unwrap_or_default();
    let autocomplete = fields.flag("autocomplete", faults).unwrap_or(false);
    if !matches!(kind, 3 | 4 | 10) && (!choices.is_empty() || autocomplete) {
        refuse(
            "choices",
            "Only text, whole number and number options have choices or autocomplete.",
            faults,
        );
    }
    if autocomplete && !choices.is_empty() {
        refuse(
            "autocomplete",
            "An option has choices or autocomplete, not both.",
            faults,
        );
    }
    let mut names = HashSet::new();
    for (at, choice) in choices.iter().enumerate() {
        let path = format!("{}.{at}", fields.at("choices"));
        let choice_fields = Fields::new(
            choice,
            &path,
            &["name", "name_localized", "name_localizations", "value"],
            faults,
        );
        choice_fields.required("name", faults);
        let name = choice_fields.text("name", 1..=100, faults).unwrap_or_default();
        *size += localizations(&choice_fields, "name_localizations", 100, false, faults).max(text_length(name));
        if !names.insert(name) {
            faults.add(
                &choice_fields.at("name"),
                "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS",
                "Option choice names must be unique",
            );
        }
        let Some(value) = choice_fields.required("value", faults) else {
            continue;
        };
        let fits = match kind {
            3 => value
                .as_str()
                .is_some_and(|text| (1..=100).contains(&text_length(text))),
            4 => value.as_i64().is_some(),
            _ => value.is_number(),
        };
        if !fits {
            refuse(
                &format!("choices.{at}.value"),
                "The value does not fit the option's type.",
                faults,
            );
        }
        *size += value.as_str().map_or(0, text_length);
    }
    let (number, text) = (matches!(kind, 4 | 10), kind == 3);
    for key in ["min_value", "max_value"] {
        if let Some(value) = fields.get(key)
            && (!number || kind == 4 && value.as_i64().is_none() || !value.is_number())
        {
            refuse(key, "Does not fit the option's type.", faults);
        }
    }
    if let (Some(least), Some(most)) = (
        fields.get("min_value").and_then(Value::as_f64),
        fields.get("max_value").and_then(Value::as_f64),
    ) && least > most
    {
        refuse("min_value", "min_value must not exceed max_value.", faults);
    }
    for (key, bounds) in [("min_length", 0..=6000), ("max_length", 1..=6000)] {
        if fields.get(key).is_some() && !text {
            refuse(key, "Only text options have a length.", faults);
        }
        fields.integer(key, bounds, faults);
    }
    if fields
        .get("channel_types")
        .is_some_and(|list| list.as_array().is_some_and(|list| !list.is_empty()))
        && kind != 7
    {
        refuse("channel_types", "Only channel options have channel types.", faults);
    }
    if fields
        .get("options")
        .is_some_and(|list| list.as_array().is_some_and(|list| !list.is_empty()))
    {
        refuse("options", "Only sub-commands have options.", faults);
    }
}

/// Checks localised texts; gives the length of the longest.
fn localizations(fields: &Fields<'_>, key: &str, most: usize, is_name: bool, faults: &mut Faults) -> usize {
    const LOCALES: [&str; 33] = [
        "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
        "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko", "ar",
    ];
    let Some(map) = fields.get(key) else { return 0 };
    let texts = Fields::new(map, &fields.at(key), &LOCALES, faults);
    let mut longest = 0;
    for locale in LOCALES {
        if let Some(text) = texts.text(locale, 1..=most, faults) {
            longest = longest.max(text_length(text));
            if is_name && !is_slash_name(text) {
                faults.add(
                    &texts.at(locale),
                    "APPLICATION_COMMAND_INVALID_NAME",
                    "Command name is invalid",
                );
            }
        }
    }
    longest
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

/// `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, and lower case where that exists.
fn is_slash_name(name: &str) -> bool {
    let is_letter = |c: char| {
        c.is_alphanumeric()
            || "-_'".contains(c)
            || ('\u{900}'..='\u{97f}').contains(&c)
            || ('\u{e00}'..='\u{e7f}').contains(&c)
    };
    name.chars().all(is_letter) && name == name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check_set, command, is_slash_name};
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
    fn names() {
        for good in ["ping", "a-b_c", "größe", "नमस्ते", "สวัสดี", "x1", "l'eau"] {
            assert!(is_slash_name(good), "{good}");
        }
        for bad in ["Ping", "a b", "a.b", "🙂", "Ärger"] {
            assert!(!is_slash_name(bad), "{bad}");
        }
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
