//! What runs by time: plugins' timers, kept over reloads and restarts, and run by whichever generation serves.
//!
//! `recurrence` and `agenda` are pure: which times a rule has, and what is to be done at a time. `keeper` is the one task that
//! does it, and writes it down; who runs things, and what the clock says, it is told.

mod agenda;
mod keeper;
mod recurrence;
mod stage;

pub use crate::clock::Clock;
pub use agenda::{NotRun, Start, Strain};
pub use keeper::Schedule;
pub use recurrence::check;
pub use stage::{Began, Stage, Told};
