//! What belongs together is replaced together or not at all; a plan says so beforehand; and the owner can go back, keep a
//! version, and try once more what did harm.

use serde_json::{Value, json};

use crate::{
    forging::{description, forged, plugin},
    harness::{Bot, World, compiled, file_name, patched},
    replacement::revision,
    storage::{backup_id, owner_is_told},
};

async fn owner_says(world: &World, text: &str) -> String {
    world.owner().says(text).await.expect_reply().await.content().to_owned()
}

/// What a card says, as one text.
async fn card(world: &World, text: &str) -> String {
    world.owner().says(text).await.expect_reply().await.json()["embeds"].to_string()
}

async fn revision_of(world: &World) -> String {
    let reply = world.person("alice").says("!revision").await.expect_reply().await;
    reply.content().to_owned()
}

fn needs(name: &str, range: &str) -> Value {
    json!({ "depends": [{ "name": name, "range": range, "optional": false }] })
}

/// A version whose file says another one than its code: it passes everything but the probe.
fn lying(name: &str, version: &str, more: &Value) -> Vec<u8> {
    let mut manifest = json!({ "name": name, "version": version, "abi": "1.0.0", "target": "", "panic": "unwind" });
    let keys = manifest.as_object_mut().unwrap();
    keys.extend(more.as_object().unwrap().clone());
    forged(&manifest.to_string(), &description(name, "9.9.9", &[]).to_string())
}

/// Drops files while the bot sees nothing, so that it finds all of them at once.
fn drop_at_once(world: &World, bot: &Bot, files: &[(&str, Vec<u8>)]) {
    bot.signal(rustix::process::Signal::STOP);
    for (name, content) in files {
        world.drop_file(&file_name(name), content);
    }
    bot.signal(rustix::process::Signal::CONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_come_together_and_need_each_other_are_taken_together_or_not_at_all() {
    let world = World::new().await;
    world.drop_file(&file_name("bank"), &plugin("bank", "1.0.0", &json!({}), &["again"]));
    world.drop_file(
        &file_name("shop"),
        &plugin("shop", "1.0.0", &needs("bank", "1"), &["panics"]),
    );
    let bot = world.start().await;
    // The shop can't start, so the bank stays as well: the shop that runs does not fit beside its next version. What has
    // nothing to do with them is taken all the same.
    drop_at_once(
        &world,
        &bot,
        &[
            ("bank", plugin("bank", "2.0.0", &json!({}), &["again"])),
            ("shop", lying("shop", "2.0.0", &needs("bank", "2"))),
            ("example", compiled("example")),
        ],
    );
    bot.logs("it came together with `shop`").await;
    let card = card(&world, "!plugins").await;
    assert!(
        card.contains("bank") && card.contains("1.0.0") && !card.contains("2.0.0"),
        "{card}"
    );
    assert_eq!(
        world
            .person("alice")
            .says("!again")
            .await
            .expect_reply()
            .await
            .content(),
        "once"
    );
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    // By name it is all or nothing as well, and says why.
    let reply = owner_says(&world, "!reload bank shop").await;
    assert!(
        reply.contains("`bank` was not reloaded, generation 1 goes on: it came together with `shop`")
            && reply.contains("`shop` was not reloaded, generation 1 goes on: its manifest says"),
        "{reply}"
    );
    // Mended, both come.
    world.drop_file(
        &file_name("shop"),
        &plugin("shop", "2.1.0", &needs("bank", "2"), &["panics"]),
    );
    bot.logs("plugin=shop version=2.1.0").await;
    bot.logs("plugin=bank version=2.0.0").await;
    assert_eq!(
        world
            .person("alice")
            .says("!again")
            .await
            .expect_reply()
            .await
            .content(),
        "once"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_takes_nothing_else_along() {
    let world = World::new().await;
    world.configure(&json!({ "auto_reload": false }));
    let tally = compiled("tally");
    world.drop_file(&file_name("tally"), &tally);
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    assert!(
        alice
            .says("!tally")
            .await
            .expect_reply()
            .await
            .content()
            .starts_with("1 by")
    );
    // The counter starts, and is held for it; the other one fails.
    world.drop_file(&file_name("tally"), &revision(&tally, 7));
    world.drop_file(
        &file_name("stress"),
        &patched(&revision(&compiled("stress"), 7), "START", 1),
    );
    let reply = owner_says(&world, "!reload stress tally").await;
    assert!(
        reply.contains("`stress` was not reloaded, generation 1 goes on: its start function failed")
            && reply.contains("`tally` was not reloaded")
            && reply.contains("it came together with `stress`"),
        "{reply}"
    );
    let second = alice.says("!tally").await.expect_reply().await;
    assert_eq!(second.content(), "2 by REVISION-00000000");
    assert_eq!(revision_of(&world).await, "REVISION-00000000");
    // Alone it may.
    let reply = owner_says(&world, "!reload tally").await;
    assert!(reply.starts_with("`tally` 1.0.0 reloaded"), "{reply}");
    assert_eq!(
        alice.says("!tally").await.expect_reply().await.content(),
        "3 by REVISION-00000007"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_would_happen_and_changes_nothing() {
    let world = World::new().await;
    world.configure(&json!({ "auto_reload": false }));
    world.drop_file(&file_name("bank"), &plugin("bank", "1.0.0", &json!({}), &["again"]));
    world.drop_file(
        &file_name("shop"),
        &plugin("shop", "1.0.0", &needs("bank", "<2"), &["panics"]),
    );
    let bot = world.start().await;
    world.drop_file(&file_name("bank"), &plugin("bank", "2.0.0", &json!({}), &["again"]));
    world.drop_plugin("example");
    let plan = card(&world, "!plan update bank").await;
    assert!(
        plan.contains("unload `shop` 1.0.0: it needs the plugin `bank` in version <2")
            && plan.contains("replace `bank` 1.0.0 by 2.0.0, with the one above or not at all: you ask for it"),
        "{plan}"
    );
    assert!(plan.contains("Nothing has been changed."), "{plan}");
    let plan = card(&world, "!plan load example").await;
    assert!(
        plan.contains("start `example` 1.0.0: you ask for it") && plan.contains("instead of"),
        "{plan}"
    );
    let needed =
        "`bank` was not unloaded: it is needed by `shop`: `unload bank --with-dependants` unloads `shop`, then `bank`.";
    let plan = card(&world, "!plan unload bank").await;
    assert!(
        plan.contains("Nothing would change.")
            && plan.contains(&needed["`bank` was not unloaded: ".len()..needed.len() - 1]),
        "{plan}"
    );
    assert_eq!(owner_says(&world, "!unload bank").await, needed);
    let plan = card(&world, "!plan unload bank --with-dependants").await;
    assert!(
        plan.contains("**1.** unload `shop` 1.0.0: it can't do without `bank`")
            && plan.contains("**2.** unload `bank` 1.0.0: you ask for it"),
        "{plan}"
    );
    let unknown = owner_says(&world, "!plan load nobody").await;
    assert!(unknown.contains("There is no plugin `nobody`"), "{unknown}");
    // All is as it was.
    assert_eq!(
        world
            .person("alice")
            .says("!again")
            .await
            .expect_reply()
            .await
            .content(),
        "once"
    );
    assert!(card(&world, "!plugininfo shop").await.contains("running, generation 1"));
    let reply = owner_says(&world, "!load example nobody").await;
    assert!(
        reply.contains("`example` was not loaded: it was asked for together with `nobody`")
            && reply.contains("There is no plugin `nobody`"),
        "{reply}"
    );
    assert!(
        owner_says(&world, "!load example")
            .await
            .contains("loaded (generation 1)")
    );
    // What was planned is what is done.
    assert_eq!(
        owner_says(&world, "!unload bank --with-dependants").await,
        "Unloaded `shop`, `bank`."
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_goes_back_until_the_file_changes_also_over_a_restart() {
    let world = World::new().await;
    let original = compiled("stress");
    world.drop_file(&file_name("stress"), &original);
    let bot = world.start().await;
    let none = owner_says(&world, "!rollback stress").await;
    assert_eq!(
        none,
        "`stress` can't be rolled back: no other version of it is known to have served. Drop an older file into the folder \
         instead."
    );
    world.drop_file(&file_name("stress"), &revision(&original, 1));
    bot.logs("generation=2").await;
    let back = owner_says(&world, "!rollback stress").await;
    assert_eq!(
        back,
        "`stress` is back at 1.0.0 (generation 3). It stays there until its file in the folder changes; `rollback stress` \
         once more undoes this."
    );
    assert_eq!(revision_of(&world).await, "REVISION-00000000");
    bot.stop().await;
    let bot = world.start().await;
    assert_eq!(revision_of(&world).await, "REVISION-00000000");
    assert!(owner_says(&world, "!rollback stress").await.contains("generation 2"));
    assert_eq!(revision_of(&world).await, "REVISION-00000001");
    owner_says(&world, "!rollback stress").await;
    world.drop_file(&file_name("stress"), &revision(&original, 2));
    bot.logs("generation=4").await;
    assert_eq!(revision_of(&world).await, "REVISION-00000002");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_version_is_kept_and_the_newer_file_is_told() {
    let world = World::new().await;
    let original = compiled("stress");
    world.drop_file(&file_name("stress"), &original);
    let bot = world.start().await;
    let pinned = owner_says(&world, "!pin stress").await;
    assert!(pinned.starts_with("`stress` is pinned to 1.0.0: "), "{pinned}");
    world.drop_file(&file_name("stress"), &revision(&original, 1));
    bot.logs("is pinned to its version 1.0.0").await;
    assert_eq!(revision_of(&world).await, "REVISION-00000000");
    bot.stop().await;
    // What it is pinned to is kept, and runs in the file's place.
    let bot = world.start().await;
    assert_eq!(revision_of(&world).await, "REVISION-00000000");
    assert!(card(&world, "!plugininfo stress").await.contains("pinned"));
    let unpinned = owner_says(&world, "!unpin stress").await;
    assert_eq!(
        unpinned,
        "`stress` is pinned no more: files of it are taken as they come."
    );
    assert_eq!(revision_of(&world).await, "REVISION-00000001");
    assert_eq!(
        owner_says(&world, "!unpin stress").await,
        "`stress` is not pinned. `pin stress` keeps it as it is."
    );
    bot.stop().await;
}

/// The files below a folder, those of backups left out, that have this content.
fn files_with(folder: &std::path::Path, content: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("backups") {
                found.extend(files_with(&path, content));
            }
        } else if std::fs::read(&path).is_ok_and(|read| read == content) {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_the_version_that_is_pinned() {
    let world = World::new().await;
    let original = compiled("stress");
    world.drop_file(&file_name("stress"), &original);
    let bot = world.start().await;
    owner_says(&world, "!pin stress").await;
    let made = backup_id(&owner_is_told(&world, "!backup now").await);
    owner_says(&world, "!unpin stress").await;
    world.drop_file(&file_name("stress"), &revision(&original, 1));
    bot.logs("generation=2 took").await;
    // While nobody puts anything there.
    bot.stop().await;
    std::fs::remove_dir_all(world.root().join("data/kept")).unwrap();
    let bot = world.start().await;
    assert_eq!(revision_of(&world).await, "REVISION-00000001");
    assert_eq!(
        files_with(&world.root().join("data"), &original),
        Vec::<std::path::PathBuf>::new(),
        "nothing but the backup has it any more"
    );
    owner_is_told(&world, &format!("!backup restore {made}")).await;
    bot.logs("generation=2 took").await;
    assert_eq!(revision_of(&world).await, "REVISION-00000000");
    assert!(card(&world, "!plugininfo stress").await.contains("pinned"));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_crashed_the_probe_is_not_tried_again_before_it_changes_or_the_owner_asks() {
    let world = World::new().await;
    let original = compiled("stress");
    world.drop_file(&file_name("stress"), &patched(&original, "LOAD", 1));
    let bot = world.start().await;
    bot.logs("crashes while loading").await;
    bot.stop().await;
    let bot = world.start().await;
    let line = bot.logs("is refused").await;
    assert!(
        line.contains("it is in quarantine, for it crashes while loading"),
        "{line}"
    );
    assert!(card(&world, "!plugins").await.contains("in quarantine"));
    let asked = owner_says(&world, "!load stress").await;
    assert!(
        asked.starts_with("`stress` is refused: it crashes while loading"),
        "{asked}"
    );
    world.drop_file(&file_name("stress"), &original);
    bot.logs("loaded plugin=stress").await;
    assert_eq!(revision_of(&world).await, "REVISION-00000000");
    bot.stop().await;
}
