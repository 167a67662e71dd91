//! The web page's server part: its files, the live connection, and the acts of people. All of it is for the same
//! computer only: requests whose Host or Origin is not loopback are refused, so that no web page elsewhere can drive
//! the sandbox, not even through a name that points to 127.0.0.1.

mod acts;
mod archive;
mod assets;
mod being;
mod build;
mod faults;
mod live;
mod past;
mod posts;
mod rate_limits;
mod recordings;
mod settings;
mod traffic;
mod uploads;
mod writing;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};

pub(crate) use self::{
    assets::index,
    live::{Audience, Pages, direct_json},
    rate_limits::name as rate_limits_name,
    traffic::Traffic,
};
use crate::{rest::MAX_BODY, shared::Shared};

/// What stands below `/page`.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/page/live", get(live::live))
        .route("/page/messages", get(past::messages).post(writing::say))
        .route(
            "/page/messages/{channel}/{id}",
            delete(writing::delete).patch(writing::edit),
        )
        .route("/page/forward", post(writing::forward))
        .route("/page/votes", post(writing::vote))
        .route("/page/polls/end", post(writing::end_poll))
        .route("/page/threads", post(writing::thread))
        .route("/page/threads/archived", get(archive::archived))
        .route("/page/posts", get(posts::posts).post(posts::post))
        .route("/page/pins", get(past::pins).post(past::pin))
        .route("/page/search", get(past::search))
        .route("/page/settings", post(settings::change))
        .route("/page/bans", get(settings::bans))
        .route("/page/audit-log", get(settings::audit_log::read))
        .route("/page/presence", post(being::presence))
        .route("/page/voice", post(being::voice))
        .route("/page/slash", post(acts::slash))
        .route("/page/click", post(acts::click))
        .route("/page/modal", post(acts::modal))
        .route("/page/people", post(acts::enter))
        .route("/page/dm", post(writing::direct))
        .route("/page/faults", post(faults::ask))
        .route("/page/rate-limits", get(rate_limits::show).post(rate_limits::switch))
        .route("/page/build", post(build::note))
        .route("/page/recording", post(recordings::record))
        .route("/page/replay", post(recordings::replay))
        .route("/page/reactions", post(acts::react))
        .route("/page/typing", post(acts::types))
        .route("/page/menu", post(acts::menu))
        .route("/page/choices", post(acts::choices))
        .route("/page/traffic", get(traffic::follow))
        .route("/page/traffic/{id}", get(traffic::entry))
        .route("/page/{file}", get(assets::file))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .route_layer(middleware::from_fn(local_only))
}

async fn local_only(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        return next.run(request).await;
    }
    stranger()
}

/// What a request gets that is not [local](is_local).
pub(crate) fn stranger() -> Response {
    let message = "the sandbox answers on this computer only, and no web page but its own: \
                   ask 127.0.0.1 or localhost, and send no Origin";
    let body = serde_json::json!({ "message": message, "code": 0 });
    (StatusCode::FORBIDDEN, axum::Json(body)).into_response()
}

/// Whether a request names this computer as the one asked, and comes from no web page but the sandbox's own. Only
/// browsers send an Origin; of a page that some other program serves on this computer, it is another one's.
pub(crate) fn is_local(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST);
    let origin = text(header::ORIGIN).is_none_or(|origin| {
        origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)))
    });
    host.is_none_or(is_loopback) && origin
}

fn is_loopback(authority: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::is_local;

    #[test]
    fn only_loopback_hosts_and_origins() {
        for (host, origin, local) in [
            ("127.0.0.1:7800", None, true),
            ("localhost:7800", Some("http://localhost:7800"), true),
            ("[::1]:7800", None, true),
            ("127.0.0.1:7800", Some("https://127.0.0.1:7800"), true),
            ("127.0.0.1:7800", Some("http://127.0.0.1:3000"), false),
            ("127.0.0.1:7800", Some("http://localhost:7800"), false),
            ("127.0.0.1:7800", Some("https://evil.example"), false),
            ("127.0.0.1:7800", Some("null"), false),
            ("evil.example:7800", None, false),
            ("127.0.0.1.evil.example", None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_local(&headers), local, "{host} {origin:?}");
        }
    }
}
