//! Who should run: what lies in the folder, what the owner decided and what the registry says, brought together.
//!
//! What follows from a decision is done in `transaction`. Where a newer file is refused, the older one may stay.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};

use plugin_protocol::{Manifest, PluginName};

use super::{
    Choice, Life, Live,
    report::{Refusals, file_name},
};
use crate::plugins::{
    budget::{self, Resource},
    drop_folder::{DropFolder, Entry},
    registry::{self, Candidate, Refusal, Standing},
};

/// What the registry made of the choices.
pub(super) struct Kept {
    running: BTreeSet<PluginName>,
    start: Vec<Choice>,
    /// Refused since another one runs.
    lost: BTreeSet<PluginName>,
}

impl Life {
    /// Looks at the folder and makes what runs agree with what should. `forced` are replaced even if nothing changed.
    pub(super) async fn settle(&mut self, forced: &BTreeSet<PluginName>) {
        self.policy = self.outlook.policy();
        let Some(unsettled) = self.look().await else { return };
        self.look_again = unsettled;
        let mut refused = Refusals::default();
        let choices = self.choose(forced, &mut refused);
        self.follow_renames(&choices);
        let kept = self.resolve(choices, &mut refused);
        let gone: Vec<_> = self
            .live
            .iter()
            .filter(|(name, live)| live.file.is_some() && !kept.running.contains(*name))
            .map(|(name, _)| name.clone())
            .collect();
        self.arrivals.retain(|name| !gone.contains(name));
        for name in &gone {
            self.give_up(name);
        }
        drop(self.unload_now(&gone));
        let running = self.live.values().map(|live| live.generation.manifest.intents);
        let starting = kept.start.iter().map(|choice| choice.manifest.intents);
        let intents = running.chain(starting).fold(0, |all, one| all | one);
        self.intents.store(intents, Ordering::Relaxed);
        let due: Vec<_> = kept
            .start
            .into_iter()
            .filter(|choice| self.is_due(choice, forced))
            .collect();
        let due = self.within_budget(due, &mut refused).await;
        let due_names = due.iter().map(|choice| choice.manifest.name.clone()).collect();
        self.start_held_again(&due_names).await;
        let mut waiting = self.prepare(due).await;
        while !waiting.is_empty() {
            // Whoever needs none of the others is started now, side by side.
            let names: BTreeSet<_> = waiting.iter().map(|(choice, _)| choice.manifest.name.clone()).collect();
            let waits = |choice: &Choice, also_for_optional: bool| {
                let mut depends = choice.manifest.depends.iter();
                depends.any(|needs| (also_for_optional || !needs.optional) && names.contains(&needs.name))
            };
            // The registry allows circles only where somebody can do without.
            let is_free = |(choice, _): &(Choice, _)| !waits(choice, true);
            let for_optional = waiting.iter().any(is_free);
            let (later, now): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|(choice, _)| waits(choice, for_optional));
            self.replace_all(now, &mut refused).await;
            waiting = later;
            // Before those that need them, and are started next.
            let later = waiting.iter().map(|(choice, _)| choice.manifest.name.clone()).collect();
            self.start_held_again(&later).await;
        }
        self.tell_refused(refused);
        self.publish_views();
        self.remember_running(&kept.lost).await;
    }

    /// For the next start: of two that can't run beside each other, the one that ran last stays. One that only does not run
    /// just now, for want of memory or of a file that can be read, is remembered.
    pub(super) async fn remember_running(&mut self, lost: &BTreeSet<PluginName>) {
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
        self.decisions.set_running(names).await;
    }

    /// Those that this process has room for; the others are refused, and what runs of them goes on.
    async fn within_budget(&mut self, due: Vec<Choice>, refused: &mut Refusals) -> Vec<Choice> {
        if due.is_empty() {
            return due;
        }
        let percent = self.policy.memory_percent;
        let Ok(levels) = tokio::task::spawn_blocking(move || budget::measure(percent)).await else {
            tracing::error!("measuring this process panicked: plugins are loaded without a budget");
            return due;
        };
        let mut admitted = Vec::new();
        for choice in due {
            match budget::admit(&levels, admitted.len()) {
                Ok(()) => admitted.push(choice),
                Err(short) => refused.insert_for_want_of(short.resource, file_name(&choice.path), short.why),
            }
        }
        admitted
    }

    /// The same content under another name is still the same plugin's file.
    fn follow_renames(&mut self, choices: &BTreeMap<PluginName, Choice>) {
        for (name, live) in &mut self.live {
            let same = choices
                .get(name)
                .filter(|choice| live.generation.hash == Some(choice.hash));
            if let Some(choice) = same {
                live.file = Some(choice.path.clone());
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

    /// One file a plugin, leaving out what is broken, doubled, unloaded, on the blacklist or has failed before.
    pub(super) fn choose(&self, forced: &BTreeSet<PluginName>, refused: &mut Refusals) -> BTreeMap<PluginName, Choice> {
        let mut choices: BTreeMap<PluginName, Vec<Choice>> = BTreeMap::new();
        for (path, entry) in self.folder.iter().flat_map(DropFolder::files) {
            match entry {
                Entry::Broken { why, wants_room: false } => refused.insert(file_name(path), why.clone()),
                Entry::Broken { why, .. } => refused.insert_for_want_of(Resource::Disk, file_name(path), why.clone()),
                Entry::Plugin { hash, manifest, .. } => {
                    let choice = Choice {
                        path: path.to_owned(),
                        hash: *hash,
                        manifest: Arc::clone(manifest),
                    };
                    choices.entry(manifest.name.clone()).or_default().push(choice);
                }
            }
        }
        let mut chosen = BTreeMap::new();
        for (name, mut files) in choices {
            let serving = self.live.get(&name).map(|live| live.file.clone());
            if let Some(None) = serving {
                let why = format!("`{name}` is the name of a built-in plugin: rename the crate");
                refused.extend(files.iter().map(|file| (file_name(&file.path), why.clone())));
                continue;
            }
            if self.policy.blacklist.contains(name.as_str()) {
                let why = "it is on `extensions.blacklist` of config.json: take it off that list to load it".to_owned();
                refused.extend(files.iter().map(|file| (file_name(&file.path), why.clone())));
                continue;
            }
            if files.len() > 1 {
                let names: Vec<_> = files.iter().map(|file| file_name(&file.path)).collect();
                let why = format!(
                    "{} hold the same plugin `{name}`: keep one of them",
                    names.join(" and ")
                );
                let kept = files
                    .iter()
                    .position(|file| Some(Some(&file.path)) == serving.as_ref().map(Option::as_ref));
                let kept = kept.map(|at| files.swap_remove(at));
                refused.extend(files.iter().map(|file| (file_name(&file.path), why.clone())));
                files = kept.into_iter().collect();
            }
            let Some(choice) = files.pop() else { continue };
            if self.decisions.is_unloaded(&name) || (self.hold_back && !self.asked_for.contains(&name)) {
                continue;
            }
            match self.failed.get(&name) {
                Some((hash, why)) if *hash == choice.hash && !forced.contains(&name) => {
                    refused.insert(file_name(&choice.path), why.clone());
                }
                _ => drop(chosen.insert(name, choice)),
            }
        }
        chosen
    }

    /// Lets the registry decide. Where a newer file is refused, its older generation is asked for instead.
    pub(super) fn resolve(&self, mut choices: BTreeMap<PluginName, Choice>, refused: &mut Refusals) -> Kept {
        loop {
            let stays = |name: &PluginName, live: &Live| {
                let Some(file) = &live.file else { return true };
                // A broken file over a running plugin's leaves it running; another plugin's takes its place.
                let entry = self.folder.as_ref().and_then(|folder| folder.entry(file));
                let is_its_own = match entry {
                    Some(Entry::Broken { .. }) => true,
                    Some(Entry::Plugin { manifest, .. }) => manifest.name == *name,
                    None => false,
                };
                is_its_own && !self.decisions.is_unloaded(name) && !self.policy.blacklist.contains(name.as_str())
            };
            let older = self
                .live
                .iter()
                .filter(|(name, live)| !choices.contains_key(*name) && stays(name, live));
            let candidates: Vec<_> = older
                .map(|(_, live)| Candidate {
                    manifest: &live.generation.manifest,
                    standing: Standing::Running,
                })
                .chain(choices.iter().map(|(name, choice)| Candidate {
                    manifest: &choice.manifest,
                    standing: match self.live.get(name) {
                        Some(live) if live.generation.hash == Some(choice.hash) => Standing::Running,
                        Some(_) => Standing::Newer,
                        None if self.decisions.has_run_last(name) => Standing::RanLast,
                        None => Standing::New,
                    },
                }))
                .collect();
            let resolution = registry::resolve(&candidates);
            let newer: Vec<_> = resolution
                .refused
                .keys()
                .filter(|name| choices.contains_key(*name))
                .cloned()
                .collect();
            // Without the newer files that are refused it is another question: what else was refused is asked anew.
            if newer.iter().any(|name| self.live.contains_key(name)) {
                for name in newer.iter().filter(|name| self.live.contains_key(*name)) {
                    if let (Some(choice), Some(why)) = (choices.remove(name), resolution.refused.get(name)) {
                        refused.insert(file_name(&choice.path), why.to_string());
                    }
                }
                continue;
            }
            for (name, why) in &resolution.refused {
                match choices.get(name) {
                    Some(choice) => refused.insert(file_name(&choice.path), why.to_string()),
                    None => {
                        let text = format!("The plugin `{name}` is unloaded: {why}.");
                        self.outlook.tell_owner(name.as_str(), &text);
                    }
                }
            }
            let is_conflict = |reason: &Refusal| matches!(reason, Refusal::Conflict { .. });
            let lost = resolution
                .refused
                .iter()
                .filter(|(_, why)| why.0.iter().any(is_conflict));
            let lost = lost.map(|(name, _)| name.clone()).collect();
            let running = resolution.order.iter().cloned().collect();
            let start = resolution
                .order
                .iter()
                .filter_map(|name| choices.remove(name))
                .collect();
            return Kept { running, start, lost };
        }
    }

    pub(super) fn is_due(&self, choice: &Choice, forced: &BTreeSet<PluginName>) -> bool {
        let name = &choice.manifest.name;
        forced.contains(name)
            || self
                .live
                .get(name)
                .is_none_or(|live| live.generation.hash != Some(choice.hash))
    }

    pub(super) fn missing_dependency(&self, manifest: &Manifest) -> Option<PluginName> {
        // One that is held has ended.
        let serves = |live: &Live| live.hold.is_none();
        let missing = manifest
            .depends
            .iter()
            .find(|needs| !needs.optional && !self.live.get(&needs.name).is_some_and(serves));
        missing.map(|needs| needs.name.clone())
    }
}
