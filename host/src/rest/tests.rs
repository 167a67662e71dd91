//! The client against a server on loopback: what goes over the wire, and how limits and faults are met.
//!
//! The server answers each request as its script says and keeps what arrived; nothing reaches Discord.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Method as HttpMethod, StatusCode, Uri},
    response::IntoResponse,
};
use tokio::{net::TcpListener, sync::Semaphore};

use super::*;

const TOKEN: &str = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";

#[derive(Clone, Debug)]
struct Seen {
    method: String,
    uri: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type Answer = Box<dyn Fn(usize, &Seen) -> (u16, Vec<(&'static str, &'static str)>, String) + Send + Sync>;

#[derive(Clone)]
struct Server {
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Answer>,
    /// Requests are answered once this has a permit for each.
    gate: Arc<Semaphore>,
    under_way: Arc<AtomicUsize>,
    most_under_way: Arc<AtomicUsize>,
}

impl Server {
    async fn start(
        answer: impl Fn(usize, &Seen) -> (u16, Vec<(&'static str, &'static str)>, String) + Send + Sync + 'static,
    ) -> (Self, Rest) {
        let server = Self {
            seen: Arc::default(),
            answer: Arc::new(Box::new(answer)),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            under_way: Arc::default(),
            most_under_way: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(serve).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, rest(address))
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    State(server): State<Server>,
    method: HttpMethod,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let seen = Seen {
        method: method.to_string(),
        uri: uri.to_string(),
        headers,
        body,
    };
    let number = {
        let mut all = server.seen.lock().unwrap();
        all.push(seen.clone());
        all.len()
    };
    let under_way = server.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    server.most_under_way.fetch_max(under_way, Ordering::SeqCst);
    server.gate.acquire().await.unwrap().forget();
    server.under_way.fetch_sub(1, Ordering::SeqCst);
    let (status, headers, body) = (server.answer)(number, &seen);
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    (StatusCode::from_u16(status).unwrap(), headers, body)
}

fn rest(address: SocketAddr) -> Rest {
    let api = ApiAddress {
        authority: address.to_string(),
        is_plain_http: true,
    };
    Rest::new(&TOKEN.parse().unwrap(), Some(&api), 1000).unwrap()
}

fn ok(_: usize, _: &Seen) -> (u16, Vec<(&'static str, &'static str)>, String) {
    (200, vec![], "{}".to_owned())
}

#[tokio::test]
async fn a_request_arrives_as_discord_wants_it() {
    let (server, rest) = Server::start(ok).await;
    let mut request = Request::new(Method::Post, "/channels/1/messages?x=y").with_body("{\"content\":\"hi\"}");
    request.reason = Some("größer".to_owned());
    let response = rest.send(request).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"{}"[..]));
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.uri.as_str()),
        ("POST", "/api/v10/channels/1/messages?x=y")
    );
    assert_eq!(seen.header("authorization"), Some(format!("Bot {TOKEN}").as_str()));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("x-audit-log-reason"), Some("gr%C3%B6%C3%9Fer"));
    assert!(seen.header("user-agent").unwrap().starts_with("DiscordBot (http"));
    assert_eq!(&seen.body[..], b"{\"content\":\"hi\"}");
}

#[tokio::test]
async fn paths_with_a_token_of_their_own_go_without_the_bots() {
    let (server, rest) = Server::start(ok).await;
    for path in [
        "/interactions/1/t/callback",
        "/webhooks/1/t",
        "/webhooks/1/t/messages/@original",
    ] {
        rest.send(Request::new(Method::Post, path).with_body("{}"))
            .await
            .unwrap();
    }
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_none()));
    rest.send(Request::new(Method::Get, "/webhooks/1")).await.unwrap();
    assert!(server.seen()[3].header("authorization").is_some());
}

#[tokio::test]
async fn any_status_is_an_answer() {
    let (_, rest) = Server::start(|_, seen| {
        let status = seen.uri.rsplit('/').next().unwrap().parse().unwrap();
        (status, vec![], "<html>no JSON</html>".to_owned())
    })
    .await;
    for status in [400, 401, 403, 404, 500, 502] {
        let response = rest
            .send(Request::new(Method::Post, format!("/users/{status}")))
            .await
            .unwrap();
        assert_eq!((response.status, response.body.len()), (status, 20));
        assert!(!response.is_success());
    }
}

#[tokio::test]
async fn what_can_not_happen_twice_is_sent_again_after_a_fault_of_discords() {
    let (server, rest) = Server::start(|number, _| match number {
        1 => (502, vec![], "<html>".to_owned()),
        2 => (503, vec![], String::new()),
        _ => (200, vec![], "{}".to_owned()),
    })
    .await;
    let response = rest.send(Request::new(Method::Get, "/users/@me")).await.unwrap();
    assert_eq!((response.status, server.seen().len()), (200, 3));
    let (server, rest) = Server::start(|_, _| (502, vec![], String::new())).await;
    let response = rest
        .send(Request::new(Method::Post, "/channels/1/messages"))
        .await
        .unwrap();
    assert_eq!((response.status, server.seen().len()), (502, 1));
    // Files of an edit would be added twice.
    let mut edit = Request::new(Method::Patch, "/channels/1/messages/2");
    edit.content_type = Some("multipart/form-data; boundary=x".to_owned());
    let (server, rest) = Server::start(|_, _| (502, vec![], String::new())).await;
    assert_eq!(rest.send(edit).await.unwrap().status, 502);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_is_gone_at_the_second_try_was_deleted_by_the_first() {
    let (_server, rest) = Server::start(|number, _| match number {
        1 => (502, vec![], String::new()),
        _ => (404, vec![], "{}".to_owned()),
    })
    .await;
    let delete = || Request::new(Method::Delete, "/channels/1/messages/2");
    assert_eq!(rest.send(delete()).await.unwrap().status, 204);
    assert_eq!(rest.send(delete()).await.unwrap().status, 404, "told at the first try");
}

#[tokio::test]
async fn no_server_is_an_error_with_a_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = rest(address)
        .send(Request::new(Method::Get, "/users/@me"))
        .await
        .unwrap_err();
    assert!(matches!(error, RestError::Unreachable(_)));
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains("nothing listens"),
        "{text}"
    );
}

#[tokio::test]
async fn a_429_is_waited_out_and_tried_again() {
    for headers in [
        vec![("retry-after", "0"), ("x-ratelimit-scope", "user")],
        vec![
            ("retry-after", "0"),
            ("x-ratelimit-scope", "global"),
            ("x-ratelimit-global", "true"),
        ],
        vec![
            ("retry-after", "0"),
            ("x-ratelimit-scope", "shared"),
            ("x-ratelimit-bucket", "b"),
        ],
        vec![],
    ] {
        let (server, rest) = Server::start(move |number, _| match number {
            1 | 2 => (
                429,
                headers.clone(),
                "{\"message\":\"x\",\"retry_after\":0.01}".to_owned(),
            ),
            _ => (200, vec![], "{}".to_owned()),
        })
        .await;
        let response = rest.send(Request::new(Method::Get, "/channels/1")).await.unwrap();
        assert_eq!((response.status, server.seen().len()), (200, 3));
    }
}

#[tokio::test]
async fn a_429_that_never_ends_or_lasts_too_long_is_handed_on() {
    let (server, rest) = Server::start(|_, _| (429, vec![], "{\"message\":\"x\",\"retry_after\":0}".to_owned())).await;
    let response = rest.send(Request::new(Method::Get, "/channels/1")).await.unwrap();
    assert_eq!((response.status, server.seen().len()), (429, 6));
    let (server, rest) = Server::start(|_, _| (429, vec![("retry-after", "3600")], String::new())).await;
    let response = rest.send(Request::new(Method::Get, "/channels/1")).await.unwrap();
    assert_eq!((response.status, server.seen().len()), (429, 1));
}

#[tokio::test]
async fn callbacks_wait_for_nothing_while_a_channels_messages_go_one_by_one() {
    let (server, rest) = Server::start(ok).await;
    let gate = Arc::clone(&server.gate);
    gate.forget_permits(Semaphore::MAX_PERMITS);
    let callbacks: Vec<_> = (1..=20)
        .map(|id| {
            let rest = rest.clone();
            tokio::spawn(async move {
                rest.send(Request::new(Method::Post, format!("/interactions/{id}/t/callback")))
                    .await
            })
        })
        .collect();
    while server.under_way.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(20);
    for callback in callbacks {
        assert_eq!(callback.await.unwrap().unwrap().status, 200);
    }
    server.most_under_way.store(0, Ordering::SeqCst);
    gate.add_permits(20);
    let messages: Vec<_> = (1..=20)
        .map(|_| {
            let rest = rest.clone();
            tokio::spawn(async move { rest.send(Request::new(Method::Post, "/channels/1/messages")).await })
        })
        .collect();
    for message in messages {
        assert_eq!(message.await.unwrap().unwrap().status, 200);
    }
    assert_eq!(server.most_under_way.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_plugins_request_is_checked_before_it_leaves() {
    let (server, rest) = Server::start(ok).await;
    for path in [
        "/interactions/1/t/callback",
        "/webhooks/175928847299117063/t",
        "/oauth2/token",
        "/../x",
    ] {
        let refusal = rest
            .send_for_plugin("p", Request::new(Method::Post, path))
            .await
            .unwrap_err();
        assert!(
            matches!(refusal.code, ProblemCode::NotGranted | ProblemCode::Invalid),
            "{path}"
        );
    }
    let application = "/webhooks/42/t";
    rest.send_for_plugin("p", Request::new(Method::Get, application))
        .await
        .unwrap();
    rest.set_application_id(ApplicationId::new(42).unwrap());
    assert!(
        rest.send_for_plugin("p", Request::new(Method::Get, application))
            .await
            .is_err()
    );
    rest.send_for_plugin(
        "p",
        Request::new(Method::Post, "/channels/1/messages").with_body("{\"content\":\"@everyone\"}"),
    )
    .await
    .unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    let sent: serde_json::Value = serde_json::from_slice(&seen[1].body).unwrap();
    assert_eq!(sent["allowed_mentions"]["parse"], serde_json::json!([]));
}

#[tokio::test]
async fn nothing_that_is_shown_holds_the_token() {
    let (_, rest) = Server::start(ok).await;
    assert!(!format!("{rest:?}").contains(TOKEN));
    let error = rest.send(Request::new(Method::Get, "/a b")).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains(TOKEN));
}
