//! Files that can't be loaded are refused with a text, and what runs goes on.

use crate::harness::{World, compiled, file_name};

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
