//! The registry: which plugins may run together, in which order, and why the others may not.
//!
//! Pure: manifests in, decision out. Whoever runs as it is counts as stronger in a conflict than a newer file of what
//! runs, and that as stronger than what does not run; everything else is decided by what the manifests declare, never by
//! the order in which files were found.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use plugin_protocol::{Dependency, Manifest, PluginName};
use semver::{Version, VersionReq};

/// A plugin that wants to run.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'m> {
    /// What it declares.
    pub manifest: &'m Manifest,
    /// How it stands beside what runs.
    pub standing: Standing,
}

/// How a candidate stands beside what runs: the later stays where two can't run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing of it runs.
    New,
    /// It would replace a generation that runs.
    Newer,
    /// It runs, just as it is.
    Running,
}

/// Who runs, in the order to start, and who does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Dependencies before their dependants, else by name.
    pub order: Vec<PluginName>,
    /// The others, with the reason.
    pub refused: BTreeMap<PluginName, Refusal>,
}

/// Why a plugin may not run.
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
    /// Plugins that need each other in a circle; the first is repeated at the end.
    Cycle(Vec<PluginName>),
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

/// Decides over all plugins that want to run. Names are unique among them.
#[must_use]
pub fn resolve(candidates: &[Candidate<'_>]) -> Resolution {
    let mut left: BTreeMap<&PluginName, &Candidate<'_>> = candidates
        .iter()
        .map(|candidate| (&candidate.manifest.name, candidate))
        .collect();
    let mut refused = BTreeMap::new();
    refuse_conflicts(&mut left, &mut refused);
    loop {
        refuse_unmet(&mut left, &mut refused);
        match order(&left) {
            Ok(order) => {
                return Resolution {
                    order: order.into_iter().cloned().collect(),
                    refused,
                };
            }
            Err(cycle) => {
                let path: Vec<PluginName> = cycle.iter().map(|&name| name.clone()).collect();
                for name in &path {
                    left.remove(name);
                    refused.insert(name.clone(), Refusal::Cycle(path.clone()));
                }
            }
        }
    }
}

/// Which of `running` can't do without one of `gone`, directly or through others: dependants before what they need.
#[must_use]
pub fn dependants<'m>(gone: &PluginName, running: impl IntoIterator<Item = &'m Manifest>) -> Vec<PluginName> {
    let running: Vec<_> = running.into_iter().collect();
    let mut found = vec![gone.clone()];
    let mut next = 0;
    while let Some(name) = found.get(next).cloned() {
        for manifest in &running {
            let needs = manifest
                .depends
                .iter()
                .any(|needs| !needs.optional && needs.name == name);
            if needs && !found.contains(&manifest.name) {
                found.push(manifest.name.clone());
            }
        }
        next += 1;
    }
    found.remove(0);
    found.reverse();
    found
}

fn refuse_conflicts(left: &mut BTreeMap<&PluginName, &Candidate<'_>>, refused: &mut BTreeMap<PluginName, Refusal>) {
    let names: Vec<&PluginName> = left.keys().copied().collect();
    for (at, &first) in names.iter().enumerate() {
        for &second in &names[at + 1..] {
            let (one, other) = (left_or(left, first), left_or(left, second));
            let (Some(one), Some(other)) = (one, other) else {
                continue;
            };
            if !excludes(one.manifest, other.manifest) && !excludes(other.manifest, one.manifest) {
                continue;
            }
            for (loser, winner) in [(one, other), (other, one)] {
                if loser.standing <= winner.standing {
                    let reason = Refusal::Conflict {
                        with: winner.manifest.name.clone(),
                        other_stays: loser.standing < winner.standing,
                    };
                    refused.entry(loser.manifest.name.clone()).or_insert(reason);
                }
            }
        }
    }
    left.retain(|name, _| !refused.contains_key(*name));
}

fn left_or<'l, 'm>(left: &BTreeMap<&PluginName, &'l Candidate<'m>>, name: &PluginName) -> Option<&'l Candidate<'m>> {
    left.get(name).copied()
}

fn excludes(one: &Manifest, other: &Manifest) -> bool {
    one.conflicts.iter().any(|conflict| {
        conflict.name == other.name
            && (conflict.range.is_empty() || matches(&conflict.range, &other.version) != Some(false))
    })
}

/// `None` for a range or version that can't be read.
/// Whether a version is in a range; an empty range holds every one.
#[must_use]
pub fn fits(version: &str, range: &str) -> bool {
    range.is_empty() || matches(range, version) == Some(true)
}

fn matches(range: &str, version: &str) -> Option<bool> {
    Some(VersionReq::parse(range).ok()?.matches(&Version::parse(version).ok()?))
}

fn refuse_unmet(left: &mut BTreeMap<&PluginName, &Candidate<'_>>, refused: &mut BTreeMap<PluginName, Refusal>) {
    loop {
        let unmet: Vec<_> = left
            .iter()
            .filter_map(|(&name, candidate)| unmet(candidate.manifest, left, refused).map(|why| (name, why)))
            .collect();
        if unmet.is_empty() {
            return;
        }
        for (name, why) in unmet {
            left.remove(name);
            refused.insert(name.clone(), why);
        }
    }
}

fn unmet(
    manifest: &Manifest,
    left: &BTreeMap<&PluginName, &Candidate<'_>>,
    refused: &BTreeMap<PluginName, Refusal>,
) -> Option<Refusal> {
    manifest.depends.iter().find_map(|needs| match left.get(&needs.name) {
        None if needs.optional => None,
        None if refused.contains_key(&needs.name) => Some(Refusal::DependencyRefused(needs.name.clone())),
        None => Some(Refusal::Missing(needs.clone())),
        Some(_) if needs.range.is_empty() => None,
        Some(found) => match matches(&needs.range, &found.manifest.version) {
            Some(true) => None,
            Some(false) if needs.optional => None,
            Some(false) => Some(Refusal::WrongVersion {
                needs: needs.clone(),
                found: found.manifest.version.clone(),
            }),
            None => Some(Refusal::BadRange(needs.clone())),
        },
    })
}

/// An order in which everything follows what it needs, or a circle.
fn order<'m>(left: &BTreeMap<&'m PluginName, &Candidate<'m>>) -> Result<Vec<&'m PluginName>, Vec<&'m PluginName>> {
    let mut order: Vec<&PluginName> = Vec::with_capacity(left.len());
    let mut placed: BTreeSet<&PluginName> = BTreeSet::new();
    let open = |name: &PluginName, placed: &BTreeSet<&PluginName>| {
        let needs = left.get(name)?.manifest.depends.iter();
        needs
            .map(|needs| &needs.name)
            .find(|name| left.contains_key(name) && !placed.contains(name))
    };
    while order.len() < left.len() {
        let next = left
            .keys()
            .copied()
            .find(|name| !placed.contains(name) && open(name, &placed).is_none());
        if let Some(next) = next {
            placed.insert(next);
            order.push(next);
            continue;
        }
        // Everybody left waits for somebody left: following that leads into a circle.
        let mut path: Vec<&PluginName> = left
            .keys()
            .copied()
            .filter(|name| !placed.contains(name))
            .take(1)
            .collect();
        while let Some(name) = path.last().and_then(|last| open(last, &placed)) {
            let name = left.get_key_value(name).map_or(name, |(&key, _)| key);
            if let Some(start) = path.iter().position(|&seen| seen == name) {
                path.drain(..start);
                path.push(name);
                return Err(path);
            }
            path.push(name);
        }
        return Err(path);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> PluginName {
        name.parse().unwrap()
    }

    /// `a needs b needs? c not d`, with versions as `b>=2`.
    fn manifest(text: &str) -> Manifest {
        let mut words = text.split_whitespace();
        let (own, version) = words
            .next()
            .unwrap()
            .split_once('@')
            .unwrap_or((text.split(' ').next().unwrap(), "1.0.0"));
        let mut manifest = Manifest {
            name: name(own),
            version: version.to_owned(),
            authors: Vec::new(),
            description: String::new(),
            abi: String::new(),
            target: String::new(),
            compiler: String::new(),
            panic: String::new(),
            depends: Vec::new(),
            conflicts: Vec::new(),
            intents: 0,
            swap: plugin_protocol::Swap::default(),
        };
        while let (Some(verb), Some(other)) = (words.next(), words.next()) {
            let at = other.find(['>', '^', '=', '<']).unwrap_or(other.len());
            let dependency = Dependency {
                name: name(&other[..at]),
                range: other[at..].to_owned(),
                optional: verb == "needs?",
            };
            if verb == "not" {
                manifest.conflicts.push(dependency);
            } else {
                manifest.depends.push(dependency);
            }
        }
        manifest
    }

    /// Names with `*` run already, of those with `+` an older version runs.
    fn decide(texts: &[&str]) -> (String, Vec<String>) {
        let manifests: Vec<_> = texts
            .iter()
            .map(|text| {
                let standing = match text.as_bytes()[0] {
                    b'*' => Standing::Running,
                    b'+' => Standing::Newer,
                    _ => Standing::New,
                };
                (manifest(text.trim_start_matches(['*', '+'])), standing)
            })
            .collect();
        let candidates: Vec<_> = manifests
            .iter()
            .map(|(manifest, standing)| Candidate {
                manifest,
                standing: *standing,
            })
            .collect();
        let resolution = resolve(&candidates);
        let order: Vec<_> = resolution.order.iter().map(ToString::to_string).collect();
        (
            order.join(" "),
            resolution
                .refused
                .iter()
                .map(|(name, why)| format!("{name}: {why}"))
                .collect(),
        )
    }

    #[test]
    fn what_is_needed_comes_first() {
        assert_eq!(decide(&["a needs c", "b", "c needs d", "d"]).0, "b d c a");
        assert_eq!(decide(&["a needs? z", "b needs? a"]).0, "a b");
    }

    #[test]
    fn what_is_missing_refuses_whoever_needs_it() {
        let (order, refused) = decide(&["a needs b", "b needs c", "d"]);
        assert_eq!(order, "d");
        assert_eq!(refused.len(), 2);
        assert!(
            refused[0].contains("needs the plugin `b`, which is refused itself"),
            "{refused:?}"
        );
        assert!(
            refused[1].contains("needs the plugin `c`, which is not loaded"),
            "{refused:?}"
        );
    }

    #[test]
    fn ranges_are_kept() {
        assert_eq!(decide(&["a needs b>=1.2", "b@1.3.0"]).0, "b a");
        let (order, refused) = decide(&["a needs b>=1.2", "b@1.1.0"]);
        assert_eq!(order, "b");
        assert!(refused[0].contains("version 1.1.0 is there"), "{refused:?}");
        assert!(decide(&["a needs b>=x", "b"]).1[0].contains("which is no range"));
    }

    #[test]
    fn of_two_in_conflict_the_running_one_stays_else_neither() {
        let (order, refused) = decide(&["a not b", "*b"]);
        assert_eq!(order, "b");
        assert!(
            refused[0].contains("a: it can't run beside `b`, which is running"),
            "{refused:?}"
        );
        let (order, refused) = decide(&["a", "b not a", "c"]);
        assert_eq!((order.as_str(), refused.len()), ("c", 2));
        assert_eq!(decide(&["a not b>=2", "b@1.0.0"]).0, "a b");
    }

    #[test]
    fn a_newer_version_that_conflicts_is_weaker_than_what_runs_and_stronger_than_what_does_not() {
        let (order, refused) = decide(&["+a not b", "*b"]);
        assert_eq!(order, "b");
        assert!(
            refused[0].contains("a: it can't run beside `b`, which is running: unload that one first"),
            "{refused:?}"
        );
        let (order, refused) = decide(&["+a not b", "b"]);
        assert_eq!(order, "a");
        assert!(
            refused[0].starts_with("b: it can't run beside `a`, which is running"),
            "{refused:?}"
        );
        let (order, refused) = decide(&["+a not b", "+b"]);
        assert_eq!(order, "");
        assert!(
            refused[0].contains("neither was running before as it is now"),
            "{refused:?}"
        );
    }

    #[test]
    fn circles_are_named_as_a_path_and_harm_nobody_else() {
        let (order, refused) = decide(&["a needs b", "b needs c", "c needs b", "d"]);
        assert_eq!(order, "d");
        assert!(
            refused.iter().any(|text| text.contains("`b` needs `c` needs `b`")),
            "{refused:?}"
        );
        assert!(
            refused[0].starts_with("a: it needs the plugin `b`, which is refused"),
            "{refused:?}"
        );
        assert!(decide(&["a needs a"]).1[0].contains("`a` needs `a`"));
    }

    #[test]
    fn dependants_are_found_through_others() {
        let manifests = ["a", "b needs a", "c needs b", "d needs? a", "e"].map(manifest);
        assert_eq!(dependants(&name("a"), &manifests), [name("c"), name("b")]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_ordered_has_what_it_needs_before_it(edges in proptest::collection::vec((0_u8..8, 0_u8..8, 0_u8..3), 0..24)) {
            let manifests: Vec<_> = (0..8_u8)
                .map(|at| {
                    let words: Vec<_> = edges
                        .iter()
                        .filter(|(from, to, _)| *from == at && to != from)
                        .map(|(_, to, verb)| format!(" {} p{to}", ["needs", "needs?", "not"][usize::from(*verb)]))
                        .collect();
                    manifest(&format!("p{at}{}", words.concat()))
                })
                .collect();
            let candidates: Vec<_> =
                manifests.iter().map(|manifest| Candidate { manifest, standing: Standing::New }).collect();
            let resolution = resolve(&candidates);
            proptest::prop_assert_eq!(resolution.order.len() + resolution.refused.len(), 8);
            for (at, name) in resolution.order.iter().enumerate() {
                let manifest = manifests.iter().find(|manifest| &manifest.name == name).unwrap();
                for needs in manifest.depends.iter().filter(|needs| !needs.optional) {
                    proptest::prop_assert!(resolution.order[..at].contains(&needs.name));
                }
                for conflict in &manifest.conflicts {
                    proptest::prop_assert!(!resolution.order.contains(&conflict.name));
                }
            }
        }
    }
}
