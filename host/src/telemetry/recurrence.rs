//! Faults that come again and again: told at once, then now and then with their number. Pure.
//!
//! Apart from the logs because only those who log know what is of one kind.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How often a fault of one kind is told at most.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// How many kinds are told apart; further ones share a place.
const KINDS: usize = 64;

/// Faults by kind: the first of each is told at once, later ones now and then with their number.
#[derive(Debug, Default)]
pub struct Faults {
    kinds: HashMap<String, (Instant, u64)>,
}

impl Faults {
    /// Counts a fault. If it is to be told, answers with how many of its kind were not told since the last one.
    pub fn note(&mut self, kind: &str, now: Instant) -> Option<u64> {
        let kind = kind.get(..64).unwrap_or(kind);
        let is_known = self.kinds.contains_key(kind) || self.kinds.len() < KINDS;
        let kind = if is_known { kind } else { "" };
        match self.kinds.get_mut(kind) {
            None => {
                self.kinds.insert(kind.to_owned(), (now, 0));
                Some(0)
            }
            Some((told, untold)) if now.duration_since(*told) >= TOLD_EVERY => {
                *told = now;
                Some(std::mem::take(untold))
            }
            Some((_, untold)) => {
                *untold += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_one_kind_are_told_once_a_minute() {
        let begin = Instant::now();
        let mut faults = Faults::default();
        assert_eq!(faults.note("MESSAGE_CREATE", begin), Some(0));
        for _ in 0..1000 {
            assert_eq!(faults.note("MESSAGE_CREATE", begin), None);
        }
        assert_eq!(faults.note("GUILD_CREATE", begin), Some(0));
        assert_eq!(faults.note("MESSAGE_CREATE", begin + TOLD_EVERY), Some(1000));
        for kind in 0..1000 {
            faults.note(&format!("KIND_{kind}"), begin);
        }
        assert!(faults.kinds.len() <= KINDS + 1);
    }
}
