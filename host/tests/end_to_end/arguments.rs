//! Groups of commands and kinds of arguments: the same results and the same texts by prefix and by slash.

use serde_json::json;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_used_by_both_doors_and_listed_by_prefix() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    world
        .sandbox
        .expect_commands(|names| names.contains(&"warn".to_owned()))
        .await;

    let added = "warned bob: too loud";
    let said = alice.says(&format!("!warn add {} too loud", bob.mention())).await;
    assert_eq!(said.expect_reply().await.content(), added);
    let options = [("member", json!(bob.id().to_string())), ("reason", json!("too loud"))];
    let used = alice.slash("warn add", &options).await;
    assert_eq!(used.expect_reply().await.content(), added);

    let mods = world.sandbox.guild().add_role("Mods");
    assert_eq!(
        alice
            .says("!config role PLUS Mods")
            .await
            .expect_reply()
            .await
            .content(),
        "added Mods"
    );
    let used = alice
        .slash("config role add", &[("role", json!(mods.id().to_string()))])
        .await;
    assert_eq!(used.expect_reply().await.content(), "added Mods");

    let listed = alice.says("!Warn").await.expect_reply().await;
    insta::assert_snapshot!(listed.content(), @r"
    `!warn` needs one of its commands:
    `!warn add <member> [reason...]`: Warn a member.
    `!warn list [member]`: List the warnings of a member.
    ");
    let same = alice.says("!warn nobody knows").await.expect_reply().await;
    assert_eq!(same.content(), listed.content());
    let listed = alice.says("!config role").await.expect_reply().await;
    insta::assert_snapshot!(listed.content(), @r"
    `!config role` needs one of its commands:
    `!config role add <role>`: Name a role.
    ");
    let wrong = alice.says("!warn add").await.expect_reply().await;
    assert!(
        wrong.content().contains("Usage: `!warn add <member>"),
        "{}",
        wrong.content()
    );

    let commands = world.sandbox.commands();
    let warn = commands.iter().find(|command| command["name"] == "warn").unwrap();
    assert_eq!(warn["description"], "Warnings of members.");
    bot.stop().await;
}
