//! The response state of every open invocation: what has been answered, what may still be, and the REST calls it takes.
//!
//! Plugins say "reply"; which of Discord's many routes that is depends on the door and on what was answered before.
//! `state` decides it (pure), `body` and `calls` write it (pure), [`Invocations`] holds the states and sends. `texts`
//! is what the host itself says.

pub mod answers;
pub mod api;
pub mod body;
pub mod calls;
mod deadlines;
pub mod incidents;
mod invocations;
mod keys;
mod lanes;
mod origin;
pub mod plain;
mod problems;
pub mod refusal;
mod seen;
pub mod state;
mod story;
pub mod texts;
mod timers;

pub use answers::Run;
pub use api::{DiscordApi, Request, Response};
pub use incidents::{Incident, is_incident_code};
pub use invocations::Invocations;
pub use keys::ControlKeys;
pub use origin::{DeletedAfter, InteractionRef, Origin};
pub use seen::Seen;
