//! What is known of each callback: whether it may run now, how it has fared, and those that were registered while their
//! plugins run. Pure: the time is handed in, and what lies in the routing table or the database comes from elsewhere.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use plugin_protocol::{
    PluginName,
    hooks::{BreakerState, Hook, PastRun},
};

use super::{
    breaker::{Admission, Breaker},
    flow::{Flood, Flow},
    history::History,
    listener::{Listener, Source},
};

/// How many runs of one callback may be under way: what comes beyond is left out for that callback, and counted.
pub const RUNS_OF_ONE: usize = 256;
/// How many callbacks one generation may register.
pub const REGISTERED_OF_ONE: usize = 256;

/// What is known of callbacks.
#[derive(Debug, Default)]
pub struct Board {
    callbacks: HashMap<Arc<str>, Known>,
    registered: Vec<Listener>,
    flows: HashMap<PluginName, Flow>,
    /// The last runs.
    pub history: History,
    /// How many events were emitted that somebody listened to.
    pub emitted: u64,
    /// How many of the host's own were dropped, since too many were under way, and how many were refused of those that are
    /// in no flow any more.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Known {
    /// A newer one begins with a whole breaker.
    generation: u32,
    breaker: Breaker,
    under_way: usize,
    runs: u64,
    dropped: u64,
}

/// Why a callback is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The owner has switched it off.
    Off,
    /// Its breaker is open, or it is being tried.
    Broken,
    /// Too many of its runs are under way.
    Busy,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// To its end: a veto is one, too.
    Done,
    /// To nothing: it failed, panicked or took too long.
    Failed,
    /// Its plugin ended, or was not there: nothing is said of the callback.
    Undecided,
}

impl Board {
    /// Whether a callback may run now, and as what; [`Board::ended`] has to follow.
    ///
    /// # Errors
    ///
    /// Why it is left out.
    pub fn admit(&mut self, id: &Arc<str>, generation: u32, is_off: bool, now: Instant) -> Result<Admission, Left> {
        if is_off {
            return Err(Left::Off);
        }
        let known = self.callbacks.entry(Arc::clone(id)).or_default();
        if known.generation != generation {
            known.generation = generation;
            known.breaker = Breaker::default();
        }
        if known.under_way >= RUNS_OF_ONE {
            known.dropped += 1;
            return Err(Left::Busy);
        }
        let admission = known.breaker.admit(now).ok_or(Left::Broken)?;
        known.under_way += 1;
        Ok(admission)
    }

    /// A run has come to its end, which `run` tells. True if that opens the callback's breaker.
    pub fn ended(
        &mut self,
        id: &str,
        (generation, admission): (u32, Admission),
        came: Came,
        run: PastRun,
        now: Instant,
    ) -> bool {
        self.history.add(run);
        let Some(known) = self.callbacks.get_mut(id) else {
            return false;
        };
        known.under_way = known.under_way.saturating_sub(1);
        known.runs += 1;
        // What an older generation did says nothing of the newer one.
        if known.generation != generation {
            return false;
        }
        match came {
            Came::Done => known.breaker.succeeded(admission),
            Came::Failed => return known.breaker.failed(admission, now),
            Came::Undecided => known.breaker.undecided(admission, now),
        }
        false
    }

    /// A run was admitted, and there was nobody to run it: as if it had never been.
    pub fn not_begun(&mut self, id: &str, (generation, admission): (u32, Admission), now: Instant) {
        let Some(known) = self.callbacks.get_mut(id) else {
            return;
        };
        known.under_way = known.under_way.saturating_sub(1);
        if known.generation == generation {
            known.breaker.undecided(admission, now);
        }
    }

    /// Forgets what is known of callbacks that nobody declares, by `is_declared`, or has registered.
    pub fn prune(&mut self, is_declared: impl Fn(&Arc<str>) -> bool) {
        let registered: HashSet<_> = self.registered.iter().map(|listener| &listener.id).collect();
        self.callbacks
            .retain(|id, known| known.under_way > 0 || registered.contains(id) || is_declared(id));
    }

    /// Forgets what plugins have emitted that counts no more: of this one, whose generation has ended, and of others of which
    /// nothing was refused.
    pub fn prune_flows(&mut self, ended: &PluginName, now: Instant) {
        let dropped = &mut self.dropped;
        self.flows.retain(|plugin, flow| {
            let stays = !flow.is_idle(now) || (plugin != ended && flow.refused > 0);
            if !stays {
                *dropped += flow.refused;
            }
            stays
        });
    }

    /// Closes a callback's breaker, and forgets its failures.
    pub fn reset(&mut self, id: &str) {
        if let Some(known) = self.callbacks.get_mut(id) {
            known.breaker = Breaker::default();
        }
    }

    /// A generation listens from now on; its callback's id. `taken` says whether a declared one is called so.
    ///
    /// # Errors
    ///
    /// It has registered too many.
    pub fn register(
        &mut self,
        plugin: &PluginName,
        event: &str,
        priority: i32,
        (generation, number): (u32, u64),
        taken: impl Fn(&str) -> bool,
    ) -> Result<Arc<str>, String> {
        let own = |listener: &&Listener| listener.is_of(plugin, generation);
        if self.registered.iter().filter(own).count() >= REGISTERED_OF_ONE {
            return Err(format!(
                "this generation listens by {REGISTERED_OF_ONE} registered callbacks already: unregister those that are no \
                 longer needed"
            ));
        }
        let base = format!("{plugin}.on_{}", event.replace('.', "_"));
        let is_free = |id: &str| {
            let is_registered = |listener: &Listener| &*listener.id == id && listener.is_of(plugin, generation);
            !taken(id) && !self.registered.iter().any(is_registered)
        };
        let mut id = base.clone();
        let mut next = 2;
        while !is_free(&id) {
            id = format!("{base}_{next}");
            next += 1;
        }
        let id: Arc<str> = id.into();
        self.registered.push(Listener {
            id: Arc::clone(&id),
            plugin: plugin.clone(),
            event: event.into(),
            priority,
            source: Source::Registered { generation, number },
        });
        Ok(id)
    }

    /// A generation listens no more by the callback of that number; by none, without a number.
    pub fn unregister(&mut self, plugin: &PluginName, generation: u32, number: Option<u64>) {
        self.registered.retain(|listener| match &listener.source {
            Source::Registered { number: own, .. } => {
                !listener.is_of(plugin, generation) || number.is_some_and(|number| number != *own)
            }
            Source::Declared { .. } => true,
        });
    }

    /// The registered callbacks.
    #[must_use]
    pub fn registered(&self) -> &[Listener] {
        &self.registered
    }

    /// Whether a plugin may emit one more event; [`Board::emission_ended`] has to follow.
    ///
    /// # Errors
    ///
    /// Why not, and how many of its events were refused by now.
    pub fn begin_emission(&mut self, plugin: &PluginName, now: Instant) -> Result<(), (Flood, u64)> {
        let flow = self.flows.entry(plugin.clone()).or_default();
        flow.begin(now).map_err(|flood| (flood, flow.refused))
    }

    /// An event of a plugin is refused for another reason; how many were by now.
    pub fn refuse(&mut self, plugin: &PluginName) -> u64 {
        let flow = self.flows.entry(plugin.clone()).or_default();
        flow.refused += 1;
        flow.refused
    }

    /// All callbacks of an event that a plugin has emitted have come to their end.
    pub fn emission_ended(&mut self, plugin: &PluginName) {
        if let Some(flow) = self.flows.get_mut(plugin) {
            flow.ended();
        }
    }

    /// How many events were dropped or refused.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped + self.flows.values().map(|flow| flow.refused).sum::<u64>()
    }

    /// A callback as it is told to people and plugins.
    #[must_use]
    pub fn describe(&self, listener: &Listener, is_off: bool, now: Instant) -> Hook {
        let known = self.callbacks.get(&listener.id);
        Hook {
            id: listener.id.to_string(),
            plugin: listener.plugin.to_string(),
            event: listener.event.to_string(),
            priority: listener.priority,
            registered: matches!(listener.source, Source::Registered { .. }),
            off: is_off,
            breaker: known.map_or(BreakerState::Closed, |known| known.breaker.state(now)),
            failures: known.map_or(0, |known| {
                u32::try_from(known.breaker.failures(now)).unwrap_or(u32::MAX)
            }),
            runs: known.map_or(0, |known| known.runs),
            dropped: known.map_or(0, |known| known.dropped),
        }
    }
}

impl Listener {
    fn is_of(&self, plugin: &PluginName, of: u32) -> bool {
        matches!(self.source, Source::Registered { generation, .. } if generation == of) && self.plugin == *plugin
    }
}

/// A run that has begun at this time, as it is remembered.
#[must_use]
pub fn past_run(listener: &Listener, at_ms: u64, took: Duration) -> PastRun {
    PastRun {
        at_ms,
        event: listener.event.to_string(),
        callback: listener.id.to_string(),
        took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        error: None,
        veto: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn levels() -> PluginName {
        "levels".parse().unwrap()
    }

    fn fail(board: &mut Board, id: &Arc<str>, generation: u32, now: Instant) -> bool {
        let admission = board.admit(id, generation, false, now).unwrap();
        board.ended(id, (generation, admission), Came::Failed, PastRun::default(), now)
    }

    #[test]
    fn what_is_switched_off_does_not_run_and_costs_nothing() {
        let mut board = Board::default();
        let (id, now): (Arc<str>, _) = ("levels.loaded".into(), Instant::now());
        assert_eq!(board.admit(&id, 1, true, now), Err(Left::Off));
        assert_eq!(board.admit(&id, 1, false, now), Ok(Admission::Ordinary));
    }

    #[test]
    fn a_new_generation_begins_with_a_whole_breaker_and_a_reset_does() {
        let mut board = Board::default();
        let (id, now): (Arc<str>, _) = ("levels.loaded".into(), Instant::now());
        let broken = |board: &mut Board, generation| {
            (1..=5).for_each(|number| assert_eq!(fail(board, &id, generation, now), number == 5));
            assert_eq!(board.admit(&id, generation, false, now), Err(Left::Broken));
        };
        broken(&mut board, 1);
        // One of the older generation that ends now says nothing of the newer.
        let late = board.admit(&id, 2, false, now).unwrap();
        assert!(!board.ended(&id, (1, late), Came::Failed, PastRun::default(), now));
        broken(&mut board, 2);
        board.reset(&id);
        assert!(board.admit(&id, 2, false, now).is_ok());
    }

    #[test]
    fn runs_of_one_callback_are_bounded_and_the_rest_counted() {
        let mut board = Board::default();
        let (id, now): (Arc<str>, _) = ("levels.loaded".into(), Instant::now());
        for _ in 0..RUNS_OF_ONE {
            assert!(board.admit(&id, 1, false, now).is_ok());
        }
        assert_eq!(board.admit(&id, 1, false, now), Err(Left::Busy));
        assert_eq!(board.callbacks[&id].dropped, 1);
        assert!(board.admit(&"levels.other".into(), 1, false, now).is_ok());
    }

    #[test]
    fn what_nobody_declares_or_has_registered_is_forgotten() {
        let mut board = Board::default();
        let now = Instant::now();
        let [declared, gone, at_work]: [Arc<str>; 3] = ["levels.loaded", "levels.gone", "levels.work"].map(Into::into);
        fail(&mut board, &declared, 1, now);
        fail(&mut board, &gone, 1, now);
        assert!(board.admit(&at_work, 1, false, now).is_ok());
        let id = board.register(&levels(), "bot_ready", 0, (1, 1), |_| false).unwrap();
        fail(&mut board, &id, 1, now);
        board.prune(|id| *id == declared);
        assert_eq!((board.callbacks.len(), board.callbacks.contains_key(&gone)), (3, false));
        board.unregister(&levels(), 1, None);
        board.not_begun(&at_work, (1, Admission::Ordinary), now);
        board.prune(|id| *id == declared);
        assert_eq!(board.callbacks.len(), 1);
    }

    #[test]
    fn what_plugins_have_emitted_is_forgotten_when_it_counts_no_more() {
        let (mut board, now) = (Board::default(), Instant::now());
        let [gone, quiet, loud, at_work] = ["gone", "quiet", "loud", "work"].map(|name| name.parse().unwrap());
        for plugin in [&gone, &quiet, &loud, &at_work] {
            assert!(board.begin_emission(plugin, now).is_ok());
        }
        for plugin in [&gone, &quiet, &loud] {
            board.emission_ended(plugin);
        }
        assert_eq!((board.refuse(&gone), board.refuse(&loud)), (1, 1));
        board.prune_flows(&gone, now);
        assert_eq!(board.flows.len(), 4, "their second counts");
        board.prune_flows(&gone, now + Duration::from_secs(1));
        let mut left: Vec<_> = board.flows.keys().map(PluginName::as_str).collect();
        left.sort_unstable();
        assert_eq!((left, board.dropped()), (vec!["loud", "work"], 2));
    }

    #[test]
    fn registered_callbacks_have_names_of_their_own_and_go_with_their_generation() {
        let mut board = Board::default();
        let taken = |id: &str| id == "levels.on_shutdown";
        let mut register = |event: &str, number| {
            let id = board.register(&levels(), event, 0, (3, number), taken).unwrap();
            id.to_string()
        };
        assert_eq!(register("bot_ready", 1), "levels.on_bot_ready");
        assert_eq!(register("bot_ready", 2), "levels.on_bot_ready_2");
        assert_eq!(register("shop.sold", 3), "levels.on_shop_sold");
        assert_eq!(register("shutdown", 4), "levels.on_shutdown_2");
        board.unregister(&levels(), 3, Some(1));
        assert_eq!(board.registered().len(), 3);
        let next = board.register(&levels(), "bot_ready", 0, (4, 1), taken);
        assert_eq!(next.as_deref(), Ok("levels.on_bot_ready"), "another generation");
        board.unregister(&levels(), 3, None);
        assert_eq!(board.registered().len(), 1);
        for number in 2..=256 {
            assert!(board.register(&levels(), "bot_ready", 0, (4, number), taken).is_ok());
        }
        assert!(board.register(&levels(), "bot_ready", 0, (4, 257), taken).is_err());
    }
}
