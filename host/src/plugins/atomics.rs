//! What `lane.rs` is built from, under names that the model test puts loom's in the place of (`tests/lane_model.rs`).

pub use std::sync::atomic::AtomicUsize;

pub use arc_swap::ArcSwap;
pub use tokio::sync::Notify;
