//! The bot through its front door: the real program, real gateway and REST connections to the local Discord, compiled
//! plugins dropped into its folder. `cargo xtask test` builds the plugins first.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answers;
mod arguments;
mod budgets;
mod callbacks;
mod commands;
mod containment;
mod context_menus;
mod controls;
mod crash;
mod damage;
mod deletions;
mod economy;
mod ecosystem;
mod edits;
mod endings;
mod erase;
mod files;
mod forging;
mod fun;
mod garbage;
mod gateway;
mod handing_over;
mod harness;
mod hold;
mod hooks;
mod inspection;
mod integrations;
mod keeping;
mod lanes;
mod linked;
mod logs;
mod menus;
mod misbehaviour;
mod moderation;
mod network;
mod only_in;
mod owners;
mod permits;
mod planned;
mod refusals;
mod refused_files;
mod replacement;
mod requests;
mod resume;
mod schedule;
mod server_settings;
mod services;
mod settings;
mod slash_limit;
mod storage;
mod threads;
mod tls;
mod waiting;
