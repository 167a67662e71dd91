//! The same peer on the allocator that the host has: shows how much of the difference between them is the allocator's.
//!
//! It is not the row of reference, since a bot that somebody writes with twilight has the system's allocator.

#[path = "bare_twilight.rs"]
mod peer;

/// As in the host.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    peer::main()
}
