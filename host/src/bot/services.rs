//! Calls of services, as the desk meets them: who serves is looked up in the routing table, and what goes wrong in a
//! service is an incident of its plugin, as in a command.

use std::sync::{Arc, OnceLock};

use plugin_protocol::ServiceCall;
use tokio_util::task::TaskTracker;

use super::{
    desk::{Allowances, head},
    incidents::Reporter,
};
use crate::{
    interactions::Invocations,
    plugins::{Generation, Request, Routing, Table},
    services::{Calling, Fault, Rooms, Told},
    telemetry::{self, Logs},
};

/// The routing table, which is known before any plugin runs.
pub type Ways = Arc<OnceLock<Arc<Routing<Table>>>>;

/// Answers calls of services. Clones are the same.
#[derive(Clone)]
pub struct Services {
    /// Who serves.
    pub ways: Ways,
    /// Tells of what went wrong.
    pub reporter: Reporter,
    /// Gives incidents their codes.
    pub invocations: Invocations,
    /// How much each plugin may still log.
    pub allowances: Allowances,
    /// How many calls may be under way.
    pub rooms: Rooms,
    /// The log, which knows what is secret.
    pub logs: Logs,
}

impl Services {
    /// Begins a call on its caller's thread, since the work from which it follows may end; the rest is a task.
    pub fn meet(
        &self,
        tasks: &TaskTracker,
        runtime: &tokio::runtime::Handle,
        from: &Arc<Generation>,
        request: Request,
    ) {
        let id = request.id;
        let Some(routing) = self.ways.get().cloned() else {
            // No plugin runs before it is known.
            return from.answer::<()>(id, &Err(closing()), &[]);
        };
        let call = match head::<ServiceCall>(&request.head) {
            Ok(call) => call,
            Err(problem) => return from.answer::<()>(id, &Err(problem), &[]),
        };
        let calling = Calling::new(from, call, request.tail.clone(), routing.root());
        let (from, services) = (Arc::clone(from), self.clone());
        let work = async move {
            let tell = |fault: Fault<'_>| services.told(&fault);
            calling
                .run(&routing, &services.rooms, tell, |called, answer| {
                    from.answer(id, &Ok(called), &answer);
                })
                .await;
            // Counts until the service has ended, whoever has given it up.
            drop(request);
        };
        tasks.spawn_on(work, runtime);
    }

    /// Makes a fault known, as far as its plugin may still log.
    fn told(&self, fault: &Fault<'_>) -> Told {
        let cover = |text: &str| {
            let text = telemetry::logs::shortened(text);
            self.logs.secrets().cover(&text).into_owned()
        };
        let text = cover(fault.text);
        if let Some(code) = fault.origin {
            let (plugin, service) = (fault.of.name(), fault.service);
            tracing::warn!(%plugin, service, code, "a service failed since one that it called did");
            let incident = Some(code.to_owned());
            return Told { incident, text };
        }
        let incident = self.allowances.admits(fault.of.name()).then(|| {
            let code = self.invocations.incident_code();
            match fault.panic {
                Some(panic) => {
                    let mut panic = panic.clone();
                    panic.message = cover(&panic.message);
                    self.reporter
                        .service_panicked(fault.of, code, (fault.service, fault.caller.name()), &panic)
                }
                None => self
                    .reporter
                    .service_failed(fault.of, code, (fault.service, fault.caller.name()), &text),
            }
        });
        Told { incident, text }
    }
}

fn closing() -> plugin_protocol::Problem {
    let text = "the bot is starting: ask again once it is ready";
    plugin_protocol::Problem::new(plugin_protocol::ProblemCode::Busy, text)
}
