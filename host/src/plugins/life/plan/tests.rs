//! Plans by table: what lies in the folder, what runs and what is asked for, as short texts, and what follows.
//!
//! A content is a manifest as the registry's tests write it and a letter for its hash.

use super::*;
use crate::plugins::{
    persisted::{Content, Harm, RolledBack},
    registry::tests::manifest,
};

fn name(name: &str) -> PluginName {
    name.parse().unwrap()
}

fn names(names: &[&str]) -> BTreeSet<PluginName> {
    names.iter().map(|one| name(one)).collect()
}

fn hash(letter: char) -> ContentHash {
    ContentHash::try_from(format!("{:02x}", u32::from(letter)).repeat(32)).unwrap()
}

fn content(text: &str, letter: char) -> Content {
    Content {
        hash: hash(letter),
        manifest: manifest(text),
        state_version: None,
        since: 0,
    }
}

/// What there is.
#[derive(Default)]
struct World {
    files: Vec<(PathBuf, Entry)>,
    live: BTreeMap<PluginName, Serving>,
    decisions: Decisions,
    failed: HashMap<PluginName, (ContentHash, String)>,
    held_back: HashMap<PluginName, HeldBack>,
}

impl World {
    /// These run, each from its file.
    fn running(contents: &[(&str, char)]) -> Self {
        let mut world = Self::default();
        for (text, letter) in contents {
            let manifest = manifest(text);
            let serving = Serving {
                manifest: Arc::new(manifest.clone()),
                hash: Some(hash(*letter)),
                file: Some(path(&manifest)),
                generation: 1,
            };
            world.live.insert(manifest.name.clone(), serving);
            world = world.file(text, *letter);
        }
        world
    }

    fn file(mut self, text: &str, letter: char) -> Self {
        let manifest = manifest(text);
        let path = path(&manifest);
        self.files.retain(|(other, _)| *other != path);
        let entry = Entry::Plugin {
            hash: hash(letter),
            manifest: Arc::new(manifest),
            shadow: None,
        };
        self.files.push((path, entry));
        self.files.sort_by(|one, other| one.0.cmp(&other.0));
        self
    }

    fn without(mut self, plugin: &str) -> Self {
        self.files.retain(|(path, _)| file_name(path) != format!("{plugin}.so"));
        self
    }

    fn plan(&self, ask: &Ask) -> Plan {
        let scene = Scene {
            files: self.files.iter().map(|(path, entry)| (path.as_path(), entry)).collect(),
            live: self.live.clone(),
            decisions: &self.decisions,
            blacklist: &BTreeSet::new(),
            failed: &self.failed,
            held_back: &self.held_back,
            hold_back: false,
            asked_for: &BTreeSet::new(),
            ask,
        };
        scene.plan()
    }

    /// The steps, those of one unit in brackets, and what is refused.
    fn told(&self, ask: &Ask) -> String {
        let plan = self.plan(ask);
        let step = |at: &usize| {
            let step = &plan.steps[*at];
            match &step.action {
                Action::Start(choice) => format!("+{}@{}", step.name, choice.manifest.version),
                Action::Replace { by, .. } => format!("={}@{}", step.name, by.manifest.version),
                Action::Unload { .. } => format!("-{}", step.name),
            }
        };
        let units = plan.units.iter().map(|unit| {
            let steps: Vec<_> = unit.iter().map(step).collect();
            format!("[{}]", steps.join(" "))
        });
        let refused = plan.refused.all().map(|(file, why)| format!("{file}: {why}"));
        let dropped = plan.dropped.iter().map(|(name, why)| format!("{name} dropped: {why}"));
        let lines: Vec<_> = [units.collect::<Vec<_>>().join(" ")]
            .into_iter()
            .chain(refused)
            .chain(dropped)
            .collect();
        lines.join("\n")
    }

    fn look(&self) -> String {
        self.told(&Ask::default())
    }
}

fn path(manifest: &Manifest) -> PathBuf {
    PathBuf::from(format!("plugins/{}.so", manifest.name))
}

#[test]
fn what_hangs_together_and_runs_is_one_unit_and_what_does_not_is_its_own() {
    let world = World::running(&[("a", 'a'), ("b needs a", 'b'), ("c", 'c'), ("d", 'd')]);
    assert_eq!(world.look(), "");
    let changed = world
        .file("a@2.0.0", '1')
        .file("b@2.0.0 needs a>=2", '2')
        .file("c@2.0.0", '3');
    assert_eq!(changed.look(), "[=a@2.0.0 =b@2.0.0] [=c@2.0.0]");
    // Where nothing runs there is nothing to keep.
    let fresh = World::default().file("a", 'a').file("b needs a", 'b').file("c", 'c');
    assert_eq!(fresh.look(), "[+a@1.0.0] [+b@1.0.0] [+c@1.0.0]");
    // But what comes with a replacement comes with it or not at all.
    let both = World::running(&[("a", 'a')])
        .file("a@2.0.0", '1')
        .file("b needs a>=2", 'b');
    assert_eq!(both.look(), "[=a@2.0.0 +b@1.0.0]");
}

#[test]
fn who_does_not_fit_beside_a_newer_version_ends_with_its_swap() {
    let world = World::running(&[("a", 'a'), ("b needs a<2", 'b'), ("c", 'c')]);
    assert_eq!(
        world.file("a@2.0.0", '1').look(),
        "[-b =a@2.0.0]\n\
         b.so: it needs the plugin `a` in version <2, but version 2.0.0 is there: replace one of the two"
    );
    let world = World::running(&[("a", 'a'), ("b needs a", 'b')]);
    assert!(
        world
            .without("a")
            .look()
            .starts_with("[-b] [-a]\nb.so: it needs the plugin `a`")
    );
}

#[test]
fn what_is_named_together_happens_together_or_not_at_all() {
    let ask = |wanted: &[&str]| Ask {
        wanted: names(wanted),
        together: true,
        ..Ask::default()
    };
    let world = World::default().file("a", 'a').file("b", 'b').file("c needs x", 'c');
    assert_eq!(
        world.told(&ask(&["a", "b"])).lines().next().unwrap(),
        "[+a@1.0.0 +b@1.0.0]"
    );
    assert_eq!(
        world.told(&ask(&["a", "c"])),
        "[+b@1.0.0]\n\
         c.so: it needs the plugin `x`, which is not loaded: add it, or load it first\n\
         a dropped: it was asked for together with `c`, which can't be: it needs the plugin `x`, which is not loaded: \
         add it, or load it first"
    );
    let only = Ask {
        only_these: true,
        ..ask(&["a"])
    };
    assert_eq!(world.told(&only), "[+a@1.0.0]");
}

#[test]
fn what_is_needed_goes_only_with_those_that_need_it_and_after_them() {
    let unload = |names_of: &[&str], with_dependants| Ask {
        unwanted: names(names_of),
        with_dependants,
        together: true,
        only_these: true,
        ..Ask::default()
    };
    let mut world = World::running(&[("a", 'a'), ("b needs a", 'b'), ("c needs b needs? d", 'c'), ("d", 'd')]);
    let needed = "it is needed by `b`, `c`: `unload a d --with-dependants` unloads `c`, then `b`, `d`, then `a`";
    let plan = world.plan(&unload(&["a", "d"], false));
    assert!(plan.steps.is_empty() && plan.unloaded.is_empty());
    assert_eq!(
        plan.dropped,
        BTreeMap::from([
            (name("a"), needed.to_owned()),
            (
                name("d"),
                format!("it was asked for together with `a`, which can't be: {needed}")
            ),
        ])
    );
    let plan = world.plan(&unload(&["a", "d"], true));
    assert_eq!(plan.ended_by_owner(), ["c", "b", "d", "a"].map(name));
    let because: Vec<_> = plan.steps.iter().map(|step| step.because.clone()).collect();
    let needs = Because::Needs(vec![name("a")]);
    assert_eq!(because, [needs.clone(), needs, Because::Asked, Because::Asked]);
    assert_eq!(world.told(&unload(&["a"], true)), "[-c] [-b] [-a]");
    // Who may run for want of it comes, if it is looked for; and what does not run stays away.
    world = world.file("e not d", 'e');
    let looks = Ask {
        only_these: false,
        ..unload(&["d", "c"], false)
    };
    assert_eq!(world.told(&looks), "[-c] [-d] [+e@1.0.0]");
    let idle = world.plan(&unload(&["e"], false));
    assert!(idle.steps.is_empty() && idle.dropped.is_empty());
    assert_eq!(idle.unloaded, names(&["e"]));
    // Where nothing can be said of the folder, the owner is followed all the same.
    world.files.clear();
    let mut plan = world.plan(&unload(&["b"], true));
    plan.only_unloads();
    assert_eq!(plan.ended_by_owner(), ["c", "b"].map(name));
    assert_eq!((plan.steps.len(), plan.units), (2, vec![vec![0], vec![1]]));
}

#[test]
fn a_pin_wins_a_conflict_and_keeps_a_version() {
    let mut world = World::running(&[("a", 'a')]).file("b not a", 'b');
    assert_eq!(
        world.look(),
        "\nb.so: it can't run beside `a`, which is running: unload that one first, or remove this one"
    );
    world.decisions.pin(&name("b"), None);
    assert!(world.look().starts_with("[-a +b@1.0.0]\na.so: it can't run beside `b`"));
    let step = &world.plan(&Ask::default()).steps[0];
    assert_eq!(
        step.because,
        Because::Refused("it can't run beside `b`, which is pinned: `unpin b` first, or remove this one".to_owned())
    );
    let mut world = World::running(&[("a", 'a')]).file("a@2.0.0", '1');
    world.decisions.pin(&name("a"), Some(content("a", 'a')));
    assert_eq!(
        world.look(),
        "\na.so: `a` is pinned to its version 1.0.0, and this is another file of it (version 2.0.0): `unpin a` takes it"
    );
    // Also after a restart.
    world.live.clear();
    assert!(world.look().starts_with("[+a@1.0.0]\n"));
    world.decisions.unpin(&name("a"));
    assert_eq!(world.look(), "[+a@2.0.0]");
}

#[test]
fn a_rollback_holds_until_the_file_is_another_one() {
    let mut world = World::running(&[("a@2.0.0", '2')]);
    let to = RolledBack {
        to: content("a", '1'),
        instead_of: hash('2'),
    };
    world.decisions.set_rolled_back(&name("a"), Some(to));
    assert_eq!(world.look(), "[=a@1.0.0]");
    assert_eq!(world.file("a@3.0.0", '3').look(), "[=a@3.0.0]");
}

#[test]
fn what_did_harm_or_came_with_it_waits_until_it_changes_or_is_asked_for() {
    let mut world = World::default().file("a", 'a').file("b", 'b');
    world
        .decisions
        .note_harm(hash('a'), &name("a"), Harm::Grave, "its thread ended by itself");
    let held_back = HeldBack {
        hash: hash('b'),
        culprits: vec![(name("a"), hash('a'))],
        why: "it came together with `a`".to_owned(),
    };
    world.held_back.insert(name("b"), held_back);
    assert_eq!(
        world.look(),
        "\na.so: it is in quarantine, for its thread ended by itself; replace the file, or try it once more by `load a`\n\
         b.so: it came together with `a`"
    );
    let asked = Ask {
        wanted: names(&["a"]),
        together: true,
        ..Ask::default()
    };
    assert!(world.told(&asked).starts_with("[+a@1.0.0]"), "{}", world.told(&asked));
    // Something else that it needs was mended.
    world.decisions.forgive(hash('a'));
    assert_eq!(world.look(), "[+a@1.0.0] [+b@1.0.0]");
    assert_eq!(world.file("a@1.0.1", '1').look(), "[+a@1.0.1] [+b@1.0.0]");
}

#[test]
fn what_is_left_out_says_what_to_do() {
    let mut world = World::running(&[("a", 'a'), ("c", 'c')])
        .file("a@2.0.0", '1')
        .file("b", 'b')
        .file("d", 'd')
        .file("e", 'e')
        .file("c not d", '2');
    world.decisions.pin(&name("a"), Some(content("a", 'a')));
    world.decisions.note_harm(
        hash('b'),
        &name("b"),
        Harm::Grave,
        "it crashes while loading (signal 11)",
    );
    world.failed.insert(
        name("e"),
        (
            hash('e'),
            crate::plugins::generation::StartFailure::Start("no port".to_owned()).to_string(),
        ),
    );
    insta::assert_snapshot!(world.look());
}
