//! What the bot logs, kept line by line for expectations and for what a failed one prints.
//!
//! A condition variable, since expectations wait on the test's own thread.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that are kept; the oldest go first.
const KEPT: usize = 20_000;

/// The log. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Log {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    kept: Mutex<Kept>,
    more: Condvar,
}

#[derive(Default)]
struct Kept {
    lines: Vec<String>,
    /// How many are gone.
    gone: usize,
}

impl Log {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lines there have been.
    pub(crate) fn count(&self) -> usize {
        let kept = self.kept();
        kept.gone + kept.lines.len()
    }

    /// Waits for a line with this text, from the line of this number on.
    pub(crate) fn wait(&self, from: usize, text: &str, limit: Duration) -> Option<String> {
        let deadline = Instant::now() + limit;
        let mut kept = self.kept();
        loop {
            let from = from.saturating_sub(kept.gone);
            if let Some(line) = kept.lines.iter().skip(from).find(|line| line.contains(text)) {
                return Some(line.clone());
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = self.inner.more.wait_timeout(kept, left);
            kept = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The last lines.
    pub(crate) fn end(&self, lines: usize) -> Vec<String> {
        let kept = self.kept();
        let from = kept.lines.len().saturating_sub(lines);
        kept.lines[from..].to_vec()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut kept = self.kept();
        kept.lines
            .extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
        let excess = kept.lines.len().saturating_sub(KEPT);
        kept.lines.drain(..excess);
        kept.gone += excess;
        drop(kept);
        self.inner.more.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
