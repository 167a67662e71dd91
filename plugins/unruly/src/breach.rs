//! The breaches, by the name of the command that asks for one.
//!
//! Each says in a reply when it has been committed, so that a test knows what it looks at.

use std::{net::UdpSocket, sync::atomic::Ordering, thread, time::Duration};

use plugin_abi::Delivery;
use plugin_protocol::{ArgumentValue, Invocation, kind};

use crate::lane::Unruly;

/// How many requests a flood has, from each of its threads.
const FLOOD: u64 = 20_000;
/// Ids of the host's own requests have the highest bit.
const HOSTS: u64 = 1 << 63;

/// Commits one; false if the lane has to end without having been asked to.
pub(crate) fn commit(lane: &Unruly, id: u64, invocation: &Invocation) -> bool {
    match invocation.name.as_str() {
        "again" => {
            reply(lane, id, "once");
            lane.done(id);
            lane.done(id);
            let _ = lane.send(kind::ANSWER, id, br#"{"verdict":"failed","text":"no"}"#, b"");
            return true;
        }
        "never" => return true,
        "flood" => {
            flood(lane, id);
            reply(lane, id, "flooded");
        }
        "bodies" => {
            bodies(lane, id);
            reply(lane, id, "sent");
        }
        "records" => {
            for number in 0..100_000 {
                let head = format!(r#"{{"level":"error","message":"record {number}"}}"#);
                let _ = lane.send(kind::LOG, 0, head.as_bytes(), b"");
            }
            let long = format!(r#"{{"level":"error","message":"{}"}}"#, "x".repeat(4 << 20));
            let _ = lane.send(kind::LOG, 0, long.as_bytes(), b"");
            reply(lane, id, "recorded");
        }
        "panics" => {
            for number in 0..10_000 {
                let head = format!(r#"{{"message":"panic {number}","location":"unruly.rs:1:1","thread":"t"}}"#);
                let _ = lane.send(kind::PANIC, 0, head.as_bytes(), b"");
            }
            reply(lane, id, "panicked");
        }
        "garbage" => {
            garbage(lane);
            reply(lane, id, "sent");
        }
        "long" => {
            let head = format!(r#"{{"verdict":"failed","text":"{}"}}"#, "y".repeat(8 << 20));
            let _ = lane.send(kind::ANSWER, id, head.as_bytes(), b"");
            return true;
        }
        "full" => {
            lane.full.store(true, Ordering::Relaxed);
            reply(lane, id, "full");
        }
        "deaf" => {
            lane.deaf.store(true, Ordering::Relaxed);
            reply(lane, id, "deaf");
        }
        "linger" => {
            linger(lane, id, invocation);
            reply(lane, id, "lingering");
        }
        "quit" => return false,
        // How its requests have been answered so far.
        _ => {
            let [answered, busy, invalid] =
                [&lane.answered, &lane.busy, &lane.invalid].map(|count| count.load(Ordering::Relaxed));
            reply(
                lane,
                id,
                &format!("answered {answered}, busy {busy}, invalid {invalid}"),
            );
        }
    }
    lane.done(id);
    true
}

fn reply(lane: &Unruly, id: u64, text: &str) {
    let head = format!(r#"{{"invocation":{id},"action":"reply"}}"#);
    let body = format!(r#"{{"content":"{text}"}}"#);
    let _ = lane.send(kind::RESPOND, 1, head.as_bytes(), body.as_bytes());
}

/// Requests of every kind from four threads, without waiting for an answer.
fn flood(lane: &Unruly, id: u64) {
    let respond = format!(r#"{{"invocation":{id},"action":"defer"}}"#);
    let requests: [(u32, &[u8]); 4] = [
        (kind::REST, br#"{"method":"GET","path":"/users/@me"}"#),
        (kind::CALL, br#"{"name":"plugins.list"}"#),
        (kind::RESPOND, respond.as_bytes()),
        (199, b"{}"),
    ];
    thread::scope(|scope| {
        for (kind, head) in requests {
            scope.spawn(move || {
                for number in 0..FLOOD {
                    let _ = lane.send(kind, number + 2, head, b"");
                }
            });
        }
    });
}

/// Bodies that Discord would never take, and heads that hold more than a head.
fn bodies(lane: &Unruly, id: u64) {
    let megabytes = vec![b' '; 8 << 20];
    let respond = format!(r#"{{"invocation":{id},"action":"reply"}}"#);
    let _ = lane.send(kind::RESPOND, 2, respond.as_bytes(), &megabytes);
    let post = br#"{"method":"POST","path":"/channels/1/messages"}"#;
    for number in 0..10 {
        let _ = lane.send(kind::REST, 3 + number, post, &megabytes);
    }
    let _ = lane.send(kind::CALL, 100, &megabytes, b"");
    let enormous = vec![b' '; 200 << 20];
    let _ = lane.send(kind::REST, 101, post, &enormous);
}

/// Heads that are none, answers that nobody asked for, kinds that do not exist.
fn garbage(lane: &Unruly) {
    let heads: [&[u8]; 5] = [
        b"",
        b"{",
        b"null",
        b"\xff\xfe",
        br#"{"verdict":7,"code":"x","name":[]}"#,
    ];
    for kind in 0..256 {
        for head in heads {
            for id in [0, 1, u64::MAX, HOSTS, HOSTS | 1, HOSTS | 2] {
                // Its own start was answered long ago; its stop has not been asked.
                let _ = lane.send(kind, id, head, head);
            }
        }
    }
}

/// A thread that goes on sending when its generation has ended, and tells a port of this machine once it was refused.
fn linger(lane: &Unruly, id: u64, invocation: &Invocation) {
    let Some(ArgumentValue::String(port)) = invocation.arguments.get("port") else {
        return;
    };
    let (host, address) = (lane.host, format!("127.0.0.1:{port}"));
    thread::spawn(move || {
        let respond = format!(r#"{{"invocation":{id},"action":"reply"}}"#);
        let mut refused = 0_u32;
        for round in 0_u64.. {
            let mut all_closed = true;
            let requests: [(u32, &[u8]); 3] = [
                (kind::CALL, br#"{"name":"no.such.call"}"#),
                (kind::ANSWER, br#"{"verdict":"done"}"#),
                (kind::RESPOND, respond.as_bytes()),
            ];
            // A reply only now and then: people read them.
            let count = if round.is_multiple_of(64) { 3 } else { 2 };
            for (kind, head) in requests.into_iter().take(count) {
                let envelope = plugin_abi::Envelope::new(kind, 0, 7, head, br#"{"content":"from the grave"}"#);
                all_closed &= host.send(&[envelope]) == Delivery::CLOSED;
            }
            if all_closed {
                refused += 1;
            }
            if refused == 100
                && let Ok(socket) = UdpSocket::bind("127.0.0.1:0")
            {
                let _ = socket.send_to(b"closed", &address);
            }
            thread::sleep(Duration::from_millis(1));
        }
    });
}
