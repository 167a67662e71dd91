//! What all contexts of one generation share, whatever the type of its state: the way to the host, the configuration,
//! the ids of the bot, the tasks it has spawned. Lives on the lane and dies with it.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    panic::Location,
    rc::Rc,
    sync::Arc,
};

use plugin_protocol::{Activation, Level, LogRecord, Settings, custom_id::ControlKey};
use serde_json::Value;
use tokio::{
    sync::watch,
    task::{AbortHandle, spawn_local},
};

use super::{EventTurns, Guarded, Label, Waits, debt::Ledger, link::Link};
use crate::{Result, context::Claimed, definition::Running, files::Turns, hook, modal::Form, settings::GuildValues};

pub(crate) struct Core {
    pub(crate) link: Arc<Link>,
    pub(crate) ledger: Rc<Ledger>,
    pub(crate) activation: RefCell<Activation>,
    /// What custom ids are signed with.
    pub(crate) control_key: Cell<ControlKey>,
    /// What each component's handler declared, by name, for the custom ids of its controls.
    pub(crate) controls: HashMap<&'static str, Controls>,
    pub(crate) file_turns: Turns,
    pub(crate) key_turns: Turns,
    /// Of handlers that take events one at a time.
    pub(crate) event_turns: EventTurns,
    /// What servers have set.
    pub(crate) guild_values: GuildValues,
    /// Who waits for something that people do.
    pub(crate) waits: Waits,
    /// The messages whose controls are acted upon, or were.
    pub(crate) claimed: RefCell<Claimed>,
    /// The callbacks of hooks that were registered while running.
    pub(crate) registered_hooks: RefCell<hook::Registered>,
    /// The plugin's section of the configuration; whoever follows it hears of each change.
    section: watch::Sender<Value>,
    spawned: RefCell<Spawning>,
    /// Handlers run beyond this lane's last turn: nothing is spawned any more.
    ended: Cell<bool>,
}

/// Who may use the controls of a handler, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Controls {
    pub(crate) anyone: bool,
    pub(crate) expires_seconds: Option<u32>,
    /// Of a form's handler: what the form is.
    pub(crate) form: Option<fn() -> Form>,
    /// And the handler whose buttons open it.
    pub(crate) opener: Option<&'static str>,
}

#[derive(Default)]
struct Spawning {
    active: bool,
    waiting: Vec<Task>,
    running: Vec<AbortHandle>,
    /// When `running` is next rid of what has ended.
    sweep_at: usize,
}

/// A task, and the line that spawned it.
struct Task {
    future: Guarded<Result>,
    place: &'static Location<'static>,
}

/// What a spawned future may return: nothing, a [`Result`] whose error is logged, or never at all.
#[diagnostic::on_unimplemented(message = "a spawned task returns nothing or a `Result`, not `{Self}`")]
pub trait Spawned {
    #[doc(hidden)]
    fn ended(self) -> Result;
}

impl Spawned for () {
    fn ended(self) -> Result {
        Ok(())
    }
}

impl Spawned for Result {
    fn ended(self) -> Result {
        self
    }
}

/// The type of what never returns, which stable Rust names only as a function's: loops without an end are spawned.
trait Returns {
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

#[allow(private_interfaces, reason = "a name for `!`, which is as public as can be")]
impl Spawned for <fn() -> ! as Returns>::Output {
    fn ended(self) -> Result {
        self
    }
}

impl Core {
    pub(crate) fn new(link: Arc<Link>, controls: HashMap<&'static str, Controls>) -> Self {
        Self {
            link,
            ledger: Rc::default(),
            activation: RefCell::default(),
            control_key: Cell::default(),
            controls,
            file_turns: Turns::default(),
            key_turns: Turns::default(),
            event_turns: EventTurns::default(),
            guild_values: GuildValues::default(),
            waits: Waits::default(),
            claimed: RefCell::default(),
            registered_hooks: RefCell::default(),
            section: watch::Sender::default(),
            spawned: RefCell::default(),
            ended: Cell::new(false),
        }
    }

    /// The plugin's section of the configuration, an object.
    pub(crate) fn section(&self) -> Value {
        match &*self.section.borrow() {
            Value::Null => Value::Object(serde_json::Map::new()),
            section => section.clone(),
        }
    }

    /// Hears of changes of the section from now on.
    pub(crate) fn follow_section(&self) -> watch::Receiver<Value> {
        self.section.subscribe()
    }

    pub(crate) fn configure(&self, settings: Settings) {
        self.control_key.set(settings.control_key);
        self.section.send_if_modified(|section| {
            let is_other = *section != settings.section;
            *section = settings.section;
            is_other
        });
        if self.link.level() != settings.level as u8 {
            self.link.set_level(settings.level);
            tracing::callsite::rebuild_interest_cache();
        }
    }

    /// Runs `future` as a task of this generation: from its activation on, until it ends.
    pub(crate) fn spawn<F>(&self, future: F, place: &'static Location<'static>)
    where
        F: Future<Output: Spawned> + 'static,
    {
        let future: Running<Result> = Box::pin(async move { future.await.ended() });
        let task = Task {
            future: Guarded::new(future).labelled(Label::spawned(place)),
            place,
        };
        if self.ended.get() {
            return;
        }
        let mut spawned = self.spawned.borrow_mut();
        if spawned.active {
            let link = self.link.clone();
            spawned.run(link, task);
        } else {
            spawned.waiting.push(task);
        }
    }

    /// Notes a task that ends with this generation.
    pub(crate) fn own(&self, task: AbortHandle) {
        self.spawned.borrow_mut().own(task);
    }

    pub(crate) fn activate(&self, activation: Activation) {
        self.activation.replace(activation);
        let mut spawned = self.spawned.borrow_mut();
        spawned.active = true;
        for task in std::mem::take(&mut spawned.waiting) {
            spawned.run(self.link.clone(), task);
        }
    }

    /// Ends what was spawned; nothing is spawned any more.
    pub(crate) fn end_spawned(&self) {
        self.ended.set(true);
        let spawned = self.spawned.take();
        for task in &spawned.running {
            task.abort();
        }
        // Dropped outside of the borrow: destructors are the author's code and may call back.
        drop(spawned);
    }
}

impl Spawning {
    fn run(&mut self, link: Arc<Link>, Task { future, place }: Task) {
        let scope = future.scope();
        let task = spawn_local(async move {
            let spawned_at = || format!("the task spawned at {}:{}", place.file(), place.line());
            let ended = future.await;
            let _entered = scope.enter();
            match ended {
                Ok(Ok(())) => {}
                // Not by `tracing`, which would name this file as the place.
                Ok(Err(error)) => link.log(LogRecord {
                    level: Level::Error,
                    target: env!("CARGO_CRATE_NAME").to_owned(),
                    message: format!("{} failed: {}", spawned_at(), error.placed_chain()),
                    fields: BTreeMap::new(),
                    file: Some(place.file().to_owned()),
                    line: Some(place.line()),
                    ..LogRecord::default()
                }),
                Err(mut panic) => {
                    panic.message = format!("{} (in {})", panic.message, spawned_at());
                    link.report(&panic);
                }
            }
        });
        self.own(task.abort_handle());
    }

    fn own(&mut self, task: AbortHandle) {
        if self.running.len() >= self.sweep_at {
            self.running.retain(|task| !task.is_finished());
            self.sweep_at = (self.running.len() * 2).max(16);
        }
        self.running.push(task);
    }
}
