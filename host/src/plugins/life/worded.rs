//! What the owner is told of each order: what was done, or why not and what to do.
//!
//! All of it in one snapshot, so that the texts are read beside each other.

use plugin_protocol::{PluginName, Swap};

use super::{handle::Reply, model::real::Real};
use crate::plugins::fake::Manner;

fn names(names: &str) -> Vec<PluginName> {
    names.split(' ').map(|name| name.parse().unwrap()).collect()
}

fn name(one: &str) -> PluginName {
    one.parse().unwrap()
}

/// What is said, with the order before it.
#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn note(&mut self, order: &str, reply: Reply) {
        let text = match reply {
            Ok(text) => text,
            Err(text) => format!("(no) {text}"),
        };
        self.0.push(format!("> {order}\n{text}"));
    }

    fn all(self) -> String {
        self.0.join("\n\n")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_order_is_answered_with_what_was_done_or_what_to_do() {
    let mut real = Real::start("o", false).await;
    let mut said = Said::default();
    let drop = |real: &Real, text: &str, manner, version| real.drop_text(text, manner, Swap::default(), version);
    drop(&real, "bank", Manner::Plain, 1);
    drop(&real, "shop needs bank", Manner::Plain, 1);
    real.plugins.look().await;
    for order in ["nobody", "bank", "nobody bank"] {
        said.note(&format!("load {order}"), real.plugins.load(names(order)).await);
    }
    for order in ["bank", "bank shop", "bank nobody", "nobody"] {
        said.note(
            &format!("reload {order}"),
            real.plugins.reload(Some(names(order))).await,
        );
    }
    for order in ["nobody", "bank nobody", "bank", "shop bank"] {
        said.note(
            &format!("unload {order}"),
            real.plugins.unload(names(order), false).await,
        );
    }
    said.note("unload bank (again)", real.plugins.unload(names("bank"), false).await);
    said.note("load shop (alone)", real.plugins.load(names("shop")).await);
    said.note("load shop bank", real.plugins.load(names("shop bank")).await);
    let with = real.plugins.unload(names("bank"), true).await;
    said.note("unload bank --with-dependants", with);
    said.note("load bank", real.plugins.load(names("bank")).await);
    drop(&real, "broken", Manner::CrashesProbe, 1);
    said.note("load broken", real.plugins.load(names("broken")).await);
    for order in ["nobody", "bank"] {
        said.note(&format!("rollback {order}"), real.plugins.rollback(name(order)).await);
    }
    // What it holds would be lost.
    drop(&real, "bank", Manner::Counts, 2);
    real.plugins.look().await;
    said.note(
        "rollback bank (to one without a state)",
        real.plugins.rollback(name("bank")).await,
    );
    // Its database is ahead of the older one.
    drop(&real, "bank", Manner::Counts, 3);
    real.plugins.look().await;
    let why = "its database has the step `004_interest`, which this version does not know and which is not declared backward compatible";
    *real.outlook.steps.lock().unwrap() = Some(why.to_owned());
    let reply = real.plugins.rollback(name("bank")).await;
    said.note("rollback bank (to one that doesn't know a step)", reply);
    *real.outlook.steps.lock().unwrap() = None;
    assert_eq!(real.version("bank").as_deref(), Some("1.0.3"), "it goes on");
    said.note("rollback bank", real.plugins.rollback(name("bank")).await);
    said.note("rollback bank (once more)", real.plugins.rollback(name("bank")).await);
    for order in ["nobody", "bank"] {
        said.note(&format!("unpin {order}"), real.plugins.unpin(name(order)).await);
        said.note(&format!("pin {order}"), real.plugins.pin(name(order)).await);
    }
    said.note(
        "rollback bank (which is pinned)",
        real.plugins.rollback(name("bank")).await,
    );
    said.note("unload bank", real.plugins.unload(names("bank"), false).await);
    said.note("pin bank (which does not run)", real.plugins.pin(name("bank")).await);
    said.note("pin shop (which does not run)", real.plugins.pin(name("shop")).await);
    said.note("unpin bank", real.plugins.unpin(name("bank")).await);
    // What was kept is gone.
    real.plugins.stop().await;
    std::fs::remove_dir_all(real.folder.path().join("kept")).unwrap();
    real.restart().await;
    said.note(
        "rollback bank (to what is gone)",
        real.plugins.rollback(name("bank")).await,
    );
    real.plugins.stop().await;
    insta::assert_snapshot!(said.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_since_what_it_needs_is_gone_is_told_once() {
    let real = Real::start("o", false).await;
    for text in ["bank", "shop needs bank"] {
        real.drop_text(text, Manner::Plain, Swap::default(), 1);
    }
    real.plugins.look().await;
    let bank = format!("plugins/bank{}", std::env::consts::DLL_SUFFIX);
    std::fs::remove_file(real.folder.path().join(bank)).unwrap();
    real.plugins.look().await;
    let told = real.outlook.told.lock().unwrap().clone();
    assert_eq!(
        told,
        ["The plugin `shop` is unloaded: it needs the plugin `bank`, which is not loaded: add it, or load it first."]
    );
    real.plugins.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_replaced_while_the_bot_was_off_can_be_gone_back_to() {
    let mut real = Real::start("o", false).await;
    real.drop_text("bank", Manner::Plain, Swap::default(), 1);
    real.plugins.look().await;
    real.plugins.stop().await;
    real.drop_text("bank", Manner::Plain, Swap::default(), 2);
    real.restart().await;
    assert_eq!(real.version("bank").as_deref(), Some("1.0.2"));
    let back = real.plugins.rollback(name("bank")).await;
    assert!(back.is_ok(), "{back:?}");
    assert_eq!(real.version("bank").as_deref(), Some("1.0.1"));
    real.plugins.stop().await;
}
