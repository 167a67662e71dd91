//! A session carried over a restart: with the cache as it was at the same event, or not at all.
//!
//! A resumed session gets no READY list and no `GUILD_CREATE`, so it is only good with what those had told. The file is
//! written at a clean stop and taken, that is read and deleted, at the next start: a crash in between identifies anew.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::UserId;
use serde::{Deserialize, Serialize};
use twilight_model::gateway::Intents;

use super::SessionState;
use crate::{cache::CacheSnapshot, permits::KnownIntegrations, storage::write_atomically};

/// Discord keeps a session for some minutes; an older one is not worth a try.
pub const MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// The form of the file; another one is not read.
const FORMAT: u32 = 1;

/// All sessions of a bot, its cache, and what is known of servers' settings: all of it kept up to date by their events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    format: u32,
    written_at_seconds: u64,
    bot_id: UserId,
    intents: u64,
    shards: u32,
    gateway_url: Option<String>,
    sessions: BTreeMap<u32, SessionState>,
    cache: CacheSnapshot,
    #[serde(default)]
    settings: KnownIntegrations,
}

/// With what a session must agree to be resumed.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Whose token is used.
    pub bot_id: UserId,
    /// The events to be asked for.
    pub intents: Intents,
    /// How many shards there are to be.
    pub shards: u32,
    /// The service: another one than Discord's has sessions of its own.
    pub gateway_url: Option<String>,
}

/// What a snapshot has: the sessions by shard, the cache, and what is known of servers' settings.
type Taken = (BTreeMap<u32, SessionState>, CacheSnapshot, KnownIntegrations);

/// Why a snapshot is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// There is none: the last stop was no clean one, or there was none.
    #[error("there is none")]
    Absent,
    /// It can't be read.
    #[error("it can't be read")]
    Unreadable,
    /// It is of another bot, service, shard count or set of intents.
    #[error("the bot, the service, the shards or the intents have changed")]
    Different,
    /// It is too old, or from the future.
    #[error("it is too old")]
    TooOld,
    /// A shard has no session in it.
    #[error("a shard has no session in it")]
    Incomplete,
}

impl Snapshot {
    /// A snapshot of now.
    #[must_use]
    pub fn new(
        expected: Expected,
        sessions: BTreeMap<u32, SessionState>,
        cache: CacheSnapshot,
        settings: KnownIntegrations,
    ) -> Self {
        Self {
            format: FORMAT,
            written_at_seconds: seconds(SystemTime::now()),
            bot_id: expected.bot_id,
            intents: expected.intents.bits(),
            shards: expected.shards,
            gateway_url: expected.gateway_url,
            sessions,
            cache,
            settings,
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        write_atomically(path, &serde_json::to_vec(self)?)
    }

    /// Reads and deletes the file, so that no session is ever resumed twice, and answers with what fits.
    ///
    /// # Errors
    ///
    /// Why the shards must identify.
    pub fn take(path: &Path, expected: &Expected) -> Result<Taken, Unusable> {
        let read = fs::read(path);
        match (&read, fs::remove_file(path)) {
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => return Err(Unusable::Absent),
            (Ok(_), Ok(())) => {}
            // A file that stays would be resumed from a second time.
            _ => return Err(Unusable::Unreadable),
        }
        let bytes = read.map_err(|_| Unusable::Unreadable)?;
        let snapshot: Self = serde_json::from_slice(&bytes).map_err(|_| Unusable::Unreadable)?;
        snapshot.check(expected, SystemTime::now())?;
        Ok((snapshot.sessions, snapshot.cache, snapshot.settings))
    }

    fn check(&self, expected: &Expected, now: SystemTime) -> Result<(), Unusable> {
        if self.format != FORMAT {
            return Err(Unusable::Unreadable);
        }
        let is_same = self.bot_id == expected.bot_id
            && self.intents == expected.intents.bits()
            && self.shards == expected.shards
            && self.gateway_url == expected.gateway_url;
        if !is_same {
            return Err(Unusable::Different);
        }
        let age = seconds(now).checked_sub(self.written_at_seconds);
        if age.is_none_or(|age| age > MAX_AGE.as_secs()) {
            return Err(Unusable::TooOld);
        }
        if !(0..self.shards).all(|shard| self.sessions.contains_key(&shard)) {
            return Err(Unusable::Incomplete);
        }
        Ok(())
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    fn expected() -> Expected {
        Expected {
            bot_id: UserId::new(42).unwrap(),
            intents: Intents::GUILDS,
            shards: 1,
            gateway_url: None,
        }
    }

    fn snapshot() -> Snapshot {
        let session = SessionState {
            id: "abc".to_owned(),
            resume_url: "wss://resume.example".to_owned(),
            sequence: 7,
        };
        Snapshot::new(
            expected(),
            BTreeMap::from([(0, session)]),
            Cache::default().snapshot(),
            KnownIntegrations::default(),
        )
    }

    #[test]
    fn what_was_written_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.json");
        snapshot().write(&path).unwrap();
        let (sessions, ..) = Snapshot::take(&path, &expected()).unwrap();
        assert_eq!(sessions[&0].sequence, 7);
        assert_eq!(Snapshot::take(&path, &expected()).unwrap_err(), Unusable::Absent);
    }

    #[test]
    fn an_unfit_file_is_deleted_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.json");
        fs::write(&path, "{").unwrap();
        assert_eq!(Snapshot::take(&path, &expected()).unwrap_err(), Unusable::Unreadable);
        assert!(!path.exists());
        snapshot().write(&path).unwrap();
        let other = Expected {
            intents: Intents::all(),
            ..expected()
        };
        assert_eq!(Snapshot::take(&path, &other).unwrap_err(), Unusable::Different);
        assert!(!path.exists());
    }

    #[test]
    fn only_what_fits_in_every_respect_is_resumed() {
        let now = SystemTime::now();
        let check = |snapshot: &Snapshot, expected: &Expected, now| snapshot.check(expected, now);
        assert_eq!(check(&snapshot(), &expected(), now), Ok(()));
        for other in [
            Expected {
                bot_id: UserId::new(43).unwrap(),
                ..expected()
            },
            Expected {
                intents: Intents::GUILDS | Intents::GUILD_MESSAGES,
                ..expected()
            },
            Expected {
                shards: 2,
                ..expected()
            },
            Expected {
                gateway_url: Some("ws://127.0.0.1:1".to_owned()),
                ..expected()
            },
        ] {
            assert_eq!(check(&snapshot(), &other, now), Err(Unusable::Different));
        }
        let late = now + MAX_AGE + Duration::from_secs(2);
        assert_eq!(check(&snapshot(), &expected(), late), Err(Unusable::TooOld));
        let early = now - Duration::from_secs(5);
        assert_eq!(check(&snapshot(), &expected(), early), Err(Unusable::TooOld));
        let mut incomplete = snapshot();
        incomplete.sessions.clear();
        assert_eq!(check(&incomplete, &expected(), now), Err(Unusable::Incomplete));
        let mut older = snapshot();
        older.format = 0;
        assert_eq!(check(&older, &expected(), now), Err(Unusable::Unreadable));
    }
}
