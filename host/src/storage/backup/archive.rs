//! The archive: a manifest, then the files, as `tar` in `zstd`. Packed aside, verified by unpacking, then renamed.
//!
//! Whatever is read from one is compared with its hash before it is used, and no name in one leads out of its folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
    time::SystemTime,
};

use tempfile::TempDir;

use super::{
    BackupError, BackupId, Contents, Entry, Layout, Manifest, Why,
    entry::FORMAT,
    gather::{Gathered, OWN, Source, inside, is_foreign},
    restore::RESTORING,
    sync_folder,
};
use crate::storage::{STEPS, database};

/// The name of the manifest, which is the first file.
const MANIFEST: &str = "manifest.json";
/// The longest manifest that is read.
const MANIFEST_BYTES: u64 = 64 << 20;
/// How hard `zstd` tries: much smaller than the files, at some 100 MiB a second.
const LEVEL: i32 = 3;

/// Reads the state out, packs it and verifies the archive.
pub(super) fn pack(layout: &Layout, gathered: Gathered, why: Why) -> Result<Entry, BackupError> {
    let at = gathered.at;
    let (folder, contents) = read_out(gathered, why == Why::BeforeRestore)?;
    let id = new_id(&ids(layout)?, SystemTime::now());
    let manifest = Manifest {
        format: FORMAT,
        id,
        why,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        files: contents,
    };
    let backups = layout.backups();
    // Goes by itself if anything fails.
    let part = tempfile::Builder::new()
        .prefix(".part-")
        .tempfile_in(&backups)
        .map_err(BackupError::io(&backups))?;
    write(part.as_file(), folder.path(), &manifest).map_err(BackupError::io(part.path()))?;
    let aside = aside(&backups)?;
    let unpacked = unpack_into(part.path(), id, aside.path());
    let unpacked = unpacked.map_err(|error| match error {
        // It never was a backup: what was packed is not what was looked at before.
        BackupError::Damaged { what, .. } => BackupError::Unsteady { what },
        error => error,
    })?;
    if unpacked != manifest {
        let what = "what was read back is not what was written".to_owned();
        return Err(BackupError::Unsteady { what });
    }
    // By which it is known whether anything was written since.
    part.as_file().set_modified(at).map_err(BackupError::io(part.path()))?;
    let path = layout.archive(id);
    part.persist_noclobber(&path)
        .map_err(|error| BackupError::io(&path)(error.error))?;
    sync_folder(&backups).map_err(BackupError::io(&backups))?;
    entry(layout, id, Some(manifest))
}

/// A name that is later than all there are, newest first: the clock may have been set back.
fn new_id(there: &[BackupId], now: SystemTime) -> BackupId {
    let now = BackupId::at(now);
    let later = there.first().filter(|newest| **newest >= now);
    // Nobody's clock gets to the end of time; a name from there is passed by.
    let mut id = later.map_or(Some(now), |newest| newest.next()).unwrap_or(now);
    while there.contains(&id) {
        id = id.next().unwrap_or(now);
    }
    id
}

/// Copies the databases out of their snapshots, and says what there is.
fn read_out(gathered: Gathered, is_kept_unsound: bool) -> Result<(TempDir, Vec<Contents>), BackupError> {
    let Gathered {
        folder,
        databases,
        mut files,
        ..
    } = gathered;
    let mut contents = Vec::new();
    for (name, source) in databases {
        let path = folder.path().join(&name);
        let mut is_sound = false;
        if let Source::Sound(snapshot) = source {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(BackupError::io(parent))?;
            }
            snapshot.copy_to(&path)?;
            let problems = database::verify(&path)?.problems;
            is_sound = problems.is_empty();
            if !is_sound && !is_kept_unsound {
                return Err(BackupError::Unsound {
                    path: name,
                    what: problems.join("; "),
                });
            }
        }
        contents.push(describe(folder.path(), name, true, is_sound)?);
    }
    files.sort();
    for name in files {
        let path = folder.path().join(&name);
        // One that went in the moment it was to be linked.
        if path.exists() {
            if is_foreign(&name) {
                copy_of_its_own(&path).map_err(BackupError::io(&path))?;
            }
            contents.push(describe(folder.path(), name, false, true)?);
        }
    }
    Ok((folder, contents))
}

/// Exchanges a link for a copy: whoever else writes to the file may go on.
fn copy_of_its_own(path: &Path) -> io::Result<()> {
    let copy = database::beside(path, ".copy");
    fs::copy(path, &copy)?;
    fs::rename(&copy, path)
}

fn describe(folder: &Path, path: String, database: bool, sound: bool) -> Result<Contents, BackupError> {
    let file = folder.join(&path);
    let (bytes, hash) = hash(&file).map_err(BackupError::io(&file))?;
    Ok(Contents {
        path,
        database,
        sound,
        bytes,
        hash,
    })
}

fn hash(path: &Path) -> io::Result<(u64, String)> {
    let mut hasher = blake3::Hasher::new();
    let bytes = io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok((bytes, hasher.finalize().to_hex().to_string()))
}

fn write(file: &File, folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(BufWriter::new(file), LEVEL)?;
    encoder.include_checksum(true)?;
    let mut builder = tar::Builder::new(encoder);
    let text = serde_json::to_vec_pretty(manifest)?;
    append(&mut builder, MANIFEST, text.len() as u64, manifest.id, text.as_slice())?;
    for content in &manifest.files {
        let from = File::open(folder.join(&content.path))?;
        // One that grew meanwhile must not spoil those behind it.
        append(
            &mut builder,
            &content.path,
            content.bytes,
            manifest.id,
            from.take(content.bytes),
        )?;
    }
    builder.into_inner()?.finish()?.flush()?;
    file.sync_all()
}

fn append(
    builder: &mut tar::Builder<impl Write>,
    name: &str,
    bytes: u64,
    id: BackupId,
    from: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(id.seconds());
    builder.append_data(&mut header, name, from)
}

/// The names of all archives, newest first.
pub(super) fn ids(layout: &Layout) -> Result<Vec<BackupId>, BackupError> {
    let backups = layout.backups();
    let entries = match fs::read_dir(&backups) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BackupError::io(&backups)(error)),
    };
    let mut ids: Vec<BackupId> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".tar.zst")?.parse().ok())
        .collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    Ok(ids)
}

/// All archives, newest first, by their manifests alone.
pub(super) fn list(layout: &Layout) -> Result<Vec<Entry>, BackupError> {
    let ids = ids(layout)?;
    ids.into_iter()
        .map(|id| {
            let manifest = open(&layout.archive(id), id).and_then(|mut archive| manifest_of(&mut archive, id));
            entry(layout, id, manifest.ok())
        })
        .collect()
}

fn entry(layout: &Layout, id: BackupId, manifest: Option<Manifest>) -> Result<Entry, BackupError> {
    let path = layout.archive(id);
    let bytes = fs::metadata(&path).map_err(BackupError::io(&path))?.len();
    Ok(Entry { id, bytes, manifest })
}

/// Unpacks an archive aside and checks all of it.
pub(super) fn verify(layout: &Layout, id: BackupId) -> Result<Entry, BackupError> {
    let aside = aside(&layout.backups())?;
    let manifest = unpack_into(&existing(layout, id)?, id, aside.path())?;
    entry(layout, id, Some(manifest))
}

/// Unpacks an archive to be restored into a folder that goes by itself, and checks all of it. It lies directly below the
/// data folder: the archives may be on another disk, and what is restored is put in its place by renames.
pub(super) fn unpack(layout: &Layout, id: BackupId) -> Result<TempDir, BackupError> {
    let path = existing(layout, id)?;
    let aside = tempfile::Builder::new()
        .prefix(RESTORING)
        .tempdir_in(&layout.data)
        .map_err(BackupError::io(&layout.data))?;
    let manifest = unpack_into(&path, id, aside.path())?;
    let own = manifest.files.iter().find(|file| file.path == OWN);
    // One that was damaged when it was kept is restored as it was.
    if own.is_some_and(|own| own.sound) {
        database::migrations_due(&aside.path().join(OWN), &STEPS)
            .map_err(|source| BackupError::Unusable { id, source })?;
    }
    Ok(aside)
}

fn existing(layout: &Layout, id: BackupId) -> Result<std::path::PathBuf, BackupError> {
    let path = layout.archive(id);
    if path.exists() {
        Ok(path)
    } else {
        Err(BackupError::Absent(id))
    }
}

fn aside(backups: &Path) -> Result<TempDir, BackupError> {
    tempfile::Builder::new()
        .prefix(".unpacked-")
        .tempdir_in(backups)
        .map_err(BackupError::io(backups))
}

type Archive = tar::Archive<zstd::Decoder<'static, BufReader<File>>>;

fn open(path: &Path, id: BackupId) -> Result<Archive, BackupError> {
    let file = File::open(path).map_err(BackupError::io(path))?;
    let decoder = zstd::Decoder::new(file).map_err(|error| damaged(id, &error.to_string()))?;
    Ok(tar::Archive::new(decoder))
}

/// What every version of the form has.
#[derive(serde::Deserialize)]
struct Form {
    format: u32,
}

fn manifest_of(archive: &mut Archive, id: BackupId) -> Result<Manifest, BackupError> {
    let io = |error: io::Error| damaged(id, &error.to_string());
    let first = archive.entries().map_err(io)?.next();
    let first = first.ok_or_else(|| damaged(id, "it is empty"))?.map_err(io)?;
    if first.path_bytes() != MANIFEST.as_bytes() {
        return Err(damaged(id, "it does not begin with its manifest"));
    }
    let mut text = Vec::new();
    first.take(MANIFEST_BYTES).read_to_end(&mut text).map_err(io)?;
    let unreadable = |error: serde_json::Error| damaged(id, &format!("its manifest can't be read: {error}"));
    let form: Form = serde_json::from_slice(&text).map_err(unreadable)?;
    if form.format > FORMAT {
        return Err(BackupError::Newer(id));
    }
    serde_json::from_slice(&text).map_err(unreadable)
}

/// A new file that only the bot's user may read, whatever it was before: there are keys among them.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes what is in an archive into a folder, and compares all of it with the manifest.
fn unpack_into(path: &Path, id: BackupId, folder: &Path) -> Result<Manifest, BackupError> {
    let io = |error: io::Error| damaged(id, &error.to_string());
    let manifest = manifest_of(&mut open(path, id)?, id)?;
    let mut expected: BTreeMap<&str, &Contents> =
        manifest.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut archive = open(path, id)?;
    let mut folders = BTreeSet::from([folder.to_owned()]);
    for entry in archive.entries().map_err(io)?.skip(1) {
        let mut entry = entry.map_err(io)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let content = expected.remove(name.as_str());
        let (Some(content), Some(to)) = (content, inside(folder, &name)) else {
            return Err(damaged(id, &format!("`{name}` should not be in it")));
        };
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(BackupError::io(parent))?;
            let inside = parent.ancestors().take_while(|above| *above != folder);
            folders.extend(inside.map(Path::to_owned));
        }
        let mut file = create_private(&to).map_err(BackupError::io(&to))?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = entry.read(&mut buffer).map_err(io)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            file.write_all(&buffer[..read]).map_err(BackupError::io(&to))?;
        }
        file.sync_all().map_err(BackupError::io(&to))?;
        if hasher.finalize().to_hex().as_str() != content.hash {
            return Err(damaged(id, &format!("`{name}` has another content than it should")));
        }
    }
    // The checksum lies behind what is read of it.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(io)?;
    for folder in &folders {
        sync_folder(folder).map_err(BackupError::io(folder))?;
    }
    if let Some(missing) = expected.keys().next() {
        return Err(damaged(id, &format!("`{missing}` is missing")));
    }
    for content in manifest
        .files
        .iter()
        .filter(|content| content.database && content.sound)
    {
        let problems = database::verify(&folder.join(&content.path))?.problems;
        if !problems.is_empty() {
            let what = format!("`{}` is not sound: {}", content.path, problems.join("; "));
            return Err(damaged(id, &what));
        }
    }
    Ok(manifest)
}

fn damaged(id: BackupId, what: &str) -> BackupError {
    BackupError::Damaged {
        id,
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_is_later_than_all_there_are_whatever_the_clock_says() {
        let id = |text: &str| text.parse::<BackupId>().unwrap();
        let now = id("20261122-205017");
        let new = |there: &[BackupId]| new_id(there, now.made_at()).to_string();
        assert_eq!(new(&[]), "20261122-205017");
        assert_eq!(new(&[id("20261121-000000")]), "20261122-205017");
        assert_eq!(new(&[now]), "20261122-205018");
        assert_eq!(new(&[id("20270101-000000"), now]), "20270101-000001");
        assert_eq!(new(&[id("99991231-235959")]), "20261122-205017");
        assert_eq!(new(&[id("99991231-235959"), now]), "20261122-205018");
    }
}
