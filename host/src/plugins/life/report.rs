//! What the owner is told about plugins, and what the other parts can look up.
//!
//! It puts into words what was decided elsewhere. A refusal is told again only when its reason has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use plugin_protocol::{PluginName, hooks::ExtensionRefused};

use super::{Life, PluginState, PluginView, Reply};
use crate::plugins::{
    budget::Resource,
    change::Change,
    drop_folder::{DropFolder, Entry},
};

/// Why files do not run, by their names.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    why: BTreeMap<String, String>,
    /// Those for want of something that has nothing to do with the file.
    want: BTreeMap<String, Resource>,
    /// The files of plugins, where they are known.
    files: BTreeMap<PluginName, String>,
    /// Files of which the owner was told just now that their plugins end.
    told: BTreeSet<String>,
}

impl Refusals {
    pub(super) fn insert(&mut self, file: String, why: String) {
        self.why.insert(file, why);
    }

    pub(super) fn insert_for_want_of(&mut self, resource: Resource, file: String, why: String) {
        self.want.insert(file.clone(), resource);
        self.why.insert(file, why);
    }

    /// The file of this plugin.
    pub(super) fn insert_of(&mut self, plugin: &PluginName, file: String, why: String) {
        self.files.insert(plugin.clone(), file.clone());
        self.insert(file, why);
    }

    /// The owner was told why it ends: the same reason is not told once more.
    pub(super) fn note_told(&mut self, plugin: &PluginName) {
        self.told.extend(self.files.get(plugin).cloned());
    }

    /// It runs after all.
    pub(super) fn remove_of(&mut self, plugin: &PluginName) {
        if let Some(file) = self.files.remove(plugin) {
            self.why.remove(&file);
            self.want.remove(&file);
        }
    }

    /// Why a plugin's file does not run.
    pub(super) fn of(&self, plugin: &PluginName) -> Option<&str> {
        self.of_file(self.files.get(plugin)?)
    }

    /// Why a file does not run.
    pub(super) fn of_file(&self, file: &str) -> Option<&str> {
        self.why.get(file).map(String::as_str)
    }

    /// All of them, by file.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.why.iter().map(|(file, why)| (file.as_str(), why.as_str()))
    }
}

impl Life {
    /// Tells the owner of each refusal whose reason has changed. What runs out is told once, not for each file and not
    /// with each new figure, until there was enough of it again.
    pub(super) fn tell_refused(&mut self, refusals: Refusals) {
        let Refusals {
            why: refused,
            want,
            told: told_just_now,
            ..
        } = refusals;
        let mut told = std::mem::take(&mut self.exhausted);
        told.retain(|resource| want.values().any(|wanted| wanted == resource));
        for (file, why) in &refused {
            if self.refused.get(file) == Some(why) {
                continue;
            }
            // What runs out is told with its figures, which change all the time.
            let before = self.refused.get(file);
            if !want.contains_key(file) || before.is_none_or(|before| !without_figures(before).eq(without_figures(why)))
            {
                self.outlook.changed(Change::Refused(ExtensionRefused {
                    extension_name: self.name_in(file),
                    file: file.clone(),
                    reason: why.clone(),
                }));
            }
            if let Some(resource) = want.get(file)
                && !told.insert(*resource)
            {
                tracing::info!(file, why, "refused for the reason that the owner knows");
                continue;
            }
            if told_just_now.contains(file) {
                continue;
            }
            let serving = self
                .live
                .values()
                .find(|live| live.file.as_deref().map(file_name).as_ref() == Some(file));
            let goes_on = serving.map_or(String::new(), |live| {
                format!(
                    " Generation {} of `{}` goes on.",
                    live.generation.number,
                    live.generation.name()
                )
            });
            self.outlook
                .tell_owner(file, &format!("`{file}` is refused: {why}.{goes_on}"));
        }
        self.exhausted = told;
        self.refused = refused;
    }

    /// The name of the plugin that a file holds; the file's if that can't be read.
    fn name_in(&self, file: &str) -> String {
        let mut files = self.folder.iter().flat_map(DropFolder::files);
        let name = files.find_map(|(path, entry)| match entry {
            Entry::Plugin { manifest, .. } if file_name(path) == file => Some(manifest.name.to_string()),
            _ => None,
        });
        name.unwrap_or_else(|| file.to_owned())
    }

    pub(super) fn publish_views(&self) {
        let mut views = Vec::new();
        let mut serving = BTreeSet::new();
        for (name, live) in &self.live {
            let file = live.file.as_deref().map(file_name);
            let newer_refused = file.as_ref().and_then(|file| self.refused.get(file)).cloned();
            serving.extend(file.clone());
            views.push(PluginView {
                name: name.to_string(),
                manifest: Some(Arc::clone(&live.generation.manifest)),
                file,
                state: match live.hold {
                    Some(_) => PluginState::Replacing {
                        generation: live.generation.number,
                    },
                    None => PluginState::Running {
                        generation: live.generation.number,
                        newer_refused,
                    },
                },
                ..self.view_of(name)
            });
        }
        for (path, entry) in self.folder.iter().flat_map(DropFolder::files) {
            let file = file_name(path);
            if serving.contains(&file) {
                continue;
            }
            let why = self.refused.get(&file).cloned();
            let view = match entry {
                Entry::Plugin { manifest, hash, .. } => {
                    let is_locked = self.decisions.quarantined(*hash).is_some();
                    let is_unloaded = self.decisions.is_unloaded(&manifest.name);
                    PluginView {
                        name: manifest.name.to_string(),
                        manifest: Some(Arc::clone(manifest)),
                        state: match why.filter(|_| !is_unloaded) {
                            Some(why) if is_locked => PluginState::Quarantined(why),
                            Some(why) => PluginState::Refused(why),
                            None => PluginState::Unloaded,
                        },
                        ..self.view_of(&manifest.name)
                    }
                }
                Entry::Broken { .. } => PluginView {
                    name: file.clone(),
                    manifest: None,
                    file: None,
                    state: why.map_or(PluginState::Unloaded, PluginState::Refused),
                    pinned: false,
                    rolled_back: false,
                    before: None,
                },
            };
            views.push(PluginView {
                file: Some(file),
                ..view
            });
        }
        self.views.send_if_modified(|known| {
            let changed = **known != views;
            if changed {
                *known = Arc::new(views);
            }
            changed
        });
    }

    /// What was decided about a plugin.
    fn view_of(&self, name: &PluginName) -> PluginView {
        let decisions = &self.decisions;
        PluginView {
            name: name.to_string(),
            manifest: None,
            file: None,
            state: PluginState::Unloaded,
            pinned: decisions.is_pinned(name),
            rolled_back: decisions.rolled_back(name).is_some(),
            before: decisions
                .before(name)
                .filter(|before| self.shelved.contents.all.contains(&before.hash))
                .map(|before| before.manifest.version.clone()),
        }
    }

    pub(super) fn known(&self) -> BTreeSet<PluginName> {
        let files = self
            .folder
            .iter()
            .flat_map(DropFolder::files)
            .filter_map(|(_, entry)| match entry {
                Entry::Plugin { manifest, .. } => Some(manifest.name.clone()),
                Entry::Broken { .. } => None,
            });
        files.chain(self.live.keys().cloned()).collect()
    }

    pub(super) fn unknown(&self, name: &PluginName) -> String {
        let known: Vec<_> = self.known().iter().map(|name| format!("`{name}`")).collect();
        let broken: Vec<_> = self.refused.keys().map(|file| format!("`{file}`")).collect();
        let listed = |title: &str, names: Vec<String>| {
            if names.is_empty() {
                String::new()
            } else {
                format!(" {title}: {}.", names.join(", "))
            }
        };
        format!(
            "There is no plugin `{name}`.{}{}",
            listed("Known", known),
            listed("Refused", broken)
        )
    }

    pub(super) fn why_refused(&self, name: &PluginName) -> Option<String> {
        let folder = self.folder.as_ref()?;
        let serving = self.live.get(name).and_then(|live| live.file.as_deref());
        folder
            .files_of(name)
            .chain(serving)
            .find_map(|path| self.refused.get(&file_name(path)))
            .cloned()
    }

    pub(super) fn report(&self, name: &PluginName, done: &str) -> Reply {
        match (self.live.get(name), self.why_refused(name)) {
            (Some(live), _) => {
                let generation = &live.generation;
                Ok(format!(
                    "`{name}` {} {done} (generation {}).",
                    generation.manifest.version, generation.number
                ))
            }
            (None, Some(why)) => Err(format!("`{name}` is refused: {why}.")),
            (None, None) if self.unwanted.contains(name) => Err(format!(
                "`{name}` was not {done}: that was given up, for it is to be unloaded."
            )),
            (None, None) => Err(self.unknown(name)),
        }
    }
}

fn without_figures(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|letter| !letter.is_ascii_digit() && *letter != '.')
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Names, as they are written in a sentence.
pub(super) fn in_words(names: &[PluginName]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
