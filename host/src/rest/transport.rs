//! One HTTP client for all requests: connections, the token's header, time limits, rate limits, 429s waited out.
//!
//! Apart from `mod.rs` so that the token and the connection stay in one file.

use std::{
    error, fmt,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::{self, Instant};
use twilight_http_ratelimiting::RateLimiter;

use super::{Method, Request, Response, RestError, bucket, bucket::Lane};
use crate::{
    config::{ApiAddress, Token},
    network::{Service, Unreachable},
    telemetry::Faults,
};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one try may take, from the first byte sent to the last received.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a request without an answer holds up others of the same limit, such as further messages to its channel.
const SLOW: Duration = Duration::from_secs(1);
/// How often a 429 is waited out.
const RETRIES: u32 = 5;
/// After which times a request that failed for a fault of Discord's is sent again, if that can't do a thing twice.
const AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];
/// The longest time that a 429 is waited out; a longer one is handed on.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The largest answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Idle connections are closed after this; Discord's own limit is longer.
const IDLE: Duration = Duration::from_secs(30);
/// Who is asking, in the form that Discord requires (<https://discord.com/developers/docs/reference#user-agent>). The
/// project has no public address yet; another project's would send Discord to the wrong people.
const USER_AGENT: &str = concat!(
    "DiscordBot (https://example.org/bothost, ",
    env!("CARGO_PKG_VERSION"),
    ") bothost"
);

pub(super) struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    authorization: HeaderValue,
    limiter: RateLimiter,
    /// Until when nothing may be sent, since Discord said so for the whole bot. A lock of std: held for a look only.
    blocked_until: Mutex<Option<Instant>>,
    /// A lock of std: held for a look only.
    faults: Mutex<Faults>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Transport {
    pub(super) fn new(token: &Token, api: Option<&ApiAddress>, requests_per_second: u16) -> Result<Self, RestError> {
        let is_plain = api.is_some_and(|api| api.is_plain_http);
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        let tls = HttpsConnectorBuilder::new();
        let tls = if is_plain {
            // A plain service needs no certificates: a system without any can still speak to it.
            let config = ClientConfig::builder_with_provider(ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(|error| RestError::Tls(error.into()))?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            tls.with_tls_config(config)
        } else {
            tls.with_provider_and_platform_verifier(ring::default_provider())
                .map_err(|error| RestError::Tls(error.into()))?
        };
        let connector = tls.https_or_http().enable_http1().enable_http2().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let mut authorization =
            HeaderValue::try_from(format!("Bot {}", token.expose())).map_err(|_| RestError::Invalid("token"))?;
        authorization.set_sensitive(true);
        let scheme = if is_plain { "http" } else { "https" };
        let authority = api.map_or("discord.com", |api| api.authority.as_str());
        Ok(Self {
            client,
            base: format!("{scheme}://{authority}/api/v10"),
            authorization,
            limiter: RateLimiter::new(requests_per_second.max(1)),
            blocked_until: Mutex::new(None),
            faults: Mutex::default(),
        })
    }

    pub(super) async fn send(&self, mut request: Request) -> Result<Response, RestError> {
        let lane = Lane::of(request.method, &request.path);
        let body = Bytes::from(std::mem::take(&mut request.body));
        let mut tries = 0;
        let mut again = AGAIN
            .iter()
            .take(if may_be_repeated(&request) { AGAIN.len() } else { 0 });
        let mut is_repeated = false;
        loop {
            let http = self.http_request(&request, &lane, body.clone())?;
            let permit = match &lane {
                Lane::Callback => None,
                Lane::Webhook(endpoint) => Some(self.limiter.acquire(endpoint.clone()).await),
                Lane::Bot(endpoint) => {
                    self.unblocked().await;
                    Some(self.limiter.acquire(endpoint.clone()).await)
                }
            };
            let exchange = async {
                let mut permit = permit;
                let mut answer = pin!(self.client.request(http));
                let answer = match time::timeout(SLOW, &mut answer).await {
                    Ok(answer) => answer,
                    Err(_) => {
                        // The limiter lets one request of a bucket go at a time: one that hangs must not hold up the rest.
                        if let Some(permit) = permit.take() {
                            permit.complete(None);
                        }
                        answer.await
                    }
                };
                let answer = answer.map_err(|error| self.unreachable(error))?;
                // The bucket's next request need not wait for this one's body.
                if let Some(permit) = permit {
                    permit.complete(bucket::learned(answer.headers()));
                }
                let (head, body) = answer.into_parts();
                let body = Limited::new(body, MAX_ANSWER)
                    .collect()
                    .await
                    .map_err(|error| self.unreachable(error))?;
                Ok::<_, RestError>((head, body.to_bytes()))
            };
            let exchanged = time::timeout(ANSWER, exchange)
                .await
                .unwrap_or(Err(RestError::TimedOut));
            if let Some((why, may_pass)) = fault(&exchanged) {
                if self.is_to_be_told(&why) {
                    tracing::warn!(method = request.method.name(), "a request to Discord failed: {why}");
                }
                if may_pass && let Some(wait) = again.next() {
                    is_repeated = true;
                    time::sleep(*wait).await;
                    continue;
                }
            }
            let (head, body) = exchanged?;
            if head.status == http::StatusCode::TOO_MANY_REQUESTS && tries < RETRIES {
                let retry = bucket::retry(&head.headers, &body);
                if retry.is_global {
                    self.block(retry.after);
                }
                if retry.after <= LONGEST_WAIT {
                    tries += 1;
                    tracing::info!(
                        method = request.method.name(),
                        wait = ?retry.after,
                        is_global = retry.is_global,
                        "rate limited by Discord, waiting"
                    );
                    time::sleep(retry.after).await;
                    continue;
                }
            }
            if is_repeated && request.method == Method::Delete && head.status == http::StatusCode::NOT_FOUND {
                // The first try has deleted it, and its answer was lost.
                return Ok(Response {
                    status: http::StatusCode::NO_CONTENT.as_u16(),
                    body: Bytes::new(),
                });
            }
            return Ok(Response {
                status: head.status.as_u16(),
                body,
            });
        }
    }

    fn http_request(
        &self,
        request: &Request,
        lane: &Lane,
        body: Bytes,
    ) -> Result<http::Request<Full<Bytes>>, RestError> {
        let mut builder = http::Request::builder()
            .method(request.method.name())
            .uri(format!("{}{}", self.base, request.path))
            .header(header::USER_AGENT, USER_AGENT);
        if matches!(lane, Lane::Bot(_)) {
            builder = builder.header(header::AUTHORIZATION, self.authorization.clone());
        }
        if !body.is_empty() {
            let kind = request.content_type.as_deref().unwrap_or("application/json");
            builder = builder.header(header::CONTENT_TYPE, kind);
        } else if !matches!(request.method, Method::Get | Method::Delete) {
            builder = builder.header(header::CONTENT_LENGTH, 0);
        }
        if let Some(reason) = &request.reason {
            builder = builder.header("x-audit-log-reason", percent_encoded(reason));
        }
        builder
            .body(Full::new(body))
            .map_err(|_| RestError::Invalid("path or content type"))
    }

    fn unreachable(&self, error: impl Into<Box<dyn error::Error + Send + Sync>>) -> RestError {
        let address = self.base.trim_end_matches("/api/v10");
        RestError::Unreachable(Unreachable::new(Service::Api, address, error))
    }

    fn is_to_be_told(&self, fault: &str) -> bool {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.note(fault, std::time::Instant::now()).is_some()
    }

    async fn unblocked(&self) {
        loop {
            let until = *self.blocked_until.lock().unwrap_or_else(PoisonError::into_inner);
            match until {
                Some(until) if until > Instant::now() => time::sleep_until(until).await,
                _ => return,
            }
        }
    }

    fn block(&self, time: Duration) {
        let until = Instant::now() + time.min(LONGEST_WAIT);
        let mut blocked_until = self.blocked_until.lock().unwrap_or_else(PoisonError::into_inner);
        *blocked_until = Some(blocked_until.map_or(until, |earlier| earlier.max(until)));
    }
}

/// What is wrong where Discord or the way to it is at fault, and whether another try may help.
fn fault(exchanged: &Result<(http::response::Parts, Bytes), RestError>) -> Option<(String, bool)> {
    match exchanged {
        Ok((head, _)) if matches!(head.status.as_u16(), 500 | 502..=504) => {
            Some((format!("it answered with status {}", head.status.as_u16()), true))
        }
        Ok(_) => None,
        Err(RestError::Unreachable(error)) => Some((error.to_string(), !error.needs_the_owner())),
        Err(error @ RestError::TimedOut) => Some((error.to_string(), false)),
        Err(_) => None,
    }
}

/// Whether a request can be sent twice without doing a thing twice: not one that makes something, nor an edit that adds
/// files.
fn may_be_repeated(request: &Request) -> bool {
    match request.method {
        Method::Post => false,
        Method::Patch => request.content_type.is_none(),
        Method::Get | Method::Put | Method::Delete => true,
    }
}

/// A reason as a header takes it: letters, digits and a few signs plain, every other byte as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'.' | b'~' | b'!' | b',' | b':') {
            out.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn reasons_are_encoded_for_a_header() {
        assert_eq!(percent_encoded("spam, 3rd time: 100%"), "spam, 3rd time: 100%25");
        assert_eq!(percent_encoded("ä\r\n\u{1f44d}"), "%C3%A4%0D%0A%F0%9F%91%8D");
    }
}
