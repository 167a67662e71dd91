//! Settings: as written in config.json and .env, then checked and resolved; only the second is passed on.
//!
//! [`Files`] reads both files of a [`Root`], names every fault at once with its place, and answers with values that the
//! rest of the host can use without asking again; [`Live`] holds those in force. A missing config.json is written with
//! its defaults; `.env` is never written and never logged.

mod content;
pub mod edit;
mod environment;
mod error;
mod faults;
mod files;
mod keys;
mod live;
mod overview;
mod places;
mod resolved;
mod root;
mod schema;
mod sections;
mod token;
mod written;

pub use environment::{ApiAddress, Environment};
pub use error::{ConfigError, Warning};
pub use files::{Change, Files, Look};
pub use live::Live;
pub use overview::{check, load_settings, show};
pub use resolved::{
    ActivityKind, AfterSuccess, Colour, Colours, Config, Cooldowns, Database, Discord, Edits, Extensions, Framework,
    IntentChoice, LogFormat, Logging, NoticeSettings, OnlineStatus, Replies, SlashLimiter, Status, StatusLine,
    Synchronous,
};
pub use root::{Root, RootError, RootLock};
pub use schema::schema;
pub use sections::PluginSections;
pub use token::{Token, TokenFault};

/// The variable that holds the bot's token.
pub const TOKEN: &str = "DISCORD_TOKEN";

#[cfg(test)]
mod tests;
