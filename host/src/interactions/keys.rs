//! What custom ids of controls are signed with: one key of the host's, and one for each plugin, made of it.
//!
//! The host's lies in a file that only the bot may read, is made once, and is part of backups: controls go on working
//! after a restore. A plugin is handed its own, so that it writes its ids itself and can't write another's. Blocks.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use plugin_protocol::{PluginName, custom_id::ControlKey};

use crate::storage::write_atomically;

/// The file's name below `data/`.
pub const FILE: &str = "controls.key";

const LENGTH: usize = 32;
/// What the keys are for: another use of the same key would have other ones.
const CONTEXT: &str = "bothost 2026 custom ids of a plugin's controls";

/// The keys. Clones are the same.
#[derive(Clone)]
pub struct ControlKeys {
    path: PathBuf,
    own: Arc<ArcSwap<[u8; LENGTH]>>,
}

impl ControlKeys {
    /// Reads the key in this folder, or makes it.
    ///
    /// # Errors
    ///
    /// The file can't be read or written. One that is no key is replaced, which ends all controls that were shown before.
    pub fn open(data: &Path) -> io::Result<Self> {
        let path = data.join(FILE);
        let own = match read(&path)? {
            Some(own) => own,
            None => {
                let mut own = [0; LENGTH];
                getrandom::fill(&mut own).map_err(io::Error::other)?;
                write(&path, &own)?;
                own
            }
        };
        Ok(Self {
            path,
            own: Arc::new(ArcSwap::from_pointee(own)),
        })
    }

    /// Reads the key again after a restore. A backup that has none leaves the present one.
    pub fn reload(&self) {
        let read = read(&self.path).and_then(|own| match own {
            Some(own) => {
                self.own.store(Arc::new(own));
                Ok(())
            }
            None => write(&self.path, &self.own.load()),
        });
        if let Err(error) = read {
            tracing::error!(%error, "the key of controls can't be restored: those that are shown now may stop working with the next restart");
        }
    }

    /// A plugin's own key.
    #[must_use]
    pub fn of(&self, plugin: &PluginName) -> ControlKey {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&**self.own.load());
        hasher.update(plugin.as_str().as_bytes());
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        ControlKey::new(key)
    }
}

impl std::fmt::Debug for ControlKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlKeys").finish_non_exhaustive()
    }
}

/// The key; `None` if there is none, or none that could be one.
fn read(path: &Path) -> io::Result<Option<[u8; LENGTH]>> {
    match fs::read(path) {
        Ok(bytes) => {
            let key = bytes.try_into().ok();
            if key.is_none() {
                tracing::warn!(path = %path.display(), "the key of controls is damaged: a new one is made, and controls that were shown before ask people to use their command again");
            }
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Temporary files are made for the owner only, and renamed: at no time may others read it.
fn write(path: &Path, key: &[u8; LENGTH]) -> io::Result<()> {
    write_atomically(path, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_each_plugin_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let keys = ControlKeys::open(folder.path()).unwrap();
        let (one, other) = ("one".parse().unwrap(), "other".parse().unwrap());
        assert_ne!(keys.of(&one), keys.of(&other));
        let again = ControlKeys::open(folder.path()).unwrap();
        assert_eq!(keys.of(&one), again.of(&one));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let about = fs::metadata(folder.path().join(FILE)).unwrap();
            assert_eq!(about.permissions().mode() & 0o777, 0o600);
        }
        assert!(!format!("{keys:?}").contains('['));

        let elsewhere = tempfile::tempdir().unwrap();
        let restored = ControlKeys::open(elsewhere.path()).unwrap();
        assert_ne!(restored.of(&one), keys.of(&one));
        fs::copy(folder.path().join(FILE), elsewhere.path().join(FILE)).unwrap();
        restored.reload();
        assert_eq!(restored.of(&one), keys.of(&one));
        fs::remove_file(elsewhere.path().join(FILE)).unwrap();
        restored.reload();
        assert_eq!(
            fs::read(elsewhere.path().join(FILE)).unwrap(),
            fs::read(folder.path().join(FILE)).unwrap()
        );
    }

    #[test]
    fn what_is_no_key_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "short").unwrap();
        ControlKeys::open(folder.path()).unwrap();
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap().len(), LENGTH);
    }
}
