//! What is done for one request, by whichever thread has it: nobody else works on that file meanwhile.
//!
//! The order of steps matters: what is there is looked at before it is replaced, and remembered only once it is on the disk.

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use plugin_protocol::{
    FileAction, FileAnswer, FileRequest, FileVersion, MAX_FILE_BYTES, PluginName, upkeep::CacheFigures,
};

use super::{
    Tell, Warning,
    beneath::{Beneath, Content, Fingerprint},
    cache::{FileCache, Key, Remembered},
    error::FileError,
    kept::{self, Kept, MAX_DAMAGED},
    path::FilePath,
    usage::Usages,
};

/// As long after its last change a damaged file may still be being written, by an upload that stalls, say: it is left
/// where it is.
const SETTLING: Duration = Duration::from_secs(10);

/// How often it is begun anew with a file that somebody changes meanwhile.
const TRIES: u32 = 5;

/// The files of all plugins, what is remembered of them, and how many there are.
pub(super) struct Store {
    folder: PathBuf,
    cache: FileCache,
    usages: Usages,
    /// Damaged files as they were last seen. A std lock: held for a look only.
    suspects: Mutex<HashMap<Key, Suspect>>,
    tell: Tell,
}

/// A damaged file as it was last seen.
#[derive(Clone)]
struct Suspect {
    fingerprint: Fingerprint,
    /// The plugin itself wrote it so.
    is_own: bool,
}

/// The folders of a plugin, and the file that a request is about.
struct Place {
    key: Key,
    files: Beneath,
    kept: Kept,
}

impl Place {
    fn path(&self) -> &FilePath {
        &self.key.1
    }
}

/// What is in a file.
enum Found {
    Missing,
    Content {
        remembered: Arc<Remembered>,
        /// It is the last good content: the file is damaged.
        restored: bool,
        /// The damaged one is still where it was.
        in_place: bool,
    },
}

impl Found {
    fn version(&self) -> FileVersion {
        match self {
            Self::Missing => FileVersion::Missing,
            Self::Content { remembered, .. } => FileVersion::Content(remembered.version.to_string()),
        }
    }

    fn answer(self) -> (FileAnswer, Bytes) {
        let mut answer = FileAnswer {
            version: Some(self.version()),
            ..FileAnswer::default()
        };
        match self {
            Self::Missing => (answer, Bytes::new()),
            Self::Content {
                remembered, restored, ..
            } => {
                answer.restored = restored;
                (answer, remembered.bytes.clone())
            }
        }
    }
}

impl Store {
    pub(super) fn new(folder: PathBuf, tell: Tell) -> Self {
        Self {
            folder,
            cache: FileCache::new(),
            usages: Usages::default(),
            suspects: Mutex::default(),
            tell,
        }
    }

    pub(super) fn figures(&self) -> CacheFigures {
        self.cache.figures()
    }

    /// Meets a request. `path` is that of the request, checked.
    pub(super) fn meet(
        &self,
        plugin: PluginName,
        path: FilePath,
        request: &FileRequest,
        content: Bytes,
    ) -> Result<(FileAnswer, Bytes), FileError> {
        let folder = self.folder.join(plugin.as_str());
        let place = Place {
            key: (plugin, path),
            files: Beneath::new(folder.join("files")),
            kept: Kept::of(&folder),
        };
        let met = match request.action {
            FileAction::Read => self.read(&place, request).map(Found::answer),
            FileAction::Write => self.write(&place, request, content),
            FileAction::Delete => self.delete(&place, request),
            FileAction::List => {
                let folder = (!request.path.is_empty()).then(|| place.path());
                let files = place.files.list(folder)?;
                let answer = FileAnswer {
                    files,
                    ..FileAnswer::default()
                };
                Ok((answer, Bytes::new()))
            }
            FileAction::Exists => {
                let answer = FileAnswer {
                    exists: place.files.has(place.path())?,
                    ..FileAnswer::default()
                };
                Ok((answer, Bytes::new()))
            }
            FileAction::Unknown => Err(FileError::Unsupported),
        };
        if let Err(error) = &met
            && error.is_the_owners()
        {
            self.tell(&place, error.to_string());
        }
        met
    }

    fn tell(&self, place: &Place, text: String) {
        (self.tell)(Warning {
            plugin: place.key.0.clone(),
            text,
        });
    }

    fn read(&self, place: &Place, request: &FileRequest) -> Result<Found, FileError> {
        if !request.uncached {
            let remembered = self.remembered(place, request.json)?;
            self.cache.count(remembered.is_some());
            if let Some(remembered) = remembered {
                return Ok(Found::Content {
                    remembered,
                    restored: false,
                    in_place: false,
                });
            }
        }
        self.load(place, request.json)
    }

    /// What is remembered of a file, if that still is what is there.
    fn remembered(&self, place: &Place, json: bool) -> Result<Option<Arc<Remembered>>, FileError> {
        let now = place.files.look(place.path())?;
        let remembered = self.cache.get(&place.key, now.as_ref());
        Ok(remembered.filter(|remembered| remembered.is_json || !json))
    }

    /// Reads a file from the disk. With `json` a damaged one is replaced by its last good content.
    fn load(&self, place: &Place, json: bool) -> Result<Found, FileError> {
        let mut tries = 1;
        loop {
            let taken = SystemTime::now();
            let Some(content) = place.files.read(place.path())? else {
                self.forget(place);
                return Ok(Found::Missing);
            };
            let damage = if json { kept::json(&content.bytes).err() } else { None };
            let Some(why) = damage else {
                return Ok(self.loaded(place, content, taken, json));
            };
            // Somebody who is at it so often has not finished yet.
            let may_move = tries < TRIES;
            if let Some(found) = self.restore(place, &content, &why, may_move)? {
                return Ok(found);
            }
            tries += 1;
        }
    }

    fn loaded(&self, place: &Place, content: Content, taken: SystemTime, json: bool) -> Found {
        if json {
            self.suspects().remove(&place.key);
            place.kept.keep(place.path(), &content.bytes);
        }
        let is_own = self.cache.is_own(&place.key, &content.bytes);
        let mut remembered = remembered(content.bytes.into(), content.fingerprint, taken, json);
        Arc::make_mut(&mut remembered).is_own = is_own;
        if content.is_whole {
            self.cache.put(place.key.clone(), Arc::clone(&remembered));
        } else {
            self.cache.forget(&place.key);
        }
        Found::Content {
            remembered,
            restored: false,
            in_place: false,
        }
    }

    /// What is remembered of a file is worth nothing any more.
    fn forget(&self, place: &Place) {
        self.cache.forget(&place.key);
        self.suspects().remove(&place.key);
    }

    fn suspects(&self) -> MutexGuard<'_, HashMap<Key, Suspect>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the last good content in the place of a damaged one, which is set aside if it may be; `None` if it has been
    /// replaced meanwhile.
    fn restore(
        &self,
        place: &Place,
        content: &Content,
        why: &serde_json::Error,
        may_move: bool,
    ) -> Result<Option<Found>, FileError> {
        let damaged = &content.fingerprint;
        let is_own = self.cache.is_own(&place.key, &content.bytes);
        if !is_own {
            self.cache.forget(&place.key);
        }
        let suspect = Suspect {
            fingerprint: damaged.clone(),
            is_own,
        };
        let before = self.suspects().insert(place.key.clone(), suspect);
        // Nobody writes it any more: it has been left alone for long, and was the same the last time.
        let is_settled = before.is_some_and(|before| before.fingerprint == *damaged) && damaged.age() >= SETTLING;
        let path = place.path();
        let Some(good) = place.kept.good(path) else {
            let (path, why) = (place.files.place(path), why.to_string());
            return Err(FileError::Damaged { path, why });
        };
        if !is_settled || !may_move {
            tracing::warn!(file = %place.files.place(path).display(), %why, "is no JSON, perhaps not yet: its last good content is read");
            let remembered = remembered(good.into(), damaged.clone(), SystemTime::now(), true);
            return Ok(Some(Found::Content {
                remembered,
                restored: true,
                in_place: true,
            }));
        }
        let what = format!("was no JSON ({why}); its last good content was put back");
        if !self.set_aside(place, damaged, &what)? || place.files.look(path)?.is_some() {
            return Ok(None);
        }
        let fingerprint = place.files.write(path, &good, true)?;
        let remembered = remembered(good.into(), fingerprint, SystemTime::now(), true);
        self.cache.put(place.key.clone(), Arc::clone(&remembered));
        Ok(Some(Found::Content {
            remembered,
            restored: true,
            in_place: false,
        }))
    }

    /// Whether it was set aside: not if it has been replaced meanwhile.
    fn set_aside(&self, place: &Place, damaged: &Fingerprint, what: &str) -> Result<bool, FileError> {
        let Some(aside) = place.kept.set_aside(&place.files, place.path(), damaged)? else {
            return Ok(false);
        };
        self.forget(place);
        let text = format!(
            "`{}` {what}. What was there is in {}: look whether something of it is missed, then delete it; of one file, the latest {MAX_DAMAGED} are kept.",
            place.path(),
            aside.display()
        );
        self.tell(place, text);
        Ok(true)
    }

    fn write(&self, place: &Place, request: &FileRequest, content: Bytes) -> Result<(FileAnswer, Bytes), FileError> {
        let (path, json) = (place.path(), request.json);
        if content.len() > MAX_FILE_BYTES {
            return Err(FileError::TooLong {
                path: place.files.place(path),
                bytes: content.len() as u64,
            });
        }
        if json {
            kept::json(&content).map_err(FileError::NoJson)?;
        }
        if let Some(conflict) = self.prepare(place, request)? {
            return Ok(conflict);
        }
        let old = place.files.look(path)?.map(|old| old.bytes());
        let plugin = &place.key.0;
        self.usages.take(plugin, &place.files, old, content.len() as u64)?;
        let written = place.files.write(path, &content, true);
        if written.is_err() {
            self.usages.give_back(plugin, old, content.len() as u64);
            self.cache.forget(&place.key);
        }
        let fingerprint = written?;
        let mut remembered = remembered(content, fingerprint, SystemTime::now(), json);
        Arc::make_mut(&mut remembered).is_own = true;
        self.suspects().remove(&place.key);
        self.cache.put(place.key.clone(), Arc::clone(&remembered));
        if json {
            place.kept.keep(path, &remembered.bytes);
        }
        let answer = FileAnswer {
            version: Some(FileVersion::Content(remembered.version.to_string())),
            ..FileAnswer::default()
        };
        Ok((answer, Bytes::new()))
    }

    /// Sets aside what was seen damaged, unless the plugin wrote it itself. Whether that is done: not if it has been replaced
    /// meanwhile.
    fn make_way(&self, place: &Place, what: &str) -> Result<bool, FileError> {
        let suspect = self.suspects().get(&place.key).cloned();
        match suspect {
            Some(suspect) if !suspect.is_own => self.set_aside(place, &suspect.fingerprint, what),
            _ => Ok(true),
        }
    }

    /// Looks what is there before it is replaced: whether it is what was expected (answers with the conflict if not), and
    /// whether it has to be set aside.
    fn prepare(&self, place: &Place, request: &FileRequest) -> Result<Option<(FileAnswer, Bytes)>, FileError> {
        if request.expected.is_none() && !request.json {
            return Ok(None);
        }
        // Whoever changes it ever again is not waited for.
        for _ in 0..TRIES {
            let present = match self.remembered(place, request.json)? {
                Some(remembered) => Ok(Found::Content {
                    remembered,
                    restored: false,
                    in_place: false,
                }),
                None => self.load(place, request.json),
            };
            let found = match present {
                Ok(found) => found,
                // It is about to be replaced as a whole, by something good.
                Err(FileError::Damaged { why, .. }) if request.expected.is_none() => {
                    if self.make_way(place, &format!("was no JSON ({why}) when the plugin wrote it anew"))? {
                        return Ok(None);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            if request
                .expected
                .as_ref()
                .is_some_and(|expected| *expected != found.version())
            {
                let (mut answer, content) = found.answer();
                answer.conflict = true;
                return Ok(Some((answer, content)));
            }
            let is_damaged = matches!(found, Found::Content { in_place: true, .. });
            if !is_damaged || self.make_way(place, "was no JSON when the plugin wrote it anew")? {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn delete(&self, place: &Place, request: &FileRequest) -> Result<(FileAnswer, Bytes), FileError> {
        let path = place.path();
        if let Some(expected) = &request.expected {
            let found = self.load(place, request.json)?;
            if *expected != found.version() {
                let (mut answer, content) = found.answer();
                answer.conflict = true;
                return Ok((answer, content));
            }
        }
        let old = place.files.look(path)?;
        self.forget(place);
        let is_removed = place.files.remove(path)?;
        if let Some(old) = old.filter(|_| is_removed) {
            self.usages.removed(&place.key.0, old.bytes());
        }
        place.kept.forget(path);
        let answer = FileAnswer {
            exists: is_removed,
            ..FileAnswer::default()
        };
        Ok((answer, Bytes::new()))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn remembered(bytes: Bytes, fingerprint: Fingerprint, taken: SystemTime, is_json: bool) -> Arc<Remembered> {
    let version = blake3::hash(&bytes).to_hex();
    Arc::new(Remembered {
        // Of 128 bits, no two files are alike by chance.
        version: version[..32].into(),
        bytes,
        fingerprint,
        taken,
        is_json,
        is_own: false,
    })
}
