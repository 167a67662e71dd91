//! The custom id of a control: who handles it, who may use it, until when, and the state it carries.
//!
//! All of that is in the id itself, so that a button goes on working after a reload and a restart. Layout, before
//! base64url without padding: 1 byte version (0), 8 bytes route (a hash of plugin and handler), 8 bytes user (0 for
//! anyone), 4 bytes expiry in seconds since 1970 (0 for never), all big endian, then the state. Discord's limit is 100
//! characters (<https://discord.com/developers/docs/components/reference>), which leaves 54 bytes for the state.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::UserId;

/// The longest state, in bytes.
pub const MAX_STATE: usize = 54;

const VERSION: u8 = 0;
const FIXED: usize = 1 + 8 + 8 + 4;

/// Which handler of which plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route(u64);

impl Route {
    /// The route to a plugin's handler: FNV-1a over `PLUGIN/HANDLER`.
    #[must_use]
    pub fn new(plugin: &str, handler: &str) -> Self {
        let bytes = plugin.bytes().chain([b'/']).chain(handler.bytes());
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

/// A custom id, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomId {
    /// Who handles it.
    pub route: Route,
    /// The only one who may use it; `None` for anyone.
    pub user: Option<UserId>,
    /// Until when, in seconds since 1970; `None` for ever.
    pub expires: Option<u32>,
    /// The state, as the handler's type was written.
    pub state: String,
}

/// A state that does not fit into a custom id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateTooLong {
    /// How many bytes it has.
    pub bytes: usize,
}

impl fmt::Display for StateTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the state of a control takes {} bytes as JSON, {MAX_STATE} fit into its custom id",
            self.bytes
        )
    }
}

impl std::error::Error for StateTooLong {}

impl CustomId {
    /// Writes it, as at most 100 characters.
    ///
    /// # Errors
    ///
    /// The state is longer than [`MAX_STATE`].
    pub fn encode(&self) -> Result<String, StateTooLong> {
        if self.state.len() > MAX_STATE {
            return Err(StateTooLong {
                bytes: self.state.len(),
            });
        }
        let mut bytes = Vec::with_capacity(FIXED + self.state.len());
        bytes.push(VERSION);
        bytes.extend(self.route.0.to_be_bytes());
        bytes.extend(self.user.map_or(0, UserId::get).to_be_bytes());
        bytes.extend(self.expires.unwrap_or(0).to_be_bytes());
        bytes.extend(self.state.as_bytes());
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads it; `None` for anything that this project has not written.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (&version, rest) = bytes.split_first()?;
        let (route, rest) = rest.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let (expires, state) = rest.split_first_chunk()?;
        if version != VERSION {
            return None;
        }
        Some(Self {
            route: Route(u64::from_be_bytes(*route)),
            user: UserId::new(u64::from_be_bytes(*user)),
            expires: Some(u32::from_be_bytes(*expires)).filter(|&expires| expires != 0),
            state: String::from_utf8(state.to_vec()).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_id_comes_back_as_it_was() {
        for state in ["", "{\"n\":1}", &"x".repeat(MAX_STATE)] {
            for (user, expires) in [
                (None, None),
                (UserId::new(u64::MAX), Some(1)),
                (UserId::new(7), Some(u32::MAX)),
            ] {
                let id = CustomId {
                    route: Route::new("example", "count"),
                    user,
                    expires,
                    state: state.to_owned(),
                };
                let text = id.encode().unwrap();
                assert!(text.len() <= 100, "{} characters", text.len());
                assert_eq!(CustomId::decode(&text), Some(id));
            }
        }
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused() {
        let state = "x".repeat(MAX_STATE + 1);
        let id = CustomId {
            route: Route::new("a", "b"),
            user: None,
            expires: None,
            state,
        };
        assert_eq!(id.encode(), Err(StateTooLong { bytes: MAX_STATE + 1 }));
    }

    #[test]
    fn foreign_ids_are_not_ours() {
        // Too short, no base64, another version (the first 6 bits are not 0).
        for text in ["", "confirm", "AA", "not base64!", &"B".repeat(40), &"z".repeat(100)] {
            assert_eq!(CustomId::decode(text), None, "{text}");
        }
    }

    #[test]
    fn routes_differ_by_plugin_and_handler() {
        assert_ne!(Route::new("a", "bc"), Route::new("ab", "c"));
        assert_ne!(Route::new("a", "b"), Route::new("a", "c"));
    }
}
