//! Plugins for tests of the life-cycle that are real but for their file: a text says what one is and does, and its code is
//! linked into the test's program.
//!
//! Such a text goes the way of every file: found, copied, hashed, read, probed, opened on its own thread and run. Only what
//! reads, probes and opens asks here first, in tests only.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use plugin_abi::PluginModuleRef;
use plugin_protocol::{Command, Description, Doors, Manifest};
use serde::{Deserialize, Serialize};

use super::probe::ProbeFailure;

/// What such a file begins with.
const MARK: &str = "a plugin for tests: ";

/// How a plugin behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// It starts and holds nothing.
    Plain,
    /// It hands on how many generations it has had.
    Counts,
    /// It takes the probe down.
    CrashesProbe,
    /// Its start function fails.
    FailsToStart,
    /// The same, but only if an older one hands something over.
    FailsToImport,
    /// Its probe does not end.
    HangsInProbe,
    /// Its start function does not end.
    HangsAtStart,
    /// Its stop function blocks its thread for ever.
    HangsAtStop,
}

/// What is in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Text {
    pub manifest: Manifest,
    pub manner: Manner,
}

impl Text {
    /// The file's content.
    pub fn bytes(&self) -> Vec<u8> {
        format!("{MARK}{}", serde_json::to_string(self).unwrap()).into_bytes()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes.strip_prefix(MARK.as_bytes())?).ok()
    }

    fn of(copy: &Path) -> Option<Self> {
        Self::read(&std::fs::read(copy).ok()?)
    }
}

/// What a file says of itself.
pub fn manifest(bytes: &[u8]) -> Option<Manifest> {
    Text::read(bytes).map(|text| text.manifest)
}

/// What the probe says of a copy.
pub fn probed(copy: &Path) -> Option<Result<Description, ProbeFailure>> {
    let Text { manifest, manner } = Text::of(copy)?;
    let printed = String::new();
    match manner {
        Manner::CrashesProbe => return Some(Err(ProbeFailure::Crashed { signal: 11, printed })),
        Manner::HangsInProbe => return Some(Err(ProbeFailure::Hung { printed })),
        _ => {}
    }
    let command = Command {
        name: manifest.name.to_string(),
        description: "A command".to_owned(),
        doors: Doors {
            prefix: true,
            slash: true,
        },
        ..Command::default()
    };
    let hands_over = matches!(manner, Manner::Counts | Manner::FailsToImport);
    Some(Ok(Description {
        name: manifest.name.to_string(),
        version: manifest.version,
        commands: vec![command],
        state_version: hands_over.then_some(1),
        ..Description::default()
    }))
}

/// The code of a copy.
pub fn module(copy: &Path) -> Option<PluginModuleRef> {
    let linked = match Text::of(copy)?.manner {
        Manner::Plain | Manner::CrashesProbe | Manner::HangsInProbe => plain::linked_plugin(),
        Manner::Counts => counts::linked_plugin(),
        Manner::FailsToStart => fails_to_start::linked_plugin(),
        Manner::FailsToImport => fails_to_import::linked_plugin(),
        Manner::HangsAtStart => hangs_at_start::linked_plugin(),
        Manner::HangsAtStop => hangs_at_stop::linked_plugin(),
    };
    Some(linked.module())
}

/// How long the start function of a copy is waited for: not at all, if it never ends.
pub fn start_limit(copy: Option<&Path>, usual: Duration) -> Duration {
    limit(copy, Manner::HangsAtStart, usual)
}

/// How long its end is waited for.
pub fn stop_limit(copy: Option<&Path>, usual: Duration) -> Duration {
    limit(copy, Manner::HangsAtStop, usual)
}

fn limit(copy: Option<&Path>, hangs: Manner, usual: Duration) -> Duration {
    match copy.and_then(Text::of) {
        Some(text) if text.manner == hangs => Duration::ZERO,
        _ => usual,
    }
}

/// How many generations each plugin that counts has had, as the last one knows.
static COUNTS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// What the last generation that counts knows.
pub fn count(plugin: &str) -> Option<u64> {
    COUNTS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(plugin)
        .copied()
}

mod plain {
    plugin_api::plugin! { linked; }
}

mod counts {
    use plugin_api::prelude::*;

    use super::{COUNTS, PoisonError};

    pub(super) struct Count(u64);

    #[start]
    async fn start(ctx: StartCtx) -> Result<Count> {
        let number = ctx.saved()?.unwrap_or(0) + 1;
        COUNTS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(ctx.plugin().to_owned(), number);
        Ok(Count(number))
    }

    #[stop]
    async fn stop(_ctx: StopCtx, state: Count) -> Result<Saved> {
        Saved::json(&state.0)
    }

    plugin_api::plugin! { linked; state: Count, state_version: 1, start: start, stop: stop }
}

mod fails_to_start {
    use plugin_api::prelude::*;

    #[start]
    async fn start(_ctx: StartCtx) -> Result<()> {
        refuse("asked to fail")
    }

    plugin_api::plugin! { linked; state: (), start: start }
}

mod fails_to_import {
    use plugin_api::prelude::*;

    pub(super) struct Nothing;

    #[start]
    async fn start(ctx: StartCtx) -> Result<Nothing> {
        match ctx.saved::<u64>()? {
            Some(_) => refuse("asked to fail with what was handed over"),
            None => Ok(Nothing),
        }
    }

    #[stop]
    async fn stop(_ctx: StopCtx, _state: Nothing) -> Result<Saved> {
        Ok(Saved::default())
    }

    plugin_api::plugin! { linked; state: Nothing, state_version: 1, start: start, stop: stop }
}

mod hangs_at_start {
    use plugin_api::prelude::*;

    #[start]
    async fn start(_ctx: StartCtx) -> Result<()> {
        std::future::pending().await
    }

    plugin_api::plugin! { linked; state: (), start: start }
}

mod hangs_at_stop {
    use plugin_api::prelude::*;

    #[stop]
    async fn stop(_ctx: StopCtx, _state: ()) -> Result {
        loop {
            std::thread::park();
        }
    }

    plugin_api::plugin! { linked; stop: stop }
}
