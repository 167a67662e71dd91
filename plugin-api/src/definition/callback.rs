//! What `#[hook]` makes of a function: a callback by its name, for the description and for the lane.
//!
//! Apart from the handlers of gateway events, which differ in whose events they are and in how their payloads are read.

use std::rc::Rc;

use plugin_protocol::hooks::{HookSubscription, NAMES};

use super::{Definition, Module, Running};
use crate::{
    HookCtx,
    hook::{self, Received},
    runtime::{Core, Scope},
};

/// What `#[hook]` makes of a function.
pub struct HookDef<S: 'static> {
    pub event: &'static str,
    pub function: &'static str,
    pub priority: i32,
    pub run: fn(HookCtx<S>) -> Running,
}

impl<S> Clone for HookDef<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for HookDef<S> {}

/// Refuses a second callback of one name, for generated code: an error of the compiler.
#[track_caller]
pub const fn check_hook(function: &str, earlier: &[&str]) {
    let mut at = 0;
    while at < earlier.len() {
        assert!(
            !crate::event::same(function, earlier[at]),
            "two callbacks of hooks of this plugin have the same name, by which the owner tells them apart"
        );
        at += 1;
    }
}

pub(super) fn describe<M: Module>() -> Vec<HookSubscription> {
    let described = M::hooks().into_iter().map(|hook| HookSubscription {
        event: hook.event.to_owned(),
        function: hook.function.to_owned(),
        priority: hook.priority,
    });
    described.collect()
}

impl<S: 'static> Definition<S> {
    /// The callback of a hook, made ready to run, and on whose behalf; `None` if there is none of that name.
    pub(crate) fn callback(
        &self,
        core: &Rc<Core>,
        state: &Rc<S>,
        event: &Rc<Received>,
        id: u64,
    ) -> Option<(Running, Scope)> {
        if event.run().registration.is_some() {
            let known = NAMES.iter().find(|name| **name == event.run().event);
            let scope = Scope::Event(known.copied().unwrap_or("a plugin's event"), id);
            return Some((hook::registered(core, event)?, scope));
        }
        let callback = self.callbacks.get(event.run().function.as_str())?;
        let ctx = HookCtx::new(core.clone(), state.clone(), event.clone());
        Some(((callback.run)(ctx), Scope::Event(callback.event, id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macros_know_every_event_of_the_host_and_no_other() {
        // A crate of macros can export none.
        let source = include_str!("../../macros/src/hook.rs");
        let (_, rest) = source
            .split_once("const EVENTS: &[(&str, &str)] = &[")
            .expect("the list");
        let (list, _) = rest.split_once("];").expect("its end");
        let known: Vec<_> = list.lines().filter_map(|line| line.split('"').nth(1)).collect();
        assert_eq!(known, NAMES);
    }
}
