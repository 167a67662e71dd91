//! Rate-limit headers. Generous: each bucket allows far more than anybody sends, so that clients see true headers and
//! never wait. Faults that tests ask for (a status, a 429) are kept here too.
//!
//! <https://discord.com/developers/docs/topics/rate-limits>

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::ids;

/// Requests per bucket and window.
const LIMIT: u64 = 100_000;
const WINDOW: Duration = Duration::from_secs(1);
/// Buckets remembered; past that the oldest state is dropped.
const BUCKETS: usize = 4_096;

/// Whether answers carry rate-limit headers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RateLimits {
    /// No headers, no limit.
    Off,
    /// Headers as Discord sends them, with limits that nobody reaches.
    #[default]
    Generous,
}

/// What the next REST request gets instead of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// An error status with an empty error body.
    Status(u16),
    /// 429 for the request's bucket.
    RateLimited(Duration),
}

/// How much of each bucket is used.
#[derive(Debug)]
pub(crate) struct Limits {
    mode: RateLimits,
    buckets: HashMap<String, (Instant, u64)>,
}

impl Limits {
    pub(crate) fn new(mode: RateLimits) -> Self {
        Self {
            mode,
            buckets: HashMap::new(),
        }
    }

    /// Counts a request and gives the headers of its answer.
    pub(crate) fn count(&mut self, method: &str, path: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.mode == RateLimits::Off {
            return headers;
        }
        let (route, major) = route_of(method, path);
        let now = Instant::now();
        if self.buckets.len() > BUCKETS {
            self.buckets.clear();
        }
        let (since, used) = self.buckets.entry(format!("{route}{major}")).or_insert((now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *used) = (now, 0);
        }
        *used += 1;
        let left = WINDOW.saturating_sub(now.duration_since(*since)).as_secs_f64();
        let reset = ids::unix_ms() as f64 / 1000.0 + left;
        set(&mut headers, "x-ratelimit-limit", &LIMIT.to_string());
        set(
            &mut headers,
            "x-ratelimit-remaining",
            &LIMIT.saturating_sub(*used).max(1).to_string(),
        );
        set(&mut headers, "x-ratelimit-reset", &format!("{reset:.3}"));
        set(&mut headers, "x-ratelimit-reset-after", &format!("{left:.3}"));
        set(&mut headers, "x-ratelimit-bucket", &bucket_name(&route));
        headers
    }

    /// The headers that make a 429 of an answer's headers.
    pub(crate) fn limited(headers: &mut HeaderMap, after: Duration) {
        set(headers, "x-ratelimit-remaining", "0");
        set(
            headers,
            "x-ratelimit-reset-after",
            &format!("{:.3}", after.as_secs_f64()),
        );
        set(
            headers,
            "x-ratelimit-reset",
            &format!("{:.3}", ids::unix_ms() as f64 / 1000.0 + after.as_secs_f64()),
        );
        set(headers, "x-ratelimit-scope", "user");
        set(headers, "retry-after", &after.as_secs_f64().ceil().to_string());
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// The route of a path, with ids left out, and its major id (channel, guild, or webhook with token).
fn route_of(method: &str, path: &[&str]) -> (String, String) {
    let mut route = method.to_owned();
    let mut major = String::new();
    for (at, part) in path.iter().enumerate() {
        route.push('/');
        let of_webhook = matches!(path.first(), Some(&("webhooks" | "interactions")));
        if at == 1 && matches!(path[0], "channels" | "guilds" | "webhooks" | "interactions") {
            major.push_str(part);
            route.push_str(":major");
        } else if at == 2 && of_webhook {
            major.push_str(part);
            route.push_str(":token");
        } else if at > 0 && path[at - 1] == "reactions" {
            route.push_str(":emoji");
        } else if part.bytes().all(|byte| byte.is_ascii_digit()) {
            route.push_str(":id");
        } else {
            route.push_str(part);
        }
    }
    (route, major)
}

/// A stable name for a route, as opaque as Discord's.
fn bucket_name(route: &str) -> String {
    let hash = route.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}{:016x}", hash.rotate_left(32) ^ 0x5bd1_e995)
}

#[cfg(test)]
mod tests {
    use super::{Limits, RateLimits, route_of};

    #[test]
    fn buckets_follow_route_and_major_id() {
        let route = |path: &str| route_of("GET", &path.split('/').collect::<Vec<_>>());
        assert_eq!(route("channels/1/messages/5").0, route("channels/2/messages/6").0);
        assert_ne!(route("channels/1/messages/5").1, route("channels/2/messages/6").1);
        assert_eq!(route("webhooks/1/tok/messages/@original").1, "1tok");
        assert_eq!(
            route("channels/1/messages/5/reactions/%F0/@me").0,
            "GET/channels/:major/messages/:id/reactions/:emoji/@me"
        );
    }

    #[test]
    fn generous_limits_never_say_zero() {
        let mut limits = Limits::new(RateLimits::Generous);
        for _ in 0..10 {
            let headers = limits.count("GET", &["users", "@me"]);
            assert_ne!(headers["x-ratelimit-remaining"], "0");
            assert_eq!(headers["x-ratelimit-limit"], "100000");
        }
        assert!(Limits::new(RateLimits::Off).count("GET", &["users"]).is_empty());
    }
}
