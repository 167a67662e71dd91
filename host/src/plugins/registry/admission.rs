//! Who of those in conflict may run.
//!
//! The stronger stays, of two alike neither; but who is refused for something else is in nobody's way. So nothing is
//! decided before all that it hangs on is, and where that leads nowhere (whoever needs a weaker one, which is at odds
//! with a third) the strongest that is open, of those alike the first by name, takes along what it needs.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use plugin_protocol::{Manifest, PluginName};

use super::{Candidate, Candidates, Refusal, Standing, are_at_odds, needs};

/// What was decided of each.
pub(super) struct Admitted<'c, 'm> {
    viable: Candidates<'c, 'm>,
    decided: BTreeMap<&'m PluginName, Decided<'m>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Decided<'m> {
    In,
    /// For something else that was decided.
    Out,
    /// With another one that stands alike.
    Neither,
    /// It brings along two that can't run beside each other.
    AtOdds(&'m PluginName, &'m PluginName),
}

impl Admitted<'_, '_> {
    /// Whether this one may run.
    pub(super) fn is_in(&self, name: &PluginName) -> bool {
        self.decided.get(name) == Some(&Decided::In)
    }

    /// What others have to do with it that one is refused: each of these suffices.
    pub(super) fn conflicts(&self, name: &PluginName, manifest: &Manifest) -> Vec<Refusal> {
        let others = || {
            let at_odds = |candidate: &&&Candidate<'_>| are_at_odds(manifest, candidate.manifest);
            self.viable.values().filter(at_odds).map(|other| &other.manifest.name)
        };
        let is_pinned = |name: &PluginName| {
            let other = self.viable.get(name);
            other.is_some_and(|other| other.standing >= Standing::Pinned)
        };
        let with = |name: &PluginName, other_stays| {
            if other_stays && is_pinned(name) {
                return Refusal::Pinned(name.clone());
            }
            Refusal::Conflict {
                with: name.clone(),
                other_stays,
            }
        };
        let mut found: Vec<_> = others()
            .filter(|name| self.is_in(name))
            .map(|name| with(name, true))
            .collect();
        match self.decided.get(name) {
            Some(Decided::Neither) => {
                let mine = self.viable.get(name).map(|own| own.standing);
                let alike = |other: &&PluginName| {
                    self.decided.get(*other) == Some(&Decided::Neither)
                        && self.viable.get(*other).map(|other| other.standing) == mine
                };
                found.extend(others().filter(alike).map(|name| with(name, false)));
            }
            Some(Decided::AtOdds(one, other)) => {
                found.push(Refusal::AtOddsWithItself((*one).clone(), (*other).clone()));
            }
            Some(Decided::In | Decided::Out) | None => {}
        }
        found
    }
}

/// Decides over those that have all that they need, were nobody in conflict.
pub(super) fn admit<'c, 'm>(viable: &Candidates<'c, 'm>) -> Admitted<'c, 'm> {
    let mut admission = Admission {
        viable: viable.clone(),
        decided: BTreeMap::new(),
    };
    while admission.decided.len() < viable.len() {
        if !admission.refuse() && !admission.let_in() && !admission.refuse_alike() {
            admission.break_the_knot();
        }
    }
    Admitted {
        viable: admission.viable,
        decided: admission.decided,
    }
}

struct Admission<'c, 'm> {
    viable: Candidates<'c, 'm>,
    decided: BTreeMap<&'m PluginName, Decided<'m>>,
}

impl<'c, 'm> Admission<'c, 'm> {
    fn open(&self) -> impl Iterator<Item = (&'m PluginName, &'c Candidate<'m>)> {
        let open = self.viable.iter().filter(|(name, _)| !self.decided.contains_key(*name));
        open.map(|(&name, &candidate)| (name, candidate))
    }

    fn is_in(&self, name: &PluginName) -> bool {
        self.decided.get(name) == Some(&Decided::In)
    }

    /// Those that are at odds with this one and may run, or may yet.
    fn rivals(&self, of: &Candidate<'m>) -> impl Iterator<Item = &'c Candidate<'m>> {
        let may = |name: &PluginName| self.decided.get(name).is_none_or(|decided| *decided == Decided::In);
        let rivals = self
            .viable
            .iter()
            .filter(move |(name, other)| may(name) && are_at_odds(of.manifest, other.manifest));
        rivals.map(|(_, &candidate)| candidate)
    }

    /// All of these are decided at once, so that nothing hangs on their order.
    fn decide(&mut self, found: Vec<&'m PluginName>, decided: Decided<'m>) -> bool {
        let any = !found.is_empty();
        self.decided.extend(found.into_iter().map(|name| (name, decided)));
        any
    }

    /// Who needs one that is refused, or is at odds with one that may run.
    fn refuse(&mut self) -> bool {
        let is_refused = |name: &PluginName| self.decided.get(name).is_some_and(|decided| *decided != Decided::In);
        let found = self.open().filter(|(_, candidate)| {
            needs(candidate.manifest).any(|needs| is_refused(&needs.name))
                || self.rivals(candidate).any(|rival| self.is_in(&rival.manifest.name))
        });
        let found = found.map(|(name, _)| name).collect();
        self.decide(found, Decided::Out)
    }

    fn has_what_it_needs(&self, candidate: &Candidate<'_>) -> bool {
        needs(candidate.manifest).all(|needs| self.is_in(&needs.name))
    }

    /// Who has what it needs, and only weaker ones at odds with it.
    fn let_in(&mut self) -> bool {
        let found = self.open().filter(|(_, candidate)| {
            self.has_what_it_needs(candidate) && self.rivals(candidate).all(|rival| rival.standing < candidate.standing)
        });
        let found = found.map(|(name, _)| name).collect();
        self.decide(found, Decided::In)
    }

    /// Those that only one another keeps out.
    fn refuse_alike(&mut self) -> bool {
        let only_alike = |candidate: &Candidate<'m>| {
            self.has_what_it_needs(candidate)
                && self.rivals(candidate).all(|rival| rival.standing <= candidate.standing)
        };
        let found = self.open().filter(|(_, candidate)| {
            only_alike(candidate)
                && self
                    .rivals(candidate)
                    .any(|rival| rival.standing == candidate.standing && only_alike(rival))
        });
        let found = found.map(|(name, _)| name).collect();
        self.decide(found, Decided::Neither)
    }

    /// Nothing follows from what is decided: the strongest takes along what it needs, if that can be.
    fn break_the_knot(&mut self) {
        let strongest = self
            .open()
            .min_by_key(|(name, candidate)| (Reverse(candidate.standing), *name));
        let Some((strongest, _)) = strongest else { return };
        let mut taken = BTreeSet::from([strongest]);
        let mut open = vec![strongest];
        while let Some(candidate) = open.pop().and_then(|name| self.viable.get(name)) {
            let more = needs(candidate.manifest).map(|needs| &needs.name);
            let more = more.filter(|name| !self.is_in(name));
            let more: Vec<&'m PluginName> = more.filter(|name| taken.insert(name)).collect();
            open.extend(more);
        }
        let manifests: Vec<_> = taken
            .iter()
            .filter_map(|name| Some(self.viable.get(name)?.manifest))
            .collect();
        let at_odds = manifests.iter().enumerate().find_map(|(at, one)| {
            let other = manifests[at + 1..].iter().find(|other| are_at_odds(one, other))?;
            Some((&one.name, &other.name))
        });
        match at_odds {
            None => drop(self.decide(taken.into_iter().collect(), Decided::In)),
            Some((one, other)) => drop(self.decide(vec![strongest], Decided::AtOdds(one, other))),
        }
    }
}
