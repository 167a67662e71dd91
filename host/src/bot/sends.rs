//! What plugins have sent on the gateway: what waits, what they show below the bot's name, which members they asked for.
//!
//! The shards' tasks take from here; nothing here touches one.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use plugin_protocol::gateway::FoundMembers;
use tokio::sync::{oneshot, watch};

use crate::{commands::MembersChunk, config::StatusLine, gateway::Outbox, plugins::Generation};

/// How many bytes of payloads an answer may have come by.
const LARGEST_ANSWER: usize = 32 << 20;

/// What plugins send on the gateway. Clones are the same.
#[derive(Clone, Debug)]
pub struct Sends {
    /// What waits to be sent.
    pub outbox: Outbox,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Who shows something, the last one last.
    shown: watch::Sender<Vec<Shown>>,
    next_request: AtomicU64,
    /// How many requests for members there are, for a look without the lock.
    asking: AtomicUsize,
    /// A lock of std: held for a look or a change, never across an await.
    requests: Mutex<HashMap<String, Collecting>>,
}

/// Something that a plugin shows of the bot.
#[derive(Clone, Debug)]
pub struct Shown {
    generation: Weak<Generation>,
    line: StatusLine,
}

#[derive(Debug)]
struct Collecting {
    found: FoundMembers,
    chunks: u32,
    bytes: usize,
    done: Option<oneshot::Sender<Result<FoundMembers, TooLarge>>>,
}

/// The answer to a request for members is too large.
#[derive(Clone, Copy, Debug)]
pub struct TooLarge;

/// A request for members: forgotten when this is dropped.
#[derive(Debug)]
pub struct Asking {
    sends: Sends,
    /// What its answers are known by.
    pub nonce: String,
    /// The whole answer.
    pub answer: oneshot::Receiver<Result<FoundMembers, TooLarge>>,
}

impl Sends {
    /// Nothing waits yet.
    pub fn new() -> Self {
        Self {
            outbox: Outbox::default(),
            inner: Arc::new(Inner {
                shown: watch::Sender::default(),
                next_request: AtomicU64::new(1),
                asking: AtomicUsize::new(0),
                requests: Mutex::default(),
            }),
        }
    }

    /// What plugins show of the bot from now on; none to show nothing any more.
    pub fn show(&self, from: &Arc<Generation>, line: Option<StatusLine>) {
        self.inner.shown.send_modify(|shown| {
            shown.retain(|one| one.generation.upgrade().is_some_and(|it| !Arc::ptr_eq(&it, from)));
            shown.extend(line.map(|line| Shown {
                generation: Arc::downgrade(from),
                line,
            }));
        });
    }

    /// A generation has ended, and with it what it showed.
    pub fn ended(&self, generation: &Arc<Generation>) {
        let is_shown = self.inner.shown.borrow().iter().any(|one| one.is_of(generation));
        if is_shown {
            self.show(generation, None);
        }
    }

    /// What a plugin shows in place of what the owner has set.
    pub fn shown(&self) -> Option<StatusLine> {
        self.inner.shown.borrow().last().map(|one| one.line.clone())
    }

    /// Hears of changes of what plugins show.
    pub fn shows(&self) -> watch::Receiver<Vec<Shown>> {
        self.inner.shown.subscribe()
    }

    /// Begins to collect the answers to a request for members.
    pub fn ask(&self) -> Asking {
        let nonce = format!("bothost-{}", self.inner.next_request.fetch_add(1, Ordering::Relaxed));
        let (done, answer) = oneshot::channel();
        let collecting = Collecting {
            found: FoundMembers::default(),
            chunks: 0,
            bytes: 0,
            done: Some(done),
        };
        self.inner.asking.fetch_add(1, Ordering::Relaxed);
        self.requests().insert(nonce.clone(), collecting);
        Asking {
            sends: self.clone(),
            nonce,
            answer,
        }
    }

    /// Takes a part of an answer, if it is one to a request of a plugin.
    pub fn take_chunk(&self, payload: &str) {
        if self.inner.asking.load(Ordering::Relaxed) == 0 {
            return;
        }
        let chunk = match MembersChunk::decode(payload) {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::warn!(%error, "members that can't be read");
                return;
            }
        };
        let mut requests = self.requests();
        let Some(collecting) = chunk.nonce.as_ref().and_then(|nonce| requests.get_mut(nonce)) else {
            return;
        };
        collecting.chunks += 1;
        collecting.bytes += payload.len();
        let is_too_large = collecting.bytes > LARGEST_ANSWER;
        collecting.found.members.extend(chunk.members);
        collecting.found.not_found.extend(chunk.not_found);
        if (is_too_large || collecting.chunks >= chunk.count)
            && let Some(done) = collecting.done.take()
        {
            let found = std::mem::take(&mut collecting.found);
            // Who asked may have gone.
            let _ = done.send(if is_too_large { Err(TooLarge) } else { Ok(found) });
        }
    }

    fn requests(&self) -> MutexGuard<'_, HashMap<String, Collecting>> {
        self.inner.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn is_of(&self, generation: &Arc<Generation>) -> bool {
        std::ptr::eq(self.generation.as_ptr(), Arc::as_ptr(generation))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if self.sends.requests().remove(&self.nonce).is_some() {
            self.sends.inner.asking.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(nonce: &str, count: u32, user: u64) -> String {
        let member = serde_json::json!({ "user": { "id": user.to_string(), "username": "a" }, "roles": [] });
        let data = serde_json::json!({
            "guild_id": "30", "members": [member], "chunk_index": 0, "chunk_count": count, "nonce": nonce,
        });
        serde_json::json!({ "t": "GUILD_MEMBERS_CHUNK", "d": data }).to_string()
    }

    #[tokio::test]
    async fn parts_are_put_together_by_their_request() {
        let sends = Sends::new();
        let (mut one, mut other) = (sends.ask(), sends.ask());
        sends.take_chunk(&chunk(&one.nonce, 2, 1));
        sends.take_chunk(&chunk(&other.nonce, 1, 2));
        sends.take_chunk(&chunk("foreign", 1, 3));
        sends.take_chunk("{}");
        assert!(one.answer.try_recv().is_err());
        sends.take_chunk(&chunk(&one.nonce, 2, 4));
        let count = |answer: Result<FoundMembers, TooLarge>| answer.unwrap().members.len();
        assert_eq!(count((&mut one.answer).await.unwrap()), 2);
        assert_eq!(count((&mut other.answer).await.unwrap()), 1);
        drop((one, other));
        assert_eq!(
            (sends.requests().len(), sends.inner.asking.load(Ordering::Relaxed)),
            (0, 0)
        );
    }
}
