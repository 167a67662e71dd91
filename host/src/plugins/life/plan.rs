//! A plan: what a change of who runs comes to, step by step and with its reasons, before anything is done.
//!
//! Pure: from what lies in the folder, runs, was decided and is asked for ([`Scene`]) to what follows ([`Plan`]). The same
//! plan is shown by `plan` and executed by everything that changes plugins (`transaction`). Steps that hang together are one
//! unit, of which all happen or none.

mod choice;
mod leaving;
#[cfg(test)]
mod tests;
mod units;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use plugin_protocol::{Manifest, PluginName};

use super::report::{Refusals, file_name};
use crate::plugins::{
    drop_folder::Entry,
    persisted::Decisions,
    registry::{self, Candidate, Refused, Standing},
    shadow::ContentHash,
};

/// What is asked for: nothing, where a look at the folder says what is due.
#[derive(Clone, Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, and none excludes another"
)]
pub(super) struct Ask {
    /// To be loaded, whatever was before.
    pub wanted: BTreeSet<PluginName>,
    /// To be replaced, even if nothing has changed.
    pub forced: BTreeSet<PluginName>,
    /// To be unloaded.
    pub unwanted: BTreeSet<PluginName>,
    /// Who can't do without those is unloaded, too; else they are not, either.
    pub with_dependants: bool,
    /// The owner has named them: all of them, or none.
    pub together: bool,
    /// Whoever can't start keeps nobody else out: all have ended before.
    pub apart: bool,
    /// Nothing is taken that was not asked for.
    pub only_these: bool,
}

/// What a plan is drawn up from.
pub(super) struct Scene<'s> {
    /// The files in the folder, in order of their names.
    pub files: Vec<(&'s Path, &'s Entry)>,
    /// What runs.
    pub live: BTreeMap<PluginName, Serving>,
    pub decisions: &'s Decisions,
    /// Names that never run.
    pub blacklist: &'s BTreeSet<String>,
    /// Content that did not start in this run, and why.
    pub failed: &'s HashMap<PluginName, (ContentHash, String)>,
    pub held_back: &'s HashMap<PluginName, HeldBack>,
    /// Nothing is loaded that the owner has not asked for.
    pub hold_back: bool,
    /// What the owner has asked for in this run.
    pub asked_for: &'s BTreeSet<PluginName>,
    pub ask: &'s Ask,
}

/// A plugin that runs.
#[derive(Clone, Debug)]
pub(super) struct Serving {
    pub manifest: Arc<Manifest>,
    /// `None` for what is linked in.
    pub hash: Option<ContentHash>,
    pub file: Option<PathBuf>,
    pub generation: u32,
}

/// Content that would have started, but came together with some that did not.
#[derive(Clone, Debug)]
pub(super) struct HeldBack {
    pub hash: ContentHash,
    /// What did not start: once one of these is another content, it is tried again.
    pub culprits: Vec<(PluginName, ContentHash)>,
    /// Why, and what to do.
    pub why: String,
}

/// A content, chosen to be run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// The file in the folder that it goes by.
    pub path: PathBuf,
    pub hash: ContentHash,
    pub manifest: Arc<Manifest>,
    /// It is not that file's own content, but one that was kept.
    pub is_kept: bool,
}

/// What happens to one plugin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub name: PluginName,
    pub action: Action,
    pub because: Because,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Start(Choice),
    Replace { older: u32, by: Choice },
    Unload { older: u32 },
}

/// Why a step is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// The owner asks for it.
    Asked,
    /// It can't do without these, which the owner unloads with all that need them.
    Needs(Vec<PluginName>),
    /// Its file is new, or what it waited for is there.
    Found,
    /// Its file has changed.
    Changed,
    /// Its file is gone, or it is on the blacklist by now.
    Gone,
    /// It can't run beside, or without, what is planned.
    Refused(String),
}

/// What follows from a scene.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// In order: what is unloaded first, dependants before what they need; then the others, the other way round.
    pub steps: Vec<Step>,
    /// Those that happen together or not at all, by their places in `steps`.
    pub units: Vec<Vec<usize>>,
    /// Files that do not run, and why.
    pub refused: Refusals,
    /// What would run of them if the owner's order were not all or nothing, and why it does not.
    pub dropped: BTreeMap<PluginName, String>,
    /// Refused since another one was preferred.
    pub lost: BTreeSet<PluginName>,
    /// What stays unloaded until the owner loads it, whether it runs now or not.
    pub unloaded: BTreeSet<PluginName>,
}

impl Step {
    /// What it starts.
    pub(super) fn choice(&self) -> Option<&Choice> {
        match &self.action {
            Action::Start(choice) | Action::Replace { by: choice, .. } => Some(choice),
            Action::Unload { .. } => None,
        }
    }
}

impl Scene<'_> {
    /// Draws up the plan.
    pub(super) fn plan(&self) -> Plan {
        let mut plan = Plan {
            unloaded: self.leaving(),
            ..Plan::default()
        };
        let choices = self.choose(&mut plan.refused);
        let (order, choices, refused) = self.resolve(choices, &mut plan);
        let gone = self
            .live
            .iter()
            .filter(|(name, live)| live.file.is_some() && !order.contains(name));
        let gone = gone.map(|(name, _)| name.clone()).collect();
        for name in self.endings(&gone).into_iter().flatten() {
            let Some(live) = self.live.get(&name) else { continue };
            let because = match refused.get(&name) {
                _ if plan.unloaded.contains(&name) => self.why_it_leaves(&name),
                Some(why) => Because::Refused(why.to_string()),
                None => Because::Gone,
            };
            plan.steps.push(Step {
                name,
                action: Action::Unload { older: live.generation },
                because,
            });
        }
        for choice in order.iter().filter_map(|name| choices.get(name)) {
            plan.steps.extend(self.step(choice));
        }
        self.check_together(&mut plan);
        self.check_needed(&mut plan);
        plan.units = self.units(&plan.steps);
        plan
    }

    fn step(&self, choice: &Choice) -> Option<Step> {
        let name = choice.manifest.name.clone();
        let is_asked = self.ask.forced.contains(&name) || self.ask.wanted.contains(&name);
        let (action, because) = match self.live.get(&name) {
            Some(live) if live.hash != Some(choice.hash) || self.ask.forced.contains(&name) => {
                let action = Action::Replace {
                    older: live.generation,
                    by: choice.clone(),
                };
                (action, Because::Changed)
            }
            Some(_) => return None,
            None => (Action::Start(choice.clone()), Because::Found),
        };
        let because = if is_asked { Because::Asked } else { because };
        Some(Step { name, action, because })
    }

    /// Lets the registry decide. Where a newer file is refused, its older generation is asked for instead. Who runs, in
    /// order, by which content, and who is to be unloaded for what.
    fn resolve(
        &self,
        mut choices: BTreeMap<PluginName, Choice>,
        plan: &mut Plan,
    ) -> (
        Vec<PluginName>,
        BTreeMap<PluginName, Choice>,
        BTreeMap<PluginName, Refused>,
    ) {
        loop {
            let older = self
                .live
                .iter()
                .filter(|(name, live)| !choices.contains_key(*name) && self.stays(name, live));
            let candidates: Vec<_> = older
                .map(|(name, live)| Candidate {
                    manifest: &live.manifest,
                    standing: self.standing(name, live.hash),
                })
                .chain(choices.iter().map(|(name, choice)| Candidate {
                    manifest: &choice.manifest,
                    standing: self.standing(name, Some(choice.hash)),
                }))
                .collect();
            let resolution = registry::resolve(&candidates);
            let newer: Vec<_> = resolution
                .refused
                .keys()
                .filter(|name| choices.contains_key(*name) && self.live.contains_key(*name))
                .cloned()
                .collect();
            // Without the newer files that are refused it is another question: what else was refused is asked anew.
            if !newer.is_empty() {
                for name in newer {
                    if let (Some(choice), Some(why)) = (choices.remove(&name), resolution.refused.get(&name)) {
                        plan.refused.insert_of(&name, file_name(&choice.path), why.to_string());
                    }
                }
                continue;
            }
            let mut unloaded = BTreeMap::new();
            for (name, why) in resolution.refused {
                if why.is_lost() {
                    plan.lost.insert(name.clone());
                }
                match choices.remove(&name) {
                    Some(choice) => plan.refused.insert_of(&name, file_name(&choice.path), why.to_string()),
                    None => drop(unloaded.insert(name, why)),
                }
            }
            return (resolution.order, choices, unloaded);
        }
    }

    /// Whether what runs may go on, as far as its file and the owner say.
    fn stays(&self, name: &PluginName, live: &Serving) -> bool {
        let Some(file) = &live.file else { return true };
        // A broken file over a running plugin's leaves it running; another plugin's takes its place.
        let is_its_own = match self.entry(file) {
            Some(Entry::Broken { .. }) => true,
            Some(Entry::Plugin { manifest, .. }) => manifest.name == *name,
            None => false,
        };
        is_its_own && !self.is_unloaded(name) && !self.blacklist.contains(name.as_str())
    }

    fn standing(&self, name: &PluginName, hash: Option<ContentHash>) -> Standing {
        let standing = match self.live.get(name) {
            Some(live) if live.hash == hash => Standing::Running,
            Some(_) => Standing::Newer,
            None if self.decisions.has_run_last(name) => Standing::RanLast,
            None => Standing::New,
        };
        if self.decisions.is_pinned(name) {
            standing.pinned()
        } else {
            standing
        }
    }

    fn is_unloaded(&self, name: &PluginName) -> bool {
        let ask = self.ask;
        let is_asked = ask.wanted.contains(name) || ask.forced.contains(name);
        self.leaving().contains(name) || (self.decisions.is_unloaded(name) && !is_asked)
    }

    fn entry(&self, path: &Path) -> Option<&Entry> {
        self.files
            .iter()
            .find(|(file, _)| *file == path)
            .map(|(_, entry)| *entry)
    }

    /// Why a plugin that is asked for is in no step: `None` if it is, or nothing is known of it.
    fn why_not(&self, name: &PluginName, plan: &Plan) -> Option<String> {
        let goes_on =
            self.live.contains_key(name) && !self.ask.forced.contains(name) && plan.refused.of(name).is_none();
        let comes = |step: &Step| step.name == *name && step.choice().is_some();
        if goes_on || plan.steps.iter().any(comes) {
            return None;
        }
        let own_file = self.live.get(name).and_then(|live| live.file.as_deref());
        let why = plan
            .refused
            .of(name)
            .or_else(|| plan.refused.of_file(&file_name(own_file?)));
        Some(why.map_or_else(|| "there is no file of it in the folder".to_owned(), str::to_owned))
    }

    /// Where one of those that the owner has named can't be, nothing of what hangs on the others happens either.
    fn check_together(&self, plan: &mut Plan) {
        let ask = self.ask;
        if !ask.together {
            return;
        }
        let named: BTreeSet<_> = ask.wanted.union(&ask.forced).cloned().collect();
        let failed: Vec<_> = named
            .iter()
            .filter_map(|name| Some((name, self.why_not(name, plan)?)))
            .collect();
        let Some((culprit, why)) = failed.first() else { return };
        let text = format!("it was asked for together with `{culprit}`, which can't be: {why}");
        let units = self.units(&plan.steps);
        let with_named = units
            .iter()
            .filter(|unit| unit.iter().any(|step| named.contains(&plan.steps[*step].name)));
        let dropped: BTreeSet<usize> = with_named.flatten().copied().collect();
        for at in dropped.iter().rev() {
            let step = plan.steps.remove(*at);
            plan.dropped.insert(step.name, text.clone());
        }
    }
}
