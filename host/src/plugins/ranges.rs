//! A plugin's version and the ranges of those that it needs, read once: each call of a service asks for them.
//!
//! Pure. What can't be read fits nothing, as in the registry.

use std::{collections::BTreeMap, sync::Arc};

use plugin_protocol::{Manifest, PluginName};
use semver::{Version, VersionReq};

/// A range of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// Every version, readable or not.
    Any,
    /// Those that fit.
    Of(VersionReq),
    /// None: the text is no range.
    Unreadable,
}

/// What a manifest says of versions.
#[derive(Clone, Debug)]
pub struct Ranges {
    version: Option<Version>,
    needs: BTreeMap<PluginName, Arc<Range>>,
}

impl Ranges {
    /// Reads a manifest's.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        let needs = manifest.depends.iter().map(|needs| {
            let range = match VersionReq::parse(&needs.range) {
                _ if needs.range.is_empty() => Range::Any,
                Ok(range) => Range::Of(range),
                Err(_) => Range::Unreadable,
            };
            (needs.name.clone(), Arc::new(range))
        });
        Self {
            version: Version::parse(&manifest.version).ok(),
            needs: needs.collect(),
        }
    }

    /// Which versions of another plugin this one wants; none, if it does not depend on it.
    #[must_use]
    pub fn wanted_of(&self, other: &PluginName) -> Arc<Range> {
        self.needs
            .get(other)
            .map_or_else(|| Arc::new(Range::Unreadable), Arc::clone)
    }

    /// Whether this plugin's version is in a range.
    #[must_use]
    pub fn is_in(&self, range: &Range) -> bool {
        match (range, &self.version) {
            (Range::Any, _) => true,
            (Range::Of(range), Some(version)) => range.matches(version),
            (Range::Of(_), None) | (Range::Unreadable, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::registry::{self, tests::manifest};

    #[test]
    fn what_was_read_once_says_what_the_registry_says() {
        for version in ["1.0.0", "1.2.3", "2.0.0-beta.1", "no version"] {
            for range in ["", ">=1.2", "^1", "=1.2.3", "<x", ">=2.0.0-alpha"] {
                let mut needs = manifest("shop needs bank");
                needs.depends[0].range = range.to_owned();
                let mut bank = manifest("bank");
                bank.version = version.to_owned();
                let wanted = Ranges::of(&needs).wanted_of(&bank.name);
                let fits = registry::fits(version, range);
                assert_eq!(Ranges::of(&bank).is_in(&wanted), fits, "{version} in `{range}`");
            }
        }
        let undeclared = Ranges::of(&manifest("shop")).wanted_of(&manifest("bank").name);
        assert!(!Ranges::of(&manifest("bank")).is_in(&undeclared));
    }
}
