//! The life-cycle against a model of it: whatever happens in whichever order, what serves, what is offered and what was
//! handed on is what a few lines of rules say.
//!
//! Plugins are texts (`fake`) with code that is linked in; everything else is the real life of plugins, on real files. More
//! cases than usual: `LIFE_MODEL_CASES=500 cargo test -p host --lib life::model`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use futures_util::{FutureExt, future::BoxFuture};
use plugin_protocol::{
    Activation, Description, LogRecord, Migration, Outcome, PanicReport, PluginName, Settings, StopReason,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use super::{Outlook, PluginState, Plugins, Policy, Setup, SlashPlaces};
use crate::{
    plugins::{
        Change, Desk, Ending, Generation, GivenUp, GuildValues, Records, Request, Ticket,
        fake::{self, Manner, Text},
        registry::tests::manifest,
    },
    slash::{self, Held, Limits, Wishes},
};

/// The third needs the first.
const PLUGINS: [&str; 3] = ["p0", "p1", "p2 needs p0"];

/// Something that happens; plugins by their number.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Drop(usize, Manner),
    /// Into the folder within one look: the first and the third.
    DropBoth(Manner, Manner),
    Remove(usize),
    Load(usize),
    LoadBoth,
    Unload(usize, bool),
    Reload(usize),
    ReloadAll,
    Dies(usize),
}

fn manners() -> impl Strategy<Value = Manner> {
    prop_oneof![
        4 => Just(Manner::Plain),
        6 => Just(Manner::Counts),
        1 => Just(Manner::CrashesProbe),
        1 => Just(Manner::FailsToStart),
        2 => Just(Manner::FailsToImport),
    ]
}

fn happens() -> impl Strategy<Value = Happens> {
    let one = || 0..PLUGINS.len();
    prop_oneof![
        8 => (one(), manners()).prop_map(|(plugin, manner)| Happens::Drop(plugin, manner)),
        4 => (manners(), manners()).prop_map(|(one, other)| Happens::DropBoth(one, other)),
        1 => one().prop_map(Happens::Remove),
        2 => one().prop_map(Happens::Load),
        1 => Just(Happens::LoadBoth),
        2 => (one(), any::<bool>()).prop_map(|(plugin, with)| Happens::Unload(plugin, with)),
        2 => one().prop_map(Happens::Reload),
        1 => Just(Happens::ReloadAll),
        1 => one().prop_map(Happens::Dies),
    ]
}

/// A content: each is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct File {
    version: u32,
    manner: Manner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Live {
    file: File,
    /// How many generations have handed on since it last began anew.
    count: u64,
}

/// What should be.
#[derive(Debug, Default)]
struct Model {
    files: BTreeMap<usize, File>,
    live: BTreeMap<usize, Live>,
    unloaded: BTreeSet<usize>,
    failed: BTreeMap<usize, u32>,
    failures: BTreeMap<u32, u32>,
    quarantined: BTreeSet<u32>,
    /// Which content waits for which others to become other ones.
    held_back: BTreeMap<usize, (u32, Vec<(usize, u32)>)>,
}

impl Model {
    fn is_wanted(&self, plugin: usize, named: &[usize], only_named: bool) -> bool {
        let Some(file) = self.files.get(&plugin) else {
            return false;
        };
        if named.contains(&plugin) {
            return true;
        }
        let runs = self.live.get(&plugin).is_some_and(|live| live.file == *file);
        if runs {
            return !self.unloaded.contains(&plugin);
        }
        let waits = self.held_back.get(&plugin).is_some_and(|(version, culprits)| {
            let is_still = |(culprit, bad): &(usize, u32)| {
                let is_left_out = self.failed.get(culprit) == Some(bad) || self.quarantined.contains(bad);
                let runs = self.live.get(culprit).is_some_and(|live| live.file.version == *bad);
                self.files.get(culprit).map(|file| file.version) == Some(*bad) && is_left_out && !runs
            };
            *version == file.version && culprits.iter().all(is_still)
        });
        !only_named
            && !self.unloaded.contains(&plugin)
            && self.failed.get(&plugin) != Some(&file.version)
            && !self.quarantined.contains(&file.version)
            && !waits
    }

    /// What follows from a look, or from an order about these. `together`: all of them or none.
    fn settle(&mut self, named: &[usize], forced: bool, is_order: bool, together: bool) {
        let wanted = |model: &Self, plugin| model.is_wanted(plugin, named, is_order);
        let ends = |model: &Self, plugin: usize| {
            let is_unloaded = model.unloaded.contains(&plugin) && !named.contains(&plugin);
            !model.files.contains_key(&plugin) || is_unloaded
        };
        let comes_or_stays =
            |model: &Self, plugin| wanted(model, plugin) || (model.live.contains_key(&plugin) && !ends(model, plugin));
        let base = comes_or_stays(self, 0);
        if together
            && named
                .iter()
                .any(|plugin| !wanted(self, *plugin) || (*plugin == 2 && !base))
        {
            return;
        }
        let gone: Vec<_> = self.live.keys().copied().filter(|plugin| ends(self, *plugin)).collect();
        for plugin in &gone {
            self.live.remove(plugin);
        }
        if !base {
            self.live.remove(&2);
        }
        let is_due = |model: &Self, plugin: usize| {
            let other = model
                .live
                .get(&plugin)
                .is_none_or(|live| Some(&live.file) != model.files.get(&plugin));
            wanted(model, plugin) && (other || (forced && named.contains(&plugin))) && (plugin != 2 || base)
        };
        let due: Vec<_> = (0..PLUGINS.len()).filter(|plugin| is_due(self, *plugin)).collect();
        let something_runs = [0, 2].iter().any(|plugin| self.live.contains_key(plugin));
        let are_bound = due.contains(&0) && due.contains(&2) && (something_runs || together);
        if due.contains(&1) {
            self.replace(&[1]);
        }
        if are_bound {
            self.replace(&[0, 2]);
        } else if due.contains(&0) {
            self.replace(&[0]);
        }
        if due.contains(&2) && !are_bound && self.live.contains_key(&0) {
            self.replace(&[2]);
        }
    }

    fn hands_over(manner: Manner) -> bool {
        matches!(manner, Manner::Counts | Manner::FailsToImport)
    }

    fn replace(&mut self, unit: &[usize]) {
        let file = |plugin: &usize| self.files[plugin];
        let ends = |plugin: &usize| {
            let older = self.live.get(plugin).map(|live| live.file.manner);
            older.is_some_and(Self::hands_over) && Self::hands_over(file(plugin).manner)
        };
        let crashes = |plugin: &&usize| file(plugin).manner == Manner::CrashesProbe;
        let fails = |plugin: &&usize| match file(plugin).manner {
            Manner::FailsToStart => true,
            Manner::FailsToImport => self
                .live
                .get(plugin)
                .is_some_and(|live| live.file.manner == Manner::Counts),
            _ => false,
        };
        let (held, beside): (Vec<usize>, Vec<usize>) = unit.iter().copied().partition(|plugin| ends(plugin));
        let crashed: Vec<usize> = unit.iter().filter(crashes).copied().collect();
        let mut restarted = Vec::new();
        let culprits = if crashed.is_empty() {
            let failed: Vec<usize> = beside.iter().filter(fails).copied().collect();
            if failed.is_empty() {
                let failed: Vec<usize> = held.iter().filter(fails).copied().collect();
                if !failed.is_empty() {
                    restarted.clone_from(&held);
                }
                failed
            } else {
                failed
            }
        } else {
            crashed.clone()
        };
        if culprits.is_empty() {
            for plugin in unit {
                let file = self.files[plugin];
                let before = self.live.get(plugin).filter(|live| live.file.manner == Manner::Counts);
                let count = match file.manner {
                    Manner::Counts => before.map_or(0, |live| live.count) + 1,
                    _ => 0,
                };
                self.live.insert(*plugin, Live { file, count });
                self.failed.remove(plugin);
                self.held_back.remove(plugin);
                self.failures.remove(&file.version);
                self.quarantined.remove(&file.version);
            }
            return;
        }
        for plugin in restarted {
            // From what it handed over.
            let live = self.live.get_mut(&plugin).unwrap();
            live.count += u64::from(live.file.manner == Manner::Counts);
        }
        let bad: Vec<_> = culprits
            .iter()
            .map(|plugin| (*plugin, self.files[plugin].version))
            .collect();
        for plugin in unit {
            let version = self.files[plugin].version;
            if !culprits.contains(plugin) {
                self.held_back.insert(*plugin, (version, bad.clone()));
                continue;
            }
            self.failed.insert(*plugin, version);
            let failures = self.failures.entry(version).or_default();
            *failures += 1;
            if crashed.contains(plugin) || *failures >= 3 {
                self.quarantined.insert(version);
            }
        }
    }

    fn want(&mut self, plugin: usize) {
        self.unloaded.remove(&plugin);
        self.failed.remove(&plugin);
        self.held_back.remove(&plugin);
    }

    fn happens(&mut self, happens: Happens, version: u32) {
        let is_live = |model: &Self, plugin| model.live.contains_key(&plugin);
        match happens {
            Happens::Drop(plugin, manner) => {
                self.files.insert(plugin, File { version, manner });
                self.settle(&[], false, false, false);
            }
            Happens::DropBoth(one, other) => {
                self.files.insert(0, File { version, manner: one });
                let other = File {
                    version: version + 1,
                    manner: other,
                };
                self.files.insert(2, other);
                self.settle(&[], false, false, false);
            }
            Happens::Remove(plugin) => {
                self.files.remove(&plugin);
                self.settle(&[], false, false, false);
            }
            Happens::Load(plugin) => {
                if !is_live(self, plugin) {
                    self.want(plugin);
                    self.settle(&[plugin], false, true, true);
                }
            }
            Happens::LoadBoth => {
                if !is_live(self, 0) && !is_live(self, 2) {
                    self.settle(&[0, 2], false, true, true);
                    if is_live(self, 0) && is_live(self, 2) {
                        self.want(0);
                        self.want(2);
                    }
                }
            }
            Happens::Unload(plugin, with_dependants) => {
                let is_needed = plugin == 0 && is_live(self, 0) && is_live(self, 2);
                if !self.files.contains_key(&plugin) || (is_needed && !with_dependants) {
                    return;
                }
                let gone = if is_needed { vec![0, 2] } else { vec![plugin] };
                for plugin in gone {
                    self.unloaded.insert(plugin);
                    self.live.remove(&plugin);
                }
                self.settle(&[], false, true, false);
            }
            Happens::Reload(plugin) => {
                self.want(plugin);
                self.settle(&[plugin], true, true, true);
            }
            Happens::ReloadAll => {
                let all: Vec<_> = self.live.keys().copied().collect();
                for plugin in &all {
                    self.want(*plugin);
                }
                self.settle(&all, true, false, false);
            }
            Happens::Dies(plugin) => {
                let Some(dead) = self.live.remove(&plugin) else { return };
                self.failed.insert(plugin, dead.file.version);
                self.quarantined.insert(dead.file.version);
                self.settle(&[], false, false, false);
            }
        }
    }
}

/// The real one, in a folder of its own.
struct Real {
    plugins: Plugins,
    folder: tempfile::TempDir,
}

fn name(plugin: usize) -> PluginName {
    manifest(PLUGINS[plugin]).name
}

impl Real {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            folder: folder.path().join("plugins"),
            run_folder: folder.path().join("run"),
            data_folder: folder.path().to_owned(),
            auto_load: true,
            records: Arc::new(Records::default()),
            linked: Vec::new(),
            desk: Arc::new(Silent),
            outlook: Arc::new(Silent),
        };
        let plugins = Plugins::open(setup).unwrap();
        plugins.begin(std::time::Duration::from_secs(60)).await.unwrap();
        Self { plugins, folder }
    }

    fn path(&self, plugin: usize) -> PathBuf {
        let suffix = std::env::consts::DLL_SUFFIX;
        self.folder.path().join(format!("plugins/{}{suffix}", name(plugin)))
    }

    fn drop(&self, plugin: usize, manner: Manner, version: u32) {
        self.drop_text(PLUGINS[plugin], manner, version);
    }

    fn drop_text(&self, text: &str, manner: Manner, version: u32) {
        let mut manifest = manifest(text);
        manifest.version = format!("1.0.{version}");
        let suffix = std::env::consts::DLL_SUFFIX;
        let path = self.folder.path().join(format!("plugins/{}{suffix}", manifest.name));
        let part = self.folder.path().join("part");
        std::fs::write(&part, Text { manifest, manner }.bytes()).unwrap();
        std::fs::rename(part, path).unwrap();
    }

    async fn happens(&self, happens: Happens, version: u32) {
        let plugins = &self.plugins;
        // What comes of each is looked at, not what is said of it.
        match happens {
            Happens::Drop(plugin, manner) => {
                self.drop(plugin, manner, version);
                plugins.look().await;
            }
            Happens::DropBoth(one, other) => {
                self.drop(0, one, version);
                self.drop(2, other, version + 1);
                plugins.look().await;
            }
            Happens::Remove(plugin) => {
                let _ = std::fs::remove_file(self.path(plugin));
                plugins.look().await;
            }
            Happens::Load(plugin) => drop(plugins.load(vec![name(plugin)]).await),
            Happens::LoadBoth => drop(plugins.load(vec![name(0), name(2)]).await),
            Happens::Unload(plugin, with) => {
                drop(plugins.unload(vec![name(plugin)], with).await);
                plugins.configure().await;
            }
            Happens::Reload(plugin) => drop(plugins.reload(Some(vec![name(plugin)])).await),
            Happens::ReloadAll => drop(plugins.reload(None).await),
            Happens::Dies(plugin) => {
                let generation = plugins.routing().read().generation(&name(plugin)).cloned();
                if let Some(generation) = generation {
                    generation
                        .stop(StopReason::Shutdown, std::time::Duration::from_secs(30))
                        .await;
                    plugins.bury(generation).await;
                }
            }
        }
    }

    fn check(&self, model: &Model) -> Result<(), TestCaseError> {
        let views = Arc::clone(&self.plugins.views().borrow());
        let running: BTreeMap<String, String> = views
            .iter()
            .filter(|view| matches!(view.state, PluginState::Running { .. }))
            .map(|view| (view.name.clone(), view.manifest.as_ref().unwrap().version.clone()))
            .collect();
        let expected: BTreeMap<String, String> = model
            .live
            .iter()
            .map(|(plugin, live)| (name(*plugin).to_string(), format!("1.0.{}", live.file.version)))
            .collect();
        prop_assert_eq!(&running, &expected, "what runs: {:?}", model);
        let table = self.plugins.routing().read();
        let served: BTreeMap<String, String> = table
            .generations()
            .map(|generation| (generation.name().to_string(), generation.manifest.version.clone()))
            .collect();
        prop_assert_eq!(&served, &expected, "what the table leads to");
        let offers: BTreeMap<_, _> = table.offers().collect();
        let places: BTreeSet<_> = Silent.slash_places(&offers, &[]).names.into_iter().collect();
        prop_assert_eq!(places, expected.keys().cloned().collect::<BTreeSet<_>>(), "slots");
        for (plugin, live) in model.live.iter().filter(|(_, live)| live.file.manner == Manner::Counts) {
            prop_assert_eq!(
                fake::count(name(*plugin).as_str()),
                Some(live.count),
                "what was handed on: {:?}",
                model
            );
        }
        Ok(())
    }
}

/// Nobody asks and nobody hears.
struct Silent;

impl Desk for Silent {
    fn asked(&self, _: &Arc<Generation>, _: Request) {}
    fn finished(&self, _: &Arc<Generation>, _: u64, _: Outcome, _: Ticket) {}
    fn unwatched(&self, _: &Arc<Generation>, _: u64) {}
    fn unregistered(&self, _: &Arc<Generation>, _: u64) {}
    fn logged(&self, _: &Arc<Generation>, _: &LogRecord) {}
    fn panicked(&self, _: &Arc<Generation>, _: &PanicReport) {}
    fn died(&self, _: &Arc<Generation>) {}
    fn ended(&self, _: &Arc<Generation>, _: StopReason, _: Ending) {}
    fn delivers(&self, _: &Generation, _: u64) {}
    fn waits_for(&self, _: u64) -> bool {
        true
    }
    fn gave_up(&self, _: u64, _: GivenUp) {}
    fn under_way(&self, _: &Generation) -> Vec<String> {
        Vec::new()
    }
}

impl Outlook for Silent {
    fn settings(&self, _: &PluginName) -> Result<Settings, String> {
        Ok(Settings::default())
    }
    fn guild_revision(&self) -> u64 {
        0
    }
    fn guild_values(&self, _: &PluginName, _: &Description) -> GuildValues {
        GuildValues::default()
    }
    fn policy(&self) -> Policy {
        Policy {
            blacklist: BTreeSet::new(),
            // Looks are ordered, so that each thing happens by itself.
            auto_reload: false,
            memory_percent: 100,
        }
    }
    fn activation(&self) -> Activation {
        Activation::default()
    }
    fn changed(&self, _: Change) {}
    fn tell_owner(&self, _: &str, _: &str) {}
    fn slash_places(&self, offers: &BTreeMap<&PluginName, &Description>, _: &[String]) -> SlashPlaces {
        let wishes = Wishes {
            only_in: &BTreeMap::new(),
            priorities: &BTreeMap::new(),
        };
        let offers = wishes.apply(offers.iter().map(|(&plugin, &description)| (plugin, description)));
        let plan = slash::everywhere(&offers, &Held::default(), Limits::default());
        SlashPlaces {
            names: plan.commands.into_iter().map(|command| command.name).collect(),
            ..SlashPlaces::default()
        }
    }
    fn missing_intents(&self, _: u64, _: &BTreeMap<&PluginName, &Description>) -> Vec<String> {
        Vec::new()
    }
    fn tell_blocked(&self, _: &str, _: &str) {}
    fn tell_dropped(&self, _: &str, _: &str) {}
    fn tell_trouble(&self, _: &str, _: &str) {}
    fn migrations_due(&self, _: &PluginName, _: &[Migration]) -> BoxFuture<'_, Result<bool, String>> {
        async { Ok(false) }.boxed()
    }
    fn migrate(&self, _: &PluginName, _: &[Migration]) -> BoxFuture<'_, Result<(), String>> {
        async { Ok(()) }.boxed()
    }
    fn undo_migrations(&self, _: &PluginName) -> BoxFuture<'_, Result<(), String>> {
        async { Ok(()) }.boxed()
    }
    fn keep_migrations(&self, _: &PluginName) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

#[test]
fn whatever_happens_is_what_the_model_says() {
    let cases = std::env::var("LIFE_MODEL_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        cases: cases.unwrap_or(12),
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let sequences = proptest::collection::vec(happens(), 1..16);
    let outcome = runner.run(&sequences, |sequence| {
        runtime.block_on(async {
            let (real, mut model) = (Real::start().await, Model::default());
            let mut checked = Ok(());
            for (at, happens) in sequence.iter().enumerate() {
                let version = u32::try_from(at * 2 + 1).unwrap();
                model.happens(*happens, version);
                real.happens(*happens, version).await;
                checked = real.check(&model);
                if checked.is_err() {
                    break;
                }
            }
            real.plugins.stop().await;
            checked
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plugins_need_and_cant_stand_is_told() {
    let real = Real::start().await;
    real.drop_text("bank", Manner::Plain, 1);
    real.drop_text("shop needs bank>=1 needs? news", Manner::Plain, 1);
    real.plugins.look().await;
    real.drop_text("thief not bank", Manner::Plain, 1);
    real.plugins.look().await;
    let check = real.plugins.check_dependencies("shop").unwrap();
    let names = |relations: &[plugin_protocol::inspection::Relation]| -> Vec<String> {
        relations.iter().map(|relation| relation.name.clone()).collect()
    };
    assert_eq!(
        (names(&check.satisfied), names(&check.missing)),
        (vec!["bank".to_owned()], vec!["news".to_owned()])
    );
    assert!(real.plugins.check_dependencies("nobody").is_none());
    let conflicts = real.plugins.detect_conflicts();
    let told: Vec<_> = conflicts
        .iter()
        .map(|one| (one.one.as_str(), one.other.as_str(), one.running.as_deref()))
        .collect();
    assert_eq!(told, [("bank", "thief", Some("bank"))]);
    real.plugins.stop().await;
}
