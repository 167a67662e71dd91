//! The options of selects, and emojis as components carry them.
//!
//! Components of messages and fields of modals share them, so that both refuse the same mistakes.

use std::collections::HashSet;

use serde_json::Value;

use super::Fields;
use crate::rest::errors::Faults;

/// The options of a string select.
pub(super) fn select_options(options: &[Value], path: &str, faults: &mut Faults) {
    let mut values = HashSet::new();
    for (at, option) in options.iter().enumerate() {
        let fields = Fields::new(
            option,
            &format!("{path}.{at}"),
            &["label", "value", "description", "emoji", "default"],
            faults,
        );
        fields.required("label", faults);
        fields.required("value", faults);
        fields.text("label", 1..=100, faults);
        fields.text("description", 0..=100, faults);
        fields.flag("default", faults);
        emoji(&fields, faults);
        if let Some(value) = fields.text("value", 1..=100, faults)
            && !values.insert(value)
        {
            faults.add(
                &fields.at("value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            );
        }
    }
}

/// What is chosen in a select of people, roles or channels from the start.
pub(super) fn default_values(chosen: &[Value], path: &str, faults: &mut Faults) {
    for (at, one) in chosen.iter().enumerate() {
        let one = Fields::new(one, &format!("{path}.{at}"), &["id", "type"], faults);
        one.required("id", faults);
        one.id("id", faults);
        if one
            .required("type", faults)
            .is_some_and(|kind| !matches!(kind.as_str(), Some("user" | "role" | "channel")))
        {
            faults.add(
                &one.at("type"),
                "BASE_TYPE_CHOICES",
                "Value must be one of ('user', 'role', 'channel').",
            );
        }
    }
}

/// The emoji of a button or an option.
pub(super) fn emoji(fields: &Fields<'_>, faults: &mut Faults) {
    if let Some(emoji) = fields.get("emoji") {
        let emoji = Fields::new(emoji, &fields.at("emoji"), &["id", "name", "animated"], faults);
        emoji.id("id", faults);
        emoji.flag("animated", faults);
        if emoji.get("id").is_none() && emoji.text("name", 1..=32, faults).is_none_or(str::is_ascii) {
            faults.add(&emoji.at("name"), "COMPONENT_INVALID_EMOJI", "Invalid emoji");
        }
    }
}
