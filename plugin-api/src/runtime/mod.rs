//! The author's runtime: a plugin's lane, from its queue to its last drop. Private; authors see contexts.
//!
//! Other threads touch its inbox only; all else is made, used and dropped on the lane's own thread.

mod at_work;
mod callbacks;
mod core;
mod debt;
mod events;
mod guarded;
mod inbox;
mod lane;
mod link;
pub(crate) mod logging;
pub(crate) mod panics;
mod scope;
mod spans;
mod timed;
mod turns;
mod waits;

#[cfg(test)]
pub(crate) use self::core::Controls;
pub use self::core::Spawned;
pub(crate) use self::{
    at_work::Label,
    core::Core,
    guarded::Guarded,
    lane::{Form, Lane},
    link::Link,
};
pub(crate) use inbox::Owned;
pub(crate) use scope::Scope;
pub(crate) use turns::Awaited;
use turns::EventTurns;
pub(crate) use waits::{Offer, Waiting, Waits};
