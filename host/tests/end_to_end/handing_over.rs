//! A plugin that counts in memory is replaced while people use it: each use is counted once, in the order of the channel,
//! and whoever serves next goes on where the last one ended.

use sandbox::Said;

use crate::{
    harness::{World, compiled, file_name, patched},
    replacement::revision,
};

/// The number that an answer tells, and the revision that told it.
async fn told(said: &Said) -> (u64, String) {
    let reply = said.expect_reply().await;
    let (number, by) = reply.content().split_once(" by ").expect("a count");
    (number.parse().unwrap(), by.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_is_exact_over_replacements_under_way() {
    const REPLACEMENTS: u32 = 20;
    const EACH: usize = 12;
    let world = World::new().await;
    let original = compiled("tally");
    world.drop_file(&file_name("tally"), &original);
    let bot = world.start().await;
    let alice = world.person("alice");
    let mut asked = Vec::new();
    for number in 1..=REPLACEMENTS {
        for _ in 0..EACH {
            asked.push(alice.says("!tally").await);
        }
        world.drop_file(&file_name("tally"), &revision(&original, number));
        for _ in 0..EACH {
            asked.push(alice.says("!tally").await);
        }
        // The newest is in force, so that each of them has served.
        bot.logs(&format!("generation={}", number + 1)).await;
    }
    let mut last = String::new();
    for (at, said) in asked.iter().enumerate() {
        let (number, by) = told(said).await;
        assert_eq!(number, at as u64 + 1, "counted once each, in order");
        assert!(last <= by, "{by} answers behind {last}");
        last = by;
    }
    assert!(
        last.as_str() > "REVISION-00000010",
        "the replacements came in between: {last}"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cant_start_gives_back_what_it_was_handed() {
    let world = World::new().await;
    let original = compiled("tally");
    world.drop_file(&file_name("tally"), &original);
    let bot = world.start().await;
    let alice = world.person("alice");
    for expected in 1..=3 {
        assert_eq!(told(&alice.says("!tally").await).await.0, expected);
    }
    world.drop_file(&file_name("tally"), &patched(&revision(&original, 1), "START", 1));
    let line = bot.logs("the tally was asked to fail at its start").await;
    assert!(line.contains("tally"), "{line}");
    let (number, by) = told(&alice.says("!tally").await).await;
    assert_eq!(
        (number, by.as_str()),
        (4, "REVISION-00000000"),
        "the older version goes on with its count"
    );
    // One that was unloaded begins anew: nobody was there to keep it.
    for command in ["!unload tally", "!reload tally"] {
        world.drop_file(&file_name("tally"), &original);
        world.owner().says(command).await.expect_reply().await;
    }
    assert_eq!(told(&alice.says("!tally").await).await.0, 1);
    bot.stop().await;
}
