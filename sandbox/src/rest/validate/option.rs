//! A command's options: their names, types, choices and bounds, and how they nest
//! (<https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-structure>).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Fields, text_length};
use crate::rest::errors::Faults;

/// Checks options and gives them as Discord answers them; `size` counts their characters.
pub(super) fn options(list: &[Value], path: &str, depth: u8, size: &mut usize, faults: &mut Faults) -> Vec<Value> {
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
pub(super) fn localizations(fields: &Fields<'_>, key: &str, most: usize, is_name: bool, faults: &mut Faults) -> usize {
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

/// `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, and lower case where that exists.
pub(super) fn is_slash_name(name: &str) -> bool {
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
    use super::is_slash_name;

    #[test]
    fn names() {
        for good in ["ping", "a-b_c", "größe", "नमस्ते", "สวัสดี", "x1", "l'eau"] {
            assert!(is_slash_name(good), "{good}");
        }
        for bad in ["Ping", "a b", "a.b", "🙂", "Ärger"] {
            assert!(!is_slash_name(bad), "{bad}");
        }
    }
}
