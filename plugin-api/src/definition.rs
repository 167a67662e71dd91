//! What the macros make of a plugin: tables of its commands, controls and events, and the trait that ties them together.
//!
//! Public for generated code only, through `__private`; all of it is outside of the version promise, since
//! macros and runtime are always of the same version.

#![allow(missing_docs, reason = "for generated code only")]

mod callback;
mod context_menu;
mod hooks;
mod policy;
mod service;
mod timer;

use std::{collections::HashMap, pin::Pin, rc::Rc};

use plugin_protocol as protocol;
use plugin_protocol::{Choice, Description, Doors, EventQueue, EventSubscription, Overflow, Typed, wording};

pub use callback::{HookDef, check_hook};
pub(crate) use context_menu::texts;
pub use context_menu::{MenuDef, check_menus, group};
use hooks::Around;
pub(crate) use hooks::Went;
pub use hooks::{Check, End, Ended, Hooks, checked};
pub use policy::{ControlPolicyDef, PolicyDef};
pub use service::{ServiceDef, check_service};
pub use timer::{Erase, RuleDef, TimerDef};

use crate::{
    ClickCtx, Ctx, Error, EventCtx, Result, Saved, StartCtx, StopCtx,
    argument::{Arguments, Shape, WrongArgument},
    context::Asked,
    event::{Payload, TurnBy},
    menu,
    modal::{self, Form},
    runtime::Core,
    waiting,
};

/// A future on the lane: it need not be `Send`.
pub type Running<T = Result> = Pin<Box<dyn Future<Output = T>>>;

/// A plugin, as `plugin!` puts it together.
pub trait Module: 'static {
    type State: 'static;
    const NAME: &'static str;
    const VERSION: &'static str;
    const STATE_VERSION: Option<u32>;
    /// Of commands that name none.
    const CATEGORY: Option<&'static str> = None;
    const HOOKS: Hooks<Self::State> = Hooks::NONE;
    /// How many bytes of events wait, and whether the newest are dropped beyond that.
    const EVENT_QUEUE: (u64, bool) = (8 << 20, false);

    fn start(ctx: StartCtx) -> impl Future<Output = Result<Self::State>> + 'static;
    fn stop(ctx: StopCtx, state: Self::State) -> impl Future<Output = Result<Saved>> + 'static;
    fn commands() -> Vec<CommandDef<Self::State>>;
    fn groups() -> Vec<protocol::Group>;
    fn components() -> Vec<ComponentDef<Self::State>>;
    fn events() -> Vec<EventDef<Self::State>>;
    fn migrations() -> Vec<protocol::Migration>;

    /// What erases what it keeps of somebody.
    const ERASE: Option<Erase<Self::State>> = None;

    #[must_use]
    fn timers() -> Vec<TimerDef<Self::State>> {
        Vec::new()
    }

    #[must_use]
    fn hooks() -> Vec<HookDef<Self::State>> {
        Vec::new()
    }

    #[must_use]
    fn services() -> Vec<ServiceDef<Self::State>> {
        Vec::new()
    }

    #[must_use]
    fn settings() -> Option<protocol::server_settings::SettingsSchema> {
        None
    }
}

/// What `#[command]` makes of a function.
pub struct CommandDef<S: 'static> {
    /// The words before its name; empty outside of groups.
    pub group: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub prefix: bool,
    pub slash: bool,
    pub aliases: &'static [&'static str],
    pub owner_only: bool,
    pub menus: &'static [MenuDef],
    pub checks: &'static [Check<S>],
    pub policy: PolicyDef,
    pub arguments: &'static [ArgumentDef],
    /// By the names of arguments, what suggests values for them.
    pub suggest: &'static [(&'static str, Suggest<S>)],
    pub run: fn(Ctx<S>, Arguments) -> Running,
}

/// What `#[command]` makes of an argument.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is an attribute of its own")]
pub struct ArgumentDef {
    pub name: &'static str,
    pub description: &'static str,
    pub required: bool,
    pub shape: Shape,
    pub rest: bool,
    pub flag: bool,
    pub default: Option<&'static str>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub min_length: Option<u16>,
    pub max_length: Option<u16>,
    pub channel_types: &'static [u8],
    pub autocomplete: bool,
    pub name_localizations: &'static [(&'static str, &'static str)],
    pub description_localizations: &'static [(&'static str, &'static str)],
}

/// What suggests values of an argument.
pub type Suggest<S> = fn(Ctx<S>, String) -> Running<Vec<Choice>>;

/// What `#[component]` makes of a function.
pub struct ComponentDef<S> {
    pub name: &'static str,
    pub anyone: bool,
    pub expires_seconds: Option<u32>,
    pub defer: protocol::Defer,
    pub policy: ControlPolicyDef,
    /// Of a form's handler: what the form is.
    pub form: Option<fn() -> Form>,
    /// And the name of the handler whose buttons open it.
    pub opener: Option<&'static str>,
    pub run: fn(ClickCtx<S>) -> Running,
}

/// What `#[event]` makes of a function.
#[allow(clippy::struct_excessive_bools, reason = "each is a filter of its own")]
pub struct EventDef<S> {
    pub name: &'static str,
    /// The function's name.
    pub handler: &'static str,
    pub intents: u64,
    pub guild_only: bool,
    pub ignore_bots: bool,
    pub direct_only: bool,
    pub bots_only: bool,
    /// By what events take turns at it.
    pub one_at_a_time: Option<TurnBy>,
    pub run: fn(EventCtx<S>) -> Running,
}

impl<S> Clone for CommandDef<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for CommandDef<S> {}

impl<S> CommandDef<S> {
    /// A name or alias with the words of the group.
    fn full(&self, name: &str) -> String {
        if self.group.is_empty() {
            return name.to_owned();
        }
        format!("{} {name}", self.group)
    }

    fn describe(&self) -> protocol::Command {
        protocol::Command {
            name: self.full(self.name),
            description: self.description.to_owned(),
            doors: Doors {
                prefix: self.prefix,
                slash: self.slash,
            },
            aliases: self.aliases.iter().map(|alias| self.full(alias)).collect(),
            arguments: self.arguments.iter().map(ArgumentDef::describe).collect(),
            owner_only: self.owner_only,
            menus: self.menus.iter().map(MenuDef::describe).collect(),
            ..self.policy.describe()
        }
    }
}

impl ArgumentDef {
    pub(crate) fn describe(&self) -> protocol::Argument {
        protocol::Argument {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            required: self.required,
            rest: self.rest,
            flag: self.flag,
            default: self.default.map(str::to_owned),
            min: self.min,
            max: self.max,
            min_length: self.min_length,
            max_length: self.max_length,
            channel_types: self.channel_types.to_vec(),
            autocomplete: self.autocomplete,
            name_localizations: texts(self.name_localizations),
            description_localizations: texts(self.description_localizations),
            ..self.shape.describe()
        }
    }
}

/// Refuses a name of too many words and a second command of one name, for generated code: an error of the compiler.
#[track_caller]
pub const fn check_name(group: &str, name: &str, earlier: &[(&str, &str)]) {
    assert!(
        words(group) + words(name) <= 3,
        "a command's name has at most three words: group, subgroup and subcommand"
    );
    let mut at = 0;
    while at < earlier.len() {
        assert!(
            !same_in_all(group, name, earlier[at].0, earlier[at].1),
            "two commands of this plugin have the same name"
        );
        at += 1;
    }
}

/// Refuses controls of a command that is not there, for generated code: an error of the compiler.
#[track_caller]
pub const fn check_command(command: Option<&str>, all: &[(&str, &str)]) {
    let Some(command) = command else { return };
    let mut at = 0;
    while at < all.len() {
        if same_in_all("", command, all[at].0, all[at].1) {
            return;
        }
        at += 1;
    }
    panic!("a `#[component(command = ..)]` names no command of this plugin; with its groups: `command = \"warn add\"`");
}

const fn words(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut words, mut at) = (if bytes.is_empty() { 0 } else { 1 }, 0);
    while at < bytes.len() {
        if bytes[at] == b' ' {
            words += 1;
        }
        at += 1;
    }
    words
}

/// Whether group and name together are the same words, wherever they are split.
const fn same_in_all(group: &str, name: &str, other_group: &str, other_name: &str) -> bool {
    let all = full_length(group, name);
    if all != full_length(other_group, other_name) {
        return false;
    }
    let mut at = 0;
    while at < all {
        if full_byte(group, name, at) != full_byte(other_group, other_name, at) {
            return false;
        }
        at += 1;
    }
    true
}

const fn full_length(group: &str, name: &str) -> usize {
    if group.is_empty() {
        name.len()
    } else {
        group.len() + 1 + name.len()
    }
}

const fn full_byte(group: &str, name: &str, at: usize) -> u8 {
    if group.is_empty() {
        name.as_bytes()[at]
    } else if at < group.len() {
        group.as_bytes()[at]
    } else if at == group.len() {
        b' '
    } else {
        name.as_bytes()[at - group.len() - 1]
    }
}

/// What a plugin offers, for the host.
pub(crate) fn describe<M: Module>() -> Description {
    Description {
        name: M::NAME.to_owned(),
        version: M::VERSION.to_owned(),
        commands: M::commands().iter().map(describe_command::<M>).collect(),
        groups: M::groups(),
        components: handlers::<M>()
            .map(|component| protocol::Component {
                name: component.name.to_owned(),
                defer: component.defer,
                ..component.policy.describe()
            })
            .collect(),
        events: M::events()
            .iter()
            .map(|event| EventSubscription {
                name: event.name.to_owned(),
                guild_only: event.guild_only,
                ignore_bots: event.ignore_bots,
                direct_only: event.direct_only,
                bots_only: event.bots_only,
            })
            .collect(),
        hooks: callback::describe::<M>(),
        event_queue: EventQueue {
            bytes: M::EVENT_QUEUE.0,
            overflow: if M::EVENT_QUEUE.1 {
                Overflow::DropNewest
            } else {
                Overflow::DropOldest
            },
        },
        tells_begun: true,
        state_version: M::STATE_VERSION,
        migrations: M::migrations(),
        settings: M::settings(),
        services: M::services().iter().map(ServiceDef::describe).collect(),
        timers: M::timers().iter().map(TimerDef::describe).collect(),
        erase: M::ERASE.is_some(),
    }
}

fn describe_command<M: Module>(command: &CommandDef<M::State>) -> protocol::Command {
    let mut described = command.describe();
    if described.category.is_none() {
        described.category = M::CATEGORY.map(str::to_owned);
    }
    described
}

/// The plugin's handlers of controls, and those of this crate, whose names no function can have.
fn handlers<M: Module>() -> impl Iterator<Item = ComponentDef<M::State>> {
    let own = M::components();
    let openers: Vec<_> = own.iter().filter_map(modal::opener).collect();
    own.into_iter()
        .chain(openers)
        .chain(menu::controls())
        .chain(waiting::controls())
}

/// The tables of a plugin, by name, for the lane.
pub(crate) struct Definition<S: 'static> {
    commands: HashMap<String, CommandDef<S>>,
    pub(crate) components: HashMap<&'static str, ComponentDef<S>>,
    events: HashMap<&'static str, Vec<EventDef<S>>>,
    /// The callbacks of hooks, by their functions.
    callbacks: HashMap<&'static str, HookDef<S>>,
    pub(crate) services: HashMap<&'static str, ServiceDef<S>>,
    hooks: Hooks<S>,
    pub(crate) timers: HashMap<&'static str, TimerDef<S>>,
    pub(crate) erase: Option<Erase<S>>,
}

impl<S: 'static> Definition<S> {
    pub(crate) fn of<M: Module<State = S>>() -> Self {
        let mut events: HashMap<_, Vec<_>> = HashMap::new();
        for event in M::events() {
            events.entry(event.name).or_default().push(event);
        }
        Self {
            commands: M::commands()
                .into_iter()
                .map(|command| (command.full(command.name), command))
                .collect(),
            components: handlers::<M>().map(|component| (component.name, component)).collect(),
            events,
            callbacks: M::hooks().into_iter().map(|hook| (hook.function, hook)).collect(),
            services: M::services()
                .into_iter()
                .map(|service| (service.name, service))
                .collect(),
            hooks: M::HOOKS,
            timers: M::timers().into_iter().map(|timer| (timer.name, timer)).collect(),
            erase: M::ERASE,
        }
    }

    /// The handler of a command or click, made ready to run; `None` if there is none of that name.
    pub(crate) fn invoke(&self, name: &str, core: Rc<Core>, state: Rc<S>, asked: Asked) -> Option<Running<Went>> {
        let hooks = self.hooks;
        if asked.is_click() {
            let component = self.components.get(name)?;
            // Those of the command whose policy is theirs hold for its controls, too.
            let command = component.policy.command.and_then(|command| self.commands.get(command));
            let around = Around {
                hooks,
                checks: command.map_or(&[], |command| command.checks),
                checked: command.is_some(),
                hooked: false,
            };
            let run = component.run;
            let ctx = Ctx::new(core, state, asked);
            return Some(if around.is_bare() {
                Box::pin(async move { run(ClickCtx::new(ctx)).await.into() })
            } else {
                Box::pin(around.run(ctx.clone(), async move { run(ClickCtx::new(ctx)).await }))
            });
        }
        let command = *self.commands.get(name)?;
        let mut asked = asked;
        let arguments = asked.take_arguments();
        let prefix = asked.invocation.prefix.clone();
        let ctx = Ctx::new(core, state, asked);
        let around = Around {
            hooks,
            checks: command.checks,
            checked: true,
            hooked: true,
        };
        let given = ctx.clone();
        let handler = async move {
            let ran = (command.run)(given, arguments).await;
            ran.map_err(|error| match error.wrong_argument().and_then(WrongArgument::refusal) {
                Some(text) => {
                    let usage = wording::usage(prefix.as_deref().unwrap_or("/"), &command.describe());
                    Error::usage_of(wording::with_usage(&text, &usage))
                }
                None => error,
            })
        };
        Some(if around.is_bare() {
            drop(ctx);
            Box::pin(async move { handler.await.into() })
        } else {
            Box::pin(around.run(ctx, handler))
        })
    }

    /// What suggests values of the argument that is being typed, made ready to run; `None` if nothing does.
    pub(crate) fn suggest(
        &self,
        core: Rc<Core>,
        state: Rc<S>,
        asked: Asked,
        typed: Typed,
    ) -> Option<Running<Vec<Choice>>> {
        let command = self.commands.get(&asked.invocation.name)?;
        let (_, suggest) = command.suggest.iter().find(|(name, _)| *name == typed.argument)?;
        Some(suggest(Ctx::new(core, state, asked), typed.text))
    }

    /// The event's name, as the handlers of it declare it.
    pub(crate) fn event_name(&self, name: &str) -> Option<&'static str> {
        self.events.get_key_value(name).map(|(&name, _)| name)
    }

    /// The handlers that want an event, made ready to run.
    pub(crate) fn handlers_of(
        &self,
        core: &Rc<Core>,
        state: &Rc<S>,
        payload: &Rc<Payload>,
    ) -> Vec<(&'static str, Running)> {
        let Some(handlers) = self.events.get(payload.name()) else {
            return Vec::new();
        };
        let wanting: Vec<_> = handlers.iter().filter(|handler| payload.passes(handler)).collect();
        payload.expect_readers(wanting.len());
        wanting
            .into_iter()
            .map(|handler| {
                let (run, ctx) = (handler.run, EventCtx::new(core.clone(), state.clone(), payload.clone()));
                let turn = handler.one_at_a_time.and_then(|by| payload.turn(by));
                let Some(turn) = turn else {
                    let future: Running = Box::pin(async move { run(ctx).await });
                    return (handler.handler, future);
                };
                // The place in the queue is taken here, in the order in which events come.
                let turn = core.event_turns.take(handler.handler, turn);
                let awaited = Rc::clone(payload.turns());
                let future: Running = Box::pin(async move {
                    let _turn = awaited.during(turn.come()).await;
                    run(ctx).await
                });
                (handler.handler, future)
            })
            .collect()
    }
}
