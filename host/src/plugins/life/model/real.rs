//! The real life of plugins, in a folder of its own, and how it is compared with the model.
//!
//! What happens is ordered, or done to files that the real watcher finds; then it is waited until nothing is under way.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use plugin_protocol::{PluginName, StopReason, Swap};
use proptest::{prelude::*, test_runner::TestCaseError};

use super::{Happens, reference::Model, silent::Silent};
use crate::plugins::{
    Records,
    fake::{self, Manner, Text},
    life::{Outlook, PluginState, Plugins, Setup},
    registry::tests::manifest,
};

/// What each plugin is; the letter is another one for each test, since counts are kept by name.
const TEXTS: [&str; super::reference::PLUGINS] = ["p0", "p1", "p2 needs p0", "p3 not p1"];
/// A plugin whose file is dropped behind others: once it serves, those were seen.
const MARK: &str = "mark";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(in crate::plugins::life) struct Real {
    pub(in crate::plugins::life) plugins: Plugins,
    pub(in crate::plugins::life) folder: tempfile::TempDir,
    pub(in crate::plugins::life) outlook: Arc<Silent>,
    letter: &'static str,
    /// Changes of the folder are found by its watcher; else they are looked for.
    is_watched: bool,
}

impl Real {
    pub(in crate::plugins::life) async fn start(letter: &'static str, is_watched: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outlook = Arc::new(Silent {
            auto_reload: is_watched,
            ..Silent::default()
        });
        let plugins = begin(&folder, &outlook).await;
        Self {
            plugins,
            folder,
            outlook,
            letter,
            is_watched,
        }
    }

    fn text(&self, plugin: usize) -> String {
        TEXTS[plugin].replace('p', self.letter)
    }

    fn name(&self, plugin: usize) -> PluginName {
        manifest(&self.text(plugin)).name
    }

    fn path(&self, name: &PluginName) -> PathBuf {
        let suffix = std::env::consts::DLL_SUFFIX;
        self.folder.path().join(format!("plugins/{name}{suffix}"))
    }

    /// Ends the bot and starts it again, with all that lies on the disk.
    pub(in crate::plugins::life) async fn restart(&mut self) {
        self.plugins.stop().await;
        self.plugins = begin(&self.folder, &self.outlook).await;
    }

    pub(in crate::plugins::life) fn drop_text(&self, text: &str, manner: Manner, swap: Swap, version: u32) {
        let mut manifest = manifest(text);
        manifest.version = format!("1.0.{version}");
        manifest.swap = swap;
        let path = self.path(&manifest.name);
        let part = self.folder.path().join("part");
        std::fs::write(&part, Text { manifest, manner }.bytes()).unwrap();
        std::fs::rename(part, path).unwrap();
    }

    fn drop_file(&self, plugin: usize, content: super::Content, version: u32) {
        let swap = if content.is_exclusive {
            Swap::Exclusive
        } else {
            Swap::default()
        };
        self.drop_text(&self.text(plugin), content.manner, swap, version);
    }

    /// Waits until what lies in the folder was looked at.
    async fn look(&self, version: u32) {
        if !self.is_watched {
            self.plugins.look().await;
            return;
        }
        self.drop_text(MARK, Manner::Plain, Swap::default(), version);
        let mut views = self.plugins.views();
        let wanted = format!("1.0.{version}");
        let is_seen = |views: &Arc<Vec<crate::plugins::PluginView>>| {
            let mark = views.iter().find(|view| view.name == MARK);
            let runs = mark.filter(|mark| matches!(mark.state, PluginState::Running { .. }));
            runs.and_then(|mark| mark.manifest.as_ref())
                .is_some_and(|manifest| manifest.version == wanted)
        };
        let seen = tokio::time::timeout(PATIENCE, views.wait_for(is_seen)).await;
        assert!(seen.is_ok_and(|seen| seen.is_ok()), "the watcher has seen nothing");
    }

    pub(super) async fn happens(&mut self, happens: &Happens, version: u32) {
        let plugins = self.plugins.clone();
        let names = |these: &super::Names| these.get().iter().map(|plugin| self.name(*plugin)).collect();
        // What comes of each is looked at, not what is said of it.
        match happens {
            Happens::Drop(plugin, content) => {
                self.drop_file(*plugin, *content, version);
                self.look(version).await;
            }
            Happens::DropBoth(one, other) => {
                self.drop_file(0, *one, version);
                self.drop_file(2, *other, version + 1);
                self.look(version).await;
            }
            Happens::Remove(plugin) => {
                let _ = std::fs::remove_file(self.path(&self.name(*plugin)));
                self.look(version).await;
            }
            Happens::Load(these) => drop(plugins.load(names(these)).await),
            Happens::Unload(these, with) => drop(plugins.unload(names(these), *with).await),
            Happens::Reload(these) => drop(plugins.reload(Some(names(these))).await),
            Happens::ReloadAll => drop(plugins.reload(None).await),
            Happens::Pin(plugin) => drop(plugins.pin(self.name(*plugin)).await),
            Happens::Unpin(plugin) => drop(plugins.unpin(self.name(*plugin)).await),
            Happens::Rollback(plugin) => drop(plugins.rollback(self.name(*plugin)).await),
            Happens::Restart => {
                self.restart().await;
            }
            Happens::Dies(plugin) => {
                let generation = plugins.routing().read().generation(&self.name(*plugin)).cloned();
                if let Some(generation) = generation {
                    generation.stop(StopReason::Shutdown, PATIENCE).await;
                    plugins.bury(generation).await;
                }
            }
        }
        self.plugins.rest().await;
    }

    pub(super) fn check(&self, model: &Model) -> Result<(), TestCaseError> {
        let views = Arc::clone(&self.plugins.views().borrow());
        let served: BTreeMap<String, String> = model
            .live
            .iter()
            .map(|(plugin, live)| (self.name(*plugin).to_string(), format!("1.0.{}", live.file.version)))
            .collect();
        let table = self.plugins.routing().read();
        let led_to: BTreeMap<String, String> = table
            .generations()
            .map(|generation| (generation.name().to_string(), generation.manifest.version.clone()))
            .filter(|(name, _)| name != MARK)
            .collect();
        prop_assert_eq!(&led_to, &served, "what the table leads to: {:?}", model);
        let commands: BTreeMap<String, String> = table
            .commands
            .commands()
            .map(|(plugin, command)| (command.name.clone(), plugin.to_string()))
            .filter(|(_, plugin)| plugin != MARK)
            .collect();
        let expected: BTreeMap<_, _> = served.keys().map(|name| (name.clone(), name.clone())).collect();
        prop_assert_eq!(commands, expected, "whose commands there are");
        for plugin in 0..super::reference::PLUGINS {
            let name = self.name(plugin);
            for found in [
                table.commands.find(name.as_str()).map(|found| found.plugin),
                table.commands.slash(name.as_str()).map(|(plugin, _)| plugin),
            ] {
                prop_assert_eq!(found, model.live.contains_key(&plugin).then_some(&name), "routes");
            }
            let view = views.iter().find(|view| view.name == name.as_str());
            prop_assert_eq!(
                view.is_some(),
                model.files.contains_key(&plugin),
                "what is known of {}",
                name
            );
            if let Some(view) = view {
                let told = (state(&view.state), view.pinned, view.rolled_back, view.before.clone());
                let before = model.before.get(&plugin).map(|file| format!("1.0.{}", file.version));
                let (is_pinned, is_back) = (
                    model.pinned.contains_key(&plugin),
                    model.rolled_back.contains_key(&plugin),
                );
                let should = (expected_state(model, plugin), is_pinned, is_back, before);
                let is_open = should.0 == "any" && told.0 != "running";
                let should = if is_open {
                    (told.0, should.1, should.2, should.3)
                } else {
                    should
                };
                prop_assert_eq!(told, should, "how {} is: {:?}", name, model);
            }
        }
        let mut offers: BTreeMap<_, _> = table.offers().collect();
        offers.retain(|name, _| name.as_str() != MARK);
        let places: BTreeSet<_> = self.outlook.slash_places(&offers, &[]).names.into_iter().collect();
        prop_assert_eq!(places, served.keys().cloned().collect::<BTreeSet<_>>(), "slots");
        for (plugin, live) in model.live.iter().filter(|(_, live)| live.file.manner == Manner::Counts) {
            let count = fake::count(self.name(*plugin).as_str());
            prop_assert_eq!(count, Some(live.count), "what was handed on: {:?}", model);
        }
        Ok(())
    }
}

async fn begin(folder: &tempfile::TempDir, outlook: &Arc<Silent>) -> Plugins {
    let setup = Setup {
        folder: folder.path().join("plugins"),
        run_folder: folder.path().join("run"),
        data_folder: folder.path().to_owned(),
        auto_load: true,
        records: Arc::new(Records::default()),
        linked: Vec::new(),
        desk: Arc::clone(outlook) as _,
        outlook: Arc::clone(outlook) as _,
    };
    let plugins = Plugins::open(setup).unwrap();
    plugins.begin(PATIENCE).await.unwrap();
    plugins
}

fn state(state: &PluginState) -> &'static str {
    match state {
        PluginState::Running { .. } => "running",
        PluginState::Replacing { .. } => "being replaced",
        PluginState::Refused(_) => "refused",
        PluginState::Quarantined(_) => "in quarantine",
        PluginState::Unloaded => "unloaded",
    }
}

/// How a plugin with a file is shown; `any` where it was not looked at whether it may run.
fn expected_state(model: &Model, plugin: usize) -> &'static str {
    if model.live.contains_key(&plugin) {
        "running"
    } else if model.unloaded.contains(&plugin) {
        "unloaded"
    } else if !model.has_looked {
        "any"
    } else if model.quarantined.contains(&model.files[&plugin].version) {
        "in quarantine"
    } else {
        "refused"
    }
}
