//! What is done for one request, by whichever thread has it: nobody else works on that file meanwhile.
//!
//! The order of steps matters: what is there is looked at before it is replaced, and remembered only once it is on the disk.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use plugin_protocol::{
    FileAction, FileAnswer, FileRequest, FileVersion, MAX_FILE_BYTES, PluginName, upkeep::CacheFigures,
};

use super::{
    Tell, Warning,
    beneath::{Beneath, Fingerprint},
    cache::{FileCache, Key, Remembered},
    error::FileError,
    kept::{self, Kept},
    path::FilePath,
    usage::Usages,
};

/// As long after its last change a damaged file may still be being written, by an editor that is slow, say: it is left
/// where it is.
const SETTLING: Duration = Duration::from_secs(2);

/// The files of all plugins, what is remembered of them, and how many there are.
pub(super) struct Store {
    folder: PathBuf,
    cache: FileCache,
    usages: Usages,
    tell: Tell,
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
        /// It is the last good content: the file is damaged, and still where it was if `in_place`.
        restored: bool,
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
        let taken = SystemTime::now();
        let Some(content) = place.files.read(place.path())? else {
            self.cache.forget(&place.key);
            return Ok(Found::Missing);
        };
        if json {
            if let Err(why) = kept::json(&content.bytes) {
                return self.restore(place, &content.fingerprint, &why);
            }
            place.kept.keep(place.path(), &content.bytes);
        }
        let remembered = remembered(content.bytes.into(), content.fingerprint, taken, json);
        if content.is_whole {
            self.cache.put(place.key.clone(), Arc::clone(&remembered));
        } else {
            self.cache.forget(&place.key);
        }
        Ok(Found::Content {
            remembered,
            restored: false,
            in_place: false,
        })
    }

    /// Puts the last good content in the place of a damaged one, which is set aside.
    fn restore(&self, place: &Place, damaged: &Fingerprint, why: &serde_json::Error) -> Result<Found, FileError> {
        self.cache.forget(&place.key);
        let path = place.path();
        let Some(good) = place.kept.good(path) else {
            let (path, why) = (place.files.place(path), why.to_string());
            return Err(FileError::Damaged { path, why });
        };
        if damaged.age() < SETTLING {
            tracing::info!(file = %place.files.place(path).display(), %why, "is no JSON, perhaps not yet: its last good content is read");
            let remembered = remembered(good.into(), damaged.clone(), SystemTime::now(), true);
            return Ok(Found::Content {
                remembered,
                restored: true,
                in_place: true,
            });
        }
        self.set_aside(
            place,
            &format!("was no JSON ({why}); its last good content was put back"),
        )?;
        let fingerprint = place.files.write(path, &good, true)?;
        let remembered = remembered(good.into(), fingerprint, SystemTime::now(), true);
        self.cache.put(place.key.clone(), Arc::clone(&remembered));
        Ok(Found::Content {
            remembered,
            restored: true,
            in_place: false,
        })
    }

    fn set_aside(&self, place: &Place, what: &str) -> Result<(), FileError> {
        let aside = place.kept.set_aside(&place.files, place.path())?;
        let text = format!(
            "`{}` {what}. What was there is in {}: look whether something of it is missed, then delete it.",
            place.path(),
            aside.display()
        );
        self.tell(place, text);
        Ok(())
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
        let remembered = remembered(content, fingerprint, SystemTime::now(), json);
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

    /// Looks what is there before it is replaced: whether it is what was expected (answers with the conflict if not), and
    /// whether it has to be set aside.
    fn prepare(&self, place: &Place, request: &FileRequest) -> Result<Option<(FileAnswer, Bytes)>, FileError> {
        if request.expected.is_none() && !request.json {
            return Ok(None);
        }
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
                self.set_aside(place, &format!("was no JSON ({why}) when the plugin wrote it anew"))?;
                return Ok(None);
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
        if matches!(found, Found::Content { in_place: true, .. }) {
            self.set_aside(place, "was no JSON when the plugin wrote it anew")?;
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
        self.cache.forget(&place.key);
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
    })
}
