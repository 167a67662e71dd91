//! What becomes of timers as time passes, by table.
//!
//! Times are numbers here: nothing waits.

#![allow(clippy::unwrap_used, reason = "tests")]

use plugin_protocol::{GuildId, TimerId, TimerInfo, UserId, WhichTimer};

use super::*;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn plugin() -> PluginName {
    "levels".parse().unwrap()
}

fn hourly(missed: MissedRuns) -> TimerFunction {
    TimerFunction {
        name: "decay".to_owned(),
        rule: Some(TimerRule::Every { ms: HOUR }),
        missed,
    }
}

fn once(missed: MissedRuns) -> TimerFunction {
    TimerFunction {
        name: "remind".to_owned(),
        rule: None,
        missed,
    }
}

/// With one hourly rule, which is first due at one hour.
fn with_rule(missed: MissedRuns) -> Agenda {
    let mut agenda = Agenda::default();
    let new = agenda.appear(&plugin(), &[hourly(missed)], 0).new;
    let [(name, rule, first)] = &new[..] else {
        panic!("{new:?}")
    };
    assert_eq!(*first, HOUR);
    let row = TimerRow::new(plugin(), name.clone(), Some(rule.clone()), *first);
    agenda.insert(TimerRow { id: 1, ..row });
    agenda
}

fn reminder(id: u64, due: u64) -> TimerRow {
    TimerRow {
        id,
        ..TimerRow::new(plugin(), "remind".to_owned(), None, due)
    }
}

/// What begins: number, for which time, how many were missed.
fn begun(agenda: &mut Agenda, now: u64) -> Vec<(u64, u64, u32)> {
    let (starts, _) = agenda.poll(now);
    starts.iter().map(|start| (start.id, start.due, start.missed)).collect()
}

fn only(agenda: &Agenda) -> TimerInfo {
    let all = agenda.list(None);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

#[test]
fn a_rule_keeps_its_beat_whenever_it_runs() {
    let mut agenda = with_rule(MissedRuns::RunLate);
    assert_eq!(agenda.poll(HOUR - 1), (vec![], Some(HOUR)));
    assert_eq!(begun(&mut agenda, HOUR + 7), [(1, HOUR, 0)]);
    assert_eq!(begun(&mut agenda, HOUR + 8), [], "it runs");
    agenda.ended(1, &End::Done, HOUR + 9);
    assert_eq!(agenda.poll(HOUR + 10), (vec![], Some(2 * HOUR)), "no drift");
    assert_eq!((only(&agenda).runs, only(&agenda).next_ms), (1, 2 * HOUR));
}

#[test]
fn what_was_missed_is_made_up_for_as_the_function_says() {
    // Nobody is there from one hour to five hours and a half: five times.
    let now = 5 * HOUR + HOUR / 2;
    let mut agenda = with_rule(MissedRuns::RunLate);
    assert_eq!(begun(&mut agenda, now), [(1, HOUR, 4)], "one for all");
    agenda.ended(1, &End::Done, now + 1);
    assert_eq!((only(&agenda).next_ms, only(&agenda).missed), (6 * HOUR, 4));

    let mut agenda = with_rule(MissedRuns::Skip);
    assert_eq!(begun(&mut agenda, now), []);
    assert_eq!((only(&agenda).next_ms, only(&agenda).missed), (6 * HOUR, 5));
    assert_eq!(begun(&mut agenda, 6 * HOUR + IN_TIME), [(1, 6 * HOUR, 0)], "in time");

    let mut agenda = with_rule(MissedRuns::RunEach { most: 3 });
    let mut all = Vec::new();
    for round in 0..5 {
        let starts = begun(&mut agenda, now + round);
        assert!(starts.len() <= 1, "one after another");
        all.extend(starts);
        agenda.ended(1, &End::Done, now + round);
    }
    assert_eq!(all, [(1, 3 * HOUR, 2), (1, 4 * HOUR, 0), (1, 5 * HOUR, 0)]);
    assert_eq!((only(&agenda).next_ms, only(&agenda).missed), (6 * HOUR, 2));
}

#[test]
fn a_run_that_takes_longer_than_its_period_leaves_out_what_it_covers_and_counts_it() {
    let mut agenda = with_rule(MissedRuns::RunLate);
    begun(&mut agenda, HOUR);
    assert_eq!(begun(&mut agenda, 3 * HOUR), [], "one at a time");
    agenda.ended(1, &End::Failed("no".to_owned()), 3 * HOUR + 5);
    let timer = only(&agenda);
    assert_eq!((timer.next_ms, timer.overruns, timer.missed), (4 * HOUR, 2, 0));
    assert_eq!(timer.last.unwrap().outcome, "no");
}

#[test]
fn a_one_off_timer_runs_once_and_is_run_again_if_it_was_cut_off() {
    let mut agenda = Agenda::default();
    agenda.appear(&plugin(), &[once(MissedRuns::RunLate)], 0);
    agenda.insert(reminder(1, MINUTE));
    agenda.insert(reminder(2, MINUTE));
    assert_eq!(begun(&mut agenda, HOUR), [(1, MINUTE, 0), (2, MINUTE, 0)], "late");
    agenda.ended(1, &End::Failed("no channel".to_owned()), HOUR);
    assert_eq!(agenda.changes().1, [1], "it is over, whatever came of it");
    for attempt in 1..=TRIES {
        if attempt > 1 {
            assert_eq!(begun(&mut agenda, HOUR), [(2, MINUTE, 0)], "attempt {attempt}");
        }
        let paused = agenda.ended(2, &End::Interrupted, HOUR);
        assert_eq!(paused.is_some(), attempt == TRIES);
    }
    assert_eq!(begun(&mut agenda, HOUR), [], "three times in all");
    assert_eq!(only(&agenda).state, TimerState::Paused);
    let (rows, _) = agenda.changes();
    // The same after a restart, until its owner says otherwise.
    let (mut agenda, told) = Agenda::load(rows);
    assert_eq!(told, [], "it was told when it was paused");
    agenda.appear(&plugin(), &[once(MissedRuns::RunLate)], 0);
    assert_eq!(begun(&mut agenda, HOUR), []);
    assert!(agenda.resume(2, HOUR));
    assert_eq!(begun(&mut agenda, HOUR), [(2, MINUTE, 0)]);
}

#[test]
fn what_fails_for_what_may_pass_is_run_again_until_it_goes_well() {
    let mut agenda = Agenda::default();
    agenda.insert(reminder(7, HOUR));
    agenda.appear(&plugin(), &[once(MissedRuns::Skip)], 0);
    let mut now = HOUR;
    // More often than what is cut off is tried.
    for round in 0..5 {
        assert_eq!(begun(&mut agenda, now), [(7, now, 0)], "{round}");
        agenda.ended(7, &End::Again("503".to_owned(), MINUTE), now + 1);
        assert_eq!(agenda.poll(now + MINUTE), (vec![], Some(now + MINUTE + 1)));
        assert!(agenda.has_changes(), "it is written down when it comes");
        now += MINUTE + 1;
    }
    assert_eq!(only(&agenda).last.unwrap().outcome, "503");
    assert_eq!(begun(&mut agenda, now).len(), 1);
    agenda.ended(7, &End::Done, now);
    assert_eq!(agenda.list(None), []);
}

#[test]
fn a_one_off_timer_may_say_that_late_is_never() {
    let mut agenda = Agenda::default();
    agenda.appear(&plugin(), &[once(MissedRuns::Skip)], 0);
    agenda.insert(reminder(1, MINUTE));
    agenda.insert(reminder(2, HOUR - 1));
    assert_eq!(begun(&mut agenda, HOUR), [(2, HOUR - 1, 0)]);
    assert_eq!(agenda.changes().1, [1]);
}

#[test]
fn what_could_not_begin_is_as_it_was_and_is_tried_later() {
    let mut agenda = with_rule(MissedRuns::RunLate);
    agenda.appear(&plugin(), &[hourly(MissedRuns::RunLate), once(MissedRuns::RunLate)], 0);
    agenda.insert(reminder(2, MINUTE));
    assert_eq!(begun(&mut agenda, HOUR).len(), 2);
    agenda.put_back(1, HOUR + 1000);
    agenda.put_back(2, HOUR + 1000);
    assert_eq!(agenda.poll(HOUR), (vec![], Some(HOUR + 1000)));
    let (starts, _) = agenda.poll(HOUR + 1000);
    let again: Vec<_> = starts
        .iter()
        .map(|start| (start.id, start.due, start.attempt))
        .collect();
    assert_eq!(again, [(1, HOUR, None), (2, MINUTE, Some(1))]);
}

#[test]
fn timers_wait_for_their_plugin_and_for_a_function_that_went() {
    let mut agenda = with_rule(MissedRuns::RunLate);
    agenda.insert(reminder(2, MINUTE));
    agenda.vanish(&plugin());
    assert_eq!(agenda.poll(2 * HOUR), (vec![], None), "nobody is there");
    assert!(
        agenda
            .list(None)
            .iter()
            .all(|timer| timer.state == TimerState::NoPlugin)
    );
    // A version without either.
    let appearance = agenda.appear(&plugin(), &[], 2 * HOUR);
    assert_eq!(appearance.adrift, [("decay".to_owned(), 1), ("remind".to_owned(), 1)]);
    assert_eq!(agenda.poll(2 * HOUR), (vec![], None));
    assert!(
        agenda
            .list(None)
            .iter()
            .all(|timer| timer.state == TimerState::NoFunction)
    );
    assert_eq!(agenda.run_now(1, HOUR), Err(NotRun::NoFunction));
    // Rolled back.
    let both = [hourly(MissedRuns::RunLate), once(MissedRuns::RunLate)];
    assert_eq!(agenda.appear(&plugin(), &both, 2 * HOUR), Appearance::default());
    assert_eq!(
        begun(&mut agenda, 2 * HOUR),
        [(1, HOUR, 1), (2, MINUTE, 0)],
        "rules first"
    );
}

#[test]
fn another_rule_begins_anew() {
    let mut agenda = with_rule(MissedRuns::RunLate);
    let faster = TimerFunction {
        rule: Some(TimerRule::Every { ms: MINUTE }),
        ..hourly(MissedRuns::RunLate)
    };
    assert_eq!(agenda.appear(&plugin(), &[faster], 10), Appearance::default());
    assert_eq!(only(&agenda).next_ms, MINUTE + 10);
    assert_eq!(agenda.changes().0[0].rule, Some(TimerRule::Every { ms: MINUTE }));
}

#[test]
fn a_pause_holds_over_a_restart_and_misses_nothing() {
    let mut agenda = with_rule(MissedRuns::RunEach { most: 5 });
    assert!(agenda.pause(1));
    assert!(!agenda.pause(9), "there is none");
    let (rows, _) = agenda.changes();
    let (mut agenda, _) = Agenda::load(rows);
    agenda.appear(&plugin(), &[hourly(MissedRuns::RunEach { most: 5 })], 5 * HOUR);
    assert_eq!(begun(&mut agenda, 5 * HOUR), []);
    // By hand it runs all the same, and stays paused.
    assert_eq!(agenda.run_now(1, 5 * HOUR).unwrap().missed, 0);
    assert_eq!(agenda.run_now(1, 5 * HOUR), Err(NotRun::Running));
    agenda.ended(1, &End::Done, 5 * HOUR);
    assert_eq!(only(&agenda).state, TimerState::Paused);
    assert!(agenda.resume(1, 5 * HOUR + 1));
    assert_eq!(agenda.poll(5 * HOUR + 1), (vec![], Some(6 * HOUR)));
}

#[test]
fn many_at_once_take_turns_and_hold_up_no_rule() {
    let mut agenda = with_rule(MissedRuns::RunLate);
    agenda.appear(&plugin(), &[hourly(MissedRuns::RunLate), once(MissedRuns::RunLate)], 0);
    for id in 10..10 + 2 * AT_ONCE as u64 {
        agenda.insert(reminder(id, MINUTE));
    }
    let (starts, _) = agenda.poll(HOUR);
    assert_eq!(starts.len(), AT_ONCE + 1, "and the rule, whose time came last");
    assert_eq!(agenda.poll(HOUR).0, vec![]);
    agenda.ended(10, &End::Done, HOUR);
    assert_eq!(begun(&mut agenda, HOUR), [(10 + AT_ONCE as u64, MINUTE, 0)]);
}

#[test]
fn timers_are_found_cancelled_and_erased() {
    let mut agenda = Agenda::default();
    agenda.appear(&plugin(), &[once(MissedRuns::RunLate)], 0);
    let (user, guild) = (UserId::new(5), GuildId::new(6));
    agenda.insert(TimerRow {
        key: Some("tea".to_owned()),
        user,
        ..reminder(1, HOUR)
    });
    agenda.insert(TimerRow {
        guild,
        ..reminder(2, HOUR)
    });
    agenda.insert(reminder(3, HOUR));
    let by_key = WhichTimer::Key("tea".to_owned());
    assert_eq!(agenda.find(&plugin(), "remind", &by_key), Some(1));
    assert_eq!(agenda.find(&plugin(), "other", &by_key), None);
    assert_eq!(
        agenda.find(&"other".parse().unwrap(), "remind", &WhichTimer::Id(TimerId(1))),
        None
    );
    let all = |agenda: &Agenda, after| -> Vec<u64> {
        agenda
            .waiting(&plugin(), "remind", |_| true, TimerId(after))
            .map(|row| row.id)
            .collect()
    };
    assert_eq!((all(&agenda, 0), all(&agenda, 2)), (vec![1, 2, 3], vec![3]));
    assert_eq!(
        agenda.erase(Subject::User(user.unwrap())),
        BTreeMap::from([(plugin(), 1)])
    );
    assert_eq!(agenda.erase(Subject::User(user.unwrap())), BTreeMap::new());
    assert_eq!(
        agenda.erase(Subject::Guild(guild.unwrap())),
        BTreeMap::from([(plugin(), 1)])
    );
    assert!(agenda.cancel(3) && !agenda.cancel(3));
    assert_eq!(agenda.changes().1, [1, 2, 3]);
    assert_eq!(agenda.poll(2 * HOUR), (vec![], None));
}

#[test]
fn room_is_for_so_many_and_is_given_back() {
    let mut agenda = Agenda::default();
    agenda.insert(reminder(1, HOUR));
    assert!(agenda.reserve(&plugin(), 2) && !agenda.reserve(&plugin(), 2));
    agenda.release(&plugin());
    assert!(agenda.reserve(&plugin(), 2));
    agenda.cancel(1);
    assert!(agenda.reserve(&plugin(), 2));
}

#[test]
fn what_its_owner_ran_before_its_time_and_could_not_begin_keeps_its_beat() {
    for missed in [MissedRuns::RunEach { most: 5 }, MissedRuns::RunLate, MissedRuns::Skip] {
        let mut agenda = with_rule(missed);
        agenda.run_now(1, MINUTE).unwrap();
        agenda.put_back(1, MINUTE + 1000);
        assert_eq!(begun(&mut agenda, MINUTE + 1000), [(1, HOUR, 0)], "{missed:?}");
        agenda.ended(1, &End::Done, 2 * MINUTE);
        assert_eq!(agenda.poll(2 * MINUTE), (vec![], Some(HOUR)), "{missed:?}");
    }
}

#[test]
fn late_is_not_never_for_what_was_cut_off_or_resumed() {
    let mut agenda = Agenda::default();
    agenda.appear(&plugin(), &[once(MissedRuns::Skip)], 0);
    agenda.insert(reminder(1, MINUTE));
    agenda.insert(reminder(2, MINUTE));
    agenda.pause(2);
    assert_eq!(begun(&mut agenda, MINUTE), [(1, MINUTE, 0)]);
    agenda.ended(1, &End::Interrupted, HOUR);
    agenda.resume(2, HOUR);
    assert_eq!(begun(&mut agenda, HOUR), [(1, MINUTE, 0), (2, MINUTE, 0)]);
}
