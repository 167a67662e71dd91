//! Modals and autocomplete choices, as interactions are answered with them
//! (<https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-data-structure>).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{
    Fields,
    select::{default_values, select_options},
};
use crate::rest::errors::{Faults, Refusal};

/// Checks a modal and gives it with the component ids that Discord adds.
pub(crate) fn modal(data: &Value) -> Result<Value, Refusal> {
    let mut faults = Faults::default();
    let fields = Fields::new(data, "data", &["custom_id", "title", "components"], &mut faults);
    for key in ["custom_id", "title", "components"] {
        fields.required(key, &mut faults);
    }
    fields.text("custom_id", 1..=100, &mut faults);
    fields.text("title", 1..=45, &mut faults);
    let mut ids = HashSet::new();
    let mut inputs = 0;
    for (at, row) in fields
        .list("components", 1..=5, &mut faults)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let path = format!("data.components.{at}");
        match row["type"].as_i64() {
            Some(1) => {
                let row = Fields::new(row, &path, &["type", "id", "components"], &mut faults);
                for (at, one) in row
                    .list("components", 1..=1, &mut faults)
                    .unwrap_or_default()
                    .iter()
                    .enumerate()
                {
                    input(one, &format!("{path}.components.{at}"), true, &mut ids, &mut faults);
                    inputs += 1;
                }
            }
            Some(18) => {
                let row = Fields::new(
                    row,
                    &path,
                    &["type", "id", "label", "description", "component"],
                    &mut faults,
                );
                row.required("label", &mut faults);
                row.text("label", 1..=45, &mut faults);
                row.text("description", 0..=100, &mut faults);
                if let Some(one) = row.required("component", &mut faults) {
                    input(one, &format!("{path}.component"), false, &mut ids, &mut faults);
                    inputs += 1;
                }
            }
            Some(10) => {
                let row = Fields::new(row, &path, &["type", "id", "content"], &mut faults);
                row.required("content", &mut faults);
                row.text("content", 1..=4000, &mut faults);
            }
            _ => faults.add(
                &format!("{path}.type"),
                "UNION_TYPE_CHOICES",
                "A modal holds action rows, labels and texts.",
            ),
        }
    }
    if inputs == 0 && faults.is_empty() {
        faults.add(
            "data.components",
            "BASE_TYPE_REQUIRED",
            "A modal needs at least one input.",
        );
    }
    faults.result()?;
    let mut modal = data.clone();
    let mut next = 1;
    if let Some(rows) = modal["components"].as_array_mut() {
        for row in rows {
            number(row, &mut next);
        }
    }
    Ok(modal)
}

fn number(component: &mut Value, next: &mut u64) {
    if !component.is_object() {
        return;
    }
    if component["id"].as_u64().unwrap_or(0) == 0 {
        component["id"] = json!(*next);
    }
    *next += 1;
    if let Some(inner) = component.get_mut("component") {
        number(inner, next);
    }
    if let Some(Value::Array(list)) = component.get_mut("components") {
        for inner in list {
            number(inner, next);
        }
    }
}

fn input(value: &Value, path: &str, in_row: bool, ids: &mut HashSet<String>, faults: &mut Faults) {
    let kind = value["type"].as_i64().unwrap_or(0);
    let keys: &[&str] = match kind {
        4 => &[
            "type",
            "id",
            "custom_id",
            "style",
            "label",
            "min_length",
            "max_length",
            "required",
            "value",
            "placeholder",
        ],
        3 | 5..=8 if !in_row => &[
            "type",
            "id",
            "custom_id",
            "options",
            "placeholder",
            "min_values",
            "max_values",
            "required",
            "disabled",
            "default_values",
            "channel_types",
        ],
        19 if !in_row => &["type", "id", "custom_id", "min_values", "max_values", "required"],
        21 if !in_row => &["type", "id", "custom_id", "options", "required"],
        22 if !in_row => &[
            "type",
            "id",
            "custom_id",
            "options",
            "min_values",
            "max_values",
            "required",
        ],
        23 if !in_row => &["type", "id", "custom_id", "default"],
        _ => {
            let text = if in_row {
                "A modal's action row holds one text input."
            } else {
                "A modal's label holds an input."
            };
            faults.add(&format!("{path}.type"), "UNION_TYPE_CHOICES", text);
            return;
        }
    };
    let fields = Fields::new(value, path, keys, faults);
    fields.required("custom_id", faults);
    if let Some(id) = fields.text("custom_id", 1..=100, faults)
        && !ids.insert(id.to_owned())
    {
        faults.add(
            &fields.at("custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        );
    }
    fields.text("placeholder", 0..=if kind == 4 { 100 } else { 150 }, faults);
    match kind {
        4 => {
            fields.required("style", faults);
            fields.integer("style", 1..=2, faults);
            if in_row {
                fields.required("label", faults);
            }
            fields.text("label", 1..=45, faults);
            let least = fields.integer("min_length", 0..=4000, faults).unwrap_or(0);
            let most = fields.integer("max_length", 1..=4000, faults).unwrap_or(4000);
            if least > most {
                faults.add(
                    &fields.at("min_length"),
                    "NUMBER_TYPE_MAX",
                    "min_length must not exceed max_length.",
                );
            }
            fields.text("value", 0..=most.unsigned_abs() as usize, faults);
        }
        3 => {
            fields.required("options", faults);
            let options = fields.list("options", 1..=25, faults).unwrap_or_default();
            select_options(options, &fields.at("options"), faults);
            count(&fields, 25, options.len(), 1, faults);
        }
        5..=8 => {
            let chosen = fields.list("default_values", 0..=25, faults).unwrap_or_default();
            default_values(chosen, &fields.at("default_values"), faults);
            count(&fields, 25, 25, 1, faults);
        }
        19 => count(&fields, 10, 10, 1, faults),
        21 | 22 => {
            fields.required("options", faults);
            let options = fields
                .list("options", if kind == 21 { 2..=10 } else { 1..=10 }, faults)
                .unwrap_or_default();
            select_options(options, &fields.at("options"), faults);
            let chosen = options.iter().filter(|option| option["default"] == true).count();
            if kind == 21 && chosen > 1 {
                faults.add(
                    &fields.at("options"),
                    "COMPONENT_TOO_MANY_DEFAULTS",
                    "One option at most is chosen from the start.",
                );
            }
            if kind == 22 {
                count(&fields, 10, options.len(), options.len(), faults);
            }
        }
        23 => {
            fields.flag("default", faults);
        }
        _ => {}
    }
}

/// How many values a field takes; at most `usual`, if it does not say.
fn count(fields: &Fields<'_>, most_ever: i64, offered: usize, usual: usize, faults: &mut Faults) {
    let is_required = fields.flag("required", faults).unwrap_or(true);
    let least = fields.integer("min_values", 0..=most_ever, faults);
    let most = fields.integer("max_values", 1..=most_ever, faults);
    if fields.get("disabled").is_some_and(|disabled| *disabled == true) {
        faults.add(
            &fields.at("disabled"),
            "COMPONENT_DISABLED_IN_MODAL",
            "Nothing in a modal can be disabled.",
        );
    }
    if least.unwrap_or(0) > most.unwrap_or_else(|| i64::try_from(usual).unwrap_or(most_ever)) {
        faults.add(
            &fields.at("min_values"),
            "NUMBER_TYPE_MAX",
            "min_values must not exceed max_values.",
        );
    }
    if most.is_some_and(|most| offered > 0 && most.unsigned_abs() as usize > offered) {
        faults.add(
            &fields.at("max_values"),
            "NUMBER_TYPE_MAX",
            "max_values must not exceed the number of options.",
        );
    }
    if is_required && least == Some(0) && fields.has("required") {
        faults.add(
            &fields.at("min_values"),
            "NUMBER_TYPE_MIN",
            "A field that is required takes at least one value.",
        );
    }
}

/// Checks the choices that an autocomplete interaction is answered with.
/// `kind` is the type of the option that is being typed.
pub(crate) fn choices(data: &Value, kind: Option<u64>) -> Result<Value, Refusal> {
    let mut faults = Faults::default();
    let fields = Fields::new(data, "data", &["choices"], &mut faults);
    fields.required("choices", &mut faults);
    for (at, choice) in fields
        .list("choices", 0..=25, &mut faults)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let path = format!("data.choices.{at}");
        let choice = Fields::new(choice, &path, &["name", "name_localizations", "value"], &mut faults);
        choice.required("name", &mut faults);
        choice.text("name", 1..=100, &mut faults);
        let Some(value) = choice.required("value", &mut faults) else {
            continue;
        };
        let fits = match kind {
            Some(3) => value.is_string(),
            Some(4) => value.as_i64().is_some(),
            Some(10) => value.is_number(),
            _ => value.is_string() || value.is_number(),
        };
        if !fits {
            faults.add(
                &choice.at("value"),
                "APPLICATION_COMMAND_OPTIONS_INVALID",
                "The value does not fit the option's type.",
            );
        } else if value.is_string() {
            choice.text("value", 0..=100, &mut faults);
        }
    }
    faults.result()?;
    Ok(data["choices"].clone())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{choices, modal};

    fn field(extra: &Value) -> Value {
        let mut input = json!({ "type": 4, "custom_id": "a", "style": 1, "label": "A" });
        for (key, value) in extra.as_object().expect("an object") {
            input[key] = value.clone();
        }
        json!({ "custom_id": "m", "title": "T", "components": [{ "type": 1, "components": [input] }] })
    }

    #[test]
    fn modals_have_limits() {
        assert!(modal(&field(&json!({}))).is_ok());
        for (bad, path) in [
            (field(&json!({ "label": "l".repeat(46) })), "label"),
            (field(&json!({ "min_length": 10, "max_length": 5 })), "min_length"),
            (field(&json!({ "style": 3 })), "style"),
            (field(&json!({ "type": 2 })), "type"),
            (field(&json!({ "max_lenght": 5 })), "max_lenght"),
            (
                json!({ "custom_id": "m", "title": "T".repeat(46), "components": field(&json!({}))["components"] }),
                "title",
            ),
            (
                json!({ "custom_id": "m", "title": "T", "components": [] }),
                "components",
            ),
        ] {
            let errors = modal(&bad).expect_err("refused").json()["errors"].to_string();
            assert!(errors.contains(&format!("\"{path}\"")), "{bad}: {errors}");
        }
    }

    #[test]
    fn at_most_25_choices() {
        let some = |count: usize| json!({ "choices": vec![json!({ "name": "n", "value": 1 }); count] });
        assert!(choices(&some(25), Some(4)).is_ok() && choices(&some(26), Some(4)).is_err());
        assert!(choices(&json!({}), None).is_err());
        assert!(choices(&some(1), Some(3)).is_err(), "a number for a text");
    }
}
