//! Events of the gateway to steps of a recording.
//!
//! It keeps ids only until the recording is finished, to know which message and which interaction an event is about. Who
//! deleted a message, and whether somebody left or was made to, no event says: the sandbox tells that of its own people,
//! and of a log it is not known.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{Act, FORMAT, Participant, Recording, Step, Target, VERSION, names::Names, place};
use crate::world::World;

/// Steps that are recorded at most: who forgets to stop does not fill the memory.
const MOST: usize = 10_000;

/// What a message is in the recording.
#[derive(Clone, Debug)]
enum Known {
    Said(usize),
    Answer(Option<usize>, usize),
}

/// A recording that is being made.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    names: Names,
    bot: Option<u64>,
    /// Roles of people, as first seen.
    roles: HashMap<u64, Vec<u64>>,
    messages: HashMap<u64, Known>,
    interactions: HashMap<u64, usize>,
    /// Answers so far, by step or, of those that answer none, by channel.
    counts: HashMap<(Option<usize>, u64), usize>,
    steps: Vec<Step>,
    /// Steps whose text was meant for the bot: it has replied to it.
    answered: BTreeSet<usize>,
    /// In which step a message was changed last, by the step that it was said in.
    edits: HashMap<usize, usize>,
    last_ms: Option<u64>,
    /// The last message before the recording, in all channels.
    after: u64,
}

fn id(value: &Value) -> Option<u64> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// A text without numbers as long as ids, in which mentions of names stay whole.
fn without_ids(text: &str) -> String {
    crate::handle::ids_as(text, "(id)")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Recorder {
    /// One that goes by events alone.
    pub(crate) fn of_log() -> Self {
        Self::default()
    }

    /// One of what happens in a world from now on.
    pub(crate) fn of(world: &mut World) -> Self {
        let mut recorder = Self {
            bot: Some(world.bot_id),
            // A message that is never said: all later ones have larger ids.
            after: world.ids.timed(),
            last_ms: Some(world.ids.now_ms()),
            ..Self::default()
        };
        recorder.names = super::replay::names_of(world);
        for guild in world.guilds.values() {
            for (user, member) in &guild.members {
                recorder.roles.entry(*user).or_insert_with(|| member.roles.clone());
            }
        }
        recorder
    }

    /// The last message before the recording.
    pub(crate) const fn after(&self) -> u64 {
        self.after
    }

    /// Takes in an event, which happened at this time in milliseconds.
    pub(crate) fn note(&mut self, event: &str, data: &Value, at_ms: u64) {
        self.learn(event, data);
        match event {
            "MESSAGE_CREATE" => self.message(data, at_ms),
            "MESSAGE_UPDATE" if self.is_bots(data) => {
                self.changed(data);
                self.effect();
            }
            "MESSAGE_UPDATE" => {
                if let (Some(Known::Said(said_in)), false) =
                    (self.known(&data["id"]), data["edited_timestamp"].is_null())
                {
                    let message = Target::Said { said_in };
                    let text = self.names.without_ids(&text(&data["content"]));
                    let step = self.steps.len();
                    self.step(id(&data["author"]["id"]), data, at_ms, Act::Edits { message, text });
                    if self.steps.len() > step {
                        self.edits.insert(said_in, step);
                    }
                }
            }
            "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK" => self.effect(),
            "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE" => {
                let user = id(&data["user_id"]);
                if user == self.bot {
                    return self.effect();
                }
                if let Some(on) = self.target(&data["message_id"]) {
                    let emoji = text(&data["emoji"]["name"]);
                    let back = event == "MESSAGE_REACTION_REMOVE";
                    self.step(user, data, at_ms, Act::Reacts { on, emoji, back });
                }
            }
            "INTERACTION_CREATE" => self.interaction(data, at_ms),
            "GUILD_MEMBER_ADD" => self.step(id(&data["user"]["id"]), data, at_ms, Act::Joins {}),
            _ => {}
        }
    }

    /// A message of the bot that only one person sees came, or changed: no event tells of it.
    pub(crate) fn note_ephemeral(&mut self, message: &Value, is_new: bool) {
        if is_new {
            self.answer(message);
        }
        self.effect();
    }

    /// Somebody deletes a message themselves. The event that follows is then no effect of the bot's.
    pub(crate) fn note_deletion(&mut self, user: u64, message: u64, channel: &Value, at_ms: u64) {
        if let Some(message) = self.target(&Value::String(message.to_string())) {
            self.step(Some(user), channel, at_ms, Act::Deletes { message });
            // Taken back by the event.
            if let Some(step) = self.steps.last_mut() {
                step.effects = u32::MAX;
            }
        }
    }

    /// Somebody leaves by themselves.
    pub(crate) fn note_leave(&mut self, user: u64, at_ms: u64) {
        self.step(Some(user), &Value::Null, at_ms, Act::Leaves {});
    }

    /// What events tell of names.
    fn learn(&mut self, event: &str, data: &Value) {
        if event == "READY" {
            self.bot = id(&data["user"]["id"]);
        }
        let list = |key: &str| data[key].as_array().into_iter().flatten();
        if event.starts_with("GUILD_CREATE") {
            for role in list("roles") {
                self.named(|names| &mut names.roles, &role["id"], &role["name"]);
            }
            for channel in list("channels").chain(list("threads")) {
                self.named(|names| &mut names.channels, &channel["id"], &channel["name"]);
            }
            for member in list("members") {
                self.user(&member["user"], Some(member));
            }
        }
        if event.starts_with("CHANNEL_") || event.starts_with("THREAD_CREATE") {
            self.named(|names| &mut names.channels, &data["id"], &data["name"]);
        }
        if event.starts_with("GUILD_ROLE_") {
            self.named(|names| &mut names.roles, &data["role"]["id"], &data["role"]["name"]);
        }
        self.named(
            |names| &mut names.channels,
            &data["channel"]["id"],
            &data["channel"]["name"],
        );
        self.user(&data["author"], Some(&data["member"]));
        self.user(&data["member"]["user"], Some(&data["member"]));
        self.user(&data["user"], Some(data));
        for user in list("mentions") {
            self.user(user, None);
        }
        for (key, names) in [("users", true), ("roles", false)] {
            for (_, value) in data["data"]["resolved"][key].as_object().into_iter().flatten() {
                if names {
                    self.user(value, None);
                } else {
                    self.named(|names| &mut names.roles, &value["id"], &value["name"]);
                }
            }
        }
    }

    fn named(&mut self, of: impl Fn(&mut Names) -> &mut HashMap<u64, String>, of_id: &Value, name: &Value) {
        if let (Some(id), Some(name)) = (id(of_id), name.as_str()) {
            of(&mut self.names).insert(id, name.to_owned());
        }
    }

    fn user(&mut self, user: &Value, member: Option<&Value>) {
        self.named(|names| &mut names.users, &user["id"], &user["username"]);
        let roles = member.and_then(|member| member["roles"].as_array());
        if let (Some(user), Some(roles)) = (id(&user["id"]), roles) {
            let roles = roles.iter().filter_map(id).collect();
            self.roles.entry(user).or_insert(roles);
        }
    }

    fn is_bots(&self, data: &Value) -> bool {
        let author = id(&data["author"]["id"]);
        author.is_some() && author == self.bot
    }

    fn known(&self, message: &Value) -> Option<Known> {
        self.messages.get(&id(message)?).cloned()
    }

    fn target(&self, message: &Value) -> Option<Target> {
        Some(match self.known(message)? {
            Known::Said(said_in) => Target::Said { said_in },
            Known::Answer(answer_to, nth) => Target::Answer { answer_to, nth },
        })
    }

    /// The bot did something.
    fn effect(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.effects = step.effects.wrapping_add(1);
        }
    }

    /// Remembers a message of the bot; gives what it is.
    fn answer(&mut self, data: &Value) -> Known {
        let by_interaction = id(&data["interaction_metadata"]["id"]).and_then(|id| self.interactions.get(&id).copied());
        let by_reference = match self.known(&data["message_reference"]["message_id"]) {
            Some(Known::Said(step)) => Some(step),
            _ => None,
        };
        let step = by_interaction.or(by_reference);
        if let Some(said_in) = by_reference {
            self.answered.insert(said_in);
            self.answered.extend(self.edits.get(&said_in));
        }
        let channel = id(&data["channel_id"]).unwrap_or_default();
        let count = self
            .counts
            .entry((step, if step.is_some() { 0 } else { channel }))
            .or_default();
        let known = Known::Answer(step, *count);
        *count += 1;
        if let Some(id) = id(&data["id"]) {
            self.messages.insert(id, known.clone());
        }
        known
    }

    /// The bot changes a reply. That answers a change of what it replies to only if nothing else was done since.
    fn changed(&mut self, data: &Value) {
        if let Some(Known::Answer(Some(said_in), _)) = self.known(&data["id"])
            && let Some(edit) = self.edits.get(&said_in)
            && edit + 1 == self.steps.len()
        {
            self.answered.insert(*edit);
        }
    }

    fn message(&mut self, data: &Value, at_ms: u64) {
        if self.is_bots(data) {
            self.answer(data);
            return self.effect();
        }
        let is_said = matches!(data["type"].as_u64(), Some(0 | 19));
        if !is_said || data["author"]["bot"] == true || data["webhook_id"].is_string() {
            return;
        }
        let to = self.target(&data["message_reference"]["message_id"]);
        let files = data["attachments"].as_array().into_iter().flatten();
        let act = Act::Says {
            text: self.names.without_ids(&text(&data["content"])),
            to,
            files: files.map(|file| text(&file["filename"])).collect(),
        };
        let step = self.steps.len();
        self.step(id(&data["author"]["id"]), data, at_ms, act);
        if let (Some(id), true) = (id(&data["id"]), self.steps.len() > step) {
            self.messages.insert(id, Known::Said(step));
        }
    }

    fn step(&mut self, user: Option<u64>, data: &Value, at_ms: u64, act: Act) {
        let Some(who) = user.and_then(|user| self.names.users.get(&user)).cloned() else {
            return;
        };
        if self.steps.len() >= MOST {
            return;
        }
        let channel = id(&data["channel_id"]).and_then(|id| self.names.channels.get(&id));
        let is_direct = data["guild_id"].is_null() && data["channel_id"].is_string();
        let place = match channel {
            _ if is_direct => "@".to_owned(),
            Some(name) => name.clone(),
            None => String::new(),
        };
        let after_ms = at_ms.saturating_sub(self.last_ms.unwrap_or(at_ms));
        self.last_ms = Some(at_ms);
        self.steps.push(Step {
            after_ms,
            who,
            place,
            act,
            effects: 0,
        });
    }

    fn interaction(&mut self, data: &Value, at_ms: u64) {
        let user = id(&data["member"]["user"]["id"]).or_else(|| id(&data["user"]["id"]));
        let of = &data["data"];
        let act = match data["type"].as_u64() {
            Some(kind @ (2 | 4)) => match of["type"].as_u64() {
                Some(2) => Some(Act::UsesMenu {
                    command: text(&of["name"]),
                    on: None,
                    of: id(&of["target_id"]).and_then(|id| self.names.users.get(&id).cloned()),
                }),
                Some(3) => Some(Act::UsesMenu {
                    command: text(&of["name"]),
                    on: self.target(&of["target_id"]),
                    of: None,
                }),
                _ => Some(self.used(of, kind == 4)),
            },
            Some(3) => self.clicked(data),
            Some(5) => Some(Act::Submits {
                texts: place::controls(&of["components"])
                    .into_iter()
                    .map(|field| match field["values"].as_array() {
                        Some(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
                        None => self.names.without_ids(&text(&field["value"])),
                    })
                    .collect(),
            }),
            _ => None,
        };
        let step = self.steps.len();
        if let Some(act) = act {
            self.step(user, data, at_ms, act);
        }
        if let (Some(id), true) = (id(&data["id"]), self.steps.len() > step) {
            self.interactions.insert(id, step);
        }
    }

    fn used(&self, of: &Value, types: bool) -> Act {
        let mut command = text(&of["name"]);
        let mut level = of["options"].as_array();
        while let Some([only]) = level.map(Vec::as_slice)
            && matches!(only["type"].as_u64(), Some(1 | 2))
        {
            command = format!("{command} {}", text(&only["name"]));
            level = only["options"].as_array();
        }
        let options = level.into_iter().flatten().map(|option| {
            let sign = match option["type"].as_u64() {
                Some(6) => "@",
                Some(7) => "#",
                Some(8) => "@&",
                Some(9) => match id(&option["value"]) {
                    Some(id) if self.names.roles.contains_key(&id) => "@&",
                    _ => "@",
                },
                Some(11) => {
                    let file = &of["resolved"]["attachments"][text(&option["value"])];
                    let file = serde_json::json!({ "filename": file["filename"], "content": "" });
                    return (text(&option["name"]), file);
                }
                _ => "",
            };
            let value = match option["value"].as_str() {
                Some(id) if !sign.is_empty() => self.names.without_ids(&format!("<{sign}{id}>")),
                Some(text) => self.names.without_ids(text),
                None => return (text(&option["name"]), option["value"].clone()),
            };
            (text(&option["name"]), Value::String(value))
        });
        Act::Uses {
            command,
            options: options.collect(),
            types,
        }
    }

    fn clicked(&mut self, data: &Value) -> Option<Act> {
        let message = &data["message"];
        let known = self.known(&message["id"]).unwrap_or_else(|| self.answer(message));
        let on = match known {
            Known::Said(said_in) => Target::Said { said_in },
            Known::Answer(answer_to, nth) => Target::Answer { answer_to, nth },
        };
        let controls = place::controls(&message["components"]);
        let control = controls
            .iter()
            .position(|one| one["custom_id"] == data["data"]["custom_id"])?;
        let options = controls[control]["options"].as_array().map_or(&[][..], Vec::as_slice);
        let sign = match controls[control]["type"].as_u64() {
            Some(8) => "#",
            Some(6) => "@&",
            _ => "@",
        };
        let values = data["data"]["values"].as_array().into_iter().flatten();
        let values = values.map(|value| {
            let place = options.iter().position(|option| option["value"] == *value);
            place.map_or_else(
                || Value::String(self.names.without_ids(&format!("<{sign}{}>", text(value)))),
                Value::from,
            )
        });
        Some(Act::Clicks {
            on,
            control,
            values: values.collect(),
        })
    }

    /// The recording.
    pub(crate) fn finish(mut self, transcript: String) -> Recording {
        for step in &mut self.steps {
            // A deletion whose event was taken for an effect of its own.
            if step.effects == u32::MAX {
                step.effects = 0;
            }
        }
        let who: BTreeSet<&String> = self.steps.iter().map(|step| &step.who).collect();
        let people = who.iter().map(|name| {
            let user = super::names::id_of(&self.names.users, name);
            let roles = user.and_then(|user| self.roles.get(&user)).into_iter().flatten();
            Participant {
                name: (*name).clone(),
                roles: roles.filter_map(|role| self.names.roles.get(role).cloned()).collect(),
            }
        });
        let people = people.collect();
        let channels: BTreeSet<String> = self
            .steps
            .iter()
            .map(|step| step.place.clone())
            .filter(|place| !place.is_empty() && place != "@")
            .collect();
        Recording {
            format: FORMAT.to_owned(),
            version: VERSION,
            people,
            channels: channels.into_iter().collect(),
            steps: self.steps,
            transcript,
        }
    }

    /// The recording without people's names, and without what was said to nobody.
    pub(crate) fn finish_scrubbed(mut self) -> Recording {
        let mut order: Vec<(u64, String)> = self.names.users.clone().into_iter().collect();
        order.sort_unstable();
        let own: HashMap<String, String> = order
            .into_iter()
            .enumerate()
            .map(|(number, (_, name))| (name, format!("person-{}", number + 1)))
            .collect();
        let other = |name: &str| own.get(name).cloned().unwrap_or_else(|| "somebody".to_owned());
        let scrubbed = |text: &str| {
            let mut text = without_ids(text);
            for (name, new) in &own {
                text = text.replace(&format!("<@{name}>"), &format!("<@{new}>"));
            }
            text
        };
        for (number, step) in self.steps.iter_mut().enumerate() {
            step.who = other(&step.who);
            step.place = without_ids(&step.place);
            let is_unanswered = !self.answered.contains(&number);
            if let Act::Says { files, .. } = &mut step.act {
                for file in files {
                    *file = if is_unanswered {
                        "file".to_owned()
                    } else {
                        without_ids(file)
                    };
                }
            }
            match &mut step.act {
                Act::Says { text, .. } | Act::Edits { text, .. } if is_unanswered => {
                    *text = format!("({} characters)", text.chars().count());
                }
                Act::Says { text, .. } | Act::Edits { text, .. } => *text = scrubbed(text),
                Act::Uses { options, .. } => {
                    for (_, value) in options {
                        match value {
                            Value::String(text) => *text = scrubbed(text),
                            Value::Object(file) => {
                                for text in file.values_mut() {
                                    *text = without_ids(text.as_str().unwrap_or_default()).into();
                                }
                            }
                            _ => {}
                        }
                    }
                }
                Act::UsesMenu { of: Some(of), .. } => *of = other(of),
                Act::Clicks { values, .. } => {
                    for value in values {
                        if let Value::String(text) = value {
                            *text = scrubbed(text);
                        }
                    }
                }
                Act::Submits { texts } => texts.iter_mut().for_each(|text| *text = scrubbed(text)),
                _ => {}
            }
        }
        for name in self.names.users.values_mut() {
            *name = other(name);
        }
        for role in self.names.roles.values_mut() {
            *role = without_ids(role);
        }
        self.finish(String::new())
    }
}
