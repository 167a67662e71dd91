//! Plugins' own files: `data/plugins/NAME/files/`, reached by requests of plugins alone.
//!
//! `path` checks names, `beneath` reaches the disk without following links, `queue` gives each file one worker at a time,
//! `cache` remembers, `usage` counts, `kept` has the last good copies, `store` brings them together. Nothing here runs on a
//! thread of the runtime or of a plugin but [`Files::ask`], which only queues.

mod beneath;
mod cache;
mod directory;
mod error;
mod kept;
mod path;
mod queue;
mod store;
#[cfg(test)]
mod tests;
mod usage;

use std::{fmt, path::PathBuf, sync::Arc};

use bytes::Bytes;
use plugin_protocol::{FileAction, FileAnswer, FileRequest, PluginName, Problem, ProblemCode, upkeep::CacheFigures};

pub use error::FileError;
pub use path::{FilePath, WrongPath};
use queue::{Queue, Rest};
use store::Store;

/// The files of all plugins. Clones share everything; when the last one is dropped, what waits is still done.
#[derive(Clone, Debug)]
pub struct Files {
    store: Arc<Store>,
    queue: Arc<Queue>,
}

/// All files as they are at one moment: what is asked waits until this is dropped.
#[must_use = "plugins' files change again when it is dropped"]
pub struct HeldFiles(#[allow(dead_code, reason = "held for its drop")] Rest);

/// What the owner has to hear about a plugin's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Whose files.
    pub plugin: PluginName,
    /// What happened and what to do.
    pub text: String,
}

/// Tells the owner.
type Tell = Box<dyn Fn(Warning) + Send + Sync>;

impl Files {
    /// The files below this folder of all plugins, `data/plugins`. `tell` is called on threads of this.
    #[must_use]
    pub fn new(folder: PathBuf, tell: impl Fn(Warning) + Send + Sync + 'static) -> Self {
        Self {
            store: Arc::new(Store::new(folder, Box::new(tell))),
            queue: Arc::new(Queue::new()),
        }
    }

    /// Has a request met; `answered` is called with the answer and its tail, once, on a thread of this. Requests for one
    /// file are met in the order in which they are asked.
    pub fn ask(
        &self,
        plugin: PluginName,
        request: FileRequest,
        content: Bytes,
        answered: impl FnOnce(Result<(FileAnswer, Bytes), Problem>) + Send + 'static,
    ) {
        let mut owed = Owed(Some(answered));
        let path = match (request.action, request.path.as_str()) {
            // The whole folder, under a name that no file needs to wait for.
            (FileAction::List, "") => FilePath::parse("list"),
            (_, path) => FilePath::parse(path),
        };
        let path = match path {
            Ok(path) => path,
            Err(wrong) => return owed.pay(Err(FileError::Path(wrong).into())),
        };
        if self.queue.is_paused() {
            let text = "a backup is being restored: try again when the plugin has been started again";
            return owed.pay(Err(Problem::new(ProblemCode::Closed, text)));
        }
        let store = Arc::clone(&self.store);
        self.queue.put((plugin.clone(), path.clone()), move || {
            owed.pay(store.meet(plugin, path, &request, content).map_err(Problem::from));
        });
    }

    /// Waits until nobody works on a file, and holds all of them.
    pub async fn hold(&self) -> HeldFiles {
        HeldFiles(self.queue.rest().await)
    }

    /// Waits until all that was asked is done; what is asked until [`resume`](Self::resume) is refused as closed.
    pub async fn pause(&self) {
        self.queue.pause(true);
        self.queue.done().await;
    }

    /// Files may be reached again: they may be others by now.
    pub fn resume(&self) {
        self.queue.pause(false);
    }

    /// What is remembered, and how well that served.
    #[must_use]
    pub fn figures(&self) -> CacheFigures {
        self.store.figures()
    }
}

/// An answer that is owed: exactly one, also if the work panics.
struct Owed<F: FnOnce(Result<(FileAnswer, Bytes), Problem>)>(Option<F>);

impl<F: FnOnce(Result<(FileAnswer, Bytes), Problem>)> Owed<F> {
    fn pay(&mut self, answer: Result<(FileAnswer, Bytes), Problem>) {
        if let Some(answered) = self.0.take() {
            answered(answer);
        }
    }
}

impl<F: FnOnce(Result<(FileAnswer, Bytes), Problem>)> Drop for Owed<F> {
    fn drop(&mut self) {
        let text = "the host failed at this request for a file: its log says more";
        self.pay(Err(Problem::new(ProblemCode::Failed, text)));
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A file of the plugin `{}`: {}", self.plugin, self.text)
    }
}
