//! Faults of REST that tests ask for: what Discord, its network and the way there do to requests.
//!
//! It only keeps which request gets which; `serve` carries them out. Those that spoil an answer leave the request served,
//! as when an answer is lost on its way.

use std::time::Duration;

use super::{limits::Scope, template};

/// What a REST request gets instead of its answer; see [`Sandbox::fail_rest`](crate::Sandbox::fail_rest).
///
/// It is for the next request with the bot's token, unless said otherwise.
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is given to a sandbox"]
pub struct RestFault {
    kind: Kind,
    route: Option<(String, String)>,
    /// `None`: until cleared.
    times: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Status(u16),
    Html(u16),
    Limited(Scope, Duration),
    ShutOut(Duration),
    Held,
    Cut,
    Garbled,
    Empty,
}

impl RestFault {
    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            route: None,
            times: Some(1),
        }
    }

    /// This status with an error body as Discord's API writes it; the request is not served.
    pub const fn status(status: u16) -> Self {
        Self::of(Kind::Status(status))
    }

    /// This status with a page in HTML, as a proxy in front of Discord writes it; the request is not served.
    pub const fn html(status: u16) -> Self {
        Self::of(Kind::Html(status))
    }

    /// 429, to be repeated after this time; the request is not served. Nothing keeps count: a request that comes earlier
    /// is served.
    pub const fn rate_limited(scope: Scope, retry_after: Duration) -> Self {
        Self::of(Kind::Limited(scope, retry_after))
    }

    /// 429 without JSON, as Discord's network answers those who sent too many invalid requests; not served.
    pub const fn shut_out(retry_after: Duration) -> Self {
        Self::of(Kind::ShutOut(retry_after))
    }

    /// Nothing for now: it is served and answered after [`Sandbox::release_rest`](crate::Sandbox::release_rest).
    pub const fn held() -> Self {
        Self::of(Kind::Held)
    }

    /// The connection ends in the middle of the answer's body; the request is served.
    pub const fn cut() -> Self {
        Self::of(Kind::Cut)
    }

    /// 200 with a body that is no JSON; the request is served.
    pub const fn garbled() -> Self {
        Self::of(Kind::Garbled)
    }

    /// 200 without a body; the request is served.
    pub const fn empty() -> Self {
        Self::of(Kind::Empty)
    }

    /// Only for requests of this route, as in `("POST", "/channels/{channel_id}/messages")`; also for those of
    /// interactions, which need no token.
    pub fn on(mut self, method: &str, template: &str) -> Self {
        self.route = Some((method.to_uppercase(), template.to_owned()));
        self
    }

    /// For so many requests.
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// For all requests until [`Sandbox::clear_rest_faults`](crate::Sandbox::clear_rest_faults).
    pub const fn until_cleared(mut self) -> Self {
        self.times = None;
        self
    }

    fn is_for(&self, method: &str, path: &[&str], has_token: bool) -> bool {
        match &self.route {
            Some((wanted, template)) => wanted == method && template::fits(template, path),
            None => has_token,
        }
    }
}

/// The faults that wait for their requests, and requests that wait for their release.
#[derive(Debug, Default)]
pub(crate) struct RestFaults {
    armed: Vec<RestFault>,
    /// Requests held now.
    pub(crate) held: usize,
    /// How often held requests were released.
    pub(crate) releases: u64,
}

impl RestFaults {
    pub(crate) fn arm(&mut self, fault: RestFault) {
        self.armed.push(fault);
    }

    /// The fault of a request: the first asked for that fits.
    pub(crate) fn take(&mut self, method: &str, path: &[&str], has_token: bool) -> Option<Kind> {
        self.armed.retain(|fault| fault.times != Some(0));
        let fault = self
            .armed
            .iter_mut()
            .find(|fault| fault.is_for(method, path, has_token))?;
        fault.times = fault.times.map(|left| left - 1);
        Some(fault.kind)
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// Lets held requests go on, and holds no more.
    pub(crate) fn release(&mut self) {
        self.armed.retain(|fault| !matches!(fault.kind, Kind::Held));
        self.releases += 1;
    }
}
