//! The gateway, version 10: sessions, their sockets, intents and transport compression
//! (<https://discord.com/developers/docs/events/gateway>), and what tests make go wrong with them.

mod client;
mod close;
mod compression;
pub(crate) mod faults;
mod fields;
pub(crate) mod intents;
mod line;
mod members;
pub(crate) mod payload;
mod presence;
pub(crate) mod session;
pub(crate) mod sessions;
mod socket;
pub(crate) mod starts;
mod upgrade;

pub(crate) use self::{
    client::application_flags,
    close::Close,
    line::Dribble,
    socket::Parameters,
    upgrade::{accept, is_wanted},
};
