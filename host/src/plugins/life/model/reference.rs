//! What should be, in as few rules as it takes, and written without a look at the code that it is compared with.
//!
//! Four plugins, of which the third needs the first, and the fourth can't run beside the second.

use std::collections::{BTreeMap, BTreeSet};

use super::Happens;
use crate::plugins::fake::Manner;

/// How many plugins there are.
pub(super) const PLUGINS: usize = 4;
/// Who needs whom.
const NEEDS: (usize, usize) = (2, 0);
/// Who can't run beside whom.
const AT_ODDS: (usize, usize) = (1, 3);

/// A content: each is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) version: u32,
    pub(super) manner: Manner,
    pub(super) is_exclusive: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) file: File,
    /// How many generations have handed on since it last began anew.
    pub(super) count: u64,
}

/// What should be.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Changes of the folder are followed by themselves, and so with each order.
    follows_folder: bool,
    pub(super) files: BTreeMap<usize, File>,
    pub(super) live: BTreeMap<usize, Live>,
    pub(super) unloaded: BTreeSet<usize>,
    pub(super) pinned: BTreeMap<usize, Option<File>>,
    /// What runs in place of a file, and of which.
    pub(super) rolled_back: BTreeMap<usize, (File, u32)>,
    /// What served last, and what did before.
    ran: BTreeMap<usize, File>,
    pub(super) before: BTreeMap<usize, File>,
    ran_last: BTreeSet<usize>,
    failed: BTreeMap<usize, u32>,
    failures: BTreeMap<u32, u32>,
    pub(super) quarantined: BTreeSet<u32>,
    /// Which content waits for which others to become other ones.
    held_back: BTreeMap<usize, (u32, Vec<(usize, u32)>)>,
    /// What has ended in this step and hangs at its end.
    hung: Vec<(usize, u32)>,
    /// The whole folder was looked at last.
    pub(super) has_looked: bool,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "as in what it is held against")]
struct Asked {
    named: Vec<usize>,
    is_forced: bool,
    unwanted: Vec<usize>,
    with_dependants: bool,
    is_together: bool,
    only_these: bool,
}

/// A step of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Comes(File),
    /// It can't run beside, or without, what is planned.
    MakesRoom,
}

impl Model {
    pub(super) fn new(follows_folder: bool) -> Self {
        Self {
            follows_folder,
            ..Self::default()
        }
    }

    fn is_live(&self, plugin: usize) -> bool {
        self.live.contains_key(&plugin)
    }

    fn runs(&self, plugin: usize, file: File) -> bool {
        self.live.get(&plugin).is_some_and(|live| live.file == file)
    }

    /// What would run of a plugin: its file, or what is preferred to it.
    fn chosen(&self, plugin: usize) -> Option<File> {
        let file = *self.files.get(&plugin)?;
        let back = self.rolled_back.get(&plugin).filter(|back| back.1 == file.version);
        let pinned = self.pinned.get(&plugin).copied().flatten();
        Some(pinned.or(back.map(|back| back.0)).unwrap_or(file))
    }

    /// What of this order is unloaded; `None` if it is not followed.
    fn leaving(&self, asked: &Asked) -> Option<BTreeSet<usize>> {
        let mut leaving: BTreeSet<_> = asked.unwanted.iter().copied().collect();
        let (needs, needed) = NEEDS;
        if leaving.contains(&needed) && self.is_live(needs) && !leaving.contains(&needs) {
            if !asked.with_dependants {
                return None;
            }
            leaving.insert(needs);
        }
        Some(leaving)
    }

    fn is_out(&self, plugin: usize, asked: &Asked, leaving: &BTreeSet<usize>) -> bool {
        leaving.contains(&plugin) || (self.unloaded.contains(&plugin) && !asked.named.contains(&plugin))
    }

    fn waits(&self, plugin: usize, file: File) -> bool {
        let Some((version, culprits)) = self.held_back.get(&plugin) else {
            return false;
        };
        let is_still = |(culprit, bad): &(usize, u32)| {
            let is_left_out = self.failed.get(culprit) == Some(bad) || self.quarantined.contains(bad);
            let runs = self.live.get(culprit).is_some_and(|live| live.file.version == *bad);
            self.chosen(*culprit).map(|file| file.version) == Some(*bad) && is_left_out && !runs
        };
        *version == file.version && culprits.iter().all(is_still)
    }

    fn choice(&self, plugin: usize, asked: &Asked, leaving: &BTreeSet<usize>) -> Option<File> {
        let file = *self.files.get(&plugin)?;
        let chosen = self.chosen(plugin)?;
        let is_named = asked.named.contains(&plugin);
        let is_welcome = is_named || !asked.only_these || self.runs(plugin, file);
        let is_bad = self.failed.get(&plugin) == Some(&chosen.version)
            || self.quarantined.contains(&chosen.version)
            || self.waits(plugin, chosen);
        let is_tried = is_named || self.runs(plugin, chosen) || !is_bad;
        (is_welcome && is_tried && !self.is_out(plugin, asked, leaving)).then_some(chosen)
    }

    /// How a content stands where two can't run beside each other: the higher stays.
    fn standing(&self, plugin: usize, file: File) -> u32 {
        let runs = self.runs(plugin, file);
        match (self.pinned.contains_key(&plugin), runs, self.is_live(plugin)) {
            (true, true, _) => 5,
            (true, ..) => 4,
            (_, true, _) => 3,
            (.., true) => 2,
            _ => u32::from(self.ran_last.contains(&plugin)),
        }
    }

    /// What follows from a look, or from an order. Whether all of an order could be.
    fn settle(&mut self, asked: &Asked) -> bool {
        self.has_looked = !asked.only_these;
        let files = &self.files;
        self.rolled_back
            .retain(|plugin, back| files.get(plugin).is_none_or(|file| file.version == back.1));
        let leaving = self.leaving(asked);
        let is_followed = leaving.is_some();
        let leaving = leaving.unwrap_or_default();
        self.unloaded.extend(&leaving);
        let (comes, stays, lost) = self.resolve(asked, &leaving);
        let ends: Vec<_> = self
            .live
            .keys()
            .copied()
            .filter(|plugin| !stays.contains(plugin))
            .collect();
        let (room, ends): (Vec<_>, Vec<_>) = ends
            .into_iter()
            .partition(|plugin| self.files.contains_key(plugin) && !self.is_out(*plugin, asked, &leaving));
        let is_due =
            |plugin: usize, file: File| !self.runs(plugin, file) || (asked.is_forced && asked.named.contains(&plugin));
        let mut steps: BTreeMap<usize, Step> = comes
            .into_iter()
            .filter(|(plugin, file)| is_due(*plugin, *file))
            .map(|(plugin, file)| (plugin, Step::Comes(file)))
            .collect();
        steps.extend(room.into_iter().map(|plugin| (plugin, Step::MakesRoom)));
        let is_there = |plugin: &usize| matches!(steps.get(plugin), Some(Step::Comes(_)));
        let can_be = !asked.is_together || asked.named.iter().all(is_there);
        let mut units = self.units(&steps, asked);
        if !can_be {
            units.retain(|unit| !unit.iter().any(|plugin| asked.named.contains(plugin)));
        }
        for plugin in ends {
            self.end(plugin);
        }
        let starts = |unit: &Vec<usize>| unit.iter().any(|plugin| matches!(steps[plugin], Step::Comes(_)));
        let (units, makes_room): (Vec<_>, Vec<_>) = units.into_iter().partition(starts);
        for plugin in makes_room.into_iter().flatten() {
            self.end(plugin);
        }
        // Who needs something of another unit comes after it.
        let (needs, needed) = NEEDS;
        let waits = |unit: &&Vec<usize>| {
            unit.contains(&needs) && !unit.contains(&needed) && units.iter().any(|other| other.contains(&needed))
        };
        for unit in units
            .iter()
            .filter(|unit| !waits(unit))
            .chain(units.iter().filter(waits))
        {
            self.replace(unit, &steps);
        }
        let (live, files) = (&self.live, &self.files);
        let is_wanted = |plugin: &usize| {
            files.contains_key(plugin)
                && !self.unloaded.contains(plugin)
                && !self.failed.contains_key(plugin)
                && !lost.contains(plugin)
        };
        self.ran_last.retain(is_wanted);
        self.ran_last.extend(live.keys());
        is_followed && can_be
    }

    /// Who comes by which content, who is there afterwards, and who was refused since another one was preferred.
    fn resolve(
        &self,
        asked: &Asked,
        leaving: &BTreeSet<usize>,
    ) -> (BTreeMap<usize, File>, BTreeSet<usize>, BTreeSet<usize>) {
        let choice = |plugin| Some((plugin, self.choice(plugin, asked, leaving)?));
        let mut comes: BTreeMap<usize, File> = (0..PLUGINS).filter_map(choice).collect();
        loop {
            let mut there = comes.clone();
            for (plugin, live) in &self.live {
                if self.files.contains_key(plugin) && !self.is_out(*plugin, asked, leaving) {
                    there.entry(*plugin).or_insert(live.file);
                }
            }
            let mut refused = BTreeSet::new();
            if !there.contains_key(&NEEDS.1) && there.contains_key(&NEEDS.0) {
                refused.insert(NEEDS.0);
            }
            let mut lost = BTreeSet::new();
            if let (Some(one), Some(other)) = (there.get(&AT_ODDS.0), there.get(&AT_ODDS.1)) {
                let standings = (self.standing(AT_ODDS.0, *one), self.standing(AT_ODDS.1, *other));
                if standings.0 <= standings.1 {
                    lost.insert(AT_ODDS.0);
                }
                if standings.1 <= standings.0 {
                    lost.insert(AT_ODDS.1);
                }
            }
            refused.extend(&lost);
            // What runs is asked for instead of what is refused.
            let older: Vec<_> = refused
                .iter()
                .filter(|plugin| comes.contains_key(plugin) && self.is_live(**plugin))
                .collect();
            if older.is_empty() {
                comes.retain(|plugin, _| !refused.contains(plugin));
                there.retain(|plugin, _| !refused.contains(plugin));
                return (comes, there.into_keys().collect(), lost);
            }
            for plugin in older {
                comes.remove(plugin);
            }
        }
    }

    /// Which steps happen together or not at all.
    fn units(&self, steps: &BTreeMap<usize, Step>, asked: &Asked) -> Vec<Vec<usize>> {
        let is_named = |plugin: &usize| asked.is_together && asked.named.contains(plugin);
        let are_bound = |one: usize, other: usize| {
            let pair = (one, other);
            [NEEDS, (NEEDS.1, NEEDS.0), AT_ODDS, (AT_ODDS.1, AT_ODDS.0)].contains(&pair)
                || (is_named(&one) && is_named(&other))
        };
        let mut units: Vec<Vec<usize>> = Vec::new();
        for &plugin in steps.keys() {
            let (bound, mut others): (Vec<_>, Vec<_>) = units
                .into_iter()
                .partition(|unit: &Vec<usize>| unit.iter().any(|other| are_bound(plugin, *other)));
            let mut unit: Vec<usize> = bound.into_iter().flatten().collect();
            unit.push(plugin);
            unit.sort_unstable();
            others.push(unit);
            units = others;
        }
        let is_one = |unit: &Vec<usize>| {
            let keeps = |plugin: &usize| self.is_live(*plugin);
            unit.iter().any(keeps) || unit.iter().any(is_named)
        };
        let (whole, apart): (Vec<_>, Vec<_>) = units.into_iter().partition(is_one);
        let single = apart.into_iter().flatten().map(|plugin| vec![plugin]);
        whole.into_iter().chain(single).collect()
    }

    fn end(&mut self, plugin: usize) {
        if let Some(gone) = self.live.remove(&plugin) {
            self.leave(plugin, gone.file);
        }
    }

    fn leave(&mut self, plugin: usize, file: File) {
        if file.manner == Manner::HangsAtStop {
            self.hung.push((plugin, file.version));
        }
    }

    fn replace(&mut self, unit: &[usize], steps: &BTreeMap<usize, Step>) {
        let mut comes = BTreeMap::new();
        let mut out = Vec::new();
        for plugin in unit {
            match steps[plugin] {
                Step::Comes(file) => drop(comes.insert(*plugin, file)),
                Step::MakesRoom => out.push(*plugin),
            }
        }
        if comes.contains_key(&NEEDS.0) && !comes.contains_key(&NEEDS.1) && !self.is_live(NEEDS.1) {
            // What it needs has not started.
            return;
        }
        let hands_over = |manner| matches!(manner, Manner::Counts | Manner::FailsToImport);
        let must_end = |plugin: usize, newer: File| {
            self.live.get(&plugin).is_some_and(|older| {
                let is_handed = hands_over(older.file.manner) && hands_over(newer.manner);
                is_handed || older.file.is_exclusive || newer.is_exclusive
            })
        };
        let fails_in_probe = |file: &File| matches!(file.manner, Manner::CrashesProbe | Manner::HangsInProbe);
        let fails = |plugin: usize, file: &File| match file.manner {
            Manner::FailsToStart | Manner::HangsAtStart => true,
            Manner::FailsToImport => self
                .live
                .get(&plugin)
                .is_some_and(|older| older.file.manner == Manner::Counts),
            _ => false,
        };
        let of = |wanted: &dyn Fn(usize, &File) -> bool| -> Vec<usize> {
            let found = comes.iter().filter(|(plugin, file)| wanted(**plugin, file));
            found.map(|(plugin, _)| *plugin).collect()
        };
        let mut restarted = Vec::new();
        let mut culprits = of(&|_, file| fails_in_probe(file));
        if culprits.is_empty() {
            culprits = of(&|plugin, file| !must_end(plugin, *file) && fails(plugin, file));
        }
        if culprits.is_empty() {
            culprits = of(&|plugin, file| must_end(plugin, *file) && fails(plugin, file));
            if !culprits.is_empty() {
                restarted = of(&|plugin, file| must_end(plugin, *file));
            }
        }
        if culprits.is_empty() {
            for plugin in out {
                self.end(plugin);
            }
            for (plugin, file) in comes {
                self.serves(plugin, file);
            }
            return;
        }
        for plugin in restarted {
            let older = self.live[&plugin].file;
            self.leave(plugin, older);
            // From what it handed over.
            let live = self.live.get_mut(&plugin).unwrap();
            live.count += u64::from(older.manner == Manner::Counts);
        }
        self.fails(&comes, &culprits);
    }

    fn serves(&mut self, plugin: usize, file: File) {
        let older = self.live.get(&plugin).copied();
        let count = match file.manner {
            Manner::Counts => {
                let handed = older.filter(|older| older.file.manner == Manner::Counts);
                handed.map_or(0, |older| older.count) + 1
            }
            _ => 0,
        };
        self.live.insert(plugin, Live { file, count });
        if let Some(older) = older {
            self.leave(plugin, older.file);
        }
        self.failed.remove(&plugin);
        self.held_back.remove(&plugin);
        self.failures.remove(&file.version);
        self.quarantined.remove(&file.version);
        let ran = self.ran.insert(plugin, file);
        if let Some(ran) = ran.filter(|ran| *ran != file) {
            self.before.insert(plugin, ran);
        }
    }

    fn fails(&mut self, comes: &BTreeMap<usize, File>, culprits: &[usize]) {
        let bad: Vec<_> = culprits.iter().map(|plugin| (*plugin, comes[plugin].version)).collect();
        for (plugin, file) in comes {
            if !culprits.contains(plugin) {
                self.held_back.insert(*plugin, (file.version, bad.clone()));
                continue;
            }
            self.failed.insert(*plugin, file.version);
            if file.manner == Manner::CrashesProbe {
                self.quarantined.insert(file.version);
                continue;
            }
            let failures = self.failures.entry(file.version).or_default();
            *failures += 1;
            if *failures >= 3 {
                self.quarantined.insert(file.version);
            }
        }
    }

    fn want(&mut self, plugins: &[usize]) {
        for plugin in plugins {
            self.unloaded.remove(plugin);
            self.failed.remove(plugin);
            self.held_back.remove(plugin);
        }
    }

    fn look(&mut self) {
        self.settle(&Asked::default());
    }

    /// An order that concerns nothing but these.
    fn order(&self, named: &[usize], is_forced: bool) -> Asked {
        Asked {
            named: named.to_vec(),
            is_forced,
            is_together: true,
            only_these: !self.follows_folder,
            ..Asked::default()
        }
    }

    pub(super) fn happens(&mut self, happens: &Happens, version: u32) {
        match happens {
            Happens::Drop(plugin, content) => {
                self.files.insert(*plugin, content.file(version));
                self.look();
            }
            Happens::DropBoth(one, other) => {
                self.files.insert(NEEDS.1, one.file(version));
                self.files.insert(NEEDS.0, other.file(version + 1));
                self.look();
            }
            Happens::Remove(plugin) => {
                self.files.remove(plugin);
                self.look();
            }
            Happens::Load(names) => self.load(names.get()),
            Happens::Unload(names, with_dependants) => {
                let unwanted = names.get();
                if unwanted.iter().any(|plugin| !self.files.contains_key(plugin)) {
                    return;
                }
                self.settle(&Asked {
                    unwanted: unwanted.to_vec(),
                    with_dependants: *with_dependants,
                    ..self.order(&[], false)
                });
            }
            Happens::Reload(names) => {
                let names = names.get();
                if names.len() == 1 {
                    self.want(names);
                }
                let can_be = self.settle(&self.order(names, true));
                let is_well = |plugin: &usize| {
                    self.is_live(*plugin) && !self.failed.contains_key(plugin) && !self.held_back.contains_key(plugin)
                };
                if can_be && names.iter().all(is_well) {
                    self.want(names);
                }
            }
            Happens::ReloadAll => {
                let all: Vec<_> = self.live.keys().copied().collect();
                self.want(&all);
                self.settle(&Asked {
                    named: all,
                    is_forced: true,
                    ..Asked::default()
                });
            }
            Happens::Dies(plugin) => {
                if let Some(dead) = self.live.remove(plugin) {
                    self.failed.insert(*plugin, dead.file.version);
                    self.quarantined.insert(dead.file.version);
                    self.look();
                }
            }
            Happens::Pin(plugin) => {
                if self.files.contains_key(plugin) {
                    let content = self.live.get(plugin).map(|live| live.file);
                    let content = content.or_else(|| self.pinned.get(plugin).copied().flatten());
                    self.pinned.insert(*plugin, content);
                    self.settle(&self.order(&[], false));
                }
            }
            Happens::Unpin(plugin) => {
                if self.pinned.remove(plugin).is_some() {
                    self.settle(&self.order(&[], false));
                }
            }
            Happens::Rollback(plugin) => self.rollback(*plugin),
            Happens::Restart => {
                self.live.clear();
                self.failed.clear();
                self.held_back.clear();
                self.look();
            }
        }
        self.rest();
    }

    fn load(&mut self, names: &[usize]) {
        if names.iter().any(|plugin| self.is_live(*plugin)) {
            return;
        }
        if names.len() == 1 {
            self.want(names);
        }
        self.settle(&self.order(names, false));
        if names.iter().all(|plugin| self.is_live(*plugin)) {
            self.want(names);
        }
    }

    fn rollback(&mut self, plugin: usize) {
        let (Some(file), Some(to)) = (self.files.get(&plugin).copied(), self.before.get(&plugin).copied()) else {
            return;
        };
        let is_pinned_elsewhere = self
            .pinned
            .get(&plugin)
            .copied()
            .flatten()
            .is_some_and(|pinned| pinned != to);
        let hands_over = |manner| matches!(manner, Manner::Counts | Manner::FailsToImport);
        let is_lost = self
            .live
            .get(&plugin)
            .is_some_and(|live| hands_over(live.file.manner) && !hands_over(to.manner));
        if is_pinned_elsewhere || is_lost {
            return;
        }
        let was = self.rolled_back.remove(&plugin);
        if to != file {
            self.rolled_back.insert(plugin, (to, file.version));
        }
        let only_this = Asked {
            only_these: true,
            ..self.order(&[plugin], true)
        };
        self.settle(&only_this);
        if self.runs(plugin, to) {
            self.unloaded.remove(&plugin);
            return;
        }
        self.rolled_back.remove(&plugin);
        self.rolled_back.extend(was.map(|was| (plugin, was)));
        self.failed.remove(&plugin);
        self.settle(&Asked {
            only_these: true,
            ..Asked::default()
        });
    }

    /// What hung at its end is not tried again, unless the same content serves by now.
    fn rest(&mut self) {
        for (plugin, version) in std::mem::take(&mut self.hung) {
            let serves = self.live.get(&plugin).is_some_and(|live| live.file.version == version);
            if !serves {
                self.quarantined.insert(version);
            }
        }
    }
}
