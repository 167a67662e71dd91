//! REST, version 10 (and 9): one entry for every request. It reads the body, checks the token, counts the rate limit,
//! lets the route act on the world, and logs what happened. Routes are plain functions from the world and a call to an
//! answer; none of them waits.

mod account;
mod channels;
mod commands;
mod errors;
mod guilds;
mod interactions;
pub(crate) mod limits;
mod members;
mod messages;
mod roles;
mod routes;
mod upload;
mod validate;

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use self::{
    errors::Refusal,
    limits::{Fault, Limits},
    upload::Upload,
};
pub(crate) use self::{upload::MAX_BODY, validate::text_length};
use crate::{handle::RestEntry, shared::Shared, world::World};

/// A request, read.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    /// The path's parts below the version.
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Value,
    files: Vec<Upload>,
    /// `X-Audit-Log-Reason`, decoded.
    reason: Option<String>,
    /// Where the bot is reached, for addresses in answers.
    http_url: String,
    gateway_url: String,
}

impl Call {
    /// A parameter of the query.
    fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A number of the query, within bounds.
    fn number(&self, name: &str, default: u64, least: u64, most: u64) -> Result<u64, Refusal> {
        let Some(text) = self.query(name) else {
            return Ok(default);
        };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            Ok(_) => Err(Refusal::at(
                name,
                "NUMBER_TYPE_RANGE",
                &format!("int value should be between {least} and {most}."),
            )),
            Err(_) => Err(Refusal::at(
                name,
                "NUMBER_TYPE_COERCE",
                &format!("Value \"{text}\" is not int."),
            )),
        }
    }

    /// An id of the query.
    fn id(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.query(name).map(|text| snowflake(name, text)).transpose()
    }
}

/// What a route answers.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    body: Option<String>,
}

impl Answer {
    fn ok(body: &Value) -> Self {
        Self {
            status: 200,
            body: Some(body.to_string()),
        }
    }

    fn created(body: &Value) -> Self {
        Self {
            status: 201,
            body: Some(body.to_string()),
        }
    }

    const fn empty() -> Self {
        Self {
            status: 204,
            body: None,
        }
    }
}

/// What routes return.
type Outcome = Result<Answer, Refusal>;

/// Reads an id out of a path or query.
fn snowflake(name: &str, text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| {
        Refusal::at(
            name,
            "NUMBER_TYPE_COERCE",
            &format!("Value \"{text}\" is not snowflake."),
        )
    })
}

/// Answers one request below `/api`.
pub(crate) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let raw_path = parts.uri.path().to_owned();
    let bytes = axum::body::to_bytes(body, MAX_BODY).await;
    let path: Vec<String> = match raw_path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["api", version @ ("v10" | "v9"), rest @ ..] => {
            let _ = version;
            rest.iter().map(|part| upload::percent_decode(part)).collect()
        }
        _ => Vec::new(),
    };
    let (sent, read) = match bytes {
        Ok(bytes) => (bytes.clone(), upload::read(&parts.headers, bytes).await),
        Err(_) => (Bytes::new(), Err(errors::TOO_LARGE.into())),
    };
    let query = parts.uri.query().unwrap_or_default();
    let log_path = if query.is_empty() {
        raw_path.clone()
    } else {
        format!("{raw_path}?{query}")
    };
    let segments: Vec<&str> = path.iter().map(String::as_str).collect();
    let authorization = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let reason = parts
        .headers
        .get("x-audit-log-reason")
        .and_then(|value| value.to_str().ok())
        .map(upload::percent_decode);

    let mut world = shared.world();
    let mut headers = world.limits.count(parts.method.as_str(), &segments);
    let fault = if routes::needs_token(&segments) {
        world.faults.pop_front()
    } else {
        None
    };
    let outcome = match fault {
        Some(Fault::Status(status)) => Err(Refusal::new(status, 0, &format!("{status}: {}", reason_of(status)))),
        Some(Fault::RateLimited(after)) => {
            Limits::limited(&mut headers, after);
            let body = json!({ "message": "You are being rate limited.", "retry_after": after.as_secs_f64(), "global": false });
            Ok(Answer {
                status: 429,
                body: Some(body.to_string()),
            })
        }
        None => check_token(&world, &segments, authorization.as_deref()).and_then(|()| {
            let (body, files) = read?;
            let call = Call {
                method: parts.method.clone(),
                path: path.clone(),
                query: upload::query(query),
                body,
                files,
                reason,
                http_url: shared.http_url(),
                gateway_url: shared.gateway_url(),
            };
            routes::route(&mut world, &call)
        }),
    };
    let answer = outcome.unwrap_or_else(|refusal| Answer {
        status: refusal.status,
        body: Some(refusal.json().to_string()),
    });
    let entry = RestEntry::new(
        parts.method.as_str(),
        &log_path,
        answer.status,
        sent,
        answer.body.as_deref(),
    );
    if answer.status >= 400 {
        let (channel, user) = place(&world, &segments);
        let note = json!({
            "channel_id": channel.map(|id| id.to_string()),
            "user_id": user.map(|id| id.to_string()),
            "method": entry.method,
            "path": entry.path,
            "status": entry.status,
            "body": serde_json::from_str::<Value>(answer.body.as_deref().unwrap_or("null")).unwrap_or_default(),
        });
        world
            .pages
            .tell(&crate::page::Audience::Everyone, "rest_error", || note);
    }
    world.logs.rest(entry.clone());
    world.changed();
    drop(world);
    let status = answer.status;
    let body = answer.body.map(Bytes::from).unwrap_or_default();
    shared
        .traffic
        .rest(entry, began.elapsed(), body.clone(), headers.clone());
    respond(status, body, headers)
}

/// The channel that a call is about, and the person if it belongs to an interaction: the page shows a refusal there.
fn place(world: &World, path: &[&str]) -> (Option<u64>, Option<u64>) {
    match path {
        ["channels", id, ..] => (id.parse().ok(), None),
        ["interactions" | "webhooks", _, token, ..] => world
            .interactions
            .by_token(token)
            .map_or((None, None), |one| (Some(one.channel_id), Some(one.user_id))),
        _ => (None, None),
    }
}

fn check_token(world: &World, path: &[&str], authorization: Option<&str>) -> Result<(), Refusal> {
    if !routes::needs_token(path) {
        return Ok(());
    }
    match authorization.and_then(|value| value.strip_prefix("Bot ")) {
        Some(token) if token == world.token => Ok(()),
        _ => Err(errors::UNAUTHORIZED.into()),
    }
}

fn respond(status: u16, body: Bytes, headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let is_empty = status == 204;
    *response.headers_mut() = headers;
    if !is_empty {
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json"),
        );
    }
    response
}

fn reason_of(status: u16) -> &'static str {
    StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}
