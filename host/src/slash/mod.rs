//! Slash commands: a pure plan of what is registered within Discord's limits, and its synchronisation.

pub mod plan;
pub mod sync;

pub use plan::{LeftOut, Limits, Plan, Reason, plan};
pub use sync::{SlashSync, SyncError, Synced};
