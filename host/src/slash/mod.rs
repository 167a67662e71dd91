//! Slash commands: a pure plan of what is registered within Discord's limits, and its synchronisation.
//!
//! `plan` decides and does no I/O; `sync` writes to Discord what was decided, and must not leave out or add anything.

pub mod plan;
pub mod sync;

pub use plan::{LeftOut, Limits, Plan, Reason, SlashCommand, check, overwrite, plan};
pub use sync::{SlashSync, SyncError, Synced};
