//! The life of plugins: one task that owns it, and the transactions that change it.
//!
//! Orders come in one by one (`handle`): look at the folder, load, reload, unload, stop (`orders`). Each becomes a plan
//! (`plan`, pure; shown by `outline`), which is executed (`decision`) as transactions of what belongs together (`preparation`,
//! `transaction`, `swap`). Whatever fails before a swap leaves what ran serving, untouched. What happens to one plugin
//! between two tables is `exchange`, and to all of them while a backup is restored `pause`; what the owner hears is worded
//! in `report`.

mod decision;
mod exchange;
mod handle;
#[cfg(test)]
mod model;
mod orders;
mod outline;
mod pause;
mod plan;
mod preparation;
mod report;
#[cfg(test)]
mod restored;
mod swap;
mod transaction;
#[cfg(test)]
mod worded;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use futures_util::future::join_all;
use plugin_protocol::{PluginName, Settings, StopReason};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use exchange::{Exchanged, Workshop};
pub use handle::{Ended, Linked, Outlook, Paused, PluginState, PluginView, Plugins, Policy, Setup, SlashPlaces};
use handle::{Order, Reply};
use plan::{Ask, HeldBack};
use transaction::{Done, Unit};

use super::{
    budget::Resource,
    delivery::Delivery,
    drop_folder::{DropFolder, is_candidate},
    generation::{Desk, Ending, Generation},
    hold::Hold,
    lane::Routing,
    persisted::{Decisions, Harm},
    probe::Probe,
    records::Records,
    registry,
    shadow::{ContentHash, ShadowFolder},
    shelf::{Shelf, Shelved},
    table::Table,
    watchdog,
};
use crate::{commands::Conflict, watcher};

/// When a file that is still being written is looked at again.
const AGAIN: Duration = Duration::from_millis(250);

/// How long, when the bot stops, plugins may take in all to end before those that they need are told to.
const DEPENDANTS_FIRST: Duration = Duration::from_secs(5);
/// How long replacements that are under way may take at the end of the bot: no longer than a generation takes to end.
const LAST_EXCHANGES: Duration = Duration::from_secs(21);

/// Those replacements that can be given up, and how.
type UnderWay = Arc<Mutex<HashMap<PluginName, CancellationToken>>>;

/// A plugin that serves, or is held.
struct Live {
    /// What serves; in a hold, what did before.
    generation: Arc<Generation>,
    /// Its file; `None` for what is linked in.
    file: Option<PathBuf>,
    /// Where what is meant for it waits, while it is replaced.
    hold: Option<Arc<Hold<Delivery>>>,
}

struct Life {
    probe: Probe,
    shadows: Arc<ShadowFolder>,
    /// Absent only while a look at it runs on another thread.
    folder: Option<DropFolder>,
    /// Plugins of the host's own, until they are started.
    linked: Vec<Linked>,
    /// The drop folder, which is watched.
    watched: PathBuf,
    decisions: Decisions,
    /// What the owner wanted at the last look.
    policy: Policy,
    desk: Arc<dyn Desk>,
    outlook: Arc<dyn Outlook>,
    records: Arc<Records>,
    routing: Arc<Routing<Table>>,
    live: BTreeMap<PluginName, Live>,
    workshop: Arc<Workshop>,
    /// Replacements that have begun. Tasks, so that they come to an orderly end when the bot stops in between.
    exchanges: JoinSet<Done>,
    /// What is being replaced together.
    units: Vec<Unit>,
    /// How the way to the life gives up those of a plugin that is to be unloaded.
    under_way: UnderWay,
    /// Plugins whose replacement was given up.
    unwanted: BTreeSet<PluginName>,
    /// The bot stops: nothing is started any more.
    ending: CancellationToken,
    /// In which order plugins came: who came first keeps the names that both have.
    arrivals: Vec<PluginName>,
    /// Names of commands that two plugins have, as told.
    conflicts: Vec<Conflict>,
    /// Contents that did not start: not tried again until they change or the owner asks.
    failed: HashMap<PluginName, (ContentHash, String)>,
    /// Contents that came together with such, and why they wait.
    held_back: HashMap<PluginName, HeldBack>,
    /// With which settings: others are worth another try.
    failed_with: HashMap<PluginName, Result<Settings, String>>,
    /// Why files do not run, as told.
    refused: BTreeMap<String, String>,
    views: watch::Sender<Arc<Vec<PluginView>>>,
    /// Discord's intents that the manifests of all that runs or is being started ask for.
    intents: Arc<AtomicU64>,
    /// What loads were refused for want of, as told.
    exhausted: BTreeSet<Resource>,
    /// Opening a library hung: nothing can be opened any more.
    stuck: bool,
    /// Nothing is loaded that the owner has not asked for.
    hold_back: bool,
    /// What the owner has asked for in this run.
    asked_for: BTreeSet<PluginName>,
    /// Contents that are kept beyond their files.
    shelf: Shelf,
    /// Those that are known to be there.
    shelved: Shelved,
    /// Those that are to be kept, with their copies.
    to_keep: Vec<(ContentHash, PathBuf)>,
    /// Generations whose threads did not end.
    harmful: mpsc::UnboundedReceiver<Arc<Generation>>,
    /// A file is still being written: it is worth another look soon.
    look_again: bool,
}

impl Life {
    fn new(setup: Setup) -> Result<Self, String> {
        let shadows = ShadowFolder::open(setup.run_folder).map_err(|error| error.to_string())?;
        std::fs::create_dir_all(&setup.folder)
            .map_err(|error| format!("the plugins' folder {} can't be made: {error}", setup.folder.display()))?;
        let (abandoned, harmful) = mpsc::unbounded_channel();
        let shelf = Shelf::new(&setup.data_folder);
        let life = Self {
            probe: Probe::new(shadows.path().to_owned(), setup.data_folder.join("probed.json")),
            shadows: Arc::new(shadows),
            watched: setup.folder.clone(),
            folder: Some(DropFolder::new(setup.folder)),
            linked: setup.linked,
            decisions: Decisions::open(setup.data_folder.join("plugin_decisions.json")),
            policy: setup.outlook.policy(),
            workshop: Arc::new(Workshop::new(
                Arc::clone(&setup.desk),
                Arc::clone(&setup.outlook),
                abandoned,
            )),
            desk: setup.desk,
            outlook: setup.outlook,
            records: setup.records,
            routing: Arc::new(Routing::new(Table::default())),
            live: BTreeMap::new(),
            exchanges: JoinSet::new(),
            units: Vec::new(),
            under_way: UnderWay::default(),
            unwanted: BTreeSet::new(),
            ending: CancellationToken::new(),
            arrivals: Vec::new(),
            conflicts: Vec::new(),
            failed: HashMap::new(),
            held_back: HashMap::new(),
            failed_with: HashMap::new(),
            shelved: shelf.look(),
            shelf,
            to_keep: Vec::new(),
            harmful,
            refused: BTreeMap::new(),
            views: watch::Sender::default(),
            intents: Arc::default(),
            exhausted: BTreeSet::new(),
            stuck: false,
            hold_back: !setup.auto_load,
            asked_for: BTreeSet::new(),
            look_again: false,
        };
        Ok(life)
    }

    /// Follows orders until it is told to stop, which goes before everything else: what is being started is given up.
    async fn run(mut self, mut inbox: mpsc::Receiver<Order>, stop: oneshot::Receiver<oneshot::Sender<()>>) {
        let watching = watchdog::watch(
            Arc::clone(&self.routing),
            Arc::clone(&self.desk),
            Arc::clone(&self.outlook),
        );
        let reply = tokio::select! {
            reply = stop => reply.ok(),
            () = self.follow(&mut inbox) => None,
            () = watching => None,
        };
        self.stop_all().await;
        if let Some(reply) = reply {
            let _ = reply.send(());
        }
    }

    async fn follow(&mut self, inbox: &mut mpsc::Receiver<Order>) {
        let mut looks: Option<mpsc::Receiver<()>> = None;
        loop {
            let looked = async {
                match &mut looks {
                    Some(looks) => looks.recv().await,
                    None => std::future::pending().await,
                }
            };
            let look_again = self.look_again;
            let order = tokio::select! {
                () = sleep(AGAIN), if look_again => Some(Order::Look),
                Some(generation) = self.harmful.recv() => {
                    self.note_abandoned(&generation);
                    self.decisions.save().await;
                    continue;
                }
                order = inbox.recv() => order,
                Some(()) = looked => {
                    if !self.outlook.policy().auto_reload {
                        continue;
                    }
                    Some(Order::Look)
                }
            };
            match order {
                Some(Order::Look) => {
                    self.settle(&Ask::default()).await;
                }
                Some(Order::Begin(reply)) => {
                    let begun = self.start_all_linked().await;
                    if begun.is_ok() {
                        looks = self.watch_folder().await;
                        self.settle(&Ask::default()).await;
                    }
                    let _ = reply.send(begun);
                }
                Some(Order::Load(names, reply)) => drop(reply.send(self.load(&names).await)),
                Some(Order::Reload(names, reply)) => drop(reply.send(self.reload(names.as_deref()).await)),
                Some(Order::Unload {
                    names,
                    with_dependants,
                    reply,
                }) => {
                    let done = self.unload(&names, with_dependants).await;
                    let is_done = done.is_ok();
                    drop(reply.send(done));
                    if is_done {
                        self.settle_what_follows().await;
                    }
                }
                Some(Order::Plan {
                    verb,
                    names,
                    with_dependants,
                    reply,
                }) => drop(reply.send(self.plan(verb, names, with_dependants).await)),
                Some(Order::Rollback(name, reply)) => drop(reply.send(self.rollback(&name).await)),
                Some(Order::Pin(name, reply)) => drop(reply.send(self.pin(&name).await)),
                Some(Order::Unpin(name, reply)) => drop(reply.send(self.unpin(&name).await)),
                Some(Order::Died(generation)) => {
                    self.bury(&generation);
                    self.tidy().await;
                    // Who needs it can't go on without it.
                    self.settle(&Ask::default()).await;
                }
                Some(Order::Pause { paused, resumed }) => {
                    self.pause(paused, resumed).await;
                }
                Some(Order::Announce) => {
                    let activation = self.outlook.activation();
                    self.live
                        .values()
                        .for_each(|live| live.generation.activate(&activation));
                }
                Some(Order::Configure(told)) => self.configure(told).await,
                #[cfg(test)]
                Some(Order::Rest(reply)) => {
                    self.workshop.at_rest().await;
                    while let Ok(generation) = self.harmful.try_recv() {
                        self.note_abandoned(&generation);
                    }
                    self.decisions.save().await;
                    let _ = reply.send(());
                }
                None => return,
            }
        }
    }

    /// Hands every plugin its settings, where they are others now, and looks anew who should run.
    async fn configure(&mut self, told: oneshot::Sender<()>) {
        self.tell_settings();
        let _ = told.send(());
        let outlook = &self.outlook;
        let again: Vec<_> = self
            .failed_with
            .extract_if(|name, settings| outlook.settings(name) != *settings)
            .collect();
        for (name, _) in &again {
            if let Some((hash, _)) = self.failed.remove(name) {
                self.decisions.forgive_starts(hash);
            }
        }
        if !again.is_empty() || self.policy != self.outlook.policy() {
            self.settle(&Ask::default()).await;
        }
    }

    fn tell_settings(&self) {
        for (name, live) in self.live.iter().filter(|(_, live)| live.hold.is_none()) {
            // Those that can't be used change nothing: what it has goes on.
            if let Ok(settings) = self.outlook.settings(name) {
                live.generation.configure(settings);
            }
            self.refresh_guilds(&live.generation);
        }
    }

    async fn start_all_linked(&mut self) -> Result<(), String> {
        for linked in std::mem::take(&mut self.linked) {
            self.start_linked(linked).await?;
        }
        Ok(())
    }

    /// Begins to watch the folder: told of what changes from now on, whether it is followed or not.
    async fn watch_folder(&self) -> Option<mpsc::Receiver<()>> {
        let (looks, mut looked) = mpsc::channel(1);
        tokio::spawn(watcher::watch(self.watched.clone(), is_candidate, looks));
        // The first says that it has begun: the look that follows sees what was there before.
        looked.recv().await?;
        Some(looked)
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<PluginName, CancellationToken>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bury(&mut self, generation: &Arc<Generation>) {
        let name = generation.name().clone();
        if !self
            .live
            .get(&name)
            .is_some_and(|live| Arc::ptr_eq(&live.generation, generation))
        {
            return;
        }
        let why = "its thread ended by itself: see the log for a panic. `load` starts it again".to_owned();
        if let Some(hash) = generation.hash {
            self.failed.insert(name.clone(), (hash, why.clone()));
            self.decisions
                .note_harm(hash, &name, Harm::Grave, "its thread ended by itself");
        }
        let _ = self.swap_out(std::slice::from_ref(&name));
        // What it asked for may still be on its way to its database.
        self.workshop.leaves(generation).cancel();
        self.records.note_ended(generation, Ending::Clean);
        self.outlook
            .tell_owner(name.as_str(), &format!("The plugin `{name}` has stopped: {why}."));
        self.publish_views();
    }

    /// Its thread did not end. Where the owner has started the same content again meanwhile, that stands.
    fn note_abandoned(&mut self, generation: &Generation) {
        let name = generation.name();
        let serves_again = self
            .live
            .get(name)
            .is_some_and(|live| live.generation.hash == generation.hash && live.generation.number > generation.number);
        let Some(hash) = generation.hash.filter(|_| !serves_again) else {
            return;
        };
        let why = "its thread hung and did not end when it was told to";
        if self.decisions.note_harm(hash, name, Harm::Grave, why) {
            let verb = if self.live.contains_key(name) { "reload" } else { "load" };
            let text = format!(
                "This version of the plugin `{name}` is in quarantine: {why}. It is not loaded by itself any more: mend its file, or try it once more by `{verb} {name}`."
            );
            self.outlook.tell_owner(name.as_str(), &text);
            self.publish_views();
        }
    }

    /// Takes plugins out of force at once; they end in tasks, of which the ends are returned.
    fn unload_now(&mut self, names: &[PluginName]) -> Vec<impl Future<Output = ()> + use<>> {
        let generations = self.swap_out(names);
        let ends = generations.into_iter().map(|generation| {
            tracing::info!(plugin = %generation.name(), generation = generation.number, "unloaded");
            self.workshop.retire(generation, StopReason::Unload)
        });
        ends.collect()
    }

    /// In which steps these end: dependants first, since what they have begun may still call what they need.
    fn endings(&self, names: &[PluginName]) -> Vec<Vec<PluginName>> {
        let leaving = names.iter().filter_map(|name| self.live.get(name));
        registry::endings(leaving.map(|live| &*live.generation.manifest))
    }

    async fn stop_all(&mut self) {
        self.ending.cancel();
        for name in self.held() {
            self.give_up(&name);
        }
        let names: Vec<_> = self.live.keys().cloned().collect();
        let first = Instant::now() + DEPENDANTS_FIRST;
        for step in self.endings(&names) {
            let gone = self.swap_out(&step);
            let ends = gone
                .into_iter()
                .map(|generation| self.workshop.retire(generation, StopReason::Shutdown));
            // Once that has taken so long, all others end at a time.
            let _ = timeout_at(first, join_all(ends)).await;
        }
        // What has started just now is wanted no more.
        for started in std::mem::take(&mut self.units).into_iter().flat_map(Unit::into_staged) {
            drop(self.workshop.retire(started, StopReason::Rollback));
        }
        let exchanges = async {
            while let Some(done) = self.exchanges.join_next().await {
                let started = match done {
                    Ok(Done::Staged { staging, .. }) => match staging {
                        Ok(staged) => Some(staged.generation),
                        Err(unstaged) => unstaged.again.and_then(Result::ok),
                    },
                    Ok(Done::Unstaged { again, .. }) => again.and_then(Result::ok),
                    Ok(Done::Again(concluded)) => match concluded.exchanged {
                        Exchanged::Newer(started) => Some(started),
                        Exchanged::Failed { again, .. } => again.and_then(Result::ok),
                    },
                    Err(_) => None,
                };
                if let Some(started) = started {
                    drop(self.workshop.retire(started, StopReason::Rollback));
                }
            }
        };
        if timeout(LAST_EXCHANGES, exchanges).await.is_err() {
            tracing::warn!("the replacement of a plugin has not come to its end: the next start goes on with it");
        }
        self.workshop.all_retired().await;
        // Those that only took too long now have done no harm: they are tried at the next start.
        self.decisions.save().await;
    }
}
