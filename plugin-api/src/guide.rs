//! A guide: from nothing to a command with pages, permissions and a database, in ten minutes.
//!
#![doc = include_str!("guide.md")]
