//! How often commands may be used: a bucket of tokens for each command and whoever is counted.
//!
//! Pure: the time is given. A bucket is one number, the moment at which it is full again, so that millions fit into
//! memory: taking a token puts that moment off by the time in which one comes back.

use std::collections::HashMap;

use plugin_protocol::Cooldown;

use super::Key;

/// No bucket takes longer to fill, in milliseconds: 30 days, as long as a command can declare.
const LONGEST: u64 = 30 * 86_400_000;

/// All buckets that are not full.
#[derive(Debug, Default)]
pub struct Cooldowns {
    /// By command, then by whom: when they are full again, in milliseconds since 1970.
    buckets: HashMap<Box<str>, HashMap<Key, u64>>,
}

/// A token that was taken, to be given back if what it was for does not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whose bucket it is from.
    pub key: Key,
    interval: u64,
    /// When the bucket is full again, in milliseconds since 1970.
    pub full_at: u64,
}

impl Cooldowns {
    /// Takes a token.
    ///
    /// # Errors
    ///
    /// There is none: when there will be one, in milliseconds since 1970.
    pub fn take(&mut self, command: &str, rule: Cooldown, key: Key, now: u64) -> Result<Taken, u64> {
        if let Some(next) = self.next(command, rule, key, now) {
            return Err(next);
        }
        let interval = interval(rule);
        let full_at = self.full_at(command, rule, key, now).saturating_add(interval);
        if let Some(buckets) = self.buckets.get_mut(command) {
            buckets.insert(key, full_at);
        } else {
            self.buckets.insert(command.into(), HashMap::from([(key, full_at)]));
        }
        Ok(Taken { key, interval, full_at })
    }

    /// When there will be a token, in milliseconds since 1970; `None` if there is one now. Takes none.
    #[must_use]
    pub fn next(&self, command: &str, rule: Cooldown, key: Key, now: u64) -> Option<u64> {
        let full_at = self.full_at(command, rule, key, now).saturating_add(interval(rule));
        let next = full_at.saturating_sub(length(rule));
        (next > now).then_some(next)
    }

    /// Gives a token back.
    pub fn give_back(&mut self, command: &str, taken: Taken) {
        if let Some(full_at) = self
            .buckets
            .get_mut(command)
            .and_then(|buckets| buckets.get_mut(&taken.key))
        {
            *full_at = full_at.saturating_sub(taken.interval);
        }
    }

    /// Forgets the buckets that are full.
    pub fn sweep(&mut self, now: u64) {
        self.buckets.retain(|_, buckets| {
            buckets.retain(|_, full_at| *full_at > now);
            !buckets.is_empty()
        });
    }

    /// The buckets that are not full before `until`, as they are written down.
    pub fn lasting(&self, until: u64) -> impl Iterator<Item = (&str, Key, u64)> {
        let all = self.buckets.iter();
        all.flat_map(move |(command, buckets)| {
            let lasting = buckets.iter().filter(move |(_, full_at)| **full_at > until);
            lasting.map(|(key, full_at)| (&**command, *key, *full_at))
        })
    }

    /// Puts a bucket back that was written down.
    pub fn restore(&mut self, command: &str, key: Key, full_at: u64) {
        let bucket = self.buckets.entry(command.into()).or_default().entry(key).or_default();
        *bucket = full_at.max(*bucket);
    }

    /// When a bucket is full again; `None` for one that is forgotten.
    #[must_use]
    pub fn bucket(&self, command: &str, key: Key) -> Option<u64> {
        let buckets = self.buckets.get(command)?;
        buckets.get(&key).copied()
    }

    /// When a bucket is full by this rule: an empty one takes no longer, whatever the clock or an earlier rule has said.
    fn full_at(&self, command: &str, rule: Cooldown, key: Key, now: u64) -> u64 {
        let full_at = self.bucket(command, key).unwrap_or_default();
        full_at.clamp(now, now.saturating_add(length(rule)))
    }
}

/// The time in which one token comes back, in milliseconds.
fn interval(rule: Cooldown) -> u64 {
    (rule.per_ms.min(LONGEST) / u64::from(rule.uses.max(1))).max(1)
}

/// The time in which an empty bucket fills, in milliseconds.
fn length(rule: Cooldown) -> u64 {
    interval(rule) * u64::from(rule.uses.max(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use plugin_protocol::Bucket;
    use proptest::prelude::*;

    use super::*;

    const RULE: Cooldown = Cooldown {
        uses: 3,
        per_ms: 6000,
        bucket: Bucket::User,
    };
    const ALICE: Key = Key(0, 1);
    const BOB: Key = Key(0, 2);

    #[test]
    fn tokens_are_used_up_and_come_back_one_by_one() {
        let mut cooldowns = Cooldowns::default();
        for _ in 0..3 {
            cooldowns.take("ban", RULE, ALICE, 10_000).unwrap();
        }
        assert_eq!(cooldowns.take("ban", RULE, ALICE, 10_000), Err(12_000));
        assert_eq!(cooldowns.next("ban", RULE, ALICE, 10_000), Some(12_000));
        assert!(
            cooldowns.take("ban", RULE, BOB, 10_000).is_ok(),
            "each has an own bucket"
        );
        assert!(
            cooldowns.take("kick", RULE, ALICE, 10_000).is_ok(),
            "so has each command"
        );
        assert_eq!(cooldowns.next("ban", RULE, ALICE, 12_000), None);
        assert!(cooldowns.take("ban", RULE, ALICE, 12_000).is_ok());
        assert_eq!(cooldowns.take("ban", RULE, ALICE, 12_000), Err(14_000));
        for _ in 0..3 {
            cooldowns.take("ban", RULE, ALICE, 60_000).unwrap();
        }
        assert_eq!(
            cooldowns.take("ban", RULE, ALICE, 60_000),
            Err(62_000),
            "never more than all of them"
        );
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_full_buckets_are_forgotten() {
        let once = Cooldown { uses: 1, ..RULE };
        let mut cooldowns = Cooldowns::default();
        let taken = cooldowns.take("ban", once, ALICE, 0).unwrap();
        assert_eq!(cooldowns.take("ban", once, ALICE, 5999), Err(6000));
        cooldowns.give_back("ban", taken);
        assert!(cooldowns.take("ban", once, ALICE, 5999).is_ok());
        let kept: Vec<_> = cooldowns
            .lasting(11_998)
            .map(|(command, key, at)| (command.to_owned(), key, at))
            .collect();
        assert_eq!(kept, [("ban".to_owned(), ALICE, 11_999)]);
        cooldowns.sweep(11_999);
        assert_eq!(cooldowns.lasting(0).count(), 0);
        let (command, key, at) = &kept[0];
        cooldowns.restore(command, *key, *at);
        assert_eq!(cooldowns.take("ban", once, ALICE, 7000), Err(11_999));
    }

    #[test]
    fn a_clock_that_was_ahead_and_a_rule_that_was_longer_lock_nobody_out() {
        let mut cooldowns = Cooldowns::default();
        let year = 365 * 86_400_000;
        for _ in 0..3 {
            cooldowns.take("ban", RULE, ALICE, year).unwrap();
        }
        assert_eq!(cooldowns.next("ban", RULE, ALICE, 10_000), Some(12_000));
        assert_eq!(cooldowns.take("ban", RULE, ALICE, 10_000), Err(12_000));
        let long = Cooldown {
            per_ms: 86_400_000,
            uses: 1,
            ..RULE
        };
        cooldowns.take("kick", long, ALICE, 0).unwrap();
        assert_eq!(cooldowns.take("kick", RULE, ALICE, 0), Err(2000));
    }

    #[test]
    fn no_rule_is_too_large() {
        let mut cooldowns = Cooldowns::default();
        for (uses, per_ms) in [
            (1, u64::MAX),
            (u32::MAX, u64::MAX),
            (u32::MAX, 0),
            (0, u64::MAX),
            (0, 0),
        ] {
            let rule = Cooldown { uses, per_ms, ..RULE };
            let name = format!("{uses} {per_ms}");
            cooldowns.restore(&name, BOB, u64::MAX);
            for now in [1, u64::MAX] {
                let first = cooldowns.take(&name, rule, ALICE, now).is_ok();
                assert!(first || now == u64::MAX, "{name}");
                let next = cooldowns.next(&name, rule, BOB, now);
                assert!(next.is_none_or(|next| next > now), "{name}");
            }
        }
        let longest = Cooldown {
            uses: 1,
            per_ms: u64::MAX,
            ..RULE
        };
        cooldowns.take("longest", longest, ALICE, 0).unwrap();
        assert_eq!(cooldowns.take("longest", longest, ALICE, 0), Err(LONGEST));
    }

    proptest! {
        #[test]
        fn in_no_time_span_are_there_more_uses_than_the_bucket_and_what_came_back(
            uses in 1_u32..5,
            per_ms in 1_u64..5000,
            waits in prop::collection::vec(0_u64..3000, 1..60),
        ) {
            let rule = Cooldown { uses, per_ms, bucket: Bucket::User };
            let mut cooldowns = Cooldowns::default();
            let (mut now, mut taken) = (1_000_000, Vec::new());
            for wait in waits {
                now += wait;
                let next = cooldowns.next("a", rule, ALICE, now);
                match cooldowns.take("a", rule, ALICE, now) {
                    Ok(_) => {
                        prop_assert_eq!(next, None);
                        taken.push(now);
                    }
                    Err(at) => {
                        prop_assert_eq!(next, Some(at));
                        prop_assert!(at > now && at <= now + per_ms.max(u64::from(uses)));
                    }
                }
            }
            for (first, start) in taken.iter().enumerate() {
                for (number, end) in taken[first..].iter().enumerate() {
                    let came_back = (end - start) / interval(rule);
                    prop_assert!((number as u64) < u64::from(uses) + came_back);
                }
            }
        }
    }
}
