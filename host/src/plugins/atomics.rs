//! What `lane.rs` is built from, under names of its own.
//!
//! The model test (`tests/lane_model.rs`) compiles that file with loom's in the place of these.

pub use std::sync::atomic::AtomicUsize;

pub use arc_swap::ArcSwap;
pub use tokio::sync::Notify;
