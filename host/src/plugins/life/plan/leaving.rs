//! What the owner's unloading comes to: who goes, in which order, and who else can't do without them.
//!
//! Who is needed goes only with those that need it, which the owner has to say; else nothing of the order happens.

use std::collections::BTreeSet;

use plugin_protocol::{Manifest, PluginName};

use super::{Because, Plan, Scene};
use crate::plugins::{life::report::in_words, registry};

impl Scene<'_> {
    /// All that the owner unloads, by name or with what it needs; nothing, if that can't be.
    pub(super) fn leaving(&self) -> BTreeSet<PluginName> {
        let ask = self.ask;
        if ask.unwanted.is_empty() {
            return BTreeSet::new();
        }
        let needing = self.needing(&ask.unwanted);
        if needing.is_empty() || ask.with_dependants {
            ask.unwanted.union(&needing).cloned().collect()
        } else {
            BTreeSet::new()
        }
    }

    /// Those that run, can't do without one of these, and are none of them.
    fn needing<'n>(&self, names: impl IntoIterator<Item = &'n PluginName>) -> BTreeSet<PluginName> {
        let needing = names
            .into_iter()
            .flat_map(|name| registry::dependants(name, self.running()));
        needing.filter(|name| !self.ask.unwanted.contains(name)).collect()
    }

    fn running(&self) -> impl Iterator<Item = &Manifest> {
        self.live.values().map(|live| &*live.manifest)
    }

    /// In which steps these end, as far as they run: dependants first.
    pub(super) fn endings(&self, names: &BTreeSet<PluginName>) -> Vec<Vec<PluginName>> {
        registry::endings(self.running().filter(|manifest| names.contains(&manifest.name)))
    }

    /// Why one that the owner unloads ends.
    pub(super) fn why_it_leaves(&self, name: &PluginName) -> Because {
        if self.ask.unwanted.contains(name) {
            return Because::Asked;
        }
        let needed = self.ask.unwanted.iter();
        let needed = needed.filter(|needed| registry::dependants(needed, self.running()).contains(name));
        Because::Needs(needed.cloned().collect())
    }

    /// Where others need what is to be unloaded, and the owner has not said that they go, too, none of it happens.
    pub(super) fn check_needed(&self, plan: &mut Plan) {
        let ask = self.ask;
        let needing = self.needing(&ask.unwanted);
        if needing.is_empty() || ask.with_dependants {
            return;
        }
        let steps = self.endings(&ask.unwanted.union(&needing).cloned().collect());
        let order: Vec<_> = steps.iter().map(|step| in_words(step)).collect();
        let typed: Vec<_> = ask.unwanted.iter().map(ToString::to_string).collect();
        let remedy = format!(
            "`unload {} --with-dependants` unloads {}",
            typed.join(" "),
            order.join(", then ")
        );
        let needed = |name: &PluginName| {
            let by: Vec<_> = self.needing([name]).into_iter().collect();
            (!by.is_empty()).then(|| format!("it is needed by {}: {remedy}", in_words(&by)))
        };
        let mut culprit = None;
        for name in &ask.unwanted {
            if let Some(why) = needed(name) {
                culprit.get_or_insert((name.clone(), why.clone()));
                plan.dropped.insert(name.clone(), why);
            }
        }
        let Some((culprit, why)) = culprit else { return };
        for name in &ask.unwanted {
            let text = || format!("it was asked for together with `{culprit}`, which can't be: {why}");
            plan.dropped.entry(name.clone()).or_insert_with(text);
        }
    }
}

impl Plan {
    /// Leaves only what the owner unloads: nothing can be said of anything else.
    pub(in crate::plugins::life) fn only_unloads(&mut self) {
        self.steps
            .retain(|step| matches!(step.because, Because::Asked | Because::Needs(_)) && step.choice().is_none());
        self.units = (0..self.steps.len()).map(|step| vec![step]).collect();
    }

    /// Those that run and that the owner unloads, in the order in which they end.
    pub(in crate::plugins::life) fn ended_by_owner(&self) -> Vec<PluginName> {
        let names = self.steps.iter().map(|step| &step.name);
        names.filter(|name| self.unloaded.contains(*name)).cloned().collect()
    }
}
