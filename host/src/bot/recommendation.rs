//! Asks Discord, before the shards connect, how many there should be and how many sessions may be started, and which
//! privileged intents the application may have.
//!
//! Asked while the plugins start, so that it costs no time. Without an answer the bot goes on as configured: it is only
//! advice, unless it says that the token is wrong or that no session may be started.

use std::fmt;

use serde::Deserialize;
use twilight_model::{gateway::Intents, oauth::ApplicationFlags};

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

/// The privileged intents that the application may use; nothing if Discord does not say.
pub async fn granted(rest: &Rest) -> Option<Intents> {
    #[derive(Deserialize)]
    struct Application {
        flags: ApplicationFlags,
    }
    let response = rest.send(Request::new(Method::Get, "/applications/@me")).await.ok()?;
    let Application { flags } = serde_json::from_slice(&response.body).ok()?;
    Some(privileged(flags))
}

/// Limited ones are those of bots in few servers, which need no review.
fn privileged(flags: ApplicationFlags) -> Intents {
    let mut granted = Intents::empty();
    for (flag, intent) in [
        (
            ApplicationFlags::GATEWAY_GUILD_MEMBERS | ApplicationFlags::GATEWAY_GUILD_MEMBERS_LIMITED,
            Intents::GUILD_MEMBERS,
        ),
        (
            ApplicationFlags::GATEWAY_PRESENCE | ApplicationFlags::GATEWAY_PRESENCE_LIMITED,
            Intents::GUILD_PRESENCES,
        ),
        (
            ApplicationFlags::GATEWAY_MESSAGE_CONTENT | ApplicationFlags::GATEWAY_MESSAGE_CONTENT_LIMITED,
            Intents::MESSAGE_CONTENT,
        ),
    ] {
        if flags.intersects(flag) {
            granted |= intent;
        }
    }
    granted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_applications_flags_name_the_privileged_intents_it_may_have() {
        assert_eq!(privileged(ApplicationFlags::empty()), Intents::empty());
        let some = ApplicationFlags::GATEWAY_MESSAGE_CONTENT_LIMITED | ApplicationFlags::GATEWAY_GUILD_MEMBERS;
        assert_eq!(privileged(some), Intents::MESSAGE_CONTENT | Intents::GUILD_MEMBERS);
    }
}
