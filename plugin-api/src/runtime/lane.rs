//! The lane: one running generation of a plugin, from START to STOP, on the thread that calls `run`.
//!
//! The host's threads touch the inbox only. Everything else (runtime, tasks, state) is made, used and dropped on the
//! lane's thread. A STOP has three parts: handlers that run are waited for; all that is left is cut off; then the stop
//! function runs with the state. Answers of the host are taken in all three.

mod service;

use std::{cell::RefCell, collections::HashMap, marker::PhantomData, rc::Rc, sync::Arc, time::Duration};

use plugin_abi::{Delivery, Envelope};
use plugin_protocol::{
    Activation, Drain, Invocation, Occurrence, PanicReport, Problem, ProblemCode, Settings, Start, Started, Stop,
    Stopped, Suggestions, Unwatch,
    kind::{
        ACTIVATE, ANSWER, CONFIGURE, DRAIN, ERASE, EVENT, GUILD_SETTINGS, HOOK, INVOKE, LOOK, OCCURRED, PULSE, SERVICE,
        START, STOP, SUGGEST, TIMER, WATCH_ENDED,
    },
    lane::LaneState,
    lane_name,
    server_settings::GuildSettings,
};
use serde::de::DeserializeOwned;
use tokio::{
    runtime::{Builder, Runtime},
    task::{LocalSet, spawn_local},
    time::{Instant, timeout_at},
};

use super::{
    Core, Guarded, Label, Link, Owned,
    at_work::{AtWork, Seen},
    callbacks,
    core::Controls,
    debt::{Debt, outcome},
    inbox::Inbox,
    link::closed,
    logging, panics,
    scope::Scope,
};
use crate::{
    Error, Result, Saved, StartCtx, StopCtx,
    context::Asked,
    definition::{Definition, Module, Running},
};

/// How long the runtime's blocking threads are waited for at the end; what is still stuck then is left behind.
const LEAVE_BEHIND_AFTER: Duration = Duration::from_millis(250);

/// No stop takes longer, whatever the host says: an hour is more than anybody waits.
const LONGEST_STOP: Duration = Duration::from_secs(3600);

/// Whose panic hook and log subscriber serve the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The library's own, process-wide within its copy of the standard library.
    Loaded,
    /// The process is the host's: the subscriber is this thread's only, the hook is the host's.
    Linked,
}

pub(crate) struct Lane<M> {
    inbox: Inbox,
    link: Arc<Link>,
    at_work: Arc<AtWork>,
    form: Form,
    module: PhantomData<fn() -> M>,
}

impl<M: Module> Lane<M> {
    pub(crate) fn new(host: plugin_abi::Host, head: &[u8], form: Form) -> Self {
        let start: Start = serde_json::from_slice(head).unwrap_or_default();
        let plugin = if start.plugin.is_empty() {
            M::NAME.to_owned()
        } else {
            start.plugin
        };
        let link = Arc::new(Link::new(host, plugin, start.generation, start.settings.level));
        if form == Form::Loaded {
            logging::serve_library(link.clone());
        }
        Self {
            inbox: Inbox::default(),
            link,
            at_work: Arc::default(),
            form,
            module: PhantomData,
        }
    }
}

impl<M: Module> plugin_abi::Lane for Lane<M> {
    fn run(&self) {
        let _end = End {
            inbox: &self.inbox,
            link: &self.link,
        };
        let _at_work = self.at_work.serve();
        let _log = (self.form == Form::Linked).then(|| logging::serve_thread(self.link.clone()));
        panics::name_thread(Some(format!("{}#{}", self.link.plugin(), self.link.generation())));
        // Threads for blocking work bear the lane's name, so that one that is left behind is known.
        let runtime = Builder::new_current_thread()
            .thread_name(lane_name(self.link.plugin(), self.link.generation()))
            .enable_all()
            .build()
            .expect("a runtime needs an epoll descriptor");
        let serving = Rc::new(Serving::<M>::new(self.link.clone()));
        serving.run(&self.inbox, &runtime);
        drop(serving);
        runtime.shutdown_timeout(LEAVE_BEHIND_AFTER);
    }

    fn deliver(&self, batch: &[Envelope<'_>]) -> Delivery {
        if let [look] = batch
            && look.kind() == LOOK
        {
            self.look(look.id());
            return Delivery::ACCEPTED;
        }
        self.inbox.put(batch)
    }
}

impl<M> Lane<M> {
    /// Answers how the lane is, at once and on whichever thread asks: the lane itself may be blocked.
    fn look(&self, id: u64) {
        let Seen { steps, at } = self.at_work.now();
        let lasted = at
            .as_ref()
            .map(|(_, lasted)| u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX));
        // The allocator of a linked plugin is its program's.
        let heap = (self.form == Form::Loaded).then(plugin_abi::heap::allocated).flatten();
        let state = LaneState {
            steps,
            at: at.map(|(name, _)| name),
            lasted_millis: lasted,
            queued: self.inbox.len() as u64,
            heap_bytes: heap.map(|(live, _)| live),
            heap_peak: heap.map(|(_, peak)| peak),
        };
        self.link.answer(id, &state, &[]);
    }
}

/// Closes both directions when the lane ends, also by a panic of its own.
struct End<'a> {
    inbox: &'a Inbox,
    link: &'a Arc<Link>,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.inbox.close();
        self.link.close();
        logging::leave_library(self.link);
        panics::name_thread(None);
    }
}

pub(super) struct Serving<M: Module> {
    pub(super) core: Rc<Core>,
    pub(super) definition: Definition<M::State>,
    state: RefCell<Phase<M::State>>,
}

enum Phase<S> {
    New,
    Starting,
    Started(Rc<S>),
    Ended,
}

/// A STOP on its way.
struct Ending {
    id: u64,
    stop: Stop,
    began: Instant,
}

impl Ending {
    /// Until when handlers may run: a quarter of the time, at most a second, is the stop function's.
    fn handlers_until(&self) -> Instant {
        self.until(4, Duration::from_secs(1))
    }

    /// Until when the stop function may run: an eighth of the time, at most half a second, is for dropping.
    fn stop_until(&self) -> Instant {
        self.until(8, Duration::from_millis(500))
    }

    /// The deadline without one `share`th of the time, of which no more than `most` is kept back.
    fn until(&self, share: u32, most: Duration) -> Instant {
        let whole = Duration::from_millis(self.stop.deadline_millis).min(LONGEST_STOP);
        self.began + whole.saturating_sub((whole / share).min(most))
    }
}

impl<M: Module> Serving<M> {
    fn new(link: Arc<Link>) -> Self {
        let definition = Definition::of::<M>();
        let controls: HashMap<_, _> = definition
            .components
            .values()
            .map(|component| {
                let controls = Controls {
                    anyone: component.anyone,
                    expires_seconds: component.expires_seconds,
                    form: component.form,
                    opener: component.opener,
                };
                (component.name, controls)
            })
            .collect();
        Self {
            core: Rc::new(Core::new(link, controls)),
            definition,
            state: RefCell::new(Phase::New),
        }
    }

    fn run(self: &Rc<Self>, inbox: &Inbox, runtime: &Runtime) {
        let tasks = LocalSet::new();
        let ending = runtime.block_on(tasks.run_until(self.serve(inbox)));
        {
            // Cuts off what still runs; each task answers for itself on the way.
            let _entered = runtime.enter();
            drop(tasks);
        }
        let tasks = LocalSet::new();
        let (mut stopped, saved) = runtime.block_on(tasks.run_until(self.stop(&ending, inbox)));
        {
            let _entered = runtime.enter();
            drop(tasks);
        }
        stopped.interrupted = self.core.ledger.interrupted();
        self.core.link.answer(ending.id, &stopped, &saved);
    }

    /// Serves until a STOP has come and no handler runs any more, or the time for that is over.
    async fn serve(self: &Rc<Self>, inbox: &Inbox) -> Ending {
        let mut ending = None;
        loop {
            for envelope in inbox.take().await {
                match ending {
                    None => ending = self.handle(envelope),
                    Some(_) => self.handle_late(envelope),
                }
            }
            if let Some(ending) = ending {
                self.core.end_spawned();
                let drained = async {
                    tokio::select! {
                        biased;
                        () = self.core.ledger.idle() => {}
                        () = self.pump(inbox) => {}
                    }
                };
                // Over time is no error: the rest is cut off.
                let _ = timeout_at(ending.handlers_until(), drained).await;
                return ending;
            }
        }
    }

    /// Takes answers, refuses the rest; for ever.
    async fn pump(&self, inbox: &Inbox) {
        loop {
            for envelope in inbox.take().await {
                self.handle_late(envelope);
            }
        }
    }

    fn handle(self: &Rc<Self>, envelope: Owned) -> Option<Ending> {
        let id = envelope.id;
        match envelope.kind {
            ANSWER => self.core.link.settle(envelope),
            START => self.start(envelope),
            ACTIVATE => {
                if let Some(activation) = self.head::<Activation>(&envelope) {
                    self.core.activate(activation);
                }
            }
            CONFIGURE => {
                if let Some(settings) = self.head::<Settings>(&envelope) {
                    self.core.configure(settings);
                }
            }
            GUILD_SETTINGS => self.guild_settings(&envelope),
            STOP => {
                let stop: Stop = serde_json::from_slice(envelope.head()).unwrap_or_default();
                self.core.waits.end(stop.why);
                return Some(Ending {
                    id,
                    stop,
                    began: Instant::now(),
                });
            }
            PULSE => self.core.link.answer(id, &(), &[]),
            DRAIN => self.drain(&envelope),
            OCCURRED => {
                if let Some(occurrence) = self.head::<Occurrence>(&envelope) {
                    self.core.waits.occurred(occurrence);
                }
            }
            WATCH_ENDED => {
                if let Some(Unwatch { id }) = self.head(&envelope) {
                    self.core.waits.end_one(id);
                }
            }
            INVOKE => self.invoke(envelope),
            SUGGEST => self.suggest(envelope),
            EVENT => self.event(envelope),
            HOOK => self.hook(envelope),
            SERVICE => self.service(envelope),
            TIMER => self.timer(envelope),
            ERASE => self.erase(&envelope),
            kind => self.refuse_unknown(kind, id),
        }
        None
    }

    fn handle_late(&self, envelope: Owned) {
        match envelope.kind {
            ANSWER => self.core.link.settle(envelope),
            GUILD_SETTINGS => self.guild_settings(&envelope),
            ACTIVATE | CONFIGURE | OCCURRED | WATCH_ENDED => {}
            DRAIN => self.drain(&envelope),
            PULSE => self.core.link.answer(envelope.id, &(), &[]),
            START | STOP | INVOKE | SUGGEST | EVENT | HOOK | SERVICE | TIMER | ERASE => {
                self.core.link.refuse(envelope.id, &closed());
            }
            kind => self.refuse_unknown(kind, envelope.id),
        }
    }

    fn guild_settings(&self, envelope: &Owned) {
        if let Some(told) = self.head::<GuildSettings>(envelope) {
            self.core.guild_values.tell(told.guilds, told.all);
        }
    }

    /// Nothing new comes: who waits for people is told so.
    fn drain(&self, envelope: &Owned) {
        let Drain { why } = serde_json::from_slice(envelope.head()).unwrap_or_default();
        self.core.waits.end(why);
    }

    fn refuse_unknown(&self, kind: u32, id: u64) {
        if id != 0 {
            let text = format!("this plugin doesn't know envelopes of kind {kind}: build it with a newer plugin-api");
            self.core
                .link
                .refuse(id, &Problem::new(ProblemCode::NotSupported, text));
        }
    }

    /// The head of an envelope; one that can't be read is refused.
    pub(super) fn head<T: DeserializeOwned>(&self, envelope: &Owned) -> Option<T> {
        serde_json::from_slice(envelope.head())
            .map_err(|error| {
                let text = format!(
                    "the head of an envelope of kind {} can't be read: {error}",
                    envelope.kind
                );
                self.core
                    .link
                    .refuse(envelope.id, &Problem::new(ProblemCode::Invalid, text));
            })
            .ok()
    }

    fn start(self: &Rc<Self>, envelope: Owned) {
        let Some(start) = self.head::<Start>(&envelope) else {
            return;
        };
        if !matches!(*self.state.borrow(), Phase::New) {
            return self
                .core
                .link
                .refuse(envelope.id, &Problem::new(ProblemCode::Invalid, "started already"));
        }
        self.state.replace(Phase::Starting);
        self.core.configure(start.settings);
        self.core.guild_values.tell(start.guild_settings, true);
        let (serving, id) = (self.clone(), envelope.id);
        let ctx = StartCtx::new(self.core.clone(), start.state_version, envelope);
        let future: Running<Result<M::State>> = Box::pin(async move { M::start(ctx).await });
        let unanswered = Unanswered {
            link: self.core.link.clone(),
            id: Some(id),
        };
        let task = spawn_local(async move {
            let started = Guarded::new(future).labelled(Label::of("the function", "start"));
            let result = started.await;
            match result {
                Ok(Ok(state)) => {
                    serving.state.replace(Phase::Started(Rc::new(state)));
                    unanswered.answer(&Started {});
                }
                Ok(Err(error)) => unanswered.refuse(&Problem::new(ProblemCode::Failed, error.chain())),
                Err(panic) => unanswered.refuse(&Problem::new(ProblemCode::Failed, told(&panic))),
            }
        });
        self.core.own(task.abort_handle());
    }

    /// The state, once it is built; a request before that is refused.
    pub(super) fn started(&self, id: u64) -> Option<Rc<M::State>> {
        if let Phase::Started(state) = &*self.state.borrow() {
            return Some(state.clone());
        }
        self.core.link.refuse(
            id,
            &Problem::new(ProblemCode::Invalid, "the plugin has not been started"),
        );
        None
    }

    fn invoke(&self, envelope: Owned) {
        let Some(invocation) = self.head::<Invocation>(&envelope) else {
            return;
        };
        let Some(state) = self.started(envelope.id) else { return };
        let name = invocation.name.clone();
        let asked = Asked::new(envelope, invocation);
        let (id, held) = (asked.id(), asked.hold());
        let what = if asked.is_click() { "the control" } else { "the command" };
        let label = Label::of(what, &name);
        let Some(future) = self.definition.invoke(&name, self.core.clone(), state, asked) else {
            let text = format!("this plugin has no command or control called `{name}`");
            return self.core.link.refuse(id, &Problem::new(ProblemCode::NotFound, text));
        };
        let debt = Debt::new(self.core.link.clone(), self.core.ledger.clone(), id);
        spawn_local(async move {
            let handler = Guarded::within(Scope::Invocation(id), future).labelled(label);
            let went = handler.await;
            let (result, vetoed) = went.map_or_else(|panic| (Err(panic), false), |went| (went.result, went.vetoed));
            let mut outcome = outcome(result);
            outcome.vetoed = vetoed;
            outcome.released = Rc::strong_count(&held) == 1;
            debt.pay(&outcome);
        });
    }

    /// Suggestions are nobody's debt: who types on asks again.
    fn suggest(&self, envelope: Owned) {
        let Some(invocation) = self.head::<Invocation>(&envelope) else {
            return;
        };
        let Some(state) = self.started(envelope.id) else { return };
        let (id, link) = (envelope.id, self.core.link.clone());
        let label = Label::of("what suggests arguments of", &invocation.name);
        let typed = invocation.typed.clone().unwrap_or_default();
        let asked = Asked::new(envelope, invocation);
        let Some(future) = self.definition.suggest(self.core.clone(), state, asked, typed) else {
            let text = "this plugin suggests nothing for that argument";
            return link.refuse(id, &Problem::new(ProblemCode::NotFound, text));
        };
        spawn_local(async move {
            match Guarded::new(future).labelled(label).await {
                Ok(choices) => link.answer(id, &Suggestions { choices }, &[]),
                Err(panic) => link.refuse(id, &Problem::new(ProblemCode::Failed, told(&panic))),
            }
        });
    }

    fn hook(&self, envelope: Owned) {
        if let Some(run) = self.head(&envelope)
            && let Some(state) = self.started(envelope.id)
        {
            callbacks::run(&self.core, &self.definition, &state, run, envelope);
        }
    }

    /// Gives the state to the stop function: what is told of it, and what is handed to the next generation.
    async fn stop(&self, ending: &Ending, inbox: &Inbox) -> (Stopped, Vec<u8>) {
        let mut stopped = Stopped::default();
        let Phase::Started(state) = self.state.replace(Phase::Ended) else {
            return (stopped, Vec::new());
        };
        let state = match Rc::try_unwrap(state) {
            Ok(state) => state,
            Err(held) => {
                let problem = panics::guarded_drop(held).map(|panic| told(&panic));
                let text = "the stop function did not run: a context or a reference to the state outlives its handler";
                stopped.problem = Some(problem.unwrap_or_else(|| text.to_owned()));
                return (stopped, Vec::new());
            }
        };
        let ctx = StopCtx::new(self.core.clone(), ending.stop.why, ending.stop_until());
        let future: Running<Result<Saved>> = Box::pin(async move { M::stop(ctx, state).await });
        let mut future = Guarded::new(future).labelled(Label::of("the function", "stop"));
        let end = async {
            tokio::select! {
                biased;
                result = &mut future => Some(result),
                () = self.pump(inbox) => None,
            }
        };
        match timeout_at(ending.stop_until(), end).await.ok().flatten() {
            Some(Ok(Ok(saved))) => {
                if let Some(bytes) = saved.into_bytes() {
                    stopped.state_version = M::STATE_VERSION;
                    return (stopped, bytes);
                }
            }
            Some(Ok(Err(error))) => stopped.problem = Some(Error::chain(&error)),
            Some(Err(panic)) => stopped.problem = Some(told(&panic)),
            None => stopped.problem = Some("the stop function did not end in time".to_owned()),
        }
        (stopped, Vec::new())
    }
}

/// A START that has not been answered; dropped so, it says that the lane has ended.
struct Unanswered {
    link: Arc<Link>,
    id: Option<u64>,
}

impl Unanswered {
    fn answer(mut self, started: &Started) {
        if let Some(id) = self.id.take() {
            self.link.answer(id, started, &[]);
        }
    }

    fn refuse(mut self, problem: &Problem) {
        if let Some(id) = self.id.take() {
            self.link.refuse(id, problem);
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.link.refuse(id, &closed());
        }
    }
}

fn told(panic: &PanicReport) -> String {
    if panic.location.is_empty() {
        return format!("panicked: {}", panic.message);
    }
    format!("panicked at {}: {}", panic.location, panic.message)
}
