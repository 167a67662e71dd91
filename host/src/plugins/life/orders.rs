//! What the owner orders: load, reload, unload, roll back, pin.
//!
//! An order becomes what a plan is asked for, and the answer says what came of it. Names that are given together belong
//! together: all of them, or none.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::join_all;
use plugin_protocol::{
    PluginName,
    plans::{PlanReport, PlanVerb},
};

use super::{Life, Reply, plan::Ask, report::in_words};
use crate::plugins::{
    drop_folder::{DropFolder, Entry},
    generation::Generation,
    persisted::{Content, RolledBack},
    shadow::ContentHash,
};

impl Life {
    pub(super) async fn load(&mut self, names: &[PluginName]) -> Reply {
        let ask = self.ask(PlanVerb::Load, names)?;
        self.want(&ask, names.len() == 1);
        let dropped = self.settle(&ask).await;
        let are_all_there = names.iter().all(|name| self.live.contains_key(name));
        if are_all_there {
            self.want(&ask, true);
        }
        self.decisions.save().await;
        let replies = names.iter().map(|name| match dropped.get(name) {
            Some(why) => Err(format!("`{name}` was not loaded: {why}.")),
            None => self.report(name, "loaded"),
        });
        together(replies)
    }

    pub(super) async fn reload(&mut self, names: Option<&[PluginName]>) -> Reply {
        let (ask, names) = match names {
            Some(names) => (self.ask(PlanVerb::Reload, names)?, names.to_vec()),
            None => {
                let of_files = self.live.iter().filter(|(_, live)| live.file.is_some());
                let names: Vec<_> = of_files.map(|(name, _)| name.clone()).collect();
                let ask = Ask {
                    forced: names.iter().cloned().collect(),
                    ..Ask::default()
                };
                (ask, names)
            }
        };
        let before: HashMap<_, _> = self
            .live
            .iter()
            .map(|(name, live)| (name.clone(), live.generation.number))
            .collect();
        self.want(&ask, names.len() == 1 || !ask.together);
        let dropped = self.settle(&ask).await;
        let has_failed = |name: &PluginName| self.failed.contains_key(name) || self.held_back.contains_key(name);
        let are_all_there = names
            .iter()
            .all(|name| self.live.contains_key(name) && !has_failed(name));
        if dropped.is_empty() && are_all_there {
            self.want(&ask, true);
        }
        self.decisions.save().await;
        if names.is_empty() {
            return Ok("There is no plugin to reload.".to_owned());
        }
        let replies = names.iter().map(|name| {
            let now = self.live.get(name).map(|live| live.generation.number);
            let why = || dropped.get(name).cloned().or_else(|| self.why_refused(name));
            match now {
                Some(now) if before.get(name) == Some(&now) => {
                    let why = why().unwrap_or_else(|| "its file is gone".to_owned());
                    Err(format!("`{name}` was not reloaded, generation {now} goes on: {why}"))
                }
                // Where the older one had to end first, it has been started again.
                Some(now) if self.failed.contains_key(name) || self.held_back.contains_key(name) => {
                    let why = why().unwrap_or_default();
                    Err(format!(
                        "`{name}` was not reloaded, its older version serves again as generation {now}: {why}"
                    ))
                }
                _ => self.report(name, "reloaded"),
            }
        });
        together(replies)
    }

    /// What an order asks for.
    ///
    /// # Errors
    ///
    /// Why it can't be, in words for the owner.
    fn ask(&self, verb: PlanVerb, names: &[PluginName]) -> Result<Ask, String> {
        let mut ask = Ask {
            together: true,
            only_these: !self.outlook.policy().auto_reload,
            ..Ask::default()
        };
        let all: BTreeSet<_> = names.iter().cloned().collect();
        match verb {
            PlanVerb::Load => {
                if let Some((name, live)) = names.iter().find_map(|name| Some((name, self.live.get(name)?))) {
                    return Err(format!(
                        "`{name}` is running already (generation {}). `reload {name}` replaces it by what lies in the folder.",
                        live.generation.number
                    ));
                }
                ask.wanted = all;
            }
            PlanVerb::Reload => ask.forced = all,
            PlanVerb::Update => ask.wanted = all,
            PlanVerb::Unload => {
                ask.unwanted = all;
                ask.unwanted.extend(self.dependants(names));
            }
        }
        if let Some(name) = names.iter().find(|name| self.is_built_in(name)) {
            return Err(match verb {
                PlanVerb::Unload => format!("`{name}` is built into the bot and can't be unloaded."),
                _ => format!("`{name}` is built into the bot: it is replaced with the bot itself."),
            });
        }
        Ok(ask)
    }

    /// What would follow from an order; of all plugins from files where none are named. It changes nothing.
    pub(super) async fn plan(&mut self, verb: PlanVerb, names: Option<Vec<PluginName>>) -> Result<PlanReport, String> {
        self.look().await;
        let ask = match names {
            Some(names) => {
                if let Some(unknown) = names.iter().find(|name| !self.known().contains(*name)) {
                    return Err(self.unknown(unknown));
                }
                self.ask(verb, &names)?
            }
            None => {
                let of_files = self.live.iter().filter(|(_, live)| live.file.is_some());
                let names: Vec<_> = of_files.map(|(name, _)| name.clone()).collect();
                Ask {
                    together: false,
                    ..self.ask(verb, &names)?
                }
            }
        };
        Ok(self.outline(&ask).await)
    }

    fn is_built_in(&self, name: &PluginName) -> bool {
        self.live.get(name).is_some_and(|live| live.file.is_none())
    }

    /// The owner wants these plugins, whatever was before; also after a restart, if they are wanted for themselves.
    fn want(&mut self, ask: &Ask, for_themselves: bool) {
        for name in ask.wanted.union(&ask.forced) {
            self.unwanted.remove(name);
            if for_themselves {
                self.decisions.set_unloaded(name, false);
                self.failed.remove(name);
                self.held_back.remove(name);
                self.asked_for.insert(name.clone());
            }
        }
    }

    pub(super) async fn unload(&mut self, names: &[PluginName], with_dependants: bool) -> Reply {
        // All of them, or none: nothing is written before every name is looked at.
        for name in names {
            if self.is_built_in(name) {
                return Err(format!("`{name}` is built into the bot and can't be unloaded."));
            }
            if !self.live.contains_key(name) && !self.known().contains(name) {
                return Err(self.unknown(name));
            }
        }
        let (gone, idle): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| self.live.contains_key(name));
        let dependants = self.dependants(&gone);
        if !dependants.is_empty() && !with_dependants {
            let list: Vec<_> = dependants.iter().map(|name| format!("`{name}`")).collect();
            let one = in_words(&gone);
            let are = match (gone.len(), list.len()) {
                (1, 1) => "is",
                (1, _) => "is still",
                _ => "are",
            };
            let typed: Vec<_> = names.iter().map(ToString::to_string).collect();
            return Err(format!(
                "{one} {are} needed by {}. `unload {} --with-dependants` unloads them, too.",
                list.join(", "),
                typed.join(" ")
            ));
        }
        let mut replies = Vec::new();
        for name in &idle {
            let before = if self.unwanted.contains(name) {
                "was being replaced, which was given up"
            } else {
                "was not running"
            };
            self.decisions.set_unloaded(name, true);
            replies.push(format!("`{name}` {before}; it stays unloaded until you `load {name}`."));
        }
        for name in names {
            self.unwanted.remove(name);
        }
        let mut all = dependants;
        all.extend(gone);
        for name in &all {
            self.decisions.set_unloaded(name, true);
        }
        self.arrivals.retain(|name| !all.contains(name));
        // The owner hears of the end when it is the end.
        for step in self.endings(&all) {
            join_all(self.unload_now(&step)).await;
        }
        self.publish_views();
        self.remember_running(&BTreeSet::new());
        self.tidy().await;
        if !all.is_empty() {
            replies.push(format!("Unloaded {}.", in_words(&all)));
        }
        Ok(replies.join("\n"))
    }

    /// Goes back to what served before, until the file in the folder changes.
    pub(super) async fn rollback(&mut self, name: &PluginName) -> Reply {
        self.look().await;
        if self.is_built_in(name) {
            return Err(format!(
                "`{name}` is built into the bot: it is replaced with the bot itself."
            ));
        }
        if !self.known().contains(name) {
            return Err(self.unknown(name));
        }
        let Some(to) = self.decisions.before(name).cloned() else {
            return Err(format!(
                "`{name}` can't be rolled back: no other version of it has served before. Drop an older file into the folder instead."
            ));
        };
        let version = to.manifest.version.clone();
        if !self.shelved.contains(&to.hash) {
            return Err(format!(
                "`{name}` can't be rolled back: what was kept of its version {version} is gone. Drop that file into the folder instead."
            ));
        }
        if let Some(pinned) = self.decisions.pinned_to(name).filter(|pinned| pinned.hash != to.hash) {
            return Err(format!(
                "`{name}` is pinned to its version {}: `unpin {name}` first.",
                pinned.manifest.version
            ));
        }
        if let Some(why) = self
            .live
            .get(name)
            .and_then(|live| state_is_lost(&live.generation, &to))
        {
            return Err(format!(
                "`{name}` was not rolled back, generation {} goes on: {why}",
                self.number(name)
            ));
        }
        let Some(file) = self.found(name) else {
            return Err(format!(
                "`{name}` can't be rolled back: there is no readable file of it in the folder. Put one there, and `load {name}`."
            ));
        };
        let was = self.decisions.rolled_back(name).cloned();
        let rolled_back = (to.hash != file).then(|| RolledBack {
            to: to.clone(),
            instead_of: file,
        });
        self.decisions.set_rolled_back(name, rolled_back);
        let ask = Ask {
            forced: BTreeSet::from([name.clone()]),
            together: true,
            only_these: true,
            ..Ask::default()
        };
        self.settle(&ask).await;
        let runs = self
            .live
            .get(name)
            .is_some_and(|live| live.generation.hash == Some(to.hash));
        if runs {
            self.decisions.set_unloaded(name, false);
            self.asked_for.insert(name.clone());
            self.tidy().await;
            return Ok(format!(
                "`{name}` is back at {version} (generation {}). It stays there until its file in the folder changes; `rollback {name}` once more undoes this.",
                self.number(name)
            ));
        }
        let why = self.why_refused(name).unwrap_or_else(|| "it did not start".to_owned());
        self.decisions.set_rolled_back(name, was);
        self.failed.remove(name);
        self.settle(&Ask {
            only_these: true,
            ..Ask::default()
        })
        .await;
        let goes_on = if self.live.contains_key(name) {
            format!(", generation {} goes on", self.number(name))
        } else {
            String::new()
        };
        Err(format!(
            "`{name}` was not rolled back to {version}{goes_on}: {why}. To run that version all the same, restore a backup from its time, or drop a newer file that works."
        ))
    }

    fn number(&self, name: &PluginName) -> u32 {
        self.live.get(name).map_or(0, |live| live.generation.number)
    }

    /// The content of a plugin's file in the folder.
    pub(super) fn found(&self, name: &PluginName) -> Option<ContentHash> {
        let mut files = self.folder.iter().flat_map(DropFolder::files);
        files.find_map(|(_, entry)| match entry {
            Entry::Plugin { manifest, hash, .. } if manifest.name == *name => Some(*hash),
            _ => None,
        })
    }

    /// A plugin is preferred in conflicts from now on, and what runs of it is not replaced.
    pub(super) async fn pin(&mut self, name: &PluginName) -> Reply {
        if self.is_built_in(name) {
            return Err(format!("`{name}` is built into the bot: nothing takes its place."));
        }
        if !self.known().contains(name) {
            return Err(self.unknown(name));
        }
        let serving = self.live.get(name).map(|live| std::sync::Arc::clone(&live.generation));
        let content = serving.as_deref().and_then(content_of);
        if let (Some(content), Some(copy)) = (&content, serving.as_ref().and_then(|live| live.copy.clone())) {
            self.to_keep.push((content.hash, copy));
        }
        let version = content.as_ref().map(|content| content.manifest.version.clone());
        self.decisions.pin(name, content);
        self.tidy().await;
        self.settle_what_follows().await;
        Ok(match version {
            Some(version) => format!(
                "`{name}` is pinned to {version}: it stays where it is in conflict with another one, and newer files of it are not taken until you `unpin {name}`."
            ),
            None => format!(
                "`{name}` is pinned: it runs where it is in conflict with another one, until you `unpin {name}`."
            ),
        })
    }

    /// A plugin is preferred no more.
    pub(super) async fn unpin(&mut self, name: &PluginName) -> Reply {
        if !self.decisions.unpin(name) {
            return Err(format!("`{name}` is not pinned. `pin {name}` keeps it as it is."));
        }
        self.settle_what_follows().await;
        Ok(format!(
            "`{name}` is pinned no more: files of it are taken as they come."
        ))
    }

    /// What an order has made possible: as a look at the folder would find it, if those are wanted.
    pub(super) async fn settle_what_follows(&mut self) {
        let ask = Ask {
            only_these: !self.outlook.policy().auto_reload,
            ..Ask::default()
        };
        self.settle(&ask).await;
    }

    /// Remembers what serves before it is replaced by another content.
    pub(super) fn keep_before(&mut self, older: Option<&Generation>, newer: &Generation) {
        let Some(older) = older.filter(|older| older.hash != newer.hash) else {
            return;
        };
        if let (Some(content), Some(copy)) = (content_of(older), older.copy.clone()) {
            self.to_keep.push((content.hash, copy));
            self.decisions.set_before(older.name(), content);
        }
    }

    /// Keeps and removes contents as they are wanted, and writes what has been decided.
    pub(super) async fn tidy(&mut self) {
        let to_keep = std::mem::take(&mut self.to_keep);
        let wanted: BTreeSet<_> = self.decisions.kept().collect();
        if self.shelved != wanted {
            let shelf = self.shelf.clone();
            let on_shelf = wanted.clone();
            let keeping = tokio::task::spawn_blocking(move || {
                for (hash, copy) in to_keep {
                    if let Err(error) = shelf.keep(hash, &copy) {
                        tracing::warn!(copy = %copy.display(), %error, "a plugin's content can't be kept: it can't be gone back to");
                    }
                }
                shelf.sweep(&on_shelf);
                shelf.all()
            });
            if let Ok(shelved) = keeping.await {
                self.shelved = shelved;
            }
        }
        self.decisions.save().await;
    }
}

fn content_of(generation: &Generation) -> Option<Content> {
    Some(Content {
        hash: generation.hash?,
        manifest: (*generation.manifest).clone(),
        state_version: generation.description.state_version,
    })
}

/// Whether an older version can't take over what the newer one hands over, and what to do.
fn state_is_lost(newer: &Generation, older: &Content) -> Option<String> {
    let has = newer.description.state_version?;
    let text = match older.state_version {
        Some(takes) if takes >= has => return None,
        Some(takes) => format!("takes version {takes} at most"),
        None => "takes none".to_owned(),
    };
    let name = newer.name();
    Some(format!(
        "it hands over a state of version {has}, and {} {text}: what it holds would be lost. If that is fine, `unload {name}`, put the older file into the folder and `load {name}`",
        older.manifest.version
    ))
}

/// What came of each; a failure, if one of them failed.
fn together(replies: impl Iterator<Item = Reply>) -> Reply {
    let replies: Vec<_> = replies.collect();
    let failed = replies.iter().any(Result::is_err);
    let lines: Vec<_> = replies
        .into_iter()
        .map(|reply| reply.unwrap_or_else(|text| text))
        .collect();
    let text = lines.join("\n");
    if failed { Err(text) } else { Ok(text) }
}
