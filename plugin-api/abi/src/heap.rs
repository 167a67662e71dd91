//! What a library has allocated: the system's allocator, with a count.
//!
//! Here since an allocator is unsafe code, and all of the plugin's side of that is in this crate. `plugin!` makes it a
//! library's allocator; a library has its own copy of the counts, which are therefore those of one generation.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

/// The bytes that are allocated now, and the most that were at a time; `None` where this is not the allocator.
#[must_use]
pub fn allocated() -> Option<(u64, u64)> {
    let peak = PEAK.load(Ordering::Relaxed);
    (peak > 0).then(|| (LIVE.load(Ordering::Relaxed) as u64, peak as u64))
}

fn add(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    // Read first: it rarely is a new one.
    if live > PEAK.load(Ordering::Relaxed) {
        PEAK.fetch_max(live, Ordering::Relaxed);
    }
}

fn take(bytes: usize) {
    LIVE.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: every call is the system's allocator's own, with the caller's arguments; counting neither allocates nor panics.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let allocated = unsafe { System.alloc(layout) };
        if !allocated.is_null() {
            add(layout.size());
        }
        allocated
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let allocated = unsafe { System.alloc_zeroed(layout) };
        if !allocated.is_null() {
            add(layout.size());
        }
        allocated
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) };
        take(layout.size());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        let allocated = unsafe { System.realloc(block, layout, new_size) };
        if !allocated.is_null() {
            if new_size >= layout.size() {
                add(new_size - layout.size());
            } else {
                take(layout.size() - new_size);
            }
        }
        allocated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_counts_until_it_is_given_back() {
        assert_eq!(allocated(), None);
        let layout = Layout::from_size_align(1 << 20, 8).unwrap_or(Layout::new::<u64>());
        // SAFETY: the layout has a size, and each block is given back once with the layout it has.
        unsafe {
            let block = CountingAllocator.alloc(layout);
            assert_eq!(allocated(), Some((1 << 20, 1 << 20)));
            let block = CountingAllocator.realloc(block, layout, 3 << 20);
            let larger = Layout::from_size_align(3 << 20, 8).unwrap_or(layout);
            let other = CountingAllocator.alloc_zeroed(layout);
            CountingAllocator.dealloc(other, layout);
            let block = CountingAllocator.realloc(block, larger, 1 << 20);
            assert_eq!(allocated(), Some((1 << 20, 4 << 20)));
            CountingAllocator.dealloc(block, layout);
        }
        assert_eq!(allocated(), Some((0, 4 << 20)));
    }
}
