//! A lane runs a service for another plugin: its answer is JSON, and what goes wrong is told in the answer's head.
//!
//! Like a command it is owed an answer, so a generation that ends waits for it.

use plugin_protocol::{Problem, ProblemCode, ServiceOutcome, ServiceRequest, ServiceVerdict};
use tokio::task::spawn_local;

use super::{Debt, Guarded, Owned, Scope, Serving};
use crate::{
    Error,
    definition::Module,
    service::{ServiceCtx, WrongRequest},
};

impl<M: Module> Serving<M> {
    pub(super) fn service(&self, envelope: Owned) {
        let Some(request) = self.head::<ServiceRequest>(&envelope) else {
            return;
        };
        let Some(state) = self.started(envelope.id) else { return };
        let (id, link) = (envelope.id, self.core.link.clone());
        let Some(service) = self.definition.services.get(request.service.as_str()) else {
            let text = format!("this plugin has no service called `{}`", request.service);
            return link.refuse(id, &Problem::new(ProblemCode::NotFound, text));
        };
        let (name, run) = (service.name, service.run);
        let ctx = ServiceCtx::new(self.core.clone(), state, request, envelope);
        let debt = Debt::new(link, self.core.ledger.clone(), id);
        spawn_local(async move {
            let scope = Scope::Service(name, id);
            // Called within the task, whose panics are caught.
            let future = Box::pin(async move { run(ctx).await });
            let (outcome, answer) = match Guarded::within(scope, future).await {
                Ok(Ok(answer)) => (ServiceOutcome::default(), answer),
                Ok(Err(error)) => (failed(&error), Vec::new()),
                Err(panic) => {
                    let outcome = ServiceOutcome {
                        verdict: ServiceVerdict::Panicked,
                        text: Some(panic.message.clone()),
                        panic: Some(panic),
                        ..ServiceOutcome::default()
                    };
                    (outcome, Vec::new())
                }
            };
            debt.pay_by(&outcome, &answer);
        });
    }
}

fn failed(error: &Error) -> ServiceOutcome {
    let of = |verdict, text| ServiceOutcome {
        verdict,
        text: Some(text),
        ..ServiceOutcome::default()
    };
    if let Some(wrong) = error.wrong_request() {
        return ServiceOutcome {
            path: wrong.path.clone(),
            ..of(ServiceVerdict::WrongRequest, wrong.text.clone())
        };
    }
    match error.refusal() {
        Some(text) => of(ServiceVerdict::Refused, text.to_owned()),
        None => ServiceOutcome {
            incident: error.incident(),
            ..of(ServiceVerdict::Failed, error.placed_chain())
        },
    }
}

impl Error {
    /// What doesn't fit, if this is a request that a service doesn't take.
    fn wrong_request(&self) -> Option<&WrongRequest> {
        self.downcast()
    }
}
