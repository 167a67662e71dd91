//! The life-cycle against a model of it: whatever happens in whichever order, what serves, what leads to it, what is
//! offered, shown and was handed on is what a few rules (`reference`) say.
//!
//! Plugins are texts (`fake`) with code that is linked in; everything else is the real life of plugins, on real files
//! (`real`). More cases than usual: `LIFE_MODEL_CASES=500 cargo test -p host --lib life::model`.

pub(super) mod real;
mod reference;
mod silent;

use plugin_protocol::Swap;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::plugins::fake::Manner;
use real::Real;
use reference::{File, Model, PLUGINS};

/// Something that happens; plugins by their number.
#[derive(Clone, Debug)]
enum Happens {
    Drop(usize, Content),
    /// Into the folder within one look: the first, and the third, which needs it.
    DropBoth(Content, Content),
    Remove(usize),
    Load(Names),
    /// The owner may have said that those go, too, that need them.
    Unload(Names, bool),
    Reload(Names),
    ReloadAll,
    Dies(usize),
    Pin(usize),
    Unpin(usize),
    Rollback(usize),
    Restart,
}

/// What is dropped.
#[derive(Clone, Copy, Debug)]
struct Content {
    manner: Manner,
    is_exclusive: bool,
}

impl Content {
    fn file(self, version: u32) -> File {
        File {
            version,
            manner: self.manner,
            is_exclusive: self.is_exclusive,
        }
    }
}

/// One plugin, or two in one order.
#[derive(Clone, Debug)]
struct Names(Vec<usize>);

impl Names {
    fn get(&self) -> &[usize] {
        &self.0
    }
}

fn one() -> impl Strategy<Value = usize> {
    0..PLUGINS
}

fn names() -> impl Strategy<Value = Names> {
    prop_oneof![
        2 => one().prop_map(|one| Names(vec![one])),
        1 => (one(), one()).prop_map(|(one, other)| {
            let mut names = vec![one, other];
            names.dedup();
            Names(names)
        }),
    ]
}

fn contents() -> impl Strategy<Value = Content> {
    let manners = prop_oneof![
        6 => Just(Manner::Plain),
        8 => Just(Manner::Counts),
        1 => Just(Manner::CrashesProbe),
        1 => Just(Manner::FailsToStart),
        2 => Just(Manner::FailsToImport),
        1 => Just(Manner::HangsInProbe),
        1 => Just(Manner::HangsAtStart),
        1 => Just(Manner::HangsAtStop),
    ];
    (manners, prop::bool::weighted(0.25)).prop_map(|(manner, is_exclusive)| Content { manner, is_exclusive })
}

/// What the watcher finds one by one, and what is ordered beside it.
fn watched() -> impl Strategy<Value = Happens> {
    prop_oneof![
        8 => (one(), contents()).prop_map(|(plugin, content)| Happens::Drop(plugin, content)),
        1 => one().prop_map(Happens::Remove),
        2 => names().prop_map(Happens::Load),
        2 => (names(), any::<bool>()).prop_map(|(names, with)| Happens::Unload(names, with)),
        2 => names().prop_map(Happens::Reload),
        1 => one().prop_map(Happens::Rollback),
        1 => Just(Happens::Restart),
    ]
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        17 => watched(),
        3 => (contents(), contents()).prop_map(|(one, other)| Happens::DropBoth(one, other)),
        1 => Just(Happens::ReloadAll),
        1 => one().prop_map(Happens::Dies),
        2 => one().prop_map(Happens::Pin),
        1 => one().prop_map(Happens::Unpin),
        1 => one().prop_map(Happens::Rollback),
    ]
}

fn agrees_with_the_model(happens: impl Strategy<Value = Happens>, cases: u32, letter: &'static str, is_watched: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let sequences = proptest::collection::vec(happens, 1..16);
    let outcome = runner.run(&sequences, |sequence| {
        runtime.block_on(async {
            let mut real = Real::start(letter, is_watched).await;
            let mut model = Model::new(is_watched);
            let mut checked = Ok(());
            for (at, happens) in sequence.iter().enumerate() {
                let version = u32::try_from(at * 2 + 1).unwrap();
                model.happens(happens, version);
                real.happens(happens, version).await;
                checked = real.check(&model);
                if checked.is_err() {
                    break;
                }
            }
            real.plugins.stop().await;
            checked
        })
    });
    // What hangs is left behind, as it would be in the bot.
    runtime.shutdown_background();
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn whatever_happens_is_what_the_model_says() {
    agrees_with_the_model(happens(), cases().unwrap_or(24), "p", false);
}

#[test]
fn what_the_watcher_finds_comes_to_the_same() {
    agrees_with_the_model(watched(), cases().unwrap_or(8), "w", true);
}

/// How many sequences are tried, where somebody wants many.
fn cases() -> Option<u32> {
    std::env::var("LIFE_MODEL_CASES").ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plugins_need_and_cant_stand_is_told() {
    let real = Real::start("p", false).await;
    real.drop_text("bank", Manner::Plain, Swap::default(), 1);
    real.drop_text("shop needs bank>=1 needs? news", Manner::Plain, Swap::default(), 1);
    real.plugins.look().await;
    real.drop_text("thief not bank", Manner::Plain, Swap::default(), 1);
    real.plugins.look().await;
    let check = real.plugins.check_dependencies("shop").unwrap();
    let names = |relations: &[plugin_protocol::inspection::Relation]| -> Vec<String> {
        relations.iter().map(|relation| relation.name.clone()).collect()
    };
    assert_eq!(
        (names(&check.satisfied), names(&check.missing)),
        (vec!["bank".to_owned()], vec!["news".to_owned()])
    );
    assert!(real.plugins.check_dependencies("nobody").is_none());
    let conflicts = real.plugins.detect_conflicts();
    let told: Vec<_> = conflicts
        .iter()
        .map(|one| (one.one.as_str(), one.other.as_str(), one.running.as_deref()))
        .collect();
    assert_eq!(told, [("bank", "thief", Some("bank"))]);
    real.plugins.stop().await;
}
