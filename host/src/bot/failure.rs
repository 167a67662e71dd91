//! Why the bot did not run, or did not go on: a text that says what to do, and what the process ends with.
//!
//! Apart, since every part of the start and the end gives it its own reason.

use std::fmt;

use crate::gateway::GatewayError;

/// Why the bot did not run or did not go on.
#[derive(Debug)]
pub struct Failure {
    /// What happened and what to do.
    text: String,
    /// Whether the settings, the token or the folder must be changed before another try makes sense.
    needs_the_owner: bool,
    /// Whether the log has it.
    pub(super) logged: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Failure {
    pub(super) fn configuration(text: impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            needs_the_owner: true,
            logged: false,
        }
    }

    pub(super) fn other(text: impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            needs_the_owner: false,
            logged: false,
        }
    }

    /// Whether the log, which is shown on standard error, has told it.
    #[must_use]
    pub const fn is_logged(&self) -> bool {
        self.logged
    }

    /// What the process ends with: 78 where the owner has to change something first, else 1.
    #[must_use]
    pub const fn exit_code(&self) -> i32 {
        if self.needs_the_owner { 78 } else { 1 }
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        if error.needs_the_owner() {
            Self::configuration(error)
        } else {
            Self::other(error)
        }
    }
}
