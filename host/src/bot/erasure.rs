//! Which plugins keep things of people that only they can erase, and have not said how: told to the owner.
//!
//! Values of a user or a server in a plugin's stores are erased by the host, which knows whose they are. What is in a
//! database or in files only the plugin knows: one that has either, by its description or on the disk, needs an `#[erase]`.

use std::{collections::HashSet, path::Path};

use plugin_protocol::{Description, inspection::EraseStanding};
use tokio::task::spawn_blocking;

use crate::plugins::Plugins;

/// Whether a plugin has tables or files of its own in this folder.
pub fn keeps_by_itself(folder: &Path) -> bool {
    let has_files = |folder: &Path| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    folder.join("plugin.db").is_file() || has_files(&folder.join("files"))
}

/// Whether a plugin can erase what it keeps in this folder.
pub fn standing(described: &Description, folder: &Path) -> EraseStanding {
    if described.erase {
        EraseStanding::Can
    } else if !described.migrations.is_empty() || keeps_by_itself(folder) {
        EraseStanding::Missing
    } else {
        EraseStanding::NotNeeded
    }
}

/// Says in the log, once a version, which plugins that serve keep things that nobody can erase; for ever.
pub async fn keep(plugins: Plugins, folder: std::path::PathBuf) {
    let mut views = plugins.views();
    let mut told = HashSet::new();
    loop {
        let offers: Vec<_> = {
            let table = plugins.routing().read();
            let offers = table.offers();
            offers
                .map(|(name, described)| (name.clone(), described.clone()))
                .collect()
        };
        let folder = folder.clone();
        let missing = spawn_blocking(move || {
            let is_missing =
                |described: &Description, name: &str| standing(described, &folder.join(name)) == EraseStanding::Missing;
            let missing = offers
                .into_iter()
                .filter(|(name, described)| is_missing(described, name.as_str()));
            missing
                .map(|(name, described)| (name, described.version))
                .collect::<Vec<_>>()
        });
        for (plugin, version) in missing.await.unwrap_or_default() {
            if told.insert((plugin.clone(), version)) {
                tracing::warn!(
                    %plugin,
                    "keeps a database or files and has no #[erase]: what it keeps of somebody stays when the owner erases them. \
                     Its author should write one"
                );
            }
        }
        if views.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use plugin_protocol::Migration;

    use super::*;

    #[test]
    fn who_keeps_tables_or_files_needs_a_way_to_erase() {
        let folder = tempfile::tempdir().unwrap();
        let bare = Description::default();
        let mut with_tables = Description::default();
        with_tables.migrations.push(Migration::default());
        assert_eq!(standing(&bare, folder.path()), EraseStanding::NotNeeded);
        assert_eq!(standing(&with_tables, folder.path()), EraseStanding::Missing);
        // Values are the host's to erase.
        std::fs::write(folder.path().join("keys.db"), "").unwrap();
        assert_eq!(standing(&bare, folder.path()), EraseStanding::NotNeeded);
        std::fs::create_dir(folder.path().join("files")).unwrap();
        assert_eq!(standing(&bare, folder.path()), EraseStanding::NotNeeded);
        std::fs::write(folder.path().join("files/list.json"), "[]").unwrap();
        assert_eq!(standing(&bare, folder.path()), EraseStanding::Missing);
        with_tables.erase = true;
        assert_eq!(standing(&with_tables, folder.path()), EraseStanding::Can);
    }
}
