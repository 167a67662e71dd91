//! What `lane.rs` and `hold.rs` are built from, under names of its own.
//!
//! The model test (`tests/lane_model.rs`) compiles those files with loom's in the place of these.

pub use std::sync::{Mutex, MutexGuard, atomic::AtomicUsize};

pub use arc_swap::ArcSwap;
pub use tokio::sync::Notify;
