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
//!
//! # The gateway, beside Discord's
//!
//! As Discord's: close codes, intents, shards and which events each gets, session starts and identify concurrency, the
//! 120 events a minute and 4,096 bytes a payload of clients, resumes, both transport compressions and payload
//! compression, requests for members. Several sessions of one shard live beside each other, as with Discord. Different on
//! purpose, or chosen where Discord does not say:
//!
//! - Unknown keys and wrong types in clients' payloads are refused with 4002; Discord passes over many. `capabilities`,
//!   `v`, `guild_subscriptions`, `game` and `$os`, which client libraries send, are known. Close reasons go on after
//!   Discord's text with what is wrong.
//! - A session can be resumed for 90 s and 50,000 events (32 MiB) unless set otherwise; one that a time-out ended (4009)
//!   cannot. A connection is closed after two heartbeat intervals without a heartbeat. Its session, resumed on another
//!   connection, closes the first with 4000.
//! - Using up the day's session starts resets the token, as documented; [`Sandbox::restore_token`] brings it back. The
//!   window for identifying is only held with [`RateLimits::Real`] or if set.
//! - A request for members that Discord leaves unanswered (a foreign guild, the whole list without `GUILD_MEMBERS`) is
//!   left so, and the log says why. That all of a guild's members are sent once in 30 s is only held with
//!   [`RateLimits::Real`]; the event `RATE_LIMITED` tells of it.
//! - People are online unless [`Person::goes`] says otherwise. Of a guild above `large_threshold`, those who are offline
//!   do not come with `GUILD_CREATE`.
//! - Voice states of the bot ([`Sandbox::bot_voice`]) and of people are kept and told, but there is no voice server. Soundboard sounds and
//!   channel information (ops 31, 43) are answered and always empty. The bot's own presence is kept
//!   ([`Sandbox::bot_presence`]) and told to nobody.
//! - Events take place once (`recurrence_rule` is refused); one that nobody begins is canceled after four hours.
//! - ETF is not spoken, and versions before 9 are refused with 4012, though 6 to 8 are only deprecated.

mod error;
mod gateway;
mod handle;
mod ids;
#[cfg(test)]
mod ledger;
mod page;
mod recording;
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
        PrivilegedIntents, RestEntry, Role, Said, Sandbox, Used, Watch, Webhook,
    },
    ids::Clock,
    recording::{Act, NoRecording, Participant, Recording, Replay, Step, Target},
    rest::{
        faults::RestFault,
        limits::{RateLimits, Scope},
    },
    specification::{Violation, ViolationOf},
};
