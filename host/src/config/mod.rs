//! Settings: as written in config.json and .env, then checked and resolved; only the second is passed on.
//!
//! [`load`] reads both files of a [`Root`], names every fault at once with its line, and answers with values that the
//! rest of the host can use without asking again. A missing config.json is written with its defaults; `.env` is never
//! written and never logged.

mod environment;
mod error;
mod keys;
mod live;
mod resolved;
mod root;
mod sections;
mod token;
mod written;

use std::io;

pub use environment::{ApiAddress, Environment};
pub use error::{ConfigError, Warning};
pub use live::Live;
pub use resolved::{
    ActivityKind, Colour, Colours, Config, Cooldowns, Database, Discord, Edits, Extensions, Framework, IntentChoice,
    LogFormat, Logging, NoticeSettings, OnlineStatus, Replies, SlashLimiter, Status, StatusLine, Synchronous,
};
pub use root::{Root, RootError, RootLock};
pub use sections::PluginSections;
pub use token::{Token, TokenFault};

use error::Problem;

/// The variable that holds the bot's token.
pub const TOKEN: &str = "DISCORD_TOKEN";

/// Reads, checks and resolves the settings of a root.
///
/// `variable` looks up the process's environment, which wins over `.env`: tests have their own. A missing config.json is written with defaults.
///
/// # Errors
///
/// Every fault of both files at once, with what to do about each.
pub fn load(
    root: &Root,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Environment, Vec<Warning>), ConfigError> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let variables = environment::Variables::read(root, variable, &mut problems);
    let config = read_config(root, &variables, &mut problems, &mut warnings);
    let environment = environment::resolve(root, &variables, &mut problems, &mut warnings);
    match (config, environment) {
        (Some(config), Some(environment)) if problems.is_empty() => {
            if environment.owner_id.is_none() && config.owner_ids.is_empty() {
                warnings.push(environment::owner_missing());
            }
            Ok((config, environment, warnings))
        }
        _ => Err(ConfigError::new(problems)),
    }
}

/// Reads, checks and resolves config.json alone, for what needs neither token nor addresses.
///
/// # Errors
///
/// Every fault of the file at once, with what to do about each.
pub fn load_settings(root: &Root, variable: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let variables = environment::Variables::read(root, variable, &mut problems);
    match read_config(root, &variables, &mut problems, &mut warnings) {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(ConfigError::new(problems)),
    }
}

fn read_config(
    root: &Root,
    variables: &environment::Variables<'_>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> Option<Config> {
    let path = root.config_file();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = written::defaults();
            if let Err(error) = crate::storage::write_atomically(&path, text.as_bytes()) {
                warnings.push(Warning::new(format!(
                    "config.json does not exist and could not be written ({error}); the defaults are in force"
                )));
            }
            text
        }
        Err(error) => {
            problems.push(Problem::config(None, format!("could not be read: {error}")));
            return None;
        }
    };
    let written = written::check(&text, problems, warnings)?;
    resolved::resolve(&written, root, variables, problems)
}

#[cfg(test)]
mod tests;
