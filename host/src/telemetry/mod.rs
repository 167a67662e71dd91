//! Logs, incidents and notices to the owner.
//!
//! [`logs`] writes what the host and its plugins report, without ever holding up whoever reports it, and without the
//! [`Secrets`] in it. [`Incidents`] remembers what went wrong, with its story. [`notices`] tells the owner in Discord
//! what must not be missed.

pub mod allowance;
mod files;
mod incidents;
pub mod levels;
mod lines;
pub mod logs;
pub mod notices;
mod recurrence;
mod redaction;
pub mod scope;
mod writer;

pub use files::Limits;
pub use incidents::Incidents;
pub use logs::{Logs, LogsGuard, with_subscriber};
pub use notices::{Audience, NoticeKind, Notices};
pub use recurrence::Faults;
pub use redaction::Secrets;
pub use scope::Story;
