//! What runs after a restore is what the restored decisions say: pins and rollbacks with the contents that a backup has of
//! them, and what nobody decided goes on.
//!
//! A backup is what `storage/backup` keeps of the life of plugins: the file of decisions, and `pinned/`.

use std::{fs, path::Path};

use plugin_protocol::{PluginName, Swap};

use super::{PluginState, model::real::Real};
use crate::plugins::fake::Manner;

const DECISIONS: &str = "plugin_decisions.json";

fn bank() -> PluginName {
    "bank".parse().unwrap()
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to.join("pinned"));
    fs::create_dir_all(to.join("pinned")).unwrap();
    fs::copy(from.join(DECISIONS), to.join(DECISIONS)).unwrap();
    for file in fs::read_dir(from.join("pinned")).into_iter().flatten() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join("pinned").join(file.file_name())).unwrap();
    }
}

impl Real {
    /// The version that serves.
    pub(super) fn version(&self, plugin: &str) -> Option<String> {
        let table = self.plugins.routing().read();
        let generation = table.generation(&plugin.parse().unwrap())?;
        Some(generation.manifest.version.clone())
    }

    async fn drops(&self, manner: Manner, version: u32) {
        self.drop_text("bank", manner, Swap::default(), version);
        self.plugins.look().await;
        self.plugins.rest().await;
    }

    async fn back_up(&self) -> tempfile::TempDir {
        self.plugins.rest().await;
        let backup = tempfile::tempdir().unwrap();
        copy(self.folder.path(), backup.path());
        backup
    }

    /// On a disk that has nothing but the backup.
    async fn restore(&self, backup: &tempfile::TempDir) {
        let paused = self.plugins.pause().await.unwrap();
        let _ = fs::remove_dir_all(self.folder.path().join("kept"));
        copy(backup.path(), self.folder.path());
        drop(paused);
        self.plugins.rest().await;
    }

    fn told(&self) -> String {
        self.outlook.told.lock().unwrap().join("\n")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_comes_back_with_its_version() {
    let real = Real::start("r", false).await;
    real.drops(Manner::Plain, 1).await;
    real.plugins.pin(bank()).await.unwrap();
    let backup = real.back_up().await;
    real.plugins.unpin(bank()).await.unwrap();
    real.drops(Manner::Plain, 2).await;
    assert_eq!(real.version("bank").as_deref(), Some("1.0.2"));
    real.restore(&backup).await;
    assert_eq!(real.version("bank").as_deref(), Some("1.0.1"));
    assert!(real.plugins.views().borrow()[0].pinned);
    real.plugins.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_without_its_version_lets_the_file_run_and_tells_the_owner() {
    let real = Real::start("r", false).await;
    real.drops(Manner::Plain, 1).await;
    real.plugins.pin(bank()).await.unwrap();
    let backup = real.back_up().await;
    fs::remove_dir_all(backup.path().join("pinned")).unwrap();
    real.plugins.unpin(bank()).await.unwrap();
    real.drops(Manner::Plain, 2).await;
    real.restore(&backup).await;
    assert_eq!(real.version("bank").as_deref(), Some("1.0.2"));
    let told = real.told();
    assert!(
        told.contains("What was kept of the plugin `bank`, version 1.0.1, is gone") && told.contains("`unpin bank`"),
        "{told}"
    );
    real.plugins.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_comes_back_as_long_as_the_file_is_that_of_its_time() {
    let real = Real::start("r", false).await;
    real.drops(Manner::Plain, 1).await;
    real.drops(Manner::Plain, 2).await;
    real.plugins.rollback(bank()).await.unwrap();
    let backup = real.back_up().await;
    real.plugins.rollback(bank()).await.unwrap();
    assert_eq!(real.version("bank").as_deref(), Some("1.0.2"));
    real.restore(&backup).await;
    assert_eq!(real.version("bank").as_deref(), Some("1.0.1"));
    real.drops(Manner::Plain, 3).await;
    real.restore(&backup).await;
    assert_eq!(real.version("bank").as_deref(), Some("1.0.3"));
    real.plugins.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_goes_on_whatever_it_did_in_the_time_of_the_backup() {
    let real = Real::start("r", false).await;
    real.drops(Manner::HangsAtStop, 1).await;
    // It hangs, and is in quarantine; then its owner wants it all the same.
    real.plugins.unload(vec![bank()], false).await.unwrap();
    real.plugins.rest().await;
    let locked = real.back_up().await;
    real.plugins.load(vec![bank()]).await.unwrap();
    let loaded = real.back_up().await;
    real.restore(&loaded).await;
    assert_eq!(real.version("bank").as_deref(), Some("1.0.1"));
    // Where it was unloaded, it stays so, and in quarantine.
    real.restore(&locked).await;
    assert_eq!(real.version("bank"), None);
    assert_eq!(real.plugins.views().borrow()[0].state, PluginState::Unloaded);
    real.plugins.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_blacklist_by_now_stays_away() {
    let real = Real::start("r", false).await;
    real.drops(Manner::Counts, 1).await;
    let backup = real.back_up().await;
    real.outlook.blacklist.lock().unwrap().insert("bank".to_owned());
    real.restore(&backup).await;
    assert_eq!(real.version("bank"), None);
    let state = real.plugins.views().borrow()[0].state.clone();
    assert!(matches!(state, PluginState::Refused(why) if why.contains("extensions.blacklist")));
    real.plugins.stop().await;
}
