//! The one entry for every request: the body read, the limit counted, the token and the specification asked, the route
//! run, the answer checked, logged and sent.
//!
//! All but reading and sending happens under the world's lock, so that the order of the log is the order of events.

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    Answer, Call, MAX_BODY, Outcome,
    errors::{self, Faults, Refusal},
    limits::{Fault, Limits},
    routes, upload,
};
use crate::{
    handle::RestEntry,
    page::Audience,
    shared::Shared,
    specification::{Finding, ViolationOf},
    world::World,
};

/// Answers one request below `/api`.
pub(crate) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let raw_path = parts.uri.path().to_owned();
    let bytes = axum::body::to_bytes(body, MAX_BODY).await;
    let path: Vec<String> = match raw_path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["api", "v10" | "v9", rest @ ..] => rest.iter().map(|part| upload::percent_decode(part)).collect(),
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
    let text_of = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text_of("authorization");
    let reason = text_of("x-audit-log-reason").map(upload::percent_decode);

    let mut world = shared.world();
    let mut headers = world.limits.count(parts.method.as_str(), &segments);
    let fault = if routes::needs_token(&segments) {
        world.faults.pop_front()
    } else {
        None
    };
    let is_asked_for = fault.is_some();
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
        None => check_token(&world, &segments, authorization).and_then(|()| {
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
            routed(&mut world, &call)
        }),
    };
    let answer = outcome.unwrap_or_else(|refusal| Answer {
        status: refusal.status,
        body: Some(refusal.json().to_string()),
    });
    if !is_asked_for {
        check_answer(&mut world, parts.method.as_str(), &segments, &answer);
    }
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
        world.pages.tell(&Audience::Everyone, "rest_error", || note);
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

/// Lets the route act, if the specification has nothing against the request.
fn routed(world: &mut World, call: &Call) -> Outcome {
    let Some(specification) = world.specification.clone() else {
        return routes::route(world, call);
    };
    let (method, path) = (call.method.as_str(), as_text(&call.path));
    let Some(matched) = specification.find(method, &path) else {
        let outcome = routes::route(world, call);
        let is_served = !matches!(&outcome, Err(refusal) if refusal.code == 0 && matches!(refusal.status, 404 | 405));
        let (of, text) = if is_served {
            (ViolationOf::Answer, "the sandbox serves what Discord does not")
        } else {
            (ViolationOf::Request, "Discord has no such route")
        };
        let finding = Finding {
            pointer: "path".to_owned(),
            rule: "paths".to_owned(),
            text: text.to_owned(),
        };
        world.violated(of, &format!("{method} /{}", path.join("/")), &[finding]);
        return outcome;
    };
    let found = matched.check_request(&call.query, &call.body);
    if found.is_empty() {
        return routes::route(world, call);
    }
    world.violated(
        ViolationOf::Request,
        &format!("{method} {}", matched.template()),
        &found,
    );
    if !world.refuse_violations {
        let outcome = routes::route(world, call);
        if outcome.is_ok() {
            let what = format!("{method} {}", matched.template());
            let passed = found.into_iter().map(|one| Finding {
                text: format!("a request was served though {}", one.text),
                ..one
            });
            world.violated(ViolationOf::Answer, &what, &passed.collect::<Vec<_>>());
        }
        return outcome;
    }
    let mut faults = Faults::default();
    for finding in found {
        let place = finding.pointer.split_once('/').map_or("", |(_, place)| place);
        let text = format!("{} at {} (rule {})", finding.text, finding.pointer, finding.rule);
        faults.add(&place.replace('/', "."), "SPECIFICATION_VIOLATED", &text);
    }
    Err(faults.refusal())
}

fn as_text(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// Notes what is wrong with an answer that is about to be sent.
fn check_answer(world: &mut World, method: &str, path: &[&str], answer: &Answer) {
    let Some(specification) = world.specification.clone() else {
        return;
    };
    let Some(matched) = specification.find(method, path) else {
        return;
    };
    let body = answer
        .body
        .as_deref()
        .map(|text| serde_json::from_str::<Value>(text).unwrap_or(Value::Null));
    let found = matched.check_answer(answer.status, body.as_ref());
    world.violated(ViolationOf::Answer, &format!("{method} {}", matched.template()), &found);
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
