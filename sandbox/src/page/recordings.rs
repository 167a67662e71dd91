//! Recordings by the page and by scripts: begun, ended, done again.
//!
//! What they are, and their format, is in `recording`; here they only come and go as JSON.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Audience,
    acts::{Answer, Refused, read},
};
use crate::{Recording, Sandbox, shared::Shared};

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    Start {},
    Stop {},
}

fn tell(shared: &Shared, note: Value) {
    shared.world().pages.tell(&Audience::Everyone, "recording", || note);
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
    if !(0.0..=1000.0).contains(&speed) {
        return Err("`speed` goes from 0, as fast as the bot answers, to 1000 times as fast as it was".into());
    }
    let steps = recording.steps.len();
    let closing = shared.closing();
    // It waits for the bot, on a thread that nothing else needs.
    tokio::task::spawn_blocking(move || {
        let mut replay = Sandbox::of(Arc::clone(&shared)).replay(recording);
        loop {
            let step = replay.position();
            tell(&shared, json!({ "state": "replaying", "step": step, "steps": steps }));
            let ended = match replay.step(speed) {
                Ok(true) if !*closing.borrow() => continue,
                Ok(_) => {
                    let before = &replay.recording().transcript;
                    let is_same = before.is_empty() || *before == replay.transcript();
                    let message = (!is_same).then_some("the bot has said something else than in the recording");
                    json!({ "state": "replayed", "steps": steps, "message": message })
                }
                Err(why) => json!({ "state": "failed", "step": step, "steps": steps, "message": why }),
            };
            tell(&shared, ended);
            return;
        }
    });
    Ok(Json(json!({ "steps": steps })))
}
