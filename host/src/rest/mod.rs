//! The one REST client: raw requests with their path checked, within Discord's rate limits.
//!
//! The host's own requests go by [`Rest::send`], the plugins' by [`Rest::send_for_plugin`], which refuses what belongs to
//! the host and bounds how much one plugin has under way. Nothing else of the host speaks HTTP to Discord.
//!
//! The transport is hyper with twilight's rate limiter, not twilight's HTTP client: that one loses the status of an
//! answer whose body is no JSON of Discord's (a proxy's 502), waits no time after a global 429, and sends the callbacks
//! of all interactions one after another.

mod admission;
mod bucket;
mod check;
mod mentions;
mod multipart;
mod pace;
mod transport;

use std::{
    collections::HashSet,
    error, fmt,
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use plugin_protocol::{ApplicationId, Problem, ProblemCode};

pub use mentions::{with_safe_mentions, without_mentions};

use crate::{
    config::{ApiAddress, Token},
    network::Unreachable,
};
use admission::Admission;
use pace::Pace;
use transport::Transport;

/// The methods of Discord's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Read.
    Get,
    /// Create or do.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
}

impl Method {
    /// Its name in capitals.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl FromStr for Method {
    type Err = Problem;

    fn from_str(name: &str) -> Result<Self, Problem> {
        [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                Problem::new(
                    ProblemCode::Invalid,
                    format!("`{name:.16}` is no method of Discord's API: GET, POST, PUT, PATCH or DELETE"),
                )
            })
    }
}

/// A request to Discord's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path behind `/api/v10` with its query; begins with a slash.
    pub path: String,
    /// The body; may be empty.
    pub body: Vec<u8>,
    /// The body's type; `None` for JSON.
    pub content_type: Option<String>,
    /// The reason for the server's audit log, up to 512 characters.
    pub reason: Option<String>,
}

impl Request {
    /// A request without body and reason.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: Vec::new(),
            content_type: None,
            reason: None,
        }
    }

    /// The same with this JSON as its body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// Discord's answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body as received.
    pub body: Bytes,
}

impl Response {
    /// Whether the status is one of success.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum RestError {
    /// TLS could not be set up: usually there are no certificates on this system.
    Tls(Box<dyn error::Error + Send + Sync>),
    /// The request has a part that HTTP can't carry.
    Invalid(&'static str),
    /// Discord could not be reached, or the connection broke.
    Unreachable(Unreachable),
    /// Too much of the same is under way.
    Busy,
    /// No answer came in time.
    TimedOut,
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(source) => write!(
                f,
                "TLS can't be set up: {source}; install the system's certificates (package ca-certificates)"
            ),
            Self::Invalid(part) => write!(f, "the request's {part} can't be sent by HTTP"),
            Self::Unreachable(source) => source.fmt(f),
            Self::Busy => f.write_str("too many requests of this kind are under way: send fewer at a time"),
            Self::TimedOut => f.write_str("Discord's API did not answer in time"),
        }
    }
}

impl error::Error for RestError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Tls(source) => Some(source.as_ref()),
            Self::Unreachable(source) => Some(source),
            Self::Invalid(_) | Self::TimedOut | Self::Busy => None,
        }
    }
}

/// The client. Clones share connections, limits and counts.
#[derive(Clone, Debug)]
pub struct Rest {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transport: Transport,
    admission: Admission,
    pace: Pace,
    /// Of the host's own requests those that people cause by writing commands.
    look_ups: Admission,
    /// Ids whose webhooks are answers to interactions. A lock of std: it is held for a look-up only.
    own_ids: RwLock<HashSet<u64>>,
}

impl Rest {
    /// A client for Discord, or for the service at `api`. To be made inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// If TLS can't be set up; never for a plain HTTP service.
    pub fn new(token: &Token, api: Option<&ApiAddress>, requests_per_second: u16) -> Result<Self, RestError> {
        Ok(Self {
            inner: Arc::new(Inner {
                transport: Transport::new(token, api, requests_per_second)?,
                admission: Admission::new(Self::PER_PLUGIN, Self::IN_ALL),
                pace: Pace::new(requests_per_second),
                look_ups: Admission::new(Self::LOOK_UPS_PER_PLUGIN, Self::LOOK_UPS_IN_ALL),
                own_ids: RwLock::new(HashSet::from([token.bot_id().get()])),
            }),
        })
    }

    /// Tells the id of the bot's application, once the gateway has told it: its webhooks are answers to interactions,
    /// which no plugin may send by itself. (Old applications have another id than their bot.)
    pub fn set_application_id(&self, id: ApplicationId) {
        let mut own_ids = self.inner.own_ids.write().unwrap_or_else(PoisonError::into_inner);
        own_ids.insert(id.get());
    }

    /// Sends a request of the host. Any HTTP status is an answer; a 429 is waited out and tried again, a few times.
    ///
    /// # Errors
    ///
    /// Only if there is no answer.
    pub async fn send(&self, request: Request) -> Result<Response, RestError> {
        self.inner.transport.send(request).await
    }

    /// Sends a request of the host that looks something up for a command of `plugin`, unless as many as
    /// [`Self::LOOK_UPS_PER_PLUGIN`] or [`Self::LOOK_UPS_IN_ALL`] are under way.
    ///
    /// # Errors
    ///
    /// [`RestError::Busy`], or there is no answer.
    pub async fn look_up(&self, plugin: &str, request: Request) -> Result<Response, RestError> {
        let _place = self.inner.look_ups.try_enter(plugin).ok_or(RestError::Busy)?;
        self.inner.transport.send(request).await
    }

    /// Sends a request of a plugin, if it is one that plugins may send.
    ///
    /// Messages without `allowed_mentions` get one that mentions nobody but the user replied to. At most
    /// [`Self::PER_PLUGIN`] requests of a plugin and [`Self::IN_ALL`] of all plugins are under way; more wait up to 10 s. Of the
    /// requests that the bot may make in a second, plugins have four fifths; they take turns.
    ///
    /// # Errors
    ///
    /// `Invalid` or `NotGranted` with the reason; `Busy`; `TimedOut` or `Failed` if there is no answer.
    pub async fn send_for_plugin(&self, plugin: &str, mut request: Request) -> Result<Response, Problem> {
        if request.body.len() <= Self::LARGE {
            self.check(&mut request)?;
        } else {
            // Reading megabytes takes longer than the runtime's threads may be held.
            let rest = self.clone();
            let checking = tokio::task::spawn_blocking(move || rest.check(&mut request).map(|()| request));
            request = checking.await.map_err(|error| {
                Problem::new(ProblemCode::Failed, format!("the check of the request failed: {error}"))
            })??;
        }
        let _place = self.inner.admission.enter(plugin).await?;
        self.inner.pace.next(plugin).await;
        self.inner.transport.send(request).await.map_err(|error| {
            let code = match error {
                RestError::TimedOut => ProblemCode::TimedOut,
                RestError::Invalid(_) => ProblemCode::Invalid,
                RestError::Busy => ProblemCode::Busy,
                RestError::Tls(_) | RestError::Unreachable(_) => ProblemCode::Failed,
            };
            Problem::new(code, error.to_string())
        })
    }

    fn check(&self, request: &mut Request) -> Result<(), Problem> {
        let own_ids = self.inner.own_ids.read().unwrap_or_else(PoisonError::into_inner);
        check::request(request, &own_ids)
    }

    /// From how many bytes on a body is large.
    const LARGE: usize = 64 * 1024;
    /// How many requests of one plugin may be under way.
    pub const PER_PLUGIN: usize = 64;
    /// How many requests of all plugins may be under way.
    pub const IN_ALL: usize = 512;
    /// How many look-ups for the commands of one plugin may be under way.
    pub const LOOK_UPS_PER_PLUGIN: usize = 64;
    /// How many look-ups for the commands of all plugins may be under way.
    pub const LOOK_UPS_IN_ALL: usize = 256;
}

#[cfg(test)]
mod tests;
