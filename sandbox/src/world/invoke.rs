//! What the Discord client does before an interaction exists: finds the command, checks the options against what was
//! registered, resolves mentioned people, roles and channels; finds the button that a person means. A test or a page
//! that asks for what no client could send gets a text that says what there is instead.

use serde_json::{Map, Value, json};

use super::{Stored, World, interaction::Act, permissions};

const SUB_COMMAND: u64 = 1;
const SUB_COMMAND_GROUP: u64 = 2;
const STRING: u64 = 3;
const INTEGER: u64 = 4;
const BOOLEAN: u64 = 5;
const USER: u64 = 6;
const CHANNEL: u64 = 7;
const ROLE: u64 = 8;
const MENTIONABLE: u64 = 9;
const NUMBER: u64 = 10;

/// Largest integer that Discord takes in an option: 2^53.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// What a person pressed or chose.
pub(crate) struct Pressed {
    pub(crate) component: Value,
    pub(crate) values: Vec<Value>,
}

impl World {
    /// Uses the slash command `name` ("warn add" for sub-commands) with options by name; if one is `focused`, asks
    /// for its choices instead.
    pub(crate) fn use_slash(
        &mut self,
        user: u64,
        channel_id: u64,
        name: &str,
        options: &[(String, Value)],
        focused: Option<&str>,
    ) -> Result<u64, String> {
        let mut words = name.split_whitespace();
        let top = words.next().unwrap_or_default().trim_start_matches('/');
        let path: Vec<String> = words.map(str::to_owned).collect();
        let guild = self.channels.get(&channel_id).and_then(|channel| channel.guild_id);
        let command = self
            .commands
            .usable_in(guild)
            .find(|command| command["type"] == 1 && command["name"] == top)
            .cloned()
            .ok_or_else(|| {
                format!(
                    "no slash command is called `{top}`; registered here: {}",
                    self.command_names(guild)
                )
            })?;
        self.use_command(user, channel_id, &command, &path, options, focused)
    }

    /// Uses the command with this id; options as Discord nests them.
    pub(crate) fn use_command_by_id(
        &mut self,
        user: u64,
        channel_id: u64,
        command_id: &str,
        options: &[Value],
    ) -> Result<u64, String> {
        let guild = self.channels.get(&channel_id).and_then(|channel| channel.guild_id);
        let command = self
            .commands
            .usable_in(guild)
            .find(|command| command["id"] == command_id)
            .cloned();
        let command = command.ok_or_else(|| format!("no command here has the id {command_id}"))?;
        let mut path = Vec::new();
        let mut level = options;
        while let [only] = level
            && matches!(only["type"].as_u64(), Some(SUB_COMMAND | SUB_COMMAND_GROUP))
        {
            path.push(only["name"].as_str().unwrap_or_default().to_owned());
            level = only["options"].as_array().map_or(&[], Vec::as_slice);
        }
        let options: Vec<(String, Value)> = level
            .iter()
            .map(|option| {
                (
                    option["name"].as_str().unwrap_or_default().to_owned(),
                    option["value"].clone(),
                )
            })
            .collect();
        self.use_command(user, channel_id, &command, &path, &options, None)
    }

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
                    self.resolve(message.channel_id, kind + 1, id, &mut resolved)?;
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
                if !text.is_empty()
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
                    field["values"] = text.split(',').filter(|part| !part.is_empty()).collect();
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
        Ok(self.interact(Act {
            kind: 5,
            user_id: interaction.user_id,
            channel_id: interaction.channel_id,
            name: modal["custom_id"].as_str().unwrap_or_default().to_owned(),
            command_kind: 0,
            data: json!({ "custom_id": modal["custom_id"], "components": components }),
            on_message: interaction.on_message,
        }))
    }

    /// The names of the commands that can be used in `guild`, for texts.
    pub(crate) fn command_names(&self, guild: Option<u64>) -> String {
        let names: Vec<String> = self
            .commands
            .usable_in(guild)
            .map(|command| format!("/{}", command["name"].as_str().unwrap_or_default()))
            .collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    }

    fn use_command(
        &mut self,
        user: u64,
        channel_id: u64,
        command: &Value,
        path: &[String],
        given: &[(String, Value)],
        focused: Option<&str>,
    ) -> Result<u64, String> {
        let channel = self.channels.get(&channel_id).ok_or("there is no such channel")?;
        let guild = channel.guild_id;
        let top = command["name"].as_str().unwrap_or_default();
        self.is_offered(user, channel_id, command)?;
        // Down to the sub-command that is meant.
        let mut full = top.to_owned();
        let mut level = options_of(command);
        let mut chosen = Vec::new();
        for word in path {
            let found = level
                .iter()
                .find(|option| option["name"] == word.as_str() && is_sub(option));
            let found =
                found.ok_or_else(|| format!("/{full} has no sub-command `{word}`; it has {}", names_of(level)))?;
            full = format!("{full} {word}");
            chosen.push(found);
            level = options_of(found);
        }
        if level.iter().any(is_sub) {
            return Err(format!(
                "/{full} can't be used by itself; its sub-commands are {}",
                names_of(level)
            ));
        }
        let mut resolved = Resolved::default();
        let mut sent = Vec::new();
        for (name, value) in given {
            let option = level.iter().find(|option| option["name"] == name.as_str());
            let option = option.ok_or_else(|| format!("/{full} has no option `{name}`; it has {}", names_of(level)))?;
            let kind = option["type"].as_u64().unwrap_or(0);
            if focused == Some(name.as_str()) {
                if option["autocomplete"] != true {
                    return Err(format!("option `{name}` of /{full} has no autocomplete"));
                }
                // What is being typed goes out as it is.
                sent.push(json!({ "name": name, "type": kind, "value": value, "focused": true }));
                continue;
            }
            let value = self
                .option_value(channel_id, option, kind, value, &mut resolved)
                .map_err(|why| format!("option `{name}` of /{full}: {why}"))?;
            sent.push(json!({ "name": name, "type": kind, "value": value }));
        }
        let missing = level.iter().find(|option| {
            option["required"] == true && !given.iter().any(|(name, _)| option["name"] == name.as_str())
        });
        if let Some(missing) = missing.filter(|_| focused.is_none()) {
            return Err(format!(
                "/{full} needs its option `{}`",
                missing["name"].as_str().unwrap_or_default()
            ));
        }
        for option in chosen.iter().rev() {
            sent = vec![json!({ "name": option["name"], "type": option["type"], "options": sent })];
        }
        let mut data = json!({ "id": command["id"], "name": top, "type": 1 });
        if !sent.is_empty() {
            data["options"] = Value::Array(sent);
        }
        if let Some(resolved) = resolved.json() {
            data["resolved"] = resolved;
        }
        if command["guild_id"].is_string()
            && let Some(guild) = guild
        {
            data["guild_id"] = json!(guild.to_string());
        }
        Ok(self.interact(Act {
            kind: if focused.is_some() { 4 } else { 2 },
            user_id: user,
            channel_id,
            name: full,
            command_kind: 1,
            data,
            on_message: None,
        }))
    }

    /// Whether the client offers the command to this user in this place.
    fn is_offered(&self, user: u64, channel_id: u64, command: &Value) -> Result<(), String> {
        let name = command["name"].as_str().unwrap_or_default();
        let channel = self.channels.get(&channel_id).ok_or("there is no such channel")?;
        let who = self.users.get(&user).map_or("somebody", |user| user.username.as_str());
        let context = u64::from(channel.guild_id.is_none());
        let in_context = match command["contexts"].as_array() {
            Some(contexts) => contexts.iter().any(|allowed| *allowed == context),
            None => context == 0 || command["dm_permission"] != false,
        };
        if !in_context {
            return Err(format!(
                "/{name} is not offered {}",
                if context == 0 {
                    "in servers"
                } else {
                    "in direct messages"
                }
            ));
        }
        if !self.may_use_commands(channel_id, user) {
            return Err(format!("{who} may not use application commands in this channel"));
        }
        let needed = command["default_member_permissions"]
            .as_str()
            .and_then(|bits| bits.parse::<u64>().ok());
        if let (Some(needed), Some(_)) = (needed, channel.guild_id) {
            let has = self.permissions_in(channel, user);
            let is_administrator = has & permissions::ADMINISTRATOR != 0;
            if !is_administrator && (needed == 0 || has & needed != needed) {
                return Err(format!(
                    "/{name} is not offered to {who}: it needs permissions {needed}, of which {} are missing",
                    needed & !has
                ));
            }
        }
        Ok(())
    }

    fn option_value(
        &self,
        channel_id: u64,
        option: &Value,
        kind: u64,
        value: &Value,
        resolved: &mut Resolved,
    ) -> Result<Value, String> {
        let value = match kind {
            STRING => {
                let text = value.as_str().ok_or_else(|| format!("wants a text, got {value}"))?;
                let length = text.chars().count() as u64;
                let least = option["min_length"].as_u64().unwrap_or(0);
                let most = option["max_length"].as_u64().unwrap_or(6000);
                if length < least || length > most {
                    return Err(format!("wants {least} to {most} characters, got {length}"));
                }
                json!(text)
            }
            INTEGER | NUMBER => {
                let typed = value.as_str().and_then(|text| serde_json::from_str(text.trim()).ok());
                let value = typed.unwrap_or_else(|| value.clone());
                let number = value.as_f64().ok_or_else(|| format!("wants a number, got {value}"))?;
                if kind == INTEGER && value.as_i64().is_none() || number.abs() > LARGEST {
                    return Err(format!("wants a whole number up to 2^53, got {value}"));
                }
                if option["min_value"].as_f64().is_some_and(|least| number < least) {
                    return Err(format!("wants at least {}, got {value}", option["min_value"]));
                }
                if option["max_value"].as_f64().is_some_and(|most| number > most) {
                    return Err(format!("wants at most {}, got {value}", option["max_value"]));
                }
                value
            }
            BOOLEAN => match value {
                Value::Bool(_) => value.clone(),
                Value::String(text) if text == "true" || text == "false" => json!(text == "true"),
                _ => return Err(format!("wants true or false, got {value}")),
            },
            USER | CHANNEL | ROLE | MENTIONABLE => {
                let id: u64 = text_of(value)
                    .parse()
                    .map_err(|_| format!("wants an id, got {value}"))?;
                self.resolve(channel_id, kind, id, resolved)?;
                if let (CHANNEL, Some(kinds)) = (
                    kind,
                    option["channel_types"].as_array().filter(|kinds| !kinds.is_empty()),
                ) && let Some(channel) = self.channels.get(&id)
                    && !kinds.iter().any(|allowed| *allowed == channel.kind)
                {
                    return Err(format!("does not take channels of type {}", channel.kind));
                }
                json!(id.to_string())
            }
            11 => return Err("attachments can't be given yet".to_owned()),
            _ => return Err(format!("has the unknown type {kind}")),
        };
        match option["choices"].as_array().filter(|choices| !choices.is_empty()) {
            Some(choices) => choices
                .iter()
                .find(|choice| choice["value"] == value || choice["name"] == value)
                .map(|choice| choice["value"].clone())
                .ok_or_else(|| format!("has no choice {value}; it has {}", names_of(choices))),
            None => Ok(value),
        }
    }

    /// Puts what an option's id means into `resolved`.
    fn resolve(&self, channel_id: u64, kind: u64, id: u64, resolved: &mut Resolved) -> Result<(), String> {
        let guild = self
            .channels
            .get(&channel_id)
            .and_then(|channel| channel.guild_id)
            .and_then(|id| self.guilds.get(&id));
        let key = id.to_string();
        if matches!(kind, USER | MENTIONABLE)
            && let Some(user) = self.users.get(&id)
        {
            resolved.users.insert(key.clone(), user.json());
            if let Some(guild) = guild
                && let Some(member) = guild.members.get(&id)
            {
                let mut member = member.partial();
                member.remove("mute");
                member.remove("deaf");
                let bits = self
                    .channels
                    .get(&channel_id)
                    .map_or(0, |channel| self.permissions_in(channel, id));
                member.insert("permissions".to_owned(), json!(bits.to_string()));
                resolved.members.insert(key, Value::Object(member));
            }
            return Ok(());
        }
        if matches!(kind, ROLE | MENTIONABLE)
            && let Some(role) = guild.and_then(|guild| guild.role(id))
        {
            resolved.roles.insert(key, role.json());
            return Ok(());
        }
        if kind == CHANNEL
            && let Some(channel) = self
                .channels
                .get(&id)
                .filter(|channel| channel.guild_id == guild.map(|guild| guild.id))
        {
            let mut json = channel.guild_json();
            let bits = self.permissions_in(channel, self.bot_id);
            json["permissions"] = json!(bits.to_string());
            resolved.channels.insert(key, json);
            return Ok(());
        }
        let what = match kind {
            USER => "person",
            CHANNEL => "channel here",
            ROLE => "role here",
            _ => "person or role here",
        };
        Err(format!("no {what} has the id {id}"))
    }
}

/// A command's or an option's data for the ids that it was given.
#[derive(Default)]
struct Resolved {
    users: Map<String, Value>,
    members: Map<String, Value>,
    roles: Map<String, Value>,
    channels: Map<String, Value>,
}

impl Resolved {
    fn json(self) -> Option<Value> {
        let mut all = Map::new();
        for (key, map) in [
            ("users", self.users),
            ("members", self.members),
            ("roles", self.roles),
            ("channels", self.channels),
        ] {
            if !map.is_empty() {
                all.insert(key.to_owned(), Value::Object(map));
            }
        }
        (!all.is_empty()).then_some(Value::Object(all))
    }
}

fn options_of(of: &Value) -> &[Value] {
    of["options"].as_array().map_or(&[], Vec::as_slice)
}

fn is_sub(option: &Value) -> bool {
    matches!(option["type"].as_u64(), Some(SUB_COMMAND | SUB_COMMAND_GROUP))
}

fn names_of(options: &[Value]) -> String {
    let names: Vec<&str> = options.iter().filter_map(|option| option["name"].as_str()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn describe(component: &Value) -> String {
    let name = component["label"]
        .as_str()
        .or(component["custom_id"].as_str())
        .unwrap_or("that control");
    format!("\"{name}\"")
}
