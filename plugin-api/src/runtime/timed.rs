//! What the lane runs for nobody in particular: functions whose time has come, and the one that erases.
//!
//! Apart from the lane's own file, whose business is the order of things.

use plugin_protocol::{Outcome, Problem, ProblemCode, Subject, TimerRun};
use tokio::task::spawn_local;

use super::{
    Guarded, Label, Owned, Scope,
    debt::{Debt, outcome},
    lane::Serving,
};
use crate::{EraseCtx, TimerCtx, definition::Module};

impl<M: Module> Serving<M> {
    pub(super) fn timer(&self, envelope: Owned) {
        let Some(run) = self.head::<TimerRun>(&envelope) else {
            return;
        };
        let id = envelope.id;
        let Some(state) = self.started(id) else { return };
        let Some(timer) = self.definition.timers.get(run.name.as_str()) else {
            let text = format!("this plugin has no timer called `{}`", run.name);
            return self.core.link.refuse(id, &Problem::new(ProblemCode::NotFound, text));
        };
        let scope = Scope::Timer(timer.name, id);
        let ctx = TimerCtx::new(self.core.clone(), state, run, envelope);
        let (run, retry_ms) = (timer.run, timer.retry_ms);
        let debt = Debt::new(self.core.link.clone(), self.core.ledger.clone(), id);
        spawn_local(async move {
            let ran = Guarded::within(scope, Box::pin(async move { run(ctx).await })).await;
            let may_pass = matches!(&ran, Ok(Err(error)) if error.is_transient());
            debt.pay(&Outcome {
                retry_ms: retry_ms.filter(|_| may_pass),
                ..outcome(ran)
            });
        });
    }

    pub(super) fn erase(&self, envelope: &Owned) {
        let Some(who) = self.head::<Subject>(envelope) else {
            return;
        };
        let id = envelope.id;
        let Some(state) = self.started(id) else { return };
        let Some(erase) = self.definition.erase else {
            let text = "this plugin has no function with `#[erase]`";
            return self.core.link.refuse(id, &Problem::new(ProblemCode::NotFound, text));
        };
        let ctx = EraseCtx::new(self.core.clone(), state);
        let debt = Debt::new(self.core.link.clone(), self.core.ledger.clone(), id);
        spawn_local(async move {
            let erased = Guarded::within(Scope::Erase(id), Box::pin(async move { erase(ctx, who).await }));
            let ran = erased.labelled(Label::of("the function", "erase")).await;
            debt.pay(&outcome(ran));
        });
    }
}
