//! Rules against a clock that is read minute by minute, in zones that change theirs.
//!
//! What Berlin's clocks do is written out; everything else is by property, in UTC.

#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil;
use proptest::prelude::*;

use super::*;

fn cron(expression: &str, zone: &str) -> Recurrence {
    Recurrence::read(&TimerRule::Cron {
        expression: expression.to_owned(),
        zone: zone.to_owned(),
    })
    .unwrap()
}

fn ms(time: &str) -> u64 {
    let timestamp: Timestamp = time.parse().unwrap();
    u64::try_from(timestamp.as_millisecond()).unwrap()
}

fn utc(ms: u64) -> String {
    Timestamp::from_millisecond(i64::try_from(ms).unwrap())
        .unwrap()
        .to_string()
}

/// The times of a rule from a moment on.
fn times(rule: &Recurrence, from: &str, count: usize) -> Vec<String> {
    let mut at = ms(from);
    let mut all = Vec::new();
    for _ in 0..count {
        at = rule.after(at);
        all.push(utc(at));
    }
    all
}

#[test]
fn where_clocks_are_put_forward_a_fixed_time_comes_when_the_gap_is_over() {
    // In Berlin, 02:00 is followed by 03:00 on 29 March 2026, at 01:00 UTC.
    let fixed = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        times(&fixed, "2026-03-28T00:00:00Z", 3),
        ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    let hourly = cron("30 * * * *", "Europe/Berlin");
    assert_eq!(
        times(&hourly, "2026-03-29T00:00:00Z", 3),
        ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"],
        "no hour is without it"
    );
}

#[test]
fn where_clocks_are_put_back_a_fixed_time_comes_once_and_an_hourly_one_each_hour() {
    // In Berlin, 03:00 is followed by 02:00 on 25 October 2026, at 01:00 UTC.
    let fixed = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        times(&fixed, "2026-10-24T00:00:00Z", 3),
        ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
    let hourly = cron("30 * * * *", "Europe/Berlin");
    assert_eq!(
        times(&hourly, "2026-10-25T00:00:00Z", 3),
        ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]
    );
}

#[test]
fn rules_that_never_come_or_are_none_are_refused_with_what_to_write() {
    let refused = |expression: &str, zone: &str| {
        Recurrence::read(&TimerRule::Cron {
            expression: expression.to_owned(),
            zone: zone.to_owned(),
        })
        .unwrap_err()
    };
    assert!(refused("0 0 30 2 *", "UTC").contains("within ten years"));
    assert!(refused("0 0 31 4,6 *", "UTC").contains("within ten years"));
    assert!(refused("* * * * * *", "UTC").contains("is no cron expression"));
    assert!(refused("0 0 * * *", "Europe/Berlim").contains("name one of the IANA's"));
    assert!(
        Recurrence::read(&TimerRule::Every { ms: 10 })
            .unwrap_err()
            .contains("#[every(\"5m\")]")
    );
    // Leap days come.
    assert_eq!(
        times(&cron("0 0 29 2 *", "UTC"), "2096-03-01T00:00:00Z", 1),
        ["2104-02-29T00:00:00Z"]
    );
}

#[test]
fn rules_are_told_in_words() {
    assert_eq!(words(&TimerRule::Every { ms: 5_400_000 }), "every 1h30m");
    assert_eq!(words(&TimerRule::Every { ms: 300_000 }), "every 5m");
    let rule = TimerRule::Cron {
        expression: "0 9 * * mon".to_owned(),
        zone: "Europe/Berlin".to_owned(),
    };
    assert_eq!(words(&rule), "0 9 * * mon (Europe/Berlin)");
}

#[test]
fn what_a_plugin_describes_is_checked() {
    let function = |name: &str, ms| TimerFunction {
        name: name.to_owned(),
        rule: Some(TimerRule::Every { ms }),
        ..TimerFunction::default()
    };
    assert_eq!(check(&[function("a", 1000), function("b", 1000)]), Ok(()));
    for (functions, expected) in [
        (vec![function("a", 1000), function("a", 1000)], "rename one"),
        (vec![function("a", 1)], "its timer `a`"),
        (
            (0..101).map(|n| function(&n.to_string(), 1000)).collect(),
            "at most 100",
        ),
    ] {
        let why = check(&functions).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
}

/// One of these, or all.
fn field(from: u8, to: u8) -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        1 => Just(None),
        2 => proptest::collection::vec(from..=to, 1..4).prop_map(Some),
    ]
}

fn written(field: Option<&Vec<u8>>) -> String {
    field.map_or("*".to_owned(), |values| {
        values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against reading the clock minute by minute, where no clock is changed.
    #[test]
    fn cron_is_what_the_clock_shows(
        minute in field(0, 59),
        hour in field(0, 23),
        day in field(1, 28),
        month in field(1, 12),
        weekday in field(0, 6),
        start in 0_u64..(4 * 366 * 24 * 60),
    ) {
        let expression = format!(
            "{} {} {} {} {}",
            written(minute.as_ref()), written(hour.as_ref()), written(day.as_ref()), written(month.as_ref()), written(weekday.as_ref())
        );
        let rule = cron(&expression, "UTC");
        let start = ms("2025-01-01T00:00:00Z") + start * 60_000;
        let is = |field: &Option<Vec<u8>>, value: i8| {
            field.as_ref().is_none_or(|values| values.iter().any(|one| i8::try_from(*one) == Ok(value)))
        };
        let is_day = |time: civil::DateTime| {
            let by_weekday = is(&weekday, time.weekday().to_sunday_zero_offset());
            let by_day = is(&day, time.day());
            let date = if day.is_some() && weekday.is_some() { by_day || by_weekday } else { by_day && by_weekday };
            date && is(&month, time.month())
        };
        let mut at = zoned(start, &TimeZone::UTC).unwrap().datetime();
        let expected = loop {
            if !is_day(at) {
                // A day that does not match is passed over at once: a year of minutes is long.
                at = at.date().to_datetime(civil::time(23, 59, 0, 0));
            }
            at = at.checked_add(jiff::Span::new().minutes(1)).unwrap();
            if is_day(at) && is(&minute, at.minute()) && is(&hour, at.hour()) {
                break at;
            }
        };
        let found = zoned(rule.after(start), &TimeZone::UTC).unwrap().datetime();
        prop_assert_eq!(found, expected, "{}", expression);
        // The same by each way to it.
        let due = rule.after(start);
        let later = due + 3 * 86_400_000;
        prop_assert_eq!(rule.first_after(due, due), rule.after(due));
        prop_assert!(rule.first_after(due, later) > later);
        let count = rule.count(due, later);
        let few = rule.last_few(due, later, 2);
        prop_assert_eq!(rule.count(few, later), count.min(2));
    }

    #[test]
    fn periods_keep_their_beat(period in 1_000_u64..10_000_000, due in 0_u64..1_000_000_000, late in 0_u64..1_000_000_000) {
        let rule = Recurrence::Every(period);
        let now = due + late;
        let next = rule.first_after(due, now);
        prop_assert!(next > now && next - now <= period && (next - due).is_multiple_of(period));
        let all = late / period + 1;
        prop_assert_eq!(u64::from(rule.count(due, now)), all.min(1_000));
        let few = rule.last_few(due, now, 5);
        prop_assert_eq!(u64::from(rule.count(few, now)), all.min(5));
        prop_assert!(few >= due && (few - due).is_multiple_of(period));
    }
}
