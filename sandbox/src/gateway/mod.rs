//! The gateway, version 10: sessions, their sockets, intents and transport compression
//! (<https://discord.com/developers/docs/events/gateway>), and what tests make go wrong with them.

mod client;
mod compression;
pub(crate) mod faults;
pub(crate) mod intents;
mod line;
mod members;
mod payload;
pub(crate) mod session;
pub(crate) mod sessions;
mod socket;
mod upgrade;

pub(crate) use self::{
    client::application_flags,
    line::Dribble,
    socket::Parameters,
    upgrade::{accept, is_wanted},
};
