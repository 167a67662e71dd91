//! Faults on demand, for the page's buttons and for scripts: what networks and Discord do to bots, now.
//!
//! It only names what the handle can do; how a fault reaches the bot is the handle's matter.

use std::{sync::Arc, time::Duration};

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{Answer, Refused, read};
use crate::{Refusal, RestFault, Sandbox, Scope, Undecodable, shared::Shared};

/// Times that one request may ask for a fault of the next REST calls.
const MOST_TIMES: u32 = 1_000;

/// Variants without fields have braces: of those without, serde would let every unknown key pass.
#[derive(Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
enum Fault {
    /// The gateway's TCP connections end without a word.
    Drop {},
    /// Op 7.
    Reconnect {},
    /// Op 9.
    InvalidSession {
        resumable: bool,
    },
    /// A close frame with this code.
    Close {
        code: u16,
    },
    /// The connections end in the middle of a frame.
    DropInFrame {},
    /// Open connections say nothing any more, not even to heartbeats.
    Silence {},
    /// Every payload is under way for so many seconds, on every connection from now on.
    Slow {
        seconds: f64,
    },
    /// Ends silence and slowness.
    FullSpeed {},
    /// Op 1.
    AskHeartbeat {},
    /// Something that a client cannot read, or does not know.
    Undecodable {
        kind: Undecodable,
    },
    /// The next attempts to resume get op 9 `false`.
    RefuseResumes {
        #[serde(default = "once")]
        times: u32,
    },
    /// The next attempts to identify get op 9 `false`.
    RefuseIdentifies {
        #[serde(default = "once")]
        times: u32,
    },
    /// The next resume is dropped after so many replayed events.
    InterruptReplay {
        events: usize,
    },
    /// New connections get this HTTP status, until `accept`.
    Refuse {
        status: u16,
    },
    /// New connections are taken again.
    Accept {},
    /// The next REST call is answered with this status.
    RestError {
        status: u16,
    },
    /// With this status and a page in HTML.
    RestHtml {
        status: u16,
    },
    /// With 429, to be repeated after so many seconds.
    RestLimited {
        retry_after: f64,
        #[serde(default)]
        scope: Limit,
    },
    /// Its connection ends in the middle of the answer, which is no JSON, or empty.
    RestCut {},
    RestGarbled {},
    RestEmpty {},
    /// It waits until `rest_release`.
    RestHeld {},
    RestRelease {},
    /// No call gets a fault that was asked for.
    RestClear {},
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Limit {
    #[default]
    User,
    Shared,
    Global,
}

impl From<Limit> for Scope {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::User => Self::User,
            Limit::Shared => Self::Shared,
            Limit::Global => Self::Global,
        }
    }
}

const fn once() -> u32 {
    1
}

/// `POST /page/faults`
pub(crate) async fn ask(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let sandbox = Sandbox::of(shared);
    let mut asked: Value = read(&body)?;
    let name = asked["fault"].as_str().unwrap_or_default().to_owned();
    let is_rest = name.starts_with("rest_");
    // Faults of the gateway are those of one shard, if one is named.
    let gateway = match taken(&mut asked, "shard") {
        Value::Null => sandbox.gateway(),
        _ if is_rest => return Err("a fault of REST is of no shard: leave shard out".into()),
        _ if matches!(name.as_str(), "refuse" | "accept") => {
            return Err("the shard of a new connection is not known yet: leave shard out".into());
        }
        number => sandbox.shard(number.as_u64().ok_or("shard is the number of a shard, from 0")?),
    };
    // Those of REST are for calls of one route, if one is named, and for several calls if `times` says so.
    let is_of_calls = is_rest && !matches!(name.as_str(), "rest_release" | "rest_clear");
    let route = match taken(&mut asked, "route") {
        Value::Null => None,
        _ if !is_of_calls => {
            return Err(format!("route is for faults of REST calls, not for \"{name}\": leave it out").into());
        }
        Value::String(text) => Some(
            text.split_once(' ')
                .map(|(method, path)| (method.to_owned(), path.to_owned()))
                .ok_or("route is a method and a path: \"POST /channels/{channel_id}/messages\"")?,
        ),
        _ => return Err("route is a text".into()),
    };
    let times = match asked.get("times").filter(|_| is_of_calls).cloned() {
        None => 1,
        Some(times) => {
            taken(&mut asked, "times");
            number(times.as_u64().and_then(|times| u32::try_from(times).ok()).unwrap_or(0))?
        }
    };
    let arm = |fault: RestFault| {
        let fault = fault.times(times.into());
        sandbox.fail_rest(match &route {
            Some((method, path)) => fault.on(method, path),
            None => fault,
        });
    };
    let fault = serde_json::from_value(asked).map_err(|error| format!("the fault can't be read: {error}"))?;
    match fault {
        Fault::Drop {} => gateway.drop_connection(),
        Fault::DropInFrame {} => gateway.drop_in_frame(),
        Fault::Reconnect {} => gateway.ask_reconnect(),
        Fault::InvalidSession { resumable } => gateway.invalidate_session(resumable),
        Fault::Silence {} => gateway.silence(),
        Fault::Slow { seconds: wanted } => gateway.delay(seconds("seconds", wanted)?),
        Fault::FullSpeed {} => gateway.full_speed(),
        Fault::AskHeartbeat {} => gateway.ask_heartbeat(),
        Fault::Undecodable { kind } => gateway.send_undecodable(kind),
        Fault::RefuseResumes { times } => gateway.refuse_resumes(number(times)?),
        Fault::RefuseIdentifies { times } => gateway.refuse_identifies(number(times)?),
        Fault::InterruptReplay { events } => gateway.interrupt_replay(events),
        Fault::Refuse {
            status: status @ 400..=599,
        } => gateway.refuse(Refusal::Status(status)),
        Fault::Refuse { .. } => return Err("the status of a refusal is from 400 to 599".into()),
        Fault::Accept {} => gateway.accept(),
        Fault::Close {
            code: code @ (1000 | 1001 | 3000..=4999),
        } => gateway.close_with(code),
        Fault::Close { .. } => {
            return Err("a close code is 1000, 1001 or from 3000 to 4999; Discord's are 4000 to 4014".into());
        }
        Fault::RestError { status } => {
            if !(400..=599).contains(&status) {
                return Err("the status of a fault is from 400 to 599".into());
            }
            arm(RestFault::status(status));
        }
        Fault::RestHtml { status } => {
            if !(400..=599).contains(&status) {
                return Err("the status of a fault is from 400 to 599".into());
            }
            arm(RestFault::html(status));
        }
        Fault::RestLimited { retry_after, scope } => {
            arm(RestFault::rate_limited(
                scope.into(),
                seconds("retry_after", retry_after)?,
            ));
        }
        Fault::RestCut {} => arm(RestFault::cut()),
        Fault::RestGarbled {} => arm(RestFault::garbled()),
        Fault::RestEmpty {} => arm(RestFault::empty()),
        Fault::RestHeld {} => arm(RestFault::held()),
        Fault::RestRelease {} => sandbox.release_rest(),
        Fault::RestClear {} => sandbox.clear_rest_faults(),
    }
    Ok(Json(json!({})))
}

fn taken(fields: &mut Value, name: &str) -> Value {
    fields
        .as_object_mut()
        .and_then(|fields| fields.remove(name))
        .unwrap_or_default()
}

fn seconds(name: &str, wanted: f64) -> Result<Duration, Refused> {
    Duration::try_from_secs_f64(wanted)
        .ok()
        .filter(|duration| *duration <= Duration::from_secs(3600))
        .ok_or_else(|| format!("{name} is a number of seconds from 0 to 3600").into())
}

fn number(times: u32) -> Result<u32, Refused> {
    if (1..=MOST_TIMES).contains(&times) {
        Ok(times)
    } else {
        Err(format!("times is from 1 to {MOST_TIMES}").into())
    }
}
