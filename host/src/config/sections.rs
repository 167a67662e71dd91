//! The plugins' own settings: their sections of config.json, with `${NAME}` filled in from environment and `.env`.
//!
//! They stand apart from the host's settings, since nothing here knows what a section means: its plugin alone checks
//! it. No other part of config.json is filled in, and the bot's token is handed to no plugin. A variable that is missing
//! is the matter of that one plugin: it does not start, everything else does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use plugin_protocol::PluginName;
use serde_json::{Map, Value};

use super::{environment::Variables, faults::is_comment, written::Written};

/// The plugins' own settings, with `${NAME}` filled in. They hold secrets: Debug shows their names only.
#[derive(Clone, Default, PartialEq)]
pub struct PluginSections {
    sections: BTreeMap<PluginName, Result<Value, String>>,
    secrets: BTreeSet<String>,
}

impl PluginSections {
    /// The settings of one plugin: an object, `{}` if there are none.
    ///
    /// # Errors
    ///
    /// A `${NAME}` in it has no value: which, where, and what to do.
    pub fn section(&self, plugin: &str) -> Result<Value, String> {
        let plugin = plugin.parse::<PluginName>().ok();
        match plugin.and_then(|plugin| self.sections.get(&plugin)) {
            Some(section) => section.clone(),
            None => Ok(Value::Object(Map::new())),
        }
    }

    /// The values that were filled in, which no log may show.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// What is wrong with sections, each with its plugin.
    pub fn faults(&self) -> impl Iterator<Item = (&PluginName, &str)> {
        let faulty = |(name, section)| Some((name, Result::<_, String>::as_ref(section).err()?.as_str()));
        self.sections.iter().filter_map(faulty)
    }

    /// Reads the sections of a checked file.
    pub(super) fn resolve(written: &Written, variables: &Variables<'_>) -> Self {
        let mut filling = Filling {
            variables,
            secrets: BTreeSet::new(),
            faults: Vec::new(),
        };
        let mut sections = BTreeMap::new();
        if let Value::Object(plugins) = written.value("plugins") {
            for (name, section) in plugins.iter().filter(|(name, _)| !is_comment(name)) {
                let Ok(plugin) = name.parse::<PluginName>() else {
                    continue;
                };
                let mut section = section.clone();
                filling.fill(&format!("plugins.{name}"), &mut section);
                let faults = std::mem::take(&mut filling.faults);
                let section = if faults.is_empty() {
                    Ok(section)
                } else {
                    Err(faults.join("; "))
                };
                sections.insert(plugin, section);
            }
        }
        Self {
            sections,
            secrets: filling.secrets,
        }
    }
}

impl fmt::Debug for PluginSections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.sections.keys().map(PluginName::as_str))
            .finish()
    }
}

/// Fills in every `${NAME}` of a value's texts; `$${NAME}` stands for a plain `${NAME}`.
struct Filling<'a> {
    variables: &'a Variables<'a>,
    secrets: BTreeSet<String>,
    faults: Vec<String>,
}

impl Filling<'_> {
    fn fill(&mut self, path: &str, value: &mut Value) {
        match value {
            Value::Object(object) => {
                for (name, below) in object {
                    self.fill(&format!("{path}.{name}"), below);
                }
            }
            Value::Array(list) => {
                for (index, below) in list.iter_mut().enumerate() {
                    self.fill(&format!("{path}[{index}]"), below);
                }
            }
            Value::String(text) if text.contains("${") => *text = self.filled_in(path, text),
            _ => {}
        }
    }

    fn filled_in(&mut self, path: &str, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for part in parts(text) {
            let name = match part {
                Part::Plain(text) => {
                    out.push_str(text);
                    continue;
                }
                Part::Variable(name) => name,
            };
            if name == super::TOKEN {
                self.faults
                    .push(format!("{path} asks for the bot's token, which is handed to no plugin"));
            } else if let Some(value) = self.variables.for_plugin(name) {
                out.push_str(&value);
                if !value.is_empty() {
                    self.secrets.insert(value);
                }
            } else {
                self.faults.push(format!(
                    "{path} needs the variable {name}, which is not set: add the line {name}=its value to .env"
                ));
            }
        }
        out
    }
}

/// A part of a text in a section.
pub(super) enum Part<'t> {
    Plain(&'t str),
    /// The name in `${NAME}`.
    Variable(&'t str),
}

/// The parts of a text, in order.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, behind) = rest.split_at(at);
        let Some(end) = behind.find('}') else { break };
        if let Some(before) = before.strip_suffix('$') {
            parts.push(Part::Plain(before));
            parts.push(Part::Plain(&behind[..=end]));
        } else {
            parts.push(Part::Plain(before));
            parts.push(Part::Variable(&behind[2..end]));
        }
        rest = &behind[end + 1..];
    }
    parts.push(Part::Plain(rest));
    parts
}
