//! Controls, forms, files and replies: what messages can be, by both doors, against the local Discord and its specification.

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn selects_of_each_kind_arrive_with_what_was_chosen() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mods = world.sandbox.guild().add_role("Mods");
    let (bob_id, mods_id) = (bob.id().to_string(), mods.id().to_string());
    let general = world.channel().id().to_string();
    world
        .sandbox
        .expect_commands(|names| names.contains(&"selects".to_owned()))
        .await;
    let by_prefix = alice.says("!selects").await.expect_reply().await;
    let by_slash = alice.slash("selects", &[]).await.expect_reply().await;
    assert_eq!(by_prefix.components().len(), 5);

    let used = alice.selects(&by_prefix, "Sizes", &["s", "Huge"]).await;
    assert_eq!(used.expect_reply().await.content(), "3: s xl");
    for (message, select, values, expected) in [
        (&by_prefix, "Users", vec![&*bob_id], "users: user bob, member bob"),
        (
            &by_slash,
            "Both",
            vec![&*mods_id, &*bob_id],
            "both: user bob, member bob, role Mods",
        ),
    ] {
        let used = alice.selects(message, select, &values).await;
        assert_eq!(used.expect_update().await.content(), expected);
    }
    for (select, value, expected) in [
        ("Roles", &mods_id, "roles: role Mods"),
        ("Channels", &general, "channels: channel general"),
    ] {
        let message = alice.says("!selects").await.expect_reply().await;
        let used = alice.selects(&message, select, &[value]).await;
        assert_eq!(used.expect_update().await.content(), expected);
    }
    bot.stop().await;
}
