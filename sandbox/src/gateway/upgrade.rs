//! From an HTTP request to a websocket, or not: the handshake, and the ways in which a fault turns it away.
//!
//! axum's own extractor is not used because it hands out whole messages only, and faults go below them.

use std::{io, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use websocket::tungstenite::handshake::derive_accept_key;

use super::{
    faults::Refusal,
    line::Line,
    socket::{self, Parameters},
};
use crate::{
    handle::GatewayEntry,
    shared::{self, Shared},
};

/// Whether a request asks for a websocket.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|wanted| wanted.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers the request for a websocket; the connection is served in a task of its own.
pub(crate) async fn accept(shared: Arc<Shared>, parameters: Parameters, mut request: Request) -> Response {
    let refusal = {
        let mut world = shared.world();
        let refusal = world.gateway.arrived();
        if let Some(refusal) = refusal {
            world
                .logs
                .gateway(GatewayEntry::note(&format!("refused a connection: {refusal:?}")));
            world.changed();
        }
        refusal
    };
    match refusal {
        Some(Refusal::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            return (status, "the gateway takes no connections now").into_response();
        }
        Some(Refusal::HangUp) => return hang_up(),
        Some(Refusal::NoAnswer) => {
            let mut changes = shared.changes();
            let mut closing = shared.closing();
            loop {
                changes.mark_unchanged();
                if !shared.world().gateway.is_refusing() {
                    return hang_up();
                }
                tokio::select! {
                    Ok(()) = changes.changed() => {}
                    () = shared::ended(&mut closing) => return hang_up(),
                }
            }
        }
        _ => {}
    }
    let is_current = request
        .headers()
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_some_and(|version| version == "13");
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let (true, Some(key)) = (is_current, key) else {
        let wanted = [(header::SEC_WEBSOCKET_VERSION, "13")];
        return (StatusCode::UPGRADE_REQUIRED, wanted, "the gateway speaks websocket 13").into_response();
    };
    let Ok(accepted) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let connections = shared.connections.clone();
    connections.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => socket::serve(shared, Line::new(upgraded), parameters, refusal).await,
            Err(error) => tracing::debug!(%error, "a connection ended before it was a websocket"),
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accepted),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// A body that fails before its first byte: the server ends the connection without having sent anything.
fn hang_up() -> Response {
    let cut = futures_util::stream::once(async { Err::<Bytes, _>(io::Error::other("a fault")) });
    Response::new(Body::from_stream(cut))
}
