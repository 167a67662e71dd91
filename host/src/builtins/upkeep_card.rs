//! The cards of `atomictest`, `cachestats` and `cleanup`: from figures to embeds.
//!
//! Pure; every list is cut to what an embed takes.

use std::{fmt::Write, time::Duration};

use plugin_api::{
    Embed, embed,
    upkeep::{CacheFigures, Cleanup},
};

use super::card::{ERROR, NEUTRAL, SUCCESS, WARNING, cut, size};

/// The longest description of an embed that these cards make, in characters.
const DESCRIPTION: usize = 4_000;

/// One thing that was tried.
#[derive(Clone, Debug)]
pub(super) struct Step {
    what: &'static str,
    took: Duration,
    is_right: bool,
}

impl Step {
    pub(super) const fn new(what: &'static str, took: Duration, is_right: bool) -> Self {
        Self { what, took, is_right }
    }
}

/// What a test of files found.
pub(super) fn test(steps: &[Step]) -> Embed {
    let lines: Vec<_> = steps
        .iter()
        .map(|step| {
            let mark = if step.is_right { "\u{2705}" } else { "\u{274c}" };
            format!("{mark} {}: {}", step.what, milliseconds(step.took))
        })
        .collect();
    let wrong = steps.iter().filter(|step| !step.is_right).count();
    let (title, colour) = match wrong {
        0 => ("Files are kept as they should be".to_owned(), SUCCESS),
        _ => (
            format!(
                "Files are not kept as they should be: {wrong} of {} failed",
                steps.len()
            ),
            ERROR,
        ),
    };
    let card = embed(title).colour(colour).description(lines.join("\n"));
    if wrong == 0 {
        return card.footer("Contents were compared after each step");
    }
    card.footer("Run it again; if it fails again, check the disk that data/ is on, and make a backup elsewhere")
}

/// How full the caches are.
pub(super) fn caches(caches: &[CacheFigures]) -> Embed {
    let mut card = embed("What the bot remembers").colour(NEUTRAL);
    for cache in caches {
        let mut text = match cache.max_entries {
            Some(max) => format!("{} of {max} entries", cache.entries),
            None => format!("{} entries", cache.entries),
        };
        match (cache.bytes, cache.max_bytes) {
            (Some(bytes), Some(max)) => {
                let _ = write!(text, "\n{} of {}", size(bytes), size(max));
            }
            (Some(bytes), None) => {
                let _ = write!(text, "\n{}", size(bytes));
            }
            _ => {}
        }
        if let (Some(hits), Some(misses)) = (cache.hits, cache.misses) {
            let share = match hits + misses {
                0 => String::new(),
                all => format!(" ({:.1} % from memory)", hits as f64 * 100.0 / all as f64),
            };
            let _ = write!(text, "\n{hits} hits, {misses} misses{share}");
        }
        if let Some(evictions) = cache.evictions {
            let _ = write!(text, "\n{evictions} evictions");
        }
        if let Some(seconds) = cache.time_to_live_seconds {
            let _ = write!(text, "\nkept for {seconds} s");
        }
        card = card.inline_field(&cache.name, text);
    }
    card
}

/// What was cleaned up.
pub(super) fn cleanup(cleanup: &Cleanup) -> Embed {
    let mut lines: Vec<_> = cleanup
        .removed
        .iter()
        .map(|removed| match (removed.count, removed.bytes) {
            (0, _) => format!("{}: none", removed.what),
            (count, 0) => format!("{}: **{count}**", removed.what),
            (count, bytes) => format!("{}: **{count}**, {}", removed.what, size(bytes)),
        })
        .collect();
    let is_clean = cleanup.removed.iter().all(|removed| removed.count == 0);
    lines.push(format!(
        "\n`data/` had {} before, and has {} now.",
        size(cleanup.bytes_before),
        size(cleanup.bytes_after)
    ));
    let (title, colour) = match (cleanup.problems.is_empty(), is_clean) {
        (false, _) => ("Cleaned up, but not everything", WARNING),
        (true, true) => ("There was nothing to clean up", NEUTRAL),
        (true, false) => ("Cleaned up", SUCCESS),
    };
    let mut card = embed(title)
        .colour(colour)
        .description(cut(&lines.join("\n"), DESCRIPTION));
    if !cleanup.problems.is_empty() {
        card = card.field("What could not be removed", cut(&cleanup.problems.join("\n"), 1_000));
    }
    card.footer("What plugins wrote stays, whether they are loaded or not")
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use plugin_api::{serde_json, upkeep::Removed};

    use super::*;

    fn shown(card: &Embed) -> String {
        serde_json::to_string_pretty(card).unwrap()
    }

    #[test]
    fn the_test_of_files() {
        let steps = [
            Step::new("write", Duration::from_micros(2_345), true),
            Step::new("10 writers at once", Duration::from_millis(12), true),
        ];
        insta::assert_snapshot!("test", shown(&test(&steps)));
        let steps = [steps[0].clone(), Step::new("delete", Duration::from_micros(3), false)];
        insta::assert_snapshot!("failed_test", shown(&test(&steps)));
    }

    #[test]
    fn the_caches() {
        let all = [
            CacheFigures {
                name: "files of plugins".to_owned(),
                entries: 12,
                max_entries: Some(1_000),
                bytes: Some(123_456),
                max_bytes: Some(64 << 20),
                hits: Some(90),
                misses: Some(10),
                evictions: Some(1),
                time_to_live_seconds: Some(300),
            },
            CacheFigures {
                name: "roles".to_owned(),
                entries: 3,
                ..CacheFigures::default()
            },
        ];
        insta::assert_snapshot!("caches", shown(&caches(&all)));
    }

    #[test]
    fn what_was_cleaned_up() {
        let removed = |what: &str, count, bytes| Removed {
            what: what.to_owned(),
            count,
            bytes,
        };
        let mut done = Cleanup {
            bytes_before: 5 << 20,
            bytes_after: 4 << 20,
            removed: vec![
                removed("temporary files", 2, 1 << 20),
                removed("expired keys", 7, 0),
                removed("old logs", 0, 0),
            ],
            problems: Vec::new(),
        };
        insta::assert_snapshot!("cleaned", shown(&cleanup(&done)));
        done.problems = vec!["data/logs/permanent.log.7 can't be removed: the disk is mounted read-only".to_owned()];
        insta::assert_snapshot!("partly_cleaned", shown(&cleanup(&done)));
        let nothing = Cleanup {
            removed: vec![removed("old logs", 0, 0)],
            ..Cleanup::default()
        };
        insta::assert_snapshot!("nothing_to_clean", shown(&cleanup(&nothing)));
    }
}
