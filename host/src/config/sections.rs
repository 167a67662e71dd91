//! The plugins' own settings: their sections of config.json, with `${NAME}` filled in from environment and `.env`.
//!
//! They stand apart from the host's settings, since nothing here knows what a section means: its plugin alone checks
//! it. No other part of config.json is filled in, and the bot's token is handed to no plugin.

use std::{collections::BTreeMap, fmt};

use plugin_protocol::PluginName;
use serde_json::{Map, Value};

use super::{environment::Variables, error::Problem, written::Written};

/// The plugins' own settings, with `${NAME}` filled in. They hold secrets: Debug shows their names only.
#[derive(Clone, Default, PartialEq)]
pub struct PluginSections(BTreeMap<PluginName, Value>);

impl PluginSections {
    /// The settings of one plugin: an object, `{}` if there are none.
    #[must_use]
    pub fn section(&self, plugin: &str) -> Value {
        plugin
            .parse::<PluginName>()
            .ok()
            .and_then(|name| self.0.get(&name).cloned())
            .unwrap_or_else(|| Value::Object(Map::new()))
    }

    /// The values that were filled in, which no log may show.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// Reads the sections of a checked file. `None` if a `${NAME}` has no value; that is then among the problems.
    pub(super) fn resolve(written: &Written, variables: &Variables<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let mut sections = BTreeMap::new();
        if let Value::Object(plugins) = written.value("plugins") {
            for (name, section) in plugins {
                let Ok(plugin) = name.parse::<PluginName>() else {
                    continue;
                };
                let mut section = section.clone();
                substitute(
                    &format!("plugins.{name}"),
                    &mut section,
                    variables,
                    &mut |path, text| {
                        let line = written.line(path).or_else(|| written.line(&format!("plugins.{name}")));
                        problems.push(Problem::config(line, format!("{path}: {text}")));
                    },
                );
                sections.insert(plugin, section);
            }
        }
        (problems.len() == before).then_some(Self(sections))
    }
}

impl fmt::Debug for PluginSections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(PluginName::as_str)).finish()
    }
}

/// Fills in every `${NAME}` of a value's texts; `$${NAME}` stands for a plain `${NAME}`.
fn substitute(path: &str, value: &mut Value, variables: &Variables<'_>, problem: &mut dyn FnMut(&str, String)) {
    match value {
        Value::Object(object) => {
            for (name, below) in object {
                substitute(&format!("{path}.{name}"), below, variables, problem);
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter_mut().enumerate() {
                substitute(&format!("{path}[{index}]"), below, variables, problem);
            }
        }
        Value::String(text) if text.contains("${") => *text = filled_in(path, text, variables, problem),
        _ => {}
    }
}

fn filled_in(path: &str, text: &str, variables: &Variables<'_>, problem: &mut dyn FnMut(&str, String)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, behind) = rest.split_at(at);
        let Some(end) = behind.find('}') else { break };
        let name = &behind[2..end];
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str(&behind[..=end]);
        } else {
            out.push_str(before);
            if name == "DISCORD_TOKEN" {
                problem(path, "the bot's token is handed to no plugin".to_owned());
            } else if let Some(value) = variables.for_plugin(name) {
                out.push_str(&value);
            } else {
                problem(
                    path,
                    format!("${{{name}}} is not set: add the line {name}=its value to .env"),
                );
            }
        }
        rest = &behind[end + 1..];
    }
    out.push_str(rest);
    out
}
