//! Contexts: what a handler is given. [`Host`] is what all of them can do; the others add what their occasion has.
//!
//! None of them is `Send`: they belong to the lane's thread, as does everything that they lead to.

mod claim;
mod click;
mod command;
mod erase;
mod event;
mod guild;
mod host;
mod lifecycle;
mod metrics;
mod moderation;
mod posted;
mod timer;

pub use claim::Claim;
pub(crate) use claim::Claimed;
pub use click::ClickCtx;
pub(crate) use command::Asked;
pub use command::Ctx;
pub use erase::{EraseCtx, erase_rows};
pub use event::EventCtx;
pub use host::{ConfigChanges, Host};
pub use lifecycle::{Saved, StartCtx, StopCtx};
pub use posted::PostedMessage;
pub use timer::TimerCtx;
