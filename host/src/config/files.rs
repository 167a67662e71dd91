//! The two files of the owner's, config.json and `.env`, read at the start and again whenever they may have changed.
//!
//! A file with a fault changes nothing: what held before goes on. What counts from the next start on keeps its value
//! until then. Everything here waits for the disk: not for the runtime's threads.

use std::fmt;

use super::{
    Config, ConfigError, Environment, Root, Warning,
    content::{self, Content},
    environment::{self, Variables},
    error::Problem,
    keys::{Counts, KEYS},
    resolved, schema,
    written::{self, Written},
};

/// The owner's files of one root, and what of them is in force.
pub struct Files {
    root: Root,
    variable: Variable,
    in_force: Written,
    /// What both files held at the last look.
    seen: Option<(Content, Content)>,
    /// What has been warned of.
    warned: Vec<Warning>,
    /// What has been told to count from the next start on.
    waiting: Vec<&'static str>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Looks up a variable of the process.
type Variable = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a look at the files came to.
#[derive(Debug)]
pub enum Look {
    /// They are as they were at the last look.
    Unchanged,
    /// They can be used.
    Right(Box<Change>),
    /// They can't: every fault of them.
    Faulty(ConfigError),
    /// There is no config.json any more.
    Missing,
}

/// What is different since the last look.
#[derive(Debug)]
pub struct Change {
    /// The settings to put in force.
    pub config: Config,
    /// Keys whose new value counts at once, in the table's order.
    pub changed: Vec<&'static str>,
    /// Keys that have another value than the one in force, which stays until the next start; those that were told of
    /// before are left out.
    pub at_start: Vec<&'static str>,
    /// What is odd, and was not before.
    pub warnings: Vec<Warning>,
}

impl Files {
    /// Those of a root. `variable` looks up the process's environment, which wins over `.env`: tests have their own.
    #[must_use]
    pub fn new(root: Root, variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            root,
            variable: Box::new(variable),
            in_force: Written::without_file(),
            seen: None,
            warned: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Reads, checks and resolves both. A missing config.json is written with its defaults, and its schema beside it.
    ///
    /// # Errors
    ///
    /// Every fault of both files at once, with what to do about each.
    pub fn load(&mut self) -> Result<(Config, Environment, Vec<Warning>), ConfigError> {
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        let (mut text, env) = self.read();
        if text == Content::Missing {
            text = Content::Text(self.write_defaults(&mut warnings));
        }
        self.write_schema(&mut warnings);
        let variables = Variables::understand(&self.root, &self.variable, &env, &mut problems);
        let written = understand(&text, &mut problems, &mut warnings);
        let config = written
            .as_ref()
            .map(|written| resolved::resolve(written, &self.root, &variables));
        let environment = environment::resolve(&self.root, &variables, &mut problems, &mut warnings);
        let (Some(written), Some(config), Some(environment), true) =
            (written, config, environment, problems.is_empty())
        else {
            return Err(ConfigError::new(problems));
        };
        if environment.owner_id.is_none() && config.owner_ids.is_empty() {
            warnings.push(environment::owner_missing());
        }
        self.in_force = written;
        self.seen = Some((text, env));
        self.warned.clone_from(&warnings);
        Ok((config, environment, warnings))
    }

    /// Looks whether they have changed, and what that means.
    pub fn look(&mut self) -> Look {
        let now = self.read();
        if self.seen.as_ref() == Some(&now) {
            return Look::Unchanged;
        }
        let (text, env) = &*self.seen.insert(now);
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let variables = Variables::understand(&self.root, &self.variable, env, &mut problems);
        if *text == Content::Missing && problems.is_empty() {
            return Look::Missing;
        }
        let written = understand(text, &mut problems, &mut warnings);
        let (Some(mut written), true) = (written, problems.is_empty()) else {
            return Look::Faulty(ConfigError::new(problems));
        };
        let (mut changed, mut waiting) = (Vec::new(), Vec::new());
        for key in KEYS.iter() {
            if written.value(key.path) == self.in_force.value(key.path) {
                continue;
            }
            match key.counts {
                Counts::AtOnce => changed.push(key.path),
                Counts::AtStart => {
                    waiting.push(key.path);
                    written.keep(key, &self.in_force);
                }
            }
        }
        let config = resolved::resolve(&written, &self.root, &variables);
        self.in_force = written;
        let at_start = waiting
            .iter()
            .filter(|path| !self.waiting.contains(path))
            .copied()
            .collect();
        self.waiting = waiting;
        let new = |warning: &&Warning| !self.warned.contains(warning);
        let new = warnings.iter().filter(new).cloned().collect();
        self.warned.append(&mut warnings);
        Look::Right(Box::new(Change {
            config,
            changed,
            at_start,
            warnings: new,
        }))
    }

    fn read(&self) -> (Content, Content) {
        (
            content::read(&self.root.config_file()),
            content::read(&self.root.env_file()),
        )
    }

    fn write_defaults(&self, warnings: &mut Vec<Warning>) -> String {
        let text = written::defaults();
        if let Err(error) = crate::storage::write_atomically(&self.root.config_file(), text.as_bytes()) {
            warnings.push(Warning::new(format!(
                "config.json does not exist and could not be written ({}); the defaults are in force",
                content::unwritable(&error)
            )));
        }
        text
    }

    fn write_schema(&self, warnings: &mut Vec<Warning>) {
        let path = self.root.schema_file();
        let text = schema::schema();
        if content::read(&path) == Content::Text(text.clone()) {
            return;
        }
        if let Err(error) = crate::storage::write_atomically(&path, text.as_bytes()) {
            warnings.push(Warning::new(format!(
                "{}, by which editors know the settings, could not be written ({})",
                schema::FILE,
                content::unwritable(&error)
            )));
        }
    }
}

/// The checked file, if there is a text and it is JSON.
pub(super) fn understand(text: &Content, problems: &mut Vec<Problem>, warnings: &mut Vec<Warning>) -> Option<Written> {
    match text {
        Content::Text(text) => written::check(text, problems, warnings),
        Content::Missing => Some(Written::without_file()),
        Content::Unreadable(why) => {
            problems.push(Problem::config(None, why.as_str()));
            None
        }
    }
}
