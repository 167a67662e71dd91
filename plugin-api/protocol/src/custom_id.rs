//! The custom id of a control or a form: who handles it, who may use it, until when, and the state it carries.
//!
//! All of that is in the id itself, so that a button goes on working after a reload and a restart. Layout, before
//! base64url without padding: 1 byte form (what the state is), 6 bytes route (a hash of plugin and handler), 8 bytes user
//! (0 for anyone), 4 bytes expiry in seconds since 1970 (0 for never), all big endian, 8 bytes MAC over everything else,
//! then the state. Discord's limit is 100 characters (<https://discord.com/developers/docs/components/reference>): 36 for
//! what is fixed, 64 for the state. The MAC's key is the plugin's own, made by the host of a key of its own: one plugin
//! can't write ids of another.

use std::{fmt, hash::Hasher};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use siphasher::sip::SipHasher24;

use crate::UserId;

/// The longest state that fits into an id, in bytes. Longer ones are kept by the host.
pub const MAX_STATE: usize = 48;
/// The longest state that the host keeps, in bytes.
pub const MAX_KEPT_STATE: usize = 16 * 1024;
/// How many bytes the key of a state has that the host keeps.
pub const KEPT_KEY: usize = 16;

/// The first byte: the state is in the id.
const INLINE: u8 = 1;
/// The first byte: the id has the key of the state.
const KEPT: u8 = 2;
/// Without the MAC and the state.
const FIXED: usize = 1 + 6 + 8 + 4;
const MAC: usize = 8;

/// Which handler of which plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route(u64);

impl Route {
    /// The route to a plugin's handler: FNV-1a over `PLUGIN/HANDLER`, folded to 48 bits.
    #[must_use]
    pub fn new(plugin: &str, handler: &str) -> Self {
        let bytes = plugin.bytes().chain([b'/']).chain(handler.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self((hash ^ (hash >> 48)) & 0xffff_ffff_ffff)
    }
}

/// What a plugin's ids are signed with: 128 bits, kept out of `Debug`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ControlKey([u8; 16]);

impl ControlKey {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    fn mac(&self, fixed: &[u8], state: &[u8]) -> [u8; MAC] {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(fixed);
        hasher.write(state);
        hasher.finish().to_be_bytes()
    }
}

impl fmt::Debug for ControlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlKey(..)")
    }
}

impl Serialize for ControlKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for ControlKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| de::Error::custom("a key has 16 bytes, as base64url"))
    }
}

/// The state of a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlState {
    /// As the handler's type was written.
    Inline(String),
    /// The host keeps it under this key.
    Kept([u8; KEPT_KEY]),
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
    /// The state.
    pub state: ControlState,
}

/// A custom id whose MAC nobody has looked at: only where it leads is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    id: CustomId,
    fixed: [u8; FIXED],
    mac: [u8; MAC],
}

/// Why a text is no custom id that can be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCustomId {
    /// Something else wrote it, or it was cut.
    Foreign,
    /// An older or newer version of this project wrote it.
    OtherVersion,
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
    pub fn encode(&self, key: &ControlKey) -> Result<String, StateTooLong> {
        let (form, state): (u8, &[u8]) = match &self.state {
            ControlState::Inline(state) => (INLINE, state.as_bytes()),
            ControlState::Kept(key) => (KEPT, key),
        };
        if state.len() > MAX_STATE {
            return Err(StateTooLong { bytes: state.len() });
        }
        let mut bytes = Vec::with_capacity(FIXED + MAC + state.len());
        bytes.push(form);
        bytes.extend(&self.route.0.to_be_bytes()[2..]);
        bytes.extend(self.user.map_or(0, UserId::get).to_be_bytes());
        bytes.extend(self.expires.unwrap_or(0).to_be_bytes());
        let mac = key.mac(&bytes, state);
        bytes.extend(mac);
        bytes.extend(state);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads it, as far as it says itself.
    ///
    /// # Errors
    ///
    /// This version of this project has not written it.
    pub fn decode(text: &str) -> Result<Unchecked, NoCustomId> {
        Self::taken_apart(text).map_err(|bytes| match bytes.as_deref() {
            // The layout before this one began with 0 and had 21 bytes at least; later ones count on.
            Some([0 | 3..=15, rest @ ..]) if rest.len() >= 20 => NoCustomId::OtherVersion,
            _ => NoCustomId::Foreign,
        })
    }

    fn taken_apart(text: &str) -> Result<Unchecked, Option<Vec<u8>>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| None)?;
        read(&bytes).ok_or(Some(bytes))
    }
}

fn read(bytes: &[u8]) -> Option<Unchecked> {
    let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
    let (mac, state) = rest.split_first_chunk::<MAC>()?;
    let (&form, numbers) = fixed.split_first()?;
    let (route, numbers) = numbers.split_first_chunk::<6>()?;
    let (user, expires) = numbers.split_first_chunk::<8>()?;
    let expires = u32::from_be_bytes(expires.try_into().ok()?);
    let state = match form {
        INLINE => ControlState::Inline(String::from_utf8(state.to_vec()).ok()?),
        KEPT => ControlState::Kept(state.try_into().ok()?),
        _ => return None,
    };
    let route = route.iter().fold(0, |route, &byte| (route << 8) | u64::from(byte));
    Some(Unchecked {
        id: CustomId {
            route: Route(route),
            user: UserId::new(u64::from_be_bytes(*user)),
            expires: Some(expires).filter(|&expires| expires != 0),
            state,
        },
        fixed: *fixed,
        mac: *mac,
    })
}

impl Unchecked {
    /// Where it says that it leads: whose key is needed.
    #[must_use]
    pub fn route(&self) -> Route {
        self.id.route
    }

    /// The id, if it was written with this key.
    #[must_use]
    pub fn check(self, key: &ControlKey) -> Option<CustomId> {
        let state: &[u8] = match &self.id.state {
            ControlState::Inline(state) => state.as_bytes(),
            ControlState::Kept(key) => key,
        };
        // As one number: how many bytes of it are right is not told by the time that takes.
        let is_ours = u64::from_be_bytes(key.mac(&self.fixed, state)) == u64::from_be_bytes(self.mac);
        is_ours.then_some(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ControlKey = ControlKey::new([7; 16]);

    fn id(state: ControlState) -> CustomId {
        CustomId {
            route: Route::new("example", "count"),
            user: UserId::new(7),
            expires: Some(1_900_000_000),
            state,
        }
    }

    #[test]
    fn a_custom_id_comes_back_as_it_was() {
        let inline = ["", "{\"n\":1}", &"x".repeat(MAX_STATE)].map(|state| ControlState::Inline(state.to_owned()));
        for state in inline.into_iter().chain([ControlState::Kept([9; KEPT_KEY])]) {
            for (user, expires) in [
                (None, None),
                (UserId::new(u64::MAX), Some(1)),
                (UserId::new(7), Some(u32::MAX)),
            ] {
                let id = CustomId {
                    user,
                    expires,
                    ..id(state.clone())
                };
                let text = id.encode(&KEY).unwrap();
                assert!(text.len() <= 100, "{} characters", text.len());
                let read = CustomId::decode(&text).unwrap();
                assert_eq!(read.route(), id.route);
                assert_eq!(read.check(&KEY), Some(id));
            }
        }
        let empty = id(ControlState::Inline(String::new())).encode(&KEY).unwrap();
        assert_eq!(empty.len(), 36);
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused() {
        let long = id(ControlState::Inline("x".repeat(MAX_STATE + 1)));
        assert_eq!(long.encode(&KEY), Err(StateTooLong { bytes: MAX_STATE + 1 }));
    }

    #[test]
    fn what_was_changed_or_written_with_another_key_is_found_out() {
        let text = id(ControlState::Inline("[1]".to_owned())).encode(&KEY).unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).unwrap();
        assert_eq!(CustomId::decode(&text).unwrap().check(&ControlKey::new([8; 16])), None);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = BASE64_URL_SAFE_NO_PAD.encode(changed);
            let read = CustomId::decode(&changed);
            assert!(
                read.is_err() || read.is_ok_and(|id| id.check(&KEY).is_none()),
                "byte {at}"
            );
        }
        for end in 0..bytes.len() {
            let cut = CustomId::decode(&BASE64_URL_SAFE_NO_PAD.encode(&bytes[..end]));
            assert!(
                cut.is_err() || cut.is_ok_and(|id| id.check(&KEY).is_none()),
                "{end} bytes"
            );
        }
    }

    #[test]
    fn foreign_ids_and_those_of_other_versions_are_told_apart() {
        for text in ["", "confirm", "AA", "not base64!", &"z".repeat(100)] {
            assert_eq!(CustomId::decode(text), Err(NoCustomId::Foreign), "{text}");
        }
        for first in [0, 3] {
            let mut bytes = [5; 30];
            bytes[0] = first;
            let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
            assert_eq!(CustomId::decode(&text), Err(NoCustomId::OtherVersion), "{text}");
        }
    }

    #[test]
    fn routes_differ_by_plugin_and_handler() {
        assert_ne!(Route::new("a", "bc"), Route::new("ab", "c"));
        assert_ne!(Route::new("a", "b"), Route::new("a", "c"));
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{KEY:?}"), "ControlKey(..)");
        let written = serde_json::to_string(&KEY).unwrap();
        assert_eq!(serde_json::from_str::<ControlKey>(&written).unwrap(), KEY);
        assert!(serde_json::from_str::<ControlKey>("\"short\"").is_err());
    }
}
