//! Why a plugin may not run, and in which words its owner is told.
//!
//! Each reason suffices by itself, so that all that are told have to be mended; each text says how.

use std::fmt;

use plugin_protocol::{Dependency, PluginName};

/// Why a plugin may not run: everything that stands against it, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub Vec<Refusal>);

/// One reason why a plugin may not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It needs a plugin that is not there.
    Missing(Dependency),
    /// It needs another version of a plugin that is there.
    WrongVersion {
        /// What it needs.
        needs: Dependency,
        /// What is there.
        found: String,
    },
    /// A range that can't be read.
    BadRange(Dependency),
    /// It needs a plugin that is refused itself.
    DependencyRefused(PluginName),
    /// It can't run beside another one, which runs or wants to run.
    Conflict {
        /// The other one.
        with: PluginName,
        /// Whether the other one stays, since it stands stronger; else both are refused.
        other_stays: bool,
    },
    /// It can't run beside another one, which the owner has pinned.
    Pinned(PluginName),
    /// It needs two plugins that can't run beside each other, or can't run beside one that it needs.
    AtOddsWithItself(PluginName, PluginName),
    /// Plugins that need each other in a circle; the first is repeated at the end.
    Cycle(Vec<PluginName>),
}

impl Refused {
    /// Whether another one was preferred to it: it may run once that is gone.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let is_conflict = |reason: &Refusal| matches!(reason, Refusal::Conflict { .. } | Refusal::Pinned(_));
        self.0.iter().any(is_conflict)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, reason) in self.0.iter().enumerate() {
            let between = if at == 0 { "" } else { "; and " };
            write!(f, "{between}{reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(needs) => {
                write!(
                    f,
                    "it needs the plugin `{}`{}, which is not loaded: add it, or load it first",
                    needs.name,
                    range(needs)
                )
            }
            Self::WrongVersion { needs, found } => {
                write!(
                    f,
                    "it needs the plugin `{}`{}, but version {found} is there: replace one of the two",
                    needs.name,
                    range(needs)
                )
            }
            Self::BadRange(needs) => {
                write!(
                    f,
                    "it asks for `{}` in versions `{}`, which is no range such as `>=1.2, <2`: mend its `plugin!`",
                    needs.name, needs.range
                )
            }
            Self::DependencyRefused(name) => {
                write!(f, "it needs the plugin `{name}`, which is refused itself: see there")
            }
            Self::Conflict {
                with,
                other_stays: true,
            } => {
                write!(
                    f,
                    "it can't run beside `{with}`, which is running: unload that one first, or remove this one"
                )
            }
            Self::Conflict {
                with,
                other_stays: false,
            } => {
                write!(
                    f,
                    "it can't run beside `{with}`, and neither was running before as it is now: remove one of the two"
                )
            }
            Self::Pinned(with) => {
                write!(
                    f,
                    "it can't run beside `{with}`, which is pinned: `unpin {with}` first, or remove this one"
                )
            }
            Self::AtOddsWithItself(one, other) => {
                write!(
                    f,
                    "it brings along `{one}` and `{other}`, which can't run beside each other: its author has to do \
                     without one of them"
                )
            }
            Self::Cycle(path) => {
                let path: Vec<_> = path.iter().map(|name| format!("`{name}`")).collect();
                write!(
                    f,
                    "plugins need each other in a circle ({}): make one of these dependencies optional",
                    path.join(" needs ")
                )
            }
        }
    }
}

fn range(dependency: &Dependency) -> String {
    if dependency.range.is_empty() {
        String::new()
    } else {
        format!(" in version {}", dependency.range)
    }
}
