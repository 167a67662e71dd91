//! Drives the gateway: connects the shards, reads events in order, and brings the sessions to a clean end.
//!
//! Each shard has one task, which alone touches its [`EventSource`]. Discord's refusal of privileged intents is no end:
//! the bot goes on without them and says what is missing.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use plugin_protocol::ApplicationId;
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle, JoinSet},
    time::{self, sleep, sleep_until, timeout},
};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use twilight_model::gateway::Intents;

use super::{
    Failure,
    figures::Figures,
    hooks,
    ready::Standing,
    recommendation::{self, NoAnswer},
    router::Router,
    sends::Sends,
};
use crate::{
    cache::Cache,
    config::{self, Environment, Root},
    gateway::{
        self, EventSource, GatewayError, IdentifyQueue, Partial, PresenceFacts, RawEvent, Recommended, SessionState,
        ShardSource, ShardsSettings, Starts, intents,
        snapshot::{Expected, Snapshot},
    },
    plugins::Plugins,
    rest::Rest,
    telemetry::{Faults, NoticeKind, Notices},
};

/// The gateway of a bot.
pub struct Gateway {
    /// When the process began.
    pub began: Instant,
    /// The settings.
    pub config: config::Live,
    /// Token and addresses.
    pub environment: Environment,
    /// The bot's folder.
    pub root: Root,
    /// What is known of servers.
    pub cache: Cache,
    /// Has to know the application.
    pub rest: Rest,
    /// Where events go.
    pub router: Arc<Router>,
    /// Who has to know who the bot is, and whose events are asked for.
    pub plugins: Plugins,
    /// Tells the owner.
    pub notices: Notices,
    /// How far the end of the bot has come.
    pub phase: watch::Receiver<Phase>,
    /// Holds a token for every shard that dispatches events.
    pub dispatching: TaskTracker,
    /// Is told the application once the gateway has told it.
    pub identity: watch::Sender<Option<ApplicationId>>,
    /// Counts servers that came, changed or went.
    pub guilds: watch::Sender<u64>,
    /// What plugins send.
    pub sends: Sends,
    /// The tasks of the shards.
    pub running: JoinSet<Result<ShardSource, GatewayError>>,
    /// What was asked for at the last connect.
    pub asked: Option<Intents>,
    /// What the owner has been told that the bot goes without.
    pub refused: Intents,
    /// How many shards there are: as configured, unless Discord wants more.
    pub shards: u32,
    /// When shards may identify.
    pub queue: Option<IdentifyQueue>,
    /// How each shard stands is told there.
    pub figures: Arc<Figures>,
    /// Discord is being asked how many shards and sessions there may be.
    pub asking: Option<JoinHandle<Result<Recommended, NoAnswer>>>,
    /// How far the gateway has come.
    pub standing: watch::Sender<Standing>,
}

/// How often a shard tells how its connection is.
const LOOK: Duration = Duration::from_secs(2);
/// How long the start waits for Discord's advice.
const ADVICE: Duration = Duration::from_secs(3);
/// The shortest wait until Discord is asked again whether a session may be started.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl Gateway {
    /// Runs all shards until Discord ends the connection for good.
    ///
    /// # Errors
    ///
    /// Why the bot can't go on.
    pub async fn run(&mut self) -> Result<Infallible, Failure> {
        let mut changes = self.plugins.views();
        loop {
            if self.running.is_empty() {
                self.connect().await?;
            }
            let ended = tokio::select! {
                ended = self.running.join_next() => ended,
                Ok(()) = changes.changed() => {
                    self.note_missing_intents();
                    continue;
                }
                answer = answered(&mut self.asking) => {
                    if let (Some(recommended), Some(queue)) = (Self::advice(answer)?, &self.queue) {
                        queue.update(&recommended.starts);
                    }
                    continue;
                }
            };
            match ended {
                Some(Ok(Err(GatewayError::DisallowedIntents { privileged }))) if !privileged.is_empty() => {
                    self.go_on_without(privileged).await;
                    self.running.shutdown().await;
                }
                Some(Ok(Err(error @ GatewayError::Sharding { .. }))) => {
                    self.running.shutdown().await;
                    self.shard_as_recommended(error).await?;
                }
                Some(Ok(Err(error))) => return Err(error.into()),
                Some(Err(error)) => {
                    tracing::error!(%error, "a shard's task ended");
                    return Err(GatewayError::Closed { code: None }.into());
                }
                // Told to close, which only the end does.
                Some(Ok(Ok(_))) | None => return Err(GatewayError::Closed { code: None }.into()),
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        let intents = self.asked.unwrap_or_else(|| self.wanted());
        self.asked = Some(intents);
        let sessions = self.sessions(intents);
        let queue = if sessions.is_empty() {
            self.may_start().await?
        } else {
            self.queue
                .clone()
                .unwrap_or_else(|| IdentifyQueue::new(&Starts::default()))
        };
        self.queue = Some(queue.clone());
        self.standing.send_modify(|standing| {
            standing.wanted = self.shards;
            standing.intents = Some(intents);
            standing.refused = self.refused;
        });
        let facts = (!sessions.is_empty()).then(|| facts(&self.cache, &self.plugins, self.shards, self.began));
        let settings = ShardsSettings {
            token: self.environment.token.clone(),
            gateway_url: self.environment.gateway_url.clone(),
            intents,
            shards: self.shards,
            presence: gateway::identify_presence(&self.config.get().status, facts.as_ref()),
            queue,
        };
        for source in gateway::shards(&settings, sessions)? {
            let shard = Shard {
                began: self.began,
                config: self.config.clone(),
                shards: self.shards,
                cache: self.cache.clone(),
                rest: self.rest.clone(),
                router: Arc::clone(&self.router),
                plugins: self.plugins.clone(),
                identity: self.identity.clone(),
                standing: self.standing.clone(),
                guilds: self.guilds.clone(),
                faults: Faults::default(),
                figures: Arc::clone(&self.figures),
                presence: Presence::new(),
                sends: self.sends.clone(),
            };
            let work = shard.run(source, self.phase.clone(), self.dispatching.token());
            self.running.spawn(work);
        }
        Ok(())
    }

    /// Waits until sessions may be started, which usually is at once.
    async fn may_start(&mut self) -> Result<IdentifyQueue, Failure> {
        loop {
            let asking = self
                .asking
                .get_or_insert_with(|| tokio::spawn(recommendation::ask(self.rest.clone())));
            let Ok(answer) = timeout(ADVICE, asking).await else {
                tracing::warn!("Discord has not said in time how many sessions may be started: going on as configured");
                break;
            };
            self.asking = None;
            let Some(recommended) = Self::advice(answer)? else {
                break;
            };
            let starts = recommended.starts;
            let queue = match &self.queue {
                Some(queue) => {
                    queue.update(&starts);
                    queue.clone()
                }
                None => IdentifyQueue::new(&starts),
            };
            if starts.remaining > 0 {
                return Ok(queue);
            }
            let wait = starts.reset_after();
            let at = SystemTime::now()
                .checked_add(wait)
                .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let text = format!(
                "Discord lets this bot start {} sessions a day, and all of them are used up: it connects by itself <t:{}:R> \
                 (in {} s). Something restarts it too often: see the log of the runs before.",
                starts.total,
                at.unwrap_or_default().as_secs(),
                wait.as_secs()
            );
            self.notices.tell(NoticeKind::Gateway, text);
            sleep(wait.max(SHORTEST_WAIT)).await;
        }
        Ok(self
            .queue
            .clone()
            .unwrap_or_else(|| IdentifyQueue::new(&Starts::default())))
    }

    /// What Discord recommends; nothing if it did not say, for which there may be many reasons that pass.
    fn advice(answer: Asked) -> Result<Option<Recommended>, Failure> {
        match answer {
            Ok(Ok(recommended)) => {
                tracing::debug!(?recommended, "Discord's advice");
                Ok(Some(recommended))
            }
            Ok(Err(error)) if error.needs_the_owner() => Err(Failure::configuration(error)),
            Ok(Err(error)) => {
                tracing::warn!("the bot connects without Discord's advice on shards and sessions: {error}");
                Ok(None)
            }
            Err(error) => {
                tracing::error!(%error, "the task that asked for Discord's advice ended");
                Ok(None)
            }
        }
    }

    /// Discord refuses the number of shards: it says which one it wants.
    async fn shard_as_recommended(&mut self, error: GatewayError) -> Result<(), Failure> {
        let recommended = match recommendation::ask(self.rest.clone()).await {
            Ok(recommended) => recommended.shards,
            Err(no_answer) => {
                tracing::warn!("Discord was asked for the right number of shards in vain: {no_answer}");
                return Err(error.into());
            }
        };
        if recommended <= self.shards {
            return Err(error.into());
        }
        let text = format!(
            "Discord wants more shards than {}: the bot goes on with {recommended}. Set sharding.shards in config.json to \
             {recommended}, and it starts with them.",
            self.shards
        );
        self.notices.tell(NoticeKind::Gateway, text);
        self.shards = recommended;
        Ok(())
    }

    /// Waits until no shard dispatches events any more; their connections are kept.
    pub async fn quiet(&self) {
        self.dispatching.close();
        self.dispatching.wait().await;
    }

    /// The host's own intents and those of all plugins that run or are being started.
    fn wanted(&self) -> Intents {
        let table = self.router.routing.read();
        let names = table
            .offers()
            .flat_map(|(_, description)| description.events.iter().map(|event| event.name.as_str()));
        let declared = Intents::from_bits_truncate(self.plugins.intents());
        intents::wanted(self.config.get().discord.intents, names, declared)
    }

    /// A plugin that came later may handle events that Discord was not asked for, which takes a new session.
    fn note_missing_intents(&mut self) {
        let missing = self
            .asked
            .map_or(Intents::empty(), |asked| self.wanted() - asked - self.refused);
        if missing.is_empty() {
            return;
        }
        self.refused |= missing;
        let names: Vec<_> = missing.iter_names().map(|(name, _)| name).collect();
        let text = format!(
            "A plugin that was loaded after the start handles events of {}, which Discord was not asked for. Restart the \
             bot, and they come.",
            names.join(", ")
        );
        self.notices.tell(NoticeKind::Gateway, text);
    }

    /// The gateway does not say which of them it refuses, the application does. Without that answer, what commands by
    /// prefix need is given up last.
    async fn go_on_without(&mut self, privileged: Intents) {
        let refused = match timeout(ADVICE, recommendation::granted(&self.rest)).await {
            Ok(Some(granted)) => privileged - granted,
            _ => Intents::empty(),
        };
        let others = privileged - Intents::MESSAGE_CONTENT;
        let given_up = match (refused.is_empty(), others.is_empty()) {
            (false, _) => refused,
            (true, false) => others,
            (true, true) => privileged,
        };
        let text = format!(
            "{}. Until then the bot goes on without.",
            GatewayError::DisallowedIntents { privileged: given_up }
        );
        self.notices.tell(NoticeKind::Gateway, text);
        self.asked = self.asked.map(|asked| asked - given_up);
        self.refused |= given_up;
    }

    /// The sessions to go on with, with the cache as it was at their end; none if anything does not fit.
    fn sessions(&self, intents: Intents) -> BTreeMap<u32, SessionState> {
        match Snapshot::take(&self.root.session_file(), &self.expected(intents)) {
            Ok((sessions, cache, settings)) => {
                tracing::info!("resuming the session of the last run");
                self.cache.restore(cache);
                self.router.gatekeeper.administrators().restore(settings);
                sessions
            }
            Err(why) => {
                tracing::debug!(%why, "no session to resume");
                BTreeMap::new()
            }
        }
    }

    fn expected(&self, intents: Intents) -> Expected {
        Expected {
            bot_id: self.environment.token.bot_id(),
            intents,
            shards: self.shards,
            gateway_url: self.environment.gateway_url.clone(),
        }
    }

    /// Ends the connections so that the next start can resume, and writes down what it needs for that. The shards have
    /// to be told to close.
    pub async fn close(&mut self) {
        let mut sources = Vec::new();
        while let Some(ended) = self.running.join_next().await {
            match ended {
                Ok(Ok(source)) => sources.push(source),
                Ok(Err(error)) => tracing::warn!(%error, "a shard has ended before the bot"),
                Err(error) => tracing::error!(%error, "a shard's task ended"),
            }
        }
        let is_whole = u32::try_from(sources.len()).is_ok_and(|count| count == self.shards);
        let closing = sources
            .into_iter()
            .map(|source| async { (source.shard(), source.close(true).await) });
        let sessions: Option<BTreeMap<u32, SessionState>> = join_all(closing)
            .await
            .into_iter()
            .map(|(shard, session)| Some((shard, session?)))
            .collect();
        let (Some(sessions), Some(intents), true) = (sessions, self.asked, is_whole) else {
            tracing::debug!("not every shard has a session to resume");
            return;
        };
        let settings = self.router.gatekeeper.administrators().snapshot();
        let snapshot = Snapshot::new(self.expected(intents), sessions, self.cache.snapshot(), settings);
        if let Err(error) = snapshot.write(&self.root.session_file()) {
            tracing::warn!(%error, "the session can't be written down: the next start identifies anew");
        }
    }
}

type Asked = Result<Result<Recommended, NoAnswer>, JoinError>;

/// The answer to what was asked, once; for ever if nothing is.
async fn answered(asking: &mut Option<JoinHandle<Result<Recommended, NoAnswer>>>) -> Asked {
    match asking {
        Some(task) => {
            let answer = task.await;
            *asking = None;
            answer
        }
        None => std::future::pending().await,
    }
}

/// What one shard's task needs.
struct Shard {
    began: Instant,
    config: config::Live,
    shards: u32,
    cache: Cache,
    rest: Rest,
    router: Arc<Router>,
    plugins: Plugins,
    identity: watch::Sender<Option<ApplicationId>>,
    standing: watch::Sender<Standing>,
    guilds: watch::Sender<u64>,
    faults: Faults,
    figures: Arc<Figures>,
    presence: Presence,
    sends: Sends,
}

impl Shard {
    /// Dispatches events until the bot stops, and keeps the connection alive until it is to be closed.
    async fn run(
        mut self,
        mut source: ShardSource,
        mut phase: watch::Receiver<Phase>,
        dispatching: TaskTrackerToken,
    ) -> Result<ShardSource, GatewayError> {
        let mut settings = self.config.subscribe();
        let (sends, mut shows) = (self.sends.clone(), self.sends.shows());
        let mut looks = time::interval(LOOK);
        loop {
            let at = self.presence.at;
            let (shard, is_connected) = (source.shard(), source.is_connected());
            tokio::select! {
                _ = looks.tick() => self.figures.note_connection(source.shard(), source.is_connected(), source.latency()),
                event = source.next() => self.handle(&mut source, event?).await,
                () = sleep_until(at) => self.show_presence(&mut source),
                Ok(()) = settings.changed() => self.show_presence(&mut source),
                Ok(()) = shows.changed() => self.show_presence(&mut source),
                // What is sent without a session would be lost with the connection.
                payload = sends.outbox.next(shard), if is_connected => {
                    if let Err(error) = source.send(payload) {
                        tracing::warn!(%error, "what a plugin sends on the gateway can't be sent");
                    }
                }
                () = reached(&mut phase, Phase::Draining) => break,
            }
        }
        drop(dispatching);
        source.hold();
        loop {
            tokio::select! {
                // Not acknowledged, so that it comes again after the restart.
                event = source.next() => drop(event?),
                () = reached(&mut phase, Phase::Closing) => return Ok(source),
            }
        }
    }

    async fn handle(&mut self, source: &mut ShardSource, event: RawEvent) {
        let partial = match Partial::read(&event.payload) {
            Ok(partial) => partial,
            Err(error) => {
                if let Some(untold) = self.faults.note("", Instant::now()) {
                    tracing::warn!(shard = event.shard, sequence = event.sequence, untold, %error, "an event can't be read and is skipped");
                }
                event.receipt.acknowledge();
                return;
            }
        };
        if let Err(error) = hooks::apply(&self.router.hooks, &self.cache, &partial.kind, &event.payload)
            && let Some(untold) = self.faults.note(&partial.kind, Instant::now())
        {
            tracing::warn!(shard = event.shard, event = %partial.kind, untold, %error, "an event that the cache can't read");
        }
        self.router
            .gatekeeper
            .administrators()
            .apply(&partial.kind, &event.payload, (event.shard, self.shards));
        match &*partial.kind {
            "READY" | "RESUMED" => {
                let bot = self.cache.bot_user().map(|bot| bot.username).unwrap_or_default();
                let servers = self.cache.counts().guilds;
                tracing::info!(shard = event.shard, %bot, servers, since_start = ?self.began.elapsed(), "{}", partial.kind.to_lowercase());
                if let Some(application) = self.cache.application_id() {
                    self.rest.set_application_id(application);
                    self.identity.send_replace(Some(application));
                }
                self.standing.send_modify(|standing| {
                    standing.shards.insert(event.shard);
                });
                self.figures.note_session(event.shard, partial.kind == "RESUMED");
                self.plugins.announce().await;
                self.presence.is_wanted = true;
                self.presence.shown.clear();
                self.show_presence(source);
            }
            "GUILD_MEMBERS_CHUNK" => self.sends.take_chunk(&event.payload),
            "GUILD_CREATE" | "GUILD_UPDATE" | "GUILD_DELETE" => self.guilds.send_modify(|changes| *changes += 1),
            _ => {}
        }
        self.router.route(&event, &partial);
        drop(partial);
        event.receipt.acknowledge();
    }

    /// Shows what the bot does, if that is something else than is shown, and as soon as Discord puts up with it.
    fn show_presence(&mut self, source: &mut ShardSource) {
        let config = self.config.get();
        let facts = facts(&self.cache, &self.plugins, self.shards, self.began);
        let now = time::Instant::now();
        // Not before the turn of a line, or it would show the one before for another turn.
        let interval = config.status.interval.as_nanos().max(1);
        let since = u64::try_from(facts.uptime.as_nanos() % interval).unwrap_or_default();
        let next = now + config.status.interval.saturating_sub(Duration::from_nanos(since)) + TURN_HAS_COME;
        let payload = match self.sends.shown() {
            Some(line) => {
                let status = config::Status {
                    lines: vec![line],
                    interval: config.status.interval,
                };
                gateway::presence_update(&status, &facts)
            }
            None => gateway::presence_update(&config.status, &facts),
        };
        if !self.presence.is_wanted || payload == self.presence.shown {
            self.presence.at = next;
            return;
        }
        let free = self.presence.pace.free_at(now);
        if free > now {
            self.presence.at = free;
            return;
        }
        self.presence.at = next;
        self.presence.pace.note(now);
        match source.send(payload.clone()) {
            Ok(()) => self.presence.shown = payload,
            Err(error) => tracing::warn!(%error, "the presence can't be shown"),
        }
    }
}

/// So that a clock's rounding does not show a line twice.
const TURN_HAS_COME: Duration = Duration::from_millis(5);

/// What a shard shows of the bot, and when it looks again whether that is still right.
struct Presence {
    /// A session has begun: before, there is nobody to show anything to.
    is_wanted: bool,
    /// As it was sent last in this session.
    shown: String,
    pace: gateway::PresencePace,
    at: time::Instant,
}

impl Presence {
    fn new() -> Self {
        Self {
            is_wanted: false,
            shown: String::new(),
            pace: gateway::PresencePace::default(),
            at: time::Instant::now(),
        }
    }
}

/// How far the end of the bot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Events are dispatched.
    Serving,
    /// What has begun is brought to its end; connections are kept.
    Draining,
    /// Connections are closed.
    Closing,
}

/// Waits until the end of the bot has come so far.
pub async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // An error means that the bot is gone, which is an end as well.
    let _ = phase.wait_for(|&phase| phase >= wanted).await;
}

fn facts(cache: &Cache, plugins: &Plugins, shards: u32, began: Instant) -> PresenceFacts {
    let counts = cache.counts();
    PresenceFacts {
        guilds: counts.guilds,
        users: counts.members,
        commands: plugins.routing().read().commands.commands().count(),
        shards,
        uptime: began.elapsed(),
    }
}
