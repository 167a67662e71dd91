//! A call on its way: to the generation that serves, or into the hold of the plugin while that is replaced, and back.
//!
//! The time limit counts from when the service begins. What waits in a hold has not begun, and is given up when its caller's
//! lane has ended; what has begun goes on, whoever still waits for it, and what goes wrong in it is told all the same.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use plugin_protocol::{
    Dependency, LONGEST_SERVICE_MS, PanicReport, ProblemCode, ServiceCall, ServiceCalled, ServiceFailure,
    ServiceOutcome, ServiceRequest, ServiceVerdict,
};
use tokio::{sync::oneshot, time::timeout};

use super::{
    check::{callee, no_such, offered},
    room::{Room, Rooms},
};
use crate::interactions::is_incident_code;
use crate::plugins::{
    CallBegun, Delivery, Entered, Generation, GivenUp, Held, HeldCall, Root, Routing, Serving, Share, Table,
    Undelivered,
};

/// How often a generation that has just ended is looked for anew.
const TRIES: usize = 3;

/// A call, with all that has to be known while its caller still waits.
#[derive(Debug)]
pub struct Calling {
    from: Arc<Generation>,
    call: ServiceCall,
    request: Bytes,
    root: Root,
    depth: u32,
    head: Vec<u8>,
}

/// What a service came to that its author has to hear of.
#[derive(Debug)]
pub struct Fault<'f> {
    /// Whose service it is.
    pub of: &'f Arc<Generation>,
    /// Who called.
    pub caller: &'f Generation,
    /// The service's name.
    pub service: &'f str,
    /// What went wrong.
    pub text: &'f str,
    /// The panic, if it was one.
    pub panic: Option<&'f PanicReport>,
    /// The code of the fault of another service from which this one comes: that is written down already.
    pub origin: Option<&'f str>,
}

/// What was made known of a fault.
#[derive(Debug)]
pub struct Told {
    /// The code by which it is found, if it was written down.
    pub incident: Option<String>,
    /// What of it the caller may read.
    pub text: String,
}

/// Where a call has got to.
enum Begun {
    Serving(Arc<Generation>, Serving),
    Waits(oneshot::Receiver<CallBegun>),
}

impl Calling {
    /// Notes from which work the call follows, which may end at any time. `now` is the root of what follows from none.
    #[must_use]
    pub fn new(from: &Arc<Generation>, call: ServiceCall, request: Bytes, now: Root) -> Self {
        let within = call.within.and_then(|delivery| from.within(delivery));
        let head = ServiceRequest {
            service: call.service.clone(),
            caller: from.name().to_string(),
            caller_version: from.manifest.version.clone(),
        };
        Self {
            root: within.map_or(now, |within| within.root),
            depth: within.map_or(0, |within| within.depth) + 1,
            head: serde_json::to_vec(&head).unwrap_or_default(),
            from: Arc::clone(from),
            call,
            request,
        }
    }

    /// Brings it to its end, which `answer` is told as soon as its caller need not wait any more; then waits for the end of
    /// the service, if that goes on. Faults of the service are told to `tell`.
    pub async fn run(
        self,
        routing: &Routing<Table>,
        rooms: &Rooms,
        tell: impl Fn(Fault<'_>) -> Told,
        answer: impl FnOnce(ServiceCalled, Bytes),
    ) {
        let mut begun = None;
        // Until the service has ended.
        let (room, answered) = match self.admit(rooms) {
            Err(failure) => (None, Err(failure)),
            Ok((declared, room)) => {
                let answered = tokio::select! {
                    biased;
                    answered = self.answer(routing, declared, &tell, &mut begun) => answered,
                    () = self.from.lane_ended() => Err(ServiceFailure::Interrupted),
                };
                (Some(room), answered)
            }
        };
        match answered {
            Ok(answered) => answer(ServiceCalled::default(), answered),
            Err(failure) => answer(ServiceCalled { failure: Some(failure) }, Bytes::new()),
        }
        let serves = match begun {
            Some(Begun::Waits(mut begun)) => {
                // From here on it does not begin.
                begun.close();
                begun.try_recv().ok().and_then(Result::ok)
            }
            Some(Begun::Serving(at, serving)) => Some((at, Some(serving))),
            None => None,
        };
        if let Some((at, Some(mut serving))) = serves
            && let Ok((outcome, answered)) = serving.ended().await
        {
            // Nobody waits for the answer.
            let _ = self.judge(&at, outcome, answered, tell);
        }
        drop(room);
    }

    fn admit(&self, rooms: &Rooms) -> Result<(&Dependency, Room), ServiceFailure> {
        // Before the swap: who is called may be replaced together with it.
        if self.from.serving_since.get().is_none() {
            return Err(ServiceFailure::TooEarly);
        }
        let declared = callee(&self.from.manifest, &self.call, self.depth)?;
        let room = rooms.take(self.from.name(), &declared.name)?;
        Ok((declared, room))
    }

    /// What is begun, and has not ended when this is given up, is left behind in `begun`.
    async fn answer(
        &self,
        routing: &Routing<Table>,
        declared: &Dependency,
        tell: impl Fn(Fault<'_>) -> Told,
        begun: &mut Option<Begun>,
    ) -> Result<Bytes, ServiceFailure> {
        let limit_ms = self.call.limit_ms.clamp(1, LONGEST_SERVICE_MS);
        // Told that it serves, it may be faster than the table that leads to whoever came with it.
        self.from.in_force.wait().await;
        let mut tries = 0;
        loop {
            tries += 1;
            *begun = self.begin(routing, declared)?;
            if let Some(Begun::Waits(waits)) = begun {
                *begun = self.waited(waits, declared).await?;
            }
            if let Some(Begun::Serving(at, serving)) = begun {
                let ended = timeout(Duration::from_millis(limit_ms), serving.ended()).await;
                let ended = ended.map_err(|_| ServiceFailure::TimedOut { limit_ms })?;
                let at = Arc::clone(at);
                *begun = None;
                match ended {
                    Ok((outcome, answer)) => return self.judge(&at, outcome, answer, tell),
                    // It has not begun, so it is brought to whoever serves now.
                    Err(problem) if problem.code == ProblemCode::Closed => {}
                    Err(problem) if problem.code == ProblemCode::NotFound => {
                        return Err(no_such(&at.description.services));
                    }
                    Err(problem) => {
                        return Err(ServiceFailure::Failed {
                            text: problem.message,
                            incident: None,
                        });
                    }
                }
            }
            if tries >= TRIES {
                let text = "its plugin's thread has ended; the bot's owner can `reload` it".to_owned();
                return Err(ServiceFailure::Busy { text });
            }
            tokio::task::yield_now().await;
        }
    }

    /// Gives it to whoever serves, or lets it wait; `None` if whoever serves has just ended.
    fn begin(&self, routing: &Routing<Table>, declared: &Dependency) -> Result<Option<Begun>, ServiceFailure> {
        let name = &declared.name;
        let mut waits = None;
        let make = || {
            let (begun, hears) = oneshot::channel();
            waits = Some(hears);
            Delivery {
                what: Held::Service(HeldCall {
                    service: self.call.service.clone(),
                    range: self.from.ranges.wanted_of(name),
                    depth: self.depth,
                    request: self.request.clone(),
                    begun,
                }),
                head: self.head.clone(),
                payload: String::new(),
                since: Instant::now(),
            }
        };
        let share = Share::Call(self.head.len() + self.request.len());
        let entered = routing.enter_of(self.root, |table| table.way_of(name, self.root), share, make);
        let busy = |text: &str| ServiceFailure::Busy { text: text.to_owned() };
        let (at, ticket) = match entered {
            None => return Err(ServiceFailure::NotLoaded),
            Some(Entered::Full) => return Err(busy("too much waits for its plugin, which is being replaced")),
            Some(Entered::Waits) => return Ok(waits.map(Begun::Waits)),
            Some(Entered::Now(at, ticket)) => (at, ticket),
        };
        self.offered(&at, declared)?;
        if at.pulse.hung_for(Instant::now()).is_some() {
            return Err(busy("its plugin hangs; the bot's owner can `reload` it"));
        }
        if !at.has_room() {
            return Err(busy("too much is under way at its plugin"));
        }
        match at.serve(&self.head, &self.request, ticket, self.depth) {
            Ok(serving) => Ok(Some(Begun::Serving(at, serving))),
            Err(Undelivered::Full) => Err(busy("the queue of its plugin is full")),
            Err(Undelivered::Closed) => Ok(None),
        }
    }

    /// Waits until a hold is over; `None` if it is to be looked anew who serves.
    async fn waited(
        &self,
        begun: &mut oneshot::Receiver<CallBegun>,
        declared: &Dependency,
    ) -> Result<Option<Begun>, ServiceFailure> {
        match begun.await {
            Ok(Ok((at, Some(serving)))) => Ok(Some(Begun::Serving(at, serving))),
            Ok(Ok((at, None))) => {
                let unfit = self.offered(&at, declared).err();
                Err(unfit.unwrap_or_else(|| no_such(&at.description.services)))
            }
            Ok(Err(GivenUp::Busy)) => Err(ServiceFailure::Busy {
                text: "its plugin is being replaced for too long".to_owned(),
            }),
            // Nobody came, or who came has ended at once.
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }

    fn offered(&self, at: &Generation, declared: &Dependency) -> Result<(), ServiceFailure> {
        let fits = at.ranges.is_in(&self.from.ranges.wanted_of(&declared.name));
        let (version, services) = (&at.manifest.version, &at.description.services);
        offered(declared, &self.call.service, (version, fits), services)
    }

    fn judge(
        &self,
        at: &Arc<Generation>,
        outcome: ServiceOutcome,
        answer: Bytes,
        tell: impl Fn(Fault<'_>) -> Told,
    ) -> Result<Bytes, ServiceFailure> {
        let text = outcome.text.unwrap_or_default();
        let origin = outcome.incident.as_deref().filter(|code| is_incident_code(code));
        let fault = |panic| Fault {
            of: at,
            caller: &self.from,
            service: &self.call.service,
            text: &text,
            panic,
            origin,
        };
        Err(match outcome.verdict {
            ServiceVerdict::Done => return Ok(answer),
            ServiceVerdict::Refused => ServiceFailure::Refused { text },
            ServiceVerdict::WrongRequest => ServiceFailure::WrongRequest {
                path: outcome.path,
                text,
            },
            ServiceVerdict::Panicked => {
                let panic = outcome.panic.unwrap_or_default();
                let told = tell(fault(Some(&panic)));
                ServiceFailure::Panicked {
                    incident: told.incident,
                }
            }
            ServiceVerdict::Failed => {
                let told = tell(fault(None));
                ServiceFailure::Failed {
                    text: told.text,
                    incident: told.incident,
                }
            }
            ServiceVerdict::Interrupted => ServiceFailure::Interrupted,
            ServiceVerdict::Unknown => ServiceFailure::Unknown,
        })
    }
}
