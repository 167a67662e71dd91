//! From what is asked for to what is done: a look at the folder, the plan, and its steps in their order.
//!
//! What should run is decided in `plan`, what happens to a unit of it in `transaction`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use futures_util::future::join_all;
use plugin_protocol::{Manifest, PluginName};

use super::{
    Life, Live,
    plan::{Action, Ask, Because, Choice, Plan, Scene, Serving, Step},
    preparation::{Prepared, Unprepared},
    report::{Refusals, file_name},
    transaction::Draft,
};
use crate::plugins::{
    budget,
    drop_folder::{DropFolder, Entry},
    shadow::ContentHash,
};

/// What an order came to.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// What of one that is all or nothing has not happened, and why.
    pub(super) dropped: BTreeMap<PluginName, String>,
    /// What was unloaded by it, in order.
    pub(super) unloaded: Vec<PluginName>,
}

impl Life {
    /// Looks at the folder and makes what runs agree with what should.
    pub(super) async fn settle(&mut self, ask: &Ask) -> Settled {
        self.policy = self.outlook.policy();
        let looked = self.look().await;
        if looked.is_none() && ask.unwanted.is_empty() {
            return Settled::default();
        }
        self.look_again = looked.unwrap_or(self.look_again);
        if looked.is_some() {
            self.follow_renames();
            self.forget_rollbacks();
            self.forget_lost();
            let known = self.known();
            self.decisions.forget_absent(|name| known.contains(name));
        }
        let mut plan = self.scene(ask).plan();
        // What follows from it begins once the owner has heard of the end.
        if looked.is_none() || !ask.unwanted.is_empty() {
            plan.only_unloads();
        }
        for name in &plan.unloaded {
            self.decisions.set_unloaded(name, true);
        }
        let settled = Settled {
            dropped: plan.dropped.clone(),
            unloaded: plan.ended_by_owner(),
        };
        self.execute(plan, ask).await;
        self.tidy().await;
        settled
    }

    /// What a plan is drawn up from.
    pub(super) fn scene<'s>(&'s self, ask: &'s Ask) -> Scene<'s> {
        let serving = |(name, live): (&PluginName, &Live)| {
            let serving = Serving {
                manifest: Arc::clone(&live.generation.manifest),
                hash: live.generation.hash,
                file: live.file.clone(),
                generation: live.generation.number,
            };
            (name.clone(), serving)
        };
        Scene {
            files: self.folder.iter().flat_map(DropFolder::files).collect(),
            live: self.live.iter().map(serving).collect(),
            decisions: &self.decisions,
            blacklist: &self.policy.blacklist,
            failed: &self.failed,
            held_back: &self.held_back,
            hold_back: self.hold_back,
            asked_for: &self.asked_for,
            ask,
        }
    }

    async fn execute(&mut self, plan: Plan, ask: &Ask) {
        let Plan {
            steps,
            units,
            mut refused,
            lost,
            dropped,
            ..
        } = plan;
        let starts = |unit: &Vec<usize>| unit.iter().any(|step| steps[*step].choice().is_some());
        let (units, ends): (Vec<_>, Vec<_>) = units.into_iter().partition(starts);
        let gone: Vec<_> = ends.into_iter().flatten().map(|step| &steps[step]).collect();
        for step in &gone {
            if let Because::Refused(why) = &step.because {
                let text = format!("The plugin `{}` is unloaded: {why}.", step.name);
                self.outlook.tell_owner(step.name.as_str(), &text);
                refused.note_told(&step.name);
            }
        }
        let gone: Vec<_> = gone.into_iter().map(|step| step.name.clone()).collect();
        self.arrivals.retain(|name| !gone.contains(name));
        for name in &gone {
            self.give_up(name);
        }
        let mut ends = Vec::new();
        for step in self.endings(&gone) {
            // Those that needed them have ended.
            join_all(std::mem::take(&mut ends)).await;
            ends = self.unload_now(&step);
        }
        if !ask.unwanted.is_empty() {
            // The owner hears of the end when it is the end.
            join_all(ends).await;
        }
        let running = self.live.values().map(|live| live.generation.manifest.intents);
        let choices = || steps.iter().filter_map(Step::choice);
        let intents = running.chain(choices().map(|choice| choice.manifest.intents));
        self.intents
            .store(intents.fold(0, |all, one| all | one), Ordering::Relaxed);
        let (due, short) = self.within_budget(choices().cloned().collect(), &mut refused).await;
        let due_names = due.iter().map(|choice| choice.manifest.name.clone()).collect();
        self.start_held_again(&due_names).await;
        let mut prepared = self.prepare(due).await;
        prepared.extend(short);
        let mut prepared: BTreeMap<_, _> = prepared
            .into_iter()
            .map(|(choice, prepared)| (choice.manifest.name.clone(), (choice, prepared)))
            .collect();
        let mut waiting = Vec::new();
        for unit in units {
            let names = unit.iter().map(|step| &steps[*step].name);
            let members = names.clone().filter_map(|name| prepared.remove(name)).collect();
            let out = unit
                .iter()
                .filter(|step| matches!(steps[**step].action, Action::Unload { .. }));
            let out = out.map(|step| steps[*step].name.clone()).collect();
            waiting.push(Draft { members, out });
        }
        while !waiting.is_empty() {
            let names: BTreeSet<_> = waiting.iter().flat_map(Draft::names).cloned().collect();
            // The registry allows circles only where somebody can do without.
            let for_optional = waiting.iter().any(|draft| !waits(draft, &names, true));
            let (later, now): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .partition(|draft| waits(draft, &names, for_optional));
            if now.is_empty() {
                tracing::error!("plugins wait for one another in a circle, which the registry should have refused");
                break;
            }
            // Whoever needs none of the others is started now, side by side.
            self.replace_all(now, &mut refused).await;
            waiting = later;
            // Before those that need them, and are started next.
            let later = waiting.iter().flat_map(Draft::names).cloned().collect();
            self.start_held_again(&later).await;
        }
        if ask.apart {
            self.start_held_again(&BTreeSet::new()).await;
        }
        for step in steps.iter().filter(|step| matches!(step.because, Because::Refused(_))) {
            // It was to make room for something that did not start.
            if let Some(live) = self.live.get(&step.name)
                && live
                    .generation
                    .hash
                    .is_some_and(|hash| self.found(&step.name) == Some(hash))
            {
                refused.remove_of(&step.name);
            }
        }
        if ask.only_these || !dropped.is_empty() || !ask.unwanted.is_empty() {
            self.keep_refusals(&mut refused);
        }
        self.tell_refused(refused);
        self.publish_views();
        self.remember_running(&lost);
    }

    /// What was not asked for, or does not happen for the sake of another, is refused as it was.
    fn keep_refusals(&self, refused: &mut Refusals) {
        for (path, entry) in self.folder.iter().flat_map(DropFolder::files) {
            let file = file_name(path);
            let serves = self.live.values().any(|live| live.file.as_deref() == Some(path));
            let is_unloaded = match entry {
                Entry::Plugin { manifest, .. } => self.decisions.is_unloaded(&manifest.name),
                Entry::Broken { .. } => false,
            };
            if let Some(why) = self
                .refused
                .get(&file)
                .filter(|_| !serves && !is_unloaded && refused.of_file(&file).is_none())
            {
                refused.insert(file, why.clone());
            }
        }
    }

    /// A rollback lasts until the file in the folder is another one.
    fn forget_rollbacks(&mut self) {
        let mut over = Vec::new();
        for (_, entry) in self.folder.iter().flat_map(DropFolder::files) {
            if let Entry::Plugin { manifest, hash, .. } = entry
                && let Some(rolled_back) = self.decisions.rolled_back(&manifest.name)
                && rolled_back.instead_of != *hash
            {
                over.push(manifest.name.clone());
            }
        }
        for name in over {
            self.decisions.set_rolled_back(&name, None);
        }
    }

    /// What is pinned or gone back to can only run where its content is kept: otherwise the file does.
    fn forget_lost(&mut self) {
        let (live, shelved) = (&self.live, &self.shelved);
        let is_there = |name: &PluginName, hash: ContentHash| {
            shelved.contents.all.contains(&hash)
                || live.get(name).is_some_and(|live| live.generation.hash == Some(hash))
        };
        for (name, content) in self.decisions.forget_lost(is_there) {
            let version = &content.manifest.version;
            let text = format!(
                "What was kept of the plugin `{name}`, version {version}, is gone: its file in the folder runs instead. Drop the file of that version there, if it is to be that one; `unpin {name}` where it was pinned, and nothing is to be preferred."
            );
            self.outlook.tell_owner(name.as_str(), &text);
        }
    }

    /// For the next start: of two that can't run beside each other, the one that ran last stays. One that only does not run
    /// just now, for want of memory or of a file that can be read, is remembered.
    pub(super) fn remember_running(&mut self, lost: &BTreeSet<PluginName>) {
        let entries = || self.folder.iter().flat_map(DropFolder::files).map(|(_, entry)| entry);
        let may_be_there = |name: &PluginName| {
            entries().any(|entry| match entry {
                Entry::Plugin { manifest, .. } => manifest.name == *name,
                Entry::Broken { .. } => true,
            })
        };
        let waits = |name: &&PluginName| {
            let is_unwanted = self.decisions.is_unloaded(name) || self.failed.contains_key(*name);
            !is_unwanted && !lost.contains(*name) && may_be_there(name)
        };
        let of_files = self.live.iter().filter(|(_, live)| live.file.is_some());
        let names = of_files.map(|(name, _)| name);
        let names = names.chain(self.decisions.ran_last().filter(waits)).cloned().collect();
        self.decisions.set_running(names);
    }

    /// Those that this process has room for; the others are refused, and what runs of them goes on.
    pub(super) async fn within_budget(
        &mut self,
        due: Vec<Choice>,
        refused: &mut Refusals,
    ) -> (Vec<Choice>, Vec<Unfit>) {
        if due.is_empty() {
            return (due, Vec::new());
        }
        let percent = self.policy.memory_percent;
        let Ok(levels) = tokio::task::spawn_blocking(move || budget::measure(percent)).await else {
            tracing::error!("measuring this process panicked: plugins are loaded without a budget");
            return (due, Vec::new());
        };
        let (mut admitted, mut short_of_room) = (Vec::new(), Vec::new());
        for choice in due {
            match budget::admit(&levels, admitted.len()) {
                Ok(()) => admitted.push(choice),
                Err(short) => {
                    refused.insert_for_want_of(short.resource, file_name(&choice.path), short.why.clone());
                    short_of_room.push((choice, Err(Unprepared::for_now(short.why))));
                }
            }
        }
        (admitted, short_of_room)
    }

    /// The same content under another name is still the same plugin's file.
    fn follow_renames(&mut self) {
        for (path, entry) in self.folder.iter().flat_map(DropFolder::files) {
            let Entry::Plugin { manifest, hash, .. } = entry else {
                continue;
            };
            let decisions = &self.decisions;
            let is_in_its_place = |own: ContentHash| {
                let rolled_back = decisions.rolled_back(&manifest.name);
                let pinned = decisions.pinned_to(&manifest.name);
                own == *hash
                    || rolled_back.is_some_and(|back| back.instead_of == *hash && back.to.hash == own)
                    || pinned.is_some_and(|pinned| pinned.hash == own)
            };
            let is_gone = |own: &PathBuf| self.folder.as_ref().is_none_or(|folder| folder.entry(own).is_none());
            if let Some(live) = self.live.get_mut(&manifest.name)
                && live.generation.hash.is_some_and(is_in_its_place)
                && live.file.as_ref().is_some_and(is_gone)
            {
                live.file = Some(path.to_owned());
            }
        }
    }

    /// Whether a file is still being written; `None` if nothing can be said of the folder.
    pub(super) async fn look(&mut self) -> Option<bool> {
        let mut folder = self.folder.take()?;
        let path = folder.path().to_owned();
        let shadows = Arc::clone(&self.shadows);
        let looked = tokio::task::spawn_blocking(move || {
            let look = folder.look(&shadows);
            (folder, look)
        })
        .await;
        let Ok((folder, look)) = looked else {
            tracing::error!(folder = %path.display(), "looking at the plugins' folder panicked: what runs goes on");
            self.folder = Some(DropFolder::new(path));
            return None;
        };
        self.folder = Some(folder);
        look.map(|look| look.unsettled)
            .inspect_err(|error| {
                tracing::error!(folder = %path.display(), %error, "the plugins' folder can't be read: what runs goes on");
            })
            .ok()
    }

    /// What a plugin can't do without and does not serve, nor is put in force together with it.
    pub(super) fn missing_dependency(
        &self,
        manifest: &Manifest,
        together: &BTreeSet<PluginName>,
    ) -> Option<PluginName> {
        // One that is held has ended.
        let serves = |live: &Live| live.hold.is_none();
        let missing = manifest.depends.iter().find(|needs| {
            !needs.optional && !together.contains(&needs.name) && !self.live.get(&needs.name).is_some_and(serves)
        });
        missing.map(|needs| needs.name.clone())
    }
}

/// A choice that there is no room for.
type Unfit = (Choice, Result<Prepared, Unprepared>);

/// Whether a unit needs something of another one of these.
fn waits(draft: &Draft, names: &BTreeSet<PluginName>, also_for_optional: bool) -> bool {
    let own: BTreeSet<_> = draft.names().collect();
    let mut depends = draft.members.iter().flat_map(|(choice, _)| &choice.manifest.depends);
    depends.any(|needs| {
        (also_for_optional || !needs.optional) && names.contains(&needs.name) && !own.contains(&needs.name)
    })
}
