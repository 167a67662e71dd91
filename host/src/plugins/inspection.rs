//! What is told of plugins when somebody asks: states, lanes, what is left behind, the last error.
//!
//! It looks and changes nothing. Reading the system's figures takes milliseconds: not for the runtime's threads.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use plugin_protocol::{
    Dependency, Manifest, PluginName, Swap,
    inspection::{
        BudgetFigure, DependencyCheck, LaneFigures, LastError, LeftBehind, OfferedCommand, PluginConflict, PluginInfo,
        PluginList, PluginStatus, PluginSummary, Relation,
    },
    lane_name,
};
use tokio::task::spawn_blocking;

use super::{
    budget::{self, Resource},
    generation::Generation,
    life::{PluginState, PluginView, Plugins},
    records::Record,
    registry,
};
use crate::process::usage::{self, Thread};

/// The system's figures of one moment.
struct Figures {
    threads: Option<Vec<Thread>>,
    /// Private memory of mapped copies.
    mapped: Option<BTreeMap<OsString, u64>>,
}

/// How long figures are good for.
const FRESH: Duration = Duration::from_millis(500);

/// The last figures, and from when they are. The lock is held while they are read: who asks meanwhile gets the same.
#[derive(Default)]
pub(super) struct KeptFigures(Mutex<Option<(Instant, Arc<Figures>)>>);

impl Plugins {
    /// Every plugin in a line. `private` adds what is for owners only.
    #[must_use]
    pub fn list(&self, private: bool) -> PluginList {
        let figures = self.figures();
        let views = Arc::clone(&self.views().borrow());
        let records = self.insight.records.all();
        let mut left_behind = LeftBehind {
            threads: figures.threads.as_ref().map(|_| 0),
            code_bytes: figures.mapped.as_ref().map(|_| 0),
            ..LeftBehind::default()
        };
        for (name, record) in &records {
            let theirs = self.left_behind(name, record, &figures);
            left_behind.retired += theirs.retired;
            left_behind.abandoned += theirs.abandoned;
            left_behind.threads = left_behind.threads.zip(theirs.threads).map(|(all, one)| all + one);
            left_behind.code_bytes = left_behind
                .code_bytes
                .zip(theirs.code_bytes)
                .map(|(all, one)| all + one);
        }
        let mut plugins: Vec<_> = views.iter().map(|view| self.summary(view, &views, private)).collect();
        plugins.sort_by(|one, other| one.name.cmp(&other.name));
        PluginList {
            plugins,
            left_behind,
            budgets: if private { self.budgets() } else { Vec::new() },
        }
    }

    /// Everything that lasts for a while of every plugin, for owners: no figures of the system's, which take long.
    #[must_use]
    pub fn lasting(&self) -> Vec<PluginInfo> {
        let views = Arc::clone(&self.views().borrow());
        let mut all: Vec<_> = views.iter().map(|view| self.lasting_of(view, &views, true)).collect();
        all.sort_by(|one, other| one.summary.name.cmp(&other.summary.name));
        all
    }

    /// Everything about one plugin; `None` if there is none of that name. `private` adds what is for owners only.
    #[must_use]
    pub fn info(&self, name: &str, private: bool) -> Option<PluginInfo> {
        let views = Arc::clone(&self.views().borrow());
        let view = views.iter().find(|view| view.name == name)?;
        let mut info = self.lasting_of(view, &views, private);
        let Ok(plugin) = name.parse::<PluginName>() else {
            return Some(info);
        };
        let figures = self.figures();
        let record = self.insight.records.of(&plugin);
        info.left_behind = self.left_behind(&plugin, &record, &figures);
        info.last_error = record.last_error.map(|fault| LastError {
            at: seconds(fault.at),
            what: fault.what,
            code: fault.code,
            text: private.then_some(fault.text),
        });
        if let Some(generation) = self.routing().read().generation(&plugin) {
            let mut lane = self.lane(generation, &figures);
            if let Some(blocked) = lane.blocked.as_mut()
                && !private
            {
                "something of its own".clone_into(&mut blocked.by);
            }
            info.lane = Some(lane);
        }
        Some(info)
    }

    fn lasting_of(&self, view: &PluginView, views: &[PluginView], private: bool) -> PluginInfo {
        let manifest = view.manifest.as_deref();
        let mut info = PluginInfo {
            summary: self.summary(view, views, private),
            description: manifest.map_or_else(String::new, |manifest| manifest.description.clone()),
            authors: manifest.map_or_else(Vec::new, |manifest| manifest.authors.clone()),
            conflicts: manifest.map_or_else(Vec::new, |manifest| relations(&manifest.conflicts, views)),
            exclusive: manifest.is_some_and(|manifest| manifest.swap == Swap::Exclusive),
            before: view.before.clone(),
            ..PluginInfo::default()
        };
        if let Ok(plugin) = view.name.parse::<PluginName>() {
            info.dependants = registry::dependants(&plugin, running(views).map(AsRef::as_ref))
                .iter()
                .map(ToString::to_string)
                .collect();
            if let Some(generation) = self.routing().read().generation(&plugin) {
                add_running(&mut info, generation);
            }
        }
        info
    }

    /// What a plugin needs or would like to have, and what of it is there; `None` if there is none of that name.
    #[must_use]
    pub fn check_dependencies(&self, name: &str) -> Option<DependencyCheck> {
        let views = Arc::clone(&self.views().borrow());
        let manifest = views.iter().find(|view| view.name == name)?.manifest.as_ref()?;
        let (satisfied, missing) = relations(&manifest.depends, &views)
            .into_iter()
            .partition(|relation| relation.is_there);
        Some(DependencyCheck { satisfied, missing })
    }

    /// Pairs of known plugins that can't run beside each other.
    #[must_use]
    pub fn detect_conflicts(&self) -> Vec<PluginConflict> {
        let views = Arc::clone(&self.views().borrow());
        let known: Vec<_> = views
            .iter()
            .filter_map(|view| Some((view, view.manifest.as_deref()?)))
            .collect();
        let runs =
            |view: &PluginView| matches!(view.state, PluginState::Running { .. } | PluginState::Replacing { .. });
        let mut found = Vec::new();
        for (at, (view, one)) in known.iter().enumerate() {
            for (other_view, other) in &known[at + 1..] {
                if registry::are_at_odds(one, other) {
                    let running = [view, other_view].into_iter().find(|view| runs(view));
                    found.push(PluginConflict {
                        one: one.name.to_string(),
                        other: other.name.to_string(),
                        running: running.map(|view| view.name.clone()),
                    });
                }
            }
        }
        found
    }

    /// The known name that is nearest to one that is not known, if any is near.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<String> {
        /// More than a few typing errors: "example" and "exmaple" have 0.95, "levels" and "moderation" 0.5.
        const NEAR: f64 = 0.75;
        let views = Arc::clone(&self.views().borrow());
        let near = views
            .iter()
            .map(|view| (strsim::jaro_winkler(name, &view.name), &view.name))
            .filter(|(nearness, _)| *nearness >= NEAR);
        let nearest = near.max_by(|one, other| one.0.total_cmp(&other.0));
        nearest.map(|(_, name)| name.clone())
    }

    /// The figures of a lane, with those of the system.
    pub async fn lane_of(&self, generation: &Generation) -> LaneFigures {
        let plugins = self.clone();
        // Reading them takes milliseconds of the system's.
        match spawn_blocking(move || plugins.figures()).await {
            Ok(figures) => self.lane(generation, &figures),
            Err(_) => generation.figures(),
        }
    }

    fn lane(&self, generation: &Generation, figures: &Figures) -> LaneFigures {
        let own = generation.lane_name();
        let cpu = figures.threads.as_ref().map(|threads| {
            let own = threads.iter().filter(|thread| thread.name == own);
            millis(own.map(|thread| thread.cpu).sum())
        });
        let code_bytes = generation.copy.as_ref().zip(figures.mapped.as_ref());
        LaneFigures {
            at_work_on: self.insight.desk.under_way(generation),
            cpu_millis: cpu,
            code_bytes: code_bytes.and_then(|(copy, mapped)| bytes_of(copy, mapped)),
            ..generation.figures()
        }
    }

    /// The system's figures, read again only if the last ones are old: everybody may ask.
    fn figures(&self) -> Arc<Figures> {
        let mut kept = self.insight.figures.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, figures)) = &*kept
            && at.elapsed() < FRESH
        {
            return Arc::clone(figures);
        }
        let figures = Arc::new(Figures {
            threads: usage::threads(),
            mapped: usage::mapped_below(&self.insight.run_folder),
        });
        *kept = Some((Instant::now(), Arc::clone(&figures)));
        figures
    }

    fn summary(&self, view: &PluginView, views: &[PluginView], private: bool) -> PluginSummary {
        let (status, generation, why) = match &view.state {
            PluginState::Running {
                generation,
                newer_refused,
            } => (
                self.running_status(&view.name),
                Some(*generation),
                newer_refused.clone(),
            ),
            PluginState::Replacing { generation } => (PluginStatus::Replacing, Some(*generation), None),
            PluginState::Refused(why) => (PluginStatus::Refused, None, Some(why.clone())),
            PluginState::Quarantined(why) => (PluginStatus::Quarantined, None, Some(why.clone())),
            PluginState::Unloaded => (PluginStatus::Unloaded, None, None),
        };
        let manifest = view.manifest.as_deref();
        let serving = view
            .name
            .parse()
            .ok()
            .and_then(|name| self.routing().read().generation(&name).cloned());
        PluginSummary {
            name: view.name.clone(),
            version: manifest.map(|manifest| manifest.version.clone()),
            status,
            built_in: view.file.is_none(),
            generation,
            needs: manifest.map_or_else(Vec::new, |manifest| relations(&manifest.depends, views)),
            newer_refused: generation.is_some() && why.is_some(),
            why: why.filter(|_| private),
            file: view.file.clone().filter(|_| private),
            load_millis: serving.and_then(|serving| serving.load_time.get().map(|took| millis(*took))),
            pinned: view.pinned,
            rolled_back: view.rolled_back,
        }
    }

    fn running_status(&self, name: &str) -> PluginStatus {
        let name: Option<PluginName> = name.parse().ok();
        let table = self.routing().read();
        let generation = name.and_then(|name| table.generation(&name).cloned());
        match generation {
            Some(generation) if generation.pulse.hung_for(Instant::now()).is_some() => PluginStatus::Hung,
            _ => PluginStatus::Running,
        }
    }

    fn left_behind(&self, name: &PluginName, record: &Record, figures: &Figures) -> LeftBehind {
        let serving = self.routing().read().generation(name).cloned();
        let serving_number = serving.as_ref().map_or(0, |generation| generation.number);
        let serving_copy = serving.as_ref().and_then(|generation| generation.copy.as_ref());
        let threads = figures.threads.as_ref().map(|threads| {
            let left = threads.iter().filter(|thread| {
                let number = thread.name.rsplit_once('#').and_then(|(_, number)| number.parse().ok());
                number.is_some_and(|number: u32| {
                    number != serving_number && thread.name == lane_name(name.as_str(), number)
                })
            });
            left.count() as u64
        });
        let code_bytes = figures.mapped.as_ref().map(|mapped| {
            let left = record.copies.iter().filter(|copy| Some(*copy) != serving_copy);
            left.filter_map(|copy| bytes_of(copy, mapped)).sum()
        });
        LeftBehind {
            retired: record.retired,
            abandoned: record.abandoned(),
            threads,
            code_bytes,
        }
    }

    fn budgets(&self) -> Vec<BudgetFigure> {
        let levels = budget::measure(self.insight.outlook.policy().memory_percent);
        levels
            .iter()
            .map(|level| BudgetFigure {
                name: level.name().to_owned(),
                used: level.used,
                limit: level.budget,
                bytes: level.resource == Resource::Memory,
            })
            .collect()
    }
}

/// What it offers, and since when.
fn add_running(info: &mut PluginInfo, generation: &Generation) {
    let description = &generation.description;
    info.commands = description
        .commands
        .iter()
        .map(|command| OfferedCommand {
            name: command.name.clone(),
            prefix: command.doors.prefix,
            slash: command.doors.slash,
            menu: !command.menus.is_empty(),
            owner_only: command.owner_only,
        })
        .collect();
    info.events = description.events.iter().map(|event| event.name.clone()).collect();
    info.hooks.clone_from(&description.hooks);
    info.services.clone_from(&description.services);
    // Those of plugin-api itself are no news to anybody.
    let own_components = description
        .components
        .iter()
        .filter(|one| !one.is_of_the_runtime())
        .count();
    info.components = u32::try_from(own_components).unwrap_or(u32::MAX);
    info.load_millis = generation.load_time.get().map(|took| millis(*took));
    info.serving_since = generation.serving_since.get().map(|since| seconds(*since));
}

/// Looked up by its name: the system writes paths without links.
fn bytes_of(copy: &Path, mapped: &BTreeMap<OsString, u64>) -> Option<u64> {
    mapped.get(copy.file_name()?).copied()
}

fn running(views: &[PluginView]) -> impl Iterator<Item = &Arc<Manifest>> {
    let runs = |view: &&PluginView| matches!(view.state, PluginState::Running { .. } | PluginState::Replacing { .. });
    views.iter().filter(runs).filter_map(|view| view.manifest.as_ref())
}

fn relations(others: &[Dependency], views: &[PluginView]) -> Vec<Relation> {
    let there = |other: &Dependency| {
        running(views).any(|manifest| manifest.name == other.name && registry::fits(&manifest.version, &other.range))
    };
    others
        .iter()
        .map(|other| Relation {
            name: other.name.to_string(),
            range: other.range.clone(),
            optional: other.optional,
            is_there: there(other),
        })
        .collect()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
