//! One event on its way to all its callbacks, rank by rank.
//!
//! Runs of one callback begin in the order in which events of one server, or of none, were emitted; how long each takes delays
//! nobody but the ranks below it. What somebody waits for takes no part in that order.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use plugin_protocol::{GuildId, PluginName, hooks::HookRun};
use tokio::{
    sync::{
        mpsc,
        oneshot::{self, error::TryRecvError},
    },
    time::Instant,
};

use super::{
    board::{Came, past_run},
    emitter::{Inner, Report},
    listener::{Listener, Source},
    order::ranks,
    run::{End, Failure, Handed, LIMIT, run_id, wait},
};

/// The latest run of each callback in each server: told, by being dropped, when that has begun. What is slow about one server
/// holds up no other.
#[derive(Default)]
pub(super) struct Turns {
    latest: HashMap<(Arc<str>, Option<GuildId>), oneshot::Receiver<()>>,
    /// At how many those are looked for that have begun.
    full: usize,
}

impl Turns {
    fn take(&mut self, callback: &Arc<str>, guild: Option<GuildId>) -> Place {
        if self.latest.len() >= self.full {
            let is_to_come = |after: &mut oneshot::Receiver<()>| matches!(after.try_recv(), Err(TryRecvError::Empty));
            self.latest.retain(|_, after| is_to_come(after));
            // So that each look is paid for by as many runs.
            self.full = (self.latest.len() * 2).max(64);
        }
        let (begun, after) = oneshot::channel();
        let before = self.latest.insert((Arc::clone(callback), guild), after);
        Place { before, _begun: begun }
    }
}

/// A place among the runs of a callback.
struct Place {
    before: Option<oneshot::Receiver<()>>,
    /// Dropped when it has begun.
    _begun: oneshot::Sender<()>,
}

/// How long is waited for an event's callbacks.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// How long one may take.
    each: Duration,
    /// When all have to be done.
    until: Instant,
    /// Whether a refusal is an answer.
    may_refuse: bool,
}

impl Limits {
    /// So long each, and so long all together, from now on.
    pub(super) fn new((each, all): (Duration, Duration), may_refuse: bool) -> Self {
        Self {
            each: each.min(LIMIT),
            until: Instant::now() + all,
            may_refuse,
        }
    }
}

/// What clocks and threads may differ by.
const SLACK: Duration = Duration::from_millis(20);

/// An event that was emitted.
pub(super) struct Emission {
    pub(super) payload: String,
    /// The server that it is about.
    pub(super) guild: Option<GuildId>,
    /// How many events of a chain came before it.
    pub(super) depth: u64,
    /// Which plugin has emitted it.
    pub(super) by: Option<PluginName>,
    /// Where somebody waits.
    pub(super) limits: Option<Limits>,
}

impl Emission {
    /// Whether it counts among those that nobody waits for.
    pub(super) fn is_counted(&self) -> bool {
        self.by.is_none() && self.limits.is_none()
    }
}

/// A callback, and its place among the runs of it; none where somebody waits, who does not wait for other events.
struct Due {
    listener: Listener,
    place: Option<Place>,
}

/// An event on its way.
pub(super) struct Dispatch {
    hooks: Arc<Inner>,
    emission: Emission,
    ranks: Vec<Vec<Vec<Due>>>,
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        self.hooks.emission_ended(&self.emission);
    }
}

impl Dispatch {
    /// Takes a place for each callback.
    pub(super) fn new(hooks: Arc<Inner>, emission: Emission, listeners: Vec<Listener>, turns: &mut Turns) -> Self {
        let mut place = |listener: Listener| {
            let place = emission
                .limits
                .is_none()
                .then(|| turns.take(&listener.id, emission.guild));
            Due { listener, place }
        };
        let mut of_rank = |rank: Vec<Vec<Listener>>| -> Vec<Vec<Due>> {
            let of_one = |of_one: Vec<Listener>| of_one.into_iter().map(&mut place).collect();
            rank.into_iter().map(of_one).collect()
        };
        let ranks = ranks(listeners).into_iter().map(&mut of_rank).collect();
        Self { hooks, emission, ranks }
    }

    /// Runs all of them; the text of the first that refused, where that counts.
    pub(super) async fn run(mut self) -> Option<String> {
        for rank in std::mem::take(&mut self.ranks) {
            let refused = join_all(rank.into_iter().map(|of_one| self.run_of_one(of_one))).await;
            if let Some(text) = refused.into_iter().flatten().next() {
                return Some(text);
            }
        }
        None
    }

    /// The callbacks of one plugin, one after the other.
    async fn run_of_one(&self, callbacks: Vec<Due>) -> Option<String> {
        for due in callbacks {
            if let Some(text) = self.run_one(due).await {
                return Some(text);
            }
        }
        None
    }

    async fn run_one(&self, due: Due) -> Option<String> {
        let Due { listener, mut place } = due;
        if let Some(before) = place.as_mut().and_then(|place| place.before.take()) {
            // An error is what is waited for: the sender was dropped.
            let _ = before.await;
        }
        let lanes = self.hooks.lanes()?;
        let now = Instant::now();
        let limits = self.emission.limits;
        let until = limits.map(|limits| limits.until.min(now + limits.each));
        let limit = until.map_or(LIMIT, |until| until.saturating_duration_since(now));
        if limit.is_zero() {
            return None;
        }
        // Others have taken so much of the time that its end says nothing of this one.
        let is_short = limits.is_some_and(|limits| limit + SLACK < limits.each);
        let generation = match listener.source {
            Source::Registered { generation, .. } => generation,
            Source::Declared { .. } => lanes.generation(&listener.plugin)?,
        };
        let is_off = lanes.is_off(&listener.id);
        let admitted = self
            .hooks
            .board()
            .admit(&listener.id, generation, is_off, now.into_std());
        let admission = match admitted {
            Ok(admission) => admission,
            Err(left) => {
                tracing::debug!(callback = %listener.id, event = %listener.event, ?left, "a callback is left out");
                return None;
            }
        };
        let number = self.hooks.last_run.fetch_add(1, Ordering::Relaxed);
        let run = run_id(number, self.emission.depth);
        let (sender, mut news) = mpsc::unbounded_channel();
        self.hooks.runs().insert(run, sender);
        let at_ms = milliseconds_since_1970();
        let head = serde_json::to_vec(&head(&listener, limit)).unwrap_or_default();
        let handed = lanes.deliver(&listener, run, &head, &self.emission.payload);
        drop(place);
        let (end, began) = match handed {
            Handed::Now => wait(&mut news, false, (limit, until)).await,
            Handed::Waits => wait(&mut news, true, (limit, until)).await,
            Handed::Full => {
                let text = "its plugin's queue is full, or its thread takes nothing".to_owned();
                (End::Failed(text, None), now)
            }
            Handed::Absent => {
                self.hooks.runs().remove(&run);
                let now = now.into_std();
                self.hooks.board().not_begun(&listener.id, (generation, admission), now);
                return None;
            }
        };
        self.hooks.runs().remove(&run);
        let mut past = past_run(&listener, at_ms, began.elapsed());
        let (came, failed) = match end {
            End::Done => (Came::Done, None),
            End::Refused(text) if limits.is_some_and(|limits| limits.may_refuse) => {
                past.veto = Some(text);
                (Came::Done, None)
            }
            End::Refused(text) => (Came::Failed, Some((format!("it refused: {text}"), None))),
            // Also if the plugin has cut it off first.
            End::Failed(text, None) if is_short && began.elapsed() + SLACK >= limit => {
                past.error = Some(format!("{text}: those before it have taken the rest of the time"));
                (Came::Undecided, None)
            }
            End::Failed(text, panic) => (Came::Failed, Some((text, panic))),
            End::Interrupted => {
                past.error = Some("its plugin ended meanwhile".to_owned());
                (Came::Undecided, None)
            }
        };
        if let Some((text, _)) = &failed {
            past.error = Some(text.clone());
        }
        let veto = past.veto.clone();
        let now = Instant::now().into_std();
        let opened = self
            .hooks
            .board()
            .ended(&listener.id, (generation, admission), came, past, now);
        if let Some((text, panic)) = failed {
            self.hooks.report(Report::Failed(Failure {
                plugin: listener.plugin,
                generation,
                callback: listener.id,
                event: listener.event,
                text,
                panic,
                opened,
            }));
        }
        veto
    }
}

fn head(listener: &Listener, limit: Duration) -> HookRun {
    let (function, registration) = match &listener.source {
        Source::Declared { function } => (function.clone(), None),
        Source::Registered { number, .. } => (String::new(), Some(*number)),
    };
    HookRun {
        event: listener.event.to_string(),
        function,
        registration,
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1),
    }
}

fn milliseconds_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
