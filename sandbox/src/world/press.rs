//! Buttons, selects and modals as people use them: checked as the Discord client does before an interaction exists.
//!
//! The page and tests share it. A refusal is a text for people, and the bot hears nothing of what was refused.

use serde_json::{Value, json};

use super::{
    Stored, World,
    interaction::Act,
    resolved::{CHANNEL, MENTIONABLE, ROLE, Resolved, USER, text_of},
};

/// What a person pressed or chose.
pub(crate) struct Pressed {
    pub(crate) component: Value,
    pub(crate) values: Vec<Value>,
}

impl World {
    /// Presses a button or chooses from a select of a message.
    pub(crate) fn press(&mut self, user: u64, message: &Stored, pressed: &Pressed) -> Result<u64, String> {
        let component = &pressed.component;
        if component["disabled"] == true {
            return Err(format!("{} is disabled", describe(component)));
        }
        if !message.is_visible_to(user) {
            return Err("that message is ephemeral, and somebody else's".to_owned());
        }
        let kind = component["type"].as_u64().unwrap_or(0);
        let custom_id = component["custom_id"]
            .as_str()
            .ok_or("a link button opens a page; the bot hears nothing of it")?;
        let mut data = json!({ "custom_id": custom_id, "component_type": kind, "id": component["id"] });
        if kind != 2 {
            let least = component["min_values"].as_u64().unwrap_or(1) as usize;
            let most = component["max_values"].as_u64().unwrap_or(1) as usize;
            if pressed.values.len() < least || pressed.values.len() > most {
                return Err(format!(
                    "{} takes {least} to {most} values, got {}",
                    describe(component),
                    pressed.values.len()
                ));
            }
            let mut resolved = Resolved::default();
            let mut values = Vec::new();
            for value in &pressed.values {
                let text = text_of(value);
                if kind == 3 {
                    let options = component["options"].as_array().map_or(&[][..], Vec::as_slice);
                    let found = options
                        .iter()
                        .find(|option| option["value"] == text || option["label"] == text);
                    let found = found.ok_or_else(|| format!("{} has no option \"{text}\"", describe(component)))?;
                    values.push(found["value"].clone());
                } else {
                    let id = text.parse().map_err(|_| format!("\"{text}\" is no id"))?;
                    self.resolve(message.channel_id, chosen_kind(kind), id, &mut resolved)?;
                    values.push(json!(text));
                }
            }
            data["values"] = Value::Array(values);
            if let Some(resolved) = resolved.json() {
                data["resolved"] = resolved;
            }
        }
        Ok(self.interact(Act {
            kind: 3,
            user_id: user,
            channel_id: message.channel_id,
            name: custom_id.to_owned(),
            command_kind: 0,
            data,
            on_message: Some(message.id),
            opened_by: None,
        }))
    }

    /// Sends a modal that an interaction opened, with what the person wrote by custom id.
    pub(crate) fn submit_modal(&mut self, id: u64, written: &[(String, String)]) -> Result<u64, String> {
        let interaction = self
            .interactions
            .get(id)
            .cloned()
            .ok_or("that interaction is forgotten")?;
        let modal = interaction.modal.as_ref().ok_or("the bot opened no modal")?.0.clone();
        let mut components = Vec::new();
        let mut known = Vec::new();
        let mut resolved = Resolved::default();
        for row in modal["components"].as_array().map_or(&[][..], Vec::as_slice) {
            let label = row["type"] == 18;
            let inner = if label {
                vec![row["component"].clone()]
            } else {
                row["components"].as_array().cloned().unwrap_or_default()
            };
            let mut sent = Vec::new();
            for input in inner.iter().filter(|input| input["custom_id"].is_string()) {
                let custom_id = input["custom_id"].as_str().unwrap_or_default();
                known.push(custom_id.to_owned());
                let text = written
                    .iter()
                    .find(|(id, _)| id == custom_id)
                    .map(|(_, text)| text.as_str());
                let text = text.or(input["value"].as_str()).unwrap_or_default();
                if text.is_empty() && input["required"] != false {
                    return Err(format!("the modal's field `{custom_id}` is required"));
                }
                let length = text.encode_utf16().count() as u64;
                if input["type"] == 4
                    && !text.is_empty()
                    && (length < input["min_length"].as_u64().unwrap_or(0)
                        || length > input["max_length"].as_u64().unwrap_or(4000))
                {
                    return Err(format!(
                        "the modal's field `{custom_id}` does not take {length} characters"
                    ));
                }
                let mut field = json!({ "type": input["type"], "id": input["id"], "custom_id": custom_id });
                if input["type"] == 4 {
                    field["value"] = json!(text);
                } else {
                    let kind = input["type"].as_u64().unwrap_or(0);
                    let values: Vec<&str> = text.split(',').filter(|part| !part.is_empty()).collect();
                    for value in values.iter().filter(|_| (5..=8).contains(&kind)) {
                        let id = value.parse().map_err(|_| format!("\"{value}\" is no id"))?;
                        self.resolve(interaction.channel_id, chosen_kind(kind), id, &mut resolved)?;
                    }
                    let options = input["options"].as_array().map_or(&[][..], Vec::as_slice);
                    let is_offered =
                        |value: &&str| kind != 3 || options.iter().any(|option| option["value"] == **value);
                    if let Some(unknown) = values.iter().find(|value| !is_offered(value)) {
                        return Err(format!("the modal's field `{custom_id}` has no option \"{unknown}\""));
                    }
                    field["values"] = json!(values);
                }
                sent.push(field);
            }
            if label {
                components.extend(
                    sent.pop()
                        .map(|field| json!({ "type": 18, "id": row["id"], "component": field })),
                );
            } else if !sent.is_empty() {
                components.push(json!({ "type": 1, "id": row["id"], "components": sent }));
            }
        }
        if let Some((unknown, _)) = written.iter().find(|(id, _)| !known.contains(id)) {
            return Err(format!(
                "the modal has no field `{unknown}`; it has {}",
                known.join(", ")
            ));
        }
        let mut data = json!({ "custom_id": modal["custom_id"], "components": components });
        if let Some(resolved) = resolved.json() {
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
}

fn describe(component: &Value) -> String {
    let name = component["label"]
        .as_str()
        .or(component["custom_id"].as_str())
        .unwrap_or("that control");
    format!("\"{name}\"")
}

/// The type of an option that takes what a select of this type does.
const fn chosen_kind(select: u64) -> u64 {
    match select {
        5 => USER,
        6 => ROLE,
        8 => CHANNEL,
        _ => MENTIONABLE,
    }
}
