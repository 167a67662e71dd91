//! Plugins from file to retirement. Only this part of the host knows the boundary (`plugin-abi`).
//!
//! - `drop_folder` sees files, `shadow` copies them, `manifest` and `segments` read them, `registry` decides (pure)
//! - `probe` opens a copy in a throw-away process, `loader` opens it here, for ever; `budget` says whether it still fits
//! - `ranges` are versions and ranges, read once; `persisted` is what was decided and did harm, `shelf` keeps contents to go back to
//! - `generation` is a running one, `lane` is how it is found and emptied; `room` and `event_queue` bound what waits, `hold` keeps it
//! - `life` makes every change a transaction, `table` says who handles what, `change` what has become of a plugin
//! - `watchdog`, `pulse`, `stall`, `latency`, `records`, `inspection` and `listing` tell what is known of each plugin

mod asked;
mod atomics;
mod budget;
mod change;
mod delivery;
mod drop_folder;
mod event_queue;
#[cfg(test)]
mod fake;
mod generation;
mod hold;
mod inspection;
mod lane;
#[cfg(test)]
mod lane_tests;
mod latency;
mod life;
mod listing;
mod loader;
pub mod manifest;
mod outcome;
mod persisted;
pub mod probe;
mod pulse;
mod ranges;
mod records;
pub mod registry;
mod room;
mod segments;
mod shadow;
mod shelf;
mod stall;
mod table;
mod watchdog;

pub use change::Change;
pub use delivery::{CallBegun, Delivery, GivenUp, Held, HeldCall, offers};
pub use generation::{
    Desk, Ending, EventDelivery, Generation, GuildValues, Request, Serving, Undelivered, Within, is_event,
    timer_delivery, timer_of,
};
pub use hold::{Hold, Share};
pub use lane::{Entered, Gate, Root, Routing, Ticket, Way};
pub use latency::Handler;
pub use life::{Ended, Linked, Outlook, Paused, PluginState, PluginView, Plugins, Policy, Setup, SlashPlaces};
pub use ranges::{Range, Ranges};
pub use records::{Fault, Records};
pub use shadow::ContentHash;
pub use table::{Handles, Table};
