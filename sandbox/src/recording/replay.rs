//! A recording done again: its people in this sandbox, its steps one by one.
//!
//! It blocks the thread that it is used on, as [`Sandbox::wait`] does.

use std::{sync::Arc, thread, time::Duration};

use axum::body::Bytes;
use serde_json::Value;

use super::{
    Act, Recording, Step, Target,
    names::{Names, id_of},
    place,
};
use crate::{
    Message, Person, Said, Sandbox, Used,
    world::{Draft, Pressed, Revision, World},
};

/// How long is waited for what the bot did in the recording, before the next step is done all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a step came to.
#[derive(Clone, Debug)]
enum Did {
    Said(Said),
    Used(Used),
    Other,
}

/// A recording that is being done again.
#[derive(Debug)]
pub struct Replay {
    sandbox: Sandbox,
    recording: Recording,
    did: Vec<Did>,
    /// The last message before.
    after: u64,
}

pub(super) fn names_of(world: &World) -> Names {
    let users = world.users.values().map(|user| (user.id, user.username.clone()));
    let roles = world.guilds.values().flat_map(|guild| &guild.roles);
    let channels = world.channels.values().filter(|channel| channel.guild_id.is_some());
    Names {
        users: users.collect(),
        roles: roles.map(|role| (role.id, role.name.clone())).collect(),
        channels: channels.map(|channel| (channel.id, channel.name.clone())).collect(),
    }
}

impl Sandbox {
    /// Begins a recording of what people do from now on; one that is being made is given up.
    pub fn start_recording(&self) {
        self.with(|world| {
            let recorder = super::Recorder::of(world);
            world.recorder = Some(Box::new(recorder));
        });
    }

    /// Ends the recording; `None` if there is none.
    #[must_use]
    pub fn stop_recording(&self) -> Option<Recording> {
        let recorder = self.with(|world| world.recorder.take())?;
        let after = recorder.after();
        let mut recording = recorder.finish(String::new());
        recording.transcript = self.transcript_among(after, &recording.names());
        Some(recording)
    }

    /// Prepares to do a recording again: its people join the first guild, with their roles, unless joining is the first that
    /// they do there; roles and channels that are not
    /// there are made, roles without permissions.
    #[must_use]
    pub fn replay(&self, recording: Recording) -> Replay {
        let guild = self.guild();
        let known = guild.channels();
        for name in &recording.channels {
            if !known.iter().any(|(_, one)| one == name) {
                guild.add_channel(name);
            }
        }
        for participant in &recording.people {
            for role in &participant.roles {
                if !guild.role_names().contains(role) {
                    guild.add_role(role);
                }
            }
            if recording.begins_outside(&participant.name) {
                // Without a word, since in the recording nobody left either.
                self.with(|world| {
                    let user = world.person(&participant.name);
                    if let Some(guild) = world.guilds.get_mut(&guild.id()) {
                        guild.members.remove(&user);
                    }
                });
                continue;
            }
            let mut person = guild.user(&participant.name);
            for role in &participant.roles {
                person = person.role(role);
            }
        }
        let after = self.with(|world| world.ids.timed());
        Replay {
            sandbox: self.clone(),
            recording,
            did: Vec::new(),
            after,
        }
    }
}

impl Replay {
    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.recording.steps.len()
    }

    /// The step that is next, from 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.did.len()
    }

    /// The recording.
    #[must_use]
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// What its people could read since the replay began, as [`Sandbox::transcript`] has it.
    #[must_use]
    pub fn transcript(&self) -> String {
        self.sandbox.transcript_among(self.after, &self.recording.names())
    }

    /// Does the next step and waits until the bot has done as much as in the recording, at most 5 s; `false` if there is
    /// none. `speed` 1 waits as long before it as people did, 2 half as long, 0 not at all.
    ///
    /// # Errors
    ///
    /// Why the step can't be done, with its number: the bot has said something else than in the recording.
    pub fn step(&mut self, speed: f64) -> Result<bool, String> {
        let number = self.did.len();
        let Some(step) = self.recording.steps.get(number).cloned() else {
            return Ok(false);
        };
        thread::sleep(self.pause(speed));
        let before = self.sandbox.with(|world| world.effects);
        let did = self
            .act(&step)
            .map_err(|why| format!("step {number} ({} in {}): {why}", step.who, step.place))?;
        self.did.push(did);
        let wanted = before + u64::from(step.effects);
        self.sandbox.wait(PATIENCE, |sandbox| {
            sandbox.with(|world| (world.effects >= wanted).then_some(()))
        });
        Ok(true)
    }

    /// How long people waited before the next step, at this speed.
    pub(crate) fn pause(&self, speed: f64) -> Duration {
        let next = self.recording.steps.get(self.did.len()).filter(|_| speed > 0.0);
        next.map_or(Duration::ZERO, |step| {
            let seconds = Duration::from_millis(step.after_ms).as_secs_f64() / speed;
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        })
    }

    fn act(&self, step: &Step) -> Result<Did, String> {
        let guild = self.sandbox.guild();
        if step.act == (Act::Joins {}) {
            let people = self.recording.people.iter();
            let roles = people.filter(|one| one.name == step.who && self.recording.begins_outside(&one.name));
            let names: Vec<&String> = roles.flat_map(|one| &one.roles).collect();
            self.sandbox.with(|world| {
                let user = world.person(&step.who);
                let roles = world.guilds.get(&guild.id()).map(|guild| &guild.roles);
                let roles = roles.into_iter().flatten().filter(|role| names.contains(&&role.name));
                let roles = roles.map(|role| role.id).collect();
                world.join_with(guild.id(), user, roles);
            });
            return Ok(Did::Other);
        }
        let user = self.sandbox.people().into_iter().find(|(_, name)| *name == step.who);
        let (user, _) = user.ok_or("nobody is called so")?;
        let person = match step.place.as_str() {
            "@" => Person::new(&self.sandbox, user, 0, None).in_dm(),
            "" => Person::new(&self.sandbox, user, 0, Some(guild.id())),
            name => {
                let place = guild.channels().into_iter().find(|(_, one)| one == name);
                let (channel, _) = place.ok_or("there is no such channel")?;
                Person::new(&self.sandbox, user, channel, Some(guild.id()))
            }
        };
        let channel = person.channel_id();
        let names = self.sandbox.with(|world| names_of(world));
        let sandbox = &self.sandbox;
        match &step.act {
            Act::Says { text, to, files } => {
                let reference = to.as_ref().map(|to| self.message(channel, to)).transpose()?;
                let base = sandbox.api_url();
                let stored = sandbox.with(|world| {
                    let attachments = files
                        .iter()
                        .map(|name| world.keep_upload(&base, channel, name, None, Bytes::new()))
                        .collect();
                    let draft = Draft {
                        content: names.with_ids(text),
                        reference: reference.map(|message| message.id()),
                        attachments,
                        ..Draft::default()
                    };
                    world.post(channel, user, draft)
                });
                return Ok(Did::Said(Said::new(sandbox, stored)));
            }
            Act::Edits { message, text } => {
                let message = self.message(channel, message)?;
                let revision = Revision {
                    content: Some(names.with_ids(text)),
                    ..Revision::default()
                };
                sandbox.with(|world| world.revise(channel, message.id(), revision));
            }
            Act::Deletes { message } => {
                let message = self.message(channel, message)?;
                sandbox.with(|world| world.delete(channel, &[message.id()], false));
            }
            Act::Reacts { on, emoji, back } => {
                let message = self.message(channel, on)?;
                let emoji = serde_json::json!({ "id": null, "name": emoji });
                sandbox.with(|world| world.react(channel, message.id(), user, &emoji, !back));
            }
            Act::Uses {
                command,
                options,
                types,
            } => {
                let options: Vec<(String, Value)> = options
                    .iter()
                    .map(|(name, value)| (name.clone(), option(&names, value)))
                    .collect();
                let focused = types.then(|| options.last().map(|(name, _)| name.as_str())).flatten();
                let base = sandbox.api_url();
                let id = sandbox.with(|world| {
                    let options: Vec<_> = options
                        .iter()
                        .map(|(name, value)| (name.clone(), world.upload(&base, channel, value.clone())))
                        .collect();
                    world.use_slash(user, channel, command, &options, focused)
                })?;
                return Ok(Did::Used(Used::new(sandbox, id, None)));
            }
            Act::UsesMenu { command, on, of } => {
                let (kind, target) = match (on, of) {
                    (Some(on), _) => (3, self.message(channel, on)?.id()),
                    (None, Some(of)) => (2, id_of(&names.users, of).ok_or("there is nobody to use it of")?),
                    (None, None) => return Err("it is not known what the command was used on".to_owned()),
                };
                return person.uses_menu(kind, command, target).map(Did::Used);
            }
            Act::Clicks { on, control, values } => {
                let message = self.message(channel, on)?;
                let stored = sandbox.with(|world| world.message(channel, message.id()).map(Arc::clone));
                let stored = stored.ok_or("the message is gone")?;
                let controls = place::controls(&stored.value["components"]);
                let component = controls.get(*control).copied().cloned();
                let component = component
                    .ok_or_else(|| format!("the message has no control {control}, it has {}", controls.len()))?;
                let values = values.iter().map(|value| chosen(&names, &component, value)).collect();
                let id = sandbox.with(|world| world.press(user, &stored, &Pressed { component, values }))?;
                return Ok(Did::Used(Used::new(sandbox, id, Some(stored))));
            }
            Act::Submits { texts } => {
                let opened = self.did.iter().rev().find_map(|did| match did {
                    Did::Used(used) if used.user_id() == Some(user) => Some(used.clone()),
                    _ => None,
                });
                let opened = opened.ok_or("nothing was used that could open a form")?;
                let modal = sandbox.wait(PATIENCE, |_| opened.modal()).ok_or("no form was opened")?;
                let fields = place::controls(&modal["components"]);
                let written: Vec<(String, Value)> = fields
                    .iter()
                    .zip(texts)
                    .map(|(field, text)| {
                        let text = names.with_ids(text);
                        let value = match field["type"].as_u64() {
                            Some(4) => Value::String(text),
                            _ => text.split(',').filter(|part| !part.is_empty()).collect(),
                        };
                        (field["custom_id"].as_str().unwrap_or_default().to_owned(), value)
                    })
                    .collect();
                let base = sandbox.api_url();
                let id = sandbox.with(|world| world.submit_modal(opened.id(), &base, &written))?;
                let on = sandbox.with(|world| {
                    let one = world.interactions.get(id)?;
                    world.message(one.channel_id, one.on_message?).map(Arc::clone)
                });
                return Ok(Did::Used(Used::new(sandbox, id, on)));
            }
            Act::Leaves {} => {
                sandbox.with(|world| world.leave(guild.id(), user));
            }
            Act::Joins {} => {}
        }
        Ok(Did::Other)
    }

    /// A message, once it is there.
    fn message(&self, channel: u64, target: &Target) -> Result<Message, String> {
        let find = || match target {
            Target::Said { said_in } => match self.did.get(*said_in)? {
                Did::Said(said) => said.message().refresh(),
                _ => None,
            },
            Target::Answer {
                answer_to: Some(step),
                nth,
            } => match self.did.get(*step)? {
                Did::Said(said) => {
                    let to = Some(said.message_id());
                    let mut answers = said.answers().into_iter().filter(|answer| answer.replies_to() == to);
                    answers.nth(*nth)
                }
                Did::Used(used) => used.answers().into_iter().nth(*nth),
                Did::Other => None,
            },
            Target::Answer { answer_to: None, nth } => {
                let bot = self.sandbox.bot_id();
                let said = self.sandbox.messages_after(channel, self.after).into_iter();
                let mut said = said.filter(|message| message.author_id() == bot && message.is_unasked());
                said.nth(*nth)
            }
        };
        let found = self.sandbox.wait(PATIENCE, |_| find());
        found.ok_or_else(|| format!("the message is not there ({target:?})"))
    }
}

/// An option's value: what names somebody alone is an id.
fn option(names: &Names, value: &Value) -> Value {
    let Some(text) = value.as_str() else {
        return value.clone();
    };
    let text = names.with_ids(text);
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let id = inner.map(|inner| inner.trim_start_matches(['@', '&', '#']));
    match id.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(id) => Value::String(id.to_owned()),
        None => Value::String(text),
    }
}

fn chosen(names: &Names, select: &Value, value: &Value) -> Value {
    match value.as_u64() {
        Some(place) => select["options"][place as usize]["value"].clone(),
        None => option(names, value),
    }
}
