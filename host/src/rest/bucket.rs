//! Rate limits: which requests share one, and what Discord's headers say. Pure.
//!
//! The limiter keys what it learns by endpoint, so ids that don't count towards a limit are taken out of the path first:
//! then editing a thousand messages is one endpoint, whose limit is known after the first.
//! <https://discord.com/developers/docs/topics/rate-limits>

use std::time::{Duration, Instant};

use http::HeaderMap;
use serde::Deserialize;
use twilight_http_ratelimiting::{Endpoint, RateLimitHeaders};

use super::Method;

/// Which limits hold for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Route limits, and the bot's requests a second. Sent with the bot's token.
    Bot(Endpoint),
    /// A webhook's limits, without the bot's requests a second. Its token is in the path.
    Webhook(Endpoint),
    /// The first answer to an interaction: it has 3 seconds and no limit. Its token is in the path.
    Callback,
}

impl Lane {
    /// The lane of a path that begins with a slash.
    pub(super) fn of(method: Method, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default().trim_start_matches('/');
        let segments: Vec<&str> = path.split('/').collect();
        match segments[..] {
            ["interactions", _, _, "callback"] => return Self::Callback,
            ["webhooks", id, token, ..] => {
                let rest = &segments[3..];
                let mut kept = format!("webhooks/{id}/{token}");
                push_normalised(&mut kept, rest);
                return Self::Webhook(endpoint(method, kept));
            }
            _ => {}
        }
        // Not at the front of the path, but a server's own all the same: of many servers, none waits for the others.
        if let ["applications", _, "guilds", guild, rest @ ..] = &segments[..]
            && let Some((application, rest)) = rest.split_first()
            && rest == ["permissions"]
        {
            return Self::Bot(endpoint(
                method,
                format!("guilds/{guild}/applications/_/{application}/permissions"),
            ));
        }
        let is_major = matches!(segments[0], "channels" | "guilds" | "webhooks");
        let kept = if is_major { 2 } else { 1 }.min(segments.len());
        let mut normalised = segments[..kept].join("/");
        push_normalised(&mut normalised, &segments[kept..]);
        Self::Bot(endpoint(method, normalised))
    }
}

fn push_normalised(path: &mut String, segments: &[&str]) {
    let mut follows_reactions = false;
    for segment in segments {
        path.push('/');
        let is_word = segment.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if follows_reactions || !(is_word || segment.starts_with('@')) {
            path.push('_');
        } else {
            path.push_str(segment);
        }
        follows_reactions = *segment == "reactions";
    }
}

fn endpoint(method: Method, path: String) -> Endpoint {
    use twilight_http_ratelimiting::Method as Limited;
    Endpoint {
        method: match method {
            Method::Get => Limited::Get,
            Method::Post => Limited::Post,
            Method::Put => Limited::Put,
            Method::Patch => Limited::Patch,
            Method::Delete => Limited::Delete,
        },
        path,
    }
}

/// What the headers of an answer say of its bucket; `None` if they say nothing of it.
pub(super) fn learned(headers: &HeaderMap) -> Option<RateLimitHeaders> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let bucket = text(RateLimitHeaders::BUCKET)?.as_bytes().to_vec();
    match text(RateLimitHeaders::SCOPE) {
        Some("global") => None,
        Some("shared") => {
            let seconds = text("retry-after")?.parse::<f64>().ok()?.ceil();
            #[expect(clippy::cast_sign_loss, reason = "clamped to the type's range")]
            let seconds = seconds.clamp(0.0, f64::from(u16::MAX)) as u16;
            Some(RateLimitHeaders::shared(bucket, seconds))
        }
        _ => Some(RateLimitHeaders {
            bucket,
            limit: text(RateLimitHeaders::LIMIT)?.parse().ok()?,
            remaining: text(RateLimitHeaders::REMAINING)?.parse().ok()?,
            reset_at: Instant::now() + seconds(text(RateLimitHeaders::RESET_AFTER)?)?,
        }),
    }
}

/// How a 429 wants to be waited out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retry {
    /// How long.
    pub(super) after: Duration,
    /// Whether nothing at all may be sent until then.
    pub(super) is_global: bool,
}

/// Reads a 429: its headers, else its body, else one second.
pub(super) fn retry(headers: &HeaderMap, body: &[u8]) -> Retry {
    #[derive(Default, Deserialize)]
    struct Body {
        #[serde(default)]
        retry_after: Option<f64>,
        #[serde(default)]
        global: bool,
    }
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let body: Body = serde_json::from_slice(body).unwrap_or_default();
    // The body's number is exact where the header's is rounded up.
    let after = body
        .retry_after
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .or_else(|| seconds(text("retry-after")?))
        .unwrap_or(Duration::from_secs(1));
    let is_global =
        body.global || text("x-ratelimit-global").is_some() || text(RateLimitHeaders::SCOPE) == Some("global");
    Retry { after, is_global }
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(path: &str) -> String {
        match Lane::of(Method::Get, path) {
            Lane::Bot(endpoint) => format!("bot {}", endpoint.path),
            Lane::Webhook(endpoint) => format!("webhook {}", endpoint.path),
            Lane::Callback => "callback".to_owned(),
        }
    }

    #[test]
    fn requests_that_share_a_limit_share_an_endpoint() {
        for (path, expected) in [
            ("/channels/1/messages/2", "bot channels/1/messages/_"),
            ("/channels/1/messages?limit=5", "bot channels/1/messages"),
            (
                "/channels/1/messages/2/reactions/%F0%9F%91%8D/@me",
                "bot channels/1/messages/_/reactions/_/@me",
            ),
            (
                "/channels/1/messages/2/reactions/name:3/4",
                "bot channels/1/messages/_/reactions/_/_",
            ),
            ("/guilds/1/members/2/roles/3", "bot guilds/1/members/_/roles/_"),
            ("/users/@me/channels", "bot users/@me/channels"),
            ("/users/1", "bot users/_"),
            ("/invites/aBc", "bot invites/_"),
            (
                "/applications/1/guilds/2/commands",
                "bot applications/_/guilds/_/commands",
            ),
            (
                "/applications/1/guilds/2/commands/permissions",
                "bot guilds/2/applications/_/commands/permissions",
            ),
            ("/webhooks/1", "bot webhooks/1"),
            ("/webhooks/1/tOkEn", "webhook webhooks/1/tOkEn"),
            (
                "/webhooks/1/tOkEn/messages/@original",
                "webhook webhooks/1/tOkEn/messages/@original",
            ),
            ("/webhooks/1/tOkEn/messages/5", "webhook webhooks/1/tOkEn/messages/_"),
            ("/interactions/1/tOkEn/callback?with_response=true", "callback"),
        ] {
            assert_eq!(lane(path), expected, "{path}");
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn the_headers_of_a_success_teach_the_bucket() {
        let learned = learned(&headers(&[
            ("x-ratelimit-bucket", "abcd"),
            ("x-ratelimit-limit", "5"),
            ("x-ratelimit-remaining", "4"),
            ("x-ratelimit-reset-after", "1.25"),
        ]))
        .unwrap();
        assert_eq!(
            (learned.bucket.as_slice(), learned.limit, learned.remaining),
            (&b"abcd"[..], 5, 4)
        );
        assert!(super::learned(&headers(&[])).is_none());
        assert!(super::learned(&headers(&[("x-ratelimit-bucket", "a"), ("x-ratelimit-limit", "many")])).is_none());
    }

    #[test]
    fn a_shared_limit_empties_the_bucket_and_a_global_one_does_not() {
        let shared = learned(&headers(&[
            ("x-ratelimit-bucket", "abcd"),
            ("x-ratelimit-scope", "shared"),
            ("x-ratelimit-remaining", "9"),
            ("retry-after", "2"),
        ]))
        .unwrap();
        assert_eq!((shared.limit, shared.remaining), (0, 0));
        assert!(
            learned(&headers(&[
                ("x-ratelimit-bucket", "a"),
                ("x-ratelimit-scope", "global")
            ]))
            .is_none()
        );
    }

    #[test]
    fn a_429_tells_how_long_to_wait() {
        for (pairs, body, millis, is_global) in [
            (&[("retry-after", "65")][..], "", 65_000, false),
            (
                &[("retry-after", "1")],
                r#"{"message":"x","retry_after":0.25,"global":false}"#,
                250,
                false,
            ),
            (&[("retry-after", "2"), ("x-ratelimit-global", "true")], "", 2_000, true),
            (&[], r#"{"retry_after":1.5,"global":true}"#, 1_500, true),
            (&[], "<html>", 1_000, false),
            (&[("retry-after", "soon")], r#"{"retry_after":-1}"#, 1_000, false),
        ] {
            let retry = retry(&headers(pairs), body.as_bytes());
            assert_eq!(
                (retry.after.as_millis(), retry.is_global),
                (millis, is_global),
                "{pairs:?} {body}"
            );
        }
    }
}
