//! Which changes of files are saves of a plugin's source, and which are only cargo's and editors' own.
//!
//! Pure.

use std::ffi::OsStr;
use std::path::{Component, Path};

use notify::{Event, EventKind, event::ModifyKind};

/// Whether an event below the crate's folder wants a build.
pub(super) fn is_a_save(folder: &Path, event: &Event) -> bool {
    let is_change = match event.kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        // Times and permissions are no source.
        EventKind::Modify(ModifyKind::Metadata(_)) | EventKind::Access(_) => false,
        _ => true,
    };
    is_change && event.paths.iter().any(|path| is_source(folder, path))
}

/// Whether a file is source: what the crate consists of, and what its code may include.
fn is_source(folder: &Path, path: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(folder) else {
        return false;
    };
    let mut parts = inside.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let Some(first) = parts.next() else {
        return false;
    };
    // Cargo's results, version control, and what editors keep beside files.
    if first == "target" || inside.components().any(|part| is_hidden(part.as_os_str())) {
        return false;
    }
    let name = inside.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let is_swap = inside
        .extension()
        .is_some_and(|extension| extension == "swp" || extension == "tmp");
    let is_aside = is_swap || name.ends_with('~') || name == "4913";
    !is_aside && name != "Cargo.lock"
}

fn is_hidden(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use notify::event::{AccessKind, DataChange, MetadataKind, ModifyKind, RenameMode};
    use notify::{Event, EventKind};

    use super::is_a_save;

    #[test]
    fn saves_are_told_from_what_cargo_and_editors_do() {
        let folder = Path::new("/w/plugins/levels");
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Content));
        for (kind, path, is_save) in [
            (data, "src/lib.rs", true),
            (data, "Cargo.toml", true),
            (data, "migrations/1.sql", true),
            (EventKind::Modify(ModifyKind::Name(RenameMode::To)), "src/lib.rs", true),
            (
                EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
                "src/lib.rs",
                false,
            ),
            (EventKind::Access(AccessKind::Any), "src/lib.rs", false),
            (data, "target/debug/liblevels.so", false),
            (data, ".git/index", false),
            (data, "src/.lib.rs.swp", false),
            (data, "src/lib.rs~", false),
            (data, "Cargo.lock", false),
            (data, "../other/src/lib.rs", false),
        ] {
            let mut full = PathBuf::from(folder);
            if let Some(other) = path.strip_prefix("../") {
                full = Path::new("/w/plugins").join(other);
            } else {
                full.push(path);
            }
            let event = Event::new(kind).add_path(full);
            assert_eq!(is_a_save(folder, &event), is_save, "{kind:?} {path}");
        }
    }
}
