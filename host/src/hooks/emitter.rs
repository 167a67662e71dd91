//! The way into the hooks: events are emitted here, by the host and by plugins, and callbacks come and go.
//!
//! Whoever emits does not wait: what nobody listens to costs a look, and the rest runs in a task. Only `before_command`,
//! whose callbacks may refuse, and `shutdown` are waited for, within a limit.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use plugin_protocol::{
    GuildId, Outcome, PluginName,
    hooks::{
        Emit, HookEvent, HookHistory, HookList, HookRegistration, HookSubscription, MAX_PAYLOAD_BYTES, NAMES,
        check_event, is_event_name,
    },
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    board::Board,
    dispatch::{Dispatch, Emission, Limits, Turns},
    flow::{Flood, PER_SECOND, UNDER_WAY},
    listener::{Lanes, Listener, Source},
    run::{DEEPEST, Failure, News, depth_in},
};

/// How many events of the host's that nobody waits for may be under way: what comes beyond is dropped, and counted. What is
/// waited for is bounded by who waits, and what a plugin emits by its own flow.
const MOST: usize = 4096;
/// The last so many runs can be asked for.
const MOST_HISTORY: usize = 100;

/// The hooks. Clones are the same.
#[derive(Clone)]
pub struct Hooks(pub(super) Arc<Inner>);

pub(super) struct Inner {
    runtime: Handle,
    lanes: OnceLock<Box<dyn Lanes>>,
    /// A lock of std: held for a look or a change, never across an await. So are the two below.
    board: Mutex<Board>,
    /// In which order runs of one callback begin.
    turns: Mutex<Turns>,
    pub(super) runs: Mutex<HashMap<u64, mpsc::UnboundedSender<News>>>,
    pub(super) last_run: AtomicU64,
    /// Which of the host's events a registered callback listens to: a bit each.
    registered: AtomicU32,
    under_way: AtomicUsize,
    report: Box<dyn Fn(Report) + Send + Sync>,
}

/// What the owner, or the log, has to hear of.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A callback has failed.
    Failed(Failure),
    /// A plugin emits more than is taken: how many of its events were refused by now, and why the last one was.
    Flood(PluginName, u64, String),
    /// So many events of the host's own were dropped by now.
    Dropped(u64),
}

/// Why an event is not emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotEmitted {
    /// The event itself is wrong.
    Invalid(String),
    /// Too much of the plugin's is under way.
    Busy(String),
}

impl Hooks {
    /// Hooks that nobody listens to yet. What goes wrong is told to `report`, which must not wait.
    pub fn new(runtime: Handle, report: impl Fn(Report) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            runtime,
            lanes: OnceLock::new(),
            board: Mutex::default(),
            turns: Mutex::default(),
            runs: Mutex::default(),
            last_run: AtomicU64::new(0),
            registered: AtomicU32::new(0),
            under_way: AtomicUsize::new(0),
            report: Box::new(report),
        }))
    }

    /// Tells the hooks the way to lanes, once there are any.
    pub fn connect(&self, lanes: impl Lanes) {
        let _ = self.0.lanes.set(Box::new(lanes));
    }

    /// Whether anybody listens to an event of the host's own.
    #[must_use]
    pub fn hears<E: HookEvent>(&self) -> bool {
        let Some(lanes) = self.0.lanes.get() else { return false };
        lanes.hears(E::NUMBER) || self.0.registered.load(Ordering::Relaxed) & (1 << E::NUMBER) != 0
    }

    /// Emits an event of the host's own, of a server or of none. It is only made where somebody listens.
    pub fn emit<E: HookEvent>(&self, guild: Option<GuildId>, event: impl FnOnce() -> E) {
        if let Some(dispatch) = self.of_host(guild, None, event) {
            self.0.runtime.spawn(dispatch.run());
        }
    }

    /// Emits an event, and waits for its callbacks, at most so long.
    pub async fn emit_and_wait<E: HookEvent>(&self, limit: Duration, event: impl FnOnce() -> E) {
        let limits = Limits::new((limit, limit), false);
        self.wait_for(None, limits, event).await;
    }

    /// Emits an event whose callbacks may refuse what it is about, and answers with the text of the first that does. Each has
    /// at most the first of these times, all together the second.
    pub async fn ask<E: HookEvent>(
        &self,
        guild: Option<GuildId>,
        limits: (Duration, Duration),
        event: impl FnOnce() -> E,
    ) -> Option<String> {
        self.wait_for(guild, Limits::new(limits, true), event).await
    }

    async fn wait_for<E: HookEvent>(
        &self,
        guild: Option<GuildId>,
        limits: Limits,
        event: impl FnOnce() -> E,
    ) -> Option<String> {
        let dispatch = self.of_host(guild, Some(limits), event)?;
        let (sender, answer) = oneshot::channel();
        // In a task, so that it comes to its end whatever becomes of whoever asks.
        self.0.runtime.spawn(async move {
            let _ = sender.send(dispatch.run().await);
        });
        answer.await.ok().flatten()
    }

    fn of_host<E: HookEvent>(
        &self,
        guild: Option<GuildId>,
        limits: Option<Limits>,
        event: impl FnOnce() -> E,
    ) -> Option<Dispatch> {
        if !self.hears::<E>() {
            return None;
        }
        let listeners = self.listeners(E::NAME, guild);
        if listeners.is_empty() {
            return None;
        }
        if limits.is_none() && self.0.under_way.load(Ordering::Relaxed) >= MOST {
            let dropped = {
                let mut board = self.0.board();
                board.dropped += 1;
                board.dropped
            };
            if dropped.is_power_of_two() {
                self.0.report(Report::Dropped(dropped));
            }
            return None;
        }
        let emission = Emission {
            // The protocol's types have string keys and no failing Serialize.
            payload: serde_json::to_string(&event()).unwrap_or_default(),
            guild,
            depth: 0,
            by: None,
            limits,
        };
        Some(self.dispatch(emission, listeners))
    }

    /// Emits an event of a plugin's own, as `PLUGIN.name`.
    ///
    /// # Errors
    ///
    /// The name or the payload is none, callbacks have set each other off too often, or too much is under way.
    pub fn emit_for(&self, plugin: &PluginName, emit: &Emit, payload: &[u8]) -> Result<(), NotEmitted> {
        if !is_event_name(&emit.name) {
            let text = format!(
                "`{}` can be no event's name, which has 1 to 64 of a-z, 0-9, _ and -",
                emit.name
            );
            return Err(NotEmitted::Invalid(text));
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            let text =
                format!("an event takes at most {MAX_PAYLOAD_BYTES} bytes of JSON: emit an id of what it is about");
            return Err(NotEmitted::Invalid(text));
        }
        let Ok(payload) = std::str::from_utf8(payload) else {
            return Err(NotEmitted::Invalid("an event's payload is JSON".to_owned()));
        };
        let event = format!("{plugin}.{}", emit.name);
        let listeners = self.listeners(&event, None);
        if listeners.is_empty() {
            return Ok(());
        }
        let depth = depth_in(emit.hook);
        if depth > DEEPEST {
            let refused = self.0.board().refuse(plugin);
            let text = format!(
                "`{event}` is emitted in a callback of a hook, {depth} deep: callbacks that set each other off come to an end \
                 after {DEEPEST}"
            );
            return Err(self.flood(plugin, refused, text));
        }
        let begun = self.0.board().begin_emission(plugin, Instant::now().into_std());
        if let Err((flood, refused)) = begun {
            let text = match flood {
                Flood::UnderWay => format!(
                    "the callbacks of {UNDER_WAY} events of this plugin are under way: those that listen do not keep up"
                ),
                Flood::PerSecond => format!("a plugin emits at most {PER_SECOND} events a second"),
            };
            return Err(self.flood(plugin, refused, text));
        }
        let emission = Emission {
            payload: payload.to_owned(),
            guild: None,
            depth,
            by: Some(plugin.clone()),
            limits: None,
        };
        let dispatch = self.dispatch(emission, listeners);
        self.0.runtime.spawn(dispatch.run());
        Ok(())
    }

    fn flood(&self, plugin: &PluginName, refused: u64, text: String) -> NotEmitted {
        if refused.is_power_of_two() {
            self.0.report(Report::Flood(plugin.clone(), refused, text.clone()));
        }
        NotEmitted::Busy(text)
    }

    fn dispatch(&self, emission: Emission, listeners: Vec<Listener>) -> Dispatch {
        if emission.is_counted() {
            self.0.under_way.fetch_add(1, Ordering::Relaxed);
        }
        self.0.board().emitted += 1;
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Dispatch::new(Arc::clone(&self.0), emission, listeners, &mut turns)
    }

    /// The callbacks of an event, those left out whose plugin is off in that server.
    fn listeners(&self, event: &str, guild: Option<GuildId>) -> Vec<Listener> {
        let Some(lanes) = self.0.lanes.get() else {
            return Vec::new();
        };
        let mut listeners = lanes.declared(event);
        listeners.extend(self.registered(|listener| &*listener.event == event));
        if let Some(guild) = guild {
            listeners.retain(|listener| !lanes.is_off_in(&listener.plugin, guild));
        }
        listeners
    }

    fn all(&self) -> Vec<Listener> {
        let mut all = self.0.lanes.get().map(|lanes| lanes.all_declared()).unwrap_or_default();
        all.extend(self.registered(|_| true));
        all
    }

    /// What generations that serve have registered: not those that are about to, or that are drained.
    fn registered(&self, is_wanted: impl Fn(&Listener) -> bool) -> Vec<Listener> {
        let Some(lanes) = self.0.lanes.get() else {
            return Vec::new();
        };
        let mut registered: Vec<_> = {
            let board = self.0.board();
            board
                .registered()
                .iter()
                .filter(|one| is_wanted(one))
                .cloned()
                .collect()
        };
        registered.retain(|listener| match listener.source {
            Source::Registered { generation, .. } => lanes.generation(&listener.plugin) == Some(generation),
            Source::Declared { .. } => true,
        });
        registered
    }

    /// A run that waited is with its lane now.
    pub fn begun(&self, run: u64) {
        if let Some(news) = self.0.runs().get(&run) {
            let _ = news.send(News::Begun);
        }
    }

    /// A run has come to its end; nothing if nobody waits for it any more.
    pub fn ended(&self, run: u64, outcome: Outcome) {
        if let Some(news) = self.0.runs().remove(&run) {
            let _ = news.send(News::Ended(outcome));
        }
    }

    /// Whether anybody still waits for the end of a run.
    #[must_use]
    pub fn waits_for(&self, run: u64) -> bool {
        self.0.runs().get(&run).is_some_and(|news| !news.is_closed())
    }

    /// A generation that declares these listens from now on; by what its callback is known.
    ///
    /// # Errors
    ///
    /// There can be no such event, or it listens by too many.
    pub fn register(
        &self,
        plugin: &PluginName,
        generation: u32,
        declared: &[HookSubscription],
        asked: &HookRegistration,
    ) -> Result<String, String> {
        check_event(&asked.event)?;
        // Its own: what is in force may be another generation's.
        let is_declared = |id: &str| {
            let function = id.strip_prefix(plugin.as_str()).and_then(|rest| rest.strip_prefix('.'));
            declared.iter().any(|hook| Some(&*hook.function) == function)
        };
        let mut board = self.0.board();
        let origin = (generation, asked.registration);
        let id = board.register(plugin, &asked.event, asked.priority, origin, is_declared)?;
        self.0.note_registered(&board);
        Ok(id.to_string())
    }

    /// A generation listens no more by the callback of that number.
    pub fn unregister(&self, plugin: &PluginName, generation: u32, number: u64) {
        self.forget_of(plugin, generation, Some(number));
    }

    /// A generation has ended.
    pub fn forget(&self, plugin: &PluginName, generation: u32) {
        self.forget_of(plugin, generation, None);
    }

    fn forget_of(&self, plugin: &PluginName, generation: u32, number: Option<u64>) {
        let declared = self.0.lanes.get().map(|lanes| lanes.all_declared()).unwrap_or_default();
        let declared: HashSet<_> = declared.into_iter().map(|listener| listener.id).collect();
        let mut board = self.0.board();
        board.unregister(plugin, generation, number);
        board.prune(|id| declared.contains(id));
        board.prune_flows(plugin, Instant::now().into_std());
        self.0.note_registered(&board);
    }

    /// All callbacks of what serves, by event and in the order in which they run.
    #[must_use]
    pub fn list(&self) -> HookList {
        let mut all = self.all();
        all.sort_by(|one, other| (&one.event, other.priority).cmp(&(&other.event, one.priority)));
        let off: Vec<bool> = all.iter().map(|listener| self.is_off(&listener.id)).collect();
        let (board, now) = (self.0.board(), Instant::now().into_std());
        let hooks = all
            .iter()
            .zip(off)
            .map(|(listener, off)| board.describe(listener, off, now));
        HookList {
            hooks: hooks.collect(),
            emitted: board.emitted,
            dropped: board.dropped(),
        }
    }

    /// The last runs, newest first.
    #[must_use]
    pub fn history(&self, limit: usize) -> HookHistory {
        HookHistory {
            runs: self.0.board().history.last(limit.min(MOST_HISTORY)),
        }
    }

    /// The id of a callback of a plugin that serves, as it is written exactly; `None` if there is none.
    #[must_use]
    pub fn known_as(&self, callback: &str) -> Option<String> {
        let all = self.all();
        let exact = all.iter().find(|listener| &*listener.id == callback);
        let found = exact.or_else(|| all.iter().find(|listener| listener.id.eq_ignore_ascii_case(callback)));
        found.map(|listener| listener.id.to_string())
    }

    /// Closes a callback's breaker, and forgets its failures.
    pub fn reset(&self, callback: &str) {
        self.0.board().reset(callback);
    }

    fn is_off(&self, callback: &str) -> bool {
        self.0.lanes.get().is_some_and(|lanes| lanes.is_off(callback))
    }
}

impl Inner {
    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn runs(&self) -> MutexGuard<'_, HashMap<u64, mpsc::UnboundedSender<News>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lanes(&self) -> Option<&dyn Lanes> {
        self.lanes.get().map(AsRef::as_ref)
    }

    pub(super) fn report(&self, report: Report) {
        (self.report)(report);
    }

    /// An event's callbacks have all come to their end.
    pub(super) fn emission_ended(&self, emission: &Emission) {
        if emission.is_counted() {
            self.under_way.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(plugin) = &emission.by {
            self.board().emission_ended(plugin);
        }
    }

    fn note_registered(&self, board: &Board) {
        let bits = board.registered().iter().filter_map(|listener| {
            let place = NAMES.iter().position(|name| **name == *listener.event)?;
            Some(1_u32 << place)
        });
        self.registered
            .store(bits.fold(0, |all, bit| all | bit), Ordering::Relaxed);
    }
}
