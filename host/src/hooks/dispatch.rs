//! One event on its way to all its callbacks, rank by rank.
//!
//! Runs of one callback begin in the order in which their events were emitted, whatever the others of those events do; how
//! long each takes delays nobody but the ranks below it.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use plugin_protocol::{GuildId, PluginName, hooks::HookRun};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    board::{Came, past_run},
    emitter::{Inner, Report},
    listener::{Listener, Source},
    order::ranks,
    run::{End, Failure, Handed, LIMIT, run_id, wait},
};

/// The latest run of each callback: told, by being dropped, when that has begun.
pub(super) type Turns = HashMap<Arc<str>, oneshot::Receiver<()>>;

/// An event that was emitted.
pub(super) struct Emission {
    pub(super) event: Arc<str>,
    pub(super) payload: String,
    /// The server that it is about.
    pub(super) guild: Option<GuildId>,
    /// How many events of a chain came before it.
    pub(super) depth: u64,
    /// Which plugin has emitted it.
    pub(super) by: Option<PluginName>,
    /// Where somebody waits: how long one callback may take, and when all have to be done. A refusal is an answer then.
    pub(super) limits: Option<(Duration, Instant)>,
}

/// A callback, and its place among the runs of it.
struct Due {
    listener: Listener,
    before: Option<oneshot::Receiver<()>>,
    /// Dropped when it has begun.
    begun: oneshot::Sender<()>,
}

/// An event on its way.
pub(super) struct Dispatch {
    hooks: Arc<Inner>,
    emission: Emission,
    ranks: Vec<Vec<Vec<Due>>>,
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        self.hooks.emission_ended(self.emission.by.as_ref());
    }
}

impl Dispatch {
    /// Takes a place for each callback.
    pub(super) fn new(hooks: Arc<Inner>, emission: Emission, listeners: Vec<Listener>, turns: &mut Turns) -> Self {
        let mut place = |listener: Listener| {
            let (begun, after) = oneshot::channel();
            let before = turns.insert(Arc::clone(&listener.id), after);
            Due {
                listener,
                before,
                begun,
            }
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
        let Due {
            listener,
            before,
            begun,
        } = due;
        if let Some(before) = before {
            // An error is what is waited for: the sender was dropped.
            let _ = match self.emission.limits {
                Some((_, until)) => timeout_at(until, before).await.is_ok(),
                None => before.await.is_err(),
            };
        }
        let lanes = self.hooks.lanes()?;
        let now = Instant::now();
        let until = self.emission.limits.map(|(each, all)| all.min(now + each));
        let limit = until.map_or(LIMIT, |until| until.saturating_duration_since(now).min(LIMIT));
        if limit.is_zero() {
            return None;
        }
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
        drop(begun);
        let (end, began) = match handed {
            Handed::Now => wait(&mut news, false, (limit, until)).await,
            Handed::Waits => wait(&mut news, true, (limit, until)).await,
            Handed::Full => {
                let text = "its plugin's queue is full, or its thread takes nothing".to_owned();
                (End::Failed(text, None), now)
            }
            Handed::Absent => (End::Interrupted, now),
        };
        self.hooks.runs().remove(&run);
        let mut past = past_run(&listener, at_ms, began.elapsed());
        let (came, failed) = match end {
            End::Done => (Came::Done, None),
            End::Refused(text) if self.emission.limits.is_some() => {
                past.veto = Some(text);
                (Came::Done, None)
            }
            End::Refused(text) => (Came::Failed, Some((format!("it refused: {text}"), None))),
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
