//! What plugins keep: tables, keys and what is shared of a user, over reloads and restarts, within limits.

use crate::{
    erase::erase,
    harness::{World, file_name},
};

/// Says each line to the bot, and answers with what it says.
async fn talk(world: &World, lines: &[&str]) -> Vec<String> {
    let owner = world.owner();
    let mut said = Vec::new();
    for line in lines {
        said.push(owner.says(line).await.expect_reply().await.content().to_owned());
    }
    said
}

/// One conversation with the keeper that goes through every door.
async fn conversation(world: &World) -> Vec<String> {
    talk(
        world,
        &[
            "!started",
            "!note feed the #cat and the #dog",
            "!give 5 30",
            "!give 6 80",
            "!give 5 70",
            "!sql [\"it's\", null, 1.5, 9007199254740993] | SELECT ?1 AS text, ?2 AS none, ?3 AS real, ?4 AS large",
            "!sql ATTACH 'other.db' AS other",
            "!sql SELECT * FROM nowhere",
            "!key set global name first",
            "!key set guild name second",
            "!key set user name third",
            "!key set member name fourth",
            "!key get global name",
            "!key insert guild name other",
            "!key get guild name",
            "!key append user name !",
            "!key get user name",
            "!key add member count 40",
            "!key add member count 2",
            "!key add member name 1",
            "!key list member \"\"",
            "!key brief global soon gone",
            "!key large global large 2000000",
            "!key delete global name",
            "!key get global name",
            "!thank {\"zone\": \"Europe/Berlin\", \"deep\": {\"a\": 1}}",
            "!thank {\"deep\": {\"a\": null, \"b\": 2}}",
        ],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_keeps_what_it_was_given_over_reloads_and_restarts() {
    let world = World::new().await;
    world.drop_plugin("keeper");
    let bot = world.start().await;
    let said = conversation(&world).await;
    insta::assert_snapshot!(said.join("\n"));

    let kept = [
        "!key get guild name",
        "!key get user name",
        "!key get member count",
        "!key get global soon",
        "!sql SELECT text, tags FROM notes",
        "!sql SELECT * FROM purses",
        "!started",
    ];
    let before = talk(&world, &kept).await;
    assert_eq!(before[3], "null", "it has expired");
    talk(&world, &["!reload keeper"]).await;
    assert_eq!(talk(&world, &kept).await, before, "after a reload");
    bot.stop().await;
    let data = world.root().join("data/plugins/keeper");
    assert!(!data.join("plugin.db-wal").exists(), "closed properly");
    let bot = world.start().await;
    assert_eq!(talk(&world, &kept).await, before, "after a restart");
    bot.kill().await;
    let bot = world.start().await;
    assert_eq!(talk(&world, &kept).await, before, "after the process was killed");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_at_once_are_all_there_and_an_endless_statement_delays_nobody() {
    let world = World::new().await;
    world.drop_plugin("keeper");
    let bot = world.start().await;
    assert_eq!(talk(&world, &["!race 200"]).await, ["Some(200)"]);

    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    let reads = world
        .owner()
        .says(&format!("!sql {endless} SELECT count(*) FROM n"))
        .await;
    let writes = world
        .owner()
        .says(&format!("!sql {endless} INSERT INTO purses SELECT -i, i FROM n"))
        .await;
    // Both are under way, and everything but the plugin's own writer goes on.
    let alice = world.person("alice");
    assert_eq!(
        alice
            .says("!key set global meanwhile yes")
            .await
            .expect_reply()
            .await
            .content(),
        "null"
    );
    let purses = alice.says("!give 0 0").await;
    for stopped in [reads, writes] {
        let stopped = stopped.expect_reply().await;
        assert!(
            stopped.content().starts_with("TimedOut: stopped after 5000 ms"),
            "{}",
            stopped.content()
        );
    }
    assert_eq!(
        purses.expect_reply().await.content(),
        "0 has 100",
        "it waited and was done"
    );
    assert_eq!(
        talk(&world, &["!sql SELECT count(*) FROM purses WHERE id < 0"]).await,
        ["[{\"count(*)\":0}]"]
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_erases_what_is_kept_of_somebody() {
    let world = World::new().await;
    world.drop_plugin("keeper");
    let bot = world.start().await;
    let (owner, alice) = (world.owner(), world.person("alice"));
    for person in [&owner, &alice] {
        for line in [
            "!key set user a 1",
            "!key set member b 2",
            "!key set guild c 3",
            "!thank",
        ] {
            person.says(line).await.expect_reply().await;
        }
    }
    let forbidden = alice
        .says(&format!("!erase user {}", owner.id()))
        .await
        .expect_reply()
        .await;
    assert!(forbidden.components().is_empty(), "{}", forbidden.content());
    assert_eq!(
        talk(&world, &["!erase everybody 1", "!erase user nobody"]).await,
        [
            "Say whose data: `erase user ID` or `erase server ID`.",
            "That is no id: Discord shows one as a number of up to 20 digits.",
        ]
    );
    // Also while the plugin is away.
    world.remove_plugin("keeper");
    bot.logs("unloaded").await;
    let erased = erase(&owner, &format!("user {}", alice.id())).await;
    assert!(
        erased.contains("**keeper** has a database or files, and does not run") && erased.contains("2 values deleted"),
        "{erased}"
    );
    world.drop_plugin("keeper");
    bot.logs("generation=2").await;
    let own = ["!key get user a", "!key get member b"];
    for line in own {
        assert_eq!(alice.says(line).await.expect_reply().await.content(), "null");
        assert_ne!(owner.says(line).await.expect_reply().await.content(), "null");
    }
    assert_eq!(
        alice.says("!thank").await.expect_reply().await.content(),
        "{\"thanks\":1}"
    );
    assert_eq!(
        owner.says("!thank").await.expect_reply().await.content(),
        "{\"thanks\":2}"
    );

    let guild = world.sandbox.guild().id();
    let erased = erase(&owner, &format!("server {guild}")).await;
    assert!(
        erased.contains("**keeper** has a database or files, and no way to erase")
            && erased.contains("2 values deleted"),
        "{erased}"
    );
    assert_eq!(
        talk(&world, &["!key get guild c", "!key get user a"]).await,
        ["null", "\"1\""]
    );
    bot.stop().await;
    assert!(world.root().join("plugins").join(file_name("keeper")).exists());
}
