//! The one entry for every request: the body read, the limit counted, the token and the specification asked, the route
//! run, the answer checked, logged and sent.
//!
//! All but reading, waiting and sending happens under the world's lock, so that the order of the log is that of events.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    Answer, Call, MAX_BODY, Outcome,
    errors::{self, Faults, Refusal},
    faults::Kind,
    limits::{self, Particulars, Scope, Verdict},
    routes, text_length,
    upload::{self, Upload},
};
use crate::{
    handle::RestEntry,
    page::{self, Audience},
    shared::{self, Shared},
    specification::{Finding, ViolationOf},
    world::World,
};

/// A request as it came.
struct Asked {
    method: String,
    /// Below the version, decoded.
    path: Vec<String>,
    /// As it came, with the query.
    line: String,
    query: String,
    authorization: Option<String>,
    reason: Option<String>,
    locale: Option<String>,
    sent: Bytes,
    read: Result<(Value, Vec<Upload>), Refusal>,
}

/// What is sent back.
struct Reply {
    status: u16,
    headers: HeaderMap,
    kind: &'static str,
    body: Bytes,
    /// Whether the connection ends in the middle of it.
    is_cut: bool,
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=UTF-8";

/// Answers one request below `/api`.
pub(crate) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let began = Instant::now();
    if !page::is_local(request.headers()) {
        return page::stranger();
    }
    let asked = read(request).await;
    let fault = {
        let has_token = routes::needs_token(&asked.parts());
        shared
            .world()
            .rest_faults
            .take(&asked.method, &asked.parts(), has_token)
    };
    if matches!(fault, Some(Kind::Held)) {
        hold(&shared).await;
    }
    let (entry, reply) = serve(&shared, asked, fault);
    shared
        .traffic
        .rest(entry, began.elapsed(), reply.body.clone(), reply.headers.clone());
    respond(reply)
}

async fn read(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, MAX_BODY).await;
    let raw_path = parts.uri.path();
    let path = match raw_path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["api", "v10" | "v9", rest @ ..] => rest.iter().map(|part| upload::percent_decode(part)).collect(),
        _ => Vec::new(),
    };
    let (sent, read) = match bytes {
        Ok(bytes) => (bytes.clone(), upload::read(&parts.headers, bytes).await),
        Err(_) => (Bytes::new(), Err(errors::TOO_LARGE.into())),
    };
    let query = parts.uri.query().unwrap_or_default();
    let text_of = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    Asked {
        method: parts.method.as_str().to_owned(),
        path,
        line: if query.is_empty() {
            raw_path.to_owned()
        } else {
            format!("{raw_path}?{query}")
        },
        query: query.to_owned(),
        authorization: text_of("authorization").map(str::to_owned),
        reason: text_of("x-audit-log-reason").map(upload::percent_decode),
        locale: text_of("x-discord-locale").map(str::to_owned),
        sent,
        read,
    }
}

impl Asked {
    fn parts(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

/// Waits until held requests are released, or the sandbox ends.
async fn hold(shared: &Arc<Shared>) {
    let mut changes = shared.changes();
    let mut closing = shared.closing();
    let releases = {
        let mut world = shared.world();
        world.rest_faults.held += 1;
        world.changed();
        world.rest_faults.releases
    };
    let let_go = async {
        loop {
            changes.mark_unchanged();
            if shared.world().rest_faults.releases > releases || changes.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = let_go => {}
        () = shared::ended(&mut closing) => {}
    }
    shared.world().rest_faults.held -= 1;
}

/// All that happens under the lock.
fn serve(shared: &Shared, asked: Asked, fault: Option<Kind>) -> (RestEntry, Reply) {
    let mut world = shared.world();
    let known_violations = world.violations.all().len();
    let parts = asked.parts();
    let now = world.time.now();
    let body = asked.read.as_ref().ok().map(|(body, _)| body);
    let more = Particulars {
        renames: body.is_some_and(|body| body.get("name").is_some() || body.get("topic").is_some()),
        now_ms: world.ids.now_ms(),
    };
    let reply = match (world.limits.count(now, &asked.method, &parts, more), fault) {
        (Verdict::ShutOut(after), _) | (_, Some(Kind::ShutOut(after))) => shut_out(after),
        (Verdict::Served(headers), Some(Kind::Limited(scope, after))) => {
            Reply::limited(limits::limited(headers, scope, after), scope, after)
        }
        (Verdict::Limited(headers, scope, after), _) => {
            let reply = Reply::limited(headers, scope, after);
            check_answer(&mut world, &asked.method, &parts, 429, &reply.body);
            world.limits.answered(now, 429, Some(scope));
            reply
        }
        (Verdict::Served(headers), Some(Kind::Status(status))) => {
            let refusal = Refusal::new(status, 0, &format!("{status}: {}", reason_of(status)));
            Reply::new(status, headers, JSON, refusal.json().to_string())
        }
        (Verdict::Served(headers), Some(Kind::Html(status))) => Reply::new(status, headers, HTML, page(status)),
        (Verdict::Served(headers), fault) => {
            let answer = served(&mut world, shared, &asked);
            let mut reply = Reply::new(answer.status, headers, JSON, answer.body.unwrap_or_default());
            check_answer(&mut world, &asked.method, &parts, reply.status, &reply.body);
            world.limits.answered(now, reply.status, None);
            reply.spoil(fault);
            reply
        }
    };
    let mut entry = RestEntry::new(
        &asked.method,
        &asked.line,
        reply.status,
        asked.sent.clone(),
        &reply.body,
    );
    entry.violations = world.violations.all()[known_violations..].to_vec();
    if reply.status >= 400 {
        tell_pages(&mut world, &parts, &entry);
    }
    world.logs.rest(entry.clone());
    world.changed();
    (entry, reply)
}

/// What the API itself answers.
fn served(world: &mut World, shared: &Shared, asked: &Asked) -> Answer {
    let outcome = check_token(world, &asked.parts(), asked.authorization.as_deref()).and_then(|()| {
        let (body, files) = asked.read.clone()?;
        check_reason(asked.reason.as_deref())?;
        let call = Call {
            method: asked.method.clone(),
            path: asked.path.clone(),
            query: upload::query(&asked.query),
            body,
            files,
            reason: asked.reason.clone(),
            locale: asked.locale.clone(),
            http_url: shared.http_url(),
            gateway_url: shared.gateway_url(),
        };
        routed(world, &call)
    });
    outcome.unwrap_or_else(|refusal| Answer {
        status: refusal.status,
        body: Some(refusal.json().to_string()),
    })
}

/// Longest reason for the audit log, in characters.
const LONGEST_REASON: usize = 512;

fn check_reason(reason: Option<&str>) -> Result<(), Refusal> {
    if reason.is_some_and(|reason| text_length(reason) > LONGEST_REASON) {
        let text = format!("Must be {LONGEST_REASON} or fewer in length.");
        return Err(Refusal::at("X-Audit-Log-Reason", "BASE_TYPE_MAX_LENGTH", &text));
    }
    Ok(())
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
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let Some(matched) = specification.find(&call.method, &path) else {
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
        world.violated(of, &format!("{} /{}", call.method, path.join("/")), &[finding]);
        return outcome;
    };
    let mut found = matched.check_request(&call.query, &call.body);
    // Discord takes a few parameters that its file does not list: the row does.
    let taken = routes::query_of(&call.method, &path);
    found.retain(|one| one.rule != "parameters" || !taken.iter().any(|name| one.pointer == format!("query/{name}")));
    if found.is_empty() {
        return routes::route(world, call);
    }
    let what = format!("{} {}", call.method, matched.template());
    world.violated(ViolationOf::Request, &what, &found);
    if !world.refuse_violations {
        let outcome = routes::route(world, call);
        if outcome.is_ok() {
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

/// Notes what is wrong with an answer that is about to be sent.
fn check_answer(world: &mut World, method: &str, path: &[&str], status: u16, body: &Bytes) {
    let Some(specification) = world.specification.clone() else {
        return;
    };
    let Some(matched) = specification.find(method, path) else {
        return;
    };
    let body: Option<Value> = (!body.is_empty()).then(|| serde_json::from_slice(body).unwrap_or_default());
    let found = matched.check_answer(status, body.as_ref());
    world.violated(ViolationOf::Answer, &format!("{method} {}", matched.template()), &found);
}

/// Tells the pages of a refusal, and where it belongs.
fn tell_pages(world: &mut World, path: &[&str], entry: &RestEntry) {
    let (channel, user) = place(world, path);
    let note = json!({
        "channel_id": channel.map(|id| id.to_string()),
        "user_id": user.map(|id| id.to_string()),
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "body": entry.error(),
    });
    world.pages.tell(&Audience::Everyone, "rest_error", || note);
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

/// What Discord's network answers to whom it lets no further.
fn shut_out(after: Duration) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::RETRY_AFTER,
        HeaderValue::from(after.as_secs() + u64::from(after.subsec_nanos() > 0)),
    );
    Reply::new(429, headers, HTML, page(429))
}

/// A page of a proxy: no JSON on purpose.
fn page(status: u16) -> String {
    let reason = reason_of(status);
    format!(
        "<!DOCTYPE html>\n<html><head><title>{status} {reason}</title></head>\
         <body><h1>{status} {reason}</h1><p>Asked for by a test of the local Discord.</p></body></html>\n"
    )
}

impl Reply {
    fn new(status: u16, headers: HeaderMap, kind: &'static str, body: String) -> Self {
        Self {
            status,
            headers,
            kind,
            body: body.into(),
            is_cut: false,
        }
    }

    fn limited(headers: HeaderMap, scope: Scope, after: Duration) -> Self {
        let message = if scope == Scope::Shared {
            "The resource is being rate limited."
        } else {
            "You are being rate limited."
        };
        let is_global = scope == Scope::Global;
        let body = json!({ "message": message, "retry_after": after.as_secs_f64(), "global": is_global, "code": 0 });
        Self::new(429, headers, JSON, body.to_string())
    }

    /// What becomes of it on its way.
    fn spoil(&mut self, fault: Option<Kind>) {
        match fault {
            Some(Kind::Cut) => {
                self.is_cut = true;
                if self.body.is_empty() {
                    // A 204 has nothing to lose.
                    self.status = 200;
                }
            }
            Some(Kind::Garbled) => {
                self.status = 200;
                self.body = Bytes::from_static(b"{\"id\": \"12, this is no JSON");
            }
            Some(Kind::Empty) => {
                self.status = 200;
                self.body = Bytes::new();
            }
            _ => {}
        }
    }
}

fn respond(reply: Reply) -> Response {
    let body = if reply.is_cut {
        let half = reply.body.slice(..reply.body.len() / 2);
        let broken = std::io::Error::other("cut off by a test");
        Body::from_stream(futures_util::stream::iter([Ok(half), Err(broken)]))
    } else {
        Body::from(reply.body.clone())
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = reply.headers;
    if reply.status != 204 {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.kind));
    }
    if reply.kind == JSON {
        // What Discord's own proxy says. discord.py takes a 429 without it for one of the network's, and gives up.
        response
            .headers_mut()
            .insert(header::VIA, HeaderValue::from_static("1.1 google"));
    }
    if reply.is_cut {
        // More is promised than comes, so that no client takes the half for the whole.
        let promised = HeaderValue::from(reply.body.len().max(1));
        response.headers_mut().insert(header::CONTENT_LENGTH, promised);
    }
    response
}

fn reason_of(status: u16) -> &'static str {
    StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}
