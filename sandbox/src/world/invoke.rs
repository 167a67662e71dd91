//! What the Discord client does before an interaction exists: finds the command, checks the options against what was
//! registered. A test or a page that asks for what no client could send gets a text that says what there is instead.

use serde_json::{Value, json};

use super::{
    World,
    interaction::Act,
    permissions,
    resolved::{CHANNEL, MENTIONABLE, ROLE, Resolved, USER, text_of},
};

const SUB_COMMAND: u64 = 1;
const SUB_COMMAND_GROUP: u64 = 2;
const STRING: u64 = 3;
const INTEGER: u64 = 4;
const BOOLEAN: u64 = 5;
const NUMBER: u64 = 10;
const ATTACHMENT: u64 = 11;

/// Largest integer that Discord takes in an option: 2^53 - 1.
const LARGEST: f64 = 9_007_199_254_740_991.0;

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
        focused: Option<&str>,
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
        self.use_command(user, channel_id, &command, &path, &options, focused)
    }

    /// Uses a command of the menu of a person or a message.
    pub(crate) fn use_menu(
        &mut self,
        user: u64,
        channel_id: u64,
        command_id: &str,
        target: u64,
    ) -> Result<u64, String> {
        let guild = self.channels.get(&channel_id).and_then(|channel| channel.guild_id);
        let command = self
            .commands
            .usable_in(guild)
            .find(|command| command["id"] == command_id)
            .cloned()
            .ok_or_else(|| format!("no command here has the id {command_id}"))?;
        self.is_offered(user, channel_id, &command)?;
        let kind = command["type"].as_u64().unwrap_or(1);
        let mut resolved = Resolved::default();
        match kind {
            2 => self.resolve(channel_id, USER, target, &mut resolved)?,
            3 => {
                let message = self
                    .message(channel_id, target)
                    .filter(|message| message.is_visible_to(user))
                    .ok_or("the message is gone")?;
                resolved.message(message);
            }
            _ => return Err("that command is called by its name, not from a menu".to_owned()),
        }
        let mut data = json!({
            "id": command["id"],
            "name": command["name"],
            "type": kind,
            "target_id": target.to_string(),
            "resolved": resolved.json(),
        });
        if command["guild_id"].is_string()
            && let Some(guild) = guild
        {
            data["guild_id"] = json!(guild.to_string());
        }
        Ok(self.interact(Act {
            kind: 2,
            user_id: user,
            channel_id,
            name: command["name"].as_str().unwrap_or_default().to_owned(),
            command_kind: kind,
            data,
            on_message: None,
            opened_by: None,
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

    /// A file that a person gives to an option, as Discord tells of it: its bytes are kept where its address says.
    /// `content` is its text, or `base64` its bytes. Other values stay as they are.
    pub(crate) fn upload(&mut self, base: &str, channel_id: u64, value: Value) -> Value {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let text = value["content"].as_str().map(|text| text.as_bytes().to_vec());
        let bytes = text.or_else(|| STANDARD.decode(value["base64"].as_str()?).ok());
        let (Some(filename), Some(bytes)) = (value["filename"].as_str(), bytes) else {
            return value;
        };
        let mut attachment = self.keep_upload(base, channel_id, filename, None, bytes.into());
        attachment["ephemeral"] = json!(true);
        attachment
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
            opened_by: None,
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
        let holder = channel.parent_id.filter(|_| channel.is_thread());
        let holder = holder.and_then(|id| self.channels.get(&id)).unwrap_or(channel);
        if command["nsfw"] == true && context == 0 && holder.settings.get("nsfw") != Some(&json!(true)) {
            return Err(format!("/{name} is offered in age-restricted channels only"));
        }
        if !self.may_use_commands(channel_id, user) {
            return Err(format!("{who} may not use application commands in this channel"));
        }
        let needed = command["default_member_permissions"]
            .as_str()
            .and_then(|bits| bits.parse::<u64>().ok());
        if let Some(guild) = channel.guild_id.and_then(|guild| self.guilds.get(&guild)) {
            let has = self.permissions_in(channel, user);
            if has & permissions::ADMINISTRATOR != 0 {
                return Ok(());
            }
            // Of a thread, what is set for its channel holds.
            let holder = channel.parent_id.filter(|_| channel.is_thread());
            match self.overridden(guild, holder.unwrap_or(channel_id), user, command) {
                Some(true) => return Ok(()),
                Some(false) => {
                    return Err(format!("/{name} is switched off for {who} here by an administrator"));
                }
                None => {}
            }
            if let Some(needed) = needed
                && (needed == 0 || has & needed != needed)
            {
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
                    return Err(format!("wants a whole number up to 2^53 - 1, got {value}"));
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
            ATTACHMENT => {
                let id = value["id"]
                    .as_str()
                    .ok_or_else(|| format!("wants a file, got {value}"))?;
                resolved.attachment(id, value.clone());
                json!(id)
            }
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
