//! A plugin in the form that a library exports: its header, and the panic hook and subscriber that are the library's.
//! Here the test program stands for the library. One test, since the hook is the whole program's.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test")]

use std::sync::{Mutex, mpsc};

use plugin_abi::{Delivery, Envelope, PluginModuleRef, Receiver};
use plugin_api::{prelude::*, tokio};
use plugin_protocol::{Invocation, LogRecord, Outcome, PanicReport, Start, Stop, Stopped, Verdict, kind};
use serde_json::json;

thread_local!(static DROPPED: NoisyDrop = const { NoisyDrop });

struct NoisyDrop;

impl Drop for NoisyDrop {
    fn drop(&mut self) {
        let _ = std::hint::black_box(1);
    }
}

/// Panic on other threads and in other tasks, and log by another crate.
#[command]
async fn astray(_ctx: Ctx) -> Result {
    DROPPED.with(|_| ());
    assert!(
        tokio::task::spawn_blocking(|| panic!("on another thread"))
            .await
            .is_err()
    );
    assert!(tokio::spawn(async { panic!("in another task") }).await.is_err());
    tokio::time::timeout(std::time::Duration::from_secs(60), async {}).await?;
    log::warn!("by the log crate");
    plugin_api::tracing::info!("by tracing");
    Ok(())
}

plugin! { commands: [astray] }

#[derive(Debug)]
struct Sent {
    kind: u32,
    id: u64,
    head: Vec<u8>,
}

struct Fake(Mutex<mpsc::Sender<Sent>>);

impl Receiver for Fake {
    fn receive(&self, batch: &[Envelope<'_>]) -> Delivery {
        for envelope in batch {
            let sent = Sent {
                kind: envelope.kind(),
                id: envelope.id(),
                head: envelope.head().to_vec(),
            };
            self.0.lock().unwrap().send(sent).unwrap();
        }
        Delivery::ACCEPTED
    }
}

#[test]
fn a_library_tells_its_panics_and_records_wherever_they_happen() {
    let module = PluginModuleRef::checked(&BOTHOST_PLUGIN_HEADER).unwrap();
    assert!(module.description().is_some());
    // What the library says of a panic is not printed; here it is, so that a failure of this test can be read.
    let own = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        own(info);
        eprintln!("{info}");
    }));

    let (sender, received) = mpsc::channel();
    let host = plugin_abi::Host::leak(Box::new(Fake(Mutex::new(sender))));
    let start = serde_json::to_vec(&Start {
        plugin: "loaded".into(),
        generation: 1,
        ..Start::default()
    })
    .unwrap();
    let lane = module.make_lane(host, &start).unwrap();
    let invocation: Invocation = serde_json::from_value(json!({
        "name": "astray", "door": "prefix", "author": { "id": "1", "username": "alice" }, "channel_id": "2",
    }))
    .unwrap();
    let stop = serde_json::to_vec(&Stop {
        deadline_millis: 60_000,
        ..Stop::default()
    })
    .unwrap();
    let invocation = serde_json::to_vec(&invocation).unwrap();
    let batch = [
        Envelope::new(kind::START, kind::FLAG_UNBOUNDED, 1, &start, b""),
        Envelope::new(kind::ACTIVATE, kind::FLAG_UNBOUNDED, 0, b"{}", b""),
    ];
    assert_eq!(module.hand_over(lane, &batch), Delivery::ACCEPTED);
    let thread = std::thread::spawn(move || module.run_lane(lane));
    let next = || received.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    let started = next();
    assert_eq!((started.kind, started.id), (kind::ANSWER, 1));
    let batch = [
        Envelope::new(kind::INVOKE, 0, 2, &invocation, b""),
        Envelope::new(kind::STOP, kind::FLAG_UNBOUNDED, 3, &stop, b""),
    ];
    assert_eq!(module.hand_over(lane, &batch), Delivery::ACCEPTED);

    for message in ["on another thread", "in another task"] {
        let sent = next();
        assert_eq!(sent.kind, kind::PANIC);
        let panic: PanicReport = serde_json::from_slice(&sent.head).unwrap();
        assert_eq!(panic.message, message);
        assert!(panic.location.contains("main.rs:"), "{panic:?}");
    }
    for message in ["by the log crate", "by tracing"] {
        let sent = next();
        assert_eq!(sent.kind, kind::LOG);
        let record: LogRecord = serde_json::from_slice(&sent.head).unwrap();
        assert_eq!((record.message.as_str(), record.target.as_str()), (message, "loaded"));
    }
    let (outcome, stopped) = (next(), next());
    assert_eq!((outcome.id, stopped.id), (2, 3));
    assert_eq!(
        serde_json::from_slice::<Outcome>(&outcome.head).unwrap().verdict,
        Verdict::Done
    );
    assert_eq!(
        serde_json::from_slice::<Stopped>(&stopped.head).unwrap(),
        Stopped::default()
    );
    assert!(thread.join().unwrap());
    assert_eq!(module.hand_over(lane, &[]), Delivery::CLOSED);
}
