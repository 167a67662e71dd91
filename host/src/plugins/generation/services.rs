//! What a generation does for other plugins: its services, and from which work a call of another one follows.
//!
//! A service is under way like an invocation, with a ticket, but its answer goes to whoever waits for it in the host and
//! not to the desk.

use bytes::Bytes;
use plugin_abi::{Delivery, Envelope};
use plugin_protocol::{Problem, ProblemCode, ServiceOutcome, ServiceVerdict, kind};
use tokio::sync::oneshot;

use super::{Answer, Generation, Undelivered, Waiting};
use crate::plugins::lane::{Root, Ticket};

/// A service that is under way.
#[derive(Debug)]
pub(super) struct Frame {
    /// Dropped when it has answered: the generation may then be retired.
    ticket: Ticket,
    depth: u32,
    answer: oneshot::Sender<Answer>,
}

/// From which work a call follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// When that began.
    pub root: Root,
    /// How many calls it lies within.
    pub depth: u32,
}

/// The end of a service, when it comes.
#[derive(Debug)]
pub struct Serving(oneshot::Receiver<Answer>);

impl Serving {
    /// Waits for it. Cancel safe; to be waited for no more once it has come.
    ///
    /// # Errors
    ///
    /// What the lane said instead; `Closed` if it has ended before it began with it.
    pub async fn ended(&mut self) -> Result<(ServiceOutcome, Bytes), Problem> {
        let cut_off = ServiceOutcome {
            verdict: ServiceVerdict::Interrupted,
            ..ServiceOutcome::default()
        };
        // Its lane has ended in the middle of it.
        let Ok(answer) = (&mut self.0).await else {
            return Ok((cut_off, Bytes::new()));
        };
        let unreadable = |error: serde_json::Error| {
            let text = format!("an answer that can't be read: {error}");
            Problem::new(ProblemCode::Unknown, text)
        };
        if answer.problem {
            return Err(serde_json::from_slice(&answer.head).unwrap_or_else(unreadable));
        }
        let outcome = serde_json::from_slice(&answer.head).map_err(unreadable)?;
        Ok((outcome, answer.tail))
    }
}

impl Frame {
    pub(super) fn answered(self, answer: Answer) {
        // Whoever called may have given up.
        let _ = self.answer.send(answer);
        drop(self.ticket);
    }

    fn within(&self) -> Within {
        Within {
            root: self.ticket.root(),
            depth: self.depth,
        }
    }
}

impl Generation {
    /// From which work something follows that the plugin does for this delivery; `None` if that is not under way.
    #[must_use]
    pub fn within(&self, delivery: u64) -> Option<Within> {
        match self.waiting().get(&delivery)? {
            Waiting::Invocation(invoked) => Some(Within {
                root: invoked.ticket.root(),
                depth: 0,
            }),
            Waiting::Event(handed) => Some(Within {
                root: handed.ticket.root(),
                depth: 0,
            }),
            Waiting::Service(frame) => Some(frame.within()),
            Waiting::Request(_) | Waiting::Pulse | Waiting::Look => None,
        }
    }

    /// Whether it has a service of this name.
    #[must_use]
    pub fn offers_service(&self, name: &str) -> bool {
        self.description.services.iter().any(|service| service.name == name)
    }

    /// Waits until its lane has ended.
    pub async fn lane_ended(&self) {
        // The sender is its own, so this can't fail.
        let _ = self.ended.subscribe().wait_for(|&ended| ended).await;
    }

    /// Begins a service for another plugin.
    ///
    /// # Errors
    ///
    /// The lane is full or has ended; the ticket is given back.
    pub fn serve(&self, head: &[u8], request: &[u8], ticket: Ticket, depth: u32) -> Result<Serving, Undelivered> {
        let (answer, serving) = oneshot::channel();
        let id = self.event_id();
        let frame = Frame { ticket, depth, answer };
        self.waiting().insert(id, Waiting::Service(frame));
        let delivery = self.hand_over(&Envelope::new(kind::SERVICE, 0, id, head, request));
        if delivery == Delivery::ACCEPTED {
            return Ok(Serving(serving));
        }
        self.waiting().remove(&id);
        Err(if delivery == Delivery::FULL {
            Undelivered::Full
        } else {
            Undelivered::Closed
        })
    }
}
