//! Recordings: what people did in a session, step by step, without ids, so that it can be done again elsewhere.
//!
//! `recorder` turns the gateway's events into steps, `replay` steps into acts of people; both know nothing of the bot.
//! The format is told at [`Recording`].

mod live;
mod names;
mod place;
mod recorder;
mod replay;

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::recorder::Recorder;
pub use self::replay::Replay;

/// The format's name in files.
const FORMAT: &str = "sandbox-recording";
/// The version that is written; older ones are read.
const VERSION: u32 = 1;

/// What people did in a session.
///
/// It is made of the gateway's events, whoever caused them: a test, the page, or Discord itself, of whose events somebody
/// has kept a log. The file is one JSON object:
///
/// ```json
/// { "format": "sandbox-recording", "version": 1,
///   "people": [{ "name": "alice", "roles": ["Moderator"] }],
///   "channels": ["general"],
///   "steps": [
///     { "after_ms": 0, "who": "alice", "in": "general", "says": { "text": "!ping" }, "effects": 1 },
///     { "after_ms": 900, "who": "alice", "in": "general", "clicks": { "on": { "answer_to": 0, "nth": 0 }, "control": 1 }, "effects": 1 }],
///   "transcript": "…" }
/// ```
///
/// `after_ms` is the time since the step before; `effects` how many messages of the bot came, changed or went until the
/// next step; `in` is a channel's name, or `@` for direct messages. In texts, `<@alice>`, `<#general>` and
/// `<@&Moderator>` stand for mentions. A message is named by the step that it was said in (`said_in`), or as the `nth` of
/// the bot that answer a step (`answer_to`), or of all of the bot in its channel since the beginning (`answer_to` null).
/// Controls, fields of forms and choices are named by their place, since custom ids differ between bots.
///
/// What is not recorded: changes of channels, roles and servers, votes, voice, typing, presences; files keep their name
/// only.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Recording {
    format: String,
    version: u32,
    /// Who takes part.
    pub people: Vec<Participant>,
    /// The channels of the server in which something happens.
    pub channels: Vec<String>,
    /// What they did, in order.
    pub steps: Vec<Step>,
    /// What its people could read afterwards, as [`crate::Sandbox::transcript`] gives it, from the beginning of the
    /// recording on; empty if that is not known.
    #[serde(default)]
    pub transcript: String,
}

/// Somebody who takes part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Participant {
    /// The user name.
    pub name: String,
    /// The names of their roles at the beginning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// One act.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Step {
    /// Milliseconds since the step before.
    pub after_ms: u64,
    /// The user name of who acts.
    pub who: String,
    /// The channel's name; `@` for direct messages with the bot.
    #[serde(rename = "in")]
    pub place: String,
    /// What they do.
    #[serde(flatten)]
    pub act: Act,
    /// How many messages of the bot came, changed or went until the next step.
    #[serde(default)]
    pub effects: u32,
}

/// What somebody does.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Writes a message.
    Says {
        /// Its text.
        text: String,
        /// The message that it replies to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Target>,
        /// Names of files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<String>,
    },
    /// Changes a message.
    Edits {
        /// Which one.
        message: Target,
        /// Its new text.
        text: String,
    },
    /// Deletes a message.
    Deletes {
        /// Which one.
        message: Target,
    },
    /// Reacts to a message.
    Reacts {
        /// Which one.
        on: Target,
        /// A Unicode emoji.
        emoji: String,
        /// Takes it back instead.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        back: bool,
    },
    /// Uses a slash command.
    Uses {
        /// Its name, with those of groups and sub-commands.
        command: String,
        /// Options by name; users, channels and roles as in texts.
        #[serde(default)]
        options: Vec<(String, Value)>,
        /// Types into the last option instead.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        types: bool,
    },
    /// Uses a command of a menu.
    UsesMenu {
        /// Its name.
        command: String,
        /// The message that it is used on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Target>,
        /// The person that it is used of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
    },
    /// Presses a button, or chooses from a select.
    Clicks {
        /// The message.
        on: Target,
        /// Which control of it, from 0, as they come.
        control: usize,
        /// What is chosen: options by their place, others as in texts.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<Value>,
    },
    /// Sends the form that was opened last for this person.
    Submits {
        /// What is written into its fields, as they come.
        texts: Vec<String>,
    },
    /// Joins the server.
    Joins {},
    /// Leaves it.
    Leaves {},
}

/// A message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Target {
    /// What was said in a step.
    Said {
        /// The step, from 0.
        said_in: usize,
    },
    /// What the bot said.
    Answer {
        /// The step that it answers; all that the bot says in the channel, if none.
        answer_to: Option<usize>,
        /// Which of them, from 0.
        nth: usize,
    },
}

/// Why something is no recording.
#[derive(Debug)]
pub struct NoRecording(String);

impl fmt::Display for NoRecording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoRecording {}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// If it is none, or of a newer version.
    pub fn read(json: &str) -> Result<Self, NoRecording> {
        let value: Value =
            serde_json::from_str(json).map_err(|error| NoRecording(format!("it is no JSON: {error}")))?;
        if value["format"] != FORMAT {
            return Err(NoRecording(format!(
                "it is no recording: its `format` is not \"{FORMAT}\""
            )));
        }
        if value["version"]
            .as_u64()
            .is_none_or(|version| version > u64::from(VERSION))
        {
            return Err(NoRecording(format!(
                "its version is {}, and this sandbox reads {VERSION} and older: update it",
                value["version"]
            )));
        }
        serde_json::from_value(value).map_err(|error| NoRecording(format!("it can't be read: {error}")))
    }

    /// Reads a recording from a file.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or is none.
    pub fn open(file: impl AsRef<Path>) -> Result<Self, NoRecording> {
        let file = file.as_ref();
        let text = std::fs::read_to_string(file)
            .map_err(|error| NoRecording(format!("{} can't be read: {error}", file.display())))?;
        Self::read(&text).map_err(|error| NoRecording(format!("{}: {error}", file.display())))
    }

    /// Whether somebody is not in the server at the beginning: the first that they do there is to join.
    fn begins_outside(&self, name: &str) -> bool {
        let mut steps = self.steps.iter().filter(|step| step.who == name && step.place != "@");
        steps.next().is_some_and(|step| step.act == (Act::Joins {}))
    }

    fn names(&self) -> Vec<&str> {
        self.people.iter().map(|one| one.name.as_str()).collect()
    }

    /// Writes it to a file.
    ///
    /// # Errors
    ///
    /// If the file can't be written.
    pub fn save(&self, file: impl AsRef<Path>) -> std::io::Result<()> {
        std::fs::write(file, self.to_json())
    }

    /// The recording as JSON, line by line, so that versions of it can be compared.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Makes a recording of a bot's log of events: one gateway payload a line, as it was received (`{"t", "d", ...}`, with
    /// `at_ms`, if that is known). It is scrubbed: no id, token, or name of a person is kept; people are `person-1` and so
    /// on, and of messages to which the bot did not reply only the length is kept. **What people said to the bot, and the
    /// names of channels and roles, stay: read the file before you hand it on.**
    ///
    /// # Errors
    ///
    /// If a line is no payload; the text says which.
    pub fn from_events(lines: &str) -> Result<Self, NoRecording> {
        let mut recorder = Recorder::of_log();
        let mut last = 0;
        for (number, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let event: Value = serde_json::from_str(line)
                .map_err(|error| NoRecording(format!("line {} is no payload of the gateway: {error}", number + 1)))?;
            let Some(name) = event["t"].as_str() else {
                continue;
            };
            last = event["at_ms"].as_u64().unwrap_or(last);
            recorder.note(name, &event["d"], last);
        }
        Ok(recorder.finish_scrubbed())
    }
}
