//! An invocation or an event that waits in a hold, and its way to a generation or to nobody.
//!
//! An invocation is open while it waits, so that its asker is told in time that it takes long; an event gets its number
//! from the generation that handles it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use plugin_protocol::{Command, Description, kind};
use tokio::sync::oneshot;

use super::{
    generation::{Desk, EventDelivery, Generation, Serving, Undelivered},
    hold::HoldRoom,
    latency::Handler,
    ranges::Range,
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
#[derive(Debug)]
pub enum Held {
    /// A command or a control's handler.
    Invocation {
        /// Its number.
        id: u64,
        /// The command's or handler's name.
        handler: String,
        /// The command by which it was decided who may use it, and its arguments were read; `None` for a control.
        command: Option<Box<Command>>,
    },
    /// An event of the gateway.
    Event,
    /// A run of a hook's callback.
    Hook {
        /// Its number.
        run: u64,
        /// The callback's function.
        function: String,
    },
    /// A function whose time has come.
    Timer {
        /// The delivery's id.
        id: u64,
        /// The function's name.
        function: String,
    },
    /// A service for another plugin.
    Service(HeldCall),
}

/// A call of a service that waits.
#[derive(Debug)]
pub struct HeldCall {
    /// The service's name.
    pub service: String,
    /// Which versions of the plugin its caller wants.
    pub range: Arc<Range>,
    /// How many calls it lies within.
    pub depth: u32,
    /// The request.
    pub request: Bytes,
    /// Whoever calls hears of its begin here.
    pub begun: oneshot::Sender<CallBegun>,
}

/// The begin of a call that waited: at whom, and its end when that comes; none if that one is not what its caller wants.
pub type CallBegun = Result<(Arc<Generation>, Option<Serving>), GivenUp>;

/// Why an invocation that waited is not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// It has waited too long, or the generation's queue is full.
    Busy,
    /// The plugin does not come back, or the bot stops.
    Interrupted,
    /// The generation that came has no such command or control.
    Absent,
    /// The generation that came has another command of that name: what was decided and read does not hold for it.
    Changed,
}

impl Delivery {
    /// Whether it has waited too long: somebody waits for it, and will not for ever.
    #[must_use]
    pub fn is_overdue(&self, now: Instant) -> bool {
        !matches!(self.what, Held::Event) && now.saturating_duration_since(self.since) >= LONGEST_WAIT
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
        if let Held::Service(call) = self.what {
            return call.begin(&self.head, to);
        }
        // The gate of a generation that is not in force yet is open.
        let Some(ticket) = to.gate.enter() else {
            return give_up(self, GivenUp::Interrupted);
        };
        let delivered = match &self.what {
            // Begun above.
            Held::Service(_) => return Ok(()),
            Held::Event => {
                to.deliver_event(&EventDelivery::new(&self.head, &self.payload), ticket);
                Ok(())
            }
            Held::Hook { run, function } => {
                // Whoever emitted it waits no more: it would only be late.
                if !desk.waits_for(*run) {
                    return give_up(self, GivenUp::Busy);
                }
                if !to.description.hooks.iter().any(|hook| hook.function == *function) {
                    return give_up(self, GivenUp::Absent);
                }
                desk.delivers(to, *run);
                to.deliver(kind::HOOK, *run, &self.head, self.payload.as_bytes(), ticket)
            }
            Held::Timer { id, function } => {
                if !to.description.timers.iter().any(|timer| timer.name == *function) {
                    return give_up(self, GivenUp::Absent);
                }
                to.deliver(kind::TIMER, *id, &self.head, self.payload.as_bytes(), ticket)
            }
            Held::Invocation { id, handler, command } => {
                if let Err(why) = offers(&to.description, handler, command.as_deref()) {
                    return give_up(self, why);
                }
                desk.delivers(to, *id);
                let kind = if command.is_some() {
                    Handler::Command
                } else {
                    Handler::Click
                };
                to.deliver(kind, *id, &self.head, self.payload.as_bytes(), ticket)
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
            Held::Invocation { id, .. } | Held::Timer { id, .. } | Held::Hook { run: id, .. } => desk.gave_up(id, why),
            Held::Event => tracing::debug!(%plugin, ?why, "an event that waited was dropped"),
            Held::Service(call) => {
                let _ = call.begun.send(Err(why));
            }
        }
    }
}

impl HeldCall {
    fn begin(self, head: &[u8], to: &Arc<Generation>) -> Result<(), GivenUp> {
        // Its caller is gone: nobody wants it done any more.
        if self.begun.is_closed() {
            return Ok(());
        }
        if !to.ranges.is_in(&self.range) || !to.offers_service(&self.service) {
            let _ = self.begun.send(Ok((Arc::clone(to), None)));
            return Err(GivenUp::Absent);
        }
        let ticket = to.gate.enter().ok_or(Undelivered::Closed);
        let serving = ticket.and_then(|ticket| to.serve(head, &self.request, ticket, self.depth));
        let begun = serving.map_err(|why| match why {
            Undelivered::Full => GivenUp::Busy,
            Undelivered::Closed => GivenUp::Interrupted,
        });
        let told = begun.as_ref().map(drop).map_err(|why| *why);
        let _ = self.begun.send(begun.map(|serving| (Arc::clone(to), Some(serving))));
        told
    }
}

/// Whether this is offered as it was when it was asked for: by a command that is used by whom, and with what, it was then.
///
/// # Errors
///
/// It is not there, or has changed.
pub fn offers(description: &Description, handler: &str, command: Option<&Command>) -> Result<(), GivenUp> {
    let is_there = match command {
        None => description.components.iter().any(|component| component.name == handler),
        Some(asked) => match description.commands.iter().find(|command| command.name == handler) {
            Some(now) if !is_used_alike(asked, now) => return Err(GivenUp::Changed),
            now => now.is_some(),
        },
    };
    if is_there { Ok(()) } else { Err(GivenUp::Absent) }
}

/// Whether two commands differ at most in what they say of themselves and how they answer.
fn is_used_alike(asked: &Command, now: &Command) -> bool {
    let as_asked = || Command {
        description: asked.description.clone(),
        aliases: asked.aliases.clone(),
        menus: asked.menus.clone(),
        category: asked.category.clone(),
        hidden: asked.hidden,
        defer: asked.defer,
        examples: asked.examples.clone(),
        slash_priority: asked.slash_priority,
        delete_invocation: asked.delete_invocation,
        typing: asked.typing,
        name_localizations: asked.name_localizations.clone(),
        description_localizations: asked.description_localizations.clone(),
        // Whatever is not named here counts.
        ..now.clone()
    };
    asked == now || *asked == as_asked()
}

#[cfg(test)]
mod tests {
    use plugin_protocol::{Argument, Component};

    use super::*;

    #[test]
    fn what_was_asked_is_offered_only_as_it_was() {
        let wipe = Command {
            name: "wipe".to_owned(),
            ..Command::default()
        };
        let described_anew = Command {
            description: "Empties a room".to_owned(),
            hidden: true,
            ..wipe.clone()
        };
        let for_owners = Command {
            owner_only: true,
            ..wipe.clone()
        };
        let with_argument = Command {
            arguments: vec![Argument::default()],
            ..wipe.clone()
        };
        let other = Command {
            name: "sweep".to_owned(),
            ..wipe.clone()
        };
        for (now, expected) in [
            (wipe.clone(), Ok(())),
            (described_anew, Ok(())),
            (for_owners, Err(GivenUp::Changed)),
            (with_argument, Err(GivenUp::Changed)),
            (other, Err(GivenUp::Absent)),
        ] {
            let description = Description {
                commands: vec![now.clone()],
                ..Description::default()
            };
            assert_eq!(offers(&description, "wipe", Some(&wipe)), expected, "{now:?}");
            // A control is none of the commands.
            assert_eq!(offers(&description, "wipe", None), Err(GivenUp::Absent));
        }
        let description = Description {
            components: vec![Component {
                name: "wipe".to_owned(),
                ..Component::default()
            }],
            ..Description::default()
        };
        assert_eq!(offers(&description, "wipe", None), Ok(()));
        assert_eq!(offers(&description, "wipe", Some(&wipe)), Err(GivenUp::Absent));
    }
}
