//! Incidents: a handler failed or panicked. The asker gets a code, the owner everything else.
//!
//! A code is short, to be read out, and steps through its whole range, so that none comes twice before all were used.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use plugin_protocol::{ChannelId, Door, GuildId, MenuTarget, PanicReport, PluginName, User};

/// A handler that failed or panicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The code that the asker was given.
    pub code: String,
    /// Whose handler.
    pub plugin: PluginName,
    /// Of which generation.
    pub generation: u32,
    /// The command, or the control's handler.
    pub command: String,
    /// What the plugin said of it; empty if nothing.
    pub text: String,
    /// The panic, if it was one.
    pub panic: Option<PanicReport>,
    /// Who asked.
    pub author: User,
    /// In which server.
    pub guild_id: Option<GuildId>,
    /// In which channel.
    pub channel_id: ChannelId,
    /// By which door.
    pub door: Door,
    /// Of a context menu: whose.
    pub menu: Option<MenuTarget>,
    /// The invocation.
    pub invocation: u64,
    /// The fault is one of a service that it called, and written down by this code already.
    pub is_known: bool,
    /// What was asked, as the plugin was told it.
    pub asked: Option<Arc<Vec<u8>>>,
}

/// Letters and digits that nobody takes for one another: no 0, O, 1, I, L.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// How many codes of 4 characters there are.
const CODES: u32 = 31_u32.pow(4);
/// From one code to the next: no multiple of 31, so that all codes come before one comes again, and large, so that
/// neighbours look different.
const STRIDE: u32 = 570_767;

/// Whether a text can be an incident's code.
#[must_use]
pub fn is_incident_code(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|letter| ALPHABET.contains(&letter))
}

/// The incident codes of a run: none comes twice in 923,521.
#[derive(Debug)]
pub struct Codes {
    next: AtomicU32,
}

impl Codes {
    /// Codes from a beginning that differs from run to run.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self {
            next: AtomicU32::new(seed % CODES),
        }
    }

    /// The next code: 4 characters.
    pub fn next(&self) -> String {
        let step = |now: u32| (now + STRIDE) % CODES;
        let mut number = self.next.load(Ordering::Relaxed);
        while let Err(now) = self
            .next
            .compare_exchange_weak(number, step(number), Ordering::Relaxed, Ordering::Relaxed)
        {
            number = now;
        }
        (0..4)
            .map(|place| char::from(ALPHABET[(number / 31_u32.pow(place) % 31) as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_do_not_repeat_and_are_unambiguous() {
        let codes = Codes::new(u32::MAX);
        // A stride that shares no factor with the number of codes goes through all of them.
        assert_ne!(STRIDE % 31, 0);
        let seen: HashSet<_> = (0..50_000).map(|_| codes.next()).collect();
        assert_eq!(seen.len(), 50_000);
        assert!(
            seen.iter()
                .all(|code| code.len() == 4 && !code.contains(['0', 'O', '1', 'I', 'L']))
        );
        assert_ne!(Codes::new(1).next(), Codes::new(2).next());
    }
}
