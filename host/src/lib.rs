//! The bot: it loads native plugins and serves them Discord.
//!
//! This file is an index. `main.rs` reads the command line; the folder `bot` wires the
//! parts together; each part is a folder.

pub mod bot;
pub mod builtins;
pub mod cache;
pub mod clock;
pub mod commands;
pub mod config;
pub mod gateway;
pub mod hooks;
pub mod interactions;
pub mod network;
pub mod permits;
pub mod plugins;
pub mod process;
pub mod rest;
pub mod schedule;
pub mod server_settings;
pub mod services;
pub mod slash;
pub mod storage;
pub mod telemetry;
mod watcher;
