//! What the owner decided, what ran and what did harm, over restarts.
//!
//! Apart, so that what is remembered and what is asked of it each stay on a page.

use super::*;

fn name() -> PluginName {
    "levels".parse().unwrap()
}

fn hash(digit: char) -> ContentHash {
    ContentHash::try_from(digit.to_string().repeat(64)).unwrap()
}

#[tokio::test]
async fn what_is_unloaded_survives() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.json");
    let name = name();
    let mut decisions = Decisions::open(file.clone());
    decisions.set_unloaded(&name, true);
    decisions.save().await;
    let mut again = Decisions::open(file.clone());
    assert!(again.is_unloaded(&name));
    again.set_unloaded(&name, false);
    again.save().await;
    assert!(!Decisions::open(file.clone()).is_unloaded(&name));
    again.set_running(BTreeSet::from([name.clone()]));
    again.save().await;
    assert!(Decisions::open(file.clone()).has_run_last(&name));
    fs::write(&file, "{").unwrap();
    let mut damaged = Decisions::open(file.clone());
    assert!(!damaged.is_unloaded(&name));
    damaged.set_unloaded(&name, true);
    damaged.save().await;
    assert!(Decisions::open(file).is_unloaded(&name));
    let aside = fs::read_dir(folder.path().join("damaged"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(
        fs::read_to_string(aside.path()).unwrap(),
        "{",
        "what somebody wrote is not lost"
    );
}

#[tokio::test]
async fn grave_harm_locks_at_once_and_failed_starts_the_third_time_until_it_is_forgiven() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.json");
    let mut decisions = Decisions::open(file.clone());
    let (one, two) = (hash('a'), hash('b'));
    assert!(decisions.note_harm(one, &name(), Harm::Grave, "its thread hung"));
    assert!(!decisions.note_harm(two, &name(), Harm::NotStarted, "no port"));
    assert!(!decisions.note_harm(two, &name(), Harm::NotStarted, "no port"));
    decisions.save().await;
    let mut again = Decisions::open(file);
    assert_eq!(
        again.quarantined(one).unwrap().text(false),
        "it is in quarantine, for its thread hung; replace the file, or try it once more by `load levels`"
    );
    assert!(again.quarantined(one).unwrap().text(true).ends_with("`reload levels`"));
    assert!(again.quarantined(two).is_none());
    assert!(again.note_harm(two, &name(), Harm::NotStarted, "no port"));
    again.forgive(two);
    assert!(again.quarantined(two).is_none());
    assert!(again.quarantined(one).is_some());
}

#[test]
fn of_too_many_contents_those_go_first_that_may_be_tried_anyway() {
    let mut decisions = Decisions::default();
    decisions.note_harm(hash('a'), &name(), Harm::Grave, "its thread hung");
    decisions.quarantine.get_mut(&hash('a')).unwrap().since = 0;
    for number in 0..300 {
        let hash = ContentHash::try_from(format!("{number:064x}")).unwrap();
        decisions.note_harm(hash, &name(), Harm::NotStarted, "no port");
    }
    assert_eq!(decisions.quarantine.len(), 256);
    assert!(decisions.quarantined(hash('a')).is_some());
}

#[test]
fn failed_starts_are_forgiven_with_other_settings_and_grave_harm_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut decisions = Decisions::open(folder.path().join("decisions.json"));
    for _ in 0..3 {
        decisions.note_harm(hash('a'), &name(), Harm::NotStarted, "no port");
    }
    decisions.note_harm(hash('b'), &name(), Harm::Grave, "its thread hung");
    assert!(decisions.quarantined(hash('a')).is_some());
    decisions.forgive_starts(hash('a'));
    decisions.forgive_starts(hash('b'));
    assert!(decisions.quarantined(hash('a')).is_none());
    assert!(decisions.quarantined(hash('b')).is_some());
}

fn content(plugin: &str, version: &str, digit: char, since: u64) -> Content {
    Content {
        hash: hash(digit),
        manifest: crate::plugins::registry::tests::manifest(&format!("{plugin}@{version}")),
        state_version: None,
        since,
    }
}

#[test]
fn what_served_before_is_known_wherever_it_was_replaced_and_forgotten_when_its_file_has_been_gone_for_days() {
    const DAY: u64 = 24 * 60 * 60;
    let mut decisions = Decisions::default();
    for (version, digit) in [("1.0.0", 'a'), ("1.0.0", 'a'), ("2.0.0", 'b')] {
        decisions.set_serving(content("levels", version, digit, 0));
    }
    assert_eq!(decisions.before(&name()).unwrap().hash, hash('a'));
    decisions.pin(&name(), Some(content("levels", "2.0.0", 'b', 0)));
    decisions.pin(&name(), None);
    assert_eq!(
        decisions.pinned_to(&name()).unwrap().hash,
        hash('b'),
        "one that does not run stays as it was"
    );
    assert_eq!(decisions.kept().all, BTreeSet::from([hash('a'), hash('b')]));
    assert_eq!(decisions.kept().vital, BTreeSet::from([hash('b')]));
    let has_file = |_: &PluginName| true;
    let has_none = |_: &PluginName| false;
    decisions.forget_absent_at(0, has_none);
    decisions.forget_absent_at(13 * DAY, has_none);
    // It was there in between.
    decisions.forget_absent_at(13 * DAY, has_file);
    decisions.forget_absent_at(14 * DAY, has_none);
    assert!(decisions.before(&name()).is_some());
    decisions.forget_absent_at(28 * DAY, has_none);
    assert!(decisions.before(&name()).is_none());
    assert_eq!(
        decisions.kept().all,
        BTreeSet::from([hash('b')]),
        "what is pinned stays"
    );
}

#[test]
fn what_takes_too_much_room_goes_oldest_first_but_for_what_runs_in_place_of_a_file() {
    let mut decisions = Decisions::default();
    let contents = [("a", 'a', 3), ("b", 'b', 1), ("c", 'c', 2)];
    for (plugin, digit, since) in contents {
        let older = content(plugin, "1.0.0", digit, since);
        decisions.before.insert(older.manifest.name.clone(), older);
    }
    decisions.pin(&name(), Some(content("levels", "1.0.0", 'd', 0)));
    let bytes: BTreeMap<_, _> = "abcd".chars().map(|digit| (hash(digit), 10)).collect();
    assert!(!decisions.forget_beyond(40, &bytes));
    assert!(decisions.forget_beyond(25, &bytes));
    assert_eq!(decisions.kept().all, BTreeSet::from([hash('a'), hash('d')]));
    assert!(decisions.forget_beyond(5, &bytes));
    assert_eq!(decisions.kept().all, BTreeSet::from([hash('d')]));
}
