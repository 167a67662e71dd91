//! Recordings by the page and by scripts: begun, ended, done again.
//!
//! What they are, and their format, is in `recording`; here they only come and go as JSON.

use std::sync::{Arc, atomic::Ordering};

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{
    Audience,
    acts::{Answer, Refused, read},
};
use crate::{
    Recording, Sandbox,
    shared::{self, Shared},
};

/// The lowest speed: what took a minute takes an hour and a half.
const SLOWEST: f64 = 0.01;

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    Start {},
    Stop {},
}

fn tell(shared: &Shared, note: Value) {
    let mut world = shared.world();
    // Of a replay, those who come later are told, too.
    if note["steps"].is_u64() && note["state"] != "stopped" {
        world.pages.replay = Some(note.clone());
    }
    world.pages.tell(&Audience::Everyone, "recording", || note);
}

/// `POST /page/recording`
pub(crate) async fn record(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let sandbox = Sandbox::of(Arc::clone(&shared));
    match read(&body)? {
        Asked::Start {} => {
            sandbox.start_recording();
            tell(&shared, json!({ "state": "recording" }));
            Ok(Json(Value::Null))
        }
        Asked::Stop {} => {
            let recording = sandbox
                .stop_recording()
                .ok_or("nothing is being recorded: start a recording first")?;
            tell(&shared, json!({ "state": "stopped", "steps": recording.steps.len() }));
            Ok(Json(json!(recording)))
        }
    }
}

/// The one replay that there may be at a time; over when it is dropped.
struct Turn(Arc<Shared>);

impl Turn {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let is_taken = shared.replaying.swap(true, Ordering::AcqRel);
        (!is_taken).then(|| Self(Arc::clone(shared)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.replaying.store(false, Ordering::Release);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    recording: Value,
    speed: Option<f64>,
}

/// `POST /page/replay`
pub(crate) async fn replay(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    // A saved file may be posted as it is.
    let posted: Value = read(&body)?;
    let Wanted { recording, speed } = if posted["format"].is_string() {
        Wanted {
            recording: posted,
            speed: None,
        }
    } else {
        read(&body)?
    };
    let recording = Recording::read(&recording.to_string()).map_err(|error| Refused(error.to_string()))?;
    let speed = speed.unwrap_or(1.0);
    if speed != 0.0 && !(SLOWEST..=1000.0).contains(&speed) {
        return Err(Refused(format!(
            "`speed` is 0, as fast as the bot answers, or {SLOWEST} to 1000 times as fast as it was"
        )));
    }
    let Some(turn) = Turn::take(&shared) else {
        return Err("a recording is being replayed: wait until that has ended".into());
    };
    let steps = recording.steps.len();
    let mut closing = shared.closing();
    // It waits for the bot, on a thread that nothing else needs.
    tokio::task::spawn_blocking(move || {
        let runtime = Handle::current();
        let mut replay = Sandbox::of(Arc::clone(&shared)).replay(recording);
        loop {
            let step = replay.position();
            tell(&shared, json!({ "state": "replaying", "step": step, "steps": steps }));
            let pause = replay.pause(speed);
            let is_over =
                runtime.block_on(async { tokio::time::timeout(pause, shared::ended(&mut closing)).await.is_ok() });
            if is_over {
                return;
            }
            let ended = match replay.step(0.0) {
                Ok(true) => continue,
                Ok(_) => {
                    let before = &replay.recording().transcript;
                    let is_same = before.is_empty() || *before == replay.transcript();
                    let message = (!is_same).then_some("the bot has said something else than in the recording");
                    json!({ "state": "replayed", "steps": steps, "message": message })
                }
                Err(why) => json!({ "state": "failed", "step": step, "steps": steps, "message": why }),
            };
            // Whoever hears of the end may begin the next one.
            drop(turn);
            tell(&shared, ended);
            return;
        }
    });
    Ok(Json(json!({ "steps": steps })))
}
