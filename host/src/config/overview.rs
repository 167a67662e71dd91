//! The settings for somebody at a command line: whether they can be used, and what holds where it comes from.
//!
//! Nothing is written, no token is needed, and no secret is shown: of a plugin's section, texts are left out.

use std::fmt::Write;

use serde_json::Value;

use super::{
    Config, ConfigError, Root, TOKEN, Warning, content,
    environment::{self, Variables},
    files::understand,
    keys::{KEYS, Kind},
    resolved,
    sections::{Part, PluginSections, parts},
    written::Written,
};

/// Lines that are longer than this stand out of the column.
const WIDEST: usize = 60;

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Checks both files; the answer is what is odd about them.
///
/// # Errors
///
/// Every fault of both files at once. A token that is missing is odd only: settings are checked where there is none.
pub fn check(root: &Root, variable: Variable<'_>) -> Result<Vec<Warning>, ConfigError> {
    read(root, variable).map(|(.., warnings)| warnings)
}

/// The settings of config.json alone, for what needs neither token nor addresses. Nothing is written.
///
/// # Errors
///
/// Every fault of config.json, and of `.env` where it can't be read, at once.
pub fn load_settings(root: &Root, variable: Variable<'_>) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    let (text, env) = (content::read(&root.config_file()), content::read(&root.env_file()));
    let variables = Variables::understand(root, variable, &env, &mut problems);
    let written = understand(&text, &mut problems, &mut Vec::new());
    match written {
        Some(written) if problems.is_empty() => Ok(resolved::resolve(&written, root, &variables)),
        _ => Err(ConfigError::new(problems)),
    }
}

/// Every setting, what holds, and where it comes from, one a line.
///
/// # Errors
///
/// As [`check`].
pub fn show(root: &Root, variable: Variable<'_>) -> Result<String, ConfigError> {
    let (written, variables, _) = read(root, variable)?;
    let mut lines = Vec::new();
    for key in KEYS.iter() {
        let from = match written.place(key.path) {
            Some(place) => format!("config.json, line {}", place.line),
            None => "default".to_owned(),
        };
        let mut value = written.value(key.path).clone();
        if matches!(key.kind, Kind::Sections) {
            hide_texts(&mut value, &variables);
        }
        lines.push((format!("{} = {value}", key.path), from));
    }
    for name in [TOKEN, "BOT_OWNER_ID", "DISCORD_API_URL", "DISCORD_GATEWAY_URL"] {
        let from = variables.origin(name).unwrap_or("not set");
        let value = match variables.for_plugin(name).filter(|value| !value.is_empty()) {
            Some(_) if name == TOKEN => format!("{name} = (not shown)"),
            Some(value) => format!("{name} = {value}"),
            None => name.to_owned(),
        };
        lines.push((value, from.to_owned()));
    }
    let width = lines.iter().map(|(line, _)| line.chars().count().min(WIDEST)).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for (line, from) in lines {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{line:<width$}  # {from}");
    }
    Ok(text)
}

fn read<'a>(root: &Root, variable: Variable<'a>) -> Result<(Written, Variables<'a>, Vec<Warning>), ConfigError> {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let (text, env) = (content::read(&root.config_file()), content::read(&root.env_file()));
    if text == content::Content::Missing {
        warnings.push(Warning::new(
            "config.json does not exist: the defaults hold, and `bothost run` writes it with them",
        ));
    }
    let variables = Variables::understand(root, variable, &env, &mut problems);
    let written = understand(&text, &mut problems, &mut warnings);
    environment::check(root, &variables, &mut problems, &mut warnings);
    let Some(written) = written.filter(|_| problems.is_empty()) else {
        return Err(ConfigError::new(problems));
    };
    let sections = PluginSections::resolve(&written, &variables);
    for (plugin, fault) in sections.faults() {
        warnings.push(Warning::new(format!("the plugin `{plugin}` does not start: {fault}")));
    }
    Ok((written, variables, warnings))
}

/// Leaves of a plugin's settings what can't be a secret: numbers, and the names of variables.
fn hide_texts(value: &mut Value, variables: &Variables<'_>) {
    match value {
        Value::Object(object) => object.values_mut().for_each(|below| hide_texts(below, variables)),
        Value::Array(list) => list.iter_mut().for_each(|below| hide_texts(below, variables)),
        Value::String(text) => {
            let named: Vec<_> = parts(text)
                .into_iter()
                .filter_map(|part| match part {
                    Part::Variable(name) if variables.for_plugin(name).is_some() => Some(format!("${{{name}}}")),
                    Part::Variable(name) => Some(format!("${{{name}}}, not set")),
                    Part::Plain(_) => None,
                })
                .collect();
            *text = if named.is_empty() {
                format!("(a text of {} characters)", text.chars().count())
            } else {
                format!("({})", named.join(", "))
            };
        }
        _ => {}
    }
}
