//! Asks Discord, before the shards connect, how many there should be and how many sessions may be started.
//!
//! Asked while the plugins start, so that it costs no time. Without an answer the bot goes on as configured: it is only
//! advice, unless it says that the token is wrong or that no session may be started.

use std::fmt;

use crate::{
    gateway::Recommended,
    rest::{Method, Request, Rest, RestError},
};

/// Why there is no recommendation.
#[derive(Debug)]
pub enum NoAnswer {
    /// Discord does not know the token.
    Unauthorized,
    /// No connection, or none in time.
    Rest(RestError),
    /// Another status than that of success.
    Status(u16),
    /// Something else than was asked for.
    Unreadable,
}

impl NoAnswer {
    /// Whether the settings or the service must be changed before another try makes sense.
    #[must_use]
    pub fn needs_the_owner(&self) -> bool {
        match self {
            Self::Unauthorized => true,
            Self::Rest(RestError::Unreachable(error)) => error.needs_the_owner(),
            _ => false,
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized => crate::gateway::GatewayError::AuthenticationFailed.fmt(f),
            Self::Rest(error) => error.fmt(f),
            Self::Status(status) => write!(f, "Discord's API answered with status {status}"),
            Self::Unreadable => f.write_str("Discord's API answered with something else"),
        }
    }
}

/// Asks.
///
/// # Errors
///
/// There is no answer, or it is a refusal.
pub async fn ask(rest: Rest) -> Result<Recommended, NoAnswer> {
    let response = rest
        .send(Request::new(Method::Get, "/gateway/bot"))
        .await
        .map_err(NoAnswer::Rest)?;
    match response.status {
        200 => serde_json::from_slice(&response.body).map_err(|_| NoAnswer::Unreadable),
        401 => Err(NoAnswer::Unauthorized),
        status => Err(NoAnswer::Status(status)),
    }
}
