//! One running generation of a plugin: its thread, what it was asked, and what it asks.
//!
//! The host starts the thread, the plugin's library is opened on it, and the plugin's lane runs on it until it is
//! stopped. Everything that passes between the two are envelopes: what the host asks waits here for its answer, what the
//! plugin asks goes to the [`Desk`]. Nothing of a plugin's memory is kept.

mod events;
mod guilds;
mod late;
mod looking;
mod receive;
mod scheduled;
mod services;
mod start;
mod watches;

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use plugin_abi::{Delivery, Envelope, Host, LaneHandle, PluginModuleRef};
use plugin_protocol::{
    Description, Drain, Invocation, LogRecord, Manifest, Outcome, PanicReport, PluginName, Problem, ProblemCode,
    Settings, Stop, StopReason, Stopped, Suggestions, Verdict, kind, lane_name,
};
use serde::Serialize;
use tokio::{
    sync::{Notify, SetOnce, oneshot, watch},
    time::timeout,
};

use super::{
    asked::Asked,
    delivery::GivenUp,
    lane::{Gate, Ticket},
    latency::{Handler, Latencies},
    loader,
    pulse::{Beat, Pulse},
    ranges::Ranges,
    room::{Room, UnderWay},
    shadow::ContentHash,
    stall::Stall,
};

/// How long a lane's thread may take to end after it has said that it stopped.
const ENDING: Duration = Duration::from_secs(3);
/// Ids of the host's own requests have the highest bit, ids of invocations have not.
const REQUEST_BIT: u64 = 1 << 63;

pub use events::{EventDelivery, Successor};
use events::{Events, Handed};
pub use guilds::GuildValues;
use looking::{Invoked, Looks};
use receive::Context;
pub use scheduled::{timer_delivery, timer_of};
pub use services::{Serving, Within};
pub use start::{NotStarted, StartFailure};

/// Whether an id of a delivery is an event's, and not an invocation's.
#[must_use]
pub fn is_event(id: u64) -> bool {
    id & REQUEST_BIT != 0
}

/// What the host does with what generations ask and tell. Called on plugins' threads: it must not wait.
pub trait Desk: Send + Sync + 'static {
    /// A request of kind RESPOND, REST, CALL, SQL, KEYS, FILES, WATCH or `SERVICE_CALL`, to be answered once by [`Generation::answer`].
    fn asked(&self, from: &Arc<Generation>, request: Request);
    /// An invocation or an event has come to its end. Dropping `ticket` lets the generation be retired.
    fn finished(&self, from: &Arc<Generation>, id: u64, outcome: Outcome, ticket: Ticket);
    /// It listens no more by a callback that it has registered.
    fn unregistered(&self, from: &Arc<Generation>, registration: u64);
    /// One of its functions no longer waits for something that people do.
    fn unwatched(&self, from: &Arc<Generation>, id: u64);
    /// A log record.
    fn logged(&self, from: &Arc<Generation>, record: &LogRecord);
    /// A panic outside of any invocation.
    fn panicked(&self, from: &Arc<Generation>, report: &PanicReport);
    /// The lane has ended without having been asked to.
    fn died(&self, from: &Arc<Generation>);
    /// The generation was told to end, and that came to this.
    fn ended(&self, from: &Arc<Generation>, why: StopReason, ending: Ending);
    /// An invocation that waited in a hold goes to this generation now.
    fn delivers(&self, to: &Generation, id: u64);
    /// Whether anybody still waits for this run of a hook's callback.
    fn waits_for(&self, run: u64) -> bool;
    /// An invocation that waited in a hold goes to none: who asked has to be told.
    fn gave_up(&self, id: u64, why: GivenUp);
    /// What was given to a generation and has not come to its end, oldest first, in words and cut to a few.
    fn under_way(&self, of: &Generation) -> Vec<String>;
}

/// What a plugin asks.
#[derive(Debug)]
pub struct Request {
    /// The kind: RESPOND, REST, CALL, SQL, KEYS, FILES, WATCH or `SERVICE_CALL`.
    pub kind: u32,
    /// The plugin's id of it.
    pub id: u64,
    /// The head, JSON.
    pub head: Vec<u8>,
    /// The tail.
    pub tail: Bytes,
    /// Its bytes count until it is dropped.
    pub(super) _room: Room,
}

/// An answer of a plugin to a request of the host.
#[derive(Debug)]
struct Answer {
    head: Vec<u8>,
    tail: Bytes,
    problem: bool,
}

/// What a generation's stop function hands to the next one.
#[derive(Clone, Debug)]
pub struct HandedOver {
    version: u32,
    bytes: Bytes,
}

#[derive(Debug)]
enum Waiting {
    Request(oneshot::Sender<Answer>),
    Invocation(Invoked),
    Event(Handed),
    Service(services::Frame),
    Pulse,
    Look,
}

/// Where a generation's code comes from.
#[derive(Debug)]
pub enum Code {
    /// A private copy that the probe has passed.
    Copy(PathBuf),
    /// Linked into the host.
    Linked(PluginModuleRef),
}

/// What a generation is made of.
#[derive(Debug)]
pub struct Blueprint {
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// What it offers.
    pub description: Arc<Description>,
    /// The hash of its file; `None` if it is linked.
    pub hash: Option<ContentHash>,
    /// Its number among the generations of this plugin.
    pub number: u32,
    /// Where its code comes from.
    pub code: Code,
}

/// How a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It stopped, and its thread has ended.
    Clean,
    /// Its thread goes on: it is closed, and what it sends is dropped.
    Abandoned,
}

/// Why something could not be delivered; the ticket is given back by being dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The lane's queue is full.
    Full,
    /// The lane has ended.
    Closed,
}

/// One running generation of a plugin.
pub struct Generation {
    /// The plugin's manifest.
    pub manifest: Arc<Manifest>,
    /// What it offers.
    pub description: Arc<Description>,
    /// Its version, and which of others it wants.
    pub ranges: Ranges,
    /// The hash of its file; `None` if it is linked.
    pub hash: Option<ContentHash>,
    /// Its number among the generations of this plugin.
    pub number: u32,
    /// How long it took from opening to the end of its start function.
    pub load_time: OnceLock<Duration>,
    /// Since when it serves: it is told so just before the table leads to it.
    pub serving_since: OnceLock<SystemTime>,
    /// The table leads to it, or has.
    pub in_force: SetOnce<()>,
    /// Counts what is under way.
    pub gate: Arc<Gate>,
    late: OnceLock<late::Late>,
    /// Whether the lane takes what it is given.
    pub pulse: Pulse,
    /// What blocks the lane, as far as it says so.
    pub stall: Stall,
    /// How long its handlers take.
    pub(super) latencies: Latencies,
    /// The private copy that it was opened from; `None` if it is linked.
    pub copy: Option<PathBuf>,
    /// What it was told last of its configuration. A lock of std: held while an envelope is queued.
    settings: Mutex<Settings>,
    /// The revision of what servers have set that it was told last of all. A lock of std: held while an envelope is queued.
    guilds_told: Mutex<u64>,
    lane: OnceLock<(PluginModuleRef, LaneHandle)>,
    desk: Arc<dyn Desk>,
    /// The way of the plugin to the host; closed, it holds nothing.
    link: Arc<RwLock<Option<Arc<Generation>>>>,
    waiting: Mutex<HashMap<u64, Waiting>>,
    events: Events,
    asked: Asked,
    looks: Looks,
    next_request: AtomicU64,
    requests: AtomicUsize,
    /// Told when a generation that is being stopped has no requests left.
    answered: Notify,
    /// What of its requests is bounded beside their number.
    under_way: Arc<UnderWay>,
    stopping: AtomicBool,
    /// What its stop function handed over.
    handed_over: OnceLock<HandedOver>,
    ended: watch::Sender<bool>,
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("plugin", &self.manifest.name)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// The answer to a request: its number, then head and tail.
pub type Answered<T> = (u64, (Result<T, Problem>, Vec<u8>));

impl Generation {
    /// The plugin's name.
    #[must_use]
    pub fn name(&self) -> &PluginName {
        &self.manifest.name
    }

    /// Whether it is linked into the host.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.hash.is_none()
    }

    /// The name of the lane's threads.
    #[must_use]
    pub fn lane_name(&self) -> String {
        lane_name(self.name().as_str(), self.number)
    }

    /// Whether it was asked to stop, or has ended by itself.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Whether the lane has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// How many of its requests have not been answered.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Waits until a generation that was stopped has no request left that is being answered.
    pub async fn answered(&self) {
        loop {
            let answered = self.answered.notified();
            tokio::pin!(answered);
            // Registers before the look, so that a notice in between is not missed.
            answered.as_mut().enable();
            if self.requests.load(Ordering::SeqCst) == 0 {
                return;
            }
            answered.await;
        }
    }

    /// Feels the pulse of the lane: asks it, if that is due.
    pub fn beat(&self, now: Instant) -> Beat {
        let beat = self.pulse.beat(self.gate.tickets() > 0, now);
        if beat == Beat::Ask {
            self.ask_pulse();
        }
        beat
    }

    fn ask_pulse(&self) {
        let id = self.event_id();
        self.waiting().insert(id, Waiting::Pulse);
        let _ = self.hand_over(&Envelope::new(kind::PULSE, kind::FLAG_UNBOUNDED, id, b"null", &[]));
    }

    /// The body of the lane's thread.
    fn run(self: Arc<Self>, code: Code, head: &[u8], loaded: oneshot::Sender<Result<(), StartFailure>>) {
        let module = match code {
            Code::Linked(module) => Ok(module),
            Code::Copy(path) => loader::open_probed(&path),
        };
        let module = match module {
            Ok(module) => module,
            Err(failure) => {
                let _ = loaded.send(Err(failure.into()));
                return;
            }
        };
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&self));
        let context = Context(Arc::clone(&self.link));
        let Some(lane) = module.make_lane(Host::leak(Box::new(context)), head) else {
            self.close();
            let _ = loaded.send(Err(StartFailure::NoLane));
            return;
        };
        let _ = self.lane.set((module, lane));
        if loaded.send(Ok(())).is_ok() {
            let orderly = module.run_lane(lane);
            if !orderly {
                tracing::error!(plugin = %self.name(), generation = self.number, "the lane panicked");
            }
        }
        let died = !self.stopping.swap(true, Ordering::SeqCst);
        self.close();
        self.ended.send_replace(true);
        if died {
            self.desk.died(&self);
        }
    }

    /// Drops what the plugin sends from now on, and brings what waits for it to an end.
    fn close(self: &Arc<Self>) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = None;
        let left = std::mem::take(&mut *self.waiting());
        self.end_events();
        for (id, waiting) in left {
            let ticket = match waiting {
                Waiting::Invocation(invoked) => Some(invoked.ticket),
                Waiting::Event(handed) => Some(handed.ticket),
                // Dropping a sender tells that the lane is closed.
                Waiting::Request(_) | Waiting::Service(_) | Waiting::Pulse | Waiting::Look => None,
            };
            if let Some(ticket) = ticket {
                let outcome = Outcome {
                    verdict: Verdict::Interrupted,
                    ..Outcome::default()
                };
                self.desk.finished(self, id, outcome, ticket);
            }
        }
    }

    /// Delivers an invocation, or anything else that a handler answers to; the [`Desk`] hears of its end exactly once if
    /// this is `Ok`. Events go by [`deliver_event`](Self::deliver_event).
    ///
    /// # Errors
    ///
    /// The lane is full or has ended; the ticket is given back.
    pub fn deliver(
        &self,
        handler: impl Into<Handler>,
        id: u64,
        head: &[u8],
        payload: &[u8],
        ticket: Ticket,
    ) -> Result<(), Undelivered> {
        let handler = handler.into();
        let invoked = Invoked {
            ticket,
            handler,
            since: Instant::now(),
        };
        self.waiting().insert(id, Waiting::Invocation(invoked));
        let delivery = self.hand_over(&Envelope::new(handler.envelope(), 0, id, head, payload));
        if delivery == Delivery::ACCEPTED {
            return Ok(());
        }
        // Absent: the lane ended in between, and the desk has heard that it was interrupted.
        match self.waiting().remove(&id) {
            None => Ok(()),
            Some(_) if delivery == Delivery::FULL => Err(Undelivered::Full),
            Some(_) => Err(Undelivered::Closed),
        }
    }

    /// An id for an event, which nobody else knows.
    pub fn event_id(&self) -> u64 {
        self.next_request.fetch_add(1, Ordering::Relaxed) | REQUEST_BIT
    }

    /// Answers a request of the plugin.
    pub fn answer<T: Serialize>(&self, id: u64, answer: &Result<T, Problem>, tail: &[u8]) {
        let (flags, head) = match answer {
            Ok(head) => (kind::FLAG_UNBOUNDED, to_json(head)),
            Err(problem) => (kind::FLAG_UNBOUNDED | kind::FLAG_PROBLEM, to_json(problem)),
        };
        // In one order with the store of `stop`: one of the two sees the other.
        if self.requests.fetch_sub(1, Ordering::SeqCst) == 1 && self.stopping.load(Ordering::SeqCst) {
            self.answered.notify_waiters();
        }
        // A lane that has ended needs no answer.
        let _ = self.hand_over(&Envelope::new(kind::ANSWER, flags, id, &head, tail));
    }

    /// Answers several requests of the plugin, waking it once.
    pub fn answer_all<T: Serialize>(&self, answers: &[Answered<T>]) {
        let heads: Vec<_> = answers
            .iter()
            .map(|(_, (answer, _))| match answer {
                Ok(head) => (kind::FLAG_UNBOUNDED, to_json(head)),
                Err(problem) => (kind::FLAG_UNBOUNDED | kind::FLAG_PROBLEM, to_json(problem)),
            })
            .collect();
        let envelopes: Vec<_> = answers
            .iter()
            .zip(&heads)
            .map(|((id, (_, tail)), (flags, head))| Envelope::new(kind::ANSWER, *flags, *id, head, tail))
            .collect();
        if self.requests.fetch_sub(answers.len(), Ordering::SeqCst) == answers.len()
            && self.stopping.load(Ordering::SeqCst)
        {
            self.answered.notify_waiters();
        }
        // A lane that has ended needs no answer.
        if let Some((module, lane)) = self.lane.get() {
            let _ = module.hand_over(*lane, &envelopes);
        }
    }

    /// Ends the generation: gives running handlers `grace`, then waits for the thread to end.
    pub async fn stop(self: &Arc<Self>, why: StopReason, grace: Duration) -> Ending {
        self.stopping.store(true, Ordering::SeqCst);
        let head = Stop {
            why,
            deadline_millis: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
        };
        let (answers_within, ends_within) = (grace + ENDING, ENDING);
        #[cfg(test)]
        let [answers_within, ends_within] =
            [answers_within, ends_within].map(|usual| super::fake::stop_limit(self.copy.as_deref(), usual));
        match timeout(answers_within, self.ask(kind::STOP, &head, &[])).await {
            Ok(Ok(answer)) => {
                let stopped: Stopped = serde_json::from_slice(&answer.head).unwrap_or_default();
                if let Some(version) = stopped.state_version {
                    let bytes = answer.tail;
                    let _ = self.handed_over.set(HandedOver { version, bytes });
                }
                if let Some(problem) = stopped.problem {
                    tracing::error!(plugin = %self.name(), generation = self.number, %problem, "the stop function failed");
                }
                if stopped.interrupted > 0 {
                    tracing::warn!(plugin = %self.name(), generation = self.number, interrupted = stopped.interrupted, "handlers were cut off");
                }
            }
            Ok(Err(problem)) => tracing::debug!(plugin = %self.name(), %problem, "the lane did not answer to stop"),
            Err(_) => {}
        }
        let mut ended = self.ended.subscribe();
        let clean = timeout(ends_within, ended.wait_for(|&ended| ended)).await.is_ok();
        let ending = if clean {
            Ending::Clean
        } else {
            self.close();
            Ending::Abandoned
        };
        self.desk.ended(self, why, ending);
        ending
    }

    async fn ask<T: Serialize>(&self, kind: u32, head: &T, tail: &[u8]) -> Result<Answer, Problem> {
        self.ask_as(self.event_id(), kind, head, tail).await
    }

    async fn ask_as<T: Serialize>(&self, id: u64, kind: u32, head: &T, tail: &[u8]) -> Result<Answer, Problem> {
        let closed = || Problem::new(ProblemCode::Closed, "the plugin's thread has ended");
        let (sender, answer) = oneshot::channel();
        self.waiting().insert(id, Waiting::Request(sender));
        let _forget = Forget(self, id);
        let envelope_head = to_json(head);
        if self.hand_over(&Envelope::new(kind, kind::FLAG_UNBOUNDED, id, &envelope_head, tail)) != Delivery::ACCEPTED {
            return Err(closed());
        }
        let answer = answer.await.map_err(|_| closed())?;
        if answer.problem {
            return Err(serde_json::from_slice(&answer.head)
                .unwrap_or_else(|_| Problem::new(ProblemCode::Unknown, "an answer that can't be read")));
        }
        Ok(answer)
    }

    /// What its stop function handed over; `None` until it has stopped, and if that was nothing.
    #[must_use]
    pub fn handed_over(&self) -> Option<&HandedOver> {
        self.handed_over.get()
    }

    /// Asks what an argument may be that is being typed, under an id of the open invocations. Dropped, it waits for nothing.
    ///
    /// # Errors
    ///
    /// The plugin suggests nothing for it, panics, or its lane has ended.
    pub async fn suggest(&self, id: u64, invocation: &Invocation, payload: &[u8]) -> Result<Suggestions, Problem> {
        let answer = self.ask_as(id, kind::SUGGEST, invocation, payload).await?;
        serde_json::from_slice(&answer.head).map_err(|error| {
            let text = format!("its suggestions can't be read: {error}");
            Problem::new(ProblemCode::Invalid, text)
        })
    }

    /// Says that nothing new comes: who waits for people is to end that.
    pub fn drain(&self, why: StopReason) {
        self.tell(kind::DRAIN, &to_json(&Drain { why }));
    }

    fn tell(&self, kind: u32, head: &[u8]) {
        let _ = self.hand_over(&Envelope::new(kind, kind::FLAG_UNBOUNDED, 0, head, &[]));
    }

    fn hand_over(&self, envelope: &Envelope<'_>) -> Delivery {
        match self.lane.get() {
            Some((module, lane)) => module.hand_over(*lane, std::slice::from_ref(envelope)),
            None => Delivery::CLOSED,
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    // The protocol's types have string keys and no failing Serialize.
    serde_json::to_vec(value).unwrap_or_default()
}
/// Forgets a question that nobody waits for any more.
struct Forget<'g>(&'g Generation, u64);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.waiting().remove(&self.1);
    }
}
