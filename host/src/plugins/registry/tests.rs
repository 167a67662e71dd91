//! The registry by table and property.
//!
//! Sets of manifests are written as short texts, and what is decided is read as the owner reads it.

use proptest::collection;
use proptest::prelude::*;

use super::*;

fn name(name: &str) -> PluginName {
    name.parse().unwrap()
}

/// `a needs b needs? c not d`, with versions as `b>=2`.
pub(in crate::plugins) fn manifest(text: &str) -> Manifest {
    let mut words = text.split_whitespace();
    let (own, version) = words
        .next()
        .unwrap()
        .split_once('@')
        .unwrap_or((text.split(' ').next().unwrap(), "1.0.0"));
    let mut manifest = Manifest {
        name: name(own),
        version: version.to_owned(),
        authors: Vec::new(),
        description: String::new(),
        abi: String::new(),
        target: String::new(),
        compiler: String::new(),
        panic: String::new(),
        depends: Vec::new(),
        conflicts: Vec::new(),
        intents: 0,
        swap: plugin_protocol::Swap::default(),
    };
    while let (Some(verb), Some(other)) = (words.next(), words.next()) {
        let at = other.find(['>', '^', '=', '<']).unwrap_or(other.len());
        let dependency = Dependency {
            name: name(&other[..at]),
            range: other[at..].to_owned(),
            optional: verb == "needs?",
        };
        if verb == "not" {
            manifest.conflicts.push(dependency);
        } else {
            manifest.depends.push(dependency);
        }
    }
    manifest
}

/// Names with `*` run already, of those with `+` an older version runs, those with `-` ran last.
fn decide(texts: &[&str]) -> (String, Vec<String>) {
    let manifests: Vec<_> = texts
        .iter()
        .map(|text| {
            let standing = match text.as_bytes()[0] {
                b'*' => Standing::Running,
                b'!' => Standing::Pinned,
                b'+' => Standing::Newer,
                b'-' => Standing::RanLast,
                _ => Standing::New,
            };
            (manifest(text.trim_start_matches(['*', '!', '+', '-'])), standing)
        })
        .collect();
    let candidates: Vec<_> = manifests
        .iter()
        .map(|(manifest, standing)| Candidate {
            manifest,
            standing: *standing,
        })
        .collect();
    let resolution = resolve(&candidates);
    let order: Vec<_> = resolution.order.iter().map(ToString::to_string).collect();
    (
        order.join(" "),
        resolution
            .refused
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect(),
    )
}

#[test]
fn what_is_needed_comes_first() {
    assert_eq!(decide(&["a needs c", "b", "c needs d", "d"]).0, "b d c a");
    assert_eq!(decide(&["a needs? z", "b needs? a"]).0, "a b");
}

#[test]
fn what_is_missing_refuses_whoever_needs_it() {
    let (order, refused) = decide(&["a needs b", "b needs c", "d"]);
    assert_eq!(order, "d");
    assert_eq!(refused.len(), 2);
    assert!(
        refused[0].contains("needs the plugin `b`, which is refused itself"),
        "{refused:?}"
    );
    assert!(
        refused[1].contains("needs the plugin `c`, which is not loaded"),
        "{refused:?}"
    );
}

#[test]
fn ranges_are_kept() {
    assert_eq!(decide(&["a needs b>=1.2", "b@1.3.0"]).0, "b a");
    let (order, refused) = decide(&["a needs b>=1.2", "b@1.1.0"]);
    assert_eq!(order, "b");
    assert!(refused[0].contains("version 1.1.0 is there"), "{refused:?}");
    assert!(decide(&["a needs b>=x", "b"]).1[0].contains("which is no range"));
}

#[test]
fn of_two_in_conflict_the_running_one_stays_else_neither() {
    let (order, refused) = decide(&["a not b", "*b"]);
    assert_eq!(order, "b");
    assert!(
        refused[0].contains("a: it can't run beside `b`, which is running"),
        "{refused:?}"
    );
    let (order, refused) = decide(&["a", "b not a", "c"]);
    assert_eq!((order.as_str(), refused.len()), ("c", 2));
    assert_eq!(decide(&["a not b>=2", "b@1.0.0"]).0, "a b");
    assert_eq!(decide(&["a not b", "-b"]).0, "b");
}

#[test]
fn a_newer_version_that_conflicts_is_weaker_than_what_runs_and_stronger_than_what_does_not() {
    let (order, refused) = decide(&["+a not b", "*b"]);
    assert_eq!(order, "b");
    assert!(
        refused[0].contains("a: it can't run beside `b`, which is running: unload that one first"),
        "{refused:?}"
    );
    let (order, refused) = decide(&["+a not b", "b"]);
    assert_eq!(order, "a");
    assert!(
        refused[0].starts_with("b: it can't run beside `a`, which is running"),
        "{refused:?}"
    );
    let (order, refused) = decide(&["+a not b", "+b"]);
    assert_eq!(order, "");
    assert!(
        refused[0].contains("neither was running before as it is now"),
        "{refused:?}"
    );
}

#[test]
fn circles_are_named_as_a_path_and_harm_nobody_else() {
    let (order, refused) = decide(&["a needs b", "b needs c", "c needs b", "d"]);
    assert_eq!(order, "d");
    assert!(
        refused.iter().any(|text| text.contains("`b` needs `c` needs `b`")),
        "{refused:?}"
    );
    assert!(
        refused[0].starts_with("a: it needs the plugin `b`, which is refused"),
        "{refused:?}"
    );
    assert!(decide(&["a needs a"]).1[0].contains("`a` needs `a`"));
    assert_eq!(decide(&["a needs? b", "b needs a"]).0, "a b", "a wish is no need");
    assert_eq!(decide(&["a needs? b", "b needs? a"]).0, "a b");
}

#[test]
fn who_is_refused_for_something_else_is_in_nobodys_way() {
    let (order, refused) = decide(&["*a needs z", "b not a"]);
    assert_eq!((order.as_str(), refused.len()), ("b", 1), "{refused:?}");
    assert_eq!(decide(&["*a", "+b not a", "c not b"]).0, "a c");
    assert_eq!(decide(&["a needs z", "b not a"]).0, "b");
}

#[test]
fn everything_that_stands_against_one_is_told() {
    let (order, refused) = decide(&["a needs x needs y>=2 not z", "y@1.0.0", "z"]);
    assert_eq!(order, "y z");
    for text in [
        "`x`, which is not loaded",
        "`y` in version >=2, but version 1.0.0 is there",
        "beside `z`",
    ] {
        assert!(refused[0].contains(text), "{refused:?}");
    }
    let (order, refused) = decide(&["a needs b needs c", "b not c", "c"]);
    assert_eq!((order.as_str(), refused.len()), ("", 3));
    assert!(refused[0].contains("`b`, which is refused itself"), "{refused:?}");
    let (order, refused) = decide(&["a needs b", "b not a"]);
    assert_eq!((order.as_str(), refused.len()), ("b", 1), "{refused:?}");
    assert!(refused[0].contains("it brings along `a` and `b`"), "{refused:?}");
}

#[test]
fn dependants_are_found_through_others() {
    let manifests = ["a", "b needs a", "c needs b", "d needs? a", "e"].map(manifest);
    assert_eq!(dependants(&name("a"), &manifests), [name("c"), name("b")]);
}

#[test]
fn each_refusal_says_what_to_do() {
    let needs = Dependency {
        name: name("economy"),
        range: ">=1.2".to_owned(),
        optional: false,
    };
    let all = [
        Refusal::Missing(needs.clone()),
        Refusal::WrongVersion {
            needs: needs.clone(),
            found: "1.0.0".to_owned(),
        },
        Refusal::BadRange(Dependency {
            range: "newest".to_owned(),
            ..needs
        }),
        Refusal::DependencyRefused(name("economy")),
        Refusal::Conflict {
            with: name("bank"),
            other_stays: true,
        },
        Refusal::Conflict {
            with: name("bank"),
            other_stays: false,
        },
        Refusal::Pinned(name("bank")),
        Refusal::AtOddsWithItself(name("bank"), name("shop")),
        Refusal::Cycle(vec![name("a"), name("b"), name("a")]),
    ];
    let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

/// Plugins and how they stand; shown as they were written.
#[derive(Clone)]
struct World(Vec<(Manifest, Standing, String)>);

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .iter()
            .try_for_each(|(_, standing, text)| write!(f, "{standing:?} {text}; "))
    }
}

/// A set of up to eight plugins of three versions, with needs, wishes and conflicts of some ranges, in any standing.
fn worlds() -> impl Strategy<Value = World> {
    const VERBS: [&str; 3] = ["needs", "needs?", "not"];
    const STANDINGS: [Standing; 6] = [
        Standing::New,
        Standing::RanLast,
        Standing::Newer,
        Standing::Running,
        Standing::Pinned,
        Standing::PinnedRunning,
    ];
    const RANGES: [&str; 4] = ["", "", ">=2", "<2"];
    let relation = (0..3_usize, 0..9_u8, 0..4_usize);
    let plugin = (1..4_u8, collection::vec(relation, 0..4), 0..6_u8);
    collection::vec(plugin, 1..9).prop_map(|plugins| {
        let plugins = plugins.into_iter().enumerate();
        let plugins = plugins.map(|(at, (version, relations, standing))| {
            let words: Vec<_> = relations
                .iter()
                .map(|(verb, other, range)| format!(" {} p{other}{}", VERBS[*verb], RANGES[*range]))
                .collect();
            let standing = STANDINGS[usize::from(standing)];
            let text = format!("p{at}@{version}.0.0{}", words.concat());
            (manifest(&text), standing, text)
        });
        World(plugins.collect())
    })
}

fn resolved(world: &World) -> Resolution {
    let plugins = world.0.iter();
    let candidates: Vec<_> = plugins
        .map(|(manifest, standing, _)| Candidate {
            manifest,
            standing: *standing,
        })
        .collect();
    resolve(&candidates)
}

/// Whether all of these can run beside each other, each with what it needs.
fn is_sound(manifests: &[&Manifest]) -> bool {
    manifests.iter().all(|manifest| {
        let has = |needs: &Dependency| {
            let mut found = manifests.iter();
            found.any(|other| {
                other.name == needs.name && other.name != manifest.name && fits(&other.version, &needs.range)
            })
        };
        needs(manifest).all(has) && manifests.iter().all(|other| !are_at_odds(manifest, other))
    })
}

/// Whether it stands whatever becomes of conflicts.
fn is_for_good(reason: &Refusal, resolution: &Resolution) -> bool {
    match reason {
        Refusal::Missing(_) | Refusal::WrongVersion { .. } | Refusal::BadRange(_) | Refusal::Cycle(_) => true,
        Refusal::DependencyRefused(needs) => {
            let why = resolution.refused.get(needs);
            why.is_some_and(|why| why.0.iter().any(|reason| is_for_good(reason, resolution)))
        }
        Refusal::Conflict { .. } | Refusal::Pinned(_) | Refusal::AtOddsWithItself(..) => false,
    }
}

proptest! {
    #[test]
    fn who_may_run_can_and_follows_what_it_needs(world in worlds()) {
        let resolution = resolved(&world);
        let find = |name: &PluginName| &world.0.iter().find(|(manifest, ..)| manifest.name == *name).unwrap().0;
        let admitted: Vec<_> = resolution.order.iter().map(find).collect();
        prop_assert_eq!(resolution.order.len() + resolution.refused.len(), world.0.len());
        prop_assert!(is_sound(&admitted));
        for (at, manifest) in admitted.iter().enumerate() {
            for needs in needs(manifest) {
                prop_assert!(resolution.order[..at].contains(&needs.name));
            }
        }
    }

    #[test]
    fn nobody_is_refused_who_could_run_beside_those_who_may(world in worlds()) {
        let resolution = resolved(&world);
        let admitted = |name: &PluginName| resolution.order.contains(name);
        for (manifest, ..) in world.0.iter().filter(|(manifest, ..)| !admitted(&manifest.name)) {
            let reasons = &resolution.refused[&manifest.name].0;
            let is_a_draw = |reason: &Refusal| matches!(reason, Refusal::Conflict { other_stays: false, .. });
            if reasons.iter().any(is_a_draw) {
                continue;
            }
            let with_it: Vec<_> = world.0
                .iter()
                .map(|(manifest, ..)| manifest)
                .filter(|other| other.name == manifest.name || admitted(&other.name))
                .collect();
            prop_assert!(!is_sound(&with_it), "{} could run: {:?}", manifest.name, reasons);
        }
    }

    #[test]
    fn a_stronger_one_never_gives_way_to_a_weaker_one_without_need(world in worlds()) {
        let resolution = resolved(&world);
        let standing = |name: &PluginName| world.0.iter().find(|(manifest, ..)| manifest.name == *name).unwrap().1;
        for (name, refused) in &resolution.refused {
            let by_weaker = |reason: &Refusal| {
                matches!(
                    reason,
                    Refusal::Conflict { with, other_stays: true } | Refusal::Pinned(with)
                        if standing(with) < standing(name)
                )
            };
            // A weaker one stays only if one that is no weaker needs it, or if this one can't run anyway.
            let needed = |with: &PluginName| {
                let manifests = world.0.iter().map(|(manifest, ..)| manifest);
                let admitted = manifests.filter(|manifest| resolution.order.contains(&manifest.name));
                dependants(with, admitted).iter().any(|needing| standing(needing) >= standing(name))
            };
            let is_sound = |reason: &Refusal| match reason {
                Refusal::Conflict { with, .. } | Refusal::Pinned(with) => !by_weaker(reason) || needed(with),
                _ => true,
            };
            prop_assert!(refused.0.iter().any(is_sound), "{name} gave way without need: {refused}");
        }
    }

    #[test]
    fn each_reason_suffices(world in worlds()) {
        let resolution = resolved(&world);
        for (name, refused) in &resolution.refused {
            prop_assert!(!refused.0.is_empty());
            // Who is in conflict with whom may be another question then.
            for reason in refused.0.iter().filter(|reason| is_for_good(reason, &resolution)) {
                // The plugin without everything else that stands against it.
                let keep: &[&PluginName] = match reason {
                    Refusal::Missing(needs) | Refusal::BadRange(needs) | Refusal::WrongVersion { needs, .. } => &[&needs.name],
                    Refusal::DependencyRefused(needs) => &[needs],
                    Refusal::Conflict { .. } | Refusal::Pinned(_) | Refusal::AtOddsWithItself(..) => &[],
                    Refusal::Cycle(path) => {
                        let own = path.iter().position(|other| other == name).unwrap();
                        &[&path[(own + 1) % path.len()]]
                    }
                };
                let mended: Vec<_> = world.0
                    .iter()
                    .map(|(manifest, standing, text)| {
                        let mut manifest = manifest.clone();
                        if manifest.name == *name {
                            manifest.depends.retain(|needs| keep.contains(&&needs.name));
                            manifest.conflicts.retain(|conflict| keep.contains(&&conflict.name));
                        } else if !keep.contains(&&manifest.name) {
                            manifest.conflicts.retain(|conflict| conflict.name != *name);
                        }
                        (manifest, *standing, text.clone())
                    })
                    .collect();
                let again = resolved(&World(mended));
                let still = again.refused.contains_key(name);
                prop_assert!(still, "{name} is refused for {reason}, which does not suffice");
            }
        }
    }

    #[test]
    fn the_order_in_which_they_were_found_is_nothing(
        (world, mixed) in worlds().prop_flat_map(|world| (Just(world.clone()), Just(world.0).prop_shuffle()))
    ) {
        prop_assert_eq!(resolved(&world), resolved(&World(mixed)));
    }
}

#[test]
fn nobody_ends_before_those_that_need_it() {
    let leaving = [
        "bank",
        "economy needs bank needs elsewhere",
        "levels needs? quests",
        "quests needs? levels needs? bank",
        "shop needs economy needs? levels",
    ]
    .map(manifest);
    let steps: Vec<_> = endings(&leaving)
        .into_iter()
        .map(|step| step.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(steps, ["shop", "economy levels quests", "bank"]);
}
