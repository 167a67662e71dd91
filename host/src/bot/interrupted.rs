//! Answers that were promised when the host ended: after its restart, who waits is told that nothing will come.
//!
//! Once a second it is looked whose answer is promised, which is only so for what takes longer than two seconds, and the
//! file is written when that has changed. It holds tokens of interactions, for 15 minutes at most: only the bot may read
//! it, it is in no backup, and what is in it is never logged.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::ApplicationId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{task::spawn_blocking, time::Instant};

use crate::{
    interactions::{Invocations, texts},
    rest::{self, Method, Rest},
    storage::write_atomically,
};

/// The file's name below `data/`.
pub const FILE: &str = "promised_answers.json";

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(1);
/// The flag of a message that is still to come: "the bot is thinking"
/// (<https://discord.com/developers/docs/resources/message#message-object-message-flags>).
const LOADING: u64 = 1 << 7;
/// How long an interaction can be answered.
const ANSWERABLE: Duration = Duration::from_secs(15 * 60);

/// An answer that was promised. Without `Debug`: it holds a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Promised {
    application_id: ApplicationId,
    token: String,
    /// In seconds since 1970.
    until: u64,
}

/// Keeps the file as it should be, for ever.
pub async fn keep(invocations: Invocations, data: PathBuf) {
    let mut written: Vec<String> = Vec::new();
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let promised = promised(&invocations);
        let tokens: Vec<_> = promised.iter().map(|one| one.token.clone()).collect();
        if tokens != written && write(&data, promised).await {
            written = tokens;
        }
    }
}

/// Writes down what is left at the end.
pub async fn note_last(invocations: &Invocations, data: PathBuf) {
    write(&data, promised(invocations)).await;
}

fn promised(invocations: &Invocations) -> Vec<Promised> {
    let now = seconds_since_1970();
    let mut all: Vec<_> = invocations
        .promised()
        .into_iter()
        .map(|(interaction, opened)| Promised {
            application_id: interaction.application_id,
            token: interaction.token.as_str().to_owned(),
            until: now + ANSWERABLE.saturating_sub(Instant::now() - opened).as_secs(),
        })
        .collect();
    all.sort_by(|one, other| one.token.cmp(&other.token));
    all
}

/// Whether that worked; a failure is logged.
async fn write(data: &Path, promised: Vec<Promised>) -> bool {
    let path = data.join(FILE);
    let written = spawn_blocking(move || {
        if promised.is_empty() {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        write_atomically(&path, &serde_json::to_vec(&promised)?)
    });
    match written.await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "who waits for an answer can't be written down: after a restart they are not told");
            false
        }
        Err(_) => false,
    }
}

/// Tells those who were promised an answer by the process before this one. The file is removed first: nobody is told
/// twice.
pub async fn tell(rest: Rest, data: PathBuf) {
    let path = data.join(FILE);
    let read = spawn_blocking(move || {
        let read = fs::read(&path)?;
        fs::remove_file(&path)?;
        io::Result::Ok(read)
    });
    let Ok(Ok(bytes)) = read.await else { return };
    let Ok(promised) = serde_json::from_slice::<Vec<Promised>>(&bytes) else {
        return;
    };
    let now = seconds_since_1970();
    for one in promised.into_iter().filter(|one| one.until > now) {
        let path = format!("/webhooks/{}/{}/messages/@original", one.application_id, one.token);
        if !is_promised(&rest, &path).await {
            continue;
        }
        let body = json!({ "content": texts::INTERRUPTED_BY_RESTART, "allowed_mentions": rest::without_mentions() });
        let request = rest::Request::new(Method::Patch, path).with_body(body.to_string());
        match rest.send(request).await {
            Ok(answer) if answer.is_success() => {}
            Ok(answer) => tracing::debug!(status = answer.status, "an interrupted interaction could not be ended"),
            Err(_) => tracing::debug!("an interrupted interaction could not be ended: Discord did not answer"),
        }
    }
}

/// Whether the answer is still only a promise: it may have come in the last second, when nobody could write that down.
async fn is_promised(rest: &Rest, path: &str) -> bool {
    #[derive(Deserialize)]
    struct Original {
        #[serde(default)]
        flags: u64,
        #[serde(default)]
        content: String,
    }
    let asked = rest.send(rest::Request::new(Method::Get, path.to_owned())).await;
    let Ok(answer) = asked.as_ref().map_err(|_| ()) else {
        tracing::debug!("an interrupted interaction could not be looked at: Discord did not answer");
        return false;
    };
    match serde_json::from_slice::<Original>(&answer.body) {
        // A promise that was kept waiting says so.
        Ok(original) => original.flags & LOADING != 0 || original.content == texts::SLOW,
        Err(_) => false,
    }
}

fn seconds_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
