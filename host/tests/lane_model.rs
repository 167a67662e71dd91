//! The swap, fence and ticket of `lane.rs` under loom: every interleaving of readers with a replacement.
//!
//! The file itself is compiled here, with loom's atomics in the place of the standard library's. The routing table's
//! cell and the notice are models of what arc-swap and tokio promise, no more: a store is seen by every later load, and a
//! notice reaches whoever asked for it before.

#![allow(clippy::unwrap_used, clippy::unused_self, reason = "tests")]
#![allow(
    clippy::arc_with_non_send_sync,
    reason = "loom's threads are of its own making, and run one at a time"
)]

#[allow(dead_code, reason = "the model reads the file as a whole and uses what it checks")]
#[path = "../src/plugins/lane.rs"]
mod lane;

/// What `lane.rs` finds in the place of `host/src/plugins/atomics.rs`.
mod atomics {
    use std::{
        pin::Pin,
        sync::Arc,
        task::{Context, Poll, Waker},
    };

    pub use loom::sync::atomic::AtomicUsize;
    use loom::sync::{Mutex, RwLock};

    /// A cell as arc-swap's.
    #[derive(Debug)]
    pub struct ArcSwap<T>(RwLock<Arc<T>>);

    impl<T> ArcSwap<T> {
        pub fn from_pointee(value: T) -> Self {
            Self(RwLock::new(Arc::new(value)))
        }

        pub fn load(&self) -> Arc<T> {
            Arc::clone(&self.0.read().unwrap())
        }

        pub fn load_full(&self) -> Arc<T> {
            self.load()
        }

        pub fn store(&self, value: Arc<T>) {
            *self.0.write().unwrap() = value;
        }
    }

    /// `notify_waiters` of tokio's: whoever has called `notified` before is woken.
    #[derive(Debug, Default)]
    pub struct Notify(Mutex<(usize, Vec<Waker>)>);

    pub struct Notified<'a> {
        notify: &'a Notify,
        calls: usize,
    }

    impl Notify {
        pub fn notified(&self) -> Notified<'_> {
            Notified {
                notify: self,
                calls: self.0.lock().unwrap().0,
            }
        }

        pub fn notify_waiters(&self) {
            let wakers = {
                let mut state = self.0.lock().unwrap();
                state.0 += 1;
                std::mem::take(&mut state.1)
            };
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    impl Notified<'_> {
        pub fn enable(self: Pin<&mut Self>) -> bool {
            false
        }
    }

    impl Future for Notified<'_> {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            let mut state = self.notify.0.lock().unwrap();
            if state.0 != self.calls {
                return Poll::Ready(());
            }
            state.1.push(cx.waker().clone());
            Poll::Pending
        }
    }
}

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use lane::{Gate, Routing, Ticket};
use loom::{cell::UnsafeCell, future::block_on, sync::atomic::AtomicBool, thread};

/// Every interleaving with at most this many preemptions, where three threads have too many for all: faults of such a size
/// show with two.
const PREEMPTIONS: usize = 3;

fn model_of_three_threads(interleaving: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(interleaving);
}

/// A generation, of which it is known how often it was invoked.
#[derive(Default)]
struct Generation {
    gate: Arc<Gate>,
    retired: AtomicBool,
    /// What is freed at the end: invocations look at it, retirement changes it, and loom reports if they could meet.
    heap: UnsafeCell<()>,
    /// Counts for the test's own sum, and is no part of the model.
    invoked: AtomicUsize,
}

type Table = Option<Arc<Generation>>;

fn enter(routing: &Routing<Table>) -> Option<(Arc<Generation>, Ticket)> {
    routing.enter(|table| {
        let generation = table.as_ref()?;
        Some((Arc::clone(generation), Arc::clone(&generation.gate)))
    })
}

fn invoke(routing: &Routing<Table>) -> bool {
    let Some((generation, ticket)) = enter(routing) else {
        return false;
    };
    // Relaxed on purpose: that this is seen in time is what ticket and gate are for.
    let is_retired = generation.retired.load(Ordering::Relaxed);
    assert!(!is_retired, "an invocation has reached a retired generation");
    generation.heap.with(|_| ());
    generation.invoked.fetch_add(1, Ordering::Relaxed);
    drop(ticket);
    true
}

fn retire(generation: &Generation) {
    block_on(generation.gate.emptied());
    generation.heap.with_mut(|_| ());
    generation.retired.store(true, Ordering::Relaxed);
}

#[test]
fn a_replacement_loses_nothing_and_delivers_nothing_twice() {
    model_of_three_threads(|| {
        let (first, second) = (Arc::new(Generation::default()), Arc::new(Generation::default()));
        let routing = Arc::new(Routing::new(Some(Arc::clone(&first))));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let routing = Arc::clone(&routing);
                thread::spawn(move || assert!(invoke(&routing), "somebody serves at any time"))
            })
            .collect();
        routing.publish(Some(Arc::clone(&second)), [&first.gate]);
        retire(&first);
        for reader in readers {
            reader.join().unwrap();
        }
        let invoked = |generation: &Generation| generation.invoked.load(Ordering::Relaxed);
        assert_eq!(invoked(&first) + invoked(&second), 2);
    });
}

#[test]
fn a_replacement_of_the_replacement_is_waited_for_as_well() {
    loom::model(|| {
        let generations: Vec<_> = (0..3).map(|_| Arc::new(Generation::default())).collect();
        let routing = Arc::new(Routing::new(Some(Arc::clone(&generations[0]))));
        let reader = {
            let routing = Arc::clone(&routing);
            thread::spawn(move || assert!(invoke(&routing), "somebody serves at any time"))
        };
        for (older, newer) in generations.iter().zip(&generations[1..]) {
            routing.publish(Some(Arc::clone(newer)), [&older.gate]);
            retire(older);
        }
        reader.join().unwrap();
    });
}

#[test]
fn an_unloaded_plugin_is_found_no_more_once_it_is_retired() {
    loom::model(|| {
        let generation = Arc::new(Generation::default());
        let routing = Arc::new(Routing::new(Some(Arc::clone(&generation))));
        let reader = {
            let routing = Arc::clone(&routing);
            thread::spawn(move || usize::from(invoke(&routing)) + usize::from(invoke(&routing)))
        };
        routing.publish(None, [&generation.gate]);
        retire(&generation);
        assert!(!invoke(&routing));
        assert_eq!(reader.join().unwrap(), generation.invoked.load(Ordering::Relaxed));
    });
}

#[test]
fn the_last_ticket_ends_the_wait_whoever_drops_it() {
    model_of_three_threads(|| {
        let generation = Arc::new(Generation::default());
        let routing = Routing::new(Some(Arc::clone(&generation)));
        let tickets: Vec<_> = (0..2).map(|_| enter(&routing).unwrap().1).collect();
        routing.publish(None, [&generation.gate]);
        let droppers: Vec<_> = tickets
            .into_iter()
            .map(|ticket| thread::spawn(move || drop(ticket)))
            .collect();
        // A lost notice would be a deadlock, which loom reports.
        block_on(generation.gate.emptied());
        assert_eq!(generation.gate.tickets(), 0);
        for dropper in droppers {
            dropper.join().unwrap();
        }
    });
}
