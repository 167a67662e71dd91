//! Why the gateway closes a connection: Discord's close codes with Discord's reasons
//! (<https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes>).
//!
//! Where Discord leaves a developer guessing, what exactly is wrong is put behind its reason.

use std::borrow::Cow;

/// Longest reason that a close frame holds, in bytes.
const LONGEST: usize = 123;

/// A close code and its reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: Cow<'static, str>,
}

pub(crate) const UNKNOWN_OPCODE: Close = Close::new(4001, "Unknown opcode.");
pub(crate) const DECODE_ERROR: Close = Close::new(4002, "Error while decoding payload.");
pub(crate) const NOT_AUTHENTICATED: Close = Close::new(4003, "Not authenticated.");
pub(crate) const AUTHENTICATION_FAILED: Close = Close::new(4004, "Authentication failed.");
pub(crate) const ALREADY_AUTHENTICATED: Close = Close::new(4005, "Already authenticated.");
pub(crate) const INVALID_SEQUENCE: Close = Close::new(4007, "Invalid sequence.");
pub(crate) const RATE_LIMITED: Close = Close::new(4008, "Rate limited.");
pub(crate) const TIMED_OUT: Close = Close::new(4009, "Session timed out.");
pub(crate) const INVALID_SHARD: Close = Close::new(4010, "Invalid shard.");
pub(crate) const SHARDING_REQUIRED: Close = Close::new(4011, "Sharding required.");
pub(crate) const INVALID_VERSION: Close = Close::new(4012, "Invalid API version.");
pub(crate) const INVALID_INTENTS: Close = Close::new(4013, "Invalid intent(s).");
pub(crate) const DISALLOWED_INTENTS: Close = Close::new(4014, "Disallowed intent(s).");

impl Close {
    pub(crate) const fn new(code: u16, reason: &'static str) -> Self {
        Self {
            code,
            reason: Cow::Borrowed(reason),
        }
    }

    /// The same, with what is wrong; cut to what a close frame holds.
    pub(crate) fn because(self, why: &str) -> Self {
        let mut reason = format!("{} {why}", self.reason);
        if reason.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| reason.is_char_boundary(*at)).unwrap_or(0);
            reason.truncate(end);
        }
        Self {
            code: self.code,
            reason: Cow::Owned(reason),
        }
    }

    /// Whether no session outlives it: Discord wants a new one after these.
    pub(crate) const fn ends_session(code: u16) -> bool {
        matches!(code, 1000 | 1001 | 4004 | 4007 | 4009..=4014)
    }
}

#[cfg(test)]
mod tests {
    use super::{Close, DECODE_ERROR};

    #[test]
    fn reasons_fit_a_close_frame() {
        let Close { code, reason } = DECODE_ERROR.because(&"ä".repeat(200));
        assert_eq!(code, 4002);
        assert!(
            reason.len() <= 123 && reason.starts_with("Error while decoding payload. ä"),
            "{reason}"
        );
    }
}
