//! Waiting on a thread of one's own, for tests whose expectations are no futures, and how far the gateway is.
//!
//! Apart from the handle's other functions, which wait as futures: this one blocks, so the sandbox must run on other
//! threads than the one that waits.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use super::Sandbox;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Sandbox {
    /// Blocks this thread until `look` finds something, at most `limit`; it is asked again whenever anything changes.
    /// Never on a thread that the sandbox needs.
    pub fn wait<T>(&self, limit: Duration, mut look: impl FnMut(&Self) -> Option<T>) -> Option<T> {
        let mut changes = self.shared().changes();
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let deadline = Instant::now() + limit;
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(self) {
                return Some(found);
            }
            // Not counted against the task that this thread may be polling.
            let mut changed = pin!(tokio::task::unconstrained(changes.changed()));
            while changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return look(self);
                }
                thread::park_timeout(left);
            }
            if Instant::now() >= deadline {
                return look(self);
            }
        }
    }

    /// The number of the last event in the session of the bot's first shard; 0 without one.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        let mut last = 0;
        self.with(|world| {
            world
                .sessions
                .of_shard(Some(0), |session| last = last.max(session.sequence));
        });
        last
    }
}
