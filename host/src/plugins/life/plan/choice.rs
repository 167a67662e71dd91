//! Which content of each plugin could run: one file a plugin, or what the owner has pinned or gone back to.
//!
//! What is broken, doubled, on the blacklist, in quarantine or has failed before is left out here, with the reason; what the
//! registry makes of the rest is the plan's.

use std::{collections::BTreeMap, sync::Arc};

use plugin_protocol::PluginName;

use super::{Choice, Scene, file_name};
use crate::plugins::{
    budget::Resource, drop_folder::Entry, life::report::Refusals, persisted::Content, shadow::ContentHash,
};

impl Scene<'_> {
    /// One content a plugin.
    pub(super) fn choose(&self, refused: &mut Refusals) -> BTreeMap<PluginName, Choice> {
        let mut files: BTreeMap<PluginName, Vec<Choice>> = BTreeMap::new();
        for (path, entry) in &self.files {
            match entry {
                Entry::Broken { why, wants_room: false } => refused.insert(file_name(path), why.clone()),
                Entry::Broken { why, .. } => refused.insert_for_want_of(Resource::Disk, file_name(path), why.clone()),
                Entry::Plugin { hash, manifest, .. } => {
                    let choice = Choice {
                        path: path.to_path_buf(),
                        hash: *hash,
                        manifest: Arc::clone(manifest),
                        is_kept: false,
                    };
                    files.entry(manifest.name.clone()).or_default().push(choice);
                }
            }
        }
        let mut chosen = BTreeMap::new();
        for (name, files) in files {
            let Some(choice) = self.one_of(&name, files, refused) else {
                continue;
            };
            if self.is_unloaded(&name) {
                continue;
            }
            let is_welcome = self.is_welcome(&name, &choice);
            let choice = self.preferred(&name, choice, refused);
            match self.why_not_tried(&name, &choice) {
                Some(why) => refused.insert_of(&name, file_name(&choice.path), why),
                None if is_welcome => drop(chosen.insert(name, choice)),
                None => {}
            }
        }
        chosen
    }

    /// The file of a plugin, unless none of its files may be.
    fn one_of(&self, name: &PluginName, mut files: Vec<Choice>, refused: &mut Refusals) -> Option<Choice> {
        let mut refuse = |files: &[Choice], why: String| {
            for file in files {
                refused.insert_of(name, file_name(&file.path), why.clone());
            }
        };
        let serving = self.live.get(name).map(|live| live.file.clone());
        if let Some(None) = serving {
            refuse(
                &files,
                format!("`{name}` is the name of a built-in plugin: rename the crate"),
            );
            return None;
        }
        if self.blacklist.contains(name.as_str()) {
            let why = "it is on `extensions.blacklist` of config.json: take it off that list to load it";
            refuse(&files, why.to_owned());
            return None;
        }
        if files.len() > 1 {
            let names: Vec<_> = files.iter().map(|file| file_name(&file.path)).collect();
            let why = format!(
                "{} hold the same plugin `{name}`: keep one of them",
                names.join(" and ")
            );
            let own = |file: &Choice| Some(Some(&file.path)) == serving.as_ref().map(Option::as_ref);
            let kept = files.iter().position(own).map(|at| files.swap_remove(at));
            refuse(&files, why);
            return kept;
        }
        files.pop()
    }

    /// Whether it may come by itself, or was asked for.
    fn is_welcome(&self, name: &PluginName, choice: &Choice) -> bool {
        let ask = self.ask;
        if ask.wanted.contains(name) || ask.forced.contains(name) {
            return true;
        }
        if ask.only_these {
            let as_it_runs = |hash| self.live.get(name).is_some_and(|live| live.hash == Some(hash));
            return as_it_runs(choice.hash);
        }
        !self.hold_back || self.asked_for.contains(name)
    }

    /// What the owner has pinned or gone back to, in place of the file.
    fn preferred(&self, name: &PluginName, file: Choice, refused: &mut Refusals) -> Choice {
        let kept = |content: &Content| Choice {
            path: file.path.clone(),
            hash: content.hash,
            manifest: Arc::new(content.manifest.clone()),
            is_kept: true,
        };
        if let Some(pinned) = self.decisions.pinned_to(name).filter(|pinned| pinned.hash != file.hash) {
            let why = format!(
                "`{name}` is pinned to its version {}, and this is another file of it (version {}): `unpin {name}` takes it",
                pinned.manifest.version, file.manifest.version
            );
            refused.insert_of(name, file_name(&file.path), why);
            return kept(pinned);
        }
        match self.decisions.rolled_back(name) {
            Some(rolled_back) if rolled_back.instead_of == file.hash => kept(&rolled_back.to),
            _ => file,
        }
    }

    fn why_not_tried(&self, name: &PluginName, choice: &Choice) -> Option<String> {
        let ask = self.ask;
        let runs = self.live.get(name).is_some_and(|live| live.hash == Some(choice.hash));
        if ask.wanted.contains(name) || ask.forced.contains(name) || runs {
            return None;
        }
        if let Some((hash, why)) = self.failed.get(name)
            && *hash == choice.hash
        {
            return Some(why.clone());
        }
        if let Some(quarantined) = self.decisions.quarantined(choice.hash) {
            return Some(quarantined.text(self.live.contains_key(name)));
        }
        let held_back = self.held_back.get(name)?;
        // Once it may be tried again, or runs, this may be tried, too.
        let is_still = |(name, hash): &(PluginName, ContentHash)| {
            let is_left_out = self.failed.get(name).is_some_and(|(failed, _)| failed == hash)
                || self.decisions.quarantined(*hash).is_some();
            let runs = self.live.get(name).is_some_and(|live| live.hash == Some(*hash));
            self.chosen(name) == Some(*hash) && is_left_out && !runs
        };
        let holds = held_back.hash == choice.hash && held_back.culprits.iter().all(is_still);
        holds.then(|| held_back.why.clone())
    }

    /// The content that would run of a plugin: its file's, or what is preferred to that.
    fn chosen(&self, plugin: &PluginName) -> Option<ContentHash> {
        let file = self.files.iter().find_map(|(_, entry)| match entry {
            Entry::Plugin { hash, manifest, .. } if manifest.name == *plugin => Some(*hash),
            _ => None,
        })?;
        let rolled_back = self.decisions.rolled_back(plugin);
        let back = rolled_back.filter(|back| back.instead_of == file).map(|back| &back.to);
        let preferred = self.decisions.pinned_to(plugin).or(back);
        Some(preferred.map_or(file, |content| content.hash))
    }
}
