//! A local Discord: gateway, REST and a web page for one bot and many people, on 127.0.0.1 only.
//!
//! It is how people without a token try a bot, and how bots are tested: through the same connections as with Discord.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = sandbox::Sandbox::start().await?;
//! // Start a bot with sandbox.token(), sandbox.api_url() and sandbox.gateway_url(), then:
//! sandbox.expect_online().await;
//! let alice = sandbox.guild().channel("general").user("alice");
//! let reply = alice.says("!ping").await.expect_reply().await;
//! assert_eq!(reply.content(), "pong");
//! # Ok(())
//! # }
//! ```
//!
//! What it does differently from Discord on purpose: unknown keys in request bodies are refused (a misspelt key is a
//! bug), and rate limits are generous unless [`RateLimits::Real`] is asked for.

mod error;
mod gateway;
mod handle;
mod ids;
mod page;
mod rest;
mod server;
mod shared;
mod specification;
mod time;
mod tls;
mod world;

pub use self::{
    error::Error,
    gateway::faults::{Refusal, Undecodable},
    handle::{
        Builder, Channel, Direction, Gateway, GatewayEntry, Guild, InteractionState, Message, Person,
        PrivilegedIntents, RestEntry, Role, Said, Sandbox, Used, Watch,
    },
    ids::Clock,
    rest::{
        faults::RestFault,
        limits::{RateLimits, Scope},
    },
    specification::{Violation, ViolationOf},
};
