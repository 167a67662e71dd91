//! What generated code names: outside of the version promise, and not for use by hand.
//!
//! Only the macros may name these; what an author needs is exported at the root of the crate.
#![allow(missing_docs, reason = "for generated code only")]

pub use plugin_abi::{export, heap::CountingAllocator};
pub use plugin_protocol::{
    ArgumentKind, ArgumentValue, Bucket, Concurrency, Contexts, Cooldown, CooldownRule, Defer, Group, MenuTarget,
    Migration, MissedRuns, Permissions, server_settings::SettingsSchema,
};

pub use crate::{
    Argument, ClickCtx, Ctx, EventCtx, GatewayEvent, Handled, Handler, HookCtx, Result, Saved, ServiceCtx, StartCtx,
    StopCtx, TimerCtx,
    argument::{Arguments, ChoiceDef, Shape, WrongArgument, check_argument, check_limit, check_text_limit},
    context::erase_rows,
    definition::{
        ArgumentDef, CommandDef, ComponentDef, ControlPolicyDef, Erase, EventDef, HookDef, Hooks, MenuDef, Module,
        PolicyDef, RuleDef, Running, ServiceDef, TimerDef, check_command, check_hook, check_menus, check_name,
        check_service, checked, group,
    },
    event::{TurnBy, intents},
    export::Loaded,
    linked::LinkedPlugin,
    manifest,
    modal::{Form, FormDef, FormFields, Modal, check_field},
    service::answer as service_answer,
    settings::{
        DeclaredSettings, ServerSettings, Setting, check_setting, schema as settings_schema, value as setting_value,
    },
    timer::{Timed, TimerHandler},
};

/// What an `async fn` of a client answers with.
pub trait Answered {
    type Answer;
}

impl<T> Answered for Result<T> {
    type Answer = T;
}

/// The type of the state behind a context's type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the context of a handler",
    label = "expected the context of its attribute, such as `Ctx<State>` of a command or `TimerCtx<State>` of a timer"
)]
pub trait Context {
    type State: 'static;
}

impl<S: 'static> Context for Ctx<S> {
    type State = S;
}

impl<S: 'static> Context for ClickCtx<S> {
    type State = S;
}

impl<S: 'static> Context for EventCtx<S> {
    type State = S;
}

impl<S: 'static> Context for HookCtx<S> {
    type State = S;
}

impl<S: 'static> Context for ServiceCtx<S> {
    type State = S;
}

impl<S: 'static> Context for TimerCtx<S> {
    type State = S;
}

impl<S> ComponentDef<S> {
    #[must_use]
    pub fn of<H: Handler<State = S>>() -> Self {
        Self {
            name: H::NAME,
            anyone: H::ANYONE,
            expires_seconds: H::EXPIRES_SECONDS,
            defer: H::DEFER,
            policy: H::POLICY,
            form: H::FORM,
            opener: H::OPENER,
            run: H::run,
        }
    }
}

/// What `plugin!` uses where the module has no `#[start]` or `#[stop]`: names of the module win over a glob import.
pub mod defaults {
    use crate::{Result, StartCtx, StopCtx};

    #[allow(clippy::unused_async, reason = "stands for an author's function")]
    pub async fn __plugin_start<S: Default>(_ctx: StartCtx) -> Result<S> {
        Ok(S::default())
    }

    #[allow(clippy::unused_async, reason = "stands for an author's function")]
    pub async fn __plugin_stop<S>(_ctx: StopCtx, state: S) -> Result {
        drop(state);
        Ok(())
    }
}
