//! What comes from a plugin: answers to the host's questions, requests, log records; each kind with what becomes of it.
//!
//! Called on the plugin's threads: it bounds what is asked and hands it to the [`Desk`](super::Desk), and waits for nothing.

use std::{
    sync::{Arc, PoisonError, RwLock, atomic::Ordering},
    time::Instant,
};

use bytes::Bytes;
use plugin_abi::{Delivery, Envelope, Receiver};
use plugin_protocol::{Problem, ProblemCode, Unwatch, hooks::HookUnregister, kind};

use super::{Answer, Generation, Request, Waiting};
use crate::plugins::{latency::Handler, outcome::outcome, room::Room};

/// How many requests of one generation may be under way.
const MAX_REQUESTS: usize = 8192;

impl Generation {
    pub(super) fn receive(self: &Arc<Self>, envelope: &Envelope<'_>) {
        match envelope.kind() {
            kind::ANSWER => {
                let waiting = self.waiting().remove(&envelope.id());
                match waiting {
                    Some(Waiting::Request(sender)) => {
                        let _ = sender.send(answer(envelope));
                    }
                    Some(Waiting::Service(frame)) => {
                        self.pulse.stirred(Instant::now());
                        frame.answered(answer(envelope));
                    }
                    Some(Waiting::Invocation(invoked)) => {
                        let now = Instant::now();
                        self.pulse.stirred(now);
                        self.latencies
                            .note(invoked.handler, now.saturating_duration_since(invoked.since));
                        let outcome = outcome(envelope);
                        self.desk.finished(self, envelope.id(), outcome, invoked.ticket);
                    }
                    Some(Waiting::Event(handed)) => {
                        let now = Instant::now();
                        self.pulse.stirred(now);
                        self.latencies
                            .note(Handler::Event, now.saturating_duration_since(handed.since));
                        let is_refused = envelope.flags() & kind::FLAG_PROBLEM != 0;
                        self.event_ended(&handed, is_refused);
                        let outcome = outcome(envelope);
                        self.desk.finished(self, envelope.id(), outcome, handed.ticket);
                    }
                    Some(Waiting::Pulse) => self.pulse.answered(Instant::now()),
                    Some(Waiting::Look) => self.looked(envelope),
                    None => {
                        tracing::debug!(plugin = %self.name(), id = envelope.id(), "an answer that nobody waits for");
                    }
                }
            }
            // `null` is one that has begun.
            kind::BEGUN => {
                let begun = serde_json::from_slice(envelope.head()).unwrap_or_default();
                self.event_begun(envelope.id(), begun);
            }
            kind::LOG => match serde_json::from_slice(envelope.head()) {
                Ok(record) => self.desk.logged(self, &record),
                Err(error) => tracing::debug!(plugin = %self.name(), %error, "a log record that can't be read"),
            },
            kind::PANIC => self
                .desk
                .panicked(self, &serde_json::from_slice(envelope.head()).unwrap_or_default()),
            kind::UNWATCH => match serde_json::from_slice(envelope.head()) {
                Ok(Unwatch { id }) => self.desk.unwatched(self, id),
                Err(error) => tracing::debug!(plugin = %self.name(), %error, "the end of a watch that can't be read"),
            },
            kind::HOOK_UNREGISTER => {
                if let Ok(HookUnregister { registration }) = serde_json::from_slice(envelope.head()) {
                    self.desk.unregistered(self, registration);
                }
            }
            kind::RESPOND
            | kind::REST
            | kind::CALL
            | kind::SQL
            | kind::KEYS
            | kind::FILES
            | kind::WATCH
            | kind::SERVICE_CALL
            | kind::EMIT
            | kind::HOOK_REGISTER
            | kind::TIMERS => {
                let limit = match envelope.kind() {
                    kind::RESPOND => MAX_REQUESTS,
                    // Room is left for answers to people.
                    _ => MAX_REQUESTS / 4 * 3,
                };
                let busy = self.requests.fetch_add(1, Ordering::Relaxed) >= limit;
                let admitted = self.asked.admit(envelope.kind()).and_then(|()| {
                    if busy {
                        let text = format!("{limit} requests of this plugin are under way: wait for some of them");
                        return Err(Problem::new(ProblemCode::Busy, text));
                    }
                    Room::take(&self.under_way, envelope)
                });
                let room = match admitted {
                    Ok(room) => room,
                    Err(problem) => {
                        self.asked.note_turned_away();
                        self.answer::<()>(envelope.id(), &Err(problem), &[]);
                        return;
                    }
                };
                let request = Request {
                    kind: envelope.kind(),
                    id: envelope.id(),
                    head: envelope.head().to_vec(),
                    tail: Bytes::copy_from_slice(envelope.tail()),
                    _room: room,
                };
                self.desk.asked(self, request);
            }
            unknown => {
                self.requests.fetch_add(1, Ordering::Relaxed);
                let text = format!("this host does not know requests of kind {unknown}: it is older than the plugin");
                self.answer::<()>(envelope.id(), &Err(Problem::new(ProblemCode::NotSupported, text)), &[]);
            }
        }
    }
}

fn answer(envelope: &Envelope<'_>) -> Answer {
    Answer {
        head: envelope.head().to_vec(),
        tail: Bytes::copy_from_slice(envelope.tail()),
        problem: envelope.flags() & kind::FLAG_PROBLEM != 0,
    }
}

/// The way of one generation to the host, which is never freed: closed, it holds nothing.
pub(super) struct Context(pub(super) Arc<RwLock<Option<Arc<Generation>>>>);

impl Receiver for Context {
    fn receive(&self, batch: &[Envelope<'_>]) -> Delivery {
        let generation = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(generation) = generation else {
            return Delivery::CLOSED;
        };
        for envelope in batch {
            generation.receive(envelope);
        }
        Delivery::ACCEPTED
    }
}
