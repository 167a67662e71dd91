//! Which steps of a plan happen together or not at all.
//!
//! Those that need each other or can't stand each other, as far as something of them runs already: what ran goes on, all of
//! it, if one of them fails. Where nothing of them runs there is nothing to keep, and whoever can start does.

use plugin_protocol::Manifest;

use super::{Action, Because, Scene, Step};
use crate::plugins::registry;

impl Scene<'_> {
    /// The units, each in the plan's order.
    pub(super) fn units(&self, steps: &[Step]) -> Vec<Vec<usize>> {
        // The first step of each one's unit.
        let mut first: Vec<usize> = (0..steps.len()).collect();
        let mut join = |one: usize, other: usize| {
            let (low, high) = (first[one].min(first[other]), first[one].max(first[other]));
            for place in &mut first {
                if *place == high {
                    *place = low;
                }
            }
        };
        for (one, step) in steps.iter().enumerate() {
            for (other, later) in steps.iter().enumerate().skip(one + 1) {
                if self.are_bound(step, later) {
                    join(one, other);
                }
            }
        }
        let unit = |start: usize| -> Vec<usize> { (0..steps.len()).filter(|step| first[*step] == start).collect() };
        let units = (0..steps.len()).map(unit).filter(|unit| !unit.is_empty());
        let is_together = |unit: &Vec<usize>| {
            let keeps = |step: &usize| !matches!(steps[*step].action, Action::Start(_));
            unit.iter().any(keeps) || unit.iter().any(|step| self.is_named(&steps[*step]))
        };
        units
            .flat_map(|unit| {
                if is_together(&unit) {
                    vec![unit]
                } else {
                    unit.into_iter().map(|step| vec![step]).collect()
                }
            })
            .collect()
    }

    fn is_named(&self, step: &Step) -> bool {
        let ask = self.ask;
        ask.together && (ask.wanted.contains(&step.name) || ask.forced.contains(&step.name))
    }

    fn are_bound(&self, one: &Step, other: &Step) -> bool {
        if self.ask.apart || is_settled(one) || is_settled(other) {
            return false;
        }
        if self.is_named(one) && self.is_named(other) {
            return true;
        }
        let versions = |step: &Step| -> Vec<Manifest> {
            let newer = step.choice().map(|choice| (*choice.manifest).clone());
            let older = self.live.get(&step.name).map(|live| (*live.manifest).clone());
            newer.into_iter().chain(older).collect()
        };
        let others = versions(other);
        versions(one)
            .iter()
            .any(|one| others.iter().any(|other| registry::are_related(one, other)))
    }
}

/// Whether it happens whatever becomes of the others: the owner has unloaded it, or its file is gone.
fn is_settled(step: &Step) -> bool {
    matches!(step.action, Action::Unload { .. }) && !matches!(step.because, Because::Refused(_))
}
