//! The swap with real threads.
//!
//! Apart from `lane.rs`, which the model test compiles as a whole (`tests/lane_model.rs`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use super::{
    hold::{EventRoom, Hold, HoldRoom, Put, Share},
    lane::{Entered, Gate, Root, Routing, Way},
};

#[derive(Default)]
struct Fake {
    gate: Arc<Gate>,
    retired: AtomicBool,
    handled: AtomicU64,
}

#[test]
fn a_closed_gate_gives_no_ticket_and_is_empty_with_the_last() {
    let gate = Arc::new(Gate::default());
    let first = gate.enter().unwrap();
    let second = gate.enter().unwrap();
    Routing::new(()).publish((), [&gate]);
    assert!(gate.enter().is_none());
    let mut emptied = Box::pin(gate.emptied());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        drop(first);
        let pending = tokio::select! {
            biased;
            () = &mut emptied => false,
            () = std::future::ready(()) => true,
        };
        assert!(pending, "one is still under way");
        drop(second);
        emptied.await;
    });
}

#[test]
fn nothing_is_delivered_to_a_retired_generation_and_nothing_is_lost() {
    let routing = Arc::new(Routing::new(Arc::new(Fake::default())));
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..3)
        .map(|_| {
            let (routing, stop) = (Arc::clone(&routing), Arc::clone(&stop));
            thread::spawn(move || {
                let mut sent = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let find = |table: &Arc<Fake>| Some(Way::Serves(Arc::clone(table), Arc::clone(&table.gate)));
                    let Some(Entered::Now(generation, ticket)) = routing.enter(find, 0, || ()) else {
                        panic!("somebody serves at any time");
                    };
                    assert!(
                        !generation.retired.load(Ordering::SeqCst),
                        "delivered after its retirement"
                    );
                    generation.handled.fetch_add(1, Ordering::SeqCst);
                    drop(ticket);
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut handled = 0;
    for _ in 0..2_000 {
        let old = Arc::clone(&routing.read());
        routing.publish(Arc::new(Fake::default()), [&old.gate]);
        runtime.block_on(old.gate.emptied());
        old.retired.store(true, Ordering::SeqCst);
        handled += old.handled.load(Ordering::SeqCst);
    }
    stop.store(true, Ordering::Relaxed);
    let sent: u64 = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
    handled += routing.read().handled.load(Ordering::SeqCst);
    assert_eq!(sent, handled);
}

#[test]
fn a_hold_is_over_though_a_delivery_panics() {
    type Held = Option<Arc<Hold<u32>>>;
    // In the first round, and in the last one, which is under the lock.
    for panics_at in [1, 5] {
        let room = HoldRoom {
            deliveries: 10,
            bytes: 10,
        };
        let hold = Arc::new(Hold::new(room));
        let gate = Arc::new(Gate::default());
        let routing = Routing::<Held>::new(Some(Arc::clone(&hold)));
        let find = |table: &Held| {
            Some(match table {
                Some(hold) => Way::Held(Arc::clone(hold)),
                None => Way::Serves((), Arc::clone(&gate)),
            })
        };
        assert!(matches!(routing.enter(find, 1, || 1), Some(Entered::Waits)));
        let released = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            routing.release(&hold, None, |number| {
                assert_ne!(number, panics_at);
                // One more comes in each round, so that the last one finds one, too.
                routing.enter(find, 1, || number + 1);
            });
        }));
        assert!(released.is_err(), "it panicked at {panics_at}");
        assert!(matches!(routing.enter(find, 1, || 9), Some(Entered::Now((), _))));
    }
}

#[test]
fn calls_have_a_quarter_beside_the_room_of_what_else_waits() {
    let hold = Arc::new(Hold::new(HoldRoom {
        deliveries: 8,
        bytes: 80,
    }));
    let routing = Routing::new(());
    let find = |(): &()| Some(Way::<(), _>::Held(Arc::clone(&hold)));
    let waits = |share| {
        let entered = match share {
            Share::Call(_) | Share::Event(_) => routing.enter_of(Root::default(), find, share, || share),
            Share::Delivery(bytes) => routing.enter(find, bytes, || share),
        };
        matches!(entered, Some(Entered::Waits))
    };
    assert!(!waits(Share::Call(21)), "more bytes than a quarter");
    assert_eq!([1, 1, 1].map(|bytes| waits(Share::Call(bytes))), [true, true, false]);
    assert_eq!(
        [10; 9].map(|bytes| waits(Share::Delivery(bytes))),
        [true, true, true, true, true, true, true, true, false]
    );
    let calls = hold.take_out(|share| matches!(share, Share::Call(_)));
    assert_eq!(calls.len(), 2);
    assert!(waits(Share::Call(20)), "there is room again");
    assert!(!waits(Share::Delivery(1)), "what was left counts");
}

#[test]
fn events_have_a_room_of_their_own_in_a_hold_by_the_plugins_word() {
    for (drops_oldest, left) in [(true, ["e3", "c", "e4"]), (false, ["e1", "e2", "c"])] {
        // Of 36 bytes each there is room for two.
        let room = EventRoom {
            bytes: 200,
            drops_oldest,
        };
        let all = HoldRoom {
            deliveries: 1,
            bytes: 100,
        };
        let hold = Hold::with_events(all, room);
        for name in ["e1", "e2", "e3", "c", "e4"] {
            let share = match name {
                "c" => Share::Delivery(1),
                _ => Share::Event(36),
            };
            hold.put(share, || name);
        }
        assert_eq!((hold.lost_events(), hold.turned_away()), (2, 0));
        let taken: Vec<_> = hold.take().into_iter().map(|(name, _)| name).collect();
        assert_eq!(taken, left, "in order");
        assert_eq!(
            hold.put(Share::Event(137), || "large"),
            Put::Full,
            "never fits, and drops no other"
        );
        assert_eq!(hold.lost_events(), 3);
    }
}
