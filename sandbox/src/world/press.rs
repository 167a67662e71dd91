//! Buttons and selects as people use them: checked as the Discord client does before an interaction exists.
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
}

fn describe(component: &Value) -> String {
    let name = component["label"]
        .as_str()
        .or(component["custom_id"].as_str())
        .unwrap_or("that control");
    format!("\"{name}\"")
}

/// The type of an option that takes what a select of this type does.
pub(super) const fn chosen_kind(select: u64) -> u64 {
    match select {
        5 => USER,
        6 => ROLE,
        8 => CHANNEL,
        _ => MENTIONABLE,
    }
}
