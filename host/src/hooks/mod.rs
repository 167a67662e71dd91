//! Hooks: who hears what of the bot's own life and of other plugins, and how each callback fares.
//!
//! - `breaker`, `history`, `flow`, `order` and `board` decide; they are pure, and know neither tasks nor clocks
//! - `listener` is a callback as it is found, `run` one run of it and what comes of it
//! - `emitter` is the way in: whoever emits does not wait, but for a veto and for the end of the bot; `dispatch` runs the
//!   callbacks of one event

mod board;
mod breaker;
mod dispatch;
mod emitter;
mod flow;
mod history;
mod listener;
mod order;
mod run;
#[cfg(test)]
mod tests;

pub use emitter::{Hooks, NotEmitted, Report};
pub use listener::{Lanes, Listener, Source};
pub use run::{Failure, Handed, is_run};
