//! The lane: takes what the host delivers one by one, answers the lifecycle, and leaves commands to `breach`.
//!
//! Without a runtime: a queue, a condition, a loop on the thread that the host gives.

use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use plugin_abi::{Delivery, Envelope, Host, Lane};
use plugin_protocol::{Invocation, Problem, ProblemCode, kind};

use crate::breach;

/// An envelope that is this plugin's own.
struct Owned {
    kind: u32,
    flags: u32,
    id: u64,
    head: Vec<u8>,
}

pub(crate) struct Unruly {
    pub(crate) host: Host,
    queue: Mutex<VecDeque<Owned>>,
    filled: Condvar,
    /// From then on it takes nothing.
    pub(crate) full: AtomicBool,
    /// From then on it does not hear that it has to stop.
    pub(crate) deaf: AtomicBool,
    /// How its requests were answered: at all, that it is busy, that it must not.
    pub(crate) answered: AtomicU64,
    pub(crate) busy: AtomicU64,
    pub(crate) invalid: AtomicU64,
}

impl Unruly {
    pub(crate) fn new(host: Host) -> Self {
        Self {
            host,
            queue: Mutex::default(),
            filled: Condvar::new(),
            full: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            invalid: AtomicU64::new(0),
        }
    }

    fn next(&self) -> Owned {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(next) = queue.pop_front() {
                return next;
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn note(&self, answer: &Owned) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if answer.flags & kind::FLAG_PROBLEM == 0 {
            return;
        }
        let problem: Option<Problem> = serde_json::from_slice(&answer.head).ok();
        match problem.map(|problem| problem.code) {
            Some(ProblemCode::Busy) => drop(self.busy.fetch_add(1, Ordering::Relaxed)),
            Some(ProblemCode::Invalid) => drop(self.invalid.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
    }

    /// Sends one envelope; whether it was taken.
    pub(crate) fn send(&self, kind: u32, id: u64, head: &[u8], tail: &[u8]) -> Delivery {
        self.host.send(&[Envelope::new(kind, 0, id, head, tail)])
    }

    /// Ends an invocation well.
    pub(crate) fn done(&self, id: u64) {
        let _ = self.send(kind::ANSWER, id, br#"{"verdict":"done"}"#, b"");
    }
}

impl Lane for Unruly {
    fn run(&self) {
        loop {
            let envelope = self.next();
            match envelope.kind {
                kind::ANSWER => self.note(&envelope),
                kind::START => drop(self.send(kind::ANSWER, envelope.id, b"{}", b"")),
                kind::STOP if self.deaf.load(Ordering::Relaxed) => {}
                kind::STOP => {
                    let _ = self.send(kind::ANSWER, envelope.id, b"{}", b"");
                    return;
                }
                kind::INVOKE => {
                    let Ok(invocation) = serde_json::from_slice::<Invocation>(&envelope.head) else {
                        continue;
                    };
                    if !breach::commit(self, envelope.id, &invocation) {
                        return;
                    }
                }
                // As plugins must: the host asks things that are newer than its plugins.
                _ if envelope.id != 0 => {
                    let problem = br#"{"code":"not_supported","message":"unknown"}"#;
                    let answer = Envelope::new(kind::ANSWER, kind::FLAG_PROBLEM, envelope.id, problem, b"");
                    let _ = self.host.send(&[answer]);
                }
                _ => {}
            }
        }
    }

    fn deliver(&self, batch: &[Envelope<'_>]) -> Delivery {
        let is_work = batch.iter().any(|envelope| envelope.kind() == kind::INVOKE);
        if is_work && self.full.load(Ordering::Relaxed) {
            return Delivery::FULL;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.extend(batch.iter().map(|envelope| Owned {
            kind: envelope.kind(),
            flags: envelope.flags(),
            id: envelope.id(),
            head: envelope.head().to_vec(),
        }));
        drop(queue);
        self.filled.notify_one();
        Delivery::ACCEPTED
    }
}
