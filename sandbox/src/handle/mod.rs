//! The handle that tests hold: a running sandbox, its guilds, channels and people, what they say, and what the bot
//! makes of it. Everything here stands on the same world as the wire; nothing reaches the bot but by gateway and REST.

mod builder;
mod conversation;
mod deeds;
mod faults;
mod gateway;
mod guild;
mod interest;
mod message;
mod moderation;
mod person;
mod said;
mod sandbox;
mod thread;
mod traffic;
mod transcript;
mod used;
mod voice;
mod waiting;
mod webhook;

pub(crate) use self::{builder::Settings, transcript::ids_as};
pub use self::{
    builder::{Builder, PrivilegedIntents},
    gateway::Gateway,
    guild::{Channel, Guild, Role},
    message::{Message, Watch},
    person::Person,
    said::Said,
    sandbox::Sandbox,
    traffic::{Direction, GatewayEntry, RestEntry},
    used::{InteractionState, Used},
    webhook::Webhook,
};
