//! The one thing that crosses the boundary in both directions: an envelope, and the answer to handing one over.
//!
//! An envelope is borrowed for the length of the call that carries it. Who wants to keep it copies it, so that nothing
//! allocated on one side is ever freed on the other.

use abi_stable::{StableAbi, std_types::RSlice};

/// A message across the boundary: a fixed header, a small JSON head and a raw tail.
///
/// The meaning of `kind`, `flags`, the head and the tail is `plugin-protocol`'s. Unknown kinds must be answered, never
/// be an error: the other side may be newer.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Envelope<'a> {
    kind: u32,
    flags: u32,
    id: u64,
    head: RSlice<'a, u8>,
    tail: RSlice<'a, u8>,
}

impl<'a> Envelope<'a> {
    /// Puts an envelope together from borrowed parts.
    #[must_use]
    pub fn new(kind: u32, flags: u32, id: u64, head: &'a [u8], tail: &'a [u8]) -> Self {
        Self {
            kind,
            flags,
            id,
            head: RSlice::from_slice(head),
            tail: RSlice::from_slice(tail),
        }
    }

    /// What the envelope is about.
    #[must_use]
    pub const fn kind(&self) -> u32 {
        self.kind
    }

    /// How it is to be treated, as bits.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }

    /// Which request, invocation or generation it belongs to.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The small JSON part.
    #[must_use]
    pub fn head(&self) -> &'a [u8] {
        self.head.as_slice()
    }

    /// The raw part: a Discord payload, a REST body or a saved state, never re-serialised on the way.
    #[must_use]
    pub fn tail(&self) -> &'a [u8] {
        self.tail.as_slice()
    }
}

/// What became of a batch that was handed over: all of it was taken, or none.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery(u32);

impl Delivery {
    /// The batch is in the receiver's queue, in order.
    pub const ACCEPTED: Self = Self(0);
    /// The receiver's queue is full: nothing was taken, it may be tried again.
    pub const FULL: Self = Self(1);
    /// The receiver has ended or is ending: nothing was taken, and nothing will be.
    pub const CLOSED: Self = Self(2);
}
