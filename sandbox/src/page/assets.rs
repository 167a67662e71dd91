//! The page's files, built into the program: no files on disk, nothing from elsewhere.
//!
//! A file that is not in the list does not exist; the policy sent along lets the page run no script from elsewhere. Who
//! works on the page sets `SANDBOX_PAGE` to its folder, and reloads: the files are then read from there each time.

use std::borrow::Cow;

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Nothing but the page's own files and this server may be loaded.
const POLICY: &str = "default-src 'none'; frame-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self'; \
     connect-src 'self' ws:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../page/", $name)))),*]
    };
}

const INDEX: &str = include_str!("../../page/index.html");
const FILES: &[(&str, &str)] = files![
    "app.js",
    "audit.js",
    "build.js",
    "component.js",
    "composer.js",
    "dom.js",
    "embed.js",
    "emoji.js",
    "files.js",
    "forum.css",
    "forum.js",
    "highlight.js",
    "interaction.js",
    "json.js",
    "limits.js",
    "live.js",
    "markdown.js",
    "menus.js",
    "message.js",
    "messages.css",
    "narrow.css",
    "order.js",
    "panels.css",
    "people.js",
    "permissions.js",
    "picker.js",
    "places.js",
    "poll.js",
    "recording.js",
    "results.js",
    "server.js",
    "settings.js",
    "slash.js",
    "start.js",
    "state.js",
    "style.css",
    "switcher.js",
    "threads.js",
    "time.js",
    "timeline.js",
    "traffic.js",
    "unread.js",
];

/// `/`
pub(crate) async fn index(headers: &HeaderMap) -> Response {
    if !super::is_local(headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    respond("text/html; charset=utf-8", current("index.html", INDEX).await)
}

/// The file as it is in the folder that `SANDBOX_PAGE` names, or as it was built in.
async fn current(name: &str, built_in: &'static str) -> Cow<'static, str> {
    if let Some(folder) = std::env::var_os("SANDBOX_PAGE")
        && let file = std::path::Path::new(&folder).join(name)
        && let Ok(Ok(text)) = tokio::task::spawn_blocking(|| std::fs::read_to_string(file)).await
    {
        return Cow::Owned(text);
    }
    Cow::Borrowed(built_in)
}

/// `/page/NAME`
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let Some((_, text)) = FILES.iter().find(|(file, _)| *file == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let is_style = std::path::Path::new(&name)
        .extension()
        .is_some_and(|extension| extension == "css");
    respond(
        if is_style {
            "text/css; charset=utf-8"
        } else {
            "text/javascript; charset=utf-8"
        },
        current(&name, text).await,
    )
}

fn respond(kind: &'static str, text: Cow<'static, str>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, text).into_response()
}
