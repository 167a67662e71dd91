//! The start of a generation: its thread, its library, its start function, and why one of them failed.
//!
//! What started in part is given back: whoever wanted the generation stops it, and may have to wait for that.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use plugin_protocol::{Settings, Start, StopReason, kind};
use tokio::{
    sync::{Notify, SetOnce, oneshot, watch},
    time::timeout,
};

use super::{Blueprint, Code, Desk, ENDING, Ending, Generation, GuildValues, HandedOver, Looks, to_json};
use crate::{
    plugins::{
        asked::Asked, event_queue, lane::Gate, latency::Latencies, loader, pulse::Pulse, ranges::Ranges, stall::Stall,
    },
    telemetry,
};

/// How long opening a library may take.
const OPENING: Duration = Duration::from_secs(10);
/// How long a start function may take.
const STARTING: Duration = Duration::from_secs(30);

/// Why a generation did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartFailure {
    /// The library could not be opened.
    #[error(transparent)]
    Load(#[from] loader::LoadFailure),
    /// Opening it did not come to an end.
    #[error("loading does not finish: no further plugin can be loaded until the bot is restarted")]
    Stuck,
    /// The lane could not be made.
    #[error("it panics before its start function: its library is broken, build it again")]
    NoLane,
    /// What the owner set for it can't be used.
    #[error("{0}")]
    Settings(String),
    /// The start function failed or panicked.
    #[error(
        "its start function failed: {0}; mend that and replace the file, or try it once more by `load` or `reload`"
    )]
    Start(String),
    /// The start function did not come to an end.
    #[error(
        "its start function does not finish within {} s: what takes long belongs into a task that it spawns",
        STARTING.as_secs()
    )]
    Slow,
    /// No thread.
    #[error("no thread can be started ({0}): check the limits of processes and memory, or restart the bot")]
    Thread(String),
    /// Its database is not what it expects.
    #[error("its database can't be brought up to date: {0}")]
    Migration(String),
    /// It is no longer wanted.
    #[error("its start was given up, for it is to be unloaded or the bot stops: `load` starts it")]
    GivenUp,
}

/// A generation that did not start.
#[derive(Debug)]
pub struct NotStarted {
    /// Why.
    pub why: StartFailure,
    /// What started in part, and has to be stopped.
    pub rest: Option<Arc<Generation>>,
}

impl From<StartFailure> for NotStarted {
    fn from(why: StartFailure) -> Self {
        Self { why, rest: None }
    }
}

impl Generation {
    /// Opens the code on a thread of its own and runs the start function, until `given_up`, with what an older generation
    /// handed over. It serves nothing before [`activate`](Self::activate).
    ///
    /// # Errors
    ///
    /// [`NotStarted`], of which the caller stops the rest.
    pub async fn start(
        blueprint: Blueprint,
        desk: Arc<dyn Desk>,
        settings: Settings,
        guilds: GuildValues,
        handed: Option<&HandedOver>,
        given_up: impl Future<Output = ()>,
    ) -> Result<Arc<Self>, NotStarted> {
        let began = Instant::now();
        let Blueprint {
            manifest,
            description,
            hash,
            number,
            code,
        } = blueprint;
        let events = super::events::Line::new(event_queue::Waiting::new(
            description.event_queue,
            description.tells_begun,
        ));
        let generation = Arc::new(Self {
            ranges: Ranges::of(&manifest),
            manifest,
            description,
            hash,
            number,
            load_time: OnceLock::new(),
            serving_since: OnceLock::new(),
            in_force: SetOnce::new(),
            gate: Arc::new(Gate::default()),
            late: OnceLock::new(),
            pulse: Pulse::default(),
            stall: Stall::default(),
            latencies: Latencies::default(),
            events: std::sync::Mutex::new(events),
            looks: Looks::default(),
            asked: Asked::default(),
            copy: match &code {
                Code::Copy(path) => Some(path.clone()),
                Code::Linked(_) => None,
            },
            desk,
            link: Arc::default(),
            settings: std::sync::Mutex::new(settings.clone()),
            guilds_told: std::sync::Mutex::new(guilds.revision),
            lane: OnceLock::new(),
            waiting: std::sync::Mutex::default(),
            next_request: AtomicU64::new(1),
            requests: AtomicUsize::new(0),
            answered: Notify::new(),
            under_way: Arc::default(),
            stopping: AtomicBool::new(false),
            handed_over: OnceLock::new(),
            ended: watch::Sender::new(false),
        });
        let head = Start {
            plugin: generation.name().to_string(),
            generation: number,
            settings,
            state_version: handed.map(|handed| handed.version),
            guild_settings: guilds.set,
        };
        let (loaded, mut loading) = oneshot::channel();
        let on_thread = Arc::clone(&generation);
        let lane_head = to_json(&head);
        // What a linked plugin logs goes where the bot's records go; a loaded one has a `tracing` of its own.
        let lane = telemetry::with_subscriber(move || on_thread.run(code, &lane_head, loaded));
        thread::Builder::new()
            .name(generation.lane_name())
            .spawn(lane)
            .map_err(|error| StartFailure::Thread(error.to_string()))?;
        tokio::pin!(given_up);
        let opened = tokio::select! {
            biased;
            opened = timeout(OPENING, &mut loading) => opened,
            () = &mut given_up => {
                // That its lane ends, or never begins, is no fault of its own.
                generation.stopping.store(true, Ordering::SeqCst);
                loading.close();
                let rest = matches!(loading.try_recv(), Ok(Ok(()))).then_some(generation);
                return Err(NotStarted { why: StartFailure::GivenUp, rest });
            }
        };
        match opened {
            Ok(Ok(loaded)) => loaded?,
            Ok(Err(_)) => return Err(StartFailure::NoLane.into()),
            Err(_) => return Err(StartFailure::Stuck.into()),
        }
        let saved = handed.map_or(&[][..], |handed| &handed.bytes);
        let limit = STARTING;
        #[cfg(test)]
        let limit = crate::plugins::fake::start_limit(generation.copy.as_deref(), limit);
        let why = tokio::select! {
            biased;
            answer = timeout(limit, generation.ask(kind::START, &head, saved)) => match answer {
                Ok(Ok(_)) => {
                    let _ = generation.load_time.set(began.elapsed());
                    return Ok(generation);
                }
                Ok(Err(problem)) => StartFailure::Start(problem.message),
                Err(_) => StartFailure::Slow,
            },
            () = given_up => StartFailure::GivenUp,
        };
        Err(NotStarted {
            why,
            rest: Some(generation),
        })
    }

    /// Stops what started in part.
    pub async fn stop_rest(self: Arc<Self>) {
        if self.stop(StopReason::Rollback, ENDING).await == Ending::Abandoned {
            tracing::error!(plugin = %self.name(), generation = self.number, "did not start and does not stop: its thread is abandoned until the bot is restarted");
        }
    }
}
