//! The gateway, version 10: sessions, their sockets, intents and transport compression
//! (<https://discord.com/developers/docs/events/gateway>).

mod compression;
pub(crate) mod intents;
mod members;
mod payload;
pub(crate) mod session;
mod socket;

pub(crate) use self::socket::{Parameters, application_flags, serve};
