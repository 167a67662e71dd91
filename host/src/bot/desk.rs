//! What plugins ask of the host, and what they tell it, one place for all of them.
//!
//! Called on plugins' threads: it only decides who answers and leaves the work to tasks of the runtime. Every request
//! gets exactly one answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use plugin_protocol::{
    Call, LogRecord, Outcome, PanicReport, PluginName, Problem, ProblemCode, Respond, Rest as RestHead, RestAnswer,
    StopReason, Verdict, Watch, Watched, Watching, kind,
};
use serde::de::DeserializeOwned;
use tokio::{runtime::Handle, sync::watch};
use tokio_util::task::TaskTracker;
use twilight_model::gateway::Intents;

use super::{
    calls::Calls, figures::Figures, files, gatekeeper::Gatekeeper, hooks, incidents::Reporter, owners::Owners,
    ready::Standing, sends::Sends, services::Services, stores, upkeep::Upkeep, watches::Watches,
};
use crate::{
    cache::Cache,
    config,
    hooks::{Hooks, is_run},
    interactions::{ControlKeys, Invocations, is_incident_code, texts},
    plugins::{self, Ending, Generation, GivenUp, Plugins, Records, Ticket},
    process::{self, usage::Thread},
    rest::{Method, Rest},
    schedule::Schedule,
    slash::Slash,
    storage::{Backups, Stores, Tables, files::Files},
    telemetry::{
        self, Logs, NoticeKind, Notices, Story,
        allowance::{Admission, Allowance, PER_SECOND, TOLD_AFTER},
        scope,
    },
};

/// Answers plugins' requests.
pub struct Desk {
    /// The runtime, which plugins' threads are not part of.
    pub runtime: Handle,
    /// The settings.
    pub config: config::Live,
    /// The REST client.
    pub rest: Rest,
    /// The open invocations.
    pub invocations: Invocations,
    /// Tells the owner.
    pub notices: Notices,
    /// Set once the life of plugins has begun.
    pub plugins: Arc<OnceLock<Plugins>>,
    /// What is remembered of each plugin.
    pub records: Arc<Records>,
    /// Who owns the bot.
    pub owners: Owners,
    /// The host's own tables.
    pub tables: Tables,
    /// What plugins keep in databases.
    pub stores: Stores,
    /// Copies of all that is kept.
    pub backups: Backups,
    /// Work for plugins; waited for at stop.
    pub tasks: TaskTracker,
    /// Calls between plugins.
    pub services: Services,
    /// How much each plugin may still log.
    pub allowances: Allowances,
    /// Plugins' own files.
    pub files: Files,
    /// Looks after what lies below `data/`.
    pub upkeep: Upkeep,
    /// The log.
    pub logs: Logs,
    /// Tells of what went wrong.
    pub reporter: Reporter,
    /// Who may use what.
    pub gatekeeper: Gatekeeper,
    /// What custom ids of controls are signed with.
    pub control_keys: ControlKeys,
    /// What is counted of the bot as a whole.
    pub figures: Arc<Figures>,
    /// What is known of servers.
    pub cache: Cache,
    /// The registered slash commands.
    pub slash: Slash,
    /// What plugins send on the gateway.
    pub sends: Sends,
    /// Who waits for what people do.
    pub watches: Watches,
    /// Who hears what.
    pub hooks: Hooks,
    /// What runs by time.
    pub schedule: Schedule,
    /// How the gateway stands.
    pub standing: watch::Receiver<Standing>,
}

/// How long the threads of a generation that has ended may take to end before they count as left behind.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// How much each plugin may still log, by its name. Clones are the same.
#[derive(Clone)]
pub struct Allowances {
    /// A lock of std: held for a look-up only.
    each: Arc<Mutex<HashMap<PluginName, Arc<Allowance>>>>,
    notices: Notices,
    runtime: Handle,
}

impl Allowances {
    /// What is dropped is told to the owner. To be called within the runtime.
    pub fn new(notices: Notices) -> Self {
        Self {
            each: Arc::default(),
            notices,
            runtime: Handle::current(),
        }
    }

    /// Whether a plugin may log one more line. What it may not is counted, and told a second later.
    pub fn admits(&self, plugin: &PluginName) -> bool {
        let allowance = self.of(plugin);
        let admission = allowance.admit(Instant::now());
        if admission == Admission::DroppedFirst {
            let (plugin, notices) = (plugin.clone(), self.notices.clone());
            self.runtime.spawn(async move {
                tokio::time::sleep(TOLD_AFTER).await;
                let dropped = allowance.take_dropped();
                let text = format!(
                    "{dropped} lines of the plugin `{plugin}` were dropped: it logs more than {PER_SECOND} a second. \
                     `!unload {plugin}` silences it; its author should log less."
                );
                notices.tell(NoticeKind::Flood(plugin.to_string()), text);
            });
        }
        admission == Admission::Logged
    }

    fn of(&self, plugin: &PluginName) -> Arc<Allowance> {
        let mut all = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(plugin) {
            return Arc::clone(known);
        }
        let new = Arc::new(Allowance::new(Instant::now()));
        all.insert(plugin.clone(), Arc::clone(&new));
        new
    }
}

impl plugins::Desk for Desk {
    fn asked(&self, from: &Arc<Generation>, request: plugins::Request) {
        let from = Arc::clone(from);
        let id = request.id;
        match request.kind {
            kind::RESPOND => {
                // Looked up here: the invocation may end, and be forgotten, before the task begins.
                let responding = head::<Respond>(&request.head)
                    .map(|head| self.invocations.respond(from.name(), head, request.tail.clone()));
                self.spawn(async move {
                    let answer = match responding {
                        Ok(responding) => responding.await,
                        Err(problem) => Err(problem),
                    };
                    from.answer(id, &answer, &[]);
                    drop(request);
                });
            }
            kind::REST => {
                let (rest, invocations) = (self.rest.clone(), self.invocations.clone());
                self.spawn(async move {
                    match rest_call(&rest, &invocations, from.name(), &request).await {
                        Ok((head, body)) => from.answer(id, &Ok(head), &body),
                        Err(problem) => from.answer::<RestAnswer>(id, &Err(problem), &[]),
                    }
                });
            }
            kind::SQL => {
                let stores = self.stores.clone();
                self.spawn(async move { stores::sql(&stores, &from, request).await });
            }
            // At once: a plugin that gives up right away is not told of what it had waited for.
            kind::WATCH => {
                let answer = head::<Watch>(&request.head).and_then(|watch| self.watch(&from, &watch));
                from.answer(id, &answer, &[]);
            }
            kind::EMIT => hooks::emit(&self.hooks, &from, &request),
            kind::HOOK_REGISTER => hooks::register(&self.hooks, &from, &request),
            kind::SERVICE_CALL => self.services.meet(&self.tasks, &self.runtime, &from, request),
            kind::TIMERS => {
                let schedule = self.schedule.clone();
                self.spawn(async move {
                    let answer = match head(&request.head) {
                        Ok(asked) => {
                            schedule
                                .answer(from.name(), &from.description.timers, asked, &request.tail)
                                .await
                        }
                        Err(problem) => Err(problem),
                    };
                    from.answer(id, &answer, &[]);
                    drop(request);
                });
            }
            kind::KEYS => stores::keys(&self.stores, &self.runtime, from, request),
            kind::FILES => files::meet(&self.files, &self.tasks, from, request),
            _ => {
                let calls = Calls {
                    config: self.config.clone(),
                    cache: self.cache.clone(),
                    plugins: Arc::clone(&self.plugins),
                    invocations: self.invocations.clone(),
                    owners: self.owners.clone(),
                    tables: self.tables.clone(),
                    stores: self.stores.clone(),
                    backups: self.backups.clone(),
                    files: self.files.clone(),
                    upkeep: self.upkeep.clone(),
                    logs: self.logs.clone(),
                    incidents: self.reporter.incidents.clone(),
                    control_keys: self.control_keys.clone(),
                    figures: Arc::clone(&self.figures),
                    slash: self.slash.clone(),
                    standing: self.standing.clone(),
                    gatekeeper: self.gatekeeper.clone(),
                    sends: self.sends.clone(),
                    hooks: self.hooks.clone(),
                    schedule: self.schedule.clone(),
                    notices: self.notices.clone(),
                };
                self.spawn(async move {
                    let answer = match head::<Call>(&request.head) {
                        Ok(call) => {
                            let story = call.invocation.and_then(|id| calls.invocations.story(id, from.name()));
                            within(story, calls.answer(&from, call)).await
                        }
                        Err(problem) => Err(problem),
                    };
                    from.answer(id, &answer, &[]);
                });
            }
        }
    }

    fn finished(&self, from: &Arc<Generation>, id: u64, mut outcome: Outcome, ticket: Ticket) {
        // What a plugin says to people, or to the owner, may hold what it was given as a secret.
        let texts = [
            outcome.text.as_mut(),
            outcome.panic.as_mut().map(|panic| &mut panic.message),
        ];
        for text in texts.into_iter().flatten() {
            *text = self
                .logs
                .secrets()
                .cover(&telemetry::logs::shortened(text))
                .into_owned();
        }
        if is_run(id) {
            self.hooks.ended(id, outcome);
            return;
        }
        if let Some(timer) = plugins::timer_of(id) {
            self.note_timer(from, timer, &outcome);
            return;
        }
        if plugins::is_event(id) {
            self.note_event(from, &outcome);
            return;
        }
        if outcome.vetoed {
            self.give_back(id);
        }
        if outcome.verdict == Verdict::Done {
            hooks::executed(&self.hooks, &self.invocations, id);
        }
        // Mostly there is nothing left to say, and no task is needed for it.
        let Some(outcome) = self.invocations.finish_silently(id, outcome) else {
            return;
        };
        let invocations = self.invocations.clone();
        self.spawn(async move {
            invocations.finish(id, outcome).await;
            drop(ticket);
        });
    }

    fn unregistered(&self, from: &Arc<Generation>, registration: u64) {
        self.hooks.unregister(from.name(), from.number, registration);
    }

    fn unwatched(&self, from: &Arc<Generation>, id: u64) {
        if let Some(invocation) = self.watches.end(from, id) {
            self.invocations.resumes(invocation);
        }
    }

    fn logged(&self, from: &Arc<Generation>, record: &LogRecord) {
        if self.allowances.admits(from.name()) {
            let story = self.story(from, record.invocation);
            self.logs
                .plugin_record(from.name().as_str(), from.number, record, story.as_ref());
        }
    }

    fn panicked(&self, from: &Arc<Generation>, report: &PanicReport) {
        let is_logged = self.allowances.admits(from.name());
        let code = self.invocations.incident_code();
        let mut report = report.clone();
        report.message = telemetry::logs::shortened(&report.message).into_owned();
        let tell = || {
            if report.is_error {
                self.reporter.after_failed(from, code, &report, is_logged);
            } else {
                self.reporter.task_panicked(from, code, &report, is_logged);
            }
        };
        match self.story(from, report.invocation) {
            Some(story) => scope::within_now(story, tell),
            None => tell(),
        }
    }

    fn died(&self, from: &Arc<Generation>) {
        self.hooks.forget(from.name(), from.number);
        if let Some(plugins) = self.plugins.get() {
            let _runtime = self.runtime.enter();
            plugins.died(Arc::clone(from));
        }
    }

    fn ended(&self, from: &Arc<Generation>, why: StopReason, ending: Ending) {
        self.records.note_ended(from, ending);
        self.sends.ended(from);
        self.watches.forget(from);
        self.hooks.forget(from.name(), from.number);
        if why == StopReason::Shutdown {
            return;
        }
        if ending == Ending::Abandoned {
            tell_left(&self.notices, from, "its thread goes on");
            return;
        }
        let (from, notices) = (Arc::clone(from), self.notices.clone());
        self.runtime.spawn(async move {
            tokio::time::sleep(LAST_THREADS).await;
            let lane = from.lane_name();
            let is_left = move |thread: &&Thread| thread.name == lane;
            let counting = tokio::task::spawn_blocking(move || {
                process::usage::threads().map_or(0, |threads| threads.iter().filter(is_left).count())
            });
            let left = counting.await.unwrap_or(0);
            if left > 0 {
                tracing::warn!(plugin = %from.name(), generation = from.number, left, "has ended, but some of its threads go on");
                tell_left(&notices, &from, &format!("{left} of its threads go on"));
            }
        });
    }

    fn delivers(&self, to: &Generation, id: u64) {
        if is_run(id) {
            return self.hooks.begun(id);
        }
        self.invocations.deliver(id, to.number);
    }

    fn waits_for(&self, run: u64) -> bool {
        self.hooks.waits_for(run)
    }

    fn gave_up(&self, id: u64, why: GivenUp) {
        if let Some(timer) = plugins::timer_of(id) {
            self.schedule.not_begun(timer);
            return;
        }
        let refused = |text: &str| (Verdict::Refused, Some(text.to_owned()));
        let (verdict, text) = match why {
            GivenUp::Busy => refused(texts::BUSY),
            GivenUp::Absent => refused(texts::COMMAND_ABSENT),
            GivenUp::Changed => refused(texts::COMMAND_CHANGED),
            GivenUp::Interrupted => (Verdict::Interrupted, None),
        };
        let outcome = Outcome {
            verdict,
            text,
            released: true,
            ..Outcome::default()
        };
        if is_run(id) {
            return self.hooks.ended(
                id,
                Outcome {
                    verdict: Verdict::Interrupted,
                    ..outcome
                },
            );
        }
        self.give_back(id);
        let invocations = self.invocations.clone();
        self.spawn(async move { invocations.finish(id, outcome).await });
    }

    fn under_way(&self, of: &Generation) -> Vec<String> {
        /// How many are named.
        const NAMED: usize = 5;
        let mut ids = self.invocations.of_generation(of.name(), of.number);
        ids.sort_unstable();
        let origins = ids.iter().filter_map(|id| self.invocations.origin(*id));
        let mut named: Vec<_> = origins
            .take(NAMED)
            .map(|origin| format!("`{}`", origin.command))
            .collect();
        let unnamed = of.gate.tickets().saturating_sub(named.len());
        match (unnamed, named.is_empty()) {
            (0, _) => {}
            (_, true) => named.push(format!("{unnamed} events")),
            (_, false) => named.push(format!("{unnamed} more")),
        }
        named
    }
}

impl Desk {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(work, &self.runtime);
    }

    /// What did not come about doesn't count.
    fn give_back(&self, id: u64) {
        if let Some(origin) = self.invocations.origin(id)
            && let Some(taken) = origin.taken
        {
            self.tables.give_cooldown_back(&origin.command, taken);
        }
    }

    /// A function of a plugin waits for people; its invocation is not its own doing meanwhile.
    fn watch(&self, from: &Arc<Generation>, watch: &Watch) -> Result<Watching, Problem> {
        let own = watch.invocation.filter(|&id| self.invocations.is_of(id, from.name()));
        if own.is_some_and(|id| self.invocations.is_outdated(id)) {
            return Err(Problem::new(
                ProblemCode::Closed,
                "what asked for this has run again or is gone",
            ));
        }
        // A private thread's channel may be unknown; where it was asked is known.
        let origin = own.and_then(|id| self.invocations.origin(id));
        let origin = origin.filter(|origin| origin.channel_id == watch.channel_id);
        let in_server = match origin {
            Some(origin) => origin.guild_id.is_some(),
            None => self.cache.channel(watch.channel_id).is_some(),
        };
        let needed = match watch.wanted {
            Watched::Message | Watched::Click => Intents::empty(),
            Watched::Reaction if in_server => Intents::GUILD_MESSAGE_REACTIONS,
            Watched::Reaction => Intents::DIRECT_MESSAGE_REACTIONS,
            Watched::Unknown => {
                let text = "this host doesn't know what is waited for: it is older than the plugin";
                return Err(Problem::new(ProblemCode::NotSupported, text));
            }
        };
        let asked = self.standing.borrow().intents;
        if let Some(asked) = asked.filter(|asked| !asked.contains(needed)) {
            let missing: Vec<_> = (needed - asked).iter_names().map(|(name, _)| name).collect();
            let text = format!(
                "Discord was not asked for what is waited for: say `intents: [{}]` in `plugin!`, and restart the bot",
                missing.join(", ")
            );
            return Err(Problem::new(ProblemCode::Failed, text));
        }
        let watch = Watch {
            invocation: own,
            ..watch.clone()
        };
        self.watches.begin(from, &watch, Instant::now())?;
        let answerable = own.and_then(|id| self.invocations.suspends(id));
        Ok(Watching {
            answerable_ms: answerable.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
        })
    }

    fn note_timer(&self, from: &Generation, timer: u64, outcome: &Outcome) {
        let ended = self.schedule.ended(timer, outcome);
        let is_wrong = matches!(outcome.verdict, Verdict::Failed | Verdict::Panicked | Verdict::Refused);
        if let Some((name, again)) = ended.filter(|_| is_wrong && self.allowances.admits(from.name())) {
            let why = outcome.text.as_deref().unwrap_or_default();
            if let Some(after) = again {
                return tracing::warn!(plugin = %from.name(), timer, "`{name}` failed, it is tried again in {after:?}: {why}");
            }
            if let Some(code) = outcome.incident.as_deref().filter(|code| is_incident_code(code)) {
                return tracing::warn!(plugin = %from.name(), timer, code, "`{name}` failed since a service did: {why}");
            }
            let code = self.invocations.incident_code();
            self.reporter.timer_failed(from, code, &name, outcome);
        }
    }

    fn note_event(&self, from: &Generation, outcome: &Outcome) {
        if matches!(outcome.verdict, Verdict::Failed | Verdict::Panicked) && !self.allowances.admits(from.name()) {
            return;
        }
        match outcome.verdict {
            Verdict::Failed => {
                let text = outcome.text.as_deref().unwrap_or_default();
                if let Some(code) = outcome.incident.as_deref().filter(|code| is_incident_code(code)) {
                    return tracing::warn!(plugin = %from.name(), code, "an event's handler failed since a service did: {text}");
                }
                self.reporter.event_failed(from, self.invocations.incident_code(), text);
            }
            Verdict::Panicked => {
                let panic = outcome.panic.clone().unwrap_or_default();
                self.reporter
                    .event_panicked(from, self.invocations.incident_code(), &panic);
            }
            _ => {}
        }
    }

    /// The invocation that a plugin says it works for, if it is one of its own: numbers can be guessed.
    fn story(&self, from: &Generation, invocation: Option<u64>) -> Option<Arc<dyn Story>> {
        self.invocations.story(invocation?, from.name())
    }
}

/// Tells the owner what a generation has left behind.
fn tell_left(notices: &Notices, of: &Generation, left: &str) {
    let (plugin, generation) = (of.name(), of.number);
    let text = format!(
        "Generation {generation} of the plugin `{plugin}` was told to end, but {left}: it can do no harm to others, but takes memory, and perhaps a processor, until the bot is restarted. Its author should end threads in `#[stop]`, and never block in a handler."
    );
    notices.tell(NoticeKind::Trouble(plugin.to_string()), text);
}

/// Work for an invocation, if it is for one.
async fn within<T>(story: Option<Arc<dyn Story>>, work: impl Future<Output = T>) -> T {
    match story {
        Some(story) => scope::within(story, work).await,
        None => work.await,
    }
}

async fn rest_call(
    rest: &Rest,
    invocations: &Invocations,
    plugin: &PluginName,
    request: &plugins::Request,
) -> Result<(RestAnswer, Bytes), Problem> {
    let head = head::<RestHead>(&request.head)?;
    let method: Method = head.method.parse().map_err(|_| {
        Problem::new(
            ProblemCode::Invalid,
            format!("`{}` is no method: GET, POST, PUT, PATCH or DELETE", head.method),
        )
    })?;
    let request = crate::rest::Request {
        method,
        path: head.path,
        body: request.tail.to_vec(),
        content_type: head.content_type,
        reason: head.reason,
    };
    let is_change = matches!(request.method, Method::Patch | Method::Delete);
    let changes = is_change.then(|| (request.path.clone(), request.body.clone()));
    let story = head.invocation.and_then(|id| invocations.story(id, plugin));
    let response = within(story, rest.send_for_plugin(plugin.as_str(), request)).await?;
    if let Some((path, body)) = changes.filter(|_| (200..300).contains(&response.status)) {
        invocations.changed_by_route(&head.method, &path, &body);
    }
    Ok((
        RestAnswer {
            status: response.status,
        },
        response.body,
    ))
}

pub fn head<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(
            ProblemCode::Invalid,
            format!("the request's head can't be read: {error}"),
        )
    })
}
