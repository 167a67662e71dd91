//! The registry: which plugins may run together, in which order, and why the others may not.
//!
//! Pure: manifests in, decision out. In a conflict who is pinned stays before all others, then who runs as it is before a
//! newer file of what runs, that before what ran last, and that before what did not ([`Standing`]); everything else is
//! decided by what the manifests declare, never by the order in which files were found. Nobody is refused who could run
//! beside those who may.

mod admission;
mod refusal;
#[cfg(test)]
pub(in crate::plugins) mod tests;

use std::collections::{BTreeMap, BTreeSet};

use plugin_protocol::{Dependency, Manifest, PluginName};
use semver::{Version, VersionReq};

pub use refusal::{Refusal, Refused};

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
    /// It ran when the bot ended, or is wanted and does not run just now.
    RanLast,
    /// It would replace a generation that runs.
    Newer,
    /// It runs, just as it is.
    Running,
    /// The owner has pinned it, and nothing of this content runs.
    Pinned,
    /// The owner has pinned it, and it runs.
    PinnedRunning,
}

impl Standing {
    /// The same of one that the owner has pinned.
    #[must_use]
    pub fn pinned(self) -> Self {
        match self {
            Self::Running | Self::PinnedRunning => Self::PinnedRunning,
            Self::New | Self::RanLast | Self::Newer | Self::Pinned => Self::Pinned,
        }
    }
}

/// Who runs, in the order to start, and who does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Dependencies before their dependants, else by name.
    pub order: Vec<PluginName>,
    /// The others, with everything that stands against them.
    pub refused: BTreeMap<PluginName, Refused>,
}

/// The candidates by name.
type Candidates<'c, 'm> = BTreeMap<&'m PluginName, &'c Candidate<'m>>;

/// Decides over all plugins that want to run. Names are unique among them.
///
/// First falls who lacks what it needs, or needs itself in a circle: that has nothing to do with who else is there. Of the
/// others, those in conflict are weighed ([`admission`]).
#[must_use]
pub fn resolve(candidates: &[Candidate<'_>]) -> Resolution {
    let all: Candidates<'_, '_> = candidates
        .iter()
        .map(|candidate| (&candidate.manifest.name, candidate))
        .collect();
    let (viable, cycles) = viable(&all);
    let admitted = admission::admit(&viable);
    let refused = all
        .iter()
        .filter(|(name, _)| !admitted.is_in(name))
        .map(|(&name, candidate)| {
            let cycle = cycles.get(name);
            let mut reasons: Vec<Refusal> = cycle.map(|path| Refusal::Cycle(path.clone())).into_iter().collect();
            let depends = candidate.manifest.depends.iter();
            let unmet = depends.filter_map(|needs| unmet(needs, &all, &admitted));
            // Of those that need each other, each is refused for the circle, and none for another one of it.
            reasons.extend(unmet.filter(|why| cycle.is_none() || !matches!(why, Refusal::DependencyRefused(_))));
            reasons.extend(admitted.conflicts(name, candidate.manifest));
            (name.clone(), Refused(reasons))
        })
        .collect();
    Resolution {
        order: order(&viable, &admitted),
        refused,
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

/// In which steps these end, so that each can do what it has begun: nobody before those that need it, optionally or not. Who
/// is in a circle of optional ones ends with the others of it.
#[must_use]
pub fn endings<'m>(leaving: impl IntoIterator<Item = &'m Manifest>) -> Vec<Vec<PluginName>> {
    let mut left: BTreeMap<&PluginName, &Manifest> =
        leaving.into_iter().map(|manifest| (&manifest.name, manifest)).collect();
    let mut steps = Vec::new();
    while !left.is_empty() {
        let needed: BTreeMap<_, _> = left.keys().map(|&name| (name, reached(name, &left))).collect();
        // All that need it are needed by it, too.
        let is_free = |name: &PluginName| {
            let by_it = |other: &PluginName| needed.get(name).is_some_and(|needed| needed.contains(other));
            needed
                .iter()
                .all(|(other, needed)| !needed.contains(name) || by_it(other))
        };
        let step: Vec<_> = left
            .keys()
            .filter(|name| is_free(name))
            .map(|&name| name.clone())
            .collect();
        left.retain(|name, _| !step.contains(name));
        steps.push(step);
    }
    steps
}

/// What of these it needs, optionally or not, directly or through others.
fn reached<'m>(name: &'m PluginName, left: &BTreeMap<&'m PluginName, &'m Manifest>) -> BTreeSet<&'m PluginName> {
    let (mut found, mut next) = (BTreeSet::new(), vec![name]);
    while let Some(manifest) = next.pop().and_then(|name| left.get(name)) {
        let there = manifest
            .depends
            .iter()
            .filter_map(|needs| left.get_key_value(&needs.name));
        for (name, _) in there {
            if found.insert(*name) {
                next.push(name);
            }
        }
    }
    found
}

/// Whether a version is in a range; an empty range holds every one.
#[must_use]
pub fn fits(version: &str, range: &str) -> bool {
    range.is_empty() || matches(range, version) == Some(true)
}

/// `None` for a range or version that can't be read.
fn matches(range: &str, version: &str) -> Option<bool> {
    Some(VersionReq::parse(range).ok()?.matches(&Version::parse(version).ok()?))
}

fn excludes(one: &Manifest, other: &Manifest) -> bool {
    one.conflicts.iter().any(|conflict| {
        conflict.name == other.name
            && (conflict.range.is_empty() || matches(&conflict.range, &other.version) != Some(false))
    })
}

/// Whether two can't run beside each other: one word against it is enough.
#[must_use]
pub fn are_at_odds(one: &Manifest, other: &Manifest) -> bool {
    one.name != other.name && (excludes(one, other) || excludes(other, one))
}

/// Whether one can't do without the other, or they can't run beside each other.
#[must_use]
pub fn are_related(one: &Manifest, other: &Manifest) -> bool {
    let depends = |one: &Manifest, other: &Manifest| needs(one).any(|needs| needs.name == other.name);
    depends(one, other) || depends(other, one) || are_at_odds(one, other)
}

/// What a plugin can't do without.
fn needs(manifest: &Manifest) -> impl Iterator<Item = &Dependency> {
    manifest.depends.iter().filter(|needs| !needs.optional)
}

/// Those that have all that they need, were nobody in conflict; and the circles of those that need themselves.
fn viable<'c, 'm>(all: &Candidates<'c, 'm>) -> (Candidates<'c, 'm>, BTreeMap<PluginName, Vec<PluginName>>) {
    let (mut left, mut cycles) = (all.clone(), BTreeMap::new());
    while let Some(path) = cycle(&left) {
        for name in &path {
            left.remove(name);
            cycles.insert(name.clone(), path.clone());
        }
    }
    loop {
        let lacks = |candidate: &Candidate<'_>| {
            candidate.manifest.depends.iter().any(|needs| {
                let found = left.get(&needs.name).map(|found| found.manifest.version.as_str());
                is_unreadable(needs) || !needs.optional && !found.is_some_and(|found| fits(found, &needs.range))
            })
        };
        let unmet: Vec<_> = left
            .iter()
            .filter(|(_, candidate)| lacks(candidate))
            .map(|(&name, _)| name)
            .collect();
        if unmet.is_empty() {
            return (left, cycles);
        }
        left.retain(|name, _| !unmet.contains(name));
    }
}

/// Whoever needs itself, through others or not: the way around, from a first back to it.
fn cycle(left: &Candidates<'_, '_>) -> Option<Vec<PluginName>> {
    // Who is placed is in no circle: all that it needs is, or is not there.
    let mut placed: BTreeSet<&PluginName> = BTreeSet::new();
    let open = |name: &PluginName, placed: &BTreeSet<&PluginName>| {
        let mut needs = needs(left.get(name)?.manifest).map(|needs| &needs.name);
        needs.find(|name| left.contains_key(name) && !placed.contains(name))
    };
    while let Some(next) = left
        .keys()
        .find(|name| !placed.contains(*name) && open(name, &placed).is_none())
    {
        placed.insert(next);
    }
    // Everybody left waits for somebody left: following that leads into a circle.
    let mut path = vec![left.keys().copied().find(|name| !placed.contains(name))?];
    while let Some(next) = path.last().and_then(|last| open(last, &placed)) {
        path.push(next);
        if let Some(start) = path[..path.len() - 1].iter().position(|&seen| seen == next) {
            return Some(path[start..].iter().map(|&name| name.clone()).collect());
        }
    }
    None
}

fn is_unreadable(needs: &Dependency) -> bool {
    !needs.range.is_empty() && VersionReq::parse(&needs.range).is_err()
}

/// Why a plugin can't have what it needs.
fn unmet(needs: &Dependency, all: &Candidates<'_, '_>, admitted: &admission::Admitted<'_, '_>) -> Option<Refusal> {
    if is_unreadable(needs) {
        return Some(Refusal::BadRange(needs.clone()));
    }
    if needs.optional {
        return None;
    }
    match all.get(&needs.name) {
        None => Some(Refusal::Missing(needs.clone())),
        Some(found) if !fits(&found.manifest.version, &needs.range) => Some(Refusal::WrongVersion {
            needs: needs.clone(),
            found: found.manifest.version.clone(),
        }),
        Some(_) if !admitted.is_in(&needs.name) => Some(Refusal::DependencyRefused(needs.name.clone())),
        Some(_) => None,
    }
}

/// An order in which everything follows what it needs, and where that is possible what it likes to have.
fn order(viable: &Candidates<'_, '_>, admitted: &admission::Admitted<'_, '_>) -> Vec<PluginName> {
    let mut left: BTreeMap<&PluginName, &Manifest> = viable
        .iter()
        .filter(|(name, _)| admitted.is_in(name))
        .map(|(&name, candidate)| (name, candidate.manifest))
        .collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |manifest: &Manifest, also_for_optional: bool| {
            let mut depends = manifest.depends.iter();
            depends.any(|needs| (also_for_optional || !needs.optional) && left.contains_key(&needs.name))
        };
        let free = |also_for_optional| {
            let mut free = left.iter().filter(|(_, manifest)| !waits(manifest, also_for_optional));
            free.next().map(|(&name, _)| name)
        };
        // Circles through optional ones are nobody's fault. There are no others.
        let Some(next) = free(true).or_else(|| free(false)) else {
            break;
        };
        left.remove(next);
        order.push(next.clone());
    }
    order
}
