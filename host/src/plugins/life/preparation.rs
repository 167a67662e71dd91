//! What happens to a content before anything of it runs in the bot: its private copy, the probe, its settings, its database's
//! steps. Nothing that runs is touched by it, so that a plan can be shown by it, too.

use std::sync::Arc;

use futures_util::future::join_all;
use plugin_protocol::Description;
use tokio::sync::Semaphore;

use super::{Life, handle::Outlook, plan::Choice};
use crate::plugins::{
    drop_folder::DropFolder,
    generation::StartFailure,
    persisted::Harm,
    probe::{Probe, ProbeFailure, agrees},
    shadow::{Shadow, ShadowError, ShadowFolder},
    shelf::Shelf,
};

/// How many probes run at once: each is a process.
const PROBES: usize = 4;
/// Signals that come from outside: SIGKILL, SIGTERM, SIGXCPU.
const KILLED: [i32; 3] = [9, 15, 24];

/// A copy that has passed the probe.
pub(super) struct Prepared {
    pub(super) shadow: Shadow,
    pub(super) description: Description,
    /// Whether steps of its database are to be made before it starts.
    pub(super) migrations_due: bool,
}

/// Why there is nothing to start.
#[derive(Clone, Debug)]
pub(super) struct Unprepared {
    pub(super) why: String,
    /// Whether it is for want of room on the disk, which has nothing to do with the file.
    pub(super) wants_room: bool,
    /// Whether another try may well succeed with the same file: it was being written, or the system had no process left.
    pub(super) passes: bool,
    /// What it did to the probe.
    pub(super) harm: Option<Harm>,
}

impl Unprepared {
    /// It may well succeed with the same file a moment later.
    pub(super) fn for_now(why: String) -> Self {
        Self {
            passes: true,
            ..why.into()
        }
    }
}

impl From<String> for Unprepared {
    fn from(why: String) -> Self {
        Self {
            why,
            wants_room: false,
            passes: false,
            harm: None,
        }
    }
}

impl From<ShadowError> for Unprepared {
    fn from(error: ShadowError) -> Self {
        Self {
            why: error.to_string(),
            wants_room: error.is_want_of_room(),
            passes: matches!(error, ShadowError::Changing | ShadowError::Gone),
            harm: None,
        }
    }
}

impl Life {
    /// Probes all of them side by side, and keeps their order.
    pub(super) async fn prepare(&mut self, due: Vec<Choice>) -> Vec<(Choice, Result<Prepared, Unprepared>)> {
        let copies = self.copies(&due).await;
        let (probe, outlook, turns) = (&self.probe, &*self.outlook, &Semaphore::new(PROBES));
        let probing = due
            .iter()
            .zip(copies)
            .map(|(choice, copy)| examine(probe, outlook, turns, choice, copy));
        let probed = join_all(probing).await;
        due.into_iter().zip(probed).collect()
    }

    /// A copy of each, made away from the runtime's threads.
    async fn copies(&mut self, due: &[Choice]) -> Vec<Result<Shadow, Unprepared>> {
        let refuse_all = |why: String| due.iter().map(|_| Err(why.clone().into())).collect();
        if self.stuck {
            return refuse_all(StartFailure::Stuck.to_string());
        }
        let Some(mut folder) = self.folder.take() else {
            return refuse_all(ShadowError::Gone.to_string());
        };
        let shadows = Arc::clone(&self.shadows);
        let path = folder.path().to_owned();
        let shelf = self.shelf.clone();
        let choices = due.to_vec();
        let copying = tokio::task::spawn_blocking(move || {
            let copy = |choice: &Choice| {
                let copy = if choice.is_kept {
                    take_kept(&shadows, &shelf, choice)
                } else {
                    folder.take_shadow(&choice.path, &shadows)
                };
                copy.map_err(Unprepared::from)
            };
            let copies = choices.iter().map(copy).collect();
            (folder, copies)
        });
        let Ok((folder, copies)) = copying.await else {
            self.folder = Some(DropFolder::new(path));
            return refuse_all("copying it panicked".to_owned());
        };
        self.folder = Some(folder);
        copies
    }
}

/// A private copy of a content that was kept.
fn take_kept(shadows: &ShadowFolder, shelf: &Shelf, choice: &Choice) -> Result<Shadow, ShadowError> {
    let copy = shadows.copy(&shelf.path(choice.hash))?;
    if copy.hash == choice.hash {
        return Ok(copy);
    }
    // Damaged on the disk.
    copy.discard();
    Err(ShadowError::Gone)
}

async fn examine(
    probe: &Probe,
    outlook: &dyn Outlook,
    turns: &Semaphore,
    choice: &Choice,
    copy: Result<Shadow, Unprepared>,
) -> Result<Prepared, Unprepared> {
    let shadow = copy?;
    let described = {
        let _turn = turns.acquire().await;
        describe(probe, choice, &shadow).await
    };
    let description = match described {
        Ok(description) => description,
        Err(unprepared) => {
            shadow.discard();
            return Err(unprepared);
        }
    };
    // Before anything that runs has to end for it.
    if let Err(why) = outlook.settings(&choice.manifest.name) {
        shadow.discard();
        return Err(why.into());
    }
    match outlook
        .migrations_due(&choice.manifest.name, &description.migrations)
        .await
    {
        Ok(migrations_due) => Ok(Prepared {
            shadow,
            description,
            migrations_due,
        }),
        Err(why) => {
            shadow.discard();
            Err(why.into())
        }
    }
}

async fn describe(probe: &Probe, choice: &Choice, shadow: &Shadow) -> Result<Description, Unprepared> {
    let described = probe.describe(&shadow.path, shadow.hash).await;
    let description = described.map_err(|failure| Unprepared {
        passes: matches!(failure, ProbeFailure::NotRun(_)),
        harm: match failure {
            // A busy machine, or somebody who makes room on it, does that to sound contents, too.
            ProbeFailure::Hung { .. } => Some(Harm::NotStarted),
            ProbeFailure::Crashed { signal, .. } if KILLED.contains(&signal) => Some(Harm::NotStarted),
            ProbeFailure::Crashed { .. } | ProbeFailure::Exited { .. } => Some(Harm::Grave),
            _ => None,
        },
        ..failure.to_string().into()
    })?;
    agrees(&choice.manifest, &description)?;
    Ok(description)
}
