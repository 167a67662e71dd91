//! Turns of events at a handler, what the host is told of them, and a look at a lane that is blocked.

use std::{sync::mpsc, time::Duration};

use plugin_abi::Delivery;
use plugin_protocol::{
    Call, Verdict, kind,
    lane::{Begun, LaneState},
};
use serde_json::json;

use crate::{host::FakeHost, plugin::linked_plugin};

fn of_channel(channel: u64, number: u64) -> String {
    json!({ "channel_id": channel.to_string(), "number": number }).to_string()
}

#[test]
fn events_of_a_channel_take_turns_and_those_of_others_go_on_beside_them() {
    let mut host = FakeHost::started(linked_plugin());
    for (id, channel) in [(2, 5), (3, 5), (4, 6), (5, 5)] {
        host.event(id, "TURN", &of_channel(channel, id));
    }
    for id in [2, 3, 4, 5] {
        // Those that wait for their turn say so: the host hands over the next one, as long as not too many wait here.
        let told = host.wait(|sent| sent.kind == kind::BEGUN && sent.id == id);
        assert_eq!(told.head::<Begun>().waits, [3, 5].contains(&id), "{id}");
    }
    let (first, beside) = (host.request(kind::CALL), host.request(kind::CALL));
    let number = |call: &crate::host::Sent| call.head::<Call>().arguments.as_u64();
    assert_eq!((number(&first), number(&beside)), (Some(2), Some(4)));
    assert!(host.leftovers().is_empty(), "the others of that channel wait");
    for (id, call) in [(2, first), (4, beside)] {
        host.reply(&call, &json!(null), b"");
        assert_eq!(host.outcome(id).verdict, Verdict::Done);
    }
    for id in [3, 5] {
        let told = host.wait(|sent| sent.kind == kind::BEGUN && sent.id == id);
        assert_eq!(told.head::<Begun>(), Begun::default(), "it is its turn");
        let next = host.request(kind::CALL);
        assert_eq!(number(&next), Some(id), "in order");
        assert!(host.leftovers().is_empty());
        host.reply(&next, &json!(null), b"");
        assert_eq!(host.outcome(id).verdict, Verdict::Done);
    }
}

#[test]
fn an_event_that_ends_at_once_is_not_told_to_have_begun() {
    let mut host = FakeHost::started(linked_plugin());
    host.event(2, "TYPING_START", "{}");
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
    assert!(host.leftovers().is_empty());
}

#[test]
fn a_look_at_a_lane_that_is_blocked_is_answered_at_once_with_what_blocks_it() {
    let mut host = FakeHost::started(linked_plugin());
    let (inside, entered) = mpsc::channel();
    let (go_on, gate) = mpsc::channel();
    crate::plugin::block_next(inside, gate);
    host.event(2, "BLOCK", "{}");
    entered.recv_timeout(Duration::from_secs(60)).unwrap();
    let mut seen = Vec::new();
    for id in [3, 4] {
        let taken = host.try_put(kind::LOOK, kind::FLAG_UNBOUNDED, id, &json!(null), b"");
        assert_eq!(taken, Delivery::ACCEPTED);
        seen.push(host.answer(id).unwrap().head::<LaneState>());
    }
    assert_eq!(seen[0].at.as_deref(), Some("the handler `blocks_lane`"));
    assert_eq!(seen[0].steps, seen[1].steps, "it is still at that");
    assert_eq!(seen[0].heap_bytes, None, "this program's allocator is its own");
    go_on.send(()).unwrap();
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
    host.put(kind::LOOK, kind::FLAG_UNBOUNDED, 5, &json!(null), b"");
    let after: LaneState = host.answer(5).unwrap().head();
    assert!(after.steps > seen[0].steps, "{after:?}");
}
