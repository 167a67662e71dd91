//! Faults on demand, for the page's buttons and for scripts: what networks and Discord do to bots, now.
//!
//! It only names what the handle can do; how a fault reaches the bot is the handle's matter.

use std::{sync::Arc, time::Duration};

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::json;

use super::acts::{Answer, read};
use crate::{RestFault, Sandbox, Scope, shared::Shared};

/// Times that one request may ask for a fault of the next REST calls.
const MOST_TIMES: u32 = 1_000;

#[derive(Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
enum Fault {
    /// The gateway's TCP connections end without a word.
    Drop,
    /// Op 7.
    Reconnect,
    /// Op 9.
    InvalidSession { resumable: bool },
    /// A close frame with this code.
    Close { code: u16 },
    /// The next REST calls are answered with this status.
    RestError {
        status: u16,
        #[serde(default = "once")]
        times: u32,
    },
    /// The next REST calls are answered with 429, to be repeated after so many seconds.
    RestLimited {
        retry_after: f64,
        #[serde(default = "once")]
        times: u32,
    },
}

const fn once() -> u32 {
    1
}

/// `POST /page/faults`
pub(crate) async fn ask(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let sandbox = Sandbox::of(shared);
    match read(&body)? {
        Fault::Drop => sandbox.drop_connection(),
        Fault::Reconnect => sandbox.ask_reconnect(),
        Fault::InvalidSession { resumable } => sandbox.invalidate_session(resumable),
        Fault::Close {
            code: code @ (1000 | 1001 | 3000..=4999),
        } => sandbox.close_with(code),
        Fault::Close { .. } => {
            return Err("a close code is 1000, 1001 or from 3000 to 4999; Discord's are 4000 to 4014".into());
        }
        Fault::RestError { status, times } => {
            if !(400..=599).contains(&status) {
                return Err("the status of a fault is from 400 to 599".into());
            }
            sandbox.fail_rest(RestFault::status(status).times(number(times)?));
        }
        Fault::RestLimited { retry_after, times } => {
            let after = Duration::try_from_secs_f64(retry_after)
                .ok()
                .filter(|after| *after <= Duration::from_secs(3600))
                .ok_or("retry_after is a number of seconds from 0 to 3600")?;
            sandbox.fail_rest(RestFault::rate_limited(Scope::User, after).times(number(times)?));
        }
    }
    Ok(Json(json!({})))
}

fn number(times: u32) -> Result<u64, super::acts::Refused> {
    if (1..=MOST_TIMES).contains(&times) {
        Ok(times.into())
    } else {
        Err(format!("times is from 1 to {MOST_TIMES}").into())
    }
}
