//! The way to the host, for one generation: sends envelopes, waits for answers, carries log records.
//!
//! It may be used from any thread. A request is an id with a channel behind it; when the lane ends, all of them fail
//! with [`ProblemCode::Closed`], and so does everything that is asked later.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use plugin_abi::{Delivery, Envelope};
use plugin_protocol::{
    Level, LogRecord, PanicReport, Problem, ProblemCode,
    kind::{ANSWER, BEGUN, FLAG_PROBLEM, FLAG_UNBOUNDED, LOG, PANIC},
    lane::Begun,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use super::{inbox::Owned, scope::Scope};

/// How often a request is tried again while the host's queue is full; the pause doubles from one millisecond, so that
/// it gives up after about half a second.
const TRIES: u32 = 9;

type Pending = HashMap<u64, oneshot::Sender<Owned>>;

pub(crate) struct Link {
    host: plugin_abi::Host,
    plugin: String,
    generation: u32,
    next: AtomicU64,
    /// `None` once the lane has ended.
    pending: Mutex<Option<Pending>>,
    level: AtomicU8,
    lost: AtomicU64,
}

impl Link {
    pub(crate) fn new(host: plugin_abi::Host, plugin: String, generation: u32, level: Level) -> Self {
        Self {
            host,
            plugin,
            generation,
            next: AtomicU64::new(1),
            pending: Mutex::new(Some(Pending::new())),
            level: AtomicU8::new(level as u8),
            lost: AtomicU64::new(0),
        }
    }

    pub(crate) fn plugin(&self) -> &str {
        &self.plugin
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// The least important level that is logged, as the number of its place in [`Level`].
    pub(crate) fn level(&self) -> u8 {
        self.level.load(Ordering::Relaxed)
    }

    pub(crate) fn set_level(&self, level: Level) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    fn pending(&self) -> MutexGuard<'_, Option<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the host and waits for its answer.
    pub(crate) async fn ask(self: &Arc<Self>, kind: u32, head: &impl Serialize, tail: &[u8]) -> Result<Owned, Problem> {
        let head = json(head)?;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.pending().as_mut().ok_or_else(closed)?.insert(id, sender);
        let _forget = Forget { link: self, id };
        let mut tries = 0;
        loop {
            match self.host.send(&[Envelope::new(kind, 0, id, &head, tail)]) {
                Delivery::ACCEPTED => break,
                Delivery::FULL if tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(1 << tries)).await;
                    tries += 1;
                }
                Delivery::FULL => {
                    let text = "the host has too many requests of this plugin under way: try again later";
                    return Err(Problem::new(ProblemCode::Busy, text));
                }
                _ => return Err(closed()),
            }
        }
        let answer = answer.await.map_err(|_| closed())?;
        if answer.flags & FLAG_PROBLEM == 0 {
            return Ok(answer);
        }
        Err(serde_json::from_slice(answer.head())
            .unwrap_or_else(|_| Problem::new(ProblemCode::Unknown, "the host refused without saying why")))
    }

    /// Like [`ask`](Self::ask), and reads the head of the answer.
    pub(crate) async fn ask_for<T: DeserializeOwned>(
        self: &Arc<Self>,
        kind: u32,
        head: &impl Serialize,
        tail: &[u8],
    ) -> Result<(T, Owned), Problem> {
        let answer = self.ask(kind, head, tail).await?;
        let head = serde_json::from_slice(answer.head()).map_err(|error| {
            Problem::new(
                ProblemCode::Unknown,
                format!("the host's answer can't be read: {error}"),
            )
        })?;
        Ok((head, answer))
    }

    /// Hands an answer of the host to whoever waits for it.
    pub(crate) fn settle(&self, answer: Owned) {
        let waiting = self.pending().as_mut().and_then(|pending| pending.remove(&answer.id));
        if let Some(waiting) = waiting {
            // The asker may have gone meanwhile.
            let _ = waiting.send(answer);
        }
    }

    /// Answers a request of the host.
    pub(crate) fn answer(&self, id: u64, head: &impl Serialize, tail: &[u8]) {
        match json(head) {
            Ok(head) => self.tell(ANSWER, FLAG_UNBOUNDED, id, &head, tail),
            Err(problem) => self.refuse(id, &problem),
        }
    }

    /// Answers a request of the host with a problem.
    pub(crate) fn refuse(&self, id: u64, problem: &Problem) {
        if let Ok(head) = json(problem) {
            self.tell(ANSWER, FLAG_UNBOUNDED | FLAG_PROBLEM, id, &head, &[]);
        }
    }

    /// Says that an event has begun, and goes on later; or that it will, when it is its turn.
    pub(crate) fn begun(&self, event: u64, begun: Begun) {
        if let Ok(head) = json(&begun) {
            self.tell(BEGUN, FLAG_UNBOUNDED, event, &head, &[]);
        }
    }

    /// Reports a panic that happened outside of any invocation.
    pub(crate) fn report(&self, panic: &PanicReport) {
        if let Ok(head) = json(panic) {
            self.tell(PANIC, 0, 0, &head, &[]);
        }
    }

    /// Sends a log record; while the host's queue is full, records are counted and lost.
    pub(crate) fn log(&self, mut record: LogRecord) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            record.fields.insert("lost_before".to_owned(), lost.into());
        }
        Scope::current().mark(&mut record);
        let Ok(head) = json(&record) else { return };
        if self.host.send(&[Envelope::new(LOG, 0, 0, &head, &[])]) == Delivery::FULL {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }

    /// Tells the host something that has no answer.
    pub(crate) fn notify(&self, kind: u32, head: &impl Serialize) {
        if let Ok(head) = json(head) {
            self.tell(kind, FLAG_UNBOUNDED, 0, &head, &[]);
        }
    }

    fn tell(&self, kind: u32, flags: u32, id: u64, head: &[u8], tail: &[u8]) {
        // Nothing can be done about a host that doesn't listen any more.
        let _ = self.host.send(&[Envelope::new(kind, flags, id, head, tail)]);
    }

    /// Fails all requests, those under way and those to come.
    pub(crate) fn close(&self) {
        let pending = self.pending().take();
        drop(pending);
    }
}

/// Forgets a request whose asker has gone.
struct Forget<'a> {
    link: &'a Link,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let sender = self
            .link
            .pending()
            .as_mut()
            .and_then(|pending| pending.remove(&self.id));
        drop(sender);
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::new(ProblemCode::Invalid, error.to_string()))
}

pub(crate) fn closed() -> Problem {
    Problem::new(ProblemCode::Closed, "this generation of the plugin has ended")
}

#[cfg(test)]
mod tests {
    use plugin_abi::Receiver;
    use serde_json::json;

    use super::*;

    struct Deaf(Delivery);

    impl Receiver for Deaf {
        fn receive(&self, _: &[Envelope<'_>]) -> Delivery {
            self.0
        }
    }

    fn link(delivery: Delivery) -> Arc<Link> {
        let host = plugin_abi::Host::leak(Box::new(Deaf(delivery)));
        Arc::new(Link::new(host, "test".into(), 1, Level::Info))
    }

    #[tokio::test]
    async fn requests_fail_when_the_lane_ends_and_after_it() {
        let link = link(Delivery::ACCEPTED);
        let asking = link.ask(102, &json!(null), b"");
        let closing = async { link.close() };
        let (asked, ()) = tokio::join!(asking, closing);
        assert_eq!(
            asked.map(|_| ()).map_err(|problem| problem.code),
            Err(ProblemCode::Closed)
        );
        let late = link.ask(102, &json!(null), b"").await;
        assert_eq!(
            late.map(|_| ()).map_err(|problem| problem.code),
            Err(ProblemCode::Closed)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_stays_full_is_busy_and_one_that_ended_is_closed() {
        for (delivery, code) in [
            (Delivery::FULL, ProblemCode::Busy),
            (Delivery::CLOSED, ProblemCode::Closed),
        ] {
            let link = link(delivery);
            let asked = link.ask(102, &json!(null), b"").await;
            assert_eq!(asked.map(|_| ()).map_err(|problem| problem.code), Err(code));
            assert_eq!(link.pending().as_ref().map(HashMap::len), Some(0), "forgotten");
        }
    }

    #[tokio::test]
    async fn a_request_whose_asker_has_gone_is_forgotten() {
        let link = link(Delivery::ACCEPTED);
        {
            let asking = link.ask(102, &json!(null), b"");
            tokio::pin!(asking);
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(asking.as_mut().poll(cx).is_pending()));
            assert!(polled.await);
            assert_eq!(link.pending().as_ref().map(HashMap::len), Some(1));
        }
        assert_eq!(link.pending().as_ref().map(HashMap::len), Some(0));
    }
}
