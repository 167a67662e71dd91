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
        again.quarantined(one).unwrap().text(),
        "it is in quarantine, for its thread hung; replace the file, or try it once more by `load levels`"
    );
    assert!(again.quarantined(two).is_none());
    assert!(again.note_harm(two, &name(), Harm::NotStarted, "no port"));
    again.forgive(two);
    assert!(again.quarantined(two).is_none());
    assert!(again.quarantined(one).is_some());
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
