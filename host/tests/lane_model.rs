//! The swap, fence and ticket of `lane.rs`, and the hold of `hold.rs`, under loom: every interleaving of readers with a
//! replacement.
//!
//! The files themselves are compiled here, with loom's atomics in the place of the standard library's. The routing table's
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

#[allow(dead_code, reason = "the model reads the file as a whole and uses what it checks")]
#[path = "../src/plugins/hold.rs"]
mod hold;

/// What `lane.rs` finds in the place of `host/src/plugins/atomics.rs`.
mod atomics {
    use std::{
        pin::Pin,
        sync::Arc,
        task::{Context, Poll, Waker},
    };

    use loom::sync::RwLock;
    pub use loom::sync::{Mutex, MutexGuard, atomic::AtomicUsize};

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

use hold::{Hold, HoldRoom, Share};
use lane::{Entered, Gate, Root, Routing, Ticket, Way};
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
    let find = |table: &Table| {
        let generation = table.as_ref()?;
        Some(Way::<_, ()>::Serves(
            Arc::clone(generation),
            Arc::clone(&generation.gate),
        ))
    };
    match routing.enter(find, 0, || ())? {
        Entered::Now(generation, ticket) => Some((generation, ticket)),
        Entered::Waits | Entered::Full => unreachable!("there is no hold"),
    }
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

/// A delivery: who sent it, and the how manieth of theirs it is.
type Sent = (usize, usize);

/// What a plugin with a hold looks like in the table.
enum Post {
    Serves(Arc<Lane>),
    Held(Arc<Hold<Sent>>),
    Nobody,
}

/// A lane, of which it is known what it was given. What it was given is no part of the model: loom's threads run one at a
/// time.
#[derive(Default)]
struct Lane {
    gate: Arc<Gate>,
    late: std::sync::OnceLock<Arc<Gate>>,
    retired: AtomicBool,
    given: std::sync::Mutex<Vec<Sent>>,
}

const ROOM: HoldRoom = HoldRoom {
    deliveries: 16,
    bytes: 16,
};

/// What became of a delivery in its sender's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Given,
    Waits,
    Full,
    Nobody,
}

fn send(routing: &Routing<Post>, sent: Sent) -> Fate {
    let find = |post: &Post| match post {
        Post::Serves(lane) => Some(Way::Serves(Arc::clone(lane), Arc::clone(&lane.gate))),
        Post::Held(hold) => Some(Way::Held(Arc::clone(hold))),
        Post::Nobody => None,
    };
    match routing.enter(find, 1, || sent) {
        Some(Entered::Now(lane, ticket)) => {
            assert!(!lane.retired.load(Ordering::Relaxed), "given to a retired lane");
            lane.given.lock().unwrap().push(sent);
            drop(ticket);
            Fate::Given
        }
        Some(Entered::Waits) => Fate::Waits,
        Some(Entered::Full) => Fate::Full,
        None => Fate::Nobody,
    }
}

/// Everything that was given, in the order in which it was: the older lane ends before the newer one begins.
fn given(lanes: [&Lane; 2]) -> Vec<Sent> {
    lanes
        .iter()
        .flat_map(|lane| lane.given.lock().unwrap().clone())
        .collect()
}

/// Senders of so many deliveries each, beside a swap in which the older lane ends before the newer one begins.
fn swap_with_a_hold(senders: usize, each: usize) {
    let (older, newer) = (Arc::new(Lane::default()), Arc::new(Lane::default()));
    let routing = Arc::new(Routing::new(Post::Serves(Arc::clone(&older))));
    let sending: Vec<_> = (0..senders)
        .map(|sender| {
            let routing = Arc::clone(&routing);
            thread::spawn(move || {
                for number in 0..each {
                    let fate = send(&routing, (sender, number));
                    assert!(matches!(fate, Fate::Given | Fate::Waits), "{fate:?}");
                }
            })
        })
        .collect();
    let hold = Arc::new(Hold::new(ROOM));
    routing.publish(Post::Held(Arc::clone(&hold)), [&older.gate]);
    block_on(older.gate.emptied());
    older.retired.store(true, Ordering::Relaxed);
    routing.release(&hold, Post::Serves(Arc::clone(&newer)), |sent| {
        let ticket = newer.gate.enter().expect("it is open");
        newer.given.lock().unwrap().push(sent);
        drop(ticket);
    });
    for sender in sending {
        sender.join().unwrap();
    }
    let given = given([&older, &newer]);
    for sender in 0..senders {
        let theirs: Vec<_> = given
            .iter()
            .filter(|sent| sent.0 == sender)
            .map(|sent| sent.1)
            .collect();
        assert_eq!(
            theirs,
            (0..each).collect::<Vec<_>>(),
            "once each, in the order of sending"
        );
    }
}

#[test]
fn a_hold_loses_nothing_and_keeps_the_order_of_a_sender() {
    model_of_three_threads(|| swap_with_a_hold(1, 3));
}

#[test]
fn a_hold_keeps_the_order_of_each_of_two_senders() {
    model_of_three_threads(|| swap_with_a_hold(2, 2));
}

#[test]
fn what_waits_is_given_up_once_where_nobody_comes() {
    model_of_three_threads(|| {
        let older = Arc::new(Lane::default());
        let routing = Arc::new(Routing::new(Post::Serves(Arc::clone(&older))));
        let sender = {
            let routing = Arc::clone(&routing);
            thread::spawn(move || [0, 1].map(|number| send(&routing, (0, number))))
        };
        let hold = Arc::new(Hold::new(ROOM));
        routing.publish(Post::Held(Arc::clone(&hold)), [&older.gate]);
        let mut overdue = hold.take_out(|_| true);
        routing.release(&hold, Post::Nobody, |sent| overdue.push(sent));
        let fates = sender.join().unwrap();
        let expected: Vec<_> = (0..2)
            .filter(|&number| fates[number] == Fate::Waits)
            .map(|number| (0, number))
            .collect();
        assert_eq!(overdue, expected);
        let given = older.given.lock().unwrap().clone();
        let expected: Vec<_> = (0..2)
            .filter(|&number| fates[number] == Fate::Given)
            .map(|number| (0, number))
            .collect();
        assert_eq!(given, expected);
    });
}

#[test]
fn what_finds_no_room_is_turned_away_and_counted() {
    loom::model(|| {
        let hold = Arc::new(Hold::new(HoldRoom {
            deliveries: 2,
            bytes: 8,
        }));
        let routing = Routing::new(Post::Held(Arc::clone(&hold)));
        let fates = [0, 1, 2].map(|number| send(&routing, (0, number)));
        assert_eq!(fates, [Fate::Waits, Fate::Waits, Fate::Full]);
        assert_eq!(hold.turned_away(), 1);
        assert_eq!(hold.take_out(|sent| sent.1 == 0), [(0, 0)]);
        assert_eq!(send(&routing, (0, 3)), Fate::Waits, "there is room again");
        let mut left = Vec::new();
        routing.release(&hold, Post::Nobody, |sent| left.push(sent));
        assert_eq!(left, [(0, 1), (0, 3)]);
        assert_eq!(send(&routing, (0, 4)), Fate::Nobody);
    });
}

/// Two plugins, each of which may be held, and a root's work at them.
struct Pair([(Arc<Lane>, Held); 2]);

/// Where what is meant for a plugin waits, while it is held.
type Held = Option<Arc<Hold<Sent>>>;

/// Enters one of them for work of this root; `None` where it has to wait.
fn call(routing: &Routing<Pair>, root: Root, at: usize) -> Option<Ticket> {
    let find = |pair: &Pair| {
        let (lane, hold) = &pair.0[at];
        let late = Arc::clone(lane.late.get().unwrap_or(&lane.gate));
        let (lane, gate) = (Arc::clone(lane), Arc::clone(&lane.gate));
        Some(Way::of(lane, (&gate, &late), hold.as_ref(), root))
    };
    match routing.enter_of(root, find, Share::Call(1), || (0, 0))? {
        Entered::Now(lane, ticket) => {
            assert!(!lane.retired.load(Ordering::Relaxed), "it has entered a retired lane");
            Some(ticket)
        }
        Entered::Waits => None,
        Entered::Full => unreachable!("there is room"),
    }
}

#[test]
fn a_call_back_into_a_draining_lane_never_waits_for_that_drain() {
    model_of_three_threads(|| {
        let lanes = [Arc::new(Lane::default()), Arc::new(Lane::default())];
        let held = |hold: Option<&Arc<Hold<Sent>>>| {
            Pair([
                (Arc::clone(&lanes[0]), hold.map(Arc::clone)),
                (Arc::clone(&lanes[1]), None),
            ])
        };
        let routing = Arc::new(Routing::new(held(None)));
        let working = {
            let routing = Arc::clone(&routing);
            thread::spawn(move || {
                let root = routing.root();
                // Held already: it waits, and holds up nobody.
                let Some(own) = call(&routing, root, 0) else { return };
                let other = call(&routing, root, 1).expect("the other one serves all the time");
                let back = call(&routing, root, 0);
                assert!(back.is_some(), "it would wait for the end of what it is a part of");
                drop((back, other, own));
            })
        };
        let hold = Arc::new(Hold::new(ROOM));
        routing.publish_hold(held(Some(&hold)), &lanes[0].gate, &hold);
        block_on(lanes[0].gate.emptied());
        lanes[0].retired.store(true, Ordering::Relaxed);
        working.join().unwrap();
        let late = routing.root();
        assert!(call(&routing, late, 0).is_none(), "what begins later waits");
        assert!(
            call(&routing, Root::default(), 0).is_none(),
            "an empty lane stays empty"
        );
    });
}

#[test]
fn two_that_call_each_other_and_are_both_held_never_wait_for_each_other() {
    let mut builder = loom::model::Builder::new();
    // Two of them find it where the rule is left out.
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let lanes = [Arc::new(Lane::default()), Arc::new(Lane::default())];
        let holds = [Arc::new(Hold::new(ROOM)), Arc::new(Hold::new(ROOM))];
        let pair = |held: usize| {
            let post = |at: usize| (Arc::clone(&lanes[at]), (at < held).then(|| Arc::clone(&holds[at])));
            Pair([post(0), post(1)])
        };
        let routing = Arc::new(Routing::new(pair(0)));
        let working: Vec<_> = [0, 1]
            .map(|own| {
                let routing = Arc::clone(&routing);
                thread::spawn(move || {
                    let root = routing.root();
                    let entered = call(&routing, root, own)?;
                    // Whether it has to wait at the other one, while it holds up its own.
                    let other = call(&routing, root, 1 - own);
                    Some((entered, other))
                })
            })
            .into_iter()
            .collect();
        routing.publish_hold(pair(1), &lanes[0].gate, &holds[0]);
        routing.publish_hold(pair(2), &lanes[1].gate, &holds[1]);
        let found: Vec<_> = working.into_iter().map(|worker| worker.join().unwrap()).collect();
        let waits_within = |at: usize| found[at].as_ref().is_some_and(|(_, other)| other.is_none());
        assert!(!(waits_within(0) && waits_within(1)), "each waits for the other's end");
    });
}

#[test]
fn work_in_one_of_two_that_end_together_never_waits_for_the_other() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let lanes = [Arc::new(Lane::default()), Arc::new(Lane::default())];
        let holds = [Arc::new(Hold::new(ROOM)), Arc::new(Hold::new(ROOM))];
        let pair = |held: bool| {
            let post = |at: usize| (Arc::clone(&lanes[at]), held.then(|| Arc::clone(&holds[at])));
            Pair([post(0), post(1)])
        };
        let routing = Arc::new(Routing::new(pair(false)));
        let working = {
            let routing = Arc::clone(&routing);
            thread::spawn(move || {
                let root = routing.root();
                // Held already: it waits, and holds up nobody.
                let Some(own) = call(&routing, root, 0) else { return };
                let other = call(&routing, root, 1);
                assert!(other.is_some(), "it would wait for the end of what it is a part of");
                drop((other, own));
            })
        };
        let (late, parts) = Gate::of_all(2);
        for lane in &lanes {
            lane.late.set(Arc::clone(&late)).unwrap();
        }
        routing.publish_holds(
            pair(true),
            &[(&lanes[0].gate, &*holds[0]), (&lanes[1].gate, &*holds[1])],
        );
        for (lane, part) in lanes.iter().zip(parts) {
            block_on(lane.gate.emptied());
            drop(part);
        }
        block_on(late.emptied());
        for lane in &lanes {
            lane.retired.store(true, Ordering::Relaxed);
        }
        working.join().unwrap();
        assert!(call(&routing, Root::default(), 0).is_none(), "what is empty stays so");
    });
}
