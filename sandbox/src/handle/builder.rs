//! How a sandbox is started: everything has a default.
//!
//! It collects settings and does no I/O before `start`; it reads no environment.

use std::{path::PathBuf, time::Duration};

use crate::{
    Error, Sandbox,
    gateway::{
        intents::{self, Intents},
        starts::StartLimits,
    },
    ids::Clock,
    rest::limits::RateLimits,
    tls::Identity,
};

/// Which privileged intents the application may use; with others, identifying ends with close code 4014.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PrivilegedIntents {
    /// `GUILD_MEMBERS`.
    pub members: bool,
    /// `GUILD_PRESENCES`.
    pub presences: bool,
    /// `MESSAGE_CONTENT`.
    pub message_content: bool,
}

impl PrivilegedIntents {
    /// All three.
    pub const ALL: Self = Self {
        members: true,
        presences: true,
        message_content: true,
    };
    /// None of them.
    pub const NONE: Self = Self {
        members: false,
        presences: false,
        message_content: false,
    };

    pub(crate) const fn allowed(self) -> Intents {
        let mut allowed = 0;
        if self.members {
            allowed |= intents::GUILD_MEMBERS;
        }
        if self.presences {
            allowed |= intents::GUILD_PRESENCES;
        }
        if self.message_content {
            allowed |= intents::MESSAGE_CONTENT;
        }
        allowed
    }
}

/// What a sandbox is started with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) bot_token: Option<String>,
    pub(crate) bot_name: String,
    pub(crate) guild_name: String,
    pub(crate) owner_name: String,
    pub(crate) clock: Clock,
    pub(crate) rate_limits: RateLimits,
    pub(crate) privileged_intents: PrivilegedIntents,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) interaction_window: Duration,
    pub(crate) starts: StartLimits,
    pub(crate) resume_window: Duration,
    pub(crate) resume_events: usize,
    pub(crate) patience: Duration,
    pub(crate) tls: Option<Identity>,
    pub(crate) specification: Option<PathBuf>,
    pub(crate) refuse_violations: bool,
}

/// Sets up a [`Sandbox`]; see [`Sandbox::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    settings: Settings,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            settings: Settings {
                port: 0,
                bot_token: None,
                bot_name: "sandbot".to_owned(),
                guild_name: "Sandbox".to_owned(),
                owner_name: "olivia".to_owned(),
                clock: Clock::Wall,
                rate_limits: RateLimits::Generous,
                privileged_intents: PrivilegedIntents::ALL,
                heartbeat_interval: Duration::from_millis(41_250),
                interaction_window: Duration::from_secs(3),
                starts: StartLimits::default(),
                resume_window: Duration::from_secs(90),
                resume_events: 50_000,
                patience: Duration::from_secs(10),
                tls: None,
                specification: None,
                refuse_violations: true,
            },
        }
    }
}

impl Builder {
    /// The port on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// The bot's token. If its first part is a bot's id in base64, the bot gets that id.
    pub fn bot_token(mut self, token: impl Into<String>) -> Self {
        self.settings.bot_token = Some(token.into());
        self
    }

    /// The bot's and its application's name (default: `sandbot`).
    pub fn bot_name(mut self, name: impl Into<String>) -> Self {
        self.settings.bot_name = name.into();
        self
    }

    /// The first guild's name (default: `Sandbox`).
    pub fn guild_name(mut self, name: impl Into<String>) -> Self {
        self.settings.guild_name = name.into();
        self
    }

    /// Who owns the application and the guilds (default: `olivia`).
    pub fn owner_name(mut self, name: impl Into<String>) -> Self {
        self.settings.owner_name = name.into();
        self
    }

    /// Where ids of messages and interactions take their time from (default: the computer's clock).
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Rate-limit headers (default: generous).
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.settings.rate_limits = limits;
        self
    }

    /// Which privileged intents the application may use (default: all).
    pub fn privileged_intents(mut self, intents: PrivilegedIntents) -> Self {
        self.settings.privileged_intents = intents;
        self
    }

    /// How often clients are told to heartbeat (default: 41.25 s). A connection without a heartbeat for twice as long
    /// is closed with 4009.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.settings.heartbeat_interval = interval;
        self
    }

    /// How long a bot has to answer an interaction first (default: 3 s, as Discord).
    pub fn interaction_window(mut self, window: Duration) -> Self {
        self.settings.interaction_window = window;
        self
    }

    /// How many shards `GET /gateway/bot` recommends (default: 1).
    pub fn shards(mut self, recommended: u64) -> Self {
        self.settings.starts.shards = recommended;
        self
    }

    /// How many guilds a session may have (default: 2,500, as Discord); identifying with more ends with 4011.
    pub fn guilds_per_shard(mut self, guilds: usize) -> Self {
        self.settings.starts.guilds_per_shard = guilds;
        self
    }

    /// How many sessions may be started before `reset_after` has passed (default: 1,000 in 24 hours, as Discord). One
    /// more, and Discord resets the token: see [`Sandbox::reset_token`]. Resumes count for nothing.
    pub fn session_starts(mut self, total: u64, reset_after: Duration) -> Self {
        self.settings.starts.total = total;
        self.settings.starts.reset_after = reset_after;
        self
    }

    /// `max_concurrency`: how many shards may identify within `window`, one for each remainder of their ids by it; the
    /// rest get op 9. Discord's are 1 and 5 s for most bots, which is the default with [`RateLimits::Real`]; else
    /// the default window is zero, so that a test may start its bot again at once.
    pub fn identify_concurrency(mut self, max_concurrency: u64, window: Duration) -> Self {
        self.settings.starts.max_concurrency = max_concurrency;
        self.settings.starts.window = Some(window);
        self
    }

    /// How long after its connection ended a session can be resumed (default: 90 s; Discord says "a few minutes").
    pub fn resume_window(mut self, window: Duration) -> Self {
        self.settings.resume_window = window;
        self
    }

    /// How many events of a session are kept for a resume (default: 50,000; Discord does not say). A client that
    /// missed more has to identify.
    pub fn resume_events(mut self, events: usize) -> Self {
        self.settings.resume_events = events;
        self
    }

    /// How long the `expect_…` functions wait before they panic (default: 10 s).
    pub fn patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// Serves `https` and `wss` only, with this certificate chain, the server's own first, and its private key, both as
    /// PEM (default: plain `http` and `ws`). Addresses are given as 127.0.0.1, so clients want that in the certificate.
    pub fn tls(mut self, chain: impl Into<String>, key: impl Into<String>) -> Self {
        self.settings.tls = Some(Identity {
            chain: chain.into(),
            key: key.into(),
        });
        self
    }

    /// Discord's `OpenAPI` file, which is enforced then: a request that breaks it is refused with 400, and what the sandbox
    /// itself says against it is remembered; see [`Sandbox::violations`] (default: none).
    pub fn specification(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.specification = Some(path.into());
        self
    }

    /// Whether a request against the specification is refused for that alone (default: true). Otherwise it is remembered
    /// and left to the sandbox's own checks, which answer in Discord's words; one that they let pass is remembered as
    /// their fault.
    pub fn refuse_violations(mut self, refuse: bool) -> Self {
        self.settings.refuse_violations = refuse;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If certificate, key or specification can't be used, if the port is taken or the operating system refuses to listen.
    pub async fn start(self) -> Result<Sandbox, Error> {
        Sandbox::run(self.settings).await
    }
}
