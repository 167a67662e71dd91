//! A folder that is held open, and what is done by name in it, without ever following a link.
//!
//! On Unix it is a descriptor: whoever exchanges a folder for a link meanwhile gains nothing. Elsewhere it is a path, and
//! each name is looked at before it is used.

use std::{fs::File, io, path::Path};

#[cfg(not(unix))]
pub(super) use checked::Directory;
#[cfg(unix)]
pub(super) use descriptor::Directory;

/// What a folder does for its user; both forms of it are tested alike.
pub(super) trait Names: Sized {
    /// Opens a folder, links on the way to it included: where the bot's data lie is the owner's choice.
    fn open(path: &Path) -> io::Result<Self>;
    /// Opens a folder in it; makes it if it is missing and `make` says so.
    fn enter(&self, name: &str, make: bool) -> io::Result<Self>;
    /// Opens a file for reading. A pipe is opened, too, without waiting for a writer.
    fn file(&self, name: &str) -> io::Result<File>;
    /// Makes a file that must be new.
    fn create(&self, name: &str) -> io::Result<File>;
    /// Renames a file of it to a name in another folder, replacing what is there.
    fn rename(&self, name: &str, to: &Self, new: &str) -> io::Result<()>;
    /// Removes a file, or a link itself.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Brings the folder's names to the disk.
    fn sync(&self) -> io::Result<()>;
}

#[cfg(unix)]
mod descriptor {
    //! Descriptors, and the system's calls that go by them.

    use std::{fs::File, io, path::Path};

    use rustix::{
        fd::OwnedFd,
        fs::{AtFlags, Mode, OFlags, fsync, mkdirat, open, openat, renameat, unlinkat},
        io::Errno,
    };

    /// A folder's descriptor.
    pub struct Directory(OwnedFd);

    const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    impl super::Names for Directory {
        fn open(path: &Path) -> io::Result<Self> {
            Ok(Self(open(path, FOLDER, Mode::empty())?))
        }

        fn enter(&self, name: &str, make: bool) -> io::Result<Self> {
            let enter = || openat(&self.0, name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
            match enter() {
                Err(Errno::NOENT) if make => {
                    match mkdirat(&self.0, name, Mode::from_raw_mode(0o777)) {
                        Ok(()) => self.sync()?,
                        // Somebody else was faster.
                        Err(Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    Ok(Self(enter()?))
                }
                entered => Ok(Self(entered?)),
            }
        }

        fn file(&self, name: &str) -> io::Result<File> {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            Ok(openat(&self.0, name, flags, Mode::empty())?.into())
        }

        fn create(&self, name: &str) -> io::Result<File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?.into())
        }

        fn rename(&self, name: &str, to: &Self, new: &str) -> io::Result<()> {
            Ok(renameat(&self.0, name, &to.0, new)?)
        }

        fn remove(&self, name: &str) -> io::Result<()> {
            Ok(unlinkat(&self.0, name, AtFlags::empty())?)
        }

        fn sync(&self) -> io::Result<()> {
            Ok(fsync(&self.0)?)
        }
    }
}

#[cfg(any(not(unix), test))]
mod checked {
    //! Paths, each of whose names is looked at before it is used.

    use std::{
        fs::{self, File, OpenOptions},
        io,
        path::{Path, PathBuf},
    };

    /// A folder's path.
    pub struct Directory(PathBuf);

    impl Directory {
        /// The path of a name in it that is no link.
        fn unlinked(&self, name: &str) -> io::Result<PathBuf> {
            let path = self.0.join(name);
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => Err(io::Error::other("a link")),
                _ => Ok(path),
            }
        }
    }

    impl super::Names for Directory {
        fn open(path: &Path) -> io::Result<Self> {
            let is_folder = fs::metadata(path)?.is_dir();
            is_folder.then(|| Self(path.to_owned())).ok_or_else(not_a_folder)
        }

        fn enter(&self, name: &str, make: bool) -> io::Result<Self> {
            let path = self.unlinked(name)?;
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => Ok(Self(path)),
                Ok(_) => Err(not_a_folder()),
                Err(error) if make && error.kind() == io::ErrorKind::NotFound => match fs::create_dir(&path) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                    _ => Ok(Self(path)),
                },
                Err(error) => Err(error),
            }
        }

        fn file(&self, name: &str) -> io::Result<File> {
            let path = self.unlinked(name)?;
            // What is none can't always be opened.
            let is_file = fs::metadata(&path)?.is_file();
            let is_no_file = || io::Error::from(io::ErrorKind::IsADirectory);
            if is_file { File::open(path) } else { Err(is_no_file()) }
        }

        fn create(&self, name: &str) -> io::Result<File> {
            OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
        }

        fn rename(&self, name: &str, to: &Self, new: &str) -> io::Result<()> {
            fs::rename(self.0.join(name), to.0.join(new))
        }

        fn remove(&self, name: &str) -> io::Result<()> {
            fs::remove_file(self.0.join(name))
        }

        fn sync(&self) -> io::Result<()> {
            // Windows has no such thing.
            #[cfg(unix)]
            File::open(&self.0)?.sync_all()?;
            Ok(())
        }
    }

    fn not_a_folder() -> io::Error {
        io::ErrorKind::NotADirectory.into()
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::{
        fs,
        io::{Read, Write},
        os::unix::fs::symlink,
    };

    use super::*;

    fn behaves<D: Names>() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = D::open(folder.path()).unwrap();

        assert_eq!(root.enter("a", false).err().unwrap().kind(), io::ErrorKind::NotFound);
        let a = root.enter("a", true).unwrap();
        a.create("one").unwrap().write_all(b"1").unwrap();
        assert_eq!(a.create("one").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        a.rename("one", &root, "two").unwrap();
        root.sync().unwrap();
        let mut text = String::new();
        root.file("two").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "1");
        assert_eq!(a.file("one").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(root.enter("two", true).is_err(), "a file is no folder");

        symlink(outside.path(), folder.path().join("away")).unwrap();
        symlink(outside.path().join("secret"), folder.path().join("linked")).unwrap();
        symlink(folder.path().join("two"), folder.path().join("inner")).unwrap();
        for make in [false, true] {
            assert!(root.enter("away", make).is_err());
        }
        assert!(root.file("linked").is_err() && root.file("inner").is_err());
        assert!(root.create("linked").is_err());
        root.remove("linked").unwrap();
        assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
        a.create("three").unwrap();
        a.rename("three", &root, "inner").unwrap();
        assert_eq!(
            fs::read_to_string(folder.path().join("two")).unwrap(),
            "1",
            "the link was replaced, not what it leads to"
        );
    }

    #[test]
    fn a_folder_follows_no_link() {
        behaves::<descriptor::Directory>();
        behaves::<checked::Directory>();
    }
}
