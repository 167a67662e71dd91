//! Commands that are edited or deleted while they run, or after they have said more than once.

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_an_edited_command_does_not_say_again_goes() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let mut said = world.sandbox.watch();
    let asked = alice.says("!twice").await;
    let (first, second) = (said.next().await.unwrap(), said.next().await.unwrap());
    // That of a task which the command has left behind.
    let third = said.next().await.unwrap();
    // One answer takes the place of the first; the others have none to take their own.
    let asked = alice.edits(&asked, "!slow 1").await;
    let edited = first.expect_edit().await;
    assert_ne!(edited.content(), first.content());
    second.expect_deleted().await;
    third.expect_deleted().await;
    // A run that is refused leaves nothing of the one before.
    alice.edits(&asked, "!slow never").await;
    edited.expect_deleted().await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_message_that_is_gone_goes() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let mut said = world.sandbox.watch();
    let asked = alice.says("!slow 400").await;
    alice.deletes(&asked).await;
    let late = said.next().await.unwrap();
    late.expect_deleted().await;

    let asked = [alice.says("!slow 1").await, alice.says("!slow 2").await];
    let answers = [asked[0].expect_reply().await, asked[1].expect_reply().await];
    world.channel().purges(&asked.each_ref().map(sandbox::Said::message_id));
    for answer in answers {
        answer.expect_deleted().await;
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_deleted_is_deleted_after_a_restart() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    world
        .sandbox
        .expect_commands(|names| names.contains(&"vanish".to_owned()))
        .await;
    let by_prefix = alice.says("!vanish 3").await.expect_reply().await;
    let by_slash = alice.slash("vanish", &[("seconds", 3.into())]).await;
    let by_slash = by_slash.expect_reply().await;
    bot.stop().await;
    let bot = world.start().await;
    by_prefix.expect_deleted().await;
    by_slash.expect_deleted().await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_overlaps_with_a_newer_one_leaves_nothing() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let mut said = world.sandbox.watch();
    let asked = alice.says("!slow 1000").await;
    alice.edits(&asked, "!slow 1").await;
    let quick = said.next().await.unwrap();
    let slow = said.next().await.unwrap();
    slow.expect_deleted().await;
    let left = quick.refresh().unwrap();
    assert_eq!((left.content(), left.edits()), (quick.content(), 0));
    bot.stop().await;
}
