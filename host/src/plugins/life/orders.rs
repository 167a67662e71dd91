//! What the owner orders: load, reload, unload, roll back, pin.
//!
//! An order becomes what a plan is asked for, and the answer says what came of it. Names that are given together belong
//! together: all of them, or none.

use std::collections::{BTreeSet, HashMap};

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

/// How much room what is kept of versions may take, in bytes; what is pinned or was gone back to is kept all the same.
const MOST_KEPT: u64 = 1 << 30;

impl Life {
    pub(super) async fn load(&mut self, names: &[PluginName]) -> Reply {
        let ask = self.ask(PlanVerb::Load, names)?;
        self.want(&ask, names.len() == 1);
        let dropped = self.settle(&ask).await.dropped;
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
        let dropped = self.settle(&ask).await.dropped;
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
            PlanVerb::Unload => ask.unwanted = all,
        }
        if let Some(name) = names.iter().find(|name| self.is_built_in(name)) {
            return Err(match verb {
                PlanVerb::Unload => format!("`{name}` is built into the bot and can't be unloaded."),
                _ => format!("`{name}` is built into the bot: it is replaced with the bot itself."),
            });
        }
        let mut unwanted = ask.unwanted.iter();
        if let Some(unknown) = unwanted.find(|name| !self.known().contains(*name)) {
            return Err(self.unknown(unknown));
        }
        Ok(ask)
    }

    /// What would follow from an order; of all plugins from files where none are named. It changes nothing.
    pub(super) async fn plan(
        &mut self,
        verb: PlanVerb,
        names: Option<Vec<PluginName>>,
        with_dependants: bool,
    ) -> Result<PlanReport, String> {
        self.look().await;
        let ask = match names {
            Some(names) => {
                if let Some(unknown) = names.iter().find(|name| !self.known().contains(*name)) {
                    return Err(self.unknown(unknown));
                }
                Ask {
                    with_dependants,
                    ..self.ask(verb, &names)?
                }
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
        self.look().await;
        let ask = Ask {
            with_dependants,
            ..self.ask(PlanVerb::Unload, names)?
        };
        let idle: Vec<_> = names.iter().filter(|name| !self.live.contains_key(*name)).collect();
        let settled = self.settle(&ask).await;
        if !settled.dropped.is_empty() {
            let lines = settled.dropped.iter();
            let lines: Vec<_> = lines
                .map(|(name, why)| format!("`{name}` was not unloaded: {why}."))
                .collect();
            return Err(lines.join("\n"));
        }
        let mut replies = Vec::new();
        for name in idle {
            let before = if self.unwanted.contains(name) {
                "was being replaced, which was given up"
            } else {
                "was not running"
            };
            replies.push(format!("`{name}` {before}; it stays unloaded until you `load {name}`."));
        }
        for name in names {
            self.unwanted.remove(name);
        }
        if !settled.unloaded.is_empty() {
            replies.push(format!("Unloaded {}.", in_words(&settled.unloaded)));
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
                "`{name}` can't be rolled back: no other version of it is known to have served. Drop an older file into the folder instead."
            ));
        };
        let version = to.manifest.version.clone();
        if !self.shelved.contents.all.contains(&to.hash) {
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
        self.decisions.pin(name, content);
        let pinned_to = self.decisions.pinned_to(name);
        let version = pinned_to.map(|content| content.manifest.version.clone());
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

    /// Remembers what serves now, and so what served before it.
    pub(super) fn note_serving(&mut self, older: Option<&Generation>, newer: &Generation) {
        for generation in older.into_iter().chain([newer]) {
            if let (Some(content), Some(copy)) = (content_of(generation), generation.copy.clone()) {
                self.to_keep.push((content.hash, copy));
                self.decisions.set_serving(content);
            }
        }
    }

    /// Keeps and removes contents as they are wanted, and writes what has been decided.
    pub(super) async fn tidy(&mut self) {
        let mut to_keep = std::mem::take(&mut self.to_keep);
        loop {
            let wanted = self.decisions.kept();
            if self.shelved.contents == wanted {
                break;
            }
            let (shelf, to_keep) = (self.shelf.clone(), std::mem::take(&mut to_keep));
            let keeping = tokio::task::spawn_blocking(move || {
                for (hash, copy) in to_keep.iter().filter(|(hash, _)| wanted.all.contains(hash)) {
                    if let Err(error) = shelf.keep(*hash, copy) {
                        tracing::warn!(copy = %copy.display(), %error, "a plugin's content can't be kept: it can't be gone back to");
                    }
                }
                shelf.arrange(&wanted);
                shelf.look()
            });
            let Ok(shelved) = keeping.await else { break };
            self.shelved = shelved;
            if !self.decisions.forget_beyond(MOST_KEPT, &self.shelved.bytes) {
                break;
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
        since: 0,
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
