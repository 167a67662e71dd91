//! Measures the host beside a bare twilight bot on this machine; `cargo xtask bench` builds what it needs and starts it.
//!
//! `run` is the program, `scenarios` says what is measured, `report` how it is shown. One thread does everything here, so
//! that the bots have the other cores. It reads Linux' /proc, and is empty elsewhere.

#![cfg(target_os = "linux")]
// A server of Discord has many fields, and `json!` goes one deeper for each.
#![recursion_limit = "256"]

mod bot;
mod load;
mod machine;
mod null;
mod payloads;
mod report;
pub mod run;
mod scenarios;
mod server;
mod statistics;
mod table;
mod usage;
