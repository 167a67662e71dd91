//! An invocation or an event that waits in a hold, and its way to a generation or to nobody.
//!
//! An invocation is open while it waits, so that its asker is told in time that it takes long; an event gets its number
//! from the generation that handles it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use plugin_protocol::kind;

use super::{
    generation::{Desk, Generation, Undelivered},
    hold::HoldRoom,
};

/// How much may wait for one plugin: as much as a lane's queue takes.
pub const ROOM: HoldRoom = HoldRoom {
    deliveries: 8192,
    bytes: 32 << 20,
};

/// How long an invocation waits. Who asked has been told after 2 s that it takes a while, and has given up by then.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What waits for a plugin's next generation.
#[derive(Debug)]
pub struct Delivery {
    /// What it is; an invocation is open.
    pub what: Held,
    /// The envelope's head.
    pub head: Vec<u8>,
    /// The gateway's payload.
    pub payload: String,
    /// Since when it waits.
    pub since: Instant,
}

/// What kind of delivery it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A command or a control's handler.
    Invocation {
        /// Its number.
        id: u64,
        /// The command's or handler's name.
        handler: String,
    },
    /// An event of the gateway.
    Event,
}

/// Why an invocation that waited is not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// It has waited too long, or the generation's queue is full.
    Busy,
    /// The plugin does not come back, or the bot stops.
    Interrupted,
    /// The generation that came has no such command or control.
    Absent,
}

impl Delivery {
    /// Whether it is an invocation that has waited too long.
    #[must_use]
    pub fn is_overdue(&self, now: Instant) -> bool {
        matches!(self.what, Held::Invocation { .. }) && now.saturating_duration_since(self.since) >= LONGEST_WAIT
    }

    /// Delivers it; who asked is told if that can't be.
    ///
    /// # Errors
    ///
    /// Why it was given up.
    pub fn deliver(self, to: &Arc<Generation>, desk: &dyn Desk) -> Result<(), GivenUp> {
        let give_up = |delivery: Self, why| {
            delivery.give_up(to.name(), desk, why);
            Err(why)
        };
        // The gate of a generation that is not in force yet is open.
        let Some(ticket) = to.gate.enter() else {
            return give_up(self, GivenUp::Interrupted);
        };
        let delivered = match &self.what {
            Held::Event => to.deliver(kind::EVENT, to.event_id(), &self.head, self.payload.as_bytes(), ticket),
            Held::Invocation { id, handler } => {
                if !offers(to, handler) {
                    return give_up(self, GivenUp::Absent);
                }
                desk.delivers(to, *id);
                to.deliver(kind::INVOKE, *id, &self.head, self.payload.as_bytes(), ticket)
            }
        };
        match delivered {
            Ok(()) => Ok(()),
            Err(Undelivered::Full) => give_up(self, GivenUp::Busy),
            Err(Undelivered::Closed) => give_up(self, GivenUp::Interrupted),
        }
    }

    /// Gives it up: who asked is told so.
    pub fn give_up(self, plugin: &plugin_protocol::PluginName, desk: &dyn Desk, why: GivenUp) {
        match self.what {
            Held::Invocation { id, .. } => desk.gave_up(id, why),
            Held::Event => tracing::debug!(%plugin, ?why, "an event that waited was dropped"),
        }
    }
}

fn offers(generation: &Generation, handler: &str) -> bool {
    let description = &generation.description;
    description.commands.iter().any(|command| command.name == handler)
        || description.components.iter().any(|component| component.name == handler)
}
