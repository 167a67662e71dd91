//! Why Discord ended the gateway connection for good, and what to do about it.
//!
//! Reconnecting is not decided here: only what ends a shard for good becomes one of these, with a text for the owner.

use std::{error, fmt};

use super::intents;
use crate::network::Unreachable;
use twilight_model::gateway::Intents;

/// The connection has ended for good. Its text says what to do.
#[derive(Debug)]
pub enum GatewayError {
    /// 4004: the token is wrong or was reset.
    AuthenticationFailed,
    /// 4010 or 4011: the number of shards is wrong or too small.
    Sharding {
        /// Discord's close code.
        code: u16,
    },
    /// 4012: the API's version has been switched off.
    ApiVersion,
    /// 4013: the intents are none that Discord knows.
    InvalidIntents,
    /// 4014: intents were asked for that the application may not have.
    DisallowedIntents {
        /// The privileged ones among those asked for.
        privileged: Intents,
    },
    /// Another reason for which Discord wants no reconnect.
    Closed {
        /// Discord's close code, if it gave one.
        code: Option<u16>,
    },
    /// The gateway can't be reached before something was changed, such as its address or its certificate.
    Unreachable(Unreachable),
    /// TLS could not be set up.
    Tls(Box<dyn error::Error + Send + Sync>),
}

impl GatewayError {
    /// The error for a fatal close code (<https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway>).
    #[must_use]
    pub fn of(code: Option<u16>, asked: Intents) -> Self {
        match code {
            Some(4004) => Self::AuthenticationFailed,
            Some(code @ (4010 | 4011)) => Self::Sharding { code },
            Some(4012) => Self::ApiVersion,
            Some(4013) => Self::InvalidIntents,
            Some(4014) => Self::DisallowedIntents {
                privileged: asked & intents::PRIVILEGED,
            },
            code => Self::Closed { code },
        }
    }

    /// Whether the settings or the token must be changed before another try makes sense.
    #[must_use]
    pub const fn needs_the_owner(&self) -> bool {
        !matches!(self, Self::Closed { .. })
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthenticationFailed => f.write_str(
                "Discord refuses the token: it was reset or copied wrong. Make a new one at \
                 https://discord.com/developers/applications, your application, Bot, Reset Token, and write it into .env \
                 as DISCORD_TOKEN",
            ),
            Self::Sharding { code } => write!(
                f,
                "Discord refuses the number of shards ({code}): a shard may have 2,500 servers. Raise sharding.shards in \
                 config.json to at least the number of servers divided by 2,000"
            ),
            Self::ApiVersion => f.write_str(
                "Discord has switched off the version of its API that this host speaks: update the host",
            ),
            Self::InvalidIntents => {
                f.write_str("Discord does not know the intents asked for: set discord.intents in config.json to \"auto\"")
            }
            Self::DisallowedIntents { privileged } => {
                f.write_str("Discord does not give this application ")?;
                for (index, (name, _)) in privileged.iter_names().enumerate() {
                    let separator = if index == 0 { "" } else { " and " };
                    write!(f, "{separator}{name}")?;
                }
                f.write_str(
                    ": switch that on at https://discord.com/developers/applications, your application, Bot, Privileged \
                     Gateway Intents, or leave it out by discord.intents in config.json (commands by prefix then work in \
                     direct messages and by mention only)",
                )
            }
            Self::Closed { code: Some(code) } => {
                write!(f, "Discord has closed the gateway connection for good (code {code})")
            }
            Self::Closed { code: None } => f.write_str("Discord has closed the gateway connection for good"),
            Self::Unreachable(source) => source.fmt(f),
            Self::Tls(source) => write!(
                f,
                "TLS can't be set up: {source}; install the system's certificates (package ca-certificates)"
            ),
        }
    }
}

impl error::Error for GatewayError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Tls(source) => Some(source.as_ref()),
            Self::Unreachable(source) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn every_fatal_code_says_what_to_do() {
        let asked = Intents::GUILDS | Intents::GUILD_MEMBERS | Intents::MESSAGE_CONTENT;
        let mut texts = String::new();
        for code in [
            Some(4004),
            Some(4010),
            Some(4011),
            Some(4012),
            Some(4013),
            Some(4014),
            Some(4999),
            None,
        ] {
            write!(texts, "{code:?}: {}\n\n", GatewayError::of(code, asked)).unwrap();
        }
        insta::assert_snapshot!("close_codes", texts);
    }
}
