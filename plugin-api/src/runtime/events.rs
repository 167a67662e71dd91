//! Gateway events on the lane: the handlers of one run side by side in one task, and end together.
//!
//! What waits for something after its first step is told to the host as begun, which then hands over the next one: what has
//! not begun can still be dropped there. What waits for its turn has not begun either, and is told as that.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use plugin_protocol::{Event, lane::Begun};
use tokio::task::spawn_local;

use super::{
    Guarded, Label, Owned, Scope,
    debt::{Debt, outcome, worst},
    lane::Serving,
};
use crate::{
    Result,
    definition::{Module, Running},
    event::Payload,
};

/// The handlers of one event.
struct Handlers(Vec<(Guarded<Result>, Option<plugin_protocol::Outcome>)>);

impl Handlers {
    /// How many of them have not ended.
    fn left(&self) -> usize {
        self.0.iter().filter(|(_, done)| done.is_none()).count()
    }

    /// Lets each of them go on.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ended = Poll::Ready(());
        for (handler, done) in &mut self.0 {
            if done.is_none() {
                match Pin::new(handler).poll(cx) {
                    Poll::Ready(result) => *done = Some(outcome(result)),
                    Poll::Pending => ended = Poll::Pending,
                }
            }
        }
        ended
    }
}

impl<M: Module> Serving<M> {
    pub(super) fn event(&self, envelope: Owned) {
        let Some(event) = self.head::<Event>(&envelope) else {
            return;
        };
        let Some(state) = self.started(envelope.id) else { return };
        let id = envelope.id;
        let payload = Rc::new(Payload::new(event, envelope));
        let turns = Rc::clone(payload.turns());
        let futures = self.definition.handlers_of(&self.core, &state, &payload);
        let scope = self
            .definition
            .event_name(payload.name())
            .map_or(Scope::None, |name| Scope::Event(name, id));
        let link = self.core.link.clone();
        let debt = Debt::new(link.clone(), self.core.ledger.clone(), id);
        let guarded = |(name, future): (&'static str, Running)| {
            let handler = Guarded::within(scope, future);
            (handler.labelled(Label::of("the handler", name)), None)
        };
        let mut handlers = Handlers(futures.into_iter().map(guarded).collect());
        spawn_local(async move {
            let mut told = None;
            std::future::poll_fn(|cx| {
                let polled = handlers.poll(cx);
                if polled.is_pending() {
                    let begun = Begun {
                        waits: turns.all_wait(handlers.left()),
                    };
                    // Once begun, it has: another handler of it may still wait.
                    if told != Some(begun) && told != Some(Begun::default()) {
                        link.begun(id, begun);
                        told = Some(begun);
                    }
                }
                polled
            })
            .await;
            debt.pay(&worst(handlers.0.into_iter().filter_map(|(_, done)| done)));
        });
    }
}
