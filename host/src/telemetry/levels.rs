//! What is logged of whom: the level that holds for all, and those of single targets, from config.json and by command.
//! Pure.
//!
//! Of several that match a target, the longest counts. What the owner says by command goes before the file, until the
//! bot is restarted.

use std::collections::BTreeMap;

use plugin_protocol::{Level, LevelSource, LogLevel, LogLevels};

/// Where the targets of plugins' records begin; the plugin's name follows.
const PLUGIN: &str = "plugin";

/// The least important level that is logged, by target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    configured: Layer,
    by_command: Layer,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Layer {
    default: Option<Level>,
    targets: BTreeMap<String, Level>,
}

impl Levels {
    /// Those of config.json: `logging.level` and `logging.levels`.
    #[must_use]
    pub fn new(default: Level, targets: BTreeMap<String, Level>) -> Self {
        let default = Some(default);
        Self {
            configured: Layer { default, targets },
            by_command: Layer::default(),
        }
    }

    /// The same as `configured` says now; what was set by command stays.
    #[must_use]
    pub fn reconfigured(&self, configured: Self) -> Self {
        Self {
            configured: configured.configured,
            by_command: self.by_command.clone(),
        }
    }

    /// With a level by command: for a target, or for all without one of their own. `None` goes back to config.json.
    #[must_use]
    pub fn with(&self, target: Option<&str>, level: Option<Level>) -> Self {
        let mut levels = self.clone();
        match (target, level) {
            (None, level) => levels.by_command.default = level,
            (Some(target), Some(level)) => {
                levels.by_command.targets.insert(target.to_owned(), level);
            }
            (Some(target), None) => {
                levels.by_command.targets.remove(target);
            }
        }
        levels
    }

    /// Without anything that was set by command.
    #[must_use]
    pub fn reset(&self) -> Self {
        Self {
            configured: self.configured.clone(),
            by_command: Layer::default(),
        }
    }

    /// What is logged of all that have no level of their own.
    #[must_use]
    pub fn default_level(&self) -> Level {
        self.by_command.default.or(self.configured.default).unwrap_or_default()
    }

    /// What is logged of a target, such as `host::rest`. Libraries are one level quieter than the host and its plugins,
    /// since their daily life is of no interest to an owner, unless they are named.
    #[must_use]
    pub fn of(&self, target: &str) -> Level {
        let mut end = target.len();
        loop {
            let known = &target[..end];
            let named = [&self.by_command, &self.configured]
                .into_iter()
                .find_map(|layer| layer.targets.get(known));
            if let Some(level) = named {
                return *level;
            }
            match known.rfind("::") {
                Some(at) => end = at,
                None => break,
            }
        }
        let default = self.default_level();
        if matches!(&target[..end], PLUGIN | "host" | "bothost") {
            default
        } else {
            quieter(default)
        }
    }

    /// What is logged of a plugin, by its name.
    #[must_use]
    pub fn of_plugin(&self, plugin: &str) -> Level {
        self.of(&format!("{PLUGIN}::{plugin}"))
    }

    /// The least important level that is logged of anybody.
    #[must_use]
    pub fn lowest(&self) -> Level {
        let named = [&self.by_command, &self.configured]
            .into_iter()
            .flat_map(|layer| layer.targets.values());
        named.copied().chain([self.default_level()]).min().unwrap_or_default()
    }

    /// What holds, to be shown.
    #[must_use]
    pub fn shown(&self) -> LogLevels {
        let mut targets: BTreeMap<&str, LogLevel> = BTreeMap::new();
        for (layer, source) in [
            (&self.configured, LevelSource::Configuration),
            (&self.by_command, LevelSource::Command),
        ] {
            for (target, level) in &layer.targets {
                let level = LogLevel {
                    target: target.clone(),
                    level: *level,
                    source,
                };
                targets.insert(target, level);
            }
        }
        LogLevels {
            default: self.default_level(),
            default_source: match self.by_command.default {
                Some(_) => LevelSource::Command,
                None => LevelSource::Configuration,
            },
            targets: targets.into_values().collect(),
        }
    }
}

const fn quieter(level: Level) -> Level {
    match level {
        Level::Trace => Level::Debug,
        Level::Debug => Level::Info,
        Level::Info => Level::Warn,
        Level::Warn | Level::Error => Level::Error,
    }
}

/// Whether a text can be a target: words of letters, digits, `_` and `-`, with `::` between them.
#[must_use]
pub fn is_target(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
    };
    text.len() <= 100 && text.split("::").all(is_word)
}

/// A level by its name, without regard to case: those of this project, and `WARNING` and `CRITICAL`.
#[must_use]
pub fn level(name: &str) -> Option<Level> {
    Some(match name.to_ascii_lowercase().as_str() {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" | "warning" => Level::Warn,
        "error" | "critical" => Level::Error,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_target_counts_and_the_command_goes_before_the_file() {
        let targets = [
            ("host::rest", Level::Debug),
            ("plugin::levels", Level::Trace),
            ("hyper", Level::Error),
        ];
        let targets = targets.map(|(target, level)| (target.to_owned(), level)).into();
        let levels = Levels::new(Level::Info, targets);
        for (target, level) in [
            ("host", Level::Info),
            ("host::restless", Level::Info),
            ("host::rest", Level::Debug),
            ("host::rest::pace", Level::Debug),
            ("hyper::client", Level::Error),
            ("h2::codec", Level::Warn),
            ("plugin::levels", Level::Trace),
            ("plugin::example", Level::Info),
            ("", Level::Warn),
        ] {
            assert_eq!(levels.of(target), level, "{target}");
        }
        assert_eq!(
            (levels.of_plugin("levels"), levels.lowest()),
            (Level::Trace, Level::Trace)
        );

        let changed = levels
            .with(Some("host::rest"), Some(Level::Error))
            .with(Some("h2"), Some(Level::Trace))
            .with(None, Some(Level::Warn));
        for (target, level) in [
            ("host", Level::Warn),
            ("host::rest::pace", Level::Error),
            ("h2::codec", Level::Trace),
            ("rustls", Level::Error),
            ("plugin::levels", Level::Trace),
        ] {
            assert_eq!(changed.of(target), level, "{target}");
        }
        assert_eq!(changed.with(Some("host::rest"), None).of("host::rest"), Level::Debug);
        assert_eq!(changed.reset(), levels);
        let file = changed.reconfigured(Levels::new(Level::Error, BTreeMap::new()));
        assert_eq!(
            (file.of("host"), file.of("h2"), file.of_plugin("levels")),
            (Level::Warn, Level::Trace, Level::Warn)
        );
        let shown: Vec<_> = changed
            .shown()
            .targets
            .into_iter()
            .map(|target| (target.target, target.source))
            .collect();
        let file = |target: &str| (target.to_owned(), LevelSource::Configuration);
        let command = |target: &str| (target.to_owned(), LevelSource::Command);
        assert_eq!(
            shown,
            [
                command("h2"),
                command("host::rest"),
                file("hyper"),
                file("plugin::levels")
            ]
        );
    }

    #[test]
    fn targets_are_paths_of_modules() {
        assert!(is_target("host") && is_target("plugin::my-plugin") && is_target("a::b_c::d"));
        assert!(
            !is_target("") && !is_target("a:b") && !is_target("a::") && !is_target("a b") && !is_target("@everyone")
        );
        assert_eq!(
            (level("Warning"), level("CRITICAL"), level("loud")),
            (Some(Level::Warn), Some(Level::Error), None)
        );
    }
}
