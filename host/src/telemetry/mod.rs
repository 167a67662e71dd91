//! Logs and notices to the owner.
//!
//! [`logs`] writes what the host and its plugins report, without ever holding up whoever reports it. [`notices`] tells the
//! owner in Discord what must not be missed.

pub mod allowance;
mod lines;
pub mod logs;
pub mod notices;
mod recurrence;
mod writer;

pub use logs::{Logs, LogsGuard, plugin_record};
pub use notices::{NoticeKind, Notices};
pub use recurrence::Faults;
