//! A host without Discord: starts the lane of a linked plugin on a thread and talks to it in envelopes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use plugin_abi::{Delivery, Envelope, LaneHandle, PluginModuleRef, Receiver};
use plugin_api::linked::{LinkedPlugin, record_panic};
use plugin_protocol::{
    ArgumentValue, Call, ChannelId, Click, Door, Event, Invocation, Outcome, Problem, Settings, Start, Stop,
    StopReason, Stopped, User, UserId, kind,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// How long something that must come may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An envelope of the plugin.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) id: u64,
    head: Vec<u8>,
    pub(crate) tail: Vec<u8>,
}

impl Sent {
    pub(crate) fn head<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.head).unwrap()
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.tail).unwrap()
    }
}

struct Fake {
    sent: Mutex<mpsc::Sender<Sent>>,
    /// How many batches are still to be refused as if the queue were full.
    full: Arc<AtomicU32>,
}

impl Receiver for Fake {
    fn receive(&self, batch: &[Envelope<'_>]) -> Delivery {
        if self
            .full
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok()
        {
            return Delivery::FULL;
        }
        let sent = self.sent.lock().unwrap();
        for envelope in batch {
            let (head, tail) = (envelope.head().to_vec(), envelope.tail().to_vec());
            sent.send(Sent {
                kind: envelope.kind(),
                flags: envelope.flags(),
                id: envelope.id(),
                head,
                tail,
            })
            .unwrap();
        }
        Delivery::ACCEPTED
    }
}

pub(crate) struct FakeHost {
    module: PluginModuleRef,
    lane: LaneHandle,
    thread: Option<JoinHandle<bool>>,
    received: mpsc::Receiver<Sent>,
    /// What came while something else was waited for.
    aside: VecDeque<Sent>,
    pub(crate) full: Arc<AtomicU32>,
}

impl FakeHost {
    /// Runs a lane that has not been started.
    pub(crate) fn new(plugin: LinkedPlugin) -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let default = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if record_panic(info).is_some() {
                    default(info);
                }
            }));
        });
        let (sender, received) = mpsc::channel();
        let full = Arc::new(AtomicU32::new(0));
        let host = plugin_abi::Host::leak(Box::new(Fake {
            sent: Mutex::new(sender),
            full: full.clone(),
        }));
        let module = plugin.module();
        let head = Start {
            plugin: "under-test".into(),
            generation: 3,
            ..Start::default()
        };
        let lane = module.make_lane(host, &serde_json::to_vec(&head).unwrap()).unwrap();
        let thread = std::thread::spawn(move || module.run_lane(lane));
        Self {
            module,
            lane,
            thread: Some(thread),
            received,
            aside: VecDeque::new(),
            full,
        }
    }

    /// Runs a lane and starts it.
    pub(crate) fn started(plugin: LinkedPlugin) -> Self {
        let mut host = Self::new(plugin);
        host.start(Value::Null, None, b"").unwrap();
        host
    }

    pub(crate) fn start(&mut self, section: Value, state_version: Option<u32>, saved: &[u8]) -> Result<(), Problem> {
        let settings = Settings {
            section,
            ..Settings::default()
        };
        let start = Start {
            plugin: "under-test".into(),
            generation: 3,
            settings,
            state_version,
            ..Start::default()
        };
        self.put(kind::START, kind::FLAG_UNBOUNDED, 1, &start, saved);
        self.answer(1).map(drop)
    }

    pub(crate) fn put(&self, kind: u32, flags: u32, id: u64, head: &impl Serialize, tail: &[u8]) {
        assert_eq!(self.try_put(kind, flags, id, head, tail), Delivery::ACCEPTED);
    }

    pub(crate) fn try_put(&self, kind: u32, flags: u32, id: u64, head: &impl Serialize, tail: &[u8]) -> Delivery {
        let head = serde_json::to_vec(head).unwrap();
        self.module
            .hand_over(self.lane, &[Envelope::new(kind, flags, id, &head, tail)])
    }

    pub(crate) fn invoke(&self, id: u64, name: &str, arguments: &[(&str, ArgumentValue)]) {
        self.put(kind::INVOKE, 0, id, &invocation(name, arguments), b"{}");
    }

    pub(crate) fn click(&self, id: u64, name: &str, state: &str) {
        let click = Click {
            state: state.to_owned(),
            ..Click::default()
        };
        let invocation = Invocation {
            door: Door::Component,
            click: Some(click),
            ..invocation(name, &[])
        };
        self.put(kind::INVOKE, 0, id, &invocation, b"{}");
    }

    pub(crate) fn event(&self, id: u64, name: &str, d: &str) {
        let tail = format!(r#"{{"t":"{name}","s":1,"op":0,"d":{d}}}"#);
        self.put(
            kind::EVENT,
            0,
            id,
            &Event {
                name: name.to_owned(),
                shard: 0,
                sequence: 1,
            },
            tail.as_bytes(),
        );
    }

    pub(crate) fn stop(&self, id: u64, deadline_millis: u64) {
        let stop = Stop {
            why: StopReason::Reload,
            deadline_millis,
        };
        self.put(kind::STOP, kind::FLAG_UNBOUNDED, id, &stop, b"");
    }

    /// Waits for the first envelope that fits; what comes before it is kept for later.
    pub(crate) fn wait(&mut self, fits: impl Fn(&Sent) -> bool) -> Sent {
        if let Some(at) = self.aside.iter().position(&fits) {
            return self.aside.remove(at).unwrap();
        }
        loop {
            let sent = self
                .received
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("missing; came: {:?}", self.aside));
            if fits(&sent) {
                return sent;
            }
            self.aside.push_back(sent);
        }
    }

    /// The next request of that kind.
    pub(crate) fn request(&mut self, kind: u32) -> Sent {
        self.wait(|sent| sent.kind == kind)
    }

    /// The plugin's answer to the request `id`.
    pub(crate) fn answer(&mut self, id: u64) -> Result<Sent, Problem> {
        let answer = self.wait(|sent| sent.kind == kind::ANSWER && sent.id == id);
        assert_ne!(
            answer.flags & kind::FLAG_UNBOUNDED,
            0,
            "answers are never refused for lack of room"
        );
        if answer.flags & kind::FLAG_PROBLEM == 0 {
            Ok(answer)
        } else {
            Err(answer.head())
        }
    }

    pub(crate) fn outcome(&mut self, id: u64) -> Outcome {
        self.answer(id).unwrap().head()
    }

    /// Answers a request of the plugin.
    pub(crate) fn reply(&self, to: &Sent, head: &impl Serialize, tail: &[u8]) {
        self.put(kind::ANSWER, kind::FLAG_UNBOUNDED, to.id, head, tail);
    }

    /// What came and was not asked for.
    pub(crate) fn leftovers(&mut self) -> Vec<Sent> {
        self.aside.extend(self.received.try_iter());
        self.aside.drain(..).collect()
    }

    /// Waits for the lane's end: whether it was an orderly one.
    pub(crate) fn joined(&mut self) -> bool {
        self.thread.take().unwrap().join().unwrap()
    }

    /// Stops the lane with time enough, and waits for its end.
    pub(crate) fn finish(&mut self) -> Stopped {
        self.stop(999, 60_000);
        // What the function that stops asks is answered; without, it would wait for its deadline.
        let asks = |sent: &Sent| sent.kind == kind::CALL && sent.head::<Call>().name == "test.stopping";
        let sent = self.wait(|sent| asks(sent) || (sent.kind == kind::ANSWER && sent.id == 999));
        if asks(&sent) {
            self.reply(&sent, &Value::Null, b"");
        } else {
            self.aside.push_back(sent);
        }
        let stopped = self.answer(999).unwrap().head();
        assert!(self.joined());
        stopped
    }
}

pub(crate) fn invocation(name: &str, arguments: &[(&str, ArgumentValue)]) -> Invocation {
    Invocation {
        name: name.to_owned(),
        door: Door::Slash,
        author: User {
            id: UserId::new(7).unwrap(),
            username: "alice".into(),
            global_name: None,
            avatar: None,
            bot: false,
        },
        member: None,
        guild_id: None,
        channel_id: ChannelId::new(5).unwrap(),
        message_id: None,
        interaction_id: None,
        locale: None,
        prefix: None,
        arguments: arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        click: None,
        typed: None,
    }
}
