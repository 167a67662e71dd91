//! Files that can't be loaded are refused with a text, and what runs goes on.

use crate::harness::{World, compiled, file_name, patched};

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_over_a_running_plugin_leaves_it_serving() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");

    world.drop_file(&file_name("example"), b"this is no library");
    bot.logs("refused").await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let reply = world.owner().says("!reload example").await.expect_reply().await;
    assert!(
        reply
            .content()
            .contains("was not reloaded, generation 1 goes on: this is no compiled library"),
        "{}",
        reply.content()
    );

    // A whole file again replaces it.
    let mut other = compiled("example");
    other.extend(b"another content");
    world.drop_file(&file_name("example"), &other);
    bot.logs("generation=2").await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_slowly_is_loaded_once_it_is_whole() {
    use std::io::Write;
    let world = World::new().await;
    let bot = world.start().await;
    let bytes = compiled("example");
    let path = world.root().join("plugins").join(file_name("example"));
    let mut file = std::fs::File::create(path).unwrap();
    for part in bytes.chunks(bytes.len() / 8) {
        file.write_all(part).unwrap();
        file.sync_all().unwrap();
    }
    drop(file);
    bot.logs("loaded").await;
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_of_one_plugin_are_told_apart() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    world.drop_file(&file_name("copy"), &compiled("example"));
    let line = bot.logs("hold the same plugin").await;
    assert!(line.contains("keep one of them"), "{line}");
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_on_one_root_is_refused() {
    let world = World::new().await;
    let bot = world.start().await;
    let mut second = world.spawn();
    let status = second.ended().await;
    assert!(!status.success());
    second.logs(&format!("process {}", bot.id())).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_file_is_still_the_same_plugin() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let plugins = world.root().join("plugins");
    std::fs::rename(plugins.join(file_name("example")), plugins.join(file_name("renamed"))).unwrap();
    let alice = world.person("alice");
    let reply = world.owner().says("!reload example").await.expect_reply().await;
    assert_eq!(reply.content(), "`example` 1.0.0 reloaded (generation 2).");
    world.drop_file(&file_name("renamed"), b"this is no library");
    bot.logs("refused").await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    // Another plugin's file in its place ends it.
    world.drop_file(&file_name("renamed"), &compiled("stress"));
    bot.logs("plugin=stress").await;
    assert!(
        alice
            .says("!revision")
            .await
            .expect_reply()
            .await
            .content()
            .starts_with("REVISION")
    );
    bot.logs("unloaded plugin=example").await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_auto_load_only_what_the_owner_asks_for_is_loaded() {
    let world = World::new().await;
    world.configure(&serde_json::json!({ "extensions": { "auto_load": false } }));
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let reply = world.owner().says("!load example").await.expect_reply().await;
    assert_eq!(reply.content(), "`example` 1.0.0 loaded (generation 1).");
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    let reply = world.owner().says("!unload stress").await.expect_reply().await;
    assert!(reply.content().contains("was not running"), "{}", reply.content());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_lies_is_refused() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    // The same code under a name that sorts before it.
    let bytes = compiled("stress");
    let (from, to) = (b"\"name\":\"stress\"", b"\"name\":\"aaaaaa\"");
    let mut other = bytes.clone();
    let at = bytes
        .windows(from.len())
        .position(|window| window == from)
        .expect("the manifest names it");
    other[at..at + to.len()].copy_from_slice(to);
    world.drop_file(&file_name("aaaaaa"), &other);
    let line = bot.logs("refused").await;
    assert!(
        line.contains("its manifest says `aaaaaa` 1.0.0, its code says `stress` 1.0.0"),
        "{line}"
    );
    assert!(
        world
            .person("alice")
            .says("!revision")
            .await
            .expect_reply()
            .await
            .content()
            .starts_with("REVISION")
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_do_not_see_the_token() {
    let world = World::new().await;
    world.drop_plugin("ecosystem");
    let bot = world.start().await;
    let alice = world.person("alice");
    assert_eq!(
        alice
            .says("!variable DISCORD_TOKEN")
            .await
            .expect_reply()
            .await
            .content(),
        "not set"
    );
    assert_eq!(
        alice
            .says("!variable DISCORD_API_URL")
            .await
            .expect_reply()
            .await
            .content(),
        "set"
    );
    let log = bot.stop().await;
    assert!(!log.contains(world.sandbox.token()), "the token is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_does_not_start_leaves_the_older_one_serving_and_tells_the_owner() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    for (how, why) in [
        (1, "was asked to fail at its start"),
        (2, "was asked to panic at its start"),
    ] {
        world.drop_file(&file_name("stress"), &patched(&compiled("stress"), "START", how));
        let line = bot.logs(why).await;
        assert!(line.contains("is refused: its start function failed"), "{line}");
        assert_eq!(
            alice.says("!revision").await.expect_reply().await.content(),
            "REVISION-00000000"
        );
        let reply = world.owner().says("!reload stress").await.expect_reply().await;
        assert!(
            reply.content().contains("was not reloaded, generation 1 goes on"),
            "{}",
            reply.content()
        );
    }
    // What starts again is taken again.
    world.drop_file(&file_name("stress"), &patched(&compiled("stress"), "REVISION", 5));
    bot.logs("loaded plugin=stress version=1.0.0 generation=6").await;
    assert_eq!(
        alice.says("!revision").await.expect_reply().await.content(),
        "REVISION-00000005"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_never_ends_delays_neither_other_plugins_nor_the_stop() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    world.drop_file(&file_name("stress"), &patched(&compiled("stress"), "START", 3));
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    bot.stop().await;
    // It lies there at the next start as well: the bot comes online with what has started.
    let bot = world.start().await;
    bot.logs("a plugin takes long to start").await;
    assert_eq!(
        world.person("alice").says("!ping").await.expect_reply().await.content(),
        "pong"
    );
    bot.stop().await;
}
