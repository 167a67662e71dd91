//! The way to the life of plugins: how it is set up, what can be ordered, and what is known about every plugin.
//!
//! Everybody else holds only this: it sends orders and reads views, and changes nothing of what runs by itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use plugin_abi::PluginModuleRef;
use plugin_protocol::{
    Activation, Description, Manifest, Migration, PluginName, Settings,
    plans::{PlanReport, PlanVerb},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{Life, UnderWay};
use crate::plugins::{
    change::Change,
    generation::{Desk, Generation, GuildValues},
    inspection::KeptFigures,
    lane::Routing,
    records::Records,
    registry,
    table::Table,
};

/// What the life of plugins needs to know.
pub struct Setup {
    /// The drop folder.
    pub folder: PathBuf,
    /// Where private copies go.
    pub run_folder: PathBuf,
    /// Where the probe's results and the owner's decisions are remembered.
    pub data_folder: PathBuf,
    /// Whether what lies in the folder is loaded at start.
    pub auto_load: bool,
    /// What is remembered of each plugin; the desk notes there, too.
    pub records: Arc<Records>,
    /// Plugins that are linked into the host.
    pub linked: Vec<Linked>,
    /// What plugins ask and tell goes here.
    pub desk: Arc<dyn Desk>,
    /// The world as the life of plugins sees it.
    pub outlook: Arc<dyn Outlook>,
}

/// What the life of plugins asks of the rest of the host.
pub trait Outlook: Send + Sync + 'static {
    /// A plugin's configuration and log level. `Err`: why they can't be used, and what to do.
    fn settings(&self, plugin: &PluginName) -> Result<Settings, String>;
    /// Of which revision what servers have set is now.
    fn guild_revision(&self) -> u64;
    /// What servers have set for a plugin, as far as it fits this version of it.
    fn guild_values(&self, plugin: &PluginName, description: &Description) -> GuildValues;
    /// What the owner wants of plugins now.
    fn policy(&self) -> Policy;
    /// Who the bot is, as far as known.
    fn activation(&self) -> Activation;
    /// Something has become of a plugin: it was put in force, replaced, taken out of force or refused.
    fn changed(&self, change: Change);
    /// The owner has to hear of this: `about` is a plugin or file.
    fn tell_owner(&self, about: &str, text: &str);
    /// Which slash commands these plugins would have in all servers, if those of `held` have places already. Pure.
    fn slash_places(&self, offers: &BTreeMap<&PluginName, &Description>, held: &[String]) -> SlashPlaces;
    /// The names of intents that these plugins, and bits of manifests, want and that the gateway was not asked for.
    fn missing_intents(&self, intents: u64, offers: &BTreeMap<&PluginName, &Description>) -> Vec<String>;
    /// The owner has to hear that a plugin that was loaded harms itself.
    fn tell_trouble(&self, plugin: &str, text: &str);
    /// Tells the owner that something of a plugin keeps the rest of it waiting.
    fn tell_blocked(&self, plugin: &str, text: &str);
    /// Tells the owner that events of a plugin were dropped.
    fn tell_dropped(&self, plugin: &str, text: &str);

    /// Whether a version with these steps has to make some of them before it can start. Changes nothing, and is asked
    /// before anything is stopped, also of versions without any step.
    ///
    /// # Errors
    ///
    /// Why this version can't run on the plugin's database: it is older than that, or a step that was made has changed.
    fn migrations_due(&self, plugin: &PluginName, migrations: &[Migration]) -> BoxFuture<'_, Result<bool, String>>;
    /// Keeps a copy of the plugin's databases, then makes the steps that are due, each in a transaction. No generation of
    /// the plugin runs meanwhile. [`undo_migrations`](Self::undo_migrations) or [`keep_migrations`](Self::keep_migrations)
    /// follows, also where it failed: then it is the former.
    ///
    /// # Errors
    ///
    /// Which step failed, and why.
    fn migrate(&self, plugin: &PluginName, migrations: &[Migration]) -> BoxFuture<'_, Result<(), String>>;
    /// Puts the copy back: the version that needed those steps has not started.
    ///
    /// # Errors
    ///
    /// Why the plugin's databases are not as they were.
    fn undo_migrations(&self, plugin: &PluginName) -> BoxFuture<'_, Result<(), String>>;
    /// The version that needed those steps has started, and serves next: the copy is no longer needed.
    fn keep_migrations(&self, plugin: &PluginName) -> BoxFuture<'_, ()>;
}

/// Which slash commands would be registered for all servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlashPlaces {
    /// Those that would: each takes a place.
    pub names: Vec<String>,
    /// Those for which there is no place, or that can't be.
    pub prefix_only: Vec<String>,
    /// How many places there are.
    pub max: usize,
}

/// What the owner wants of plugins. It may change at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Names that never run.
    pub blacklist: BTreeSet<String>,
    /// Whether changes of the folder are followed by themselves.
    pub auto_reload: bool,
    /// How much of the machine's or container's memory the bot may have for a plugin to be loaded, in percent.
    pub memory_percent: u64,
}

/// A plugin that is linked into the host.
#[derive(Debug)]
pub struct Linked {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its functions.
    pub module: PluginModuleRef,
}

/// What is known about a plugin or a file in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginView {
    /// The plugin's name, or the file's if it has none.
    pub name: String,
    /// Its manifest, where it can be read.
    pub manifest: Option<Arc<Manifest>>,
    /// The file's name; `None` for what is linked in.
    pub file: Option<String>,
    /// How it is.
    pub state: PluginState,
    /// Whether the owner has pinned it.
    pub pinned: bool,
    /// Whether it runs in place of the file, since the owner went back to it.
    pub rolled_back: bool,
    /// The version that the owner can go back to.
    pub before: Option<String>,
}

/// How a plugin is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginState {
    /// It serves, as this generation; if a newer file was refused, that is why.
    Running {
        /// The number of the generation.
        generation: u32,
        /// Why the file that lies there now does not run.
        newer_refused: Option<String>,
    },
    /// It is being replaced, and what is meant for it waits.
    Replacing {
        /// The number of the generation that served before.
        generation: u32,
    },
    /// It does not run, and why.
    Refused(String),
    /// It has done harm, and is not tried again by itself; why.
    Quarantined(String),
    /// The owner unloaded it.
    Unloaded,
}

/// What an order came to, in words for the owner.
pub type Reply = Result<String, String>;

pub(super) enum Order {
    Look,
    Load(Vec<PluginName>, oneshot::Sender<Reply>),
    Reload(Option<Vec<PluginName>>, oneshot::Sender<Reply>),
    Plan {
        verb: PlanVerb,
        names: Option<Vec<PluginName>>,
        with_dependants: bool,
        reply: oneshot::Sender<Result<PlanReport, String>>,
    },
    Rollback(PluginName, oneshot::Sender<Reply>),
    Pin(PluginName, oneshot::Sender<Reply>),
    Unpin(PluginName, oneshot::Sender<Reply>),
    Unload {
        names: Vec<PluginName>,
        with_dependants: bool,
        reply: oneshot::Sender<Reply>,
    },
    Died(Arc<Generation>),
    /// Ends what was loaded, says so, and waits until it may go on.
    Pause {
        paused: oneshot::Sender<()>,
        resumed: oneshot::Receiver<()>,
    },
    Announce,
    #[cfg(test)]
    Rest(oneshot::Sender<()>),
    /// The settings have changed; and who hears when plugins have been told.
    Configure(oneshot::Sender<()>),
    /// The first look, and who hears when what it found has started.
    Begin(oneshot::Sender<Result<(), String>>),
}

/// No plugin but the linked ones runs as long as this lives.
#[derive(Debug)]
#[must_use = "plugins start again when this is dropped"]
pub struct Paused {
    _resume: oneshot::Sender<()>,
}

/// The life of plugins has ended, or does so now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

/// The way to the life of plugins.
#[derive(Clone)]
pub struct Plugins {
    orders: mpsc::Sender<Order>,
    /// Taken by whoever stops it: asks for the end, and hears of it.
    stop: Arc<Mutex<Option<oneshot::Sender<oneshot::Sender<()>>>>>,
    routing: Arc<Routing<Table>>,
    views: watch::Receiver<Arc<Vec<PluginView>>>,
    intents: Arc<AtomicU64>,
    under_way: UnderWay,
    pub(in crate::plugins) insight: Arc<Insight>,
}

/// What is needed to look into what runs.
pub(in crate::plugins) struct Insight {
    pub(in crate::plugins) records: Arc<Records>,
    pub(in crate::plugins) desk: Arc<dyn Desk>,
    pub(in crate::plugins) outlook: Arc<dyn Outlook>,
    /// Where the private copies are.
    pub(in crate::plugins) run_folder: PathBuf,
    pub(in crate::plugins) figures: KeptFigures,
}

impl Plugins {
    /// Sets the life of plugins up, in a task of its own; nothing is started yet.
    ///
    /// # Errors
    ///
    /// The folder of private copies or the drop folder can't be made.
    pub fn open(setup: Setup) -> Result<Self, String> {
        let (orders, inbox) = mpsc::channel(64);
        let insight = Arc::new(Insight {
            records: Arc::clone(&setup.records),
            desk: Arc::clone(&setup.desk),
            outlook: Arc::clone(&setup.outlook),
            run_folder: setup.run_folder.clone(),
            figures: KeptFigures::default(),
        });
        let life = Life::new(setup)?;
        let (stop, told_to_stop) = oneshot::channel();
        let plugins = Self {
            orders,
            stop: Arc::new(Mutex::new(Some(stop))),
            routing: Arc::clone(&life.routing),
            views: life.views.subscribe(),
            intents: Arc::clone(&life.intents),
            under_way: Arc::clone(&life.under_way),
            insight,
        };
        tokio::spawn(life.run(inbox, told_to_stop));
        Ok(plugins)
    }

    /// Starts the linked plugins and then, if asked, what lies in the folder; answers when that has settled, or after
    /// `patience`: what starts slowly is added when it has started. The first order, and given once.
    ///
    /// # Errors
    ///
    /// A linked plugin does not start.
    pub async fn begin(&self, patience: Duration) -> Result<(), String> {
        let (reply, begun) = oneshot::channel();
        let _ = self.orders.send(Order::Begin(reply)).await;
        if let Ok(begun) = timeout(patience, begun).await {
            begun.unwrap_or_else(|_| Err("the bot is stopping".to_owned()))
        } else {
            tracing::warn!("a plugin takes long to start: going on without it until it has");
            Ok(())
        }
    }

    /// Who handles what, now and after each change.
    #[must_use]
    pub fn routing(&self) -> &Arc<Routing<Table>> {
        &self.routing
    }

    /// Discord's intent bits that the manifests of all plugins ask for that run or are being started.
    #[must_use]
    pub fn intents(&self) -> u64 {
        self.intents.load(Ordering::Relaxed)
    }

    /// What is known about every plugin, and a way to hear of changes.
    #[must_use]
    pub fn views(&self) -> watch::Receiver<Arc<Vec<PluginView>>> {
        self.views.clone()
    }

    /// Loads plugins that lie in the folder and do not run: all of these, or none.
    ///
    /// # Errors
    ///
    /// Why not, in words for the owner.
    pub async fn load(&self, names: Vec<PluginName>) -> Reply {
        self.order(|reply| Order::Load(names, reply)).await?
    }

    /// Replaces plugins by what lies in the folder, even if that has not changed: all of these, or none; without names each
    /// that can be.
    ///
    /// # Errors
    ///
    /// Why not, in words for the owner; the older generation then goes on.
    pub async fn reload(&self, names: Option<Vec<PluginName>>) -> Reply {
        self.order(|reply| Order::Reload(names, reply)).await?
    }

    /// What would follow from an order, of all plugins without names. It changes nothing. `with_dependants` is for unloading.
    ///
    /// # Errors
    ///
    /// Why there is no such plan, in words for the owner.
    pub async fn plan(
        &self,
        verb: PlanVerb,
        names: Option<Vec<PluginName>>,
        with_dependants: bool,
    ) -> Result<PlanReport, String> {
        self.order(|reply| Order::Plan {
            verb,
            names,
            with_dependants,
            reply,
        })
        .await?
    }

    /// Goes back to the version that served before, until the file in the folder changes.
    ///
    /// # Errors
    ///
    /// Why not, in words for the owner; what runs goes on.
    pub async fn rollback(&self, name: PluginName) -> Reply {
        self.order(|reply| Order::Rollback(name, reply)).await?
    }

    /// Prefers a plugin in conflicts, and replaces what runs of it by nothing else.
    ///
    /// # Errors
    ///
    /// Why not, in words for the owner.
    pub async fn pin(&self, name: PluginName) -> Reply {
        self.order(|reply| Order::Pin(name, reply)).await?
    }

    /// Takes that back.
    ///
    /// # Errors
    ///
    /// It is not pinned.
    pub async fn unpin(&self, name: PluginName) -> Reply {
        self.order(|reply| Order::Unpin(name, reply)).await?
    }

    /// Unloads plugins, also for after a restart.
    ///
    /// # Errors
    ///
    /// Why not, in words for the owner.
    pub async fn unload(&self, names: Vec<PluginName>, with_dependants: bool) -> Reply {
        // The order comes after a replacement that is under way, which nobody needs any more.
        if self.may_go(&names, with_dependants) {
            let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            for replacement in names.iter().filter_map(|name| under_way.get(name)) {
                replacement.cancel();
            }
        }
        self.order(|reply| Order::Unload {
            names,
            with_dependants,
            reply,
        })
        .await?
    }

    /// Ends all plugins but the linked ones, until the answer is dropped: then those start again that should run.
    /// Orders wait meanwhile.
    ///
    /// # Errors
    ///
    /// The bot stops: plugins may still be on their way to their end.
    pub async fn pause(&self) -> Result<Paused, Ended> {
        let (paused, is_paused) = oneshot::channel();
        let (resume, resumed) = oneshot::channel();
        let order = Order::Pause { paused, resumed };
        self.orders.send(order).await.map_err(|_| Ended)?;
        is_paused.await.map_err(|_| Ended)?;
        Ok(Paused { _resume: resume })
    }

    /// A generation's lane has ended by itself.
    pub fn died(&self, generation: Arc<Generation>) {
        let orders = self.orders.clone();
        tokio::spawn(async move { orders.send(Order::Died(generation)).await });
    }

    /// Tells every plugin who the bot is, once that is known or has changed.
    pub async fn announce(&self) {
        let _ = self.orders.send(Order::Announce).await;
    }

    /// Drains and ends all plugins. What is ordered afterwards is refused.
    pub async fn stop(&self) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (reply, stopped) = oneshot::channel();
        if stop.is_some_and(|stop| stop.send(reply).is_ok()) {
            let _ = stopped.await;
        }
    }

    /// The settings or log levels have changed: plugins are told theirs, which is waited for; then what could not start with the older
    /// ones is tried again.
    pub async fn configure(&self) {
        let (reply, told) = oneshot::channel();
        if self.orders.send(Order::Configure(reply)).await.is_ok() {
            let _ = told.await;
        }
    }

    /// Looks at the folder, and waits for what comes of it.
    #[cfg(test)]
    pub(super) async fn look(&self) {
        let _ = self.orders.send(Order::Look).await;
        self.configure().await;
    }

    /// Waits until all that ends has ended, and what that comes to is noted.
    #[cfg(test)]
    pub(super) async fn rest(&self) {
        let _ = self.order(Order::Rest).await;
    }

    /// A generation's lane has ended by itself; waits for what comes of it.
    #[cfg(test)]
    pub(super) async fn bury(&self, generation: Arc<Generation>) {
        let _ = self.orders.send(Order::Died(generation)).await;
        self.configure().await;
    }

    /// Whether an order to unload these will be followed: all of them are known, and nobody else needs them.
    fn may_go(&self, names: &[PluginName], with_dependants: bool) -> bool {
        let views = Arc::clone(&self.views.borrow());
        let is_known = |name: &PluginName| {
            let is_it = |view: &PluginView| view.name == name.as_str() && view.file.is_some();
            views.iter().any(is_it)
        };
        let running = || {
            views
                .iter()
                .filter(|view| matches!(view.state, PluginState::Running { .. } | PluginState::Replacing { .. }))
                .filter_map(|view| view.manifest.as_deref())
        };
        let is_needed = |name: &PluginName| {
            let dependants = registry::dependants(name, running());
            dependants.iter().any(|dependant| !names.contains(dependant))
        };
        // One that comes for the first time is in no view yet.
        let comes = |name: &PluginName| {
            let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            under_way.contains_key(name)
        };
        names
            .iter()
            .all(|name| (is_known(name) || comes(name)) && (with_dependants || !is_needed(name)))
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, String> {
        let ended = || "the bot is stopping".to_owned();
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}
