//! All loaded plugins are at rest while a backup is restored: they end, what is meant for them waits, and then they start
//! on what lies on the disk by then.
//!
//! Who can't be replaced by what lies in the folder now starts again as it was, as it would have gone on without the pause.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use plugin_protocol::{PluginName, StopReason};
use tokio::sync::oneshot;

use super::{
    Life, Live,
    exchange::Exchanged,
    plan::{Ask, Choice},
    transaction::{Concluded, Done},
};
use crate::plugins::{generation::StartFailure, registry::Refusal};

impl Life {
    /// Ends what was loaded until it is resumed: what lies on the disk may be another state then. What is meant for it
    /// waits.
    pub(super) async fn pause(&mut self, paused: oneshot::Sender<()>, resumed: oneshot::Receiver<()>) {
        let loaded = self.live.iter().filter(|(_, live)| live.file.is_some());
        let names: BTreeSet<_> = loaded.map(|(name, _)| name.clone()).collect();
        self.hold(&names.iter().cloned().collect::<Vec<_>>());
        let held: Vec<_> = names.iter().filter_map(|name| self.held_of(name)).collect();
        let workshop = Arc::clone(&self.workshop);
        let overdue = held
            .iter()
            .map(|(generation, hold)| workshop.give_up_overdue(generation.name(), hold));
        let overdue = join_all(overdue);
        let work = async {
            let ends = held
                .iter()
                .map(|(generation, _)| workshop.retire(Arc::clone(generation), StopReason::Reload));
            join_all(ends).await;
            // Older generations may still write, too.
            workshop.all_retired().await;
            let _ = paused.send(());
            let _ = resumed.await;
            // What was restored may have another key of controls.
            self.tell_settings();
            self.decisions.read_again().await;
            let shelf = self.shelf.clone();
            if let Ok(shelved) = tokio::task::spawn_blocking(move || shelf.look()).await {
                self.shelved = shelved;
            }
            // What did not start on what there was may start on what is there now.
            self.failed.clear();
            self.held_back.clear();
            self.failed_with.clear();
            // They ran, so they may again where nothing is loaded by itself, but for those that were unloaded by what is
            // restored.
            let forced: BTreeSet<_> = names
                .iter()
                .filter(|name| !self.decisions.is_unloaded(name))
                .cloned()
                .collect();
            self.asked_for.extend(forced.iter().cloned());
            let ask = Ask {
                forced,
                apart: true,
                ..Ask::default()
            };
            self.settle(&ask).await;
            // Where nothing can be said of the folder, what ran goes on.
            self.start_held_again(&BTreeSet::new()).await;
        };
        tokio::select! {
            () = work => {}
            _ = overdue, if !held.is_empty() => {}
        }
        // None is held any more but where that panicked.
        for name in self.held() {
            self.give_up(&name);
        }
        self.publish_views();
    }

    /// Starts those again, as they were, that are held and not among these, whom something else is started for: the older
    /// version goes on whatever is refused, and needs no more room than it had. Who needs one of these waits for it.
    pub(super) async fn start_held_again(&mut self, but: &BTreeSet<PluginName>) {
        let mut left: BTreeSet<_> = self.held().into_iter().filter(|name| !but.contains(name)).collect();
        while !left.is_empty() {
            let needs_held = |name: &PluginName| {
                let live = self.live.get(name)?;
                self.missing_dependency(&live.generation.manifest, &BTreeSet::new())
            };
            let (now, later): (Vec<_>, Vec<_>) = left
                .iter()
                .map(|name| (name.clone(), needs_held(name)))
                .partition(|(_, needs)| needs.is_none());
            if now.is_empty() {
                // It comes after those that are still to come, or not at all.
                let hopeless = later.into_iter().filter(|_| but.is_empty());
                for (name, needs) in hopeless {
                    let why = needs.map_or_else(String::new, |needs| Refusal::DependencyRefused(needs).to_string());
                    self.stays_away(&name, &why);
                }
                return;
            }
            for (name, _) in now {
                left.remove(&name);
                self.begin_again(&name).await;
            }
            while let Some(concluded) = self.exchanges.join_next().await {
                match concluded {
                    Ok(Done::Again(concluded)) => self.conclude_again(concluded),
                    Ok(_) => {}
                    Err(error) => tracing::error!(%error, "the start of a plugin panicked"),
                }
            }
            self.under_way().clear();
        }
    }

    async fn begin_again(&mut self, name: &PluginName) {
        if self.decisions.is_unloaded(name) || self.policy.blacklist.contains(name.as_str()) {
            self.give_up(name);
            return;
        }
        let Some(Live {
            generation: older,
            file: Some(path),
            ..
        }) = self.live.get(name)
        else {
            return;
        };
        let (older, path) = (Arc::clone(older), path.clone());
        let Some(hash) = older.hash else { return };
        let given_up = self.ending.child_token();
        self.under_way().insert(name.clone(), given_up.clone());
        let again = match self.workshop.again(&older, given_up).await {
            Ok(again) => again,
            Err(why) => {
                self.stays_away(name, &why);
                return;
            }
        };
        let manifest = Arc::clone(&older.manifest);
        let choice = Choice {
            path,
            hash,
            manifest,
            is_kept: false,
        };
        let workshop = Arc::clone(&self.workshop);
        self.exchanges.spawn(async move {
            let exchanged = workshop.exchange(again).await;
            Done::Again(Concluded { choice, exchanged })
        });
    }

    pub(super) fn conclude_again(&mut self, Concluded { choice, exchanged }: Concluded) {
        let name = &choice.manifest.name;
        match exchanged {
            Exchanged::Newer(generation) => {
                self.swap_in(Arc::clone(&generation), Some(choice.path));
                Self::note_loaded(&generation);
            }
            Exchanged::Failed {
                why: StartFailure::GivenUp,
                ..
            } => {
                self.unwanted.insert(name.clone());
                self.give_up(name);
            }
            Exchanged::Failed { why, .. } => {
                self.stuck |= why == StartFailure::Stuck;
                self.stays_away(name, &why.to_string());
            }
        }
    }

    /// Ends a hold without anybody to serve, and tells the owner why.
    pub(super) fn stays_away(&mut self, name: &PluginName, why: &str) {
        self.give_up(name);
        let text = format!("The plugin `{name}` does not start again: {why}. `load {name}` tries it once more.");
        self.outlook.tell_owner(name.as_str(), &text);
    }
}
