//! What has become of a plugin: told from the one place where each of it happens, so that no way to load, replace or end a
//! plugin is forgotten.
//!
//! The types are those that plugins hear of it by.

use plugin_protocol::hooks::{ExtensionLoaded, ExtensionRefused, ExtensionReloaded, ExtensionUnloaded};

use super::generation::Generation;

/// What has become of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It serves, and did not before.
    Loaded(ExtensionLoaded),
    /// Another generation of it serves.
    Reloaded(ExtensionReloaded),
    /// It serves no more.
    Unloaded(ExtensionUnloaded),
    /// Its file does not run, for a reason that was not told before.
    Refused(ExtensionRefused),
}

impl Change {
    /// A generation serves, perhaps in the place of another.
    #[must_use]
    pub fn serves(now: &Generation, before: Option<&Generation>) -> Self {
        let (extension_name, version) = (now.name().to_string(), now.manifest.version.clone());
        match before {
            None => Self::Loaded(ExtensionLoaded {
                extension_name,
                version,
                generation: now.number,
            }),
            Some(before) => Self::Reloaded(ExtensionReloaded {
                extension_name,
                version,
                generation: now.number,
                previous_version: before.manifest.version.clone(),
                previous_generation: before.number,
            }),
        }
    }

    /// This generation serves no more, and no other does.
    #[must_use]
    pub fn unloaded(last: &Generation) -> Self {
        Self::Unloaded(ExtensionUnloaded {
            extension_name: last.name().to_string(),
            version: last.manifest.version.clone(),
            generation: last.number,
        })
    }
}
