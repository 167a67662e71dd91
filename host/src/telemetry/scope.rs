//! On whose behalf the host works: while a task works for an invocation, every line that it logs belongs to that one.
//!
//! The lines know whose they are without a span's cost for each command: a task-local holds the invocation. Who asked
//! what is the invocation's own to tell.

use std::sync::Arc;

use serde_json::Value;

/// An invocation, as the log sees it.
pub trait Story: Send + Sync + 'static {
    /// Whose it is: `id`, `plugin`, `generation`, `command`, `door`, `guild`, `channel`, `user`.
    fn fields(&self, field: &mut dyn FnMut(&'static str, Value));
    /// The code of the incident that it came to.
    fn incident(&self) -> Option<String>;
    /// A line was logged in it; it keeps the last few.
    fn logged(&self, line: String);
    /// The lines that it keeps, oldest first.
    fn lines(&self) -> Vec<String>;
}

tokio::task_local! {
    static CURRENT: Arc<dyn Story>;
}

/// That of the work under way on this thread.
pub(super) fn current() -> Option<Arc<dyn Story>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Work whose lines belong to a story.
pub fn within<F: Future>(story: Arc<dyn Story>, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(story, work)
}

/// The same for work that does not wait.
pub fn within_now<T>(story: Arc<dyn Story>, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(story, work)
}
