//! How large what a plugin asks may be, and how much of it may be under way: checked before anything is copied.
//!
//! A plugin that sends megabytes where Discord takes kilobytes is refused here, where it costs nothing, and one that
//! sends them all at once is told that it is busy.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use plugin_abi::Envelope;
use plugin_protocol::{MAX_SERVICE_BYTES, Problem, ProblemCode, kind};

/// How many bytes of requests of one generation may be under way.
const MAX_BYTES: usize = 256 << 20;
/// The longest head of a request, in bytes: heads are small, what is large is a tail.
const MAX_HEAD: usize = 1 << 20;
/// The longest message that an invocation is answered with, in bytes of JSON: Discord takes some ten thousand.
const MAX_MESSAGE: usize = 256 << 10;
/// The longest body of a REST call, in bytes: Discord takes 100 MiB of files in the largest servers.
const MAX_BODY: usize = 104 << 20;
/// The longest value of a key, in bytes.
const MAX_VALUE: usize = 1 << 20;
/// The most that statements or one file carry, in bytes.
const MAX_STORED: usize = 8 << 20;

/// How many calls of the host itself may be under way: they take its own time, and not Discord's.
const MAX_CALLS: usize = 256;

/// How many calls of other plugins' services may be under way, those among them that wait while such a plugin is replaced.
const MAX_SERVICE_CALLS: usize = 4096;

/// What of a generation's requests is under way.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    bytes: AtomicUsize,
    calls: AtomicUsize,
    service_calls: AtomicUsize,
}

/// Counts a request as under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    under_way: Arc<UnderWay>,
    bytes: usize,
    calls: usize,
    service_calls: usize,
}

impl Room {
    /// Takes room for a request.
    ///
    /// # Errors
    ///
    /// `Invalid` for one that is larger than any, `Busy` while too much is under way.
    pub(super) fn take(under_way: &Arc<UnderWay>, envelope: &Envelope<'_>) -> Result<Self, Problem> {
        let (head, tail) = (envelope.head().len(), envelope.tail().len());
        if head > MAX_HEAD {
            let text = format!("a head of {head} bytes, more than {MAX_HEAD}: large things belong into the tail");
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let (limit, what) = match envelope.kind() {
            kind::RESPOND => (
                MAX_MESSAGE,
                "an answer: a message has 2,000 characters, and 6,000 in its embeds",
            ),
            kind::KEYS => (MAX_VALUE, "a value of a store: large things belong into files"),
            kind::SQL | kind::FILES => (MAX_STORED, "statements or a file: large things are written in parts"),
            kind::SERVICE_CALL => (MAX_SERVICE_BYTES, "a request to another plugin"),
            _ => (MAX_BODY, "a request to Discord"),
        };
        if tail > limit {
            let text = format!("{tail} bytes are too many for {what}; at most {limit} bytes are sent");
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let bytes = tail + head;
        let calls = usize::from(envelope.kind() == kind::CALL);
        let service_calls = usize::from(envelope.kind() == kind::SERVICE_CALL);
        let services_before = under_way.service_calls.fetch_add(service_calls, Ordering::Relaxed);
        let bytes_before = under_way.bytes.fetch_add(bytes, Ordering::Relaxed);
        let calls_before = under_way.calls.fetch_add(calls, Ordering::Relaxed);
        // Given back by its drop, also where it is refused.
        let room = Self {
            under_way: Arc::clone(under_way),
            bytes,
            calls,
            service_calls,
        };
        let busy = |what: String| {
            let text = format!("requests of this plugin with {what} are under way: wait for some of them");
            Problem::new(ProblemCode::Busy, text)
        };
        if bytes_before + bytes > MAX_BYTES {
            return Err(busy(format!("{bytes_before} bytes")));
        }
        if calls_before + calls > MAX_CALLS {
            return Err(busy(format!("{MAX_CALLS} calls of the host")));
        }
        if services_before + service_calls > MAX_SERVICE_CALLS {
            return Err(busy(format!("{MAX_SERVICE_CALLS} calls of other plugins")));
        }
        Ok(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.under_way.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.under_way.calls.fetch_sub(self.calls, Ordering::Relaxed);
        self.under_way
            .service_calls
            .fetch_sub(self.service_calls, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_refused_and_too_much_is_busy_until_some_has_ended() {
        let under_way = Arc::default();
        let take = |kind: u32, bytes: usize| {
            let tail = vec![0; bytes];
            Room::take(&under_way, &Envelope::new(kind, 0, 1, b"", &tail)).map_err(|problem| problem.code)
        };
        assert_eq!(take(kind::RESPOND, MAX_MESSAGE + 1).err(), Some(ProblemCode::Invalid));
        assert_eq!(take(kind::REST, MAX_BODY + 1).err(), Some(ProblemCode::Invalid));
        let held = [take(kind::REST, MAX_BODY).unwrap(), take(kind::REST, MAX_BODY).unwrap()];
        assert_eq!(take(kind::REST, MAX_BODY).err(), Some(ProblemCode::Busy));
        assert!(take(kind::RESPOND, MAX_MESSAGE).is_ok());
        drop(held);
        assert!(take(kind::REST, MAX_BODY).is_ok());
        let calls: Vec<_> = (0..MAX_CALLS).map(|_| take(kind::CALL, 0).unwrap()).collect();
        assert_eq!(take(kind::CALL, 0).err(), Some(ProblemCode::Busy));
        assert!(take(kind::REST, 0).is_ok());
        drop(calls);
        assert!(take(kind::CALL, 0).is_ok());
        let calls: Vec<_> = (0..MAX_SERVICE_CALLS)
            .map(|_| take(kind::SERVICE_CALL, 0).unwrap())
            .collect();
        assert_eq!(take(kind::SERVICE_CALL, 0).err(), Some(ProblemCode::Busy));
        drop(calls);
        assert!(take(kind::SERVICE_CALL, 0).is_ok());
        assert_eq!(under_way.bytes.load(Ordering::Relaxed), 0);
    }
}
