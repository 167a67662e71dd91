//! Runs of hooks' callbacks on the lane: found by name or number, guarded, and cut off when their time is over.
//!
//! The host measures the time, too, for lanes that hang; here the callback itself is dropped, so that it holds up no drain.

use std::{rc::Rc, time::Duration};

use plugin_protocol::{Outcome, Problem, ProblemCode, Verdict, hooks::HookRun};
use tokio::{task::spawn_local, time::timeout};

use super::{
    Core, Guarded, Label, Owned,
    debt::{Debt, outcome},
};
use crate::{definition::Definition, hook::Received};

/// Runs one callback in a task of its own.
pub(super) fn run<S: 'static>(
    core: &Rc<Core>,
    definition: &Definition<S>,
    state: &Rc<S>,
    run: HookRun,
    envelope: Owned,
) {
    let id = envelope.id;
    let limit = Duration::from_millis(run.limit_ms);
    let event = Rc::new(Received::new(run, envelope));
    let called = match event.run().registration {
        None => Label::of("the hook", &event.run().function),
        Some(_) => Label::of("a callback that was registered for", &event.run().event),
    };
    let Some((future, scope)) = definition.callback(core, state, &event, id) else {
        let text = format!("this plugin has no callback `{}`", event.run().function);
        return core.link.refuse(id, &Problem::new(ProblemCode::NotFound, text));
    };
    drop(event);
    let debt = Debt::new(core.link.clone(), core.ledger.clone(), id);
    spawn_local(async move {
        let future = Guarded::within(scope, future).labelled(called);
        let ran = if limit.is_zero() {
            Ok(future.await)
        } else {
            timeout(limit, future).await
        };
        let outcome = ran.map_or_else(|_| too_long(limit), outcome);
        debt.pay(&outcome);
    });
}

fn too_long(limit: Duration) -> Outcome {
    Outcome {
        verdict: Verdict::Failed,
        text: Some(format!("it took longer than {limit:?} and was cut off")),
        ..Outcome::default()
    }
}
