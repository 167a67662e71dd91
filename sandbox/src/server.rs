//! The one port: gateway, REST and page behind one listener, on loopback only.
//!
//! It tells connections apart and hands them on. A websocket that a page from elsewhere opens is refused.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
    serve::ListenerExt,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    gateway, page, rest,
    shared::{self, Shared},
    tls::TlsListener,
};

/// Serves until the sandbox ends, over TLS if there is an `acceptor`.
pub(crate) async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut closing = shared.closing();
    let router = Router::new()
        .route("/", any(root))
        .route("/gateway", any(root))
        .route("/gateway/", any(root))
        .route("/attachments/{channel}/{id}/{name}", get(attachment))
        .route("/emojis/{name}", get(emoji))
        .merge(page::routes())
        .fallback(rest::answer)
        .with_state(Arc::clone(&shared));
    let ended = async move {
        shared::ended(&mut closing).await;
    };
    let served = match acceptor {
        Some(acceptor) => {
            let listener = TlsListener::new(listener, acceptor);
            axum::serve(listener, router).with_graceful_shutdown(ended).await
        }
        None => {
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, router).with_graceful_shutdown(ended).await
        }
    };
    if let Err(error) = served {
        tracing::error!(%error, "the sandbox's server ended");
    }
}

/// The gateway for websockets, the page for browsers.
async fn root(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Query<gateway::Parameters>,
    request: Request,
) -> Response {
    if !gateway::is_wanted(request.headers()) {
        return page::index(request.headers()).await;
    }
    if !page::is_local(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    gateway::accept(shared, parameters, request).await
}

/// The bytes of an attachment.
async fn attachment(
    State(shared): State<Arc<Shared>>,
    Path((_, id, _)): Path<(u64, u64, String)>,
    headers: HeaderMap,
) -> Response {
    if !page::is_local(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let found = shared.world().files.get(id).cloned();
    match found {
        Some(file) => {
            // Whatever somebody uploads is shown as what it is, and runs nothing.
            let headers = [
                (header::CONTENT_TYPE, file.content_type.as_str()),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
            ];
            (headers, file.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The picture of an emoji that a bot has uploaded: `/emojis/ID.png`, whatever ending is asked for.
async fn emoji(State(shared): State<Arc<Shared>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    if !page::is_local(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let id = name.split('.').next().and_then(|id| id.parse().ok());
    let found = id.and_then(|id: u64| shared.world().images.get(&id).cloned());
    match found {
        Some(image) => {
            let headers = [
                (header::CONTENT_TYPE, image.kind),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
            ];
            (headers, image.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
