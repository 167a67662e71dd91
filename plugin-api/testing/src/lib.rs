//! Tests of plugins: a bot with your plugin and a local Discord, within `cargo test`, in a few lines.
//!
//! ```no_run
//! use plugin_testing::TestBot;
//!
//! # async fn example() {
//! let bot = TestBot::with_plugin("moderation").await;
//! let alice = bot.member("alice").role("Moderator");
//! alice.says("!ban @bob spam").await.expect_text("Ban");
//! # }
//! ```
//!
//! The bot is the one that owners run, as a library in the test's own process; the plugin is the file that they install,
//! built by cargo once a run in the profile of the test. Everything goes over gateway and REST on this computer, so what
//! a test sees is what people see. Without a file, for breakpoints: [`TestBot::with_linked`].
//!
//! A test does something as somebody ([`Member`]), and says what it expects of that ([`Exchange`]). Acts are awaited;
//! expectations wait by themselves, on the test's thread, since bot and local Discord run on others. One that fails
//! prints the conversation, the REST calls that were refused, and the end of the log.
//!
//! Time is under control: [`TestBot::advance`] lets it pass at once, for timers, cooldowns, controls that expire, and all
//! that Discord counts. It does not move what goes by the computer's own clock: `tokio::time` in the plugin, `wait_for`
//! and other suspended functions, the two seconds after which an answer is deferred, and the times after which menus are
//! disabled and messages delete themselves.

mod answer;
mod bot;
mod builder;
mod compiled;
mod exchange;
mod log;
mod member;
mod place;
mod probe;
mod replay;
mod report;
mod running;
mod words;

pub use plugin_api::{Permissions, linked::LinkedPlugin};
pub use sandbox::{self, Recording, RestEntry, RestFault};
pub use serde_json::json;

pub use self::{
    answer::Answer,
    bot::TestBot,
    builder::Builder,
    exchange::Exchange,
    member::Member,
    place::Place,
    replay::{Replayed, Replaying},
};
