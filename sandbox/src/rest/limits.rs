//! Rate limits as Discord counts them: per route and major parameter, over all routes, and of invalid requests; with the
//! headers that tell clients. It decides and words nothing else: time is handed in, so that tests need not wait.
//!
//! Discord publishes the rules but not the numbers: [`QUOTAS`] are this sandbox's own choice, near to what bots observe.
//!
//! <https://discord.com/developers/docs/topics/rate-limits>

mod usage;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::template;
use crate::ids;

/// Requests and window of every bucket when limits are generous.
const GENEROUS: (u64, Duration) = (100_000, Duration::from_secs(1));
/// Buckets remembered; past that those whose window is over are dropped.
const BUCKETS: usize = 4_096;
/// Requests a second over all routes but those of interactions.
const GLOBAL: (u64, Duration) = (50, Duration::from_secs(1));
/// Answers 401, 403 and 429 (but shared ones), after which Discord's network shuts a caller out until the window ends.
const INVALID: (u64, Duration) = (10_000, Duration::from_secs(600));

/// A route's quota: methods, template, requests in a window, and what the window is shared by.
struct Quota {
    methods: &'static [&'static str],
    template: &'static str,
    limit: u64,
    window: Duration,
    scope: Scope,
}

const fn quota(methods: &'static [&'static str], template: &'static str, limit: u64, window_ms: u64) -> Quota {
    Quota {
        methods,
        template,
        limit,
        window: Duration::from_millis(window_ms),
        scope: Scope::User,
    }
}

/// What each route allows when limits are real; the first that fits counts. Methods of one row share a bucket.
const QUOTAS: &[Quota] = &[
    quota(&["POST"], "/channels/{}/messages", 5, 5_000),
    quota(&["GET"], "/channels/{}/messages", 10, 5_000),
    quota(&["POST"], "/channels/{}/messages/bulk-delete", 1, 1_000),
    quota(&["PATCH"], "/channels/{}/messages/{}", 5, 5_000),
    quota(&["DELETE"], "/channels/{}/messages/{}", 5, 1_000),
    quota(&["PUT", "DELETE"], "/channels/{}/messages/{}/reactions/{}/@me", 1, 250),
    quota(&["PUT", "DELETE"], "/channels/{}/messages/{}/reactions/{}/{}", 1, 250),
    quota(&["PUT", "DELETE"], "/channels/{}/pins/{}", 5, 4_000),
    quota(&["PUT", "DELETE"], "/channels/{}/messages/pins/{}", 5, 4_000),
    quota(&["POST"], "/channels/{}/typing", 5, 5_000),
    quota(&["PATCH"], "/channels/{}", 5, 15_000),
    quota(&["POST"], "/guilds/{}/channels", 10, 10_000),
    quota(&["GET"], "/guilds/{}/members", 10, 10_000),
    quota(&["PATCH"], "/guilds/{}/members/@me", 1, 2_000),
    quota(&["PATCH"], "/guilds/{}/members/{}", 10, 10_000),
    quota(&["PUT", "DELETE"], "/guilds/{}/members/{}/roles/{}", 10, 10_000),
    quota(&["PUT", "DELETE"], "/guilds/{}/bans/{}", 10, 10_000),
    quota(&["PATCH"], "/users/@me", 2, 3_600_000),
    quota(&["POST"], "/users/@me/channels", 10, 10_000),
    quota(&["PUT"], "/applications/{}/commands", 2, 60_000),
    quota(&["POST"], "/applications/{}/commands", 5, 20_000),
    quota(&["PUT"], "/applications/{}/guilds/{}/commands", 2, 60_000),
    quota(&["POST"], "/applications/{}/guilds/{}/commands", 5, 20_000),
    quota(&["POST"], "/webhooks/{}/{}", 5, 2_000),
    quota(&["PATCH", "DELETE", "GET"], "/webhooks/{}/{}/messages/{}", 5, 2_000),
    quota(&["GET"], "/gateway/bot", 2, 5_000),
    // Of the guild, whoever asks: others may have used it up.
    Quota {
        scope: Scope::Shared,
        ..quota(&["GET"], "/guilds/{}/emojis", 30, 30_000)
    },
];
/// What bots run into beside a route's bucket: a channel is renamed twice in ten minutes, and messages are deleted at a pace
/// that depends on their age.
const RENAMES: Quota = quota(&["PATCH"], "/channels/{}", 2, 600_000);
const FRESH_DELETES: Quota = quota(&["DELETE"], "/channels/{}/messages/{}", 3, 1_000);
const OLD_DELETES: Quota = quota(&["DELETE"], "/channels/{}/messages/{}", 30, 120_000);
/// Younger than this (10 s), or older than that (two weeks), in milliseconds.
const FRESH_MS: u64 = 10_000;
const OLD_MS: u64 = 14 * 24 * 60 * 60 * 1000;

/// What a limit depends on besides the route.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Particulars {
    /// Whether a channel gets another name or topic.
    pub(crate) renames: bool,
    /// The world's time, in milliseconds since 1970.
    pub(crate) now_ms: u64,
}

impl Particulars {
    /// The narrower limit that counts instead of the route's.
    fn quota(self, method: &str, path: &[&str]) -> Option<Quota> {
        match (method, path) {
            ("PATCH", ["channels", _]) if self.renames => Some(RENAMES),
            ("DELETE", ["channels", _, "messages", id]) => {
                let age = self.now_ms.saturating_sub(ids::created_ms(id.parse().ok()?));
                match age {
                    0..FRESH_MS => Some(FRESH_DELETES),
                    OLD_MS.. => Some(OLD_DELETES),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// What all other routes allow.
const OTHERS: (u64, Duration) = (20, Duration::from_secs(5));

/// How rate limits are counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RateLimits {
    /// No headers, no limit.
    Off,
    /// Headers as Discord sends them, with limits that nobody reaches.
    #[default]
    Generous,
    /// Like Discord's: buckets per route, 50 requests a second in all, and no patience with invalid requests.
    Real,
}

/// What a 429 says about whose limit it is (`X-RateLimit-Scope`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The bot's own limit of the route.
    User,
    /// The bot's limit over all routes.
    Global,
    /// The limit of a resource that others use too.
    Shared,
}

impl Scope {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Global => "global",
            Self::Shared => "shared",
        }
    }
}

/// What the limits say to a request.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It may be served; these headers go with its answer.
    Served(HeaderMap),
    /// 429, for so long.
    Limited(HeaderMap, Scope, Duration),
    /// Too many invalid requests: Discord's network answers, not its API.
    ShutOut(Duration),
}

/// One window of one counter.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    used: u64,
}

impl Window {
    /// Goes on to the next window if this one is over; says how much of it is left.
    fn turn(&mut self, now: Instant, length: Duration) -> Duration {
        if now.duration_since(self.since) >= length {
            *self = Self { since: now, used: 0 };
        }
        length.saturating_sub(now.duration_since(self.since))
    }
}

/// One route's counter, with what it allows.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    window: Window,
    length: Duration,
    limit: u64,
}

/// How much of each limit is used.
#[derive(Debug)]
pub(crate) struct Limits {
    mode: RateLimits,
    buckets: HashMap<String, Bucket>,
    global: Option<Window>,
    invalid: Option<Window>,
}

impl Limits {
    pub(crate) fn new(mode: RateLimits) -> Self {
        Self {
            mode,
            buckets: HashMap::new(),
            global: None,
            invalid: None,
        }
    }

    /// Whether limits are Discord's.
    pub(crate) fn is_real(&self) -> bool {
        self.mode == RateLimits::Real
    }

    /// Counts a request; `path` is below the version, in parts.
    pub(crate) fn count(&mut self, now: Instant, method: &str, path: &[&str], more: Particulars) -> Verdict {
        if self.mode == RateLimits::Off {
            return Verdict::Served(HeaderMap::new());
        }
        let is_real = self.mode == RateLimits::Real;
        if is_real {
            if let Some(left) = self.shut_out(now) {
                return Verdict::ShutOut(left);
            }
            let is_of_interaction = matches!(path, ["interactions", ..] | ["webhooks", _, _, ..]);
            if !is_of_interaction {
                let global = self.global.get_or_insert(Window { since: now, used: 0 });
                let left = global.turn(now, GLOBAL.1);
                if global.used == GLOBAL.0 {
                    return Verdict::Limited(limited(HeaderMap::new(), Scope::Global, left), Scope::Global, left);
                }
                global.used += 1;
            }
        }
        let quota = QUOTAS
            .iter()
            .find(|one| one.methods.contains(&method) && template::fits(one.template, path));
        let quota = quota.filter(|_| is_real);
        let special = more.quota(method, path).filter(|_| is_real);
        let (limit, length) = match special.as_ref().or(quota) {
            Some(quota) => (quota.limit, quota.window),
            None if is_real => OTHERS,
            None => GENEROUS,
        };
        let (mut route, major) = route_of(method, path);
        if let Some(quota) = quota {
            route = format!("{}{}", quota.methods.join("+"), quota.template);
        }
        if let Some(special) = &special {
            route = format!("{}{}/{}", special.methods.join("+"), special.template, special.limit);
        }
        if self.buckets.len() > BUCKETS {
            self.buckets
                .retain(|_, bucket| now.duration_since(bucket.window.since) < bucket.length);
        }
        let fresh = Bucket {
            window: Window { since: now, used: 0 },
            length,
            limit,
        };
        let window = &mut self.buckets.entry(format!("{route} {major}")).or_insert(fresh).window;
        let left = window.turn(now, length);
        let is_over = window.used == limit;
        if !is_over {
            window.used += 1;
        }
        let mut headers = HeaderMap::new();
        set(&mut headers, "x-ratelimit-limit", &limit.to_string());
        set(
            &mut headers,
            "x-ratelimit-remaining",
            &(limit - window.used).to_string(),
        );
        tell_reset(&mut headers, left);
        set(&mut headers, "x-ratelimit-bucket", &bucket_name(&route));
        if is_over {
            let scope = special.as_ref().or(quota).map_or(Scope::User, |quota| quota.scope);
            return Verdict::Limited(limited(headers, scope, left), scope, left);
        }
        Verdict::Served(headers)
    }

    /// Notes how a request was answered; `scope` is that of a 429.
    pub(crate) fn answered(&mut self, now: Instant, status: u16, scope: Option<Scope>) {
        if self.mode == RateLimits::Real && matches!(status, 401 | 403 | 429) && scope != Some(Scope::Shared) {
            let window = self.invalid.get_or_insert(Window { since: now, used: 0 });
            window.turn(now, INVALID.1);
            window.used += 1;
        }
    }

    /// How long the caller is still shut out.
    fn shut_out(&mut self, now: Instant) -> Option<Duration> {
        let window = self.invalid.as_mut()?;
        let left = window.turn(now, INVALID.1);
        (window.used >= INVALID.0).then_some(left)
    }
}

/// Makes the headers of a 429 of an answer's headers (<https://discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit>).
pub(crate) fn limited(mut headers: HeaderMap, scope: Scope, after: Duration) -> HeaderMap {
    match scope {
        // A global one names no bucket.
        Scope::Global => {
            headers.clear();
            set(&mut headers, "x-ratelimit-global", "true");
        }
        Scope::User => {
            set(&mut headers, "x-ratelimit-remaining", "0");
            tell_reset(&mut headers, after);
        }
        // Others have used it up: the bot's own count says nothing.
        Scope::Shared => tell_reset(&mut headers, after),
    }
    set(&mut headers, "x-ratelimit-scope", scope.name());
    set(&mut headers, "retry-after", &after.as_secs_f64().ceil().to_string());
    headers
}

fn tell_reset(headers: &mut HeaderMap, after: Duration) {
    let reset = ids::unix_ms() as f64 / 1000.0 + after.as_secs_f64();
    set(headers, "x-ratelimit-reset", &format!("{reset:.3}"));
    set(
        headers,
        "x-ratelimit-reset-after",
        &format!("{:.3}", after.as_secs_f64()),
    );
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
    use std::time::{Duration, Instant};

    use axum::http::HeaderMap;

    use super::{INVALID, Limits, Particulars, RateLimits, Scope, Verdict, route_of};

    fn parts(path: &str) -> Vec<&str> {
        path.split('/').collect()
    }

    #[test]
    fn buckets_follow_route_and_major_id() {
        let route = |path: &str| route_of("GET", &parts(path));
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
            let Verdict::Served(headers) =
                limits.count(Instant::now(), "GET", &["users", "@me"], Particulars::default())
            else {
                panic!("limited");
            };
            assert_ne!(headers["x-ratelimit-remaining"], "0");
            assert_eq!(headers["x-ratelimit-limit"], "100000");
        }
        assert!(
            matches!(Limits::new(RateLimits::Off).count(Instant::now(), "GET", &["users"], Particulars::default()), Verdict::Served(headers) if headers.is_empty())
        );
    }

    /// A stretch of requests by a clock of its own.
    struct Run {
        limits: Limits,
        now: Instant,
    }

    impl Run {
        fn new() -> Self {
            Self {
                limits: Limits::new(RateLimits::Real),
                now: Instant::now(),
            }
        }

        fn later(&mut self, ms: u64) -> &mut Self {
            self.now += Duration::from_millis(ms);
            self
        }

        /// Asks, and gives the headers and scope of a refusal.
        fn ask(&mut self, method: &str, path: &str) -> Result<HeaderMap, (HeaderMap, Scope, Duration)> {
            match self
                .limits
                .count(self.now, method, &parts(path), Particulars::default())
            {
                Verdict::Served(headers) => Ok(headers),
                Verdict::Limited(headers, scope, after) => Err((headers, scope, after)),
                Verdict::ShutOut(left) => panic!("shut out for {left:?}"),
            }
        }
    }

    #[test]
    fn a_bucket_counts_down_refuses_and_fills_again() {
        let mut run = Run::new();
        for left in ["4", "3", "2", "1", "0"] {
            assert_eq!(
                run.ask("POST", "channels/1/messages").unwrap()["x-ratelimit-remaining"],
                left
            );
        }
        let (headers, scope, after) = run.later(1500).ask("POST", "channels/1/messages").unwrap_err();
        assert_eq!((scope, after), (Scope::User, Duration::from_millis(3500)));
        assert_eq!(
            (
                &headers["x-ratelimit-scope"],
                &headers["x-ratelimit-remaining"],
                &headers["retry-after"]
            ),
            (&"user".parse().unwrap(), &"0".parse().unwrap(), &"4".parse().unwrap())
        );
        assert_eq!(headers["x-ratelimit-reset-after"], "3.500");
        // Another channel, another method, another route.
        assert!(run.ask("POST", "channels/2/messages").is_ok());
        assert!(run.ask("GET", "channels/1/messages").is_ok());
        assert!(run.ask("POST", "channels/1/typing").is_ok());
        assert!(run.later(3499).ask("POST", "channels/1/messages").is_err());
        assert!(run.later(1).ask("POST", "channels/1/messages").is_ok());
    }

    #[test]
    fn methods_of_one_row_share_a_bucket() {
        let mut run = Run::new();
        let one = run.ask("PUT", "channels/1/messages/2/reactions/x/@me").unwrap();
        let (two, ..) = run.ask("DELETE", "channels/1/messages/3/reactions/y/@me").unwrap_err();
        assert_eq!(one["x-ratelimit-bucket"], two["x-ratelimit-bucket"]);
        assert!(
            run.later(250)
                .ask("DELETE", "channels/1/messages/3/reactions/y/@me")
                .is_ok()
        );
    }

    #[test]
    fn fifty_a_second_in_all_but_for_interactions() {
        let mut run = Run::new();
        for channel in 0..50 {
            assert!(run.ask("GET", &format!("channels/{channel}")).is_ok());
        }
        let (headers, scope, _) = run.later(600).ask("GET", "channels/99").unwrap_err();
        assert_eq!((scope, headers.get("x-ratelimit-bucket")), (Scope::Global, None));
        assert_eq!(
            (&headers["x-ratelimit-global"], &headers["retry-after"]),
            (&"true".parse().unwrap(), &"1".parse().unwrap())
        );
        assert!(run.ask("POST", "interactions/1/t/callback").is_ok());
        assert!(run.ask("POST", "webhooks/1/t").is_ok());
        assert!(run.later(400).ask("GET", "channels/99").is_ok());
    }

    #[test]
    fn a_shared_limit_says_so_and_keeps_the_count() {
        let mut run = Run::new();
        for _ in 0..30 {
            assert!(run.later(100).ask("GET", "guilds/1/emojis").is_ok());
        }
        let (headers, scope, _) = run.ask("GET", "guilds/1/emojis").unwrap_err();
        assert_eq!(
            (scope, &headers["x-ratelimit-scope"]),
            (Scope::Shared, &"shared".parse().unwrap())
        );
    }

    #[test]
    fn invalid_requests_shut_a_caller_out() {
        let mut run = Run::new();
        for n in 0..INVALID.0 {
            run.limits.answered(run.now, [401, 403, 429][n as usize % 3], None);
            run.limits.answered(run.now, 429, Some(Scope::Shared));
            run.limits.answered(run.now, 404, None);
            if n + 2 == INVALID.0 {
                assert!(
                    run.ask("POST", "interactions/1/t/callback").is_ok(),
                    "one is still free"
                );
            }
        }
        let verdict = run.limits.count(
            run.now,
            "POST",
            &parts("interactions/1/t/callback"),
            Particulars::default(),
        );
        assert!(
            matches!(verdict, Verdict::ShutOut(left) if left == INVALID.1),
            "{verdict:?}"
        );
        assert!(run.later(600_000).ask("GET", "users/@me").is_ok());
    }
}
