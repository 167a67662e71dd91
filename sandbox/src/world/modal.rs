//! Modals as people fill them in: each kind of field checked as the client checks it, files uploaded, and what goes to
//! the bot of each (<https://discord.com/developers/docs/components/reference>).
//!
//! The page and tests share it. A refusal is a text for people, and the bot hears nothing of what was refused.

use serde_json::{Value, json};

use super::{
    World,
    interaction::Act,
    press::chosen_kind,
    resolved::{Resolved, text_of},
};

const ROW: u64 = 1;
const STRING_SELECT: u64 = 3;
const TEXT_INPUT: u64 = 4;
const TEXT_DISPLAY: u64 = 10;
const LABEL: u64 = 18;
const FILE_UPLOAD: u64 = 19;
const RADIO_GROUP: u64 = 21;
const CHECKBOX_GROUP: u64 = 22;
const CHECKBOX: u64 = 23;

impl World {
    /// Sends a modal that an interaction opened, with what the person put in by custom id: a text, a list of values,
    /// true or false, files as `World::upload` takes them. `base` is where files are found afterwards.
    pub(crate) fn submit_modal(&mut self, id: u64, base: &str, written: &[(String, Value)]) -> Result<u64, String> {
        let interaction = self
            .interactions
            .get(id)
            .cloned()
            .ok_or("that interaction is forgotten")?;
        let modal = interaction.modal.as_ref().ok_or("the bot opened no modal")?.0.clone();
        let mut filled = Filled {
            base,
            channel: interaction.channel_id,
            written,
            known: Vec::new(),
            resolved: Resolved::default(),
        };
        let mut components = Vec::new();
        for row in modal["components"].as_array().map_or(&[][..], Vec::as_slice) {
            let kind = row["type"].as_u64().unwrap_or(0);
            let mut sent = json!({ "type": kind, "id": row["id"] });
            match kind {
                LABEL => sent["component"] = self.fill(&row["component"], &mut filled)?,
                ROW => {
                    let inner = row["components"].as_array().map_or(&[][..], Vec::as_slice);
                    let read: Result<Vec<Value>, String> =
                        inner.iter().map(|input| self.fill(input, &mut filled)).collect();
                    sent["components"] = Value::Array(read?);
                }
                TEXT_DISPLAY => {}
                _ => continue,
            }
            components.push(sent);
        }
        if let Some((unknown, _)) = written.iter().find(|(id, _)| !filled.known.contains(id)) {
            return Err(format!(
                "the modal has no field `{unknown}`; it has {}",
                filled.known.join(", ")
            ));
        }
        let mut data = json!({ "custom_id": modal["custom_id"], "components": components });
        if let Some(resolved) = filled.resolved.json() {
            data["resolved"] = resolved;
        }
        Ok(self.interact(Act {
            kind: 5,
            user_id: interaction.user_id,
            channel_id: interaction.channel_id,
            name: modal["custom_id"].as_str().unwrap_or_default().to_owned(),
            command_kind: 0,
            data,
            on_message: interaction.on_message,
            opened_by: Some(interaction.id),
        }))
    }

    /// One field as it is sent.
    fn fill(&mut self, input: &Value, filled: &mut Filled<'_>) -> Result<Value, String> {
        let kind = input["type"].as_u64().unwrap_or(0);
        let custom_id = input["custom_id"].as_str().unwrap_or_default().to_owned();
        let given = filled.written.iter().find(|(id, _)| *id == custom_id);
        let given = given.map(|(_, value)| value.clone()).filter(|value| !value.is_null());
        let mut field = json!({ "type": kind, "id": input["id"], "custom_id": custom_id });
        let refuse = |why: &str| format!("the modal's field `{custom_id}` {why}");
        match kind {
            TEXT_INPUT => field["value"] = json!(text(input, given.as_ref()).map_err(|why| refuse(&why))?),
            CHECKBOX => {
                let given = given.or_else(|| Some(input["default"].clone()));
                field["value"] = json!(matches!(given, Some(Value::Bool(true))) || given == Some(json!("true")));
            }
            _ => {
                let mut values = list(given).unwrap_or_else(|| defaults(input));
                check_count(input, kind, values.len()).map_err(|why| refuse(&why))?;
                let options = input["options"].as_array().map_or(&[][..], Vec::as_slice);
                for value in &mut values {
                    match kind {
                        STRING_SELECT | RADIO_GROUP | CHECKBOX_GROUP => {
                            let offered = |option: &&Value| option["value"] == *value || option["label"] == *value;
                            let found = options.iter().find(offered);
                            let found = found.ok_or_else(|| refuse(&format!("has no option {value}")))?;
                            *value = found["value"].clone();
                        }
                        FILE_UPLOAD => {
                            let file = self.upload(filled.base, filled.channel, value.clone());
                            let id = file["id"].as_str().ok_or_else(|| refuse("takes files"))?;
                            filled.resolved.attachment(id, file.clone());
                            *value = json!(id);
                        }
                        _ => {
                            let text = text_of(value);
                            let id = text.parse().map_err(|_| format!("\"{text}\" is no id"))?;
                            self.resolve(filled.channel, chosen_kind(kind), id, &mut filled.resolved)?;
                            *value = json!(text);
                        }
                    }
                }
                if kind == RADIO_GROUP {
                    field["value"] = values.pop().unwrap_or_default();
                } else {
                    field["values"] = Value::Array(values);
                }
            }
        }
        filled.known.push(custom_id);
        Ok(field)
    }
}

/// A modal while it is read.
struct Filled<'a> {
    base: &'a str,
    channel: u64,
    written: &'a [(String, Value)],
    known: Vec<String>,
    resolved: Resolved,
}

/// What stands in a text field.
fn text(input: &Value, given: Option<&Value>) -> Result<String, String> {
    let text = match given.unwrap_or(&input["value"]) {
        Value::Null => String::new(),
        other => text_of(other),
    };
    let length = text.encode_utf16().count() as u64;
    if text.is_empty() {
        return if input["required"] == false {
            Ok(text)
        } else {
            Err("is required".to_owned())
        };
    }
    let bounds = input["min_length"].as_u64().unwrap_or(0)..=input["max_length"].as_u64().unwrap_or(4000);
    if bounds.contains(&length) {
        Ok(text)
    } else {
        Err(format!("does not take {length} characters"))
    }
}

/// The values that were given: a list, texts with commas between them, or one thing.
fn list(given: Option<Value>) -> Option<Vec<Value>> {
    Some(match given? {
        Value::Array(list) => list,
        Value::String(text) => text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| json!(part))
            .collect(),
        other => vec![other],
    })
}

/// What is chosen before the person has chosen.
fn defaults(input: &Value) -> Vec<Value> {
    let options = input["options"].as_array().into_iter().flatten();
    let chosen = options
        .filter(|one| one["default"] == true)
        .map(|one| one["value"].clone());
    let ids = input["default_values"].as_array().into_iter().flatten();
    chosen.chain(ids.map(|one| one["id"].clone())).collect()
}

/// Whether a field takes so many values; one that is not required takes none, too.
fn check_count(input: &Value, kind: u64, count: usize) -> Result<(), String> {
    let is_required = input["required"] != false;
    if count == 0 && (!is_required || input["min_values"] == 0) {
        return Ok(());
    }
    if count == 0 {
        return Err("is required".to_owned());
    }
    let options = input["options"].as_array().map_or(1, Vec::len) as u64;
    let most = input["max_values"]
        .as_u64()
        .unwrap_or(if kind == CHECKBOX_GROUP { options } else { 1 });
    let least = input["min_values"].as_u64().unwrap_or(1);
    if (least..=most).contains(&(count as u64)) {
        Ok(())
    } else {
        Err(format!("takes {least} to {most} values, got {count}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check_count, defaults, list, text};

    #[test]
    fn counts_of_values() {
        for (input, kind, count, is_right) in [
            (json!({}), 3, 1, true),
            (json!({}), 3, 0, false),
            (json!({}), 3, 2, false),
            (json!({ "required": false }), 21, 0, true),
            (json!({ "min_values": 0 }), 19, 0, true),
            (json!({ "min_values": 2, "max_values": 3 }), 5, 1, false),
            (json!({ "options": [1, 2, 3] }), 22, 3, true),
            (json!({ "options": [1, 2, 3], "max_values": 2 }), 22, 3, false),
        ] {
            assert_eq!(check_count(&input, kind, count).is_ok(), is_right, "{input} {count}");
        }
    }

    #[test]
    fn what_was_given_and_what_stood_there() {
        assert_eq!(list(Some(json!("a, b"))), Some(vec![json!("a"), json!("b")]));
        assert_eq!(list(Some(json!(["a, b"]))), Some(vec![json!("a, b")]));
        assert_eq!((list(Some(json!(""))), list(None)), (Some(Vec::new()), None));
        let input = json!({ "options": [{ "value": "x" }, { "value": "y", "default": true }] });
        assert_eq!(defaults(&input), [json!("y")]);
        assert_eq!(
            defaults(&json!({ "default_values": [{ "id": "1", "type": "user" }] })),
            [json!("1")]
        );
        assert_eq!(text(&json!({ "value": "old" }), None), Ok("old".to_owned()));
        assert!(text(&json!({}), Some(&Value::Null)).is_err());
        assert!(text(&json!({ "max_length": 2 }), Some(&json!("abc"))).is_err());
    }
}
