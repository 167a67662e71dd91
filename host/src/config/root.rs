//! The folder that the bot lives in, what is where in it, and the lock that keeps a second host out.
//!
//! The lock is the system's, so a host that was killed leaves none behind, whatever stands in the lock file.

use std::{
    error, fmt,
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::{Config, content, schema};

/// The bot's folder: config.json, `.env`, `plugins/` and `data/`.
#[derive(Clone, Debug)]
pub struct Root {
    folder: PathBuf,
}

/// Why a folder can't be the bot's.
#[derive(Debug)]
pub enum RootError {
    /// It could not be opened, or `data/` not be made in it.
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another host runs on it.
    Taken {
        /// The lock file.
        path: PathBuf,
        /// The other host's process id, if it could be read.
        pid: Option<u32>,
        /// The machine or container in which that process is, if it is another one than this.
        elsewhere: Option<String>,
    },
}

impl fmt::Display for RootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "{}: {}", path.display(), content::unwritable(source)),
            Self::Taken { path, pid, elsewhere } => {
                f.write_str("another host runs on this folder")?;
                if let Some(pid) = pid {
                    write!(f, ": process {pid}")?;
                }
                if let Some(elsewhere) = elsewhere {
                    write!(f, " of the machine or container {elsewhere}")?;
                }
                write!(
                    f,
                    "; stop it first, or give this one a folder of its own with --root ({})",
                    path.display()
                )
            }
        }
    }
}

impl error::Error for RootError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Taken { .. } => None,
        }
    }
}

impl Root {
    /// Opens a folder as the bot's; makes `data/` in it.
    ///
    /// # Errors
    ///
    /// If it is no folder, or `data/` can't be made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, RootError> {
        let folder = folder.as_ref();
        let folder = fs::canonicalize(folder).map_err(at(folder))?;
        for made in [folder.join("data"), folder.join("data").join("logs")] {
            fs::create_dir_all(&made).map_err(at(&made))?;
        }
        Ok(Self { folder })
    }

    /// A folder that is only looked at: nothing is made in it.
    ///
    /// # Errors
    ///
    /// If it does not exist or may not be entered.
    pub fn look_at(folder: impl AsRef<Path>) -> Result<Self, RootError> {
        let folder = folder.as_ref();
        fs::canonicalize(folder)
            .map(|folder| Self { folder })
            .map_err(at(folder))
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The settings.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("config.json")
    }

    /// What editors know the settings by.
    #[must_use]
    pub fn schema_file(&self) -> PathBuf {
        self.folder.join(schema::FILE)
    }

    /// The file with the token.
    #[must_use]
    pub fn env_file(&self) -> PathBuf {
        self.folder.join(".env")
    }

    /// Where plugins are dropped.
    #[must_use]
    pub fn plugins_dir(&self, config: &Config) -> PathBuf {
        config.extensions.path.clone()
    }

    /// All that the host writes.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The log files.
    #[must_use]
    pub fn logs_dir(&self) -> PathBuf {
        self.data().join("logs")
    }

    /// The private copies of plugins.
    #[must_use]
    pub fn run_dir(&self) -> PathBuf {
        self.data().join("run")
    }

    /// The gateway's sessions, kept from a clean stop to the next start.
    #[must_use]
    pub fn session_file(&self) -> PathBuf {
        self.data().join("session.json")
    }

    /// Takes the folder for this process until the lock is dropped or the process ends.
    ///
    /// # Errors
    ///
    /// If another host has it: the error names its process.
    pub fn lock(&self) -> Result<RootLock, RootError> {
        let path = self.data().join("host.lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Windows lets nobody read a locked file: then the process stays unnamed.
                let _ = file.read_to_string(&mut text);
                let mut lines = text.lines();
                let pid = lines.next().and_then(|pid| pid.trim().parse().ok());
                // A process id says something only where it was given.
                let elsewhere = lines.next().filter(|machine| **machine != machine_name());
                return Err(RootError::Taken {
                    path,
                    pid,
                    elsewhere: elsewhere.map(str::to_owned),
                });
            }
            Err(TryLockError::Error(source)) => return Err(RootError::Io { path, source }),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}\n{}", std::process::id(), machine_name()))
            .map_err(at(&path))?;
        Ok(RootLock { _file: file })
    }
}

/// The folder is this process's as long as this lives.
#[derive(Debug)]
#[must_use = "the lock is gone when this is dropped"]
pub struct RootLock {
    _file: File,
}

/// What this machine, or the container, calls itself.
fn machine_name() -> String {
    // Without it, as on systems that keep it elsewhere, process ids are taken for this machine's.
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    // It stands on a line of the lock file, and in a text for people.
    name.chars().filter(|letter| !letter.is_control()).collect()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RootError {
    let path = path.to_owned();
    move |source| RootError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_host_is_refused_with_the_first_ones_process_id() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let lock = root.lock().unwrap();
        let refusal = root.lock().unwrap_err();
        assert!(matches!(refusal, RootError::Taken { pid: Some(pid), .. } if pid == std::process::id()));
        let text = refusal.to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        // The same text as a host in another container on the same folder leaves.
        fs::write(root.data().join("host.lock"), "7\nf00dcafe\n").unwrap();
        let text = root.lock().unwrap_err().to_string();
        assert!(
            text.contains("process 7 of the machine or container f00dcafe;"),
            "{text}"
        );
        drop(lock);
        drop(root.lock().unwrap());
    }

    #[test]
    fn a_folder_in_which_nothing_can_be_made_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("data"), "").unwrap();
        let text = Root::open(folder.path()).unwrap_err().to_string();
        assert!(
            text.contains("a file stands where a folder has to be: rename it"),
            "{text}"
        );
        let absent = folder.path().join("absent");
        let text = Root::look_at(&absent).unwrap_err().to_string();
        assert!(
            text.contains("absent: ") && text.contains("make the folder first"),
            "{text}"
        );
        assert!(!absent.exists());
    }

    #[test]
    fn a_root_is_a_folder_and_gets_its_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        assert!(root.data().is_dir());
        assert!(Root::open(folder.path().join("absent")).is_err());
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Root::open(&file).is_err());
    }
}
