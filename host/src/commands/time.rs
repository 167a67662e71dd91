//! Lengths of time and dates as people write them: `1h30m`, `2 days`, `2030-12-24 18:00`, `tomorrow 9:00`, `in 2 days`.
//!
//! Pure: what time it is now is given. Zones are those of the database that is compiled in, so that every host knows the
//! same ones.

use std::time::Duration;

use jiff::{
    Span, Timestamp, ToSpan, Zoned,
    civil::{Date, DateTime, Time},
    fmt::friendly::SpanParser,
    tz::{TimeZone, TimeZoneDatabase},
};

/// The greatest length of time: a thousand years, far below where calculations end.
const LONGEST: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);
/// Longer texts than this name no time.
const MOST_CHARACTERS: usize = 100;

/// A length of time: numbers with units from milliseconds to years, of which a month has 30 days and a year 365.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    if text.len() > MOST_CHARACTERS {
        return None;
    }
    let text = text.trim().to_lowercase();
    let span: Span = SpanParser::new().parse_span(&text).ok()?;
    let days = i64::from(span.get_years()) * 365
        + i64::from(span.get_months()) * 30
        + i64::from(span.get_weeks()) * 7
        + i64::from(span.get_days());
    let units = [
        (i128::from(days), 86_400_000_000_000_i128),
        (span.get_hours().into(), 3_600_000_000_000),
        (span.get_minutes().into(), 60_000_000_000),
        (span.get_seconds().into(), 1_000_000_000),
        (span.get_milliseconds().into(), 1_000_000),
        (span.get_microseconds().into(), 1000),
        (span.get_nanoseconds().into(), 1),
    ];
    let nanoseconds: i128 = units.iter().map(|(count, of)| count * of).sum();
    let millis = u64::try_from(nanoseconds / 1_000_000).ok()?;
    let duration = Duration::from_millis(millis);
    (duration <= LONGEST).then_some(duration)
}

/// Whether a time zone of this name is known.
#[must_use]
pub fn is_zone(name: &str) -> bool {
    zone(name).is_some()
}

fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    TimeZoneDatabase::bundled().get(name).ok()
}

/// A point in time, in seconds since 1970. What names no zone of its own is meant in the one of this name.
#[must_use]
pub fn date(text: &str, zone_name: &str, now: i64) -> Option<i64> {
    if text.len() > MOST_CHARACTERS {
        return None;
    }
    let text = text.trim();
    if let Some(seconds) = discord_timestamp(text) {
        return Timestamp::from_second(seconds).ok().map(Timestamp::as_second);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_second());
    }
    let text = text.to_lowercase();
    let now = Timestamp::from_second(now).ok()?.to_zoned(zone(zone_name)?);
    if text == "now" {
        return Some(now.timestamp().as_second());
    }
    if let Some(length) = text.strip_prefix("in ").and_then(duration) {
        let seconds = i64::try_from(length.as_secs()).ok()?;
        let then = now.timestamp().as_second().checked_add(seconds)?;
        return Timestamp::from_second(then).ok().map(Timestamp::as_second);
    }
    let there = civil(&text, &now)?.to_zoned(now.time_zone().clone()).ok()?;
    Some(there.timestamp().as_second())
}

/// A date and time without a zone.
fn civil(text: &str, now: &Zoned) -> Option<DateTime> {
    if let Some(time) = time(text) {
        let today = now.date().to_datetime(time);
        return if today > now.datetime() {
            Some(today)
        } else {
            today.checked_add(1.day()).ok()
        };
    }
    let split = text.split_once(' ').or_else(|| {
        text.split_once('t')
            .filter(|(date, _)| date.len() == "2030-12-24".len())
    });
    let (date, time_text) = match split {
        Some((date, time)) => (date, Some(time.trim().trim_start_matches("at "))),
        None => (text, None),
    };
    let day = day(date, now)?;
    let time = time_text.map_or(Some(Time::midnight()), time)?;
    Some(day.to_datetime(time))
}

fn day(text: &str, now: &Zoned) -> Option<Date> {
    match text {
        "today" => Some(now.date()),
        "tomorrow" => now.date().checked_add(1.day()).ok(),
        _ => {
            let mut parts = text.splitn(3, '-');
            let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            if year.len() != 4 {
                return None;
            }
            Date::new(number(year)?, number(month)?, number(day)?).ok()
        }
    }
}

/// `18:00`, `9:05:30`.
fn time(text: &str) -> Option<Time> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let second = parts.next().map_or(Some(0), number)?;
    if minute.len() != 2 {
        return None;
    }
    Time::new(number(hour)?, number(minute)?, second, 0).ok()
}

fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// The seconds in `<t:1618953630:R>`.
fn discord_timestamp(text: &str) -> Option<i64> {
    let inner = text.strip_prefix("<t:")?.strip_suffix('>')?;
    inner.split(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_of_time() {
        let cases = [
            ("1h30m", Some(5400)),
            ("1H 30M", Some(5400)),
            ("2 days", Some(172_800)),
            ("1 hour, 30 minutes", Some(5400)),
            ("1.5h", Some(5400)),
            ("90s", Some(90)),
            ("1w", Some(604_800)),
            ("2 weeks", Some(1_209_600)),
            ("1 month", Some(2_592_000)),
            ("1y", Some(31_536_000)),
            ("0s", Some(0)),
            ("1d2h3m4s", Some(93_784)),
            ("", None),
            ("90", None),
            ("h", None),
            ("2 apples", None),
            ("-1h", None),
            ("1h ago", None),
            ("99999999999999999999h", None),
            ("9999y", None),
            ("1h30", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(duration(text).map(|length| length.as_secs()), seconds, "{text:?}");
        }
        assert_eq!(duration("1500ms"), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn dates_and_times() {
        // 2026-06-15 12:00 UTC, 14:00 in Berlin.
        let now = 1_781_524_800;
        let cases = [
            ("2030-12-24 18:00", "UTC", Some(1_924_365_600)),
            ("2030-12-24T18:00", "UTC", Some(1_924_365_600)),
            ("2030-12-24 at 18:00:00", "UTC", Some(1_924_365_600)),
            ("2030-12-24 18:00", "Europe/Berlin", Some(1_924_362_000)),
            ("2030-12-24T18:00:00Z", "Europe/Berlin", Some(1_924_365_600)),
            ("2030-12-24T18:00:00+01:00", "UTC", Some(1_924_362_000)),
            ("2030-12-24", "UTC", Some(1_924_300_800)),
            ("<t:1618953630:R>", "UTC", Some(1_618_953_630)),
            ("<t:-5>", "UTC", Some(-5)),
            ("now", "UTC", Some(now)),
            ("in 2 days", "UTC", Some(now + 172_800)),
            ("in 1h30m", "Europe/Berlin", Some(now + 5400)),
            ("today", "UTC", Some(now - 43_200)),
            ("tomorrow", "UTC", Some(now + 43_200)),
            ("Tomorrow 9:00", "Europe/Berlin", Some(now + 19 * 3600)),
            ("tomorrow at 9:00", "Europe/Berlin", Some(now + 19 * 3600)),
            ("13:00", "UTC", Some(now + 3600)),
            ("13:00", "Europe/Berlin", Some(now + 23 * 3600)),
            ("2030-02-30", "UTC", None),
            ("2030-1-1 25:00", "UTC", None),
            ("30-12-24", "UTC", None),
            ("18", "UTC", None),
            ("2030", "UTC", None),
            ("yesterday", "UTC", None),
            ("in", "UTC", None),
            ("in a moment", "UTC", None),
            ("<t:x>", "UTC", None),
            ("", "UTC", None),
            ("2030-12-24", "Middle-earth/Bree", None),
        ];
        for (text, zone, expected) in cases {
            assert_eq!(date(text, zone, now), expected, "{text:?} in {zone}");
        }
        assert!(is_zone("Europe/Berlin") && is_zone("UTC") && !is_zone("Middle-earth/Bree"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn a_length_of_time_that_is_written_is_read(days in 0_u64..400, hours in 0_u64..24, minutes in 0_u64..60, spaced: bool) {
            let (space, unit) = if spaced { (" ", ["days", "hours", "minutes"]) } else { ("", ["d", "h", "m"]) };
            let text = format!("{days}{space}{}{space}{hours}{space}{}{space}{minutes}{space}{}", unit[0], unit[1], unit[2]);
            let expected = Duration::from_secs(((days * 24 + hours) * 60 + minutes) * 60);
            prop_assert_eq!(duration(&text), Some(expected), "{}", text);
        }

        #[test]
        fn any_text_ends(text in "\\PC{0,60}") {
            let _ = duration(&text);
            let _ = date(&text, "Europe/Berlin", 1_781_524_800);
        }

        #[test]
        fn a_date_that_is_written_is_read(seconds in 0_i64..8_000_000_000) {
            let written = Timestamp::from_second(seconds).unwrap().to_string();
            prop_assert_eq!(date(&written, "UTC", 0), Some(seconds));
            let civil = written.replace('T', " ").replace('Z', "");
            prop_assert_eq!(date(&civil, "UTC", 0), Some(seconds), "{}", civil);
        }
    }
}
