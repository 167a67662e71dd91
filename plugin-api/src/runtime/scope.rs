//! On whose behalf code runs: an invocation's, an event's, a timer's, or nobody's. Log records, panics and REST calls carry it, so
//! that the host can tell the whole story of a command.
//!
//! A number in a thread-local, set while a handler or one of its tasks is polled; threads that an author starts by
//! himself run on nobody's behalf.

use std::cell::Cell;

use plugin_protocol::LogRecord;

thread_local! {
    static CURRENT: Cell<Scope> = const { Cell::new(Scope::None) };
}

/// On whose behalf code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    None,
    Invocation(u64),
    /// Discord's name of the event, and the id of its delivery.
    Event(&'static str, u64),
    /// A service's name, and the id of its delivery.
    Service(&'static str, u64),
    /// The name of a function that runs by time, and the id of its delivery.
    Timer(&'static str, u64),
    /// The function with `#[erase]`: the id of its delivery.
    Erase(u64),
}

impl Scope {
    /// That of this thread, now.
    pub(crate) fn current() -> Self {
        // A thread that ends may have lost its thread-locals.
        CURRENT.try_with(Cell::get).unwrap_or(Self::None)
    }

    /// Makes it that of this thread, until the guard is dropped.
    pub(crate) fn enter(self) -> Entered {
        Entered {
            before: CURRENT.try_with(|current| current.replace(self)).unwrap_or(Self::None),
        }
    }

    pub(crate) fn invocation(self) -> Option<u64> {
        match self {
            Self::Invocation(id) => Some(id),
            Self::None | Self::Event(..) | Self::Service(..) | Self::Timer(..) | Self::Erase(_) => None,
        }
    }

    /// The id of what the host has delivered: by it the host knows from which work a call of another plugin follows.
    pub(crate) fn delivery(self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Invocation(id) | Self::Event(_, id) | Self::Service(_, id) | Self::Timer(_, id) | Self::Erase(id) => {
                Some(id)
            }
        }
    }

    /// What it is and its name, where that is not the host's alone to know.
    pub(crate) fn name(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::None | Self::Invocation(_) => None,
            Self::Event(name, _) => Some(("a handler of", name)),
            Self::Service(name, _) => Some(("the service", name)),
            Self::Timer(name, _) => Some(("the timer", name)),
            Self::Erase(_) => Some(("the function with", "#[erase]")),
        }
    }

    /// Writes it into a log record.
    pub(crate) fn mark(self, record: &mut LogRecord) {
        match self {
            Self::None | Self::Erase(_) => {}
            Self::Invocation(id) => record.invocation = Some(id),
            Self::Event(name, _) => record.event = Some(name.to_owned()),
            Self::Service(name, _) => {
                record.fields.entry("service".to_owned()).or_insert_with(|| name.into());
            }
            Self::Timer(name, _) => {
                record.fields.entry("timer".to_owned()).or_insert_with(|| name.into());
            }
        }
    }
}

/// Puts back what was current before.
pub(crate) struct Entered {
    before: Scope,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.before));
    }
}
