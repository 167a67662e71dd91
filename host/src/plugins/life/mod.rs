//! The life of plugins: one task that owns it, and the transactions that change it.
//!
//! Orders come in one by one (`handle`): look at the folder, load, reload, unload, stop. Each becomes a decision about who
//! should run (`decision`) and then a transaction a plugin (`transaction`). Whatever fails before a swap leaves the older
//! generation serving, untouched. What happens to one plugin between two tables is `exchange`, and to all of them while a
//! backup is restored `pause`; what the owner hears is worded in `report`.

mod decision;
mod exchange;
mod handle;
mod pause;
mod report;
mod transaction;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use futures_util::future::join_all;
use plugin_protocol::{Manifest, PluginName, Settings, StopReason};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use exchange::{Exchanged, Workshop};
pub use handle::{Ended, Linked, Outlook, Paused, PluginState, PluginView, Plugins, Policy, Setup};
use handle::{Order, Reply};
use transaction::Concluded;

use super::{
    budget::Resource,
    delivery::Delivery,
    drop_folder::{DropFolder, is_candidate},
    generation::{Desk, Ending, Generation},
    hold::Hold,
    lane::Routing,
    persisted::Decisions,
    probe::Probe,
    records::Records,
    registry,
    shadow::{ContentHash, ShadowFolder},
    table::Table,
    watchdog,
};
use crate::{commands::Conflict, watcher};

/// When a file that is still being written is looked at again.
const AGAIN: Duration = Duration::from_millis(250);

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
    exchanges: JoinSet<Concluded>,
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
    /// A file is still being written: it is worth another look soon.
    look_again: bool,
}

/// A plugin's file, chosen to be run.
#[derive(Clone)]
struct Choice {
    path: PathBuf,
    hash: ContentHash,
    manifest: Arc<Manifest>,
}

impl Life {
    fn new(setup: Setup) -> Result<Self, String> {
        let shadows = ShadowFolder::open(setup.run_folder).map_err(|error| error.to_string())?;
        std::fs::create_dir_all(&setup.folder)
            .map_err(|error| format!("the plugins' folder {} can't be made: {error}", setup.folder.display()))?;
        let life = Self {
            probe: Probe::new(shadows.path().to_owned(), setup.data_folder.join("probed.json")),
            shadows: Arc::new(shadows),
            watched: setup.folder.clone(),
            folder: Some(DropFolder::new(setup.folder)),
            linked: setup.linked,
            decisions: Decisions::open(setup.data_folder.join("plugin_decisions.json")),
            policy: setup.outlook.policy(),
            workshop: Arc::new(Workshop::new(Arc::clone(&setup.desk), Arc::clone(&setup.outlook))),
            desk: setup.desk,
            outlook: setup.outlook,
            records: setup.records,
            routing: Arc::new(Routing::new(Table::default())),
            live: BTreeMap::new(),
            exchanges: JoinSet::new(),
            under_way: UnderWay::default(),
            unwanted: BTreeSet::new(),
            ending: CancellationToken::new(),
            arrivals: Vec::new(),
            conflicts: Vec::new(),
            failed: HashMap::new(),
            failed_with: HashMap::new(),
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
                    self.settle(&BTreeSet::new()).await;
                }
                Some(Order::Begin(reply)) => {
                    let begun = self.start_all_linked().await;
                    if begun.is_ok() {
                        looks = self.watch_folder().await;
                        self.settle(&BTreeSet::new()).await;
                    }
                    let _ = reply.send(begun);
                }
                Some(Order::Load(name, reply)) => drop(reply.send(self.load(&name).await)),
                Some(Order::Reload(name, reply)) => drop(reply.send(self.reload(name.as_ref()).await)),
                Some(Order::Unload {
                    name,
                    with_dependants,
                    reply,
                }) => {
                    drop(reply.send(self.unload(&name, with_dependants).await));
                }
                Some(Order::Died(generation)) => {
                    self.bury(&generation);
                    // Who needs it can't go on without it.
                    self.settle(&BTreeSet::new()).await;
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
            self.failed.remove(name);
        }
        if !again.is_empty() || self.policy != self.outlook.policy() {
            self.settle(&BTreeSet::new()).await;
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

    async fn load(&mut self, name: &PluginName) -> Reply {
        if let Some(live) = self.live.get(name) {
            return Err(format!(
                "`{name}` is running already (generation {}). `reload {name}` replaces it by what lies in the folder.",
                live.generation.number
            ));
        }
        self.want(name).await;
        self.settle(&BTreeSet::from([name.clone()])).await;
        self.report(name, "loaded")
    }

    async fn reload(&mut self, name: Option<&PluginName>) -> Reply {
        let names: BTreeSet<PluginName> = match name {
            Some(name) if self.live.get(name).is_some_and(|live| live.file.is_none()) => {
                return Err(format!(
                    "`{name}` is built into the bot: it is replaced with the bot itself."
                ));
            }
            Some(name) => BTreeSet::from([name.clone()]),
            None => self
                .live
                .iter()
                .filter(|(_, live)| live.file.is_some())
                .map(|(name, _)| name.clone())
                .collect(),
        };
        let before: HashMap<_, _> = self
            .live
            .iter()
            .map(|(name, live)| (name.clone(), live.generation.number))
            .collect();
        for name in &names {
            self.want(name).await;
        }
        self.settle(&names).await;
        let mut replies = Vec::new();
        let mut failed = false;
        for name in &names {
            let now = self.live.get(name).map(|live| live.generation.number);
            let reply = match now {
                Some(now) if before.get(name) == Some(&now) => {
                    let why = self.why_refused(name).unwrap_or_else(|| "its file is gone".to_owned());
                    Err(format!("`{name}` was not reloaded, generation {now} goes on: {why}"))
                }
                // Of an exclusive swap that failed, the older one has been started again.
                Some(now) if self.failed.contains_key(name) => {
                    let why = self.why_refused(name).unwrap_or_default();
                    Err(format!(
                        "`{name}` was not reloaded, its older version serves again as generation {now}: {why}"
                    ))
                }
                _ => self.report(name, "reloaded"),
            };
            failed |= reply.is_err();
            replies.push(reply.unwrap_or_else(|text| text));
        }
        if replies.is_empty() {
            return Ok("There is no plugin to reload.".to_owned());
        }
        let text = replies.join("\n");
        if failed { Err(text) } else { Ok(text) }
    }

    /// The owner wants this plugin, whatever was before.
    async fn want(&mut self, name: &PluginName) {
        self.decisions.set_unloaded(name, false).await;
        self.failed.remove(name);
        self.unwanted.remove(name);
        self.asked_for.insert(name.clone());
    }

    async fn unload(&mut self, name: &PluginName, with_dependants: bool) -> Reply {
        let was_given_up = self.unwanted.remove(name);
        match self.live.get(name) {
            None if self.known().contains(name) => {
                self.decisions.set_unloaded(name, true).await;
                self.publish_views();
                let before = if was_given_up {
                    "was being replaced, which was given up"
                } else {
                    "was not running"
                };
                return Ok(format!("`{name}` {before}; it stays unloaded until you `load {name}`."));
            }
            None => return Err(self.unknown(name)),
            Some(live) if live.file.is_none() => {
                return Err(format!("`{name}` is built into the bot and can't be unloaded."));
            }
            Some(_) => {}
        }
        let running: Vec<Arc<Manifest>> = self
            .live
            .values()
            .map(|live| Arc::clone(&live.generation.manifest))
            .collect();
        let dependants = registry::dependants(name, running.iter().map(AsRef::as_ref));
        if !dependants.is_empty() && !with_dependants {
            let list: Vec<_> = dependants.iter().map(|name| format!("`{name}`")).collect();
            return Err(format!(
                "{} needed by {}. `unload {name} --with-dependants` unloads them, too.",
                if list.len() == 1 {
                    format!("`{name}` is")
                } else {
                    format!("`{name}` is still")
                },
                list.join(", ")
            ));
        }
        let mut gone = dependants;
        gone.push(name.clone());
        for name in &gone {
            self.decisions.set_unloaded(name, true).await;
        }
        self.arrivals.retain(|name| !gone.contains(name));
        // The owner hears of the end when it is the end.
        join_all(self.unload_now(&gone)).await;
        self.publish_views();
        self.remember_running(&BTreeSet::new()).await;
        let list: Vec<_> = gone.iter().map(|name| format!("`{name}`")).collect();
        Ok(format!("Unloaded {}.", list.join(", ")))
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
        }
        let _ = self.swap_out(std::slice::from_ref(&name));
        // What it asked for may still be on its way to its database.
        self.workshop.leaves(generation).cancel();
        self.records.note_ended(generation, Ending::Clean);
        self.outlook
            .tell_owner(name.as_str(), &format!("The plugin `{name}` has stopped: {why}."));
        self.publish_views();
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

    async fn stop_all(&mut self) {
        self.ending.cancel();
        for name in self.held() {
            self.give_up(&name);
        }
        let names: Vec<_> = self.live.keys().cloned().collect();
        for generation in self.swap_out(&names) {
            drop(self.workshop.retire(generation, StopReason::Shutdown));
        }
        // What has started just now is wanted no more.
        let exchanges = async {
            while let Some(concluded) = self.exchanges.join_next().await {
                let started = match concluded.map(|concluded| concluded.exchanged) {
                    Ok(Exchanged::Newer(started)) => Some(started),
                    Ok(Exchanged::Failed { again, .. }) => again.and_then(Result::ok),
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
    }
}
