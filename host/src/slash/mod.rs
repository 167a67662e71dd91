//! Slash commands: a pure plan of what is registered within Discord's limits, and its synchronisation.
//!
//! `plan` decides and `command` is what it decides about, without I/O; `sync` writes to Discord what was decided, and must not leave out or add anything.

pub mod command;
mod gate;
pub mod plan;
pub mod sync;

pub use command::{SlashCommand, overwrite};
pub use plan::{LeftOut, Limits, Plan, Reason, check, plan};
pub use sync::{SlashSync, SyncError, Synced};
