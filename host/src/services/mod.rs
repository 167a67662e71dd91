//! Services: calls of one plugin by another, found by name at each call and bound to no generation.
//!
//! `check` says whether a call is allowed and what fits (pure), `room` how much of it there may be,
//! `call` brings it to whoever serves and waits for the end.
//! Request and answer are the plugins' own: nothing here reads them.

mod call;
mod check;
mod room;

pub use call::{Calling, Fault, Told};
pub use check::{callee, offered};
pub use room::{MAX_CALLS, Rooms};
