//! The plugin's own files: read, written in one step, updated without losing anybody else's change.
//!
//! A front for requests: paths are checked, files opened and locks taken by the host alone.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    rc::{Rc, Weak},
};

use plugin_protocol::{FileAction, FileAnswer, FileRequest, FileVersion, Problem, ProblemCode, kind::FILES};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use crate::{
    Error, Result,
    error::placed,
    runtime::{Core, Owned},
};

/// How often an update begins anew because the file changed meanwhile. Updates of one generation wait for each other:
/// only another generation, or somebody outside, can come in between.
const TRIES: u32 = 64;

/// The plugin's own files; see [`Host::files`](crate::Host::files).
///
/// They lie in `data/plugins/NAME/files/` of the bot's folder, which the owner may look into and edit. A path is relative
/// to it, with `/` between folders: `"scores.json"`, `"maps/2024/island.txt"`. Folders come and go with their files.
///
/// - **A write replaces the whole file in one step** and is on the disk when it is done: whatever happens meanwhile, a
///   crash or a full disk, too, the file has either its old or its new content.
/// - **Reads are answered from memory** for up to 300 seconds; a change by anybody is noticed at once. The host remembers
///   up to 1,000 files and 64 MiB of all plugins. [`uncached`](Self::uncached) reads the disk.
/// - **Requests for one file are met in the order in which they were made**, those for different ones side by side.
/// - **JSON that was damaged from outside**, by a slip of an editor, say, is set aside in `data/plugins/NAME/damaged/`, the
///   last good content is put back and read, and the owner is told.
///
/// Limits: 8 MiB a file, 10,000 files and 512 MiB a plugin, paths of 512 bytes with names of up to 200 and 8 of them at
/// most. A name is any text without `< > : " | ? * \` and control characters that doesn't begin with a dot, doesn't end
/// with a dot or a space, and isn't one of those that Windows keeps for devices, such as `con` or `nul.txt`. Some systems
/// don't tell `A` from `a`: write a name the same way everywhere. Links are never followed.
///
/// What changes many times a second belongs into the database or among the keys: a write of a file waits for the disk.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use plugin_api::prelude::*;
///
/// /// Count a point for somebody.
/// #[command(slash, prefix)]
/// async fn point(ctx: Ctx, user: User) -> Result {
///     let points = ctx
///         .files()
///         .update_json("points.json", |points: &mut BTreeMap<String, u32>| {
///             let points = points.entry(user.id.to_string()).or_default();
///             *points += 1;
///             Ok(*points)
///         })
///         .await?;
///     ctx.reply(format!("{} has {points} points.", user.mention())).await
/// }
///
/// /// Show the rules.
/// #[command(slash, prefix)]
/// async fn rules(ctx: Ctx) -> Result {
///     let rules = ctx.files().read_text("rules.txt").await?;
///     ctx.reply(rules.unwrap_or_else(|| "There are no rules.".to_owned())).await
/// }
/// # mod linked { use super::*; plugin_api::plugin!(linked; commands: [super::point, super::rules]); }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Files {
    core: Rc<Core>,
    uncached: bool,
}

impl Files {
    pub(crate) fn new(core: Rc<Core>) -> Self {
        Self { core, uncached: false }
    }

    /// The same files, read from the disk whatever the host remembers of them.
    ///
    /// It is hardly ever needed: what is remembered is compared with the disk's time and size at each read.
    #[must_use]
    pub fn uncached(mut self) -> Self {
        self.uncached = true;
        self
    }

    /// A file's content; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// The path is none (see [`Files`]), or the file can't be read; the text says why.
    #[track_caller]
    pub fn read(&self, path: &str) -> impl Future<Output = Result<Option<Vec<u8>>>> {
        placed(async move {
            let read = self.get(path, false).await?;
            Ok(read.content().map(<[u8]>::to_vec))
        })
    }

    /// A file's content as text; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and if it is no UTF-8.
    #[track_caller]
    pub fn read_text(&self, path: &str) -> impl Future<Output = Result<Option<String>>> {
        placed(async move {
            let Some(bytes) = self.read(path).await? else {
                return Ok(None);
            };
            let text = String::from_utf8(bytes);
            text.map(Some)
                .map_err(|error| Error::new(format!("`{path}` is no text: {error}")))
        })
    }

    /// A file of JSON as `T`; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), if it is JSON that doesn't fit `T`, and if it is none and no good copy of it was kept.
    #[track_caller]
    pub fn read_json<T: DeserializeOwned>(&self, path: &str) -> impl Future<Output = Result<Option<T>>> {
        placed(async move { self.get(path, true).await?.json(path) })
    }

    /// Replaces a file by these bytes or this text, or makes it.
    ///
    /// # Errors
    ///
    /// The path is none, the content is longer than 8 MiB, the plugin's files are too many or too large, or the disk does
    /// not take it, being full, say: the text says so, and the old content stays.
    #[track_caller]
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> impl Future<Output = Result> {
        placed(async move {
            self.put(path, false, None, content.as_ref()).await?;
            Ok(())
        })
    }

    /// Replaces a file by a value as JSON, indented, or makes it. Its content is kept a second time, in case that the file
    /// is damaged from outside.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and if the value can't be JSON, such as a map whose keys are no texts.
    #[track_caller]
    pub fn write_json(&self, path: &str, value: &(impl Serialize + ?Sized)) -> impl Future<Output = Result> {
        placed(async move {
            self.put(path, true, None, &pretty(value)?).await?;
            Ok(())
        })
    }

    /// Changes a file by a function of its content, `None` where there is no such file, so that nobody else's change gets
    /// lost. Returns when the new content is on the disk.
    ///
    /// The function may be called again with a newer content, if the file changes meanwhile. An error of it leaves the
    /// file as it is.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), the function's own, and if the file changed all the time.
    #[track_caller]
    pub fn update(
        &self,
        path: &str,
        mut change: impl FnMut(Option<Vec<u8>>) -> Result<Vec<u8>>,
    ) -> impl Future<Output = Result> {
        placed(self.swap(path, false, move |read| {
            Ok((change(read.content().map(<[u8]>::to_vec))?, ()))
        }))
    }

    /// Changes a file of JSON by a function of its value, `T::default()` where there is no such file, so that nobody
    /// else's change gets lost. Returns what the function returns, when the new value is on the disk.
    ///
    /// The function may be called again with a newer value, if the file changes meanwhile. An error of it leaves the file
    /// as it is.
    ///
    /// # Errors
    ///
    /// As [`read_json`](Self::read_json) and [`write_json`](Self::write_json), the function's own, and if the file changed
    /// all the time.
    #[track_caller]
    pub fn update_json<T, R>(
        &self,
        path: &str,
        mut change: impl FnMut(&mut T) -> Result<R>,
    ) -> impl Future<Output = Result<R>>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        placed(self.swap(path, true, move |read| {
            let mut value = read.json::<T>(path)?.unwrap_or_default();
            let returned = change(&mut value)?;
            Ok((pretty(&value)?, returned))
        }))
    }

    /// Deletes a file, and its folder if it was the last in it; whether there was one.
    ///
    /// # Errors
    ///
    /// The path is none, or the file can't be deleted.
    #[track_caller]
    pub fn delete(&self, path: &str) -> impl Future<Output = Result<bool>> {
        placed(async move {
            let request = FileRequest {
                action: FileAction::Delete,
                path: path.to_owned(),
                ..FileRequest::default()
            };
            Ok(self.ask(&request, &[]).await?.0.exists)
        })
    }

    /// Whether there is such a file.
    ///
    /// # Errors
    ///
    /// The path is none, or the folder can't be read.
    #[track_caller]
    pub fn exists(&self, path: &str) -> impl Future<Output = Result<bool>> {
        placed(async move {
            let request = FileRequest {
                action: FileAction::Exists,
                path: path.to_owned(),
                ..FileRequest::default()
            };
            Ok(self.ask(&request, &[]).await?.0.exists)
        })
    }

    /// The files of a folder and of all folders in it, in the order of their paths; of the plugin's whole folder if `folder`
    /// is empty. There are none in a folder that is not there.
    ///
    /// # Errors
    ///
    /// The path is none, or a folder can't be read.
    #[track_caller]
    pub fn list(&self, folder: &str) -> impl Future<Output = Result<Vec<crate::FileEntry>>> {
        placed(async move {
            let request = FileRequest {
                action: FileAction::List,
                path: folder.to_owned(),
                ..FileRequest::default()
            };
            Ok(self.ask(&request, &[]).await?.0.files)
        })
    }

    async fn get(&self, path: &str, json: bool) -> Result<Read> {
        let request = FileRequest {
            action: FileAction::Read,
            path: path.to_owned(),
            uncached: self.uncached,
            json,
            expected: None,
        };
        let (answer, envelope) = self.ask(&request, &[]).await?;
        Read::new(answer, envelope)
    }

    /// Writes, and answers with what the file is, if that isn't what was expected.
    async fn put(&self, path: &str, json: bool, expected: Option<FileVersion>, content: &[u8]) -> Result<Option<Read>> {
        let request = FileRequest {
            action: FileAction::Write,
            path: path.to_owned(),
            uncached: false,
            json,
            expected,
        };
        let (answer, envelope) = self.ask(&request, content).await?;
        answer.conflict.then(|| Read::new(answer, envelope)).transpose()
    }

    async fn swap<R>(
        &self,
        path: &str,
        json: bool,
        mut change: impl FnMut(&Read) -> Result<(Vec<u8>, R)>,
    ) -> Result<R> {
        let turn = self.core.file_turns.of(path);
        let _turn = turn.lock().await;
        let mut read = self.get(path, json).await?;
        for _ in 0..TRIES {
            let (content, returned) = change(&read)?;
            if !read.restored && read.content().is_some_and(|old| old == content) {
                return Ok(returned);
            }
            match self.put(path, json, Some(read.version.clone()), &content).await? {
                None => return Ok(returned),
                Some(newer) => read = newer,
            }
        }
        let text = format!("`{path}` changed {TRIES} times while it was to be updated: try again later");
        Err(Problem::new(ProblemCode::Busy, text).into())
    }

    async fn ask(&self, request: &FileRequest, content: &[u8]) -> Result<(FileAnswer, Owned)> {
        Ok(self.core.link.ask_for(FILES, request, content).await?)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("plugin", &self.core.link.plugin())
            .field("uncached", &self.uncached)
            .finish_non_exhaustive()
    }
}

/// What was read of a file.
struct Read {
    version: FileVersion,
    restored: bool,
    envelope: Owned,
}

impl Read {
    fn new(answer: FileAnswer, envelope: Owned) -> Result<Self> {
        let version = answer
            .version
            .ok_or_else(|| Error::new("the host did not say what the file is"))?;
        Ok(Self {
            version,
            restored: answer.restored,
            envelope,
        })
    }

    fn content(&self) -> Option<&[u8]> {
        (self.version != FileVersion::Missing).then(|| self.envelope.tail())
    }

    fn json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let value = self.content().map(serde_json::from_slice).transpose();
        value.map_err(|error| Error::new(format!("`{path}` does not fit: {error}")))
    }
}

fn pretty(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Whose turn it is to update a file or a key, by its path: two updates of one generation would only make each other begin anew.
#[derive(Default)]
pub(crate) struct Turns(RefCell<HashMap<String, Weak<Mutex<()>>>>);

impl Turns {
    pub(crate) fn of(&self, path: &str) -> Rc<Mutex<()>> {
        let mut turns = self.0.borrow_mut();
        if let Some(turn) = turns.get(path).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Rc::new(Mutex::new(()));
        turns.insert(path.to_owned(), Rc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_turn_at_a_time_and_none_is_kept() {
        let turns = Turns::default();
        let first = turns.of("a");
        assert!(Rc::ptr_eq(&first, &turns.of("a")));
        assert!(!Rc::ptr_eq(&first, &turns.of("b")));
        drop(first);
        let _other = turns.of("c");
        assert_eq!(turns.0.borrow().len(), 1);
    }
}
